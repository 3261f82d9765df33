//! Products for programs. Each handler translates, and calls what the pages call.

use std::collections::HashMap;

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{ToSchema, openapi::Object};

use super::{Product, VisibilityChange, Written, links, set_visibility, store};
use crate::{
    apis,
    app::Portal,
    db::Connection,
    error::Error,
    groups::{self, Group},
    ids::{self, ProductId},
    rest::{Contract, Field, Kind, TOP, Uses, openapi},
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/products"), list, || {
            openapi::list::<Properties>("List products", &FIELDS).flag("expandGroups", "Say the groups that each is open to as well.")
        })
        .on(Method::GET, at!("/products/{name}"), show, || openapi::one::<Properties>("Read a product"))
        .on(Method::HEAD, at!("/products/{name}"), show, || openapi::head("Look for a product"))
        .on(Method::PUT, at!("/products/{name}"), put, || openapi::put::<Body, Properties>("Make or change a product", &["displayName"]))
        .on(Method::PATCH, at!("/products/{name}"), patch, || openapi::patch::<Body, Properties>("Change a product"))
        .on(Method::DELETE, at!("/products/{name}"), delete, || {
            openapi::delete("Delete a product")
                .flag("deleteSubscriptions", "Delete its subscriptions as well; without it they refuse the deletion.")
        })
        .on(Method::GET, at!("/products/{name}/groups"), groups_of, || {
            openapi::list::<groups::api::Properties>("List the groups that a product is open to", &groups::api::FIELDS_OF_PRODUCTS)
        })
        .on(Method::HEAD, at!("/products/{name}/groups/{inner}"), is_open, || openapi::nothing("Look whether a product is open to a group"))
        .on(Method::PUT, at!("/products/{name}/groups/{inner}"), open, || {
            openapi::associate::<groups::api::Properties>("Open a product to a group")
        })
        .on(Method::DELETE, at!("/products/{name}/groups/{inner}"), close, || openapi::nothing("Close a product to a group"))
        .on(Method::GET, at!("/products/{name}/apis"), apis_of, || {
            openapi::list::<apis::api::Properties>("List the APIs of a product", &apis::api::FIELDS_OF_PRODUCTS)
        })
        .on(Method::HEAD, at!("/products/{name}/apis/{inner}"), contains, || openapi::nothing("Look whether a product contains an API"))
        .on(Method::PUT, at!("/products/{name}/apis/{inner}"), add_api, || {
            openapi::associate::<apis::api::Properties>("Add an API to a product")
        })
        .on(Method::DELETE, at!("/products/{name}/apis/{inner}"), remove_api, || openapi::nothing("Take an API out of a product"))
        .on(Method::GET, at!("/apis/{name}/products"), of_api, || {
            openapi::list::<Properties>("List the products that contain an API", &FIELDS_OF_APIS)
        })
        .on(Method::GET, at!("/products/{name}/groupLinks"), group_links, || {
            openapi::list::<GroupLink>("List the links of a product to groups", &FIELDS_OF_GROUP_LINKS)
        })
        .on(Method::GET, at!("/products/{name}/groupLinks/{inner}"), group_link, || {
            openapi::plain::<GroupLink>("Read a link of a product to a group")
        })
        .on(Method::PUT, at!("/products/{name}/groupLinks/{inner}"), put_group_link, || {
            openapi::associate::<GroupLink>("Link a product to a group, and open it").sends::<GroupLink>(&["groupId"])
        })
        .on(Method::DELETE, at!("/products/{name}/groupLinks/{inner}"), delete_group_link, || {
            openapi::nothing("Delete a link of a product to a group")
        })
        .on(Method::GET, at!("/products/{name}/apiLinks"), api_links, || {
            openapi::list::<ApiLink>("List the links of a product to APIs", &FIELDS_OF_API_LINKS)
        })
        .on(Method::GET, at!("/products/{name}/apiLinks/{inner}"), api_link, || {
            openapi::plain::<ApiLink>("Read a link of a product to an API")
        })
        .on(Method::PUT, at!("/products/{name}/apiLinks/{inner}"), put_api_link, || {
            openapi::associate::<ApiLink>("Link a product to an API, and add it").sends::<ApiLink>(&["apiId"])
        })
        .on(Method::DELETE, at!("/products/{name}/apiLinks/{inner}"), delete_api_link, || {
            openapi::nothing("Delete a link of a product to an API")
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/products";

/// What `$filter` may name.
const FIELDS: [Field; 5] = [
    Field::folded("name", "p.name_folded"),
    Field::folded("displayName", "p.display_name_folded"),
    Field::text("description", "p.description"),
    Field::text("terms", "p.terms"),
    Field::of(
        "state",
        "case when p.published then 'published' else 'notPublished' end",
        Kind::Word(&[("published", "published"), ("notPublished", "notPublished")]),
        Uses::Equal,
    ),
];

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductProperties)]
pub struct Properties {
    display_name: String,
    description: String,
    terms: String,
    subscription_required: bool,
    approval_required: Option<bool>,
    subscriptions_limit: Option<i64>,
    state: &'static str,
    /// In lists that are asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    groups: Option<Vec<groups::api::Properties>>,
}

/// A product as the contract writes one. Approval and limit mean something only while a subscription is required.
pub fn contract(call: &Call, product: Product) -> Contract<Properties> {
    let name = product.name;
    let properties = Properties {
        display_name: product.display_name,
        description: product.description,
        terms: product.terms,
        subscription_required: product.subscription_required,
        approval_required: product.subscription_required.then_some(product.approval_required),
        subscriptions_limit: product.subscriptions_limit.filter(|_| product.subscription_required),
        state: if product.published { "published" } else { "notPublished" },
        groups: None,
    };
    call.contract(KIND, &format!("products/{}", ids::encode(&name)), &name, properties)
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let mut wanted = call.wanted(&FIELDS)?;
    let expanded = call.says("expandGroups")?;
    if expanded {
        wanted.top = wanted.top.min(TOP);
    }
    let mut connection = portal.db.read().await?;
    let (products, count) = store::programs::listing(&mut connection, &wanted).await?;
    let keys: Vec<_> = products.iter().map(|product| product.id).collect();
    let mut value: Vec<_> = products.into_iter().map(|product| contract(&call, product)).collect();
    if expanded {
        let mut open: HashMap<ProductId, Vec<groups::api::Properties>> = HashMap::new();
        for of in groups::of_products(&mut connection, &keys).await? {
            open.entry(of.product_id).or_default().push(of.group.into());
        }
        for (contract, key) in value.iter_mut().zip(&keys) {
            contract.properties.groups = Some(open.remove(key).unwrap_or_default());
        }
    }
    Ok(call.page(&wanted, value, count))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let product = super::get(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, product.version, &contract(&call, product)))
}

/// What is written of a product.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductPatch)]
struct Body {
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    display_name: Option<String>,
    /// In Markdown.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 1_000, format = "text")]
    description: Option<String>,
    /// In Markdown.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 20_000, format = "text")]
    terms: Option<String>,
    subscription_required: Option<bool>,
    /// Means something while a subscription is required.
    #[serde(default, deserialize_with = "rest::emptied")]
    approval_required: Option<bool>,
    /// How many a user may have; null is unlimited. Means something while a subscription is required.
    #[serde(default, deserialize_with = "rest::whole")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000)]
    subscriptions_limit: Option<Option<i64>>,
    #[schema(schema_with = states)]
    state: Option<String>,
}

const STATES: [&str; 2] = ["published", "notPublished"];

fn states() -> Object {
    openapi::words(&STATES, "Whether those see it whom it is open to.")
}

impl Body {
    fn written(self) -> Result<Written, Error> {
        rest::one_of("state", self.state.as_deref(), &STATES)?;
        Ok(Written {
            display_name: self.display_name,
            description: self.description,
            terms: self.terms,
            subscription_required: self.subscription_required,
            approval_required: self.approval_required,
            subscriptions_limit: self.subscriptions_limit,
            published: self.state.map(|state| state.eq_ignore_ascii_case("published")),
        })
    }
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let mut written = rest::body::<Body>(payload).await?.written()?;
    // What is put is all there is. Whether a product is published stays, unless that is said.
    for text in [&mut written.display_name, &mut written.description, &mut written.terms] {
        text.get_or_insert_default();
    }
    written.subscription_required.get_or_insert(true);
    written.approval_required.get_or_insert(false);
    written.subscriptions_limit.get_or_insert(None);
    let (created, product) = super::put(&portal.db, &call.admin, &name, seen, &written).await?;
    Ok(rest::entity(created, product.version, &contract(&call, product)))
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let product = super::patch(&portal.db, &call.admin, &name, at, &rest::body::<Body>(payload).await?.written()?).await?;
    Ok(rest::entity(false, product.version, &contract(&call, product)))
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    let ends = call.says("deleteSubscriptions")?;
    rest::deleted(super::delete_at(&portal.db, &call.admin, &name, at, ends).await)
}

async fn groups_of(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&groups::api::FIELDS_OF_PRODUCTS)?;
    let mut connection = portal.db.read().await?;
    let product = super::get(&mut connection, &name).await?;
    let (groups, count) = groups::listing_of_product(&mut connection, product.id, &wanted).await?;
    let value = groups.into_iter().map(|group| groups::api::contract(&call, group)).collect();
    Ok(call.page(&wanted, value, count))
}

/// The group that an address names; the contract has it that another one is wrong, and not missing.
async fn group(connection: &mut Connection, name: &str) -> Result<Group, Error> {
    match groups::get(connection, name).await {
        Err(Error::NotFound) => Err(Error::invalid("gid", "Group not found")),
        found => found,
    }
}

async fn is_open(_call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let (product, group) = (super::get(&mut connection, &product).await?, groups::get(&mut connection, &name).await?);
    if store::groups_of(&mut connection, product.id).await?.contains(&group.id) { Ok(rest::nothing()) } else { Err(Error::NotFound) }
}

async fn open(call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    let group = group(&mut portal.db.read().await?, &name).await?;
    let outcome = set_visibility(&portal.db, &call.admin, &product, &[VisibilityChange::new(group.name.clone(), true)]).await?;
    Ok(rest::made(!outcome.opened.is_empty(), &groups::api::contract(&call, group)))
}

async fn close(call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    rest::deleted(set_visibility(&portal.db, &call.admin, &product, &[VisibilityChange::new(name, false)]).await)
}

async fn apis_of(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&apis::api::FIELDS_OF_PRODUCTS)?;
    let mut connection = portal.db.read().await?;
    let product = super::get(&mut connection, &name).await?;
    let (apis, count) = apis::listing_of_product(&mut connection, product.id, &wanted).await?;
    Ok(call.page(&wanted, apis.iter().map(|api| apis::api::contract(&call, api)).collect(), count))
}

async fn contains(_call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let (product, api) = (super::get(&mut connection, &product).await?, apis::api::find(&mut connection, &name).await?);
    if store::programs::contains(&mut connection, product.id, api.id).await? { Ok(rest::nothing()) } else { Err(Error::NotFound) }
}

async fn add_api(call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    let api = match apis::api::find(&mut portal.db.read().await?, &name).await {
        Err(Error::NotFound) => Err(Error::invalid("aid", "API not found")),
        found => found,
    }?;
    let outcome = super::add_apis(&portal.db, &call.admin, &product, &[api.id]).await?;
    Ok(rest::made(!outcome.changed.is_empty(), &apis::api::contract(&call, &api)))
}

async fn remove_api(call: Call, portal: Data<Portal>, Names(product, name): Names) -> Answer {
    let api = apis::api::find(&mut portal.db.read().await?, &name).await;
    let removed = match api {
        Ok(api) => super::remove_apis(&portal.db, &call.admin, &product, &[api.id]).await.map(|_| ()),
        Err(error) => Err(error),
    };
    rest::deleted(removed)
}

/// What `$filter` may name among the products of an API.
const FIELDS_OF_APIS: [Field; 1] = [Field::folded("displayName", "p.display_name_folded")];

async fn of_api(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&FIELDS_OF_APIS)?;
    let mut connection = portal.db.read().await?;
    let api = apis::api::find(&mut connection, &name).await?;
    let (products, count) = store::programs::listing_of_api(&mut connection, api.id, &wanted).await?;
    Ok(call.page(&wanted, products.into_iter().map(|product| contract(&call, product)).collect(), count))
}

/// The group that a product is open to, as /groups/NAME or the whole address.
#[derive(ToSchema)]
#[schema(as = GroupLinkProperties, rename_all = "camelCase")]
struct GroupLink {
    #[expect(dead_code, reason = "it is described here, and written by `LinkProperties`")]
    #[schema(min_length = 1, format = "group")]
    group_id: String,
}

/// The API that a product contains, as /apis/NAME or the whole address.
#[derive(ToSchema)]
#[schema(as = ApiLinkProperties, rename_all = "camelCase")]
struct ApiLink {
    #[expect(dead_code, reason = "it is described here, and written by `LinkProperties`")]
    #[schema(min_length = 1, format = "api")]
    api_id: String,
}

/// What an association leads to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_id: Option<String>,
}

fn link_contract(call: &Call, kind: links::Kind, product: &Product, link: &links::Link) -> Contract<LinkProperties> {
    let (of, within, properties) = match kind {
        links::Kind::Group => {
            let group_id = Some(call.below(&format!("groups/{}", ids::encode(&link.other))));
            ("Microsoft.ApiManagement/service/products/groupLinks", "groupLinks", LinkProperties { group_id, api_id: None })
        }
        links::Kind::Api => {
            let api_id = Some(call.below(&format!("apis/{}", ids::encode(&link.other))));
            ("Microsoft.ApiManagement/service/products/apiLinks", "apiLinks", LinkProperties { group_id: None, api_id })
        }
    };
    call.contract(of, &format!("products/{}/{within}/{}", ids::encode(&product.name), ids::encode(&link.name)), &link.name, properties)
}

const FIELDS_OF_GROUP_LINKS: [Field; 1] = [Field::of("groupId", "g.name_folded", Kind::Path("groups"), Uses::All)];
const FIELDS_OF_API_LINKS: [Field; 1] = [Field::of("apiId", "a.name_folded", Kind::Path("apis"), Uses::All)];

async fn list_links(call: Call, portal: Data<Portal>, kind: links::Kind, name: &str) -> Answer {
    let wanted = call.wanted(if kind == links::Kind::Group { &FIELDS_OF_GROUP_LINKS } else { &FIELDS_OF_API_LINKS })?;
    let mut connection = portal.db.read().await?;
    let product = super::get(&mut connection, name).await?;
    let (found, count) = store::links::listing(&mut connection, kind, product.id, &wanted).await?;
    Ok(call.page(&wanted, found.iter().map(|link| link_contract(&call, kind, &product, link)).collect(), count))
}

async fn show_link(call: Call, portal: Data<Portal>, kind: links::Kind, (name, link): (&str, &str)) -> Answer {
    let mut connection = portal.db.read().await?;
    let product = super::get(&mut connection, name).await?;
    let link = links::find(&mut connection, kind, &product, link).await?.ok_or(Error::NotFound)?;
    Ok(rest::made(false, &link_contract(&call, kind, &product, &link)))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WrittenLink {
    group_id: Option<String>,
    api_id: Option<String>,
}

async fn put_link(call: Call, portal: Data<Portal>, kind: links::Kind, (name, link): (&str, &str), payload: Payload) -> Answer {
    let WrittenLink { group_id, api_id } = rest::body(payload).await?;
    let other = match kind {
        links::Kind::Group => rest::named("groupId", &group_id.unwrap_or_default(), "groups", "A group is written as /groups/NAME.")?,
        links::Kind::Api => {
            let name = rest::named("apiId", &api_id.unwrap_or_default(), "apis", "An API is written as /apis/NAME.")?;
            apis::api::bare(&name)?.to_owned()
        }
    };
    let (created, link) = links::put(&portal.db, &call.admin, kind, name, link, &other).await?;
    let product = super::get(&mut portal.db.read().await?, name).await?;
    Ok(rest::made(created, &link_contract(&call, kind, &product, &link)))
}

async fn delete_link(call: Call, portal: Data<Portal>, kind: links::Kind, (name, link): (&str, &str)) -> Answer {
    let mut connection = portal.db.read().await?;
    let found = match super::get(&mut connection, name).await {
        Ok(product) => links::find(&mut connection, kind, &product, link).await?,
        Err(Error::NotFound) => None,
        Err(error) => return Err(error),
    };
    let Some(link) = found else { return Ok(rest::nothing()) };
    match kind {
        links::Kind::Group => {
            drop(connection);
            set_visibility(&portal.db, &call.admin, name, &[VisibilityChange::new(link.other, false)]).await?;
        }
        links::Kind::Api => {
            let api = apis::get(&mut connection, &link.other).await?;
            drop(connection);
            super::remove_apis(&portal.db, &call.admin, name, &[api.id]).await?;
        }
    }
    Ok(rest::nothing())
}

async fn group_links(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    list_links(call, portal, links::Kind::Group, &name).await
}

async fn group_link(call: Call, portal: Data<Portal>, Names(name, link): Names) -> Answer {
    show_link(call, portal, links::Kind::Group, (&name, &link)).await
}

async fn put_group_link(call: Call, portal: Data<Portal>, Names(name, link): Names, payload: Payload) -> Answer {
    put_link(call, portal, links::Kind::Group, (&name, &link), payload).await
}

async fn delete_group_link(call: Call, portal: Data<Portal>, Names(name, link): Names) -> Answer {
    delete_link(call, portal, links::Kind::Group, (&name, &link)).await
}

async fn api_links(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    list_links(call, portal, links::Kind::Api, &name).await
}

async fn api_link(call: Call, portal: Data<Portal>, Names(name, link): Names) -> Answer {
    show_link(call, portal, links::Kind::Api, (&name, &link)).await
}

async fn put_api_link(call: Call, portal: Data<Portal>, Names(name, link): Names, payload: Payload) -> Answer {
    put_link(call, portal, links::Kind::Api, (&name, &link), payload).await
}

async fn delete_api_link(call: Call, portal: Data<Portal>, Names(name, link): Names) -> Answer {
    delete_link(call, portal, links::Kind::Api, (&name, &link)).await
}
