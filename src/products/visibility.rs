//! Which groups a product is open to: what may be changed about it. What follows from it for a viewer is decided in `catalog`.

use serde::{Deserialize, Serialize};

use super::{Named, Product, get, store};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Transaction},
    error::Error,
    ids::{self, ADMINISTRATORS, GUESTS, GroupId},
    subscriptions::{self, Closing},
};

const LOCKED: &str = "Administrators see every product, always: it cannot be closed to them.";

/// One box that was changed: a group's name, and whether the product is to be open to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityChange {
    pub group: String,
    pub open: bool,
}

impl VisibilityChange {
    pub fn new(group: impl Into<String>, open: bool) -> Self {
        Self { group: group.into(), open }
    }
}

/// What the audit log keeps of a change of visibility: the groups for which it really changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VisibilityFacts {
    pub product: String,
    pub opened: Vec<Named>,
    pub closed: Vec<Named>,
}

/// What a change of visibility did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityOutcome {
    pub product: Product,
    pub opened: Vec<Named>,
    pub closed: Vec<Named>,
    /// Groups that no longer exist.
    pub missing: usize,
    /// The product is open to Guests and, Administrators apart, to nobody else: all read it, and nobody but administrators can subscribe.
    pub guests_alone: bool,
    /// The audit entry; none when nothing changed.
    pub entry: Option<String>,
}

/// Opens a product to groups and closes it to others: these and no more, so that two people who change different boxes both win.
///
/// # Errors
/// `Conflict` when Administrators is to be closed.
pub async fn set_visibility(
    db: &Database,
    admin: &Administrator,
    product: &str,
    changes: &[VisibilityChange],
) -> Result<VisibilityOutcome, Error> {
    let mut tx = db.write().await?;
    let outcome = set_visibility_in(&mut tx, admin, product, changes).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `set_visibility`, in the caller's transaction.
pub async fn set_visibility_in(
    tx: &mut Transaction,
    admin: &Administrator,
    product: &str,
    changes: &[VisibilityChange],
) -> Result<VisibilityOutcome, Error> {
    let product = get(tx, product).await?;
    let names: Vec<String> = changes.iter().map(|change| ids::fold(&change.group)).collect();
    let known = store::groups_named(tx, &names).await?;
    // The last word about a group counts.
    let wanted = |group: &str| changes.iter().rev().find(|change| ids::fold(&change.group) == ids::fold(group)).map(|change| change.open);
    let (mut open, mut close) = (Vec::new(), Vec::new());
    for group in &known {
        match wanted(&group.name) {
            Some(true) => open.push(group.id),
            Some(false) if group.id == ADMINISTRATORS => return Err(Error::Conflict(LOCKED.to_owned())),
            Some(false) => close.push(group.id),
            None => {}
        }
    }
    let missing = names.iter().collect::<std::collections::BTreeSet<_>>().len().saturating_sub(known.len());
    if !close.is_empty() {
        subscriptions::before_closing(tx, Closing::Product(product.id)).await?;
    }
    let opened = store::open_to(tx, product.id, &open).await?;
    let closed = store::close_to(tx, product.id, &close).await?;
    let named = |keys: &[GroupId]| -> Vec<Named> {
        let groups = known.iter().filter(|group| keys.contains(&group.id));
        groups.map(|group| Named { name: group.name.clone(), display_name: group.display_name.clone() }).collect()
    };
    let (opened, closed) = (named(&opened), named(&closed));
    let entry = if opened.is_empty() && closed.is_empty() {
        None
    } else {
        let facts = VisibilityFacts { product: product.name.clone(), opened: opened.clone(), closed: closed.clone() };
        Some(audit::record(tx, admin.actor(), "product.visibility_changed", product.subject(), audit::NOTHING, Some(facts)).await?)
    };
    let others: Vec<GroupId> = store::groups_of(tx, product.id).await?.into_iter().filter(|group| *group != ADMINISTRATORS).collect();
    Ok(VisibilityOutcome { product, opened, closed, missing, guests_alone: others == [GUESTS], entry })
}

/// Closes every product to a group, in the transaction that deletes the group and says so in the log. How many were open to it.
pub async fn forget_group(tx: &mut Transaction, group: GroupId) -> Result<u64, Error> {
    store::forget_group(tx, group).await
}
