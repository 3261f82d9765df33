//! SQL of version sets.

use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::ApiId,
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionSet {
    pub name: String,
    pub display_name: String,
    pub version: i64,
}

pub async fn find(connection: &mut Connection, name: &str) -> Result<Option<VersionSet>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, VersionSet>("select name, display_name, version from version_sets where name = $1")
        .bind(name).fetch_optional(c).await?))
}

pub async fn insert(tx: &mut Transaction, name: &str, display_name: &str) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("insert into version_sets (name, display_name, created_at) values ($1, $2, $3)")
        .bind(name).bind(display_name).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// False when it is at another version.
pub async fn rename(tx: &mut Transaction, set: &VersionSet, display_name: &str) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("update version_sets set display_name = $3, version = version + 1 where name = $1 and version = $2")
        .bind(&set.name).bind(set.version).bind(display_name).execute(c).await?.rows_affected())
            == 1,
    )
}

/// Deletes the set when no API is a version in it.
pub async fn delete_empty(tx: &mut Transaction, name: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from version_sets where name = $1 and not exists (select 1 from apis where version_set = $1)")
        .bind(name).execute(c).await?.rows_affected());
    Ok(())
}

/// Puts an API into a set, as this version; out of its set, when there is none. False when the API is at another version of its own.
pub async fn put(tx: &mut Transaction, api: ApiId, at: Option<i64>, set: Option<&str>, label: &str) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update apis set version_set = $3, set_version = $4, updated_at = $5, version = version + 1
         where id = $1 and version = coalesce($2, version)")
        .bind(api).bind(at).bind(set).bind(label).bind(now).execute(c).await?.rows_affected())
        == 1)
}

/// An API as a version among others.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionRow {
    pub name: String,
    pub display_name: String,
    pub set_version: String,
    pub suffix: String,
    pub operations: i64,
}

impl VersionRow {
    pub fn path(&self) -> String {
        crate::apis::path(&self.name)
    }
}

/// The APIs of a set, in no order.
pub async fn versions(connection: &mut Connection, set: &str) -> Result<Vec<VersionRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, VersionRow>(
        "select a.name, a.display_name, a.set_version, a.suffix, (select count(*) from operations o where o.api_id = a.id) as operations
         from apis a where a.version_set = $1")
        .bind(set).fetch_all(c).await?))
}
