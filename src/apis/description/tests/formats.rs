//! One fixture a format, and what is peculiar to each.

use std::collections::HashSet;

use super::super::{Format, Operation, Place, Syntax, operation_name};
use super::{good, only, table};

pub(super) const SWAGGER: &str = r##"{
  "swagger": "2.0", "x-origin": [1],
  "info": {"title": " Ferries ", "version": "7", "contact": {"url": "javascript:alert(1)", "email": "harbour@example.org"},
           "license": {"name": "MIT", "url": "https://example.org/mit"}},
  "schemes": ["https", "http"], "host": "api.example.org", "basePath": "/v7",
  "consumes": ["application/json"], "produces": ["application/json", "text/json"],
  "tags": [{"name": "Boats", "description": "All that floats."}],
  "securityDefinitions": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}, "who": {"type": "oauth2"}},
  "security": [{"key": []}],
  "parameters": {"limit": {"name": "limit", "in": "query", "type": "integer", "minimum": 1, "maximum": 100, "default": 20}},
  "responses": {"gone": {"description": "It sank."}},
  "definitions": {
    "Boat": {"type": "object", "required": ["name"], "properties": {
      "name": {"type": "string", "minLength": 1, "maxLength": 64},
      "sisters": {"type": "array", "items": {"$ref": "#/definitions/Boat"}},
      "built": {"type": "string", "format": "date-time", "readOnly": true}}}},
  "paths": {
    "/boats/{id}": {
      "parameters": [{"name": "id", "in": "path", "type": "string"}, {"$ref": "#/parameters/limit"}],
      "get": {"operationId": "boat", "summary": "One boat", "tags": ["Boats", "Reading"],
        "parameters": [{"name": "limit", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"}],
        "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Boat"},
                              "examples": {"application/json": {"name": "Vesta"}},
                              "headers": {"X-Left": {"type": "integer"}}},
                      "404": {"$ref": "#/responses/gone"}}},
      "post": {"operationId": "boat", "security": [{"who": ["write", "read"], "key": []}, {}],
        "parameters": [{"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Boat"}}]},
      "patch": {"security": [], "consumes": ["multipart/form-data"],
        "parameters": [{"name": "photo", "in": "formData", "type": "file", "required": true},
                       {"name": "note", "in": "formData", "type": "string"}]}
    }
  }
}"##;

pub(super) const YAML: &str = "\u{feff}openapi: 3.0.3
info:
  title: Weather
  version: 1.10
servers:
  - url: https://{region}.example.org/{version}
    variables:
      region: {default: eu}
paths:
  /stations/{id}:
    get:
      operationId: station
      deprecated: true
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: fields, in: query, explode: false, schema: {type: array, items: {type: string, enum: [no, on]}}}
        - $ref: other.yaml#/Page
      responses:
        200:
          description: ok
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Station'}
              examples: {first: {value: {name: Oslo}}}
            application/xml:
              schema: {$ref: '#/components/schemas/Station'}
              example: <station/>
        4XX: {$ref: '#/components/responses/Bad'}
        default: {description: anything else}
  /shared: {$ref: '#/x-items/shared'}
x-items:
  shared:
    put:
      requestBody: {$ref: '#/components/requestBodies/Any'}
components:
  requestBodies: {Any: {required: true, content: {'text/plain': {schema: {type: string}}}}}
  responses: {Bad: {description: wrong}}
  schemas:
    Station:
      type: object
      properties:
        name: {type: string, nullable: true}
        height: {type: number, minimum: 0, exclusiveMinimum: true}
";

#[test]
fn swagger_two() {
    let api = good(SWAGGER);
    assert_eq!((api.format, api.syntax), (Format::Swagger20, Syntax::Json));
    assert_eq!((api.title.as_str(), api.version.as_str()), ("Ferries", "7"));
    let urls: Vec<&str> = api.servers.iter().map(|server| server.url.as_str()).collect();
    assert_eq!(urls, ["https://api.example.org/v7", "http://api.example.org/v7"]);
    let contact = api.contact.expect("a contact");
    assert_eq!((contact.url, contact.email.as_deref()), (None, Some("harbour@example.org")));
    let tags: Vec<&str> = api.tags.iter().map(|tag| tag.name.as_str()).collect();
    assert_eq!(tags, ["Boats", "Reading"]);

    let [get, post, patch] = api.operations.as_slice() else { panic!("three operations") };
    assert_eq!((get.operation_id.as_deref(), post.operation_id.as_deref()), (Some("boat"), None));
    assert_eq!(get.display_name(), "One boat");
    assert_eq!(post.display_name(), "POST /boats/{id}");
    let parameters = &get.detail.parameters;
    assert_eq!(parameters.len(), 2, "the operation's limit replaces the path's");
    assert!(parameters[0].required && parameters[0].place == Place::Path);
    assert_eq!(parameters[1].schema.summary, "array of string, separated by |");
    assert_eq!(post.detail.parameters[1].schema.summary, "integer, 1–100, default 20");
    assert_eq!(get.detail.security, ["API key in header X-Key"]);
    assert_eq!(post.detail.security, ["OAuth 2 (scopes write, read) and API key in header X-Key", "nothing"]);
    assert!(patch.detail.security.is_empty());

    let [ok, gone] = get.detail.responses.as_slice() else { panic!("two responses") };
    assert_eq!(gone.description.as_deref(), Some("It sank."));
    assert_eq!(ok.headers[0].schema.summary, "integer");
    let [json, text] = ok.content.as_slice() else { panic!("two bodies: one has an example") };
    assert_eq!(json.example.as_deref(), Some("{\n  \"name\": \"Vesta\"\n}"));
    assert_eq!(text.media_type, "text/json");
    let expected = ["0 name*: string [1–64 characters]", "0 sisters[]: array of Boat, shown above", "0 built: string (date-time)"];
    assert_eq!(table(json.schema.as_ref().expect("a schema")), expected);

    let body = post.detail.request.as_ref().expect("a body");
    assert!(body.required && body.content[0].schema.as_ref().is_some_and(|s| s.summary == "Boat"));
    let form = patch.detail.request.as_ref().expect("a form");
    assert_eq!(form.content[0].media_type, "multipart/form-data");
    let rows = table(form.content[0].schema.as_ref().expect("rows"));
    assert_eq!(rows, ["0 photo*: file", "0 note: string"]);
}

#[test]
fn openapi_three_in_yaml() {
    let api = good(YAML);
    assert_eq!((api.format, api.syntax), (Format::OpenApi30, Syntax::Yaml));
    assert_eq!(api.version, "1.10", "an unquoted version keeps its digits");
    assert_eq!(api.servers[0].url, "https://eu.example.org/{version}");
    let [get, put] = api.operations.as_slice() else { panic!("two operations") };
    assert!(get.deprecated);
    assert_eq!(get.display_name(), "station");
    let parameters = &get.detail.parameters;
    assert_eq!(parameters[1].schema.summary, "array of string, separated by commas");
    assert_eq!(parameters[2].name, "Page");
    assert_eq!(parameters[2].schema.summary, "not in this document");
    let statuses: Vec<&str> = get.detail.responses.iter().map(|r| r.status.as_str()).collect();
    assert_eq!(statuses, ["200", "4XX", "default"]);
    let content = &get.detail.responses[0].content;
    assert_eq!(content[0].example.as_deref(), Some("{\n  \"name\": \"Oslo\"\n}"));
    assert_eq!(content[1].example.as_deref(), Some("<station/>"));
    let rows = table(content[0].schema.as_ref().expect("rows"));
    assert_eq!(rows, ["0 name: string or null", "0 height: number [more than 0]"]);
    assert_eq!((put.method.as_str(), put.url_template.as_str()), ("PUT", "/shared"));
    assert!(put.detail.request.as_ref().is_some_and(|body| body.required));
}

#[test]
fn openapi_three_one_without_paths_has_no_operations() {
    let api = good(
        r#"{"openapi": "3.1.0", "info": {"title": "T", "summary": "S", "version": "1"},
        "webhooks": {"a": {"post": {}}}, "components": {}}"#,
    );
    assert_eq!((api.format, api.operations.len()), (Format::OpenApi31, 0));
    assert_eq!(api.summary.as_deref(), Some("S"));
}

#[test]
fn json_with_a_trailing_comma_is_read_as_yaml() {
    let api = good(r#"{"swagger": "2.0", "info": {"title": "T", "version": "1",}, "paths": {},}"#);
    assert_eq!((api.syntax, api.title.as_str()), (Syntax::Yaml, "T"));
}

#[test]
fn yaml_merge_keys_and_aliases_are_honest_tools() {
    let api = good("swagger: 2.0\ninfo: {title: T}\nx-a: &a {summary: S, tags: [x]}\npaths: {/a: {get: {<<: *a, deprecated: true}}}");
    assert_eq!(only(&api).summary.as_deref(), Some("S"));
    assert!(only(&api).deprecated);
}

#[test]
fn a_nul_in_a_text_is_replaced() {
    let api = good("{\"swagger\": \"2.0\", \"info\": {\"title\": \"a\\u0000b\"}, \"paths\": {}}");
    assert_eq!(api.title, "a\u{fffd}b");
}

#[test]
fn names_are_safe_in_urls_and_unique() {
    let mut operation: Operation =
        only(&good(r#"{"swagger": "2.0", "info": {"title": "T"}, "paths": {"/a/{b}/ü": {"get": {"operationId": "Get Pet!"}}}}"#)).clone();
    let mut taken = HashSet::new();
    assert_eq!(operation_name(&operation, &mut taken), "Get-Pet");
    assert_eq!(operation_name(&operation, &mut taken), "Get-Pet-2");
    operation.operation_id = None;
    assert_eq!(operation_name(&operation, &mut taken), "get-a-b");
    operation.operation_id = Some("ö".repeat(40));
    assert_eq!(operation_name(&operation, &mut taken), "get-a-b-2");
    operation.operation_id = Some("x".repeat(500));
    assert_eq!(operation_name(&operation, &mut taken).len(), 80);
    let second = operation_name(&operation, &mut taken);
    assert!(second.len() == 80 && second.ends_with("x-2"));
    (operation.operation_id, operation.method, operation.url_template) = (None, "ß".into(), "/".into());
    assert_eq!(operation_name(&operation, &mut taken), "operation");
}
