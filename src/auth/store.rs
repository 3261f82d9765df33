//! SQL of sessions, failed sign-ins and the set-up link.

pub(super) mod links;

use super::Person;
use crate::{
    db::{Connection, Instant, Select, Transaction, run},
    error::Error,
    ids::{IdentityId, ProviderId, UserId},
};

#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    pub session_name: String,
    pub session_state: String,
    pub seen_at: Instant,
    pub confirmed_at: Option<Instant>,
    /// The account of a provider that it began with.
    pub identity_id: Option<IdentityId>,
    pub has_password: bool,
    /// The keys of the groups that the user was put into, as they hold now, with commas between.
    pub groups: Option<String>,
    pub catalog_version: i64,
    /// Subscriptions that wait for approval, up to 100; nobody but administrators is told.
    pub waiting: i64,
    #[sqlx(flatten)]
    pub person: Person,
}

/// The session behind a cookie, with its user, if both are alive.
pub(super) async fn find_session(
    connection: &mut Connection,
    hash: &[u8],
    now: Instant,
    created_after: Instant,
    seen_after: Instant,
) -> Result<Option<SessionRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, SessionRow>(
        "select s.name as session_name, s.state as session_state, s.seen_at, s.confirmed_at, s.identity_id, u.password_hash is not null as has_password,
                u.id, u.name, u.email, u.first_name, u.last_name, u.administrator,
                (select string_agg(cast(m.group_id as text), ',') from memberships m
                 where m.user_id = u.id and m.from_at <= $4 and (m.until_at is null or m.until_at > $4)) as groups,
                (select version from catalog_version) as catalog_version,
                cast(case when u.administrator then
                    (select count(*) from (select 1 from subscriptions where state = 'submitted' limit 100) w) else 0 end as bigint) as waiting
         from sessions s join users u on u.id = s.user_id and u.state = 'active'
         where s.key_hash = $1 and s.created_at > $2 and s.seen_at > $3")
        .bind(hash).bind(created_after).bind(seen_after).bind(now).fetch_optional(c).await?))
}

/// Seen now. A session that began in the future, before the clock was set back, begins now too, or it would outlive every limit.
pub(super) async fn touch_session(tx: &mut Transaction, hash: &[u8]) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update sessions set seen_at = $2, created_at = case when created_at > $2 then $2 else created_at end where key_hash = $1")
        .bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn insert_session(
    tx: &mut Transaction,
    name: &str,
    hash: &[u8],
    user: UserId,
    state: &str,
    (address, agent): (&str, &str),
    by: Option<(IdentityId, &str)>,
) -> Result<(), Error> {
    let now = tx.now();
    let (identity, provider_session) = by.unzip();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into sessions (name, key_hash, user_id, state, address, agent, created_at, seen_at, identity_id, provider_session)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)")
        .bind(name).bind(hash).bind(user).bind(state).bind(address).bind(agent).bind(now).bind(identity).bind(provider_session.unwrap_or_default())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Whether an account of a provider is this user's, and the provider lets people in.
pub(super) async fn identity_stands(connection: &mut Connection, identity: IdentityId, user: UserId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from identities i join providers p on p.id = i.provider_id and p.enabled where i.id = $1 and i.user_id = $2")
        .bind(identity).bind(user).fetch_one(c).await?)
        > 0)
}

/// Ends the sessions that began by a provider.
pub(super) async fn end_sessions_by(tx: &mut Transaction, provider: ProviderId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "delete from sessions where identity_id in (select i.id from identities i where i.provider_id = $1)")
        .bind(provider).execute(c).await?.rows_affected()))
}

pub(super) async fn count_sessions_by(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from sessions where identity_id in (select i.id from identities i where i.provider_id = $1)")
        .bind(provider).fetch_one(c).await?))
}

/// Ends the sessions that began with one account of a provider: all, or those that the provider calls so.
pub(super) async fn end_sessions_with(tx: &mut Transaction, identity: IdentityId, provider_session: Option<&str>) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "delete from sessions where identity_id = $1 and ($2 = '' or provider_session = $2)")
        .bind(identity).bind(provider_session.unwrap_or_default()).execute(c).await?.rows_affected()))
}

pub(super) async fn update_session(tx: &mut Transaction, hash: &[u8], state: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update sessions set state = $2 where key_hash = $1").bind(hash).bind(state).execute(c).await?.rows_affected());
    Ok(())
}

/// The password was given again, now.
pub(super) async fn confirm_session(tx: &mut Transaction, user: UserId, name: &str) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update sessions set confirmed_at = $3 where name = $2 and user_id = $1")
        .bind(user).bind(name).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn end_sessions_of(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    Select::new(tx, "delete from sessions where user_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(super) async fn delete_session(tx: &mut Transaction, hash: &[u8]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from sessions where key_hash = $1").bind(hash).execute(c).await?.rows_affected());
    Ok(())
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OpenSession {
    pub name: String,
    pub address: String,
    pub agent: String,
    pub created_at: Instant,
    pub seen_at: Instant,
}

pub(super) async fn sessions_of(
    connection: &mut Connection,
    user: UserId,
    created_after: Instant,
    seen_after: Instant,
) -> Result<Vec<OpenSession>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, OpenSession>(
        "select name, address, agent, created_at, seen_at from sessions
         where user_id = $1 and created_at > $2 and seen_at > $3 order by seen_at desc, id desc limit 100")
        .bind(user).bind(created_after).bind(seen_after).fetch_all(c).await?))
}

/// Ends sessions of a user: the named one, or all but the named one, or all.
pub(super) async fn end_sessions(tx: &mut Transaction, user: UserId, only: Option<&str>, except: Option<&str>) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "delete from sessions where user_id = $1 and ($2 = '' or name = $2) and ($3 = '' or name <> $3)")
        .bind(user).bind(only.unwrap_or("")).bind(except.unwrap_or("")).execute(c).await?.rows_affected()))
}

pub(super) async fn delete_expired_sessions(tx: &mut Transaction, created_before: Instant, seen_before: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from sessions where created_at <= $1 or seen_at <= $2").bind(created_before).bind(seen_before).execute(c).await?.rows_affected());
    Ok(())
}

#[derive(sqlx::FromRow)]
pub(super) struct Credentials {
    pub state: String,
    pub password_hash: Option<String>,
    #[sqlx(flatten)]
    pub person: Person,
}

pub(super) async fn find_credentials(connection: &mut Connection, email_folded: &str) -> Result<Option<Credentials>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Credentials>(
        "select state, password_hash, id, name, email, first_name, last_name, administrator from users where email_folded = $1")
        .bind(email_folded).fetch_optional(c).await?))
}

/// The active user of that name.
pub(super) async fn active_person(connection: &mut Connection, name: &str) -> Result<Option<Person>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Person>(
        "select id, name, email, first_name, last_name, administrator from users where name_folded = $1 and state = 'active'")
        .bind(crate::ids::fold(name)).fetch_optional(c).await?))
}

/// The active user of that key.
pub(super) async fn active_person_of(connection: &mut Connection, user: UserId) -> Result<Option<Person>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Person>(
        "select id, name, email, first_name, last_name, administrator from users where id = $1 and state = 'active'")
        .bind(user).fetch_optional(c).await?))
}

pub(super) async fn find_password(connection: &mut Connection, user: UserId) -> Result<Option<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, Option<String>>("select password_hash from users where id = $1").bind(user).fetch_optional(c).await?).flatten())
}

/// How often it failed before under this key, and when last; the count is raised at once, so that attempts in parallel all count.
pub(super) async fn count_failure(tx: &mut Transaction, key: &[u8], forget_before: Instant) -> Result<i64, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "insert into sign_in_failures (key_mac, failures, last_at) values ($1, 1, $2)
         on conflict (key_mac) do update set
            failures = case when sign_in_failures.last_at < $3 then 1 else sign_in_failures.failures + 1 end, last_at = $2
         returning failures")
        .bind(key).bind(now).bind(forget_before).fetch_one(c).await?))
}

pub(super) async fn find_failures(tx: &mut Transaction, key: &[u8], since: Instant) -> Result<Option<(i64, Instant)>, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query_as::<_, (i64, Instant)>("select failures, last_at from sign_in_failures where key_mac = $1 and last_at >= $2")
        .bind(key).bind(since).fetch_optional(c).await?),
    )
}

pub(super) async fn forget_failures(tx: &mut Transaction, key: &[u8]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from sign_in_failures where key_mac = $1").bind(key).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes back the one that was counted before the check.
pub(super) async fn uncount_failure(tx: &mut Transaction, key: &[u8]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update sign_in_failures set failures = failures - 1 where key_mac = $1").bind(key).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn forget_old_failures(tx: &mut Transaction, before: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from sign_in_failures where last_at < $1").bind(before).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn has_administrator(connection: &mut Connection) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from (select 1 from users where administrator and state = 'active' limit 1) a").fetch_one(c).await?)
        > 0)
}

pub(super) async fn insert_setup_link(tx: &mut Transaction, hash: &[u8]) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("insert into setup_links (token_hash, created_at) values ($1, $2)").bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn has_setup_link(connection: &mut Connection, hash: &[u8], created_after: Instant) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from setup_links where token_hash = $1 and created_at > $2")
        .bind(hash).bind(created_after).fetch_one(c).await?)
        > 0)
}

pub(super) async fn delete_setup_links(tx: &mut Transaction) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from setup_links").execute(c).await?.rows_affected()))
}
