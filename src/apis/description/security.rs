//! What a caller must show, in words. Each requirement of the document is an alternative; what it
//! names together is needed together.

use serde_json::{Map, Value};

use super::document::Document;
use super::text::{self, WORD};

/// Alternatives shown, and schemes shown in each.
const MAX_ALTERNATIVES: usize = 20;

/// An operation's own requirements replace those of the document; an empty list asks for nothing.
pub(super) fn read(document: &Document<'_>, operation: &Map<String, Value>) -> Vec<String> {
    let own = operation.get("security").filter(|value| value.is_array());
    let Some(Value::Array(requirements)) = own.or_else(|| document.root.get("security")) else {
        return Vec::new();
    };
    let objects = requirements.iter().filter_map(Value::as_object);
    let mut words: Vec<String> = Vec::new();
    for requirement in objects.take(MAX_ALTERNATIVES) {
        let schemes = requirement.iter().take(MAX_ALTERNATIVES);
        let together: Vec<String> = schemes.map(|(name, scopes)| scheme(document, name, scopes)).collect();
        let alternative = match together.is_empty() {
            true => "nothing".to_owned(),
            false => text::cut(&together.join(" and "), 500),
        };
        if !words.contains(&alternative) {
            words.push(alternative);
        }
    }
    // Only "nothing" is no requirement at all.
    if words.len() == 1 && words.iter().all(|word| word == "nothing") { Vec::new() } else { words }
}

fn scheme(document: &Document<'_>, name: &str, scopes: &Value) -> String {
    let library =
        document.root.get("securityDefinitions").or_else(|| document.root.get("components").and_then(|parts| parts.get("securitySchemes")));
    let found = library.and_then(|schemes| schemes.get(name));
    let Some(scheme) = found.and_then(|value| document.object(value)) else {
        return text::cut(name, WORD);
    };
    let word = |key: &str| text::text(scheme, key, WORD);
    match word("type").as_deref() {
        Some("apiKey") => {
            let key = word("name").unwrap_or_else(|| text::cut(name, WORD));
            match word("in").as_deref() {
                Some("query") => format!("API key in query parameter {key}"),
                Some("cookie") => format!("API key in cookie {key}"),
                _ => format!("API key in header {key}"),
            }
        }
        Some("basic") => "HTTP basic".to_owned(),
        Some("http") => {
            let kind = word("scheme").unwrap_or_else(|| "authentication".to_owned());
            let kind = kind.to_ascii_lowercase();
            match word("bearerFormat") {
                Some(format) if kind == "bearer" => format!("HTTP bearer ({format})"),
                _ => format!("HTTP {kind}"),
            }
        }
        Some("oauth2") => with_scopes("OAuth 2", scopes),
        Some("openIdConnect") => with_scopes("OpenID Connect", scopes),
        Some("mutualTLS") => "client certificate (mutual TLS)".to_owned(),
        _ => text::cut(name, WORD),
    }
}

fn with_scopes(what: &str, scopes: &Value) -> String {
    let names: Vec<String> =
        scopes.as_array().into_iter().flatten().filter_map(Value::as_str).take(30).map(|scope| text::cut(scope, WORD)).collect();
    match names.len() {
        0 => what.to_owned(),
        1 => format!("{what} (scope {})", names.join("")),
        _ => format!("{what} (scopes {})", names.join(", ")),
    }
}
