//! Builds the tree of a document from either notation, bounded in depth, values and text while it
//! grows. Knows serde's calls and nothing of files or of what the tree means.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::MAX_BYTES;

/// Levels of nesting; real descriptions stay under 60, and serde_json itself stops at 128.
pub(super) const MAX_DEPTH: usize = 120;
/// Values in the tree, counted after YAML aliases were filled in. 10 MB of JSON written as people
/// write it hold about 600,000; each costs some 100 bytes of memory.
pub(super) const MAX_NODES: usize = 1_000_000;
/// What is said when one of the bounds on quantity is met.
pub(super) const TOO_MUCH: &str = "The description holds more values or text than Portico reads; a YAML alias counts each time it is used.";
/// Bytes of text in the tree, counted like the nodes.
pub(super) const MAX_TEXT: usize = 4 * MAX_BYTES;

/// What is said when [`MAX_DEPTH`] is met.
pub(super) fn too_deep() -> String {
    format!("The description is nested more than {MAX_DEPTH} levels deep.")
}

/// What one reading may still spend.
pub(super) struct Bounds {
    yaml: bool,
    nodes: Cell<usize>,
    text: Cell<usize>,
    broken: RefCell<Option<String>>,
}

impl Bounds {
    pub(super) fn new(yaml: bool) -> Self {
        let (nodes, text) = (Cell::new(MAX_NODES), Cell::new(MAX_TEXT));
        Self { yaml, nodes, text, broken: RefCell::new(None) }
    }

    /// Where reading begins.
    pub(super) fn root(&self) -> Node<'_> {
        Node { bounds: self, depth: 0, place: Place::Root }
    }

    /// The bound that was met, if reading ended for that reason.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.take()
    }

    fn spend<E: Error>(&self, left: &Cell<usize>, amount: usize) -> Result<(), E> {
        match left.get().checked_sub(amount) {
            Some(rest) => {
                left.set(rest);
                Ok(())
            }
            None => self.break_with(TOO_MUCH),
        }
    }

    fn break_with<T, E: Error>(&self, reason: &str) -> Result<T, E> {
        *self.broken.borrow_mut() = Some(reason.to_owned());
        Err(E::custom(reason))
    }

    /// Text as it is kept: without NUL, which PostgreSQL cannot store.
    fn keep<E: Error>(&self, text: String) -> Result<String, E> {
        self.spend(&self.text, text.len())?;
        Ok(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text })
    }
}

/// Where a value stands, as far as reading it needs to know: versions written without quotes in
/// YAML (`version: 1.10`) are texts, and would lose a digit as numbers.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Info,
    Text,
    Elsewhere,
}

impl Place {
    fn member(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root, "info") => Self::Info,
            (Self::Root, "openapi" | "swagger") | (Self::Info, "version" | "title") => Self::Text,
            _ => Self::Elsewhere,
        }
    }
}

/// One value to be read, and how deep it stands.
#[derive(Clone, Copy)]
pub(super) struct Node<'b> {
    bounds: &'b Bounds,
    depth: usize,
    place: Place,
}

impl Node<'_> {
    fn below(self, place: Place) -> Self {
        Self { depth: self.depth + 1, place, ..self }
    }

    fn deeper<E: Error>(&self) -> Result<(), E> {
        if self.depth >= MAX_DEPTH {
            let reason = too_deep();
            return self.bounds.break_with(&reason);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.bounds.spend(&self.bounds.nodes, 1)?;
        match self.place {
            Place::Text if self.bounds.yaml => deserializer.deserialize_str(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self.place, Place::Text) { "a text" } else { "a value" })
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::String(value.to_string()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        Ok(Value::String(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let word = || Value::String(value.to_string());
        Ok(Number::from_f64(value).map_or_else(word, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.bounds.keep(value).map(Value::String)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(Place::Elsewhere))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let key = self.bounds.keep(key)?;
            let value = members.next_value_seed(self.below(self.place.member(&key)))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
