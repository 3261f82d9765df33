//! The page on which an operation is tried, and the one on which an administrator says how an API is called.

use std::{collections::HashMap, sync::Arc};

use actix_session::Session;
use actix_web::{
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::Data,
};
use askama::Template;
use serde::Deserialize;

use super::{Call, Entries, NewSettings, Reply, Sample, Settings, Way, bases, entries, fill, samples, send};
use crate::{
    apis::{self, Api, description::Detail},
    app::Portal,
    auth::{Administrator, SignedIn, Visitor},
    catalog::{self, ApiPageParts, ApiSeen, OperationSeen, Product},
    error::{Error, Problems},
    ids,
    subscriptions::{self, store::callable::Callable},
    web::{
        self, Answer, Flash, Form, Frame, Routes,
        form::{Name, Names},
        guard,
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/apis/{name}/operations/{inner}/try", show)
        .post("/apis/{name}/operations/{inner}/try", call)
        .get("/publisher/apis/{name}/calls", show_settings)
        .post("/publisher/apis/{name}/calls", configure);
}

/// Characters of an answer that are shown.
const SHOWN: usize = 200_000;

/// An answer, as it is shown.
struct ReplyView {
    status: u16,
    reason: &'static str,
    tone: &'static str,
    milliseconds: u128,
    size: String,
    headers: Vec<(String, String)>,
    /// Text; empty when there is none, or none that can be read.
    text: String,
    /// What is said instead of, or after, the text.
    remark: String,
}

impl From<Reply> for ReplyView {
    fn from(reply: Reply) -> Self {
        let kind = reply.headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str()).to_owned();
        let bytes = reply.body.len();
        let (mut text, mut remark) = match (bytes, String::from_utf8(reply.body)) {
            (0, _) => (String::new(), "The answer has no body.".to_owned()),
            (_, Ok(text)) if !text.contains('\0') => (pretty(&kind, text), String::new()),
            _ if kind.is_empty() => (String::new(), "The body is not text, so it is not shown.".to_owned()),
            _ => (String::new(), format!("The body is {kind}, which is not shown.")),
        };
        if let Some((at, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(at);
            remark = "The rest of the body is not shown.".to_owned();
        } else if reply.truncated {
            remark = "There is more: only the first megabyte was read.".to_owned();
        }
        Self {
            tone: match reply.status {
                200..300 => "good",
                300..400 => "info",
                _ => "bad",
            },
            reason: StatusCode::from_u16(reply.status).ok().and_then(|status| status.canonical_reason()).unwrap_or(""),
            status: reply.status,
            milliseconds: reply.took.as_millis(),
            size: if reply.truncated { "over 1 MB".to_owned() } else { web::filters::size(i64::try_from(bytes).unwrap_or(i64::MAX)) },
            headers: reply.headers,
            text,
            remark,
        }
    }
}

/// JSON with its lines, in the order it came, and no more of it than is shown; anything else as it is. Values are written as they are
/// read: a megabyte of nested lists would take a hundred of memory, and as much with every line indented.
fn pretty(kind: &str, text: String) -> String {
    if !kind.contains("json") {
        return text;
    }
    let mut lines = Lines::default();
    let mut reader = serde_json::Deserializer::from_str(&text);
    let mut writer = serde_json::Serializer::pretty(&mut lines);
    let whole = serde_transcode::transcode(&mut reader, &mut writer).is_ok() && reader.end().is_ok();
    match String::from_utf8(lines.text) {
        Ok(pretty) if whole || lines.full => pretty,
        _ => text,
    }
}

/// Takes a little more than is shown, up to the end of a character.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    full: bool,
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.full = self.text.len() > 4 * SHOWN;
        if self.full {
            return Err(std::io::Error::other("enough"));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "calls/try.html")]
struct TryPage {
    frame: Frame,
    api: ApiSeen,
    operation: OperationSeen,
    products: Vec<Arc<Product>>,
    way: Way,
    /// Every product with the API requires a subscription.
    needs_key: bool,
    bases: Vec<String>,
    base: String,
    subscriptions: Vec<Callable>,
    subscription: String,
    asked: Entries,
    /// What went wrong with the call as a whole.
    problem: String,
    reply: Option<ReplyView>,
    /// For the browser's script: the call as JSON.
    prepared: Option<String>,
    samples: Vec<Sample>,
    accept: String,
}

impl TryPage {
    /// # Errors
    /// `NotFound` when the visitor does not see the operation, or nobody is to try it.
    async fn load(visitor: &Visitor, portal: &Portal, frame: Frame, api: &str, operation: &str) -> Result<Self, Error> {
        let found = catalog::find_api(&portal.db, &portal.catalog, visitor, api, operation).await?.ok_or(Error::NotFound)?;
        let ApiPageParts { api, products, operation, .. } = found;
        let operation = operation.ok_or(Error::NotFound)?;
        let way = Way::parse(&api.try_it).unwrap_or_default();
        if way == Way::No {
            return Err(Error::NotFound);
        }
        let subscriptions = match visitor {
            Visitor::Guest => Vec::new(),
            Visitor::SignedIn(who) => {
                let now = portal.db.now();
                subscriptions::callable(&mut portal.db.read().await?, who, api.id, now).await?
            }
        };
        let detail: Detail = serde_json::from_str(&operation.detail).unwrap_or_default();
        let bases = bases(&api.servers());
        Ok(Self {
            frame: Frame { section: "apis", ..frame },
            way,
            needs_key: products.iter().all(|product| product.subscription_required),
            base: bases.first().cloned().unwrap_or_default(),
            bases,
            subscription: subscriptions.first().map(|first| first.name.clone()).unwrap_or_default(),
            subscriptions,
            asked: entries(&operation.url_template, &detail, &api.key_header),
            accept: super::accepted(&detail),
            problem: String::new(),
            reply: None,
            prepared: None,
            samples: Vec::new(),
            products,
            api,
            operation,
        })
    }

    fn operation_path(&self) -> String {
        format!("{}/operations/{}", self.api.path(), ids::encode(&self.operation.name))
    }

    /// Why it cannot be tried by this person, who then sees no form.
    fn lacks_subscription(&self) -> bool {
        self.needs_key && self.subscriptions.is_empty()
    }

    fn is_open(&self) -> bool {
        self.frame.person.is_some() && !self.lacks_subscription() && !self.bases.is_empty()
    }

    fn chosen(&self) -> Option<&Callable> {
        self.subscriptions.iter().find(|one| one.name == self.subscription)
    }

    fn is_browser(&self) -> bool {
        self.way == Way::Browser
    }

    fn key_hint(&self) -> String {
        let how = if self.is_browser() { "Your browser sends" } else { "The portal sends" };
        format!("{how} its primary key in the header {}.", self.api.key_header)
    }

    /// The samples of what is typed, with the chosen subscription's place for its key.
    fn with_samples(mut self) -> Self {
        let place = match self.chosen() {
            Some(chosen) => Some(super::key_place(&chosen.display_name)),
            None => self.needs_key.then(|| super::YOUR_KEY.to_owned()),
        };
        let key = place.as_deref().map(|place| (self.api.key_header.as_str(), place));
        self.samples = samples(&self.asked.example(&self.operation.method, &self.base, &self.operation.url_template, &self.accept, key));
        self
    }
}

async fn show(visitor: Visitor, portal: Data<Portal>, frame: Frame, Names(api, operation): Names) -> Answer {
    let page = TryPage::load(&visitor, &portal, frame, &api, &operation).await?;
    web::page(&page.with_samples())
}

async fn call(
    who: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    Names(api, operation): Names,
    Form(typed): Form<Vec<(String, String)>>,
) -> Answer {
    let mut page = TryPage::load(&Visitor::SignedIn(who.clone()), &portal, frame, &api, &operation).await?;
    if !page.is_open() {
        return web::page_with(StatusCode::CONFLICT, &page.with_samples());
    }
    let typed: HashMap<String, String> = typed.into_iter().collect();
    fill(&mut page.asked, &typed);
    match typed.get("server") {
        Some(base) if page.bases.contains(base) => page.base.clone_from(base),
        // The description was replaced meanwhile. No key goes to a server that nobody chose.
        Some(_) => {
            page.problem = "The address that you chose is not in the description any more. Look at the one that is chosen now.".to_owned();
            return web::invalid(&page.with_samples());
        }
        None => {}
    }
    page.subscription = typed.get("subscription").cloned().unwrap_or_default();
    let chosen = page.chosen().cloned();
    if chosen.is_none() && (page.needs_key || !page.subscription.is_empty()) {
        page.problem = "Choose one of your active subscriptions.".to_owned();
        page.subscription = page.subscriptions.first().map(|first| first.name.clone()).unwrap_or_default();
        return web::invalid(&page.with_samples());
    }
    let (method, template, accept) = (page.operation.method.clone(), page.operation.url_template.clone(), page.accept.clone());
    // The fields are looked at before a key is opened.
    let Some(mut ready) = page.asked.call(&method, &page.base, &template, &accept, None) else {
        return web::invalid(&page.with_samples());
    };
    let key_header = page.api.key_header.clone();
    let carry = |key: String| ready.headers.insert(0, (key_header, key));
    match (page.way, chosen) {
        (Way::Browser, Some(chosen)) => {
            // The page brings the key to its owner's browser: that is showing it, and is recorded as that.
            carry(subscriptions::show_keys(&portal.db, &portal.keys, &who, &chosen.name).await?.1.primary);
        }
        (_, Some(chosen)) => {
            let mut connection = portal.db.read().await?;
            carry(subscriptions::key_to_call_with(&mut connection, &portal.keys, &chosen).await?);
        }
        (_, None) => {}
    }
    if page.way == Way::Browser {
        return in_browser(page, &ready);
    }
    let _slot = portal.calls.admit(who.id(), portal.db.now())?;
    match send(&ready, portal.settings.import_urls).await {
        Ok(reply) => page.reply = Some(reply.into()),
        Err(problem) => page.problem = problem,
    }
    web::page(&page.with_samples())
}

/// The page whose script sends the call, and may ask the API's origin and no other.
fn in_browser(mut page: TryPage, call: &Call) -> Answer {
    let origin = url::Url::parse(&call.url).map_err(Error::internal)?.origin().ascii_serialization();
    page.prepared = Some(serde_json::to_string(call)?);
    let mut answer = web::page(&page.with_samples())?;
    let policy = HeaderValue::from_str(&guard::policy_asking(&origin)).map_err(Error::internal)?;
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

#[derive(Template)]
#[template(path = "calls/settings.html")]
struct SettingsPage {
    frame: Frame,
    api: Api,
    /// As typed.
    way: String,
    key_header: String,
    version: i64,
    theirs: Option<Settings>,
    problems: Problems,
}

impl SettingsPage {
    async fn load(portal: &Portal, frame: Frame, name: &str) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let api = apis::get(&mut connection, name).await?;
        let settings = super::settings(&mut connection, api.id).await?;
        Ok(Self {
            frame,
            api,
            way: settings.way,
            key_header: settings.key_header,
            version: settings.version,
            theirs: None,
            problems: Problems::default(),
        })
    }

    fn is(&self, way: &str) -> bool {
        self.way == way
    }

    fn words(&self, way: &str) -> &'static str {
        match Way::parse(way) {
            Some(Way::Browser) => "From the browser",
            Some(Way::Portal) => "Through the portal",
            _ => "Not offered",
        }
    }
}

async fn show_settings(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&SettingsPage::load(&portal, frame, &name).await?)
}

#[derive(Deserialize)]
struct SettingsForm {
    version: i64,
    #[serde(default)]
    way: String,
    #[serde(default)]
    key_header: String,
}

async fn configure(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<SettingsForm>,
) -> Answer {
    let new = NewSettings { way: form.way, key_header: form.key_header };
    match super::configure(&portal.db, &admin, &name, form.version, &new).await {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&apis::path(&name))
        }
        Err(Error::Invalid(problems)) => {
            let page = SettingsPage::load(&portal, frame, &name).await?;
            web::invalid(&SettingsPage { problems, way: new.way, key_header: new.key_header, version: form.version, ..page })
        }
        Err(Error::Stale) => {
            let page = SettingsPage::load(&portal, frame, &name).await?;
            let theirs = Some(Settings { way: page.way, key_header: page.key_header, version: page.version });
            let (way, key_header) = (new.way, new.key_header);
            web::page_with(
                StatusCode::CONFLICT,
                &SettingsPage { theirs, way, key_header, frame: page.frame, api: page.api, version: page.version, problems: page.problems },
            )
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, pretty};

    #[test]
    fn answers_are_indented_as_far_as_they_are_shown() {
        assert_eq!(
            pretty("application/json", r#"{"b":1,"a":["é",null]}"#.to_owned()),
            "{\n  \"b\": 1,\n  \"a\": [\n    \"é\",\n    null\n  ]\n}"
        );
        for text in ["{\"a\": 1} 2", "{\"a\": ", "x", ""] {
            assert_eq!(pretty("application/problem+json", text.to_owned()), text);
        }
        assert_eq!(pretty("text/plain", "{\"a\":1}".to_owned()), "{\"a\":1}");
        let deep = format!("{}{}0{}", "[".repeat(120), "0,".repeat(500_000), "]".repeat(120));
        let shown = pretty("application/json", deep);
        assert!(shown.len() > SHOWN && shown.len() < 5 * SHOWN && shown.starts_with("[\n  ["), "{}", shown.len());
    }
}
