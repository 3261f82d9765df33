//! SQL of reading memberships without a sign-in: whose turn it is, how it went, and whom the subjects of a directory belong to.

use crate::{
    db::{Connection, Instant, Select, Transaction, run},
    error::Error,
    groups::latest,
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
pub(in crate::providers) async fn claim(tx: &mut Transaction, provider: ProviderId, next: Instant) -> Result<Option<IdentityId>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, IdentityId>(
        "update identities set due_at = $3 where id = (
             select id from identities where provider_id = $1 and (due_at <= $2 or due_at > $4) and refresh_token is not null
             order by due_at, id limit 1)
           and (due_at <= $2 or due_at > $4)
         returning id")
        .bind(provider).bind(now).bind(next).bind(latest(now)).fetch_optional(c).await?))
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

/// Puts a token in the place of the one that it was given for. False when that is not kept any more.
pub(in crate::providers) async fn replace_grant(tx: &mut Transaction, identity: IdentityId, old: &[u8], new: &[u8]) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("update identities set refresh_token = $3 where id = $1 and refresh_token = $2")
        .bind(identity).bind(old).bind(new).execute(c).await?.rows_affected())
        == 1)
}

/// Whether a provider is on, and at this version.
pub(in crate::providers) async fn is_at(connection: &mut Connection, provider: ProviderId, version: i64) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from providers where id = $1 and version = $2 and enabled")
        .bind(provider).bind(version).fetch_one(c).await?)
        == 1)
}

/// Whether an account is this user's, and was neither used nor told of after that instant. What is later than now is of a clock that was wrong.
pub(in crate::providers) async fn is_newest(tx: &mut Transaction, identity: IdentityId, user: UserId, at: Instant) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from identities where id = $1 and user_id = $2 and (reported_at is null or reported_at <= $3 or reported_at > $4)
            and (last_used_at is null or last_used_at <= $3 or last_used_at > $4)")
        .bind(identity).bind(user).bind(at).bind(now).fetch_one(c).await?)
        == 1)
}

/// Whether its user has another account at the provider.
pub(in crate::providers) async fn has_another(connection: &mut Connection, identity: IdentityId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from identities i join identities o on o.user_id = i.user_id and o.provider_id = i.provider_id and o.id <> i.id
         where i.id = $1")
        .bind(identity).fetch_one(c).await?)
        > 0)
}

/// Who is linked by these accounts of a tenant; of every one for an empty tenant.
pub(in crate::providers) async fn people(
    connection: &mut Connection,
    provider: ProviderId,
    tenant: &str,
    subjects: &[String],
) -> Result<Vec<UserId>, Error> {
    let mut statement = Select::new(connection, "select user_id from identities where provider_id =");
    statement.bind(provider);
    if !tenant.is_empty() {
        statement.sql("and tenant =").bind(tenant.to_owned());
    }
    statement.sql("and subject").in_texts(subjects);
    Ok(statement.all::<(UserId,)>(connection).await?.into_iter().map(|row| row.0).collect())
}

/// Of whose groups a provider has told after that instant.
pub(in crate::providers) async fn told_since(tx: &mut Transaction, provider: ProviderId, at: Instant) -> Result<Vec<UserId>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, UserId>(
        "select user_id from identities where provider_id = $1 and reported_at > $2 and reported_at <= $3")
        .bind(provider).bind(at).bind(now).fetch_all(c).await?))
}

/// No account of a provider is due later than then, for it is asked after more often from now on; and who administers is due now.
pub(in crate::providers) async fn bring_forward(tx: &mut Transaction, provider: ProviderId, latest: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        sqlx::query("update identities set due_at = $2 where provider_id = $1 and due_at > $2").bind(provider).bind(latest).execute(&mut *c).await?;
        sqlx::query("update providers set administrators_due_at = null where id = $1").bind(provider).execute(&mut *c).await?.rows_affected()
    });
    Ok(())
}

/// Providers that are on, and may be read by now: those with something that is due.
pub(in crate::providers) async fn due(connection: &mut Connection, now: Instant) -> Result<Vec<ProviderId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, ProviderId>(
        "select p.id from providers p where p.enabled and (p.sync_not_before is null or p.sync_not_before <= $1 or p.sync_not_before > $2)
            and (exists (select 1 from identities i where i.provider_id = p.id and (i.due_at <= $1 or i.due_at > $2) and i.refresh_token is not null)
                 or (p.directory <> '' and (
                     (p.administrators_value <> '' and (p.administrators_due_at is null or p.administrators_due_at <= $1 or p.administrators_due_at > $2))
                     or exists (select 1 from groups g join external_groups e on e.group_id = g.id
                                where g.provider = p.name and e.reported_by <> 'scim' and (e.due_at is null or e.due_at <= $1 or e.due_at > $2)))))
         order by p.id")
        .bind(now).bind(latest(now)).fetch_all(c).await?))
}

/// Claims the reading of who administers, which is due again at `next`.
pub(in crate::providers) async fn claim_administrators(tx: &mut Transaction, provider: ProviderId, next: Instant) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update providers set administrators_due_at = $3
         where id = $1 and administrators_value <> ''
           and (administrators_due_at is null or administrators_due_at <= $2 or administrators_due_at > $4)")
        .bind(provider).bind(now).bind(next).bind(latest(now)).execute(c).await?.rows_affected())
        == 1)
}

/// Who administers is due then.
pub(in crate::providers) async fn leave_administrators_due(tx: &mut Transaction, provider: ProviderId, at: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update providers set administrators_due_at = $2 where id = $1").bind(provider).bind(at).execute(c).await?.rows_affected());
    Ok(())
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
