//! SQL of products: the rows themselves, and what they are associated with. Reading lists for pages is in `lists`.

pub(super) mod links;
mod lists;
pub(super) mod programs;

pub use lists::*;

use super::{Counts, Named, Product, ProductFacts};
use crate::{
    db::{Connection, Select, Transaction, run},
    error::Error,
    ids::{self, ApiId, GroupId, ProductId},
};

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Product>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Product>(
        "select id, name, display_name, description, terms, subscription_required, approval_required, subscriptions_limit, published, version
         from products where name_folded = $1")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

pub(super) async fn display_name_taken(connection: &mut Connection, folded: &str, except: Option<ProductId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from products where display_name_folded = $1 and id <> $2")
        .bind(folded).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

fn search_text(facts: &ProductFacts) -> String {
    format!("{}\n{}", ids::fold(&facts.display_name), ids::fold(&facts.description))
}

pub(super) async fn insert(tx: &mut Transaction, name: &str, facts: &ProductFacts) -> Result<Product, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Product>(
        "insert into products (name, name_folded, display_name, display_name_folded, description, search_folded, terms,
                               subscription_required, approval_required, subscriptions_limit, published, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         returning id, name, display_name, description, terms, subscription_required, approval_required, subscriptions_limit, published, version")
        .bind(name).bind(ids::fold(name)).bind(&facts.display_name).bind(ids::fold(&facts.display_name)).bind(&facts.description)
        .bind(search_text(facts)).bind(&facts.terms).bind(facts.subscription_required).bind(facts.approval_required)
        .bind(facts.subscriptions_limit).bind(false).bind(now).fetch_one(c).await?))
}

/// False when the product is at another version.
pub(super) async fn update(tx: &mut Transaction, product: ProductId, version: i64, facts: &ProductFacts) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update products set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, terms = $7,
                subscription_required = $8, approval_required = $9, subscriptions_limit = $10, version = version + 1
         where id = $1 and version = $2")
        .bind(product).bind(version).bind(&facts.display_name).bind(ids::fold(&facts.display_name)).bind(&facts.description)
        .bind(search_text(facts)).bind(&facts.terms).bind(facts.subscription_required).bind(facts.approval_required)
        .bind(facts.subscriptions_limit).execute(c).await?.rows_affected())
        == 1)
}

/// False when it was so already.
pub(super) async fn set_published(tx: &mut Transaction, product: ProductId, published: bool) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("update products set published = $2, version = version + 1 where id = $1 and published <> $2")
        .bind(product).bind(published).execute(c).await?.rows_affected())
        == 1)
}

pub(super) async fn delete(tx: &mut Transaction, product: ProductId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        sqlx::query("delete from product_groups where product_id = $1").bind(product).execute(&mut *c).await?;
        sqlx::query("delete from product_apis where product_id = $1").bind(product).execute(&mut *c).await?;
        sqlx::query("delete from products where id = $1").bind(product).execute(&mut *c).await?;
    });
    Ok(())
}

pub(super) async fn counts(connection: &mut Connection, product: ProductId) -> Result<Counts, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Counts>(
        "select (select count(*) from product_apis pa where pa.product_id = $1) as apis,
                (select count(*) from product_groups pg where pg.product_id = $1 and pg.group_id <> 1) as groups,
                (select count(*) from subscriptions s where s.product_id = $1) as subscriptions,
                (select count(*) from subscriptions s where s.product_id = $1 and s.state in ('submitted', 'active', 'suspended'))
                    as live_subscriptions")
        .bind(product).fetch_one(c).await?))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct KnownGroup {
    pub id: GroupId,
    pub name: String,
    pub display_name: String,
}

/// The groups of these (folded) names that exist, by display name.
pub(super) async fn groups_named(connection: &mut Connection, folded: &[String]) -> Result<Vec<KnownGroup>, Error> {
    let mut statement = Select::new(connection, "select g.id, g.name, g.display_name from groups g where g.name_folded");
    statement.in_texts(folded).sql("order by g.display_name_folded").all(connection).await
}

/// The groups that a product is associated with.
pub(super) async fn groups_of(connection: &mut Connection, product: ProductId) -> Result<Vec<GroupId>, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, GroupId>("select group_id from product_groups where product_id = $1 order by group_id")
        .bind(product).fetch_all(c).await?),
    )
}

/// Associates groups; those that were not associated before.
pub(super) async fn open_to(tx: &mut Transaction, product: ProductId, groups: &[GroupId]) -> Result<Vec<GroupId>, Error> {
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(tx, "insert into product_groups (product_id, group_id) select");
    statement
        .bind(product)
        .sql(", g.id from groups g where g.id")
        .in_keys(&keys)
        .sql("on conflict (product_id, group_id) do nothing returning group_id");
    Ok(statement.all::<(GroupId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

/// Ends associations; those that there were.
pub(super) async fn close_to(tx: &mut Transaction, product: ProductId, groups: &[GroupId]) -> Result<Vec<GroupId>, Error> {
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(tx, "delete from product_groups where product_id =");
    statement.bind(product).sql("and group_id").in_keys(&keys).sql("returning group_id");
    Ok(statement.all::<(GroupId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

pub(super) async fn forget_group(tx: &mut Transaction, group: GroupId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from product_groups where group_id = $1").bind(group).execute(c).await?.rows_affected()))
}

/// Puts APIs in; those that were not in it before.
pub(super) async fn insert_apis(tx: &mut Transaction, product: ProductId, apis: &[ApiId]) -> Result<Vec<ApiId>, Error> {
    let keys: Vec<i64> = apis.iter().map(|api| api.0).collect();
    let mut statement = Select::new(tx, "insert into product_apis (product_id, api_id) select");
    statement
        .bind(product)
        .sql(", a.id from apis a where a.id")
        .in_keys(&keys)
        .sql("on conflict (product_id, api_id) do nothing returning api_id");
    Ok(statement.all::<(ApiId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

/// Takes APIs out; those that were in it.
pub(super) async fn delete_apis(tx: &mut Transaction, product: ProductId, apis: &[ApiId]) -> Result<Vec<ApiId>, Error> {
    let keys: Vec<i64> = apis.iter().map(|api| api.0).collect();
    let mut statement = Select::new(tx, "delete from product_apis where product_id =");
    statement.bind(product).sql("and api_id").in_keys(&keys).sql("returning api_id");
    Ok(statement.all::<(ApiId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

pub(super) async fn forget_api(tx: &mut Transaction, api: ApiId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from product_apis where api_id = $1").bind(api).execute(c).await?.rows_affected()))
}

/// Those of the APIs that exist, by display name.
pub(super) async fn names_of_apis(connection: &mut Connection, apis: &[ApiId]) -> Result<Vec<Named>, Error> {
    let keys: Vec<i64> = apis.iter().map(|api| api.0).collect();
    let mut statement = Select::new(connection, "select a.name, a.display_name from apis a where a.id");
    statement.in_keys(&keys).sql("order by a.display_name_folded, a.id").all(connection).await
}

/// Raises the version of the order; false when it is at another one.
pub(super) async fn next_order(tx: &mut Transaction, version: i64) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("update product_order set version = version + 1 where id = 1 and version = $1")
        .bind(version).execute(c).await?.rows_affected())
        == 1)
}

/// The version of the product stays: its place is no part of what its forms show.
pub(super) async fn set_position(tx: &mut Transaction, product: ProductId, position: i64) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update products set position = $2 where id = $1").bind(product).bind(position).execute(c).await?.rows_affected());
    Ok(())
}
