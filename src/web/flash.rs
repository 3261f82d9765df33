//! What the next page says about the change that was just made: kept in the session, shown once.

use actix_session::Session;
use serde::{Deserialize, Serialize};

use crate::error::Error;

const FLASH: &str = "flash";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// `good`, `warn` or `bad`.
    pub tone: String,
    pub text: String,
    /// The audit entry that *Undo* takes back.
    pub undo: Option<String>,
    /// Rows that stay ticked, by name.
    #[serde(default)]
    pub ticked: Vec<String>,
    /// "Select all that match" stays chosen.
    #[serde(default)]
    pub all_ticked: bool,
}

/// A name that was shortened at the end of a sentence ends it.
fn tidy(text: String) -> String {
    text.replace("….", "…")
}

impl Flash {
    pub fn good(text: impl Into<String>) -> Self {
        Self { tone: "good".to_owned(), text: tidy(text.into()), ..Self::default() }
    }

    pub fn warn(text: impl Into<String>) -> Self {
        Self { tone: "warn".to_owned(), text: tidy(text.into()), ..Self::default() }
    }

    pub fn with_undo(mut self, entry: Option<String>) -> Self {
        self.undo = entry;
        self
    }

    /// Keeps it for the next page.
    pub fn keep(&self, session: &Session) -> Result<(), Error> {
        session.insert(FLASH, self).map_err(|error| Error::internal(error.to_string()))
    }

    pub(super) fn take(session: &Session) -> Option<Self> {
        let flash = session.get::<Flash>(FLASH).ok().flatten()?;
        session.remove(FLASH);
        Some(flash)
    }
}
