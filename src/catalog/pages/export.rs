//! An API's description to be saved, for whoever sees the API.

use actix_web::web::Data;

use crate::{
    apis::{self, description::Syntax, pages::export::saved},
    app::Portal,
    auth::Visitor,
    catalog,
    error::Error,
    web::{Answer, form::Name},
};

async fn seen(portal: &Portal, visitor: &Visitor, name: &str) -> Result<String, Error> {
    let api = catalog::sees_api(&portal.db, &portal.catalog, visitor, name).await?.ok_or(Error::NotFound)?;
    Ok(api.name.clone())
}

pub(super) async fn document(visitor: Visitor, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::original(&portal.db, &seen(&portal, &visitor, &name).await?).await?)
}

pub(super) async fn json(visitor: Visitor, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::export(&portal.db, &seen(&portal, &visitor, &name).await?, Syntax::Json).await?)
}

pub(super) async fn yaml(visitor: Visitor, portal: Data<Portal>, Name(name): Name) -> Answer {
    saved(apis::export(&portal.db, &seen(&portal, &visitor, &name).await?, Syntax::Yaml).await?)
}
