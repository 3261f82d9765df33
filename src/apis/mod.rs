//! APIs: what an API is, importing its description, editing, replacing, deleting.

pub mod description;
pub mod fetch;
