//! External groups as their directory is read, without anybody signing in: what one is called there, who is in it, and that it is gone.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    Reporter,
    reported::note_name,
    store::{provided, reading as store, reported::external},
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::Administrator,
    db::{Connection, Instant, Transaction},
    error::Error,
    ids::{GroupId, UserId},
    subscriptions::{self, Closing},
};

/// As many names as the audit log keeps of one reading.
const NAMED: usize = 200;

#[derive(Serialize)]
struct MembersFacts {
    joined: i64,
    left: i64,
    /// Keys of those, the first of them.
    users: Vec<UserId>,
}

/// What reading a group of a directory brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    pub joined: i64,
    pub left: i64,
    /// The directory does not have it any more.
    pub gone: bool,
}

/// What a directory answered when it was asked for a group.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'t> {
    /// When it was asked: what was stored of an answer to a later question stays.
    pub asked_at: Instant,
    /// Those of whom a sign-in has told since.
    pub but: &'t [UserId],
    /// What it is called there, and who is in it of the people who are linked; none when the directory does not have it any more.
    pub group: Option<(&'t str, &'t [UserId])>,
}

/// Brings the members of a group to what its directory says, in the caller's transaction. `admin` is who records it.
///
/// # Errors
/// `NotFound` for a group that was deleted meanwhile, or that somebody else reports by now.
pub async fn report_group(
    tx: &mut Transaction,
    admin: &Administrator,
    reporter: Reporter<'_>,
    group: GroupId,
    told: Answer<'_>,
) -> Result<Read, Error> {
    // Two readings of one group at once wait for each other.
    tx.one_at_a_time("group members", group.0).await?;
    let group = external(tx, reporter).await?.into_iter().find(|known| known.id == group).ok_or(Error::NotFound)?;
    if store::was_read_since(tx, group.id, told.asked_at).await? {
        return Ok(Read { joined: 0, left: 0, gone: false });
    }
    let (name, members) = told.group.unwrap_or_default();
    note_name(tx, admin, &group, name).await?;
    let gone = told.group.is_none();
    if store::note_read(tx, group.id, told.asked_at, gone).await? {
        let subject = Subject::new("group", group.id.0, &group.display_name);
        let action = if gone { "group.gone_there" } else { "group.back_there" };
        audit::record(tx, admin.actor(), action, subject, NOTHING, NOTHING).await?;
    }
    let current = provided::member_keys(tx, group.id).await?;
    let (current, members): (BTreeSet<UserId>, BTreeSet<UserId>) = (current.into_iter().collect(), members.iter().copied().collect());
    let is_old = |user: &&UserId| !told.but.contains(user);
    let joins: Vec<UserId> = members.difference(&current).filter(is_old).copied().collect();
    let leaves: Vec<UserId> = current.difference(&members).filter(is_old).copied().collect();
    let number = |users: &[UserId]| i64::try_from(users.len()).unwrap_or(i64::MAX);
    let read = Read { joined: number(&joins), left: number(&leaves), gone };
    store::note_brought(tx, group.id, read.joined, read.left).await?;
    if joins.is_empty() && leaves.is_empty() {
        return Ok(read);
    }
    if !leaves.is_empty() {
        subscriptions::before_closing(tx, Closing::Members(group.id, &leaves)).await?;
        provided::delete_members(tx, group.id, &leaves).await?;
    }
    provided::insert_members(tx, group.id, &joins).await?;
    let facts = MembersFacts { joined: read.joined, left: read.left, users: joins.into_iter().chain(leaves).take(NAMED).collect() };
    let subject = Subject::new("group", group.id.0, &group.display_name);
    audit::record(tx, admin.actor(), "group.members_reported", subject, NOTHING, Some(facts)).await?;
    Ok(read)
}

/// A group whose members are to be read.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DueGroup {
    pub id: GroupId,
    pub tenant: String,
    pub external_id: String,
}

/// What is due later than then is of a clock that was wrong: a day is the longest that anything waits, and an hour to spare.
pub fn latest(now: Instant) -> Instant {
    now.plus(time::Duration::hours(25))
}

/// Claims the group of a provider that has waited longest to be read, before anybody else does; it is due again at `next`. None is due.
pub async fn claim_due(tx: &mut Transaction, provider: &str, next: Instant) -> Result<Option<DueGroup>, Error> {
    store::claim_due(tx, provider, next).await
}

/// A group of a provider, to be read now.
pub async fn to_read(connection: &mut Connection, group: GroupId) -> Result<Option<DueGroup>, Error> {
    store::to_read(connection, group).await
}

/// A group could not be read: it is due again then.
pub async fn leave_due(tx: &mut Transaction, group: GroupId, at: Instant) -> Result<(), Error> {
    store::leave_due(tx, group, at).await
}

/// No group of a provider is due later than then, for it is read more often from now on.
pub async fn bring_forward(tx: &mut Transaction, provider: &str, latest: Instant) -> Result<(), Error> {
    store::bring_forward(tx, provider, latest).await
}

/// What is known of an external group beside what every group has.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Outside {
    pub tenant: String,
    /// Empty when nobody told.
    pub name_there: String,
    pub gone_at: Option<Instant>,
    /// `sign-in`, `directory` or `scim`.
    pub reported_by: String,
    pub synced_at: Option<Instant>,
    /// How many that reading let in and put out.
    pub joined: i64,
    pub parted: i64,
}

pub async fn outside(connection: &mut Connection, group: GroupId) -> Result<Option<Outside>, Error> {
    store::outside(connection, group).await
}

/// When a provider last said of each of these in which groups they are.
pub async fn told_at(connection: &mut Connection, provider: &str, users: &[UserId]) -> Result<Vec<(UserId, Instant)>, Error> {
    store::told_at(connection, provider, users).await
}
