//! What is in an API that a viewer was found to see.

use serde::Deserialize;

use crate::{
    apis::description::Server,
    db::{Connection, Select, flag, select},
    error::Error,
    ids::{self, ApiId},
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ApiSeen {
    pub id: ApiId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub api_version: String,
    /// Which version of its set it is; empty when it is in none.
    pub set_version: String,
    /// As `apis::Api::format`.
    pub format: String,
    /// How often its description was replaced by one with other operations.
    pub changes: i64,
    /// JSON: a list of names, which say what it is about.
    pub own_tags: String,
    /// JSON: a list of `apis::description::Server`.
    pub servers: String,
    /// JSON: a list of `apis::description::Tag`.
    pub tags: String,
    /// A `calls::Way`.
    pub try_it: String,
    pub key_header: String,
}

impl ApiSeen {
    pub fn servers(&self) -> Vec<Server> {
        serde_json::from_str(&self.servers).unwrap_or_default()
    }

    pub fn path(&self) -> String {
        format!("/apis/{}", ids::encode(&self.name))
    }

    pub fn own_tags(&self) -> Vec<String> {
        serde_json::from_str(&self.own_tags).unwrap_or_default()
    }

    /// "OpenAPI 3.0 in YAML": the description as it came, if it came from anywhere.
    pub fn original(&self) -> Option<String> {
        crate::apis::original_label(&self.format)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct OperationRow {
    pub name: String,
    pub operation_id: Option<String>,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    #[serde(deserialize_with = "flag")]
    pub deprecated: bool,
    /// JSON: a list of names.
    pub tags: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct OperationSeen {
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    pub description: String,
    #[serde(deserialize_with = "flag")]
    pub deprecated: bool,
    /// JSON: an `apis::description::Detail`.
    pub detail: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    api: ApiSeen,
    operations: String,
    operation: Option<String>,
}

/// An API, its operations in their order, and the one of a name (none, when it is empty): one row, whatever there is in it.
pub(in crate::catalog) async fn read(
    connection: &mut Connection,
    api: ApiId,
    operation: &str,
) -> Result<Option<(ApiSeen, Vec<OperationRow>, Option<OperationSeen>)>, Error> {
    let (array, values) = (select::json_array(connection), select::json_values(connection));
    let mut statement = Select::new(
        connection,
        "select a.id, a.name, a.display_name, a.description, a.api_version, a.set_version, a.format, a.own_tags,
            (select count(*) from api_changes l where l.api_id = a.id) as changes, a.servers, a.tags,
            coalesce((select c.way from api_calls c where c.api_id = a.id), 'no') as try_it,
            coalesce((select c.key_header from api_calls c where c.api_id = a.id), 'X-Portico-Key') as key_header, (select cast(coalesce(",
    );
    statement.sql(array).sql("(").sql(values).sql(
        "(o.name, o.operation_id, o.method, o.url_template, o.display_name, case when o.deprecated then 1 else 0 end, o.tags)), '[]') as text)
            from (select * from operations o where o.api_id = a.id order by o.position, o.id limit 5000) o) as operations, (select cast(",
    );
    statement
        .sql(values)
        .sql(
            "(o.name, o.method, o.url_template, o.display_name, o.description, case when o.deprecated then 1 else 0 end, o.detail) as text)
            from operations o where o.api_id = a.id and o.name_folded =",
        )
        .bind(ids::fold(operation))
        .sql(") as operation from apis a where a.id =")
        .bind(api);
    let Some(row) = statement.optional::<Row>(connection).await? else { return Ok(None) };
    let operation = row.operation.as_deref().map(serde_json::from_str).transpose()?;
    Ok(Some((row.api, serde_json::from_str(&row.operations)?, operation)))
}
