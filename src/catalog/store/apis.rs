//! The APIs that a viewer sees: those in a product that is listed for the viewer. And what is in them.

use crate::{
    db::{Connection, Instant, run},
    error::Error,
    ids::{self, ApiId, UserId},
};

/// Whether an API is in a product that is listed for a user.
macro_rules! visible {
    ($api:literal, $user:literal, $now:literal) => {
        concat!(
            "(",
            $api,
            ".id in (select pa.api_id from product_apis pa join products p on p.id = pa.product_id where ",
            listed!("p", $user, $now, "0"),
            "))"
        )
    };
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ApiSeen {
    pub id: ApiId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub api_version: String,
    /// JSON: a list of `apis::description::Server`.
    pub servers: String,
    /// JSON: a list of `apis::description::Tag`.
    pub tags: String,
}

impl ApiSeen {
    pub fn path(&self) -> String {
        format!("/apis/{}", ids::encode(&self.name))
    }
}

pub(in crate::catalog) async fn find(
    connection: &mut Connection,
    viewer: UserId,
    now: Instant,
    name: &str,
) -> Result<Option<ApiSeen>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ApiSeen>(concat!(
        "select a.id, a.name, a.display_name, a.description, a.api_version, a.servers, a.tags
         from apis a where a.name_folded = $3 and ", visible!("a", "$1", "$2")))
        .bind(viewer).bind(now).bind(ids::fold(name)).fetch_optional(c).await?))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OperationRow {
    pub name: String,
    pub operation_id: Option<String>,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    pub deprecated: bool,
    /// JSON: a list of names.
    pub tags: String,
}

/// The operations of an API in their order. Whether the viewer sees the API was asked before.
pub(in crate::catalog) async fn operations(connection: &mut Connection, api: ApiId) -> Result<Vec<OperationRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, OperationRow>(
        "select name, operation_id, method, url_template, display_name, deprecated, tags from operations
         where api_id = $1 order by position, id limit 5000").bind(api).fetch_all(c).await?))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OperationSeen {
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    pub description: String,
    pub deprecated: bool,
    /// JSON: an `apis::description::Detail`.
    pub detail: String,
}

pub(in crate::catalog) async fn find_operation(
    connection: &mut Connection,
    api: ApiId,
    name: &str,
) -> Result<Option<OperationSeen>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, OperationSeen>(
        "select name, method, url_template, display_name, description, deprecated, detail from operations
         where api_id = $1 and name_folded = $2").bind(api).bind(ids::fold(name)).fetch_optional(c).await?))
}
