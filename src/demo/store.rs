//! SQL of the sample: what is in the database before it.

use crate::{
    db::{Connection, Database, by_engine, run},
    error::Error,
};

/// Users, products, APIs and groups that are not the system's, together.
pub(super) async fn count_everything(connection: &mut Connection) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select (select count(*) from users) + (select count(*) from products) + (select count(*) from apis)
            + (select count(*) from groups where kind <> 'system')").fetch_one(c).await?))
}

pub(super) async fn has_sample(connection: &mut Connection) -> Result<bool, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from audit where action = 'portal.sample_added'").fetch_one(c).await?)
            > 0,
    )
}

/// Whether anything was ever recorded.
pub(super) async fn has_history(connection: &mut Connection) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from (select 1 from audit limit 1) a").fetch_one(c).await?) > 0)
}

/// Lets the database look at its tables, after they were filled. PostgreSQL notes as well what an index alone can answer, as its autovacuum
/// would some minutes later; that is done outside transactions.
pub(super) async fn analyse(db: &Database) -> Result<(), Error> {
    let connection = &mut db.read().await?;
    let analyse = by_engine!(connection, sqlite: None, postgres: Some("vacuum (analyze)"));
    if let Some(analyse) = analyse {
        run!(connection, c => sqlx::query(analyse).execute(c).await?.rows_affected());
        return Ok(());
    }
    let mut tx = db.write().await?;
    let connection: &mut Connection = &mut tx;
    run!(connection, c => sqlx::query("analyze").execute(c).await?.rows_affected());
    tx.commit().await
}
