//! How much of the model one operation may take, so that no document, however its references
//! multiply, grows past a bound; and the flattened schemas that are remembered. No rule of reading.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::document::Document;
use super::{Field, Schema, schema, text};

/// Bytes of the whole model. Half of it is divided evenly among the operations, so that the last
/// is shown too; the other half is for those that need more, up to [`GENEROUS`] even shares.
const MAX_MODEL: usize = 24 * 1024 * 1024;
/// See [`MAX_MODEL`].
const GENEROUS: usize = 8;
/// Bytes of one operation, all of which stand on one page: what nobody would scroll through need not be sent.
const MAX_OPERATION: usize = 512 * 1024;
/// Bytes of remembered schemas; past it they are flattened anew each time.
const MAX_REMEMBERED: usize = 32 * 1024 * 1024;
/// Bytes a row or a part costs beside its texts: its fields, their names in JSON.
const OVERHEAD: usize = 64;

/// The reader's purse while it walks through the operations.
pub(super) struct Budget<'d, 'a> {
    pub(super) document: &'d Document<'a>,
    left: usize,
    share: usize,
    even: usize,
    remembered: HashMap<usize, Rc<Schema>>,
    memory: usize,
}

impl<'d, 'a> Budget<'d, 'a> {
    pub(super) fn new(document: &'d Document<'a>, operations: usize) -> Self {
        let (remembered, memory) = (HashMap::new(), MAX_REMEMBERED);
        let (left, even) = (MAX_MODEL, MAX_MODEL / operations.max(1));
        Self { document, left, share: 0, even, remembered, memory }
    }

    /// Opens the purse for one operation, after which `to_come` are left.
    pub(super) fn begin(&mut self, to_come: usize) {
        let promised = to_come * (self.even / 2);
        self.share = self.left.saturating_sub(promised).min(GENEROUS * self.even).min(MAX_OPERATION);
    }

    /// Whether `bytes` more may be kept; takes them if so.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.share;
        if fits {
            self.share -= bytes;
            self.left -= bytes;
        }
        fits
    }

    /// What is left for this operation, to be given to [`Budget::give_back`].
    pub(super) fn mark(&self) -> usize {
        self.share
    }

    /// Undoes what was taken since the mark: it turned out to be there already.
    pub(super) fn give_back(&mut self, mark: usize) {
        let taken = mark.saturating_sub(self.share);
        self.share += taken;
        self.left += taken;
    }

    /// Room for one more part (a parameter, a response, a body).
    pub(super) fn part(&mut self) -> bool {
        self.spend(OVERHEAD)
    }

    /// A member's text if there is room for it.
    pub(super) fn text(&mut self, map: &serde_json::Map<String, Value>, key: &str, max: usize) -> Option<String> {
        text::text(map, key, max).filter(|found| self.spend(found.len()))
    }

    /// A schema, flattened, with as many rows as there is room for.
    pub(super) fn schema(&mut self, node: &'a Value) -> Schema {
        let full = self.full(node);
        let mut kept = Schema { truncated: full.truncated, ..Schema::default() };
        if self.spend(full.summary.len()) {
            kept.summary.clone_from(&full.summary);
        }
        for row in &full.rows {
            if !self.spend(weight(row)) {
                kept.truncated = true;
                break;
            }
            kept.rows.push(row.clone());
        }
        kept
    }

    /// Rows that were made for this one place, as far as there is room.
    pub(super) fn rows(&mut self, rows: Vec<Field>) -> (Vec<Field>, bool) {
        let before = rows.len();
        let kept: Vec<Field> = rows.into_iter().map_while(|row| self.spend(weight(&row)).then_some(row)).collect();
        let truncated = kept.len() < before;
        (kept, truncated)
    }

    /// Only what is referred to is remembered, by where it stands in the tree: the rest occurs once.
    fn full(&mut self, node: &'a Value) -> Rc<Schema> {
        let plain_reference = node.as_object().filter(|map| map.len() == 1).and_then(|map| map.get("$ref")).and_then(Value::as_str);
        let Some(target) = plain_reference.and_then(|reference| self.document.at(reference)) else {
            return Rc::new(schema::flatten(self.document, node));
        };
        let place = std::ptr::from_ref(target).addr();
        if let Some(known) = self.remembered.get(&place) {
            return Rc::clone(known);
        }
        let made = Rc::new(schema::flatten(self.document, node));
        let size = made.rows.iter().map(weight).sum::<usize>() + OVERHEAD;
        if let Some(rest) = self.memory.checked_sub(size) {
            self.memory = rest;
            self.remembered.insert(place, Rc::clone(&made));
        }
        made
    }
}

/// Bytes of a row, about as many in memory as in JSON.
fn weight(row: &Field) -> usize {
    let constraints = row.constraints.iter().map(|text| text.len() + 8).sum::<usize>();
    let description = row.description.as_ref().map_or(0, String::len);
    OVERHEAD + row.name.len() + row.type_text.len() + description + constraints
}
