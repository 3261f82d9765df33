//! Identity providers for programs. Each handler translates, and calls what the pages call.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        Object, Type,
        schema::{Array, ArrayBuilder, SchemaType},
    },
};

use super::{Kind, Provider, Written};
use crate::{
    app::Portal,
    error::{Error, Problems},
    ids,
    rest::{Contract, openapi},
    web::{
        Answer, Routes,
        form::Name,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/identityProviders"), list, || openapi::list::<Properties>("List identity providers", &[]))
        .on(Method::GET, at!("/identityProviders/{name}"), show, || openapi::one::<Properties>("Read an identity provider"))
        .on(Method::HEAD, at!("/identityProviders/{name}"), show, || openapi::head("Look for an identity provider"))
        .on(Method::PUT, at!("/identityProviders/{name}"), put, || {
            openapi::put::<Body, Properties>("Make or change an identity provider", &["clientId"])
                .says("The names aad and google say the type; another name wants one. A new provider has a clientSecret.")
        })
        .on(Method::PATCH, at!("/identityProviders/{name}"), patch, || openapi::patch::<Body, Properties>("Change an identity provider"))
        .on(Method::DELETE, at!("/identityProviders/{name}"), delete, || {
            openapi::delete("Delete an identity provider").says("Accounts stay; who came by it is no longer linked.")
        })
        .on(Method::POST, at!("/identityProviders/{name}/listSecrets"), secrets, || {
            openapi::answer::<Secrets>("Tell the client secret of an identity provider").says("Which is recorded.")
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/identityProviders";

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IdentityProviderProperties)]
struct Properties {
    /// aad (Microsoft Entra ID), google, okta, keycloak, github or oidc.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The tenant that people are sent to, of aad alone.
    signin_tenant: Option<String>,
    /// IDs of the tenants whose people may come in, of aad alone.
    allowed_tenants: Vec<String>,
    /// The host of aad, and the issuer of the others.
    authority: String,
    client_id: String,
    client_library: Option<&'static str>,
    /// Policies belong to Azure AD B2C, which is not here.
    signup_policy_name: Option<String>,
    signin_policy_name: Option<String>,
    profile_editing_policy_name: Option<String>,
    password_reset_policy_name: Option<String>,
}

/// What the model knows of libraries for Entra, which the portal has no use for; the newer one is told.
const LIBRARIES: [&str; 2] = ["ADAL", "MSAL-2"];

fn contract(call: &Call, provider: &Provider) -> Contract<Properties> {
    let properties = Properties {
        kind: provider.kind().word(),
        signin_tenant: provider.sign_in_tenant(),
        allowed_tenants: provider.allowed_tenants(),
        authority: provider.authority(),
        client_id: provider.client_id.clone(),
        client_library: (provider.kind() == Kind::Entra).then_some(LIBRARIES[1]),
        signup_policy_name: None,
        signin_policy_name: None,
        profile_editing_policy_name: None,
        password_reset_policy_name: None,
    };
    call.contract(KIND, &format!("identityProviders/{}", ids::encode(&provider.name)), &provider.name, properties)
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&[])?;
    let all = super::all(&mut portal.db.read().await?).await?;
    Ok(call.page_of(&wanted, all.iter().map(|provider| contract(&call, provider)).collect()))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let provider = super::get(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, provider.version, &contract(&call, &provider)))
}

/// What is written of an identity provider. `Debug` is left out on purpose: the secret is in it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IdentityProviderPatch)]
struct Body {
    /// It stays as it was made.
    #[serde(rename = "type")]
    #[schema(schema_with = types)]
    kind: Option<String>,
    /// A tenant's ID, or organizations, common or consumers; the only one that is allowed, or organizations, when it is not said. Of aad alone.
    #[serde(default, deserialize_with = "rest::emptied")]
    signin_tenant: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(schema_with = tenants)]
    allowed_tenants: Option<Vec<String>>,
    /// The host of aad, login.microsoftonline.com when it is not said; the issuer of okta, keycloak, github and oidc, which have one.
    #[serde(default, deserialize_with = "rest::emptied")]
    authority: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    client_id: Option<String>,
    /// A new one has it, and one with another issuer; otherwise the one that there is stays.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 1_000, format = "line", write_only)]
    client_secret: Option<String>,
    #[schema(schema_with = libraries)]
    client_library: Option<String>,
    #[schema(ignore)]
    signup_policy_name: Option<String>,
    #[schema(ignore)]
    signin_policy_name: Option<String>,
    #[schema(ignore)]
    profile_editing_policy_name: Option<String>,
    #[schema(ignore)]
    password_reset_policy_name: Option<String>,
}

fn types() -> Object {
    openapi::words(&Kind::words(), "aad is Microsoft Entra ID; what the model does not have is called by its own word.")
}

fn libraries() -> Object {
    openapi::words(&LIBRARIES, "Taken, and without a meaning here.")
}

fn tenants() -> Array {
    let id = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";
    let mut each = Object::with_type(Type::String);
    each.pattern = Some(id.to_owned());
    let all = ArrayBuilder::new().schema_type(SchemaType::from_iter([Type::Array, Type::Null])).items(each).max_items(Some(32));
    all.description(Some("IDs of tenants, not their domains. Without one nobody comes in who is sent to organizations.")).build()
}

impl Body {
    fn written(self) -> Result<Written, Error> {
        let mut problems = Problems::default();
        for (field, policy) in [
            ("signupPolicyName", self.signup_policy_name),
            ("signinPolicyName", self.signin_policy_name),
            ("profileEditingPolicyName", self.profile_editing_policy_name),
            ("passwordResetPolicyName", self.password_reset_policy_name),
        ] {
            if policy.is_some_and(|policy| !policy.trim().is_empty()) {
                problems.add(field, "Policies belong to Azure AD B2C, which is not here: leave them out.");
            }
        }
        problems.or(())?;
        rest::one_of("clientLibrary", self.client_library.as_deref(), &LIBRARIES)?;
        Ok(Written {
            kind: self.kind.as_deref().map(Kind::of_word).transpose()?,
            authority: self.authority,
            tenant: self.signin_tenant,
            allowed_tenants: self.allowed_tenants,
            client_id: self.client_id,
            client_secret: self.client_secret,
        })
    }
}

/// The form's fields as the contract calls them.
const NAMES: [(&str, &str); 3] = [("display_name", "identityProviderName"), ("issuer", "authority"), ("kind", "type")];

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let mut written = rest::body::<Body>(payload).await?.written()?;
    // What is put is all there is, but for what nobody can read back.
    written.authority.get_or_insert_default();
    written.tenant.get_or_insert_default();
    written.allowed_tenants.get_or_insert_default();
    written.client_id.get_or_insert_default();
    let done = super::put(&portal.db, &portal.keys, (&call.admin, call.confirmed), &name, seen, &written).await;
    let (created, provider) = rest::renamed(done, &NAMES)?;
    Ok(rest::entity(created, provider.version, &contract(&call, &provider)))
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let written = rest::body::<Body>(payload).await?.written()?;
    let done = super::patch(&portal.db, &portal.keys, (&call.admin, call.confirmed), &name, at, &written).await;
    let provider = rest::renamed(done, &NAMES)?;
    Ok(rest::entity(false, provider.version, &contract(&call, &provider)))
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    rest::deleted(super::delete_at(&portal.db, &call.admin, call.confirmed, &name, at).await)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClientSecret)]
struct Secrets {
    client_secret: String,
}

async fn secrets(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let client_secret = super::show_secret(&portal.db, &portal.keys, &call.admin, call.confirmed, &name).await?;
    Ok(rest::answer(&Secrets { client_secret }))
}
