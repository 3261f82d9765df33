//! The tree of one document and how references inside it are followed. Only the document itself is
//! ever read: a reference to a file or an address stays a name.

use std::borrow::Cow;
use std::cell::Cell;

use serde_json::{Map, Value};

use super::Format;

/// References that lead to references; more is a circle or a joke.
const MAX_HOPS: usize = 16;
/// Steps one reading may take over schemas and references. A description of 5 MB with 500
/// operations takes about 300,000; this many take about a second.
const MAX_STEPS: u64 = 4_000_000;

/// A document and what is left of the patience for it.
pub(super) struct Document<'a> {
    pub(super) root: &'a Map<String, Value>,
    pub(super) format: Format,
    steps: Cell<u64>,
}

/// Where a reference led.
pub(super) enum Found<'a> {
    /// In this document.
    Here(&'a Value),
    /// Not in this document; the name that the reference gives it.
    Elsewhere(String),
}

impl<'a> Document<'a> {
    /// A root that is no object has been refused before and counts as an empty one here.
    pub(super) fn new(root: &'a Value, format: Format) -> Self {
        static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let root = root.as_object().unwrap_or(&EMPTY);
        Self { root, format, steps: Cell::new(MAX_STEPS) }
    }

    /// Takes `count` steps; false when the patience is at its end, and what is left must be cut.
    pub(super) fn step(&self, count: usize) -> bool {
        let left = self.steps.get().saturating_sub(count as u64);
        self.steps.set(left);
        left > 0
    }

    /// The value itself, or what its `$ref` leads to, however many references stand between.
    pub(super) fn follow(&self, value: &'a Value) -> Found<'a> {
        let mut value = value;
        for _ in 0..MAX_HOPS {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Found::Here(value);
            };
            match self.at(reference) {
                Some(found) => value = found,
                None => return Found::Elsewhere(last_name(reference)),
            }
        }
        Found::Elsewhere("a reference to itself".to_owned())
    }

    /// Like [`Document::follow`], for callers who can only use an object.
    pub(super) fn object(&self, value: &'a Value) -> Option<&'a Map<String, Value>> {
        match self.follow(value) {
            Found::Here(Value::Object(map)) => Some(map),
            _ => None,
        }
    }

    /// What a reference such as `#/components/schemas/Pet` points at.
    pub(super) fn at(&self, reference: &str) -> Option<&'a Value> {
        if !self.step(1 + reference.len() / 64) {
            return None;
        }
        let path = reference.strip_prefix("#/")?;
        let mut segments = path.split('/').map(segment);
        let mut value = self.root.get(segments.next()?.as_ref())?;
        for segment in segments {
            value = match value {
                Value::Object(map) => map.get(segment.as_ref())?,
                Value::Array(list) => list.get(segment.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// The name of a part that was put in the document's library to be named, as opposed to a
/// reference into the middle of some other operation.
pub(super) fn part_name(reference: &str) -> Option<String> {
    let mut segments = reference.strip_prefix("#/")?.split('/');
    let library = match segments.next()? {
        "components" => segments.next().is_some(),
        "definitions" | "parameters" | "responses" | "$defs" => true,
        _ => false,
    };
    let name = segments.next()?;
    (library && segments.next().is_none()).then(|| shown(&segment(name)))
}

/// The name to show for a reference that could not be followed: its last part.
pub(super) fn last_name(reference: &str) -> String {
    let last = reference.rsplit(['/', '#']).find(|part| !part.is_empty()).unwrap_or(reference);
    shown(&segment(last))
}

fn shown(name: &str) -> String {
    super::text::cut(name, 100)
}

/// One segment of a JSON pointer in a URI: percent-decoded, then `~1` and `~0`.
fn segment(raw: &str) -> Cow<'_, str> {
    let decoded = percent_decoded(raw);
    if decoded.contains('~') {
        return Cow::Owned(decoded.replace("~1", "/").replace("~0", "~"));
    }
    decoded
}

fn percent_decoded(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') {
        return Cow::Borrowed(raw);
    }
    let (bytes, mut out, mut at) = (raw.as_bytes(), Vec::with_capacity(raw.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let code = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    // Bytes that make no text name nothing in a document that is text.
    String::from_utf8(out).map_or(Cow::Borrowed(raw), Cow::Owned)
}
