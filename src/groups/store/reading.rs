//! SQL of reading external groups from their directory.

use super::keys;
use crate::{
    db::{Connection, Instant, Select, Transaction, run},
    error::Error,
    groups::{DueGroup, Outside, latest},
    ids::{GroupId, UserId},
};

/// Whether an answer of its directory to a later question is stored.
pub(in crate::groups) async fn was_read_since(tx: &mut Transaction, group: GroupId, at: Instant) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from external_groups where group_id = $1 and synced_at > $2 and synced_at <= $3")
        .bind(group).bind(at).bind(now).fetch_one(c).await?)
            > 0,
    )
}

/// Nothing is due later.
pub(in crate::groups) async fn bring_forward(tx: &mut Transaction, provider: &str, latest: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update external_groups set due_at = $2 where due_at > $2 and group_id in (select id from groups where provider = $1)")
        .bind(provider).bind(latest).execute(c).await?.rows_affected());
    Ok(())
}

/// Its directory was asked for it then. Whether it is gone since, or back.
pub(in crate::groups) async fn note_read(tx: &mut Transaction, group: GroupId, now: Instant, gone: bool) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set synced_at = $2, reported_by = 'directory' where group_id = $1").bind(group).bind(now).execute(c).await?.rows_affected());
    Ok(run!(connection, c => sqlx::query("update external_groups set gone_at = $3 where group_id = $1 and (gone_at is not null) <> $2")
        .bind(group).bind(gone).bind(gone.then_some(now)).execute(c).await?.rows_affected())
        > 0)
}

/// What reading it brought.
pub(in crate::groups) async fn note_brought(tx: &mut Transaction, group: GroupId, joined: i64, parted: i64) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set joined = $2, parted = $3 where group_id = $1").bind(group).bind(joined).bind(parted).execute(c).await?.rows_affected());
    Ok(())
}

/// One statement: of two processes each gets another group.
pub(in crate::groups) async fn claim_due(tx: &mut Transaction, provider: &str, next: Instant) -> Result<Option<DueGroup>, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    let claimed = run!(connection, c => sqlx::query_scalar::<_, GroupId>(
        "update external_groups set due_at = $3 where group_id = (
             select e.group_id from external_groups e join groups g on g.id = e.group_id
             where g.provider = $1 and e.reported_by <> 'scim' and (e.due_at is null or e.due_at <= $2 or e.due_at > $4)
             order by e.due_at is not null, e.due_at, e.group_id limit 1)
           and (due_at is null or due_at <= $2 or due_at > $4)
         returning group_id")
        .bind(provider).bind(now).bind(next).bind(latest(now)).fetch_optional(c).await?);
    match claimed {
        Some(group) => to_read(connection, group).await,
        None => Ok(None),
    }
}

pub(in crate::groups) async fn to_read(connection: &mut Connection, group: GroupId) -> Result<Option<DueGroup>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, DueGroup>(
        "select g.id, e.tenant, g.external_id from groups g join external_groups e on e.group_id = g.id
         where g.id = $1 and e.reported_by <> 'scim' and g.external_id is not null")
        .bind(group).fetch_optional(c).await?))
}

pub(in crate::groups) async fn leave_due(tx: &mut Transaction, group: GroupId, at: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set due_at = $2 where group_id = $1").bind(group).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::groups) async fn outside(connection: &mut Connection, group: GroupId) -> Result<Option<Outside>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Outside>(
        "select tenant, name_there, gone_at, reported_by, synced_at, joined, parted from external_groups where group_id = $1")
        .bind(group).fetch_optional(c).await?))
}

/// When a provider last said of each of these in which groups they are.
pub(in crate::groups) async fn told_at(
    connection: &mut Connection,
    provider: &str,
    users: &[UserId],
) -> Result<Vec<(UserId, Instant)>, Error> {
    let mut statement = Select::new(
        connection,
        "select i.user_id, i.reported_at from identities i join providers p on p.id = i.provider_id where i.reported_at is not null and p.name =",
    );
    statement.bind(provider.to_owned()).sql("and i.user_id").in_keys(&keys(users)).sql("order by i.reported_at");
    statement.all(connection).await
}
