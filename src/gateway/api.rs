//! `/gateway/check`, for nginx's auth_request, Caddy's, Traefik's and HAProxy's forward authentication, Envoy's ext_authz.
//! Answered in front of everything else: no session, no cookie, no compression. No key, token or query goes into the log.

use std::time::Instant as Moment;

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, Method, StatusCode,
        header::{self, HeaderName},
    },
    middleware::Next,
    web::Data,
};

use super::{Asked, Let, Refusal, address, known};
use crate::{app::Portal, auth::pages::client_address, auth::tokens, error::Error, ids, subscriptions};

const PATH: &str = "/gateway/check";

/// What is answered here; the access table knows them beside the routes. Envoy puts the address that was called behind its own.
pub const ROUTES: [&str; 2] = [PATH, "/gateway/check/{address:.*}"];

const KEY: HeaderName = HeaderName::from_static("x-portico-key");
/// What clients of other portals send.
const USUAL_KEY: HeaderName = HeaderName::from_static("ocp-apim-subscription-key");
const ORIGINAL: HeaderName = HeaderName::from_static("x-original-uri");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-uri");
const API: HeaderName = HeaderName::from_static("x-portico-api");

const SUBSCRIPTION: HeaderName = HeaderName::from_static("x-portico-subscription");
const PRODUCT: HeaderName = HeaderName::from_static("x-portico-product");
const USER: HeaderName = HeaderName::from_static("x-portico-user");
const REASON: HeaderName = HeaderName::from_static("x-portico-reason");

/// Outermost middleware: answers the gateway's question, and lets everything else by.
pub async fn answer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(behind) = request.path().strip_prefix(PATH).filter(|behind| behind.is_empty() || behind.starts_with('/')) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let route = ROUTES[usize::from(!behind.is_empty())];
    let Some(portal) = request.app_data::<Data<Portal>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let began = Moment::now();
    let mut answer = check(request.request(), &portal).await;
    let (status, took) = (answer.status(), began.elapsed());
    if portal.is_stopping() {
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    if let Some(metrics) = &portal.metrics {
        metrics.answered(Some(route), &Method::GET, status, took);
    }
    let reason = answer.headers().get(&REASON).and_then(|reason| reason.to_str().ok());
    tracing::debug!(status = status.as_u16(), reason, microseconds = took.as_micros(), "a gateway asked");
    Ok(request.into_response(answer).map_into_right_body())
}

/// A header with something in it.
fn text<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

/// A header that cannot be read, or of which there are several, could be read otherwise by the gateway.
fn is_garbled(request: &HttpRequest, name: &HeaderName) -> bool {
    let mut all = request.headers().get_all(name);
    all.next().is_some_and(|first| first.to_str().is_err()) || all.next().is_some()
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = text(request, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn check(request: &HttpRequest, portal: &Data<Portal>) -> HttpResponse {
    let behind = request.uri().path_and_query().and_then(|whole| whole.as_str().strip_prefix(PATH));
    let addresses = [behind.filter(|behind| behind.starts_with('/')), text(request, &ORIGINAL), text(request, &FORWARDED)];
    let in_header = text(request, &KEY).or_else(|| text(request, &USUAL_KEY));
    let in_query = if in_header.is_none() { addresses.iter().flatten().find_map(|address| address::key(address)) } else { None };
    let mac = in_header.or(in_query.as_deref()).and_then(|key| known::shortened(&portal.keys.lookup(subscriptions::KEY, key)));
    let garbled = [ORIGINAL, FORWARDED, API].iter().any(|name| is_garbled(request, name));
    let asked = Asked { token: bearer(request), key: mac.as_ref(), addresses, suffix: text(request, &API), garbled };
    let judged = portal.gateway.ask(&portal.db, |known, now| {
        let used = known.admit(asked.token, now)?;
        Ok::<_, Refusal>((used, known.judge(&asked, now)))
    });
    let (used, judged) = match judged.await {
        Ok(Ok(judged)) => judged,
        Ok(Err(refusal)) => {
            let address = client_address(request, portal);
            tracing::warn!(%address, reason = refusal.reason(), "a gateway’s token was refused");
            return refused(refusal);
        }
        Err(error) => return unanswered(&error),
    };
    if let Some(token) = used {
        let portal = portal.clone();
        tokio::spawn(async move {
            if let Err(error) = tokens::note_use(&portal.db, token).await {
                tracing::debug!(%error, "the use of a token was not written down");
            }
        });
    }
    judged.map_or_else(refused, |granted| passed(&granted))
}

fn begun(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer
}

fn passed(granted: &Let) -> HttpResponse {
    let mut answer = begun(StatusCode::NO_CONTENT);
    answer.insert_header((PRODUCT, ids::encode(&granted.product)));
    if let Some((subscription, user)) = &granted.subscription {
        answer.insert_header((SUBSCRIPTION, ids::encode(subscription))).insert_header((USER, ids::encode(user)));
    }
    answer.finish()
}

fn refused(refusal: Refusal) -> HttpResponse {
    let (status, code, challenge) = match refusal {
        Refusal::NoToken => (StatusCode::UNAUTHORIZED, "Unauthorized", "Bearer realm=\"gateway\""),
        Refusal::DamagedToken | Refusal::UnknownToken | Refusal::EndedToken => {
            (StatusCode::UNAUTHORIZED, "Unauthorized", "Bearer realm=\"gateway\", error=\"invalid_token\"")
        }
        Refusal::NoKey | Refusal::UnknownKey => (StatusCode::UNAUTHORIZED, "Unauthorized", "SubscriptionKey realm=\"API\""),
        Refusal::NoAddress => (StatusCode::BAD_REQUEST, "BadRequest", ""),
        _ => (StatusCode::FORBIDDEN, "Forbidden", ""),
    };
    let mut answer = begun(status);
    if !challenge.is_empty() {
        answer.insert_header((header::WWW_AUTHENTICATE, challenge));
    }
    answer.insert_header((REASON, refusal.reason()));
    answer.json(serde_json::json!({ "error": { "code": code, "reason": refusal.reason(), "message": refusal.message() } }))
}

fn unanswered(error: &Error) -> HttpResponse {
    if let Error::Internal(why) = error {
        tracing::error!(error = %why, "a gateway’s question failed");
    }
    let mut answer = begun(StatusCode::SERVICE_UNAVAILABLE);
    answer.insert_header((header::RETRY_AFTER, "5"));
    answer.json(serde_json::json!({ "error": { "code": "ServiceUnavailable", "message": "The portal cannot say at the moment." } }))
}
