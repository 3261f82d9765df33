//! SQL of users.

pub(super) mod invitations;
pub mod list;
pub(super) mod past;
pub mod programs;
pub(super) mod provisioned;
pub mod show;
pub(super) mod sign_up;

use super::{CheckedUser, User, UserState};
use crate::{
    db::{Connection, Engine, Instant, Select, Transaction, run},
    error::Error,
    ids::{self, ProviderId, UserId},
};

/// Whether somebody else has the address. A sign-up that nobody has confirmed holds none, unless its person is invited as well.
pub(super) async fn email_taken(connection: &mut Connection, email_folded: &str, except: Option<UserId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from users u where u.email_folded = $1 and u.id <> $2 and not (u.state = 'pending' and u.signed_up
            and not exists (select 1 from links l where l.user_id = u.id and l.purpose = 'invitation' and l.used_at is null))")
        .bind(email_folded).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

/// The folded columns of a user: what lists sort by, and what search looks through.
pub(super) fn folded(first_name: &str, last_name: &str, email: &str) -> (String, String) {
    let (name, email) = (ids::fold(&format!("{first_name} {last_name}")), ids::fold(email));
    let search = format!("{name}\n{email}");
    // Whoever has no name yet is called by the address.
    (if name.is_empty() { email } else { name }, search)
}

pub(super) async fn insert(
    tx: &mut Transaction,
    name: &str,
    new: &CheckedUser,
    password_hash: Option<&str>,
    state: UserState,
    administrator: bool,
) -> Result<UserId, Error> {
    let now = tx.now();
    let (sort, search) = folded(&new.first_name, &new.last_name, &new.email);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, UserId>(
        "insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, password_hash, state, administrator, note, registered_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) returning id")
        .bind(name).bind(ids::fold(name)).bind(&new.email).bind(ids::fold(&new.email)).bind(&new.first_name).bind(&new.last_name)
        .bind(sort).bind(search).bind(password_hash).bind(state.as_str()).bind(administrator).bind(&new.note).bind(now)
        .fetch_one(c).await?))
}

pub(super) async fn set_history(tx: &mut Transaction, user: UserId, registered: Instant, signed_in: Option<Instant>) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set registered_at = $2, last_sign_in_at = $3 where id = $1")
        .bind(user).bind(registered).bind(signed_in).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn set_last_sign_in(tx: &mut Transaction, user: UserId) -> Result<Option<Option<String>>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, Option<String>>(
        "update users set last_sign_in_at = $2 where id = $1 and state = 'active' returning password_hash")
        .bind(user).bind(now).fetch_optional(c).await?))
}

pub(super) async fn keys_of(connection: &mut Connection, names: &[String]) -> Result<Vec<UserId>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, "select id from users u where u.state <> 'deleted' and u.name_folded");
    statement.in_texts(&folded);
    Ok(statement.all::<(UserId,)>(connection).await?.into_iter().map(|row| row.0).collect())
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<User>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, User>(
        "select id, name, email, first_name, last_name, state, administrator, note, version, registered_at, last_sign_in_at
         from users where name_folded = $1 and state <> 'deleted'")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

/// Writes the profile. False when the user is at another version.
pub(super) async fn update(tx: &mut Transaction, user: &User, version: i64) -> Result<bool, Error> {
    let (sort, search) = folded(&user.first_name, &user.last_name, &user.email);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update users set email = $3, email_folded = $4, first_name = $5, last_name = $6, sort_folded = $7, search_folded = $8, note = $9,
                version = version + 1 where id = $1 and version = $2")
        .bind(user.id).bind(version).bind(&user.email).bind(ids::fold(&user.email)).bind(&user.first_name).bind(&user.last_name)
        .bind(sort).bind(search).bind(&user.note).execute(c).await?.rows_affected())
        == 1)
}

/// False when `before` is no longer the hash that is kept.
pub(super) async fn set_password(tx: &mut Transaction, user: UserId, hash: &str, before: Option<&str>) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    let changed = run!(connection, c => sqlx::query(
        "update users set password_hash = $2, version = version + 1 where id = $1 and coalesce(password_hash, '') = $3")
        .bind(user).bind(hash).bind(before.unwrap_or("")).execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// Whatever it was before.
pub(super) async fn replace_password(tx: &mut Transaction, user: UserId, hash: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set password_hash = $2, version = version + 1 where id = $1")
        .bind(user).bind(hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Those of the users who have no password, no account of a provider either, and are kept by none: nobody has confirmed their address.
pub(super) async fn without_password(tx: &mut Transaction, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        tx,
        "select id from users where password_hash is null and id not in (select i.user_id from identities i)
            and id not in (select s.user_id from scim_users s where s.gone_at is null) and id",
    );
    statement.in_keys(&keys);
    Ok(statement.all::<(UserId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

/// Whoever is pending has no password that works, whatever becomes of the account.
pub(super) async fn forget_unconfirmed_passwords(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    Select::new(tx, "update users set password_hash = null where state = 'pending' and id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(super) async fn set_state(tx: &mut Transaction, user: UserId, state: UserState) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set state = $2, blocked_by = null, version = version + 1 where id = $1")
        .bind(user).bind(state.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn find_by_email(connection: &mut Connection, email: &str) -> Result<Option<User>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, User>(
        "select id, name, email, first_name, last_name, state, administrator, note, version, registered_at, last_sign_in_at
         from users where email_folded = $1 and state <> 'deleted'")
        .bind(ids::fold(email)).fetch_optional(c).await?))
}

/// `by` is the provider that says so; none when it was done by hand.
pub(super) async fn set_administrator(
    tx: &mut Transaction,
    user: UserId,
    administrator: bool,
    by: Option<ProviderId>,
) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set administrator = $2, administrator_by = $3, version = version + 1 where id = $1")
        .bind(user).bind(administrator).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

/// The provider that made somebody an administrator.
pub(super) async fn administrator_by(connection: &mut Connection, user: UserId) -> Result<Option<ProviderId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, Option<ProviderId>>("select administrator_by from users where id = $1")
        .bind(user).fetch_optional(c).await?)
    .flatten())
}

/// Those whom a provider made administrators.
pub(super) async fn administrators_by(connection: &mut Connection, provider: ProviderId) -> Result<Vec<UserId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, UserId>("select id from users where administrator_by = $1 order by id")
        .bind(provider).fetch_all(c).await?))
}

/// These users, by name.
pub(super) async fn of_keys(connection: &mut Connection, users: &[UserId]) -> Result<Vec<User>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        connection,
        "select id, name, email, first_name, last_name, state, administrator, note, version, registered_at, last_sign_in_at
         from users where state <> 'deleted' and id",
    );
    statement.in_keys(&keys).sql("order by sort_folded, id").all(connection).await
}

/// The same in the order of their keys, locked until the transaction ends.
pub(super) async fn take(tx: &mut Transaction, users: &[UserId]) -> Result<Vec<User>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        tx,
        "select id, name, email, first_name, last_name, state, administrator, note, version, registered_at, last_sign_in_at
         from users where state <> 'deleted' and id",
    );
    statement.in_keys(&keys).sql("order by id");
    if tx.engine() == Engine::Postgres {
        statement.sql("for update");
    }
    statement.all(tx).await
}

pub(super) async fn set_states(tx: &mut Transaction, users: &[UserId], state: UserState) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(tx, "update users set version = version + 1, blocked_by = null, state =");
    statement.bind(state.as_str()).sql("where id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

/// Administrators by hand who could sign in: what a provider gives it takes away again, and these stay. The rows of all are locked, so that
/// two cannot take the role from each other at once.
pub(super) async fn administrators(tx: &mut Transaction) -> Result<Vec<UserId>, Error> {
    let mut statement = Select::new(tx, "select id, administrator_by from users where administrator and state = 'active'");
    if tx.engine() == Engine::Postgres {
        statement.sql("order by id for update");
    }
    let all = statement.all::<(UserId, Option<ProviderId>)>(tx).await?;
    Ok(all.into_iter().filter(|(_, by)| by.is_none()).map(|(user, _)| user).collect())
}
