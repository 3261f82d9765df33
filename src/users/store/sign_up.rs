//! SQL of signing up: the portal's one row of settings, what somebody accepted, and who never confirmed.

use crate::{
    db::{Connection, Instant, Select, Transaction, run},
    error::Error,
    ids::UserId,
    users::{
        User,
        sign_up::{Consent, SignUp},
    },
};

pub(in crate::users) async fn settings(connection: &mut Connection) -> Result<SignUp, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, SignUp>("select allowed, terms, version from sign_up where id = 1").fetch_one(c).await?))
}

/// False when they are at another version.
pub(in crate::users) async fn set(tx: &mut Transaction, version: i64, settings: &SignUp) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("update sign_up set allowed = $2, terms = $3, version = version + 1 where id = 1 and version = $1")
        .bind(version).bind(settings.allowed).bind(&settings.terms).execute(c).await?.rows_affected())
            == 1,
    )
}

/// Notes that the account was made by signing up.
pub(in crate::users) async fn mark(tx: &mut Transaction, user: UserId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set signed_up = true where id = $1").bind(user).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::users) async fn is_signed_up(connection: &mut Connection, user: UserId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from users where id = $1 and signed_up")
        .bind(user).fetch_one(c).await?)
        > 0)
}

pub(in crate::users) async fn accept_terms(tx: &mut Transaction, user: UserId, terms: &str, at: Instant) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update users set terms_accepted = $2, terms_accepted_at = $3 where id = $1")
        .bind(user).bind(terms).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::users) async fn consent(connection: &mut Connection, user: UserId) -> Result<Option<Consent>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Consent>(
        "select terms_accepted as terms, terms_accepted_at as at from users
         where id = $1 and terms_accepted is not null and terms_accepted_at is not null")
        .bind(user).fetch_optional(c).await?))
}

/// Those who signed up one of these folded addresses, have not confirmed it, and are not invited.
pub(in crate::users) async fn unconfirmed(connection: &mut Connection, folded: &[String]) -> Result<Vec<User>, Error> {
    let mut statement = Select::new(
        connection,
        "select u.id, u.name, u.email, u.first_name, u.last_name, u.state, u.administrator, u.note, u.version, u.registered_at, u.last_sign_in_at
         from users u where u.state = 'pending' and u.signed_up and u.password_hash is null
            and not exists (select 1 from links l where l.user_id = u.id and l.purpose = 'invitation' and l.used_at is null) and u.email_folded",
    );
    statement.in_texts(folded).sql("order by u.id").all(connection).await
}

/// Those who signed up, are pending still, and whose links have all run out before then.
pub(in crate::users) async fn forgotten(connection: &mut Connection, before: Instant) -> Result<Vec<User>, Error> {
    let mut statement = Select::new(
        connection,
        "select u.id, u.name, u.email, u.first_name, u.last_name, u.state, u.administrator, u.note, u.version, u.registered_at, u.last_sign_in_at
         from users u where u.state = 'pending' and u.signed_up and u.password_hash is null and u.registered_at <",
    );
    statement.bind(before).sql("and u.id not in (select l.user_id from links l where l.expires_at >=").bind(before).sql(
        ") and u.id not in (select l.user_id from links l where l.purpose = 'invitation' and l.used_at is null) order by u.id limit 1000",
    );
    statement.all(connection).await
}
