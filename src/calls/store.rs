//! SQL of how APIs are called.

use serde::Serialize;

use super::{KEY_HEADER, Way};
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::ApiId,
};

/// How an API is called. Version 0: nobody has said it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Settings {
    /// A [`Way`] in text.
    pub way: String,
    pub key_header: String,
    pub version: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { way: Way::No.as_str().to_owned(), key_header: KEY_HEADER.to_owned(), version: 0 }
    }
}

#[derive(Serialize)]
pub(super) struct Facts {
    try_it: String,
    key_header: String,
}

impl Settings {
    pub fn way(&self) -> Way {
        // The table's check lets no other word in.
        Way::parse(&self.way).unwrap_or_default()
    }

    pub(super) fn facts(&self) -> Facts {
        Facts { try_it: self.way.clone(), key_header: self.key_header.clone() }
    }
}

pub(super) async fn find(connection: &mut Connection, api: ApiId) -> Result<Option<Settings>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Settings>("select way, key_header, version from api_calls where api_id = $1")
        .bind(api).fetch_optional(c).await?))
}

/// False when it is at another version than the one before.
pub(super) async fn put(tx: &mut Transaction, api: ApiId, settings: &Settings) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    let changed = run!(connection, c => sqlx::query(
            "insert into api_calls (api_id, way, key_header, version) values ($1, $2, $3, $4)
             on conflict (api_id) do update set way = excluded.way, key_header = excluded.key_header, version = excluded.version
             where api_calls.version = excluded.version - 1",
        )
        .bind(api).bind(settings.way.as_str()).bind(settings.key_header.as_str()).bind(settings.version).execute(c).await?.rows_affected());
    Ok(changed == 1)
}
