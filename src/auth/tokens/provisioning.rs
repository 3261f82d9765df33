//! Tokens of identity providers, by which their programs keep people and groups here (SCIM): each is for exactly one provider, and stands
//! whatever becomes of whoever made it, as a gateway's does.

use super::{Made, NewToken, Scope, Token, end, insert, is_due, is_whole, mint, store};
use crate::{
    auth::{Administrator, Confirmed, Provisioner},
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    ids::{ProviderId, TokenId},
    keys,
};

/// Makes a token for a provider, which is called so for people.
///
/// # Errors
/// As `tokens::create`.
pub async fn create(
    db: &Database,
    admin: &Administrator,
    _: Confirmed,
    provider: (ProviderId, &str),
    new: &NewToken,
) -> Result<Made, Error> {
    let checked = new.check(db.now(), Some(Scope::Scim))?;
    let secret = mint(Scope::Scim);
    let mut tx = db.write().await?;
    let token = insert(&mut tx, admin, &checked, &secret, Some(provider)).await?;
    tx.commit().await?;
    Ok(Made { token, secret })
}

/// A provider's tokens, by name.
pub async fn list(connection: &mut Connection, provider: ProviderId) -> Result<Vec<Token>, Error> {
    store::of_provider(connection, provider).await
}

pub async fn get(connection: &mut Connection, provider: ProviderId, name: &str) -> Result<Token, Error> {
    list(connection, provider).await?.into_iter().find(|token| token.name == name).ok_or(Error::NotFound)
}

/// Ends one of a provider's tokens for good.
///
/// # Errors
/// `NotFound` when there is none, or no longer.
pub async fn revoke(
    db: &Database,
    admin: &Administrator,
    _: Confirmed,
    (provider, display): (ProviderId, &str),
    name: &str,
) -> Result<Token, Error> {
    let mut tx = db.write().await?;
    let token = get(&mut tx, provider, name).await?;
    end(&mut tx, admin, &token, Some(display)).await?;
    tx.commit().await?;
    Ok(token)
}

/// Ends all of a provider's, in the transaction in which it goes.
pub async fn forget_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    store::delete_of_provider(tx, provider).await
}

/// A provider's program, by the token that it shows.
pub struct Shown {
    pub provisioner: Provisioner,
    /// What it is called.
    pub display_name: String,
    /// Its use is to be written down.
    pub due: bool,
}

/// Who shows this token to provision.
///
/// # Errors
/// `SignIn` when it is none, not known or over, or its provider is off; `Forbidden` when it is for something else.
pub async fn admit(connection: &mut Connection, text: &str, now: Instant) -> Result<Shown, Error> {
    let hash = keys::digest(text);
    if !is_whole(Scope::Scim, text) {
        let other = Scope::CHOSEN.into_iter().any(|scope| is_whole(scope, text));
        let known = other && store::find_by_hash(connection, &hash).await?.is_some_and(|token| token.stands && !token.has_ended(now));
        return Err(if known {
            Error::Forbidden("This token is for something else: SCIM wants one from the page of a provider.")
        } else {
            Error::SignIn
        });
    }
    let found = store::provisioning(connection, &hash).await?.ok_or(Error::SignIn)?;
    if found.expires_at.is_some_and(|ends| ends <= now) {
        return Err(Error::SignIn);
    }
    Ok(Shown {
        provisioner: Provisioner::new(found.id, found.provider_id, found.provider_name, found.provider),
        display_name: found.display_name,
        due: is_due(found.last_used_at, now),
    })
}

/// Whether a token is there, and its provider is on.
pub async fn stands(connection: &mut Connection, token: TokenId) -> Result<bool, Error> {
    store::provisions(connection, token).await
}
