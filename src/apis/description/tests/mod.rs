//! What reading a description promises: a model for each format, a refusal with place and reason
//! for what is meaningless, and an end in bounded time for whatever bytes come.

mod export;
mod formats;
mod hostile;
mod property;
mod real;
mod refusals;
mod schemas;

use super::{Description, Operation, Schema, read};

/// Reads a small fixture that is known to be good.
fn good(text: &str) -> Description {
    match read(text.as_bytes()) {
        Ok(description) => description,
        Err(refusal) => panic!("refused: {refusal}\n{text}"),
    }
}

/// The one operation of a fixture.
fn only(description: &Description) -> &Operation {
    assert_eq!(description.operations.len(), 1);
    &description.operations[0]
}

/// A table as text: "depth name: type [constraints]", one row a line.
fn table(schema: &Schema) -> Vec<String> {
    let line = |row: &super::Field| {
        let mark = if row.required { "*" } else { "" };
        let limits = row.constraints.join("; ");
        let limits = if limits.is_empty() { limits } else { format!(" [{limits}]") };
        format!("{} {}{mark}: {}{limits}", row.depth, row.name, row.type_text)
    };
    schema.rows.iter().map(line).collect()
}

/// A 3.1 document with one operation that returns the schema given as JSON, beside a library.
fn with_schema(schema: &str, library: &str) -> Schema {
    let text = format!(
        r##"{{"openapi": "3.1.0", "info": {{"title": "T", "version": "1"}},
            "components": {{"schemas": {library}}},
            "paths": {{"/a": {{"get": {{"responses": {{"200": {{"description": "ok",
                "content": {{"application/json": {{"schema": {schema}}}}}}}}}}}}}}}}}"##
    );
    let description = good(&text);
    let content = &only(&description).detail.responses[0].content[0];
    content.schema.clone().expect("a schema")
}
