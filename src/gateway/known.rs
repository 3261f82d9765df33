//! All that decides whether a key is good, and the decision.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
    sync::atomic::{AtomicI64, Ordering},
};

use super::{
    Refusal,
    address::{self, Ambiguous},
    store::{Catalogue, SubscriptionRow, TokenRow},
};
use crate::{
    auth::tokens::{self, Scope},
    db::Instant,
    ids::{ApiId, ProductId, SubscriptionId, TokenId},
    keys,
    subscriptions::State,
    users::UserState,
};

/// As much of a key's MAC as is kept: nobody who has not the secret can choose any of it.
pub type Mac = [u8; 16];

/// A MAC is as good as random, and chosen by nobody: its first bytes are its hash.
#[derive(Default)]
pub struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length of an array of bytes.
    fn write_usize(&mut self, _: usize) {}
}

/// A subscription, of which there may be very many.
struct Held {
    name: Box<str>,
    owner: Box<str>,
    product: ProductId,
    /// Microseconds since 1970; the largest number for never.
    ends: i64,
    state: State,
    owner_state: UserState,
}

struct Token {
    id: TokenId,
    scope: Option<Scope>,
    ends: Option<Instant>,
    /// Microseconds since 1970 when it was last written down that it was used.
    used: AtomicI64,
}

#[derive(Default)]
pub struct Known {
    tokens: HashMap<[u8; 32], Token>,
    keys: HashMap<Mac, SubscriptionId, BuildHasherDefault<Random>>,
    subscriptions: HashMap<SubscriptionId, Held>,
    catalogue: Placed,
}

/// Products and APIs as the decision needs them.
#[derive(Default)]
struct Placed {
    /// By suffix.
    apis: HashMap<String, ApiId>,
    /// By suffix as a lenient server reads it; one of those that are the same then.
    lenient: HashMap<String, ApiId>,
    /// Segments of the longest suffix.
    deepest: usize,
    products: HashMap<ProductId, Box<str>>,
    contains: HashSet<(ProductId, ApiId)>,
    /// APIs in a published product that requires no subscription, and the first such product.
    open: HashMap<ApiId, ProductId>,
}

/// What a gateway says of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    pub token: Option<&'a str>,
    pub key: Option<&'a Mac>,
    /// The address that was called, from each place where the gateway may have put it, and the suffix itself.
    pub addresses: [Option<&'a str>; 3],
    pub suffix: Option<&'a str>,
    /// One of these was there twice, or no text.
    pub garbled: bool,
}

/// Let through: by which subscription of whom, if one was needed, and of which product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Let {
    pub subscription: Option<(String, String)>,
    pub product: String,
}

fn micros(at: Instant) -> i64 {
    i64::try_from(at.date_time().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

impl Known {
    /// The token that the gateway shows, which is the condition of any answer; and whether its use is to be written down.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn admit(&self, token: Option<&str>, now: Instant) -> Result<Option<TokenId>, Refusal> {
        let text = token.ok_or(Refusal::NoToken)?;
        if !tokens::is_whole(Scope::Gateway, text) {
            return Err(Refusal::DamagedToken);
        }
        let hash: [u8; 32] = keys::digest(text).try_into().map_err(|_| Refusal::UnknownToken)?;
        let token = self.tokens.get(&hash).filter(|token| token.scope == Some(Scope::Gateway)).ok_or(Refusal::UnknownToken)?;
        if token.ends.is_some_and(|ends| ends <= now) {
            return Err(Refusal::EndedToken);
        }
        let (used, now) = (token.used.load(Ordering::Relaxed), micros(now));
        let due = now.abs_diff(used) >= tokens::USED_TO.whole_microseconds().unsigned_abs() as u64;
        // Of many requests at once one writes.
        let mine = due && token.used.compare_exchange(used, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        Ok(mine.then_some(token.id))
    }

    /// Whether the call is let through.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, asked: &Asked<'_>, now: Instant) -> Result<Let, Refusal> {
        let Some(key) = asked.key else {
            // Who has no key does not learn which APIs there are.
            let open = self.api(asked).ok().and_then(|api| self.catalogue.open.get(&api)).ok_or(Refusal::NoKey)?;
            return Ok(Let { subscription: None, product: self.product(*open) });
        };
        let held = self.keys.get(key).and_then(|id| self.subscriptions.get(id)).ok_or(Refusal::UnknownKey)?;
        if held.state != State::Active {
            return Err(Refusal::Subscription(held.state));
        }
        if held.ends <= micros(now) {
            return Err(Refusal::Subscription(State::Expired));
        }
        if held.owner_state != UserState::Active {
            return Err(Refusal::Owner(held.owner_state));
        }
        let api = self.api(asked)?;
        if !self.catalogue.contains.contains(&(held.product, api)) {
            return Err(Refusal::NotInProduct);
        }
        let subscription = Some((held.name.to_string(), held.owner.to_string()));
        Ok(Let { subscription, product: self.product(held.product) })
    }

    fn product(&self, product: ProductId) -> String {
        self.catalogue.products.get(&product).map(ToString::to_string).unwrap_or_default()
    }

    /// The API that is called. A header that the gateway does not set is one that the client may: all that are there must agree.
    fn api(&self, asked: &Asked<'_>) -> Result<ApiId, Refusal> {
        if asked.garbled {
            return Err(Refusal::Ambiguous);
        }
        let mut found: Option<Option<ApiId>> = None;
        let by_address = asked.addresses.iter().flatten().map(|address| self.by_address(address));
        let by_suffix = asked.suffix.map(|suffix| Ok(self.catalogue.apis.get(&address::suffix(suffix)).copied()));
        for api in by_address.chain(by_suffix) {
            let api = api.map_err(|Ambiguous| Refusal::Ambiguous)?;
            if found.is_some_and(|found| found != api) {
                return Err(Refusal::Ambiguous);
            }
            found = Some(api);
        }
        found.ok_or(Refusal::NoAddress)?.ok_or(Refusal::NoSuchApi)
    }

    /// The API whose suffix the address begins with, the longest one; a server behind may read no other out of it.
    fn by_address(&self, address: &str) -> Result<Option<ApiId>, Ambiguous> {
        let begins_with = |segments: &[String], apis: &HashMap<String, ApiId>| {
            (0..=segments.len()).rev().find_map(|count| apis.get(&segments[..count].join("/")).copied())
        };
        let api = begins_with(&address::segments(address, self.catalogue.deepest)?, &self.catalogue.apis);
        match address::lenient_segments(address, self.catalogue.deepest)? {
            Some(segments) if begins_with(&segments, &self.catalogue.lenient) != api => Err(Ambiguous),
            _ => Ok(api),
        }
    }
}

/// Keeping it.
impl Known {
    /// Gives back what was made too large while it grew.
    pub(super) fn fit(&mut self) {
        self.subscriptions.shrink_to_fit();
        self.keys.shrink_to_fit();
    }

    pub(super) fn set_tokens(&mut self, rows: Vec<TokenRow>) {
        let of = |row: TokenRow| {
            let used = AtomicI64::new(row.last_used_at.map_or(0, micros));
            Some((row.hash.try_into().ok()?, Token { id: row.id, scope: Scope::parse(&row.scope), ends: row.expires_at, used }))
        };
        self.tokens = rows.into_iter().filter_map(of).collect();
    }

    pub(super) fn set_catalogue(&mut self, rows: Catalogue) {
        let mut placed = Placed::default();
        for api in rows.apis {
            let suffix = address::suffix(&api.suffix);
            let segments = if suffix.is_empty() { 0 } else { suffix.split('/').count() };
            placed.deepest = placed.deepest.max(segments);
            placed.apis.entry(suffix).or_insert(api.id);
            placed.lenient.entry(address::lenient_suffix(&api.suffix)).or_insert(api.id);
        }
        for product in rows.products {
            for api in product.apis.unwrap_or_default() {
                placed.contains.insert((product.id, api));
                if product.published == 1 && product.subscription_required == 0 {
                    placed.open.entry(api).or_insert(product.id);
                }
            }
            placed.products.insert(product.id, product.name.into());
        }
        self.catalogue = placed;
    }

    /// Puts subscriptions in; those among `changed` that have no row are gone.
    pub(super) fn set_subscriptions(&mut self, changed: &[SubscriptionId], rows: Vec<SubscriptionRow>) {
        let mut stale = HashSet::new();
        for id in changed {
            if self.subscriptions.remove(id).is_some() {
                stale.insert(*id);
            }
        }
        let rows: Vec<(SubscriptionRow, [Option<Mac>; 2])> = rows
            .into_iter()
            .map(|row| {
                let macs = [mac(&row.primary), mac(&row.secondary)];
                (row, macs)
            })
            .collect();
        for (row, macs) in &rows {
            let same = macs.iter().flatten().all(|mac| self.keys.get(mac) == Some(&row.id));
            if same {
                stale.remove(&row.id);
            } else if self.subscriptions.contains_key(&row.id) {
                stale.insert(row.id);
            }
        }
        if !stale.is_empty() {
            self.keys.retain(|_, id| !stale.contains(id));
        }
        for (row, macs) in rows {
            for mac in macs.into_iter().flatten() {
                self.keys.insert(mac, row.id);
            }
            let held = Held {
                name: row.name.into(),
                owner: row.owner.into(),
                product: row.product,
                ends: row.expires_at.map_or(i64::MAX, micros),
                // The tables' checks let no other words in.
                state: State::parse(&row.state).unwrap_or(State::Expired),
                owner_state: UserState::parse(&row.owner_state).unwrap_or(UserState::Deleted),
            };
            self.subscriptions.insert(row.id, held);
        }
    }
}

/// Out of hexadecimal digits.
fn mac(hex: &str) -> Option<Mac> {
    let mut mac = Mac::default();
    for (place, byte) in mac.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(mac)
}

/// What is kept of a key's whole MAC.
pub fn shortened(whole: &[u8]) -> Option<Mac> {
    whole.first_chunk().copied()
}
