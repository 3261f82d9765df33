//! Whether people may sign in with a password. While they may not, a provider is everybody's only way in, and the operator's command the way back.

use serde::Serialize;

use super::store;
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database},
    error::Error,
    ids::IdentityId,
};

/// Whether people may sign in with a password, and at which version that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PasswordSignIn {
    pub allowed: bool,
    pub version: i64,
}

#[derive(Serialize)]
struct PasswordFacts {
    allowed: bool,
}

/// What whoever comes with a password is told while none is taken.
pub const NO_PASSWORDS: Error = Error::Forbidden("Nobody signs in with a password here. Continue with one of the providers.");

/// # Errors
/// `Forbidden` while passwords are switched off.
pub async fn demand_passwords(connection: &mut Connection) -> Result<(), Error> {
    if passwords_allowed(connection).await?.allowed { Ok(()) } else { Err(NO_PASSWORDS) }
}

pub async fn passwords_allowed(connection: &mut Connection) -> Result<PasswordSignIn, Error> {
    store::password_sign_in(connection).await
}

/// Allows signing in with a password, or no longer. False when it was so.
///
/// # Errors
/// `Conflict` to whoever would switch it off in a session that began with a password, or by a provider that is off by now: that a provider
/// lets an administrator in has to be seen first. `by` is the account that the session began with.
pub async fn allow_passwords(db: &Database, admin: &Administrator, by: Option<IdentityId>, allowed: bool) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    // Whoever switches a provider off meanwhile must not leave nobody a way in.
    tx.one_at_a_time("ways in", 1).await?;
    if store::password_sign_in(&mut tx).await?.allowed == allowed {
        return Ok(false);
    }
    let by_provider = match by {
        Some(identity) => store::identities::provider_of(&mut tx, identity).await?.is_some(),
        None => false,
    };
    // The operator can bring passwords back.
    if !allowed && !by_provider && admin.id().is_some() {
        return Err(Error::Conflict("Sign in by a provider first, to see that it lets you in; then switch passwords off.".to_owned()));
    }
    store::allow_passwords(&mut tx, allowed).await?;
    let subject = Subject { kind: "portal", key: None, display: "Sign-in with a password".to_owned() };
    let (before, after) = (PasswordFacts { allowed: !allowed }, PasswordFacts { allowed });
    audit::record(&mut tx, admin.actor(), "portal.password_sign_in_edited", subject, Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}
