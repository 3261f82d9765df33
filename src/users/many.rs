//! State and passwords of many users at once. One's own account is never among them, so that somebody is left who can undo it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    User, UserState,
    bulk::Chosen,
    invitations::subject_of,
    recovery::{NoData, PRESSED_TWICE, mail_link},
    roles::{Activated, let_in},
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
    /// Of the changed: who was mailed a link to choose a password, and who is pending again.
    pub mailed: usize,
    pub pending: usize,
}

#[derive(Serialize, Deserialize)]
struct ManyFacts {
    state: String,
    users: Vec<UserId>,
    /// At which version each of them was left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<i64>,
    /// Those of the users who were pending before; the others were active.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pending: Vec<UserId>,
}

/// The chosen in the order of their keys, which on PostgreSQL are theirs who act until the end of the transaction.
async fn take(tx: &mut Transaction, chosen: &Chosen) -> Result<Vec<User>, Error> {
    let now = tx.now();
    // In one order with whoever changes roles.
    store::administrators(tx).await?;
    let keys = chosen.keys(tx, now).await?;
    store::take(tx, &keys).await
}

/// The entry's name.
async fn change(
    tx: &mut Transaction,
    admin: &Administrator,
    action: &'static str,
    state: UserState,
    users: &[User],
) -> Result<String, Error> {
    let keys: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let people: Vec<Person> = users.iter().map(User::person).collect();
    store::set_states(tx, &keys, state).await?;
    let pending = users.iter().filter(|user| state == UserState::Blocked && user.state == UserState::Pending.as_str());
    let facts = ManyFacts {
        state: state.as_str().to_owned(),
        pending: pending.map(|user| user.id).collect(),
        versions: users.iter().map(|user| user.version + 1).collect(),
        users: keys,
    };
    audit::record(tx, admin.actor(), action, subject_of(&people), NOTHING, Some(facts)).await
}

/// Blocks the chosen; their sessions and links end. The entry, by which it is taken back, when somebody was.
pub async fn block(db: &Database, admin: &Administrator, chosen: &Chosen) -> Result<(Outcome, Option<String>), Error> {
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
    if changed.is_empty() {
        return Ok((outcome, None));
    }
    let keys: Vec<UserId> = changed.iter().map(|user| user.id).collect();
    store::forget_unconfirmed_passwords(&mut tx, &keys).await?;
    let entry = change(&mut tx, admin, "user.blocked", UserState::Blocked, &changed).await?;
    end_sessions_of(&mut tx, &keys).await?;
    links::forget_blocked(&mut tx, &keys).await?;
    tx.commit().await?;
    Ok((outcome, Some(entry)))
}

/// Takes back a block of many, once: whom nobody has changed since is as before, without the sessions. None when the entry is of another
/// kind.
///
/// # Errors
/// `Conflict` when it was undone already.
pub async fn undo_block(
    db: &Database,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    entry: &str,
) -> Result<Option<Outcome>, Error> {
    let mut tx = db.write().await?;
    let entry = audit::get(&mut tx, entry).await?;
    let facts = audit::Entry::state::<ManyFacts>(&entry.after).filter(|_| entry.action == "user.blocked");
    let Some(facts) = facts else { return Ok(None) };
    if entry.undone_by.is_some() {
        return Err(Error::Conflict("This was undone already.".to_owned()));
    }
    store::administrators(&mut tx).await?;
    let (mut outcome, mut pending, mut active) = (Outcome::default(), Vec::new(), Vec::new());
    let left_at: HashMap<UserId, i64> = facts.users.iter().copied().zip(facts.versions.iter().copied()).collect();
    for user in store::take(&mut tx, &facts.users).await? {
        match () {
            () if user.state != UserState::Blocked.as_str() => outcome.already += 1,
            // Who was blocked once more, or edited, is not what the entry tells of.
            () if left_at.get(&user.id) != Some(&user.version) => outcome.left += 1,
            () if user.administrator && confirmed.is_none() => outcome.administrators += 1,
            () if facts.pending.contains(&user.id) => pending.push(user),
            () => active.push(user),
        }
    }
    (outcome.changed, outcome.pending) = (active.len() + pending.len(), pending.len());
    let mut by = "nothing left to undo".to_owned();
    for (state, users) in [(UserState::Pending, &pending), (UserState::Active, &active)] {
        if !users.is_empty() {
            by = change(&mut tx, admin, "user.activated", state, users).await?;
        }
    }
    if outcome.changed == 0 && outcome.administrators > 0 {
        return Ok(Some(outcome));
    }
    if !audit::mark_undone(&mut tx, entry.id, &by).await? {
        return Err(Error::Conflict("This was undone already.".to_owned()));
    }
    tx.commit().await?;
    Ok(Some(outcome))
}

/// Lets the chosen sign in. Whoever is invited has said neither name nor password, and accepts the invitation first; whose address nobody
/// has confirmed is mailed a link to choose a password, or is pending again after a block.
pub async fn activate(
    db: &Database,
    post: &Post,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    chosen: &Chosen,
) -> Result<Outcome, Error> {
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
        let let_in = let_in(&mut tx, post, changed).await?;
        outcome.mailed = let_in.iter().filter(|(_, what)| *what == Activated::Mailed).count();
        outcome.pending = let_in.iter().filter(|(_, what)| *what == Activated::Pending).count();
        for state in [UserState::Active, UserState::Pending] {
            let users: Vec<User> = let_in.iter().filter(|(_, what)| what.state() == state).map(|(user, _)| user.clone()).collect();
            if !users.is_empty() {
                change(&mut tx, admin, "user.activated", state, &users).await?;
            }
        }
        tx.commit().await?;
        post.wake();
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
        let facts = ManyFacts {
            pending: Vec::new(),
            versions: Vec::new(),
            state: UserState::Active.as_str().to_owned(),
            users: sent.iter().map(|person| person.id).collect(),
        };
        audit::record(&mut tx, admin.actor(), "user.reset_sent", subject_of(&sent), NOTHING, Some(facts)).await?;
        tx.commit().await?;
        post.wake();
    }
    Ok(outcome)
}
