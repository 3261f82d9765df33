//! Shared access for programs: whether signatures are taken, the keys, and tokens for users.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::{ToSchema, openapi::Object};

use super::{INTEGRATION, SharedAccess, Which};
use crate::{
    app::Portal,
    error::Error,
    rest::{Contract, openapi},
    users,
    web::{
        Answer, Routes,
        form::Name,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/tenant"), list, || openapi::list::<Access>("List the ways in of the tenant", &[]))
        .on(Method::GET, at!("/tenant/{name}"), show, || openapi::one::<Access>("Read a way in of the tenant").of([ACCESS, GIT]))
        .on(Method::HEAD, at!("/tenant/{name}"), show, || openapi::head("Look for a way in of the tenant").of([ACCESS, GIT]))
        .on(Method::PUT, at!("/tenant/{name}"), put, || {
            openapi::one::<Access>("Set a way in of the tenant").sends::<Body>(&[]).must_match().of([ACCESS, GIT])
        })
        .on(Method::PATCH, at!("/tenant/{name}"), patch, || {
            openapi::patch::<Body, Access>("Change a way in of the tenant").of([ACCESS, GIT])
        })
        .on(Method::POST, at!("/tenant/{name}/listSecrets"), secrets, || {
            openapi::answer::<Secrets>("Tell the keys of tenant access").says("Which is recorded.").of([ACCESS])
        })
        .on(Method::POST, at!("/tenant/{name}/regeneratePrimaryKey"), regenerate_primary, || {
            openapi::nothing("Make another primary key of tenant access").of([ACCESS])
        })
        .on(Method::POST, at!("/tenant/{name}/regenerateSecondaryKey"), regenerate_secondary, || {
            openapi::nothing("Make another secondary key of tenant access").of([ACCESS])
        })
        .on(Method::POST, at!("/users/{name}/token"), sign, || {
            openapi::answer::<Signed>("Make a shared access token for a user").sends::<Wanted>(&["keyType", "expiry"])
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/tenant";

/// Access by git is a part of the model that is not here: it is off, and stays so.
const GIT: &str = "gitAccess";
const ACCESS: &str = "access";
const FIXED: i64 = 1;

/// Which of the two an address names.
fn of(name: &str) -> Result<&'static str, Error> {
    [ACCESS, GIT].into_iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or(Error::NotFound)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantAccessProperties)]
struct Access {
    id: &'static str,
    principal_id: Option<String>,
    /// Whether signatures are taken.
    enabled: bool,
}

fn contract(call: &Call, name: &'static str, enabled: bool) -> Contract<Access> {
    let id = if name == ACCESS { INTEGRATION } else { "git" };
    call.contract(KIND, &format!("tenant/{name}"), name, Access { id, principal_id: None, enabled })
}

async fn read(portal: &Portal, name: &str) -> Result<SharedAccess, Error> {
    match name {
        ACCESS => super::get(&mut portal.db.read().await?).await,
        _ => Ok(SharedAccess { enabled: false, version: FIXED }),
    }
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&[])?;
    let access = read(&portal, ACCESS).await?;
    Ok(call.page_of(&wanted, vec![contract(&call, ACCESS, access.enabled), contract(&call, GIT, false)]))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let name = of(&name)?;
    let access = read(&portal, name).await?;
    Ok(rest::entity(false, access.version, &contract(&call, name, access.enabled)))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantAccessPatch)]
struct Body {
    enabled: Option<bool>,
    #[schema(ignore)]
    primary_key: Option<String>,
    #[schema(ignore)]
    secondary_key: Option<String>,
}

async fn write(call: &Call, portal: &Portal, name: &'static str, payload: Payload, whole: bool) -> Result<(), Error> {
    let at = call.condition()?;
    let body: Body = rest::body(payload).await?;
    if body.primary_key.is_some() || body.secondary_key.is_some() {
        return Err(Error::invalid("primaryKey", "The keys are made here: regeneratePrimaryKey and regenerateSecondaryKey make others."));
    }
    let Some(enabled) = body.enabled.or(whole.then_some(false)) else { return Ok(()) };
    if name == GIT {
        return match (at.is_some_and(|at| at != FIXED), enabled) {
            (true, _) => Err(Error::Stale),
            (false, true) => Err(Error::invalid("enabled", "There is no repository here.")),
            (false, false) => Ok(()),
        };
    }
    super::set(&portal.db, &call.admin, at, enabled).await
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    write(&call, &portal, of(&name)?, payload, true).await?;
    show(call, portal, Name(name)).await
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    write(&call, &portal, of(&name)?, payload, false).await?;
    show(call, portal, Name(name)).await
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TenantAccessKeys)]
struct Secrets {
    id: &'static str,
    principal_id: Option<String>,
    primary_key: String,
    secondary_key: String,
    enabled: bool,
}

/// There are keys of the one alone.
fn with_keys(name: &str) -> Result<(), Error> {
    if of(name)? == ACCESS { Ok(()) } else { Err(Error::NotFound) }
}

async fn secrets(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    with_keys(&name)?;
    let pair = super::show(&portal.db, &portal.keys, &call.admin, call.confirmed).await?;
    let enabled = read(&portal, ACCESS).await?.enabled;
    let secrets = Secrets { id: INTEGRATION, principal_id: None, primary_key: pair.primary, secondary_key: pair.secondary, enabled };
    Ok(rest::answer(&secrets))
}

async fn regenerate_primary(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    with_keys(&name)?;
    super::regenerate(&portal.db, &portal.keys, &call.admin, Which::Primary).await?;
    Ok(rest::nothing())
}

async fn regenerate_secondary(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    with_keys(&name)?;
    super::regenerate(&portal.db, &portal.keys, &call.admin, Which::Secondary).await?;
    Ok(rest::nothing())
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserTokenPatch)]
struct Wanted {
    #[schema(schema_with = key_types)]
    key_type: Option<String>,
    /// When it ends: within 30 days.
    #[schema(value_type = String, required = false, format = "soon")]
    expiry: Option<String>,
}

const KEY_TYPES: [&str; 2] = ["primary", "secondary"];

fn key_types() -> Object {
    openapi::one_word(&KEY_TYPES, "The key that it is signed with.")
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserToken)]
struct Signed {
    value: String,
}

/// A token for a user; only an administrator's opens anything.
async fn sign(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let wanted: Wanted = rest::body(payload).await?;
    rest::one_of("keyType", wanted.key_type.as_deref(), &KEY_TYPES)?;
    let Some(key_type) = wanted.key_type else { return Err(Error::invalid("keyType", "keyType is one of: primary, secondary.")) };
    let expiry = wanted.expiry.as_deref().and_then(|text| OffsetDateTime::parse(text.trim(), &Rfc3339).ok());
    let Some(expiry) = expiry else { return Err(Error::invalid("expiry", "The end is an instant such as 2030-12-31T00:00:00Z.")) };
    let user = users::get(&mut portal.db.read().await?, &name).await?;
    let which = if key_type.eq_ignore_ascii_case("primary") { Which::Primary } else { Which::Secondary };
    let value = super::sign_for(&portal.db, &portal.keys, &call.admin, &user.person(), which, expiry).await?;
    Ok(rest::answer(&Signed { value }))
}
