//! What every page needs: response verbs, the frame, forms, errors, paging, headers and assets. No feature is named here but the menu's words
//! and the site's face.

pub mod assets;
pub mod compress;
pub mod errors;
pub mod face;
pub mod filters;
pub mod flash;
pub mod form;
pub mod forwarded;
pub mod frame;
pub mod guard;
pub mod markdown;
pub mod meant;
pub mod multipart;
pub mod openapi;
mod paced;
pub mod paging;
pub mod parts;
pub mod rest;
pub mod revalidate;
pub mod routes;
pub mod scim;
pub mod surroundings;
pub mod url;

use actix_web::{HttpResponse, http::header};
use askama::Template;

pub use flash::Flash;
pub use form::Form;
pub use frame::Frame;
pub use paging::{Page, Pager};
pub use revalidate::Drawn;
pub use routes::Routes;

use crate::error::Error;

/// Bytes of an address, which every server is to take (RFC 9110, section 4.1).
const LONGEST_ADDRESS: usize = 8_000;

pub type Answer = Result<HttpResponse, Error>;

/// A page. Who asks decides what it shows, so no cache may keep it.
pub fn page(template: &impl Template) -> Answer {
    page_with(actix_web::http::StatusCode::OK, template)
}

/// A page of the developer portal: the same for every guest, who may keep it and ask whether it has changed.
pub fn open_page(for_guest: bool, template: &impl Template) -> Answer {
    let mut answer = page(template)?;
    if for_guest {
        answer.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(revalidate::ASK_FIRST));
    }
    Ok(answer)
}

/// The same, kept for the next guest where it has a place.
pub fn open_page_at(place: Option<(&revalidate::Pages, revalidate::Place)>, for_guest: bool, template: &impl Template) -> Answer {
    let Some((pages, place)) = place else { return open_page(for_guest, template) };
    let drawn = Drawn::new(template.render().map_err(Error::internal)?);
    pages.keep(place, drawn.clone());
    drawn_page(drawn)
}

/// A page that was drawn for a guest before.
pub fn drawn_page(drawn: Drawn) -> Answer {
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, revalidate::ASK_FIRST))
        .insert_header((header::ETAG, drawn.tag))
        .body(drawn.body))
}

/// A form drawn again because something in it is wrong.
pub fn invalid(template: &impl Template) -> Answer {
    page_with(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, template)
}

pub fn page_with(status: actix_web::http::StatusCode, template: &impl Template) -> Answer {
    let body = template.render().map_err(Error::internal)?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// After a change: the browser fetches `path` (303), so that reloading does not do it again.
pub fn see_other(path: &str) -> Answer {
    // Servers and proxies take no longer ones; the page without what was searched for is better than none.
    let path = if path.len() > LONGEST_ADDRESS { path.split('?').next().unwrap_or("/") } else { path };
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, path)).insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// `1 developer`, `2 developers`, `1,234 developers`.
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", filters::thousands(count), if count == 1 { one } else { many })
}
