//! SQL of ends: what is due by the clock, and taking it so that no other process does.

use super::{Held, Subscription};
use crate::{
    db::{Connection, Engine, Instant, Select, Transaction, run},
    error::Error,
    ids::SubscriptionId,
};

/// False when it is at another version.
pub(in crate::subscriptions) async fn set(
    tx: &mut Transaction,
    subscription: SubscriptionId,
    version: i64,
    expires_at: Option<Instant>,
) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update subscriptions set expires_at = $3, warned = 0, version = version + 1
         where id = $1 and version = $2 and state in ('submitted', 'active', 'suspended')")
        .bind(subscription).bind(version).bind(expires_at).execute(c).await?.rows_affected())
        == 1)
}

/// What there is to do.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub(in crate::subscriptions) struct Due {
    pub ended: bool,
    pub ending: bool,
    /// Somebody may have lost sight of what they hold.
    pub sight: bool,
}

/// Whether anything is due, without waiting for the writer.
pub(in crate::subscriptions) async fn due(connection: &mut Connection, now: Instant, [first, second]: [Instant; 2]) -> Result<Due, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Due>(
        "select exists (select 1 from subscriptions s where s.state in ('active', 'suspended') and s.expires_at <= $1) as ended,
            exists (select 1 from subscriptions s join users u on u.id = s.owner_id and u.state = 'active'
                where s.state in ('active', 'suspended') and s.warned = 0 and s.expires_at <= $2 and s.expires_at > $1)
            or exists (select 1 from subscriptions s join users u on u.id = s.owner_id and u.state = 'active'
                where s.state in ('active', 'suspended') and s.warned = 1 and s.expires_at <= $3 and s.expires_at > $1) as ending,
            exists (select 1 from sight_checks) as sight")
        .bind(now).bind(first).bind(second).fetch_one(c).await?))
}

/// Other processes pass over what this one has taken.
fn taken(tx: &Transaction) -> &'static str {
    if tx.engine() == Engine::Postgres { "for update of s skip locked" } else { "" }
}

/// Those whose end has come, until the end of the transaction nobody else's.
pub(in crate::subscriptions) async fn take_due(tx: &mut Transaction, most: i64) -> Result<Vec<Subscription>, Error> {
    let head = concat!(
        "select ",
        columns!(),
        " from subscriptions s join products p on p.id = s.product_id where s.state in ('active', 'suspended') and s.expires_at <="
    );
    let mut statement = Select::new(tx, head);
    let (now, taken) = (tx.now(), taken(tx));
    statement.bind(now).sql("order by s.expires_at, s.id limit").bind(most).sql(taken).all(tx).await
}

/// Those that end before the first instant and were not warned of, or before the second and were warned of once.
pub(in crate::subscriptions) async fn take_to_warn(
    tx: &mut Transaction,
    [first, second]: [Instant; 2],
    most: i64,
) -> Result<Vec<Held>, Error> {
    let mut statement = Select::new(tx, held_rows!());
    let (now, taken) = (tx.now(), taken(tx));
    statement.sql("where s.state in ('active', 'suspended') and u.state = 'active' and s.expires_at >").bind(now);
    statement.sql("and (s.warned = 0 and s.expires_at <=").bind(first);
    statement.sql("or s.warned = 1 and s.expires_at <=").bind(second);
    statement.sql(") order by s.expires_at, s.id limit").bind(most).sql(taken).all(tx).await
}

/// Those that have an end are as far warned of it as is due now.
pub(in crate::subscriptions) async fn note_told(tx: &mut Transaction, keys: &[i64], [first, second]: [Instant; 2]) -> Result<(), Error> {
    let mut statement = Select::new(tx, "update subscriptions set warned = case when expires_at <=");
    statement.bind(second).sql("then 2 when expires_at <=").bind(first);
    statement.sql("then 1 else 0 end where expires_at is not null and id").in_keys(keys).execute(tx).await?;
    Ok(())
}

pub(in crate::subscriptions) async fn note_warned(tx: &mut Transaction, keys: &[i64], warned: i64) -> Result<(), Error> {
    let mut statement = Select::new(tx, "update subscriptions set warned =");
    statement.bind(warned).sql("where id").in_keys(keys).execute(tx).await?;
    Ok(())
}
