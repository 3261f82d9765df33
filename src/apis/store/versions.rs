//! SQL of version sets.

use crate::{
    db::{COUNTED, Choice, Connection, Select, Transaction, run, select::like},
    error::Error,
    ids::{self, ApiId},
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

/// Keeps others from putting APIs into the set until the transaction ends.
pub async fn hold(tx: &mut Transaction, name: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update version_sets set version = version where name = $1").bind(name).execute(c).await?.rows_affected());
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

const CHOICE: &str = "select a.name, a.display_name, case when a.set_version = '' then a.suffix else a.suffix || ' (' || a.set_version || ')' end as detail from apis a";

/// APIs that are called exactly so, by name in addresses, as people know them, or by suffix: two, if they are more. Not this one.
pub async fn called(connection: &mut Connection, words: &str, except: ApiId) -> Result<Vec<Choice>, Error> {
    let mut statement = Select::new(connection, CHOICE);
    statement.filter("a.id <>").bind(except.0).filter("(a.display_name_folded =").bind(ids::fold(words));
    statement.sql("or a.name_folded =").bind(ids::fold(words)).sql("or a.suffix_folded =").bind(ids::fold(words));
    statement.sql(") order by a.id limit 2").all(connection).await
}

/// The first APIs whose names contain the words, and how many do (counting stops past `COUNTED`). Not this one.
pub async fn alike(connection: &mut Connection, words: &str, except: ApiId, most: i64) -> Result<(Vec<Choice>, i64), Error> {
    let pattern = like(&ids::fold(words));
    let mut statements = [Select::new(connection, CHOICE), Select::new(connection, "select count(*) from (select 1 from apis a")];
    for statement in &mut statements {
        statement.filter("a.id <>").bind(except.0).filter("a.display_name_folded like").bind(pattern.clone()).sql("escape '\\'");
    }
    let [mut rows, mut total] = statements;
    rows.sql("order by a.display_name_folded, a.id").page(most, 0);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    Ok((rows.all(connection).await?, total.count(connection).await?))
}
