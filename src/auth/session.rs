//! The session store behind actix-session: rows of ours, so that sessions can be listed and ended.
//! A session and its user come in one query; the user travels in the state under `person` and is never written back.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError, generate_session_key};
use actix_web::cookie::time::Duration as CookieDuration;

use super::{Standing, again, store};
use crate::{
    db::Database,
    error::Error,
    ids::{self, GroupId, IdentityId, UserId},
    keys, users,
};

/// State entries that the store itself reads or writes.
pub(super) const PERSON: &str = "person";
pub const USER: &str = "user";
pub(super) const SESSION: &str = "session";
pub(super) const ADDRESS: &str = "address";
pub(super) const AGENT: &str = "agent";
/// What `Proven` says of the password.
pub const STAMP: &str = "stamp";
/// What the session's query brought of the user's groups.
pub(super) const STANDING: &str = "standing";
/// There while the password was given again a short while ago.
pub(super) const AGAIN: &str = "again";
/// The account of a provider that it began, or begins, with.
pub const IDENTITY: &str = "identity";
/// What the provider calls its own session.
pub const PROVIDER_SESSION: &str = "provider-session";
/// There while the user has no password.
pub(super) const NO_PASSWORD: &str = "no-password";
const OWN: [&str; 11] = [PERSON, USER, SESSION, ADDRESS, AGENT, STAMP, STANDING, AGAIN, IDENTITY, PROVIDER_SESSION, NO_PASSWORD];

/// "Last seen" is written at most this often: pages are reads.
const SEEN_EVERY: time::Duration = time::Duration::minutes(1);

/// How long a page waits to write it.
const SEEN_WAIT: std::time::Duration = std::time::Duration::from_millis(500);

pub struct Sessions {
    db: Database,
    idle: time::Duration,
    limit: time::Duration,
}

impl Sessions {
    pub fn new(db: Database, idle: time::Duration, limit: time::Duration) -> Self {
        Self { db, idle, limit }
    }

    async fn find(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, Error> {
        let now = self.db.now();
        let hash = keys::digest(key.as_ref());
        let mut connection = self.db.read().await?;
        let Some(row) = store::find_session(&mut connection, &hash, now, now.minus(self.limit), now.minus(self.idle)).await? else {
            return Ok(None);
        };
        drop(connection);
        if now.since(row.seen_at).abs() > SEEN_EVERY {
            // A page is shown also while nothing can be written.
            match tokio::time::timeout(SEEN_WAIT, self.see(&hash)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "when a session was last seen is not noted"),
                Err(_) => tracing::warn!("when a session was last seen is not noted: somebody else writes"),
            }
        }
        // What cannot be read, of another version say, is forgotten: it holds nothing but a message for the next page.
        let mut state: HashMap<String, String> = serde_json::from_str(&row.session_state).unwrap_or_default();
        state.insert(PERSON.to_owned(), serde_json::to_string(&row.person)?);
        let groups = row.groups.iter().flat_map(|keys| keys.split(',')).filter_map(|key| key.parse().ok().map(GroupId));
        let standing = Standing::of(row.person.administrator, groups, row.catalog_version).with_waiting(row.waiting);
        state.insert(STANDING.to_owned(), serde_json::to_string(&standing)?);
        state.insert(SESSION.to_owned(), serde_json::to_string(&row.session_name)?);
        if let Some(identity) = row.identity_id {
            state.insert(IDENTITY.to_owned(), serde_json::to_string(&identity)?);
        }
        if !row.has_password {
            state.insert(NO_PASSWORD.to_owned(), "true".to_owned());
        }
        if again::counts(row.confirmed_at, now) {
            state.insert(AGAIN.to_owned(), "true".to_owned());
        }
        Ok(Some(state))
    }

    async fn see(&self, hash: &[u8]) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        store::touch_session(&mut tx, hash).await?;
        tx.commit().await
    }

    async fn insert(&self, mut state: HashMap<String, String>) -> Result<SessionKey, Error> {
        let text =
            |state: &HashMap<String, String>, key| state.get(key).and_then(|t| serde_json::from_str::<String>(t).ok()).unwrap_or_default();
        let user = state.get(USER).and_then(|text| serde_json::from_str::<UserId>(text).ok());
        let user = user.ok_or_else(|| Error::internal("a session without a user"))?;
        let (address, agent, proven) = (text(&state, ADDRESS), text(&state, AGENT), text(&state, STAMP));
        let identity = state.get(IDENTITY).and_then(|text| serde_json::from_str::<IdentityId>(text).ok());
        let provider_session = text(&state, PROVIDER_SESSION);
        let key = generate_session_key();
        state.retain(|key, _| !OWN.contains(&key.as_str()));
        let state = serde_json::to_string(&state)?;
        let mut tx = self.db.write().await?;
        // Changing a password and blocking end the sessions that are there, in the same order: one that begins meanwhile does not.
        let password = users::note_sign_in(&mut tx, user).await?;
        if password.is_none_or(|hash| super::stamp(hash.as_deref()) != proven) {
            return Err(Error::Forbidden("The password was changed, or the account was blocked, during this sign-in."));
        }
        if let Some(identity) = identity
            && !store::identity_stands(&mut tx, identity, user).await?
        {
            return Err(Error::Forbidden("The account was unlinked, or the provider switched off, during this sign-in."));
        }
        let by = identity.map(|identity| (identity, provider_session.as_str()));
        store::insert_session(&mut tx, &ids::random_name(16), &keys::digest(key.as_ref()), user, &state, (&address, &agent), by).await?;
        tx.commit().await?;
        Ok(key)
    }

    async fn write(&self, key: &SessionKey, mut state: HashMap<String, String>) -> Result<(), Error> {
        state.retain(|key, _| !OWN.contains(&key.as_str()));
        let mut tx = self.db.write().await?;
        // No row is made here: a session that was ended meanwhile stays ended.
        store::update_session(&mut tx, &keys::digest(key.as_ref()), &serde_json::to_string(&state)?).await?;
        tx.commit().await
    }
}

impl SessionStore for Sessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        self.find(key).await.map_err(|error| LoadError::Other(error.into()))
    }

    async fn save(&self, state: HashMap<String, String>, _: &CookieDuration) -> Result<SessionKey, SaveError> {
        self.insert(state).await.map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(&self, key: SessionKey, state: HashMap<String, String>, _: &CookieDuration) -> Result<SessionKey, UpdateError> {
        self.write(&key, state).await.map(|()| key).map_err(|error| UpdateError::Other(error.into()))
    }

    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let mut tx = self.db.write().await?;
        store::delete_session(&mut tx, &keys::digest(key.as_ref())).await?;
        Ok(tx.commit().await?)
    }
}
