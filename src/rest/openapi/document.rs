//! The document: every route with what it says, and what all of them have in common.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, Header, HttpMethod, InfoBuilder, Object, ObjectBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required,
        Response, ResponseBuilder, Responses, SecurityRequirement, ServerBuilder, Type,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{Described, IfMatch, JSON, component, places::Address, schema};
use crate::error::Error;

/// Whose document it is.
#[derive(Clone, Debug)]
pub struct About {
    /// Scheme and host as the client has them.
    pub origin: String,
    /// The instance's name, the last part of the base.
    pub service: String,
}

/// What goes wrong, in the usual form.
const ERRORS: [(u16, &str, &str); 11] = [
    (400, "BadRequest", "Something in the request is wrong; the details name it."),
    (401, "Unauthorized", "The token is missing, not known, or over."),
    (403, "Forbidden", "The token is of another scope, or not an administrator's."),
    (404, "NotFound", "There is nothing here."),
    (405, "MethodNotAllowed", "Entities of the system stay as they are."),
    (408, "RequestTimeout", "The body came too slowly."),
    (409, "Conflict", "The rules refuse it now; the message says why."),
    (412, "PreconditionFailed", "The entity is not as If-Match or If-None-Match have it."),
    (413, "PayloadTooLarge", "The body is too large."),
    (429, "TooManyRequests", "The token's calls of this minute are used up."),
    (503, "ServiceUnavailable", "The portal cannot do this at the moment."),
];

const BEARER: &str = "bearer";
const SHARED: &str = "sharedAccessSignature";

fn header(name: u16) -> Option<(&'static str, Header)> {
    let (name, kind, words) = match name {
        401 => ("WWW-Authenticate", Type::String, "Bearer."),
        405 => ("Allow", Type::String, "The methods that the address takes."),
        429 | 503 => ("Retry-After", Type::Integer, "Seconds to wait."),
        _ => return None,
    };
    let mut header = Header::new(Object::with_type(kind));
    header.description = Some(words.to_owned());
    Some((name, header))
}

/// An error's answer; to HEAD there is no body.
fn refusal(status: u16, body: Option<&Ref>) -> Response {
    let words = ERRORS.iter().find(|(known, ..)| *known == status).map_or("", |(_, _, words)| words);
    let mut answer = ResponseBuilder::new().description(words);
    if let Some(body) = body {
        answer = answer.content(JSON, Content::new(Some(body.clone())));
    }
    if let Some((name, header)) = header(status) {
        answer = answer.header(name, header);
    }
    answer.build()
}

fn said_by(status: u16) -> Ref {
    let name = ERRORS.iter().find(|(known, ..)| *known == status).map_or("", |(_, name, _)| name);
    Ref::from_response_name(name)
}

/// The statuses that follow from what an operation is.
fn statuses(method: &str, described: &Described) -> Vec<u16> {
    let mut all = described.errors.clone();
    if described.open {
        return all;
    }
    all.extend([400, 401, 403, 404, 429, 503]);
    if !matches!(method, "GET" | "HEAD") {
        all.push(409);
    }
    if described.if_match != IfMatch::No {
        all.push(412);
    }
    if described.body.is_some() {
        all.extend([408, 413]);
    }
    all
}

fn in_header(name: &str, required: Required, description: &str, schema: Object) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(required);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

fn parameters(described: &Described) -> Vec<Parameter> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let mut all = Vec::new();
    if !described.open {
        let version = ParameterBuilder::new().name("api-version").parameter_in(ParameterIn::Query).required(Required::True);
        let version = version.description(Some("Any: there is one contract.")).example(Some("2024-05-01".into()));
        all.push(version.schema(Some(text().min_length(Some(1)).pattern(Some("^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")))).build());
    }
    all.extend(described.query.iter().cloned());
    let tag = || text().min_length(Some(1)).build();
    match described.if_match {
        IfMatch::No => {}
        IfMatch::Must => all.push(in_header("If-Match", Required::True, "The entity's ETag, or * for any.", tag())),
        IfMatch::May => {
            all.push(in_header("If-Match", Required::False, "The entity's ETag, or * for any: it must be there, and so.", tag()));
            all.push(in_header("If-None-Match", Required::False, "*: it must not be there.", text().build()));
        }
    }
    all
}

fn operation(method: &str, described: &Described, address: &Address) -> Operation {
    let bodiless = method == "HEAD";
    let mut answers = Responses::new();
    for (status, answer) in &described.answers {
        answers.responses.insert(status.to_string(), RefOr::T(answer.clone()));
    }
    for status in statuses(method, described) {
        let answer = if bodiless { RefOr::T(refusal(status, None)) } else { RefOr::Ref(said_by(status)) };
        answers.responses.entry(status.to_string()).or_insert(answer);
    }
    let mut operation = OperationBuilder::new()
        .tag(address.tag)
        .summary(Some(described.summary))
        .description(described.description)
        .operation_id(Some(address.operation_id(method)))
        .parameters(Some(address.parameters.iter().cloned().chain(parameters(described))))
        .request_body(described.body.clone())
        .responses(answers);
    if described.open {
        operation = operation.securities(Some([]));
    }
    operation.build()
}

fn method_of(method: &str) -> Option<HttpMethod> {
    Some(match method {
        "GET" => HttpMethod::Get,
        "HEAD" => HttpMethod::Head,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "POST" => HttpMethod::Post,
        "DELETE" => HttpMethod::Delete,
        _ => return None,
    })
}

/// The document as JSON. `E` is the body of errors.
///
/// # Errors
/// `Internal` when a route stands where no address is known, or is asked by a method that nobody describes.
pub fn document<'m, E: ToSchema>(
    routes: impl IntoIterator<Item = (&'m str, &'static str, Described)>,
    about: &About,
) -> Result<Value, Error> {
    let (mut paths, mut components, mut schemas) = (Paths::new(), Components::new(), Vec::new());
    let (mut tags, mut named) = (Vec::<&str>::new(), BTreeMap::<String, String>::new());
    let failure = component::<E>(&mut schemas);
    for (method, pattern, described) in routes {
        let unknown = || Error::internal(format!("{method} {pattern} stands where no address is known"));
        let address = Address::of(pattern, &about.service, &described.names).ok_or_else(unknown)?;
        let id = address.operation_id(method);
        if let Some(other) = named.insert(id.clone(), pattern.to_owned()) {
            return Err(Error::internal(format!("{id} is an operation at {other} and at {pattern}")));
        }
        if !tags.contains(&address.tag) {
            tags.push(address.tag);
        }
        paths.add_path_operation(&address.path, vec![method_of(method).ok_or_else(unknown)?], operation(method, &described, &address));
        schemas.extend(described.schemas);
    }
    components.schemas.extend(schemas);
    for (status, name, _) in ERRORS {
        components.responses.insert(name.to_owned(), RefOr::T(refusal(status, Some(&failure))));
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let bearer =
        bearer.description(Some("A token of scope read or write, made in the portal under Access tokens, or given for one by the grant."));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
    let shared = "SharedAccessSignature …, signed with a key of tenant access, while that is on.";
    components.add_security_scheme(SHARED, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", shared))));
    let document: OpenApi = OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Management API").version(env!("CARGO_PKG_VERSION")).description(Some(WORDS)).build())
        .servers(Some([ServerBuilder::new().url(&about.origin).build()]))
        .paths(paths)
        .components(Some(components))
        .security(Some([SecurityRequirement::new(BEARER, [] as [&str; 0]), SecurityRequirement::new(SHARED, [] as [&str; 0])]))
        .tags(Some(tags.into_iter().map(|tag| TagBuilder::new().name(tag).build())))
        .build();
    let mut document = serde_json::to_value(document)?;
    schema::expand(&mut document);
    Ok(document)
}

const WORDS: &str = "Groups, users, products, subscriptions, APIs and settings of this portal, for programs: in the shape of the Azure API \
    Management resource API, whose official clients work with it unmodified. Lists come in pages, with `$filter`, `$top` and `$skip`; entities \
    have an ETag, which `If-Match` holds against; DELETE answers 204 also when there was nothing; names in addresses are the same in every case. \
    Changes are let in with a token of scope write.";
