//! The developer portal, and the visibility rule: which products, and so which APIs, a viewer sees.

mod store;

use crate::{
    db::{Connection, Instant},
    error::Error,
    ids::GroupId,
};

/// How many live subscriptions would be hidden from their owners if the group were gone. They keep working.
pub async fn count_losing_sight(connection: &mut Connection, group: GroupId, now: Instant) -> Result<i64, Error> {
    store::count_losing_sight(connection, group, now).await
}
