//! A real OpenID provider, npm's `oidc-provider`, in a process of its own (`tests/oidc/server.mjs`): people sign in by its forms, and it can be
//! told to misbehave. `tests/run` fetches it; without it the tests that need it say that they were skipped.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Browser, FORM, Portal, Reply,
    provider::{CLIENT, SECRET, basic, form_for, post},
};

/// What everybody types beside their name.
pub const WORD: &str = "the word of the directory";

pub struct Counterpart {
    /// Its issuer.
    pub base: String,
    portal: String,
    control: Browser,
    process: Child,
}

/// Somebody at the portal's door again.
pub struct Back {
    /// Path and query.
    pub path: String,
    /// How many forms of the provider were answered on the way.
    pub forms: usize,
}

impl Back {
    /// A part of the query.
    pub fn part(&self, name: &str) -> String {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let found = url::form_urlencoded::parse(query.as_bytes()).find(|(part, _)| part == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.path)).1.into_owned()
    }
}

impl Counterpart {
    /// With Ida in the directory, and settings of `server.mjs`; those under `client` go over the usual ones of this portal. Begin with it: the
    /// portal's clock jumps.
    pub async fn start(portal: &Portal, settings: Value) -> Option<Self> {
        let Some(folder) = std::env::var_os("PORTICO_TEST_OIDC") else {
            let name = std::thread::current().name().unwrap_or("test").to_owned();
            // Past the capture of cargo test, which hides what passing tests print.
            let _ = writeln!(std::io::stderr(), "SKIPPED {name}: PORTICO_TEST_OIDC is not set (tests/run sets it)");
            return None;
        };
        keep_time(portal);
        let mut told = json!({ "folder": folder.to_string_lossy(), "client": {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [format!("{}/signin/contoso/callback", portal.base)],
            "post_logout_redirect_uris": [format!("{}/signin", portal.base)],
            "backchannel_logout_uri": format!("{}/signin/contoso/logout", portal.base),
            "backchannel_logout_session_required": true,
        } });
        for (name, value) in settings.as_object().expect("settings") {
            match (told[name].as_object_mut(), value.as_object()) {
                (Some(known), Some(more)) => known.extend(more.clone()),
                _ => told[name] = value.clone(),
            }
        }
        let mut command = Command::new("node");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc/server.mjs")).arg(told.to_string());
        // It ends when its input does, so also when the tests are killed.
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("node starts");
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let mut why = String::new();
            let _ = process.stderr.take().expect("its errors").read_to_string(&mut why);
            panic!("the OpenID provider did not start: {why}");
        };
        let text = |name: &str| ready[name].as_str().expect("an address").to_owned();
        let counterpart = Self { base: text("issuer"), portal: portal.base.clone(), control: Browser::new(&text("control")), process };
        counterpart
            .has("ida", json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": true, "given_name": "Ida", "family_name": "Kjær", "groups": [] }))
            .await;
        Some(counterpart)
    }

    async fn tell(&self, path: &str, what: &Value) -> Value {
        let reply = self.control.send(Method::POST, path, &[], "application/json", &what.to_string()).await;
        serde_json::from_str(&reply.is(200).text).expect("JSON")
    }

    /// Somebody in the directory, with these claims over those that there are; a claim that is null is not told.
    pub async fn has(&self, name: &str, claims: Value) {
        let mut account = json!({ "password": WORD });
        account.as_object_mut().expect("an account").extend(claims.as_object().expect("claims").clone());
        self.tell("/accounts", &json!({ name: account })).await;
    }

    /// What it does wrong from now on, as `server.mjs` tells; nothing, with `{}`.
    pub async fn misbehaves(&self, manners: Value) {
        self.tell("/manners", &manners).await;
    }

    /// A new key signs from now on, and the one before is no longer published.
    pub async fn rotate(&self) {
        self.tell("/rotate", &json!({})).await;
    }

    /// Takes back what the portal was granted of somebody; how many refresh tokens that were.
    pub async fn revoke(&self, name: &str) -> u64 {
        self.tell("/revoke", &json!({ "account": name })).await.as_u64().expect("a number")
    }

    /// A token of the test's own making, signed with the key of now, or with the old one.
    pub async fn sign(&self, claims: Value, key: &str) -> String {
        self.tell("/sign", &json!({ "claims": claims, "key": key })).await.as_str().expect("a token").to_owned()
    }

    /// How often a path was asked.
    pub async fn asked(&self, path: &str) -> u64 {
        self.tell("/heard", &json!({})).await["paths"][path].as_u64().unwrap_or(0)
    }

    /// What it says went wrong, its own calls of the portal among it.
    pub async fn failed(&self) -> String {
        self.tell("/heard", &json!({})).await["failed"].to_string()
    }

    /// Adds it to the portal, with fields typed over the usual ones.
    pub async fn add(&self, admin: &Browser, typed: &[(&str, &str)]) {
        let usual = [("scopes", "openid profile email groups"), ("groups_claim", "groups")];
        let reply = post(admin, "/publisher/new/provider", &form_for(&self.base, &[&usual, typed].concat())).await;
        assert_eq!((reply.status, reply.location()), (303, "/publisher/settings/providers/contoso"), "{}", reply.text);
    }

    /// Where the portal sends a browser that presses the button.
    pub async fn away(&self, browser: &Browser, path: &str, next: &str) -> String {
        let away = browser.post(path, &[("next", next)]).await;
        assert!(away.status == 303 && away.location().starts_with(&self.base), "{} {}", away.status, away.location());
        away.location().to_owned()
    }

    /// Goes the way from an address of the provider to the portal, and signs in where a form asks for it; as nobody (""), cancels there.
    pub async fn through(&self, browser: &Browser, address: &str, account: &str) -> Back {
        let there = browser.at(&self.base);
        let as_account = [("login", account), ("password", WORD), ("cancel", "on")];
        let as_account = if account.is_empty() { &as_account[2..] } else { &as_account[..2] };
        let mut at = self.local(address).to_owned();
        let mut reply = there.get(&at).await;
        let mut forms = 0;
        for _ in 0..20 {
            if reply.status == 200 {
                let (action, hidden) = form_of(&reply.text);
                // What a form holds already nobody is asked for: that somebody else is signed out first.
                forms += usize::from(hidden.is_empty());
                let path = if action.is_empty() { at.clone() } else { self.local(action).to_owned() };
                reply = there.post(&path, if hidden.is_empty() { as_account } else { &hidden }).await;
                continue;
            }
            assert_eq!(reply.status, 303, "{}", reply.text);
            let location = reply.location().to_owned();
            if let Some(path) = location.strip_prefix(&self.portal) {
                return Back { path: path.to_owned(), forms };
            }
            at = self.local(&location).to_owned();
            reply = there.get(&at).await;
        }
        panic!("the provider leads nowhere: {} {}", reply.status, reply.location());
    }

    fn local<'a>(&self, address: &'a str) -> &'a str {
        address.strip_prefix(&self.base).unwrap_or(address)
    }

    /// To the provider and back, without coming in yet.
    pub async fn back(&self, browser: &Browser, account: &str) -> Back {
        let away = self.away(browser, "/signin/contoso", "").await;
        self.through(browser, &away, account).await
    }

    /// A whole sign-in: what the portal answers to who comes back.
    pub async fn sign_in(&self, browser: &Browser, account: &str) -> Reply {
        browser.get(&self.back(browser, account).await.path).await
    }

    /// Leaves the provider by its own page, which may have been led to by the portal, or says no there: where that leads.
    pub async fn leave(&self, browser: &Browser, address: &str, yes: bool) -> Reply {
        let there = browser.at(&self.base);
        let page = there.get(self.local(address)).await;
        let (action, mut form) = form_of(&page.is(200).text);
        form.extend(yes.then_some(("logout", "yes")));
        there.post(self.local(action), &form).await
    }

    /// Asks the token endpoint as the portal's client.
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let there = Browser::new(&self.base);
        let reply = there.send(Method::POST, "/token", &[("authorization", &basic()), ("accept", "application/json")], FORM, &body).await;
        (reply.status, serde_json::from_str(&reply.text).expect("JSON"))
    }
}

/// Where a page's form leads, if it says so, and what it holds besides what somebody types.
fn form_of(page: &str) -> (&str, Vec<(&str, &str)>) {
    let value = |text: &'_ str, name: &str| -> Option<std::ops::Range<usize>> {
        let begin = text.find(&format!("{name}=\""))? + name.len() + 2;
        Some(begin..begin + text[begin..].find('"')?)
    };
    let action = value(page, "action").map_or("", |range| &page[range]);
    let fields = page.split("<input type=\"hidden\"").skip(1);
    (action, fields.filter_map(|field| Some((&field[value(field, "name")?], &field[value(field, "value")?]))).collect())
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The provider is on the machine's clock, as its tokens tell: from here on the portal is too, and what a test lets pass comes on top.
fn keep_time(portal: &Portal) {
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
    let seconds = portal.seconds.clone();
    let mut last = now();
    seconds.fetch_add(last - portal.unix(), Ordering::SeqCst);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let at = now();
            seconds.fetch_add(at - last, Ordering::SeqCst);
            last = at;
        }
    });
}
