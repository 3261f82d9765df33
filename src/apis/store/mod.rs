//! SQL of APIs.

pub(super) mod changes;
mod lists;
pub(super) mod operations;
pub(super) mod programs;
pub(super) mod versions;

pub use lists::{AffectedRow, ApiRow, Filter, OFFERED, ProductChoice, ProductOfApi, Sort};
pub(super) use lists::{affected, all_tags, list, product_choices, products_of};

use super::{Api, Row};
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::{self, ApiId},
};

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Api>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "select id, name, display_name, description, suffix, api_version, servers, tags, own_tags, version_set, set_version, facts, format,
                version, created_at, updated_at
         from apis where name_folded = $1")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

pub(super) async fn suffix_taken(connection: &mut Connection, suffix: &str, except: Option<ApiId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from apis where suffix_folded = $1 and id <> $2")
        .bind(ids::fold(suffix)).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

/// Whether a product that is published has it.
pub(super) async fn is_published(connection: &mut Connection, api: ApiId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from product_apis pa join products p on p.id = pa.product_id and p.published where pa.api_id = $1")
        .bind(api).fetch_one(c).await?)
        > 0)
}

pub(super) async fn has_namesake(connection: &mut Connection, api: &Api) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from apis where display_name_folded = $1 and id <> $2")
        .bind(ids::fold(&api.display_name)).bind(api.id).fetch_one(c).await?)
        > 0)
}

pub(super) async fn name_of(connection: &mut Connection, api: ApiId) -> Result<Option<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>("select name from apis where id = $1").bind(api).fetch_optional(c).await?))
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

/// What is found by: display name, suffix, tags, and the beginning of the description.
fn search_text(display_name: &str, suffix: &str, tag_names: &str, own_tags: &[String], description: &str) -> String {
    let beginning: String = description.chars().take(2_000).collect();
    ids::fold(&format!("{display_name}\n{suffix}\n{tag_names}\n{}\n{beginning}", own_tags.join("\n")))
}

/// Each tag on a line of its own, as the filter of the list looks for one.
fn folded_tags(own_tags: &[String]) -> String {
    own_tags.iter().map(|tag| format!("\n{}\n", ids::fold(tag))).collect()
}

pub(super) async fn insert(tx: &mut Transaction, name: &str, row: &Row, document: Option<&[u8]>) -> Result<Api, Error> {
    let now = tx.now();
    let search = search_text(&row.display_name, &row.suffix, &row.tag_names, &row.own_tags, &row.description);
    let own_tags = serde_json::to_string(&row.own_tags)?;
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "insert into apis (name, name_folded, display_name, display_name_folded, description, search_folded, suffix, suffix_folded,
             api_version, servers, tags, facts, format, document, created_at, updated_at, own_tags, own_tags_folded)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, $17)
         returning id, name, display_name, description, suffix, api_version, servers, tags, own_tags, version_set, set_version, facts, format,
                version, created_at, updated_at")
        .bind(name).bind(ids::fold(name)).bind(&row.display_name).bind(ids::fold(&row.display_name)).bind(&row.description).bind(search)
        .bind(&row.suffix).bind(ids::fold(&row.suffix)).bind(&row.api_version).bind(&row.servers).bind(&row.tags).bind(&row.facts)
        .bind(&row.format).bind(document).bind(now).bind(own_tags).bind(folded_tags(&row.own_tags)).fetch_one(c).await?))
}

/// Writes what a form changes of an API. False when it is at another version than was shown, if one was.
pub(super) async fn update(tx: &mut Transaction, after: &Api, version: Option<i64>) -> Result<bool, Error> {
    let now = tx.now();
    let own_tags = after.own_tags();
    let search = search_text(&after.display_name, &after.suffix, &super::tag_names(&after.tags()), &own_tags, &after.description);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update apis set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, suffix = $7, suffix_folded = $8,
             updated_at = $9, api_version = $10, servers = $11, tags = $12, facts = $13, own_tags = $14, own_tags_folded = $15,
             version = version + 1
         where id = $1 and version = coalesce($2, version)")
        .bind(after.id).bind(version).bind(&after.display_name).bind(ids::fold(&after.display_name)).bind(&after.description).bind(search)
        .bind(&after.suffix).bind(ids::fold(&after.suffix)).bind(now).bind(&after.api_version).bind(&after.servers).bind(&after.tags)
        .bind(&after.facts).bind(&after.own_tags).bind(folded_tags(&own_tags)).execute(c).await?.rows_affected())
        == 1)
}

/// Keeps others from changing the API until the transaction ends.
pub(super) async fn hold(tx: &mut Transaction, api: ApiId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update apis set version = version where id = $1").bind(api).execute(c).await?.rows_affected());
    Ok(())
}

/// Puts another document in the place of the one that is there. None when the API is at another version.
pub(super) async fn replace(
    tx: &mut Transaction,
    api: ApiId,
    version: Option<i64>,
    row: &Row,
    document: &[u8],
) -> Result<Option<Api>, Error> {
    let now = tx.now();
    let search = search_text(&row.display_name, &row.suffix, &row.tag_names, &row.own_tags, &row.description);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Api>(
        "update apis set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, api_version = $7, servers = $8,
             tags = $9, facts = $10, format = $11, document = $12, updated_at = $13, version = version + 1
         where id = $1 and version = coalesce($2, version)
         returning id, name, display_name, description, suffix, api_version, servers, tags, own_tags, version_set, set_version, facts, format,
                version, created_at, updated_at")
        .bind(api).bind(version).bind(&row.display_name).bind(ids::fold(&row.display_name)).bind(&row.description).bind(search)
        .bind(&row.api_version).bind(&row.servers).bind(&row.tags).bind(&row.facts).bind(&row.format).bind(document).bind(now)
        .fetch_optional(c).await?))
}

/// Deletes the API, its operations and its change log; its places in products are gone already.
pub(super) async fn delete(tx: &mut Transaction, api: ApiId) -> Result<(), Error> {
    operations::delete(tx, api).await?;
    changes::delete(tx, api).await?;
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
