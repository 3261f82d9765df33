//! What becomes of somebody who goes, by their own wish or an administrator's: their subscriptions end, the address is free, and the
//! person's data is replaced, in the audit log and in mails too.

use serde::Serialize;

use super::{User, UserState, bulk::Chosen, get, invitations::subject_of, roles::keep_an_administrator, store};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Administrator, Again, Confirmed, Person, links,
        password::Passwords,
        sign_in::{confirm_password, end_sessions_of},
    },
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    groups,
    ids::UserId,
    keys::Keys,
    mail::{self, Kind, Mail, Post, Recipient, Values, notifications},
    providers, scim,
    subscriptions::{self, leaving},
};

pub use crate::audit::deleted_name as name_of;

/// Removes what is kept of people, in the caller's transaction. That it was done, and by whom, is the caller's to record, afterwards.
pub(super) async fn erase(tx: &mut Transaction, people: &[Person]) -> Result<(), Error> {
    let keys: Vec<_> = people.iter().map(|person| person.id).collect();
    end_sessions_of(tx, &keys).await?;
    links::forget_users(tx, &keys).await?;
    providers::forget_users(tx, &keys).await?;
    scim::forget_users(tx, &keys).await?;
    groups::forget_users(tx, &keys).await?;
    // Entries about mails are found by the mails.
    audit::forget_users(tx, &keys).await?;
    mail::forget_users(tx, people).await?;
    store::invitations::erase(tx, &keys).await
}

/// A last mail to the former addresses; it forgets them when it has left.
async fn say_farewell(tx: &mut Transaction, post: &Post, users: &[User]) -> Result<(), Error> {
    let active = users.iter().filter(|user| user.state == UserState::Active.as_str());
    let mails = active.map(|user| Mail::new(Kind::AccountClosed, Recipient::of(&user.person()), Values::default()));
    mail::write_many(tx, post, mails.collect()).await
}

/// What the audit log keeps of people who went.
#[derive(Serialize)]
struct LeftFacts {
    users: Vec<UserId>,
    subscriptions: usize,
}

/// Closes one's own account, after the password.
///
/// # Errors
/// `Invalid` on `password`; `Conflict` for the last administrator.
pub async fn close(db: &Database, (keys, passwords): (&Keys, &Passwords), post: &Post, again: &Again, password: &str) -> Result<(), Error> {
    let who = again.who();
    if again.has_password() {
        if password.is_empty() {
            return Err(Error::invalid("password", "Type your password."));
        }
        confirm_password(db, keys, passwords, who, password, "password").await?;
    } else {
        // A provider has proved it anew.
        again.prove(db, keys, passwords, password).await?;
    }
    let mut tx = db.write().await?;
    let user = get(&mut tx, &who.person().name).await?;
    if user.administrator {
        keep_an_administrator(&mut tx, user.id).await?;
    }
    let subscriptions = leaving::cancel_of_owners(&mut tx, who.actor(), &[user.id]).await?;
    // First, while whoever acts is somebody; the name is replaced with the others.
    let facts = LeftFacts { users: vec![user.id], subscriptions };
    audit::record(&mut tx, who.actor(), "user.account_closed", Subject::new("user", user.id.0, user.display()), NOTHING, Some(facts))
        .await?;
    erase(&mut tx, &[user.person()]).await?;
    let told = Values::default().set("Developer", user.display()).set("DeveloperEmail", user.email.clone());
    let told = told.set("PageUrl", post.url(super::LIST));
    notifications::tell(&mut tx, post, notifications::Event::AccountClosed, &told).await?;
    say_farewell(&mut tx, post, &[user]).await?;
    tx.commit().await?;
    post.wake();
    Ok(())
}

/// Whom an administrator is about to delete, and what ends with them.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub users: Vec<User>,
    /// One's own account is among the chosen, and is left out.
    pub own: bool,
    pub held: Vec<subscriptions::leaving::Held>,
}

impl Asked {
    /// Live subscriptions.
    pub fn live(&self) -> i64 {
        self.held.iter().map(|held| held.live).sum()
    }
}

/// How many one form may delete.
pub const MOST: usize = 500;

/// What the page that asks says.
pub async fn look(connection: &mut Connection, now: crate::db::Instant, admin: &Administrator, chosen: &Chosen) -> Result<Asked, Error> {
    let keys = chosen.keys(connection, now).await?;
    let own = admin.id().is_some_and(|own| keys.contains(&own));
    let keys: Vec<UserId> = keys.into_iter().filter(|key| admin.id() != Some(*key)).collect();
    if keys.len() > MOST {
        return Err(Error::Conflict(format!("At most {MOST} users are deleted at once; these are {}. Choose fewer.", keys.len())));
    }
    let users = store::of_keys(connection, &keys).await?;
    let held = leaving::live_of_owners(connection, &keys).await?;
    Ok(Asked { users, own, held })
}

/// What an administrator said on that page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// How many users, and how many live subscriptions, the page showed.
    pub users: usize,
    pub live: i64,
    /// The subscriptions are cancelled with it.
    pub cancel: bool,
}

/// Deletes the chosen, all of them or nobody. Who they were, and how many subscriptions ended.
///
/// # Errors
/// `Invalid` on `cancel` when subscriptions would end and nobody said that they may, or there are others than the page showed;
/// `Conflict` for the last administrator.
pub async fn delete(
    db: &Database,
    post: &Post,
    admin: &Administrator,
    _: Confirmed,
    chosen: &Chosen,
    said: Said,
) -> Result<(Vec<User>, usize), Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    // In one order with whoever changes roles.
    let administrators = store::administrators(&mut tx).await?;
    let asked = look(&mut tx, now, admin, chosen).await?;
    let live = asked.live();
    let mut problems = Problems::default();
    if asked.users.len() != said.users || live > said.live {
        problems.add("cancel", "Others match now than this page showed, or hold more subscriptions. Look at it once more.");
    } else if live > 0 && !said.cancel {
        problems.add("cancel", "Tick that the live subscriptions end: nobody can hold them any more.");
    }
    problems.or(())?;
    let users = asked.users;
    if users.is_empty() {
        return Ok((users, 0));
    }
    let ended = delete_in(&mut tx, post, admin, &administrators, users.clone(), true).await?;
    tx.commit().await?;
    post.wake();
    Ok((users, ended))
}

const WOULD_END: &str = "The user has live subscriptions, which nobody can hold any more: say deleteSubscriptions=true to end them.";

/// Deletes these, in the caller's transaction, which holds the administrators. How many subscriptions ended.
///
/// # Errors
/// `Invalid` on `deleteSubscriptions` when some would end, and may not; `Conflict` for the last administrator.
pub(super) async fn delete_in(
    tx: &mut Transaction,
    post: &Post,
    admin: &Administrator,
    administrators: &[UserId],
    users: Vec<User>,
    cancel: bool,
) -> Result<usize, Error> {
    if !administrators.is_empty() && administrators.iter().all(|key| users.iter().any(|user| user.id == *key)) {
        return Err(Error::Conflict("The last administrator is among them: make somebody else an administrator first.".to_owned()));
    }
    let people: Vec<Person> = users.iter().map(User::person).collect();
    let keys: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let ended = leaving::cancel_of_owners(tx, admin.actor(), &keys).await?;
    if ended > 0 && !cancel {
        return Err(Error::invalid("deleteSubscriptions", WOULD_END));
    }
    erase(tx, &people).await?;
    let subject = match keys.as_slice() {
        [user] => Subject::new("user", user.0, name_of(*user)),
        _ => subject_of(&people),
    };
    let facts = LeftFacts { users: keys, subscriptions: ended };
    audit::record(tx, admin.actor(), "user.deleted", subject, NOTHING, Some(facts)).await?;
    say_farewell(tx, post, &users).await?;
    Ok(ended)
}
