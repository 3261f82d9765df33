//! Users for programs. Each handler translates, and calls what the pages call.

use std::collections::HashMap;

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Object};

use super::{Listed, Written};
use crate::{
    app::Portal,
    db::{Connection, Instant},
    error::Error,
    groups,
    ids::{self, UserId},
    rest::{Contract, Field, Kind, Uses, openapi},
    web::{
        Answer, Routes,
        form::Name,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/users"), list, || openapi::list::<Properties>("List users", &FIELDS).flag("expandGroups", WITH_GROUPS))
        .on(Method::GET, at!("/users/{name}"), show, || openapi::one::<Properties>("Read a user"))
        .on(Method::HEAD, at!("/users/{name}"), show, || openapi::head("Look for a user"))
        .on(Method::PUT, at!("/users/{name}"), put, || {
            openapi::put::<Body, Properties>("Make or change a user", &["email", "firstName", "lastName"])
                .flag("notify", "Mail somebody new a link to choose a password.")
        })
        .on(Method::PATCH, at!("/users/{name}"), patch, || {
            openapi::patch::<Body, Properties>("Change a user").flag("notify", "Nothing is mailed of a change.")
        })
        .on(Method::DELETE, at!("/users/{name}"), delete, || {
            openapi::delete("Delete a user")
                .flag("deleteSubscriptions", "End the user's live subscriptions as well; without it they refuse the deletion.")
        })
        .on(Method::GET, at!("/users/{name}/groups"), groups_of, || {
            openapi::list::<groups::api::Properties>("List the groups of a user", &groups::api::FIELDS_OF_USERS)
        })
        .on(Method::GET, at!("/users/{name}/identities"), identities, || openapi::answer::<Identities>("List how a user signs in"))
        .on(Method::POST, at!("/users/{name}/confirmations/password/send"), send_reset, || {
            openapi::nothing("Mail a user a link to choose a new password")
        })
        .on(Method::POST, at!("/users/{name}/generateSsoUrl"), sso_url, || {
            openapi::answer::<SsoUrl>("Make a link that signs a developer in once")
        });
}

const WITH_GROUPS: &str = "Say the groups of each as well.";

const KIND: &str = "Microsoft.ApiManagement/service/users";

/// What `$filter` may name among the members of a group.
pub const FIELDS_OF_MEMBERS: [Field; 6] = [
    Field::folded("name", "u.name_folded"),
    Field::text("firstName", "u.first_name"),
    Field::text("lastName", "u.last_name"),
    Field::folded("email", "u.email_folded"),
    Field::text("note", "u.note"),
    Field::of("registrationDate", "u.registered_at", Kind::Instant, Uses::Operators),
];

/// What it may name among all users.
const FIELDS: [Field; 7] = {
    let [name, first, last, email, note, registered] = FIELDS_OF_MEMBERS;
    let words = &[("active", "active"), ("blocked", "blocked"), ("pending", "pending"), ("deleted", "deleted")];
    [name, first, last, email, note, registered, Field::of("state", "u.state", Kind::Word(words), Uses::Equal)]
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserProperties)]
pub struct Properties {
    first_name: String,
    last_name: String,
    email: String,
    state: String,
    #[schema(value_type = String, format = DateTime)]
    registration_date: Instant,
    note: Option<String>,
    identities: Vec<Identity>,
    /// Of one user, and in lists that are asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    groups: Option<Vec<groups::api::Properties>>,
}

/// How somebody signs in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserIdentity)]
struct Identity {
    /// Basic for a password; Aad, Google, or else the name of an identity provider for an account that is linked.
    provider: String,
    /// The address, or who the provider says that it is.
    id: String,
}

/// The ways in of somebody: the password, and accounts of providers.
fn ways(listed: &Listed) -> Result<Vec<Identity>, Error> {
    let password = listed.has_password.then(|| Identity { provider: BASIC.to_owned(), id: listed.user.email.clone() });
    let accounts = listed.accounts()?.into_iter().map(|(kind, name, id)| match kind.as_str() {
        "entra" => Identity { provider: "Aad".to_owned(), id },
        "google" => Identity { provider: "Google".to_owned(), id },
        _ => Identity { provider: name, id },
    });
    Ok(password.into_iter().chain(accounts).collect())
}

const BASIC: &str = "Basic";

/// A user as the contract writes one.
pub fn contract(call: &Call, listed: Listed) -> Result<Contract<Properties>, Error> {
    with_groups(call, listed, None)
}

fn with_groups(call: &Call, listed: Listed, groups: Option<Vec<groups::api::Properties>>) -> Result<Contract<Properties>, Error> {
    let (identities, user) = (ways(&listed)?, listed.user);
    let properties = Properties {
        first_name: user.first_name,
        last_name: user.last_name,
        identities,
        email: user.email,
        state: user.state,
        registration_date: user.registered_at,
        note: Some(user.note).filter(|note| !note.is_empty()),
        groups,
    };
    Ok(call.contract(KIND, &format!("users/{}", ids::encode(&user.name)), &user.name, properties))
}

/// Users with the groups that each is in.
async fn with_their_groups(
    call: &Call,
    connection: &mut Connection,
    now: Instant,
    users: Vec<Listed>,
) -> Result<Vec<Contract<Properties>>, Error> {
    let keys: Vec<UserId> = users.iter().map(|listed| listed.user.id).collect();
    let mut theirs: HashMap<UserId, Vec<groups::api::Properties>> = HashMap::new();
    for of in groups::of_users(connection, &keys, now).await? {
        theirs.entry(of.user_id).or_default().push(of.group.into());
    }
    users
        .into_iter()
        .map(|listed| {
            let groups = theirs.remove(&listed.user.id).unwrap_or_default();
            with_groups(call, listed, Some(groups))
        })
        .collect()
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let expanded = call.says("expandGroups")?;
    let mut connection = portal.db.read().await?;
    let (users, count) = super::listing(&mut connection, &wanted).await?;
    let value = if expanded {
        with_their_groups(&call, &mut connection, portal.db.now(), users).await?
    } else {
        users.into_iter().map(|listed| contract(&call, listed)).collect::<Result<_, _>>()?
    };
    Ok(call.page(&wanted, value, count))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    entity(&call, &portal, false, &name).await
}

/// What is written of a user.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserPatch)]
struct Body {
    /// Nobody else has it.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 254, format = "email")]
    email: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, format = "person")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, format = "person")]
    last_name: Option<String>,
    /// Hard to guess. Not of somebody invited or pending, nor of another administrator.
    #[schema(format = "password", write_only)]
    password: Option<String>,
    #[schema(schema_with = states)]
    state: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 1_000, format = "text")]
    note: Option<String>,
    identities: Option<Vec<WrittenIdentity>>,
    #[schema(schema_with = app_types)]
    app_type: Option<String>,
    #[schema(schema_with = confirmations)]
    confirmation: Option<String>,
}

const STATES: [&str; 3] = ["active", "blocked", "pending"];
const APP_TYPES: [&str; 2] = ["portal", "developerPortal"];
const CONFIRMATIONS: [&str; 2] = ["signup", "invite"];

fn states() -> Object {
    openapi::words(&STATES, "Whether somebody may sign in. Who is not pending does not become so.")
}

fn app_types() -> Object {
    openapi::words(&APP_TYPES, "Mails lead to this portal in every case.")
}

fn confirmations() -> Object {
    openapi::words(&CONFIRMATIONS, "Somebody new is mailed a link, and is pending until it is followed.")
}

fn providers() -> Object {
    openapi::words(&[BASIC], "People have a password, and link accounts of providers themselves; those that are linked may be told back.")
}

#[derive(Deserialize, ToSchema)]
#[schema(as = UserIdentityPatch)]
struct WrittenIdentity {
    #[schema(schema_with = providers)]
    provider: Option<String>,
    #[schema(ignore)]
    id: Option<String>,
}

impl Body {
    /// Whoever writes back what was read says the accounts that are linked as well.
    async fn written(self, call: &Call, portal: &Portal, name: &str) -> Result<Written, Error> {
        let said = self.identities.iter().flatten().filter_map(|identity| Some((identity.provider.as_deref()?, &identity.id)));
        let mut others = said.filter(|(provider, _)| !provider.eq_ignore_ascii_case(BASIC)).peekable();
        if others.peek().is_some() {
            let known = match super::get_listed(&mut portal.db.read().await?, name).await {
                Err(Error::NotFound) => Vec::new(),
                found => ways(&found?)?,
            };
            let is_known = |provider: &str, id: &Option<String>| {
                known.iter().any(|one| one.provider.eq_ignore_ascii_case(provider) && Some(&one.id) == id.as_ref())
            };
            if !others.all(|(provider, id)| is_known(provider, id)) {
                return Err(Error::invalid("identities", "People link accounts of providers themselves; what is written is Basic."));
            }
        }
        rest::one_of("appType", self.app_type.as_deref(), &APP_TYPES)?;
        rest::one_of("confirmation", self.confirmation.as_deref(), &CONFIRMATIONS)?;
        rest::one_of("state", self.state.as_deref(), &STATES)?;
        Ok(Written {
            email: self.email,
            first_name: self.first_name,
            last_name: self.last_name,
            note: self.note,
            password: self.password,
            state: self.state,
            invite: self.confirmation.is_some(),
            notify: call.says("notify")?,
        })
    }
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let mut written = rest::body::<Body>(payload).await?.written(&call, &portal, &name).await?;
    // What is put is all there is, but for what nobody can read back.
    for text in [&mut written.email, &mut written.first_name, &mut written.last_name, &mut written.note] {
        text.get_or_insert_default();
    }
    let (created, user) =
        super::put(&portal.db, (&portal.passwords, &portal.mail), (&call.admin, call.confirmed), &name, seen, &written).await?;
    entity(&call, &portal, created, &user.name).await
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let written = rest::body::<Body>(payload).await?.written(&call, &portal, &name).await?;
    let user = super::patch(&portal.db, (&portal.passwords, &portal.mail), (&call.admin, call.confirmed), &name, at, &written).await?;
    entity(&call, &portal, false, &user.name).await
}

async fn entity(call: &Call, portal: &Portal, created: bool, name: &str) -> Answer {
    let mut connection = portal.db.read().await?;
    let listed = super::get_listed(&mut connection, name).await?;
    let version = listed.user.version;
    let contracts = with_their_groups(call, &mut connection, portal.db.now(), vec![listed]).await?;
    contracts.first().map(|contract| rest::entity(created, version, contract)).ok_or(Error::NotFound)
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    let ends = call.says("deleteSubscriptions")?;
    rest::deleted(super::delete_one(&portal.db, &portal.mail, (&call.admin, call.confirmed), &name, at, ends).await)
}

async fn groups_of(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&groups::api::FIELDS_OF_USERS)?;
    let mut connection = portal.db.read().await?;
    let user = super::get(&mut connection, &name).await?;
    let (groups, count) = groups::listing_of_user(&mut connection, &user, portal.db.now(), &wanted).await?;
    let value = groups.into_iter().map(|group| groups::api::contract(&call, group)).collect();
    Ok(call.page(&wanted, value, count))
}

#[derive(Serialize, ToSchema)]
#[schema(as = UserIdentityList)]
struct Identities {
    value: Vec<Identity>,
    count: usize,
    #[serde(rename = "nextLink")]
    next_link: &'static str,
}

async fn identities(_call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let value = ways(&super::get_listed(&mut portal.db.read().await?, &name).await?)?;
    Ok(rest::answer(&Identities { count: value.len(), value, next_link: "" }))
}

/// Mails a link to choose a new password. Sent a moment ago is sent.
async fn send_reset(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    super::recovery::send_reset(&portal.db, &portal.mail, &call.admin, &name).await?;
    Ok(rest::nothing())
}

#[derive(Serialize, ToSchema)]
struct SsoUrl {
    value: String,
}

/// Where a developer signs in without a password, once.
async fn sso_url(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let path = super::sso::link(&portal.db, &call.admin, &name).await?;
    Ok(rest::answer(&SsoUrl { value: portal.mail.url(&path) }))
}
