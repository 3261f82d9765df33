//! The one Error, in words of the domain, with its stable codes. How it is drawn (page or JSON) is decided in `web::errors`.

use std::{error::Error as StdError, fmt};

use crate::ids;

/// One field that was filled in wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The form's field, which is also REST's `target`.
    pub field: &'static str,
    pub message: String,
}

/// What is wrong with a form, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub fn one(field: &'static str, message: impl Into<String>) -> Self {
        Self(vec![Problem { field, message: message.into() }])
    }

    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(Problem { field, message: message.into() });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first message for a field, or an empty text: what templates put beside it.
    pub fn on(&self, field: &str) -> &str {
        self.0.iter().find(|p| p.field == field).map_or("", |p| p.message.as_str())
    }

    /// Whether a form that came back begins at this field: the first one that is wrong, or else the one it always begins at.
    pub fn focus(&self, field: &str, always: bool) -> bool {
        self.0.iter().find(|p| !p.field.is_empty()).map_or(always, |p| p.field == field)
    }

    /// `Ok` when nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Error> {
        if self.is_empty() { Ok(value) } else { Err(Error::Invalid(self)) }
    }
}

/// Checks shared by every form.
impl Problems {
    /// Trims; demands `least..=most` characters.
    pub fn text(&mut self, field: &'static str, label: &str, value: &str, least: usize, most: usize) -> String {
        let value = value.trim();
        let length = value.chars().count();
        if length < least {
            self.add(field, format!("{label} is missing."));
        } else if length > most {
            self.add(field, format!("{label} may have {most} characters; this has {length}."));
        } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.add(field, format!("{label} contains a control character."));
        }
        value.to_owned()
    }

    /// As `text`, and on one line, without what would turn the direction of what stands beside it (`ids::turns_what_follows`).
    pub fn line(&mut self, field: &'static str, label: &str, value: &str, least: usize, most: usize) -> String {
        let text = self.text(field, label, value, least, most);
        if self.on(field).is_empty() && text.chars().any(char::is_control) {
            self.add(field, format!("{label} goes on one line."));
        }
        if self.on(field).is_empty() && text.chars().any(ids::turns_what_follows) {
            self.add(field, format!("{label} has a hidden character that turns the direction of writing; type it without."));
        }
        text
    }

    /// As `line`, of a part of a person's name. Names go into mails to others, where nothing of them may read as an address to open, turn
    /// the direction of what stands around them, or begin another line or an encoded word of a header.
    pub fn person(&mut self, field: &'static str, label: &str, value: &str, least: usize) -> String {
        let text = self.line(field, label, value, least, 100);
        if self.on(field).is_empty()
            && let Some(what) = ids::not_in_names(&text)
        {
            self.add(field, format!("{label} {what}."));
        }
        text
    }
}

#[derive(Debug)]
pub enum Error {
    /// The thing does not exist, or the viewer may not know that it does.
    NotFound,
    Invalid(Problems),
    /// Somebody who is not signed in asked for a page that needs it.
    SignIn,
    /// Signed in, and not allowed; the sentence says what would be needed.
    Forbidden(&'static str),
    /// A state change that another site asked for.
    CrossSite,
    /// The three system groups and what follows from them.
    SystemEntity(&'static str),
    /// The thing was changed since the form was shown; the page shows both.
    Stale,
    /// The rules refuse it now; the sentence says why and what to do.
    Conflict(String),
    /// The request itself is not well formed.
    BadRequest(String),
    TooLarge(&'static str),
    /// The request's body came so slowly that it was given up.
    Slow,
    MethodNotAllowed,
    UnsupportedMediaType,
    /// Too many attempts; seconds to wait.
    TooMany {
        seconds: u64,
        message: String,
    },
    /// The database, or a part of the portal, has no room at the moment.
    Busy,
    /// The database is away, full or read-only. What was being committed as it went may be done.
    Unavailable(Box<dyn StdError + Send + Sync>),
    Internal(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Stable: programs may rely on it.
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotFound => "ResourceNotFound",
            Error::Invalid(_) => "ValidationError",
            Error::SignIn => "Unauthorized",
            Error::Forbidden(_) => "Forbidden",
            Error::CrossSite => "CrossSite",
            Error::SystemEntity(_) => "MethodNotAllowed",
            Error::Stale => "PreconditionFailed",
            Error::Conflict(_) => "Conflict",
            Error::BadRequest(_) => "BadRequest",
            Error::TooLarge(_) => "PayloadTooLarge",
            Error::Slow => "RequestTimeout",
            Error::MethodNotAllowed => "MethodNotAllowed",
            Error::UnsupportedMediaType => "UnsupportedMediaType",
            Error::TooMany { .. } => "TooManyRequests",
            Error::Busy | Error::Unavailable(_) => "ServiceUnavailable",
            Error::Internal(_) => "InternalError",
        }
    }

    pub fn internal(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error::Internal(error.into())
    }

    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Error::Invalid(Problems::one(field, message))
    }

    fn database(&self) -> Option<&dyn sqlx::error::DatabaseError> {
        match self {
            Error::Internal(error) => error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error),
            _ => None,
        }
    }

    /// Whether the database refused a row because a unique column has it already.
    pub fn is_unique_violation(&self) -> bool {
        self.database().is_some_and(|error| error.is_unique_violation())
    }

    /// The same of this column, where a table has several.
    pub fn is_taken(&self, column: &str) -> bool {
        let names = |error: &dyn sqlx::error::DatabaseError| error.constraint().unwrap_or_else(|| error.message()).contains(column);
        self.is_unique_violation() && self.database().is_some_and(names)
    }

    /// Whether the database refused a change because another row refers to this one.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.database().is_some_and(|error| error.is_foreign_key_violation())
    }

    /// What the database refused because of somebody else's change at the same moment, or because of a character that it cannot hold, is
    /// no fault inside: it is said in words. An operation that knows better says more before this is asked.
    pub fn in_words(&self) -> Option<Self> {
        let error = self.database()?;
        let met = "at this moment, so nothing was changed. Look at it, and try again.";
        if error.is_unique_violation() {
            return Some(Error::Conflict(format!("Somebody made the same {met}")));
        }
        if error.is_foreign_key_violation() {
            return Some(Error::Conflict(format!("Something that belongs to this was deleted or added {met}")));
        }
        // PostgreSQL: character_not_in_repertoire, untranslatable_character.
        let unkept = matches!(error.code().as_deref(), Some("22021" | "22P05"));
        unkept.then(|| Error::BadRequest("A text holds a character that cannot be kept.".to_owned()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotFound => f.write_str("There is nothing here, or nothing that you may see."),
            Error::Invalid(problems) => {
                f.write_str("One or more fields contain incorrect values:")?;
                problems.0.iter().try_for_each(|p| write!(f, " {}", p.message))
            }
            Error::SignIn => f.write_str("Sign in to go on."),
            Error::Forbidden(why) => f.write_str(why),
            Error::CrossSite => f.write_str("This request came from another site, so nothing was done."),
            Error::SystemEntity(what) => f.write_str(what),
            Error::Stale => f.write_str("Somebody else changed this since the page was shown."),
            Error::Conflict(why) | Error::BadRequest(why) => f.write_str(why),
            Error::TooLarge(what) => f.write_str(what),
            Error::Slow => f.write_str("What was sent came too slowly, so nothing was changed. Try again on a better line."),
            Error::MethodNotAllowed => f.write_str("This address does not take that kind of request."),
            Error::UnsupportedMediaType => f.write_str("The request's content is of a kind that is not read here."),
            Error::TooMany { message, .. } => f.write_str(message),
            Error::Busy => f.write_str("The portal is busy at the moment. Nothing was changed; try again in a few seconds."),
            Error::Unavailable(_) => f.write_str(
                "The portal's database cannot do this at the moment. If you were changing something, look whether it was done before you try again.",
            ),
            Error::Internal(error) => write!(f, "{error}"),
        }
    }
}

impl StdError for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => return Error::Busy,
            sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => return Error::Unavailable(Box::new(error)),
            _ => {}
        }
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
        // SQLSTATEs have five characters, SQLite's codes four digits or fewer, of which the low byte is the kind.
        let sqlite = if code.len() < 5 { code.parse::<u32>().map_or(0, |code| code & 0xff) } else { 0 };
        // SQLite 5 and 6: another connection (the command line, a backup) holds the lock for longer than the wait. PostgreSQL 40001 and
        // 40P01: two changes met, and this one was taken back.
        if matches!(sqlite, 5 | 6) || matches!(code.as_str(), "40001" | "40P01") {
            return Error::Busy;
        }
        // SQLite 8, 10, 13, 14: read-only, input or output, full, cannot open. PostgreSQL 08…: the connection; 25006: read-only;
        // 53…: no disk, memory or connections left; 55000: the database lets nobody in; 57P0…: it is being shut down, or starts.
        let away = matches!(sqlite, 8 | 10 | 13 | 14)
            || matches!(code.as_str(), "25006" | "55000")
            || (code.len() == 5 && ["08", "53", "57P0"].iter().any(|class| code.starts_with(class)));
        if away { Error::Unavailable(Box::new(error)) } else { Error::Internal(Box::new(error)) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Internal(Box::new(error))
    }
}
