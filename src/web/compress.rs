//! Whole pages in one stroke of zstd, with a context that each worker keeps. What is streamed, or goes to a browser without zstd, is left to
//! the middleware around this one: its stream does not know how much comes, so it makes room for a window of megabytes, and takes three times the time for a page.

use std::cell::RefCell;

use actix_web::{
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, AcceptEncoding, Encoding, Header, HeaderMap, HeaderValue},
    },
    middleware::Next,
};

/// Bytes below which the coding costs more than it saves.
const LEAST: u64 = 512;
/// Bytes above which a worker would be kept from other requests for too long.
const MOST: u64 = 1_048_576;
/// Zstandard's usual one.
const LEVEL: i32 = 3;

thread_local! {
    static CONTEXT: RefCell<Option<zstd::bulk::Compressor<'static>>> = RefCell::new(zstd::bulk::Compressor::new(LEVEL).ok());
}

pub async fn compress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let wanted = AcceptEncoding::parse(&request).is_ok_and(|accepted| takes_zstd(&accepted));
    let answer = next.call(request).await?;
    let whole = matches!(answer.response().body().size(), BodySize::Sized(LEAST..=MOST));
    let coded = answer.headers().contains_key(header::CONTENT_ENCODING) || answer.status() == StatusCode::PARTIAL_CONTENT;
    if !wanted || !whole || coded || !is_text(answer.headers()) {
        return Ok(answer.map_into_left_body());
    }
    let (request, answer) = answer.into_parts();
    let (mut answer, body) = answer.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return Ok(ServiceResponse::new(request, answer.set_body(body)).map_into_left_body()),
    };
    let small = CONTEXT.with_borrow_mut(|context| context.as_mut().and_then(|context| context.compress(&body).ok()));
    let body = match small {
        Some(small) => {
            answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
            answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
            small.into()
        }
        None => body,
    };
    Ok(ServiceResponse::new(request, answer.set_body(BoxBody::new(body))).map_into_right_body())
}

fn takes_zstd(accepted: &AcceptEncoding) -> bool {
    let ours = [Encoding::zstd(), Encoding::gzip(), Encoding::identity()];
    accepted.negotiate(ours.iter()) == Some(Encoding::zstd())
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.starts_with("text/") || matches!(kind, "application/json" | "image/svg+xml")
}
