//! External groups: who is in them is what a provider last reported. What was set by hand, or came otherwise, is never touched here.

use serde::{Deserialize, Serialize};

use super::store::reported as store;
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{Administrator, Person},
    db::{Connection, Transaction},
    error::Error,
    ids::{GroupId, ProviderId},
    subscriptions::{self, Closing},
};

/// A group that a provider says somebody is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// What it is known by there; its name may change, or be another group's.
    pub external_id: String,
    /// Empty when the provider does not say.
    pub name: String,
}

/// As much as is believed of one report.
const MOST: usize = 1_000;
/// Characters of an external id.
const LONGEST: usize = 500;

/// From whom a report comes.
#[derive(Clone, Copy, Debug)]
pub struct Reporter<'r> {
    pub provider: ProviderId,
    /// Its name in addresses, by which groups are kept.
    pub name: &'r str,
    pub tenant: &'r str,
}

/// What the audit log keeps of a report: the groups whose membership began or ended.
#[derive(Serialize)]
struct ReportFacts {
    joined: Vec<String>,
    left: Vec<String>,
}

/// Brings somebody's memberships of this provider's groups to what it reports, in the caller's transaction; all that was seen is remembered,
/// to be suggested. `admin` is who records it. Whether anything changed.
pub async fn report_memberships(
    tx: &mut Transaction,
    admin: &Administrator,
    reporter: Reporter<'_>,
    person: &Person,
    groups: &[Reported],
) -> Result<bool, Error> {
    let mut reported: Vec<&Reported> = Vec::new();
    for group in groups.iter().filter(|group| !group.external_id.is_empty() && group.external_id.chars().count() <= LONGEST).take(MOST) {
        if !reported.iter().any(|known| known.external_id == group.external_id) {
            reported.push(group);
        }
    }
    for group in &reported {
        store::see(tx, reporter.provider, reporter.tenant, group).await?;
    }
    // Two reports about one person at once wait for each other.
    tx.one_at_a_time("memberships", person.id.0).await?;
    let known = store::external(tx, reporter.name).await?;
    let current = store::memberships(tx, reporter.name, person.id).await?;
    let is_in = |group: &store::External| reported.iter().any(|reported| reported.external_id == group.external_id);
    let joins: Vec<&store::External> = known.iter().filter(|group| is_in(group) && !current.contains(&group.id)).collect();
    let leaves: Vec<&store::External> = known.iter().filter(|group| !is_in(group) && current.contains(&group.id)).collect();
    if joins.is_empty() && leaves.is_empty() {
        return Ok(false);
    }
    for group in &leaves {
        subscriptions::before_closing(tx, Closing::Members(group.id, &[person.id])).await?;
    }
    let keys = |groups: &[&store::External]| groups.iter().map(|group| group.id).collect::<Vec<GroupId>>();
    store::begin(tx, &keys(&joins), person.id).await?;
    store::end(tx, &keys(&leaves), person.id).await?;
    let names = |groups: &[&store::External]| groups.iter().map(|group| group.display_name.clone()).collect();
    let facts = ReportFacts { joined: names(&joins), left: names(&leaves) };
    let subject = Subject::new("user", person.id.0, person.display());
    audit::record(tx, admin.actor(), "user.groups_reported", subject, NOTHING, Some(facts)).await?;
    Ok(true)
}

/// Memberships that a provider reported.
pub async fn count_reported(connection: &mut Connection, provider: &str) -> Result<i64, Error> {
    store::count(connection, provider).await
}

/// Ends all memberships that a provider reported, and forgets what it told, in the transaction in which it goes. Its groups stay, empty.
pub async fn forget_reported(tx: &mut Transaction, provider: ProviderId, name: &str) -> Result<(), Error> {
    for group in store::external(tx, name).await? {
        subscriptions::before_closing(tx, Closing::Group(group.id)).await?;
        store::empty(tx, group.id).await?;
    }
    store::forget(tx, provider).await
}
