//! Signing in with email and password, and the brakes on guessing. No HTTP here.

use std::net::{IpAddr, Ipv6Addr};

use super::{
    Proven, SignedIn,
    links::{self, Purpose},
    password::Passwords,
    session, store,
};
use crate::{
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    ids::{self, IdentityId, ProviderId, UserId},
    keys::Keys,
};

/// Failures are forgotten after this long without another.
const FORGET: time::Duration = time::Duration::minutes(15);
/// Waits double from one second after the free attempts, up to this many seconds: a lock would let anybody lock anybody out.
const LONGEST_WAIT: i64 = 60;

/// Where an attempt comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: String,
    /// What `known_browser` gave this browser at an earlier sign-in: strangers' failures do not slow its owner.
    pub known_browser: Option<String>,
    /// The request's id, for the log.
    pub request: String,
}

/// A token that says only that this account has signed in from this browser.
pub fn known_browser(keys: &Keys, user: UserId) -> String {
    keys.lookup("known browser", &user.0.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Failures in one place, and how many of them are free.
struct Brake {
    key: Vec<u8>,
    free: i64,
    /// Whether signing in wipes them out. Elsewhere only the attempt itself is taken back: a guesser must not win new tries by an
    /// account of their own, nor by the owner coming home.
    forgiven: bool,
}

/// Where an attempt's failures stand. The account's own count never refuses anybody: it only takes the free tries from addresses that
/// have failed for it, so that its owner always has one, whoever guesses meanwhile from however many places.
struct Brakes {
    brakes: Vec<Brake>,
    account: Option<Vec<u8>>,
}

/// Failures of an account, from anywhere, after which no address has more than one free try.
const UNDER_ATTACK: i64 = 10;

impl Brakes {
    fn new(keys: &Keys, email: &str, origin: &Origin, known: bool) -> Self {
        if known {
            let key = keys.lookup("failures of known browser", email);
            return Self { brakes: vec![Brake { key, free: 5, forgiven: true }], account: None };
        }
        let network = network(&origin.address);
        let address = Brake { key: keys.lookup("failures of address", &network), free: 30, forgiven: false };
        let pair = keys.lookup("failures of account and address", &format!("{email}\n{network}"));
        let pair = Brake { key: pair, free: 5, forgiven: true };
        Self { brakes: vec![address, pair], account: Some(keys.lookup("failures of account", email)) }
    }

    /// Refuses, or counts a failure: before the password is checked, so that a thousand attempts at once are a thousand failures.
    async fn count(&self, tx: &mut Transaction) -> Result<(), Error> {
        let forget_before = tx.now().minus(FORGET);
        for brake in &self.brakes {
            tx.one_at_a_time("sign in", number(&brake.key)).await?;
        }
        let attacked = match &self.account {
            Some(key) => store::find_failures(tx, key, forget_before).await?.is_some_and(|(failures, _)| failures >= UNDER_ATTACK),
            None => false,
        };
        for brake in &self.brakes {
            let free = if attacked && brake.forgiven { 0 } else { brake.free };
            refuse_early(tx, &brake.key, free, forget_before).await?;
        }
        for key in self.brakes.iter().map(|brake| &brake.key).chain(&self.account) {
            store::count_failure(tx, key, forget_before).await?;
        }
        Ok(())
    }

    /// It was no failure.
    async fn release(&self, tx: &mut Transaction) -> Result<(), Error> {
        for brake in &self.brakes {
            if brake.forgiven {
                store::forget_failures(tx, &brake.key).await?;
            } else {
                store::uncount_failure(tx, &brake.key).await?;
            }
        }
        if let Some(account) = &self.account {
            store::uncount_failure(tx, account).await?;
        }
        Ok(())
    }
}

/// What an address is counted by: itself, or the network that an IPv6 site is given whole (RFC 6177: a /64 and more).
fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
        _ => address.to_owned(),
    }
}

/// A number for a lock; two keys with the same one only wait for each other.
fn number(key: &[u8]) -> i64 {
    key.iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

fn wait_after(failures: i64, free: i64) -> time::Duration {
    let beyond = failures - free;
    time::Duration::seconds(if beyond < 0 { 0 } else { LONGEST_WAIT.min(1i64 << beyond.min(10)) })
}

/// Checks email and password.
///
/// # Errors
/// `Invalid` (the same words for an unknown address, a wrong password and a sign-up that nobody has confirmed), `TooMany` with the seconds
/// to wait, and, with the right password only, `Forbidden` for accounts that are blocked.
pub async fn sign_in(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    email: &str,
    password: &str,
    origin: &Origin,
) -> Result<Proven, Error> {
    let email = ids::fold(email);
    let found = store::find_credentials(&mut db.read().await?, &email).await?;
    // What was typed stays out of the log: people type passwords into the wrong field.
    let account = found.as_ref().map_or_else(|| "nobody's".to_owned(), |found| found.person.name.clone());
    let proven = prove(db, keys, passwords, (&email, found), password, origin).await;
    let (outcome, request, address) = (in_a_word(&proven), &origin.request, &origin.address);
    match &proven {
        Ok(_) => tracing::info!(%request, %address, %account, outcome, "sign-in"),
        Err(_) => tracing::warn!(%request, %address, %account, outcome, "sign-in"),
    }
    proven
}

/// How a sign-in ended, for the log and those who count.
pub fn in_a_word<T>(outcome: &Result<T, Error>) -> &'static str {
    match outcome {
        Ok(_) => "signed_in",
        Err(Error::Invalid(_)) => "wrong",
        Err(Error::Forbidden(_)) => "not_active",
        Err(Error::TooMany { .. }) => "too_many",
        Err(_) => "failed",
    }
}

async fn prove(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    (email, found): (&str, Option<store::Credentials>),
    password: &str,
    origin: &Origin,
) -> Result<Proven, Error> {
    let known = match (&origin.known_browser, &found) {
        (Some(token), Some(found)) => keys.same(token, &known_browser(keys, found.person.id)),
        _ => false,
    };
    let brakes = Brakes::new(keys, email, origin, known);
    let mut tx = db.write().await?;
    brakes.count(&mut tx).await?;
    tx.commit().await?;

    let hash = found.as_ref().and_then(|f| f.password_hash.as_deref());
    let right = passwords.verify(password, hash).await?;
    let mut tx = db.write().await?;
    // Checking takes its time, in which the password may have been changed or the account blocked.
    let now = store::find_credentials(&mut tx, email).await?;
    let same = |now: &store::Credentials| right && found.is_some_and(|found| found.password_hash == now.password_hash);
    // Whoever signed up an address does not learn by it whether there was an account.
    let Some(found) = now.filter(|now| now.state != "pending" && same(now)) else {
        return Err(Error::invalid("password", "This email and password do not belong together."));
    };
    match found.state.as_str() {
        "active" => {}
        _ => return Err(Error::Forbidden("This account is blocked. Ask the people who run this portal.")),
    }
    brakes.release(&mut tx).await?;
    tx.commit().await?;
    Ok(Proven::new(found.person, found.password_hash.as_deref()))
}

async fn refuse_early(tx: &mut Transaction, key: &[u8], free: i64, forget_before: Instant) -> Result<(), Error> {
    let now = tx.now();
    let Some((failures, last)) = store::find_failures(tx, key, forget_before).await? else { return Ok(()) };
    // A failure of the future, from before the clock was set back, is no nearer than one of the past: its instant may never come.
    let left = wait_after(failures, free) - now.since(last).abs();
    if left > time::Duration::ZERO {
        let seconds = left.whole_seconds().max(0).unsigned_abs() + 1;
        let unit = if seconds == 1 { "second" } else { "seconds" };
        return Err(Error::TooMany { seconds, message: format!("Too many failed attempts. Wait {seconds} {unit} and try again.") });
    }
    Ok(())
}

/// Checks that this is the person's own password, for the pages that ask for it again; its hash is the answer. Failures count as at
/// sign-in.
pub async fn confirm_password(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    who: &SignedIn,
    password: &str,
    field: &'static str,
) -> Result<Option<String>, Error> {
    let key = keys.lookup("failures of confirmation", &who.person().name);
    let mut tx = db.write().await?;
    let forget_before = tx.now().minus(FORGET);
    tx.one_at_a_time("sign in", number(&key)).await?;
    refuse_early(&mut tx, &key, 5, forget_before).await?;
    store::count_failure(&mut tx, &key, forget_before).await?;
    tx.commit().await?;
    let hash = store::find_password(&mut db.read().await?, who.id()).await?;
    if !passwords.verify(password, hash.as_deref()).await? {
        tracing::warn!(user = %who.person().name, "a wrong password was typed where a signed-in person is asked for their own");
        return Err(Error::invalid(field, "This is not your password."));
    }
    let mut tx = db.write().await?;
    store::forget_failures(&mut tx, &key).await?;
    tx.commit().await?;
    Ok(hash)
}

/// Slows those down who ask for mails, by the account that they name, be there one or not, and by where they come from: every request
/// counts as a failure to sign in would, apart for each `what`.
pub async fn slow_down(db: &Database, keys: &Keys, what: &'static str, email: &str, address: &str) -> Result<(), Error> {
    let account = (keys.lookup(&format!("{what} for account"), &ids::fold(email)), 5);
    let address = (keys.lookup(&format!("{what} from address"), &network(address)), 30);
    let mut tx = db.write().await?;
    let forget_before = tx.now().minus(FORGET);
    for (key, free) in [&address, &account] {
        tx.one_at_a_time("sign in", number(key)).await?;
        refuse_early(&mut tx, key, *free, forget_before).await.map_err(|error| match error {
            Error::TooMany { seconds, .. } => {
                let unit = if seconds == 1 { "second" } else { "seconds" };
                Error::TooMany { seconds, message: format!("That was asked for too often. Wait {seconds} {unit} and try again.") }
            }
            other => other,
        })?;
        store::count_failure(&mut tx, key, forget_before).await?;
    }
    tx.commit().await
}

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub idle: time::Duration,
    pub absolute: time::Duration,
}

/// A user's live sessions, the latest first.
pub async fn sessions_of(db: &Database, user: UserId, limits: Limits) -> Result<Vec<store::OpenSession>, Error> {
    let now = db.now();
    store::sessions_of(&mut db.read().await?, user, now.minus(limits.absolute), now.minus(limits.idle)).await
}

pub use session::Sessions;
pub use store::OpenSession;

/// Ends sessions of a user in the caller's transaction: the named one, all but the named one, or all. How many ended.
pub async fn end_sessions(tx: &mut Transaction, user: UserId, which: Which<'_>) -> Result<u64, Error> {
    if !matches!(which, Which::One(_)) {
        // Nobody comes in again by what was given out before.
        links::forget(tx, Purpose::SignIn, user).await?;
    }
    match which {
        Which::One(name) => store::end_sessions(tx, user, Some(name), None).await,
        Which::AllBut(name) => store::end_sessions(tx, user, None, Some(name)).await,
        Which::All => store::end_sessions(tx, user, None, None).await,
    }
}

/// Ends every session of many users, in the caller's transaction.
pub async fn end_sessions_of(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::end_sessions_of(tx, users).await
}

/// Ends the sessions that began by a provider, in the caller's transaction.
pub async fn end_sessions_by(tx: &mut Transaction, provider: ProviderId) -> Result<u64, Error> {
    store::end_sessions_by(tx, provider).await
}

pub async fn count_sessions_by(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    store::count_sessions_by(connection, provider).await
}

/// Ends the sessions that began with an account of a provider: all, or those that the provider calls so.
pub async fn end_sessions_with(tx: &mut Transaction, identity: IdentityId, provider_session: Option<&str>) -> Result<u64, Error> {
    store::end_sessions_with(tx, identity, provider_session).await
}

/// A provider has proved anew who somebody is: it counts as their password does (`Again`).
pub async fn confirm_by_provider(tx: &mut Transaction, user: UserId, session: &str) -> Result<(), Error> {
    store::confirm_session(tx, user, session).await
}

#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    One(&'a str),
    AllBut(&'a str),
    All,
}

/// Removes sessions that have run out and failures that are forgotten; run now and then.
pub async fn tidy(db: &Database, limits: Limits) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    store::delete_expired_sessions(&mut tx, now.minus(limits.absolute), now.minus(limits.idle)).await?;
    store::forget_old_failures(&mut tx, now.minus(FORGET)).await?;
    super::links::tidy(&mut tx).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network(""), "");
    }

    #[test]
    fn waits_grow_and_end_at_a_minute() {
        let waits: Vec<i64> = (0..14).map(|failures| wait_after(failures, 5).whole_seconds()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
