//! SQL of the lists of APIs and operations for programs.

use super::{Api, operations::Whole};
use crate::{
    db::{Connection, Select},
    error::Error,
    ids::ApiId,
    rest::{Source, Wanted},
};

const APIS: Source = Source {
    columns:
        "a.id, a.name, a.display_name, a.description, a.suffix, a.api_version, a.servers, a.tags, a.own_tags, a.version_set, a.set_version,
        a.facts, a.format, a.version, a.created_at, a.updated_at",
    tables: "apis a",
    key: "a.id",
};

/// APIs in the order in which they were made.
pub(in crate::apis) async fn listing(
    connection: &mut Connection,
    wanted: &Wanted,
    conditions: impl Fn(&mut Select),
) -> Result<(Vec<Api>, i64), Error> {
    wanted.read(connection, APIS, conditions).await
}

const OPERATIONS: Source = Source {
    columns: "o.id, o.version, o.name, o.operation_id, o.method, o.url_template, o.display_name, o.description, o.deprecated, o.tags, o.detail",
    tables: "operations o",
    key: "o.id",
};

/// The operations of an API.
pub(in crate::apis) async fn operations(connection: &mut Connection, api: ApiId, wanted: &Wanted) -> Result<(Vec<Whole>, i64), Error> {
    wanted
        .read(connection, OPERATIONS, |statement| {
            statement.filter("o.api_id =").bind(api);
        })
        .await
}
