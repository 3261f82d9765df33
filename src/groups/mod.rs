//! Groups: the three system ones, custom ones that administrators keep, external ones that a provider reports; and memberships.

pub mod api;
mod external;
mod memory;
pub mod pages;
pub mod provisioned;
mod reading;
mod reported;
pub mod store;

pub use external::{NewExternal, Told, add_external, add_externals, put_external};
pub use memory::{Directory, GroupMark, Memory};
pub use reading::{DueGroup, Outside, Read, claim_due, leave_due, outside, report_group, to_read, told_at};
pub use reported::{
    MOST as MOST_REPORTED, Reported, Reporter, SeenGroup, count_reported, forget_reported, found, report_memberships, seen,
};
pub use store::{GroupOpen, listing_of_product, listing_of_user, of_products, of_users};

use serde::{Deserialize, Serialize};

use crate::{
    audit::{self, Subject},
    auth::Administrator,
    catalog,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids::{self, GroupId, UserId},
    products,
    rest::Seen,
    subscriptions::{self, Closing},
};

pub const SYSTEM: Error = Error::SystemEntity("System groups cannot be changed or deleted: who is in them follows from who somebody is.");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupType {
    System,
    Custom,
    External,
}

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    /// `system`, `custom` or `external`.
    pub kind: String,
    pub provider: Option<String>,
    pub external_id: Option<String>,
    /// How programs name an external group; empty when by its external id.
    #[sqlx(default)]
    pub address: String,
    pub version: i64,
}

impl Group {
    pub fn is_system(&self) -> bool {
        self.kind == "system"
    }

    /// Whether people are put into it and taken out by hand.
    pub fn is_custom(&self) -> bool {
        self.kind == "custom"
    }

    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", crate::ids::encode(&self.name))
    }

    fn facts(&self) -> GroupFacts {
        GroupFacts { display_name: self.display_name.clone(), description: self.description.clone() }
    }
}

/// What a form, REST or the command line says about a group.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewGroup {
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub description: String,
}

/// What the audit log keeps of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupFacts {
    pub display_name: String,
    pub description: String,
}

/// What the audit log keeps of a change of members: the users really added or removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberFacts {
    pub group: String,
    pub users: Vec<UserId>,
}

impl NewGroup {
    fn check(&self) -> Result<GroupFacts, Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The name", &self.display_name, 1, 300);
        let description = problems.text("description", "The description", &self.description, 0, 1000);
        problems.or(GroupFacts { display_name, description })
    }
}

const TAKEN: &str = "There is a group with this name already. Case and surrounding space do not make a name different.";

/// Two administrators may choose one name at the same instant: the second is told, as if the first had been long ago.
fn taken(error: Error) -> Error {
    if error.is_taken("display_name") { Error::invalid("display_name", TAKEN) } else { error }
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Group, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

/// The name of the custom group that somebody meant by its name or display name.
pub async fn find_by_words(db: &Database, words: &str) -> Result<Option<String>, Error> {
    store::find_by_words(&mut db.read().await?, words).await
}

/// Adds a custom group.
///
/// # Errors
/// `Invalid` on `display_name` (empty, too long, taken) and `description` (too long).
pub async fn create(db: &Database, admin: &Administrator, new: &NewGroup) -> Result<Group, Error> {
    let facts = new.check()?;
    let mut tx = db.write().await?;
    let group = create_in(&mut tx, admin, &facts, None).await?;
    tx.commit().await?;
    Ok(group)
}

/// As `create`, in the caller's transaction and with a chosen name.
pub async fn create_in(tx: &mut Transaction, admin: &Administrator, facts: &GroupFacts, name: Option<&str>) -> Result<Group, Error> {
    if store::display_name_taken(tx, &ids::fold(&facts.display_name), None).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let name = match name {
        Some(name) => name.to_owned(),
        None => free_name(tx, &facts.display_name).await?,
    };
    let group = store::insert(tx, &name, facts).await.map_err(taken)?;
    let subject = Subject::new("group", group.id.0, &group.display_name);
    audit::record(tx, admin.actor(), "group.created", subject, audit::NOTHING, Some(group.facts())).await?;
    Ok(group)
}

async fn free_name(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    if !slug.is_empty() && store::find(tx, &slug).await?.is_none() {
        return Ok(slug);
    }
    Ok(if slug.is_empty() { ids::random_name(12) } else { format!("{slug}-{}", ids::random_name(4)) })
}

/// Changes name and description. False when nothing is different.
///
/// # Errors
/// `SystemEntity`; `Stale` when the group is no longer at the version the form was shown; `Invalid`.
pub async fn edit(db: &Database, admin: &Administrator, name: &str, version: i64, new: &NewGroup) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let group = get(&mut tx, name).await?;
    let facts = new.check()?;
    // A form that changes nothing is never too old.
    let same = facts.display_name == group.display_name && facts.description == group.description;
    let edited = edit_in(&mut tx, admin, &group, (!same).then_some(version), new).await?;
    tx.commit().await?;
    Ok(edited.version != group.version)
}

/// As `edit`, of a group that was read in the caller's transaction; a version of None is any. The group as it is then.
async fn edit_in(tx: &mut Transaction, admin: &Administrator, group: &Group, at: Option<i64>, new: &NewGroup) -> Result<Group, Error> {
    if group.is_system() {
        return Err(SYSTEM);
    }
    if at.is_some_and(|at| at != group.version) {
        return Err(Error::Stale);
    }
    let facts = new.check()?;
    if facts.display_name == group.display_name && facts.description == group.description {
        return Ok(group.clone());
    }
    if store::display_name_taken(tx, &ids::fold(&facts.display_name), Some(group.id)).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    if !store::update(tx, group.id, group.version, &facts).await.map_err(taken)? {
        return Err(Error::Stale);
    }
    let subject = Subject::new("group", group.id.0, &facts.display_name);
    audit::record(tx, admin.actor(), "group.edited", subject, Some(group.facts()), Some(&facts)).await?;
    Ok(Group { version: group.version + 1, display_name: facts.display_name, description: facts.description, ..group.clone() })
}

/// Makes the group of this name, or gives the one that is there name and description. Whether it was made; the group.
///
/// # Errors
/// As `create` and `edit`; `Stale` when the group is not as it was seen.
pub async fn put(db: &Database, admin: &Administrator, name: &str, seen: Seen, new: &NewGroup) -> Result<(bool, Group), Error> {
    ids::check_name("gid", name, 256)?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put group", ids::number_of(name)).await?;
    let found = store::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|group| group.version))?;
    let made = match found {
        Some(group) => (false, edit_in(&mut tx, admin, &group, seen.version(), new).await?),
        None => (true, create_in(&mut tx, admin, &new.check()?, Some(name)).await?),
    };
    tx.commit().await?;
    Ok(made)
}

/// Changes what is given; the group as it is then.
///
/// # Errors
/// As `edit`; a version of None is any.
pub async fn patch(
    db: &Database,
    admin: &Administrator,
    name: &str,
    at: Option<i64>,
    display_name: Option<String>,
    description: Option<String>,
) -> Result<Group, Error> {
    let mut tx = db.write().await?;
    let group = get(&mut tx, name).await?;
    let new = NewGroup {
        display_name: display_name.unwrap_or_else(|| group.display_name.clone()),
        description: description.unwrap_or_else(|| group.description.clone()),
    };
    let group = edit_in(&mut tx, admin, &group, at, &new).await?;
    tx.commit().await?;
    Ok(group)
}

/// What deleting a group takes with it, and what it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionEffects {
    pub members: i64,
    pub products: i64,
    /// Live subscriptions whose owners will no longer see the product; they keep working.
    pub hidden_subscriptions: i64,
}

pub async fn deletion_effects(db: &Database, group: &Group) -> Result<DeletionEffects, Error> {
    let now = db.now();
    let mut connection = db.read().await?;
    Ok(DeletionEffects {
        members: store::count_memberships(&mut connection, group.id).await?,
        products: store::count_products(&mut connection, group.id).await?,
        hidden_subscriptions: catalog::count_losing_sight(&mut connection, group.id, now).await?,
    })
}

/// Deletes a custom or external group, its memberships and its product visibility, and nothing else.
pub async fn delete(db: &Database, admin: &Administrator, name: &str) -> Result<Group, Error> {
    delete_at(db, admin, name, None).await
}

/// As `delete`, of a group at this version.
///
/// # Errors
/// `SystemEntity`; `Stale` when it is at another version.
pub async fn delete_at(db: &Database, admin: &Administrator, name: &str, at: Option<i64>) -> Result<Group, Error> {
    let mut tx = db.write().await?;
    let group = get(&mut tx, name).await?;
    if group.is_system() {
        return Err(SYSTEM);
    }
    if at.is_some_and(|at| at != group.version) {
        return Err(Error::Stale);
    }
    subscriptions::before_closing(&mut tx, Closing::Group(group.id)).await?;
    products::forget_group(&mut tx, group.id).await?;
    store::delete(&mut tx, group.id).await?;
    let subject = Subject::new("group", group.id.0, &group.display_name);
    audit::record(&mut tx, admin.actor(), "group.deleted", subject, Some(group.facts()), audit::NOTHING).await?;
    tx.commit().await?;
    Ok(group)
}

/// What a change in bulk did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkOutcome {
    pub group: Group,
    /// Users really added or removed.
    pub changed: i64,
    /// Users who were already as wanted.
    pub unchanged: i64,
    /// The audit entry, for *Undo*; none when nothing changed.
    pub entry: Option<String>,
}

fn by_hand(group: &Group) -> Result<(), Error> {
    match group.kind.as_str() {
        "custom" => Ok(()),
        "system" => Err(SYSTEM),
        _ => {
            Err(Error::Conflict("The members of an external group are what its provider reports; they cannot be changed here.".to_owned()))
        }
    }
}

/// Puts users into a custom group by hand, for ever. Who is in it by hand already is counted, not changed.
pub async fn add_members(db: &Database, admin: &Administrator, group: &str, users: &[UserId]) -> Result<BulkOutcome, Error> {
    let mut tx = db.write().await?;
    let outcome = add_members_in(&mut tx, admin, group, users).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `add_members`, in the caller's transaction.
pub async fn add_members_in(tx: &mut Transaction, admin: &Administrator, group: &str, users: &[UserId]) -> Result<BulkOutcome, Error> {
    let group = get(tx, group).await?;
    by_hand(&group)?;
    let existing = store::count_existing(tx, users).await?;
    let added = store::insert_members(tx, group.id, users).await?;
    outcome(tx, admin, group, "group.members_added", added, existing).await
}

/// A custom group that somebody can be put into.
///
/// # Errors
/// `NotFound`, `SystemEntity` or `Conflict`.
pub async fn get_custom(connection: &mut Connection, name: &str) -> Result<Group, Error> {
    let group = get(connection, name).await?;
    by_hand(&group)?;
    Ok(group)
}

/// Somebody accepts an invitation: the memberships that came with it begin, in those of the groups that are still there.
pub async fn begin_invited(tx: &mut Transaction, groups: &[GroupId], user: UserId) -> Result<(), Error> {
    store::insert_invited(tx, groups, user).await
}

/// Ends every membership of users who go.
pub async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::delete_memberships_of(tx, users).await
}

/// Takes users out of a custom group: ends what was set by hand, and no other source.
pub async fn remove_members(db: &Database, admin: &Administrator, group: &str, users: &[UserId]) -> Result<BulkOutcome, Error> {
    let mut tx = db.write().await?;
    let outcome = remove_members_in(&mut tx, admin, group, users).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `remove_members`, in the caller's transaction.
pub async fn remove_members_in(tx: &mut Transaction, admin: &Administrator, group: &str, users: &[UserId]) -> Result<BulkOutcome, Error> {
    let group = get(tx, group).await?;
    by_hand(&group)?;
    let existing = store::count_existing(tx, users).await?;
    subscriptions::before_closing(tx, Closing::Members(group.id, users)).await?;
    let removed = store::delete_members(tx, group.id, users).await?;
    outcome(tx, admin, group, "group.members_removed", removed, existing).await
}

async fn outcome(
    tx: &mut Transaction,
    admin: &Administrator,
    group: Group,
    action: &'static str,
    users: Vec<UserId>,
    asked: i64,
) -> Result<BulkOutcome, Error> {
    let changed = i64::try_from(users.len()).unwrap_or(i64::MAX);
    let entry = if users.is_empty() {
        None
    } else {
        let facts = MemberFacts { group: group.name.clone(), users };
        let subject = Subject::new("group", group.id.0, &group.display_name);
        Some(audit::record(tx, admin.actor(), action, subject, audit::NOTHING, Some(facts)).await?)
    };
    Ok(BulkOutcome { group, changed, unchanged: asked - changed, entry })
}

/// Takes back a change of members: exactly the users that it changed, once. None when the entry is of another kind.
///
/// # Errors
/// `Conflict` when it was undone already; `NotFound` when the group is gone.
pub async fn undo(db: &Database, admin: &Administrator, entry: &str) -> Result<Option<(bool, BulkOutcome)>, Error> {
    let mut tx = db.write().await?;
    let entry = audit::get(&mut tx, entry).await?;
    let was_added = match entry.action.as_str() {
        "group.members_added" => true,
        "group.members_removed" => false,
        _ => return Ok(None),
    };
    let facts: MemberFacts = audit::Entry::state(&entry.after).ok_or(Error::NotFound)?;
    // Another group may have the name by now.
    if audit::subject_now(&mut tx, &entry).await?.as_ref() != Some(&facts.group) {
        return Err(Error::NotFound);
    }
    let outcome = if was_added {
        remove_members_in(&mut tx, admin, &facts.group, &facts.users).await?
    } else {
        add_members_in(&mut tx, admin, &facts.group, &facts.users).await?
    };
    if !audit::mark_undone(&mut tx, entry.id, outcome.entry.as_deref().unwrap_or("nothing left to undo")).await? {
        return Err(Error::Conflict("This was undone already.".to_owned()));
    }
    tx.commit().await?;
    Ok(Some((was_added, outcome)))
}
