//! SQL of subscriptions.

use super::{State, Subscription, Wanted};
use crate::{
    db::{Connection, Engine, Instant, Select, Transaction, run},
    error::Error,
    ids::{self, ProductId, SubscriptionId, UserId},
    mail::Recipient,
};

macro_rules! columns {
    () => {
        "s.id, s.owner_id, s.name, s.display_name, s.state, s.state_comment, p.name as product_name, p.display_name as product_display_name,
            p.terms <> '' as has_terms, s.terms_accepted, s.terms_accepted_at, s.created_at, s.started_at, s.ended_at, s.expires_at, s.version"
    };
}

macro_rules! subscriptions_where {
    ($rest:literal) => {
        concat!("select ", columns!(), " from subscriptions s join products p on p.id = s.product_id where ", $rest)
    };
}

macro_rules! held_rows {
    () => {
        concat!(
            "select ",
            columns!(),
            ", u.name as owner_name, u.first_name, u.last_name, u.email, u.state as owner_state
             from subscriptions s join products p on p.id = s.product_id join users u on u.id = s.owner_id"
        )
    };
}

// After the columns, so that they can be named in them.
pub mod callable;
pub(super) mod ends;
pub(super) mod leaving;
pub mod list;
pub(super) mod past;
pub mod placing;
pub(super) mod programs;
pub(super) mod sight;

/// A subscription and whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    #[sqlx(flatten)]
    pub subscription: Subscription,
    pub owner_name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub owner_state: String,
}

impl Held {
    pub fn owner_path(&self) -> String {
        format!("/publisher/users/{}", ids::encode(&self.owner_name))
    }

    /// The name; the address of whoever has not said one.
    pub fn display(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.email.clone() } else { name.trim().to_owned() }
    }

    pub(super) fn owner(&self) -> Recipient {
        Recipient {
            user: Some(self.subscription.owner_id),
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
        }
    }
}

/// Those of these names, oldest first.
pub(super) async fn held(connection: &mut Connection, names: &[String]) -> Result<Vec<Held>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, held_rows!());
    statement.sql("where s.name_folded").in_texts(&folded).sql("order by s.id").all(connection).await
}

/// The same, as they stay until the end of the transaction.
pub(super) async fn take(tx: &mut Transaction, names: &[String]) -> Result<Vec<Held>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(tx, held_rows!());
    statement.sql("where s.name_folded").in_texts(&folded).sql("order by s.id");
    if tx.engine() == Engine::Postgres {
        statement.sql("for update of s");
    }
    statement.all(tx).await
}

#[derive(sqlx::FromRow)]
struct Changed {
    id: SubscriptionId,
}

/// Brings those that are in one of the states into another, and gives them an end if that is said; which they were.
pub(super) async fn set_state(
    tx: &mut Transaction,
    keys: &[i64],
    from: &[State],
    to: State,
    comment: Option<&str>,
    ends: Option<Option<Instant>>,
) -> Result<Vec<SubscriptionId>, Error> {
    let now = tx.now();
    let from: Vec<String> = from.iter().map(|state| state.as_str().to_owned()).collect();
    let mut statement = Select::new(tx, "update subscriptions set version = version + 1, state =");
    statement.bind(to.as_str());
    if let Some(comment) = comment {
        statement.sql(", state_comment =").bind(comment);
    }
    match ends {
        Some(Some(at)) => statement.sql(", warned = 0, expires_at =").bind(at),
        Some(None) => statement.sql(", warned = 0, expires_at = null"),
        None => &mut statement,
    };
    if to == State::Active {
        statement.sql(", started_at = coalesce(started_at,").bind(now).sql(")");
    }
    if !to.is_live() {
        statement.sql(", ended_at =").bind(now);
    }
    statement.sql("where id").in_keys(keys).sql("and state").in_texts(&from).sql("returning id");
    Ok(statement.all::<Changed>(tx).await?.into_iter().map(|row| row.id).collect())
}

/// False when it is at another version.
pub(super) async fn rename(tx: &mut Transaction, subscription: SubscriptionId, version: i64, display_name: &str) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("update subscriptions set display_name = $3, display_name_folded = $4, version = version + 1 where id = $1 and version = $2")
        .bind(subscription).bind(version).bind(display_name).bind(ids::fold(display_name)).execute(c).await?.rows_affected())
            == 1,
    )
}

/// Puts another key in the place of one of the two; false when the subscription is at another version.
pub(super) async fn set_key(
    tx: &mut Transaction,
    subscription: SubscriptionId,
    version: i64,
    primary: bool,
    key: &SealedKey,
) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => {
        let query = match primary {
            true => sqlx::query("update subscriptions set primary_key = $3, primary_mac = $4, version = version + 1 where id = $1 and version = $2"),
            false => sqlx::query("update subscriptions set secondary_key = $3, secondary_mac = $4, version = version + 1 where id = $1 and version = $2"),
        };
        query.bind(subscription).bind(version).bind(&key.sealed).bind(&key.mac).execute(c).await?.rows_affected()
    }) == 1)
}

/// A key as it is kept: encrypted, and hashed to find it by.
pub(super) struct SealedKey {
    pub sealed: Vec<u8>,
    pub mac: Vec<u8>,
}

pub(super) async fn insert(
    tx: &mut Transaction,
    name: &str,
    wanted: &Wanted,
    primary: &SealedKey,
    secondary: &SealedKey,
) -> Result<Subscription, Error> {
    let now = tx.now();
    let started = matches!(wanted.state, State::Active | State::Suspended | State::Expired).then_some(now);
    let ended = (!wanted.state.is_live()).then_some(now);
    let connection: &mut Connection = tx;
    run!(&mut *connection, c => sqlx::query(
        "insert into subscriptions (name, name_folded, product_id, owner_id, display_name, state, primary_key, primary_mac,
            secondary_key, secondary_mac, terms_accepted, terms_accepted_at, created_at, started_at, ended_at, expires_at,
            display_name_folded, state_comment)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)")
        .bind(name).bind(ids::fold(name)).bind(wanted.product).bind(wanted.owner).bind(&wanted.display_name).bind(wanted.state.as_str())
        .bind(&primary.sealed).bind(&primary.mac).bind(&secondary.sealed).bind(&secondary.mac).bind(&wanted.terms)
        .bind(wanted.terms.is_some().then_some(now)).bind(now).bind(started).bind(ended).bind(wanted.expires_at)
        .bind(ids::fold(&wanted.display_name)).bind(&wanted.comment).execute(c).await?.rows_affected());
    find(connection, wanted.owner, name).await?.ok_or(Error::NotFound)
}

pub(super) async fn find(connection: &mut Connection, owner: UserId, name: &str) -> Result<Option<Subscription>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Subscription>(subscriptions_where!("s.owner_id = $1 and s.name_folded = $2"))
        .bind(owner).bind(ids::fold(name)).fetch_optional(c).await?))
}

pub(super) async fn live_of(connection: &mut Connection, owner: UserId, product: ProductId) -> Result<Vec<Subscription>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Subscription>(subscriptions_where!(
        "s.owner_id = $1 and s.product_id = $2 and s.state in ('submitted', 'active', 'suspended') order by s.id"))
        .bind(owner).bind(product).fetch_all(c).await?))
}

pub(super) async fn sealed_keys(connection: &mut Connection, subscription: SubscriptionId) -> Result<(Vec<u8>, Vec<u8>), Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (Vec<u8>, Vec<u8>)>("select primary_key, secondary_key from subscriptions where id = $1")
        .bind(subscription).fetch_one(c).await?))
}

/// Name and primary key of the latest subscription.
pub(super) async fn newest_sealed_key(connection: &mut Connection) -> Result<Option<(String, Vec<u8>)>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (String, Vec<u8>)>("select name, primary_key from subscriptions order by id desc limit 1")
        .fetch_optional(c).await?))
}

/// Ends a live one; false when it is not live.
pub(super) async fn end(tx: &mut Transaction, subscription: SubscriptionId, state: State) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update subscriptions set state = $2, ended_at = $3, version = version + 1
         where id = $1 and state in ('submitted', 'active', 'suspended')")
        .bind(subscription).bind(state.as_str()).bind(now).execute(c).await?.rows_affected())
        == 1)
}

/// False when it is at another version.
pub(super) async fn delete(tx: &mut Transaction, subscription: SubscriptionId, version: i64) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from subscriptions where id = $1 and version = $2")
        .bind(subscription).bind(version).execute(c).await?.rows_affected())
        == 1)
}

/// Whether another subscription is found by one of these MACs of keys.
pub(super) async fn key_taken(connection: &mut Connection, mac: &[u8], except: Option<SubscriptionId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from subscriptions where (primary_mac = $1 or secondary_mac = $1) and id <> $2")
        .bind(mac).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

pub(super) async fn delete_of_product(tx: &mut Transaction, product: ProductId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("delete from subscriptions where product_id = $1").bind(product).execute(c).await?.rows_affected()),
    )
}

/// Somebody's own subscriptions, live ones first, then the newest; and how many.
pub async fn of_owner(connection: &mut Connection, owner: UserId, limit: i64, offset: i64) -> Result<(Vec<Subscription>, i64), Error> {
    let rows = run!(&mut *connection, c => sqlx::query_as::<_, Subscription>(subscriptions_where!(
        "s.owner_id = $1 order by case when s.state in ('submitted', 'active', 'suspended') then 0 else 1 end, s.id desc limit $2 offset $3"))
        .bind(owner).bind(limit).bind(offset).fetch_all(c).await?);
    let total = run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from subscriptions where owner_id = $1")
        .bind(owner).fetch_one(c).await?);
    Ok((rows, total))
}
