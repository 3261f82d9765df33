//! The settings of the developer portal, for programs: who signs in, who signs up, and that nothing is delegated.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{ArrayBuilder, ObjectBuilder},
    },
};

use crate::{
    app::Portal,
    error::Error,
    rest::{Contract, openapi},
    users::sign_up::{self, SignUp},
    web::{
        Answer, Routes,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/portalsettings"), list, || openapi::answer::<SettingsList>("List the portal's settings"))
        .on(Method::GET, at!("/portalsettings/signin"), sign_in, || openapi::one::<SignInProperties>("Read the settings of signing in"))
        .on(Method::HEAD, at!("/portalsettings/signin"), sign_in, || openapi::head("Look for the settings of signing in"))
        .on(Method::PUT, at!("/portalsettings/signin"), put_sign_in, || {
            openapi::one::<SignInProperties>("Set the settings of signing in").sends::<Switch>(&[]).may_match()
        })
        .on(Method::PATCH, at!("/portalsettings/signin"), patch_sign_in, || {
            openapi::nothing("Change the settings of signing in").sends::<Switch>(&[]).must_match()
        })
        .on(Method::GET, at!("/portalsettings/signup"), signing_up, || openapi::one::<SignUpProperties>("Read the settings of signing up"))
        .on(Method::HEAD, at!("/portalsettings/signup"), signing_up, || openapi::head("Look for the settings of signing up"))
        .on(Method::PUT, at!("/portalsettings/signup"), put_sign_up, || {
            openapi::one::<SignUpProperties>("Set the settings of signing up").sends::<WrittenSignUp>(&[]).may_match()
        })
        .on(Method::PATCH, at!("/portalsettings/signup"), patch_sign_up, || {
            openapi::nothing("Change the settings of signing up").sends::<WrittenSignUp>(&[]).must_match()
        })
        .on(Method::GET, at!("/portalsettings/delegation"), delegation, || {
            openapi::one::<DelegationProperties>("Read the settings of delegation")
        })
        .on(Method::HEAD, at!("/portalsettings/delegation"), delegation, || openapi::head("Look for the settings of delegation"))
        .on(Method::PUT, at!("/portalsettings/delegation"), put_delegation, || {
            openapi::one::<DelegationProperties>("Set the settings of delegation").sends::<WrittenDelegation>(&[]).may_match()
        })
        .on(Method::PATCH, at!("/portalsettings/delegation"), patch_delegation, || {
            openapi::nothing("Change the settings of delegation").sends::<WrittenDelegation>(&[]).must_match()
        })
        .on(Method::POST, at!("/portalsettings/delegation/listSecrets"), delegation_secrets, || {
            openapi::answer::<Secrets>("Tell the key of delegation").says("It is empty: nothing is delegated.")
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/portalsettings";
/// What is as it is has one version.
const FIXED: i64 = 1;

/// Whether guests are sent to sign in.
#[derive(Serialize, ToSchema)]
#[schema(as = SignInSettingsProperties)]
struct SignInProperties {
    enabled: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignUpSettingsProperties)]
struct SignUpProperties {
    /// Whether people may sign up.
    enabled: bool,
    terms_of_service: TermsOfService,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TermsOfService {
    enabled: bool,
    text: String,
    consent_required: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DelegationSettingsProperties)]
struct DelegationProperties {
    url: Option<String>,
    subscriptions: Switched,
    user_registration: Switched,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DelegationSwitch)]
struct Switched {
    enabled: bool,
}

fn contract<P>(call: &Call, name: &str, properties: P) -> Contract<P> {
    call.contract(KIND, &format!("portalsettings/{name}"), name, properties)
}

fn of_sign_in(call: &Call) -> Contract<SignInProperties> {
    contract(call, "signin", SignInProperties { enabled: false })
}

fn of_sign_up(call: &Call, settings: &SignUp) -> Contract<SignUpProperties> {
    let asked = !settings.terms.is_empty();
    let terms_of_service = TermsOfService { enabled: asked, text: settings.terms.clone(), consent_required: asked };
    contract(call, "signup", SignUpProperties { enabled: settings.allowed, terms_of_service })
}

fn of_delegation(call: &Call) -> Contract<DelegationProperties> {
    let (subscriptions, user_registration) = (Switched { enabled: false }, Switched { enabled: false });
    contract(call, "delegation", DelegationProperties { url: None, subscriptions, user_registration })
}

/// All of them, each of its own type.
#[derive(Serialize)]
struct SettingsList {
    value: (Contract<SignInProperties>, Contract<SignUpProperties>, Contract<DelegationProperties>),
    count: usize,
}

impl PartialSchema for SettingsList {
    fn schema() -> RefOr<Schema> {
        let names = [Contract::<SignInProperties>::name(), Contract::<SignUpProperties>::name(), Contract::<DelegationProperties>::name()];
        let each = openapi::any_of(names.map(|name| RefOr::Ref(Ref::from_schema_name(name))));
        let count = ObjectBuilder::new().schema_type(utoipa::openapi::Type::Integer);
        let list = ObjectBuilder::new().property("value", ArrayBuilder::new().items(RefOr::T(each))).required("value");
        list.property("count", count).required("count").into()
    }
}

impl ToSchema for SettingsList {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        openapi::component::<Contract<SignInProperties>>(schemas);
        openapi::component::<Contract<SignUpProperties>>(schemas);
        openapi::component::<Contract<DelegationProperties>>(schemas);
    }
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let settings = sign_up::settings(&mut portal.db.read().await?).await?;
    let value = (of_sign_in(&call), of_sign_up(&call, &settings), of_delegation(&call));
    Ok(rest::answer(&SettingsList { value, count: 3 }))
}

async fn sign_in(call: Call) -> Answer {
    Ok(rest::entity(false, FIXED, &of_sign_in(&call)))
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SwitchPatch)]
struct Switch {
    /// What is off stays off.
    enabled: Option<bool>,
}

/// What is not here stays off; whoever turns it off finds it so.
async fn refuse_sign_in(call: &Call, payload: Payload, required: bool) -> Result<(), Error> {
    let seen = call.seen(required)?;
    let written: Switch = rest::body(payload).await?;
    seen.meets(Some(FIXED))?;
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

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignUpSettingsPatch)]
struct WrittenSignUp {
    enabled: Option<bool>,
    #[serde(default, deserialize_with = "rest::given")]
    #[schema(value_type = Option<WrittenTerms>)]
    terms_of_service: Option<Option<WrittenTerms>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TermsOfServicePatch)]
struct WrittenTerms {
    enabled: Option<bool>,
    /// Terms that are shown are accepted: true.
    consent_required: Option<bool>,
    #[schema(max_length = 20_000, format = "text")]
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
    let seen = call.seen(!whole)?;
    let written: WrittenSignUp = rest::body(payload).await?;
    let before = sign_up::settings(&mut portal.db.read().await?).await?;
    seen.meets(Some(before.version))?;
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

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DelegationSettingsPatch)]
struct WrittenDelegation {
    #[serde(default)]
    subscriptions: Switch,
    #[serde(default)]
    user_registration: Switch,
}

async fn refuse_delegation(call: &Call, payload: Payload, required: bool) -> Result<(), Error> {
    let seen = call.seen(required)?;
    let written: WrittenDelegation = rest::body(payload).await?;
    seen.meets(Some(FIXED))?;
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

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DelegationKey)]
struct Secrets {
    validation_key: &'static str,
}

async fn delegation_secrets(_call: Call) -> Answer {
    Ok(rest::answer(&Secrets { validation_key: "" }))
}
