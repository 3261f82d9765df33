//! How schemas are laid out as tables, in the dialect of 3.1 unless a test says otherwise.

use super::{table, with_schema};

#[test]
fn one_line_types() {
    let cases = [
        (r#"{"type": "string", "format": "date-time"}"#, "string (date-time)"),
        (r#"{"type": ["integer", "null"], "minimum": 1, "maximum": 100}"#, "integer or null, 1–100"),
        (r#"{"type": ["string", "integer"]}"#, "string or integer"),
        (r#"{"type": "array", "items": {"type": "array", "items": {"type": "number"}}}"#, "array of array of number"),
        (r#"{"enum": ["a", "b", null]}"#, "string, one of: a, b"),
        (r#"{"const": 3}"#, "integer, always 3"),
        (r#"{"oneOf": [{"type": "string"}, {"type": "integer"}]}"#, "one of string, integer"),
        (r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, "string or null"),
        (r#"{"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5}"#, "number, more than 0, a multiple of 0.5"),
        (r#"{"type": "string", "minLength": 1, "pattern": "^a"}"#, "string, at least 1 character, pattern ^a"),
        (r#"{"type": "array", "minItems": 2, "maxItems": 2, "uniqueItems": true}"#, "array, 2 items, none twice"),
        (r##"{"$ref": "#/components/schemas/Nobody"}"##, "Nobody (not in this document)"),
        (r#"{"$ref": "pets.yaml#/Pet"}"#, "Pet (not in this document)"),
        ("true", "any"),
        ("false", "never"),
        ("{}", "any"),
    ];
    for (schema, summary) in cases {
        assert_eq!(with_schema(schema, "{}").summary, summary, "{schema}");
    }
}

const ZOO: &str = r##"{
  "Animal": {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}},
    "discriminator": {"propertyName": "kind"},
    "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]},
  "Cat": {"allOf": [{"$ref": "#/components/schemas/Animal"}, {"properties": {"lives": {"type": "integer", "default": 9}}}]},
  "Dog": {"allOf": [{"$ref": "#/components/schemas/Animal"}], "properties": {"walks": {"type": "array", "items": {"$ref": "#/components/schemas/Walk"}}}},
  "Walk": {"type": "object", "properties": {"metres": {"type": "number"}, "with": {"$ref": "#/components/schemas/Dog"}}},
  "a/b~c {d}": {"type": "object", "properties": {"odd": {"type": "boolean"}}}
}"##;

#[test]
fn alternatives_are_labelled_and_nothing_is_opened_inside_itself() {
    let schema = with_schema(r##"{"$ref": "#/components/schemas/Animal"}"##, ZOO);
    assert_eq!(schema.summary, "Animal");
    let expected = [
        "0 kind*: string",
        "0 one of: Cat [told apart by kind]",
        "1 lives: integer [default 9]",
        "1 kind*: string",
        "0 or: Dog",
        "1 walks[]: array of Walk",
        "2 metres: number",
        "2 with: Dog, shown above",
        "1 kind*: string",
    ];
    let mut rows = table(&schema);
    let mut expected: Vec<String> = expected.map(ToOwned::to_owned).to_vec();
    rows.sort();
    expected.sort();
    assert_eq!(rows, expected);
    assert!(!schema.truncated);
}

#[test]
fn maps_tuples_and_texts_beside_references() {
    let schema = with_schema(
        r##"{"type": "object", "additionalProperties": {"type": "object", "properties": {
            "at": {"$ref": "#/components/schemas/Walk", "description": "mine", "deprecated": true},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]},
            "codes": {"type": "array", "items": {"type": "string", "maxLength": 3}},
            "odd": {"$ref": "#/components/schemas/a~1b~0c%20%7Bd%7D"}}},
            "patternProperties": {"^x-": {}}}"##,
        &ZOO.replace("\"with\"", "\"other\"").replace("schemas/Dog\"}}}", "schemas/None\"}}}"),
    );
    let expected = [
        "0 {keys like ^x-}: any",
        "0 {any key}: object",
        "1 at: Walk",
        "2 metres: number",
        "2 other: None (not in this document)",
        "1 pair: array",
        "2 [0]: string",
        "2 [1]: integer",
        "1 codes: array of string [each: at most 3 characters]",
        "1 odd: a/b~c {d}",
        "2 odd: boolean",
    ];
    assert_eq!(table(&schema), expected);
    assert_eq!(schema.rows[2].description.as_deref(), Some("mine"));
    assert!(schema.rows[2].deprecated);
}

#[test]
fn tables_end_at_their_bounds_and_say_so() {
    let property = |n: usize| format!(r#""p{n}": {{"type": "string"}}"#);
    let many: Vec<String> = (0..301).map(property).collect();
    let wide = with_schema(&format!(r#"{{"properties": {{{}}}}}"#, many.join(",")), "{}");
    assert_eq!((wide.rows.len(), wide.truncated), (300, true));
    let mut deep = r#"{"type": "string"}"#.to_owned();
    for _ in 0..9 {
        deep = format!(r#"{{"properties": {{"in": {deep}}}}}"#);
    }
    let deep = with_schema(&deep, "{}");
    assert_eq!((deep.rows.len(), deep.truncated), (8, true));
}

#[test]
fn the_same_body_in_several_media_types_is_described_once() {
    let text = super::formats::SWAGGER.replace("\"examples\"", "\"x-examples\"");
    let api = super::good(&text);
    let content = &api.operations[0].detail.responses[0].content;
    assert_eq!(content.len(), 1);
    assert_eq!(content[0].also_as, ["text/json"]);
}
