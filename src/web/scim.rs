//! SCIM's side of HTTP: who asks, what is sent, how resources, lists and errors are answered. What is done is in `scim`; the handlers are in
//! its `api`.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, dev,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
    web::{Data, Payload},
};
use serde_json::{Value, json};

use super::{form::collect, forwarded::origin, rest::note_caller};
use crate::{
    app::Portal,
    auth::{
        Provisioner,
        tokens::{self, provisioning},
    },
    error::{Error, Problems},
    scim::{
        Projection, Search, Seen, Told,
        schemas::{BASE, ERROR, USUAL},
    },
};

/// Whether a path is one of SCIM's. No page lives there.
pub fn is_asked(path: &str) -> bool {
    path.strip_prefix("/scim").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

const JSON: &str = "application/scim+json";
/// Bytes of a body: thousands of members in one request.
const BODY: (usize, &str) = (2 * 1024 * 1024, "The body is larger than 2 MB.");

/// A call by a provider's program.
pub struct Call {
    pub who: Provisioner,
    /// The whole address of SCIM here, as the client has it.
    pub base: String,
    kind: String,
    if_match: Option<String>,
    if_none_match: Option<String>,
    query: Vec<(String, String)>,
}

impl FromRequest for Call {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let portal = request.app_data::<Data<Portal>>().cloned();
        let request = request.clone();
        Box::pin(async move {
            let portal = portal.ok_or(Error::Busy)?;
            let text =
                |name: HeaderName| request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned());
            let authorization = text(header::AUTHORIZATION);
            let (scheme, token) = authorization.as_deref().and_then(|text| text.split_once(' ')).ok_or(Error::SignIn)?;
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(Error::SignIn);
            }
            let shown = provisioning::admit(&mut portal.db.read().await?, token.trim(), portal.db.now()).await?;
            let token = shown.provisioner.token();
            let (rate, counted) = portal.rates.count(token, portal.db.now());
            note_caller(&request, shown.display_name, rate);
            counted?;
            if shown.due {
                let portal = portal.clone();
                tokio::spawn(async move {
                    if let Err(error) = tokens::note_use(&portal.db, token).await {
                        tracing::debug!(%error, "the use of a token was not written down");
                    }
                });
            }
            let query = request.query_string();
            if query.contains("%00") {
                return Err(Error::BadRequest("The address has a query that holds the character NUL.".to_owned()));
            }
            Ok(Self {
                who: shown.provisioner,
                base: format!("{}{BASE}", origin(&request, &portal.settings)),
                kind: request.content_type().to_ascii_lowercase(),
                if_match: text(header::IF_MATCH),
                if_none_match: text(header::IF_NONE_MATCH),
                query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            })
        })
    }
}

fn wrong(name: &'static str) -> Error {
    Error::invalid("invalidValue", format!("{name} is a whole number."))
}

/// The versions that a header names; none of them is any.
fn tags(text: &str) -> Vec<String> {
    let tag = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    match text.trim() {
        "*" => Vec::new(),
        tags => tags.split(',').map(tag).collect(),
    }
}

impl Call {
    fn said(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Which attributes are to be told.
    pub fn projection(&self) -> Projection {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let (only, without) = (self.said("attributes").map(names), self.said("excludedAttributes").map(names).unwrap_or_default());
        Projection::new(only.as_ref().map(|names| names.iter().map(String::as_str)), without.iter().map(String::as_str))
    }

    /// Whether a list of what is not filtered is to be filtered: it is refused (RFC 7644, section 4).
    pub fn is_filtered(&self) -> bool {
        self.said("filter").is_some()
    }

    /// # Errors
    /// `Invalid` on `invalidValue`.
    pub fn search(&self) -> Result<Search, Error> {
        let number = |name: &'static str, usual: i64| match self.said(name) {
            None => Ok(usual),
            Some(text) => text.trim().parse::<i64>().map_err(|_| wrong(name)),
        };
        Ok(Search {
            filter: self.said("filter").map(str::to_owned),
            sort_by: self.said("sortBy").map(str::to_owned),
            descending: self.said("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending")),
            start: number("startIndex", 1)?,
            count: number("count", USUAL)?,
            projection: self.projection(),
        })
    }

    /// The same, of a body.
    ///
    /// # Errors
    /// `Invalid` on `invalidSyntax` and `invalidValue`.
    pub fn search_of(body: &Value) -> Result<Search, Error> {
        if !body.is_object() {
            return Err(Error::invalid("invalidSyntax", "A search is a JSON object."));
        }
        let text = |name: &str| body[name].as_str().map(str::to_owned).filter(|text| !text.is_empty());
        let number = |name: &'static str, usual: i64| match &body[name] {
            Value::Null => Ok(usual),
            value => value.as_i64().ok_or_else(|| wrong(name)),
        };
        let names = |name: &str| body[name].as_array().map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>());
        Ok(Search {
            filter: text("filter"),
            sort_by: text("sortBy"),
            descending: body["sortOrder"].as_str().is_some_and(|order| order.eq_ignore_ascii_case("descending")),
            start: number("startIndex", 1)?,
            count: number("count", USUAL)?,
            projection: Projection::new(names("attributes"), names("excludedAttributes").unwrap_or_default()),
        })
    }

    /// What the client has seen of what it changes.
    pub fn seen(&self) -> Seen {
        match &self.if_match {
            None => Seen::Unsaid,
            Some(text) => Seen::At(tags(text)),
        }
    }

    /// Whether the client has a resource of this version already.
    pub fn has(&self, version: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|text| {
            let tags = tags(text);
            tags.is_empty() || tags.iter().any(|tag| tag == version)
        })
    }

    /// The body, once it is known who sends it.
    ///
    /// # Errors
    /// `UnsupportedMediaType`; `TooLarge`; `Slow`; `Invalid` on `invalidSyntax`.
    pub async fn body(&self, payload: Payload) -> Result<Value, Error> {
        if !["", JSON, "application/json"].contains(&self.kind.as_str()) {
            return Err(Error::UnsupportedMediaType);
        }
        let bytes = collect(payload, None, BODY).await?;
        serde_json::from_slice(&bytes).map_err(|error| Error::invalid("invalidSyntax", format!("The body cannot be read: {error}.")))
    }
}

/// An answer that nobody may keep.
pub fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, JSON))
        .body(body.to_string())
}

pub fn etag(version: &str) -> (HeaderName, String) {
    (header::ETAG, format!("W/\"{version}\""))
}

/// A resource, which has its address beside it when it was made.
pub fn resource(status: StatusCode, told: Told, kind: crate::scim::Kind, call: &Call) -> HttpResponse {
    if status == StatusCode::OK && call.has(&told.version) {
        return HttpResponse::NotModified().insert_header(etag(&told.version)).finish();
    }
    let location = crate::scim::location(kind, &call.base, &told.id);
    let shown = call.projection().of(kind, told.resource);
    HttpResponse::build(status)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, JSON))
        .insert_header(etag(&told.version))
        .insert_header((if status == StatusCode::CREATED { header::LOCATION } else { header::CONTENT_LOCATION }, location))
        .body(Value::Object(shown).to_string())
}

/// What SCIM calls problems of a request, among which the first one's field says it.
const KINDS: [&str; 9] =
    ["invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget", "invalidValue", "sensitive"];

fn kind_of(problems: &Problems) -> &'static str {
    let field = problems.0.first().map_or("", |problem| problem.field);
    KINDS.into_iter().find(|kind| *kind == field).unwrap_or("invalidValue")
}

/// An error as SCIM tells it (RFC 7644, section 3.12).
pub fn refusal(error: &Error, status: StatusCode, request: &str) -> HttpResponse {
    let (status, kind) = match error {
        Error::Invalid(problems) => match kind_of(problems) {
            "uniqueness" => (StatusCode::CONFLICT, Some("uniqueness")),
            kind => (StatusCode::BAD_REQUEST, Some(kind)),
        },
        Error::BadRequest(_) => (status, Some("invalidSyntax")),
        Error::Stale => (StatusCode::PRECONDITION_FAILED, None),
        _ => (status, None),
    };
    let detail = match error {
        Error::Invalid(problems) => problems.0.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join(" "),
        Error::SignIn => {
            "The header Authorization is missing, or its token is not known, not whole or over, or its provider is off.".to_owned()
        }
        Error::Stale => "The resource is at another version than the header If-Match has.".to_owned(),
        Error::NotFound => "There is nothing here.".to_owned(),
        Error::UnsupportedMediaType => "A body is application/scim+json, or application/json.".to_owned(),
        Error::Internal(_) => format!("This is our fault, not yours. It has been logged as request {request}."),
        other => other.to_string(),
    };
    let mut answer = told(status, kind, &detail);
    if matches!(error, Error::SignIn) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer realm=\"scim\""));
    }
    answer
}

/// An error in these words.
pub fn told(status: StatusCode, kind: Option<&str>, detail: &str) -> HttpResponse {
    let mut body = json!({ "schemas": [ERROR], "status": status.as_str(), "detail": detail });
    if let Some(kind) = kind {
        body["scimType"] = kind.into();
    }
    answer(status, &body)
}
