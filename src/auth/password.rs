//! Passwords: argon2id off the event loop, one at a time, so that a flood of sign-ins leaves the pages quick.

mod guessable;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Problems},
    waits::Waits,
};

/// OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane; these are the crate's defaults, asserted in a test.
fn hasher() -> Argon2<'static> {
    Argon2::default()
}

/// NIST SP 800-63B asks for a length and against rules of composition.
pub const LEAST: usize = 12;
pub const MOST: usize = 200;
/// How long a sign-in waits for its turn at the hash.
const WAIT: Duration = Duration::from_secs(5);

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    turn: Arc<Semaphore>,
    waits: Arc<Waits>,
    turns: Arc<AtomicU64>,
    /// Checked for addresses that are unknown, so that they take as long as known ones.
    decoy: Arc<str>,
}

impl Passwords {
    /// # Errors
    /// When argon2 cannot get its memory.
    pub fn new() -> Result<Self, String> {
        let decoy = hasher().hash_password(b"nobody has this password").map_err(|error| error.to_string())?.to_string();
        Ok(Self { turn: Arc::new(Semaphore::new(1)), waits: Arc::default(), turns: Arc::default(), decoy: decoy.into() })
    }

    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.in_turn(move || hasher().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|e| e.to_string()))
            .await?
            .map_err(Error::internal)
    }

    /// Whether the password is the one behind the hash; without a hash it takes as long and is false.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let password = password.to_owned();
        let right = self
            .in_turn(move || PasswordHash::new(&hash).is_ok_and(|hash| hasher().verify_password(password.as_bytes(), &hash).is_ok()))
            .await?;
        Ok(right && known)
    }

    /// Those who wait for their turn.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// How many hashes were made or checked: the same work for an unknown address as for a known one.
    pub fn turns(&self) -> u64 {
        self.turns.load(Relaxed)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::TooMany {
            seconds: 5,
            message: "Too many people are signing in at this moment. Wait a few seconds and try again.".to_owned(),
        };
        let turn = tokio::time::timeout(WAIT, self.turn.clone().acquire_owned());
        let permit = self.waits.taking(self.turn.available_permits() == 0, turn).await.map_err(|_| busy())?.map_err(Error::internal)?;
        self.turns.fetch_add(1, Relaxed);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(Error::internal)
    }
}

/// Checks a new password; `about` are texts about its owner (address, names), which are guessed first.
pub fn check(problems: &mut Problems, field: &'static str, password: &str, about: &[&str]) {
    let length = password.chars().count();
    if length < LEAST {
        problems.add(field, format!("The password needs at least {LEAST} characters; this has {length}."));
    } else if length > MOST {
        problems.add(field, format!("The password may have {MOST} characters; this has {length}."));
    } else if guessable::is_guessable(password, about) {
        problems
            .add(field, "This password is guessed early: a common word or a name, or keys in a row, and little else. Four words say more.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_owasps() {
        let hash = hasher().hash_password(b"x").unwrap().to_string();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[tokio::test]
    async fn right_wrong_and_unknown() {
        let passwords = Passwords::new().unwrap();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
    }
}
