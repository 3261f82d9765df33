//! Documents of resources: what a client writes is brought into the form of the schema, with the leniency that directories need, and what is
//! told is cut to what was asked for. What no schema knows is kept as it came.

use serde_json::{Map, Value};

use super::{
    filter::{Attr, attr},
    schemas::{self, Attribute, Kind, Type},
};
use crate::error::Error;

/// Bytes of what is kept of a resource.
const LARGEST: usize = 32 * 1024;

/// Members of one object, and values of one list that are compared with each other: more of them are not kept anyway.
pub const MANY: usize = 1_000;

/// # Errors
/// `TooLarge`: with each other so many would be compared for minutes.
pub fn bounded(number: usize) -> Result<(), Error> {
    if number > MANY { Err(Error::TooLarge("An object or a list has more than 1,000 members.")) } else { Ok(()) }
}

/// What a client never sets, and what is never kept.
const NOT_KEPT: [&str; 5] = ["schemas", "id", "meta", "groups", "password"];

/// Whether an attribute is the server's alone, or is not kept at all.
pub fn is_not_kept(kind: Kind, name: &str) -> bool {
    NOT_KEPT.iter().any(|known| known.eq_ignore_ascii_case(name)) && (kind == Kind::User || !name.eq_ignore_ascii_case("groups"))
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid("invalidValue", format!("{} {what}.", name.chars().take(80).collect::<String>()))
}

/// A whole resource as it is kept.
///
/// # Errors
/// `Invalid` on `invalidValue` for a value of another type, on `invalidSyntax` for what is no object.
pub fn read(kind: Kind, document: Value) -> Result<Map<String, Value>, Error> {
    let Value::Object(document) = document else {
        return Err(Error::invalid("invalidSyntax", "A resource is a JSON object."));
    };
    let mut kept = Map::new();
    read_into(kind, &mut kept, document)?;
    Ok(kept)
}

fn read_into(kind: Kind, kept: &mut Map<String, Value>, document: Map<String, Value>) -> Result<(), Error> {
    bounded(document.len())?;
    for (name, value) in document {
        match value {
            // What is the resource's own, below the name of its schema.
            Value::Object(members) if name.eq_ignore_ascii_case(kind.urn()) => read_into(kind, kept, members)?,
            _ if is_not_kept(kind, &name) || name.eq_ignore_ascii_case(kind.urn()) => {}
            value => set(kind, kept, &name, value)?,
        }
    }
    Ok(())
}

/// Sets an attribute at the top, or what is below an extension's name.
pub fn set(kind: Kind, kept: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Error> {
    let (name, value) = match kind.extension(name) {
        Some(extension) => (extension.id.clone(), object(&extension.attributes, name, value)?),
        None => match schemas::find(&kind.schema().attributes, name) {
            Some(known) => (known.name.clone(), typed(known, value)?),
            None if name.eq_ignore_ascii_case("externalId") => ("externalId".to_owned(), text(name, value)?),
            None => (known_key(kept, name).unwrap_or(name).to_owned(), without_nul(name, value)?),
        },
    };
    if is_nothing(&value) {
        kept.shift_remove(&name);
    } else {
        kept.insert(name, value);
    }
    Ok(())
}

/// How a key is written that is there in another case.
pub fn known_key<'k>(map: &'k Map<String, Value>, name: &str) -> Option<&'k str> {
    map.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str)
}

/// Not assigned: null, and an empty list or object (RFC 7643, section 2.5).
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A value of a known attribute.
pub fn typed(attribute: &Attribute, value: Value) -> Result<Value, Error> {
    if !attribute.multi_valued {
        return single(attribute, value);
    }
    let values = match value {
        Value::Null => return Ok(Value::Null),
        Value::Array(values) => values,
        one => vec![one],
    };
    let values = values.into_iter().filter(|value| !is_nothing(value)).map(|value| single(attribute, value));
    let values: Vec<Value> = values.collect::<Result<_, _>>()?;
    if values.iter().filter(|value| value["primary"] == Value::Bool(true)).count() > 1 {
        return Err(wrong(&attribute.name, "has more than one value that is primary"));
    }
    Ok(Value::Array(values))
}

/// One value, of a list or by itself.
pub fn single(attribute: &Attribute, value: Value) -> Result<Value, Error> {
    let name = &attribute.name;
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        // A list of one, where one is meant.
        (_, Value::Array(mut values)) if !attribute.multi_valued && values.len() < 2 => match values.pop() {
            Some(value) if !value.is_array() => single(attribute, value),
            _ => Ok(Value::Null),
        },
        (Type::Complex, Value::Object(map)) => object(&attribute.sub_attributes, name, Value::Object(map)),
        // The value alone, as Entra ID gives managers and roles.
        (Type::Complex, Value::String(text)) if schemas::find(&attribute.sub_attributes, "value").is_some() => {
            object(&attribute.sub_attributes, name, serde_json::json!({ "value": text }))
        }
        (Type::Boolean, value) => boolean(&value).map(Value::Bool).ok_or_else(|| wrong(name, "is true or false")),
        (Type::Complex, _) => Err(wrong(name, "is an object")),
        (Type::Integer | Type::Decimal, Value::Number(number)) => Ok(Value::Number(number)),
        (Type::Integer | Type::Decimal, _) => Err(wrong(name, "is a number")),
        (_, value) => text(name, value),
    }
}

/// True and false, also as texts, as Entra ID writes them.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn text(name: &str, value: Value) -> Result<Value, Error> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::String(text) if text.contains('\0') => Err(wrong(name, "holds the character NUL")),
        Value::String(text) => Ok(Value::String(text)),
        Value::Number(number) => Ok(Value::String(number.to_string())),
        _ => Err(wrong(name, "is a text")),
    }
}

fn object(attributes: &[Attribute], name: &str, value: Value) -> Result<Value, Error> {
    let map = match value {
        Value::Null => return Ok(Value::Null),
        Value::Object(map) => map,
        _ => return Err(wrong(name, "is an object")),
    };
    bounded(map.len())?;
    let mut kept = Map::new();
    for (key, value) in map {
        let (key, value) = match schemas::find(attributes, &key) {
            Some(known) => (known.name.clone(), typed(known, value)?),
            None => (known_key(&kept, &key).unwrap_or(&key).to_owned(), without_nul(&key, value)?),
        };
        if !is_nothing(&value) {
            kept.insert(key, value);
        }
    }
    Ok(Value::Object(kept))
}

fn without_nul(name: &str, value: Value) -> Result<Value, Error> {
    fn has(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(values) => values.iter().any(has),
            Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has(value)),
            _ => false,
        }
    }
    if has(&value) || name.contains('\0') { Err(wrong(name, "holds the character NUL")) } else { Ok(value) }
}

/// What is kept of a resource, as a text.
///
/// # Errors
/// `TooLarge`.
pub fn kept(attributes: &Map<String, Value>) -> Result<String, Error> {
    let text = serde_json::to_string(attributes)?;
    if text.len() > LARGEST { Err(Error::TooLarge("What is to be kept of the resource is larger than 32 kB.")) } else { Ok(text) }
}

/// The schemas of a resource with these attributes.
pub fn schemas_of(kind: Kind, attributes: &Map<String, Value>) -> Value {
    let extensions = attributes.keys().filter(|key| key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:")));
    [kind.urn()].into_iter().map(str::to_owned).chain(extensions.cloned()).map(Value::String).collect()
}

/// Which attributes are told: these alone, or all but those.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    pub only: Option<Vec<Attr>>,
    pub without: Vec<Attr>,
}

/// Names that are looked at: schemas have fewer.
const NAMED: usize = 200;
/// Told always.
const ALWAYS: [&str; 2] = ["schemas", "id"];

impl Projection {
    /// Of names as they stand in queries; those that are no names are passed over.
    pub fn new<'n>(only: Option<impl IntoIterator<Item = &'n str>>, without: impl IntoIterator<Item = &'n str>) -> Self {
        let only = only.map(|names| names.into_iter().take(NAMED).filter_map(attr).collect::<Vec<_>>());
        Self { only: only.filter(|names| !names.is_empty()), without: without.into_iter().take(NAMED).filter_map(attr).collect() }
    }

    /// Whether an attribute at the top is told at all.
    pub fn wants(&self, name: &str) -> bool {
        let is_it = |attr: &Attr| attr.name.eq_ignore_ascii_case(name);
        match &self.only {
            Some(only) => only.iter().any(is_it),
            None => !self.without.iter().any(|attr| is_it(attr) && attr.sub.is_empty()),
        }
    }

    pub fn of(&self, kind: Kind, resource: Map<String, Value>) -> Map<String, Value> {
        if let Some(only) = &self.only {
            return resource.into_iter().filter_map(|(key, value)| Some((key.clone(), Self::chosen(kind, only, &key, value)?))).collect();
        }
        let mut resource = resource;
        for attr in &self.without {
            Self::remove(kind, &mut resource, attr);
        }
        resource
    }

    fn chosen(kind: Kind, only: &[Attr], key: &str, value: Value) -> Option<Value> {
        if ALWAYS.contains(&key) {
            return Some(value);
        }
        let of_key: Vec<&Attr> = only.iter().filter(|attr| Self::top(kind, attr).eq_ignore_ascii_case(key)).collect();
        if of_key.is_empty() {
            return None;
        }
        let subs: Vec<&str> = of_key.iter().map(|attr| Self::below(kind, attr)).collect();
        if subs.iter().any(|sub| sub.is_empty()) {
            return Some(value);
        }
        let cut = |value: Value| match value {
            Value::Object(map) => {
                Value::Object(map.into_iter().filter(|(key, _)| subs.iter().any(|sub| sub.eq_ignore_ascii_case(key))).collect())
            }
            other => other,
        };
        let value = match value {
            Value::Array(values) => Value::Array(values.into_iter().map(cut).collect()),
            other => cut(other),
        };
        (!is_nothing(&value)).then_some(value)
    }

    fn remove(kind: Kind, resource: &mut Map<String, Value>, attr: &Attr) {
        let Some(key) = known_key(resource, Self::top(kind, attr)).map(str::to_owned) else { return };
        let sub = Self::below(kind, attr);
        if ALWAYS.contains(&key.as_str()) {
            return;
        }
        if sub.is_empty() {
            resource.shift_remove(&key);
            return;
        }
        let cut = |value: &mut Value| {
            if let Value::Object(map) = value
                && let Some(key) = known_key(map, sub).map(str::to_owned)
            {
                map.shift_remove(&key);
            }
        };
        match resource.get_mut(&key) {
            Some(Value::Array(values)) => values.iter_mut().for_each(cut),
            Some(value) => cut(value),
            None => {}
        }
    }

    /// The key at the top of a resource below which an attribute stands.
    fn top(kind: Kind, attr: &Attr) -> &str {
        if attr.urn.is_empty() || attr.urn.eq_ignore_ascii_case(kind.urn()) { &attr.name } else { &attr.urn }
    }

    fn below(kind: Kind, attr: &Attr) -> &str {
        if attr.urn.is_empty() || attr.urn.eq_ignore_ascii_case(kind.urn()) { &attr.sub } else { &attr.name }
    }
}
