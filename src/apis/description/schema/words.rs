//! How types and limits are said: "array of Pet", "1–64 characters", "one of: a, b". Plain words
//! in one place; nothing here decides what a schema consists of.

use serde_json::Value;

use super::super::document::Document;
use super::super::text::{self, WORD};
use super::merge::{Merged, merge};

/// Types inside one another that are named: "array of array of …".
const MAX_NESTING: usize = 3;
/// Alternatives that are named.
const MAX_NAMED: usize = 6;
/// Values of an enumeration that are shown, and characters of each.
const MAX_VALUES: (usize, usize) = (30, 60);
/// Characters of the short text for a schema.
const MAX_SUMMARY: usize = 300;

/// Type and limits on one line.
pub(super) fn summary(document: &Document<'_>, schema: &Merged<'_>) -> String {
    let mut parts = vec![type_text(document, schema)];
    parts.extend(constraints(schema));
    text::cut(&parts.join(", "), MAX_SUMMARY)
}

/// The type in a few words.
pub(super) fn type_text(document: &Document<'_>, schema: &Merged<'_>) -> String {
    text::cut(&nested(document, schema, MAX_NESTING), WORD)
}

fn nested<'a>(document: &Document<'a>, schema: &Merged<'a>, levels: usize) -> String {
    let base = base(document, schema, levels);
    match schema.nullable {
        true if base != "any" => format!("{base} or null"),
        _ => base,
    }
}

fn base<'a>(document: &Document<'a>, schema: &Merged<'a>, levels: usize) -> String {
    if schema.never {
        return "never".to_owned();
    }
    if let Some(missing) = &schema.missing
        && schema.properties.is_empty()
    {
        return format!("{missing} (not in this document)");
    }
    let array = schema.items.is_some() || schema.types.first() == Some(&"array");
    if array && schema.types.len() <= 1 {
        return match schema.items {
            Some(items) if levels > 0 => {
                let items = merge(document, items, &[]);
                format!("array of {}", nested(document, &items, levels - 1))
            }
            _ => "array".to_owned(),
        };
    }
    if let Some(name) = &schema.name
        && schema.has_parts()
    {
        return name.clone();
    }
    if let [choice] = schema.choices.as_slice()
        && schema.properties.is_empty()
    {
        return chosen(document, &choice.schemas, choice.exclusive, levels);
    }
    if schema.types.is_empty() {
        return guessed(schema);
    }
    let format = schema.text("format", 60);
    let words: Vec<String> = schema.types.iter().map(|name| text::cut(name, 40)).collect();
    match format {
        Some(format) => format!("{} ({format})", words.join(" or ")),
        None if words == ["object"] => titled(schema).unwrap_or_else(|| "object".to_owned()),
        None => words.join(" or "),
    }
}

/// An inline object's title, when it is short enough to be a name.
fn titled(schema: &Merged<'_>) -> Option<String> {
    schema.text("title", WORD).filter(|title| title.chars().count() <= 40)
}

fn chosen<'a>(document: &Document<'a>, schemas: &[&'a Value], exclusive: bool, levels: usize) -> String {
    let what = if exclusive { "one of" } else { "any of" };
    if levels == 0 {
        return format!("{what} {}", schemas.len());
    }
    let mut names: Vec<String> = Vec::new();
    for node in schemas.iter().take(MAX_NAMED) {
        let name = nested(document, &merge(document, node, &[]), levels - 1);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if schemas.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    match names.as_slice() {
        [only] => only.clone(),
        _ => format!("{what} {}", names.join(", ")),
    }
}

/// Documents leave the type out where it can be seen.
fn guessed(schema: &Merged<'_>) -> String {
    if schema.has_own_parts() && schema.tuple.is_empty() {
        return titled(schema).unwrap_or_else(|| "object".to_owned());
    }
    if !schema.tuple.is_empty() {
        return "array".to_owned();
    }
    let sample = match schema.get("enum") {
        Some(Value::Array(values)) => values.iter().find(|value| !value.is_null()),
        _ => schema.get("const"),
    };
    let word = match sample {
        Some(Value::String(_)) => "string",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(number)) if number.is_f64() => "number",
        Some(Value::Number(_)) => "integer",
        _ if schema.get("pattern").is_some() || schema.get("maxLength").is_some() => "string",
        _ => "any",
    };
    word.to_owned()
}

/// Limits, each in a few words.
pub(super) fn constraints(schema: &Merged<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(value) = schema.get("const") {
        words.push(format!("always {}", shown(value)));
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        words.extend(listed(values));
    }
    words.extend(range(schema));
    let counts = [
        ("minLength", "maxLength", "character", "characters"),
        ("minItems", "maxItems", "item", "items"),
        ("minProperties", "maxProperties", "key", "keys"),
    ];
    words.extend(counts.iter().filter_map(|(least, most, one, many)| {
        let number = |key: &str| schema.get(key).and_then(Value::as_u64);
        counted(number(least), number(most), one, many)
    }));
    if schema.flag("uniqueItems") {
        words.push("none twice".to_owned());
    }
    if let Some(Value::Number(step)) = schema.get("multipleOf") {
        words.push(format!("a multiple of {step}"));
    }
    if let Some(pattern) = schema.text("pattern", WORD) {
        words.push(format!("pattern {pattern}"));
    }
    if schema.closed && schema.has_own_parts() {
        words.push("no other keys".to_owned());
    }
    if let Some(value) = schema.get("default").filter(|value| !value.is_null()) {
        words.push(format!("default {}", shown(value)));
    }
    words
}

fn listed(values: &[Value]) -> Option<String> {
    let (most, _) = MAX_VALUES;
    let known = values.iter().take(most).filter(|value| !value.is_null());
    let mut names: Vec<String> = known.map(shown).collect();
    if values.len() > most {
        names.push(format!("… ({} in all)", values.len()));
    }
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("always {only}")),
        _ => Some(format!("one of: {}", names.join(", "))),
    }
}

/// A value on a line: texts without quotes, all else as short JSON.
fn shown(value: &Value) -> String {
    let (_, most) = MAX_VALUES;
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text::cut(text, most),
        Value::Array(values) if values.is_empty() => "an empty list".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// Least and greatest number; 3.0 marks an excluded bound with a flag, 3.1 by another keyword.
fn range(schema: &Merged<'_>) -> Option<String> {
    let bound = |plain: &str, exclusive: &str| match (schema.get(exclusive), schema.get(plain)) {
        (Some(Value::Number(bound)), _) => Some((bound.to_string(), true)),
        (excluded, Some(Value::Number(bound))) => Some((bound.to_string(), excluded == Some(&Value::Bool(true)))),
        _ => None,
    };
    let least = bound("minimum", "exclusiveMinimum");
    let most = bound("maximum", "exclusiveMaximum");
    match (least, most) {
        (None, None) => None,
        (Some((least, false)), Some((most, false))) => Some(format!("{least}–{most}")),
        (least, most) => {
            let least = least.map(|(bound, excluded)| match excluded {
                true => format!("more than {bound}"),
                false => format!("at least {bound}"),
            });
            let most = most.map(|(bound, excluded)| match excluded {
                true => format!("less than {bound}"),
                false => format!("at most {bound}"),
            });
            Some(least.into_iter().chain(most).collect::<Vec<_>>().join(", "))
        }
    }
}

fn counted(least: Option<u64>, most: Option<u64>, one: &str, many: &str) -> Option<String> {
    let unit = |number: u64| if number == 1 { one } else { many };
    match (least.filter(|least| *least > 0), most) {
        (None, None) => None,
        (Some(least), Some(most)) if least == most => Some(format!("{least} {}", unit(least))),
        (Some(least), Some(most)) => Some(format!("{least}–{most} {}", unit(most))),
        (Some(least), None) => Some(format!("at least {least} {}", unit(least))),
        (None, Some(most)) => Some(format!("at most {most} {}", unit(most))),
    }
}
