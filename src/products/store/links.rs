//! SQL of the names that programs give to a product's associations.

use super::super::links::{Kind, Link};
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::{self, ProductId},
    rest::{Source, Wanted},
};

const GROUPS: Source = Source {
    columns: "coalesce(l.link, g.name) as name, g.name as other",
    tables: "product_groups l join groups g on g.id = l.group_id",
    key: "g.id",
};

const APIS: Source = Source {
    columns: "coalesce(l.link, a.name) as name, a.name as other",
    tables: "product_apis l join apis a on a.id = l.api_id",
    key: "a.id",
};

pub async fn listing(connection: &mut Connection, kind: Kind, product: ProductId, wanted: &Wanted) -> Result<(Vec<Link>, i64), Error> {
    let source = if kind == Kind::Group { GROUPS } else { APIS };
    wanted
        .read_within(connection, source, |statement| {
            statement.filter("l.product_id =").bind(product);
        })
        .await
}

/// The association of that name, in any case.
pub async fn find(connection: &mut Connection, kind: Kind, product: ProductId, name: &str) -> Result<Option<Link>, Error> {
    Ok(run!(connection, c => {
        let query = match kind {
            Kind::Group => sqlx::query_as::<_, Link>(
                "select coalesce(l.link, g.name) as name, g.name as other from product_groups l join groups g on g.id = l.group_id
                 where l.product_id = $1 and coalesce(l.link_folded, g.name_folded) = $2 order by g.id limit 1"),
            Kind::Api => sqlx::query_as::<_, Link>(
                "select coalesce(l.link, a.name) as name, a.name as other from product_apis l join apis a on a.id = l.api_id
                 where l.product_id = $1 and coalesce(l.link_folded, a.name_folded) = $2 order by a.id limit 1"),
        };
        query.bind(product).bind(ids::fold(name)).fetch_optional(c).await?
    }))
}

/// Names the association with the group or API of that name.
pub async fn set(tx: &mut Transaction, kind: Kind, product: ProductId, other: &str, link: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        let query = match kind {
            Kind::Group => sqlx::query(
                "update product_groups set link = $3, link_folded = $4
                 where product_id = $1 and group_id = (select g.id from groups g where g.name_folded = $2)"),
            Kind::Api => sqlx::query(
                "update product_apis set link = $3, link_folded = $4
                 where product_id = $1 and api_id = (select a.id from apis a where a.name_folded = $2)"),
        };
        query.bind(product).bind(ids::fold(other)).bind(link).bind(ids::fold(link)).execute(c).await?.rows_affected()
    });
    Ok(())
}
