//! SQL of the subscriptions whose keys are good for an API.

use crate::{
    db::{Connection, Instant, run},
    error::Error,
    ids::{ApiId, SubscriptionId, UserId},
};

/// A subscription that lets its owner call an API.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Callable {
    pub id: SubscriptionId,
    pub name: String,
    pub display_name: String,
    pub product_display_name: String,
}

/// The owner's that are active at the instant, to products that contain the API; the newest hundred.
pub(in crate::subscriptions) async fn of_owner(
    connection: &mut Connection,
    owner: UserId,
    api: ApiId,
    now: Instant,
) -> Result<Vec<Callable>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Callable>(
        "select s.id, s.name, s.display_name, p.display_name as product_display_name
         from subscriptions s join products p on p.id = s.product_id join product_apis pa on pa.product_id = s.product_id
         where s.owner_id = $1 and pa.api_id = $2 and s.state = 'active' and (s.expires_at is null or s.expires_at > $3)
         order by s.id desc limit 100",
    ).bind(owner).bind(api).bind(now).fetch_all(c).await?))
}
