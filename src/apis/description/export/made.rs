//! OpenAPI 3 from the neutral model: what an administrator made by hand, which is no more than the model holds.

use serde_json::{Map, Value, json};

use super::super::{Body, Content, Description, Operation, Parameter, Response, Schema};

/// The whole document.
pub(super) fn document(description: &Description) -> Value {
    let mut info = object([("title", Some(json!(description.title))), ("version", Some(json!(description.version)))]);
    set(&mut info, "description", description.description.as_ref());
    set(&mut info, "termsOfService", description.terms_of_service.as_ref());
    if let Some(contact) = &description.contact {
        let mut made = Map::new();
        set(&mut made, "name", contact.name.as_ref());
        set(&mut made, "url", contact.url.as_ref());
        set(&mut made, "email", contact.email.as_ref());
        info.insert("contact".to_owned(), Value::Object(made));
    }
    if let Some(license) = &description.license {
        let mut made = object([("name", Some(json!(license.name)))]);
        set(&mut made, "url", license.url.as_ref());
        info.insert("license".to_owned(), Value::Object(made));
    }
    let described = |name: &str, value: &str, text: Option<&String>| {
        let mut made = object([(name, Some(json!(value)))]);
        set(&mut made, "description", text);
        Value::Object(made)
    };
    let servers: Vec<Value> = description.servers.iter().map(|server| described("url", &server.url, server.description.as_ref())).collect();
    let tags: Vec<Value> = description.tags.iter().map(|tag| described("name", &tag.name, tag.description.as_ref())).collect();
    let mut paths = Map::new();
    for operation in &description.operations {
        let item = paths.entry(operation.url_template.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(item) = item {
            item.insert(operation.method.to_lowercase(), self::operation(operation));
        }
    }
    let some = |list: Vec<Value>| (!list.is_empty()).then_some(Value::Array(list));
    Value::Object(object([
        ("openapi", Some(json!("3.0.3"))),
        ("info", Some(Value::Object(info))),
        ("servers", some(servers)),
        ("tags", some(tags)),
        ("paths", Some(Value::Object(paths))),
    ]))
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn set(map: &mut Map<String, Value>, name: &str, text: Option<&String>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        map.insert(name.to_owned(), json!(text));
    }
}

fn operation(operation: &Operation) -> Value {
    let mut made = Map::new();
    set(&mut made, "operationId", operation.operation_id.as_ref());
    set(&mut made, "summary", operation.summary.as_ref());
    set(&mut made, "description", operation.description.as_ref());
    if !operation.tags.is_empty() {
        made.insert("tags".to_owned(), json!(operation.tags));
    }
    if operation.deprecated {
        made.insert("deprecated".to_owned(), json!(true));
    }
    let detail = &operation.detail;
    if !detail.parameters.is_empty() {
        made.insert("parameters".to_owned(), detail.parameters.iter().map(|one| parameter(one, true)).collect());
    }
    if let Some(body) = &detail.request {
        made.insert("requestBody".to_owned(), request(body));
    }
    let responses = detail.responses.iter().map(|one| (one.status.clone(), response(one))).collect();
    made.insert("responses".to_owned(), Value::Object(responses));
    Value::Object(made)
}

/// A parameter, or a response's header, which is named outside and stands nowhere.
fn parameter(parameter: &Parameter, named: bool) -> Value {
    let mut made = Map::new();
    if named {
        made.insert("name".to_owned(), json!(parameter.name));
        made.insert("in".to_owned(), json!(parameter.place.word()));
    }
    set(&mut made, "description", parameter.description.as_ref());
    if parameter.required {
        made.insert("required".to_owned(), json!(true));
    }
    if parameter.deprecated {
        made.insert("deprecated".to_owned(), json!(true));
    }
    made.insert("schema".to_owned(), schema(&parameter.schema));
    Value::Object(made)
}

/// The type that a summary such as "array of string" or "string (date)" names; any, when it names none.
fn schema(schema: &Schema) -> Value {
    fn of(text: &str) -> Value {
        if let Some(items) = text.strip_prefix("array of ") {
            return json!({ "type": "array", "items": of(items) });
        }
        let (name, format) = match text.split_once(" (") {
            Some((name, format)) => (name, format.strip_suffix(')')),
            None => (text, None),
        };
        match (name, format) {
            ("string" | "integer" | "number" | "boolean" | "object", Some(format)) => json!({ "type": name, "format": format }),
            ("string" | "integer" | "number" | "boolean" | "object", None) => json!({ "type": name }),
            ("array", _) => json!({ "type": "array", "items": {} }),
            _ => json!({}),
        }
    }
    of(&schema.summary)
}

fn request(body: &Body) -> Value {
    let mut made = Map::new();
    set(&mut made, "description", body.description.as_ref());
    if body.required {
        made.insert("required".to_owned(), json!(true));
    }
    made.insert("content".to_owned(), content(&body.content));
    Value::Object(made)
}

fn response(response: &Response) -> Value {
    let mut made = object([("description", Some(json!(response.description.clone().unwrap_or_default())))]);
    if !response.headers.is_empty() {
        let headers = response.headers.iter().map(|one| (one.name.clone(), parameter(one, false))).collect();
        made.insert("headers".to_owned(), Value::Object(headers));
    }
    if !response.content.is_empty() {
        made.insert("content".to_owned(), content(&response.content));
    }
    Value::Object(made)
}

fn content(contents: &[Content]) -> Value {
    let mut made = Map::new();
    for content in contents {
        let mut media = Map::new();
        if let Some(known) = &content.schema {
            media.insert("schema".to_owned(), schema(known));
        }
        if let Some(example) = &content.example {
            let is_json = content.media_type.contains("json");
            let value = is_json.then(|| serde_json::from_str(example).ok()).flatten().unwrap_or_else(|| json!(example));
            media.insert("example".to_owned(), value);
        }
        for media_type in std::iter::once(&content.media_type).chain(&content.also_as) {
            made.insert(media_type.clone(), Value::Object(media.clone()));
        }
    }
    Value::Object(made)
}
