//! Pages for everybody: named by what is in them, so that a browser that has one is told so instead of being sent it again.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher},
    sync::{PoisonError, RwLock},
};

use actix_web::{
    HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    middleware::Next,
    web::Bytes,
};

use super::frame::Theme;

/// What a page that is the same for every guest says of itself: keep it, and ask before it is shown again. Whoever signs in asks with a
/// cookie, and gets a page of their own.
pub const ASK_FIRST: &str = "private, no-cache";

/// A page that was drawn once, for everybody who may have the same.
#[derive(Clone, Debug)]
pub struct Drawn {
    pub body: Bytes,
    pub tag: String,
}

impl Drawn {
    pub fn new(page: String) -> Self {
        Self { tag: tag_of(page.as_bytes()), body: Bytes::from(page) }
    }
}

/// Where a page is kept: at a version of the catalogue, which all that it shows follows from.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub version: i64,
    pub page: &'static str,
    pub theme: Theme,
}

/// Pages of one version, the newest that was drawn.
#[derive(Debug, Default)]
pub struct Pages(RwLock<Kept>);

#[derive(Debug, Default)]
struct Kept {
    version: i64,
    pages: HashMap<(&'static str, Theme), Drawn>,
}

impl Pages {
    pub fn get(&self, place: Place) -> Option<Drawn> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        (kept.version == place.version).then(|| kept.pages.get(&(place.page, place.theme)).cloned())?
    }

    pub fn keep(&self, place: Place, drawn: Drawn) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if place.version > kept.version {
            *kept = Kept { version: place.version, pages: HashMap::new() };
        }
        if place.version == kept.version {
            kept.pages.insert((place.page, place.theme), drawn);
        }
    }
}

fn tag_of(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("W/\"{:016x}\"", hasher.finish())
}

/// Inside the compression, since the same page may be sent compressed in several ways (RFC 9110, section 8.8.1: a weak validator).
pub async fn revalidate<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let answer = next.call(request).await?;
    let asks_first = answer.headers().get(header::CACHE_CONTROL).is_some_and(|value| value == ASK_FIRST);
    if !asks_first || answer.status() != StatusCode::OK || *answer.request().method() != Method::GET {
        return Ok(answer.map_into_left_body());
    }
    let (request, answer) = answer.into_parts();
    let (mut answer, body) = answer.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return Ok(ServiceResponse::new(request, answer.set_body(body)).map_into_left_body()),
    };
    let named = answer.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = named.map_or_else(|| tag_of(&body), str::to_owned);
    let known = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|named| named.trim() == tag);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer.headers_mut().append(header::VARY, HeaderValue::from_static("cookie"));
    let answer: HttpResponse<BoxBody> = if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        answer.headers_mut().remove(header::CONTENT_TYPE);
        answer.set_body(BoxBody::new(()))
    } else {
        answer.set_body(BoxBody::new(body))
    };
    Ok(ServiceResponse::new(request, answer).map_into_right_body())
}
