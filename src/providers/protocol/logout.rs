//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): a provider tells that somebody signed out there, by a token that it signs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKey,
    core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Line, Trouble,
    code::{ALGORITHMS, SKEW, text},
};

/// How old a token without an end may be.
const OLDEST: time::Duration = time::Duration::minutes(10);
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Bytes of a token; they have some hundreds.
const LONGEST: usize = 16 * 1024;

/// Whose sessions end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// Empty when it is about one session.
    pub subject: String,
    pub tenant: String,
    /// Empty when it is about all.
    pub session: String,
    /// The token's own name, by which it counts once.
    pub token: String,
}

#[derive(Deserialize)]
struct Head {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
}

/// A token in its parts.
struct Parts<'t> {
    head: Head,
    claims: Map<String, Value>,
    signed: &'t str,
    signature: Vec<u8>,
}

fn parts(token: &str) -> Option<Parts<'_>> {
    if token.len() > LONGEST {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    Some(Parts {
        head: serde_json::from_slice(&decoded(head)?).ok()?,
        claims: serde_json::from_slice(&decoded(claims)?).ok()?,
        signed,
        signature: decoded(signature)?,
    })
}

/// None when no key of that name is known.
fn is_signed(parts: &Parts<'_>, keys: &CoreJsonWebKeySet) -> Option<bool> {
    if !ALGORITHMS.contains(&parts.head.alg) {
        return Some(false);
    }
    let named = |key: &&openidconnect::core::CoreJsonWebKey| match &parts.head.kid {
        Some(kid) => key.key_id().is_some_and(|id| id.as_str() == kid),
        None => true,
    };
    let keys: Vec<_> = keys.keys().iter().filter(named).collect();
    if keys.is_empty() {
        return None;
    }
    Some(keys.iter().any(|key| key.verify_signature(&parts.head.alg, parts.signed.as_bytes(), &parts.signature).is_ok()))
}

/// What a logout token says, after section 2.6 was gone through. That it counts once is the caller's care.
pub(super) async fn read(line: &Line<'_>, token: &str) -> Result<SignedOut, Trouble> {
    let unread = || Trouble::untrusted("The logout token cannot be read.");
    if !line.provider.kind().has_id_tokens() {
        return Err(unread());
    }
    let parts = parts(token).ok_or_else(unread)?;
    let mut known = line.memory.of(line, false).await?;
    let mut signed = is_signed(&parts, &known.keys);
    if signed.is_none() {
        known = line.memory.of(line, true).await?;
        signed = is_signed(&parts, &known.keys);
    }
    if signed != Some(true) {
        return Err(Trouble::untrusted("The signature of the logout token is wrong, or with a key that the provider does not publish."));
    }
    let claims = &parts.claims;
    let tenant = if known.metadata.is_for_many() { text(claims, "tid").to_ascii_lowercase() } else { String::new() };
    if text(claims, "iss") != known.metadata.issuer_for(&tenant) {
        return Err(Trouble::untrusted("The logout token is of another issuer (iss)."));
    }
    let is_ours = |value: &Value| value.as_str() == Some(line.provider.client_id.as_str());
    let ours = match claims.get("aud") {
        Some(Value::Array(values)) => values.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if !ours {
        return Err(Trouble::untrusted("The logout token is for another client (aud)."));
    }
    if !is_timely(line, claims) {
        return Err(Trouble::untrusted("The logout token is over, or of the future: look at the clocks."));
    }
    if !claims.get("events").is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object)) || claims.contains_key("nonce") {
        return Err(Trouble::untrusted("The token is no logout token (events, nonce)."));
    }
    let (subject, session, name) = (text(claims, "sub"), text(claims, "sid"), text(claims, "jti"));
    if name.is_empty() || (subject.is_empty() && session.is_empty()) {
        return Err(Trouble::untrusted("The logout token says not whom it is about, or has no name (sub, sid, jti)."));
    }
    Ok(SignedOut { subject, tenant, session, token: name })
}

fn is_timely(line: &Line<'_>, claims: &Map<String, Value>) -> bool {
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let at = |instant: crate::db::Instant| instant.date_time().unix_timestamp();
    let Some(issued) = seconds("iat") else { return false };
    let ends = seconds("exp").unwrap_or(issued + OLDEST.whole_seconds());
    issued <= at(line.now.plus(SKEW)) && ends > at(line.now.minus(SKEW)) && issued > at(line.now.minus(OLDEST + SKEW))
}

/// How long a token must be remembered that counted.
pub fn remembered() -> time::Duration {
    OLDEST + SKEW + SKEW
}
