//! What a provider says of itself, and its keys: fetched when they are first needed, kept for some minutes, and the keys once more when a
//! token is signed with one that is not known.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use openidconnect::{JsonWebKey, core::CoreJsonWebKeySet};
use serde::Deserialize;

use super::{Line, Trouble, net};
use crate::{db::Instant, ids::ProviderId, providers::form::endpoint};

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

    /// The first endpoint that cannot be used.
    pub(super) fn wrong_endpoint(&self) -> Option<String> {
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
    Ok(keys)
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

/// What providers said lately.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<ProviderId, Known>>);

impl Memory {
    fn kept(&self, line: &Line<'_>) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&line.provider.id)
            .filter(|known| known.version == line.provider.version && line.now.since(known.at).abs() < KEPT)
            .cloned()
    }

    fn keep(&self, line: &Line<'_>, known: Known) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(line.provider.id, known.clone());
        known
    }

    /// What is known; with `again` the keys are fetched once more, unless that was done a moment ago.
    pub(super) async fn of(&self, line: &Line<'_>, again: bool) -> Result<Known, Trouble> {
        let Some(known) = self.kept(line) else {
            let metadata = metadata(&line.provider.issuer).await?;
            if !metadata.is_of(&line.provider.issuer) {
                return Err(Trouble::untrusted("The discovery document names another issuer than the one that is set here."));
            }
            if let Some(why) = metadata.wrong_endpoint() {
                return Err(Trouble::untrusted(format!("The discovery document has an endpoint that cannot be used. {why}")));
            }
            let keys = keys(&metadata).await?;
            let known = Known {
                version: line.provider.version,
                metadata: Arc::new(metadata),
                keys: Arc::new(keys),
                at: line.now,
                keys_again_at: None,
            };
            return Ok(self.keep(line, known));
        };
        if !again || known.keys_again_at.is_some_and(|at| line.now.since(at).abs() < AGAIN) {
            return Ok(known);
        }
        let keys = Arc::new(keys(&known.metadata).await?);
        Ok(self.keep(line, Known { keys, keys_again_at: Some(line.now), ..known }))
    }

    /// Forgets what a test, or an edit, makes stale.
    pub fn forget(&self, provider: ProviderId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&provider);
    }
}
