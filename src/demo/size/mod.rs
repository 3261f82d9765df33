//! A database of any size, to measure: the same numbers and the same seed give the same rows. Passwords, keys and the names of
//! audit entries alone are drawn anew, since nobody may guess them. What there are few of goes through the operations of the pages.

mod catalogue;
mod chance;
mod people;
mod words;

use time::macros::datetime;

use super::{Accounts, Found, look, store};
use crate::{
    app::Portal,
    audit::{self, Subject},
    auth,
    db::{Clock, Database, Instant},
    error::Error,
    ids,
};

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Numbers {
    /// One at least, who is an administrator.
    pub users: u64,
    pub groups: u64,
    pub products: u64,
    pub apis: u64,
    pub memberships: u64,
    /// At most: people who see no product have none.
    pub subscriptions: u64,
    pub seed: u64,
}

/// The day on which the made-up past ends, so that its dates do not depend on the day of the filling.
const END: Instant = Instant::at(datetime!(2025-12-31 12:00 UTC));

/// The database, as it was some days before the end of the past.
fn before_end(db: &Database, days: i64) -> Database {
    let at = END.minus(time::Duration::days(days)).date_time();
    db.under(Clock::from_fn(move || at))
}

/// Fills an empty database, in several transactions: when it fails half-way, the database is to be thrown away.
///
/// # Errors
/// `Conflict` when anything has happened in it before, or when the numbers do not fit each other.
pub async fn fill_sized(portal: &Portal, numbers: &Numbers) -> Result<Accounts, Error> {
    if numbers.users == 0 {
        return Err(Error::Conflict("there must be one user at least, who is the administrator".to_owned()));
    }
    let people = numbers.users - people::administrators(numbers.users);
    if u128::from(numbers.memberships) > u128::from(people) * u128::from(numbers.groups) {
        return Err(Error::Conflict(format!(
            "{people} users (administrators apart) in {} groups cannot have {} memberships",
            numbers.groups, numbers.memberships
        )));
    }
    if look(portal).await? != Found::Empty || store::has_history(&mut portal.db.read().await?).await? {
        return Err(Error::Conflict("a sample goes into an empty database only, in which nothing was done before".to_owned()));
    }
    let password = format!("{}-{}-{}", ids::random_name(5), ids::random_name(5), ids::random_name(5));
    let hash = portal.passwords.hash(&password).await?;
    let mut people = people::People::new(numbers);
    people.add_administrators(&before_end(&portal.db, 1_001), &hash).await?;
    let catalogue = catalogue::add(portal, numbers).await?;
    people.add_everybody(portal, &hash, &catalogue).await?;
    let system = auth::system("sample");
    let mut tx = portal.db.write().await?;
    let subject = Subject { kind: "portal", key: None, display: "Portico".to_owned() };
    audit::record(&mut tx, system.actor(), "portal.sample_added", subject, audit::NOTHING, Some(numbers)).await?;
    tx.commit().await?;
    // What the databases know of the sizes of their tables decides how they look for things.
    store::analyse(&portal.db).await?;
    Ok(Accounts { shown: people.shown(), password })
}
