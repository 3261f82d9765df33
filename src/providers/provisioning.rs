//! What a provider's settings say of people whom it provisions, and whom it has provisioned already where they come to sign in.

use super::{Provider, store::identities};
use crate::{
    db::Connection,
    error::Error,
    ids::{ProviderId, UserId},
    scim,
    users::{User, provided},
};

/// Whether an account of the provider is linked to somebody.
pub async fn is_linked(connection: &mut Connection, provider: ProviderId, user: UserId) -> Result<bool, Error> {
    Ok(identities::of_user(connection, user).await?.iter().any(|identity| identity.provider_id == provider))
}

/// Whom the provider has provisioned by this subject of its own. An administrator has linked it themselves, or is not found.
pub(super) async fn of_subject(connection: &mut Connection, provider: &Provider, subject: &str) -> Result<Option<User>, Error> {
    let Some(key) = scim::of_external_id(connection, provider.id, subject).await? else { return Ok(None) };
    Ok(provided::of_key(connection, key).await?.filter(|user| !user.administrator))
}
