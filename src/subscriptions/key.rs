//! The two keys of a subscription: made, kept encrypted, shown on request, regenerated one at a time.
//! A key leaves this file only through `show_keys` and `show_keys_of`, which say so in the audit log.

use super::{
    State, Subscription,
    store::{self, SealedKey},
    told,
};
use crate::{
    audit::{self, Actor},
    auth::{Administrator, Confirmed, SignedIn},
    db::{Database, Transaction},
    error::Error,
    ids,
    keys::Keys,
    mail::{self, Kind, Mail, Post, Recipient},
};

/// One of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Primary,
    Secondary,
}

impl Which {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "primary" => Some(Which::Primary),
            "secondary" => Some(Which::Secondary),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Which::Primary => "primary",
            Which::Secondary => "secondary",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Which::Primary => Which::Secondary,
            Which::Secondary => Which::Primary,
        }
    }

    /// Binds a stored key to its subscription and place.
    fn context(self, subscription: &str) -> String {
        match self {
            Which::Primary => format!("subscription {subscription} primary"),
            Which::Secondary => format!("subscription {subscription} secondary"),
        }
    }
}

/// 128 random bits as 32 hexadecimal digits.
pub(super) fn new_key() -> String {
    let mut bytes = [0; 16];
    ids::fill_random(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn seal(keys: &Keys, subscription: &str, which: Which, key: &str) -> Result<SealedKey, Error> {
    Ok(SealedKey { sealed: keys.encrypt(&which.context(subscription), key)?, mac: keys.lookup(KEY, key) })
}

/// The primary key of the subscription of that name, as it is given to its owner.
pub(super) fn open_primary(keys: &Keys, subscription: &str, sealed: &[u8]) -> Result<String, Error> {
    keys.decrypt(&Which::Primary.context(subscription), sealed)
}

/// The purpose of a key's MAC: `keys.lookup(KEY, key)` finds its subscription.
pub const KEY: &str = "subscription key";

/// The two keys of a subscription. `Debug` is left out on purpose.
pub struct ShownKeys {
    pub primary: String,
    pub secondary: String,
}

/// The keys, for this once; that they were shown is recorded.
///
/// # Errors
/// `NotFound` for another's; `Conflict` while it is not active.
pub async fn show_keys(db: &Database, keys: &Keys, who: &SignedIn, name: &str) -> Result<(Subscription, ShownKeys), Error> {
    let mut tx = db.write().await?;
    let subscription = super::get(&mut tx, who, name).await?;
    let shown = show_in(&mut tx, keys, who.actor(), &subscription).await?;
    tx.commit().await?;
    Ok((subscription, shown))
}

/// The same of anybody's, for an administrator who has given the password again.
///
/// # Errors
/// `Conflict` while it is not active.
pub async fn show_keys_of(db: &Database, keys: &Keys, admin: &Administrator, _: Confirmed, name: &str) -> Result<ShownKeys, Error> {
    let mut tx = db.write().await?;
    let held = super::get_any(&mut tx, name).await?;
    let shown = show_in(&mut tx, keys, admin.actor(), &held.subscription).await?;
    tx.commit().await?;
    Ok(shown)
}

async fn show_in(tx: &mut Transaction, keys: &Keys, actor: &Actor, subscription: &Subscription) -> Result<ShownKeys, Error> {
    if !subscription.is_active() {
        let word = subscription.state().word().to_lowercase();
        return Err(Error::Conflict(format!("Keys are shown while a subscription is active; this one is {word}.")));
    }
    let (primary, secondary) = store::sealed_keys(tx, subscription.id).await?;
    let shown = ShownKeys {
        primary: keys.decrypt(&Which::Primary.context(&subscription.name), &primary)?,
        secondary: keys.decrypt(&Which::Secondary.context(&subscription.name), &secondary)?,
    };
    let facts = subscription.facts(State::Active);
    audit::record(tx, actor, "subscription.keys_shown", subscription.subject(), audit::NOTHING, Some(facts)).await?;
    Ok(shown)
}

/// Puts a new key in the place of one of the two; the other goes on working. False when the subscription was changed since the form
/// was shown: perhaps by the first click of two.
///
/// # Errors
/// `NotFound` for another's; `Conflict` unless it is active or suspended.
pub async fn regenerate_key(
    db: &Database,
    keys: &Keys,
    post: &Post,
    who: &SignedIn,
    name: &str,
    which: Which,
    version: i64,
) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let subscription = super::get(&mut tx, who, name).await?;
    let owner = Recipient::of(who.person());
    let done = replace_in(&mut tx, (keys, post), who.actor(), &subscription, owner, (which, version, None)).await?;
    tx.commit().await?;
    post.wake();
    Ok(done)
}

/// The same with anybody's, by an administrator; its owner is told.
///
/// # Errors
/// `Conflict` unless it is active or suspended.
pub async fn regenerate_key_of(
    db: &Database,
    keys: &Keys,
    post: &Post,
    admin: &Administrator,
    name: &str,
    which: Which,
    version: i64,
) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let held = super::get_any(&mut tx, name).await?;
    let done = replace_in(&mut tx, (keys, post), admin.actor(), &held.subscription, held.owner(), (which, version, None)).await?;
    tx.commit().await?;
    post.wake();
    Ok(done)
}

/// Puts a key in the place of one of the two, in the caller's transaction: a new one, or one that somebody chose. False when the
/// subscription is at another version.
///
/// # Errors
/// `Conflict` unless it is active or suspended.
pub(super) async fn replace_in(
    tx: &mut Transaction,
    (keys, post): (&Keys, &Post),
    actor: &Actor,
    subscription: &Subscription,
    owner: Recipient,
    (which, version, chosen): (Which, i64, Option<&str>),
) -> Result<bool, Error> {
    if !subscription.has_keys() {
        let word = subscription.state().word().to_lowercase();
        return Err(Error::Conflict(format!("Keys are regenerated while a subscription is active; this one is {word}.")));
    }
    let key = seal(keys, &subscription.name, which, &chosen.map_or_else(new_key, str::to_owned))?;
    if !store::set_key(tx, subscription.id, version, which == Which::Primary, &key).await? {
        return Ok(false);
    }
    let mut facts = serde_json::to_value(subscription.facts(subscription.state()))?;
    facts["key"] = which.word().into();
    audit::record(tx, actor, "subscription.key_regenerated", subscription.subject(), audit::NOTHING, Some(facts)).await?;
    let values = told(post, subscription).set("WhichKey", which.word());
    mail::write(tx, post, Mail::new(Kind::KeyRegenerated, owner, values)).await?;
    Ok(true)
}

/// Whether the keys in the database can be read with this secret: the newest one is tried. True when there is none.
pub async fn key_fits(db: &Database, keys: &Keys) -> Result<bool, Error> {
    let newest = store::newest_sealed_key(&mut db.read().await?).await?;
    Ok(newest.is_none_or(|(name, sealed)| keys.decrypt(&Which::Primary.context(&name), &sealed).is_ok()))
}
