//! The operations of an API that was made by hand: what a form says of one, what is wrong with it, adding, editing, deleting.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    Api,
    description::{Body, Content, Detail, METHODS, Operation, Parameter, Place, Response, Schema, Tag, operation_name},
    get, one_line,
    rows::OperationColumns,
    store::{self, operations::Known, operations::Whole},
    subject,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids,
};

/// The types that a parameter may have, as the tables say them.
pub const TYPES: [&str; 10] = [
    "string",
    "integer",
    "number",
    "boolean",
    "string (date)",
    "string (date-time)",
    "string (uuid)",
    "array of string",
    "array of integer",
    "object",
];

pub const PLACES: [&str; 4] = ["path", "query", "header", "cookie"];

/// Rows of parameters, and of responses.
const MOST_ROWS: usize = 100;
/// Tags of one operation.
const MOST_TAGS: usize = 20;

const IMPORTED: &str =
    "The operations of this API come from the description that it was imported from. Replace the description to change them.";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewParameter {
    pub name: String,
    /// One of `PLACES`.
    pub place: String,
    /// One of `TYPES`.
    pub kind: String,
    pub required: bool,
    pub description: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewResponse {
    pub status: String,
    pub description: String,
}

/// What a form says of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewOperation {
    /// What stands in addresses; made from the display name when it is empty, and kept from then on.
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    /// Markdown.
    pub description: String,
    /// Separated by commas.
    pub tags: String,
    pub deprecated: bool,
    pub parameters: Vec<NewParameter>,
    /// Empty when nothing is sent.
    pub body_type: String,
    pub body_required: bool,
    pub body_description: String,
    pub body_example: String,
    pub responses: Vec<NewResponse>,
}

/// An operation of an API, and the version that a form of it is shown.
pub struct Kept {
    pub whole: Whole,
    pub detail: Detail,
}

impl NewOperation {
    pub fn of(kept: &Kept) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (whole, detail) = (&kept.whole, &kept.detail);
        let tags: Vec<String> = serde_json::from_str(&whole.tags).unwrap_or_default();
        let body = detail.request.as_ref();
        let content = body.and_then(|body| body.content.first());
        let parameter = |one: &Parameter| NewParameter {
            name: one.name.clone(),
            place: PLACES[place_number(one.place)].to_owned(),
            kind: one.schema.summary.clone(),
            required: one.required,
            description: text(&one.description),
        };
        Self {
            name: whole.name.clone(),
            method: whole.method.clone(),
            url_template: whole.url_template.clone(),
            display_name: whole.display_name.clone(),
            description: whole.description.clone(),
            tags: tags.join(", "),
            deprecated: whole.deprecated,
            parameters: detail.parameters.iter().map(parameter).collect(),
            body_type: content.map(|content| content.media_type.clone()).unwrap_or_default(),
            body_required: body.is_some_and(|body| body.required),
            body_description: body.map(|body| text(&body.description)).unwrap_or_default(),
            body_example: content.map(|content| text(&content.example)).unwrap_or_default(),
            responses: detail
                .responses
                .iter()
                .map(|one| NewResponse { status: one.status.clone(), description: text(&one.description) })
                .collect(),
        }
    }

    /// The names between braces in the URL template that have no row among the path parameters.
    pub fn without_row(&self) -> Vec<String> {
        let known: HashSet<&str> = self.parameters.iter().filter(|one| one.place == "path").map(|one| one.name.trim()).collect();
        names_in(self.url_template.trim()).unwrap_or_default().into_iter().filter(|name| !known.contains(name.as_str())).collect()
    }

    /// # Errors
    /// `Invalid`, by field; what is wrong with a row is on `parameters` or `responses`, and names it.
    pub fn check(&self) -> Result<Operation, Error> {
        let mut problems = Problems::default();
        let method = self.method.trim().to_uppercase();
        if !METHODS.iter().any(|known| known.eq_ignore_ascii_case(&method)) {
            problems.add("method", "Choose one of the methods.");
        }
        let url_template = problems.line("url_template", "The URL template", &self.url_template, 1, 1_000);
        let display_name = problems.line("display_name", "The display name", &self.display_name, 0, 300);
        let description = problems.text("description", "The description", &self.description, 0, 20_000).replace("\r\n", "\n");
        let tags = super::tags_of(&self.tags);
        if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.chars().count() > 100) {
            problems.add("tags", format!("At most {MOST_TAGS} tags, of 100 characters each."));
        }
        let parameters = self.check_parameters(&url_template, &mut problems);
        let request = self.check_body(&mut problems);
        let responses = self.check_responses(&mut problems);
        problems.or(Operation {
            operation_id: None,
            method,
            url_template,
            summary: Some(display_name).filter(|text| !text.is_empty()),
            description: Some(description).filter(|text| !text.is_empty()),
            deprecated: self.deprecated,
            tags,
            detail: Detail { parameters, request, responses, security: Vec::new() },
        })
    }

    fn check_parameters(&self, template: &str, problems: &mut Problems) -> Vec<Parameter> {
        let rows: Vec<&NewParameter> =
            self.parameters.iter().filter(|one| !(one.name.trim().is_empty() && one.description.trim().is_empty())).collect();
        if rows.len() > MOST_ROWS {
            problems.add("parameters", format!("An operation may have {MOST_ROWS} parameters."));
            return Vec::new();
        }
        let (mut seen, mut made) = (HashSet::new(), Vec::new());
        for row in rows {
            let name = row.name.trim();
            let place = match PLACES.iter().position(|place| *place == row.place) {
                Some(0) => Place::Path,
                Some(2) => Place::Header,
                Some(3) => Place::Cookie,
                _ => Place::Query,
            };
            let fine = !name.is_empty() && name.chars().count() <= 200 && !name.chars().any(|c| c.is_control() || c.is_whitespace());
            if !fine {
                problems.add("parameters", "Every parameter has a name of up to 200 characters, without spaces.");
            } else if !seen.insert((name, place)) {
                problems.add("parameters", format!("There are two {} parameters {name}.", PLACES[place_number(place)]));
            }
            if row.description.chars().count() > 4_000 {
                problems.add("parameters", format!("The description of {name} may have 4000 characters."));
            }
            if !TYPES.contains(&row.kind.as_str()) {
                problems.add("parameters", format!("Choose the type of {name} from the list."));
            }
            let description = row.description.trim().replace("\r\n", "\n");
            made.push(Parameter {
                name: name.to_owned(),
                place,
                required: row.required || place == Place::Path,
                deprecated: false,
                description: Some(description).filter(|text| !text.is_empty()),
                schema: Schema { summary: row.kind.clone(), ..Schema::default() },
                choices: Vec::new(),
                given: None,
            });
        }
        match names_in(template) {
            Err(why) => problems.add("url_template", why),
            Ok(names) => {
                let rows: BTreeSet<&str> = made.iter().filter(|one| one.place == Place::Path).map(|one| one.name.as_str()).collect();
                let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                let braces = |names: Vec<&&str>| names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
                let (missing, spare) = (braces(named.difference(&rows).collect()), braces(rows.difference(&named).collect()));
                if !missing.is_empty() {
                    let text = format!("The URL template has {missing}, and there is no such path parameter below.");
                    problems.add("url_template", text);
                }
                if !spare.is_empty() {
                    problems.add("parameters", format!("There is no {spare} in the URL template, and a path parameter stands there."));
                }
            }
        }
        made
    }

    fn check_body(&self, problems: &mut Problems) -> Option<Body> {
        let media_type = self.body_type.trim();
        let description = problems.text("body_description", "The description of the body", &self.body_description, 0, 4_000);
        let example = self.body_example.replace("\r\n", "\n");
        if example.len() > 4_096 {
            problems.add("body_example", "The example may have 4096 bytes.");
        }
        if media_type.is_empty() {
            let said = !example.trim().is_empty() || !description.is_empty() || self.body_required;
            if said {
                problems.add("body_type", "Say in which media type the body is sent, such as application/json.");
            }
            return None;
        }
        let parts: Vec<&str> = media_type.split('/').collect();
        if parts.len() != 2 || parts.iter().any(|part| part.is_empty()) || media_type.len() > 200 || !media_type.is_ascii() {
            problems.add("body_type", "A media type is written as in application/json.");
        }
        let example = Some(example).filter(|text| !text.trim().is_empty());
        Some(Body {
            required: self.body_required,
            description: Some(description.replace("\r\n", "\n")).filter(|text| !text.is_empty()),
            content: vec![Content { media_type: media_type.to_owned(), also_as: Vec::new(), schema: None, example }],
        })
    }

    fn check_responses(&self, problems: &mut Problems) -> Vec<Response> {
        let rows: Vec<&NewResponse> =
            self.responses.iter().filter(|one| !(one.status.trim().is_empty() && one.description.trim().is_empty())).collect();
        if rows.len() > MOST_ROWS {
            problems.add("responses", format!("An operation may have {MOST_ROWS} responses."));
            return Vec::new();
        }
        let (mut seen, mut made) = (HashSet::new(), Vec::new());
        for row in rows {
            let status = row.status.trim();
            if !is_status(status) {
                problems.add("responses", "A status is a number such as 200, a range such as 4XX, or default.");
            } else if !seen.insert(status) {
                problems.add("responses", format!("There are two responses {status}."));
            }
            if row.description.chars().count() > 4_000 {
                problems.add("responses", format!("The description of {status} may have 4000 characters."));
            }
            let description = row.description.trim().replace("\r\n", "\n");
            made.push(Response {
                status: status.to_owned(),
                description: Some(description).filter(|text| !text.is_empty()),
                headers: Vec::new(),
                content: Vec::new(),
            });
        }
        made
    }
}

fn place_number(place: Place) -> usize {
    match place {
        Place::Path => 0,
        Place::Query => 1,
        Place::Header => 2,
        Place::Cookie => 3,
    }
}

fn is_status(text: &str) -> bool {
    text == "default"
        || (text.len() == 3
            && text.starts_with(|c: char| ('1'..='5').contains(&c))
            && (text[1..].bytes().all(|byte| byte.is_ascii_digit()) || &text[1..] == "XX"))
}

/// The names between braces; or what is wrong with the template.
fn names_in(template: &str) -> Result<Vec<String>, String> {
    if !template.starts_with('/') {
        return Err("A URL template begins with “/”.".to_owned());
    }
    if let Some(odd) = template.chars().find(|c| c.is_whitespace() || matches!(c, '?' | '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')) {
        let hint = if odd == '?' { " What follows “?” are query parameters: they have rows of their own." } else { "" };
        return Err(format!("“{odd}” cannot stand in a URL template.{hint}"));
    }
    let (mut names, mut rest) = (Vec::new(), template);
    while let Some(at) = rest.find(['{', '}']) {
        let closed = rest[at..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match closed {
            Some((name, behind)) if !name.is_empty() && !name.contains('{') => {
                if names.iter().any(|known| known == name) {
                    return Err(format!("The URL template has {{{name}}} twice."));
                }
                names.push(name.to_owned());
                rest = behind;
            }
            _ => return Err("Every parameter in the URL template stands between “{” and “}”.".to_owned()),
        }
    }
    Ok(names)
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
    let parameter = |one: &Parameter| {
        let required = if one.required { ", required" } else { "" };
        format!("{} ({}, {}{required}){}", one.name, PLACES[place_number(one.place)], one.schema.summary, said(&one.description))
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
        request: detail.request.as_ref().map(|body| {
            let types: Vec<&str> = body.content.iter().map(|one| one.media_type.as_str()).collect();
            format!("{}{}{}", types.join(", "), if body.required { ", required" } else { "" }, said(&body.description))
        }),
        responses: detail.responses.iter().map(|one| format!("{}{}", one.status, said(&one.description))).collect(),
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
    let (api, known) = held(&mut tx, api).await?;
    let kept = find_operation(&mut tx, &api, name).await?.ok_or(Error::NotFound)?;
    let operation = new.check()?;
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
    if !store::operations::update(&mut tx, version, &row).await? {
        return Err(Error::Stale);
    }
    settle(&mut tx, &api).await?;
    let (before, after) = (facts_of(&kept), facts(&whole.name, &row.display_name, &operation));
    audit::record(&mut tx, admin.actor(), "api.operation_edited", subject(&api), Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Deletes an operation of an API that was made by hand; what it was called.
///
/// # Errors
/// `Conflict` when the API was imported.
pub async fn delete_operation(db: &Database, admin: &Administrator, api: &str, name: &str) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let (api, _) = held(&mut tx, api).await?;
    let kept = find_operation(&mut tx, &api, name).await?.ok_or(Error::NotFound)?;
    store::operations::delete_one(&mut tx, kept.whole.id).await?;
    settle(&mut tx, &api).await?;
    audit::record(&mut tx, admin.actor(), "api.operation_deleted", subject(&api), Some(facts_of(&kept)), audit::NOTHING).await?;
    tx.commit().await?;
    Ok(kept.whole.display_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_rows_must_agree() {
        let row = |name: &str, place: &str| NewParameter {
            name: name.to_owned(),
            place: place.to_owned(),
            kind: "string".to_owned(),
            ..NewParameter::default()
        };
        let problem = |template: &str, rows: &[(&str, &str)]| {
            let parameters = rows.iter().map(|(name, place)| row(name, place)).collect();
            let new = NewOperation { method: "GET".to_owned(), url_template: template.to_owned(), parameters, ..NewOperation::default() };
            match new.check() {
                Err(Error::Invalid(problems)) => problems.0.iter().map(|one| format!("{}: {}", one.field, one.message)).collect(),
                _ => String::new(),
            }
        };
        assert_eq!(problem("/orders/{id}/lines/{line}", &[("id", "path"), ("line", "path"), ("id", "query")]), "");
        for (template, rows, expected) in [
            ("/orders/{id}", &[][..], "url_template: The URL template has {id}"),
            ("/orders", &[("id", "path")], "parameters: There is no {id} in the URL template"),
            ("orders", &[], "begins with “/”"),
            ("/a?b={c}", &[], "query parameters: they have rows of their own"),
            ("/a/{b", &[], "between “{” and “}”"),
            ("/a/{}", &[], "between “{” and “}”"),
            ("/a/{b}/{b}", &[("b", "path")], "{b} twice"),
            ("/a b", &[], "cannot stand in a URL template"),
            ("/a", &[("x", "query"), ("x", "query")], "two query parameters x"),
        ] {
            let said = problem(template, rows);
            assert!(said.contains(expected), "{template}: {said}");
        }
    }

    #[test]
    fn statuses() {
        for (text, good) in
            [("200", true), ("4XX", true), ("default", true), ("600", false), ("20", false), ("2X0", false), ("", false), ("é0", false)]
        {
            assert_eq!(is_status(text), good, "{text}");
        }
    }
}
