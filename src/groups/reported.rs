//! External groups: who is in them is what a provider last reported. What was set by hand, or came otherwise, is never touched here.

use serde::{Deserialize, Serialize};

use super::{
    external::LONGEST,
    store::{
        provided,
        reported::{self as store, External},
    },
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{Administrator, Person},
    db::{Connection, Transaction},
    error::Error,
    ids::{self, GroupId, ProviderId},
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
pub const MOST: usize = 1_000;
/// Groups of one provider that are remembered, to be suggested: as many as are looked through.
const REMEMBERED: i64 = 5_000;

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
/// to be suggested. `admin` is who records it; without `whole` it is not all that the provider knows of them, and nothing ends. Whether
/// anything changed.
pub async fn report_memberships(
    tx: &mut Transaction,
    admin: &Administrator,
    reporter: Reporter<'_>,
    person: &Person,
    (groups, whole): (&[Reported], bool),
) -> Result<bool, Error> {
    let mut reported: Vec<&Reported> = Vec::new();
    let is_known_by = |id: &str| !id.is_empty() && id.chars().count() <= LONGEST && !id.chars().any(char::is_control);
    for group in groups.iter().filter(|group| is_known_by(&group.external_id)).take(MOST) {
        if !reported.iter().any(|known| known.external_id == group.external_id) {
            reported.push(group);
        }
    }
    // Whoever is in groups without end makes nobody's database grow without end.
    let mut room = REMEMBERED - store::count_seen(tx, reporter.provider).await?;
    // In one order, so that two who come at once do not wait for each other for ever.
    reported.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    for group in &reported {
        if store::see(tx, reporter.provider, reporter.tenant, group, room > 0).await? {
            room -= 1;
        }
    }
    // Two reports about one person at once wait for each other.
    tx.one_at_a_time("memberships", person.id.0).await?;
    let known = store::external(tx, reporter).await?;
    for group in &known {
        if let Some(told) = reported.iter().find(|told| told.external_id == group.external_id) {
            note_name(tx, admin, group, &told.name).await?;
        }
    }
    let current = store::memberships(tx, reporter, person.id).await?;
    let is_in = |group: &External| reported.iter().any(|reported| reported.external_id == group.external_id);
    let joins: Vec<&External> = known.iter().filter(|group| is_in(group) && !current.contains(&group.id)).collect();
    let leaves: Vec<&External> = known.iter().filter(|group| whole && !is_in(group) && current.contains(&group.id)).collect();
    if joins.is_empty() && leaves.is_empty() {
        return Ok(false);
    }
    for group in &leaves {
        subscriptions::before_closing(tx, Closing::Members(group.id, &[person.id])).await?;
    }
    let keys = |groups: &[&External]| groups.iter().map(|group| group.id).collect::<Vec<GroupId>>();
    store::begin(tx, &keys(&joins), person.id).await?;
    store::end(tx, &keys(&leaves), person.id).await?;
    let names = |groups: &[&External]| groups.iter().map(|group| group.display_name.clone()).collect();
    let facts = ReportFacts { joined: names(&joins), left: names(&leaves) };
    let subject = Subject::new("user", person.id.0, person.display());
    audit::record(tx, admin.actor(), "user.groups_reported", subject, NOTHING, Some(facts)).await?;
    Ok(true)
}

/// What the audit log keeps of a group that is called otherwise in its directory.
#[derive(Serialize)]
struct ThereFacts {
    name_there: String,
}

/// Notes what a group is called in its directory; what it is called here is its administrators' own.
pub(super) async fn note_name(tx: &mut Transaction, admin: &Administrator, group: &External, name: &str) -> Result<(), Error> {
    // Where names are not told, it is the ID.
    if name.is_empty() || name == group.external_id || group.name_there == name {
        return Ok(());
    }
    store::note_name(tx, group.id, name).await?;
    // Where only the ID was known until now, nothing was renamed.
    if !group.name_there.is_empty() && group.name_there != group.external_id {
        let subject = Subject::new("group", group.id.0, &group.display_name);
        let (before, after) = (ThereFacts { name_there: group.name_there.clone() }, ThereFacts { name_there: name.to_owned() });
        audit::record(tx, admin.actor(), "group.renamed_there", subject, Some(before), Some(after)).await?;
    }
    Ok(())
}

/// Remembers that a provider has a group.
pub async fn note_seen(tx: &mut Transaction, provider: ProviderId, tenant: &str, external_id: &str) -> Result<(), Error> {
    store::see(tx, provider, tenant, &Reported { external_id: external_id.to_owned(), name: String::new() }, true).await?;
    Ok(())
}

/// Whether a provider has told that this is a group.
pub async fn is_seen(connection: &mut Connection, provider: ProviderId, external_id: &str) -> Result<bool, Error> {
    store::is_seen(connection, provider, external_id).await
}

/// Memberships that a provider reported.
pub async fn count_reported(connection: &mut Connection, provider: &str) -> Result<i64, Error> {
    store::count(connection, provider).await
}

/// Ends all memberships that a provider reported, and forgets what it told, in the transaction in which it goes. Its groups stay, empty.
pub async fn forget_reported(tx: &mut Transaction, provider: ProviderId, name: &str) -> Result<(), Error> {
    for group in store::all_of(tx, name).await? {
        subscriptions::before_closing(tx, Closing::Group(group)).await?;
        provided::delete_all_members(tx, group).await?;
    }
    store::forget(tx, provider).await
}

/// A group that a provider has told of.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SeenGroup {
    pub external_id: String,
    /// Empty when the provider did not say.
    pub name: String,
    /// Whether it is a group here.
    pub known: bool,
}

/// As many are offered at once.
const SHOWN: usize = 50;

/// Groups that a provider told of whose name or id contains the words, by name: the first of them; of every tenant for an empty one.
pub async fn seen(
    connection: &mut Connection,
    (provider, name, tenant): (ProviderId, &str, &str),
    words: &str,
) -> Result<Vec<SeenGroup>, Error> {
    let words = ids::fold(words);
    let mut seen = store::seen(connection, provider, name, tenant).await?;
    seen.retain(|group| ids::fold(&format!("{}\n{}", group.name, group.external_id)).contains(&words));
    seen.truncate(SHOWN);
    Ok(seen)
}

/// What a directory has found, with whether each is a group here.
pub async fn found(connection: &mut Connection, provider: &str, groups: Vec<Reported>) -> Result<Vec<SeenGroup>, Error> {
    let ids: Vec<String> = groups.iter().map(|group| group.external_id.clone()).collect();
    let known = store::known(connection, provider, &ids).await?;
    let of = |group: Reported| SeenGroup { known: known.contains(&group.external_id), external_id: group.external_id, name: group.name };
    Ok(groups.into_iter().map(of).collect())
}
