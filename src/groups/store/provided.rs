//! SQL of memberships that a provider says, whichever way it says them. Those of another source are never touched here.

use super::keys;
use crate::{
    db::{Connection, Select, Transaction, run},
    error::Error,
    ids::{GroupId, UserId},
};

#[derive(sqlx::FromRow)]
struct Changed {
    user_id: UserId,
}

/// Who was really added.
pub(in crate::groups) async fn insert_members(tx: &mut Transaction, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let now = tx.now();
    let mut statement = Select::new(tx, "insert into memberships (user_id, group_id, source, from_at) select u.id,");
    statement.bind(group).sql(", 'provider',").bind(now).sql("from users u where u.state <> 'deleted' and u.id").in_keys(&keys(users));
    statement.sql("on conflict (user_id, group_id, source) do nothing returning user_id");
    Ok(statement.all::<Changed>(tx).await?.into_iter().map(|row| row.user_id).collect())
}

/// Who was really removed.
pub(in crate::groups) async fn delete_members(tx: &mut Transaction, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let mut statement = Select::new(tx, "delete from memberships where source = 'provider' and group_id =");
    statement.bind(group).sql("and user_id").in_keys(&keys(users)).sql("returning user_id");
    Ok(statement.all::<Changed>(tx).await?.into_iter().map(|row| row.user_id).collect())
}

/// The same of all.
pub(in crate::groups) async fn delete_all_members(tx: &mut Transaction, group: GroupId) -> Result<Vec<UserId>, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, UserId>(
        "delete from memberships where source = 'provider' and group_id = $1 returning user_id").bind(group).fetch_all(c).await?))
}

/// Who is in it as its provider says.
pub(in crate::groups) async fn member_keys(connection: &mut Connection, group: GroupId) -> Result<Vec<UserId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, UserId>("select user_id from memberships where source = 'provider' and group_id = $1")
        .bind(group).fetch_all(c).await?))
}
