//! SQL of products' lists for programs.

use super::Product;
use crate::{
    db::{Connection, run},
    error::Error,
    ids::{ApiId, ProductId},
    rest::{Source, Wanted},
};

const PRODUCTS: Source = Source {
    columns: "p.id, p.name, p.display_name, p.description, p.terms, p.subscription_required, p.approval_required, p.subscriptions_limit,
        p.published, p.version",
    tables: "products p",
    key: "p.id",
};

/// Products in the order in which they were made.
pub async fn listing(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<Product>, i64), Error> {
    wanted.read(connection, PRODUCTS, |_| {}).await
}

/// The same of those that contain an API.
pub async fn listing_of_api(connection: &mut Connection, api: ApiId, wanted: &Wanted) -> Result<(Vec<Product>, i64), Error> {
    wanted
        .read(connection, PRODUCTS, |statement| {
            statement.filter("p.id in (select pa.product_id from product_apis pa where pa.api_id =").bind(api).sql(")");
        })
        .await
}

pub async fn contains(connection: &mut Connection, product: ProductId, api: ApiId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from product_apis where product_id = $1 and api_id = $2")
        .bind(product).bind(api).fetch_one(c).await?)
        > 0)
}
