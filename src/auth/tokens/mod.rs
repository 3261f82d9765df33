//! Tokens: what programs show instead of signing in. A token is told once, when it is made, and kept as its hash. No HTTP here.

pub mod api;
pub mod pages;
pub mod provisioning;
mod rate;
mod store;

use std::borrow::Borrow;

pub use rate::{A_MINUTE, Rate, Rates};

use serde::{Deserialize, Serialize};
use time::{Date, Duration, Time, format_description::BorrowedFormatItem, macros::format_description};

use super::{Administrator, Confirmed};
use crate::{
    audit::{self, Subject},
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    ids::{self, ProviderId, TokenId},
    keys,
};

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To ask whether a subscription key is good.
    Gateway,
    /// To read by the management API.
    Read,
    /// To read and change by the management API.
    Write,
    /// To keep a provider's people and groups here, by SCIM.
    Scim,
}

impl Scope {
    /// What an administrator chooses from; a token of scope `Scim` is one provider's, and is made on its page.
    pub const CHOSEN: [Scope; 3] = [Scope::Gateway, Scope::Read, Scope::Write];
    const ALL: [Scope; 4] = [Scope::Gateway, Scope::Read, Scope::Write, Scope::Scim];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Gateway => "gateway",
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Scim => "scim",
        }
    }

    /// What it is for, as a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Scope::Gateway => "Gateway: asks whether a subscription key is good",
            Scope::Read => "Read: reads everything by the management API",
            Scope::Write => "Write: reads and changes everything by the management API",
            Scope::Scim => "SCIM: keeps a provider’s people and groups",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::CHOSEN.into_iter().find(|scope| scope.as_str() == text)
    }

    /// How its tokens begin, so that who finds one knows whose it is.
    fn prefix(self) -> &'static str {
        match self {
            Scope::Gateway => "portico_gw_",
            Scope::Read => "portico_rd_",
            Scope::Write => "portico_wr_",
            Scope::Scim => "portico_sc_",
        }
    }
}

/// A token among others; never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub display_name: String,
    pub scope: String,
    /// Empty when it was made at the command line.
    pub made_by: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    /// Whoever made it may still do what it does. A gateway's token is the portal's, and stands whatever becomes of its maker.
    pub stands: bool,
}

impl Token {
    pub fn path(&self) -> String {
        format!("/publisher/tokens/{}", ids::encode(&self.name))
    }

    pub fn has_ended(&self, now: impl Borrow<Instant>) -> bool {
        self.expires_at.is_some_and(|ends| ends <= *now.borrow())
    }

    fn facts(&self) -> TokenFacts {
        TokenFacts { display_name: self.display_name.clone(), scope: self.scope.clone(), provider: None, ends: self.expires_at }
    }

    fn subject(&self) -> Subject {
        Subject::new("token", self.id.0, &self.display_name)
    }
}

/// What the audit log keeps of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenFacts {
    pub display_name: String,
    pub scope: String,
    /// Whose people and groups it keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<Instant>,
}

/// What a form or the command line says of a new token.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewToken {
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub scope: String,
    /// The last day on which it works (UTC), as in 2026-12-31; empty is for ever.
    #[serde(default)]
    pub last_day: String,
}

/// The last day of a token that works for so many days, today among them.
pub fn last_day_in(days: u32, now: Instant) -> String {
    now.plus(Duration::days(i64::from(days.saturating_sub(1)))).date_time().date().format(DAY).unwrap_or_default()
}

const DAY: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");

impl NewToken {
    fn check(&self, now: Instant, scope: Option<Scope>) -> Result<(String, Scope, Option<Instant>), Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The name", &self.display_name, 1, 100);
        if scope.is_none() {
            problems.add("scope", "Choose what the token is for: gateway, read or write.");
        }
        let ends = match self.last_day.trim() {
            "" => None,
            day => match Date::parse(day, DAY).ok().and_then(Date::next_day) {
                Some(next) => Some(Instant::new(next.with_time(Time::MIDNIGHT).assume_utc())),
                None => {
                    problems.add("last_day", "Write the last day as in 2026-12-31.");
                    None
                }
            },
        };
        if ends.is_some_and(|ends| ends <= now) {
            problems.add("last_day", "This day is over.");
        }
        let scope = scope.unwrap_or(Scope::Gateway);
        problems.or((display_name, scope, ends))
    }
}

/// A token that was made just now. `Debug` is left out on purpose.
pub struct Made {
    pub token: Token,
    /// The token itself, which is nowhere else.
    pub secret: String,
}

const TAKEN: &str = "There is a token with this name already.";

/// Makes a token.
///
/// # Errors
/// `Invalid` on `display_name` (empty, too long, taken), `scope` and `last_day`.
pub async fn create(db: &Database, admin: &Administrator, new: &NewToken) -> Result<Made, Error> {
    let checked = new.check(db.now(), Scope::parse(new.scope.trim()))?;
    let secret = mint(checked.1);
    let mut tx = db.write().await?;
    let token = insert(&mut tx, admin, &checked, &secret, None).await?;
    tx.commit().await?;
    Ok(Made { token, secret })
}

async fn insert(
    tx: &mut Transaction,
    admin: &Administrator,
    (display_name, scope, ends): &(String, Scope, Option<Instant>),
    secret: &str,
    provider: Option<(ProviderId, &str)>,
) -> Result<Token, Error> {
    let folded = ids::fold(display_name);
    let key = provider.map(|(key, _)| key);
    if store::find_by_words(tx, &folded, key).await?.is_some() {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let name = ids::random_name(16);
    let new = store::New { name: &name, display_name, scope: *scope, hash: &keys::digest(secret), made_by: admin.id(), ends: *ends };
    let added = store::insert(tx, &new, key).await;
    let token = added.map_err(|error| if error.is_taken("display_name") { Error::invalid("display_name", TAKEN) } else { error })?;
    let facts = TokenFacts { provider: provider.map(|(_, display)| display.to_owned()), ..token.facts() };
    audit::record(tx, admin.actor(), "token.created", token.subject(), audit::NOTHING, Some(facts)).await?;
    Ok(token)
}

/// All tokens that are no provider's, by name.
pub async fn list(connection: &mut Connection) -> Result<Vec<Token>, Error> {
    store::list(connection).await
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Token, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

/// The token that somebody means by what they called it.
pub async fn find_by_words(connection: &mut Connection, words: &str) -> Result<Option<Token>, Error> {
    store::find_by_words(connection, &ids::fold(words), None).await
}

/// Ends a token for good.
///
/// # Errors
/// `NotFound` when there is none, or no longer.
pub async fn revoke(db: &Database, admin: &Administrator, name: &str) -> Result<Token, Error> {
    let mut tx = db.write().await?;
    let token = get(&mut tx, name).await?;
    end(&mut tx, admin, &token, None).await?;
    tx.commit().await?;
    Ok(token)
}

async fn end(tx: &mut Transaction, admin: &Administrator, token: &Token, provider: Option<&str>) -> Result<(), Error> {
    if !store::delete(tx, token.id).await? {
        return Err(Error::NotFound);
    }
    let facts = TokenFacts { provider: provider.map(str::to_owned), ..token.facts() };
    audit::record(tx, admin.actor(), "token.revoked", token.subject(), Some(facts), audit::NOTHING).await?;
    Ok(())
}

/// How exactly it is known when a token was last used: writing it down at every use would be a write for every call of an API.
pub const USED_TO: Duration = Duration::minutes(1);

/// Writes down that a token was used now, unless that is known to the minute.
pub async fn note_use(db: &Database, token: TokenId) -> Result<(), Error> {
    let mut tx = db.write().await?;
    store::note_use(&mut tx, token, USED_TO).await?;
    tx.commit().await
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is a little more than 2^256.
const RANDOM: usize = 43;
/// 62^6 is more than 2^32.
const CHECK: usize = 6;

/// The scope's prefix, 256 random bits, and their CRC-32, all in letters and digits: who scans for leaked tokens finds them by the prefix, and the
/// checksum tells them, and a mistyped one, from chance.
fn mint(scope: Scope) -> String {
    let mut random = String::with_capacity(RANDOM);
    while random.len() < RANDOM {
        let mut bytes = [0; 64];
        ids::fill_random(&mut bytes);
        // Of the 64 values the last two are passed over, so that every digit is as likely.
        let digits = bytes.iter().filter_map(|byte| BASE62.get(usize::from(byte & 63))).map(|digit| char::from(*digit));
        random.extend(digits.take(RANDOM - random.len()));
    }
    format!("{}{random}{}", scope.prefix(), checksum(&random))
}

fn checksum(random: &str) -> String {
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// A program that may administer the portal, by the token that it shows.
pub struct Bearer {
    pub admin: Administrator,
    pub confirmed: Confirmed,
    pub token: TokenId,
    /// What it is called.
    pub display_name: String,
    pub expires_at: Option<Instant>,
    /// Its use is to be written down.
    pub due: bool,
}

/// Who shows this token, to read or to change something by the management API.
///
/// # Errors
/// `SignIn` when it is none, not known or over; `Forbidden` when it is for something else.
pub async fn admit(connection: &mut Connection, text: &str, changes: bool, now: Instant) -> Result<Bearer, Error> {
    let scope = Scope::ALL.into_iter().find(|scope| is_whole(*scope, text)).ok_or(Error::SignIn)?;
    let token = store::find_by_hash(connection, &keys::digest(text)).await?.ok_or(Error::SignIn)?;
    if token.scope != scope.as_str() || token.has_ended(now) || !token.stands {
        return Err(Error::SignIn);
    }
    match scope {
        Scope::Gateway => return Err(Error::Forbidden("This token is for gateways: the management API wants one of scope read or write.")),
        Scope::Scim => return Err(Error::Forbidden("This token is for SCIM: the management API wants one of scope read or write.")),
        Scope::Read if changes => return Err(Error::Forbidden("This token may read, and changes nothing: use one of scope write.")),
        Scope::Read | Scope::Write => {}
    }
    let due = is_due(token.last_used_at, now);
    Ok(Bearer {
        confirmed: Confirmed::by_token(),
        admin: super::program(token.id, &token.display_name),
        token: token.id,
        display_name: token.display_name,
        expires_at: token.expires_at,
        due,
    })
}

fn is_due(used: Option<Instant>, now: Instant) -> bool {
    used.is_none_or(|used| used <= now.minus(USED_TO))
}

/// Whether a token is there, and may act for whoever made it.
pub async fn stands(connection: &mut Connection, token: TokenId) -> Result<bool, Error> {
    Ok(store::find_by_key(connection, token).await?.is_some_and(|token| token.stands))
}

/// Whether a text can be a token of this scope: what is not was mistyped, cut off, or never one.
pub fn is_whole(scope: Scope, text: &str) -> bool {
    let Some(rest) = text.strip_prefix(scope.prefix()) else { return false };
    rest.len() == RANDOM + CHECK && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) && checksum(&rest[..RANDOM]) == rest[RANDOM..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_knows_when_it_was_mistyped() {
        let token = mint(Scope::Gateway);
        assert_eq!(token.len(), "portico_gw_".len() + 49);
        assert!(is_whole(Scope::Gateway, &token));
        assert_ne!(token, mint(Scope::Gateway));
        for place in 0..token.len() {
            let mut wrong = token.clone().into_bytes();
            wrong[place] = if wrong[place] == b'x' { b'y' } else { b'x' };
            assert!(!is_whole(Scope::Gateway, &String::from_utf8(wrong).unwrap()), "{place}");
        }
        for wrong in ["", "portico_gw_", &token[1..], &token[..token.len() - 1], &format!("{token}0"), "portico_gw_é"] {
            assert!(!is_whole(Scope::Gateway, wrong), "{wrong}");
        }
        // CRC-32 of "123456789", as in the catalogue of its parameters, is cbf43926: 3,421,780,262 in base 62.
        assert_eq!(checksum("123456789"), "3jZRME");
    }
}
