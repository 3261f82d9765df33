//! SQL of operations.

use crate::{
    apis::OperationColumns,
    db::{Connection, Select, Transaction, run},
    error::Error,
    ids::{self, ApiId},
};

/// Rows in one statement: SQLite takes 32,766 bound values in one, and a text per size would fill the cache of prepared statements.
const ROWS: usize = 200;

/// Inserts all of an API's operations, in their order.
pub async fn insert(tx: &mut Transaction, api: ApiId, rows: &[OperationColumns<'_>]) -> Result<(), Error> {
    let mut position = 0;
    // Rows with a key of their own and rows without one are different statements.
    for (head, with_id) in [
        (
            "insert into operations (id, api_id, name, name_folded, operation_id, method, url_template, display_name, description, deprecated,
                tags, detail, position) values",
            true,
        ),
        (
            "insert into operations (api_id, name, name_folded, operation_id, method, url_template, display_name, description, deprecated, tags,
                detail, position) values",
            false,
        ),
    ] {
        let chosen: Vec<(i64, &OperationColumns<'_>)> =
            (0i64..).zip(rows).filter(|(_, row)| row.id.is_some() == with_id).collect();
        for chunk in chosen.chunks(ROWS) {
            let mut statement = Select::new(tx, head);
            for (index, (place, row)) in chunk.iter().enumerate() {
                statement.sql(if index == 0 { "(" } else { ", (" });
                if let Some(id) = row.id {
                    statement.bind(id).sql(",");
                }
                let said = row.operation;
                statement.bind(api).sql(",").bind(row.name).sql(",").bind(ids::fold(row.name));
                statement.sql(", nullif(").bind(said.operation_id.clone().unwrap_or_default()).sql(", ''),");
                statement.bind(said.method.as_str()).sql(",").bind(said.url_template.as_str()).sql(",").bind(row.display_name.as_str());
                statement.sql(",").bind(said.description.clone().unwrap_or_default()).sql(",").bind(said.deprecated).sql(",");
                statement.bind(row.tags.as_str()).sql(",").bind(row.detail).sql(",").bind(*place).sql(")");
            }
            position += statement.execute(tx).await?;
        }
    }
    debug_assert_eq!(position, rows.len() as u64);
    Ok(())
}

pub async fn delete(tx: &mut Transaction, api: ApiId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from operations where api_id = $1").bind(api).execute(c).await?.rows_affected());
    Ok(())
}

pub async fn count(connection: &mut Connection, api: ApiId) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from operations where api_id = $1").bind(api).fetch_one(c).await?),
    )
}

/// What an operation is known by when a newer description comes.
#[derive(sqlx::FromRow)]
pub struct Known {
    pub id: i64,
    pub name: String,
    pub operation_id: Option<String>,
    pub method: String,
    pub url_template: String,
}

impl From<&Whole> for Known {
    fn from(whole: &Whole) -> Self {
        Self {
            id: whole.id,
            name: whole.name.clone(),
            operation_id: whole.operation_id.clone(),
            method: whole.method.clone(),
            url_template: whole.url_template.clone(),
        }
    }
}

pub async fn known(connection: &mut Connection, api: ApiId) -> Result<Vec<Known>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Known>(
        "select id, name, operation_id, method, url_template from operations where api_id = $1 order by position")
        .bind(api).fetch_all(c).await?))
}

/// An operation with all that is kept of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Whole {
    pub id: i64,
    pub version: i64,
    pub name: String,
    pub operation_id: Option<String>,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    pub description: String,
    pub deprecated: bool,
    /// JSON of `Vec<String>`.
    pub tags: String,
    /// JSON of `Detail`.
    pub detail: String,
}

/// All of them, in their order.
pub async fn whole(connection: &mut Connection, api: ApiId) -> Result<Vec<Whole>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Whole>(
        "select id, version, name, operation_id, method, url_template, display_name, description, deprecated, tags, detail
         from operations where api_id = $1 order by position")
        .bind(api).fetch_all(c).await?))
}

pub async fn find(connection: &mut Connection, api: ApiId, name: &str) -> Result<Option<Whole>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Whole>(
        "select id, version, name, operation_id, method, url_template, display_name, description, deprecated, tags, detail
         from operations where api_id = $1 and name_folded = $2")
        .bind(api).bind(ids::fold(name)).fetch_optional(c).await?))
}

/// Puts one behind the others.
pub async fn add(tx: &mut Transaction, api: ApiId, row: &OperationColumns<'_>) -> Result<(), Error> {
    let said = row.operation;
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into operations (api_id, name, name_folded, method, url_template, display_name, description, deprecated, tags, detail, position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (select coalesce(max(position) + 1, 0) from operations where api_id = $1))")
        .bind(api).bind(row.name).bind(ids::fold(row.name)).bind(&said.method).bind(&said.url_template).bind(&row.display_name)
        .bind(said.description.clone().unwrap_or_default()).bind(said.deprecated).bind(&row.tags).bind(row.detail).execute(c).await?.rows_affected());
    Ok(())
}

/// False when it is at another version. Its name stays.
pub async fn update(tx: &mut Transaction, version: i64, row: &OperationColumns<'_>) -> Result<bool, Error> {
    let said = row.operation;
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update operations set method = $3, url_template = $4, display_name = $5, description = $6, deprecated = $7, tags = $8, detail = $9,
             version = version + 1
         where id = $1 and version = $2")
        .bind(row.id).bind(version).bind(&said.method).bind(&said.url_template).bind(&row.display_name)
        .bind(said.description.clone().unwrap_or_default()).bind(said.deprecated).bind(&row.tags).bind(row.detail)
        .execute(c).await?.rows_affected())
        == 1)
}

pub async fn delete_one(tx: &mut Transaction, operation: i64) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from operations where id = $1").bind(operation).execute(c).await?.rows_affected());
    Ok(())
}

/// An operation as a line of a list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OperationRow {
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    pub deprecated: bool,
    /// JSON of `Vec<String>`.
    pub tags: String,
}

/// All of them (an API has at most 5,000), in the document's order.
pub async fn of(connection: &mut Connection, api: ApiId) -> Result<Vec<OperationRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, OperationRow>(
        "select name, method, url_template, display_name, deprecated, tags from operations where api_id = $1 order by position")
        .bind(api).fetch_all(c).await?))
}
