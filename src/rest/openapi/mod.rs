//! What the management API says of itself, in OpenAPI 3.1: put together from what stands beside each route, so that nothing is served
//! which is not described. No HTTP and no entity here.

mod document;
mod places;
mod schema;

use std::collections::BTreeMap;

use utoipa::{
    ToSchema,
    openapi::{
        Content, Header, Object, Ref, RefOr, Required, Response, ResponseBuilder, Schema, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::SchemaType,
    },
};

use super::{Contract, Field, Page, Uses};

pub use document::{About, document};
pub use schema::{any_of, one_word, words};

/// Components by their names.
type Schemas = Vec<(String, RefOr<Schema>)>;

/// Whether an operation is about an entity at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMatch {
    No,
    May,
    Must,
}

/// What stands beside a route: what the operation does, takes and answers. Its path, and what goes wrong with every call, follow from where
/// it stands.
pub struct Described {
    summary: &'static str,
    description: Option<&'static str>,
    query: Vec<Parameter>,
    if_match: IfMatch,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, Response>,
    /// What else may be answered, in the usual form of errors.
    errors: Vec<u16>,
    /// The names that the place of the address may have, where they are known.
    names: Vec<&'static str>,
    /// Asked without a token, and answering in forms of its own.
    open: bool,
    schemas: Schemas,
}

/// The component of a type, with all that it refers to.
pub fn component<T: ToSchema>(schemas: &mut Schemas) -> Ref {
    let name = T::name().into_owned();
    schemas.push((name.clone(), T::schema()));
    T::schemas(schemas);
    Ref::from_schema_name(name)
}

const JSON: &str = "application/json";

fn etag() -> Header {
    let mut header = Header::new(Object::with_type(Type::String));
    header.description = Some("The version of the entity, for If-Match.".to_owned());
    header
}

/// A new operation that answers this.
fn new(summary: &'static str, status: u16, answer: Response) -> Described {
    Described {
        summary,
        description: None,
        query: Vec::new(),
        if_match: IfMatch::No,
        body: None,
        answers: BTreeMap::from([(status, answer)]),
        errors: Vec::new(),
        names: Vec::new(),
        open: false,
        schemas: Vec::new(),
    }
}

/// Answers with what is no entity.
pub fn answer<T: ToSchema>(summary: &'static str) -> Described {
    let mut schemas = Vec::new();
    let content = Content::new(Some(component::<T>(&mut schemas)));
    let answer = ResponseBuilder::new().description("What was asked for.").content(JSON, content).build();
    Described { schemas, ..new(summary, 200, answer) }
}

/// A page of a list, narrowed by these fields.
pub fn list<P: ToSchema>(summary: &'static str, fields: &[Field]) -> Described {
    let described = answer::<Page<P>>(summary).pages();
    if fields.is_empty() { described } else { described.filter(fields) }
}

/// Answers with an entity.
fn entity<P: ToSchema>(summary: &'static str, status: u16, words: &str) -> Described {
    let mut schemas = Vec::new();
    let content = Content::new(Some(component::<Contract<P>>(&mut schemas)));
    let answer = ResponseBuilder::new().description(words).content(JSON, content).header("ETag", etag()).build();
    Described { schemas, ..new(summary, status, answer) }
}

/// An entity with its ETag.
pub fn one<P: ToSchema>(summary: &'static str) -> Described {
    entity::<P>(summary, 200, "The entity.")
}

/// An entity, or an association, that has no ETag.
pub fn plain<P: ToSchema>(summary: &'static str) -> Described {
    answer::<Contract<P>>(summary)
}

/// HEAD of an entity.
pub fn head(summary: &'static str) -> Described {
    new(summary, 200, ResponseBuilder::new().description("It is there.").header("ETag", etag()).build())
}

/// HEAD of an association, and whatever else has nothing to say when it is done.
pub fn nothing(summary: &'static str) -> Described {
    new(summary, 204, Response::new("Done, or so: there is nothing to say."))
}

/// Makes or changes an entity. `required`: the members that a new one has.
pub fn put<B: ToSchema, P: ToSchema>(summary: &'static str, required: &[&str]) -> Described {
    let mut described = entity::<P>(summary, 200, "It was there, and is so now.").sends::<B>(required);
    let mut made = entity::<P>(summary, 201, "It was made.");
    described.answers.append(&mut made.answers);
    described.if_match = IfMatch::May;
    described
}

/// Makes an association, without a body.
pub fn associate<P: ToSchema>(summary: &'static str) -> Described {
    let mut described = answer::<Contract<P>>(summary);
    if let Some(mut made) = described.answers.get(&200).cloned() {
        made.description = "It was made.".to_owned();
        described.answers.insert(201, made);
    }
    described
}

/// Changes what is given of an entity, and answers with it.
pub fn patch<B: ToSchema, P: ToSchema>(summary: &'static str) -> Described {
    one::<P>(summary).sends::<B>(&[]).must_match()
}

/// Deletes an entity: what is not there is deleted already.
pub fn delete(summary: &'static str) -> Described {
    nothing(summary).must_match()
}

impl Described {
    /// What there is to say beyond the summary.
    pub fn says(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// Takes a body: an object with `properties` of this type, which have these members at least.
    pub fn sends<B: ToSchema>(mut self, required: &[&str]) -> Self {
        let name = schema::name_of_body::<B>(required);
        B::schemas(&mut self.schemas);
        self.schemas.push((name.clone(), schema::requiring(B::schema(), required)));
        let envelope = schema::envelope(Ref::from_schema_name(name));
        let body = RequestBodyBuilder::new().required(Some(Required::True)).content(JSON, Content::new(Some(envelope)));
        self.body = Some(body.build());
        self
    }

    /// The body has none of these members.
    pub fn but_for(mut self, members: &[&str]) -> Self {
        if let Some((_, RefOr::T(Schema::Object(body)))) = self.schemas.iter_mut().rfind(|(name, _)| name.ends_with("Patch")) {
            body.properties.retain(|name, _| !members.contains(&name.as_str()));
        }
        self
    }

    /// Takes a form.
    pub fn sends_form<B: ToSchema>(mut self) -> Self {
        let content = Content::new(Some(component::<B>(&mut self.schemas)));
        let body = RequestBodyBuilder::new().required(Some(Required::True)).content("application/x-www-form-urlencoded", content);
        self.body = Some(body.build());
        self
    }

    /// The contract wants `If-Match`.
    pub fn must_match(mut self) -> Self {
        self.if_match = IfMatch::Must;
        self
    }

    /// `If-Match` is looked at when it is there.
    pub fn may_match(mut self) -> Self {
        self.if_match = IfMatch::May;
        self
    }

    /// The address has one of these names.
    pub fn of(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.names.extend(names);
        self
    }

    /// System entities stay as they are: 405.
    pub fn but_of_the_system(mut self) -> Self {
        self.errors.push(405);
        self
    }

    /// It was made a moment ago often enough: 429 as well where no token is counted.
    pub fn without_a_token(mut self) -> Self {
        self.open = true;
        self
    }

    /// Answers this as well.
    pub fn or<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let content = Content::new(Some(component::<T>(&mut self.schemas)));
        self.answers.insert(status, ResponseBuilder::new().description(description).content(JSON, content).build());
        self
    }

    /// The answer may be of this type as well, which has no ETag.
    pub fn or_else<T: ToSchema>(mut self) -> Self {
        let other = component::<T>(&mut self.schemas);
        if let Some(answer) = self.answers.get_mut(&200) {
            answer.headers.clear();
            for content in answer.content.values_mut() {
                if let RefOr::T(content) = content {
                    let known = content.schema.take();
                    content.schema = Some(any_of(known.into_iter().chain([RefOr::Ref(other.clone())])).into());
                }
            }
        }
        self
    }

    /// A parameter of the query.
    pub fn query(mut self, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
        self.query.push(parameter.description(Some(description)).schema(Some(schema)).build());
        self
    }

    /// One that is true or false.
    pub fn flag(self, name: &str, description: &str) -> Self {
        self.query(name, description, Object::with_type(Type::Boolean))
    }

    fn pages(self) -> Self {
        let from = |least: i64| {
            let mut number = Object::with_type(SchemaType::new(Type::Integer));
            number.minimum = Some(utoipa::Number::Int(isize::try_from(least).unwrap_or_default()));
            number
        };
        let top = format!("How many at most; {} when it is not said, and never more than {}.", super::TOP, super::MOST);
        self.query("$top", &top, from(1)).query("$skip", "How many to pass over.", from(0))
    }

    fn filter(self, fields: &[Field]) -> Self {
        let use_of = |field: &Field| match field.uses {
            Uses::All => String::new(),
            Uses::Operators => " (no functions)".to_owned(),
            Uses::Equality => " (eq, ne)".to_owned(),
            Uses::Equal => " (eq)".to_owned(),
        };
        let known: Vec<String> = fields.iter().map(|field| format!("`{}`{}", field.name, use_of(field))).collect();
        let about = format!(
            "Narrows the list: eq, ne, gt, ge, lt, le, substringof, contains, startswith, endswith, and, or, not. Fields: {}.",
            known.join(", ")
        );
        self.query("$filter", &about, schema::formatted("odata-filter"))
    }
}
