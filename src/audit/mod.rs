//! The audit log: who changed what, before and after, written in the transaction of the change.
//! It calls no feature; undoing a change is an operation of the noun that was changed.

pub mod changes;
pub mod pages;
pub mod store;
pub mod words;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    auth::tokens,
    db::{Connection, Instant, Transaction},
    error::Error,
    ids::{self, AuditId, TokenId, UserId},
};

/// The version of the JSON in `before` and `after`, kept as `v` in each.
const FORM: u8 = 1;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    User {
        id: UserId,
        display: String,
        /// Whether they did it as an administrator, which they must still be.
        administrator: bool,
    },
    /// Whoever runs the command line beside the database.
    Operator,
    /// The portal itself, by the name of the job.
    System(&'static str),
    /// An identity provider, by its display name.
    Provider(String),
    /// A program that shows a token, which must still be there.
    Token { id: TokenId, display: String },
}

impl Actor {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Actor::User { .. } => "user",
            Actor::Operator => "operator",
            Actor::System(_) => "system",
            Actor::Provider(_) => "provider",
            Actor::Token { .. } => "token",
        }
    }

    pub(crate) fn display(&self) -> &str {
        match self {
            Actor::User { display, .. } => display,
            Actor::Operator => "Command line",
            Actor::System(job) => job,
            Actor::Provider(display) | Actor::Token { display, .. } => display,
        }
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        match self {
            Actor::User { id, .. } => Some(*id),
            _ => None,
        }
    }
}

/// What was changed. The display name is kept as it was, since the thing may be renamed or gone later.
#[derive(Clone, Debug)]
pub struct Subject {
    /// `group`, `product`, `api`, `user`, `subscription`, `session`, `token`, `provider` or `portal`.
    pub kind: &'static str,
    pub key: Option<i64>,
    pub display: String,
}

impl Subject {
    pub fn new(kind: &'static str, key: i64, display: impl Into<String>) -> Self {
        Self { kind, key: Some(key), display: display.into() }
    }
}

/// Writes one entry; its name is the answer (undo goes by it).
///
/// `before` and `after` are JSON objects. They must hold no secret: no password, key, token or their hashes.
///
/// # Errors
/// `Forbidden` when whoever acts was blocked, or lost the role that they act in, since the request began.
pub async fn record(
    tx: &mut Transaction,
    actor: &Actor,
    action: &'static str,
    subject: Subject,
    before: Option<impl Serialize>,
    after: Option<impl Serialize>,
) -> Result<String, Error> {
    let name = ids::random_name(16);
    let before = before.map(versioned).transpose()?;
    let after = after.map(versioned).transpose()?;
    if let Actor::User { id, administrator, .. } = actor
        && !store::may_act(tx, *id, *administrator).await?
    {
        return Err(Error::Forbidden("You may no longer do this, so nothing was changed."));
    }
    if let Actor::Token { id, .. } = actor
        && !tokens::stands(tx, *id).await?
    {
        return Err(Error::Forbidden("The token is no longer good, so nothing was changed."));
    }
    store::insert(tx, &name, actor, action, &subject, before, after).await?;
    Ok(name)
}

/// An entry of a past that is being made up.
pub struct PastEntry {
    pub at: Instant,
    pub actor: Actor,
    pub action: &'static str,
    pub subject: Subject,
    after: Option<String>,
}

impl PastEntry {
    /// # Errors
    /// When `after` cannot be written as JSON.
    pub fn new(at: Instant, actor: Actor, action: &'static str, subject: Subject, after: Option<impl Serialize>) -> Result<Self, Error> {
        Ok(Self { at, actor, action, subject, after: after.map(versioned).transpose()? })
    }
}

/// Writes many entries in one go, in their order, which must be that of time.
pub async fn record_past(tx: &mut Transaction, entries: &[PastEntry]) -> Result<(), Error> {
    store::insert_past(tx, entries).await
}

/// The name in addresses of an entry's subject, when that is still the very thing that was changed: what has its key or its name now,
/// and was made later, is something else.
pub async fn subject_now(connection: &mut Connection, entry: &Entry) -> Result<Option<String>, Error> {
    Ok(store::find_row(connection, entry.id).await?.and_then(|row| row.subject_page))
}

/// For `before` or `after` when there is none.
pub const NOTHING: Option<()> = None;

fn versioned(state: impl Serialize) -> Result<String, Error> {
    let mut object = Map::new();
    object.insert("v".to_owned(), Value::from(FORM));
    match serde_json::to_value(state)? {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("value".to_owned(), other);
        }
    }
    Ok(Value::Object(object).to_string())
}

/// One entry, as it was written.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Entry {
    pub id: AuditId,
    pub name: String,
    pub at: crate::db::Instant,
    pub actor_kind: String,
    pub actor_id: Option<UserId>,
    pub actor_name: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_id: Option<i64>,
    pub subject_name: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub undone_by: Option<String>,
}

impl Entry {
    /// `after` (or `before`) as a typed state.
    pub fn state<T: serde::de::DeserializeOwned>(text: &Option<String>) -> Option<T> {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }
}

/// What somebody is called who is no longer there.
pub fn deleted_name(user: UserId) -> String {
    format!("deleted user {}", user.0)
}

/// Fields of entries about a user that say who it is.
const PERSONAL: [&str; 5] = ["email", "first_name", "last_name", "note", "account"];

/// Replaces what the log says of people who go: their names as actors and as subjects, and what is kept of them before and after.
pub async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::rename_users(tx, users).await?;
    for (id, before, after) in store::states_of_users(tx, users).await? {
        let (before, after) = (before.as_deref().map(without_person).transpose()?, after.as_deref().map(without_person).transpose()?);
        store::set_states(tx, id, before, after).await?;
    }
    Ok(())
}

fn without_person(state: &str) -> Result<String, Error> {
    let mut state: Map<String, Value> = serde_json::from_str(state)?;
    for field in PERSONAL.iter().chain(&["to"]) {
        if let Some(value) = state.get_mut(*field) {
            *value = Value::from("(deleted)");
        }
    }
    Ok(Value::Object(state).to_string())
}

/// The entry of that name.
pub async fn get(connection: &mut Connection, name: &str) -> Result<Entry, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

/// Marks an entry as undone by another, once: false when it was undone already.
pub async fn mark_undone(tx: &mut Transaction, entry: AuditId, by: &str) -> Result<bool, Error> {
    store::mark_undone(tx, entry, by).await
}
