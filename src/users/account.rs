//! What people do to their own account: name, password, sessions.

use serde::Deserialize;

use super::{SessionFacts, User, UserFacts, get, store};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        SignedIn,
        links::{self, Purpose},
        password::{self, Passwords},
        sign_in::{Which, confirm_password, end_sessions},
    },
    db::Database,
    error::{Error, Problems},
    keys::Keys,
};

/// What somebody is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NewName {
    pub first_name: String,
    pub last_name: String,
}

/// Changes one's own name. False when nothing is different.
///
/// # Errors
/// `Invalid`; `Stale` when the account was changed since the form was shown.
pub async fn rename(db: &Database, who: &SignedIn, version: i64, new: &NewName) -> Result<bool, Error> {
    let mut problems = Problems::default();
    let first_name = problems.person("first_name", "The first name", &new.first_name, 1);
    let last_name = problems.person("last_name", "The last name", &new.last_name, 1);
    problems.or(())?;
    let mut tx = db.write().await?;
    let user = get(&mut tx, &who.person().name).await?;
    if user.first_name == first_name && user.last_name == last_name {
        return Ok(false);
    }
    let renamed = User { first_name, last_name, ..user.clone() };
    if !store::update(&mut tx, &renamed, version).await? {
        return Err(Error::Stale);
    }
    let (before, after): (UserFacts, UserFacts) = (user.facts(), renamed.facts());
    audit::record(&mut tx, who.actor(), "user.renamed", Subject::new("user", user.id.0, renamed.display()), Some(before), Some(after))
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// What the form for a new password holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewPassword {
    pub current: String,
    pub password: String,
    pub repeated: String,
}

/// Changes one's own password, and ends every other session than the named one. How many ended.
///
/// # Errors
/// `Invalid`, field by field; `TooMany` when the current password was wrong too often.
pub async fn change_password(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    who: &SignedIn,
    session: &str,
    new: &NewPassword,
) -> Result<u64, Error> {
    let mut problems = Problems::default();
    if new.current.is_empty() {
        problems.add("current", "Type your current password.");
    }
    let person = who.person();
    password::check_twice(&mut problems, &new.password, &new.repeated, &[&person.email, &person.first_name, &person.last_name]);
    problems.or(())?;
    let confirmed = confirm_password(db, keys, passwords, who, &new.current, "current").await?;
    let hash = passwords.hash(&new.password).await?;
    let mut tx = db.write().await?;
    if !store::set_password(&mut tx, who.id(), &hash, confirmed.as_deref()).await? {
        return Err(Error::invalid("current", "Your password was changed a moment ago. Type the new one."));
    }
    let ended = end_sessions(&mut tx, who.id(), Which::AllBut(session)).await?;
    links::forget(&mut tx, Purpose::PasswordReset, who.id()).await?;
    // Perhaps somebody else asked for another address.
    links::forget(&mut tx, Purpose::EmailChange, who.id()).await?;
    let subject = Subject::new("user", who.id().0, who.person().display());
    audit::record(&mut tx, who.actor(), "user.password_changed", subject, NOTHING, Some(SessionFacts { sessions: ended })).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends one of one's own sessions. False when it had ended.
pub async fn end_session(db: &Database, who: &SignedIn, session: &str) -> Result<bool, Error> {
    if session.is_empty() {
        return Ok(false);
    }
    end(db, who, Which::One(session)).await.map(|ended| ended > 0)
}

/// Ends all of one's own sessions.
pub async fn end_every_session(db: &Database, who: &SignedIn) -> Result<(), Error> {
    end(db, who, Which::All).await.map(|_| ())
}

async fn end(db: &Database, who: &SignedIn, which: Which<'_>) -> Result<u64, Error> {
    let mut tx = db.write().await?;
    let ended = end_sessions(&mut tx, who.id(), which).await?;
    if ended > 0 {
        let subject = Subject::new("user", who.id().0, who.person().display());
        audit::record(&mut tx, who.actor(), "user.sessions_ended", subject, NOTHING, Some(SessionFacts { sessions: ended })).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
