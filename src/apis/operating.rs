//! The operations of an API that was made by hand: adding, editing, deleting. What a form says of one is in `operation_form`.

use serde::{Deserialize, Serialize};

use super::{
    Api,
    changes::{Side, compare},
    description::{Content, Detail, Operation, Parameter, Tag, operation_name},
    get, one_line,
    operation_form::NewOperation,
    rows::OperationColumns,
    store::{self, operations::Known, operations::Whole},
    subject,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::Error,
    ids,
};

const IMPORTED: &str =
    "The operations of this API come from the description that it was imported from. Replace the description to change them.";

/// An operation of an API, and the version that a form of it is shown.
pub struct Kept {
    pub whole: Whole,
    pub detail: Detail,
}

/// What the audit log keeps of an operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OperationFacts {
    pub operation: String,
    pub display_name: String,
    pub method: String,
    pub url_template: String,
    /// At most 1,000 characters.
    pub description: String,
    pub deprecated: bool,
    pub tags: Vec<String>,
    pub parameters: Vec<String>,
    pub request: Option<String>,
    pub responses: Vec<String>,
}

fn facts(name: &str, display_name: &str, operation: &Operation) -> OperationFacts {
    let detail = &operation.detail;
    let said = |text: &Option<String>| text.as_ref().map(|text| format!(": {}", super::shortened(text))).unwrap_or_default();
    let types = |content: &[Content]| content.iter().map(|one| one.media_type.as_str()).collect::<Vec<_>>().join(", ");
    let parameter = |one: &Parameter| {
        let required = if one.required { ", required" } else { "" };
        format!("{} ({}, {}{required}){}", one.name, one.place.word(), one.schema.summary, said(&one.description))
    };
    OperationFacts {
        operation: name.to_owned(),
        display_name: display_name.to_owned(),
        method: operation.method.clone(),
        url_template: operation.url_template.clone(),
        description: super::shortened(operation.description.as_deref().unwrap_or_default()),
        deprecated: operation.deprecated,
        tags: operation.tags.clone(),
        parameters: detail.parameters.iter().map(parameter).collect(),
        request: detail
            .request
            .as_ref()
            .map(|body| format!("{}{}{}", types(&body.content), if body.required { ", required" } else { "" }, said(&body.description))),
        responses: detail
            .responses
            .iter()
            .map(|one| {
                let types = types(&one.content);
                format!("{}{}{}", one.status, if types.is_empty() { types } else { format!(" {types}") }, said(&one.description))
            })
            .collect(),
    }
}

fn facts_of(kept: &Kept) -> OperationFacts {
    let whole = &kept.whole;
    let operation = Operation {
        operation_id: None,
        method: whole.method.clone(),
        url_template: whole.url_template.clone(),
        summary: None,
        description: Some(whole.description.clone()),
        deprecated: whole.deprecated,
        tags: serde_json::from_str(&whole.tags).unwrap_or_default(),
        detail: kept.detail.clone(),
    };
    facts(&whole.name, &whole.display_name, &operation)
}

/// An API's operation by its name.
pub async fn find_operation(connection: &mut Connection, api: &Api, name: &str) -> Result<Option<Kept>, Error> {
    let whole = store::operations::find(connection, api.id, name).await?;
    Ok(whole.map(|whole| Kept { detail: serde_json::from_str(&whole.detail).unwrap_or_default(), whole }))
}

/// The API, for a change of its operations: nobody else changes them at the same time.
async fn held(tx: &mut Transaction, name: &str) -> Result<(Api, Vec<Known>), Error> {
    let api = get(tx, name).await?;
    if !api.is_by_hand() {
        return Err(Error::Conflict(IMPORTED.to_owned()));
    }
    store::hold(tx, api.id).await?;
    let known = store::operations::known(tx, api.id).await?;
    Ok((api, known))
}

/// Two operations cannot be told apart by a caller when only the names between the braces differ.
fn check_address(known: &[Known], operation: &Operation, except: Option<i64>) -> Result<(), Error> {
    let bare = |template: &str| {
        let mut inside = false;
        let kept = template.chars().filter(|c| {
            inside = (inside || *c == '{') && *c != '}';
            !inside || *c == '{'
        });
        kept.collect::<String>()
    };
    let address = bare(&operation.url_template);
    let same = |one: &&Known| Some(one.id) != except && one.method == operation.method && bare(&one.url_template) == address;
    match known.iter().find(same) {
        Some(other) => {
            let text = format!("The operation {} has this method and URL template already.", other.name);
            Err(Error::invalid("url_template", text))
        }
        None => Ok(()),
    }
}

fn columns<'o>(id: Option<i64>, name: &'o str, operation: &'o Operation, detail: &'o str) -> Result<OperationColumns<'o>, Error> {
    Ok(OperationColumns {
        id,
        name,
        operation,
        display_name: one_line(&operation.display_name()),
        tags: serde_json::to_string(&operation.tags)?,
        detail,
    })
}

/// The API's headings after a change: those of its operations, in the order that they have.
async fn settle(tx: &mut Transaction, api: &Api) -> Result<(), Error> {
    let mut tags: Vec<Tag> = api.tags();
    let used: Vec<String> = store::operations::of(tx, api.id)
        .await?
        .iter()
        .flat_map(|operation| serde_json::from_str::<Vec<String>>(&operation.tags).unwrap_or_default())
        .collect();
    tags.retain(|tag| used.contains(&tag.name));
    for name in used {
        if !tags.iter().any(|tag| tag.name == name) {
            tags.push(Tag { name, description: None });
        }
    }
    let after = Api { tags: serde_json::to_string(&tags)?, ..api.clone() };
    store::update(tx, &after, None).await?;
    Ok(())
}

/// Puts a change into the API's log, once developers may have read what it was.
async fn log(tx: &mut Transaction, api: &Api, was: Option<Side>, is: Option<Side>) -> Result<(), Error> {
    let changes = compare(std::iter::once((was, is)));
    if !changes.is_empty() && store::is_published(tx, api.id).await? {
        store::changes::add(tx, api.id, &api.api_version, &api.api_version, &changes).await?;
    }
    Ok(())
}

/// Adds an operation to an API that was made by hand; its name.
///
/// # Errors
/// `Invalid` as `NewOperation::check` says, on `name` and `url_template` when they are taken; `Conflict` when the API was imported.
pub async fn add_operation(db: &Database, admin: &Administrator, api: &str, new: &NewOperation) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let name = add_operation_in(&mut tx, admin, api, new).await?;
    tx.commit().await?;
    Ok(name)
}

/// As `add_operation`, in the caller's transaction.
pub async fn add_operation_in(tx: &mut Transaction, admin: &Administrator, api: &str, new: &NewOperation) -> Result<String, Error> {
    let (api, known) = held(tx, api).await?;
    let operation = new.check()?;
    if known.len() >= super::description::MAX_OPERATIONS {
        return Err(Error::Conflict("An API may have 5,000 operations.".to_owned()));
    }
    check_address(&known, &operation, None)?;
    let name = new.name.trim();
    let name = if name.is_empty() {
        let mut taken = known.iter().map(|one| ids::fold(&one.name)).collect();
        operation_name(&Operation { operation_id: operation.summary.clone(), ..operation.clone() }, &mut taken)
    } else {
        check_name(name)?;
        name.to_owned()
    };
    if known.iter().any(|one| ids::fold(&one.name) == ids::fold(&name)) {
        return Err(Error::invalid("name", "Another operation of this API has this name."));
    }
    let detail = serde_json::to_string(&operation.detail)?;
    let row = columns(None, &name, &operation, &detail)?;
    store::operations::add(tx, api.id, &row).await?;
    settle(tx, &api).await?;
    log(tx, &api, None, Some(Side::of(&name, &row.display_name, &operation))).await?;
    let after = facts(&name, &row.display_name, &operation);
    audit::record(tx, admin.actor(), "api.operation_added", subject(&api), audit::NOTHING, Some(after)).await?;
    Ok(name)
}

fn check_name(name: &str) -> Result<(), Error> {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > 80 || !name.chars().all(fine) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let text =
            "A name has letters without accents, digits, “-”, “_” and “.”, begins with a letter or digit, and has up to 80 characters.";
        return Err(Error::invalid("name", text));
    }
    Ok(())
}

/// Changes an operation of an API that was made by hand; its name stays. False when nothing is different.
///
/// # Errors
/// `Stale` when the operation is no longer at the version the form was shown; as `add_operation`.
pub async fn edit_operation(
    db: &Database,
    admin: &Administrator,
    api: &str,
    name: &str,
    version: i64,
    new: &NewOperation,
) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let changed = edit_operation_in(&mut tx, admin, api, name, version, new).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As `edit_operation`, in the caller's transaction.
pub(super) async fn edit_operation_in(
    tx: &mut Transaction,
    admin: &Administrator,
    api: &str,
    name: &str,
    version: i64,
    new: &NewOperation,
) -> Result<bool, Error> {
    let (api, known) = held(tx, api).await?;
    let kept = find_operation(tx, &api, name).await?.ok_or(Error::NotFound)?;
    let operation = new.check_over(&kept.detail)?;
    check_address(&known, &operation, Some(kept.whole.id))?;
    let detail = serde_json::to_string(&operation.detail)?;
    let row = columns(Some(kept.whole.id), &kept.whole.name, &operation, &detail)?;
    let whole = &kept.whole;
    let same = whole.method == operation.method
        && whole.url_template == operation.url_template
        && whole.display_name == row.display_name
        && whole.description == operation.description.clone().unwrap_or_default()
        && whole.deprecated == operation.deprecated
        && whole.tags == row.tags
        && kept.detail == operation.detail;
    if same {
        return Ok(false);
    }
    if !store::operations::update(tx, version, &row).await? {
        return Err(Error::Stale);
    }
    settle(tx, &api).await?;
    log(tx, &api, Some(Side::from(whole.clone())), Some(Side::of(&whole.name, &row.display_name, &operation))).await?;
    let (before, after) = (facts_of(&kept), facts(&whole.name, &row.display_name, &operation));
    audit::record(tx, admin.actor(), "api.operation_edited", subject(&api), Some(before), Some(after)).await?;
    Ok(true)
}

/// Deletes an operation of an API that was made by hand; what it was called.
///
/// # Errors
/// `Conflict` when the API was imported.
pub async fn delete_operation(db: &Database, admin: &Administrator, api: &str, name: &str) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let gone = delete_operation_in(&mut tx, admin, api, name, None).await?;
    tx.commit().await?;
    Ok(gone)
}

/// As `delete_operation`, in the caller's transaction, of an operation at this version.
pub(super) async fn delete_operation_in(
    tx: &mut Transaction,
    admin: &Administrator,
    api: &str,
    name: &str,
    at: Option<i64>,
) -> Result<String, Error> {
    let (api, _) = held(tx, api).await?;
    let kept = find_operation(tx, &api, name).await?.ok_or(Error::NotFound)?;
    if at.is_some_and(|at| at != kept.whole.version) {
        return Err(Error::Stale);
    }
    store::operations::delete_one(tx, kept.whole.id).await?;
    settle(tx, &api).await?;
    log(tx, &api, Some(Side::from(kept.whole.clone())), None).await?;
    audit::record(tx, admin.actor(), "api.operation_deleted", subject(&api), Some(facts_of(&kept)), audit::NOTHING).await?;
    Ok(kept.whole.display_name)
}
