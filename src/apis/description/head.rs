//! What a description says about the API as a whole: its format, info, servers and tags.
//! Operations are not looked at here, but for the tags they mention.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::document::Document;
use super::text::{self, API_TEXT, DISPLAY_NAME, PART_TEXT, WORD};
use super::{Contact, Description, Format, License, Refusal, Server, Syntax, Tag};

/// Servers shown; nobody chooses from more.
const MAX_SERVERS: usize = 20;
/// Headings of an API; each is an entry of its contents.
const MAX_TAGS: usize = 1_000;

/// The format the document claims, or why it is none that Portico reads.
pub(super) fn format(root: &Value) -> Result<Format, Refusal> {
    let Value::Object(map) = root else {
        let kind = text::kind(root);
        return Err(Refusal::new("#", format!("A description is an object; this is {kind}.")));
    };
    let openapi = text::text(map, "openapi", WORD);
    let swagger = text::text(map, "swagger", WORD);
    let (key, version) = match (openapi, swagger) {
        (Some(version), _) => ("openapi", version),
        (None, Some(version)) => ("swagger", version),
        (None, None) => {
            return Err(Refusal::new(
                "#",
                "The document says neither \"openapi\" nor \"swagger\", so it is not a description of an API that Portico can read.",
            ));
        }
    };
    let mut numbers = version.split('.').map(str::trim);
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or("0"));
    match (key, major, minor) {
        ("swagger", "2", "0") => Ok(Format::Swagger20),
        ("openapi", "3", "0") => Ok(Format::OpenApi30),
        ("openapi", "3", "1") => Ok(Format::OpenApi31),
        _ => Err(Refusal::new(
            format!("#/{key}"),
            format!("Portico reads Swagger 2.0, OpenAPI 3.0 and OpenAPI 3.1; this is {key} {version}."),
        )),
    }
}

/// Everything but the operations.
pub(super) fn read(document: &Document<'_>, syntax: Syntax) -> Result<Description, Refusal> {
    let root = document.root;
    let info = match root.get("info") {
        Some(Value::Object(info)) => info,
        Some(other) => {
            let reason = format!("\"info\" must be an object; it is {}.", text::kind(other));
            return Err(Refusal::new("#/info", reason));
        }
        None => return Err(Refusal::new("#", "The description has no \"info\".")),
    };
    let title =
        text::text(info, "title", DISPLAY_NAME).ok_or_else(|| Refusal::new("#/info", "The API has no title (\"info\", \"title\")."))?;
    Ok(Description {
        format: document.format,
        syntax,
        title,
        version: text::text(info, "version", WORD).unwrap_or_default(),
        summary: text::text(info, "summary", DISPLAY_NAME),
        description: text::text(info, "description", API_TEXT),
        terms_of_service: text::web_address(info, "termsOfService"),
        contact: info.get("contact").and_then(Value::as_object).and_then(contact),
        license: info.get("license").and_then(Value::as_object).and_then(license),
        servers: match document.format {
            Format::Swagger20 => swagger_servers(root),
            Format::OpenApi30 | Format::OpenApi31 => servers(root),
        },
        tags: declared_tags(root),
        operations: Vec::new(),
    })
}

fn contact(map: &Map<String, Value>) -> Option<Contact> {
    let found = Contact {
        name: text::text(map, "name", WORD),
        url: text::web_address(map, "url"),
        email: text::text(map, "email", 254).filter(|email| email.contains('@')),
    };
    (found.name.is_some() || found.url.is_some() || found.email.is_some()).then_some(found)
}

fn license(map: &Map<String, Value>) -> Option<License> {
    let url = text::web_address(map, "url");
    let name = text::text(map, "name", WORD).or_else(|| text::text(map, "identifier", WORD));
    let name = name.or_else(|| url.clone())?;
    Some(License { name, url })
}

fn servers(root: &Map<String, Value>) -> Vec<Server> {
    let known = text::list(root, "servers").iter().filter_map(Value::as_object);
    let described = known.filter_map(|server| {
        let url = filled_in(&text::text(server, "url", 2_000)?, server.get("variables"));
        Some(Server { url, description: text::text(server, "description", PART_TEXT) })
    });
    described.take(MAX_SERVERS).collect()
}

/// A server's address with each `{variable}` replaced by its default; one without stays.
fn filled_in(url: &str, variables: Option<&Value>) -> String {
    let default = |name: &str| {
        let variable = variables?.get(name)?.as_object()?;
        text::text(variable, "default", WORD)
    };
    let (mut filled, mut rest) = (String::new(), url);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, behind)) => {
                filled.push_str(&default(name).unwrap_or_else(|| format!("{{{name}}}")));
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    text::cut(&filled, 2_000)
}

/// Swagger says scheme, host and base path apart. Without a host the API is where the description
/// was found, so only the path is known.
pub(super) fn swagger_servers(root: &Map<String, Value>) -> Vec<Server> {
    let path = text::text(root, "basePath", 2_000).unwrap_or_default();
    let path = if path == "/" { "" } else { path.as_str() };
    let Some(host) = text::text(root, "host", WORD) else {
        let known = (!path.is_empty()).then(|| Server { url: path.to_owned(), description: None });
        return known.into_iter().collect();
    };
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let mut schemes: Vec<&str> = text::list(root, "schemes").iter().filter_map(Value::as_str).take(MAX_SERVERS).collect();
    if schemes.is_empty() {
        schemes.push("https");
    }
    let url = |scheme: &str| format!("{}://{host}{slash}{path}", text::cut(scheme, 20));
    schemes.into_iter().map(|scheme| Server { url: url(scheme), description: None }).collect()
}

fn declared_tags(root: &Map<String, Value>) -> Vec<Tag> {
    let mut seen = HashSet::new();
    let known = text::list(root, "tags").iter().filter_map(Value::as_object);
    let named = known.filter_map(|tag| {
        let name = text::text(tag, "name", WORD)?;
        Some(Tag { name, description: text::text(tag, "description", PART_TEXT) })
    });
    named.filter(|tag| seen.insert(tag.name.clone())).take(MAX_TAGS).collect()
}

/// Appends the tags that only operations mention, in the order they are first met.
pub(super) fn add_seen_tags(description: &mut Description) {
    let mut seen: HashSet<&str> = description.tags.iter().map(|tag| tag.name.as_str()).collect();
    let mentioned = description.operations.iter().flat_map(|operation| &operation.tags);
    let room = MAX_TAGS.saturating_sub(description.tags.len());
    let new: Vec<Tag> =
        mentioned.filter(|name| seen.insert(name)).take(room).map(|name| Tag { name: name.clone(), description: None }).collect();
    description.tags.extend(new);
}
