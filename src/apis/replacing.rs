//! Replacing an API's description by a newer one: what keeps its name, what is new, what is gone.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Api, Facts, Row,
    changes::{Side, compare},
    count,
    description::{Operation, operation_name},
    get, one_line, operation_rows, read,
    reading::Document,
    store::{
        self,
        operations::{Known, Whole},
    },
    subject,
};
use crate::{
    audit::{self},
    auth::Administrator,
    db::{Database, Transaction},
    error::Error,
    ids::fold,
};

/// What replacing a description did.
#[derive(Clone, Debug)]
pub struct Replaced {
    pub api: Api,
    pub added: i64,
    pub removed: i64,
    pub kept: i64,
    /// False when the very same document was there already.
    pub changed: bool,
}

/// What the audit log keeps of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DescriptionFacts {
    pub display_name: String,
    pub format: String,
    pub api_version: String,
    pub operations: i64,
    pub bytes: i64,
    /// Names of operations that only this description has.
    pub only_here: Vec<String>,
}

/// Replaces the document. An operation keeps its name when the newer one has its operationId, or else its method and URL template. Display
/// name and description follow the document unless they were edited by hand; suffix and products stay.
///
/// # Errors
/// `Invalid` on `document`; `Stale` when the API is no longer at the version the form was shown.
pub async fn replace_description(
    db: &Database,
    admin: &Administrator,
    name: &str,
    version: i64,
    bytes: Vec<u8>,
) -> Result<Replaced, Error> {
    let document = read(bytes).await?;
    let mut tx = db.write().await?;
    let replaced = replace_description_in(&mut tx, admin, name, Some(version), &document).await?;
    if replaced.changed {
        tx.commit().await?;
    }
    Ok(replaced)
}

/// As `replace_description`, of a document that was read, in the caller's transaction; at any version, when none is given.
pub async fn replace_description_in(
    tx: &mut Transaction,
    admin: &Administrator,
    name: &str,
    version: Option<i64>,
    document: &Document,
) -> Result<Replaced, Error> {
    let api = get(tx, name).await?;
    let wholes = store::operations::whole(tx, api.id).await?;
    let known: Vec<Known> = wholes.iter().map(Known::from).collect();
    let old_document = store::document(tx, api.id).await?.unwrap_or_default();
    if old_document == document.bytes {
        return Ok(Replaced { api, added: 0, removed: 0, kept: count(known.len()), changed: false });
    }
    let operations = &document.description.operations;
    let matched = match_up(&known, operations);
    let mut taken: HashSet<String> = matched.iter().flatten().map(|&at| fold(&known[at].name)).collect();
    let names: Vec<String> = operations
        .iter()
        .zip(&matched)
        .map(|(operation, known_at)| match known_at {
            Some(at) => known[*at].name.clone(),
            None => operation_name(operation, &mut taken),
        })
        .collect();

    let old = api.facts();
    let facts = Facts::of(&document.description);
    let display_name = if api.display_name == old.title { facts.title.clone() } else { api.display_name.clone() };
    let description = if api.description == old.description { facts.description.clone() } else { api.description.clone() };
    let row = Row::of(document, &facts, display_name, description, api.suffix.clone(), api.own_tags())?;
    let Some(after) = store::replace(tx, api.id, version, &row, &document.bytes).await? else { return Err(Error::Stale) };
    store::operations::delete(tx, api.id).await?;
    let id = |index: usize| matched[index].map(|at| known[at].id);
    store::operations::insert(tx, api.id, &operation_rows(document, &names, id)?).await?;

    let pairs = pairs(document, &names, &matched, wholes);
    let changes = tokio::task::spawn_blocking(move || compare(pairs.into_iter())).await.map_err(Error::internal)?;
    if !changes.is_empty() || api.api_version != after.api_version {
        store::changes::add(tx, api.id, &api.api_version, &after.api_version, &changes).await?;
    }

    let kept: HashSet<usize> = matched.iter().flatten().copied().collect();
    let removed = known.iter().enumerate().filter(|(at, _)| !kept.contains(at)).map(|(_, known)| known.name.clone()).collect();
    let added = names.iter().zip(&matched).filter(|(_, at)| at.is_none()).map(|(name, _)| name.clone()).collect();
    let before_facts = facts_of(&api, known.len(), old_document.len(), removed);
    let after_facts = facts_of(&after, names.len(), document.bytes.len(), added);
    let (added, removed) = (count(after_facts.only_here.len()), count(before_facts.only_here.len()));
    audit::record(tx, admin.actor(), "api.description_replaced", subject(&after), Some(before_facts), Some(after_facts)).await?;
    Ok(Replaced { api: after, added, removed, kept: count(kept.len()), changed: true })
}

/// The operations of both descriptions side by side, but for those that read the same.
fn pairs(document: &Document, names: &[String], matched: &[Option<usize>], old: Vec<Whole>) -> Vec<(Option<Side>, Option<Side>)> {
    let mut old: Vec<Option<Whole>> = old.into_iter().map(Some).collect();
    let mut pairs = Vec::new();
    for (index, operation) in document.description.operations.iter().enumerate() {
        let was = matched[index].and_then(|at| old[at].take());
        let (display_name, description) = (one_line(&operation.display_name()), operation.description.clone().unwrap_or_default());
        let same = was.as_ref().is_some_and(|was| {
            (&was.method, &was.url_template, &was.display_name, &was.description, was.deprecated, &was.detail)
                == (&operation.method, &operation.url_template, &display_name, &description, operation.deprecated, &document.details[index])
        });
        if same {
            continue;
        }
        pairs.push((was.map(Side::from), Some(Side::of(&names[index], &display_name, operation))));
    }
    pairs.extend(old.into_iter().flatten().map(|gone| (Some(Side::from(gone)), None)));
    pairs
}

fn facts_of(api: &Api, operations: usize, bytes: usize, only_here: Vec<String>) -> DescriptionFacts {
    DescriptionFacts {
        display_name: api.display_name.clone(),
        format: api.format.clone(),
        api_version: api.api_version.clone(),
        operations: count(operations),
        bytes: count(bytes),
        only_here,
    }
}

/// For each new operation the known one that it continues, each at most once: first those with the same operationId, then by method and
/// URL template among the rest.
pub(super) fn match_up(known: &[Known], operations: &[Operation]) -> Vec<Option<usize>> {
    let by_id: HashMap<&str, usize> = known.iter().enumerate().filter_map(|(at, k)| Some((k.operation_id.as_deref()?, at))).collect();
    let by_address: HashMap<(&str, &str), usize> =
        known.iter().enumerate().map(|(at, k)| ((k.method.as_str(), k.url_template.as_str()), at)).collect();
    let mut used = HashSet::new();
    let mut matched: Vec<Option<usize>> = operations
        .iter()
        .map(|operation| operation.operation_id.as_deref().and_then(|id| by_id.get(id).copied()).filter(|&at| used.insert(at)))
        .collect();
    for (slot, operation) in matched.iter_mut().zip(operations) {
        if slot.is_none() {
            let address = (operation.method.as_str(), operation.url_template.as_str());
            *slot = by_address.get(&address).copied().filter(|&at| used.insert(at));
        }
    }
    matched
}
