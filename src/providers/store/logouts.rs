//! SQL of what providers tell of people who signed out there.

use crate::{
    db::{Connection, Instant, Transaction, run},
    error::Error,
    ids::{IdentityId, ProviderId, UserId},
    providers::protocol::SignedOut,
};

/// An account that signed out, and whose it is.
#[derive(sqlx::FromRow)]
pub(in crate::providers) struct Gone {
    pub id: IdentityId,
    pub user_id: UserId,
}

/// False when a token of this name came before.
pub(in crate::providers) async fn remember(
    tx: &mut Transaction,
    provider: ProviderId,
    name: &[u8],
    expires: Instant,
) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => {
        sqlx::query("delete from logout_tokens where expires_at <= $1").bind(now).execute(&mut *c).await?;
        sqlx::query("insert into logout_tokens (provider_id, name_hash, expires_at) values ($1, $2, $3) on conflict (provider_id, name_hash) do nothing")
            .bind(provider).bind(name).bind(expires).execute(&mut *c).await?.rows_affected()
    }) == 1)
}

/// The accounts with a session that a token is about: of that name, or of that subject.
pub(in crate::providers) async fn signed_out(
    connection: &mut Connection,
    provider: ProviderId,
    out: &SignedOut,
) -> Result<Vec<Gone>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Gone>(
        "select i.id, i.user_id from identities i where i.provider_id = $1
            and ($2 = '' or i.subject = $2) and ($3 = '' or i.tenant = $3)
            and exists (select 1 from sessions s where s.identity_id = i.id and ($4 = '' or s.provider_session = $4)) order by i.id")
        .bind(provider).bind(if out.session.is_empty() { &out.subject } else { "" }).bind(&out.tenant).bind(&out.session)
        .fetch_all(c).await?))
}
