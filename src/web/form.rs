//! Forms and query strings into structs; repeated fields become lists. What cannot be read is an Error, never a panic.

use std::{future::Future, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header,
    web::{Bytes, BytesMut},
};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use super::paced::{is_late, paced};
use crate::error::Error;

/// A form without files is small: the largest holds a product's description and terms, and 1,000 ticked rows.
const FORM_BYTES: usize = 512 * 1024;

/// A posted form (`application/x-www-form-urlencoded`).
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.content_type().to_ascii_lowercase();
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
        let payload = payload.take();
        Box::pin(async move {
            if kind != "application/x-www-form-urlencoded" {
                return Err(Error::UnsupportedMediaType);
            }
            let body = collect(payload, announced, (FORM_BYTES, "The form is larger than 512 kB.")).await?;
            serde_html_form::from_bytes(&body)
                .map(Form)
                .map_err(|error| Error::BadRequest(format!("The form is incomplete or damaged: {error}.")))
        })
    }
}

/// The body, up to so many bytes; what to say of a larger one.
pub(super) async fn collect<S>(payload: S, announced: Option<usize>, (most, larger): (usize, &'static str)) -> Result<BytesMut, Error>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    if announced.is_some_and(|bytes| bytes > most) {
        return Err(Error::TooLarge(larger));
    }
    let (mut body, mut payload) = (BytesMut::new(), std::pin::pin!(paced(payload)));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            if is_late(&error) { Error::Slow } else { Error::BadRequest("What was sent did not arrive whole.".to_owned()) }
        })?;
        if body.len() + chunk.len() > most {
            return Err(Error::TooLarge(larger));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string();
        // No text holds this character, and PostgreSQL cannot be asked for it.
        if query.contains("%00") {
            return std::future::ready(Err(Error::BadRequest("The address has a query that holds the character NUL.".to_owned())));
        }
        std::future::ready(
            serde_html_form::from_str(query)
                .map(Query)
                .map_err(|error| Error::BadRequest(format!("The address has a query that cannot be read: {error}."))),
        )
    }
}

/// The name in the address: `{name}` of the route, decoded whole (`%2F` is part of a name).
pub struct Name(pub String);

impl FromRequest for Name {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(segment(request, "name").map(Name))
    }
}

/// The two names in an address of something inside something: `{name}` and `{inner}`.
pub struct Names(pub String, pub String);

impl FromRequest for Names {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(segment(request, "name").and_then(|name| Ok(Names(name, segment(request, "inner")?))))
    }
}

/// The inner name alone, in an address that belongs to whoever asks: `{inner}`.
pub struct Inner(pub String);

impl FromRequest for Inner {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(segment(request, "inner").map(Inner))
    }
}

/// The token of a one-time link: `{token}`.
pub struct Token(pub String);

impl FromRequest for Token {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(segment(request, "token").map(Token))
    }
}

fn segment(request: &HttpRequest, key: &str) -> Result<String, Error> {
    let raw = request.match_info().get(key).unwrap_or("");
    percent_encoding::percent_decode_str(raw)
        .decode_utf8()
        .ok()
        .filter(|text| !text.contains('\0'))
        .map(|text| text.into_owned())
        .ok_or(Error::NotFound)
}
