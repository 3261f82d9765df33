//! Versions of an API side by side: APIs in one version set, each with what it is called there. A new one is a copy, or an import.

use std::{cmp::Ordering, collections::HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Api, EditApi, NewApi,
    changes::{Changes, Side, compare},
    description::Operation,
    editing::{create_in, tags_of},
    get,
    importing::import_in,
    reading::{Document, apart, read, turn},
    replacing::match_up,
    rows::OperationColumns,
    store::{
        self,
        operations::{Known, Whole},
        versions::{VersionRow, VersionSet},
    },
    subject, suffix,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids, products,
};

/// Characters of what a version is called in its set.
const LABEL: usize = 60;
/// Versions in a set.
const MOST: usize = 50;

/// What a form says of a new version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewVersion {
    /// The set's name, and what the API at hand is called in it; they are asked for the first version alone.
    pub set: String,
    pub own_label: String,
    pub label: String,
    pub suffix: String,
    pub same_products: bool,
}

/// What a form says of an API that is to be a version of another one that is here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinSet {
    pub label: String,
    /// The set's name, and what the other is called in it: they are asked for when the other is in no set yet.
    pub set: String,
    pub other_label: String,
}

/// What the audit log keeps of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionFacts {
    pub version_set: String,
    pub api_version: String,
    /// The API that it was made from, or none.
    pub from: Option<String>,
}

/// `v2` before `v10`: runs of digits are compared as numbers.
pub fn natural(one: &str, other: &str) -> Ordering {
    fn parts(text: &str) -> Vec<(u128, String)> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let words = rest.len() - rest.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
            let (word, behind) = rest.split_at(words);
            let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, behind) = behind.split_at(digits);
            parts.push((number.parse().unwrap_or(0), word.to_owned()));
            rest = behind;
        }
        parts
    }
    let key = |text: &str| parts(&ids::fold(text)).into_iter().map(|(number, word)| (word, number)).collect::<Vec<_>>();
    key(one).cmp(&key(other)).then_with(|| one.cmp(other))
}

/// The set that an API is in, with its versions in their order.
pub async fn versions_of(connection: &mut Connection, api: &Api) -> Result<Option<(VersionSet, Vec<VersionRow>)>, Error> {
    let Some(name) = &api.version_set else { return Ok(None) };
    let Some(set) = store::versions::find(connection, name).await? else { return Ok(None) };
    let mut rows = store::versions::versions(connection, name).await?;
    rows.sort_by(|one, other| natural(&one.set_version, &other.set_version));
    Ok(Some((set, rows)))
}

/// As `versions_of`, for a change: nobody else changes the API, or which versions the set has, at the same time. The API as it is then.
async fn held_versions(tx: &mut Transaction, name: &str) -> Result<(Api, Option<(VersionSet, Vec<VersionRow>)>), Error> {
    let api = get(tx, name).await?;
    store::hold(tx, api.id).await?;
    let api = get(tx, name).await?;
    if let Some(set) = &api.version_set {
        store::versions::hold(tx, set).await?;
    }
    let versions = versions_of(tx, &api).await?;
    Ok((api, versions))
}

fn check_label(field: &'static str, text: &str, problems: &mut Problems) -> String {
    problems.line(field, "The version", text, 1, LABEL)
}

const LABEL_TAKEN: &str = "Another API of this set is called so already.";

fn label_taken(rows: &[VersionRow], label: &str, except: &str) -> bool {
    rows.iter().any(|row| row.name != except && ids::fold(&row.set_version) == ids::fold(label))
}

impl NewVersion {
    fn check(&self, first: bool) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let (mut set, mut own_label) = (String::new(), String::new());
        if first {
            set = problems.line("set", "The name of the set", &self.set, 1, 300);
            own_label = check_label("own_label", &self.own_label, &mut problems);
        }
        let label = check_label("label", &self.label, &mut problems);
        if first && !label.is_empty() && ids::fold(&label) == ids::fold(&own_label) {
            problems.add("label", LABEL_TAKEN);
        }
        let suffix = match suffix::check(&self.suffix) {
            Ok(suffix) if suffix.is_empty() => Err("The URL suffix is missing.".to_owned()),
            checked => checked,
        };
        let suffix = suffix.unwrap_or_else(|why| {
            problems.add("suffix", why);
            String::new()
        });
        problems.or(Self { set, own_label, label, suffix, same_products: self.same_products })
    }
}

/// Makes another version of an API: of a document, or as a copy of this one. The API that it becomes.
///
/// # Errors
/// `Invalid`, by field, and on `document`; `Stale` when the API is no longer at the version the form was shown.
pub async fn add_version(
    db: &Database,
    admin: &Administrator,
    name: &str,
    at: i64,
    new: &NewVersion,
    document: Option<Vec<u8>>,
) -> Result<Api, Error> {
    let mut connection = db.read().await?;
    let api = get(&mut connection, name).await?;
    let new_one = new.check(api.version_set.is_none())?;
    // A copy of what was imported is imported once more.
    let bytes = match document {
        Some(bytes) => Some(bytes),
        None => store::document(&mut connection, api.id).await?,
    };
    drop(connection);
    let document = match bytes {
        Some(bytes) => Some(read(bytes).await?),
        None => None,
    };
    let mut tx = db.write().await?;
    let added = add_version_in(&mut tx, admin, name, Some(at), &new_one, document.as_ref()).await?;
    tx.commit().await?;
    Ok(added)
}

/// As `add_version`, in the caller's transaction, of a document that was read; without one, an API that was made by hand is copied.
pub async fn add_version_in(
    tx: &mut Transaction,
    admin: &Administrator,
    name: &str,
    at: Option<i64>,
    new: &NewVersion,
    document: Option<&Document>,
) -> Result<Api, Error> {
    let (api, versions) = held_versions(tx, name).await?;
    let new = new.check(api.version_set.is_none())?;
    let set = match versions {
        Some((set, rows)) => {
            if label_taken(&rows, &new.label, "") {
                return Err(Error::invalid("label", LABEL_TAKEN));
            }
            if rows.len() >= MOST {
                return Err(Error::Conflict(format!("A set may have {MOST} versions.")));
            }
            set
        }
        None => {
            let set = VersionSet { name: ids::random_name(12), display_name: new.set.clone(), version: 1 };
            store::versions::insert(tx, &set.name, &set.display_name).await?;
            set
        }
    };
    let own_label = if new.own_label.is_empty() { api.set_version.clone() } else { new.own_label.clone() };
    if !store::versions::put(tx, api.id, at, Some(&set.name), &own_label).await? {
        return Err(Error::Stale);
    }
    let products: Vec<String> = match new.same_products {
        true => store::products_of(tx, api.id).await?.into_iter().map(|product| product.name).collect(),
        false => Vec::new(),
    };
    let added = match document {
        Some(document) => {
            let wanted = NewApi {
                display_name: Some(api.display_name.clone()),
                suffix: new.suffix.clone(),
                tags: api.own_tags().join(", "),
                products,
            };
            import_in(tx, admin, &wanted, document, None).await?
        }
        None => copied(tx, admin, &api, &new.suffix, &products).await?,
    };
    store::versions::put(tx, added.id, None, Some(&set.name), &new.label).await?;
    let facts = VersionFacts { version_set: set.display_name, api_version: new.label.clone(), from: Some(api.display_name.clone()) };
    audit::record(tx, admin.actor(), "api.version_added", subject(&added), audit::NOTHING, Some(facts)).await?;
    Ok(added)
}

/// Makes an API a version of another that is here; both stay as they are otherwise.
///
/// # Errors
/// `Invalid`, by field; `Conflict` when it is a version of something already; `Stale` when it is no longer at the version the form was
/// shown.
pub async fn join_set(db: &Database, admin: &Administrator, name: &str, at: i64, other: &str, join: &JoinSet) -> Result<Api, Error> {
    let mut tx = db.write().await?;
    let (api, other) = (get(&mut tx, name).await?, get(&mut tx, other).await?);
    if api.id == other.id {
        return Err(Error::invalid("which", "This is the API itself."));
    }
    // Always the older one first, so that two who join them crosswise do not wait for each other.
    for id in [api.id.min(other.id), api.id.max(other.id)] {
        store::hold(&mut tx, id).await?;
    }
    let api = get(&mut tx, name).await?;
    let (other, versions) = held_versions(&mut tx, &other.name).await?;
    if api.version_set.is_some() {
        return Err(Error::Conflict("This API is a version of something already: let it leave that set first.".to_owned()));
    }
    let mut problems = Problems::default();
    let label = check_label("label", &join.label, &mut problems);
    let set = match versions {
        Some((set, rows)) => {
            if label_taken(&rows, &label, "") {
                problems.add("label", LABEL_TAKEN);
            }
            if rows.len() >= MOST {
                problems.add("which", format!("A set may have {MOST} versions."));
            }
            problems.or(set)?
        }
        None => {
            let set = problems.line("set", "The name of the set", &join.set, 1, 300);
            let other_label = check_label("other_label", &join.other_label, &mut problems);
            if !label.is_empty() && ids::fold(&label) == ids::fold(&other_label) {
                problems.add("label", LABEL_TAKEN);
            }
            let (set, other_label) = problems.or((set, other_label))?;
            let set = VersionSet { name: ids::random_name(12), display_name: set, version: 1 };
            store::versions::insert(&mut tx, &set.name, &set.display_name).await?;
            store::versions::put(&mut tx, other.id, None, Some(&set.name), &other_label).await?;
            set
        }
    };
    if !store::versions::put(&mut tx, api.id, Some(at), Some(&set.name), &label).await? {
        return Err(Error::Stale);
    }
    let facts = VersionFacts { version_set: set.display_name, api_version: label, from: Some(other.display_name.clone()) };
    audit::record(&mut tx, admin.actor(), "api.version_joined", subject(&api), audit::NOTHING, Some(facts)).await?;
    tx.commit().await?;
    Ok(other)
}

async fn copied(tx: &mut Transaction, admin: &Administrator, api: &Api, suffix: &str, products: &[String]) -> Result<Api, Error> {
    let form = EditApi { suffix: suffix.to_owned(), ..EditApi::of(api) };
    debug_assert_eq!(tags_of(&form.tags), api.own_tags());
    let added = create_in(tx, admin, &form, None).await?;
    let wholes = store::operations::whole(tx, api.id).await?;
    let operations: Vec<Operation> = wholes.iter().map(said).collect();
    let rows: Vec<OperationColumns<'_>> = wholes
        .iter()
        .zip(&operations)
        .map(|(whole, operation)| OperationColumns {
            id: None,
            name: &whole.name,
            operation,
            display_name: whole.display_name.clone(),
            tags: whole.tags.clone(),
            detail: &whole.detail,
        })
        .collect();
    store::operations::insert(tx, added.id, &rows).await?;
    store::update(tx, &Api { tags: api.tags.clone(), ..added.clone() }, None).await?;
    for product in products {
        products::add_apis_in(tx, admin, product, &[added.id]).await?;
    }
    Ok(added)
}

/// What the columns of an operation hold, but for its detail, which is kept as it is.
fn said(whole: &Whole) -> Operation {
    Operation {
        operation_id: whole.operation_id.clone(),
        method: whole.method.clone(),
        url_template: whole.url_template.clone(),
        summary: None,
        description: Some(whole.description.clone()),
        deprecated: whole.deprecated,
        tags: Vec::new(),
        detail: Default::default(),
    }
}

/// Renames the set, and what the API is called in it. False when nothing is different.
///
/// # Errors
/// `Stale` when the API is no longer at the version the form was shown; `NotFound` when it is in no set; `Invalid`.
pub async fn edit_version(db: &Database, admin: &Administrator, name: &str, at: i64, set_name: &str, label: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let (api, versions) = held_versions(&mut tx, name).await?;
    let (set, rows) = versions.ok_or(Error::NotFound)?;
    let mut problems = Problems::default();
    let set_name = problems.line("set", "The name of the set", set_name, 1, 300);
    let label = check_label("label", label, &mut problems);
    if label_taken(&rows, &label, &api.name) {
        problems.add("label", LABEL_TAKEN);
    }
    let (set_name, label) = problems.or((set_name, label))?;
    if set_name == set.display_name && label == api.set_version {
        return Ok(false);
    }
    if !store::versions::put(&mut tx, api.id, Some(at), Some(&set.name), &label).await? {
        return Err(Error::Stale);
    }
    if set_name != set.display_name && !store::versions::rename(&mut tx, &set, &set_name).await? {
        return Err(Error::Stale);
    }
    let before = VersionFacts { version_set: set.display_name, api_version: api.set_version.clone(), from: None };
    let after = VersionFacts { version_set: set_name, api_version: label, from: None };
    audit::record(&mut tx, admin.actor(), "api.version_edited", subject(&api), Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes an API out of its set; it stays as it is otherwise. False when it was in none.
pub async fn leave_set(db: &Database, admin: &Administrator, name: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    let Some((set, _)) = versions_of(&mut tx, &api).await? else { return Ok(false) };
    store::versions::put(&mut tx, api.id, None, None, "").await?;
    store::versions::delete_empty(&mut tx, &set.name).await?;
    let before = VersionFacts { version_set: set.display_name, api_version: api.set_version.clone(), from: None };
    audit::record(&mut tx, admin.actor(), "api.version_removed", subject(&api), Some(before), audit::NOTHING).await?;
    tx.commit().await?;
    Ok(true)
}

/// What is different in one API from another: a version from an earlier one.
pub async fn compare_apis(db: &Database, old: ids::ApiId, new: ids::ApiId) -> Result<Changes, Error> {
    let permit = turn().await?;
    let mut connection = db.read().await?;
    let old = store::operations::whole(&mut connection, old).await?;
    let new = store::operations::whole(&mut connection, new).await?;
    drop(connection);
    apart(permit, move || Ok(compare_wholes(old, new))).await
}

/// Operations that go on are those of one name, and of the rest those of one operationId or address.
fn compare_wholes(old: Vec<Whole>, new: Vec<Whole>) -> Changes {
    let known: Vec<Known> = old
        .iter()
        .map(|whole| Known {
            id: whole.id,
            name: whole.name.clone(),
            operation_id: Some(whole.operation_id.clone().unwrap_or_else(|| whole.name.clone())),
            method: whole.method.clone(),
            url_template: whole.url_template.clone(),
        })
        .collect();
    let wanted: Vec<Operation> = new
        .iter()
        .map(|whole| Operation { operation_id: Some(whole.operation_id.clone().unwrap_or_else(|| whole.name.clone())), ..said(whole) })
        .collect();
    let matched = match_up(&known, &wanted);
    let mut old: HashMap<usize, Whole> = old.into_iter().enumerate().collect();
    let mut pairs: Vec<(Option<Whole>, Option<Whole>)> =
        new.into_iter().zip(matched).map(|(new, at)| (at.and_then(|at| old.remove(&at)), Some(new))).collect();
    let mut gone: Vec<(usize, Whole)> = old.into_iter().collect();
    gone.sort_by_key(|(at, _)| *at);
    pairs.extend(gone.into_iter().map(|(_, old)| (Some(old), None)));
    // What reads the same needs not be looked into.
    let differ = |pair: &(Option<Whole>, Option<Whole>)| match pair {
        (Some(old), Some(new)) => {
            (&old.detail, &old.description, &old.display_name, &old.method, &old.url_template, old.deprecated)
                != (&new.detail, &new.description, &new.display_name, &new.method, &new.url_template, new.deprecated)
        }
        _ => true,
    };
    pairs.retain(differ);
    compare(pairs.into_iter().map(|(old, new)| (old.map(Side::from), new.map(Side::from))))
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn versions_stand_in_the_order_of_their_numbers() {
        let mut labels = ["v10", "v2", "V1", "2026-02-01", "2025-11-30", "beta", "v2.1", "1.10", "1.9"];
        labels.sort_by(|one, other| natural(one, other));
        assert_eq!(labels, ["1.9", "1.10", "2025-11-30", "2026-02-01", "beta", "V1", "v2", "v2.1", "v10"]);
    }
}
