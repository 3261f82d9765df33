//! Signing in with email and password, and the brakes on guessing. No HTTP here.

use super::{Person, SignedIn, password::Passwords, session, store};
use crate::{
    db::{Database, Instant, Transaction},
    error::Error,
    ids::{self, UserId},
    keys::Keys,
    users,
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
}

/// A token that says only that this account has signed in from this browser.
pub fn known_browser(keys: &Keys, user: UserId) -> String {
    keys.lookup("known browser", &user.0.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What failures are counted by, and how many are free.
fn counters(keys: &Keys, email: &str, origin: &Origin, known: bool) -> Vec<(Vec<u8>, i64)> {
    let mut counters = vec![(keys.lookup("failures of address", &origin.address), 30)];
    if known {
        counters.push((keys.lookup("failures of known browser", email), 5));
    } else {
        counters.push((keys.lookup("failures of account and address", &format!("{email}\n{}", origin.address)), 5));
        counters.push((keys.lookup("failures of account", email), 10));
    }
    counters
}

fn wait_after(failures: i64, free: i64) -> time::Duration {
    let beyond = failures - free;
    time::Duration::seconds(if beyond < 0 { 0 } else { LONGEST_WAIT.min(1i64 << beyond.min(10)) })
}

/// Checks email and password.
///
/// # Errors
/// `Invalid` (the same words for an unknown address and a wrong password), `TooMany` with the seconds to wait,
/// and, with the right password only, `Forbidden` for accounts that are blocked or not confirmed.
pub async fn sign_in(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    email: &str,
    password: &str,
    origin: &Origin,
) -> Result<Person, Error> {
    let email = ids::fold(email);
    let found = store::find_credentials(&mut db.read().await?, &email).await?;
    let known = match (&origin.known_browser, &found) {
        (Some(token), Some(found)) => keys.same(token, &known_browser(keys, found.person.id)),
        _ => false,
    };
    let counters = counters(keys, &email, origin, known);

    // Counted as a failure before it is checked, so that a thousand attempts at once are a thousand failures.
    let mut tx = db.write().await?;
    let forget_before = tx.now().minus(FORGET);
    for (key, free) in &counters {
        refuse_early(&mut tx, key, *free, forget_before).await?;
    }
    for (key, _) in &counters {
        store::count_failure(&mut tx, key, forget_before).await?;
    }
    tx.commit().await?;

    let hash = found.as_ref().and_then(|f| f.password_hash.as_deref());
    let right = passwords.verify(password, hash).await?;
    let Some(found) = found.filter(|_| right) else {
        return Err(Error::invalid("password", "This email and password do not belong together."));
    };
    match found.state.as_str() {
        "active" => {}
        "pending" => return Err(Error::Forbidden("This account is not confirmed yet. An administrator can activate it.")),
        _ => return Err(Error::Forbidden("This account is blocked. Ask the people who run this portal.")),
    }
    let mut tx = db.write().await?;
    for (index, (key, _)) in counters.iter().enumerate() {
        // The address's other failures stay: signing in to an account of one's own must not pay for guessing at others'.
        if index == 0 {
            store::uncount_failure(&mut tx, key).await?;
        } else {
            store::forget_failures(&mut tx, key).await?;
        }
    }
    users::note_sign_in(&mut tx, found.person.id).await?;
    tx.commit().await?;
    Ok(found.person)
}

async fn refuse_early(tx: &mut Transaction, key: &[u8], free: i64, forget_before: Instant) -> Result<(), Error> {
    let now = tx.now();
    let Some((failures, last)) = store::find_failures(tx, key, forget_before).await? else { return Ok(()) };
    let left = wait_after(failures, free) - now.since(last);
    if left > time::Duration::ZERO {
        let seconds = left.whole_seconds().max(0).unsigned_abs() + 1;
        let unit = if seconds == 1 { "second" } else { "seconds" };
        return Err(Error::TooMany { seconds, message: format!("Too many failed attempts. Wait {seconds} {unit} and try again.") });
    }
    Ok(())
}

/// Whether this is the person's own password; for the pages that ask for it again. Failures count as at sign-in.
pub async fn confirm_password(
    db: &Database,
    keys: &Keys,
    passwords: &Passwords,
    who: &SignedIn,
    password: &str,
    field: &'static str,
) -> Result<(), Error> {
    let key = keys.lookup("failures of confirmation", &who.person().name);
    let mut tx = db.write().await?;
    let forget_before = tx.now().minus(FORGET);
    refuse_early(&mut tx, &key, 5, forget_before).await?;
    store::count_failure(&mut tx, &key, forget_before).await?;
    tx.commit().await?;
    let hash = store::find_password(&mut db.read().await?, who.id()).await?;
    if !passwords.verify(password, hash.as_deref()).await? {
        return Err(Error::invalid(field, "This is not your password."));
    }
    let mut tx = db.write().await?;
    store::forget_failures(&mut tx, &key).await?;
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
    match which {
        Which::One(name) => store::end_sessions(tx, user, Some(name), None).await,
        Which::AllBut(name) => store::end_sessions(tx, user, None, Some(name)).await,
        Which::All => store::end_sessions(tx, user, None, None).await,
    }
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
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_at_a_minute() {
        let waits: Vec<i64> = (0..14).map(|failures| wait_after(failures, 5).whole_seconds()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
