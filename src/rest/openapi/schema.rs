//! Schemas that no type derives: entities and their pages, bodies, words, and what the formats of the house mean.

use std::borrow::Cow;

use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Object, ObjectBuilder, Ref, RefOr, Schema, Type,
        schema::{AnyOf, ArrayBuilder, SchemaFormat, SchemaType},
    },
};

use super::{Schemas, component};
use crate::rest::{Contract, Page};

fn text() -> Object {
    Object::with_type(Type::String)
}

fn described(schema: Object, description: &str) -> Object {
    let mut schema = schema;
    schema.description = Some(description.to_owned());
    schema
}

/// `GroupProperties` are those of a `Group`.
fn entity_name<P: ToSchema>() -> String {
    P::name().trim_end_matches("Properties").to_owned()
}

impl<P: ToSchema> PartialSchema for Contract<P> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property("id", described(text(), "The whole address."))
            .required("id")
            .property("type", text())
            .required("type")
            .property("name", described(text(), "The last part of the address."))
            .required("name")
            .property("properties", Ref::from_schema_name(P::name()))
            .required("properties")
            .into()
    }
}

impl<P: ToSchema> ToSchema for Contract<P> {
    fn name() -> Cow<'static, str> {
        entity_name::<P>().into()
    }

    fn schemas(schemas: &mut Schemas) {
        component::<P>(schemas);
    }
}

impl<P: ToSchema> PartialSchema for Page<P> {
    fn schema() -> RefOr<Schema> {
        let entities = ArrayBuilder::new().items(Ref::from_schema_name(entity_name::<P>()));
        ObjectBuilder::new()
            .property("value", entities)
            .required("value")
            .property("count", described(Object::with_type(Type::Integer), "How many there are in the whole list."))
            .required("count")
            .property("nextLink", described(text(), "The address of the next page; empty at the end."))
            .required("nextLink")
            .into()
    }
}

impl<P: ToSchema> ToSchema for Page<P> {
    fn name() -> Cow<'static, str> {
        format!("{}List", entity_name::<P>()).into()
    }

    fn schemas(schemas: &mut Schemas) {
        component::<Contract<P>>(schemas);
    }
}

/// A body that is written whole and in part is one type: `GroupPatch`, and with what is required `GroupPut`.
pub(super) fn name_of_body<B: ToSchema>(required: &[&str]) -> String {
    if required.is_empty() { B::name().into_owned() } else { B::name().replace("Patch", "Put") }
}

pub(super) fn requiring(schema: RefOr<Schema>, required: &[&str]) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            object.required.extend(required.iter().map(|&member| member.to_owned()));
            RefOr::T(Schema::Object(object))
        }
        other => other,
    }
}

/// What clients write: an object with `properties`. Members that nobody knows are passed over.
pub(super) fn envelope(properties: Ref) -> Object {
    ObjectBuilder::new().property("properties", properties).required("properties").build()
}

/// One of these words, in any case; null is passed over.
pub fn words(words: &[&str], description: &str) -> Object {
    let values = words.iter().map(|&word| Value::from(word)).chain([Value::Null]);
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(values))
        .description(Some(description))
        .build()
}

/// One of these words, in any case.
pub fn one_word(words: &[&str], description: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied())).description(Some(description)).build()
}

/// One or several of these.
pub fn any_of(schemas: impl IntoIterator<Item = RefOr<Schema>>) -> Schema {
    let mut all = AnyOf::new();
    all.items.extend(schemas);
    Schema::AnyOf(all)
}

pub(super) fn formatted(format: &str) -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom(format.to_owned()))).build()
}

/// What ends a line or turns the direction of writing (`Problems::line`); a line has something else, too.
const LINE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$";
const FULL_LINE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069][^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$";
/// What is typed in several lines (`Problems::text`).
const TEXT: &str = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$";

/// The formats that stand in the types for rules of the house, in terms of JSON Schema.
pub(super) fn expand(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let pattern = match members.get("format").and_then(Value::as_str) {
                Some("line") if members.get("minLength").is_some() => Some(FULL_LINE),
                Some("line") => Some(LINE),
                Some("text") => Some(TEXT),
                _ => None,
            };
            if let Some(pattern) = pattern {
                members.shift_remove("format");
                members.insert("pattern".to_owned(), json!(pattern));
            }
            members.values_mut().for_each(expand);
        }
        Value::Array(items) => items.iter_mut().for_each(expand),
        _ => {}
    }
}
