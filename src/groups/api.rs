//! Groups and their members for programs. Each handler translates, and calls what the pages call.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Object};

use super::{Group, NewExternal, NewGroup, store};
use crate::{
    app::Portal,
    error::Error,
    ids, providers,
    rest::{Contract, Field, Uses, openapi},
    users,
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/groups"), list, || openapi::list::<Properties>("List groups", &FIELDS))
        .on(Method::GET, at!("/groups/{name}"), show, || openapi::one::<Properties>("Read a group"))
        .on(Method::HEAD, at!("/groups/{name}"), show, || openapi::head("Look for a group"))
        .on(Method::PUT, at!("/groups/{name}"), put, || {
            openapi::put::<Put, Properties>("Make or change a group", &["displayName"]).but_of_the_system()
        })
        .on(Method::PATCH, at!("/groups/{name}"), patch, || openapi::patch::<Patch, Properties>("Change a group").but_of_the_system())
        .on(Method::DELETE, at!("/groups/{name}"), delete, || openapi::delete("Delete a group").but_of_the_system())
        .on(Method::GET, at!("/groups/{name}/users"), members, || {
            openapi::list::<users::api::Properties>("List the members of a group", &users::api::FIELDS_OF_MEMBERS)
        })
        .on(Method::HEAD, at!("/groups/{name}/users/{inner}"), is_member, || openapi::nothing("Look whether somebody is in a group"))
        .on(Method::PUT, at!("/groups/{name}/users/{inner}"), add_member, || {
            openapi::associate::<users::api::Properties>("Add somebody to a group").but_of_the_system()
        })
        .on(Method::DELETE, at!("/groups/{name}/users/{inner}"), remove_member, || {
            openapi::nothing("Take somebody out of a group").but_of_the_system()
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/groups";

/// What `$filter` may name, of the columns of `store::listing`.
const FIELDS: [Field; 4] = {
    let [name, display_name, description] = FIELDS_OF_USERS;
    [
        name,
        display_name,
        description,
        Field::text(
            "externalId",
            "coalesce(nullif((select e.address from external_groups e where e.group_id = g.id), ''), g.external_id, '')",
        )
        .only(Uses::Equal),
    ]
};

/// What it may name among the groups of a user.
pub const FIELDS_OF_USERS: [Field; 3] = [
    Field::folded("name", "g.name_folded"),
    Field::folded("displayName", "g.display_name_folded"),
    Field::text("description", "g.description"),
];

/// What it may name among the groups of a product.
pub const FIELDS_OF_PRODUCTS: [Field; 3] = {
    let [name, display_name, description] = FIELDS_OF_USERS;
    [name.only(Uses::Operators), display_name.only(Uses::Equality), description.only(Uses::Equality)]
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupProperties)]
pub struct Properties {
    display_name: String,
    description: String,
    /// It is one of the three of the system.
    built_in: bool,
    /// system, custom or external.
    #[serde(rename = "type")]
    kind: String,
    /// What the provider of an external group calls it.
    external_id: Option<String>,
}

impl From<Group> for Properties {
    fn from(group: Group) -> Self {
        Self {
            built_in: group.is_system(),
            display_name: group.display_name,
            description: group.description,
            kind: group.kind,
            external_id: if group.address.is_empty() { group.external_id } else { Some(group.address) },
        }
    }
}

/// A group as the contract writes it.
pub fn contract(call: &Call, group: Group) -> Contract<Properties> {
    let name = group.name.clone();
    call.contract(KIND, &format!("groups/{}", ids::encode(&name)), &name, group.into())
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let (groups, count) = store::listing(&mut portal.db.read().await?, &wanted).await?;
    let value = groups.into_iter().map(|group| contract(&call, group)).collect();
    Ok(call.page(&wanted, value, count))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let group = super::get(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, group.version, &contract(&call, group)))
}

/// What is written of a group; type and externalId stay what they are.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupPut)]
struct Put {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    display_name: Option<String>,
    #[schema(max_length = 1_000, format = "text")]
    description: Option<String>,
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    kind: Option<String>,
    /// Of an external group: aad://TENANT/groups/ID for Microsoft Entra ID, NAME://groups/ID for another provider of that name.
    #[schema(max_length = 1_000, format = "line")]
    external_id: Option<String>,
}

fn kinds() -> Object {
    openapi::words(&["custom", "external"], "custom unless it is said; an external group wants its externalId.")
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupPatch)]
struct Patch {
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 1_000, format = "text")]
    description: Option<String>,
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let Put { display_name, description, kind, external_id } = rest::body(payload).await?;
    let new = NewGroup { display_name: display_name.unwrap_or_default(), description: description.unwrap_or_default() };
    let (created, group) = match kind.unwrap_or_else(|| "custom".to_owned()).to_ascii_lowercase().as_str() {
        "custom" => super::put(&portal.db, &call.admin, &name, seen, &new).await?,
        "external" => {
            let address = external_id.unwrap_or_default();
            let (provider, tenant, id) = providers::of_group_address(&mut portal.db.read().await?, &address).await?;
            let external =
                NewExternal { provider: &provider.name, tenant: &tenant, external_id: &id, name_there: "", address: address.trim() };
            super::put_external(&portal.db, &call.admin, (&name, seen), external, &new).await?
        }
        _ => return Err(Error::invalid("type", "A group that is made here is of type custom or external.")),
    };
    Ok(rest::entity(created, group.version, &contract(&call, group)))
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let Patch { display_name, description } = rest::body(payload).await?;
    let group = super::patch(&portal.db, &call.admin, &name, at, display_name, description).await?;
    Ok(rest::entity(false, group.version, &contract(&call, group)))
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    rest::deleted(super::delete_at(&portal.db, &call.admin, &name, at).await)
}

async fn members(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&users::api::FIELDS_OF_MEMBERS)?;
    let mut connection = portal.db.read().await?;
    let group = super::get(&mut connection, &name).await?;
    let (members, count) = store::members_listing(&mut connection, &group, portal.db.now(), &wanted).await?;
    let value = members.into_iter().map(|user| users::api::contract(&call, user)).collect();
    Ok(call.page(&wanted, value, count))
}

/// Whether somebody is in a group: 204 or 404, which clients read as yes or no.
async fn is_member(_call: Call, portal: Data<Portal>, Names(group, user): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let (group, user) = (super::get(&mut connection, &group).await?, users::get(&mut connection, &user).await?);
    if store::is_member(&mut connection, &group, user.id, portal.db.now()).await? { Ok(rest::nothing()) } else { Err(Error::NotFound) }
}

async fn add_member(call: Call, portal: Data<Portal>, Names(group, user): Names) -> Answer {
    let user = users::get(&mut portal.db.read().await?, &user).await?;
    let outcome = super::add_members(&portal.db, &call.admin, &group, &[user.id]).await?;
    Ok(rest::entity(outcome.changed > 0, user.version, &users::api::contract(&call, user)))
}

async fn remove_member(call: Call, portal: Data<Portal>, Names(group, user): Names) -> Result<HttpResponse, Error> {
    let user = match users::get(&mut portal.db.read().await?, &user).await {
        Err(Error::NotFound) => return Ok(rest::nothing()),
        found => found?,
    };
    rest::deleted(super::remove_members(&portal.db, &call.admin, &group, &[user.id]).await)
}
