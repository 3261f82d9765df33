//! The accounts of providers that somebody's account here is linked to.

use super::store::identities::{self, Identity};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{self, SignedIn, sign_in::end_sessions_with},
    db::{Connection, Database},
    error::Error,
    groups,
    ids::{IdentityId, UserId},
};

/// What the audit log keeps of a link.
#[derive(serde::Serialize)]
pub(super) struct LinkFacts {
    pub provider: String,
    /// Its subject, since addresses are the person's own.
    pub account: String,
}

/// By provider.
pub async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<Identity>, Error> {
    identities::of_user(connection, user).await
}

/// Unlinks one of one's own, and ends the sessions that began with it, and the memberships that the provider reported. The provider's name; none when it was not linked.
///
/// # Errors
/// `Conflict` for the last way in.
pub async fn unlink(db: &Database, who: &SignedIn, identity: IdentityId) -> Result<Option<String>, Error> {
    let mut tx = db.write().await?;
    // Two at once must not each leave the other as the last way in.
    tx.one_at_a_time("identities", who.id().0).await?;
    let all = identities::of_user(&mut tx, who.id()).await?;
    let Some(found) = all.iter().find(|known| known.id == identity) else { return Ok(None) };
    let alone = !all.iter().any(|other| other.id != identity && other.provider_id == found.provider_id);
    let others = all.iter().any(|other| other.id != identity && other.enabled);
    let by_password = identities::has_password(&mut tx, who.id()).await? && super::passwords_allowed(&mut tx).await?.allowed;
    if !others && !by_password {
        let why = "This is your only way in. Set a password first: “Forgotten your password?” on the page for signing in mails you a link.";
        return Err(Error::Conflict(why.to_owned()));
    }
    end_sessions_with(&mut tx, identity, None).await?;
    identities::delete(&mut tx, identity, who.id()).await?;
    if alone {
        // Nobody says any more that they are in its groups.
        let reporter = groups::Reporter { provider: found.provider_id, name: &found.provider_name, tenant: &found.tenant };
        groups::report_memberships(&mut tx, &auth::provider(&found.provider), reporter, who.person(), &[]).await?;
    }
    let facts = LinkFacts { provider: found.provider.clone(), account: found.subject.clone() };
    let subject = Subject::new("user", who.id().0, who.person().display());
    audit::record(&mut tx, who.actor(), "user.unlinked", subject, Some(facts), NOTHING).await?;
    tx.commit().await?;
    Ok(Some(found.provider.clone()))
}

/// By which providers somebody can prove once more who they are.
pub async fn ways_again(connection: &mut Connection, user: UserId) -> Result<Vec<Identity>, Error> {
    let mut ways = identities::of_user(connection, user).await?;
    ways.retain(|identity| identity.enabled);
    ways.dedup_by(|one, other| one.provider_id == other.provider_id);
    Ok(ways)
}

/// The name of the enabled provider of an account that a session began with.
pub async fn provider_of(db: &Database, identity: IdentityId) -> Result<Option<String>, Error> {
    identities::provider_of(&mut db.read().await?, identity).await
}
