//! APIs and operations for programs. Each handler translates, and calls what the pages call.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};

use super::{
    Api, Written, WrittenOperation,
    description::{Contact, Detail, License, Parameter, Place, Syntax},
    fetch::{self, Policy},
    operation_form::{NewParameter, NewResponse, TYPES},
    programs::WrittenRequest,
    store::{self, operations::Whole},
};
use crate::{
    app::Portal,
    config::ImportUrls,
    db::Connection,
    error::Error,
    ids,
    rest::{Contract, Field, Kind, Uses},
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, DOCUMENT, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/apis"), list)
        .on(Method::GET, at!("/apis/{name}"), show)
        .on(Method::HEAD, at!("/apis/{name}"), show)
        .on(Method::PUT, at!("/apis/{name}"), put)
        .on(Method::PATCH, at!("/apis/{name}"), patch)
        .on(Method::DELETE, at!("/apis/{name}"), delete)
        .on(Method::GET, at!("/apis/{name}/operations"), operations)
        .on(Method::GET, at!("/apis/{name}/operations/{inner}"), show_operation)
        .on(Method::HEAD, at!("/apis/{name}/operations/{inner}"), show_operation)
        .on(Method::PUT, at!("/apis/{name}/operations/{inner}"), put_operation)
        .on(Method::PATCH, at!("/apis/{name}/operations/{inner}"), patch_operation)
        .on(Method::DELETE, at!("/apis/{name}/operations/{inner}"), delete_operation);
}

const KIND: &str = "Microsoft.ApiManagement/service/apis";
const OPERATION: &str = "Microsoft.ApiManagement/service/apis/operations";

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

const FIELDS_OF_OPERATIONS: [Field; 5] = [
    Field::folded("name", "o.name_folded"),
    Field::text("displayName", "o.display_name"),
    Field::folded("method", "lower(o.method)"),
    Field::text("description", "o.description"),
    Field::text("urlTemplate", "o.url_template"),
];

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

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyNames {
    header: &'static str,
    query: &'static str,
}

/// Where keys go that clients of the model send; `X-Portico-Key` is good as well.
const KEY_NAMES: KeyNames = KeyNames { header: "Ocp-Apim-Subscription-Key", query: "subscription-key" };

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Properties {
    display_name: String,
    path: String,
    service_url: Option<String>,
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
    contact: Option<Contact>,
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
fn bare(name: &str) -> Result<&str, Error> {
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
const EXPORTS: [(&str, &str, Syntax); 2] =
    [("openapi-link", "openapi-link", Syntax::Yaml), ("openapi+json-link", "openapi+json-link", Syntax::Json)];

/// Where a description is found for a while.
#[derive(Serialize)]
struct Export {
    id: String,
    format: &'static str,
    value: ExportLink,
}

#[derive(Serialize)]
struct ExportLink {
    link: String,
}

fn export(call: &Call, portal: &Portal, api: &Api, format: &str) -> Answer {
    let Some((_, told, syntax)) = EXPORTS.into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(format)) else {
        let known = EXPORTS.map(|(known, ..)| known).join(", ");
        return Err(Error::invalid("format", format!("Descriptions are given in these formats: {known}.")));
    };
    let link = call.origin().to_owned() + &super::exporting::link(&portal.keys, api, syntax, portal.db.now());
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
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    display_name: Option<String>,
    #[serde(deserialize_with = "rest::given")]
    description: Option<Option<String>>,
    path: Option<String>,
    #[serde(deserialize_with = "rest::given")]
    service_url: Option<Option<String>>,
    protocols: Option<Vec<String>>,
    subscription_required: Option<bool>,
    api_revision: Option<String>,
    #[serde(deserialize_with = "rest::given")]
    api_version: Option<Option<String>>,
    api_version_set_id: Option<String>,
    is_current: Option<bool>,
    #[serde(rename = "type")]
    kind: Option<String>,
    api_type: Option<String>,
    #[serde(deserialize_with = "rest::given")]
    contact: Option<Option<WrittenContact>>,
    #[serde(deserialize_with = "rest::given")]
    license: Option<Option<WrittenLicense>>,
    format: Option<String>,
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenContact {
    name: Option<String>,
    url: Option<String>,
    email: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenLicense {
    name: Option<String>,
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
            rest::one_of("protocols", Some(protocol), &["http", "https"])?;
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
            description: self.description.map(Option::unwrap_or_default),
            suffix: self.path,
            service_url: self.service_url.map(|given| given.filter(|url| !url.is_empty())),
            api_version: self.api_version.map(Option::unwrap_or_default),
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
    let at = call.condition(false)?;
    let written = rest::body_up_to::<Body>(DOCUMENT, payload).await?.written(&portal).await?;
    let (created, api) = rest::renamed(super::put(&portal.db, &call.admin, bare(&name)?, at, &written).await, &NAMES)?;
    Ok(rest::entity(created, api.version, &contract(&call, &api)))
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition(true)?;
    let written = rest::body::<Body>(payload).await?.written(&portal).await?;
    if written.document.is_some() {
        return Err(Error::invalid("value", "A description is imported by PUT."));
    }
    let api = rest::renamed(super::patch(&portal.db, &call.admin, bare(&name)?, at, &written).await, &NAMES)?;
    Ok(rest::entity(false, api.version, &contract(&call, &api)))
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition(true)?;
    rest::deleted(super::delete_at(&portal.db, &call.admin, bare(&name)?, at).await)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParameterContract {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    default_value: Option<String>,
    #[serde(default)]
    values: Option<Vec<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RequestContract {
    description: Option<String>,
    query_parameters: Vec<ParameterContract>,
    headers: Vec<ParameterContract>,
    representations: Vec<Representation>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Representation {
    content_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<Examples>,
}

/// Examples by name; one is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Examples {
    #[serde(rename = "default")]
    usual: Option<Example>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Example {
    value: serde_json::Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContract {
    /// A number; a range and "default" are texts.
    status_code: serde_json::Value,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    representations: Vec<Representation>,
    #[serde(default)]
    headers: Vec<ParameterContract>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationProperties {
    display_name: String,
    method: String,
    url_template: String,
    template_parameters: Vec<ParameterContract>,
    description: String,
    request: RequestContract,
    responses: Vec<ResponseContract>,
    policies: Option<String>,
}

fn parameter(one: &Parameter) -> ParameterContract {
    ParameterContract {
        name: one.name.clone(),
        kind: one.schema.summary.clone(),
        required: one.required,
        description: one.description.clone(),
        default_value: one.given.clone(),
        values: Some(one.choices.clone()).filter(|values| !values.is_empty()),
    }
}

fn representation(one: &super::description::Content) -> Representation {
    let value = |text: &String| serde_json::from_str(text).unwrap_or_else(|_| text.clone().into());
    Representation {
        content_type: one.media_type.clone(),
        examples: one.example.as_ref().map(|text| Examples { usual: Some(Example { value: value(text) }) }),
    }
}

fn operation_contract(call: &Call, api: &Api, whole: &Whole) -> Contract<OperationProperties> {
    let detail: Detail = serde_json::from_str(&whole.detail).unwrap_or_default();
    let of = |place: Place| detail.parameters.iter().filter(|one| one.place == place).map(parameter).collect::<Vec<_>>();
    let properties = OperationProperties {
        display_name: whole.display_name.clone(),
        method: whole.method.clone(),
        url_template: whole.url_template.clone(),
        template_parameters: of(Place::Path),
        description: whole.description.clone(),
        request: RequestContract {
            description: detail.request.as_ref().and_then(|body| body.description.clone()),
            query_parameters: of(Place::Query),
            headers: of(Place::Header),
            representations: detail.request.iter().flat_map(|body| &body.content).map(representation).collect(),
        },
        responses: detail
            .responses
            .iter()
            .map(|one| ResponseContract {
                status_code: one.status.parse::<u16>().map_or_else(|_| one.status.clone().into(), Into::into),
                description: one.description.clone(),
                representations: one.content.iter().map(representation).collect(),
                headers: one.headers.iter().map(parameter).collect(),
            })
            .collect(),
        policies: None,
    };
    let path = format!("apis/{}/operations/{}", ids::encode(&api.name), ids::encode(&whole.name));
    call.contract(OPERATION, &path, &whole.name, properties)
}

async fn operations(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&FIELDS_OF_OPERATIONS)?;
    let mut connection = portal.db.read().await?;
    let api = find(&mut connection, &name).await?;
    let (operations, count) = store::programs::operations(&mut connection, api.id, &wanted).await?;
    Ok(call.page(&wanted, operations.iter().map(|whole| operation_contract(&call, &api, whole)).collect(), count))
}

async fn show_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = find(&mut connection, &name).await?;
    let kept = super::find_operation(&mut connection, &api, &inner).await?.ok_or(Error::NotFound)?;
    Ok(rest::entity(false, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

/// What is written of an operation.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OperationBody {
    display_name: Option<String>,
    method: Option<String>,
    url_template: Option<String>,
    #[serde(deserialize_with = "rest::given")]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "rest::given")]
    template_parameters: Option<Option<Vec<ParameterContract>>>,
    #[serde(deserialize_with = "rest::given")]
    request: Option<Option<RequestContract>>,
    #[serde(deserialize_with = "rest::given")]
    responses: Option<Option<Vec<ResponseContract>>>,
    policies: Option<String>,
}

/// The types of the contract are words that anybody chooses; the ones that are known stay.
fn written_parameter(place: Place, given: ParameterContract) -> NewParameter {
    let kind = given.kind.trim().to_ascii_lowercase();
    let known = TYPES.iter().find(|known| known.eq_ignore_ascii_case(&kind)).copied();
    let kind = known.unwrap_or(match kind.as_str() {
        "date" => "string (date)",
        "date-time" | "datetime" => "string (date-time)",
        "uuid" | "guid" => "string (uuid)",
        "int" | "int32" | "int64" | "long" => "integer",
        "float" | "double" | "decimal" => "number",
        "bool" => "boolean",
        _ => "string",
    });
    NewParameter {
        name: given.name,
        place: place.word().to_owned(),
        kind: kind.to_owned(),
        required: given.required,
        description: given.description.unwrap_or_default(),
        values: Some((given.values.unwrap_or_default(), given.default_value.filter(|value| !value.is_empty()))),
    }
}

fn body_of(representations: Vec<Representation>) -> (String, String) {
    let Some(first) = representations.into_iter().next() else { return Default::default() };
    let value = first.examples.and_then(|examples| examples.usual).map(|example| example.value);
    let example = match value {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text,
        Some(value) => serde_json::to_string_pretty(&value).unwrap_or_default(),
    };
    (first.content_type, example)
}

impl OperationBody {
    fn written(self) -> Result<WrittenOperation, Error> {
        if self.policies.is_some_and(|policies| !policies.trim().is_empty()) {
            return Err(Error::invalid("policies", "Policies belong to gateways, and are not kept here."));
        }
        let parameters = |given: Option<Vec<ParameterContract>>| {
            given.unwrap_or_default().into_iter().map(|one| written_parameter(Place::Path, one)).collect::<Vec<_>>()
        };
        let request = |given: Option<RequestContract>| {
            let given = given.unwrap_or_default();
            let query = given.query_parameters.into_iter().map(|one| written_parameter(Place::Query, one));
            let headers = given.headers.into_iter().map(|one| written_parameter(Place::Header, one));
            let (body_type, body_example) = body_of(given.representations);
            WrittenRequest {
                parameters: query.chain(headers).collect(),
                description: given.description.unwrap_or_default(),
                body_type,
                body_example,
            }
        };
        let response = |given: ResponseContract| {
            let status = match given.status_code {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            let (body_type, body_example) = body_of(given.representations);
            NewResponse { status, description: given.description.unwrap_or_default(), body_type, body_example }
        };
        Ok(WrittenOperation {
            display_name: self.display_name,
            method: self.method,
            url_template: self.url_template,
            description: self.description.map(Option::unwrap_or_default),
            template_parameters: self.template_parameters.map(parameters),
            request: self.request.map(request),
            responses: self.responses.map(|given| given.unwrap_or_default().into_iter().map(response).collect()),
        })
    }
}

/// What operations say of a form.
const OPERATION_NAMES: [(&str, &str); 5] = [
    ("name", "operationId"),
    ("parameters", "templateParameters"),
    ("body_type", "request"),
    ("body_example", "request"),
    ("body_description", "request"),
];

async fn put_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names, payload: Payload) -> Answer {
    let at = call.condition(false)?;
    let mut body = rest::body::<OperationBody>(payload).await?;
    // What is put is all there is.
    if body.display_name.as_deref().is_none_or(|name| name.trim().is_empty()) {
        return Err(Error::invalid("displayName", "The display name is missing."));
    }
    body.method.get_or_insert_default();
    body.url_template.get_or_insert_default();
    body.description.get_or_insert(None);
    body.template_parameters.get_or_insert(None);
    body.request.get_or_insert(None);
    body.responses.get_or_insert(None);
    let done = super::put_operation(&portal.db, &call.admin, bare(&name)?, &inner, at, &body.written()?).await;
    let (created, kept) = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(created, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn patch_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names, payload: Payload) -> Answer {
    let at = call.condition(true)?;
    let written = rest::body::<OperationBody>(payload).await?.written()?;
    let done = super::patch_operation(&portal.db, &call.admin, bare(&name)?, &inner, at, &written).await;
    let kept = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn delete_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names) -> Answer {
    let at = call.condition(true)?;
    super::get(&mut portal.db.read().await?, bare(&name)?).await?;
    rest::deleted(super::delete_operation_at(&portal.db, &call.admin, bare(&name)?, &inner, at).await)
}
