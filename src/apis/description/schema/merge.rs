//! One view of a schema with its references followed and its `allOf` put together, as a reader of
//! the table wants it. How it is worded and laid out is known elsewhere.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::document::{Document, last_name, part_name};
use super::super::text;

/// References and `allOf` inside one another that are followed.
const MAX_LEVELS: usize = 24;
/// Objects that one schema is put together from.
const MAX_SOURCES: usize = 200;
/// Properties of one object that are looked at; a table shows fewer.
const MAX_PROPERTIES: usize = 600;

/// Alternatives of a schema.
pub(super) struct Choice<'a> {
    /// `oneOf`, as opposed to `anyOf`.
    pub(super) exclusive: bool,
    /// Without the one that only says null.
    pub(super) schemas: Vec<&'a Value>,
    /// The property that tells which it is.
    pub(super) told_apart_by: Option<&'a str>,
}

/// A schema put together. Everything in it borrows from the document.
#[derive(Default)]
pub(super) struct Merged<'a> {
    /// Its name in the document's library of parts.
    pub(super) name: Option<String>,
    /// The name of a reference that leads out of the document or nowhere.
    pub(super) missing: Option<String>,
    /// The schema `false`, which nothing fits.
    pub(super) never: bool,
    pub(super) types: Vec<&'a str>,
    pub(super) nullable: bool,
    pub(super) properties: Vec<(&'a str, &'a Value)>,
    pub(super) required: HashSet<&'a str>,
    pub(super) items: Option<&'a Value>,
    pub(super) tuple: &'a [Value],
    pub(super) patterns: Option<&'a Map<String, Value>>,
    /// The schema of all keys that are not named.
    pub(super) any_key: Option<&'a Value>,
    /// Keys that are not named are refused.
    pub(super) closed: bool,
    pub(super) choices: Vec<Choice<'a>>,
    /// The objects this was made of, outermost first: the first that has a keyword decides.
    pub(super) sources: Vec<&'a Map<String, Value>>,
    /// Where those objects stand in the tree.
    pub(super) merged: Vec<usize>,
    /// Where the schema itself stands, past references.
    pub(super) at: Option<usize>,
    known: HashSet<&'a str>,
}

impl<'a> Merged<'a> {
    /// A keyword's value.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.sources.iter().find_map(|source| source.get(key))
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key) == Some(&Value::Bool(true))
    }

    pub(super) fn text(&self, key: &str, max: usize) -> Option<String> {
        self.sources.iter().find_map(|source| text::text(source, key, max))
    }

    /// Whether it has rows of its own, apart from those of its items.
    pub(super) fn has_own_parts(&self) -> bool {
        !self.properties.is_empty()
            || self.any_key.is_some()
            || self.patterns.is_some_and(|patterns| !patterns.is_empty())
            || !self.tuple.is_empty()
    }

    /// Whether there may be something to lay out below it.
    pub(super) fn has_parts(&self) -> bool {
        self.has_own_parts() || !self.choices.is_empty()
    }
}

/// Puts a schema together. `open` are the places of the schemas around it: a part of it that is
/// one of them does not bring its alternatives along, or each kind of animal would list all kinds.
pub(super) fn merge<'a>(document: &Document<'a>, node: &'a Value, open: &[usize]) -> Merged<'a> {
    let mut merged = Merged::default();
    collect(document, node, &mut merged, Step { open, level: 0, naming: true });
    merged
}

#[derive(Clone, Copy)]
struct Step<'o> {
    open: &'o [usize],
    level: usize,
    /// What is met now is the schema itself, not one part of it among several.
    naming: bool,
}

impl Step<'_> {
    fn into_part(self, naming: bool) -> Self {
        Self { level: self.level + 1, naming: self.naming && naming, ..self }
    }
}

fn collect<'a>(document: &Document<'a>, node: &'a Value, into: &mut Merged<'a>, step: Step<'_>) {
    if step.level > MAX_LEVELS || into.sources.len() >= MAX_SOURCES || !document.step(1) {
        return;
    }
    let map = match node {
        Value::Object(map) => map,
        Value::Bool(false) => {
            into.never |= step.naming;
            return;
        }
        _ => return,
    };
    let place = std::ptr::from_ref(map).addr();
    if into.merged.contains(&place) {
        return;
    }
    into.merged.push(place);
    into.sources.push(map);
    if step.naming {
        into.at = Some(place);
    }
    if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
        match document.at(reference) {
            Some(target) => {
                if step.naming && into.name.is_none() {
                    into.name = part_name(reference);
                }
                collect(document, target, into, step.into_part(true));
            }
            None => into.missing = into.missing.take().or_else(|| Some(last_name(reference))),
        }
    }
    types(map, into);
    document.step(map.get("properties").and_then(Value::as_object).map_or(0, Map::len) / 8);
    object(map, into);
    if into.items.is_none() {
        array(map, into);
    }
    parts(document, map, into, step);
    if step.naming || !step.open.contains(&place) {
        choices(document, map, into, step);
    }
}

fn types<'a>(map: &'a Map<String, Value>, into: &mut Merged<'a>) {
    let declared = match map.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).take(8).collect(),
        _ => Vec::new(),
    };
    // The outermost type is the narrowest; the parts of an allOf repeat it or are wider.
    let first = into.types.is_empty();
    for name in declared {
        if name == "null" {
            into.nullable = true;
        } else if first && !into.types.contains(&name) {
            into.types.push(name);
        }
    }
    into.nullable |= text::flag(map, "nullable") || text::flag(map, "x-nullable");
}

fn object<'a>(map: &'a Map<String, Value>, into: &mut Merged<'a>) {
    if let Some(Value::Object(properties)) = map.get("properties") {
        for (name, node) in properties {
            if into.properties.len() >= MAX_PROPERTIES {
                break;
            }
            if into.known.insert(name) {
                into.properties.push((name, node));
            }
        }
    }
    let required = text::list(map, "required").iter().filter_map(Value::as_str);
    into.required.extend(required.take(MAX_PROPERTIES));
    match map.get("additionalProperties") {
        Some(Value::Bool(false)) => into.closed = true,
        // {} and true say only that other keys may be there, as they may anyway.
        Some(node @ Value::Object(values)) if !values.is_empty() => {
            into.any_key = into.any_key.or(Some(node));
        }
        _ => {}
    }
    let patterns = map.get("patternProperties").and_then(Value::as_object);
    into.patterns = into.patterns.or(patterns);
}

fn array<'a>(map: &'a Map<String, Value>, into: &mut Merged<'a>) {
    let tuple = text::list(map, "prefixItems");
    if !tuple.is_empty() {
        into.tuple = tuple;
    }
    match map.get("items") {
        Some(Value::Array(tuple)) if !tuple.is_empty() => into.tuple = tuple,
        Some(node @ Value::Object(_)) => into.items = Some(node),
        _ => {}
    }
}

fn parts<'a>(document: &Document<'a>, map: &'a Map<String, Value>, into: &mut Merged<'a>, step: Step<'_>) {
    let all = text::list(map, "allOf");
    // One part with nothing beside it is how a 3.0 document puts a text next to a reference.
    let alone = all.len() == 1 && !map.contains_key("properties");
    for part in all {
        collect(document, part, into, step.into_part(alone));
    }
}

fn choices<'a>(document: &Document<'a>, map: &'a Map<String, Value>, into: &mut Merged<'a>, step: Step<'_>) {
    let discriminator = map.get("discriminator");
    let told_apart_by = discriminator.and_then(|told| told.get("propertyName").or(Some(told))).and_then(Value::as_str);
    for (key, exclusive) in [("oneOf", true), ("anyOf", false)] {
        let all = text::list(map, key);
        if !document.step(all.len() / 4) {
            return;
        }
        let schemas: Vec<&Value> = all.iter().filter(|node| !says_null(node)).collect();
        into.nullable |= schemas.len() < all.len();
        match schemas.as_slice() {
            [] => {}
            // "Pet or null" is a Pet that may be null.
            [only] => collect(document, only, into, step.into_part(true)),
            _ => into.choices.push(Choice { exclusive, schemas, told_apart_by }),
        }
    }
}

fn says_null(node: &Value) -> bool {
    let only_null = |value: &Value| match value {
        Value::Array(values) => (1..4).contains(&values.len()) && values.iter().all(Value::is_null),
        other => other.is_null(),
    };
    node.get("type").and_then(Value::as_str) == Some("null")
        || node.get("enum").is_some_and(|values| values.is_array() && only_null(values))
        || node.get("const").is_some_and(Value::is_null)
}
