//! The walk over paths and methods. What parameters, bodies and schemas look like is known by the
//! neighbours; here is what counts as an operation.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::{Document, Found};
use super::text::{self, DISPLAY_NAME, OPERATION_TEXT, WORD, pointer};
use super::{Detail, Format, MAX_OPERATIONS, Operation, Refusal, content, parameters, security};

/// The methods a path item may have; `trace` is not Swagger's, and harmless there.
pub const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// Bytes of a URL template; proxies refuse longer ones.
const MAX_TEMPLATE: usize = 2_000;
/// Tags of one operation.
const MAX_TAGS: usize = 50;
/// Bytes of an operationId that is kept: more is not an id.
const MAX_ID: usize = 300;

/// An operation as it was found, before anything is read of it.
struct Entry<'a> {
    template: &'a str,
    item: &'a Map<String, Value>,
    method: &'static str,
    operation: &'a Map<String, Value>,
    place: String,
}

/// All operations in the order of the document.
pub(super) fn read(document: &Document<'_>) -> Result<Vec<Operation>, Refusal> {
    let entries = entries(document)?;
    let total = entries.len();
    let (mut budget, mut ids) = (Budget::new(document, total), HashSet::new());
    let mut operations = Vec::with_capacity(total);
    for (number, entry) in entries.into_iter().enumerate() {
        budget.begin(total - number - 1);
        operations.push(operation(&mut budget, &entry, &mut ids)?);
    }
    Ok(operations)
}

fn entries<'a>(document: &Document<'a>) -> Result<Vec<Entry<'a>>, Refusal> {
    let paths = match document.root.get("paths") {
        Some(Value::Object(paths)) => paths,
        // A 3.1 document may describe webhooks or parts alone.
        None if document.format == Format::OpenApi31 => return Ok(Vec::new()),
        None => return Err(Refusal::new("#", "The description has no \"paths\".")),
        Some(other) => {
            let reason = format!("\"paths\" must be an object; it is {}.", text::kind(other));
            return Err(Refusal::new("#/paths", reason));
        }
    };
    let mut entries = Vec::new();
    for (template, item) in paths {
        if template.starts_with("x-") {
            continue;
        }
        let place = pointer("#/paths", template);
        check_template(template, &place)?;
        let item = match document.follow(item) {
            Found::Here(Value::Object(item)) => item,
            // A path that is still empty, or described in a file that was not given.
            Found::Here(Value::Null) | Found::Elsewhere(_) => continue,
            Found::Here(other) => {
                let reason = format!("A path must hold an object; this is {}.", text::kind(other));
                return Err(Refusal::new(place, reason));
            }
        };
        for (key, value) in item {
            let Some(method) = METHODS.iter().find(|method| *method == key) else { continue };
            let place = pointer(&place, key);
            let Value::Object(operation) = value else {
                let kind = text::kind(value);
                let reason = format!("An operation must be an object; this is {kind}.");
                return Err(Refusal::new(place, reason));
            };
            if entries.len() == MAX_OPERATIONS {
                let reason = format!("The API has more than {MAX_OPERATIONS} operations.");
                return Err(Refusal::new(place, reason));
            }
            entries.push(Entry { template, item, method, operation, place });
        }
    }
    Ok(entries)
}

fn check_template(template: &str, place: &str) -> Result<(), Refusal> {
    let reason = if !template.starts_with('/') {
        "A path must begin with \"/\"."
    } else if template.len() > MAX_TEMPLATE {
        "The path is longer than 2,000 bytes."
    } else if template.chars().any(char::is_control) {
        "The path holds a control character."
    } else {
        return Ok(());
    };
    Err(Refusal::new(place, reason))
}

fn operation<'a>(budget: &mut Budget<'_, 'a>, entry: &Entry<'a>, ids: &mut HashSet<&'a str>) -> Result<Operation, Refusal> {
    let map = entry.operation;
    let id = map.get("operationId").and_then(Value::as_str).map(str::trim);
    let id = id.filter(|id| !id.is_empty() && id.len() <= MAX_ID);
    // Of several operations with one id the first keeps it: documents like that are common.
    let operation_id = id.filter(|id| ids.insert(id)).map(ToOwned::to_owned);
    let summary = budget.text(map, "summary", DISPLAY_NAME);
    let description = budget.text(map, "description", OPERATION_TEXT);
    let found = parameters::read(budget, entry.item, map, &entry.place)?;
    let request = match found.request {
        Some(body) => Some(body),
        None => content::request(budget, map),
    };
    Ok(Operation {
        operation_id,
        method: entry.method.to_uppercase(),
        url_template: entry.template.to_owned(),
        summary,
        description,
        deprecated: text::flag(map, "deprecated"),
        tags: tags(map),
        detail: Detail {
            parameters: found.parameters,
            request,
            responses: content::responses(budget, map),
            security: security::read(budget.document, map),
        },
    })
}

fn tags(map: &Map<String, Value>) -> Vec<String> {
    let mut tags = Vec::new();
    for tag in text::list(map, "tags").iter().filter_map(Value::as_str).take(MAX_TAGS) {
        let tag = text::cut(tag.trim(), WORD);
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}
