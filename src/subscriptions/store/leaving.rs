//! SQL of the subscriptions of people who go.

use crate::{
    db::{Connection, Select, Transaction},
    error::Error,
    ids::{SubscriptionId, UserId},
    subscriptions::leaving::Held,
};

fn keys(owners: &[UserId]) -> Vec<i64> {
    owners.iter().map(|owner| owner.0).collect()
}

pub(in crate::subscriptions) async fn live_of_owners(connection: &mut Connection, owners: &[UserId]) -> Result<Vec<Held>, Error> {
    let mut statement = Select::new(
        connection,
        "select p.display_name as product, count(*) as live from subscriptions s join products p on p.id = s.product_id
         where s.state in ('submitted', 'active', 'suspended') and s.owner_id",
    );
    statement.in_keys(&keys(owners)).sql("group by p.id, p.display_name, p.display_name_folded order by p.display_name_folded");
    statement.all(connection).await
}

#[derive(sqlx::FromRow)]
pub(in crate::subscriptions) struct Ended {
    pub id: SubscriptionId,
    pub name: String,
    pub display_name: String,
}

pub(in crate::subscriptions) async fn cancel(tx: &mut Transaction, owners: &[UserId]) -> Result<Vec<Ended>, Error> {
    let now = tx.now();
    let mut statement = Select::new(tx, "update subscriptions set state = 'cancelled', version = version + 1, ended_at =");
    statement.bind(now).sql("where state in ('submitted', 'active', 'suspended') and owner_id").in_keys(&keys(owners));
    statement.sql("returning id, name, display_name").all(tx).await
}
