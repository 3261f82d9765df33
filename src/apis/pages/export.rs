//! Descriptions as downloads. They are strangers' texts: offered to be saved, never to be shown as a page of this site.

use actix_web::{HttpResponse, http::header, web::Data};

use crate::{
    apis::{self, Exported, description::Syntax},
    app::Portal,
    auth::Administrator,
    web::{
        Answer,
        form::{Name, Token},
    },
};

/// The answer that a browser saves and does not show.
pub fn saved(exported: Exported) -> Answer {
    let kind = if exported.syntax == Syntax::Yaml { "application/yaml" } else { "application/json" };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", exported.file)))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(exported.bytes))
}

pub(super) async fn document(_admin: Administrator, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::original(&portal.db, &name).await?)
}

pub(super) async fn json(_admin: Administrator, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::export(&portal.db, &name, Syntax::Json).await?)
}

pub(super) async fn yaml(_admin: Administrator, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::export(&portal.db, &name, Syntax::Yaml).await?)
}

/// By a link that the management API gave out: whoever has it may.
pub(super) async fn follow(portal: Data<Portal>, Token(token): Token) -> Answer {
    saved(apis::follow(&portal.db, &portal.keys, &token).await?)
}
