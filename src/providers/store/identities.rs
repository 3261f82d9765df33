//! SQL of identities: which account of a provider is whose.

use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{IdentityId, ProviderId, UserId},
    providers::protocol::Arrived,
};

/// An account of a provider, and whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Identity {
    pub id: IdentityId,
    pub user_id: UserId,
    pub provider_id: ProviderId,
    /// The provider's display name.
    pub provider: String,
    /// Its name in addresses.
    pub provider_name: String,
    pub enabled: bool,
    /// Empty for a provider that has none.
    pub tenant: String,
    pub subject: String,
    pub email: String,
    pub linked_at: Instant,
    pub last_used_at: Option<Instant>,
    /// When the provider last said in which groups its person is.
    pub reported_at: Option<Instant>,
}

macro_rules! identities {
    ($rest:literal) => {
        concat!(
            "select i.id, i.user_id, i.provider_id, p.display_name as provider, p.name as provider_name, p.enabled, i.tenant, i.subject, i.email,
                i.linked_at, i.last_used_at, i.reported_at
             from identities i join providers p on p.id = i.provider_id ",
            $rest
        )
    };
}

pub(in crate::providers) async fn find(
    connection: &mut Connection,
    provider: ProviderId,
    arrived: &Arrived,
) -> Result<Option<Identity>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Identity>(identities!("where i.provider_id = $1 and i.tenant = $2 and i.subject = $3"))
        .bind(provider).bind(&arrived.tenant).bind(&arrived.subject).fetch_optional(c).await?))
}

pub(in crate::providers) async fn of_user(connection: &mut Connection, user: UserId) -> Result<Vec<Identity>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Identity>(identities!("where i.user_id = $1 order by p.display_name_folded, i.id"))
        .bind(user).fetch_all(c).await?))
}

pub(in crate::providers) async fn insert(
    tx: &mut Transaction,
    user: UserId,
    provider: ProviderId,
    arrived: &Arrived,
) -> Result<IdentityId, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_scalar::<_, IdentityId>(
        "insert into identities (user_id, provider_id, tenant, subject, email, linked_at) values ($1, $2, $3, $4, $5, $6) returning id")
        .bind(user).bind(provider).bind(&arrived.tenant).bind(&arrived.subject).bind(&arrived.email).bind(now).fetch_one(c).await?))
}

/// It was used, now; the address is what the provider tells by now.
pub(in crate::providers) async fn note_use(tx: &mut Transaction, identity: IdentityId, email: &str) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update identities set last_used_at = $2, email = $3 where id = $1")
        .bind(identity).bind(now).bind(email).execute(c).await?.rows_affected());
    Ok(())
}

/// False when it is not this user's.
pub(in crate::providers) async fn delete(tx: &mut Transaction, identity: IdentityId, user: UserId) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("delete from identities where id = $1 and user_id = $2").bind(identity).bind(user).execute(c).await?.rows_affected())
            == 1,
    )
}

/// Those of people who are deleted.
pub(in crate::providers) async fn delete_of_nobody(tx: &mut Transaction) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query(
        "delete from identities where user_id in (select id from users where state = 'deleted')
            and id not in (select identity_id from sessions where identity_id is not null)").execute(c).await?.rows_affected());
    Ok(())
}

/// Whether a user has a password.
pub(in crate::providers) async fn has_password(connection: &mut Connection, user: UserId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from users where id = $1 and password_hash is not null")
        .bind(user).fetch_one(c).await?)
        > 0)
}

pub(in crate::providers) async fn provider_of(connection: &mut Connection, identity: IdentityId) -> Result<Option<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>(
        "select p.name from identities i join providers p on p.id = i.provider_id and p.enabled where i.id = $1")
        .bind(identity).fetch_optional(c).await?))
}
