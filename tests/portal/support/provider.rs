//! An identity provider of the tests' own: OpenID Connect and GitHub's way, on loopback, with keys of its own. It can be told to misbehave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Browser, Portal, Reply, directory::Directory};

pub const CLIENT: &str = "portico at contoso";
/// With what is escaped in a header.
pub const SECRET: &str = "s3cret/+ %:x";

/// A signing key, and how it is called.
struct SigningKey {
    pair: EcdsaKeyPair,
    kid: String,
}

impl SigningKey {
    fn new(kid: &str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        Self { pair: EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).expect("a key"), kid: kid.to_owned() }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": part(1..33), "y": part(33..65) })
    }

    fn sign(&self, claims: &Value) -> String {
        let head = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&head), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).expect("a signature");
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

/// What a code was given out for.
struct Given {
    nonce: String,
    challenge: String,
    redirect: String,
    /// Whoever signs in is asked anew.
    fresh: bool,
}

/// What it does, and does wrong.
#[derive(Clone)]
pub struct Manners {
    /// Of the person who signs in; they go over the usual ones of an ID token, and null leaves one out.
    pub claims: Value,
    /// What the userinfo endpoint says besides; none: there is no such endpoint.
    pub userinfo: Option<Value>,
    /// Refuses with this error instead of a code.
    pub refuses: Option<&'static str>,
    /// The answer names this issuer; empty: none.
    pub iss: Option<String>,
    /// Its own issuer in the discovery document.
    pub issuer: Option<String>,
    /// The published keys lack the one that signs.
    pub hides_key: bool,
    /// Every answer is 500.
    pub is_down: bool,
    /// Of the key endpoint alone.
    pub keys_down: bool,
    /// The signature is another text's.
    pub forges: bool,
    /// Signs otherwise: not at all (`none`), or with the client's secret (`HS256`).
    pub alg: Option<&'static str>,
    pub teams: Value,
    /// Gives out refresh tokens, each for once.
    pub refreshes: bool,
    /// Takes no refresh token any more.
    pub revokes: bool,
    /// The answer to a refresh token has no ID token.
    pub without_id: bool,
    /// What the API of its directory knows.
    pub directory: Directory,
}

struct State {
    base: String,
    seconds: Box<dyn Fn() -> i64 + Send>,
    keys: Vec<SigningKey>,
    given: HashMap<String, Given>,
    refresh: Option<String>,
    manners: Manners,
    asked: Vec<String>,
}

#[derive(Clone)]
pub struct Provider {
    pub base: String,
    state: Arc<Mutex<State>>,
}

impl Provider {
    /// On the portal's clock, with Ida as whoever signs in.
    pub async fn start(portal: &Portal) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let seconds = portal.seconds.clone();
        let seconds = Box::new(move || super::START.unix_timestamp() + seconds.load(std::sync::atomic::Ordering::SeqCst));
        let claims =
            json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": true, "given_name": "Ida", "family_name": "Kjær" });
        let manners = Manners {
            claims,
            userinfo: None,
            refuses: None,
            iss: None,
            issuer: None,
            hides_key: false,
            is_down: false,
            keys_down: false,
            forges: false,
            alg: None,
            teams: json!([]),
            refreshes: false,
            revokes: false,
            without_id: false,
            directory: Directory::default(),
        };
        let state = State {
            base: base.clone(),
            seconds,
            keys: vec![SigningKey::new("first")],
            given: HashMap::new(),
            refresh: None,
            manners,
            asked: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let shared = web::Data::from(Arc::new(Provider { base: base.clone(), state: state.clone() }));
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .expect("a server")
            .run();
        tokio::spawn(server);
        Self { base, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a lock")
    }

    pub fn set(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.state().manners);
    }

    /// Claims over those that there are.
    pub fn says(&self, claims: Value) {
        let mut state = self.state();
        let known = state.manners.claims.as_object_mut().expect("claims");
        known.extend(claims.as_object().expect("claims").clone());
    }

    /// A new key signs from now on, and the old ones are no longer published.
    pub fn rotate(&self, kid: &str) {
        self.state().keys = vec![SigningKey::new(kid)];
    }

    /// How often a path was asked.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == path).count()
    }

    /// A token of its own for this portal, with these claims over the usual ones.
    pub fn sign(&self, claims: &Value) -> String {
        self.state().keys[0].sign(claims)
    }

    /// The form that adds it, over which fields may be typed.
    pub fn form(&self, typed: &[(&str, &str)]) -> Vec<(String, String)> {
        form_for(&self.base, typed)
    }

    /// Adds it to the portal; its name in addresses.
    pub async fn add(&self, admin: &Browser, typed: &[(&str, &str)]) -> String {
        let reply = post(admin, "/publisher/new/provider", &self.form(typed)).await;
        reply.is(303);
        reply.location().rsplit('/').next().expect("a name").to_owned()
    }

    /// Goes with a browser to the provider and back, as far as the address that the provider sends it to.
    pub async fn back(&self, browser: &Browser, path: &str, form: &[(&str, &str)]) -> String {
        let away = browser.post(path, form).await;
        away.is(303);
        self.through(away.location()).await
    }

    /// What the provider answers at its authorization endpoint: the path to come back to.
    pub async fn through(&self, location: &str) -> String {
        assert!(location.starts_with(&self.base), "{location}");
        let reply = Browser::new(&self.base).get(&location[self.base.len()..]).await;
        assert_eq!(reply.status, 302, "{}", reply.text);
        let back = url::Url::parse(reply.location()).expect("an address");
        format!("{}?{}", back.path(), back.query().unwrap_or_default())
    }

    /// A whole sign-in: what the portal answers to who comes back.
    pub async fn sign_in(&self, browser: &Browser, name: &str) -> Reply {
        let back = self.back(browser, &format!("/signin/{name}"), &[]).await;
        browser.get(&back).await
    }
}

/// The form that adds the provider of an issuer, over which fields may be typed.
pub fn form_for(issuer: &str, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut form: Vec<(String, String)> = [
        ("display_name", "Contoso"),
        ("kind", "oidc"),
        ("issuer", issuer),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scopes", "openid profile email"),
        ("email_claim", "email"),
        ("name_claim", "name"),
        ("enabled", "on"),
        ("new_people", "on"),
        ("password", super::PASSWORD),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    for (name, value) in typed {
        form.retain(|(known, _)| known != name);
        if !value.is_empty() {
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    form
}

/// What the client proves itself with.
pub fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", escaped(CLIENT), escaped(SECRET))))
}

pub async fn post(browser: &Browser, path: &str, form: &[(String, String)]) -> Reply {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &form).await
}

async fn answer(request: HttpRequest, body: web::Bytes, provider: web::Data<Provider>) -> HttpResponse {
    let mut state = provider.state();
    let path = request.path().to_owned();
    state.asked.push(path.clone());
    if state.manners.is_down || (state.manners.keys_down && path == "/keys") {
        return HttpResponse::InternalServerError().body("down");
    }
    let query: HashMap<String, String> = pairs(request.query_string().as_bytes());
    let form = pairs(&body);
    if let Some(reply) = state.manners.directory.answer(&request, &provider.base) {
        return reply;
    }
    match path.as_str() {
        path if path.ends_with("/.well-known/openid-configuration") => HttpResponse::Ok().json(state.discovery()),
        "/keys" => {
            let keys: Vec<Value> = state.keys.iter().filter(|_| !state.manners.hides_key).map(SigningKey::public).collect();
            let other = SigningKey::new("other").public();
            let odd = json!({ "kty": "XYZ", "kid": "odd" });
            let keys = [vec![odd, other], keys].concat();
            HttpResponse::Ok().json(json!({ "keys": keys }))
        }
        "/authorize" | "/login/oauth/authorize" => state.authorize(&query),
        "/token" => {
            let basic = request.headers().get("authorization").is_some_and(|value| value.as_bytes() == basic().as_bytes());
            let posted =
                form.get("client_id").is_some_and(|id| id == CLIENT) && form.get("client_secret").is_some_and(|secret| secret == SECRET);
            state.token(basic || posted, &form)
        }
        "/login/oauth/access_token" => {
            let posted =
                form.get("client_id").is_some_and(|id| id == CLIENT) && form.get("client_secret").is_some_and(|secret| secret == SECRET);
            match state.take(&form) {
                _ if !posted => HttpResponse::Ok().json(json!({ "error": "incorrect_client_credentials" })),
                None => HttpResponse::Ok().json(json!({ "error": "bad_verification_code" })),
                Some(_) => {
                    HttpResponse::Ok().json(json!({ "access_token": "gho_x", "token_type": "bearer", "scope": "read:user,user:email" }))
                }
            }
        }
        "/userinfo" | "/api/v3/user" => HttpResponse::Ok().json(state.manners.userinfo.clone().unwrap_or_default()),
        "/api/v3/user/emails" => HttpResponse::Ok().json(state.manners.claims.get("emails").cloned().unwrap_or(json!([]))),
        "/api/v3/user/teams" => HttpResponse::Ok().json(state.manners.teams.clone()),
        _ => HttpResponse::NotFound().body("nothing"),
    }
}

fn pairs(text: &[u8]) -> HashMap<String, String> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl State {
    fn issuer(&self) -> String {
        self.manners.issuer.clone().unwrap_or_else(|| self.base.clone())
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.base);
        let mut document = json!({
            "issuer": self.issuer(),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"),
            "end_session_endpoint": at("/logout"),
            "response_types_supported": ["code"],
        });
        if self.manners.userinfo.is_some() {
            document["userinfo_endpoint"] = at("/userinfo").into();
        }
        document
    }

    /// Whoever comes consents at once.
    fn authorize(&mut self, query: &HashMap<String, String>) -> HttpResponse {
        let get = |name: &str| query.get(name).cloned().unwrap_or_default();
        assert_eq!((get("client_id").as_str(), get("code_challenge_method").as_str()), (CLIENT, "S256"));
        let mut back = url::Url::parse(&get("redirect_uri")).expect("a redirect URL");
        back.query_pairs_mut().append_pair("state", &get("state"));
        match self.manners.refuses {
            Some(error) => {
                back.query_pairs_mut().append_pair("error", error).append_pair("error_description", "<b>s3cret</b>");
            }
            None => {
                let code = portico::ids::random_name(30);
                back.query_pairs_mut().append_pair("code", &code);
                let (nonce, challenge, redirect) = (get("nonce"), get("code_challenge"), get("redirect_uri"));
                self.given.insert(code, Given { nonce, challenge, redirect, fresh: query.contains_key("max_age") });
            }
        }
        if let Some(iss) = &self.manners.iss {
            back.query_pairs_mut().append_pair("iss", iss);
        }
        HttpResponse::Found().insert_header(("location", back.to_string())).finish()
    }

    /// What a code was given out for, once, to who can show the verifier.
    fn take(&mut self, form: &HashMap<String, String>) -> Option<Given> {
        let given = self.given.remove(form.get("code")?)?;
        let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier")?.as_bytes()));
        (shown == given.challenge && form.get("redirect_uri") == Some(&given.redirect)).then_some(given)
    }

    fn token(&mut self, is_client: bool, form: &HashMap<String, String>) -> HttpResponse {
        if !is_client {
            return HttpResponse::Unauthorized().json(json!({ "error": "invalid_client" }));
        }
        let now = (self.seconds)();
        let invalid = || HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
        let given = match form.get("grant_type").map(String::as_str) {
            Some("client_credentials") => {
                let scope = form.get("scope").cloned().unwrap_or_default();
                self.manners.directory.scopes.push(scope);
                return HttpResponse::Ok()
                    .json(json!({ "access_token": super::directory::TOKEN, "token_type": "Bearer", "expires_in": 3600 }));
            }
            Some("refresh_token")
                if self.manners.revokes || self.refresh.is_none() || form.get("refresh_token") != self.refresh.as_ref() =>
            {
                return invalid();
            }
            Some("refresh_token") => Given { nonce: String::new(), challenge: String::new(), redirect: String::new(), fresh: false },
            _ => match self.take(form) {
                Some(given) => given,
                None => return invalid(),
            },
        };
        let mut claims = json!({ "iss": self.issuer(), "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": given.nonce });
        if given.fresh {
            claims["auth_time"] = now.into();
        }
        let known: &mut Map<String, Value> = claims.as_object_mut().expect("claims");
        for (name, value) in self.manners.claims.as_object().expect("claims") {
            known.insert(name.clone(), value.clone());
        }
        known.retain(|_, value| !value.is_null());
        let mut token = self.keys[0].sign(&claims);
        if let Some(alg) = self.manners.alg {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            // A key of its own is in the head, too.
            let text =
                format!("{}.{}", part(&json!({ "alg": alg, "kid": "first", "jwk": SigningKey::new("first").public() })), part(&claims));
            let mac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
            token = if alg == "none" { format!("{text}.") } else { format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.as_ref())) };
        }
        if self.manners.forges {
            let other = self.keys[0].sign(&json!({ "sub": "somebody else" }));
            let signature = other.rsplit('.').next().expect("a signature");
            token = format!("{}.{signature}", token.rsplit_once('.').expect("a token").0);
        }
        let mut answer = json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": token });
        if self.manners.refreshes {
            self.refresh = Some(format!("refresh-{}", portico::ids::random_name(20)));
            answer["refresh_token"] = self.refresh.clone().into();
        }
        if self.manners.without_id && form.get("grant_type").is_some_and(|grant| grant == "refresh_token") {
            answer["id_token"] = Value::Null;
        }
        HttpResponse::Ok().json(answer)
    }
}
