//! The products that a viewer sees. Every statement but that of a found product's parts goes through the rule's fragments.

use crate::{
    catalog::Wanted,
    db::{COUNTED, Connection, Instant, Select, run},
    error::Error,
    ids::{self, ApiId, ProductId, UserId},
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductCard {
    pub name: String,
    pub display_name: String,
    /// How it begins.
    pub description: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub apis: i64,
    /// The best state among the viewer's live subscriptions: 1 active, 2 suspended, 3 submitted; 0 when there is none.
    best_held: i64,
    may: bool,
    for_guest: bool,
}

impl ProductCard {
    /// What the viewer has or may have of it, in a word or two, and the badge's tone.
    pub fn badge(&self) -> Option<(&'static str, &'static str)> {
        match (self.best_held, self.subscription_required) {
            (1, _) => Some(("Subscribed", "good")),
            (2, _) => Some(("Suspended", "warn")),
            (3, _) => Some(("Submitted", "")),
            (_, false) => Some(("No subscription needed", "")),
            _ if !self.may && !self.for_guest => Some(("Reading only", "")),
            _ => self.approval_required.then_some(("Needs approval", "")),
        }
    }

    pub fn path(&self) -> String {
        format!("/products/{}", ids::encode(&self.name))
    }
}

/// Products that the viewer sees and that contain the needle, by name; and how many.
pub(in crate::catalog) async fn list(
    connection: &mut Connection,
    viewer: UserId,
    now: Instant,
    wanted: Wanted<'_>,
) -> Result<(Vec<ProductCard>, i64), Error> {
    let needle = ids::fold(wanted.needle);
    let given = vec![viewer.into(), now.into()];
    let mut rows = Select::with(
        connection,
        given.clone(),
        concat!(
            "select p.name, p.display_name, substr(p.description, 1, 600) as description, p.subscription_required, p.approval_required,
                (select count(*) from product_apis pa where pa.product_id = p.id) as apis,
                (select cast(coalesce(min(case s.state when 'active' then 1 when 'suspended' then 2 else 3 end), 0) as bigint) from subscriptions s
                 where s.owner_id = $1 and s.product_id = p.id and s.state in ('submitted', 'active', 'suspended')) as best_held,
                $1 = 0 as for_guest, ",
            may_subscribe!("p", "$1", "$2", "0"),
            " as may from products p"
        ),
    );
    let mut total = Select::with(connection, given, "select count(*) from (select 1 from products p");
    for statement in [&mut rows, &mut total] {
        statement.filter(listed!("p", "$1", "$2", "0"));
        if !needle.is_empty() {
            statement.filter_contains("p.search_folded", &needle);
        }
    }
    rows.sql("order by p.display_name_folded, p.id").page(wanted.limit, wanted.offset);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    let rows = rows.all(connection).await?;
    super::with_total(connection, rows, &total, wanted).await
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductSeen {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub terms: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub subscriptions_limit: Option<i64>,
    may: bool,
}

impl ProductSeen {
    /// Whether one of the viewer's own groups opens it, so that the viewer may subscribe.
    pub fn may_subscribe(&self) -> bool {
        self.may
    }

    pub fn path(&self) -> String {
        format!("/products/{}", ids::encode(&self.name))
    }
}

pub(in crate::catalog) async fn find(
    connection: &mut Connection,
    viewer: UserId,
    now: Instant,
    name: &str,
) -> Result<Option<ProductSeen>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ProductSeen>(concat!(
        "select p.id, p.name, p.display_name, p.description, p.terms, p.subscription_required, p.approval_required,
            p.subscriptions_limit, ", may_subscribe!("p", "$1", "$2", "0"), " as may
         from products p where p.name_folded = $3 and ", listed!("p", "$1", "$2", "0")))
        .bind(viewer).bind(now).bind(ids::fold(name)).fetch_optional(c).await?))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductName {
    pub name: String,
    pub display_name: String,
    /// It takes subscriptions, and from others than administrators.
    pub subscribable: bool,
}

impl ProductName {
    pub fn path(&self) -> String {
        format!("/products/{}", ids::encode(&self.name))
    }
}

/// The products that contain an API and that the viewer sees, by name.
pub(in crate::catalog) async fn with_api(
    connection: &mut Connection,
    viewer: UserId,
    now: Instant,
    api: ApiId,
) -> Result<Vec<ProductName>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ProductName>(concat!(
        "select p.name, p.display_name, p.subscription_required and p.id in (select pg.product_id from product_groups pg where pg.group_id not in (1, 3))
                as subscribable
         from products p where p.id in (select pa.product_id from product_apis pa where pa.api_id = $3)
            and ", listed!("p", "$1", "$2", "0"), " order by p.display_name_folded, p.id limit 100"))
        .bind(viewer).bind(now).bind(api).fetch_all(c).await?))
}
