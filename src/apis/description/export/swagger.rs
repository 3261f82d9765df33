//! Swagger 2.0 as OpenAPI 3.0: what moved, what is named otherwise, and bodies, which were parameters. Lenient like the reader: what
//! makes no sense is left out or left as it is.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
};

use serde_json::{Map, Value, json};

use super::super::head;

type Object = Map<String, Value>;

/// The whole document; nothing, when it would take more than so many bytes: what stands once in Swagger is written for each operation
/// and media type here. What is no object has been refused before.
pub(super) fn convert(root: &Value, most: usize) -> Option<Value> {
    let empty = Object::new();
    let root = root.as_object().unwrap_or(&empty);
    let writer = Writer {
        root,
        schemas: safe_names(root, "definitions"),
        consumes: strings(root, "consumes"),
        produces: strings(root, "produces"),
        left: Cell::new(most),
        over: Cell::new(false),
    };
    let made = writer.document();
    (!writer.over.get()).then_some(made)
}

/// Members of a parameter that stay beside its schema.
const OF_PARAMETER: [&str; 5] = ["name", "in", "description", "required", "allowEmptyValue"];

/// Bytes that a value takes beside its text.
const NODE: usize = 8;

struct Writer<'a> {
    root: &'a Object,
    /// Names that OpenAPI 3 takes, by those of the definitions.
    schemas: HashMap<&'a str, String>,
    consumes: Vec<&'a str>,
    produces: Vec<&'a str>,
    /// Bytes that may still be made, and whether more were wanted.
    left: Cell<usize>,
    over: Cell<bool>,
}

fn strings<'a>(map: &'a Object, key: &str) -> Vec<&'a str> {
    let mut found = HashSet::new();
    map.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).filter(|text| found.insert(*text)).collect()
}

/// A name of a part may hold letters, digits, ".", "-" and "_" since OpenAPI 3.
fn safe_names<'a>(root: &'a Object, library: &str) -> HashMap<&'a str, String> {
    let mut taken = HashSet::new();
    let names = root.get(library).and_then(Value::as_object).into_iter().flat_map(Object::keys);
    let (mut safe, mut tried) = (HashMap::new(), HashMap::<String, usize>::new());
    for name in names {
        let base: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect();
        // Goes on where the last of this base stopped, or thousands of them would be tried again for each.
        let (mut free, number) = (base.clone(), tried.entry(base.clone()).or_insert(1));
        while !taken.insert(free.clone()) {
            *number += 1;
            free = format!("{base}_{number}");
        }
        safe.insert(name.as_str(), free);
    }
    safe
}

/// The name that `#/definitions/Pet` refers to in a library.
fn name_in(reference: &str, library: &str) -> Option<String> {
    let name = reference.strip_prefix("#/")?.strip_prefix(library)?.strip_prefix('/')?;
    let decoded = percent_encoding::percent_decode_str(name).decode_utf8().ok()?;
    (!decoded.contains('/')).then(|| decoded.replace("~1", "/").replace("~0", "~"))
}

impl<'a> Writer<'a> {
    /// Whether there is room for so many bytes more.
    fn takes(&self, bytes: usize) -> bool {
        match self.left.get().checked_sub(bytes) {
            Some(left) if !self.over.get() => self.left.set(left),
            _ => self.over.set(true),
        }
        !self.over.get()
    }

    /// A copy, or nothing when there is no room for it.
    fn copy(&self, value: &Value) -> Value {
        if self.takes_all(value) { value.clone() } else { Value::Null }
    }

    fn takes_all(&self, value: &Value) -> bool {
        match value {
            Value::Array(list) => self.takes(NODE) && list.iter().all(|value| self.takes_all(value)),
            Value::Object(map) => self.takes(NODE) && map.iter().all(|(key, value)| self.takes(key.len()) && self.takes_all(value)),
            Value::String(text) => self.takes(NODE + text.len()),
            _ => self.takes(NODE),
        }
    }

    fn copied(&self, (key, value): (&String, &Value)) -> (String, Value) {
        (key.clone(), self.copy(value))
    }

    fn document(&self) -> Value {
        let mut made = Object::new();
        made.insert("openapi".to_owned(), json!("3.0.3"));
        for key in ["info", "externalDocs"] {
            if let Some(value) = self.root.get(key) {
                made.insert(key.to_owned(), self.copy(value));
            }
        }
        let servers: Vec<Value> = head::swagger_servers(self.root).into_iter().map(|server| json!({ "url": server.url })).collect();
        if !servers.is_empty() {
            made.insert("servers".to_owned(), Value::Array(servers));
        }
        for (key, value) in self.root.iter().filter(|(key, _)| matches!(key.as_str(), "tags" | "security") || key.starts_with("x-")) {
            made.insert(key.clone(), self.copy(value));
        }
        made.insert("paths".to_owned(), self.each(self.root.get("paths"), |key, item| (key.to_owned(), self.path(key, item))));
        let components = self.components();
        if !components.is_empty() {
            made.insert("components".to_owned(), Value::Object(components));
        }
        Value::Object(made)
    }

    /// An object with each member made into another; an empty one for what is none.
    fn each(&self, value: Option<&'a Value>, change: impl Fn(&'a str, &'a Value) -> (String, Value)) -> Value {
        let members = value.and_then(Value::as_object).into_iter().flatten();
        Value::Object(members.take_while(|(key, _)| self.takes(NODE + key.len())).map(|(key, value)| change(key, value)).collect())
    }

    fn components(&self) -> Object {
        let same = |key: &str| key.to_owned();
        let safe = |key: &str| self.schemas.get(key).cloned().unwrap_or_else(|| key.to_owned());
        let parameters = self.root.get("parameters").and_then(Value::as_object).into_iter().flatten();
        let (bodies, plain): (Vec<_>, Vec<_>) = parameters.partition(|(_, value)| is_body(value));
        let plain = plain.into_iter().map(|(key, value)| (key.clone(), self.parameter(value)));
        let bodies = bodies.into_iter().filter(|(_, value)| is_whole_body(value));
        let bodies = bodies.filter_map(|(key, value)| Some((key.clone(), self.request(&[value], &self.consumes)?)));
        let made = [
            ("requestBodies", Value::Object(bodies.collect())),
            ("schemas", self.each(self.root.get("definitions"), |key, value| (safe(key), self.schema(value)))),
            ("parameters", Value::Object(plain.collect())),
            ("responses", self.each(self.root.get("responses"), |key, value| (same(key), self.response(value, &self.produces)))),
            ("securitySchemes", self.each(self.root.get("securityDefinitions"), |key, value| (same(key), security(value)))),
        ];
        made.into_iter().filter(|(_, value)| value.as_object().is_some_and(|map| !map.is_empty())).map(|(k, v)| (k.to_owned(), v)).collect()
    }

    /// What a reference to a global parameter or response leads to.
    fn follow(&self, value: &'a Value, library: &str) -> &'a Value {
        let reference = value.get("$ref").and_then(Value::as_str);
        let found = reference.and_then(|text| name_in(text, library)).and_then(|name| self.root.get(library)?.get(name.as_str()));
        found.unwrap_or(value)
    }

    fn path(&self, key: &str, item: &'a Value) -> Value {
        let Some(item) = item.as_object().filter(|_| !key.starts_with("x-")) else { return self.copy(item) };
        let shared: Vec<&Value> = parameters_of(item);
        let bodies: Vec<&Value> = shared.iter().copied().filter(|value| is_body(self.follow(value, "parameters"))).collect();
        let members = item.iter().map(|(key, value)| {
            let made = match (key.as_str(), value.as_object()) {
                ("parameters", _) => self.parameters(&shared),
                ("get" | "put" | "post" | "delete" | "options" | "head" | "patch", Some(operation)) => self.operation(operation, &bodies),
                _ => self.copy(value),
            };
            (key.clone(), made)
        });
        Value::Object(members.collect())
    }

    fn operation(&self, operation: &'a Object, bodies: &[&'a Value]) -> Value {
        if self.over.get() {
            return Value::Null;
        }
        let own = [strings(operation, "consumes"), strings(operation, "produces")];
        let [consumes, produces] =
            [(&own[0], &self.consumes), (&own[1], &self.produces)].map(|(own, all)| if own.is_empty() { all } else { own });
        let parameters = parameters_of(operation);
        let mut made = Object::new();
        for (key, value) in operation {
            match key.as_str() {
                "consumes" | "produces" | "schemes" => {}
                "parameters" => {
                    made.insert(key.clone(), self.parameters(&parameters));
                }
                "responses" => {
                    let kept = |key: &str, value: &'a Value| match key.starts_with("x-") {
                        true => self.copy(value),
                        false => self.response(value, produces),
                    };
                    made.insert(key.clone(), self.each(Some(value), |key, value| (key.to_owned(), kept(key, value))));
                }
                _ => {
                    made.insert(key.clone(), self.copy(value));
                }
            }
        }
        let all: Vec<&Value> = bodies.iter().copied().chain(parameters).collect();
        let body = self.shared_request(&all, consumes).or_else(|| {
            let all = all.iter().map(|value| self.follow(value, "parameters")).filter(|value| is_body(value));
            self.request(&all.collect::<Vec<_>>(), consumes)
        });
        if let Some(body) = body {
            made.insert("requestBody".to_owned(), body);
        }
        made.entry("responses").or_insert_with(|| json!({}));
        Value::Object(made)
    }

    /// Those that are no part of a body.
    fn parameters(&self, all: &[&'a Value]) -> Value {
        let plain = all.iter().filter(|value| !is_body(self.follow(value, "parameters")));
        plain.map(|value| self.parameter(value)).collect()
    }

    fn parameter(&self, value: &'a Value) -> Value {
        let Some(map) = value.as_object() else { return self.copy(value) };
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            return json!({ "$ref": reference.replacen("#/parameters/", "#/components/parameters/", 1) });
        }
        let mut made: Object = map
            .iter()
            .filter(|(key, _)| OF_PARAMETER.contains(&key.as_str()) || key.starts_with("x-"))
            .map(|member| self.copied(member))
            .collect();
        if map.get("in").and_then(Value::as_str) == Some("path") {
            made.insert("required".to_owned(), json!(true));
        }
        if map.get("type").and_then(Value::as_str) == Some("array") {
            let (style, explode) = match (map.get("collectionFormat").and_then(Value::as_str), map.get("in").and_then(Value::as_str)) {
                (Some("multi"), _) => (Some("form"), true),
                (Some("ssv"), Some("query")) => (Some("spaceDelimited"), false),
                (Some("pipes"), Some("query")) => (Some("pipeDelimited"), false),
                (_, Some("query")) => (Some("form"), false),
                _ => (None, false),
            };
            if let Some(style) = style {
                made.insert("style".to_owned(), json!(style));
                made.insert("explode".to_owned(), json!(explode));
            }
        }
        made.insert("schema".to_owned(), map.get("schema").map_or_else(|| self.schema_of(map), |schema| self.schema(schema)));
        Value::Object(made)
    }

    /// The schema that Swagger writes into a parameter, a header or a field of a form.
    fn schema_of(&self, map: &'a Object) -> Value {
        let words = map.iter().filter(|(key, _)| {
            !OF_PARAMETER.contains(&key.as_str()) && !key.starts_with("x-") && !matches!(key.as_str(), "collectionFormat" | "schema")
        });
        self.schema_members(words)
    }

    /// A body that many operations refer to stands once, where it is of the same media types for them.
    fn shared_request(&self, all: &[&'a Value], consumes: &[&str]) -> Option<Value> {
        let reference = all.iter().find(|value| is_whole_body(self.follow(value, "parameters")))?.get("$ref").and_then(Value::as_str)?;
        let shared = reference.strip_prefix("#/parameters/").filter(|_| consumes == self.consumes)?;
        Some(json!({ "$ref": format!("#/components/requestBodies/{shared}") }))
    }

    fn request(&self, bodies: &[&'a Value], consumes: &[&str]) -> Option<Value> {
        let required = |value: &Value| value.get("required") == Some(&Value::Bool(true));
        let mut made = Object::new();
        if let Some(body) = bodies.iter().find(|value| is_whole_body(value)) {
            if let Some(text) = body.get("description") {
                made.insert("description".to_owned(), self.copy(text));
            }
            let schema = body.get("schema").map(|schema| self.schema(schema));
            let media: Object = schema.map(|schema| ("schema".to_owned(), schema)).into_iter().collect();
            let types = if consumes.is_empty() { &["application/json"][..] } else { consumes };
            let media = Value::Object(media);
            let content = types.iter().take_while(|name| self.takes(NODE + name.len()) && self.takes_all(&media));
            made.insert("content".to_owned(), Value::Object(content.map(|name| ((*name).to_owned(), media.clone())).collect()));
            if required(body) {
                made.insert("required".to_owned(), json!(true));
            }
            return Some(Value::Object(made));
        }
        let fields: Vec<&&Value> = bodies.iter().filter(|value| value.get("name").is_some_and(Value::is_string)).collect();
        if fields.is_empty() {
            return None;
        }
        let name = |value: &Value| {
            let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
            if self.takes(NODE + name.len()) { name.to_owned() } else { String::new() }
        };
        let properties: Object = fields
            .iter()
            .map(|value| {
                let mut schema = value.as_object().map_or_else(|| json!({}), |map| self.schema_of(map));
                if let (Some(schema), Some(text)) = (schema.as_object_mut(), value.get("description")) {
                    schema.insert("description".to_owned(), self.copy(text));
                }
                (name(value), schema)
            })
            .collect();
        let needed: Vec<String> = fields.iter().filter(|value| required(value)).map(|value| name(value)).collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        if !needed.is_empty() {
            schema["required"] = json!(needed);
            made.insert("required".to_owned(), json!(true));
        }
        let file = fields.iter().any(|value| value.get("type").and_then(Value::as_str) == Some("file"));
        let (multipart, plain) = ("multipart/form-data", "application/x-www-form-urlencoded");
        let fits = |media: &&str| *media == multipart || (!file && *media == plain);
        let media = consumes.iter().copied().find(fits).unwrap_or(if file { multipart } else { plain });
        made.insert("content".to_owned(), json!({ media: { "schema": schema } }));
        Some(Value::Object(made))
    }

    fn response(&self, value: &'a Value, produces: &[&str]) -> Value {
        let Some(map) = value.as_object() else { return self.copy(value) };
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            return json!({ "$ref": reference.replacen("#/responses/", "#/components/responses/", 1) });
        }
        let mut made = Object::new();
        made.insert("description".to_owned(), map.get("description").cloned().unwrap_or_else(|| json!("")));
        if let Some(headers) = map.get("headers") {
            let header = |value: &'a Value| {
                let Some(map) = value.as_object() else { return self.copy(value) };
                let mut made: Object = map
                    .iter()
                    .filter(|(key, _)| *key == "description" || key.starts_with("x-"))
                    .map(|member| self.copied(member))
                    .collect();
                made.insert("schema".to_owned(), self.schema_of(map));
                Value::Object(made)
            };
            made.insert("headers".to_owned(), self.each(Some(headers), |key, value| (key.to_owned(), header(value))));
        }
        let (schema, examples) = (map.get("schema"), map.get("examples").and_then(Value::as_object));
        if schema.is_some() || examples.is_some() {
            let types = if produces.is_empty() { &["application/json"][..] } else { produces };
            let content = types.iter().map(|media_type| {
                let mut media = Object::new();
                if let Some(schema) = schema {
                    media.insert("schema".to_owned(), self.schema(schema));
                }
                if let Some(example) = examples.and_then(|all| all.get(*media_type)) {
                    media.insert("example".to_owned(), self.copy(example));
                }
                ((*media_type).to_owned(), Value::Object(media))
            });
            let room = |media_type: &(String, Value)| self.takes(NODE + media_type.0.len());
            made.insert("content".to_owned(), Value::Object(content.take_while(room).collect()));
        }
        made.extend(map.iter().filter(|(key, _)| key.starts_with("x-")).map(|member| self.copied(member)));
        Value::Object(made)
    }

    fn schema(&self, value: &'a Value) -> Value {
        value.as_object().map_or_else(|| self.copy(value), |map| self.schema_members(map.iter()))
    }

    fn schema_members(&self, members: impl Iterator<Item = (&'a String, &'a Value)>) -> Value {
        let mut made = Object::new();
        for (key, value) in members {
            if !self.takes(NODE + key.len()) {
                break;
            }
            let changed = match (key.as_str(), value) {
                ("$ref", Value::String(reference)) if self.takes(reference.len()) => json!(self.reference(reference)),
                ("type", Value::String(name)) if name == "file" => {
                    made.insert("format".to_owned(), json!("binary"));
                    json!("string")
                }
                ("discriminator", Value::String(property)) => json!({ "propertyName": property }),
                ("x-nullable", Value::Bool(true)) => {
                    made.insert("nullable".to_owned(), json!(true));
                    continue;
                }
                ("properties", Value::Object(_)) => self.each(Some(value), |key, value| (key.to_owned(), self.schema(value))),
                ("items" | "additionalProperties" | "not", Value::Object(_)) => self.schema(value),
                ("items" | "allOf" | "anyOf" | "oneOf", Value::Array(list)) => list.iter().map(|value| self.schema(value)).collect(),
                ("collectionFormat", _) => continue,
                _ => self.copy(value),
            };
            made.insert(key.clone(), changed);
        }
        Value::Object(made)
    }

    fn reference(&self, reference: &str) -> String {
        match name_in(reference, "definitions") {
            Some(name) => match self.schemas.get(name.as_str()) {
                Some(safe) => format!("#/components/schemas/{safe}"),
                None => reference.replacen("#/definitions/", "#/components/schemas/", 1),
            },
            None => reference.to_owned(),
        }
    }
}

fn parameters_of(map: &Object) -> Vec<&Value> {
    map.get("parameters").and_then(Value::as_array).into_iter().flatten().collect()
}

/// Whether it is a body or a field of a form.
fn is_body(value: &Value) -> bool {
    matches!(value.get("in").and_then(Value::as_str), Some("body" | "formData"))
}

fn is_whole_body(value: &Value) -> bool {
    value.get("in").and_then(Value::as_str) == Some("body")
}

fn security(scheme: &Value) -> Value {
    let copied = |(key, value): (&String, &Value)| (key.clone(), value.clone());
    let Some(map) = scheme.as_object() else { return scheme.clone() };
    let mut made: Object = map.iter().filter(|(key, _)| *key == "description" || key.starts_with("x-")).map(copied).collect();
    let word = |key: &str| map.get(key).and_then(Value::as_str);
    match word("type") {
        Some("basic") => {
            made.insert("type".to_owned(), json!("http"));
            made.insert("scheme".to_owned(), json!("basic"));
        }
        Some("oauth2") => {
            made.insert("type".to_owned(), json!("oauth2"));
            let flow = match word("flow") {
                Some("application") => "clientCredentials",
                Some("accessCode") => "authorizationCode",
                Some("password") => "password",
                _ => "implicit",
            };
            let urls = map.iter().filter(|(key, _)| matches!(key.as_str(), "authorizationUrl" | "tokenUrl")).map(copied);
            let mut parts: Object = urls.collect();
            parts.insert("scopes".to_owned(), map.get("scopes").cloned().unwrap_or_else(|| json!({})));
            made.insert("flows".to_owned(), json!({ flow: parts }));
        }
        _ => return scheme.clone(),
    }
    Value::Object(made)
}
