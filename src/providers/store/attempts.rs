//! SQL of the ways to a provider and back.

use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{ProviderId, UserId},
};

/// What is kept of one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::providers) struct Attempt {
    pub id: i64,
    pub browser_hash: Vec<u8>,
    pub provider_id: ProviderId,
    pub purpose: String,
    pub user_id: Option<UserId>,
    pub kept: Vec<u8>,
    pub next: String,
    pub made_at: Instant,
    pub arrived: Option<Vec<u8>>,
}

/// One that begins.
pub(in crate::providers) struct NewAttempt<'a> {
    pub state_hash: &'a [u8],
    pub browser_hash: &'a [u8],
    pub provider: ProviderId,
    pub purpose: &'a str,
    pub user: Option<UserId>,
    pub kept: &'a [u8],
    pub next: &'a str,
    pub expires: Instant,
}

pub(in crate::providers) async fn insert(tx: &mut Transaction, new: &NewAttempt<'_>) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into sign_in_attempts (state_hash, browser_hash, provider_id, purpose, user_id, kept, next, made_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(new.state_hash).bind(new.browser_hash).bind(new.provider).bind(new.purpose).bind(new.user).bind(new.kept).bind(new.next)
        .bind(now).bind(new.expires).execute(c).await?.rows_affected());
    Ok(())
}

/// Uses one up, in one statement: of two who come back with it one finds it used.
pub(in crate::providers) async fn take(tx: &mut Transaction, state_hash: &[u8]) -> Result<Option<Attempt>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Attempt>(
        "update sign_in_attempts set used_at = $2 where state_hash = $1 and used_at is null and expires_at > $2
         returning id, browser_hash, provider_id, purpose, user_id, kept, next, made_at, arrived")
        .bind(state_hash).bind(now).fetch_optional(c).await?))
}

/// Whether there was one with this state.
pub(in crate::providers) async fn was_there(connection: &mut Connection, state_hash: &[u8]) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from sign_in_attempts where state_hash = $1")
        .bind(state_hash).fetch_one(c).await?)
        > 0)
}

/// Keeps what a provider said, while something is still to be asked.
pub(in crate::providers) async fn keep_arrived(tx: &mut Transaction, attempt: i64, arrived: &[u8], expires: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update sign_in_attempts set arrived = $2, expires_at = $3 where id = $1")
        .bind(attempt).bind(arrived).bind(expires).execute(c).await?.rows_affected());
    Ok(())
}

/// The newest of a browser that somebody arrived by and that waits for an answer.
pub(in crate::providers) async fn waiting(
    connection: &mut Connection,
    browser_hash: &[u8],
    now: Instant,
) -> Result<Option<Attempt>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Attempt>(
        "select id, browser_hash, provider_id, purpose, user_id, kept, next, made_at, arrived from sign_in_attempts
         where browser_hash = $1 and arrived is not null and expires_at > $2 order by id desc limit 1")
        .bind(browser_hash).bind(now).fetch_optional(c).await?))
}

/// One that waits. It is gone once it is answered.
pub(in crate::providers) async fn waiting_of(connection: &mut Connection, attempt: i64, now: Instant) -> Result<Option<Attempt>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Attempt>(
        "select id, browser_hash, provider_id, purpose, user_id, kept, next, made_at, arrived from sign_in_attempts
         where id = $1 and arrived is not null and expires_at > $2")
        .bind(attempt).bind(now).fetch_optional(c).await?))
}

/// False when it was answered already.
pub(in crate::providers) async fn delete(tx: &mut Transaction, attempt: i64) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from sign_in_attempts where id = $1").bind(attempt).execute(c).await?.rows_affected())
        == 1)
}

pub(in crate::providers) async fn delete_expired(tx: &mut Transaction) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from sign_in_attempts where expires_at <= $1").bind(now).execute(c).await?.rows_affected());
    Ok(())
}
