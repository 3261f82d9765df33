//! SQL of reading memberships without a sign-in: whose turn it is, how it went, and whom the subjects of a directory belong to.

use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{IdentityId, ProviderId, UserId},
};

/// An account that can be asked after, and what lets the portal ask, encrypted.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::providers) struct Due {
    pub id: IdentityId,
    pub user_id: UserId,
    pub tenant: String,
    pub subject: String,
    pub refresh_token: Vec<u8>,
}

/// Claims the account that has waited longest, which is due again at `next`. One statement: of two processes each gets another one.
pub(in crate::providers) async fn claim(tx: &mut Transaction, provider: ProviderId, next: Instant) -> Result<Option<Due>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Due>(
        "update identities set due_at = $3 where id = (
             select id from identities where provider_id = $1 and due_at <= $2 and refresh_token is not null order by due_at, id limit 1)
           and due_at <= $2
         returning id, user_id, tenant, subject, refresh_token")
        .bind(provider).bind(now).bind(next).fetch_optional(c).await?))
}

/// One account, now, if it can be asked after.
pub(in crate::providers) async fn of(connection: &mut Connection, identity: IdentityId) -> Result<Option<Due>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Due>(
        "select id, user_id, tenant, subject, refresh_token from identities where id = $1 and refresh_token is not null")
        .bind(identity).fetch_optional(c).await?))
}

/// It is due again then.
pub(in crate::providers) async fn leave_due(tx: &mut Transaction, identity: IdentityId, at: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update identities set due_at = $2 where id = $1").bind(identity).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Keeps what lets the portal ask after an account, until it is given anew; of several accounts of one person at a provider the last one used
/// is asked after.
pub(in crate::providers) async fn keep_grant(
    tx: &mut Transaction,
    identity: IdentityId,
    sealed: Option<&[u8]>,
    due: Instant,
) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update identities set refresh_token = coalesce($2, refresh_token), due_at = $3
         where id = $1 and coalesce($2, refresh_token) is not null")
        .bind(identity).bind(sealed).bind(due).execute(c).await?.rows_affected());
    run!(connection, c => sqlx::query(
        "update identities set refresh_token = null, due_at = null where id <> $1 and refresh_token is not null
            and user_id = (select user_id from identities where id = $1) and provider_id = (select provider_id from identities where id = $1)")
        .bind(identity).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::providers) async fn forget_grant(tx: &mut Transaction, identity: IdentityId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update identities set refresh_token = null, due_at = null where id = $1").bind(identity).execute(c).await?.rows_affected());
    Ok(())
}

/// The provider has said in which groups its person is, now.
pub(in crate::providers) async fn note_reported(tx: &mut Transaction, identity: IdentityId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update identities set reported_at = $2 where id = $1").bind(identity).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Who is linked by which account of a tenant; of every one for an empty tenant.
pub(in crate::providers) async fn people(
    connection: &mut Connection,
    provider: ProviderId,
    tenant: &str,
) -> Result<Vec<(String, UserId)>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (String, UserId)>(
        "select subject, user_id from identities where provider_id = $1 and ($2 = '' or tenant = $2) order by id")
        .bind(provider).bind(tenant).fetch_all(c).await?))
}

/// Providers that are on, and may be read by now: those with something that is due.
pub(in crate::providers) async fn due(connection: &mut Connection, now: Instant) -> Result<Vec<ProviderId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, ProviderId>(
        "select p.id from providers p where p.enabled and (p.sync_not_before is null or p.sync_not_before <= $1)
            and (exists (select 1 from identities i where i.provider_id = p.id and i.due_at <= $1 and i.refresh_token is not null)
                 or (p.directory <> '' and (
                     (p.administrators_value <> '' and (p.administrators_due_at is null or p.administrators_due_at <= $1))
                     or exists (select 1 from groups g join external_groups e on e.group_id = g.id
                                where g.provider = p.name and e.reported_by <> 'scim' and (e.due_at is null or e.due_at <= $1)))))
         order by p.id")
        .bind(now).fetch_all(c).await?))
}

/// Claims the reading of who administers, which is due again at `next`.
pub(in crate::providers) async fn claim_administrators(tx: &mut Transaction, provider: ProviderId, next: Instant) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update providers set administrators_due_at = $3
         where id = $1 and administrators_value <> '' and (administrators_due_at is null or administrators_due_at <= $2)")
        .bind(provider).bind(now).bind(next).execute(c).await?.rows_affected())
        == 1)
}

/// It was read without a fault.
pub(in crate::providers) async fn note_read(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update providers set synced_at = $2, sync_problem = '', sync_problem_at = null, sync_failures = 0, sync_not_before = null where id = $1")
        .bind(provider).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// It could not be read; before `not_before` that is not tried again.
pub(in crate::providers) async fn note_failed(
    tx: &mut Transaction,
    provider: ProviderId,
    problem: &str,
    not_before: Option<Instant>,
) -> Result<(), Error> {
    let (now, failed) = (tx.now(), i64::from(not_before.is_some()));
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update providers set sync_problem = $2, sync_problem_at = $3, sync_failures = sync_failures + $4,
            sync_not_before = coalesce($5, sync_not_before)
         where id = $1")
        .bind(provider).bind(problem).bind(now).bind(failed).bind(not_before).execute(c).await?.rows_affected());
    Ok(())
}
