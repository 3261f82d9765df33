//! Before any handler: the request's id and log line, the security headers, and the refusal of state changes from other sites.

use std::time::Instant;

use actix_web::{
    HttpMessage, HttpRequest,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use super::{rest, routes::Pattern, scim};
use crate::{
    app::Portal,
    auth::{Visitor, links::Purpose, pages::client_address},
    error::Error,
    ids,
};

#[derive(Clone, Debug)]
pub struct RequestId(String);

impl RequestId {
    pub fn of(request: &HttpRequest) -> String {
        request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone())
    }
}

/// The portal's own files alone: no inline script or style, no frames, no other hosts.
const POLICY: &str = "default-src 'none'; object-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of a page whose script may also ask this origin, which the portal has checked.
pub fn policy_asking(origin: &str) -> String {
    POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {origin}"))
}

/// The policy of a page whose forms lead to identity providers. A provider may send people on to any other, and browsers hold forms to the
/// policy on all of that way.
pub fn policy_leaving(local: &[String]) -> String {
    let local: String = local.iter().map(|origin| format!(" {origin}")).collect();
    POLICY.replace("form-action 'self'", &format!("form-action 'self' https:{local}"))
}

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// What addresses begin with whose rest lets their holder in.
fn secret_places() -> impl Iterator<Item = &'static str> {
    Purpose::ALL.into_iter().map(Purpose::before_token).chain(["/exports/", "/signin-sso"])
}

/// A path as routes read it, and as people mistype it.
fn plainly(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    format!("/{}", decoded.trim_start_matches(['/', '\\']))
}

/// A path for the log: whoever reads it must not be let in by it.
fn told(path: &str) -> String {
    let plain = plainly(path);
    match secret_places().find(|before| plain.starts_with(before)) {
        Some(before) => format!("{before}…"),
        None => path.escape_debug().to_string(),
    }
}

/// Whether the address of a page lets its holder in, for as long as its link works.
fn is_secret(path: &str) -> bool {
    let plain = plainly(path);
    plain == "/setup" || secret_places().any(|before| plain.starts_with(before))
}

/// Such an address stays out of every other request, also those to this portal, which proxies log. A browser says nothing of where a form
/// comes from then but in `Sec-Fetch-Site`, which it sends to trustworthy hosts alone (Secure Contexts, section 3.1); to others the name of
/// this one is told.
fn referrer_policy(secure: bool, host: &str) -> &'static str {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(host, |(name, _)| name);
    let local = name == "localhost" || name.ends_with(".localhost") || name == "[::1]" || name.starts_with("127.");
    if secure || local { "no-referrer" } else { "origin" }
}

/// Outermost: names the request, adds the headers, writes the log line. The query stays out of the log: it may hold a one-time token.
pub async fn surround<B: MessageBody + 'static>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, actix_web::Error> {
    let id = ids::random_name(20);
    let began = Instant::now();
    let portal = request.app_data::<Data<Portal>>().cloned();
    let secure = portal.as_ref().is_some_and(|portal| portal.settings.secure());
    request.extensions_mut().insert(RequestId(id.clone()));
    let address = portal.as_ref().map_or_else(String::new, |portal| client_address(request.request(), portal));
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let secretive = is_secret(&path).then(|| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        referrer_policy(secure, host.unwrap_or_default())
    });
    let mut outcome = next.call(request).await;
    let (mut route, mut user) = (None, String::new());
    let status = match &mut outcome {
        Ok(answer) => {
            route = Pattern::of(answer.request());
            // Whoever was refused is named as well as whoever was let in.
            if let Some(Visitor::SignedIn(who)) = answer.request().extensions().get::<Visitor>() {
                user.clone_from(&who.person().name);
            }
            if let Some(caller) = rest::caller(answer.request()) {
                user = caller;
            }
            let asked = answer.request().clone();
            rest::tell(&asked, answer.headers_mut(), &id);
            add_headers(answer.headers_mut(), &id, secure);
            if let Some(policy) = secretive {
                answer.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static(policy));
            }
            if portal.as_ref().is_some_and(|portal| portal.is_stopping()) {
                answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
            }
            answer.status()
        }
        Err(error) => error.as_response_error().status_code(),
    };
    let took = began.elapsed();
    if let Some(metrics) = portal.as_ref().and_then(|portal| portal.metrics.as_ref()) {
        metrics.answered(route, &method, status, took);
    }
    let milliseconds = took.as_secs_f64() * 1000.0;
    tracing::info!(request = %id, %address, %user, %method, path = %told(&path), status = status.as_u16(), milliseconds = (milliseconds * 100.0).round() / 100.0, "answered");
    outcome
}

fn add_headers(headers: &mut HeaderMap, id: &str, secure: bool) {
    for (name, value) in HEADERS {
        // A file that somebody sent comes with a narrower policy, and a page that calls an API with one that names it.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// Refuses a state change that does not come from this site's own pages.
///
/// Browsers say where a request comes from in `Sec-Fetch-Site`, and in `Origin` (Fetch Standard); a page of another site can forge
/// neither. A request that says nothing is refused too: every browser that runs this portal's pages sends one of them with a form.
pub async fn same_site<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    // Programs show a token with every call, and no cookie of theirs is looked at.
    let by_programs = rest::is_for_programs(request.path()) || scim::is_asked(request.path());
    if request.method().is_safe() || by_programs || is_of_providers(request.path()) || comes_from_here(&request) {
        Ok(next.call(request).await?.map_into_left_body())
    } else {
        tracing::warn!(request = %RequestId::of(request.request()), path = %told(request.path()), "state change from another site refused");
        Ok(request.error_response(Error::CrossSite).map_into_right_body())
    }
}

/// Where identity providers tell that somebody signed out there, by a token that they sign.
fn is_of_providers(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["", "signin", _, "logout"])
}

fn comes_from_here(request: &ServiceRequest) -> bool {
    let text = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let Some(origin) = text(&header::ORIGIN).and_then(|origin| url::Url::parse(origin).ok()) else { return false };
    let Some(settings) = request.app_data::<Data<Portal>>().map(|portal| &portal.settings) else { return false };
    let public = settings.public_url.as_ref().map(|url| url.origin());
    let scheme = if settings.secure() { "https" } else { "http" };
    match public {
        Some(public) => origin.origin() == public,
        None if origin.scheme() != scheme => false,
        None => text(&header::HOST).is_some_and(|host| {
            let named = match (origin.host_str(), origin.port()) {
                (Some(name), Some(port)) => format!("{name}:{port}"),
                (Some(name), None) => name.to_owned(),
                (None, _) => return false,
            };
            named.eq_ignore_ascii_case(host)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_address_is_told_to_nobody_who_need_not_know() {
        for path in ["/setup", "/reset/x", "/invitation/x", "/confirm/x", "/confirm-email/x"] {
            assert!(is_secret(path), "{path}");
        }
        assert!(!is_secret("/signin") && !is_secret("/account"));
        for path in
            ["/confirm/t0ken", "/%63onfirm/t0ken", "//confirm/t0ken", "/CONFIRM/t0ken", "/%2Freset/t0ken", "/signin-sso%3Ftoken=t0ken"]
        {
            assert!(is_secret(path) && !told(path).contains("t0ken"), "{path}: {}", told(path));
        }
        for (secure, host) in [(true, "portal.example"), (false, "127.0.0.1:8080"), (false, "localhost"), (false, "[::1]:8080")] {
            assert_eq!(referrer_policy(secure, host), "no-referrer", "{host}");
        }
        for host in ["portal.example", "portal.example:8080", "10.0.0.1:80", ""] {
            assert_eq!(referrer_policy(false, host), "origin", "{host}");
        }
    }
}
