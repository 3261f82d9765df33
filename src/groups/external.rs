//! External groups come to be here: an administrator adds one from a product's Visibility tab, or a program makes one by its address.

use serde::Serialize;

use super::{
    Group, GroupFacts, NewGroup, TAKEN, edit_in, free_name,
    store::{self as all, reported as store},
    taken,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::Administrator,
    db::{Database, Transaction},
    error::{Error, Problems},
    ids,
    rest::Seen,
};

/// Characters of an external id.
pub(super) const LONGEST: usize = 500;

/// What an administrator says of a group of a provider's.
#[derive(Clone, Copy, Debug)]
pub struct NewExternal<'n> {
    /// The provider's name in addresses.
    pub provider: &'n str,
    /// Empty for a provider that has none.
    pub tenant: &'n str,
    pub external_id: &'n str,
    /// Empty when nobody has told.
    pub name_there: &'n str,
    /// How programs name it.
    pub address: &'n str,
}

/// Adds a group of a provider's; who is in it is what the provider says. Without a name that somebody `chose` it is called as it is there, and
/// otherwise when that is taken. One that is there already is the answer. Whether it was added.
///
/// # Errors
/// `Invalid` on `external_id` (empty, too long, another tenant's) and on `display_name` (too long; taken, where somebody chose it).
pub async fn add_external(
    tx: &mut Transaction,
    admin: &Administrator,
    new: NewExternal<'_>,
    chosen: Option<&str>,
) -> Result<(bool, Group), Error> {
    let mut problems = Problems::default();
    let external_id = problems.line("external_id", "The group", new.external_id, 1, LONGEST);
    let shortened = |text: &str| text.trim().chars().take(300).collect::<String>();
    let called = match chosen.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None if new.name_there.trim().is_empty() => shortened(&external_id),
        None => shortened(new.name_there),
    };
    let mut display_name = problems.line("display_name", "The name", &called, 1, 300);
    problems.or(())?;
    let new = NewExternal { external_id: &external_id, name_there: new.name_there.trim(), ..new };
    if let Some(group) = known(tx, new).await? {
        return Ok((false, group));
    }
    if all::display_name_taken(tx, &ids::fold(&display_name), None).await? {
        if chosen.is_some() {
            return Err(Error::invalid("display_name", TAKEN));
        }
        // Two groups of a directory may have one name.
        display_name = shortened(&format!("{} ({})", display_name.chars().take(200).collect::<String>(), ids::random_name(4)));
    }
    let name = free_name(tx, &display_name).await?;
    let facts = GroupFacts { display_name, description: String::new() };
    Ok((true, insert(tx, admin, &name, &facts, new).await?))
}

/// The group that is known by this here.
///
/// # Errors
/// `Invalid` on `external_id` for another tenant's.
async fn known(tx: &mut Transaction, new: NewExternal<'_>) -> Result<Option<Group>, Error> {
    // Two who add one at once wait for each other.
    tx.one_at_a_time("external group", ids::number_of(&format!("{} {}", new.provider, new.external_id))).await?;
    let Some(group) = store::find(tx, new.provider, new.external_id).await? else { return Ok(None) };
    let of_another = super::outside(tx, group.id).await?.is_some_and(|known| !known.tenant.is_empty() && known.tenant != new.tenant);
    if of_another && !new.tenant.is_empty() {
        return Err(Error::invalid("external_id", "A group of another tenant is known by this here already."));
    }
    Ok(Some(group))
}

async fn insert(tx: &mut Transaction, admin: &Administrator, name: &str, facts: &GroupFacts, new: NewExternal<'_>) -> Result<Group, Error> {
    let group = store::insert(tx, name, facts, new).await.map_err(taken)?;
    let subject = Subject::new("group", group.id.0, &group.display_name);
    audit::record(tx, admin.actor(), "group.created", subject, NOTHING, Some(ExternalFacts::of(&group))).await?;
    Ok(group)
}

/// Makes an external group of this name, or edits the one that has it.
///
/// # Errors
/// As `put`; `Invalid` on `externalId` for one that is known here by another name, and on `type` for a name that another group has.
pub async fn put_external(
    db: &Database,
    admin: &Administrator,
    (name, seen): (&str, Seen),
    external: NewExternal<'_>,
    new: &NewGroup,
) -> Result<(bool, Group), Error> {
    ids::check_name("gid", name, 256)?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put group", ids::number_of(name)).await?;
    let found = all::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|group| group.version))?;
    let same = known(&mut tx, external).await?;
    let made = match (found, same) {
        (Some(group), Some(same)) if group.id == same.id => {
            store::set_address(&mut tx, group.id, external.address).await?;
            let edited = edit_in(&mut tx, admin, &group, seen.version(), new).await?;
            (false, Group { address: external.address.to_owned(), ..edited })
        }
        (Some(_), _) => return Err(Error::invalid("type", "The group of this name is another one; delete it first.")),
        (None, Some(same)) => {
            let why = format!("The group of the provider is here already, and is called {}.", same.name);
            return Err(Error::invalid("externalId", why));
        }
        (None, None) => {
            let facts = new.check()?;
            if all::display_name_taken(&mut tx, &ids::fold(&facts.display_name), None).await? {
                return Err(Error::invalid("display_name", TAKEN));
            }
            (true, insert(&mut tx, admin, name, &facts, external).await?)
        }
    };
    tx.commit().await?;
    Ok(made)
}

/// One of several that are added.
#[derive(Clone, Debug)]
pub struct Told {
    pub external_id: String,
    pub name_there: String,
    pub address: String,
}

/// Adds several, and perhaps one whose name somebody chose. How many were added, and the names in addresses of all.
///
/// # Errors
/// As `add_external`; none is added then.
pub async fn add_externals(
    db: &Database,
    admin: &Administrator,
    (provider, tenant): (&str, &str),
    told: &[Told],
    typed: Option<(Told, &str)>,
) -> Result<(i64, Vec<String>), Error> {
    let mut tx = db.write().await?;
    let (mut added, mut names) = (0, Vec::new());
    let told = told.iter().map(|told| (told, None));
    for (told, chosen) in told.chain(typed.as_ref().map(|(told, chosen)| (told, Some(*chosen)))) {
        let (external_id, name_there, address) = (told.external_id.as_str(), told.name_there.as_str(), told.address.as_str());
        let new = NewExternal { provider, tenant, external_id, name_there, address };
        let (is_new, group) = add_external(&mut tx, admin, new, chosen).await?;
        added += i64::from(is_new);
        names.push(group.name);
    }
    tx.commit().await?;
    Ok((added, names))
}

/// What the audit log keeps of an external group.
#[derive(Serialize)]
struct ExternalFacts {
    display_name: String,
    provider: String,
    external_id: String,
}

impl ExternalFacts {
    fn of(group: &Group) -> Self {
        Self {
            display_name: group.display_name.clone(),
            provider: group.provider.clone().unwrap_or_default(),
            external_id: group.external_id.clone().unwrap_or_default(),
        }
    }
}
