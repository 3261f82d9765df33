//! SQL of the audit log.

use super::{Actor, Entry, PastEntry, Subject};
use crate::{
    db::{
        COUNTED, Connection, Instant, Kind, Select, Transaction, run,
        select::{Names, has_trigrams},
    },
    error::Error,
    ids::{self, AuditId, UserId},
};

/// Whether somebody is active still, and an administrator if they act as one.
pub(super) async fn may_act(connection: &mut Connection, user: UserId, administrator: bool) -> Result<bool, Error> {
    let count = run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from users where id = $1 and state = 'active' and (administrator or not $2)")
        .bind(user).bind(administrator).fetch_one(c).await?);
    Ok(count == 1)
}

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
        "insert into audit (name, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, before, after, actor_folded, subject_folded)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(name).bind(now).bind(actor.kind()).bind(actor.user()).bind(actor.display()).bind(action)
        .bind(subject.kind).bind(subject.key).bind(&subject.display).bind(before).bind(after)
        .bind(ids::fold(actor.display())).bind(ids::fold(&subject.display))
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The columns of `insert_past`, in their order.
const PAST: &[Kind] = &[
    Kind::Text,
    Kind::Instant,
    Kind::Text,
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
];

pub(super) async fn insert_past(tx: &mut Transaction, entries: &[PastEntry]) -> Result<(), Error> {
    let row = |entry: &PastEntry| {
        let (actor, subject) = (&entry.actor, &entry.subject);
        serde_json::json!([
            ids::random_name(16),
            entry.at.text(),
            actor.kind(),
            actor.user(),
            actor.display(),
            entry.action,
            subject.kind,
            subject.key,
            subject.display,
            entry.after,
            ids::fold(actor.display()),
            ids::fold(&subject.display),
        ])
    };
    let mut statement = Select::new(
        tx,
        "insert into audit (name, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id, subject_name, after,
            actor_folded, subject_folded) select",
    );
    statement.given(PAST, serde_json::to_string(&entries.iter().map(row).collect::<Vec<_>>())?).execute(tx).await?;
    Ok(())
}

pub(super) async fn rename_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut actors = Select::new(
        tx,
        "update audit set actor_name = 'deleted user ' || cast(actor_id as text), actor_folded = 'deleted user ' || cast(actor_id as text)
         where actor_id",
    );
    actors.in_keys(&keys).execute(tx).await?;
    let mut subjects = Select::new(
        tx,
        "update audit set subject_name = 'deleted user ' || cast(subject_id as text), subject_folded = 'deleted user ' || cast(subject_id as text)
         where subject_kind = 'user' and subject_id",
    );
    subjects.in_keys(&keys).execute(tx).await?;
    let mut mails = Select::new(
        tx,
        "update audit set subject_name = 'Mail to a deleted user', subject_folded = 'mail to a deleted user'
         where subject_kind = 'mail' and subject_id in (select m.id from mails m where m.user_id",
    );
    mails.in_keys(&keys).sql(")").execute(tx).await?;
    Ok(())
}

pub(super) async fn states_of_users(
    tx: &mut Transaction,
    users: &[UserId],
) -> Result<Vec<(AuditId, Option<String>, Option<String>)>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(tx, "select a.id, a.before, a.after from audit a where a.subject_kind = 'user' and a.subject_id");
    statement.in_keys(&keys);
    let mut rows = statement.all(tx).await?;
    let mut mails = Select::new(
        tx,
        "select a.id, a.before, a.after from audit a where a.subject_kind = 'mail' and a.subject_id in (select m.id from mails m where m.user_id",
    );
    rows.extend(mails.in_keys(&keys).sql(")").all::<(AuditId, Option<String>, Option<String>)>(tx).await?);
    Ok(rows)
}

pub(super) async fn set_states(tx: &mut Transaction, entry: AuditId, before: Option<String>, after: Option<String>) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update audit set before = $2, after = $3 where id = $1")
        .bind(entry).bind(before).bind(after).execute(c).await?.rows_affected());
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

/// What the audit page shows of the log; what is empty does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the actor's or the subject's name.
    pub text: String,
    /// Part of the actor's name.
    pub actor: String,
    pub action: String,
    pub kind: String,
    pub from: Option<Instant>,
    pub until: Option<Instant>,
}

impl Filter {
    /// A span of time is turned into a span of keys, which grow with time: so every filter keeps the order of the keys.
    fn apply(&self, sought: &[Sought], statement: &mut Select) {
        if let Some(from) = self.from {
            statement.filter("a.id >= (select b.id from audit b where b.at >=").bind(from).sql("order by b.at, b.id limit 1)");
        }
        if let Some(until) = self.until {
            statement.filter("a.id <= (select b.id from audit b where b.at <").bind(until).sql("order by b.at desc, b.id desc limit 1)");
        }
        if !self.action.is_empty() {
            statement.filter("a.action =").bind(self.action.as_str());
        }
        if !self.kind.is_empty() {
            statement.filter("a.subject_kind =").bind(self.kind.as_str());
        }
        for Sought { names, needle, indexed } in sought {
            statement.filter_audit_search(*names, needle, *indexed);
        }
    }

    /// The texts, each with the way on which it is found sooner: the index knows at once what is rare, and the list what is frequent.
    async fn sought(&self, connection: &mut Connection) -> Result<Vec<Sought>, Error> {
        let mut sought = Vec::new();
        for (names, text) in [(Names::Actor, &self.actor), (Names::ActorOrSubject, &self.text)] {
            let needle = ids::fold(text);
            if needle.is_empty() {
                continue;
            }
            let mut indexed = has_trigrams(&needle);
            if indexed {
                let mut hits = Select::new(connection, "select count(*) from audit a");
                indexed = hits.filter_audit_search(names, &needle, true).count(connection).await? <= COUNTED;
            }
            sought.push(Sought { names, needle, indexed });
        }
        Ok(sought)
    }
}

/// A text that is looked for.
struct Sought {
    names: Names,
    needle: String,
    indexed: bool,
}

/// An entry with the addresses of who and what, where they still are.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EntryRow {
    pub name: String,
    pub at: Instant,
    pub actor_kind: String,
    pub actor_name: String,
    pub action: String,
    pub subject_kind: String,
    pub subject_name: String,
    /// None when it is long.
    pub before: Option<String>,
    pub after: Option<String>,
    pub undone_by: Option<String>,
    actor_page: Option<String>,
    /// Whose subscription it is, unless the actor's own; and to which product.
    pub owner: Option<String>,
    pub product: Option<String>,
    pub(super) subject_page: Option<String>,
}

impl EntryRow {
    pub fn path(&self) -> String {
        format!("/publisher/audit/{}", ids::encode(&self.name))
    }

    /// "Root Admin", "Command line", "System (sample)".
    pub fn who(&self) -> String {
        match self.actor_kind.as_str() {
            "system" => format!("System ({})", self.actor_name),
            "token" => format!("Token {}", self.actor_name),
            "provider" => format!("Provider {}", self.actor_name),
            _ => self.actor_name.clone(),
        }
    }

    /// What a subscription's own name does not say: " of Ida Kjær to Tracking".
    pub fn whose(&self) -> String {
        let part = |word: &str, name: &Option<String>| name.as_ref().map_or(String::new(), |name| format!(" {word} {name}"));
        format!("{}{}", part("of", &self.owner), part("to", &self.product))
    }

    pub fn actor_path(&self) -> Option<String> {
        self.actor_page.as_ref().map(|name| format!("/publisher/users/{}", ids::encode(name)))
    }

    /// The page of what was changed: a subscription has none of its own, so it is its product's Subscribers tab.
    pub fn subject_path(&self) -> Option<String> {
        let name = ids::encode(self.subject_page.as_ref()?);
        match self.subject_kind.as_str() {
            "group" => Some(format!("/publisher/groups/{name}")),
            "user" | "session" => Some(format!("/publisher/users/{name}")),
            "product" => Some(format!("/publisher/products/{name}")),
            "api" => Some(format!("/publisher/apis/{name}")),
            "subscription" => Some(format!("/publisher/products/{name}/subscribers")),
            "provider" => Some(format!("/publisher/settings/providers/{name}")),
            _ => None,
        }
    }

    pub fn changes(&self) -> super::changes::Changes {
        super::changes::Changes::of(self.before.as_deref(), self.after.as_deref())
    }
}

/// A key can be given again after a deletion: what was made after the entry is something else.
const ROWS: &str = "select a.name, a.at, a.actor_kind, a.actor_name, a.action, a.subject_kind, a.subject_name, a.undone_by,
        case when length(a.before) <= 4000 then a.before end as before, case when length(a.after) <= 4000 then a.after end as after,
        (select u.name from users u where u.id = a.actor_id and u.state <> 'deleted') as actor_page,
        case a.subject_kind
            when 'group' then (select s.name from groups s where s.id = a.subject_id and s.created_at <= a.at)
            when 'product' then (select s.name from products s where s.id = a.subject_id and s.created_at <= a.at)
            when 'api' then (select s.name from apis s where s.id = a.subject_id and s.created_at <= a.at)
            when 'provider' then (select s.name from providers s where s.id = a.subject_id and s.created_at <= a.at)
            when 'subscription' then (select p.name from subscriptions s join products p on p.id = s.product_id where s.id = a.subject_id and s.created_at <= a.at)
            when 'user' then (select s.name from users s where s.id = a.subject_id and s.state <> 'deleted')
            when 'session' then (select s.name from users s where s.id = a.subject_id and s.state <> 'deleted')
        end as subject_page,
        case a.subject_kind when 'subscription' then (select u.first_name || ' ' || u.last_name from subscriptions s join users u on u.id = s.owner_id
            where s.id = a.subject_id and s.created_at <= a.at and u.id <> coalesce(a.actor_id, 0)) end as owner,
        case a.subject_kind when 'subscription' then (select p.display_name from subscriptions s join products p on p.id = s.product_id
            where s.id = a.subject_id and s.created_at <= a.at) end as product
    from audit a where a.id";

/// Entries, newest first, and how many match (counting stops past `COUNTED`).
pub async fn list(connection: &mut Connection, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<EntryRow>, i64), Error> {
    let sought = filter.sought(connection).await?;
    let mut keys = Select::new(connection, "select a.id from audit a");
    filter.apply(&sought, &mut keys);
    keys.sql("order by a.id desc").page(limit, offset);
    let keys: Vec<i64> = keys.all::<(i64,)>(connection).await?.into_iter().map(|row| row.0).collect();
    let mut rows = Select::new(connection, ROWS);
    rows.in_keys(&keys).sql("order by a.id desc");
    let mut total = Select::new(connection, "select count(*) from (select 1 from audit a");
    filter.apply(&sought, &mut total);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    Ok((rows.all(connection).await?, total.count(connection).await?))
}

/// Whole entries for a file, newest first: those before `below`, at most `limit`.
pub async fn batch(connection: &mut Connection, filter: &Filter, below: Option<AuditId>, limit: i64) -> Result<Vec<Entry>, Error> {
    let sought = filter.sought(connection).await?;
    let mut entries = Select::new(connection, "select a.* from audit a");
    filter.apply(&sought, &mut entries);
    if let Some(below) = below {
        entries.filter("a.id <").bind(below);
    }
    entries.sql("order by a.id desc limit").bind(limit);
    entries.all(connection).await
}

/// The newest entries.
pub async fn latest(connection: &mut Connection, limit: i64) -> Result<Vec<EntryRow>, Error> {
    let mut rows = Select::new(connection, ROWS);
    rows.sql("in (select b.id from audit b order by b.id desc limit").bind(limit).sql(") order by a.id desc");
    rows.all(connection).await
}

/// One entry for its page; its JSON is on `find`.
pub async fn find_row(connection: &mut Connection, entry: AuditId) -> Result<Option<EntryRow>, Error> {
    let mut row = Select::new(connection, ROWS);
    row.in_keys(&[entry.0]);
    row.optional(connection).await
}

#[derive(sqlx::FromRow)]
struct Known {
    id: UserId,
    name: String,
    first_name: String,
    last_name: String,
}

/// Names and addresses of people, by key; the deleted ones have no address.
pub async fn people(connection: &mut Connection, users: &[UserId]) -> Result<super::changes::People, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut rows = Select::new(
        connection,
        "select u.id, case when u.state = 'deleted' then '' else u.name end as name, u.first_name, u.last_name from users u where u.id",
    );
    let rows = rows.in_keys(&keys).all::<Known>(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let path = if row.name.is_empty() { String::new() } else { format!("/publisher/users/{}", ids::encode(&row.name)) };
            (row.id, (format!("{} {}", row.first_name, row.last_name).trim().to_owned(), path))
        })
        .collect())
}
