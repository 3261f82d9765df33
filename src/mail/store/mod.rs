//! SQL of mails and their templates; taking turns at sending is in `queue`, who is told in `told`.

pub(super) mod queue;
pub mod told;

use serde::Deserialize;

use super::{Format, Kind, State, Template, render::Rendered};
use crate::{
    audit::Subject,
    db::{COUNTED, Connection, Instant, Kind as Column, Select, Transaction, flag, listed, run},
    error::Error,
    ids::{self, UserId},
};

pub(super) struct NewMail {
    pub name: String,
    pub kind: &'static str,
    pub farewell: bool,
    pub user: Option<UserId>,
    pub to_email: String,
    pub to_name: String,
    pub bcc: String,
    pub rendered: Rendered,
    pub search_folded: String,
    pub secret: Option<Vec<u8>>,
    pub message_id: String,
    pub batch: Option<String>,
    /// Whom a notice tells of, by folded address.
    pub about: Option<String>,
}

pub(super) async fn insert(tx: &mut Transaction, mail: &NewMail) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into mails (name, kind, user_id, to_email, to_name, bcc, subject, text, html, search_folded, secret, message_id, state,
            next_at, batch, created_at, farewell, about)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'waiting', $13, $14, $13, $15, $16)")
        .bind(&mail.name).bind(mail.kind).bind(mail.user).bind(&mail.to_email).bind(&mail.to_name).bind(&mail.bcc)
        .bind(&mail.rendered.subject).bind(&mail.rendered.text).bind(&mail.rendered.html).bind(&mail.search_folded).bind(&mail.secret)
        .bind(&mail.message_id).bind(now).bind(&mail.batch).bind(mail.farewell).bind(&mail.about).execute(c).await?.rows_affected());
    Ok(())
}

const COLUMNS: [Column; 17] = [
    Column::Text,
    Column::Text,
    Column::Int,
    Column::Text,
    Column::Text,
    Column::Text,
    Column::Text,
    Column::Text,
    Column::Text,
    Column::Text,
    Column::Bytes,
    Column::Text,
    Column::Text,
    Column::Instant,
    Column::Instant,
    Column::Bool,
    Column::Text,
];

/// As `insert`, in one statement.
pub(super) async fn insert_many(tx: &mut Transaction, mails: &[NewMail]) -> Result<(), Error> {
    let now = tx.now().text();
    let hex = |secret: &Vec<u8>| secret.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let row = |mail: &NewMail| {
        let rendered = &mail.rendered;
        serde_json::json!([
            mail.name,
            mail.kind,
            mail.user,
            mail.to_email,
            mail.to_name,
            mail.bcc,
            rendered.subject,
            rendered.text,
            rendered.html,
            mail.search_folded,
            mail.secret.as_ref().map(hex),
            mail.message_id,
            mail.batch,
            now,
            now,
            mail.farewell,
            mail.about,
        ])
    };
    let rows = serde_json::to_string(&mails.iter().map(row).collect::<Vec<_>>())?;
    let mut statement = Select::new(
        tx,
        "insert into mails (state, name, kind, user_id, to_email, to_name, bcc, subject, text, html, search_folded, secret, message_id, batch,
            next_at, created_at, farewell, about) select 'waiting',",
    );
    statement.given(&COLUMNS, rows).execute(tx).await?;
    Ok(())
}

fn keys_of(users: &[UserId]) -> Vec<i64> {
    users.iter().map(|user| user.0).collect()
}

pub(super) async fn delete_unsent_to(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let mut statement = Select::new(tx, "delete from mails where state in ('waiting', 'failed', 'kept') and user_id");
    statement.in_keys(&keys_of(users)).execute(tx).await?;
    Select::new(tx, "delete from notification_administrators where user_id").in_keys(&keys_of(users)).execute(tx).await?;
    Ok(())
}

pub(super) async fn empty_mails_to(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let mut statement = Select::new(
        tx,
        "update mails set to_email = '', to_name = 'deleted user ' || cast(user_id as text), bcc = '[]', subject = '(deleted)', text = '', html = '',
            search_folded = '', error = '', secret = null where user_id",
    );
    statement.in_keys(&keys_of(users)).execute(tx).await?;
    Ok(())
}

/// Notices go to others and name whom they tell of, by address and name. Those that do not say so apart are from before the portal kept it.
pub(super) async fn rename_in_notices(tx: &mut Transaction, (email, display): (&str, &str), by: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "update mails set subject = replace(replace(subject, $1, $3), $2, $3), text = replace(replace(text, $1, $3), $2, $3),
            html = replace(replace(html, $1, $3), $2, $3), search_folded = replace(replace(search_folded, $4, $3), $5, $3)
         where about = $4")
        .bind(email).bind(display).bind(by).bind(ids::fold(email)).bind(ids::fold(display)).execute(c).await?.rows_affected());
    run!(connection, c => sqlx::query(
        "update mails set subject = replace(replace(subject, $1, $3), $2, $3), text = replace(replace(text, $1, $3), $2, $3),
            html = replace(replace(html, $1, $3), $2, $3), search_folded = replace(replace(search_folded, $4, $3), $5, $3)
         where about is null and kind like 'notice-%' and (text like '%' || $1 || '%')")
        .bind(email).bind(display).bind(by).bind(ids::fold(email)).bind(ids::fold(display)).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn count_to(connection: &mut Connection, email: &str, kind: &str, since: Instant) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from mails where lower(to_email) = lower($1) and kind = $2 and created_at > $3")
        .bind(email).bind(kind).bind(since).fetch_one(c).await?),
    )
}

pub(super) async fn count_since(connection: &mut Connection, user: UserId, kind: &str, since: Instant) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from mails where user_id = $1 and kind = $2 and created_at > $3")
        .bind(user).bind(kind).bind(since).fetch_one(c).await?),
    )
}

/// A mail without its bodies.
#[derive(Clone, Debug, Deserialize, sqlx::FromRow)]
pub struct MailRow {
    pub id: i64,
    pub name: String,
    pub kind: String,
    pub to_email: String,
    pub to_name: String,
    pub subject: String,
    pub state: String,
    pub attempts: i64,
    pub next_at: Instant,
    #[serde(deserialize_with = "flag")]
    pub maybe_twice: bool,
    pub error: String,
    pub message_id: String,
    pub bcc: String,
    pub created_at: Instant,
    pub settled_at: Option<Instant>,
    /// The page of whom it went to, when that is a user who is there.
    pub user_name: Option<String>,
}

impl MailRow {
    pub fn path(&self) -> String {
        format!("/publisher/mail/{}", ids::encode(&self.name))
    }

    pub fn user_path(&self) -> Option<String> {
        self.user_name.as_ref().map(|name| format!("/publisher/users/{}", ids::encode(name)))
    }

    pub fn state(&self) -> State {
        // The table's check lets no other word in.
        State::parse(&self.state).unwrap_or(State::Failed)
    }

    pub fn title(&self) -> &'static str {
        Kind::parse(&self.kind).map_or("Mail", |kind| kind.facts().title)
    }

    pub fn blind_copies(&self) -> String {
        serde_json::from_str::<Vec<String>>(&self.bcc).unwrap_or_default().join(", ")
    }

    pub(super) fn subject_of(&self) -> Subject {
        Subject::new("mail", self.id, format!("{} to {}", self.title(), self.to_email))
    }

    /// For the audit log: no body, which may hold anything.
    pub(super) fn facts(&self) -> serde_json::Value {
        serde_json::json!({ "kind": self.kind, "to": self.to_email, "state": self.state })
    }
}

macro_rules! mail_rows {
    () => {
        "select m.id, m.name, m.kind, m.to_email, m.to_name, m.subject, m.state, m.attempts, m.next_at, m.maybe_twice, m.error, m.message_id,
            m.bcc, m.created_at, m.settled_at, (select u.name from users u where u.id = m.user_id and u.state <> 'deleted') as user_name
         from mails m"
    };
}

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<MailRow>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, MailRow>(concat!(mail_rows!(), " where m.name = $1")).bind(name).fetch_optional(c).await?))
}

#[derive(sqlx::FromRow)]
pub(super) struct Body {
    pub text: String,
    pub secret: Option<Vec<u8>>,
}

pub(super) async fn body(connection: &mut Connection, mail: i64) -> Result<Body, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Body>("select text, secret from mails where id = $1").bind(mail).fetch_one(c).await?))
}

/// Mails whose address, name or subject contains the needle, the newest first, and how many there are (counting stops past `COUNTED`).
pub async fn list(
    connection: &mut Connection,
    needle: &str,
    state: Option<State>,
    batch: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<MailRow>, i64), Error> {
    let needle = ids::fold(needle);
    let mut statements = [Select::new(connection, mail_rows!()), Select::new(connection, "select count(*) from (select 1 from mails m")];
    for statement in &mut statements {
        if let Some(state) = state {
            statement.filter("m.state =").bind(state.as_str());
        }
        if !batch.is_empty() {
            statement.filter("m.batch =").bind(batch);
        }
        if !needle.is_empty() {
            statement.filter_contains("m.search_folded", &needle);
        }
    }
    let [mut rows, mut total] = statements;
    rows.sql("order by m.id desc").page(limit, offset);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

/// How many mails are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Progress {
    pub waiting: i64,
    pub sent: i64,
    pub kept: i64,
    pub failed: i64,
}

impl Progress {
    pub fn total(&self) -> i64 {
        self.waiting + self.sent + self.kept + self.failed
    }
}

pub(super) async fn progress(connection: &mut Connection, batch: &str) -> Result<Progress, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Progress>(
        "select count(case when state in ('waiting', 'sending') then 1 end) as waiting, count(case when state = 'sent' then 1 end) as sent,
            count(case when state = 'kept' then 1 end) as kept, count(case when state = 'failed' then 1 end) as failed
         from mails where batch = $1").bind(batch).fetch_one(c).await?))
}

/// How many wait, are kept or have failed, up to `COUNTED` and one more of each.
pub async fn counts(connection: &mut Connection) -> Result<Progress, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Progress>(
        "select (select count(*) from (select 1 from mails where state in ('waiting', 'sending') limit $1) t) as waiting,
            (select count(*) from (select 1 from mails where state = 'failed' limit $1) t) as failed,
            (select count(*) from (select 1 from mails where state = 'kept' limit $1) t) as kept, cast(0 as bigint) as sent").bind(COUNTED + 1).fetch_one(c).await?))
}

pub(super) async fn keys_of_all(connection: &mut Connection, state: State) -> Result<Vec<i64>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select id from mails where state = $1 order by id")
        .bind(state.as_str()).fetch_all(c).await?))
}

pub(super) async fn wait_again(tx: &mut Transaction, mails: &[i64]) -> Result<(), Error> {
    let now = tx.now();
    let mut statement = Select::new(tx, "update mails set state = 'waiting', attempts = 0, error = '', settled_at = null, next_at =");
    statement.bind(now).sql("where state in ('failed', 'kept') and id").in_keys(mails).execute(tx).await?;
    Ok(())
}

/// The same mail once more, under another name.
pub(super) async fn copy(tx: &mut Transaction, mail: i64, name: &str, message_id: &str) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into mails (name, message_id, next_at, created_at, kind, user_id, to_email, to_name, bcc, subject, text, html, search_folded, state)
         select cast($2 as text), cast($3 as text), cast($4 as timestamptz), cast($4 as timestamptz), kind, user_id, to_email, to_name, bcc,
            subject, text, html, search_folded, 'waiting' from mails where id = $1")
        .bind(mail).bind(name).bind(message_id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn delete_settled_before(tx: &mut Transaction, at: Instant) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query("delete from mails where state in ('sent', 'kept', 'failed') and settled_at < $1")
        .bind(at).execute(c).await?.rows_affected()))
}

pub(super) async fn find_template(connection: &mut Connection, kind: &str) -> Result<Option<Template>, Error> {
    let row = run!(connection, c => sqlx::query_as::<_, (String, String, String, i64)>(
        "select subject, body, format, version from mail_templates where kind = $1").bind(kind).fetch_optional(c).await?);
    Ok(row.map(|(subject, body, format, version)| Template { subject, body, format: Format::parse(&format), version }))
}

/// The kinds whose words were changed.
pub async fn changed_templates(connection: &mut Connection) -> Result<Vec<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>("select kind from mail_templates").fetch_all(c).await?))
}

pub(super) async fn put_template(tx: &mut Transaction, kind: &str, template: &Template) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into mail_templates (kind, subject, body, format, version, updated_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (kind) do update set subject = excluded.subject, body = excluded.body, format = excluded.format,
            version = excluded.version, updated_at = excluded.updated_at")
        .bind(kind).bind(&template.subject).bind(&template.body).bind(template.format.as_str()).bind(template.version).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

pub(super) async fn delete_template(tx: &mut Transaction, kind: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from mail_templates where kind = $1").bind(kind).execute(c).await?.rows_affected());
    Ok(())
}
