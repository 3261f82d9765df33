//! Passwords: argon2id off the event loop, one at a time, so that a flood of sign-ins leaves the pages quick.

mod guessable;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self, CustomizedPasswordHasher, PasswordHasher, PasswordVerifier,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use tokio::sync::Semaphore;

use crate::{
    error::{Error, Problems},
    waits::Waits,
};

/// Argon2id in memory that is kept from one hash to the next, since allocators give it back late, and the next hash may take other memory.
/// OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane; these are the crate's defaults, asserted in a test.
#[derive(Default)]
struct Hasher {
    memory: Mutex<Vec<Block>>,
}

impl PasswordHasher<PasswordHash> for Hasher {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> password_hash::Result<PasswordHash> {
        self.hash_password_with_params(password, salt, Params::default())
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<password_hash::Version>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        // Memory for another strength goes when the hash is made.
        if params.m_cost() != Params::DEFAULT_M_COST {
            return Argon2::default().hash_password_customized(password, salt, algorithm, version, params);
        }
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let argon2 = Argon2::new(algorithm, version, params.clone());
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = params.block_count().saturating_sub(memory.len());
        memory.try_reserve_exact(missing).map_err(|_| password_hash::Error::OutOfMemory)?;
        memory.resize(params.block_count(), Block::new());
        let mut buffer = [0; Output::MAX_LENGTH];
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let out = buffer.get_mut(..length).ok_or(password_hash::Error::OutputSize)?;
        argon2.hash_password_into_with_memory(password, salt, out, memory.as_mut_slice())?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(out)?),
        })
    }
}

/// NIST SP 800-63B asks for a length and against rules of composition.
pub const LEAST: usize = 12;
pub const MOST: usize = 200;
/// Beside the field where a password is chosen.
pub const HINT: &str = "At least 12 characters. Four words that do not belong together are good, and easy to keep.";
/// How long a sign-in waits for its turn at the hash.
const WAIT: Duration = Duration::from_secs(5);

/// Checked for addresses that are unknown, so that they take as long as known ones. Whatever it is of lets nobody in.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$yUZ2t5vyhSvRShQ/9RpmbA$uWPKjadnlr20AwoieMzU255lKM8V9p+/4FRC4mSqt0Q";

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    turn: Arc<Semaphore>,
    waits: Arc<Waits>,
    turns: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { hasher: Arc::default(), turn: Arc::new(Semaphore::new(1)), waits: Arc::default(), turns: Arc::default() }
    }
}

impl Passwords {
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let password = password.to_owned();
        self.in_turn(move |hasher| hasher.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|e| e.to_string()))
            .await?
            .map_err(Error::internal)
    }

    /// Whether the password is the one behind the hash; without a hash it takes as long and is false.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(DECOY).to_owned();
        let password = password.to_owned();
        let right = self
            .in_turn(move |hasher| PasswordHash::new(&hash).is_ok_and(|hash| hasher.verify_password(password.as_bytes(), &hash).is_ok()))
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

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce(&Hasher) -> T + Send + 'static) -> Result<T, Error> {
        let busy = || Error::TooMany {
            seconds: 5,
            message: "Too many people are signing in at this moment. Wait a few seconds and try again.".to_owned(),
        };
        let turn = tokio::time::timeout(WAIT, self.turn.clone().acquire_owned());
        let permit = self.waits.taking(self.turn.available_permits() == 0, turn).await.map_err(|_| busy())?.map_err(Error::internal)?;
        self.turns.fetch_add(1, Relaxed);
        let hasher = self.hasher.clone();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&hasher)
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
    } else if let Some(why) = weakness(password, about) {
        problems.add(field, format!("This password is guessed early. {why}Four words that do not belong together say more."));
    }
}

/// Characters that the estimate sees at once: its time grows faster than their number.
const SEEN: usize = 40;
/// Signs put for letters, of different kinds: the estimate tries every reading of them with every other.
const READ: usize = 4;

/// Why a password would be found within 10^8 guesses (zxcvbn, D. Wheeler, USENIX Security 2016), a sentence or nothing; None when it would
/// not. Its lists know leaked passwords and names that ours do not; ours knows rows, languages and endings that its lists do not.
fn weakness(password: &str, about: &[&str]) -> Option<String> {
    // A few words are enough to know who it is about.
    let parts = about.iter().flat_map(|text| std::iter::once(*text).chain(text.split(|c: char| !c.is_alphanumeric())));
    let words: Vec<&str> = parts.filter(|part| part.len() > 2 && part.len() <= 254).take(24).chain(["portico"]).collect();
    let signs: std::collections::HashSet<char> = password.chars().filter(|c| guessable::letter_for(*c).is_some()).collect();
    let read = |c: char| if signs.len() > READ { guessable::letter_for(c).unwrap_or(c) } else { c };
    let characters: Vec<char> = password.chars().map(read).collect();
    let seen = |characters: &[char]| zxcvbn::zxcvbn(&characters.iter().collect::<String>(), &words);
    let head = seen(&characters[..characters.len().min(SEEN)]);
    let strong = |estimate: &zxcvbn::Entropy| estimate.score() >= zxcvbn::Score::Three;
    if strong(&head) || (characters.len() > SEEN && strong(&seen(&characters[characters.len() - SEEN..]))) {
        return None;
    }
    let warning = head.feedback().and_then(|feedback| feedback.warning());
    Some(warning.map(|warning| format!("{warning} ")).unwrap_or_default())
}

/// As `check`, of the form's `password`, and that it was typed the same way twice.
pub fn check_twice(problems: &mut Problems, password: &str, repeated: &str, about: &[&str]) {
    check(problems, "password", password, about);
    if problems.on("password").is_empty() && password != repeated {
        problems.add("repeated", "The two passwords are not the same.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_owasps() {
        let hash = Hasher::default().hash_password(b"x").unwrap().to_string();
        for hash in [&hash, DECOY] {
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert_eq!(hash.len(), DECOY.len());
        }
    }

    #[test]
    fn kept_memory_is_the_crates_argon2() {
        let hasher = Hasher::default();
        for password in [b"one", b"two"] {
            let ours = hasher.hash_password(password).unwrap();
            Argon2::default().verify_password(password, &ours).unwrap();
            let theirs = Argon2::default().hash_password(password).unwrap();
            hasher.verify_password(password, &theirs).unwrap();
            assert!(hasher.verify_password(b"three", &theirs).is_err());
        }
    }

    #[test]
    fn hashes_of_another_strength_are_checked() {
        let hasher = Hasher::default();
        for (memory, passes, lanes, length) in [(64, 1, 1, 32), (19_456, 3, 2, 24), (19_456, 2, 1, 32), (20_000, 1, 1, 16)] {
            let params = Params::new(memory, passes, lanes, Some(length)).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
            let hash = argon2.hash_password(b"from elsewhere").unwrap();
            hasher.verify_password(b"from elsewhere", &hash).unwrap();
            assert!(hasher.verify_password(b"from nowhere", &hash).is_err());
        }
        assert!(hasher.memory.lock().unwrap().len() <= Params::DEFAULT.block_count());
    }

    #[test]
    fn length_and_guesses_decide_and_composition_does_not() {
        let about = ["ana.alves@contoso.example", "Ana", "Alves"];
        let said = |password: &str| {
            let mut problems = Problems::default();
            check(&mut problems, "password", password, &about);
            problems.on("password").to_owned()
        };
        let long = format!("{}{}", "a".repeat(70), "a quiet harbour at noon");
        for good in [
            "a quiet harbour at noon",
            "correct horse battery staple",
            "静かな港の正午に鳴る鐘の音",
            "x7gq-m2hv-9tka",
            "qw7er8ty9ui0op1as",
            &long,
        ] {
            assert_eq!(said(good), "", "{good}");
        }
        assert!(said("elevenchars").contains("at least 12"));
        for bad in [
            "Password1234",
            "trustno1trustno1",
            "Ana-Alves-2026",
            "ana.alves@contoso.example",
            "rodriguez1987",
            "mississippi12",
            "thunderbird99",
            &"ab".repeat(100),
        ] {
            assert!(said(bad).contains("guessed early"), "{bad}: {}", said(bad));
        }
    }

    /// What takes longest to estimate: everything stands for everything.
    #[test]
    fn the_estimate_is_bounded_in_time() {
        for longest in [
            "4@8({[<369&1!|0$5+7%2".repeat(20),
            "password1!".repeat(20),
            (0..MOST).map(|at| char::from(b'a' + (at * at % 26) as u8)).collect(),
        ] {
            let longest: String = longest.chars().take(MOST).collect();
            let name = "a".repeat(100);
            let began = std::time::Instant::now();
            check(&mut Problems::default(), "password", &longest, &[&longest, &name, &name]);
            assert!(began.elapsed() < Duration::from_secs(1), "{longest}: {:?}", began.elapsed());
        }
    }

    #[tokio::test]
    async fn right_wrong_and_unknown() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(passwords.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
    }
}
