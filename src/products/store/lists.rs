//! What the pages of products list: products, the APIs in one and outside it.

use serde::Deserialize;

use crate::{
    db::{COUNTED, Connection, Instant, Select, flag, inner, listed, select},
    error::Error,
    ids::{self, ApiId, ProductId},
    products::Ordered,
};

/// The order of the products list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Name,
    NameDown,
    State,
    StateDown,
    Apis,
    ApisDown,
    Groups,
    GroupsDown,
    Subscriptions,
    SubscriptionsDown,
}

impl Sort {
    pub const ALL: [Sort; 10] = [
        Sort::Name,
        Sort::NameDown,
        Sort::State,
        Sort::StateDown,
        Sort::Apis,
        Sort::ApisDown,
        Sort::Groups,
        Sort::GroupsDown,
        Sort::Subscriptions,
        Sort::SubscriptionsDown,
    ];

    fn sql(self) -> &'static str {
        match self {
            Sort::Name => "order by p.display_name_folded, p.id",
            Sort::NameDown => "order by p.display_name_folded desc, p.id desc",
            Sort::State => "order by p.published desc, p.display_name_folded, p.id",
            Sort::StateDown => "order by p.published, p.display_name_folded, p.id",
            Sort::Apis => "order by apis, p.display_name_folded, p.id",
            Sort::ApisDown => "order by apis desc, p.display_name_folded, p.id",
            Sort::Groups => "order by groups, p.display_name_folded, p.id",
            Sort::GroupsDown => "order by groups desc, p.display_name_folded, p.id",
            Sort::Subscriptions => "order by subscriptions, p.display_name_folded, p.id",
            Sort::SubscriptionsDown => "order by subscriptions desc, p.display_name_folded, p.id",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct ProductRow {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    #[serde(deserialize_with = "flag")]
    pub published: bool,
    pub apis: i64,
    /// Those other than Administrators.
    pub groups: i64,
    /// All of them, whatever their state.
    pub subscriptions: i64,
    /// The first of the groups.
    #[serde(deserialize_with = "inner")]
    pub first_groups: Vec<GroupOfProduct>,
}

impl ProductRow {
    pub fn path(&self) -> String {
        format!("/publisher/products/{}", ids::encode(&self.name))
    }
}

/// Groups that a row names, before the rest folds into "+3".
pub const SHOWN_GROUPS: i64 = 3;

/// Products with their counts, and how many match (counting stops past `COUNTED`).
pub async fn list(
    connection: &mut Connection,
    needle: &str,
    published: Option<bool>,
    sort: Sort,
    limit: i64,
    offset: i64,
) -> Result<(Vec<ProductRow>, i64), Error> {
    let needle = ids::fold(needle);
    let mut statements = [
        Select::new(
            connection,
            "select p.id, p.name, p.display_name, p.display_name_folded, p.description, p.published,
                    (select count(*) from product_apis pa where pa.product_id = p.id) as apis,
                    (select count(*) from product_groups pg where pg.product_id = p.id and pg.group_id <> 1) as groups,
                    (select count(*) from subscriptions s where s.product_id = p.id) as subscriptions
             from products p",
        ),
        Select::new(connection, "select count(*) from (select 1 from products p"),
    ];
    for statement in &mut statements {
        if !needle.is_empty() {
            statement.filter_contains("p.search_folded", &needle);
        }
        match published {
            Some(true) => statement.filter("p.published"),
            Some(false) => statement.filter("not p.published"),
            None => statement,
        };
    }
    let [mut chosen, mut total] = statements;
    chosen.sql(sort.sql()).page(limit, offset);
    let mut rows = Select::new(connection, "select p.*, (select cast(coalesce(");
    rows.sql(select::json_array(connection)).sql("(").sql(select::json_values(connection)).sql(
        "(g.name, g.display_name)), '[]') as text) from (select g.name, g.display_name from product_groups pg join groups g on g.id = pg.group_id
            where pg.product_id = p.id and g.id <> 1 order by g.kind desc, g.display_name_folded, g.id limit",
    );
    rows.bind(SHOWN_GROUPS).sql(") g) as first_groups from (").append(chosen).sql(") p").sql(sort.sql());
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

/// All products in the order of the developer portal, and the version of that order: one statement, so that they belong together.
pub(crate) async fn order(connection: &mut Connection) -> Result<(Vec<Ordered>, i64), Error> {
    let rows = Select::new(
        connection,
        "select p.id, p.name, p.display_name, p.published, p.position from products p
         order by p.position is null, p.position, p.display_name_folded, p.id",
    );
    let version = Select::new(connection, "select version from product_order");
    listed(connection, rows, version).await
}

/// One of the groups a product is open to.
#[derive(Clone, Debug, Deserialize, sqlx::FromRow)]
pub struct GroupOfProduct {
    pub name: String,
    pub display_name: String,
}

impl GroupOfProduct {
    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", ids::encode(&self.name))
    }
}

/// The first `most` groups, Administrators apart, that a product is open to.
pub async fn first_groups(connection: &mut Connection, product: ProductId, most: i64) -> Result<Vec<GroupOfProduct>, Error> {
    let mut statement = Select::new(
        connection,
        "select g.name, g.display_name from product_groups pg join groups g on g.id = pg.group_id where g.id <> 1 and pg.product_id =",
    );
    statement.bind(product).sql("order by g.kind desc, g.display_name_folded, g.id limit").bind(most).all(connection).await
}

/// The names of all groups a product is open to, Administrators among them.
pub async fn open_groups(connection: &mut Connection, product: ProductId) -> Result<Vec<String>, Error> {
    let mut statement =
        Select::new(connection, "select g.name from groups g join product_groups pg on pg.group_id = g.id where pg.product_id =");
    let rows = statement.bind(product).sql("order by g.kind desc, g.display_name_folded, g.id").all::<(String,)>(connection).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

#[derive(Clone, Debug, Deserialize)]
pub struct ApiRow {
    pub name: String,
    pub display_name: String,
    pub suffix: String,
    pub api_version: String,
    /// Which version of its set it is; empty when it is in none.
    pub set_version: String,
    pub operations: i64,
}

impl ApiRow {
    pub fn path(&self) -> String {
        format!("/publisher/apis/{}", ids::encode(&self.name))
    }
}

const API_ROW: &str = "select a.name, a.display_name, a.suffix, a.api_version, a.set_version,
            (select count(*) from operations o where o.api_id = a.id) as operations from apis a";

/// The APIs in a product, by name.
pub async fn apis_inside(connection: &mut Connection, product: ProductId, limit: i64, offset: i64) -> Result<(Vec<ApiRow>, i64), Error> {
    let mut rows = Select::new(connection, API_ROW);
    let mut total = Select::new(connection, "select count(*) from product_apis pa where pa.product_id =");
    rows.filter("a.id in (select pa.api_id from product_apis pa where pa.product_id =").bind(product).sql(")");
    rows.sql("order by a.display_name_folded, a.id").page(limit, offset);
    total.bind(product);
    listed(connection, rows, total).await
}

/// The first APIs that are not in a product and whose names or descriptions contain `needle`; how many there are.
pub async fn apis_outside(connection: &mut Connection, product: ProductId, needle: &str, most: i64) -> Result<(Vec<ApiRow>, i64), Error> {
    let needle = ids::fold(needle);
    let mut statements = [Select::new(connection, API_ROW), Select::new(connection, "select count(*) from (select 1 from apis a")];
    for statement in &mut statements {
        statement.filter("a.id not in (select pa.api_id from product_apis pa where pa.product_id =").bind(product).sql(")");
        if !needle.is_empty() {
            let pattern = crate::db::select::like(&needle);
            statement.filter("(a.search_folded like").bind(pattern.clone()).sql("escape '\\' or a.suffix_folded like").bind(pattern);
            statement.sql("escape '\\')");
        }
    }
    let [mut rows, mut total] = statements;
    rows.sql("order by a.display_name_folded, a.id").page(most, 0);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

/// The keys of APIs by their names; names that are nobody's are left out.
pub async fn keys_of_apis(connection: &mut Connection, names: &[String]) -> Result<Vec<ApiId>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, "select a.id from apis a where a.name_folded");
    Ok(statement.in_texts(&folded).all::<(ApiId,)>(connection).await?.into_iter().map(|row| row.0).collect())
}

/// How many of the groups of these names were made after an instant.
pub async fn groups_made_since(connection: &mut Connection, names: &[String], at: Instant) -> Result<i64, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, "select count(*) from groups g where g.created_at >");
    statement.bind(at).sql("and g.name_folded").in_texts(&folded).count(connection).await
}

/// How many of the APIs of these names were made after an instant.
pub async fn apis_made_since(connection: &mut Connection, names: &[String], at: Instant) -> Result<i64, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, "select count(*) from apis a where a.created_at >");
    statement.bind(at).sql("and a.name_folded").in_texts(&folded).count(connection).await
}
