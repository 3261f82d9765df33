//! SQL of the queue: taking a mail that is due, and what became of it.

use crate::{
    db::{Connection, Database, Engine, Instant, Select, Transaction, run},
    error::Error,
};

/// A mail that this process is to send now.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::mail) struct Claimed {
    pub id: i64,
    pub name: String,
    pub to_email: String,
    pub to_name: String,
    pub bcc: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub secret: Option<Vec<u8>>,
    pub message_id: String,
    pub attempts: i64,
}

/// Takes the mail that has waited longest, or one whose sender went away: nobody knows whether that one left, so it is marked.
pub(in crate::mail) async fn claim(db: &Database, process: &str, until: Instant) -> Result<Option<Claimed>, Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let skip = if tx.engine() == Engine::Postgres { "for update skip locked" } else { "" };
    let mut statement = Select::with(
        &tx,
        vec![now.into(), process.into(), until.into()],
        "update mails set maybe_twice = case when state = 'sending' then true else maybe_twice end, state = 'sending', attempts = attempts + 1,
            claimed_by = $2, claimed_until = $3
         where id = (select w.id from mails w where w.state = 'waiting' and w.next_at <= $1 or w.state = 'sending' and w.claimed_until <= $1
            order by w.next_at, w.id limit 1",
    );
    statement.sql(skip).sql(") returning id, name, to_email, to_name, bcc, subject, text, html, secret, message_id, attempts");
    let claimed = statement.optional::<Claimed>(&mut tx).await?;
    if claimed.is_some() {
        tx.commit().await?;
    }
    Ok(claimed)
}

/// Whether a mail is due, without waiting for the writer.
pub(in crate::mail) async fn is_due(connection: &mut Connection, now: Instant) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from (select 1 from mails where state = 'waiting' and next_at <= $1 or state = 'sending' and claimed_until <= $1 limit 1) t")
        .bind(now).fetch_one(c).await?)
        > 0)
}

/// What became of a mail.
pub(in crate::mail) enum Outcome {
    Sent,
    Kept,
    Later { at: Instant, error: String },
    Failed { error: String },
}

/// Writes down what became of it, unless another process has taken it over.
pub(in crate::mail) async fn settle(db: &Database, process: &str, mail: i64, outcome: &Outcome) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let (state, error, next, settled, forget) = match outcome {
        Outcome::Sent => ("sent", "", now, Some(now), true),
        Outcome::Kept => ("kept", "", now, Some(now), false),
        Outcome::Later { at, error } => ("waiting", error.as_str(), *at, None, false),
        Outcome::Failed { error } => ("failed", error.as_str(), now, Some(now), false),
    };
    let connection: &mut Connection = &mut tx;
    let settled = run!(connection, c => sqlx::query(
        "update mails set state = $3, error = $4, next_at = $5, settled_at = $6, secret = case when $7 then null else secret end,
            claimed_by = null, claimed_until = null
         where id = $1 and claimed_by = $2 and state = 'sending'")
        .bind(mail).bind(process).bind(state).bind(error).bind(next).bind(settled).bind(forget).execute(c).await?.rows_affected());
    if settled == 1 && !matches!(outcome, Outcome::Later { .. }) {
        forget_farewell(&mut tx, mail).await?;
    }
    tx.commit().await?;
    Ok(settled == 1)
}

/// Of a mail about somebody who is gone only that it was sent is kept; one that did not leave the portal goes whole.
async fn forget_farewell(tx: &mut Transaction, mail: i64) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(&mut *connection, c => sqlx::query("delete from mails where id = $1 and farewell and state = 'kept'")
        .bind(mail).execute(c).await?.rows_affected());
    run!(connection, c => sqlx::query(
        "update mails set to_email = '', to_name = 'deleted user', bcc = '[]', subject = '(deleted)', text = '', html = '', search_folded = '',
            error = '' where id = $1 and farewell")
        .bind(mail).execute(c).await?.rows_affected());
    Ok(())
}

/// At the start of the only process there is: who was sending is gone.
pub(in crate::mail) async fn release(db: &Database) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let now = tx.now();
    let connection: &mut Connection = &mut tx;
    run!(connection, c => sqlx::query("update mails set claimed_until = $1 where state = 'sending'").bind(now).execute(c).await?.rows_affected());
    tx.commit().await
}
