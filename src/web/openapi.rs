//! `/openapi.json`: what the management API of this portal says of itself, for whoever asks.

use std::sync::OnceLock;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{Answer, Routes, forwarded::origin, revalidate::ASK_FIRST};
use crate::{
    app::{self, Portal},
    error::Error,
    rest::{
        openapi::{About, document},
        told::Told,
    },
};

pub fn routes(routes: &mut Routes) {
    routes.get("/openapi.json", show);
}

/// What stands in the kept document where each portal has its own.
const ORIGIN: &str = "https://portal.example.";
const SERVICE: &str = "the-service-name";

/// The description as a document of OpenAPI 3.1: the same but for the portal's address and its service name.
///
/// # Errors
/// `Internal` when a route cannot be described, which a test looks for.
pub fn text(about: &About) -> Result<String, Error> {
    static KEPT: OnceLock<String> = OnceLock::new();
    let kept = match KEPT.get() {
        Some(kept) => kept,
        None => {
            let blank = About { origin: ORIGIN.to_owned(), service: SERVICE.to_owned() };
            let routes = app::routes();
            let made = document::<Told>(routes.described(), &blank)?.to_string();
            KEPT.get_or_init(|| made)
        }
    };
    let of = |text: &str| serde_json::to_string(text);
    Ok(kept.replace(&of(ORIGIN)?, &of(&about.origin)?).replace(&of(SERVICE)?, &of(&about.service)?))
}

async fn show(request: HttpRequest, portal: Data<Portal>) -> Answer {
    let about = About { origin: origin(&request, &portal.settings), service: portal.settings.service_name.clone() };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, ASK_FIRST))
        .body(text(&about)?))
}
