//! The columns that a description fills: of an API, and of its operations.

use super::{
    Facts,
    description::{Operation, Tag},
    format_text, one_line,
    reading::Document,
};
use crate::error::Error;

/// The columns of an API that a form or a document changes.
pub(crate) struct Row {
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) suffix: String,
    pub(super) api_version: String,
    pub(super) servers: String,
    pub(super) tags: String,
    /// The tags' names, to be searched.
    pub(super) tag_names: String,
    pub(super) facts: String,
    pub(super) format: String,
    /// What administrators say it is about.
    pub(super) own_tags: Vec<String>,
}

impl Row {
    pub(super) fn of(
        document: &Document,
        facts: &Facts,
        display_name: String,
        text: String,
        suffix: String,
        own_tags: Vec<String>,
    ) -> Result<Self, Error> {
        let said = &document.description;
        Ok(Self {
            display_name,
            description: text,
            suffix,
            own_tags,
            api_version: said.version.clone(),
            servers: serde_json::to_string(&said.servers)?,
            tags: serde_json::to_string(&said.tags)?,
            tag_names: tag_names(&said.tags),
            facts: serde_json::to_string(facts)?,
            format: format_text(said.format, said.syntax),
        })
    }
}

pub(super) fn tag_names(tags: &[Tag]) -> String {
    tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>().join("\n")
}

/// The columns of an operation.
pub(crate) struct OperationColumns<'d> {
    /// Of a row that stays what it was.
    pub(super) id: Option<i64>,
    pub(super) name: &'d str,
    pub(super) operation: &'d Operation,
    pub(super) display_name: String,
    pub(super) tags: String,
    pub(super) detail: &'d str,
}

pub(super) fn operation_rows<'d>(
    document: &'d Document,
    names: &'d [String],
    id: impl Fn(usize) -> Option<i64>,
) -> Result<Vec<OperationColumns<'d>>, Error> {
    let operations = document.description.operations.iter().zip(&document.details).zip(names).enumerate();
    operations
        .map(|(index, ((operation, detail), name))| {
            Ok(OperationColumns {
                id: id(index),
                name,
                operation,
                display_name: one_line(&operation.display_name()),
                tags: serde_json::to_string(&operation.tags)?,
                detail,
            })
        })
        .collect()
}
