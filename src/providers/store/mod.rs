//! SQL of identity providers, and of whether passwords are a way in.

pub(super) mod attempts;
pub(super) mod identities;
pub(super) mod logouts;
pub(super) mod syncing;

use super::{
    PasswordSignIn, Provider, Stranded,
    form::{Checked, Sealed},
};
use crate::{
    db::{Connection, Select, Transaction, run},
    error::Error,
    ids::{self, ProviderId, UserId},
};

macro_rules! providers {
    ($rest:literal) => {
        concat!(
            "select id, name, display_name, kind, issuer, client_id, scopes, email_claim, name_claim, groups_claim, allowed_tenants, allowed_domains,
                new_people, trusts_email, enabled, version, last_ok_at, last_problem, last_problem_at, directory, sync_minutes,
                administrators_value, synced_at, sync_problem, sync_problem_at, sync_failures, sync_not_before
             from providers ",
            $rest
        )
    };
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Provider>, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, Provider>(providers!("where name_folded = $1")).bind(ids::fold(name)).fetch_optional(c).await?),
    )
}

pub(super) async fn all(connection: &mut Connection) -> Result<Vec<Provider>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Provider>(providers!("order by display_name_folded, id limit 500")).fetch_all(c).await?))
}

/// The client's and the directory's, encrypted.
pub(super) async fn secrets(connection: &mut Connection, provider: ProviderId) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (Option<Vec<u8>>, Option<Vec<u8>>)>(
        "select client_secret, directory_secret from providers where id = $1")
        .bind(provider).fetch_optional(c).await?)
    .unwrap_or_default())
}

/// Whether a provider has the name, or had it while groups were added that are still there.
pub(super) async fn name_taken(connection: &mut Connection, name: &str) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select (select count(*) from providers where name_folded = $1) + (select count(*) from groups where provider = $1)")
        .bind(name).fetch_one(c).await?)
        > 0)
}

pub(super) async fn display_name_taken(connection: &mut Connection, folded: &str, except: Option<ProviderId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from providers where display_name_folded = $1 and id <> $2")
        .bind(folded).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

fn json(words: &[String]) -> Result<String, Error> {
    Ok(serde_json::to_string(words)?)
}

pub(super) async fn insert(tx: &mut Transaction, name: &str, new: &Checked, secrets: &Sealed) -> Result<(), Error> {
    let now = tx.now();
    let (tenants, domains) = (json(&new.allowed_tenants)?, json(&new.allowed_domains)?);
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into providers (name, name_folded, display_name, display_name_folded, kind, issuer, client_id, client_secret, scopes, email_claim,
            name_claim, groups_claim, allowed_tenants, allowed_domains, new_people, trusts_email, enabled, created_at, directory, directory_secret,
            sync_minutes, administrators_value)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)")
        .bind(name).bind(ids::fold(name)).bind(&new.display_name).bind(ids::fold(&new.display_name)).bind(new.kind.as_str()).bind(&new.issuer)
        .bind(&new.client_id).bind(&secrets.client).bind(&new.scopes).bind(&new.email_claim).bind(&new.name_claim)
        .bind(&new.groups_claim).bind(tenants).bind(domains).bind(new.new_people).bind(new.trusts_email).bind(new.enabled).bind(now)
        .bind(&new.directory).bind(&secrets.directory).bind(new.sync_minutes).bind(&new.administrators_value)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// False when it is at another version. No secret leaves the one that there is; without a directory none of its own is kept. What was
/// changed is tried at once.
pub(super) async fn update(
    tx: &mut Transaction,
    provider: &Provider,
    version: i64,
    new: &Checked,
    secrets: &Sealed,
) -> Result<bool, Error> {
    let (tenants, domains) = (json(&new.allowed_tenants)?, json(&new.allowed_domains)?);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update providers set display_name = $3, display_name_folded = $4, kind = $5, issuer = $6, client_id = $7,
            client_secret = coalesce($8, client_secret), scopes = $9, email_claim = $10, name_claim = $11, groups_claim = $12,
            allowed_tenants = $13, allowed_domains = $14, new_people = $15, trusts_email = $16, enabled = $17,
            directory = $18, directory_secret = case when $18 = '' then null else coalesce($19, directory_secret) end, sync_minutes = $20,
            administrators_value = $21, sync_failures = 0, sync_not_before = null, version = version + 1
         where id = $1 and version = $2")
        .bind(provider.id).bind(version).bind(&new.display_name).bind(ids::fold(&new.display_name)).bind(new.kind.as_str()).bind(&new.issuer)
        .bind(&new.client_id).bind(&secrets.client).bind(&new.scopes).bind(&new.email_claim).bind(&new.name_claim)
        .bind(&new.groups_claim).bind(tenants).bind(domains).bind(new.new_people).bind(new.trusts_email).bind(new.enabled)
        .bind(&new.directory).bind(&secrets.directory).bind(new.sync_minutes).bind(&new.administrators_value)
        .execute(c).await?.rows_affected())
        == 1)
}

/// It answered as it should.
pub(super) async fn note_ok(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update providers set last_ok_at = $2, last_problem = '', last_problem_at = null where id = $1").bind(provider).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn note_problem(tx: &mut Transaction, provider: ProviderId, problem: &str) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update providers set last_problem = $2, last_problem_at = $3 where id = $1")
        .bind(provider).bind(problem).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// How many people each provider lets in.
pub(super) async fn people(connection: &mut Connection) -> Result<Vec<(ProviderId, i64)>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (ProviderId, i64)>(
        "select provider_id, count(distinct user_id) from identities group by provider_id").fetch_all(c).await?))
}

pub(super) async fn count_people(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(distinct user_id) from identities where provider_id = $1")
        .bind(provider).fetch_one(c).await?))
}

/// Those who sign in by this provider alone, and have no password: the first 20, and how many.
pub(super) async fn stranded(connection: &mut Connection, provider: ProviderId) -> Result<(Vec<Stranded>, i64), Error> {
    let mut rows = Select::new(
        connection,
        "select u.name, case when u.first_name || u.last_name = '' then u.email else u.first_name || ' ' || u.last_name end as display from users u",
    );
    let mut total = Select::new(connection, "select count(*) from users u");
    for statement in [&mut rows, &mut total] {
        statement
            .filter("u.state = 'active' and u.password_hash is null and u.id in (select i.user_id from identities i where i.provider_id =");
        statement
            .bind(provider)
            .sql(") and u.id not in (select i.user_id from identities i where i.provider_id <>")
            .bind(provider)
            .sql(")");
    }
    rows.sql("order by u.sort_folded, u.id limit 20");
    Ok((rows.all(connection).await?, total.count(connection).await?))
}

/// How many enabled providers there are besides.
pub(super) async fn enabled_but(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from providers where enabled and id <> $1").bind(provider).fetch_one(c).await?),
    )
}

/// The provider and what belongs to it here; how many identities went.
pub(super) async fn delete(tx: &mut Transaction, provider: ProviderId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => {
        sqlx::query("delete from logout_tokens where provider_id = $1").bind(provider).execute(&mut *c).await?;
        sqlx::query("delete from sign_in_attempts where provider_id = $1").bind(provider).execute(&mut *c).await?;
        let people = sqlx::query("delete from identities where provider_id = $1").bind(provider).execute(&mut *c).await?.rows_affected();
        sqlx::query("delete from providers where id = $1").bind(provider).execute(&mut *c).await?;
        people
    }))
}

pub(super) async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    Select::new(tx, "delete from sign_in_attempts where user_id").in_keys(&keys).execute(tx).await?;
    Select::new(tx, "delete from identities where user_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(super) async fn password_sign_in(connection: &mut Connection) -> Result<PasswordSignIn, Error> {
    Ok(
        run!(connection, c => sqlx::query_as::<_, PasswordSignIn>("select allowed, version from password_sign_in where id = 1").fetch_one(c).await?),
    )
}

pub(super) async fn allow_passwords(tx: &mut Transaction, allowed: bool) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update password_sign_in set allowed = $1, version = version + 1 where id = 1").bind(allowed).execute(c).await?.rows_affected());
    Ok(())
}
