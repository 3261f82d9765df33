//! What a provider says of itself, and its keys: fetched when they are first needed, kept for some minutes, and the keys once more when a
//! token is signed with one that is not known.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use openidconnect::{JsonWebKey, core::CoreJsonWebKeySet};
use serde::Deserialize;

use super::{Line, Trouble, What, net};
use crate::{db::Instant, ids::ProviderId, providers::form::endpoint};

/// How long one is not asked again that did not answer as it should.
const IN_VAIN: std::time::Duration = std::time::Duration::from_secs(5);
/// Refusals of one provider that are told in so many seconds.
const TOLD: u32 = 200;
const TOLD_FOR: i64 = 600;
/// Keys that a provider may publish; they have a few.
const MOST_KEYS: usize = 100;
/// How long it is believed.
const KEPT: time::Duration = time::Duration::minutes(5);
/// Tokens with unknown keys make nobody fetch keys more often.
const AGAIN: time::Duration = time::Duration::seconds(30);

/// The metadata (OpenID Connect Discovery 1.0, section 3), as much of it as is needed.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Entra's issuer for several tenants has this in place of the tenant.
const TENANT: &str = "{tenantid}";

impl Metadata {
    pub(super) fn is_for_many(&self) -> bool {
        self.issuer.contains(TENANT)
    }

    /// The issuer of a token of this tenant.
    pub(super) fn issuer_for(&self, tenant: &str) -> String {
        self.issuer.replace(TENANT, tenant)
    }

    /// Whether it is the document of the issuer that was configured.
    pub(super) fn is_of(&self, issuer: &str) -> bool {
        let segment = issuer.splitn(4, '/').nth(3).and_then(|path| path.split('/').next()).unwrap_or_default();
        self.issuer == issuer || (self.is_for_many() && self.issuer_for(segment) == issuer)
    }

    /// The first endpoint that cannot be used. A provider elsewhere leads to nothing on this machine.
    pub(super) fn wrong_endpoint(&self, issuer: &str) -> Option<String> {
        let is_local = issuer.starts_with("http://");
        let endpoint = |url: &str| match endpoint(url) {
            Ok(url) if url.scheme() == "http" && !is_local => Err("The address must begin with https://."),
            other => other,
        };
        let needed = [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("jwks_uri", &self.jwks_uri),
        ];
        let others = [("userinfo_endpoint", &self.userinfo_endpoint), ("end_session_endpoint", &self.end_session_endpoint)];
        let others = others.iter().filter_map(|(name, url)| url.as_ref().map(|url| (*name, url)));
        needed.into_iter().chain(others).find_map(|(name, url)| endpoint(url).err().map(|why| format!("{name}: {why}")))
    }
}

pub(super) fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

pub(super) async fn metadata(issuer: &str) -> Result<Metadata, Trouble> {
    net::json("The discovery document", &address(issuer), None).await
}

pub(super) async fn keys(metadata: &Metadata) -> Result<CoreJsonWebKeySet, Trouble> {
    let keys: CoreJsonWebKeySet = net::json("The signing keys", &metadata.jwks_uri, None).await?;
    if !keys.keys().iter().any(|key| key.key_use().is_none_or(|usage| *usage == openidconnect::core::CoreJsonWebKeyUse::Signature)) {
        return Err(Trouble::away("The signing keys: none of them can be used here (RSA, P-256, P-384 or Ed25519)."));
    }
    if keys.keys().len() > MOST_KEYS {
        return Err(Trouble::away(format!("The signing keys: there are more than {MOST_KEYS}.")));
    }
    Ok(keys)
}

async fn learned(line: &Line<'_>) -> Result<Known, Trouble> {
    let metadata = metadata(&line.provider.issuer).await?;
    if !metadata.is_of(&line.provider.issuer) {
        return Err(Trouble::untrusted("The discovery document names another issuer than the one that is set here."));
    }
    if let Some(why) = metadata.wrong_endpoint(&line.provider.issuer) {
        return Err(Trouble::untrusted(format!("The discovery document has an endpoint that cannot be used. {why}")));
    }
    let keys = keys(&metadata).await?;
    let (version, metadata, keys) = (line.provider.version, Arc::new(metadata), Arc::new(keys));
    Ok(Known { version, metadata, keys, at: line.now, keys_again_at: None })
}

/// What is known of a provider at one of its versions.
#[derive(Clone)]
pub(super) struct Known {
    version: i64,
    pub metadata: Arc<Metadata>,
    pub keys: Arc<CoreJsonWebKeySet>,
    at: Instant,
    keys_again_at: Option<Instant>,
}

/// That a provider, at one of its versions, was asked in vain, and what came of it.
struct InVain {
    version: i64,
    at: Instant,
    /// When the answer came, or did not: asking takes its time.
    ended: std::time::Instant,
    what: What,
    why: String,
}

/// What is known of a provider, or why nothing is.
#[derive(Default)]
struct Place {
    known: Option<Known>,
    in_vain: Option<InVain>,
    /// Whoever asks it now: others wait for the answer.
    asking: Arc<tokio::sync::Mutex<()>>,
    /// Refusals that were told, in which stretch of time.
    told: (i64, u32),
    /// Tokens for the directory, by tenant.
    tokens: HashMap<String, DirectoryToken>,
}

/// What the directory is asked with; `Debug` is left out on purpose.
#[derive(Clone)]
pub(super) struct DirectoryToken {
    pub version: i64,
    pub token: String,
    pub until: Instant,
}

/// What providers said lately.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<ProviderId, Place>>);

impl Memory {
    fn at<T>(&self, provider: ProviderId, look: impl FnOnce(&mut Place) -> T) -> T {
        look(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(provider).or_default())
    }

    fn kept(&self, line: &Line<'_>) -> Result<Option<Known>, Trouble> {
        let (version, now) = (line.provider.version, line.now);
        self.at(line.provider.id, |place| match (&place.known, &place.in_vain) {
            (Some(known), _) if known.version == version && now.since(known.at).abs() < KEPT => Ok(Some(known.clone())),
            (_, Some(vain)) if vain.version == version && now.since(vain.at).abs() < AGAIN && vain.ended.elapsed() < IN_VAIN => {
                Err(Trouble::new(vain.what, vain.why.clone()))
            }
            _ => Ok(None),
        })
    }

    /// Keeps what came of asking.
    fn keep(&self, line: &Line<'_>, asked: Result<Known, Trouble>) -> Result<Known, Trouble> {
        self.at(line.provider.id, |place| match &asked {
            Ok(known) => (place.known, place.in_vain) = (Some(known.clone()), None),
            Err(Trouble { what, why, .. }) => {
                let (version, at, ended) = (line.provider.version, line.now, std::time::Instant::now());
                place.in_vain = Some(InVain { version, at, ended, what: *what, why: why.clone() });
            }
        });
        asked
    }

    /// Whether one more refusal is told to administrators: whoever is refused for ever must not fill the audit log. `Some(true)` for the last
    /// one in this stretch of time.
    pub fn tells(&self, provider: ProviderId, now: Instant) -> Option<bool> {
        let stretch = now.date_time().unix_timestamp().div_euclid(TOLD_FOR);
        self.at(provider, |place| {
            if place.told.0 != stretch {
                place.told = (stretch, 0);
            }
            place.told.1 = place.told.1.saturating_add(1);
            (place.told.1 <= TOLD).then_some(place.told.1 == TOLD)
        })
    }

    /// What is known; with `again` the keys are fetched once more, unless that was done a moment ago.
    pub(super) async fn of(&self, line: &Line<'_>, again: bool) -> Result<Known, Trouble> {
        let of = |known: &Known| !again || known.keys_again_at.is_some_and(|at| line.now.since(at).abs() < AGAIN);
        if let Some(known) = self.kept(line)?.filter(of) {
            return Ok(known);
        }
        // A thousand who come at once ask once.
        let asking = self.at(line.provider.id, |place| place.asking.clone());
        let waited = tokio::time::timeout(net::IN_ALL, asking.lock()).await;
        let _asking = waited.map_err(|_| Trouble::away("Too many wait for the provider’s answer."))?;
        match self.kept(line)? {
            Some(known) if of(&known) => Ok(known),
            Some(known) => {
                // Also when they cannot be fetched it was tried.
                let tried = Known { keys_again_at: Some(line.now), ..known.clone() };
                self.keep(line, Ok(tried))?;
                let keys = Arc::new(keys(&known.metadata).await?);
                self.keep(line, Ok(Known { keys, keys_again_at: Some(line.now), ..known }))
            }
            None => self.keep(line, learned(line).await),
        }
    }

    pub(super) fn token(&self, line: &Line<'_>, tenant: &str) -> Option<String> {
        self.at(line.provider.id, |place| {
            let kept = place.tokens.get(tenant).filter(|kept| kept.version == line.provider.version && kept.until > line.now);
            kept.map(|kept| kept.token.clone())
        })
    }

    /// Keeps a token, or none.
    pub(super) fn keep_token(&self, line: &Line<'_>, tenant: &str, token: Option<DirectoryToken>) {
        self.at(line.provider.id, |place| match token {
            Some(token) => place.tokens.insert(tenant.to_owned(), token),
            None => place.tokens.remove(tenant),
        });
    }

    /// Forgets what a test, or an edit, makes stale.
    pub fn forget(&self, provider: ProviderId) {
        self.at(provider, |place| {
            (place.known, place.in_vain) = (None, None);
            place.tokens.clear();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_elsewhere_leads_to_nothing_on_this_machine() {
        let of = |token_endpoint: &str| Metadata {
            issuer: String::new(),
            authorization_endpoint: "https://login.example/authorize".to_owned(),
            token_endpoint: token_endpoint.to_owned(),
            jwks_uri: "https://login.example/keys".to_owned(),
            userinfo_endpoint: None,
            end_session_endpoint: None,
            token_endpoint_auth_methods_supported: None,
            authorization_response_iss_parameter_supported: false,
        };
        let local = of("http://127.0.0.1:9000/token");
        assert!(local.wrong_endpoint("https://login.example").is_some_and(|why| why.contains("token_endpoint")));
        assert_eq!(local.wrong_endpoint("http://127.0.0.1:9000"), None);
        assert_eq!(of("https://login.example/token").wrong_endpoint("https://login.example"), None);
    }
}
