//! SQL of tokens.

use super::{Scope, Token};
use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{TokenId, UserId},
};

macro_rules! tokens {
    ($rest:literal) => {
        concat!(
            "select t.id, t.name, t.display_name, t.scope, coalesce(u.first_name || ' ' || u.last_name, '') as made_by,
                t.created_at, t.expires_at, t.last_used_at,
                t.scope = 'gateway' or t.made_by is null or (u.administrator and u.state = 'active') as stands
             from tokens t left join users u on u.id = t.made_by ",
            $rest
        )
    };
}

pub(super) async fn insert(
    tx: &mut Transaction,
    name: &str,
    display_name: &str,
    scope: Scope,
    hash: &[u8],
    made_by: Option<UserId>,
    ends: Option<Instant>,
) -> Result<Token, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(&mut *connection, c => sqlx::query(
        "insert into tokens (name, display_name, display_name_folded, scope, hash, made_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(name).bind(display_name).bind(crate::ids::fold(display_name)).bind(scope.as_str()).bind(hash).bind(made_by).bind(now).bind(ends)
        .execute(c).await?.rows_affected());
    find(connection, name).await?.ok_or(Error::NotFound)
}

pub(super) async fn list(connection: &mut Connection) -> Result<Vec<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("order by t.display_name_folded")).fetch_all(c).await?))
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.name = $1")).bind(name).fetch_optional(c).await?))
}

pub(super) async fn find_by_key(connection: &mut Connection, token: TokenId) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.id = $1")).bind(token).fetch_optional(c).await?))
}

pub(super) async fn find_by_hash(connection: &mut Connection, hash: &[u8]) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.hash = $1")).bind(hash).fetch_optional(c).await?))
}

pub(super) async fn find_by_words(connection: &mut Connection, folded: &str) -> Result<Option<Token>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Token>(tokens!("where t.display_name_folded = $1")).bind(folded).fetch_optional(c).await?))
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
