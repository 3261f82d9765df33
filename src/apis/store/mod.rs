//! SQL of APIs.

mod lists;
pub(super) mod operations;

pub use lists::{ApiRow, OFFERED, ProductChoice, ProductOfApi, Sort};
pub(super) use lists::{list, product_choices, products_of};

use super::{Api, EditApi, Row};
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::{self, ApiId},
};

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Api>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "select id, name, display_name, description, suffix, api_version, servers, tags, facts, format, version, created_at, updated_at
         from apis where name_folded = $1")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

pub(super) async fn suffix_taken(connection: &mut Connection, suffix: &str, except: Option<ApiId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from apis where suffix_folded = $1 and id <> $2")
        .bind(ids::fold(suffix)).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

pub(super) async fn has_namesake(connection: &mut Connection, api: &Api) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from apis where display_name_folded = $1 and id <> $2")
        .bind(ids::fold(&api.display_name)).bind(api.id).fetch_one(c).await?)
        > 0)
}

/// The document as it came.
pub(super) async fn document(connection: &mut Connection, api: ApiId) -> Result<Option<Vec<u8>>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, Option<Vec<u8>>>("select document from apis where id = $1")
        .bind(api).fetch_optional(c).await?)
    .flatten())
}

/// Bytes of the document.
pub(super) async fn document_size(connection: &mut Connection, api: ApiId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select cast(coalesce(length(document), 0) as bigint) from apis where id = $1")
        .bind(api).fetch_one(c).await?))
}

/// What is found by: display name, suffix, names of tags, and the beginning of the description.
fn search_text(display_name: &str, suffix: &str, tag_names: &str, description: &str) -> String {
    let beginning: String = description.chars().take(2_000).collect();
    ids::fold(&format!("{display_name}\n{suffix}\n{tag_names}\n{beginning}"))
}

pub(super) async fn insert(tx: &mut Transaction, name: &str, row: &Row, document: &[u8]) -> Result<Api, Error> {
    let now = tx.now();
    let search = search_text(&row.display_name, &row.suffix, &row.tag_names, &row.description);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "insert into apis (name, name_folded, display_name, display_name_folded, description, search_folded, suffix, suffix_folded,
             api_version, servers, tags, facts, format, document, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
         returning id, name, display_name, description, suffix, api_version, servers, tags, facts, format, version, created_at, updated_at")
        .bind(name).bind(ids::fold(name)).bind(&row.display_name).bind(ids::fold(&row.display_name)).bind(&row.description).bind(search)
        .bind(&row.suffix).bind(ids::fold(&row.suffix)).bind(&row.api_version).bind(&row.servers).bind(&row.tags).bind(&row.facts)
        .bind(&row.format).bind(document).bind(now).fetch_one(c).await?))
}

/// False when the API is at another version.
pub(super) async fn update(tx: &mut Transaction, api: &Api, version: i64, new: &EditApi) -> Result<bool, Error> {
    let now = tx.now();
    let search = search_text(&new.display_name, &new.suffix, &super::tag_names(&api.tags()), &new.description);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update apis set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, suffix = $7, suffix_folded = $8,
             updated_at = $9, version = version + 1
         where id = $1 and version = $2")
        .bind(api.id).bind(version).bind(&new.display_name).bind(ids::fold(&new.display_name)).bind(&new.description).bind(search)
        .bind(&new.suffix).bind(ids::fold(&new.suffix)).bind(now).execute(c).await?.rows_affected())
        == 1)
}

/// Puts another document in the place of the one that is there. None when the API is at another version.
pub(super) async fn replace(tx: &mut Transaction, api: ApiId, version: i64, row: &Row, document: &[u8]) -> Result<Option<Api>, Error> {
    let now = tx.now();
    let search = search_text(&row.display_name, &row.suffix, &row.tag_names, &row.description);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "update apis set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, api_version = $7, servers = $8,
             tags = $9, facts = $10, format = $11, document = $12, updated_at = $13, version = version + 1
         where id = $1 and version = $2
         returning id, name, display_name, description, suffix, api_version, servers, tags, facts, format, version, created_at, updated_at")
        .bind(api).bind(version).bind(&row.display_name).bind(ids::fold(&row.display_name)).bind(&row.description).bind(search)
        .bind(&row.api_version).bind(&row.servers).bind(&row.tags).bind(&row.facts).bind(&row.format).bind(document).bind(now)
        .fetch_optional(c).await?))
}

/// Deletes the API and its operations; its places in products are gone already.
pub(super) async fn delete(tx: &mut Transaction, api: ApiId) -> Result<(), Error> {
    operations::delete(tx, api).await?;
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from apis where id = $1").bind(api).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn count_products(connection: &mut Connection, api: ApiId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from product_apis where api_id = $1")
        .bind(api).fetch_one(c).await?))
}

/// Live subscriptions of the products that contain the API and of which this is true now.
pub(super) async fn count_live_subscriptions(connection: &mut Connection, api: ApiId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from subscriptions s where s.state in ('submitted', 'active', 'suspended')
         and s.product_id in (select product_id from product_apis where api_id = $1)")
        .bind(api).fetch_one(c).await?))
}
