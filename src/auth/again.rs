//! The password once more, for what must not happen at a desk that somebody left: given, it counts in this session for a while. No HTTP here.

use super::{SignedIn, password::Passwords, sign_in, store};
use crate::{
    db::{Database, Instant},
    error::Error,
    keys::Keys,
};

/// How long a password that was given again counts.
const LASTS: time::Duration = time::Duration::minutes(10);

/// Whether one that was given then still counts.
pub(super) fn counts(given: Option<Instant>, now: Instant) -> bool {
    given.is_some_and(|given| now.since(given).abs() < LASTS)
}

/// Who asks, and whether they gave their password again a short while ago.
#[derive(Clone, Debug)]
pub struct Again {
    who: SignedIn,
    /// Its name.
    session: String,
    given: bool,
    has_password: bool,
}

/// Proof that whoever acts gave their password again, within the last ten minutes.
#[derive(Clone, Copy, Debug)]
pub struct Confirmed(());

impl Confirmed {
    /// Whoever made the token gave the password for it, and it is for this.
    pub(super) fn by_token() -> Self {
        Self(())
    }
}

impl Again {
    pub(super) fn new(who: SignedIn, session: String, given: bool, has_password: bool) -> Self {
        Self { who, session, given, has_password }
    }

    /// Whether no form needs to ask for it.
    pub fn is_given(&self) -> bool {
        self.given
    }

    /// Whether there is one to give; otherwise a provider proves it anew.
    pub fn has_password(&self) -> bool {
        self.has_password
    }

    pub fn who(&self) -> &SignedIn {
        &self.who
    }

    /// What was typed counts from now on; where the password counts already nothing needs to be.
    ///
    /// # Errors
    /// `Invalid` on `password`; `TooMany` when it was wrong too often.
    pub async fn prove(&self, db: &Database, keys: &Keys, passwords: &Passwords, typed: &str) -> Result<Confirmed, Error> {
        if self.given {
            return Ok(Confirmed(()));
        }
        if !self.has_password {
            return Err(Error::invalid("password", "Sign in once more first: you have no password here."));
        }
        if typed.is_empty() {
            return Err(Error::invalid("password", "Type your own password."));
        }
        sign_in::confirm_password(db, keys, passwords, &self.who, typed, "password").await?;
        let mut tx = db.write().await?;
        store::confirm_session(&mut tx, self.who.id(), &self.session).await?;
        tx.commit().await?;
        Ok(Confirmed(()))
    }
}
