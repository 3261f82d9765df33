//! The authorization code flow of OpenID Connect Core 1.0 with PKCE: leaving, coming back, and what an ID token must be to be believed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, EndpointNotSet, EndpointSet, IssuerUrl, Nonce,
    NonceVerifier, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse, TokenUrl,
    core::{
        CoreClient, CoreErrorResponseType, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm as Alg,
        CoreTokenResponse,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    Arrived, Grant, Line, Trouble, What,
    discovery::{Known, Metadata},
    net::{self, NotSent},
};
use crate::{
    auth::links::new_token,
    groups::{self, Reported},
    providers::Kind,
};

/// How far the clocks may be apart.
pub(super) const SKEW: time::Duration = time::Duration::seconds(60);

/// What a browser takes along, and what stays here until it is back.
/// `Debug` is left out on purpose.
#[derive(Clone, Serialize, Deserialize)]
pub struct Leaving {
    #[serde(skip)]
    pub state: String,
    nonce: String,
    /// PKCE.
    pub(super) verifier: String,
    /// The person is to prove anew who they are.
    fresh: bool,
}

/// 130 of the 260 random bits of two would do (RFC 7636, section 4.1: 43 characters at least).
impl Leaving {
    pub fn new(fresh: bool) -> Self {
        Self { state: new_token(), nonce: new_token(), verifier: new_token(), fresh }
    }

    pub(super) fn challenge(&self) -> PkceCodeChallenge {
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(self.verifier.clone()))
    }
}

/// What the browser came back with.
pub struct Returned {
    pub code: String,
    /// RFC 9207.
    pub iss: Option<String>,
}

pub(super) fn leave(line: &Line<'_>, metadata: &Metadata, leaving: &Leaving) -> Result<String, Trouble> {
    let mut url = Url::parse(&metadata.authorization_endpoint).map_err(|_| Trouble::away("The authorization endpoint is no address."))?;
    let challenge = leaving.challenge();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &line.provider.client_id)
        .append_pair("redirect_uri", &line.redirect)
        .append_pair("scope", &line.provider.scopes)
        .append_pair("state", &leaving.state)
        .append_pair("nonce", &leaving.nonce)
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", challenge.method().as_str());
    if leaving.fresh {
        url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
    } else if line.provider.kind() == Kind::Oidc && line.provider.scopes.split(' ').any(|scope| scope == "offline_access") {
        // Without being asked for consent nobody is given a refresh token (section 11); the providers known by name are less strict.
        url.query_pairs_mut().append_pair("prompt", "consent");
    }
    Ok(url.into())
}

pub(super) async fn arrive(line: &Line<'_>, leaving: &Leaving, returned: &Returned) -> Result<Arrived, Trouble> {
    let mut known = line.memory.of(line, false).await?;
    check_iss(&known.metadata, returned)?;
    let token = exchange(line, &known.metadata.token_endpoint, auth_type(&known.metadata), leaving, returned).await?;
    let Some(id_token) = token.id_token() else {
        return Err(Trouble::untrusted("The provider answered without an ID token."));
    };
    let mut claims = verified(line, &mut known, id_token, Some(leaving)).await?;
    complete(line, &known.metadata, &mut claims, token_text(&token)).await?;
    Ok(Arrived { grant: grant(&token), ..arrived(line, &claims)? })
}

/// Who somebody is by now, by a refresh token (OpenID Connect Core, section 12): of a new ID token, or else of the userinfo endpoint.
pub(super) async fn look_again(line: &Line<'_>, old: &Grant) -> Result<Arrived, Trouble> {
    let mut known = line.memory.of(line, false).await?;
    let metadata = known.metadata.clone();
    let client = client(line, &metadata.token_endpoint, auth_type(&metadata))?;
    let refreshed = client.exchange_refresh_token(&RefreshToken::new(old.token().to_owned())).request_async(&net::send).await;
    let token = refreshed.map_err(|error| in_vain(error, "does not take the refresh token", "The refresh token cannot be used"))?;
    let mut claims = match token.id_token() {
        Some(id_token) => verified(line, &mut known, id_token, None).await?,
        None => Map::new(),
    };
    if claims.is_empty() {
        let endpoint = metadata.userinfo_endpoint.as_ref();
        let endpoint =
            endpoint.ok_or_else(|| Trouble::away("The answer to a refresh token has no ID token, and there is no userinfo endpoint."))?;
        claims = net::json("The userinfo endpoint", endpoint, Some(token_text(&token))).await?;
    } else {
        complete(line, &metadata, &mut claims, token_text(&token)).await?;
    }
    Ok(Arrived { grant: grant(&token).or_else(|| Some(old.clone())), ..arrived(line, &claims)? })
}

fn grant(token: &CoreTokenResponse) -> Option<Grant> {
    use openidconnect::OAuth2TokenResponse as _;
    token.refresh_token().map(|token| Grant::new(token.secret()))
}

/// The claims of an ID token; the keys are fetched once more when it is signed with one that is not known.
async fn verified(
    line: &Line<'_>,
    known: &mut Known,
    id_token: &CoreIdToken,
    leaving: Option<&Leaving>,
) -> Result<Map<String, Value>, Trouble> {
    let mut verified = verify(line, &known.metadata, &known.keys, id_token, leaving);
    if matches!(verified, Err(Wrong::Key)) {
        *known = line.memory.of(line, true).await?;
        verified = verify(line, &known.metadata, &known.keys, id_token, leaving);
    }
    verified.map_err(|wrong| {
        Trouble::untrusted(match wrong {
            Wrong::Key => "The ID token is signed with a key that the provider does not publish.".to_owned(),
            Wrong::Other(why) => why,
        })
    })
}

fn token_text(token: &CoreTokenResponse) -> &str {
    use openidconnect::OAuth2TokenResponse as _;
    token.access_token().secret()
}

/// A provider that was mixed up with another says so (RFC 9207, section 2.4).
fn check_iss(metadata: &Metadata, returned: &Returned) -> Result<(), Trouble> {
    match &returned.iss {
        Some(iss) if *iss != metadata.issuer && !metadata.is_for_many() => {
            Err(Trouble::untrusted("The answer names another issuer (iss) than this provider’s."))
        }
        None if metadata.authorization_response_iss_parameter_supported => {
            Err(Trouble::untrusted("The answer names no issuer (iss), and this provider says that it always does."))
        }
        _ => Ok(()),
    }
}

/// How the client proves itself. Some providers take its secret in no other way.
pub(super) fn auth_type(metadata: &Metadata) -> AuthType {
    let says = |method: &str| metadata.token_endpoint_auth_methods_supported.iter().flatten().any(|known| known == method);
    // Without a word it is basic (Discovery, section 3).
    if says("client_secret_post") && !says("client_secret_basic") { AuthType::RequestBody } else { AuthType::BasicAuth }
}

type Client = openidconnect::core::CoreClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointNotSet>;

fn client(line: &Line<'_>, endpoint: &str, auth: AuthType) -> Result<Client, Trouble> {
    let wrong = |_| Trouble::away("An endpoint is no address.");
    let issuer = IssuerUrl::new(line.provider.issuer.clone()).map_err(wrong)?;
    Ok(CoreClient::new(ClientId::new(line.provider.client_id.clone()), issuer, CoreJsonWebKeySet::new(Vec::new()))
        .set_client_secret(ClientSecret::new(line.secret.clone()))
        .set_auth_type(auth)
        .set_redirect_uri(RedirectUrl::new(line.redirect.clone()).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(endpoint.to_owned()).map_err(wrong)?))
}

/// The code for a token, once.
pub(super) async fn exchange(
    line: &Line<'_>,
    endpoint: &str,
    auth: AuthType,
    leaving: &Leaving,
    returned: &Returned,
) -> Result<CoreTokenResponse, Trouble> {
    let exchanged = client(line, endpoint, auth)?
        .exchange_code(AuthorizationCode::new(returned.code.clone()))
        .set_pkce_verifier(PkceCodeVerifier::new(leaving.verifier.clone()))
        .request_async(&net::send)
        .await;
    exchanged.map_err(|error| match in_vain(error, "does not exchange the code", "The code cannot be exchanged") {
        // A code is over soon, and refused a second time; that says nothing of the person.
        Trouble { what: What::Denied, why, .. } => Trouble::untrusted(why),
        other => other,
    })
}

/// A token of the client's own (RFC 6749, section 4.4), and for how many seconds it counts.
pub(super) async fn own_token(
    line: &Line<'_>,
    endpoint: &str,
    metadata: &Metadata,
    scope: Option<String>,
) -> Result<(String, i64), Trouble> {
    use openidconnect::OAuth2TokenResponse as _;
    let client = client(line, endpoint, auth_type(metadata))?;
    let mut request = client.exchange_client_credentials();
    if let Some(scope) = scope {
        request = request.add_scope(Scope::new(scope));
    }
    let token = request.request_async(&net::send).await.map_err(|error| {
        let trouble = in_vain(error, "gives no token for its directory", "No token for the directory can be got");
        Trouble { what: if trouble.what == What::Away { What::Away } else { What::Misconfigured }, ..trouble }
    })?;
    let seconds = token.expires_in().map_or(300, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    Ok((token.access_token().secret().clone(), seconds))
}

/// Why the token endpoint gave no token. What it answered may hold tokens, and is left out.
pub(super) fn in_vain(
    error: RequestTokenError<NotSent, openidconnect::StandardErrorResponse<CoreErrorResponseType>>,
    refused: &str,
    not_sent: &str,
) -> Trouble {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            let code: String = answer.error().as_ref().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            let what = match code.as_str() {
                "invalid_client" => What::Misconfigured,
                "invalid_grant" => What::Denied,
                _ => What::Untrusted,
            };
            Trouble::new(what, format!("The provider {refused}: {code}."))
        }
        RequestTokenError::Request(why) => Trouble::away(format!("{not_sent}: {why}")),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Trouble::untrusted(format!("{not_sent}: the provider’s answer is not what it should be."))
        }
    }
}

enum Wrong {
    /// No key of that name is known.
    Key,
    Other(String),
}

/// Signatures that are taken: none made with the client's secret, which is no key.
pub(super) const ALGORITHMS: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

/// The claims of an ID token, after its signature, issuer, audience, nonce and times were checked.
fn verify(
    line: &Line<'_>,
    metadata: &Metadata,
    keys: &CoreJsonWebKeySet,
    token: &CoreIdToken,
    leaving: Option<&Leaving>,
) -> Result<Map<String, Value>, Wrong> {
    let claims = payload(token).ok_or_else(|| Wrong::Other("The ID token cannot be read.".to_owned()))?;
    let tenant = text(&claims, "tid").to_ascii_lowercase();
    if metadata.is_for_many() && !line.provider.allowed_tenants().contains(&tenant) {
        // Whose keys sign for all of them, it may say of any.
        return Err(Wrong::Other("The account’s tenant is not among those that are allowed.".to_owned()));
    }
    let issuer = IssuerUrl::new(metadata.issuer_for(&tenant)).map_err(|_| Wrong::Other("The issuer is no address.".to_owned()))?;
    let at = |instant: crate::db::Instant| chrono::DateTime::from_timestamp(instant.date_time().unix_timestamp(), 0).unwrap_or_default();
    let (earliest, latest) = (at(line.now.minus(SKEW)), at(line.now.plus(SKEW)));
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new(line.provider.client_id.clone()), issuer, keys.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || earliest)
        .set_issue_time_verifier_fn(move |issued| if issued <= latest { Ok(()) } else { Err("issued in the future".to_owned()) });
    // What was asked for by a refresh token belongs to no browser's sign-in.
    let nonce = |told: Option<&Nonce>| match leaving {
        Some(leaving) => NonceVerifier::verify(&Nonce::new(leaving.nonce.clone()), told),
        None => Ok(()),
    };
    token.claims(&verifier, nonce).map_err(|error| match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => Wrong::Key,
        other => Wrong::Other(in_words(&other).to_owned()),
    })?;
    let party = text(&claims, "azp");
    if !party.is_empty() && party != line.provider.client_id {
        return Err(Wrong::Other("The ID token is for another client (azp).".to_owned()));
    }
    Ok(claims)
}

/// Without what the token holds.
fn in_words(error: &ClaimsVerificationError) -> &'static str {
    match error {
        ClaimsVerificationError::Expired(_) => "The ID token has expired, or was issued in the future: look at the clocks.",
        ClaimsVerificationError::InvalidAudience(_) => "The ID token is for another client (aud).",
        ClaimsVerificationError::InvalidIssuer(_) => "The ID token is of another issuer (iss).",
        ClaimsVerificationError::InvalidNonce(_) => "The ID token was not made for this sign-in (nonce).",
        ClaimsVerificationError::SignatureVerification(_) => "The signature of the ID token is wrong, or of a kind that is not taken.",
        _ => "The ID token is not what it should be.",
    }
}

fn payload(token: &CoreIdToken) -> Option<Map<String, Value>> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

pub(super) fn text(claims: &Map<String, Value>, name: &str) -> String {
    claims.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

/// What the userinfo endpoint is asked for. Who it is, in which tenant and session, and since when, a signed token alone says.
const DESCRIBING: [&str; 4] = ["email", "email_verified", "given_name", "family_name"];

/// What the ID token left out, from the userinfo endpoint: of the same subject, or it is somebody else's.
async fn complete(line: &Line<'_>, metadata: &Metadata, claims: &mut Map<String, Value>, token: &str) -> Result<(), Trouble> {
    let provider = line.provider;
    let wanted = [&provider.email_claim, &provider.groups_claim];
    let missing = wanted.iter().any(|name| !name.is_empty() && !claims.contains_key(name.as_str()));
    let Some(endpoint) = metadata.userinfo_endpoint.as_ref().filter(|_| missing) else { return Ok(()) };
    let mut more: Map<String, Value> = net::json("The userinfo endpoint", endpoint, Some(token)).await?;
    if text(&more, "sub") != text(claims, "sub") {
        return Err(Trouble::untrusted("The userinfo endpoint speaks of somebody else (sub)."));
    }
    // An address is verified where it is told: what is said here of another one says nothing of that in the token.
    if claims.get("email").is_some_and(|told| more.get("email") != Some(told)) {
        more.remove("email_verified");
    }
    let described = [provider.email_claim.as_str(), provider.name_claim.as_str(), provider.groups_claim.as_str()];
    more.retain(|name, _| DESCRIBING.contains(&name.as_str()) || described.contains(&name.as_str()));
    for (name, value) in more {
        claims.entry(name).or_insert(value);
    }
    Ok(())
}

fn arrived(line: &Line<'_>, claims: &Map<String, Value>) -> Result<Arrived, Trouble> {
    let provider = line.provider;
    let is_entra = provider.kind() == Kind::Entra;
    let is_short = |text: &String| text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    let tenant = if is_entra { text(claims, "tid").to_ascii_lowercase() } else { String::new() };
    // Of Entra's two the object's is the same for every client, and stays when this one is registered anew.
    let object = if is_entra { text(claims, "oid") } else { String::new() };
    let subject = if object.is_empty() { text(claims, "sub") } else { object };
    if subject.is_empty() || !is_short(&subject) || !is_short(&tenant) {
        return Err(Trouble::untrusted("The ID token says not who it is about (sub)."));
    }
    let email = text(claims, &provider.email_claim);
    let is_true = |value: &Value| value.as_bool().unwrap_or(value.as_str() == Some("true"));
    let verified = claims.get("email_verified").is_some_and(is_true) && email == text(claims, "email");
    let verified = verified && (provider.kind() != Kind::Google || is_googles(claims, &email));
    let (first_name, last_name) = names(claims, &provider.name_claim);
    let groups = (!provider.groups_claim.is_empty()).then(|| claims.get(&provider.groups_claim).map(values)).flatten();
    let left_out = is_entra && is_left_out(claims, &provider.groups_claim);
    Ok(Arrived {
        vouched: !email.is_empty() && (verified || provider.trusts_email || (is_entra && is_tenants(provider, claims, &tenant))),
        tenant,
        subject,
        email,
        first_name: shortened(&first_name),
        last_name: shortened(&last_name),
        groups: if left_out { None } else { groups },
        left_out,
        roles: claims.get("roles").map(values).into_iter().flatten().map(|role| role.external_id).collect(),
        unread: None,
        grant: None,
        session: Some(text(claims, "sid")).filter(is_short).unwrap_or_default(),
        auth_time: claims.get("auth_time").and_then(Value::as_i64),
    })
}

/// Whether Entra says that there are too many groups for a token, and where else they are: there it has a service that is gone by now, so
/// Microsoft Graph is asked instead.
fn is_left_out(claims: &Map<String, Value>, groups_claim: &str) -> bool {
    let named = claims.get("_claim_names").and_then(Value::as_object).is_some_and(|names| names.contains_key(groups_claim));
    named || claims.get("hasgroups").is_some_and(|value| value.as_bool().unwrap_or(value.as_str() == Some("true")))
}

/// Characters of a subject (OpenID Connect Core, section 2), and of what else is short.
const LONGEST: usize = 255;

/// As much of a name as anybody's may have, and more: whoever has a longer one is asked.
pub(super) fn shortened(name: &str) -> String {
    name.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

/// Whether Google answers for an address: it is its own, or of an organisation that it keeps the mail of. Of another one it has once seen
/// that the account's owner read its mail, whoever does by now.
fn is_googles(claims: &Map<String, Value>, email: &str) -> bool {
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase();
    matches!(domain.as_str(), "gmail.com" | "googlemail.com") || !text(claims, "hd").is_empty()
}

/// Whether a listed tenant answers for an address: not when Entra says that the domain is none of the tenant's (xms_edov).
fn is_tenants(provider: &crate::providers::Provider, claims: &Map<String, Value>, tenant: &str) -> bool {
    let is_false =
        |value: &Value| matches!(value, Value::Bool(false)) || value.as_i64() == Some(0) || matches!(value.as_str(), Some("false" | "0"));
    provider.allowed_tenants().iter().any(|known| known == tenant) && !claims.get("xms_edov").is_some_and(is_false)
}

fn values(claim: &Value) -> Vec<Reported> {
    let of = |value: &str| Reported { external_id: value.to_owned(), name: value.to_owned() };
    match claim {
        Value::Array(values) => values.iter().filter_map(Value::as_str).take(groups::MOST_REPORTED).map(of).collect(),
        Value::String(one) => vec![of(one)],
        _ => Vec::new(),
    }
}

fn names(claims: &Map<String, Value>, name_claim: &str) -> (String, String) {
    let (first, last) = (text(claims, "given_name"), text(claims, "family_name"));
    if first.is_empty() && last.is_empty() { split(&text(claims, name_claim)) } else { (first, last) }
}

/// A whole name in two.
pub(super) fn split(name: &str) -> (String, String) {
    let (first, last) = name.trim().rsplit_once(char::is_whitespace).unwrap_or((name.trim(), ""));
    (first.trim().to_owned(), last.to_owned())
}
