//! SQL of users' lists for programs.

use super::User;
use crate::{
    db::Connection,
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
    wanted
        .read(connection, USERS, |statement| {
            statement.filter("u.state <> 'deleted'");
        })
        .await
}
