//! SQL of those whose sight of a product is to be looked at.

use super::Held;
use crate::{
    catalog::SEEN_BY_OWNER,
    db::{Engine, Select, Transaction},
    error::Error,
    ids::{GroupId, ProductId, SubscriptionId, UserId},
};

/// What is about to be closed, and to whom.
#[derive(Clone, Copy, Debug)]
pub enum Closing<'a> {
    /// A group to some of its members.
    Members(GroupId, &'a [UserId]),
    /// All that a group opens.
    Group(GroupId),
    /// A product to some groups.
    Product(ProductId),
}

/// Live subscriptions to what is about to be closed whose owners see it now.
pub(in crate::subscriptions) async fn note(tx: &mut Transaction, closing: Closing<'_>) -> Result<(), Error> {
    let now = tx.now();
    let head = "insert into sight_checks (subscription_id) select s.id from subscriptions s where";
    let mut statement = Select::with(tx, vec![now.into()], head);
    const OPENED: &str = "and s.product_id in (select pg.product_id from product_groups pg where pg.group_id =";
    match closing {
        Closing::Members(group, users) => {
            statement.sql("s.owner_id").in_keys(&users.iter().map(|user| user.0).collect::<Vec<_>>());
            statement.sql(OPENED).bind(group).sql(")");
        }
        Closing::Group(group) => {
            statement.sql("s.id > 0").sql(OPENED).bind(group).sql(")");
        }
        Closing::Product(product) => {
            statement.sql("s.product_id =").bind(product);
        }
    }
    statement.sql("and").sql(SEEN_BY_OWNER).sql("on conflict do nothing").execute(tx).await?;
    Ok(())
}

/// Those that were noted, and no longer are.
pub(in crate::subscriptions) async fn take(tx: &mut Transaction, most: i64) -> Result<Vec<SubscriptionId>, Error> {
    let taken = if tx.engine() == Engine::Postgres { "for update skip locked" } else { "" };
    let head =
        "delete from sight_checks where subscription_id in (select c.subscription_id from sight_checks c order by c.subscription_id limit";
    let mut statement = Select::new(tx, head);
    statement.bind(most).sql(taken).sql(") returning subscription_id");
    Ok(statement.all::<(SubscriptionId,)>(tx).await?.into_iter().map(|row| row.0).collect())
}

/// Those of them that are still live, of owners who can sign in.
pub(in crate::subscriptions) async fn to_tell(tx: &mut Transaction, keys: &[i64]) -> Result<Vec<Held>, Error> {
    let mut statement = Select::new(tx, held_rows!());
    statement.sql("where s.state in ('submitted', 'active', 'suspended') and u.state = 'active' and s.id").in_keys(keys);
    statement.sql("order by s.id").all(tx).await
}
