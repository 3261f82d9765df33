//! SQL of the dashboard: how much there is of everything. Users are counted as they come and go; other counting stops past `COUNTED`, as on the lists.

use crate::{
    db::{COUNTED, Connection, Select, run},
    error::Error,
};

#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    pub active_users: i64,
    pub pending_users: i64,
    pub blocked_users: i64,
    /// Active users who are not administrators.
    pub developers: i64,
    /// The system groups are among them.
    pub groups: i64,
    pub custom_groups: i64,
    pub published: i64,
    pub not_published: i64,
    pub apis: i64,
    pub operations: i64,
    pub active_subscriptions: i64,
    pub submitted_subscriptions: i64,
    /// Products that are published and open to a group besides Administrators.
    pub opened: i64,
}

pub async fn counts(connection: &mut Connection) -> Result<Counts, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Counts>(
        "select
            (select cast(coalesce(sum(number), 0) as bigint) from user_counts where state = 'active') as active_users,
            (select cast(coalesce(sum(number), 0) as bigint) from user_counts where state = 'pending') as pending_users,
            (select cast(coalesce(sum(number), 0) as bigint) from user_counts where state = 'blocked') as blocked_users,
            (select cast(coalesce(sum(number), 0) as bigint) from user_counts where state = 'active' and not administrator) as developers,
            (select count(*) from (select 1 from groups limit $1) t) as groups,
            (select count(*) from (select 1 from groups where kind = 'custom' limit $1) t) as custom_groups,
            (select count(*) from (select 1 from products where published limit $1) t) as published,
            (select count(*) from (select 1 from products where not published limit $1) t) as not_published,
            (select count(*) from (select 1 from apis limit $1) t) as apis,
            (select count(*) from (select 1 from operations limit $1) t) as operations,
            (select count(*) from (select 1 from subscriptions where state = 'active' limit $1) t) as active_subscriptions,
            (select count(*) from (select 1 from subscriptions where state = 'submitted' limit $1) t) as submitted_subscriptions,
            (select count(*) from (select 1 from products p where p.published
                and p.id in (select pg.product_id from product_groups pg where pg.group_id <> 1) limit 1) t) as opened")
        .bind(COUNTED + 1).fetch_one(c).await?))
}

/// Sessions that are kept, those past their limits among them until the next tidying.
pub async fn count_sessions(connection: &mut Connection) -> Result<i64, Error> {
    Select::new(connection, "select count(*) from sessions").count(connection).await
}
