//! APIs and operations for programs. Each handler translates, and calls what the pages call.

mod operations;

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Object, ObjectBuilder, Type,
        schema::{Array, ArrayBuilder, SchemaType},
    },
};

use super::{
    Api, As, Written,
    description::{Contact, License, Syntax},
    store,
};
use crate::{
    app::Portal,
    config::ImportUrls,
    db::Connection,
    error::Error,
    fetch::{self, Policy},
    ids,
    rest::{
        Contract, Field, Kind, Uses,
        openapi::{self, Described},
    },
    web::{
        Answer, Routes,
        form::Name,
        rest::{self, Call, DOCUMENT, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/apis"), list, || openapi::list::<Properties>("List APIs", &FIELDS))
        .on(Method::GET, at!("/apis/{name}"), show, read)
        .on(Method::HEAD, at!("/apis/{name}"), show, || openapi::head("Look for an API"))
        .on(Method::PUT, at!("/apis/{name}"), put, || {
            openapi::put::<Body, Properties>("Make or change an API, or import its description", &["path"])
        })
        .on(Method::PATCH, at!("/apis/{name}"), patch, || openapi::patch::<Body, Properties>("Change an API").but_for(&["format", "value"]))
        .on(Method::DELETE, at!("/apis/{name}"), delete, || openapi::delete("Delete an API"));
    operations::routes(routes);
}

fn read() -> Described {
    openapi::one::<Properties>("Read an API")
        .says("With export=true: where its description is found for five minutes.")
        .flag("export", "Give its description.")
        .query("format", "How the description is written: with export.", openapi::one_word(&EXPORTS.map(|(format, ..)| format), ""))
        .or_else::<Export>()
}

const KIND: &str = "Microsoft.ApiManagement/service/apis";

/// What `$filter` may name among the APIs of a product.
pub const FIELDS_OF_PRODUCTS: [Field; 5] = [
    Field::folded("name", "a.name_folded"),
    Field::folded("displayName", "a.display_name_folded"),
    Field::text("description", "a.description"),
    Field::text("serviceUrl", "coalesce(a.servers->0->>'url', '')").on_postgres("coalesce(a.servers::json->0->>'url', '')"),
    Field::folded("path", "a.suffix_folded"),
];

/// What it may name among all APIs. Every one is current: there are no revisions.
const FIELDS: [Field; 6] = {
    let [name, display_name, description, service_url, path] = FIELDS_OF_PRODUCTS;
    let current = Field::of("isCurrent", "(1 = 1)", Kind::Flag, Uses::Equality);
    [name, display_name, description, service_url, path, current]
};

/// Operations say what they are called in their own words.
const NAMES: [(&str, &str); 8] = [
    ("suffix", "path"),
    ("document", "value"),
    ("servers", "serviceUrl"),
    ("contact_name", "contact"),
    ("contact_url", "contact"),
    ("contact_email", "contact"),
    ("license_name", "license"),
    ("license_url", "license"),
];

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriptionKeyParameterNames)]
struct KeyNames {
    header: &'static str,
    query: &'static str,
}

/// Where keys go that clients of the model send; `X-Portico-Key` is good as well.
const KEY_NAMES: KeyNames = KeyNames { header: "Ocp-Apim-Subscription-Key", query: "subscription-key" };

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiProperties)]
pub struct Properties {
    display_name: String,
    path: String,
    service_url: Option<String>,
    #[schema(value_type = Vec<String>)]
    protocols: [&'static str; 1],
    description: String,
    subscription_required: bool,
    subscription_key_parameter_names: KeyNames,
    api_revision: &'static str,
    api_version: Option<String>,
    is_current: bool,
    is_online: bool,
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = Option<WrittenContact>)]
    contact: Option<Contact>,
    #[schema(value_type = Option<WrittenLicense>)]
    license: Option<License>,
    terms_of_service_url: Option<String>,
    provisioning_state: &'static str,
}

/// An API as the contract writes one.
pub fn contract(call: &Call, api: &Api) -> Contract<Properties> {
    let facts = api.facts();
    let version = if api.set_version.is_empty() { &api.api_version } else { &api.set_version };
    let properties = Properties {
        display_name: api.display_name.clone(),
        path: api.suffix.clone(),
        service_url: api.servers().into_iter().next().map(|server| server.url),
        protocols: ["https"],
        description: api.description.clone(),
        subscription_required: true,
        subscription_key_parameter_names: KEY_NAMES,
        api_revision: "1",
        api_version: Some(version.clone()).filter(|version| !version.is_empty()),
        is_current: true,
        is_online: true,
        kind: "http",
        contact: facts.contact,
        license: facts.license,
        terms_of_service_url: facts.terms_of_service,
        provisioning_state: "Succeeded",
    };
    call.contract(KIND, &format!("apis/{}", ids::encode(&api.name)), &api.name, properties)
}

/// `echo;rev=1` is `echo`; there is no other revision.
pub fn bare(name: &str) -> Result<&str, Error> {
    match name.rsplit_once(";rev=") {
        Some((bare, "1")) => Ok(bare),
        Some(_) => Err(Error::NotFound),
        None => Ok(name),
    }
}

pub async fn find(connection: &mut Connection, name: &str) -> Result<Api, Error> {
    super::get(connection, bare(name)?).await
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let (apis, count) = store::programs::listing(&mut portal.db.read().await?, &wanted, |_| {}).await?;
    Ok(call.page(&wanted, apis.iter().map(|api| contract(&call, api)).collect(), count))
}

/// The formats of the contract that a description is exported in, what an answer calls them, and how they are written.
const EXPORTS: [(&str, &str, As); 3] = [
    ("openapi-link", "openapi-link", As::OpenApi(Syntax::Yaml)),
    ("openapi+json-link", "openapi+json-link", As::OpenApi(Syntax::Json)),
    ("swagger-link", "swagger-link-json", As::Swagger),
];

/// Where a description is found for a while.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiExport)]
struct Export {
    id: String,
    format: &'static str,
    value: ExportLink,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ApiExportLink)]
struct ExportLink {
    link: String,
}

fn export(call: &Call, portal: &Portal, api: &Api, format: &str) -> Answer {
    let Some((_, told, given_as)) = EXPORTS.into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(format)) else {
        let known = EXPORTS.map(|(known, ..)| known).join(", ");
        return Err(Error::invalid("format", format!("Descriptions are given in these formats: {known}.")));
    };
    let link = call.origin().to_owned() + &super::exporting::link(&portal.keys, api, given_as, portal.db.now())?;
    let id = call.below(&format!("apis/{}", ids::encode(&api.name)));
    Ok(rest::answer(&Export { id, format: told, value: ExportLink { link } }))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let api = find(&mut portal.db.read().await?, &name).await?;
    if call.says("export")? {
        return export(&call, &portal, &api, &call.said("format").unwrap_or_default());
    }
    Ok(rest::entity(false, api.version, &contract(&call, &api)))
}

/// What is written of an API.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiPatch)]
struct Body {
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    display_name: Option<String>,
    /// In Markdown.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(format = "text")]
    description: Option<String>,
    /// The part of the gateway's address that leads to it, which no other API has.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 400, format = "suffix")]
    path: Option<String>,
    /// Where its server is. What an imported description says of it stays.
    #[serde(default, deserialize_with = "rest::given")]
    #[schema(value_type = Option<String>, max_length = 2_000, format = "web")]
    service_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "few")]
    #[schema(value_type = Option<Vec<String>>, schema_with = protocols)]
    protocols: Option<Vec<String>>,
    /// Products say so: true.
    #[schema(schema_with = yes)]
    subscription_required: Option<bool>,
    #[schema(schema_with = revisions)]
    api_revision: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 100, format = "line")]
    api_version: Option<String>,
    #[schema(ignore)]
    #[serde(default)]
    api_version_set_id: Option<String>,
    #[schema(schema_with = yes)]
    is_current: Option<bool>,
    #[serde(rename = "type")]
    #[schema(schema_with = kinds)]
    kind: Option<String>,
    #[schema(schema_with = kinds)]
    api_type: Option<String>,
    #[serde(default, deserialize_with = "rest::given")]
    #[schema(value_type = Option<WrittenContact>)]
    contact: Option<Option<WrittenContact>>,
    #[serde(default, deserialize_with = "rest::given")]
    #[schema(value_type = Option<WrittenLicense>)]
    license: Option<Option<WrittenLicense>>,
    /// With `value`, by PUT.
    #[schema(schema_with = formats)]
    format: Option<String>,
    /// A description in OpenAPI 3 or Swagger 2.0, or where it is.
    #[schema(format = "description")]
    value: Option<String>,
}

const PROTOCOLS: [&str; 2] = ["http", "https"];

fn protocols() -> Array {
    let mut list = ArrayBuilder::new().items(openapi::one_word(&PROTOCOLS, "")).max_items(Some(20)).build();
    list.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
    list
}

fn yes() -> Object {
    let kind = SchemaType::from_iter([Type::Boolean, Type::Null]);
    let about = "Nothing else is known here: products say whether a subscription is needed, and there are no revisions.";
    ObjectBuilder::new().schema_type(kind).enum_values(Some([Value::Bool(true), Value::Null])).description(Some(about)).build()
}

fn revisions() -> Object {
    openapi::words(&["", "1"], "There is one.")
}

fn kinds() -> Object {
    openapi::words(&["http"], "APIs are described as HTTP.")
}

fn formats() -> Object {
    openapi::words(&FORMATS.map(|(format, _)| format), "How the description in `value` is written; those with `link` say where it is.")
}

/// A list of a few words: in a body that may hold a document, millions would fit.
fn few<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    struct Few;
    impl<'de> serde::de::Visitor<'de> for Few {
        type Value = Option<Vec<String>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of at most 20 words")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut words = Vec::new();
            while let Some(word) = list.next_element()? {
                if words.len() == 20 {
                    return Err(serde::de::Error::invalid_length(21, &self));
                }
                words.push(word);
            }
            Ok(Some(words))
        }
    }
    deserializer.deserialize_any(Few)
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ApiContact)]
struct WrittenContact {
    #[schema(max_length = 200, format = "line")]
    name: Option<String>,
    #[schema(format = "web")]
    url: Option<String>,
    #[schema(max_length = 254, format = "email")]
    email: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ApiLicense)]
struct WrittenLicense {
    /// Without it there is no licence.
    #[schema(max_length = 200, format = "line")]
    name: Option<String>,
    #[schema(format = "web")]
    url: Option<String>,
}

/// The formats of the contract that are read here: what stands in `value`, or is found where it says.
const FORMATS: [(&str, bool); 7] = [
    ("openapi", false),
    ("openapi+json", false),
    ("swagger-json", false),
    ("openapi-link", true),
    ("openapi+json-link", true),
    ("swagger-link-json", true),
    ("swagger-link", true),
];

impl Body {
    async fn written(self, portal: &Portal) -> Result<Written, Error> {
        let kinds = [self.kind.as_deref(), self.api_type.as_deref()];
        if kinds.iter().flatten().any(|kind| !kind.eq_ignore_ascii_case("http")) {
            return Err(Error::invalid("type", "APIs are described here as HTTP: the type is http."));
        }
        for protocol in self.protocols.iter().flatten() {
            rest::one_of("protocols", Some(protocol), &PROTOCOLS)?;
        }
        if self.subscription_required == Some(false) {
            let why = "Whether a subscription is needed is said by the products that contain the API.";
            return Err(Error::invalid("subscriptionRequired", why));
        }
        if self.api_revision.as_deref().is_some_and(|revision| !matches!(revision, "" | "1")) || self.is_current == Some(false) {
            return Err(Error::invalid("apiRevision", "There are no revisions here: leave it out, or say 1."));
        }
        if self.api_version_set_id.is_some_and(|set| !set.is_empty()) {
            return Err(Error::invalid("apiVersionSetId", "Sets of versions are kept in the portal's pages."));
        }
        let document = match (&self.format, &self.value) {
            (None, None) => None,
            (Some(format), Some(value)) => Some(document(portal, format, value).await?),
            _ => return Err(Error::invalid("value", "A description is given by format and value together.")),
        };
        let contact = |given: WrittenContact| Contact { name: given.name, url: given.url, email: given.email };
        let license = |given: WrittenLicense| License { name: given.name.unwrap_or_default(), url: given.url };
        Ok(Written {
            display_name: self.display_name,
            description: self.description,
            suffix: self.path,
            service_url: self.service_url.map(|given| given.filter(|url| !url.is_empty())),
            api_version: self.api_version,
            contact: self.contact.map(|given| given.map(contact)),
            license: self.license.map(|given| given.map(license)),
            document,
        })
    }
}

async fn document(portal: &Portal, format: &str, value: &str) -> Result<Vec<u8>, Error> {
    let Some((_, is_link)) = FORMATS.iter().find(|(known, _)| known.eq_ignore_ascii_case(format)) else {
        let known = FORMATS.map(|(known, _)| known).join(", ");
        return Err(Error::invalid("format", format!("Descriptions are read in these formats: {known}.")));
    };
    if !is_link {
        return Ok(value.as_bytes().to_vec());
    }
    let urls = portal.settings.import_urls;
    if urls == ImportUrls::No {
        return Err(Error::invalid("value", "Importing from a URL is switched off in the settings of this portal."));
    }
    let policy = Policy { private_addresses: urls == ImportUrls::Private, ..Policy::default() };
    fetch::fetch(value, policy).await.map_err(|problem| Error::invalid("value", problem.to_string()))
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let written = rest::body_up_to::<Body>(DOCUMENT, payload).await?.written(&portal).await?;
    let (created, api) = rest::renamed(super::put(&portal.db, &call.admin, bare(&name)?, seen, &written).await, &NAMES)?;
    Ok(rest::entity(created, api.version, &contract(&call, &api)))
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let written = rest::body::<Body>(payload).await?.written(&portal).await?;
    if written.document.is_some() {
        return Err(Error::invalid("value", "A description is imported by PUT."));
    }
    let api = rest::renamed(super::patch(&portal.db, &call.admin, bare(&name)?, at, &written).await, &NAMES)?;
    Ok(rest::entity(false, api.version, &contract(&call, &api)))
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    rest::deleted(super::delete_at(&portal.db, &call.admin, bare(&name)?, at).await)
}
