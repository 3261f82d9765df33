//! The settings of the developer portal, for programs: who signs in, who signs up, and that nothing is delegated.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    app::Portal,
    error::Error,
    rest::Contract,
    users::sign_up::{self, SignUp},
    web::{
        Answer, Routes,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/portalsettings"), list)
        .on(Method::GET, at!("/portalsettings/signin"), sign_in)
        .on(Method::HEAD, at!("/portalsettings/signin"), sign_in)
        .on(Method::PUT, at!("/portalsettings/signin"), put_sign_in)
        .on(Method::PATCH, at!("/portalsettings/signin"), patch_sign_in)
        .on(Method::GET, at!("/portalsettings/signup"), signing_up)
        .on(Method::HEAD, at!("/portalsettings/signup"), signing_up)
        .on(Method::PUT, at!("/portalsettings/signup"), put_sign_up)
        .on(Method::PATCH, at!("/portalsettings/signup"), patch_sign_up)
        .on(Method::GET, at!("/portalsettings/delegation"), delegation)
        .on(Method::HEAD, at!("/portalsettings/delegation"), delegation)
        .on(Method::PUT, at!("/portalsettings/delegation"), put_delegation)
        .on(Method::PATCH, at!("/portalsettings/delegation"), patch_delegation)
        .on(Method::POST, at!("/portalsettings/delegation/listSecrets"), delegation_secrets);
}

const KIND: &str = "Microsoft.ApiManagement/service/portalsettings";
/// What is as it is has one version.
const FIXED: i64 = 1;

fn contract(call: &Call, name: &str, properties: Value) -> Contract<Value> {
    call.contract(KIND, &format!("portalsettings/{name}"), name, properties)
}

fn of_sign_in(call: &Call) -> Contract<Value> {
    contract(call, "signin", json!({ "enabled": false }))
}

fn of_sign_up(call: &Call, settings: &SignUp) -> Contract<Value> {
    let asked = !settings.terms.is_empty();
    let terms = json!({ "enabled": asked, "text": settings.terms, "consentRequired": asked });
    contract(call, "signup", json!({ "enabled": settings.allowed, "termsOfService": terms }))
}

fn of_delegation(call: &Call) -> Contract<Value> {
    let off = json!({ "enabled": false });
    contract(call, "delegation", json!({ "url": null, "subscriptions": off, "userRegistration": off }))
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let settings = sign_up::settings(&mut portal.db.read().await?).await?;
    let value = vec![of_sign_in(&call), of_sign_up(&call, &settings), of_delegation(&call)];
    Ok(rest::answer(&json!({ "value": value, "count": value.len() })))
}

async fn sign_in(call: Call) -> Answer {
    Ok(rest::entity(false, FIXED, &of_sign_in(&call)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Switch {
    enabled: Option<bool>,
}

/// What is not here stays off; whoever turns it off finds it so.
async fn refuse_sign_in(call: &Call, payload: Payload, required: bool) -> Result<(), Error> {
    let at = call.condition(required)?;
    let written: Switch = rest::body(payload).await?;
    if at.is_some_and(|at| at != FIXED) {
        return Err(Error::Stale);
    }
    if written.enabled == Some(true) {
        let why = "Guests are not sent to sign in: they read what is open to the group Guests, which no product need be.";
        return Err(Error::invalid("enabled", why));
    }
    Ok(())
}

async fn put_sign_in(call: Call, payload: Payload) -> Answer {
    refuse_sign_in(&call, payload, false).await?;
    sign_in(call).await
}

async fn patch_sign_in(call: Call, payload: Payload) -> Answer {
    refuse_sign_in(&call, payload, true).await?;
    Ok(rest::nothing())
}

async fn signing_up(call: Call, portal: Data<Portal>) -> Answer {
    let settings = sign_up::settings(&mut portal.db.read().await?).await?;
    Ok(rest::entity(false, settings.version, &of_sign_up(&call, &settings)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenSignUp {
    enabled: Option<bool>,
    #[serde(deserialize_with = "rest::given")]
    terms_of_service: Option<Option<WrittenTerms>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenTerms {
    enabled: Option<bool>,
    consent_required: Option<bool>,
    text: Option<String>,
}

impl WrittenTerms {
    /// The terms that are in force; whoever reads them accepts them here.
    fn text(self, before: &str) -> Result<String, Error> {
        let text = self.text.unwrap_or_else(|| before.to_owned());
        if self.enabled == Some(false) {
            return Ok(String::new());
        }
        if self.consent_required == Some(false) && !text.trim().is_empty() {
            return Err(Error::invalid("consentRequired", "Terms that are shown are accepted here: say true, or leave them out."));
        }
        Ok(text)
    }
}

async fn write_sign_up(call: &Call, portal: &Portal, payload: Payload, whole: bool) -> Result<(), Error> {
    let at = call.condition(!whole)?;
    let written: WrittenSignUp = rest::body(payload).await?;
    let before = sign_up::settings(&mut portal.db.read().await?).await?;
    if at.is_some_and(|at| at != before.version) {
        return Err(Error::Stale);
    }
    let allowed = written.enabled.unwrap_or(if whole { false } else { before.allowed });
    let terms = match written.terms_of_service {
        Some(Some(terms)) => terms.text(if whole { "" } else { &before.terms })?,
        Some(None) => String::new(),
        None if whole => String::new(),
        None => before.terms.clone(),
    };
    let done = sign_up::set(&portal.db, &call.admin, before.version, allowed, &terms).await;
    rest::renamed(done, &[("terms", "text")])?;
    Ok(())
}

async fn put_sign_up(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    write_sign_up(&call, &portal, payload, true).await?;
    signing_up(call, portal).await
}

async fn patch_sign_up(call: Call, portal: Data<Portal>, payload: Payload) -> Answer {
    write_sign_up(&call, &portal, payload, false).await?;
    Ok(rest::nothing())
}

async fn delegation(call: Call) -> Answer {
    Ok(rest::entity(false, FIXED, &of_delegation(&call)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenDelegation {
    subscriptions: Switch,
    user_registration: Switch,
}

async fn refuse_delegation(call: &Call, payload: Payload, required: bool) -> Result<(), Error> {
    let at = call.condition(required)?;
    let written: WrittenDelegation = rest::body(payload).await?;
    if at.is_some_and(|at| at != FIXED) {
        return Err(Error::Stale);
    }
    for (field, switch) in [("subscriptions", written.subscriptions), ("userRegistration", written.user_registration)] {
        if switch.enabled == Some(true) {
            return Err(Error::invalid(field, "The portal delegates nothing: people sign in and subscribe here."));
        }
    }
    Ok(())
}

async fn put_delegation(call: Call, payload: Payload) -> Answer {
    refuse_delegation(&call, payload, false).await?;
    delegation(call).await
}

async fn patch_delegation(call: Call, payload: Payload) -> Answer {
    refuse_delegation(&call, payload, true).await?;
    Ok(rest::nothing())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Secrets {
    validation_key: &'static str,
}

async fn delegation_secrets(_call: Call) -> Answer {
    Ok(rest::answer(&Secrets { validation_key: "" }))
}
