//! Operations for programs. Each handler translates, and calls what the pages call.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};

use super::{bare, find};
use crate::{
    apis::{
        self, Api, WrittenOperation,
        description::{Content, Detail, Parameter, Place},
        operation_form::{NewParameter, NewResponse, TYPES},
        programs::WrittenRequest,
        store::{self, operations::Whole},
    },
    app::Portal,
    error::Error,
    ids,
    rest::{Contract, Field},
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/apis/{name}/operations"), operations)
        .on(Method::GET, at!("/apis/{name}/operations/{inner}"), show_operation)
        .on(Method::HEAD, at!("/apis/{name}/operations/{inner}"), show_operation)
        .on(Method::PUT, at!("/apis/{name}/operations/{inner}"), put_operation)
        .on(Method::PATCH, at!("/apis/{name}/operations/{inner}"), patch_operation)
        .on(Method::DELETE, at!("/apis/{name}/operations/{inner}"), delete_operation);
}

const OPERATION: &str = "Microsoft.ApiManagement/service/apis/operations";

const FIELDS_OF_OPERATIONS: [Field; 5] = [
    Field::folded("name", "o.name_folded"),
    Field::text("displayName", "o.display_name"),
    Field::folded("method", "lower(o.method)"),
    Field::text("description", "o.description"),
    Field::text("urlTemplate", "o.url_template"),
];

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

fn representation(one: &Content) -> Representation {
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
    let kept = apis::find_operation(&mut connection, &api, &inner).await?.ok_or(Error::NotFound)?;
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
    let done = apis::put_operation(&portal.db, &call.admin, bare(&name)?, &inner, at, &body.written()?).await;
    let (created, kept) = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(created, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn patch_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names, payload: Payload) -> Answer {
    let at = call.condition(true)?;
    let written = rest::body::<OperationBody>(payload).await?.written()?;
    let done = apis::patch_operation(&portal.db, &call.admin, bare(&name)?, &inner, at, &written).await;
    let kept = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn delete_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names) -> Answer {
    let at = call.condition(true)?;
    rest::deleted(apis::delete_operation_at(&portal.db, &call.admin, bare(&name)?, &inner, at).await)
}
