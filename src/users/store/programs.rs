//! SQL of users' lists for programs.

use super::User;
use crate::{
    db::{Connection, Engine, Select, by_engine},
    error::Error,
    ids,
    rest::{Source, Wanted},
};

/// A user with the ways in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listed {
    #[sqlx(flatten)]
    pub user: User,
    pub has_password: bool,
    accounts: String,
}

/// An account of a provider that somebody's is linked to: the provider's kind and name, and the subject.
pub type Account = (String, String, String);

impl Listed {
    /// By provider.
    ///
    /// # Errors
    /// `Internal` when the database gives no such list.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        let mut accounts: Vec<Account> = serde_json::from_str(&self.accounts)?;
        accounts.sort_by(|one, other| (&one.1, &one.2).cmp(&(&other.1, &other.2)));
        Ok(accounts)
    }
}

/// Columns of a user with the ways in, of whom `u` is; `$json` makes a list of rows and `$list` one of values.
macro_rules! listed {
    ($json:literal, $list:literal) => {
        concat!(
            "u.id, u.name, u.email, u.first_name, u.last_name, u.state, u.administrator, u.note, u.version, u.registered_at, u.last_sign_in_at,
                u.password_hash is not null as has_password,
                (select cast(coalesce(", $json, "(", $list, "(p.kind, p.name, i.subject)), '[]') as text)
                    from identities i join providers p on p.id = i.provider_id where i.user_id = u.id) as accounts"
        )
    };
}

/// Whence lists of users are read: each with the ways in, by the statement that gives the page.
pub fn users(connection: &Connection) -> Source {
    let columns =
        by_engine!(connection, sqlite: listed!("json_group_array", "json_array"), postgres: listed!("json_agg", "json_build_array"));
    Source { columns, tables: "users u", key: "u.id" }
}

pub async fn find(connection: &mut Connection, name: &str) -> Result<Option<Listed>, Error> {
    let mut statement = Select::new(connection, "select");
    statement.sql(users(connection).columns).sql("from users u where u.state <> 'deleted' and u.name_folded =").bind(ids::fold(name));
    statement.optional(connection).await
}

/// Users in the order in which they registered.
pub async fn listing(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<Listed>, i64), Error> {
    let Some(filter) = &wanted.filter else { return everybody(connection, wanted).await };
    let source = users(connection);
    // SQLite would take the index of what is compared, however many that gives, and look each of them up in the table.
    let along = match connection.engine() {
        Engine::Sqlite if filter.asks_only_for(&["u.state", "u.registered_at"]) => "users u indexed by users_live",
        _ => source.tables,
    };
    wanted
        .read_along(connection, source, along, |statement| {
            statement.filter("u.state <> 'deleted'");
        })
        .await
}

/// All of them: how many there are is kept, and a page is walked to from the nearer end. SQLite would walk through the table, and is told
/// not to.
async fn everybody(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<Listed>, i64), Error> {
    let total = Select::new(connection, "select cast(coalesce(sum(number), 0) as bigint) from user_counts where state <> 'deleted'")
        .count(connection)
        .await?;
    let wanted_here = wanted.top.min(total - wanted.skip);
    if wanted_here <= 0 {
        return Ok((Vec::new(), total));
    }
    let after = total - wanted.skip - wanted_here;
    let backwards = after < wanted.skip;
    let mut rows = Select::new(connection, "select");
    rows.sql(users(connection).columns).sql("from users u where u.id in (select c.id from (select u.id from users u");
    if connection.engine() == Engine::Sqlite {
        rows.sql("indexed by users_live");
    }
    rows.sql("where u.state <> 'deleted' order by u.id");
    if backwards {
        rows.sql("desc");
    }
    rows.page(wanted_here, if backwards { after } else { wanted.skip }).sql(") c) order by u.id");
    Ok((rows.all(connection).await?, total))
}
