//! SQL of people as providers keep them here.

use crate::{
    db::{Connection, Instant, Kind, Select, Transaction, run},
    error::Error,
    ids::{self, ProviderId, ScimUserId, UserId},
    scim::narrow::Narrowing,
};

/// A person as a provider keeps them, and the account.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Row {
    pub id: ScimUserId,
    pub user_id: UserId,
    /// The account's name, by which programs know the person.
    pub name: String,
    pub external_id: String,
    pub user_name: String,
    pub active: bool,
    pub attributes: String,
    pub version: i64,
    pub created_at: Instant,
    pub modified_at: Instant,
    pub gone: bool,
    /// Of the account.
    pub state: String,
    pub user_version: i64,
}

const COLUMNS: &str = "s.id, s.user_id, u.name, s.external_id, s.user_name, s.active, s.attributes, s.version, s.created_at, s.modified_at,
    s.gone_at is not null as gone, u.state, u.version as user_version";
const TABLES: &str = "scim_users s join users u on u.id = s.user_id";

fn rows(connection: &Connection, provider: ProviderId) -> Select {
    let mut statement = Select::new(connection, "select");
    statement.sql(COLUMNS).sql("from").sql(TABLES).filter("s.provider_id =").bind(provider);
    statement
}

/// A provider's person by the account's name; who is gone is nobody.
pub(super) async fn find(connection: &mut Connection, provider: ProviderId, name: &str) -> Result<Option<Row>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("s.gone_at is null").filter("u.name_folded =").bind(ids::fold(name)).filter("u.name =").bind(name);
    statement.optional(connection).await
}

pub(super) async fn of_user(connection: &mut Connection, provider: ProviderId, user: UserId) -> Result<Option<Row>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("s.user_id =").bind(user);
    statement.optional(connection).await
}

/// Somebody of a provider's who has the user name.
pub(super) async fn of_user_name(connection: &mut Connection, provider: ProviderId, folded: &str) -> Result<Option<Row>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("s.gone_at is null").filter("s.user_name_folded =").bind(folded);
    statement.optional(connection).await
}

/// Those with this external id, gone or not: two at most.
pub(super) async fn of_external_id(
    connection: &mut Connection,
    provider: ProviderId,
    external_id: &str,
    gone: bool,
) -> Result<Vec<Row>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter(if gone { "s.gone_at is not null" } else { "s.gone_at is null" });
    statement.filter("s.external_id =").bind(external_id).sql("order by s.id desc limit 2");
    statement.all(connection).await
}

/// Somebody who is gone, and had the user name.
pub(super) async fn gone_of_user_name(connection: &mut Connection, provider: ProviderId, folded: &str) -> Result<Option<Row>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("s.gone_at is not null").filter("s.user_name_folded =").bind(folded).sql("order by s.gone_at desc, s.id desc limit 1");
    statement.optional(connection).await
}

/// What is kept of a person.
pub(super) struct Kept<'k> {
    pub external_id: &'k str,
    pub user_name: &'k str,
    pub display_name: &'k str,
    pub given_name: &'k str,
    pub family_name: &'k str,
    /// The address that lists are ordered by.
    pub email: &'k str,
    pub active: bool,
    pub attributes: &'k str,
    /// Address, type, and whether it is the primary one.
    pub emails: &'k [(String, String, bool)],
}

/// Keeps a person anew, or one who was gone.
pub(super) async fn insert(tx: &mut Transaction, provider: ProviderId, user: UserId, kept: &Kept<'_>) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    let id = run!(&mut *connection, c => sqlx::query_scalar::<_, ScimUserId>(
        "insert into scim_users (provider_id, user_id, external_id, user_name, user_name_folded, display_name_folded, given_name_folded,
            family_name_folded, email_folded, active, attributes, created_at, modified_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         on conflict (provider_id, user_id) do update set external_id = excluded.external_id, user_name = excluded.user_name,
            user_name_folded = excluded.user_name_folded, display_name_folded = excluded.display_name_folded,
            given_name_folded = excluded.given_name_folded, family_name_folded = excluded.family_name_folded,
            email_folded = excluded.email_folded, active = excluded.active, attributes = excluded.attributes,
            created_at = excluded.created_at, modified_at = excluded.modified_at, version = scim_users.version + 1, gone_at = null
         returning id")
        .bind(provider).bind(user).bind(kept.external_id).bind(kept.user_name).bind(ids::fold(kept.user_name)).bind(ids::fold(kept.display_name))
        .bind(ids::fold(kept.given_name)).bind(ids::fold(kept.family_name)).bind(ids::fold(kept.email)).bind(kept.active).bind(kept.attributes)
        .bind(now).fetch_one(c).await?);
    set_emails(tx, id, kept.emails).await
}

pub(super) async fn update(tx: &mut Transaction, id: ScimUserId, kept: &Kept<'_>) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(&mut *connection, c => sqlx::query(
        "update scim_users set external_id = $2, user_name = $3, user_name_folded = $4, display_name_folded = $5, given_name_folded = $6,
            family_name_folded = $7, email_folded = $8, active = $9, attributes = $10, modified_at = $11, version = version + 1 where id = $1")
        .bind(id).bind(kept.external_id).bind(kept.user_name).bind(ids::fold(kept.user_name)).bind(ids::fold(kept.display_name))
        .bind(ids::fold(kept.given_name)).bind(ids::fold(kept.family_name)).bind(ids::fold(kept.email)).bind(kept.active).bind(kept.attributes)
        .bind(now).execute(c).await?.rows_affected());
    set_emails(tx, id, kept.emails).await
}

async fn set_emails(tx: &mut Transaction, id: ScimUserId, emails: &[(String, String, bool)]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(&mut *connection, c => sqlx::query("delete from scim_emails where scim_user_id = $1").bind(id).execute(c).await?.rows_affected());
    if emails.is_empty() {
        return Ok(());
    }
    let row = |(place, (value, kind, primary)): (usize, &(String, String, bool))| {
        serde_json::json!([place, ids::fold(value), ids::fold(kind), primary])
    };
    let rows = serde_json::to_string(&emails.iter().enumerate().map(row).collect::<Vec<_>>())?;
    let mut statement = Select::new(tx, "insert into scim_emails (scim_user_id, place, value_folded, kind_folded, is_primary) select");
    statement.bind(id).sql(",").given(&[Kind::Int, Kind::Text, Kind::Text, Kind::Bool], rows).sql("where true").execute(tx).await?;
    Ok(())
}

/// The provider does not have the person any more.
pub(super) async fn end(tx: &mut Transaction, id: ScimUserId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update scim_users set gone_at = $2, modified_at = $2, active = false, version = version + 1 where id = $1")
        .bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// A page of a provider's people, and how many there are.
pub(super) async fn list(
    connection: &mut Connection,
    provider: ProviderId,
    narrowing: Option<&Narrowing>,
    order: &'static str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Row>, i64), Error> {
    let narrow = |statement: &mut Select| {
        statement.filter("s.provider_id =").bind(provider).filter("s.gone_at is null");
        if let Some(narrowing) = narrowing {
            narrowing.narrow(statement);
        }
    };
    let mut total = Select::new(connection, "select count(*) from");
    total.sql(TABLES);
    narrow(&mut total);
    let total = total.count(connection).await?;
    if limit == 0 || offset >= total {
        return Ok((Vec::new(), total));
    }
    // What is passed over is not read.
    let mut rows = Select::new(connection, "select");
    rows.sql(COLUMNS).sql("from").sql(TABLES).sql("where s.id in (select s.id from").sql(TABLES);
    narrow(&mut rows);
    rows.sql(order).page(limit, offset).sql(")").sql(order);
    Ok((rows.all(connection).await?, total))
}

/// Name in addresses and key of those of these names whom a provider keeps.
pub(super) async fn keys_of(connection: &mut Connection, provider: ProviderId, names: &[String]) -> Result<Vec<(String, UserId)>, Error> {
    let mut statement = Select::new(connection, "select u.name, u.id from");
    statement.sql(TABLES).filter("s.provider_id =").bind(provider).filter("s.gone_at is null").filter("u.name_folded");
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    statement.in_texts(&folded).all(connection).await
}

/// Another provider that keeps the person, and wants the account blocked.
pub(super) async fn blocked_elsewhere(
    connection: &mut Connection,
    provider: ProviderId,
    user: UserId,
) -> Result<Option<ProviderId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, ProviderId>(
        "select provider_id from scim_users where user_id = $1 and provider_id <> $2 and not active order by id limit 1")
        .bind(user).bind(provider).fetch_optional(c).await?))
}

/// Who keeps an account here, and whether it is this provider that blocked it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Keeper {
    pub provider: String,
    pub provider_name: String,
    pub blocked: bool,
    pub gone_at: Option<Instant>,
}

impl Keeper {
    /// The provider's page.
    pub fn path(&self) -> String {
        format!("/publisher/settings/providers/{}", ids::encode(&self.provider_name))
    }
}

pub(super) async fn keepers(connection: &mut Connection, user: UserId) -> Result<Vec<Keeper>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Keeper>(
        "select p.display_name as provider, p.name as provider_name, coalesce(u.blocked_by, 0) = p.id as blocked, s.gone_at
         from scim_users s join providers p on p.id = s.provider_id join users u on u.id = s.user_id
         where s.user_id = $1 order by p.display_name_folded, s.id").bind(user).fetch_all(c).await?))
}

pub(super) async fn count(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from scim_users where provider_id = $1 and gone_at is null")
        .bind(provider).fetch_one(c).await?))
}

pub(super) async fn forget_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        sqlx::query("delete from scim_emails where scim_user_id in (select id from scim_users where provider_id = $1)")
            .bind(provider).execute(&mut *c).await?;
        sqlx::query("delete from scim_users where provider_id = $1").bind(provider).execute(&mut *c).await?;
    });
    Ok(())
}

pub(super) async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut emails = Select::new(tx, "delete from scim_emails where scim_user_id in (select s.id from scim_users s where s.user_id");
    emails.in_keys(&keys).sql(")").execute(tx).await?;
    Select::new(tx, "delete from scim_users where user_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}
