//! Small help with values and words: reading members of an object leniently and cutting texts to
//! the lengths that Portico keeps. Nothing here knows what a member means.

use serde_json::{Map, Value};

/// Characters of a display name (REST's length for APIs and operations).
pub(super) const DISPLAY_NAME: usize = 300;
/// Characters kept of the text about the whole API.
pub(super) const API_TEXT: usize = 100_000;
/// Characters kept of the text about an operation.
pub(super) const OPERATION_TEXT: usize = 20_000;
/// Characters kept of the text about a parameter, response, body, tag or server.
pub(super) const PART_TEXT: usize = 4_000;
/// Characters kept of the text in a row of a schema.
pub(super) const FIELD_TEXT: usize = 1_000;
/// Characters kept of a name, a media type or another word.
pub(super) const WORD: usize = 200;

/// At most `max` characters, the last of them "…" when something was left out.
pub(super) fn cut(text: &str, max: usize) -> String {
    // A text with no more bytes than `max` cannot have more characters.
    if text.len() <= max {
        return text.to_owned();
    }
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.char_indices().nth(max.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", text[..kept].trim_end())
        }
    }
}

/// The text of a member, trimmed and cut; numbers and booleans count as text, because an unquoted
/// YAML value was meant as one. None when missing or blank.
pub(super) fn text(map: &Map<String, Value>, key: &str, max: usize) -> Option<String> {
    let found = match map.get(key)? {
        Value::String(text) => cut(text.trim(), max),
        Value::Number(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        _ => return None,
    };
    (!found.is_empty()).then_some(found)
}

/// A member that says yes; anything but `true` is no.
pub(super) fn flag(map: &Map<String, Value>, key: &str) -> bool {
    matches!(map.get(key), Some(Value::Bool(true)))
}

/// A member that is a list, or nothing.
pub(super) fn list<'a>(map: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member that becomes a link: only http and https, so that no page can offer a script.
pub(super) fn web_address(map: &Map<String, Value>, key: &str) -> Option<String> {
    let found = map.get(key)?.as_str()?.trim();
    let scheme = found.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let web = matches!(scheme.as_deref(), Some("http" | "https"));
    (web && found.len() <= 2_000).then(|| found.to_owned())
}

/// The kind of a value as the documents of JSON call it, for refusals.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Adds a segment to a JSON pointer, escaped.
pub(super) fn pointer(base: &str, segment: &str) -> String {
    format!("{base}/{}", cut(segment, WORD).replace('~', "~0").replace('/', "~1"))
}
