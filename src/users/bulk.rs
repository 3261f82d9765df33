//! Users into groups, and out of them: many at once, named or whoever matches the filter of a list; or one, by a form of tick boxes.

use serde::Deserialize;

use super::{
    UserState, get,
    store::{self, list::Filter},
};
use crate::{
    auth::Administrator,
    db::{Connection, Database},
    error::Error,
    groups::{self, BulkOutcome},
    ids::{self, GroupId, UserId},
};

/// Pending, by an invitation that was not accepted: no state of its own, but filters and badges say so.
pub const INVITED: &str = "invited";

/// The filter of a list, as addresses and forms spell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct FilterWords {
    pub q: String,
    pub state: String,
    /// The name of a group that somebody is in.
    pub inside: String,
    /// The name of a group that somebody is not in.
    pub outside: String,
}

impl FilterWords {
    /// # Errors
    /// `NotFound` when a group is gone, or there is no such state: leaving it out would mean other people than were asked for.
    async fn find(&self, connection: &mut Connection) -> Result<Filter, Error> {
        let inside = find_group(connection, &self.inside).await?;
        let outside = find_group(connection, &self.outside).await?;
        self.filter(inside, outside)
    }

    /// The filter, with its groups found by whoever asks.
    ///
    /// # Errors
    /// `NotFound` when there is no such state.
    pub fn filter(&self, inside: Option<GroupId>, outside: Option<GroupId>) -> Result<Filter, Error> {
        let invited = self.state == INVITED;
        let word = if invited { UserState::Pending.as_str() } else { &self.state };
        let state = UserState::parse(word).filter(|state| *state != UserState::Deleted);
        if state.is_none() && !self.state.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(Filter { needle: ids::fold(&self.q), state, invited, inside, outside, ..Filter::default() })
    }
}

async fn find_group(connection: &mut Connection, name: &str) -> Result<Option<GroupId>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    Ok(Some(groups::get(connection, name).await?.id))
}

/// Who is meant by a change in bulk.
#[derive(Clone, Debug)]
pub enum Chosen {
    Named(Vec<String>),
    /// Everybody who matches when the change is made.
    Matching(FilterWords),
}

impl Chosen {
    pub(super) async fn keys(&self, connection: &mut Connection, now: crate::db::Instant) -> Result<Vec<UserId>, Error> {
        match self {
            Chosen::Named(names) => store::keys_of(connection, names).await,
            Chosen::Matching(words) => {
                let filter = words.find(connection).await?;
                store::list::matching(connection, now, &filter).await
            }
        }
    }
}

/// Puts the chosen into a custom group, in one transaction.
pub async fn add_to_group(db: &Database, admin: &Administrator, group: &str, chosen: &Chosen) -> Result<BulkOutcome, Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let users = chosen.keys(&mut tx, now).await?;
    let outcome = groups::add_members_in(&mut tx, admin, group, &users).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Takes the chosen out of a custom group, in one transaction.
pub async fn remove_from_group(db: &Database, admin: &Administrator, group: &str, chosen: &Chosen) -> Result<BulkOutcome, Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let users = chosen.keys(&mut tx, now).await?;
    let outcome = groups::remove_members_in(&mut tx, admin, group, &users).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// What a form of tick boxes really changed: the groups' display names, and the audit entry when it was a single one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChanges {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    pub entry: Option<String>,
}

/// Applies the boxes that were changed on a form: ticked and not so when it was shown, or the other way round. Others stay as they are,
/// whatever somebody else did to them meanwhile.
pub async fn set_groups(
    db: &Database,
    admin: &Administrator,
    name: &str,
    shown: &[String],
    ticked: &[String],
) -> Result<GroupChanges, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let mut changes = GroupChanges::default();
    // In one order, so that two forms at once wait for each other instead of for ever.
    let sorted = |mut names: Vec<&String>| {
        names.sort_unstable();
        names.dedup();
        names.into_iter().cloned().collect::<Vec<String>>()
    };
    for group in &sorted(ticked.iter().filter(|group| !shown.contains(group)).collect()) {
        let outcome = groups::add_members_in(&mut tx, admin, group, &[user.id]).await?;
        if outcome.changed > 0 {
            changes.added.push(outcome.group.display_name);
            changes.entry = outcome.entry;
        }
    }
    for group in &sorted(shown.iter().filter(|group| !ticked.contains(group)).collect()) {
        match groups::remove_members_in(&mut tx, admin, group, &[user.id]).await {
            Ok(outcome) if outcome.changed > 0 => {
                changes.removed.push(outcome.group.display_name);
                changes.entry = outcome.entry;
            }
            // A group that is gone has no members: that is what was asked.
            Ok(_) | Err(Error::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    if changes.added.len() + changes.removed.len() != 1 {
        changes.entry = None;
    }
    tx.commit().await?;
    Ok(changes)
}
