//! Subscriptions as programs write them: made or changed in one transaction, with what pages do in several forms.

use super::{
    Decision, NOT_NEEDED, State, Subscription, Wanted, announce, count, deciding, ends, insert_named,
    key::{self, Which},
    store::{self, Held},
    told,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Instant, Transaction},
    error::{Error, Problems},
    ids,
    keys::Keys,
    mail::{self, Kind, Mail, Post},
    rest::Seen,
};

/// What a program says of a subscription. What is left out of a change stays as it is.
#[derive(Clone, Default)]
pub struct Written {
    /// The user's name in addresses.
    pub owner: Option<String>,
    /// The product's.
    pub product: Option<String>,
    pub display_name: Option<String>,
    pub state: Option<State>,
    pub comment: Option<String>,
    /// None within is no end.
    pub expires_at: Option<Option<Instant>>,
    pub primary_key: Option<String>,
    pub secondary_key: Option<String>,
    /// The owner is told of a new one by mail, and those who want to hear of such.
    pub notify: bool,
}

/// The furthest end: further away is a slip of the pen.
const MOST_YEARS: i64 = 100;

impl Written {
    /// What can be said before anything is read.
    fn check(&self, now: Instant) -> Result<(), Error> {
        let mut problems = Problems::default();
        if let Some(name) = &self.display_name {
            problems.line("displayName", "The name", name, 1, 100);
        }
        if let Some(comment) = &self.comment {
            problems.text("stateComment", "The comment", comment, 0, 1000);
        }
        for (field, key) in [("primaryKey", &self.primary_key), ("secondaryKey", &self.secondary_key)] {
            // What fits a header, and is the same on its way through gateways.
            if key.as_ref().is_some_and(|key| !(1..=256).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic())) {
                problems.add(field, "A key has 1 to 256 characters of ASCII, without spaces.");
            }
        }
        if self.primary_key.is_some() && self.primary_key == self.secondary_key {
            problems.add("secondaryKey", "The two keys differ, so that one can be replaced while the other works.");
        }
        if let Some(Some(at)) = self.expires_at {
            if at <= now {
                problems.add("expirationDate", "The end lies in the past.");
            } else if at > now.plus(time::Duration::days(MOST_YEARS * 366)) {
                problems.add("expirationDate", "The end is more than 100 years away: null is no end.");
            }
        }
        problems.or(())
    }
}

/// Makes the subscription of this name, or changes the one that is there. Whether it was made; the subscription.
///
/// # Errors
/// `Invalid`, field by field; `Stale` when the subscription is not as it was seen.
pub async fn put(
    db: &Database,
    (keys, post): (&Keys, &Post),
    admin: &Administrator,
    name: &str,
    seen: Seen,
    written: &Written,
) -> Result<(bool, Held), Error> {
    written.check(db.now())?;
    ids::check_name("sid", name, 256)?;
    let mut problems = Problems::default();
    for (field, missing) in [("scope", written.product.is_none()), ("displayName", written.display_name.is_none())] {
        if missing {
            problems.add(field, format!("{field} is missing."));
        }
    }
    problems.or(())?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put subscription", ids::number_of(name)).await?;
    let found = store::held(&mut tx, &[name.to_owned()]).await?.pop();
    seen.meets(found.as_ref().map(|held| held.subscription.version))?;
    let created = match found {
        Some(held) => {
            change_in(&mut tx, (keys, post), admin, &held, seen.version(), written).await?;
            false
        }
        None => {
            make_in(&mut tx, (keys, post), admin, name, written).await?;
            true
        }
    };
    let held = deciding::get(&mut tx, name).await?;
    tx.commit().await?;
    post.wake();
    Ok((created, held))
}

/// Changes what is given of a subscription.
///
/// # Errors
/// As `put`; `NotFound`.
pub async fn patch(
    db: &Database,
    (keys, post): (&Keys, &Post),
    admin: &Administrator,
    name: &str,
    at: Option<i64>,
    written: &Written,
) -> Result<Held, Error> {
    written.check(db.now())?;
    let mut tx = db.write().await?;
    let held = deciding::get(&mut tx, name).await?;
    change_in(&mut tx, (keys, post), admin, &held, at, written).await?;
    let held = deciding::get(&mut tx, name).await?;
    tx.commit().await?;
    post.wake();
    Ok(held)
}

async fn make_in(
    tx: &mut Transaction,
    (keys, post): (&Keys, &Post),
    admin: &Administrator,
    name: &str,
    written: &Written,
) -> Result<(), Error> {
    if name.contains(['*', '#', '&', '+', ':', '<', '>', '?']) {
        return Err(Error::invalid("sid", "A subscription's name in addresses has none of * # & + : < > ?."));
    }
    let mut problems = Problems::default();
    let display_name = problems.line("displayName", "The name", written.display_name.as_deref().unwrap_or_default(), 1, 100);
    let owner = match &written.owner {
        Some(owner) => store::placing::owner(tx, owner).await?,
        None => None,
    };
    let Some(owner) = owner else {
        problems.add("ownerId", if written.owner.is_some() { "User not found" } else { "Every subscription is somebody's: say whose." });
        return problems.or(());
    };
    // Counting and adding must not be interleaved with the user's own wish.
    tx.one_at_a_time("subscribe", owner.id.0).await?;
    let product = match &written.product {
        Some(product) => store::placing::product(tx, product).await?,
        None => None,
    };
    let Some(product) = product else {
        problems.add("scope", if written.product.is_some() { "Product not found" } else { "Say what it is for, as in /products/NAME." });
        return problems.or(());
    };
    if owner.state != "active" {
        problems.add("ownerId", format!("This user is {}, so their keys would be refused. Activate the user first.", owner.state));
    }
    if !product.subscription_required {
        problems.add("scope", NOT_NEEDED);
    }
    let live = store::live_of(tx, owner.id, product.id).await?;
    if let Some(most) = product.subscriptions_limit.filter(|&most| count(&live) >= most) {
        problems.add("scope", format!("This product allows a user {most} at most, and this one has them."));
    }
    let state = written.state.unwrap_or(if product.approval_required { State::Submitted } else { State::Active });
    if !state.is_live() {
        problems.add("state", "A new subscription is submitted, active or suspended.");
    }
    problems.or(())?;
    check_keys(tx, keys, written, None).await?;
    let expires_at = written.expires_at.flatten();
    let comment = written.comment.clone().unwrap_or_default().trim().to_owned();
    let wanted = Wanted { product: product.id, owner: owner.id, display_name, state, terms: None, expires_at, comment };
    let chosen = [written.primary_key.as_deref(), written.secondary_key.as_deref()];
    let subscription = insert_named(tx, keys, admin.actor(), name, chosen, &wanted).await?;
    if state == State::Active && expires_at.is_some() {
        ends::note_told(tx, &[subscription.id.0]).await?;
    }
    if written.notify {
        let display = format!("{} {}", owner.first_name, owner.last_name);
        announce(tx, post, &subscription, owner.recipient(), display.trim()).await?;
    }
    Ok(())
}

/// A key that another subscription has finds that one: two cannot have it. Nor can one have it twice.
async fn check_keys(tx: &mut Transaction, keys: &Keys, written: &Written, of: Option<&Subscription>) -> Result<(), Error> {
    let mut problems = Problems::default();
    for (field, key) in [("primaryKey", &written.primary_key), ("secondaryKey", &written.secondary_key)] {
        if let Some(key) = key
            && store::key_taken(tx, &keys.lookup(key::KEY, key), of.map(|held| held.id)).await?
        {
            problems.add(field, "This key cannot be used: choose another.");
        }
    }
    problems.or(())
}

async fn change_in(
    tx: &mut Transaction,
    (keys, post): (&Keys, &Post),
    admin: &Administrator,
    held: &Held,
    at: Option<i64>,
    written: &Written,
) -> Result<(), Error> {
    let was = &held.subscription;
    if at.is_some_and(|at| at != was.version) {
        return Err(Error::Stale);
    }
    let is_other = |given: &Option<String>, name: &str| given.as_ref().is_some_and(|given| ids::fold(given) != ids::fold(name));
    if is_other(&written.owner, &held.owner_name) {
        return Err(Error::invalid("ownerId", "A subscription stays with its owner: cancel it, and make one for the other user."));
    }
    if is_other(&written.product, &was.product_name) {
        return Err(Error::invalid("scope", "A subscription stays with its product: cancel it, and make one for the other product."));
    }
    let other_comment = written.comment.as_deref().is_some_and(|comment| comment.trim() != was.state_comment);
    if other_comment && written.state.is_none_or(|state| state == was.state()) {
        return Err(Error::invalid("stateComment", "A comment goes with a change of state."));
    }
    if let Some(display_name) = written.display_name.as_deref().map(str::trim)
        && display_name != was.display_name
    {
        if !store::rename(tx, was.id, was.version, display_name).await? {
            return Err(Error::Stale);
        }
        let is = Subscription { display_name: display_name.to_owned(), ..was.clone() };
        let (before, after) = (was.facts(was.state()), is.facts(is.state()));
        audit::record(tx, admin.actor(), "subscription.renamed", is.subject(), Some(before), Some(after)).await?;
    }
    check_keys(tx, keys, written, Some(was)).await?;
    for (which, chosen) in [(Which::Primary, &written.primary_key), (Which::Secondary, &written.secondary_key)] {
        if let Some(chosen) = chosen {
            let now = deciding::get(tx, &was.name).await?.subscription;
            key::replace_in(tx, (keys, post), admin.actor(), &now, held.owner(), (which, now.version, Some(chosen))).await?;
        }
    }
    if let Some(expires_at) = written.expires_at.filter(|at| *at != was.expires_at) {
        let now = deciding::get(tx, &was.name).await?.subscription;
        ends::set_at(tx, admin, &now, now.version, expires_at).await?;
    }
    if let Some(state) = written.state.filter(|state| *state != was.state()) {
        let decision = match (was.state(), state) {
            (State::Submitted, State::Active) => Decision::Approve,
            (State::Submitted, State::Rejected) => Decision::Decline,
            (State::Suspended, State::Active) => Decision::Activate,
            (State::Active, State::Suspended) => Decision::Suspend,
            (State::Active | State::Suspended, State::Cancelled) => Decision::Cancel,
            (from, to) => {
                let message = format!("A subscription that is {} does not become {}.", from.as_str(), to.as_str());
                return Err(Error::invalid("state", message));
            }
        };
        let comment = written.comment.as_deref().unwrap_or_default().trim();
        deciding::decide_in(tx, post, admin, std::slice::from_ref(&was.name), decision, (comment, None)).await?;
    }
    Ok(())
}

/// Deletes a subscription: its keys stop working, and nothing is left of it but the log. The owner of a live one is told.
///
/// # Errors
/// `NotFound`; `Stale` when it is at another version.
pub async fn delete(db: &Database, post: &Post, admin: &Administrator, name: &str, at: Option<i64>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let held = deciding::get(&mut tx, name).await?;
    let was = &held.subscription;
    if at.is_some_and(|at| at != was.version) || !store::delete(&mut tx, was.id, was.version).await? {
        return Err(Error::Stale);
    }
    audit::record(&mut tx, admin.actor(), "subscription.deleted", was.subject(), Some(was.facts(was.state())), audit::NOTHING).await?;
    if was.is_live() {
        mail::write(&mut tx, post, Mail::new(Kind::SubscriptionCancelled, held.owner(), told(post, was))).await?;
    }
    tx.commit().await?;
    post.wake();
    Ok(())
}
