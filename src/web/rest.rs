//! The management API's side of HTTP: which address is asked, who asks, how entities, lists and errors are answered. What the contract is,
//! see `rest`; the handlers are in the features' `api.rs`.

use std::{future::Future, num::IntErrorKind, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, dev,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    web::{Data, Path, Payload},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{form::collect, forwarded::origin, scim};
use crate::{
    app::Portal,
    auth::{
        Administrator, Confirmed, shared,
        tokens::{self, A_MINUTE, Rate},
    },
    error::{Error, Problem, Problems},
    ids,
    rest::{
        Checked, Contract, Field, MOST, Page, Seen, TOP, Wanted, fields,
        told::{Detail, Told, ToldError},
    },
};

/// An address below the service.
macro_rules! at {
    ($rest:literal) => {
        concat!("/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ApiManagement/service/{service}", $rest)
    };
}
pub(crate) use at;

/// Where the management API of this portal begins; the first two names may be any.
pub fn service_path(name: &str) -> String {
    format!("/subscriptions/0/resourceGroups/portico/providers/Microsoft.ApiManagement/service/{name}")
}

/// Whether a path is asked by programs, which get JSON. No page lives there.
pub fn is_for_programs(path: &str) -> bool {
    let parts: Vec<&str> = path.splitn(6, '/').collect();
    matches!(parts.as_slice(), ["", "subscriptions" | "metadata", _, ..] | ["", _, "oauth2", "token"] | ["", _, "oauth2", "v2.0", "token"])
}

/// A call of the management API by somebody who may make it.
pub struct Call {
    pub admin: Administrator,
    /// A token stands for the password that people give again.
    pub confirmed: Confirmed,
    /// The path of the service as it was asked for.
    service: String,
    /// Scheme and host as the client has them.
    origin: String,
    if_match: Option<String>,
    if_none_match: Option<String>,
    path: String,
    query: String,
}

#[derive(Deserialize)]
struct Place {
    subscription: String,
    resource_group: String,
    service: String,
}

impl FromRequest for Call {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let portal = request.app_data::<Data<Portal>>().cloned();
        let place = Path::<Place>::from_request(request, payload);
        let text = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).map(|text| text.trim().to_owned());
        let authorization = text(header::AUTHORIZATION);
        // What cannot be read is no ETag of ours, and not nothing.
        let tag = |name: HeaderName| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
        let (if_match, if_none_match) = (tag(header::IF_MATCH), tag(header::IF_NONE_MATCH));
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let (path, query) = (request.uri().path().to_owned(), request.query_string().to_owned());
        let request = request.clone();
        Box::pin(async move {
            let portal = portal.ok_or(Error::Busy)?;
            let (scheme, token) = authorization.as_deref().and_then(|text| text.split_once(' ')).ok_or(Error::SignIn)?;
            let bearer = match scheme.to_ascii_lowercase().as_str() {
                "bearer" => tokens::admit(&mut portal.db.read().await?, token.trim(), changes, portal.db.now()).await?,
                "sharedaccesssignature" => shared::admit(&portal.db, &portal.keys, token.trim()).await?,
                _ => return Err(Error::SignIn),
            };
            let (rate, counted) = portal.rates.count(bearer.token, portal.db.now());
            note_caller(&request, bearer.display_name, rate);
            counted?;
            if bearer.due {
                let portal = portal.clone();
                tokio::spawn(async move {
                    if let Err(error) = tokens::note_use(&portal.db, bearer.token).await {
                        tracing::debug!(%error, "the use of a token was not written down");
                    }
                });
            }
            for (part, text) in [("path", &path), ("query", &query)] {
                if percent_encoding::percent_decode_str(text).decode_utf8().is_err() {
                    return Err(Error::BadRequest(format!("The address has a {part} that is no UTF-8.")));
                }
            }
            // No text holds this character, and PostgreSQL cannot be asked for it.
            if query.contains("%00") {
                return Err(Error::BadRequest("The address has a query that holds the character NUL.".to_owned()));
            }
            if said(&query, "api-version").is_none_or(|version| version.trim().is_empty()) {
                return Err(Error::BadRequest("The address wants ?api-version= with any value.".to_owned()));
            }
            let place = place.await.map_err(|_| Error::NotFound)?;
            if ids::fold(&place.service) != ids::fold(&portal.settings.service_name) {
                return Err(Error::NotFound);
            }
            let service = format!(
                "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}",
                ids::encode(&place.subscription),
                ids::encode(&place.resource_group),
                ids::encode(&place.service)
            );
            let origin = origin(&request, &portal.settings);
            Ok(Self { admin: bearer.admin, confirmed: bearer.confirmed, service, origin, if_match, if_none_match, path, query })
        })
    }
}

/// The token of a call, for the log and for what is told beside the answer.
struct Caller {
    token: String,
    rate: Rate,
}

/// Whose request it is, by what the token is called.
pub(super) fn note_caller(request: &HttpRequest, token: String, rate: Rate) {
    request.extensions_mut().insert(Caller { token, rate });
}

/// Who asks, for the log; nothing when it is no program that is let in.
pub fn caller(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<Caller>().map(|caller| format!("token {}", caller.token))
}

/// The longest id of a request that is told back.
const LONGEST_ID: usize = 128;

/// What clients find beside every answer: how often they may ask (as in drafts of the IETF's httpapi group up to its seventh), the
/// request's id, and the one that they gave it.
pub fn tell(request: &HttpRequest, headers: &mut HeaderMap, id: &str) {
    if !is_for_programs(request.path()) && !scim::is_asked(request.path()) {
        return;
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-ms-request-id", id);
    let given = request.headers().get("x-ms-client-request-id").and_then(|value| value.to_str().ok());
    if let Some(given) = given.filter(|given| given.len() <= LONGEST_ID && given.bytes().all(|byte| byte.is_ascii_graphic())) {
        set("x-ms-client-request-id", given);
    }
    if let Some(caller) = request.extensions().get::<Caller>() {
        set("ratelimit-limit", &A_MINUTE.to_string());
        set("ratelimit-remaining", &caller.rate.remaining.to_string());
        set("ratelimit-reset", &caller.rate.reset.to_string());
    }
}

/// What a query says first with this name; nothing when it is not there.
fn said(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

impl Call {
    /// The whole path of what is below the service, such as `groups/partners`.
    pub fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.service)
    }

    /// The service itself.
    pub fn top<P>(&self, kind: &'static str, name: &str, properties: P) -> Contract<P> {
        Contract { id: self.service.clone(), kind, name: name.to_owned(), properties }
    }

    /// An entity at a path below the service.
    pub fn contract<P>(&self, kind: &'static str, path: &str, name: &str, properties: P) -> Contract<P> {
        Contract { id: self.below(path), kind, name: name.to_owned(), properties }
    }

    /// What the query says first with this name; nothing when it is not there.
    pub fn said(&self, name: &str) -> Option<String> {
        said(&self.query, name)
    }

    /// Scheme and host as the client has them.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether the query says `name=true`.
    ///
    /// # Errors
    /// `Invalid` when it says anything but true or false.
    pub fn says(&self, name: &'static str) -> Result<bool, Error> {
        match self.said(name).as_deref().map(str::trim) {
            None | Some("") => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(Error::invalid(name, format!("{name} is true or false."))),
        }
    }

    /// Which of a list's entities are wanted.
    ///
    /// # Errors
    /// `Invalid` on `$filter`, `$top` (from 1) or `$skip` (from 0).
    pub fn wanted(&self, known: &[Field]) -> Result<Wanted, Error> {
        let mut problems = Problems::default();
        let mut number = |field: &'static str, least: i64, otherwise: i64| match said(&self.query, field).as_deref() {
            None => otherwise,
            Some(text) => match text.parse::<i64>() {
                Ok(number) if number >= least => number,
                Err(why) if *why.kind() == IntErrorKind::PosOverflow => i64::MAX,
                _ => {
                    problems.add(field, format!("{field} is a whole number from {least}."));
                    otherwise
                }
            },
        };
        let (top, skip) = (number("$top", 1, TOP), number("$skip", 0, 0));
        let (top, skip) = problems.or((top.min(MOST), skip))?;
        let filter: Option<Checked> = match said(&self.query, "$filter").unwrap_or_default().trim() {
            "" => None,
            text => Some(fields::read(text, known)?),
        };
        Ok(Wanted { filter, top, skip })
    }

    /// A page of a list. The address of the next one has the host and the scheme that the client used, and `$skip` written out.
    pub fn page<P: Serialize>(&self, wanted: &Wanted, value: Vec<Contract<P>>, count: i64) -> HttpResponse {
        let next = wanted.skip.saturating_add(i64::try_from(value.len()).unwrap_or(i64::MAX));
        let next_link = if value.is_empty() || next >= count {
            String::new()
        } else {
            let is_skip = |part: &&str| {
                let name = part.split('=').next().unwrap_or_default();
                let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
                name == "$skip"
            };
            let kept: Vec<&str> = self.query.split('&').filter(|part| !part.is_empty() && !is_skip(part)).collect();
            format!("{}{}?{}&$skip={next}", self.origin, self.path, kept.join("&"))
        };
        json(StatusCode::OK).json(Page { value, count, next_link })
    }

    /// A page of a list that is here whole.
    pub fn page_of<P: Serialize>(&self, wanted: &Wanted, all: Vec<Contract<P>>) -> HttpResponse {
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let number = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        let value = all.into_iter().skip(number(wanted.skip)).take(number(wanted.top)).collect();
        self.page(wanted, value, count)
    }

    /// What whoever puts an entity has seen of it. `required`: the contract wants `If-Match`.
    ///
    /// # Errors
    /// `Invalid` on `If-Match` when it is empty, or required and missing.
    pub fn seen(&self, required: bool) -> Result<Seen, Error> {
        match self.if_match.as_deref() {
            // Empty is what a client sends that forgot to read the ETag.
            Some("") => Err(Error::invalid("If-Match", "The header If-Match is empty: the entity's ETag is missing, or * for any.")),
            None if required => Err(Error::invalid("If-Match", "The header If-Match is missing: the entity's ETag, or * for any.")),
            None if self.if_none_match.as_deref() == Some("*") => Ok(Seen::Absent),
            None => Ok(Seen::Unsaid),
            Some("*") => Ok(Seen::There),
            // An ETag of something else is that of no version.
            Some(tag) => Ok(Seen::At(tag.trim_start_matches("W/").trim_matches('"').parse().unwrap_or(-1))),
        }
    }

    /// The version of the entity that is changed or deleted; nothing is any.
    ///
    /// # Errors
    /// As `seen`: the contract wants `If-Match`.
    pub fn condition(&self) -> Result<Option<i64>, Error> {
        self.seen(true).map(Seen::version)
    }
}

/// Nobody may keep what a program was told.
fn json(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

fn etag(version: i64) -> (HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
}

/// An entity with its ETag.
pub fn entity<P: Serialize>(created: bool, version: i64, contract: &Contract<P>) -> HttpResponse {
    json(if created { StatusCode::CREATED } else { StatusCode::OK }).insert_header(etag(version)).json(contract)
}

/// What something was associated with, now or before. The association has no version of its own.
pub fn made<P: Serialize>(created: bool, contract: &Contract<P>) -> HttpResponse {
    json(if created { StatusCode::CREATED } else { StatusCode::OK }).json(contract)
}

/// What is no entity: it has no ETag.
pub fn answer(value: &impl Serialize) -> HttpResponse {
    json(StatusCode::OK).json(value)
}

/// An entity is gone; one that was not there is gone too.
pub fn deleted<T>(done: Result<T, Error>) -> Result<HttpResponse, Error> {
    match done {
        Ok(_) | Err(Error::NotFound) => Ok(nothing()),
        Err(error) => Err(error),
    }
}

/// Done, and nothing to say: also that something is there, where the contract has it so.
pub fn nothing() -> HttpResponse {
    json(StatusCode::NO_CONTENT).finish()
}

/// What clients write: an object with `properties`. Members that nobody knows are passed over.
#[derive(Deserialize)]
struct Envelope<T> {
    properties: T,
}

/// Bytes of a body: the largest, but for documents, has the terms of a product.
const BODY: (usize, &str) = (256 * 1024, "The body is larger than 256 kB.");
/// Bytes of one that holds a document of 10 MB as a text of JSON, in which line ends and quotes take two.
pub const DOCUMENT: (usize, &str) = (21 * 1024 * 1024, "The body is larger than 21 MB.");

/// Reads a body, once it is known who sends it.
///
/// # Errors
/// `BadRequest` when it is no JSON, or not of the form; `TooLarge`; `Slow`.
pub async fn body<T: DeserializeOwned>(payload: Payload) -> Result<T, Error> {
    body_up_to(BODY, payload).await
}

/// The same of a body of another size.
pub async fn body_up_to<T: DeserializeOwned>(most: (usize, &'static str), payload: Payload) -> Result<T, Error> {
    let bytes = collect(payload, None, most).await?;
    serde_json::from_slice::<Envelope<T>>(&bytes)
        .map(|envelope| envelope.properties)
        .map_err(|error| Error::BadRequest(format!("The body cannot be read: {error}.")))
}

/// Says an operation's problems of fields as the contract calls them.
pub fn renamed<T>(done: Result<T, Error>, names: &[(&str, &'static str)]) -> Result<T, Error> {
    done.map_err(|error| match error {
        Error::Invalid(problems) => {
            let renamed = |field| names.iter().find(|(here, _)| *here == field).map_or(field, |(_, there)| *there);
            Error::Invalid(Problems(problems.0.into_iter().map(|one| Problem { field: renamed(one.field), ..one }).collect()))
        }
        other => other,
    })
}

/// A member of a body that may be left out, or be null.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A whole number or null, however it is written: JSON knows no other kind of number than 5.0 is.
pub fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<i64>>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else { return Ok(Some(None)) };
    let whole = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15).map(|float| float as i64);
    let number = number.as_i64().or_else(whole);
    number.map(|number| Some(Some(number))).ok_or_else(|| serde::de::Error::custom("a whole number is expected"))
}

/// A member that has a value always: null empties it, which its rules refuse.
pub fn emptied<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(|given| Some(given.unwrap_or_default()))
}

/// The name that a path ends with, long or short: `/users/ana`, `users/ana`, or all of it from `/subscriptions/`.
///
/// # Errors
/// `Invalid` on `field`, in these words, when it is a path of something else.
pub fn named(field: &'static str, path: &str, kind: &str, wrong: &'static str) -> Result<String, Error> {
    let mut parts = path.trim().trim_end_matches('/').rsplit('/');
    let (name, of) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = percent_encoding::percent_decode_str(name).decode_utf8().map_err(|_| Error::invalid(field, wrong))?;
    if name.is_empty() || !of.eq_ignore_ascii_case(kind) {
        return Err(Error::invalid(field, wrong));
    }
    Ok(name.into_owned())
}

/// A word of a few, without regard to case, when it is given.
///
/// # Errors
/// `Invalid` on `field`.
pub fn one_of(field: &'static str, given: Option<&str>, words: &[&str]) -> Result<(), Error> {
    if given.is_none_or(|given| words.iter().any(|word| word.eq_ignore_ascii_case(given))) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{field} is one of: {}.", words.join(", "))))
}

/// `display_name` as programs call it.
fn camel(field: &str) -> String {
    let mut parts = field.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// An error as programs read it.
pub fn refusal(error: &Error, status: StatusCode, request: &str) -> HttpResponse {
    let status = match error {
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Stale => StatusCode::PRECONDITION_FAILED,
        _ => status,
    };
    let details = match error {
        Error::Invalid(problems) => problems
            .0
            .iter()
            .map(|problem| Detail { code: "ValidationError", target: camel(problem.field), message: problem.message.clone() })
            .collect(),
        _ => Vec::new(),
    };
    let message = match error {
        Error::Invalid(_) => "One or more fields contain incorrect values:".to_owned(),
        Error::SignIn => "The header Authorization is missing, or its token is not known, not whole or over.".to_owned(),
        Error::Stale => {
            "The entity is not as the headers have it: its ETag is not the one in If-Match, or whether it is there is otherwise.".to_owned()
        }
        Error::NotFound => "There is nothing here.".to_owned(),
        // Scripts look for the words of the model.
        Error::SystemEntity(_) => format!("System entity cannot be modified. {error}"),
        Error::Internal(_) => format!("This is our fault, not yours. It has been logged as request {request}."),
        other => other.to_string(),
    };
    let mut answer = json(status);
    if matches!(error, Error::SignIn) {
        answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    answer.json(Told { error: ToldError { code: error.code(), message, details } })
}
