//! Reads a description of an API (Swagger 2.0, OpenAPI 3.0 and 3.1, as JSON or YAML) into one
//! neutral model that Portico stores and shows, and writes them as OpenAPI 3. Everything here is a pure
//! function of bytes that come from strangers: bounded in time and memory, never a panic.
//! No actix, askama, sqlx, file or network may enter.

mod budget;
mod content;
mod document;
pub mod export;
mod head;
mod load;
mod model;
mod names;
mod operations;
mod parameters;
mod schema;
mod security;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use model::{
    Body, Contact, Content, Description, Detail, Field, Format, License, Operation, Parameter, Place, Response, Schema, Server, Syntax, Tag,
};
pub use names::operation_name;
pub use operations::METHODS;

/// Bytes of the largest description that is read. The largest well-known public ones (GitHub,
/// Stripe, Microsoft Graph's parts) are between 3 and 10 MB.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// Operations in one API; a portal page cannot be read with more, and each becomes a row.
pub const MAX_OPERATIONS: usize = 5_000;

/// Why a description was not read, in words for the administrator who is importing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where: "line 12, column 3" when the text itself is broken, a JSON pointer such as
    /// `#/paths/~1pets/get` when its meaning is, empty when the whole document is meant.
    pub place: String,
    /// One plain sentence.
    pub reason: String,
}

impl Refusal {
    fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }

    fn whole(reason: impl Into<String>) -> Self {
        Self::new("", reason)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.place, self.reason) }
    }
}

impl std::error::Error for Refusal {}

/// Reads a description, deciding by its content what it is. Lenient where real descriptions are
/// sloppy (unknown fields, missing descriptions, references that lead nowhere) and strict where the
/// result would be meaningless; either the whole model comes back or a refusal.
pub fn read(bytes: &[u8]) -> Result<Description, Refusal> {
    let (root, syntax) = load::load(bytes)?;
    let format = head::format(&root)?;
    let document = document::Document::new(&root, format);
    let mut description = head::read(&document, syntax)?;
    description.operations = operations::read(&document)?;
    head::add_seen_tags(&mut description);
    Ok(description)
}
