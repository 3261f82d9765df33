//! SQL of the audit log.

use super::{Actor, Entry, Subject};
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::AuditId,
};

pub(super) async fn insert(
    tx: &mut Transaction,
    name: &str,
    actor: &Actor,
    action: &'static str,
    subject: &Subject,
    before: Option<String>,
    after: Option<String>,
) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into audit (name, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, before, after)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(name).bind(now).bind(actor.kind()).bind(actor.user()).bind(actor.display()).bind(action)
        .bind(subject.kind).bind(subject.key).bind(&subject.display).bind(before).bind(after)
        .execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Entry>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Entry>("select * from audit where name = $1").bind(name).fetch_optional(c).await?))
}

pub(super) async fn mark_undone(tx: &mut Transaction, entry: AuditId, by: &str) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("update audit set undone_by = $2 where id = $1 and undone_by is null")
        .bind(entry).bind(by).execute(c).await?.rows_affected())
        == 1)
}
