//! Shared access signatures: tokens of the management API that whoever knows an access key makes, for the name `integration` or for a
//! user, to an instant at most 30 days away. Off until an administrator's token turns it on. No HTTP here.
//!
//! Two forms: `uid=ID&ex=EXPIRY&sn=SIGNATURE`, the expiry in ISO 8601, and `ID&yyyyMMddHHmm&SIGNATURE`, as `users/ID/token` gives out. The
//! signature is base64 of HMAC-SHA512 with the access key over `ID\nEXPIRY`, the expiry spelled as in the token.

pub mod api;
mod store;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha512;
use time::{
    Duration, OffsetDateTime, PrimitiveDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

use super::{Administrator, Confirmed, Person, store as people, system, tokens::Bearer};
use crate::{
    audit::{self, Actor, Subject},
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    ids::{self, TokenId},
    keys::Keys,
};

/// What signs for nobody in particular.
pub const INTEGRATION: &str = "integration";
/// How far away a token's end may be.
pub const LONGEST: Duration = Duration::days(30);

/// Whether signatures are taken, and at which version that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SharedAccess {
    pub enabled: bool,
    pub version: i64,
}

/// One of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Primary,
    Secondary,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Which::Primary => "primary",
            Which::Secondary => "secondary",
        }
    }

    /// Binds a stored key to its place.
    fn context(self) -> String {
        format!("shared access {}", self.word())
    }
}

/// The keys. `Debug` is left out on purpose.
pub struct Pair {
    pub primary: String,
    pub secondary: String,
}

#[derive(Serialize, Deserialize)]
struct AccessFacts {
    enabled: bool,
}

#[derive(Serialize, Deserialize)]
struct KeyFacts {
    key: String,
}

fn subject() -> Subject {
    Subject { kind: "portal", key: None, display: "Shared access".to_owned() }
}

pub async fn get(connection: &mut Connection) -> Result<SharedAccess, Error> {
    store::get(connection).await
}

/// Takes signatures from now on, or no longer.
///
/// # Errors
/// `Stale` when a version is given and it is at another.
pub async fn set(db: &Database, admin: &Administrator, at: Option<i64>, enabled: bool) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let before = get(&mut tx).await?;
    if at.is_some_and(|at| at != before.version) {
        return Err(Error::Stale);
    }
    if before.enabled == enabled {
        return Ok(());
    }
    if !store::set(&mut tx, before.version, enabled).await? {
        return Err(Error::Stale);
    }
    let (was, is) = (AccessFacts { enabled: before.enabled }, AccessFacts { enabled });
    audit::record(&mut tx, admin.actor(), "portal.shared_access_edited", subject(), Some(was), Some(is)).await?;
    tx.commit().await
}

fn fresh() -> String {
    let mut bytes = [0; 64];
    ids::fill_random(&mut bytes);
    STANDARD.encode(bytes)
}

/// The keys, made now if nobody has asked for them before.
async fn pair(tx: &mut Transaction, keys: &Keys) -> Result<Pair, Error> {
    // Two who make them at once would be told different ones.
    tx.one_at_a_time("shared access", 1).await?;
    let (primary, secondary) = store::sealed(tx).await?;
    let mut one = async |which: Which, sealed: Option<Vec<u8>>| match sealed {
        Some(sealed) => keys.decrypt(&which.context(), &sealed),
        None => replace(tx, keys, which).await,
    };
    Ok(Pair { primary: one(Which::Primary, primary).await?, secondary: one(Which::Secondary, secondary).await? })
}

async fn replace(tx: &mut Transaction, keys: &Keys, which: Which) -> Result<String, Error> {
    let key = fresh();
    store::set_key(tx, which == Which::Primary, &keys.encrypt(&which.context(), &key)?).await?;
    Ok(key)
}

/// The keys, for this once; that they were shown is recorded.
pub async fn show(db: &Database, keys: &Keys, admin: &Administrator, _: Confirmed) -> Result<Pair, Error> {
    let mut tx = db.write().await?;
    let pair = pair(&mut tx, keys).await?;
    audit::record(&mut tx, admin.actor(), "portal.shared_access_shown", subject(), audit::NOTHING, audit::NOTHING).await?;
    tx.commit().await?;
    Ok(pair)
}

/// Puts a new key in the place of one of the two: what was signed with it is refused from now on.
pub async fn regenerate(db: &Database, keys: &Keys, admin: &Administrator, which: Which) -> Result<(), Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("shared access", 1).await?;
    replace(&mut tx, keys, which).await?;
    let facts = KeyFacts { key: which.word().to_owned() };
    audit::record(&mut tx, admin.actor(), "portal.shared_access_key_replaced", subject(), audit::NOTHING, Some(facts)).await?;
    tx.commit().await
}

/// A token's end, as `users/ID/token` spells it.
const MINUTES: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day][hour][minute]");

/// A token for a user, to the minute.
///
/// # Errors
/// `Invalid` on `expiry`: in the past, or further away than 30 days; `Conflict` while signatures are not taken.
pub async fn sign_for(
    db: &Database,
    keys: &Keys,
    admin: &Administrator,
    user: &Person,
    which: Which,
    expiry: OffsetDateTime,
) -> Result<String, Error> {
    // The one would be signed for all, the other could not be read.
    if ids::fold(&user.name) == INTEGRATION || user.name.contains('&') {
        return Err(Error::Conflict("Nothing is signed for this name: give the user another one.".to_owned()));
    }
    let now = db.now();
    let expiry = Instant::new(expiry);
    if expiry <= now || expiry.since(now) > LONGEST {
        return Err(Error::invalid("expiry", "The end lies in the future, at most 30 days away."));
    }
    let name = user.name.as_str();
    let mut tx = db.write().await?;
    if !get(&mut tx).await?.enabled {
        return Err(Error::Conflict("Signatures are not taken here: enable tenant/access first.".to_owned()));
    }
    let pair = pair(&mut tx, keys).await?;
    let key = if which == Which::Primary { pair.primary } else { pair.secondary };
    let spelled = expiry.date_time().format(MINUTES).map_err(Error::internal)?;
    let signature = STANDARD.encode(signature(&key, name, &spelled).finalize().into_bytes());
    let facts = KeyFacts { key: which.word().to_owned() };
    let subject = Subject::new("user", user.id.0, user.display());
    audit::record(&mut tx, admin.actor(), "user.access_signed", subject, audit::NOTHING, Some(facts)).await?;
    tx.commit().await?;
    Ok(format!("{name}&{spelled}&{signature}"))
}

fn signature(key: &str, id: &str, expiry: &str) -> Hmac<Sha512> {
    let mut mac =
        <Hmac<Sha512> as KeyInit>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(id.as_bytes());
    mac.update(b"\n");
    mac.update(expiry.as_bytes());
    mac
}

/// What a token says, before it is known who made it.
struct Claim<'t> {
    id: &'t str,
    /// As it is spelled.
    expiry: &'t str,
    ends: Instant,
    signature: Vec<u8>,
}

fn read(token: &str) -> Option<Claim<'_>> {
    let parts: Vec<&str> = token.split('&').collect();
    let &[first, second, third] = parts.as_slice() else { return None };
    let (id, expiry, signed, ends) = match first.strip_prefix("uid=") {
        Some(id) => {
            let expiry = second.strip_prefix("ex=")?;
            // Without an offset it is UTC.
            let ends = OffsetDateTime::parse(expiry, &Rfc3339).or_else(|_| OffsetDateTime::parse(&format!("{expiry}Z"), &Rfc3339)).ok()?;
            (id, expiry, third.strip_prefix("sn=")?, ends)
        }
        None => (first, second, third, PrimitiveDateTime::parse(second, MINUTES).ok()?.assume_utc()),
    };
    let signature = STANDARD.decode(signed.trim_matches('"')).ok()?;
    Some(Claim { id, expiry, ends: Instant::new(ends), signature })
}

/// Who shows this signature.
///
/// # Errors
/// `SignIn` when it is none, over, too far in the future, or not signed with a key of now; `Forbidden` for whoever is no administrator.
pub async fn admit(db: &Database, keys: &Keys, token: &str) -> Result<Bearer, Error> {
    let claim = read(token).ok_or(Error::SignIn)?;
    let now = db.now();
    let mut connection = db.read().await?;
    if claim.ends <= now || claim.ends.since(now) > LONGEST || !get(&mut connection).await?.enabled {
        return Err(Error::SignIn);
    }
    let (primary, secondary) = store::sealed(&mut connection).await?;
    let mut good = false;
    for (which, sealed) in [(Which::Primary, primary), (Which::Secondary, secondary)] {
        if let Some(sealed) = sealed {
            let key = keys.decrypt(&which.context(), &sealed)?;
            // In a time that does not say where they differ.
            good |= signature(&key, claim.id, claim.expiry).verify_slice(&claim.signature).is_ok();
        }
    }
    if !good {
        return Err(Error::SignIn);
    }
    // Signers are counted apart from one another and from tokens, whose keys begin at 1.
    let bearer = |signer: i64, admin, display_name| Bearer {
        admin,
        confirmed: Confirmed::by_token(),
        token: TokenId(-signer),
        display_name,
        expires_at: Some(claim.ends),
        due: false,
    };
    if claim.id == INTEGRATION {
        return Ok(bearer(0, system("Shared access key"), INTEGRATION.to_owned()));
    }
    let person = people::active_person(&mut connection, claim.id).await?.ok_or(Error::SignIn)?;
    if !person.administrator {
        return Err(Error::Forbidden("Signatures of administrators alone open the management API."));
    }
    // The log tells what was signed from what somebody did themselves.
    let display = format!("{} (shared access)", person.display());
    let actor = Actor::User { id: person.id, display: display.clone(), administrator: true };
    Ok(bearer(person.id.0, Administrator { actor, person: Some(person) }, display))
}
