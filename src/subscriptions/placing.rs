//! An administrator subscribes somebody to a product, whether or not they see it, with or without the approval that it asks for.

use super::{NOT_NEEDED, State, Subscribed, Wanted, announce, count, ends, insert_in, store};
use crate::{
    auth::Administrator,
    db::Database,
    error::{Error, Problems},
    ids,
    keys::Keys,
    mail::Post,
};

/// What an administrator says of a subscription for somebody else.
#[derive(Clone, Debug, Default)]
pub struct NewPlacement {
    /// The user's and the product's names in addresses.
    pub owner: String,
    pub product: String,
    /// Empty is the product's name.
    pub display_name: String,
    /// Active at once also when the product requires approval.
    pub activate: bool,
    /// The last day; empty is no end.
    pub ends: String,
}

/// Subscribes an active user to a product. Nobody accepts terms of use for somebody else, so none are kept.
///
/// # Errors
/// `NotFound` when the user or the product is gone; `Invalid` on `who` (not active), `which` (requires no subscription, or allows no
/// further one), `display_name` and `ends`.
pub async fn place(db: &Database, keys: &Keys, post: &Post, admin: &Administrator, new: &NewPlacement) -> Result<Subscribed, Error> {
    let mut problems = Problems::default();
    let mut display_name = problems.line("display_name", "The name", &new.display_name, 0, 100);
    let expires_at = ends::end_of(&mut problems, &new.ends, db.now());
    let mut tx = db.write().await?;
    let owner = store::placing::owner(&mut tx, &new.owner).await?.ok_or(Error::NotFound)?;
    // Counting and adding must not be interleaved with a second click, nor with the user's own.
    tx.one_at_a_time("subscribe", owner.id.0).await?;
    let product = store::placing::product(&mut tx, &new.product).await?.ok_or(Error::NotFound)?;
    if owner.state != "active" {
        problems.add("who", format!("This user is {}, so their keys would be refused. Activate the user first.", owner.state));
    }
    if !product.subscription_required {
        problems.add("which", NOT_NEEDED);
    }
    problems.or(())?;
    if display_name.is_empty() {
        display_name = product.display_name.chars().take(100).collect::<String>().trim().to_owned();
    }
    let live = store::live_of(&mut tx, owner.id, product.id).await?;
    let folded = ids::fold(&display_name);
    if let Some(same) = live.iter().find(|held| ids::fold(&held.display_name) == folded) {
        return Ok(Subscribed::Already(same.clone()));
    }
    if let Some(most) = product.subscriptions_limit.filter(|&most| count(&live) >= most) {
        let held = if most == 1 {
            "one subscription a user, and this one has it".to_owned()
        } else {
            format!("{most} subscriptions a user, and this one has them")
        };
        return Err(Error::invalid("which", format!("This product allows {held} already. Its Settings tab changes how many.")));
    }
    let state = if product.approval_required && !new.activate { State::Submitted } else { State::Active };
    let wanted = Wanted { product: product.id, owner: owner.id, display_name, state, terms: None, expires_at, comment: String::new() };
    let subscription = insert_in(&mut tx, keys, admin.actor(), &wanted).await?;
    if state == State::Active && expires_at.is_some() {
        ends::note_told(&mut tx, &[subscription.id.0]).await?;
    }
    let to = owner.recipient();
    let display = format!("{} {}", owner.first_name, owner.last_name);
    announce(&mut tx, post, &subscription, to, &display).await?;
    tx.commit().await?;
    post.wake();
    Ok(Subscribed::New(subscription))
}
