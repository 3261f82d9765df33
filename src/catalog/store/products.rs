//! The products that a viewer sees. Every statement but that of a found product's parts goes through the rule's fragments.

use std::collections::HashMap;

use crate::{
    db::{Connection, Instant, run},
    error::Error,
    ids::{self, ProductId, UserId},
};

/// The best state among somebody's live subscriptions to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Active,
    Suspended,
    Submitted,
}

/// What a user holds of each product, where it is anything.
pub(in crate::catalog) async fn held(connection: &mut Connection, user: UserId) -> Result<HashMap<ProductId, Held>, Error> {
    let rows = run!(connection, c => sqlx::query_as::<_, (ProductId, i64)>(
        "select product_id, cast(min(case state when 'active' then 1 when 'suspended' then 2 else 3 end) as bigint) from subscriptions
         where owner_id = $1 and state in ('submitted', 'active', 'suspended') group by product_id")
        .bind(user).fetch_all(c).await?);
    let best = |state| match state {
        1 => Held::Active,
        2 => Held::Suspended,
        _ => Held::Submitted,
    };
    Ok(rows.into_iter().map(|(product, state)| (product, best(state))).collect())
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductSeen {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub terms: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub subscriptions_limit: Option<i64>,
    may: bool,
}

impl ProductSeen {
    /// Whether one of the viewer's own groups opens it, so that the viewer may subscribe.
    pub fn may_subscribe(&self) -> bool {
        self.may
    }

    pub fn path(&self) -> String {
        format!("/products/{}", ids::encode(&self.name))
    }
}

pub(in crate::catalog) async fn find(
    connection: &mut Connection,
    viewer: UserId,
    now: Instant,
    name: &str,
) -> Result<Option<ProductSeen>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ProductSeen>(concat!(
        "select p.id, p.name, p.display_name, p.description, p.terms, p.subscription_required, p.approval_required,
            p.subscriptions_limit, ", may_subscribe!("p", "$1", "$2", "0"), " as may
         from products p where p.name_folded = $3 and ", listed!("p", "$1", "$2", "0")))
        .bind(viewer).bind(now).bind(ids::fold(name)).fetch_optional(c).await?))
}
