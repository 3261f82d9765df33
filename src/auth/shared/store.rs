//! SQL of the shared access keys: one row.

use super::SharedAccess;
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
};

pub(super) async fn get(connection: &mut Connection) -> Result<SharedAccess, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, SharedAccess>("select enabled, version from shared_access where id = 1").fetch_one(c).await?),
    )
}

/// False when it is at another version.
pub(super) async fn set(tx: &mut Transaction, version: i64, enabled: bool) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("update shared_access set enabled = $2, version = version + 1 where id = 1 and version = $1")
        .bind(version).bind(enabled).execute(c).await?.rows_affected())
        == 1)
}

/// The primary and the secondary key, as they are kept; none before they were first asked for.
pub(super) async fn sealed(connection: &mut Connection) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (Option<Vec<u8>>, Option<Vec<u8>>)>(
        "select primary_key, secondary_key from shared_access where id = 1").fetch_one(c).await?))
}

pub(super) async fn set_key(tx: &mut Transaction, primary: bool, sealed: &[u8]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        let query = match primary {
            true => sqlx::query("update shared_access set primary_key = $1, version = version + 1 where id = 1"),
            false => sqlx::query("update shared_access set secondary_key = $1, version = version + 1 where id = 1"),
        };
        query.bind(sealed).execute(c).await?.rows_affected()
    });
    Ok(())
}
