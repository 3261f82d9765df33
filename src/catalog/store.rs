//! THE visibility rule, as one SQL fragment, and the statements that decide sight with it.
//! Nothing else joins a product's groups to a user's memberships for that purpose. The reading itself is in `store/`.

use crate::{
    db::{Connection, Instant, Select, run},
    error::Error,
    ids::{GroupId, ProductId, SubscriptionId, UserId},
};

/// The groups of a user at an instant, as a subquery of keys: none for a key that is no active user's (0 for a guest).
macro_rules! groups_of {
    ($user:literal, $now:literal) => {
        concat!(
            "(select 2 from users gu where gu.id = ",
            $user,
            " and gu.state = 'active'",
            " union all select 1 from users gu where gu.id = ",
            $user,
            " and gu.state = 'active' and gu.administrator",
            " union all select gm.group_id from memberships gm join users gu on gu.id = gm.user_id and gu.state = 'active'",
            " where gm.user_id = ",
            $user,
            " and gm.from_at <= ",
            $now,
            " and (gm.until_at is null or gm.until_at > ",
            $now,
            "))"
        )
    };
}

/// Whether a published product is associated with one of the user's own groups: who may subscribe.
/// `$without` names a group that is left out of account (0: none), to ask what would be.
macro_rules! may_subscribe {
    ($product:literal, $user:literal, $now:literal, $without:literal) => {
        concat!(
            "(",
            $product,
            ".published and ",
            $product,
            ".id in (select vg.product_id from product_groups vg where vg.group_id <> ",
            $without,
            " and vg.group_id in ",
            groups_of!($user, $now),
            "))"
        )
    };
}

/// Whether a product is listed: as above, or open to Guests.
macro_rules! listed {
    ($product:literal, $user:literal, $now:literal, $without:literal) => {
        concat!(
            "(",
            $product,
            ".published and ",
            $product,
            ".id in (select vg.product_id from product_groups vg where vg.group_id <> ",
            $without,
            " and (vg.group_id = 3 or vg.group_id in ",
            groups_of!($user, $now),
            ")))"
        )
    };
}

// After the fragments, so that they can be named in them.
pub(super) mod apis;
pub(super) mod products;
pub(super) mod published;

/// Live subscriptions whose owners see the product now and would not without the group.
pub(super) async fn count_losing_sight(connection: &mut Connection, group: GroupId, now: Instant) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(concat!(
        "select count(*) from subscriptions s join products p on p.id = s.product_id
         where s.state in ('submitted', 'active', 'suspended')
           and s.product_id in (select product_id from product_groups where group_id = $2)
           and ", listed!("p", "s.owner_id", "$1", "0"),
        " and not ", listed!("p", "s.owner_id", "$1", "$2")))
        .bind(now).bind(group).fetch_one(c).await?))
}

/// Whether the owner of the subscription `s` does not see its product, for statements whose first value is the instant.
pub const UNSEEN: &str =
    concat!("not exists (select 1 from products seen where seen.id = s.product_id and ", listed!("seen", "s.owner_id", "$1", "0"), ")");

/// The subscription `s` is live, and its owner sees the product; for statements whose first value is the instant.
pub const SEEN_BY_OWNER: &str = concat!(
    "s.state in ('submitted', 'active', 'suspended') and exists (select 1 from products seen where seen.id = s.product_id and ",
    listed!("seen", "s.owner_id", "$1", "0"),
    ")"
);

/// Those of the subscriptions whose owners do not see the product at this instant.
pub(super) async fn without_sight(connection: &mut Connection, keys: &[i64], now: Instant) -> Result<Vec<SubscriptionId>, Error> {
    let head = concat!(
        "select s.id from subscriptions s join products p on p.id = s.product_id where not ",
        listed!("p", "s.owner_id", "$1", "0"),
        " and s.id"
    );
    let mut statement = Select::with(connection, vec![now.into()], head);
    Ok(statement.in_keys(keys).all::<(SubscriptionId,)>(connection).await?.into_iter().map(|row| row.0).collect())
}

/// Whether a user may subscribe to a product.
pub(super) async fn may_subscribe(connection: &mut Connection, product: ProductId, user: UserId, now: Instant) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(concat!(
        "select count(*) from products p where p.id = $1 and ", may_subscribe!("p", "$2", "$3", "0")))
        .bind(product).bind(user).bind(now).fetch_one(c).await?)
        > 0)
}
