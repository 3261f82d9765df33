//! SQL of the change log.

use super::super::changes::Changes;
use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::ApiId,
};

/// What replacing a description changed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LogRow {
    pub at: Instant,
    /// The API's own version before and after; empty where the document named none.
    pub was: String,
    pub became: String,
    /// JSON of `Changes`.
    changes: String,
}

impl LogRow {
    pub fn changes(&self) -> Changes {
        serde_json::from_str(&self.changes).unwrap_or_default()
    }
}

pub async fn add(tx: &mut Transaction, api: ApiId, was: &str, became: &str, changes: &Changes) -> Result<(), Error> {
    let (now, changes) = (tx.now(), serde_json::to_string(changes)?);
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into api_changes (api_id, number, at, was, became, changes)
         values ($1, (select coalesce(max(number) + 1, 1) from api_changes where api_id = $1), $2, $3, $4, $5)")
        .bind(api).bind(now).bind(was).bind(became).bind(changes).execute(c).await?.rows_affected());
    Ok(())
}

/// The newest first.
pub async fn list(connection: &mut Connection, api: ApiId, limit: i64, offset: i64) -> Result<Vec<LogRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, LogRow>(
        "select at, was, became, changes from api_changes where api_id = $1 order by number desc limit $2 offset $3")
        .bind(api).bind(limit).bind(offset).fetch_all(c).await?))
}

pub async fn count(connection: &mut Connection, api: ApiId) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from api_changes where api_id = $1").bind(api).fetch_one(c).await?),
    )
}

pub async fn delete(tx: &mut Transaction, api: ApiId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from api_changes where api_id = $1").bind(api).execute(c).await?.rows_affected());
    Ok(())
}
