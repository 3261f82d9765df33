//! SQL of tokens.

use super::{Scope, Token};
use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{ProviderId, TokenId, UserId},
};

macro_rules! tokens {
    ($rest:literal) => {
        concat!(
            "select t.id, t.name, t.display_name, t.scope, coalesce(u.first_name || ' ' || u.last_name, '') as made_by,
                t.created_at, t.expires_at, t.last_used_at,
                t.scope in ('gateway', 'scim') or t.made_by is null or (u.administrator and u.state = 'active') as stands
             from tokens t left join users u on u.id = t.made_by ",
            $rest
        )
    };
}

/// A token to be kept.
pub(super) struct New<'n> {
    pub name: &'n str,
    pub display_name: &'n str,
    pub scope: Scope,
    pub hash: &'n [u8],
    pub made_by: Option<UserId>,
    pub ends: Option<Instant>,
}

pub(super) async fn insert(tx: &mut Transaction, new: &New<'_>, provider: Option<ProviderId>) -> Result<Token, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    let id = run!(&mut *connection, c => sqlx::query_scalar::<_, TokenId>(
        "insert into tokens (name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at, provider_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id")
        .bind(new.name).bind(new.display_name).bind(crate::ids::fold(new.display_name)).bind(new.scope.as_str()).bind(new.hash)
        .bind(new.made_by).bind(now).bind(new.ends).bind(provider).fetch_one(c).await?);
    find_by_key(connection, id).await?.ok_or(Error::NotFound)
}

pub(super) async fn list(connection: &mut Connection) -> Result<Vec<Token>, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.provider_id is null order by t.display_name_folded")).fetch_all(c).await?),
    )
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Token>, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.name = $1 and t.provider_id is null")).bind(name).fetch_optional(c).await?),
    )
}

pub(super) async fn find_by_key(connection: &mut Connection, token: TokenId) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.id = $1")).bind(token).fetch_optional(c).await?))
}

pub(super) async fn find_by_hash(connection: &mut Connection, hash: &[u8]) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.hash = $1")).bind(hash).fetch_optional(c).await?))
}

/// Among those of a provider, or those of none.
pub(super) async fn find_by_words(connection: &mut Connection, folded: &str, provider: Option<ProviderId>) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.display_name_folded = $1 and coalesce(t.provider_id, 0) = $2"))
        .bind(folded).bind(provider.map_or(0, |id| id.0)).fetch_optional(c).await?))
}

pub(super) async fn of_provider(connection: &mut Connection, provider: ProviderId) -> Result<Vec<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.provider_id = $1 order by t.display_name_folded"))
        .bind(provider).fetch_all(c).await?))
}

/// A token of an enabled provider, and whose it is.
#[derive(sqlx::FromRow)]
pub(super) struct Provisioning {
    pub id: TokenId,
    pub display_name: String,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    pub provider_id: ProviderId,
    pub provider_name: String,
    pub provider: String,
}

pub(super) async fn provisioning(connection: &mut Connection, hash: &[u8]) -> Result<Option<Provisioning>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Provisioning>(
        "select t.id, t.display_name, t.expires_at, t.last_used_at, p.id as provider_id, p.name as provider_name, p.display_name as provider
         from tokens t join providers p on p.id = t.provider_id and p.enabled where t.hash = $1 and t.scope = 'scim'")
        .bind(hash).fetch_optional(c).await?))
}

pub(super) async fn provisions(connection: &mut Connection, token: TokenId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from tokens t join providers p on p.id = t.provider_id and p.enabled where t.id = $1").bind(token).fetch_one(c).await?)
        > 0)
}

pub(super) async fn delete_of_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from tokens where provider_id = $1").bind(provider).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn delete(tx: &mut Transaction, token: TokenId) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from tokens where id = $1").bind(token).execute(c).await?.rows_affected()) == 1)
}

pub(super) async fn note_use(tx: &mut Transaction, token: TokenId, to: time::Duration) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)")
        .bind(token).bind(now).bind(now.minus(to)).execute(c).await?.rows_affected());
    Ok(())
}
