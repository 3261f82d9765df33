//! Subscriptions that are put in as they are, many at a time: to fill a database that is to be measured.

use super::{
    SubscriptionFacts, Wanted, Which,
    key::{new_key, seal},
    store,
};
use crate::{
    audit::{self, Actor, PastEntry, Subject},
    db::{Instant, Transaction},
    error::Error,
    ids::SubscriptionId,
    keys::Keys,
};

/// A subscription with a past. What has ended, ended when it began.
pub struct PastSubscription {
    pub id: SubscriptionId,
    pub name: String,
    pub wanted: Wanted,
    /// The product's name, for the audit log.
    pub product: String,
    /// The owner's.
    pub actor: Actor,
    pub created_at: Instant,
}

/// Puts subscriptions in, each with new keys, and the audit entries for them; in the order of their beginning.
pub async fn insert_past(tx: &mut Transaction, keys: &Keys, subscriptions: &[PastSubscription]) -> Result<(), Error> {
    let Some(last) = subscriptions.last() else { return Ok(()) };
    let (mut rows, mut entries) = (Vec::with_capacity(subscriptions.len()), Vec::with_capacity(subscriptions.len()));
    for subscription in subscriptions {
        let wanted = &subscription.wanted;
        let primary = seal(keys, &subscription.name, Which::Primary, &new_key())?;
        let secondary = seal(keys, &subscription.name, Which::Secondary, &new_key())?;
        rows.push((subscription, primary, secondary));
        let facts = SubscriptionFacts {
            name: subscription.name.clone(),
            display_name: wanted.display_name.clone(),
            owner: Some(wanted.owner),
            product: subscription.product.clone(),
            product_display_name: String::new(),
            state: wanted.state,
            terms_accepted: wanted.terms.is_some(),
            expires_at: wanted.expires_at,
        };
        let subject = Subject::new("subscription", subscription.id.0, &wanted.display_name);
        let entry = PastEntry::new(subscription.created_at, subscription.actor.clone(), "subscription.created", subject, Some(facts))?;
        entries.push(entry);
    }
    store::past::insert(tx, &rows).await?;
    tx.keys_given("subscriptions", last.id.0).await?;
    audit::record_past(tx, &entries).await
}
