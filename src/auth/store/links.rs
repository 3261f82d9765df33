//! SQL of one-time links.

use crate::{
    auth::Person,
    db::{Connection, Instant, Kind, Select, Transaction, run},
    error::Error,
    ids::UserId,
};

#[derive(sqlx::FromRow)]
pub(in crate::auth) struct Kept {
    /// The user's.
    pub state: String,
    pub data: String,
    pub made_at: Instant,
    pub expires_at: Instant,
    pub used_at: Option<Instant>,
}

impl Kept {
    pub fn is_open(&self, now: Instant) -> bool {
        self.used_at.is_none() && self.expires_at > now && self.state != "deleted"
    }
}

#[derive(sqlx::FromRow)]
struct KeptOf {
    #[sqlx(flatten)]
    kept: Kept,
    #[sqlx(flatten)]
    person: Person,
}

pub(in crate::auth) async fn insert(
    tx: &mut Transaction,
    purpose: &str,
    user: UserId,
    hash: &[u8],
    data: &str,
    expires: Instant,
) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "insert into links (purpose, user_id, token_hash, data, made_at, expires_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(purpose).bind(user).bind(hash).bind(data).bind(now).bind(expires).execute(c).await?.rows_affected());
    Ok(())
}

/// Leaves the newest of a user's links.
pub(in crate::auth) async fn delete_older(tx: &mut Transaction, purpose: &str, user: UserId, leave: i64) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "delete from links where purpose = $1 and user_id = $2
            and id not in (select k.id from links k where k.purpose = $1 and k.user_id = $2 order by k.id desc limit $3)")
        .bind(purpose).bind(user).bind(leave).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::auth) async fn delete_others(tx: &mut Transaction, purpose: &str, user: UserId, hash: &[u8]) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from links where purpose = $1 and user_id = $2 and token_hash <> $3")
        .bind(purpose).bind(user).bind(hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Ends a user's other links of a purpose as if they had done their work.
pub(in crate::auth) async fn use_up_others(tx: &mut Transaction, purpose: &str, user: UserId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update links set used_at = $3 where purpose = $1 and user_id = $2 and used_at is null")
        .bind(purpose).bind(user).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// New links in place of whatever these users had, in two statements.
pub(in crate::auth) async fn replace_many(
    tx: &mut Transaction,
    purpose: &str,
    users: &[(UserId, String)],
    hashes: &[Vec<u8>],
    expires: Instant,
) -> Result<(), Error> {
    let now = tx.now().text();
    let hex = |hash: &[u8]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let row =
        |((user, data), hash): (&(UserId, String), &Vec<u8>)| serde_json::json!([purpose, user, hex(hash), data, now, expires.text()]);
    let rows = serde_json::to_string(&users.iter().zip(hashes).map(row).collect::<Vec<_>>())?;
    let keys: Vec<i64> = users.iter().map(|(user, _)| user.0).collect();
    let mut earlier = Select::new(tx, "delete from links where purpose =");
    earlier.bind(purpose).sql("and user_id").in_keys(&keys).execute(tx).await?;
    let mut statement = Select::new(tx, "insert into links (purpose, user_id, token_hash, data, made_at, expires_at) select");
    statement.given(&[Kind::Text, Kind::Int, Kind::Bytes, Kind::Text, Kind::Instant, Kind::Instant], rows).execute(tx).await?;
    Ok(())
}

pub(in crate::auth) async fn delete_of(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    Select::new(tx, "delete from links where user_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(in crate::auth) async fn delete_of_purpose(tx: &mut Transaction, purpose: &str, users: &[UserId]) -> Result<(), Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(tx, "delete from links where purpose =");
    statement.bind(purpose).sql("and user_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(in crate::auth) async fn delete(tx: &mut Transaction, purpose: &str, user: UserId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("delete from links where purpose = $1 and user_id = $2").bind(purpose).bind(user).execute(c).await?.rows_affected()),
    )
}

pub(in crate::auth) async fn newest_of_user(connection: &mut Connection, purpose: &str, user: UserId) -> Result<Option<Kept>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Kept>(
        "select u.state, l.data, l.made_at, l.expires_at, l.used_at from links l join users u on u.id = l.user_id
         where l.purpose = $1 and l.user_id = $2 order by l.id desc limit 1")
        .bind(purpose).bind(user).fetch_optional(c).await?))
}

pub(in crate::auth) async fn by_token(connection: &mut Connection, purpose: &str, hash: &[u8]) -> Result<Option<(Kept, Person)>, Error> {
    let found = run!(connection, c => sqlx::query_as::<_, KeptOf>(
        "select u.state, l.data, l.made_at, l.expires_at, l.used_at, u.id, u.name, u.email, u.first_name, u.last_name, u.administrator
         from links l join users u on u.id = l.user_id where l.token_hash = $2 and l.purpose = $1 and u.state <> 'deleted'")
        .bind(purpose).bind(hash).fetch_optional(c).await?);
    Ok(found.map(|found| (found.kept, found.person)))
}

/// One statement, so that of two at once one finds it used.
pub(in crate::auth) async fn use_up(tx: &mut Transaction, purpose: &str, hash: &[u8]) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update links set used_at = $3 where token_hash = $2 and purpose = $1 and used_at is null and expires_at > $3")
        .bind(purpose).bind(hash).bind(now).execute(c).await?.rows_affected())
        == 1)
}

pub(in crate::auth) async fn delete_before(tx: &mut Transaction, before: Instant, except: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from links where expires_at < $1 and (purpose <> $2 or used_at is not null)")
        .bind(before).bind(except).execute(c).await?.rows_affected());
    Ok(())
}
