//! Calls of an API's operations: what one is made of, from the description and from what was typed; shown as code samples, and tried
//! where an administrator has allowed it. No HTML and no HTTP library here; `send` sends.

mod entries;
pub mod pages;
mod samples;
mod send;
mod store;
mod throttle;

use serde::{Deserialize, Serialize};

pub use entries::{Entries, Entry, bases, entries, fill};
pub use samples::{Sample, samples};
pub use send::{Reply, send};
pub use store::Settings;
pub use throttle::Throttle;

use crate::{
    apis::{self, Api, description::Detail},
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids::ApiId,
};

/// The header that carries the key where nobody chose another; the gateway's check reads it.
pub const KEY_HEADER: &str = "X-Portico-Key";

/// How an API's operations may be tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Not at all: the code samples are there.
    #[default]
    No,
    /// The browser calls; the API must allow it (CORS).
    Browser,
    /// The portal calls, where its operator lets it go.
    Portal,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::No, Way::Browser, Way::Portal];

    pub fn as_str(self) -> &'static str {
        match self {
            Way::No => "no",
            Way::Browser => "browser",
            Way::Portal => "portal",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == text)
    }
}

/// A request to an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

/// What an administrator may say of calls of an API.
pub struct NewSettings {
    pub way: String,
    pub key_header: String,
}

impl NewSettings {
    fn check(&self) -> Result<(Way, String), Error> {
        let mut problems = Problems::default();
        let way = Way::parse(&self.way);
        if way.is_none() {
            problems.add("way", "Choose one of the three.");
        }
        let key_header = problems.line("key_header", "The header", &self.key_header, 1, 100);
        if problems.on("key_header").is_empty() {
            if !is_header_name(&key_header) {
                problems.add("key_header", "A header's name has letters, digits and hyphens, as in X-Portico-Key.");
            } else if is_reserved(&key_header) {
                problems.add("key_header", "This header has a purpose of its own and cannot carry a key.");
            }
        }
        problems.or((way.unwrap_or_default(), key_header))
    }
}

/// Headers that belong to the connection, or that a browser or the portal sets itself: none carries a key or a parameter.
pub(crate) fn is_reserved(header: &str) -> bool {
    const RESERVED: [&str; 17] = [
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "cookie2",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    ];
    RESERVED.iter().any(|reserved| header.eq_ignore_ascii_case(reserved))
}

/// Whether a person who tries a call cannot say this header: those, and what proxies and browsers say of themselves.
pub(crate) fn is_set_by_the_way(header: &str) -> bool {
    let begins = |with: &str| header.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    is_reserved(header) || begins("proxy-") || begins("sec-")
}

/// Whether it can be the name of a header (RFC 9110, section 5.6.2).
pub(crate) fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// How the API is called; the defaults, when nobody has said it.
pub async fn settings(connection: &mut Connection, api: ApiId) -> Result<Settings, Error> {
    Ok(store::find(connection, api).await?.unwrap_or_default())
}

/// Says how an API is called. False when nothing was different.
///
/// # Errors
/// `Invalid` beside its fields; `Stale` when somebody else said it since the form was shown.
pub async fn configure(db: &Database, admin: &Administrator, api: &str, version: i64, new: &NewSettings) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let api = apis::get(&mut tx, api).await?;
    let changed = configure_in(&mut tx, admin, &api, version, new).await?;
    tx.commit().await?;
    Ok(changed)
}

/// The same inside a transaction.
pub async fn configure_in(tx: &mut Transaction, admin: &Administrator, api: &Api, version: i64, new: &NewSettings) -> Result<bool, Error> {
    let (way, key_header) = new.check()?;
    let before = settings(tx, api.id).await?;
    if before.version != version {
        return Err(Error::Stale);
    }
    let after = Settings { way: way.as_str().to_owned(), key_header, version: version + 1 };
    if before.way == after.way && before.key_header == after.key_header {
        return Ok(false);
    }
    if !store::put(tx, api.id, &after).await? {
        return Err(Error::Stale);
    }
    let subject = Subject::new("api", api.id.0, &api.display_name);
    audit::record(tx, admin.actor(), "api.calls_configured", subject, Some(before.facts()), Some(after.facts())).await?;
    Ok(true)
}

/// What stands for the key of whoever has not chosen a subscription.
pub const YOUR_KEY: &str = "<your key>";

/// What stands for the key in a sample.
pub fn key_place(subscription: &str) -> String {
    format!("<key of {subscription}>")
}

/// The kind of a good answer, for `Accept`.
pub fn accepted(detail: &Detail) -> String {
    let good = detail.responses.iter().filter(|response| response.status.starts_with('2'));
    let plain = |kind: &&String| kind.contains('/') && kind.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    good.flat_map(|response| &response.content).map(|content| &content.media_type).find(plain).cloned().unwrap_or_else(|| "*/*".to_owned())
}
