//! Parameters of an operation, those of its path included; in Swagger 2.0 the body and the fields
//! of a form are parameters too and become the request. Responses are the neighbour's.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::document::Found;
use super::text::{self, PART_TEXT, WORD, pointer};
use super::{Body, Content, Format, Parameter, Place, Refusal, Schema, content, schema};

/// Parameters of one operation.
const MAX_PARAMETERS: usize = 300;

/// What the parameters of an operation came to.
pub(super) struct Parameters {
    pub(super) parameters: Vec<Parameter>,
    /// Swagger's body or form.
    pub(super) request: Option<Body>,
}

/// Where a parameter stands, Swagger's two extra places included.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Stand {
    In(Place),
    Body,
    Form,
}

struct Given<'a> {
    name: String,
    stand: Stand,
    /// The parameter itself, past any reference; None when it is not in the document.
    value: Option<&'a Value>,
}

/// Reads the path's parameters and then the operation's, which replace those of the same name and
/// place. `at` is the operation's place, for refusals.
pub(super) fn read<'a>(
    budget: &mut Budget<'_, 'a>,
    item: &'a Map<String, Value>,
    operation: &'a Map<String, Value>,
    at: &str,
) -> Result<Parameters, Refusal> {
    let mut given: Vec<Given<'a>> = Vec::new();
    let mut known: HashMap<(String, Stand), usize> = HashMap::new();
    for (owner, whose) in [(item, "the path's"), (operation, "the operation's")] {
        let list = match owner.get("parameters") {
            None | Some(Value::Null) => continue,
            Some(Value::Array(list)) => list,
            Some(other) => {
                let reason = format!("The parameters must be a list; they are {}.", text::kind(other));
                return Err(Refusal::new(format!("{at}/parameters"), reason));
            }
        };
        if list.len() > MAX_PARAMETERS {
            let reason = format!("There are more than {MAX_PARAMETERS} parameters.");
            return Err(Refusal::new(format!("{at}/parameters"), reason));
        }
        for (number, value) in list.iter().enumerate() {
            let place = pointer(&format!("{at}/parameters"), &number.to_string());
            let parameter =
                parameter(budget, value).map_err(|reason| Refusal::new(place, format!("One of {whose} parameters {reason}.")))?;
            let key = (parameter.name.clone(), parameter.stand);
            match known.get(&key).and_then(|index| given.get_mut(*index)) {
                Some(earlier) => *earlier = parameter,
                None => {
                    known.insert(key, given.len());
                    given.push(parameter);
                }
            }
        }
    }
    Ok(sorted_out(budget, given, operation))
}

/// Reads name and place, or says what is wrong in words that follow "One of the parameters".
fn parameter<'a>(budget: &Budget<'_, 'a>, value: &'a Value) -> Result<Given<'a>, String> {
    let (value, map) = match budget.document.follow(value) {
        Found::Here(value @ Value::Object(map)) => (value, map),
        Found::Here(other) => return Err(format!("is not an object but {}", text::kind(other))),
        // Described in a file that was not given: its name is all that can be shown.
        Found::Elsewhere(name) => {
            return Ok(Given { name, stand: Stand::In(Place::Query), value: None });
        }
    };
    let name = text::text(map, "name", WORD).ok_or("has no \"name\"")?;
    let stand = map.get("in").and_then(Value::as_str);
    let stand = stand.ok_or_else(|| format!("({name}) has no \"in\""))?;
    let swagger = budget.document.format == Format::Swagger20;
    let stand = match stand {
        "query" => Stand::In(Place::Query),
        "path" => Stand::In(Place::Path),
        "header" => Stand::In(Place::Header),
        "cookie" => Stand::In(Place::Cookie),
        "body" if swagger => Stand::Body,
        "formData" if swagger => Stand::Form,
        other => {
            let other = text::cut(other, 40);
            return Err(format!("({name}) has an \"in\" that this format does not know: {other}"));
        }
    };
    Ok(Given { name, stand, value: Some(value) })
}

fn sorted_out<'a>(budget: &mut Budget<'_, 'a>, given: Vec<Given<'a>>, operation: &'a Map<String, Value>) -> Parameters {
    let (mut parameters, mut form, mut body) = (Vec::new(), Vec::new(), None);
    for Given { name, stand, value } in given {
        if !budget.part() {
            break;
        }
        match (stand, value) {
            (Stand::Body, Some(value)) => body = body.or(value.as_object()),
            (Stand::Form, Some(value)) => form.push((name, value)),
            (Stand::In(place), Some(value)) => {
                parameters.push(described(budget, name, place, value));
            }
            (_, None) => parameters.push(unknown(name)),
        }
    }
    let request = match body {
        Some(map) => Some(swagger_body(budget, map, operation)),
        None if form.is_empty() => None,
        None => Some(swagger_form(budget, &form, operation)),
    };
    Parameters { parameters, request }
}

fn unknown(name: String) -> Parameter {
    let schema = Schema { summary: "not in this document".to_owned(), ..Schema::default() };
    let (place, description) = (Place::Query, None);
    Parameter { name, place, required: false, deprecated: false, description, schema, choices: Vec::new(), given: None }
}

/// A parameter or a header from what any reference to it led to.
pub(super) fn described<'a>(budget: &mut Budget<'_, 'a>, name: String, place: Place, value: &'a Value) -> Parameter {
    static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    let map = value.as_object().unwrap_or(&EMPTY);
    let media = || map.get("content").and_then(Value::as_object).and_then(|all| all.values().next());
    let node = match budget.document.format {
        // Swagger writes type, format and limits into the parameter itself.
        Format::Swagger20 => Some(map.get("schema").unwrap_or(value)),
        _ => map.get("schema").or_else(|| media().and_then(|media| media.get("schema"))),
    };
    let mut schema = match node {
        Some(node) => budget.schema(node),
        None => Schema { summary: "any".to_owned(), ..Schema::default() },
    };
    if let Some(how) = written_as(map, &schema.summary) {
        schema.summary = format!("{}, {how}", schema.summary);
    }
    let required = place == Place::Path || text::flag(map, "required");
    let deprecated = text::flag(map, "deprecated");
    let description = budget.text(map, "description", PART_TEXT);
    let (choices, given) = suggested(budget, map, node);
    Parameter { name, place, required, deprecated, description, schema, choices, given }
}

/// More choices than this are not listed: the summary names the first.
const CHOICES: usize = 50;

/// The values that a parameter may have, and the one that its description would begin with.
fn suggested<'a>(budget: &Budget<'_, 'a>, map: &'a Map<String, Value>, node: Option<&'a Value>) -> (Vec<String>, Option<String>) {
    let node = node.and_then(|node| budget.document.object(node));
    let parts = node.and_then(|node| node.get("items")).and_then(|parts| budget.document.object(parts));
    let listed = |node: &'a Map<String, Value>| node.get("enum").and_then(Value::as_array).filter(|all| all.len() <= CHOICES);
    let all = node.and_then(listed).or_else(|| parts.and_then(listed));
    let choices = all.into_iter().flatten().filter_map(scalar).collect();
    let given =
        node.and_then(|node| node.get("default")).or_else(|| map.get("example")).or_else(|| node.and_then(|node| node.get("example")));
    (choices, given.and_then(scalar))
}

/// A value as it is typed; nothing for what has parts.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (text.chars().count() <= WORD).then(|| text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// How several values go into one parameter, when it is not the way everybody expects.
fn written_as(map: &Map<String, Value>, summary: &str) -> Option<&'static str> {
    let word = |key: &str| map.get(key).and_then(Value::as_str);
    match (word("collectionFormat"), word("style")) {
        (Some("csv"), _) => Some("separated by commas"),
        (Some("ssv"), _) | (_, Some("spaceDelimited")) => Some("separated by spaces"),
        (Some("tsv"), _) => Some("separated by tabs"),
        (Some("pipes"), _) | (_, Some("pipeDelimited")) => Some("separated by |"),
        (Some("multi"), _) => Some("repeated for each value"),
        (_, Some("deepObject")) => Some("written as name[key]=value"),
        _ if map.get("explode") == Some(&Value::Bool(false)) && summary.starts_with("array") => Some("separated by commas"),
        _ => None,
    }
}

fn swagger_body<'a>(budget: &mut Budget<'_, 'a>, map: &'a Map<String, Value>, operation: &'a Map<String, Value>) -> Body {
    let description = budget.text(map, "description", PART_TEXT);
    let types = content::swagger_types(budget.document, operation, "consumes");
    let mut content = Vec::new();
    for media_type in types {
        let mark = budget.mark();
        let node = map.get("schema");
        let schema = node.map(|node| budget.schema(node));
        let example = node.and_then(|node| content::schema_example(budget, node));
        let new = Content { media_type, also_as: Vec::new(), schema, example };
        content::add(budget, mark, &mut content, new);
    }
    Body { required: text::flag(map, "required"), description, content }
}

/// The fields of a form as the rows of one schema.
fn swagger_form<'a>(budget: &mut Budget<'_, 'a>, form: &[(String, &'a Value)], operation: &'a Map<String, Value>) -> Body {
    let required = |field: &Value| field.get("required") == Some(&Value::Bool(true));
    let fields = form.iter().map(|(name, value)| (name.as_str(), *value, required(value)));
    let made = schema::of_fields(budget.document, fields);
    let (rows, cut) = budget.rows(made.rows);
    let schema = Schema { summary: "form".to_owned(), rows, truncated: made.truncated || cut };
    let is_file = |value: &Value| value.get("type").and_then(Value::as_str) == Some("file");
    let file = form.iter().any(|(_, value)| is_file(value));
    let (multipart, plain) = ("multipart/form-data", "application/x-www-form-urlencoded");
    let declared = content::swagger_types(budget.document, operation, "consumes");
    let fits = |declared: &String| declared == multipart || (!file && declared == plain);
    let usual = if file { multipart } else { plain };
    let media_type = declared.into_iter().find(fits).unwrap_or_else(|| usual.to_owned());
    let content = vec![Content { media_type, also_as: Vec::new(), schema: Some(schema), example: None }];
    let required = form.iter().any(|(_, value)| required(value));
    Body { required, description: None, content }
}
