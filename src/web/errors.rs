//! How an Error is drawn: a page in the portal's own face, or JSON where programs ask. No rule of the domain enters here.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web::Data,
};
use askama::Template;

use super::{
    Frame,
    guard::RequestId,
    rest,
    routes::{Pages, Pattern},
    scim,
    url::encode,
};
use crate::{app::Portal, error::Error};

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::SignIn => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) | Error::CrossSite => StatusCode::FORBIDDEN,
            Error::SystemEntity(_) | Error::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Error::Stale | Error::Conflict(_) => StatusCode::CONFLICT,
            Error::BadRequest(_) => StatusCode::BAD_REQUEST,
            Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Slow => StatusCode::REQUEST_TIMEOUT,
            Error::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Busy | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Error::NotFound => "Nothing here",
            Error::Invalid(_) => "Something is not filled in rightly",
            Error::SignIn => "Sign in to go on",
            Error::Forbidden(_) => "Not allowed",
            Error::CrossSite => "Refused",
            Error::SystemEntity(_) => "System groups stay as they are",
            Error::MethodNotAllowed => "Not done this way",
            Error::Stale => "Changed meanwhile",
            Error::Conflict(_) => "Not possible now",
            Error::BadRequest(_) => "Request not understood",
            Error::TooLarge(_) => "Too large",
            Error::Slow => "Too slow",
            Error::UnsupportedMediaType => "Content not understood",
            Error::TooMany { .. } => "Too many attempts",
            Error::Busy => "Busy",
            Error::Unavailable(_) => "Not at the moment",
            Error::Internal(_) => "Something went wrong here",
        }
    }

    /// What a person is told; what went wrong inside stays in the log.
    fn for_people(&self) -> String {
        match self {
            Error::Internal(_) => "This is our fault, not yours. It has been logged; if you report it, name the request below.".to_owned(),
            other => other.to_string(),
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// A bare answer; `draw` puts the page or the JSON into it.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status())
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    title: &'static str,
    message: String,
    request: Option<String>,
}

pub async fn not_found() -> Result<HttpResponse, Error> {
    Err(Error::NotFound)
}

pub async fn method_not_allowed() -> Result<HttpResponse, Error> {
    Err(Error::MethodNotAllowed)
}

/// Middleware inside the session: replaces a bare error with its page.
pub async fn draw<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let answer = next.call(request).await?;
    let Some(error) = answer.response().error().and_then(|error| error.as_error::<Error>()) else {
        return Ok(answer.map_into_left_body());
    };
    let told = error.in_words();
    let error = told.as_ref().unwrap_or(error);
    let id = RequestId::of(answer.request());
    if let Error::Internal(why) | Error::Unavailable(why) = error {
        tracing::error!(request = %id, error = %why, cause = ?why.source().map(ToString::to_string), "request failed");
    }
    let path = answer.request().path();
    let mut drawn = match (rest::is_for_programs(path), scim::is_asked(path)) {
        (true, _) => pressed(error, rest::refusal(error, error.status(), &id)),
        (_, true) => pressed(error, scim::refusal(error, error.status(), &id)),
        _ => draw_error(answer.request(), error, &id).await,
    };
    if matches!(error, Error::MethodNotAllowed | Error::SystemEntity(_)) {
        let allowed = Pattern::allowed(answer.request(), matches!(error, Error::MethodNotAllowed));
        if let Some(allowed) = allowed.and_then(|methods| header::HeaderValue::from_str(&methods).ok()) {
            drawn.headers_mut().insert(header::ALLOW, allowed);
        }
    }
    Ok(answer.into_response(drawn).map_into_boxed_body().map_into_right_body())
}

async fn draw_error(request: &HttpRequest, error: &Error, id: &str) -> HttpResponse {
    if matches!(error, Error::SignIn) {
        // A form that was sent after the session had ended goes back to the page it came from. To sign out everywhere saves nothing, and
        // has not been done.
        let lost = match (request.method().is_safe(), request.path()) {
            (true, _) => "",
            (false, "/signout/everywhere") => "&said=elsewhere",
            (false, _) => "&said=lost",
        };
        let next = if request.method().is_safe() {
            request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned()
        } else {
            referring_path(request).unwrap_or_else(|| "/".to_owned())
        };
        return HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("/signin?next={}{lost}", encode(&next))))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish();
    }
    // Where the database does not answer, it is not asked once more.
    let frame = match request.app_data::<Data<Portal>>() {
        Some(portal) if matches!(error, Error::Busy | Error::Unavailable(_) | Error::Internal(_)) => {
            Frame::with(portal.face.newest(), request)
        }
        _ => Frame::of(request).await,
    };
    let status = error.status();
    let internal = matches!(error, Error::Internal(_));
    let page = ErrorPage {
        frame,
        status: status.as_u16(),
        title: error.title(),
        message: error.for_people(),
        request: internal.then(|| id.to_owned()),
    };
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8")).insert_header((header::CACHE_CONTROL, "no-store"));
    pressed(
        error,
        match page.render() {
            Ok(body) => answer.body(body),
            Err(_) => answer.body(last_words(status, id)),
        },
    )
}

/// Says when to try again.
fn pressed(error: &Error, mut answer: HttpResponse) -> HttpResponse {
    let seconds = match error {
        Error::TooMany { seconds, .. } => *seconds,
        Error::Busy | Error::Unavailable(_) => 5,
        _ => return answer,
    };
    answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    answer
}

/// Path and query of the page whose form or link led here. None when that address only takes forms, as after a form that was refused.
pub fn referring_path(request: &HttpRequest) -> Option<String> {
    let referrer = request.headers().get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(|text| ::url::Url::parse(text).ok());
    let path = referrer.map(|url| match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    });
    path.filter(|path| Pages::has(request, path))
}

/// Middleware around the session: when even the session cannot be read (the database is away), a page without a frame.
pub async fn last_resort<B: MessageBody + 'static>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, actix_web::Error> {
    let id = RequestId::of(request.request());
    next.call(request).await.map_err(|error| {
        tracing::error!(request = %id, %error, "request failed before its session was known");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let body = last_words(status, &id);
        let answer = HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::RETRY_AFTER, "5"))
            .body(body);
        actix_web::error::InternalError::from_response(error.to_string(), answer).into()
    })
}

fn last_words(status: StatusCode, id: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}: no answer at the moment</title><h1>The portal cannot answer at the moment</h1>\
         <p>If you were changing something, look whether it was done before you try again.</p><p>Request {id}</p></html>",
        status.as_u16()
    )
}
