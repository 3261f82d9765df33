//! SQL of users who are invited, and of those who go.

use std::collections::HashMap;

use super::folded;
use crate::{
    db::{Connection, Engine, Instant, Kind, Select, Transaction, run},
    error::Error,
    ids::{self, UserId},
    users::{
        User,
        invitations::{Invitation, Invitee},
    },
};

/// Those of these folded addresses that somebody has: folded, as typed, and `active`, `pending`, `blocked` or `invited`.
pub(in crate::users) async fn known(tx: &mut Transaction, folded: &[String]) -> Result<Vec<(String, String, String)>, Error> {
    let mut statement = Select::new(
        tx,
        "select u.email_folded, u.email,
            case when u.state = 'pending' and exists (select 1 from links l where l.user_id = u.id and l.purpose = 'invitation' and l.used_at is null)
                then 'invited' else u.state end
         from users u where u.email_folded",
    );
    statement.in_texts(folded).all(tx).await
}

const COLUMNS: [Kind; 10] =
    [Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Instant];

/// Pending users without a password: their keys by their names.
pub(in crate::users) async fn insert(tx: &mut Transaction, named: &[(String, Invitee)]) -> Result<HashMap<String, UserId>, Error> {
    let now = tx.now();
    let row = |(name, invitee): &(String, Invitee)| {
        let (sort, search) = folded(&invitee.first_name, &invitee.last_name, &invitee.email);
        serde_json::json!([
            name,
            ids::fold(name),
            invitee.email,
            ids::fold(&invitee.email),
            invitee.first_name,
            invitee.last_name,
            sort,
            search,
            "pending",
            now.text(),
        ])
    };
    let rows = serde_json::to_string(&named.iter().map(row).collect::<Vec<_>>())?;
    let mut statement = Select::new(
        tx,
        "insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at) select",
    );
    statement.given(&COLUMNS, rows).sql("where true returning name, id");
    Ok(statement.all::<(String, UserId)>(tx).await?.into_iter().collect())
}

pub(in crate::users) async fn of(connection: &mut Connection, user: UserId) -> Result<Option<Invitation>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Invitation>(
        "select l.made_at, l.expires_at from links l join users u on u.id = l.user_id
         where l.user_id = $1 and l.purpose = 'invitation' and l.used_at is null and u.state = 'pending'")
        .bind(user).fetch_optional(c).await?))
}

/// What is kept with the invitation of a user, while its link works.
pub(in crate::users) async fn kept(connection: &mut Connection, user: UserId, now: Instant) -> Result<Option<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>(
        "select data from links where user_id = $1 and purpose = 'invitation' and used_at is null and expires_at > $2")
        .bind(user).bind(now).fetch_optional(c).await?))
}

#[derive(sqlx::FromRow)]
pub(in crate::users) struct Open {
    #[sqlx(flatten)]
    pub user: User,
    pub data: String,
}

/// Those of the users who are invited, by a link that was made no later than `until`.
pub(in crate::users) async fn open(tx: &mut Transaction, users: &[UserId], until: Instant) -> Result<Vec<Open>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        tx,
        "select u.id, u.name, u.email, u.first_name, u.last_name, u.state, u.administrator, u.note, u.version, u.registered_at, u.last_sign_in_at, l.data from links l join users u on u.id = l.user_id
         where l.purpose = 'invitation' and l.used_at is null and u.state = 'pending' and l.made_at <=",
    );
    statement.bind(until).sql("and u.id").in_keys(&keys).sql("order by u.id");
    if tx.engine() == Engine::Postgres {
        // Whoever accepts meanwhile is waited for, and is not invited any more.
        statement.sql("for update");
    }
    statement.all(tx).await
}

/// False when the user is no longer pending. Without a hash there is no password.
pub(in crate::users) async fn accept(tx: &mut Transaction, user: &User, hash: Option<&str>) -> Result<bool, Error> {
    let (sort, search) = folded(&user.first_name, &user.last_name, &user.email);
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update users set first_name = $2, last_name = $3, sort_folded = $4, search_folded = $5, password_hash = $6, state = 'active',
                version = version + 1 where id = $1 and state = 'pending'")
        .bind(user.id).bind(&user.first_name).bind(&user.last_name).bind(sort).bind(search).bind(hash)
        .execute(c).await?.rows_affected())
        == 1)
}

/// What is left of somebody is a number, which entries of the audit log and subscriptions refer to. No name that anybody chooses folds to
/// one that begins with a space.
pub(in crate::users) async fn erase(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        tx,
        "update users set name = 'deleted-' || cast(id as text), name_folded = ' deleted user ' || cast(id as text),
            email = '', email_folded = 'deleted user ' || cast(id as text), first_name = 'deleted user',
            last_name = cast(id as text), sort_folded = 'deleted user ' || cast(id as text), search_folded = '', password_hash = null,
            note = '', administrator = false, terms_accepted = null, terms_accepted_at = null, state = 'deleted', version = version + 1 where id",
    );
    statement.in_keys(&keys).execute(tx).await?;
    Ok(())
}
