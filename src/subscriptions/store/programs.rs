//! SQL of subscriptions' lists for programs.

use super::Held;
use crate::{
    db::{Connection, Select},
    error::Error,
    rest::{Source, Wanted},
};

const SUBSCRIPTIONS: Source = Source {
    columns: concat!(columns!(), ", u.name as owner_name, u.first_name, u.last_name, u.email, u.state as owner_state"),
    tables: "subscriptions s join products p on p.id = s.product_id join users u on u.id = s.owner_id",
    key: "s.id",
};

/// Subscriptions in the order in which they were made.
pub async fn listing(connection: &mut Connection, wanted: &Wanted, conditions: impl Fn(&mut Select)) -> Result<(Vec<Held>, i64), Error> {
    wanted.read(connection, SUBSCRIPTIONS, conditions).await
}
