//! Signing in by a link that a program asked for: another portal of the organisation sends a developer over, who is known there.

use super::{UserState, get};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Administrator, Proven,
        links::{self, Found, Holder, Purpose},
    },
    db::Database,
    error::Error,
    users::recovery::NoData,
};

/// The path of a new link for a user, which works once and for five minutes.
///
/// # Errors
/// `Invalid` for an account that is not active, and for an administrator's: whoever may write by a token is no administrator in a browser.
pub async fn link(db: &Database, admin: &Administrator, name: &str) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    if user.state != UserState::Active.as_str() {
        return Err(Error::invalid("userId", "Only an active account signs in."));
    }
    if user.administrator {
        return Err(Error::invalid("userId", "Administrators sign in by themselves."));
    }
    let path = links::make(&mut tx, Purpose::SignIn, user.id, &NoData {}).await?;
    audit::record(&mut tx, admin.actor(), "user.sign_in_link_made", Subject::new("user", user.id.0, user.display()), NOTHING, NOTHING)
        .await?;
    tx.commit().await?;
    Ok(path)
}

/// Whom a link lets in: developers whose accounts are active at that instant.
fn lets_in(holder: &Holder) -> bool {
    holder.state == UserState::Active.as_str() && !holder.person.administrator
}

/// What a link opens. The account may have been blocked since, or have become an administrator's.
pub async fn find(db: &Database, token: &str) -> Result<Found, Error> {
    let now = db.now();
    Ok(match links::find(&mut db.read().await?, now, Purpose::SignIn, token).await? {
        Found::Open(holder) if !lets_in(&holder) => Found::Unknown,
        found => found,
    })
}

/// Uses up a link. Who may sign in now.
///
/// # Errors
/// `NotFound` when it does not work; `find` says why.
pub async fn sign_in(db: &Database, token: &str) -> Result<Proven, Error> {
    let mut tx = db.write().await?;
    let holder = links::take(&mut tx, Purpose::SignIn, token).await?.filter(lets_in).ok_or(Error::NotFound)?;
    let subject = Subject::new("user", holder.person.id.0, holder.person.display());
    audit::record(&mut tx, &holder.actor(), "user.signed_in_by_link", subject, NOTHING, NOTHING).await?;
    let proven = holder.let_in(&mut tx).await?;
    tx.commit().await?;
    Ok(proven)
}
