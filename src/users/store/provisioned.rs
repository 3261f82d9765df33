//! SQL of who blocked an account, and whether somebody could let everybody in again.

use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::{ProviderId, UserId},
};

/// None: by hand, or not at all.
pub(in crate::users) async fn blocked_by(connection: &mut Connection, user: UserId) -> Result<Option<ProviderId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, Option<ProviderId>>("select blocked_by from users where id = $1 and state = 'blocked'")
        .bind(user).fetch_optional(c).await?)
    .flatten())
}

pub(in crate::users) async fn set_blocked_by(tx: &mut Transaction, user: UserId, provider: Option<ProviderId>) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set blocked_by = $2 where id = $1").bind(user).bind(provider).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::users) async fn forget_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set blocked_by = null where blocked_by = $1").bind(provider).execute(c).await?.rows_affected());
    Ok(())
}

/// Whether somebody has a password, or came by a provider before.
pub(in crate::users) async fn has_way_in(connection: &mut Connection, user: UserId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from users u where u.id = $1 and (u.password_hash is not null or u.id in (select i.user_id from identities i))")
        .bind(user).fetch_one(c).await?)
        > 0)
}
