//! Subscriptions: a user's hold on a product, its two keys and its states.
//! What is done with the keys is in `key`.

pub mod api;
mod calling;
mod deciding;
mod ends;
mod key;
pub mod leaving;
pub mod pages;
mod past;
mod placing;
mod programs;
mod sight;
pub mod store;

use serde::{Deserialize, Serialize};

pub use calling::{callable, key_to_call_with};
pub use deciding::{Decided, Decision, Remarks, Resumed, decide, get as get_any, get_many, undo_suspension};
pub use ends::{set_end, work};
pub use key::{KEY, ShownKeys, Which, key_fits, regenerate_key, regenerate_key_of, show_keys, show_keys_of};
pub use past::{PastSubscription, insert_past};
pub use placing::{NewPlacement, place};
pub use programs::{Written, delete, patch, put};
pub use sight::{Closing, before_closing};
pub use store::list::{Filter, Sort, SubscriptionRow, list};

use crate::{
    audit::{self, Actor, Subject},
    auth::SignedIn,
    catalog::{self, ProductSeen, Viewer},
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    ids::{self, ProductId, SubscriptionId, UserId},
    keys::{self, Keys},
    mail::{self, Kind, Mail, Post, Recipient, Values, notifications},
};

/// submitted → active, rejected or cancelled; active ↔ suspended; active and suspended → cancelled or expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Submitted,
    Active,
    Rejected,
    Cancelled,
    Suspended,
    Expired,
}

impl State {
    pub const ALL: [State; 6] = [Self::Submitted, Self::Active, Self::Suspended, Self::Rejected, Self::Cancelled, Self::Expired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
        }
    }

    /// As a person reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::Active => "Active",
            Self::Rejected => "Declined",
            Self::Cancelled => "Cancelled",
            Self::Suspended => "Suspended",
            Self::Expired => "Expired",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it is still held; the others are final.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Submitted | Self::Active | Self::Suspended)
    }
}

/// What its owner sees of a subscription; no keys.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub owner_id: UserId,
    pub name: String,
    pub display_name: String,
    pub state: String,
    pub state_comment: String,
    pub product_name: String,
    pub product_display_name: String,
    /// The product has terms of use now.
    pub has_terms: bool,
    pub terms_accepted: Option<String>,
    pub terms_accepted_at: Option<Instant>,
    pub created_at: Instant,
    pub started_at: Option<Instant>,
    pub ended_at: Option<Instant>,
    pub expires_at: Option<Instant>,
    pub version: i64,
}

impl Subscription {
    pub fn path(&self) -> String {
        format!("/account/subscriptions/{}", ids::encode(&self.name))
    }

    /// Its page for administrators.
    pub fn publisher_path(&self) -> String {
        format!("/publisher/subscriptions/{}", ids::encode(&self.name))
    }

    pub fn product_path(&self) -> String {
        format!("/products/{}", ids::encode(&self.product_name))
    }

    pub fn state(&self) -> State {
        // The table's check lets no other word in.
        State::parse(&self.state).unwrap_or(State::Expired)
    }

    pub fn is_live(&self) -> bool {
        self.state().is_live()
    }

    /// Whether its keys can be replaced: they work, or will again.
    pub fn has_keys(&self) -> bool {
        matches!(self.state(), State::Active | State::Suspended)
    }

    pub fn is_active(&self) -> bool {
        self.state() == State::Active
    }

    fn facts(&self, state: State) -> SubscriptionFacts {
        SubscriptionFacts {
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            owner: Some(self.owner_id),
            product: self.product_name.clone(),
            product_display_name: self.product_display_name.clone(),
            state,
            terms_accepted: self.terms_accepted.is_some(),
            expires_at: self.expires_at,
        }
    }

    fn subject(&self) -> Subject {
        Subject::new("subscription", self.id.0, &self.display_name)
    }
}

/// What the audit log keeps of a subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubscriptionFacts {
    pub name: String,
    pub display_name: String,
    /// Older entries name neither the owner nor the product as people read it.
    #[serde(default)]
    pub owner: Option<UserId>,
    pub product: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product_display_name: String,
    pub state: State,
    pub terms_accepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// What a form or REST says of a new subscription.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewSubscription {
    #[serde(default)]
    pub display_name: String,
    /// Present when the terms of use are accepted.
    #[serde(default)]
    pub terms: Option<String>,
    /// Which terms were shown (`terms_mark`); without it the caller says that it was the present ones.
    #[serde(default)]
    pub shown_terms: String,
}

/// Tells one text of terms from another.
pub fn terms_mark(terms: &str) -> String {
    keys::digest(terms).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

impl NewSubscription {
    fn check(&self, product: &ProductSeen) -> Result<String, Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The name", &self.display_name, 1, 100);
        if !product.terms.is_empty() {
            if self.terms.is_none() {
                problems.add("terms", "Accept the terms of use to subscribe.");
            } else if !self.shown_terms.is_empty() && self.shown_terms != terms_mark(&product.terms) {
                problems.add("terms", "The terms of use were changed since this page was shown. Read them again, then accept them.");
            }
        }
        problems.or(display_name)
    }
}

/// What asking for a subscription did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subscribed {
    New(Subscription),
    /// There is a live one with the same name: a form that was sent twice, or a repeated wish.
    Already(Subscription),
}

pub const NOT_NEEDED: &str = "This product requires no subscription: its APIs are called without a key.";
pub const GUESTS_ONLY: &str = "This product is open to guests for reading. To subscribe, it must be opened to a group that you are in; ask an administrator of this portal.";

/// Subscribes to a product: active with its keys at once, or submitted when the product requires approval.
///
/// # Errors
/// `NotFound` when the user does not see the product; `Forbidden` when it is seen as a guest sees it; `Invalid` on `display_name` and
/// `terms`; `Conflict` when the product requires no subscription or allows no further one.
pub async fn subscribe(
    db: &Database,
    keys: &Keys,
    post: &Post,
    who: &SignedIn,
    product: &str,
    new: &NewSubscription,
) -> Result<Subscribed, Error> {
    let mut tx = db.write().await?;
    // Counting and adding must not be interleaved with the same user's second click.
    tx.one_at_a_time("subscribe", who.id().0).await?;
    let now = tx.now();
    let product = catalog::find_product(&mut tx, Viewer::from(who), now, product).await?.ok_or(Error::NotFound)?;
    if !product.may_subscribe() {
        return Err(Error::Forbidden(GUESTS_ONLY));
    }
    if !product.subscription_required {
        return Err(Error::Conflict(NOT_NEEDED.to_owned()));
    }
    let display_name = new.check(&product)?;
    let live = store::live_of(&mut tx, who.id(), product.id).await?;
    let folded = ids::fold(&display_name);
    if let Some(same) = live.iter().find(|held| ids::fold(&held.display_name) == folded) {
        return Ok(Subscribed::Already(same.clone()));
    }
    if let Some(most) = product.subscriptions_limit.filter(|&most| count(&live) >= most) {
        return Err(Error::Conflict(full(most)));
    }
    let state = if product.approval_required { State::Submitted } else { State::Active };
    let terms = (!product.terms.is_empty()).then(|| product.terms.clone());
    let wanted = Wanted { product: product.id, owner: who.id(), display_name, state, terms, expires_at: None, comment: String::new() };
    let subscription = insert_in(&mut tx, keys, who.actor(), &wanted).await?;
    announce(&mut tx, post, &subscription, Recipient::of(who.person()), &who.person().display()).await?;
    tx.commit().await?;
    post.wake();
    Ok(Subscribed::New(subscription))
}

/// Tells the owner of a new subscription, and those who want to hear of such.
async fn announce(tx: &mut Transaction, post: &Post, subscription: &Subscription, to: Recipient, display: &str) -> Result<(), Error> {
    let (kind, event) = match subscription.state() {
        State::Submitted => (Kind::SubscriptionRequested, notifications::Event::SubscriptionRequested),
        _ => (Kind::SubscriptionActivated, notifications::Event::SubscriptionNew),
    };
    let values = told(post, subscription);
    let notice = values.clone().set("Developer", display).set("DeveloperEmail", to.email.clone());
    let notice = notice.set("PageUrl", post.url(&subscription.publisher_path()));
    mail::write(tx, post, Mail::new(kind, to, values)).await?;
    notifications::tell(tx, post, event, &notice).await
}

/// What every mail about a subscription may say.
fn told(post: &Post, subscription: &Subscription) -> Values {
    Values::default()
        .set("SubName", subscription.display_name.clone())
        .set("SubUrl", post.url(&subscription.path()))
        .set("ProdName", subscription.product_display_name.clone())
        .set("ProdId", subscription.product_name.clone())
        .set("ProdUrl", post.url(&subscription.product_path()))
        .set("Ends", subscription.expires_at.map_or(String::new(), |at| format!("It works to the end of {} (UTC).", at.last_day())))
}

fn count(live: &[Subscription]) -> i64 {
    i64::try_from(live.len()).unwrap_or(i64::MAX)
}

/// Why there is no further one.
pub fn full(most: i64) -> String {
    match most {
        1 => "This product allows one subscription, and you have it already.".to_owned(),
        _ => format!("This product allows {most} subscriptions, and you have them all. Cancel one to add another."),
    }
}

/// A subscription to be written as it is.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub product: ProductId,
    pub owner: UserId,
    pub display_name: String,
    pub state: State,
    /// The terms that were accepted.
    pub terms: Option<String>,
    /// When it ends, if it does.
    pub expires_at: Option<Instant>,
    /// What an administrator said of its state.
    pub comment: String,
}

/// Writes a subscription in any state, with new keys, in the caller's transaction; whether it is allowed was asked before.
pub async fn insert_in(tx: &mut Transaction, keys: &Keys, actor: &Actor, wanted: &Wanted) -> Result<Subscription, Error> {
    insert_named(tx, keys, actor, &ids::random_name(16), [None, None], wanted).await
}

/// As `insert_in`, with a name that nobody has, and perhaps keys that somebody chose: the primary and the secondary one.
async fn insert_named(
    tx: &mut Transaction,
    keys: &Keys,
    actor: &Actor,
    name: &str,
    [primary, secondary]: [Option<&str>; 2],
    wanted: &Wanted,
) -> Result<Subscription, Error> {
    let sealed = |which, chosen: Option<&str>| key::seal(keys, name, which, &chosen.map_or_else(key::new_key, str::to_owned));
    let (primary, secondary) = (sealed(Which::Primary, primary)?, sealed(Which::Secondary, secondary)?);
    let subscription = store::insert(tx, name, wanted, &primary, &secondary).await?;
    let facts = subscription.facts(wanted.state);
    audit::record(tx, actor, "subscription.created", subscription.subject(), audit::NOTHING, Some(facts)).await?;
    Ok(subscription)
}

/// Somebody's own subscription; another's is not found.
pub async fn get(connection: &mut Connection, who: &SignedIn, name: &str) -> Result<Subscription, Error> {
    store::find(connection, who.id(), name).await?.ok_or(Error::NotFound)
}

/// Gives one's own subscription another name. False when it has that name.
///
/// # Errors
/// `NotFound` for another's; `Invalid` on `display_name`; `Stale` when it was changed since the form was shown.
pub async fn rename(db: &Database, who: &SignedIn, name: &str, version: i64, display_name: &str) -> Result<bool, Error> {
    let mut problems = Problems::default();
    let display_name = problems.line("display_name", "The name", display_name, 1, 100);
    problems.or(())?;
    let mut tx = db.write().await?;
    let subscription = get(&mut tx, who, name).await?;
    if subscription.display_name == display_name {
        return Ok(false);
    }
    if !store::rename(&mut tx, subscription.id, version, &display_name).await? {
        return Err(Error::Stale);
    }
    let renamed = Subscription { display_name, ..subscription.clone() };
    let (was, is) = (subscription.facts(subscription.state()), renamed.facts(renamed.state()));
    audit::record(&mut tx, who.actor(), "subscription.renamed", renamed.subject(), Some(was), Some(is)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Ends a subscription for good: its keys stop working. False when it was cancelled already.
///
/// # Errors
/// `NotFound` for another's; `Conflict` when it was declined or has expired.
pub async fn cancel(db: &Database, post: &Post, who: &SignedIn, name: &str) -> Result<(Subscription, bool), Error> {
    let mut tx = db.write().await?;
    let subscription = get(&mut tx, who, name).await?;
    let before = subscription.state();
    if before == State::Cancelled {
        return Ok((subscription, false));
    }
    if !before.is_live() {
        return Err(Error::Conflict(format!("This subscription is {} and stays so.", before.word().to_lowercase())));
    }
    if !store::end(&mut tx, subscription.id, State::Cancelled).await? {
        // Somebody ended it since it was read, just now: perhaps the owner, with a second click.
        drop(tx);
        let subscription = get(&mut db.read().await?, who, name).await?;
        let ended = subscription.state();
        let said = || Error::Conflict(format!("This subscription is {} and stays so.", ended.word().to_lowercase()));
        return if ended == State::Cancelled { Ok((subscription, false)) } else { Err(said()) };
    }
    let (was, is) = (subscription.facts(before), subscription.facts(State::Cancelled));
    audit::record(&mut tx, who.actor(), "subscription.cancelled", subscription.subject(), Some(was), Some(is)).await?;
    mail::write(&mut tx, post, Mail::new(Kind::SubscriptionCancelled, Recipient::of(who.person()), told(post, &subscription))).await?;
    tx.commit().await?;
    post.wake();
    Ok((subscription, true))
}

/// A user's live subscriptions to a product, the oldest first.
pub async fn live_of(connection: &mut Connection, owner: UserId, product: ProductId) -> Result<Vec<Subscription>, Error> {
    store::live_of(connection, owner, product).await
}

/// Deletes every subscription of a product, in the transaction that deletes the product. How many there were.
pub async fn delete_of_product(tx: &mut Transaction, product: ProductId) -> Result<u64, Error> {
    store::delete_of_product(tx, product).await
}
