//! The subscriptions that a person may call an API with, and the key of one of them, for a call that the portal makes.

use super::{
    key::open_primary,
    store::{self, callable::Callable},
};
use crate::{
    auth::SignedIn,
    db::{Connection, Instant},
    error::Error,
    ids::ApiId,
    keys::Keys,
};

/// The person's subscriptions whose keys are good for the API now, the newest first.
pub async fn callable(connection: &mut Connection, who: &SignedIn, api: ApiId, now: Instant) -> Result<Vec<Callable>, Error> {
    store::callable::of_owner(connection, who.id(), api, now).await
}

/// The primary key of one of them. It goes into the call and to nobody's eyes: what shows it is `show_keys`, which records that.
pub async fn key_to_call_with(connection: &mut Connection, keys: &Keys, chosen: &Callable) -> Result<String, Error> {
    let (primary, _) = store::sealed_keys(connection, chosen.id).await?;
    open_primary(keys, &chosen.name, &primary)
}
