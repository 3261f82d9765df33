//! What is written as OpenAPI 3 is read again as the same operations.

use super::super::{Description, Format, Syntax, export, load::load, read};
use super::formats::{SWAGGER, YAML};
use super::good;

/// What must be the same of every operation, whatever words a format has for its schemas.
pub(super) fn outline(description: &Description) -> Vec<String> {
    let operations = description.operations.iter().map(|operation| {
        let detail = &operation.detail;
        let parameters: Vec<String> =
            detail.parameters.iter().map(|one| format!("{:?} {} {} {:?}", one.place, one.name, one.required, one.description)).collect();
        let request = detail.request.as_ref().map(|body| {
            let content: Vec<String> = body.content.iter().map(|one| format!("{} {:?}", one.media_type, one.also_as)).collect();
            format!("{} {:?} {content:?}", body.required, body.description)
        });
        let responses: Vec<String> = detail
            .responses
            .iter()
            .map(|one| {
                let headers: Vec<&str> = one.headers.iter().map(|header| header.name.as_str()).collect();
                let content: Vec<String> = one
                    .content
                    .iter()
                    .map(|one| {
                        format!("{} {:?} {}", one.media_type, one.example, one.schema.as_ref().map_or(0, |schema| schema.rows.len()))
                    })
                    .collect();
                format!("{} {:?} {headers:?} {content:?}", one.status, one.description)
            })
            .collect();
        format!(
            "{} {} {:?} {:?} {:?} {} {:?} {parameters:?} {request:?} {responses:?} {:?}",
            operation.method,
            operation.url_template,
            operation.operation_id,
            operation.summary,
            operation.description,
            operation.deprecated,
            operation.tags,
            detail.security
        )
    });
    operations.collect()
}

pub(super) fn comes_back(bytes: &[u8], what: &str) {
    let before = read(bytes).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
    let mut trees = Vec::new();
    for syntax in [Syntax::Json, Syntax::Yaml] {
        let written = export::openapi(bytes.to_vec(), syntax).unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
        let after = read(&written).unwrap_or_else(|refusal| panic!("{what} as {syntax:?}: {refusal}"));
        assert_eq!(after.syntax, syntax, "{what}");
        assert!(after.format != Format::Swagger20, "{what}");
        let (old, new) = (outline(&before), outline(&after));
        assert_eq!(old.len(), new.len(), "{what}");
        for (old, new) in old.iter().zip(&new) {
            assert_eq!(old, new, "{what} as {syntax:?}");
        }
        assert_eq!((&before.title, &before.version, &before.description), (&after.title, &after.version, &after.description), "{what}");
        assert_eq!((&before.servers, &before.tags), (&after.servers, &after.tags), "{what}");
        assert_eq!((&before.contact, &before.license), (&after.contact, &after.license), "{what}");
        trees.push(load(&written).expect("a tree").0);
    }
    assert_eq!(trees[0], trees[1], "{what}: JSON and YAML say the same");
}

#[test]
fn documents_come_back_as_the_same_operations() {
    comes_back(SWAGGER.as_bytes(), "SWAGGER");
    comes_back(YAML.as_bytes(), "YAML");
}

#[test]
fn swagger_moves_where_openapi_3_has_it() {
    let text = r##"{"swagger": "2.0", "info": {"title": "T", "version": "1"}, "host": "api.example", "basePath": "/v1", "consumes": ["application/json"],
      "securityDefinitions": {"b": {"type": "basic"}, "o": {"type": "oauth2", "flow": "accessCode", "authorizationUrl": "https://a.example", "tokenUrl": "https://t.example", "scopes": {"read": "x"}}},
      "parameters": {"Limit": {"name": "limit", "in": "query", "type": "integer", "maximum": 9}, "Body": {"name": "b", "in": "body", "required": true, "schema": {"$ref": "#/definitions/A%C2%ABB%C2%BB"}}},
      "responses": {"Gone": {"description": "Gone", "schema": {"type": "file"}}},
      "definitions": {"A«B»": {"type": "object", "discriminator": "kind", "properties": {"kind": {"type": "string", "x-nullable": true}, "type": {"type": "array", "items": {"$ref": "#/definitions/A«B»"}}}}},
      "paths": {"/a": {"parameters": [{"$ref": "#/parameters/Limit"}, {"$ref": "#/parameters/Body"}],
        "post": {"parameters": [{"name": "ids", "in": "query", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"}], "responses": {"200": {"description": "ok", "headers": {"X": {"type": "string", "description": "h"}}}, "410": {"$ref": "#/responses/Gone"}}}},
       "/f": {"put": {"consumes": ["multipart/form-data"], "parameters": [{"name": "f", "in": "formData", "type": "file", "required": true, "description": "the file"}, {"name": "n", "in": "formData", "type": "integer"}], "responses": {"default": {"description": ""}}}}}}"##;
    good(text);
    let written = export::openapi(text.as_bytes().to_vec(), Syntax::Json).expect("written");
    let (tree, _) = load(&written).expect("a tree");
    for (pointer, expected) in [
        ("/openapi", r#""3.0.3""#),
        ("/servers/0/url", r#""https://api.example/v1""#),
        ("/components/securitySchemes/b", r#"{"type":"http","scheme":"basic"}"#),
        ("/components/securitySchemes/o/flows/authorizationCode/tokenUrl", r#""https://t.example""#),
        ("/components/parameters/Limit/schema", r#"{"type":"integer","maximum":9}"#),
        ("/components/schemas/A_B_/discriminator/propertyName", r#""kind""#),
        ("/components/schemas/A_B_/properties/kind/nullable", "true"),
        ("/components/schemas/A_B_/properties/type/items/$ref", r##""#/components/schemas/A_B_""##),
        ("/components/responses/Gone/content/application~1json/schema/format", r#""binary""#),
        ("/paths/~1a/parameters", r##"[{"$ref":"#/components/parameters/Limit"}]"##),
        ("/paths/~1a/post/parameters/0/explode", "true"),
        ("/paths/~1a/post/requestBody/$ref", r##""#/components/requestBodies/Body""##),
        ("/components/requestBodies/Body/required", "true"),
        ("/components/requestBodies/Body/content/application~1json/schema/$ref", r##""#/components/schemas/A_B_""##),
        ("/paths/~1a/post/responses/200/headers/X/schema/type", r#""string""#),
        ("/paths/~1a/post/responses/410/$ref", r##""#/components/responses/Gone""##),
        ("/paths/~1f/put/requestBody/content/multipart~1form-data/schema/properties/f/description", r#""the file""#),
        ("/paths/~1f/put/requestBody/content/multipart~1form-data/schema/required", r#"["f"]"#),
    ] {
        assert_eq!(tree.pointer(pointer).map(ToString::to_string).as_deref(), Some(expected), "{pointer}");
    }
    assert!(tree.pointer("/components/parameters/Body").is_none() && tree.pointer("/definitions").is_none());
}

/// A document of 200 kB that says a thing once for each of hundreds of operations and media types.
#[test]
fn what_grows_past_all_bounds_is_refused_before_it_is_made() {
    let types = |what: &str| (0..300).map(|number| format!(r#""{what}/{number}""#)).collect::<Vec<_>>().join(",");
    let fields = (0..600).map(|number| format!(r#""f{number}": {{"type": "string"}}"#)).collect::<Vec<_>>().join(",");
    let document = |parameter: &str, responses: &str| {
        let operation = format!(r#"{{"parameters": [{parameter}], "responses": {responses}}}"#);
        let paths = (0..1_000).map(|number| format!(r#""/p{number}": {{"post": {operation}}}"#)).collect::<Vec<_>>().join(",");
        format!(
            r##"{{"swagger": "2.0", "info": {{"title": "T", "version": "1"}}, "consumes": [{}], "produces": [{}],
              "parameters": {{"B": {{"name": "b", "in": "body", "schema": {{"properties": {{{fields}}}}}}},
                             "F": {{"name": "f", "in": "formData", "type": "string", "description": "{}"}}}},
              "paths": {{{paths}}}}}"##,
            types("in"),
            types("out"),
            "x".repeat(50_000)
        )
    };
    let inline = r##"{"name": "c", "in": "body", "schema": {"$ref": "#/definitions/X"}}"##;
    let answer = r#"{"200": {"description": "", "schema": {"type": "string"}}}"#;
    for text in [
        document(r##"{"$ref": "#/parameters/F"}"##, "{}"),
        document(inline, "{}"),
        document("", answer),
        // The shared body stands once, and its 300 media types are too much for it alone.
        document(r##"{"$ref": "#/parameters/B"}"##, "{}"),
    ] {
        let began = std::time::Instant::now();
        let refusal = export::openapi(text.clone().into_bytes(), Syntax::Json).expect_err("a refusal");
        assert!(refusal.to_string().contains("too large"), "{refusal}");
        assert!(began.elapsed().as_secs() < 20, "{:?} for {} bytes", began.elapsed(), text.len());
    }
    // One long media type, and bodies that are next to nothing.
    let paths =
        (0..3_000).map(|number| format!(r#""/p{number}": {{"post": {{"parameters": [{{"name": "b", "in": "body", "schema": {{}}}}]}}}}"#));
    let text = format!(
        r#"{{"swagger": "2.0", "info": {{"title": "T", "version": "1"}}, "consumes": ["a/{}"], "paths": {{{}}}}}"#,
        "x".repeat(150_000),
        paths.collect::<Vec<_>>().join(",")
    );
    assert!(export::openapi(text.into_bytes(), Syntax::Json).expect_err("a refusal").to_string().contains("too large"));
    // Names that are all the same without their signs.
    let names: String = (0..20_000).map(|number| format!(r#""{}": {{}},"#, char::from_u32(0x4e00 + number).expect("a sign"))).collect();
    let text = format!(
        r#"{{"swagger": "2.0", "info": {{"title": "T", "version": "1"}}, "definitions": {{{}}}, "paths": {{}}}}"#,
        names.trim_end_matches(',')
    );
    let began = std::time::Instant::now();
    export::openapi(text.into_bytes(), Syntax::Json).expect("written");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn what_is_nested_deep_is_not_indented_without_a_bound() {
    let deep = format!("{}{}{}", "[".repeat(60), "0,".repeat(200_000), "0") + "]".repeat(60).as_str();
    let text = format!("openapi: 3.0.0\ninfo: {{title: T, version: '1'}}\npaths: {{}}\nx-deep: {deep}\n");
    let refusal = export::openapi(text.into_bytes(), Syntax::Json).expect_err("a refusal");
    assert!(refusal.to_string().contains("too large"), "{refusal}");
}

#[test]
fn yaml_keeps_every_text_a_text() {
    let odd = [
        "no",
        "1.0",
        "~",
        "",
        " x ",
        "a: b",
        "- a",
        "#",
        "0x1f",
        "2026-01-01",
        "&a",
        "*a",
        "!t",
        "%",
        "@",
        "`",
        "line\nend\n",
        "tab\t",
        "\u{1F600}",
        "'\"",
        "null",
        "<<",
        "{",
        "[a",
        "\u{feff}x",
        "a #b",
        "1e3",
        ".inf",
        "010",
        "1_000",
    ];
    let text = serde_json::json!({"openapi": "3.0.0", "info": {"title": "T", "version": "1.10", "x-odd": odd}, "paths": {}}).to_string();
    let written = export::openapi(text.clone().into_bytes(), Syntax::Yaml).expect("written");
    assert_eq!(load(&written).expect("a tree").0, load(text.as_bytes()).expect("a tree").0, "{}", String::from_utf8_lossy(&written));
}
