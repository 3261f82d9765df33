//! A schema as the rows of a table: objects, arrays, maps and alternatives laid flat, each schema
//! opened once. Which keywords are put together is `merge`'s, their wording is `words`'.

mod merge;
mod words;

use serde_json::Value;

use super::document::Document;
use super::text::{self, FIELD_TEXT, WORD};
use super::{Field, Schema};
use merge::{Choice, Merged, merge};

/// Levels of a table; deeper ones cannot be read, nor shown on a telephone.
const MAX_DEPTH: u8 = 8;
/// Rows of a table.
const MAX_ROWS: usize = 300;
/// Alternatives of one choice that are laid out.
const MAX_ALTERNATIVES: usize = 20;
/// Arrays in arrays that are written as one row, "matrix[][]".
const MAX_BRACKETS: usize = 4;

/// The whole table for a schema, and the short text for it.
pub(super) fn flatten<'a>(document: &Document<'a>, node: &'a Value) -> Schema {
    let mut table = Table::new(document);
    let outer = merge(document, node, &[]);
    let summary = words::summary(document, &outer);
    let (_, inner) = table.peel(outer);
    table.parts(&inner, 0);
    Schema { summary, rows: table.rows, truncated: table.truncated }
}

/// A table of fields that no schema holds together: the form of Swagger 2.0.
pub(super) fn of_fields<'d, 'a: 'd>(document: &Document<'a>, fields: impl Iterator<Item = (&'d str, &'a Value, bool)>) -> Schema {
    let mut table = Table::new(document);
    for (name, node, required) in fields {
        if !table.row(name, node, required, 0) {
            break;
        }
    }
    Schema { summary: "object".to_owned(), rows: table.rows, truncated: table.truncated }
}

struct Table<'d, 'a> {
    document: &'d Document<'a>,
    rows: Vec<Field>,
    truncated: bool,
    /// Where the schemas stand whose parts are being laid out: one of them inside itself is named
    /// and not opened again.
    open: Vec<usize>,
}

impl<'d, 'a> Table<'d, 'a> {
    fn new(document: &'d Document<'a>) -> Self {
        Self { document, rows: Vec::new(), truncated: false, open: Vec::new() }
    }

    /// Everything inside a schema, at `depth`.
    fn parts(&mut self, schema: &Merged<'a>, depth: u8) {
        if !schema.has_parts() {
            return;
        }
        if depth >= MAX_DEPTH {
            self.truncated = true;
            return;
        }
        let before = self.open.len();
        self.open.extend(&schema.merged);
        self.properties(schema, depth);
        for choice in &schema.choices {
            self.alternatives(choice, depth);
        }
        self.open.truncate(before);
    }

    fn properties(&mut self, schema: &Merged<'a>, depth: u8) {
        for (name, node) in &schema.properties {
            let required = schema.required.contains(name);
            if !self.row(&text::cut(name, WORD), node, required, depth) {
                return;
            }
        }
        for (pattern, node) in schema.patterns.into_iter().flatten() {
            if !self.row(&format!("{{keys like {}}}", text::cut(pattern, 80)), node, false, depth) {
                return;
            }
        }
        if let Some(node) = schema.any_key
            && !self.row("{any key}", node, false, depth)
        {
            return;
        }
        for (number, node) in schema.tuple.iter().enumerate() {
            if !self.row(&format!("[{number}]"), node, false, depth) {
                return;
            }
        }
    }

    /// Alternatives get rows of their own when one of them has parts; else the type's words do.
    fn alternatives(&mut self, choice: &Choice<'a>, depth: u8) {
        let (first, other) = if choice.exclusive { ("one of", "or") } else { ("any of", "and/or") };
        let shown = choice.schemas.iter().take(MAX_ALTERNATIVES);
        let merged: Vec<_> = shown.map(|node| merge(self.document, node, &self.open)).collect();
        if !merged.iter().any(|schema| schema.has_parts() || schema.items.is_some()) {
            return;
        }
        for (number, schema) in merged.into_iter().enumerate() {
            let name = if number == 0 { first } else { other };
            let mut constraints = Vec::new();
            if number == 0
                && let Some(property) = choice.told_apart_by
            {
                constraints.push(format!("told apart by {}", text::cut(property, WORD)));
            }
            if !self.laid_out(name.to_owned(), schema, false, depth, constraints) {
                return;
            }
        }
        self.truncated |= choice.schemas.len() > MAX_ALTERNATIVES;
    }

    fn row(&mut self, name: &str, node: &'a Value, required: bool, depth: u8) -> bool {
        if self.full() {
            return false;
        }
        let schema = merge(self.document, node, &self.open);
        self.laid_out(name.to_owned(), schema, required, depth, Vec::new())
    }

    /// Writes one row and what is inside it; false when the table is full.
    fn laid_out(&mut self, name: String, schema: Merged<'a>, required: bool, depth: u8, mut constraints: Vec<String>) -> bool {
        if self.full() {
            return false;
        }
        let mut field = Field {
            depth,
            name,
            type_text: words::type_text(self.document, &schema),
            required,
            read_only: schema.flag("readOnly"),
            write_only: schema.flag("writeOnly"),
            deprecated: schema.flag("deprecated"),
            description: schema.text("description", FIELD_TEXT),
            constraints: Vec::new(),
        };
        constraints.extend(words::constraints(&schema));
        let (brackets, inner) = self.peel(schema);
        if inner.has_parts() && !is_label(&field.name) {
            field.name.push_str(&"[]".repeat(brackets));
        }
        if brackets > 0 && !inner.has_parts() {
            constraints.extend(words::constraints(&inner).into_iter().map(|text| format!("each: {text}")));
        }
        field.constraints = constraints;
        let open_above = inner.has_parts() && inner.at.is_some_and(|at| self.open.contains(&at));
        if open_above {
            field.type_text.push_str(", shown above");
        }
        self.rows.push(field);
        if !open_above {
            self.parts(&inner, depth + 1);
        }
        true
    }

    /// What an array, or an array of arrays, holds in the end, and how many arrays were around it.
    fn peel(&self, mut schema: Merged<'a>) -> (usize, Merged<'a>) {
        let mut brackets = 0;
        while let Some(items) = schema.items
            && brackets < MAX_BRACKETS
            && !schema.has_own_parts()
        {
            schema = merge(self.document, items, &self.open);
            brackets += 1;
        }
        (brackets, schema)
    }

    fn full(&mut self) -> bool {
        let full = self.rows.len() >= MAX_ROWS || !self.document.step(1);
        self.truncated |= full;
        full
    }
}

/// Labels of alternatives are words and take no brackets.
fn is_label(name: &str) -> bool {
    matches!(name, "one of" | "or" | "any of" | "and/or")
}
