//! A copy of an SQLite database that others are writing. PostgreSQL has pg_dump.

use std::{path::Path, str::FromStr};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

/// SQLite's alone.
const COPY: &str = "vacuum into $1";
/// SQLite's alone.
const CHECK: &str = "pragma quick_check(1)";
const MIGRATION: &str = "select max(version) from _sqlx_migrations where success";

/// What was copied.
pub struct Copied {
    pub bytes: u64,
    /// The last migration in it.
    pub migration: i64,
}

/// Copies into an empty file what was committed at one instant; writers go on meanwhile. The copy is read through before it is called good.
///
/// `VACUUM INTO` reads in one transaction of WAL mode, so nobody waits for it; the online backup API would begin again with each write.
///
/// # Errors
/// A sentence for the operator.
pub async fn copy_sqlite(url: &str, file: &Path) -> Result<Copied, String> {
    let said = |what: &str, why: sqlx::Error| format!("{what}: {why}");
    let name = file.to_str().ok_or_else(|| format!("{} is not a name in UTF-8, which SQLite needs", file.display()))?;
    let options = SqliteConnectOptions::from_str(url).map_err(|why| said("the database's address is wrong", why))?;
    let mut database = options.create_if_missing(false).connect().await.map_err(|why| said("the database cannot be opened", why))?;
    sqlx::query(COPY).bind(name).execute(&mut database).await.map_err(|why| said("the database cannot be copied", why))?;
    let _ = database.close().await;

    // Its own journal mode, so that looking at it leaves no other file beside it.
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false).journal_mode(SqliteJournalMode::Delete);
    let mut copy = options.connect().await.map_err(|why| said("the copy cannot be opened", why))?;
    let checked = check(&mut copy).await;
    let _ = copy.close().await;
    let migration = checked.map_err(|why| said("the copy is not a good one", why))?;
    let bytes = file.metadata().map_err(|why| format!("the copy cannot be read: {why}"))?.len();
    Ok(Copied { bytes, migration })
}

async fn check(copy: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let found: String = sqlx::query_scalar(CHECK).fetch_one(&mut *copy).await?;
    if found != "ok" {
        return Err(sqlx::Error::Protocol(found));
    }
    sqlx::query_scalar(MIGRATION).fetch_one(copy).await
}
