//! SQL of the gateway's question: what changed, and the rows that decide.

use serde::Deserialize;

use crate::{
    db::{Connection, Instant, Select, Transaction, by_engine, run, select},
    error::Error,
    ids::{ApiId, ProductId, SubscriptionId, TokenId, UserId},
};

/// What is different since the last look.
pub(super) struct Changes {
    /// Where the next look begins.
    pub next: i64,
    pub catalog_version: i64,
    pub subscriptions: Vec<SubscriptionId>,
    pub owners: Vec<UserId>,
    pub tokens: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    next: i64,
    catalog_version: i64,
    changes: String,
}

/// The changes since a mark; none when there are more than `most`. In one statement, so that what it does not tell comes after `next`.
pub(super) async fn changes(connection: &mut Connection, since: i64, most: i64) -> Result<(Changes, bool), Error> {
    let (array, values) = (select::json_array(connection), select::json_values(connection));
    let next = by_engine!(connection,
        sqlite: "coalesce((select max(mark) from key_changes), 0) + 1",
        postgres: "pg_snapshot_xmin(pg_current_snapshot())::text::bigint");
    let mut statement = Select::new(connection, "select");
    statement
        .sql(next)
        .sql("as next, (select version from catalog_version) as catalog_version, (select cast(coalesce(")
        .sql(array)
        .sql("(");
    statement.sql(values).sql("(c.kind, c.key)), '[]') as text) from (select distinct kind, key from key_changes where mark >=");
    statement.bind(since).sql("limit").bind(most + 1).sql(") c) as changes");
    let row = statement.optional::<Row>(connection).await?.ok_or(Error::NotFound)?;
    let found: Vec<(String, i64)> = serde_json::from_str(&row.changes)?;
    let of = |wanted: &str| found.iter().filter(|(kind, _)| kind == wanted).map(|(_, key)| *key).collect::<Vec<_>>();
    let changes = Changes {
        next: row.next.max(if since == i64::MAX { 0 } else { since }),
        catalog_version: row.catalog_version,
        subscriptions: of("subscription").into_iter().map(SubscriptionId).collect(),
        owners: of("owner").into_iter().map(UserId).collect(),
        tokens: !of("token").is_empty(),
    };
    Ok((changes, i64::try_from(found.len()).is_ok_and(|count| count <= most)))
}

#[derive(Deserialize)]
pub(super) struct SubscriptionRow {
    pub id: SubscriptionId,
    pub name: String,
    pub product: ProductId,
    pub owner: String,
    pub owner_state: String,
    pub state: String,
    pub expires_at: Option<Instant>,
    /// The beginning of the MAC, in hexadecimal digits.
    pub primary: String,
    pub secondary: String,
}

/// Which subscriptions.
pub(super) enum Which<'a> {
    Of(&'a [SubscriptionId]),
    OfOwners(&'a [UserId]),
    /// So many behind a key.
    Behind(SubscriptionId, i64),
}

/// As one row of JSON: thousands of rows would hop from thread to thread one by one.
pub(super) async fn subscriptions(connection: &mut Connection, which: Which<'_>) -> Result<Vec<SubscriptionRow>, Error> {
    let (array, values) = (select::json_array(connection), select::json_values(connection));
    let macs = by_engine!(connection,
        sqlite: "hex(substr(s.primary_mac, 1, 16)) as primary_mac, hex(substr(s.secondary_mac, 1, 16)) as secondary_mac",
        postgres: "encode(substr(s.primary_mac, 1, 16), 'hex') as primary_mac, encode(substr(s.secondary_mac, 1, 16), 'hex') as secondary_mac");
    let mut statement = Select::new(connection, "select cast(coalesce(");
    statement.sql(array).sql("(").sql(values);
    statement.sql(
        "(r.id, r.name, r.product_id, r.owner, r.owner_state, r.state, r.expires_at, r.primary_mac, r.secondary_mac)), '[]') as text) as rows
         from (select s.id, s.name, s.product_id, u.name as owner, u.state as owner_state, s.state, s.expires_at,",
    );
    statement.sql(macs).sql("from subscriptions s join users u on u.id = s.owner_id where");
    match which {
        Which::Of(keys) => statement.sql("s.id").in_keys(&keys.iter().map(|key| key.0).collect::<Vec<_>>()),
        Which::OfOwners(keys) => statement.sql("s.owner_id").in_keys(&keys.iter().map(|key| key.0).collect::<Vec<_>>()),
        Which::Behind(last, count) => statement.sql("s.id >").bind(last.0).sql("order by s.id limit").bind(count),
    };
    statement.sql(") r");
    let (rows,) = statement.optional::<(String,)>(connection).await?.ok_or(Error::NotFound)?;
    Ok(serde_json::from_str(&rows)?)
}

#[derive(sqlx::FromRow)]
pub(super) struct TokenRow {
    pub id: TokenId,
    pub hash: Vec<u8>,
    pub scope: String,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
}

pub(super) async fn tokens(connection: &mut Connection) -> Result<Vec<TokenRow>, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, TokenRow>("select id, hash, scope, expires_at, last_used_at from tokens").fetch_all(c).await?),
    )
}

#[derive(Deserialize)]
pub(super) struct ProductRow {
    pub id: ProductId,
    pub name: String,
    pub published: i64,
    pub subscription_required: i64,
    pub apis: Option<Vec<ApiId>>,
}

#[derive(Deserialize)]
pub(super) struct ApiRow {
    pub id: ApiId,
    pub suffix: String,
}

pub(super) struct Catalogue {
    pub version: i64,
    pub products: Vec<ProductRow>,
    pub apis: Vec<ApiRow>,
}

#[derive(sqlx::FromRow)]
struct CatalogueRow {
    version: i64,
    products: String,
    apis: String,
}

/// Products and APIs, in the order of their keys, and the version of the catalogue that they are.
pub(super) async fn catalogue(connection: &mut Connection) -> Result<Catalogue, Error> {
    let (array, values) = (select::json_array(connection), select::json_values(connection));
    let mut statement = Select::new(connection, "select (select version from catalog_version) as version, (select cast(coalesce(");
    statement
        .sql(array)
        .sql("(")
        .sql(values)
        .sql("(p.id, p.name, case when p.published then 1 else 0 end, case when p.subscription_required then 1 else 0 end, (select");
    statement
        .sql(array)
        .sql("(pa.api_id) from product_apis pa where pa.product_id = p.id)) order by p.id), '[]') as text) from products p) as products,");
    statement.sql("(select cast(coalesce(").sql(array).sql("(").sql(values);
    statement.sql("(a.id, a.suffix) order by a.id), '[]') as text) from apis a) as apis");
    let row = statement.optional::<CatalogueRow>(connection).await?.ok_or(Error::NotFound)?;
    Ok(Catalogue { version: row.version, products: serde_json::from_str(&row.products)?, apis: serde_json::from_str(&row.apis)? })
}

/// Seconds for which a change is told.
pub(super) const TOLD: u64 = 3600;

/// By the database's own clock, which has dated them.
pub(super) async fn forget_old_changes(tx: &mut Transaction) -> Result<(), Error> {
    let now = by_engine!(tx, sqlite: "cast(strftime('%s', 'now') as integer)", postgres: "extract(epoch from clock_timestamp())::bigint");
    let mut statement = Select::new(tx, "delete from key_changes where at <");
    statement.sql(now).sql("-").bind(i64::try_from(TOLD).unwrap_or(i64::MAX));
    statement.execute(tx).await.map(drop)
}
