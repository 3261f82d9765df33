//! SCIM over HTTP. Each handler translates, and calls what does it.

mod discovery;

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
    web::{Data, Payload},
};
use serde_json::{Value, json};

use super::{Found, Kind, Search, groups, schemas::LIST, users};
use crate::{
    app::Portal,
    error::Error,
    web::{
        Answer, Routes,
        form::Name,
        scim::{Call, answer, etag, resource, told},
    },
};

/// An address below SCIM's.
macro_rules! at {
    ($rest:literal) => {
        concat!("/scim/v2", $rest)
    };
}
use at;

pub fn routes(routes: &mut Routes) {
    discovery::routes(routes);
    routes
        .told_elsewhere(Method::GET, at!("/Users"), list_users)
        .told_elsewhere(Method::POST, at!("/Users"), create_user)
        .told_elsewhere(Method::POST, at!("/Users/.search"), search_users)
        .told_elsewhere(Method::GET, at!("/Users/{name}"), show_user)
        .told_elsewhere(Method::PUT, at!("/Users/{name}"), replace_user)
        .told_elsewhere(Method::PATCH, at!("/Users/{name}"), change_user)
        .told_elsewhere(Method::DELETE, at!("/Users/{name}"), delete_user)
        .told_elsewhere(Method::GET, at!("/Groups"), list_groups)
        .told_elsewhere(Method::POST, at!("/Groups"), create_group)
        .told_elsewhere(Method::POST, at!("/Groups/.search"), search_groups)
        .told_elsewhere(Method::GET, at!("/Groups/{name}"), show_group)
        .told_elsewhere(Method::PUT, at!("/Groups/{name}"), replace_group)
        .told_elsewhere(Method::PATCH, at!("/Groups/{name}"), change_group)
        .told_elsewhere(Method::DELETE, at!("/Groups/{name}"), delete_group)
        .told_elsewhere(Method::POST, at!("/.search"), search_all)
        .told_elsewhere(Method::POST, at!("/Bulk"), no_bulk);
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        routes.told_elsewhere(method, at!("/Me"), nobody);
    }
}

/// A page of a list.
fn listed(search: &Search, found: &Found) -> HttpResponse {
    page(search.start.max(1), found.total, &found.resources)
}

fn page(start: i64, total: i64, resources: &[Value]) -> HttpResponse {
    let mut body = json!({ "schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": resources.len() });
    if !resources.is_empty() || total == 0 {
        body["Resources"] = resources.into();
    }
    answer(StatusCode::OK, &body)
}

async fn list_users(call: Call, portal: Data<Portal>) -> Answer {
    let search = call.search()?;
    Ok(listed(&search, &users::list(&mut portal.db.read().await?, &call.who, &call.base, &search).await?))
}

async fn search_users(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    let search = Call::search_of(&call.body(payload).await?)?;
    Ok(listed(&search, &users::list(&mut portal.db.read().await?, &call.who, &call.base, &search).await?))
}

async fn show_user(call: Call, portal: Data<Portal>, Name(id): Name) -> Answer {
    let told = users::get(&mut portal.db.read().await?, &call.who, &call.base, &id).await?;
    Ok(resource(StatusCode::OK, told, Kind::User, &call))
}

async fn create_user(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let told = users::create(&portal.db, &portal.mail, &call.who, &call.base, body).await?;
    Ok(resource(StatusCode::CREATED, told, Kind::User, &call))
}

async fn replace_user(call: Call, portal: Data<Portal>, Name(id): Name, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let told = users::replace(&portal.db, &portal.mail, &call.who, &call.base, (&id, &call.seen()), body).await?;
    Ok(resource(StatusCode::OK, told, Kind::User, &call))
}

async fn change_user(call: Call, portal: Data<Portal>, Name(id): Name, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let told = users::change(&portal.db, &portal.mail, &call.who, &call.base, (&id, &call.seen()), body).await?;
    Ok(resource(StatusCode::OK, told, Kind::User, &call))
}

async fn delete_user(call: Call, portal: Data<Portal>, Name(id): Name) -> Answer {
    users::delete(&portal.db, &portal.mail, &call.who, &id, &call.seen()).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list_groups(call: Call, portal: Data<Portal>) -> Answer {
    let search = call.search()?;
    Ok(listed(&search, &groups::list(&mut portal.db.read().await?, &call.who, &call.base, &search).await?))
}

async fn search_groups(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    let search = Call::search_of(&call.body(payload).await?)?;
    Ok(listed(&search, &groups::list(&mut portal.db.read().await?, &call.who, &call.base, &search).await?))
}

async fn show_group(call: Call, portal: Data<Portal>, Name(id): Name) -> Answer {
    let told = groups::get(&mut portal.db.read().await?, &call.who, &call.base, &id, &call.projection()).await?;
    Ok(resource(StatusCode::OK, told, Kind::Group, &call))
}

async fn create_group(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let told = groups::create(&portal.db, &call.who, &call.base, &call.projection(), body).await?;
    Ok(resource(StatusCode::CREATED, told, Kind::Group, &call))
}

async fn replace_group(call: Call, portal: Data<Portal>, Name(id): Name, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let told = groups::replace(&portal.db, &call.who, &call.base, &call.projection(), (&id, &call.seen()), body).await?;
    Ok(resource(StatusCode::OK, told, Kind::Group, &call))
}

/// Thousands of members are not told again with every one that comes.
async fn change_group(call: Call, portal: Data<Portal>, Name(id): Name, payload: Payload) -> Answer {
    let body = call.body(payload).await?;
    let version = groups::change(&portal.db, &call.who, (&id, &call.seen()), body).await?;
    Ok(HttpResponse::NoContent().insert_header(etag(&version.to_string())).finish())
}

async fn delete_group(call: Call, portal: Data<Portal>, Name(id): Name) -> Answer {
    groups::delete(&portal.db, &call.who, &id, &call.seen()).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn search_all(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    let search = Call::search_of(&call.body(payload).await?)?;
    Ok(listed(&search, &super::search(&mut portal.db.read().await?, &call.who, &call.base, &search).await?))
}

async fn no_bulk(_call: Call) -> Result<HttpResponse, Error> {
    Ok(told(StatusCode::NOT_IMPLEMENTED, None, "Operations in bulk are not supported."))
}

/// A token is a provider's, and no person's.
async fn nobody(_call: Call) -> Result<HttpResponse, Error> {
    Ok(told(StatusCode::NOT_IMPLEMENTED, None, "A token is a provider's, so there is no /Me."))
}
