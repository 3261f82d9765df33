//! All that is published, in one statement: what it says was true at one instant, of which the version is the name.

use serde::Deserialize;

use crate::{
    db::{Connection, Select, inner, run, select},
    error::Error,
    ids::{ApiId, GroupId, ProductId},
};

#[derive(Deserialize)]
pub(in crate::catalog) struct ProductRow {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub beginning: String,
    pub search_folded: String,
    pub subscription_required: i64,
    pub approval_required: i64,
    pub groups: Option<Vec<GroupId>>,
    pub apis: Option<Vec<ApiId>>,
}

#[derive(Deserialize)]
pub(in crate::catalog) struct ApiRow {
    pub id: ApiId,
    pub name: String,
    pub name_folded: String,
    pub display_name: String,
    pub beginning: String,
    pub search_folded: String,
    pub api_version: String,
    #[serde(deserialize_with = "inner")]
    pub own_tags: Vec<String>,
    pub version_set: Option<String>,
    pub set_version: String,
    pub operations: i64,
}

pub(in crate::catalog) struct Published {
    pub version: i64,
    /// In the order that administrators gave them, then by name.
    pub products: Vec<ProductRow>,
    /// By name; those in no published product too.
    pub apis: Vec<ApiRow>,
}

pub(in crate::catalog) async fn version(connection: &mut Connection) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select version from catalog_version").fetch_one(c).await?))
}

#[derive(sqlx::FromRow)]
struct Row {
    version: i64,
    products: String,
    apis: String,
}

pub(in crate::catalog) async fn read(connection: &mut Connection) -> Result<Published, Error> {
    let (array, object) = (select::json_array(connection), select::json_object(connection));
    let mut statement = Select::new(connection, "select (select version from catalog_version) as version, (select cast(coalesce(");
    statement
        .sql(array)
        .sql("(")
        .sql(object)
        .sql(
            "('id', p.id, 'name', p.name, 'display_name', p.display_name, 'beginning', substr(p.description, 1, 600),
              'search_folded', p.search_folded, 'subscription_required', case when p.subscription_required then 1 else 0 end,
              'approval_required', case when p.approval_required then 1 else 0 end, 'groups', (select",
        )
        .sql(array)
        .sql("(pg.group_id) from product_groups pg where pg.product_id = p.id), 'apis', (select")
        .sql(array)
        .sql(
            "(pa.api_id) from product_apis pa where pa.product_id = p.id)) order by p.position is null, p.position, p.display_name_folded, p.id), '[]') as text)
             from products p where p.published) as products, (select cast(coalesce(",
        )
        .sql(array)
        .sql("(")
        .sql(object)
        .sql(
            "('id', a.id, 'name', a.name, 'name_folded', a.name_folded, 'display_name', a.display_name, 'beginning', substr(a.description, 1, 600),
              'search_folded', a.search_folded, 'api_version', a.api_version, 'own_tags', a.own_tags, 'version_set', a.version_set, 'set_version', a.set_version,
              'operations', (select count(*) from operations o where o.api_id = a.id))
             order by a.display_name_folded, a.id), '[]') as text) from apis a) as apis",
        );
    let row = statement.optional::<Row>(connection).await?.ok_or(Error::NotFound)?;
    Ok(Published { version: row.version, products: serde_json::from_str(&row.products)?, apis: serde_json::from_str(&row.apis)? })
}
