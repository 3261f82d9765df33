//! A row of which somebody is to choose one.

/// A thing that may be meant.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Choice {
    pub name: String,
    pub display_name: String,
    /// What else tells it from the others.
    pub detail: String,
}
