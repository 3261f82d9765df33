//! The developer portal, and the visibility rule: which products, and so which APIs, a viewer sees.

mod store;

use crate::{
    db::{Connection, Instant},
    error::Error,
    ids::{GroupId, ProductId, SubscriptionId, UserId},
};

/// How many live subscriptions would be hidden from their owners if the group were gone. They keep working.
pub async fn count_losing_sight(connection: &mut Connection, group: GroupId, now: Instant) -> Result<i64, Error> {
    store::count_losing_sight(connection, group, now).await
}

/// Those of the subscriptions whose owners no longer see the product; they keep working and are marked so.
pub async fn without_sight(
    connection: &mut Connection,
    subscriptions: &[SubscriptionId],
    now: Instant,
) -> Result<Vec<SubscriptionId>, Error> {
    let keys: Vec<i64> = subscriptions.iter().map(|key| key.0).collect();
    store::without_sight(connection, &keys, now).await
}

/// Whether a user may subscribe to a product: it is published and associated with one of the user's own groups.
pub async fn may_subscribe(connection: &mut Connection, product: ProductId, user: UserId, now: Instant) -> Result<bool, Error> {
    store::may_subscribe(connection, product, user, now).await
}
