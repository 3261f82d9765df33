//! The static files, embedded, compressed at build time, under names that change with their content, and so cached for ever.

use actix_web::{HttpRequest, HttpResponse, http::header};

use crate::error::Error;

pub struct Asset {
    name: &'static str,
    hashed: &'static str,
    url: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The address of a file of `static/`; an unknown one gives an address that is 404, which a test looks for.
pub fn url(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("/assets/missing", |asset| asset.url)
}

/// `GET /assets/{name}`.
pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Error> {
    let name = request.match_info().get("file").unwrap_or("");
    let asset = ASSETS.iter().find(|asset| asset.hashed == name).ok_or(Error::NotFound)?;
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let takes = |coding: &str| accepted.split(',').any(|offer| offer.split(';').next().is_some_and(|name| name.trim() == coding));
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, asset.kind))
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::VARY, "accept-encoding"));
    Ok(if takes("br") {
        answer.insert_header((header::CONTENT_ENCODING, "br")).body(asset.brotli)
    } else if takes("gzip") {
        answer.insert_header((header::CONTENT_ENCODING, "gzip")).body(asset.gzip)
    } else {
        answer.insert_header((header::CONTENT_ENCODING, "identity")).body(asset.plain)
    })
}
