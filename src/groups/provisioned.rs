//! External groups that a provider's program keeps (SCIM): made, named, filled and ended as its directory says. What they are called here and
//! what is open to them stays an administrator's. A group is known by what the provider calls it for good, not by its name.

use serde::Serialize;

use super::{
    Group, GroupFacts, NewExternal, free_name,
    store::{self as all, provided, provisioned as store, reported},
    taken,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::Provisioner,
    db::{Connection, Select, Transaction},
    error::{Error, Problems},
    ids::{self, GroupId, UserId},
    subscriptions::{self, Closing},
};
pub use store::{Members, Provisioned};

/// What a provider says of a group.
#[derive(Clone, Debug)]
pub struct Said {
    pub name_there: String,
    /// Empty when the provider does not say.
    pub external_id: String,
    /// What else is kept of it, JSON.
    pub attributes: String,
}

/// Who is to be in a group.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// These and nobody else, before the others come and go.
    pub only: bool,
    pub joining: Vec<UserId>,
    pub leaving: Vec<UserId>,
}

impl Change {
    pub fn is_nothing(&self) -> bool {
        !self.only && self.joining.is_empty() && self.leaving.is_empty()
    }
}

/// Users that one entry of the audit log names, at most.
const NAMED: usize = 1_000;

/// What the audit log keeps of a group that a provider keeps.
#[derive(Serialize)]
struct ProvisionedFacts {
    provider: String,
    name_there: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    external_id: String,
    #[serde(flatten)]
    moved: Moved,
}

/// Who really came and went; more than are listed are counted.
#[derive(Debug, Default, Serialize)]
struct Moved {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    joined: Vec<UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<UserId>,
    #[serde(skip_serializing_if = "is_zero")]
    more: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Moved {
    fn is_nothing(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }

    fn bounded(mut self) -> Self {
        let all = self.joined.len() + self.left.len();
        self.joined.truncate(NAMED);
        self.left.truncate(NAMED - self.joined.len());
        self.more = all - self.joined.len() - self.left.len();
        self
    }
}

fn facts(who: &Provisioner, said: &Said, moved: Moved) -> ProvisionedFacts {
    ProvisionedFacts {
        provider: who.display_name().to_owned(),
        name_there: said.name_there.clone(),
        external_id: said.external_id.clone(),
        moved: moved.bounded(),
    }
}

const TAKEN: &str = "The provider keeps a group with this externalId already.";

fn check(said: &Said) -> Result<Said, Error> {
    let mut problems = Problems::default();
    let name_there = problems.line("displayName", "displayName", &said.name_there, 1, 300);
    let external_id = problems.line("externalId", "externalId", &said.external_id, 0, 500);
    problems.or(Said { name_there, external_id, attributes: said.attributes.clone() })
}

fn shortened(text: &str, most: usize) -> String {
    text.trim().chars().take(most).collect()
}

/// Keeps a group from now on: a new one; or one that is here by this external id, and is the provider's to fill from now on, with whom it
/// names alone.
///
/// # Errors
/// `Invalid` on `displayName`, `externalId`; on `uniqueness` for one that it keeps already.
pub async fn create(tx: &mut Transaction, who: &Provisioner, said: &Said, members: &[UserId]) -> Result<GroupId, Error> {
    let said = check(said)?;
    let mut known = None;
    if !said.external_id.is_empty() {
        // Two who add one at once wait for each other, as where administrators add it.
        tx.one_at_a_time("external group", ids::number_of(&format!("{} {}", who.name(), said.external_id))).await?;
        known = reported::find(tx, who.name(), &said.external_id).await?;
    }
    let (action, group) = match known {
        Some(group) if store::find(tx, who.name(), &group.name).await?.is_some() => return Err(Error::invalid("uniqueness", TAKEN)),
        Some(group) => ("group.taken_over", group),
        None => ("group.created", add(tx, who, &said).await?),
    };
    // A reading of its directory that is under way is over, or finds that it is the provider's to fill.
    tx.one_at_a_time("group members", group.id.0).await?;
    store::keep(tx, group.id, &said).await?;
    let moved = set_members(tx, group.id, &Change { only: true, joining: members.to_vec(), leaving: Vec::new() }).await?;
    let subject = Subject::new("group", group.id.0, &group.display_name);
    audit::record(tx, who.admin().actor(), action, subject, NOTHING, Some(facts(who, &said, moved))).await?;
    Ok(group.id)
}

async fn add(tx: &mut Transaction, who: &Provisioner, said: &Said) -> Result<Group, Error> {
    let mut display_name = said.name_there.clone();
    if all::display_name_taken(tx, &ids::fold(&display_name), None).await? {
        // Two groups of a directory may have one name.
        display_name = format!("{} ({})", shortened(&display_name, 200), ids::random_name(4));
    }
    let name = free_name(tx, &display_name).await?;
    let external_id = if said.external_id.is_empty() { &name } else { &said.external_id };
    let facts = GroupFacts { display_name, description: String::new() };
    let new = NewExternal { provider: who.name(), tenant: "", external_id, name_there: &said.name_there, address: "" };
    reported::insert(tx, &name, &facts, new).await.map_err(taken)
}

/// Changes what the provider says of a group, and who is in it. Whether anything is different.
///
/// # Errors
/// As `create`.
pub async fn change(tx: &mut Transaction, who: &Provisioner, group: &Provisioned, said: &Said, members: &Change) -> Result<bool, Error> {
    let said = check(said)?;
    let before =
        Said { name_there: group.name_there.clone(), external_id: group.external_id.clone(), attributes: group.attributes.clone() };
    let differs = said.name_there != before.name_there || said.external_id != before.external_id || said.attributes != before.attributes;
    if said.external_id != before.external_id {
        let external_id = if said.external_id.is_empty() { &group.name } else { &said.external_id };
        tx.one_at_a_time("external group", ids::number_of(&format!("{} {external_id}", who.name()))).await?;
        if reported::find(tx, who.name(), external_id).await?.is_some_and(|other| other.id != group.id) {
            return Err(Error::invalid("uniqueness", TAKEN));
        }
        store::set_external_id(tx, group.id, external_id).await?;
    }
    let moved = if members.is_nothing() { Moved::default() } else { set_members(tx, group.id, members).await? };
    if !differs && moved.is_nothing() {
        return Ok(false);
    }
    store::keep(tx, group.id, &said).await?;
    let subject = Subject::new("group", group.id.0, &group.display_name);
    let (before, after) = (facts(who, &before, Moved::default()), facts(who, &said, moved));
    audit::record(tx, who.admin().actor(), "group.provisioned", subject, Some(before), Some(after)).await?;
    Ok(true)
}

/// Who really came and went.
async fn set_members(tx: &mut Transaction, group: GroupId, change: &Change) -> Result<Moved, Error> {
    // Two changes of one group wait for each other.
    tx.one_at_a_time("group members", group.0).await?;
    let mut leaving = change.leaving.clone();
    if change.only {
        let staying: std::collections::HashSet<UserId> = change.joining.iter().copied().collect();
        leaving.extend(provided::member_keys(tx, group).await?.into_iter().filter(|user| !staying.contains(user)));
    }
    let left = if leaving.is_empty() {
        Vec::new()
    } else {
        subscriptions::before_closing(tx, Closing::Members(group, &leaving)).await?;
        provided::delete_members(tx, group, &leaving).await?
    };
    let joined = if change.joining.is_empty() { Vec::new() } else { provided::insert_members(tx, group, &change.joining).await? };
    Ok(Moved { joined, left, more: 0 })
}

/// The provider does not have the group any more: nobody is in it by the provider, and an administrator may delete it here.
pub async fn end(tx: &mut Transaction, who: &Provisioner, group: &Provisioned) -> Result<(), Error> {
    subscriptions::before_closing(tx, Closing::Group(group.id)).await?;
    let left = provided::delete_all_members(tx, group.id).await?;
    store::end(tx, group.id).await?;
    let said = Said { name_there: group.name_there.clone(), external_id: group.external_id.clone(), attributes: String::new() };
    let subject = Subject::new("group", group.id.0, &group.display_name);
    let before = facts(who, &said, Moved { left, ..Moved::default() });
    audit::record(tx, who.admin().actor(), "group.gone_there", subject, Some(before), NOTHING).await?;
    Ok(())
}

/// Ends all memberships of somebody that came by the provider; the groups' names, for the caller's record.
pub async fn leave_all(tx: &mut Transaction, who: &Provisioner, user: UserId) -> Result<Vec<String>, Error> {
    let groups = store::of_member(tx, who.name(), user).await?;
    for (group, _) in &groups {
        tx.one_at_a_time("group members", group.0).await?;
        subscriptions::before_closing(tx, Closing::Members(*group, &[user])).await?;
        provided::delete_members(tx, *group, &[user]).await?;
        store::touch(tx, *group).await?;
    }
    Ok(groups.into_iter().map(|(_, display_name)| display_name).collect())
}

/// A group of the provider's by its name in addresses.
pub async fn find(connection: &mut Connection, who: &Provisioner, name: &str) -> Result<Option<Provisioned>, Error> {
    store::find(connection, who.name(), name).await
}

/// As `find`, of the key.
pub async fn of_key(connection: &mut Connection, who: &Provisioner, group: GroupId) -> Result<Provisioned, Error> {
    store::of_key(connection, who.name(), group).await?.ok_or(Error::NotFound)
}

/// A page of the provider's groups that meet conditions, and how many do.
pub async fn list(
    connection: &mut Connection,
    who: &Provisioner,
    narrow: &(dyn Fn(&mut Select) + Sync),
    order: &'static str,
    page: (i64, i64),
) -> Result<(Vec<Provisioned>, i64), Error> {
    store::list(connection, who.name(), narrow, order, page).await
}

/// Who of the provider's people are in these groups.
pub async fn members(connection: &mut Connection, who: &Provisioner, groups: &[GroupId]) -> Result<Vec<Members>, Error> {
    store::members(connection, who.provider(), groups).await
}

/// How many groups a provider keeps.
pub async fn count(connection: &mut Connection, provider: &str) -> Result<i64, Error> {
    store::count(connection, provider).await
}

/// How programs name a group from now on, which the provider knows by another id.
pub async fn set_address(tx: &mut Transaction, group: GroupId, address: &str) -> Result<(), Error> {
    reported::set_address(tx, group, address).await
}
