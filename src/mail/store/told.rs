//! SQL of who is told of what.

use crate::{
    db::{Connection, Select, Transaction, run},
    error::Error,
    ids::{self, UserId},
    mail::{
        Recipient,
        notifications::{Choice, Told},
    },
};

pub(in crate::mail) async fn told(connection: &mut Connection, event: &str) -> Result<Told, Error> {
    let (every_administrator, addresses, version) = run!(&mut *connection, c => sqlx::query_as::<_, (bool, String, i64)>(
        "select every_administrator, addresses, version from notifications where event = $1").bind(event).fetch_one(c).await?);
    let administrators = run!(connection, c => sqlx::query_scalar::<_, String>(
        "select u.name from notification_administrators a join users u on u.id = a.user_id
         where a.event = $1 and u.state = 'active' and u.administrator order by u.name").bind(event).fetch_all(c).await?);
    Ok(Told { every_administrator, administrators, addresses: serde_json::from_str(&addresses)?, version })
}

/// Active administrators, by name.
pub async fn administrators(connection: &mut Connection) -> Result<Vec<Choice>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Choice>(
        "select id, name, first_name, last_name, email from users where state = 'active' and administrator order by sort_folded, id limit 500")
        .fetch_all(c).await?))
}

/// Those of the names that are active administrators', in order.
pub(in crate::mail) async fn administrators_named(connection: &mut Connection, names: &[String]) -> Result<Vec<String>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement =
        Select::new(connection, "select u.name from users u where u.state = 'active' and u.administrator and u.name_folded");
    let rows = statement.in_texts(&folded).sql("order by u.name").all::<(String,)>(connection).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// False when it is at another version.
pub(in crate::mail) async fn put_told(tx: &mut Transaction, event: &str, version: i64, told: &Told) -> Result<bool, Error> {
    let addresses = serde_json::to_string(&told.addresses)?;
    let connection: &mut Connection = tx;
    let changed = run!(&mut *connection, c => sqlx::query(
        "update notifications set every_administrator = $3, addresses = $4, version = version + 1 where event = $1 and version = $2")
        .bind(event).bind(version).bind(told.every_administrator).bind(addresses).execute(c).await?.rows_affected());
    run!(&mut *connection, c => sqlx::query("delete from notification_administrators where event = $1").bind(event).execute(c).await?.rows_affected());
    for name in &told.administrators {
        run!(&mut *connection, c => sqlx::query(
            "insert into notification_administrators (event, user_id) select cast($1 as text), id from users where name = $2")
            .bind(event).bind(name).execute(c).await?.rows_affected());
    }
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
struct Person {
    id: UserId,
    email: String,
    first_name: String,
    last_name: String,
}

/// Everybody who is told of an event, each once.
pub(in crate::mail) async fn recipients(connection: &mut Connection, event: &str) -> Result<Vec<Recipient>, Error> {
    let people = run!(&mut *connection, c => sqlx::query_as::<_, Person>(
        "select u.id, u.email, u.first_name, u.last_name from users u
         where u.administrator and u.state = 'active'
           and ((select n.every_administrator from notifications n where n.event = $1)
                or u.id in (select a.user_id from notification_administrators a where a.event = $1))
         order by u.id").bind(event).fetch_all(c).await?);
    let addresses = run!(connection, c => sqlx::query_scalar::<_, String>("select addresses from notifications where event = $1")
        .bind(event).fetch_one(c).await?);
    let mut recipients: Vec<Recipient> = people
        .into_iter()
        .map(|row| Recipient { user: Some(row.id), email: row.email, first_name: row.first_name, last_name: row.last_name })
        .collect();
    for email in serde_json::from_str::<Vec<String>>(&addresses)? {
        if !recipients.iter().any(|known| ids::fold(&known.email) == ids::fold(&email)) {
            recipients.push(Recipient { email, ..Recipient::default() });
        }
    }
    Ok(recipients)
}
