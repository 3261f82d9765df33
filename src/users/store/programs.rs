//! SQL of users' lists for programs.

use super::User;
use crate::{
    db::{Connection, Engine, Select},
    error::Error,
    rest::{Source, Wanted},
};

pub const USERS: Source = Source {
    columns: "u.id, u.name, u.email, u.first_name, u.last_name, u.state, u.administrator, u.note, u.version, u.registered_at, u.last_sign_in_at",
    tables: "users u",
    key: "u.id",
};

/// Users in the order in which they registered.
pub async fn listing(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<User>, i64), Error> {
    let Some(filter) = &wanted.filter else { return everybody(connection, wanted).await };
    // SQLite would take the index of what is compared, however many that gives, and look each of them up in the table.
    let along = match connection.engine() {
        Engine::Sqlite if filter.asks_only_for(&["u.state", "u.registered_at"]) => "users u indexed by users_live",
        _ => USERS.tables,
    };
    wanted
        .read_along(connection, USERS, along, |statement| {
            statement.filter("u.state <> 'deleted'");
        })
        .await
}

/// All of them: how many there are is kept, and a page is walked to from the nearer end. SQLite would walk through the table, and is told
/// not to.
async fn everybody(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<User>, i64), Error> {
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
    rows.sql(USERS.columns).sql("from users u where u.id in (select c.id from (select u.id from users u");
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
