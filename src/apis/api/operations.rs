//! Operations for programs. Each handler translates, and calls what the pages call.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, RefOr, Schema, Type},
};

use super::{bare, find};
use crate::{
    apis::{
        self, Api, WrittenOperation,
        description::{Content, Detail, METHODS, Parameter, Place},
        operation_form::{NewParameter, NewResponse, TYPES},
        programs::WrittenRequest,
        store::{self, operations::Whole},
    },
    app::Portal,
    error::Error,
    ids,
    rest::{Contract, Field, openapi},
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/apis/{name}/operations"), operations, || {
            openapi::list::<OperationProperties>("List the operations of an API", &FIELDS_OF_OPERATIONS)
        })
        .on(Method::GET, at!("/apis/{name}/operations/{inner}"), show_operation, || {
            openapi::one::<OperationProperties>("Read an operation")
        })
        .on(Method::HEAD, at!("/apis/{name}/operations/{inner}"), show_operation, || openapi::head("Look for an operation"))
        .on(Method::PUT, at!("/apis/{name}/operations/{inner}"), put_operation, || {
            openapi::put::<OperationBody, OperationProperties>("Make or change an operation", &["displayName", "method", "urlTemplate"])
                .says(BY_HAND)
        })
        .on(Method::PATCH, at!("/apis/{name}/operations/{inner}"), patch_operation, || {
            openapi::patch::<OperationBody, OperationProperties>("Change an operation").says(BY_HAND)
        })
        .on(Method::DELETE, at!("/apis/{name}/operations/{inner}"), delete_operation, || {
            openapi::delete("Delete an operation").says(BY_HAND)
        });
}

const BY_HAND: &str = "Operations of an API that was imported follow from its description: 409.";

const OPERATION: &str = "Microsoft.ApiManagement/service/apis/operations";

const FIELDS_OF_OPERATIONS: [Field; 5] = [
    Field::folded("name", "o.name_folded"),
    Field::text("displayName", "o.display_name"),
    Field::folded("method", "lower(o.method)"),
    Field::text("description", "o.description"),
    Field::text("urlTemplate", "o.url_template"),
];

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationParameter)]
struct ParameterContract {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Any word; what is not known is a string.
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    #[schema(max_length = 4_000)]
    description: Option<String>,
    #[serde(default)]
    #[schema(max_length = 1_000)]
    default_value: Option<String>,
    #[serde(default)]
    #[schema(max_items = 100)]
    values: Option<Vec<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationRequest)]
struct RequestContract {
    #[schema(max_length = 4_000)]
    description: Option<String>,
    #[serde(default)]
    query_parameters: Vec<ParameterContract>,
    #[serde(default)]
    headers: Vec<ParameterContract>,
    /// One is kept.
    #[serde(default)]
    representations: Vec<Representation>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationRepresentation)]
struct Representation {
    /// Such as application/json.
    #[serde(default)]
    content_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    examples: Option<Examples>,
}

/// Examples by name; one is kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OperationExamples)]
struct Examples {
    #[serde(rename = "default")]
    usual: Option<Example>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OperationExample)]
struct Example {
    #[serde(default)]
    value: serde_json::Value,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationResponse)]
struct ResponseContract {
    #[schema(schema_with = status_codes)]
    status_code: serde_json::Value,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    representations: Vec<Representation>,
    #[serde(default)]
    headers: Vec<ParameterContract>,
}

/// A number; a range and "default" are texts.
fn status_codes() -> Schema {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(100)).maximum(Some(599)).build();
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^([1-5][0-9][0-9]|[1-5]XX|default)$")).build();
    openapi::any_of([number, text].map(|schema: Object| RefOr::T(Schema::Object(schema))))
}

#[derive(Debug, Serialize, ToSchema)]
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
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationPatch)]
struct OperationBody {
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 300, format = "line")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, schema_with = methods)]
    method: Option<String>,
    /// Names in braces are the template parameters, which are said as well.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 1_000, format = "template")]
    url_template: Option<String>,
    /// In Markdown.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(max_length = 20_000, format = "text")]
    description: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    template_parameters: Option<Vec<ParameterContract>>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = Option<RequestContract>)]
    request: Option<RequestContract>,
    #[serde(default, deserialize_with = "rest::emptied")]
    responses: Option<Vec<ResponseContract>>,
    #[schema(ignore)]
    policies: Option<String>,
}

fn methods() -> Object {
    openapi::one_word(&METHODS, "In any case.")
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
        // Elsewhere it may be left out, and is method and template then.
        if self.display_name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Error::invalid("displayName", "The display name is missing."));
        }
        if self.policies.is_some_and(|policies| !policies.trim().is_empty()) {
            return Err(Error::invalid("policies", "Policies belong to gateways, and are not kept here."));
        }
        let parameters =
            |given: Vec<ParameterContract>| given.into_iter().map(|one| written_parameter(Place::Path, one)).collect::<Vec<_>>();
        let request = |given: RequestContract| {
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
            description: self.description,
            template_parameters: self.template_parameters.map(parameters),
            request: self.request.map(request),
            responses: self.responses.map(|given| given.into_iter().map(response).collect()),
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
    let seen = call.seen(false)?;
    let mut body = rest::body::<OperationBody>(payload).await?;
    // What is put is all there is.
    body.display_name.get_or_insert_default();
    body.method.get_or_insert_default();
    body.url_template.get_or_insert_default();
    body.description.get_or_insert_default();
    body.template_parameters.get_or_insert_default();
    body.request.get_or_insert_default();
    body.responses.get_or_insert_default();
    let done = apis::put_operation(&portal.db, &call.admin, bare(&name)?, &inner, seen, &body.written()?).await;
    let (created, kept) = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(created, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn patch_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names, payload: Payload) -> Answer {
    let at = call.condition()?;
    let written = rest::body::<OperationBody>(payload).await?.written()?;
    let done = apis::patch_operation(&portal.db, &call.admin, bare(&name)?, &inner, at, &written).await;
    let kept = rest::renamed(done, &OPERATION_NAMES)?;
    let api = find(&mut portal.db.read().await?, &name).await?;
    Ok(rest::entity(false, kept.whole.version, &operation_contract(&call, &api, &kept.whole)))
}

async fn delete_operation(call: Call, portal: Data<Portal>, Names(name, inner): Names) -> Answer {
    let at = call.condition()?;
    rest::deleted(apis::delete_operation_at(&portal.db, &call.admin, bare(&name)?, &inner, at).await)
}
