//! What the database says of itself, for the Settings page.

use super::{Connection, Select, by_engine};
use crate::error::Error;

/// "SQLite 3.50.4", "PostgreSQL 17.2".
pub async fn engine(connection: &mut Connection) -> Result<String, Error> {
    let (name, statement) = by_engine!(connection,
        sqlite: ("SQLite", "select sqlite_version()"),
        postgres: ("PostgreSQL", "select current_setting('server_version')"));
    let version = Select::new(connection, statement).optional::<(String,)>(connection).await?.map(|row| row.0).unwrap_or_default();
    // Distributions add their own words after the number.
    Ok(format!("{name} {}", version.split(' ').next().unwrap_or_default()))
}

/// How many bytes it takes on disk, without what is still in a log.
pub async fn bytes(connection: &mut Connection) -> Result<i64, Error> {
    let statement = by_engine!(connection,
        sqlite: "select c.page_count * s.page_size from pragma_page_count() c, pragma_page_size() s",
        postgres: "select pg_database_size(current_database())");
    Select::new(connection, statement).count(connection).await
}
