//! SQL of the lists: APIs, and the products beside them.

use serde::Deserialize;

use crate::{
    db::{COUNTED, Connection, Instant, Select, flag, inner, listed, run, select},
    error::Error,
    ids::{self, ApiId},
};

/// The order of the APIs list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Name,
    NameDown,
    Suffix,
    SuffixDown,
    Operations,
    OperationsDown,
    Products,
    ProductsDown,
    Updated,
    UpdatedDown,
}

impl Sort {
    pub const ALL: [Sort; 10] = [
        Sort::Name,
        Sort::NameDown,
        Sort::Suffix,
        Sort::SuffixDown,
        Sort::Operations,
        Sort::OperationsDown,
        Sort::Products,
        Sort::ProductsDown,
        Sort::Updated,
        Sort::UpdatedDown,
    ];

    /// Which APIs are on the page, and the order of the page itself.
    fn sql(self) -> (&'static str, &'static str) {
        macro_rules! both {
            ($inner:literal, $outer:literal, $rest:literal) => {
                (concat!("order by ", $inner, $rest), concat!("order by ", $outer, $rest))
            };
        }
        match self {
            Sort::Name => both!("", "", "a.display_name_folded, a.id"),
            Sort::NameDown => both!("", "", "a.display_name_folded desc, a.id desc"),
            Sort::Suffix => both!("", "", "a.suffix_folded"),
            Sort::SuffixDown => both!("", "", "a.suffix_folded desc"),
            Sort::Operations => {
                both!("(select count(*) from operations o where o.api_id = a.id)", "operations", ", a.display_name_folded, a.id")
            }
            Sort::OperationsDown => {
                both!("(select count(*) from operations o where o.api_id = a.id) desc", "operations desc", ", a.display_name_folded, a.id")
            }
            Sort::Products => {
                both!("(select count(*) from product_apis pa where pa.api_id = a.id)", "products", ", a.display_name_folded, a.id")
            }
            Sort::ProductsDown => {
                both!(
                    "(select count(*) from product_apis pa where pa.api_id = a.id) desc",
                    "products desc",
                    ", a.display_name_folded, a.id"
                )
            }
            Sort::Updated => both!("", "", "a.updated_at, a.id"),
            Sort::UpdatedDown => both!("", "", "a.updated_at desc, a.id desc"),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct ApiRow {
    pub id: ApiId,
    pub name: String,
    pub display_name: String,
    pub suffix: String,
    pub api_version: String,
    /// Which version of its set it is; empty when it is in none.
    pub set_version: String,
    pub updated_at: Instant,
    pub operations: i64,
    pub products: i64,
    /// What it is about.
    #[serde(deserialize_with = "inner")]
    pub own_tags: Vec<String>,
    /// The widest circle that a published product opens it to: 4 guests, 3 developers, 2 other groups, 1 administrators, 0 nobody.
    circle: i64,
    /// The first of them.
    #[serde(deserialize_with = "inner")]
    pub first_products: Vec<ProductOfApi>,
}

impl ApiRow {
    /// Who sees it in the developer portal, and the badge's tone.
    pub fn seen_by(&self) -> (&'static str, &'static str) {
        match self.circle {
            4 => ("Guests", "good"),
            3 => ("Developers", "info"),
            2 => ("Some groups", "info"),
            1 => ("Administrators", ""),
            _ => ("Nobody", ""),
        }
    }

    /// How many products there are besides the first.
    pub fn further(&self) -> i64 {
        self.products - i64::try_from(self.first_products.len()).unwrap_or(0)
    }

    pub fn path(&self) -> String {
        crate::apis::path(&self.name)
    }
}

/// Every tag that an API has, by name.
pub async fn all_tags(connection: &mut Connection) -> Result<Vec<String>, Error> {
    let rows = run!(connection, c => sqlx::query_scalar::<_, String>("select distinct own_tags from apis where own_tags <> '[]'")
        .fetch_all(c).await?);
    let mut tags: std::collections::BTreeMap<String, String> = Default::default();
    for tag in rows.iter().flat_map(|row| serde_json::from_str::<Vec<String>>(row).unwrap_or_default()) {
        tags.entry(ids::fold(&tag)).or_insert(tag);
    }
    Ok(tags.into_values().collect())
}

/// Which APIs are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// Part of what is searched.
    pub needle: &'a str,
    /// One of its tags; empty is any.
    pub tag: &'a str,
    pub sort: Sort,
}

/// APIs with their counts, and how many match (counting stops past `COUNTED`).
pub async fn list(connection: &mut Connection, filter: Filter<'_>, limit: i64, offset: i64) -> Result<(Vec<ApiRow>, i64), Error> {
    let Filter { needle, tag, sort } = filter;
    let needle = ids::fold(needle);
    let (inner, outer) = sort.sql();
    let mut rows = Select::new(
        connection,
        "select a.id, a.name, a.display_name, a.suffix, a.api_version, a.set_version, a.updated_at, a.own_tags,
            (select count(*) from operations o where o.api_id = a.id) as operations,
            (select count(*) from product_apis pa where pa.api_id = a.id) as products,
            (select cast(coalesce(max(case pg.group_id when 3 then 4 when 2 then 3 when 1 then 1 else 2 end), 0) as bigint)
             from product_apis pa join products p on p.id = pa.product_id and p.published join product_groups pg on pg.product_id = p.id
             where pa.api_id = a.id) as circle, (select cast(coalesce(",
    );
    rows.sql(select::json_array(connection)).sql("(").sql(select::json_values(connection)).sql(
        "(p.name, p.display_name, case when p.published then 1 else 0 end)), '[]') as text)
            from (select p.name, p.display_name, p.published from product_apis pa join products p on p.id = pa.product_id
                  where pa.api_id = a.id order by p.display_name_folded, p.id limit 3) p) as first_products
         from (select a.id, a.name, a.display_name, a.display_name_folded, a.suffix, a.suffix_folded, a.api_version, a.set_version, a.updated_at,
                 a.own_tags
               from apis a",
    );
    let mut total = Select::new(connection, "select count(*) from (select 1 from apis a");
    if !needle.is_empty() {
        rows.filter_contains("a.search_folded", &needle);
        total.filter_contains("a.search_folded", &needle);
    }
    if !tag.trim().is_empty() {
        let line = format!("\n{}\n", ids::fold(tag));
        rows.filter_contains("a.own_tags_folded", &line);
        total.filter_contains("a.own_tags_folded", &line);
    }
    rows.sql(inner).page(limit, offset).sql(") a").sql(outer);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

#[derive(Clone, Debug, Deserialize, sqlx::FromRow)]
pub struct ProductOfApi {
    pub name: String,
    pub display_name: String,
    #[serde(deserialize_with = "flag")]
    pub published: bool,
}

impl ProductOfApi {
    pub fn path(&self) -> String {
        format!("/publisher/products/{}", ids::encode(&self.name))
    }
}

/// The products that contain an API, by name; the first 500.
pub async fn products_of(connection: &mut Connection, api: ApiId) -> Result<Vec<ProductOfApi>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ProductOfApi>(
        "select p.name, p.display_name, p.published from product_apis pa join products p on p.id = pa.product_id
         where pa.api_id = $1 order by p.display_name_folded, p.id limit 500").bind(api).fetch_all(c).await?))
}

/// A live subscription that reaches an API, and its owner. No key is read.
#[derive(Clone, Debug, Deserialize)]
pub struct AffectedRow {
    pub name: String,
    pub display_name: String,
    pub state: String,
    pub product: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

impl AffectedRow {
    pub fn owner(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub fn path(&self) -> String {
        format!("/publisher/subscriptions/{}", ids::encode(&self.name))
    }
}

/// The live subscriptions of the products that contain an API, by their owners, and how many there are.
pub async fn affected(connection: &mut Connection, api: ApiId, limit: i64, offset: i64) -> Result<(Vec<AffectedRow>, i64), Error> {
    let mut rows = Select::new(
        connection,
        "select s.name, s.display_name, s.state, p.display_name as product, u.first_name, u.last_name, u.email
         from subscriptions s join products p on p.id = s.product_id join users u on u.id = s.owner_id",
    );
    let mut total = Select::new(connection, "select count(*) from subscriptions s");
    for statement in [&mut rows, &mut total] {
        statement.filter("s.state in ('submitted', 'active', 'suspended')");
        statement.filter("s.product_id in (select pa.product_id from product_apis pa where pa.api_id =").bind(api).sql(")");
    }
    rows.sql("order by u.sort_folded, u.id, s.id").page(limit, offset);
    listed(connection, rows, total).await
}

/// A product that an API may join.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductChoice {
    pub name: String,
    pub display_name: String,
    pub published: bool,
}

/// Products offered at once.
pub const OFFERED: i64 = 500;

/// The ticked products first, then those that match, together about `OFFERED`; and how many there are at all.
pub async fn product_choices(
    connection: &mut Connection,
    needle: &str,
    ticked: &[String],
) -> Result<(Vec<(ProductChoice, bool)>, i64), Error> {
    let needle = ids::fold(needle);
    let mut chosen = Select::new(connection, "select p.name, p.display_name, p.published from products p where p.name");
    chosen.in_texts(ticked).sql("order by p.display_name_folded, p.id");
    let mut others = Select::new(connection, "select p.name, p.display_name, p.published from products p");
    others.filter("p.name not").in_texts(ticked);
    if !needle.is_empty() {
        others.filter_contains("p.search_folded", &needle);
    }
    others.sql("order by p.display_name_folded, p.id limit").bind(OFFERED);
    let chosen = chosen.all::<ProductChoice>(connection).await?.into_iter().map(|product| (product, true));
    let others = others.all::<ProductChoice>(connection).await?.into_iter().map(|product| (product, false));
    let total = Select::new(connection, "select count(*) from products").count(connection).await?;
    Ok((chosen.chain(others).collect(), total))
}
