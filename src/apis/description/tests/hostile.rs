//! Documents made to hurt: each must end soon, in a model or a refusal.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::super::{Description, Refusal, read};

/// Debug builds are some twenty times slower than what is released, and tests share the machine.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 4 });

fn in_time(text: &str) -> Result<Description, Refusal> {
    let started = Instant::now();
    let outcome = read(text.as_bytes());
    let took = started.elapsed();
    assert!(took < SOON, "{took:?} for {} bytes", text.len());
    if std::env::var_os("PORTICO_TEST_TIMES").is_some() {
        eprintln!("{took:?} for {} bytes: {:?}", text.len(), outcome.as_ref().err());
    }
    if let Ok(description) = &outcome {
        let stored = serde_json::to_vec(description).expect("JSON").len();
        assert!(stored < 40 * 1024 * 1024, "{stored} bytes of model");
    }
    outcome
}

fn document(paths: &str, schemas: &str) -> String {
    format!(r#"{{"openapi": "3.0.0", "info": {{"title": "T"}}, "components": {{"schemas": {schemas}}}, "paths": {paths}}}"#)
}

const BODY: &str = r##"{"200": {"content": {"a/b": {"schema": {"$ref": "#/components/schemas/S0"}}}}}"##;

fn one_operation(schemas: &str) -> String {
    document(&format!(r#"{{"/a": {{"get": {{"responses": {BODY}}}}}}}"#), schemas)
}

#[test]
fn a_billion_laughs() {
    let mut text = "swagger: 2.0\ninfo: {title: T}\npaths: {}\na0: &a0 lol\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("a string");
    }
    let refusal = in_time(&text).expect_err("a bomb");
    assert!(refusal.place.starts_with("line ") && refusal.reason.contains("alias"), "{refusal}");
    let long = "x".repeat(100_000);
    let aliases = vec!["*a"; 5_000].join(", ");
    in_time(&format!("a: &a {long}\nb: [{aliases}]")).expect_err("500 MB of text");
}

#[test]
fn nesting() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[", ""), ("{a: ", "")] {
        for deep in [200, 10_000, 1_000_000] {
            let text = format!("{}1{}", open.repeat(deep), close.repeat(deep));
            in_time(&text).expect_err("too deep");
        }
    }
    in_time(&format!("a:\n {}", "- ".repeat(100_000))).expect_err("too deep");
    let indented: String = (0..2_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    in_time(&indented).expect_err("too deep");
}

#[test]
fn many_values_are_refused_before_they_fill_the_memory() {
    let list = format!("[{}0]", "0,".repeat(4_900_000));
    let refusal = in_time(&list).expect_err("too many");
    assert!(refusal.reason.contains("more values"), "{refusal}");
    in_time(&format!("a: [{}0]", "0,".repeat(4_900_000))).expect_err("too many");
}

#[test]
fn circles_of_references() {
    for schemas in [
        r##"{"S0": {"$ref": "#/components/schemas/S0"}}"##,
        r##"{"S0": {"$ref": "#/components/schemas/S1"}, "S1": {"$ref": "#/components/schemas/S0"}}"##,
        r##"{"S0": {"allOf": [{"$ref": "#/components/schemas/S0"}]}}"##,
        r##"{"S0": {"items": {"$ref": "#/components/schemas/S0"}}}"##,
        r##"{"S0": {"type": "array", "items": {"oneOf": [{"$ref": "#/components/schemas/S0"}, {"$ref": "#/components/schemas/S0"}]}}}"##,
        r##"{"S0": {"properties": {"a": {"$ref": "#/components/schemas/S0"}, "b": {"additionalProperties": {"$ref": "#/components/schemas/S0"}}}}}"##,
        r##"{"S0": {"anyOf": [{"$ref": "#"}, {"$ref": "#/"}, {"$ref": "#/paths"}, {"$ref": "#/components"}]}}"##,
    ] {
        in_time(&one_operation(schemas)).unwrap_or_else(|refusal| panic!("{schemas}: {refusal}"));
    }
    let item = r##"{"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}, "/c": {"get": {
        "parameters": [{"$ref": "#/paths/~1c/get/parameters/0"}],
        "requestBody": {"$ref": "#/paths/~1c/get/requestBody"},
        "responses": {"200": {"$ref": "#/paths/~1c/get/responses/200"}}}}}"##;
    in_time(&document(item, "{}")).expect("lenient");
}

/// Schemas that double at each step would take 2^30 steps if each were opened each time.
#[test]
fn doubling() {
    let grow = |keyword: &str, wrap: fn(&str) -> String| {
        let schema = |n: usize| {
            let next = format!(r##"{{"$ref": "#/components/schemas/S{}"}}"##, n + 1);
            format!(r#""S{n}": {{"{keyword}": {}}}"#, wrap(&next))
        };
        let all: Vec<String> = (0..30).map(schema).collect();
        format!("{{{}, \"S30\": {{\"type\": \"string\"}}}}", all.join(","))
    };
    for schemas in [
        grow("allOf", |next| format!("[{next}, {{\"allOf\": [{next}]}}]")),
        grow("oneOf", |next| format!("[{next}, {next}, {next}]")),
        grow("properties", |next| format!("{{\"a\": {next}, \"b\": {next}}}")),
        grow("anyOf", |next| format!("[{{\"items\": {next}}}, {{\"items\": {next}}}]")),
    ] {
        in_time(&one_operation(&schemas)).expect("lenient");
    }
}

#[test]
fn many_operations_with_wide_schemas_stay_within_the_bounds() {
    let text = "d".repeat(900);
    let property = |n: usize| format!(r#""p{n}": {{"type": "string", "description": "{text}"}}"#);
    let wide: Vec<String> = (0..400).map(property).collect();
    let schemas = format!(r#"{{"S0": {{"properties": {{{}}}}}}}"#, wide.join(","));
    let path = |n: usize| format!(r#""/{n}": {{"get": {{"summary": "s", "responses": {BODY}}}}}"#);
    let paths: Vec<String> = (0..5_000).map(path).collect();
    let api = in_time(&document(&format!("{{{}}}", paths.join(",")), &schemas)).expect("a model");
    let last = &api.operations[4_999].detail.responses[0].content[0];
    let schema = last.schema.as_ref().expect("a schema");
    assert!(schema.truncated && !schema.rows.is_empty(), "the last gets its share too");
}

#[test]
fn many_parts_in_one_schema() {
    let parts = vec!["{\"type\": \"object\"}"; 200_000].join(",");
    in_time(&one_operation(&format!(r#"{{"S0": {{"allOf": [{parts}]}}}}"#))).expect("lenient");
    in_time(&one_operation(&format!(r#"{{"S0": {{"oneOf": [{parts}]}}}}"#))).expect("lenient");
    let path = |n: usize| format!(r#""/{n}": {{"get": {{"responses": {BODY}}}}}"#);
    let paths: Vec<String> = (0..5_000).map(path).collect();
    let schemas = format!(r#"{{"S0": {{"oneOf": [{parts}]}}}}"#);
    in_time(&document(&format!("{{{}}}", paths.join(",")), &schemas)).expect("lenient");
}

#[test]
fn reasons_name_what_is_wrong() {
    let two = "openapi: 3.0.0\ninfo: {title: T}\npaths: {}\n---\nopenapi: 3.0.0\n";
    let deep: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let flow = format!("a: {}1{}", "[".repeat(200), "]".repeat(200));
    let json = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for (text, reason) in [(two, "more than one document"), (&deep, "levels deep"), (&flow, "levels deep"), (&json, "levels deep")] {
        let refusal = in_time(text).expect_err("refused");
        assert!(refusal.reason.contains(reason), "{refusal}");
    }
}

#[test]
fn no_operation_fills_a_page_for_ever() {
    let mut schemas = String::from("{");
    for level in 0..300 {
        let fields: Vec<String> = (0..300).map(|field| format!(r#""a_field_with_a_name_{field}": {{"type": "string"}}"#)).collect();
        let separator = if level == 0 { "" } else { ", " };
        write!(schemas, r#"{separator}"S{level}": {{"type": "object", "properties": {{{}}}}}"#, fields.join(", ")).expect("a string");
    }
    schemas.push('}');
    let answers: Vec<String> = (0..300)
        .map(|at| format!(r##""{}": {{"content": {{"a/b": {{"schema": {{"$ref": "#/components/schemas/S{at}"}}}}}}}}"##, 200 + at))
        .collect();
    let text = document(&format!(r#"{{"/a": {{"get": {{"responses": {{{}}}}}}}}}"#, answers.join(", ")), &schemas);
    let description = in_time(&text).expect("a description");
    let stored = serde_json::to_vec(&description.operations).expect("JSON").len();
    assert!((200_000..700_000).contains(&stored), "{stored} bytes");
}
