//! Many users at once: into a group, and out of one. Who is meant is either named or whoever matches the filter of a list.

use serde::Deserialize;

use super::{
    UserState,
    store::{self, list::Filter},
};
use crate::{
    auth::Administrator,
    db::{Connection, Database},
    error::Error,
    groups::{self, BulkOutcome, Group},
    ids::{self, UserId},
};

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

/// A filter whose groups have been found.
#[derive(Clone, Debug)]
pub struct Found {
    pub filter: Filter,
    pub inside: Option<Group>,
    pub outside: Option<Group>,
}

impl FilterWords {
    /// # Errors
    /// `NotFound` when a group is gone: leaving it out would mean other people than were shown.
    pub async fn find(&self, connection: &mut Connection) -> Result<Found, Error> {
        let inside = find_group(connection, &self.inside).await?;
        let outside = find_group(connection, &self.outside).await?;
        let filter = Filter {
            needle: ids::fold(&self.q),
            state: UserState::parse(&self.state).filter(|state| *state != UserState::Deleted),
            inside: inside.as_ref().map(|group| group.id),
            outside: outside.as_ref().map(|group| group.id),
        };
        Ok(Found { filter, inside, outside })
    }
}

async fn find_group(connection: &mut Connection, name: &str) -> Result<Option<Group>, Error> {
    if name.is_empty() {
        return Ok(None);
    }
    groups::get(connection, name).await.map(Some)
}

/// Who is meant by a change in bulk.
#[derive(Clone, Debug)]
pub enum Chosen {
    Named(Vec<String>),
    /// Everybody who matches when the change is made.
    Matching(FilterWords),
}

impl Chosen {
    async fn keys(&self, connection: &mut Connection, now: crate::db::Instant) -> Result<Vec<UserId>, Error> {
        match self {
            Chosen::Named(names) => store::keys_of(connection, names).await,
            Chosen::Matching(words) => {
                let found = words.find(connection).await?;
                store::list::matching(connection, now, &found.filter).await
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
