//! The one-time link with which the first administrator chooses email and password.

use super::{Proven, password, store, system};
use crate::{
    db::Database,
    error::{Error, Problems},
    ids, keys,
    users::{self, NewUser, UserState},
};

/// A link that nobody used is worthless after this long; a restart prints a new one.
const LIFE: time::Duration = time::Duration::hours(24);

/// A new token for `/setup`, if there is no administrator yet. Only its hash is kept.
pub async fn new_token(db: &Database) -> Result<Option<String>, Error> {
    if super::has_administrator(db).await? {
        return Ok(None);
    }
    let token = ids::random_name(32);
    let mut tx = db.write().await?;
    store::insert_setup_link(&mut tx, &keys::digest(&token)).await?;
    tx.commit().await?;
    Ok(Some(token))
}

/// Whether the link opens the set-up page.
pub async fn is_open(db: &Database, token: &str) -> Result<bool, Error> {
    let now = db.now();
    store::has_setup_link(&mut db.read().await?, &keys::digest(token), now.minus(LIFE)).await
}

/// Makes the first administrator and closes every set-up link.
///
/// # Errors
/// `NotFound` when the link was used, is too old or was never given out; `Invalid` field by field.
pub async fn complete(
    db: &Database,
    passwords: &password::Passwords,
    token: &str,
    new: NewUser,
    password: &str,
    repeated: &str,
) -> Result<Proven, Error> {
    if !is_open(db, token).await? {
        return Err(Error::NotFound);
    }
    let mut problems = Problems::default();
    password::check(&mut problems, "password", password, &[&new.email, &new.first_name, &new.last_name]);
    if password != repeated {
        problems.add("repeated", "The two passwords differ.");
    }
    let checked = match new.check() {
        Ok(checked) if problems.is_empty() => checked,
        Ok(_) => return Err(Error::Invalid(problems)),
        Err(Error::Invalid(mut more)) => {
            more.0.append(&mut problems.0);
            return Err(Error::Invalid(more));
        }
        Err(other) => return Err(other),
    };
    let hash = passwords.hash(password).await?;
    let mut tx = db.write().await?;
    // Closing the links is what decides between two people who use one link at once.
    if store::delete_setup_links(&mut tx).await? == 0 || store::has_administrator(&mut tx).await? {
        return Err(Error::NotFound);
    }
    let user = users::insert(&mut tx, &system("set-up"), &checked, Some(&hash), UserState::Active, true).await?;
    tx.commit().await?;
    Ok(Proven::new(user, Some(&hash)))
}
