//! State and passwords of many users at once. One's own account is never among them, so that somebody is left who can undo it.

use serde::Serialize;

use super::{
    User, UserState,
    bulk::Chosen,
    invitations::subject_of,
    recovery::{NoData, PRESSED_TWICE, mail_link},
    store,
};
use crate::{
    audit::{self, NOTHING},
    auth::{Administrator, Confirmed, Person, links, links::Purpose, sign_in::end_sessions_of},
    db::{Database, Transaction},
    error::Error,
    ids::UserId,
    mail::{Kind, Post, Recipient},
};

/// What became of the chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub changed: usize,
    /// Those that were so already.
    pub already: usize,
    /// Those that it is not for: one's own account, or another state.
    pub left: usize,
    /// Administrators, whose role nobody gives back without their own password.
    pub administrators: usize,
}

#[derive(Serialize)]
struct ManyFacts {
    state: &'static str,
    users: Vec<UserId>,
}

/// The chosen in the order of their keys, which on PostgreSQL are theirs who act until the end of the transaction.
async fn take(tx: &mut Transaction, chosen: &Chosen) -> Result<Vec<User>, Error> {
    let now = tx.now();
    // In one order with whoever changes roles.
    store::administrators(tx).await?;
    let keys = chosen.keys(tx, now).await?;
    store::take(tx, &keys).await
}

async fn change(tx: &mut Transaction, admin: &Administrator, action: &'static str, state: UserState, users: &[User]) -> Result<(), Error> {
    let keys: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let people: Vec<Person> = users.iter().map(User::person).collect();
    store::set_states(tx, &keys, state).await?;
    let facts = ManyFacts { state: state.as_str(), users: keys };
    audit::record(tx, admin.actor(), action, subject_of(&people), NOTHING, Some(facts)).await?;
    Ok(())
}

/// Blocks the chosen; their sessions and links end.
pub async fn block(db: &Database, admin: &Administrator, chosen: &Chosen) -> Result<Outcome, Error> {
    let mut tx = db.write().await?;
    let (mut outcome, mut changed) = (Outcome::default(), Vec::new());
    for user in take(&mut tx, chosen).await? {
        match () {
            () if admin.id() == Some(user.id) => outcome.left += 1,
            () if user.state == UserState::Blocked.as_str() => outcome.already += 1,
            () => changed.push(user),
        }
    }
    outcome.changed = changed.len();
    if !changed.is_empty() {
        change(&mut tx, admin, "user.blocked", UserState::Blocked, &changed).await?;
        let keys: Vec<UserId> = changed.iter().map(|user| user.id).collect();
        end_sessions_of(&mut tx, &keys).await?;
        links::forget_users(&mut tx, &keys).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// Lets the chosen sign in. Whoever is invited has said neither name nor password, and accepts the invitation first.
pub async fn activate(db: &Database, (admin, confirmed): (&Administrator, Option<Confirmed>), chosen: &Chosen) -> Result<Outcome, Error> {
    let mut tx = db.write().await?;
    let users = take(&mut tx, chosen).await?;
    let keys: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let until = tx.now().plus(PRESSED_TWICE);
    let invited: Vec<UserId> = store::invitations::open(&mut tx, &keys, until).await?.into_iter().map(|open| open.user.id).collect();
    let (mut outcome, mut changed) = (Outcome::default(), Vec::new());
    for user in users {
        match () {
            () if user.state == UserState::Active.as_str() => outcome.already += 1,
            () if invited.contains(&user.id) => outcome.left += 1,
            () if user.administrator && confirmed.is_none() => outcome.administrators += 1,
            () => changed.push(user),
        }
    }
    outcome.changed = changed.len();
    if !changed.is_empty() {
        change(&mut tx, admin, "user.activated", UserState::Active, &changed).await?;
        tx.commit().await?;
    }
    Ok(outcome)
}

/// How many links one form may send.
pub const MOST: usize = 1000;

/// Mails each of the chosen who is active a link to choose a new password; whoever was sent one a moment ago has it already.
///
/// # Errors
/// `Conflict` for more than `MOST`.
pub async fn send_resets(db: &Database, post: &Post, admin: &Administrator, chosen: &Chosen) -> Result<Outcome, Error> {
    let mut tx = db.write().await?;
    let users = take(&mut tx, chosen).await?;
    if users.len() > MOST {
        return Err(Error::Conflict(format!("At most 1,000 resets are sent at once; these are {}. Choose fewer.", users.len())));
    }
    let (mut outcome, mut sent) = (Outcome::default(), Vec::new());
    for user in users {
        if admin.id() == Some(user.id) || user.state != UserState::Active.as_str() {
            outcome.left += 1;
            continue;
        }
        let what = (Kind::PasswordResetByAdministrator, Purpose::PasswordReset);
        if mail_link(&mut tx, post, what, Recipient::of(&user.person()), &NoData {}).await? {
            sent.push(user.person());
        } else {
            outcome.already += 1;
        }
    }
    outcome.changed = sent.len();
    if !sent.is_empty() {
        let facts = ManyFacts { state: UserState::Active.as_str(), users: sent.iter().map(|person| person.id).collect() };
        audit::record(&mut tx, admin.actor(), "user.reset_sent", subject_of(&sent), NOTHING, Some(facts)).await?;
        tx.commit().await?;
        post.wake();
    }
    Ok(outcome)
}
