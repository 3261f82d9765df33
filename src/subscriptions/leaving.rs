//! Subscriptions of people who go: they end, and their keys stop working.

use serde::Serialize;

use super::{State, store};
use crate::{
    audit::{self, Actor, Subject},
    db::{Connection, Transaction},
    error::Error,
    ids::UserId,
};

/// A product, and how many live subscriptions to it some people hold.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Held {
    pub product: String,
    pub live: i64,
}

/// What would end with these people, by product.
pub async fn live_of_owners(connection: &mut Connection, owners: &[UserId]) -> Result<Vec<Held>, Error> {
    store::leaving::live_of_owners(connection, owners).await
}

#[derive(Serialize)]
struct LeftFacts {
    state: State,
    subscriptions: Vec<String>,
}

/// Cancels every live subscription of these people, in the transaction in which they go. How many.
pub async fn cancel_of_owners(tx: &mut Transaction, actor: &Actor, owners: &[UserId]) -> Result<usize, Error> {
    let ended = store::leaving::cancel(tx, owners).await?;
    let subject = match ended.as_slice() {
        [] => return Ok(0),
        [one] => Subject::new("subscription", one.id.0, &one.display_name),
        many => Subject { kind: "subscription", key: None, display: format!("{} subscriptions", many.len()) },
    };
    let facts = LeftFacts { state: State::Cancelled, subscriptions: ended.iter().map(|one| one.name.clone()).collect() };
    audit::record(tx, actor, "subscription.cancelled", subject, audit::NOTHING, Some(facts)).await?;
    Ok(ended.len())
}
