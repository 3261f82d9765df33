//! What providers say of people, taken over: how they can be asked again, their groups and their role; for as long as the provider is on, and
//! as it was when it was asked.

use super::{Provider, grant_context, protocol::Arrived, store::syncing, syncing::next};
use crate::{
    db::{Instant, Transaction},
    error::Error,
    groups::{self, Reporter},
    ids::{IdentityId, UserId},
    keys::Keys,
    users::provided,
};

/// Waits until nothing else is taken over of a provider; whether it is on, and as it was when it was asked. First of all, as everybody does
/// who changes a provider, or what it told.
pub(super) async fn is_as_asked(tx: &mut Transaction, provider: &Provider) -> Result<bool, Error> {
    wait(tx, provider.id).await?;
    syncing::is_at(tx, provider.id, provider.version).await
}

/// Waits until nothing else is taken over of a provider.
pub(super) async fn wait(tx: &mut Transaction, provider: crate::ids::ProviderId) -> Result<(), Error> {
    tx.one_at_a_time("provider", provider.0).await
}

/// Whether an account is still theirs, and nobody has come in by it, or told of it, since that instant.
pub(super) async fn is_newest(tx: &mut Transaction, identity: IdentityId, user: UserId, asked_at: Instant) -> Result<bool, Error> {
    syncing::is_newest(tx, identity, user, asked_at).await
}

/// Keeps what lets the portal ask after somebody who has just signed in, where anything follows from it.
pub(super) async fn keep_grant(
    tx: &mut Transaction,
    keys: &Keys,
    provider: &Provider,
    identity: IdentityId,
    arrived: &Arrived,
) -> Result<(), Error> {
    if !provider.asks_people() {
        return syncing::forget_grant(tx, identity).await;
    }
    let sealed = match &arrived.grant {
        Some(grant) => Some(keys.encrypt(&grant_context(identity), grant.token())?),
        None => None,
    };
    let due = next(provider, tx.now(), identity.0);
    syncing::keep_grant(tx, identity, sealed.as_deref(), due).await
}

/// Takes over what a provider says of somebody's groups and role, in the caller's transaction. Whether anything changed.
pub(super) async fn report(
    tx: &mut Transaction,
    provider: &Provider,
    identity: IdentityId,
    user: UserId,
    arrived: &Arrived,
) -> Result<bool, Error> {
    let admin = provider.speaker();
    let Some(person) = provided::of_key(tx, user).await?.map(|user| user.person()) else { return Ok(false) };
    let value = &provider.administrators_value;
    // Another account of theirs there is not heard now; the directory alone knows of both.
    let whole = !provider.reads_directory() || !syncing::has_another(tx, identity).await?;
    let mut changed = false;
    // First, in one order with whoever deletes people.
    if !value.is_empty()
        && let Some(administers) = arrived.has(value)
        && (administers || whole || !groups::is_seen(tx, provider.id, value).await?)
    {
        changed |= provided::report_administrator(tx, &admin, provider.id, user, administers).await?;
    }
    if let Some(groups) = &arrived.groups {
        let reporter = Reporter { provider: provider.id, name: &provider.name, tenant: &arrived.tenant };
        changed |= groups::report_memberships(tx, &admin, reporter, &person, (groups, whole)).await?;
        syncing::note_reported(tx, identity).await?;
    }
    if let Some(why) = &arrived.unread {
        syncing::note_failed(tx, provider.id, why, None).await?;
    }
    Ok(changed)
}
