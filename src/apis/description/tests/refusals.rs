//! Each refusal with its place and the words an administrator reads.

use super::super::{MAX_BYTES, MAX_OPERATIONS, read};

fn refused(text: &str, place: &str, words: &str) {
    let refusal = read(text.as_bytes()).expect_err(text);
    assert_eq!(refusal.place, place, "{refusal}");
    assert!(refusal.reason.contains(words), "{refusal}");
}

fn with(members: &str) -> String {
    format!(r#"{{"openapi": "3.0.0", "info": {{"title": "T"}}, {members}}}"#)
}

#[test]
fn text_that_is_no_document() {
    refused("", "", "empty");
    refused("\u{feff}  \n", "", "empty");
    refused("<!doctype html>", "", "web page");
    refused("just words", "#", "an object; this is a text");
    refused("[1, 2]", "#", "an object; this is a list");
    refused("{\n  \"a\": [1, 2}\n}", "line 2, column 13", "not valid JSON");
    refused("a: 1\nb: [1, 2\nc: }", "line 3, column 2", "not valid YAML");
    refused("swagger: 1\nswagger: 2", "line 2, column 1", "duplicate");
    let latin = read(b"swagger: 2.0\ninfo: {title: \"Caf\xe9\"}").expect_err("latin 1");
    assert_eq!(latin.place, "line 2");
    assert!(latin.reason.contains("UTF-8"), "{latin}");
    assert!(read(b"\xff\xfe{\0}\0").expect_err("UTF-16").reason.contains("UTF-16"));
    let large = vec![b' '; MAX_BYTES + 1];
    assert!(read(&large).expect_err("large").reason.contains("10 MB"));
}

#[test]
fn formats_that_are_not_read() {
    refused("{\"info\": {}}", "#", "neither");
    refused("swagger: 1.2", "#/swagger", "this is swagger 1.2");
    refused("swaggerVersion: '1.2'", "#", "neither");
    refused("openapi: 4.0.0", "#/openapi", "this is openapi 4.0.0");
    refused("openapi: 3.2.0", "#/openapi", "3.2.0");
    refused("openapi: {}", "line 1, column 10", "not valid YAML");
}

#[test]
fn heads_without_meaning() {
    refused("swagger: 2.0", "#", "no \"info\"");
    refused("swagger: 2.0\ninfo: []", "#/info", "must be an object; it is a list");
    refused("swagger: 2.0\ninfo: {title: '  '}", "#/info", "no title");
}

#[test]
fn paths_without_meaning() {
    refused("swagger: 2.0\ninfo: {title: T}", "#", "no \"paths\"");
    refused(&with(r#""paths": []"#), "#/paths", "must be an object; it is a list");
    refused(&with(r#""paths": {"pets/a": {}}"#), "#/paths/pets~1a", "begin with");
    refused(&with(r#""paths": {"/a~": 1}"#), "#/paths/~1a~0", "this is a number");
    refused(&with(r#""paths": {"/a": {"get": []}}"#), "#/paths/~1a/get", "An operation must be an object");
    let long = format!(r#""paths": {{"/{}": {{}}}}"#, "a".repeat(3000));
    assert!(read(with(&long).as_bytes()).expect_err("long").reason.contains("2,000"));
    let item = |n: usize| format!(r#""/{n}": {{"get": {{}}}}"#);
    let many: Vec<String> = (0..=MAX_OPERATIONS).map(item).collect();
    let many = with(&format!(r#""paths": {{{}}}"#, many.join(",")));
    refused(&many, "#/paths/~15000/get", "more than 5000 operations");
}

#[test]
fn parameters_without_meaning() {
    let case = |parameters: &str, place: &str, words: &str| {
        let text = with(&format!(r#""paths": {{"/a": {{"get": {{"parameters": {parameters}}}}}}}"#));
        refused(&text, &format!("#/paths/~1a/get/parameters{place}"), words);
    };
    case(r#"[{"in": "query"}]"#, "/0", "no \"name\"");
    case(r#"[{"name": "a", "in": "query"}, {"name": "b"}]"#, "/1", "(b) has no \"in\"");
    case(r#"[{"name": "a", "in": "body"}]"#, "/0", "does not know: body");
    case("[7]", "/0", "not an object but a number");
    case("{}", "", "must be a list; they are an object");
}

#[test]
fn sloppiness_is_not_refused() {
    for members in [
        r#""paths": {}"#,
        r#""paths": {"x-note": 1, "/a": null, "/b": {"get": {"responses": {"200": null, "x": 1}}}}"#,
        r#""paths": {"/a": {"get": {"tags": "a", "parameters": null, "responses": [], "security": 1}}}"#,
        r##""paths": {"/a": {"$ref": "#/nowhere"}, "/b": {"$ref": "other.json"}}"##,
        r#""tags": 1, "servers": [1, {}], "security": {}, "components": [], "paths": {"/a": {"get": {}}}"#,
        r#""paths": {"/a": {"post": {"requestBody": {"content": {"a/b": 1, "c/d": {"schema": 7}}}}}}"#,
    ] {
        let text = with(members);
        read(text.as_bytes()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    }
}
