//! What SCIM says of itself: what is supported, which resources there are, and their schemas.

use actix_web::http::{Method, StatusCode};
use serde_json::Value;

use super::{at, page};
use crate::{
    error::Error,
    scim::schemas::{config, resource_types, schemas},
    web::{
        Answer, Routes,
        form::Name,
        scim::{Call, answer},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .told_elsewhere(Method::GET, at!("/ServiceProviderConfig"), show_config)
        .told_elsewhere(Method::GET, at!("/ResourceTypes"), list_types)
        .told_elsewhere(Method::GET, at!("/ResourceTypes/{name}"), show_type)
        .told_elsewhere(Method::GET, at!("/Schemas"), list_schemas)
        .told_elsewhere(Method::GET, at!("/Schemas/{name}"), show_schema);
}

async fn show_config(call: Call) -> Answer {
    Ok(answer(StatusCode::OK, &config(&call.base)))
}

fn listed(call: &Call, all: Vec<Value>) -> Answer {
    if call.is_filtered() {
        return Err(Error::Forbidden("What SCIM says of itself is not filtered."));
    }
    Ok(page(1, i64::try_from(all.len()).unwrap_or(i64::MAX), &all))
}

fn one(all: Vec<Value>, id: &str) -> Answer {
    let found = all.into_iter().find(|one| one["id"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(id)));
    Ok(answer(StatusCode::OK, &found.ok_or(Error::NotFound)?))
}

async fn list_types(call: Call) -> Answer {
    listed(&call, resource_types(&call.base))
}

async fn show_type(call: Call, Name(id): Name) -> Answer {
    one(resource_types(&call.base), &id)
}

async fn list_schemas(call: Call) -> Answer {
    listed(&call, schemas(&call.base))
}

async fn show_schema(call: Call, Name(id): Name) -> Answer {
    one(schemas(&call.base), &id)
}
