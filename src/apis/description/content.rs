//! Bodies of requests and responses: media types, schemas, headers and examples. Swagger 2.0 says
//! media types once for all bodies, OpenAPI 3 with each body.

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::{Document, Found};
use super::text::{self, PART_TEXT, WORD};
use super::{Body, Content, Format, Parameter, Place, Response, Schema, parameters};

/// Media types of one body.
const MAX_TYPES: usize = 12;
/// Responses of one operation; HTTP has about 60 status codes.
const MAX_RESPONSES: usize = 80;
/// Headers of one response.
const MAX_HEADERS: usize = 60;
/// Bytes of an example.
const MAX_EXAMPLE: usize = 4 * 1024;

/// The body an operation asks for (OpenAPI 3).
pub(super) fn request<'a>(budget: &mut Budget<'_, 'a>, operation: &'a Map<String, Value>) -> Option<Body> {
    let value = operation.get("requestBody")?;
    if budget.document.format == Format::Swagger20 || !budget.part() {
        return None;
    }
    match budget.document.follow(value) {
        Found::Here(Value::Object(map)) => Some(Body {
            required: text::flag(map, "required"),
            description: budget.text(map, "description", PART_TEXT),
            content: media_types(budget, map),
        }),
        Found::Here(_) => None,
        Found::Elsewhere(name) => {
            let description = Some(format!("{name} (not in this document)"));
            Some(Body { required: false, description, content: Vec::new() })
        }
    }
}

/// The answers of an operation.
pub(super) fn responses<'a>(budget: &mut Budget<'_, 'a>, operation: &'a Map<String, Value>) -> Vec<Response> {
    let Some(Value::Object(all)) = operation.get("responses") else { return Vec::new() };
    let mut responses = Vec::new();
    for (status, value) in all.iter().filter(|(key, _)| !key.starts_with("x-")).take(MAX_RESPONSES) {
        if !budget.part() {
            break;
        }
        let status = text::cut(status.trim(), 20);
        match budget.document.follow(value) {
            Found::Here(Value::Object(map)) => {
                responses.push(response(budget, operation, status, map));
            }
            Found::Here(_) => {}
            Found::Elsewhere(name) => {
                let description = Some(format!("{name} (not in this document)"));
                let (headers, content) = (Vec::new(), Vec::new());
                responses.push(Response { status, description, headers, content });
            }
        }
    }
    responses
}

fn response<'a>(budget: &mut Budget<'_, 'a>, operation: &'a Map<String, Value>, status: String, map: &'a Map<String, Value>) -> Response {
    let description = budget.text(map, "description", PART_TEXT);
    let content = match budget.document.format {
        Format::Swagger20 => swagger_content(budget, operation, map),
        _ => media_types(budget, map),
    };
    Response { status, description, headers: headers(budget, map), content }
}

fn headers<'a>(budget: &mut Budget<'_, 'a>, map: &'a Map<String, Value>) -> Vec<Parameter> {
    let Some(Value::Object(all)) = map.get("headers") else { return Vec::new() };
    let mut headers = Vec::new();
    for (name, value) in all.iter().take(MAX_HEADERS) {
        if let Found::Here(header @ Value::Object(_)) = budget.document.follow(value)
            && budget.part()
        {
            let name = text::cut(name, WORD);
            headers.push(parameters::described(budget, name, Place::Header, header));
        }
    }
    headers
}

fn media_types<'a>(budget: &mut Budget<'_, 'a>, map: &'a Map<String, Value>) -> Vec<Content> {
    let Some(Value::Object(all)) = map.get("content") else { return Vec::new() };
    let mut content = Vec::new();
    for (media_type, value) in all.iter().take(MAX_TYPES) {
        let mark = budget.mark();
        if !budget.part() {
            break;
        }
        let media_type = text::cut(media_type, WORD);
        let node = value.get("schema");
        let schema = node.map(|node| budget.schema(node));
        let example = match given_example(budget, value) {
            Some(example) => Some(example),
            None => node.and_then(|node| schema_example(budget, node)),
        };
        add(budget, mark, &mut content, Content { media_type, also_as: Vec::new(), schema, example });
    }
    content
}

/// Adds a body, or only its media type to an earlier one that is described in the same way.
pub(super) fn add(budget: &mut Budget<'_, '_>, mark: usize, content: &mut Vec<Content>, new: Content) {
    let same = |old: &&mut Content| old.schema == new.schema && old.example == new.example;
    match content.iter_mut().find(same) {
        Some(old) => {
            budget.give_back(mark);
            old.also_as.push(new.media_type);
        }
        None => content.push(new),
    }
}

fn swagger_content<'a>(budget: &mut Budget<'_, 'a>, operation: &'a Map<String, Value>, map: &'a Map<String, Value>) -> Vec<Content> {
    let node = map.get("schema");
    let examples = map.get("examples").and_then(Value::as_object);
    if node.is_none() && examples.is_none() {
        return Vec::new();
    }
    let mut content = Vec::new();
    for media_type in swagger_types(budget.document, operation, "produces") {
        let mark = budget.mark();
        if !budget.part() {
            break;
        }
        let schema: Option<Schema> = node.map(|node| budget.schema(node));
        let example = match examples.and_then(|all| all.get(&media_type)) {
            Some(example) => printed(budget, example),
            None => node.and_then(|node| schema_example(budget, node)),
        };
        add(budget, mark, &mut content, Content { media_type, also_as: Vec::new(), schema, example });
    }
    content
}

/// The media types of an operation, else of the document, else JSON: an empty list may mean
/// "none", but a body without a media type cannot be shown, and generators write it by mistake.
pub(super) fn swagger_types(document: &Document<'_>, operation: &Map<String, Value>, key: &str) -> Vec<String> {
    let own = text::list(operation, key);
    let all = if own.is_empty() { text::list(document.root, key) } else { own };
    let mut types: Vec<String> = Vec::new();
    for media_type in all.iter().filter_map(Value::as_str).take(MAX_TYPES) {
        let media_type = text::cut(media_type, WORD);
        if !types.contains(&media_type) {
            types.push(media_type);
        }
    }
    if types.is_empty() {
        types.push("application/json".to_owned());
    }
    types
}

/// `example`, or the first of `examples` (OpenAPI 3).
fn given_example<'a>(budget: &mut Budget<'_, 'a>, media: &'a Value) -> Option<String> {
    if let Some(example) = media.get("example") {
        return printed(budget, example);
    }
    let first = media.get("examples")?.as_object()?.values().next()?;
    let value = budget.document.object(first)?.get("value")?;
    printed(budget, value)
}

/// The example a schema carries itself, behind a reference or as an array's items.
pub(super) fn schema_example<'a>(budget: &mut Budget<'_, 'a>, node: &'a Value) -> Option<String> {
    let map = budget.document.object(node)?;
    if let Some(example) = map.get("example") {
        return printed(budget, example);
    }
    let example = map.get("examples")?.as_array()?.first()?;
    printed(budget, example)
}

/// An example as it is shown: a text as it stands (it may be XML), anything else as JSON.
fn printed(budget: &mut Budget<'_, '_>, example: &Value) -> Option<String> {
    let shown = match example {
        Value::Null => return None,
        Value::String(text) => cut_bytes(text),
        other => {
            let mut page = Page(Vec::new());
            // An error means that the page is full.
            let whole = serde_json::to_writer_pretty(&mut page, other).is_ok();
            let text = String::from_utf8_lossy(&page.0);
            if whole { text.into_owned() } else { cut_bytes(&text) }
        }
    };
    (!shown.trim().is_empty() && budget.spend(shown.len())).then_some(shown)
}

fn cut_bytes(text: &str) -> String {
    if text.len() <= MAX_EXAMPLE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MAX_EXAMPLE.saturating_sub(8));
    format!("{}\n…", text[..end].trim_end())
}

/// Takes a little more than an example may have and then refuses, so that a huge one is not
/// written out in order to be cut.
struct Page(Vec<u8>);

impl std::io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = (MAX_EXAMPLE + 1).saturating_sub(self.0.len());
        if bytes.len() > room {
            self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
