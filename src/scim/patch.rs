//! PATCH (RFC 7644, section 3.5.2) on the document of a resource, with what Entra ID and Okta write beside it: operations with capitals,
//! no path and dotted names, and values of a list that is not there yet.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    document::{self, is_not_kept, is_nothing, known_key},
    filter::{Attr, Filter, Operator, Path, path},
    schemas::{self, Attribute, Kind, Type},
};
use crate::{error::Error, ids};

/// Changes of one request.
const MOST: usize = 1_000;

#[derive(Deserialize)]
struct Request {
    #[serde(alias = "operations", rename = "Operations")]
    operations: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    op: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    value: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// One change of one attribute.
#[derive(Debug)]
pub struct Change {
    pub op: Op,
    pub path: Path,
    pub value: Value,
    /// It named its path, and was not one among several.
    named: bool,
}

/// Reads a request; what has no path is one change for each of its members.
///
/// # Errors
/// `Invalid` on `invalidSyntax`, `invalidPath`, `noTarget` (a removal of nothing in particular) and `tooMany`.
pub fn changes(body: Value) -> Result<Vec<Change>, Error> {
    let request: Request =
        serde_json::from_value(body).map_err(|error| Error::invalid("invalidSyntax", format!("The PATCH cannot be read: {error}.")))?;
    let mut changes = Vec::new();
    for written in request.operations {
        if changes.len() >= MOST {
            return Err(too_many());
        }
        let op = match written.op.to_ascii_lowercase().as_str() {
            "add" => Op::Add,
            "replace" => Op::Replace,
            "remove" => Op::Remove,
            _ => return Err(Error::invalid("invalidSyntax", "An operation is add, replace or remove.")),
        };
        let value = written.value.unwrap_or_default();
        match written.path.as_deref().map(str::trim).filter(|path| !path.is_empty()) {
            Some(text) => changes.push(Change { op, path: path(text)?, value, named: true }),
            None if op == Op::Remove => return Err(Error::invalid("noTarget", "A removal names its path.")),
            None => {
                let Value::Object(members) = value else {
                    return Err(Error::invalid("invalidSyntax", "An operation without a path has an object as its value."));
                };
                if changes.len() + members.len() > MOST {
                    return Err(too_many());
                }
                for (name, value) in members {
                    changes.push(Change { op, path: path(&name)?, value, named: false });
                }
            }
        }
    }
    Ok(changes)
}

fn too_many() -> Error {
    Error::invalid("tooMany", format!("A PATCH makes {MOST} changes at most."))
}

impl Change {
    /// Whether it is about this attribute at the top of a resource.
    pub fn is_of(&self, kind: Kind, name: &str) -> bool {
        let own = self.path.attr.urn.is_empty() || self.path.attr.urn.eq_ignore_ascii_case(kind.urn());
        own && self.path.attr.name.eq_ignore_ascii_case(name)
    }

    /// Applies it to the document of a resource.
    ///
    /// # Errors
    /// `Invalid` on `mutability`, `invalidPath`, `invalidValue` and `noTarget`.
    pub fn apply(self, kind: Kind, resource: &mut Map<String, Value>) -> Result<(), Error> {
        let Attr { urn, name, sub } = self.path.attr.clone();
        let own = urn.is_empty() || urn.eq_ignore_ascii_case(kind.urn());
        if own && is_not_kept(kind, &name) {
            // Whole resources come with what the server keeps.
            let said = !self.named || name.eq_ignore_ascii_case("password") || name.eq_ignore_ascii_case("schemas");
            return if said { Ok(()) } else { Err(Error::invalid("mutability", format!("{name} cannot be written."))) };
        }
        if !own {
            return self.apply_to_extension(kind, resource, &urn, &name, &sub);
        }
        if name.is_empty() {
            // The resource's own schema: its members.
            let Value::Object(members) = self.value else { return Err(invalid_path()) };
            document::bounded(members.len())?;
            for (name, value) in members {
                Change { op: self.op, path: path(&name)?, value, named: false }.apply(kind, resource)?;
            }
            return Ok(());
        }
        let attribute = schemas::find(&kind.schema().attributes, &name);
        let key = known_key(resource, &name).unwrap_or(attribute.map_or(name.as_str(), |known| &known.name)).to_owned();
        let current = resource.shift_remove(&key).unwrap_or_default();
        let changed = self.changed(attribute, current, &sub)?;
        document::set(kind, resource, &key, changed)
    }

    fn apply_to_extension(self, kind: Kind, resource: &mut Map<String, Value>, urn: &str, name: &str, sub: &str) -> Result<(), Error> {
        let schema = kind.extension(urn);
        let key = known_key(resource, urn).unwrap_or(schema.map_or(urn, |schema| &schema.id)).to_owned();
        let current = resource.shift_remove(&key).unwrap_or_default();
        let mut map = match current {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        if name.is_empty() {
            match (self.op, self.value) {
                (Op::Remove, _) => map.clear(),
                (_, Value::Object(members)) => map.extend(members),
                _ => return Err(invalid_path()),
            }
        } else {
            let attribute = schema.and_then(|schema| schemas::find(&schema.attributes, name));
            let key = known_key(&map, name).unwrap_or(attribute.map_or(name, |known| &known.name)).to_owned();
            let current = map.shift_remove(&key).unwrap_or_default();
            let changed = self.changed(attribute, current, sub)?;
            if !is_nothing(&changed) {
                map.insert(key, changed);
            }
        }
        document::set(kind, resource, &key, Value::Object(map))
    }

    /// The attribute's value afterwards.
    fn changed(self, attribute: Option<&Attribute>, current: Value, sub: &str) -> Result<Value, Error> {
        let multi = attribute.map_or(current.is_array() || self.path.filter.is_some(), |known| known.multi_valued);
        match &self.path.filter {
            Some(filter) if multi => {
                let filter = filter.clone();
                self.changed_values(attribute, list(current), &filter, sub)
            }
            Some(_) => Err(Error::invalid("invalidPath", "Only an attribute with several values is chosen from.")),
            // A part of every value, or of the one.
            None if !sub.is_empty() && multi => {
                let values = list(current).into_iter().map(|value| self.part(attribute, value, sub));
                let values: Vec<Value> = values.collect::<Result<_, _>>()?;
                if values.is_empty() && self.op != Op::Remove {
                    return Ok(Value::Array(vec![self.part(attribute, Value::Null, sub)?]));
                }
                Ok(Value::Array(values))
            }
            None if !sub.is_empty() => self.part(attribute, current, sub),
            None => match self.op {
                Op::Remove if multi && !is_nothing(&self.value) => without(current, self.value),
                Op::Remove => Ok(Value::Null),
                Op::Add if multi => with(list(current), list(self.value)),
                Op::Add | Op::Replace if attribute.is_some_and(|known| known.kind == Type::Complex && !known.multi_valued) => {
                    Ok(merged(current, self.value))
                }
                Op::Add | Op::Replace => Ok(self.value),
            },
        }
    }

    /// One value of a complex attribute, of which a part is changed.
    fn part(&self, attribute: Option<&Attribute>, current: Value, sub: &str) -> Result<Value, Error> {
        let mut map = match current {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            // A value alone is what the part "value" is.
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let known = attribute.and_then(|attribute| schemas::find(&attribute.sub_attributes, sub));
        let key = known_key(&map, sub).unwrap_or(known.map_or(sub, |known| &known.name)).to_owned();
        if self.op == Op::Remove || is_nothing(&self.value) {
            map.shift_remove(&key);
        } else {
            map.insert(key, known.map_or(Ok(self.value.clone()), |known| document::typed(known, self.value.clone()))?);
        }
        Ok(Value::Object(map))
    }

    /// The values of an attribute, of which those that a filter chooses are changed.
    fn changed_values(self, attribute: Option<&Attribute>, mut values: Vec<Value>, filter: &Filter, sub: &str) -> Result<Value, Error> {
        let chosen: Vec<bool> = values.iter().map(|value| meets(attribute, filter, value)).collect();
        if self.op == Op::Remove && sub.is_empty() {
            let kept = values.into_iter().zip(&chosen).filter(|(_, chosen)| !**chosen).map(|(value, _)| value);
            return Ok(Value::Array(kept.collect()));
        }
        if !chosen.contains(&true) {
            if self.op == Op::Remove {
                return Ok(Value::Array(values));
            }
            // Nothing is chosen: where it can be said what that would be, it is made.
            let mut made = Map::new();
            if !described(filter, &mut made) {
                return Err(Error::invalid("noTarget", "No value is chosen by the path."));
            }
            let made = self.altered(attribute, Value::Object(made), sub)?;
            values.push(made);
            let last = values.len() - 1;
            return Ok(one_primary(values, Some(last)));
        }
        let mut last = None;
        for (place, (value, _)) in values.iter_mut().zip(&chosen).enumerate().filter(|(_, (_, chosen))| **chosen) {
            *value = self.altered(attribute, value.take(), sub)?;
            last = Some(place);
        }
        values.retain(|value| !is_nothing(value));
        Ok(one_primary(values, last))
    }

    fn altered(&self, attribute: Option<&Attribute>, current: Value, sub: &str) -> Result<Value, Error> {
        match sub.is_empty() {
            false => self.part(attribute, current, sub),
            true => Ok(match self.value.clone() {
                Value::Object(_) => merged(current, self.value.clone()),
                Value::Array(mut values) if values.len() == 1 => merged(current, values.pop().unwrap_or_default()),
                other => other,
            }),
        }
    }
}

fn invalid_path() -> Error {
    Error::invalid("invalidPath", "The path names a schema: its value is an object.")
}

/// Values of an attribute that has several.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        one => vec![one],
    }
}

/// An object with members over those that it has.
fn merged(current: Value, value: Value) -> Value {
    match (current, value) {
        (Value::Object(mut map), Value::Object(members)) => {
            for (name, value) in members {
                let key = known_key(&map, &name).unwrap_or(&name).to_owned();
                map.insert(key, value);
            }
            Value::Object(map)
        }
        (_, value) => value,
    }
}

/// The values with others, those that are there already once.
fn with(mut values: Vec<Value>, others: Vec<Value>) -> Result<Value, Error> {
    document::bounded(values.len() + others.len())?;
    let mut last = None;
    for other in others {
        if !values.contains(&other) {
            values.push(other);
        }
        if values.last().is_some_and(|value| document::boolean(&value["primary"]) == Some(true)) {
            last = Some(values.len() - 1);
        }
    }
    Ok(one_primary(values, last))
}

/// Of several that are primary the one that was changed last stays so.
fn one_primary(mut values: Vec<Value>, last: Option<usize>) -> Value {
    let is_primary = |value: &Value| document::boolean(&value["primary"]) == Some(true);
    if let Some(last) = last.filter(|last| values.get(*last).is_some_and(is_primary)) {
        for (place, value) in values.iter_mut().enumerate() {
            if place != last && is_primary(value) {
                value["primary"] = Value::Bool(false);
            }
        }
    }
    Value::Array(values)
}

/// The values without these, which are told by their `value` or in full.
fn without(current: Value, removed: Value) -> Result<Value, Error> {
    let removed = list(removed);
    document::bounded(removed.len())?;
    let is_gone = |value: &Value| {
        removed
            .iter()
            .any(|gone| gone == value || (!value["value"].is_null() && (gone["value"] == value["value"] || *gone == value["value"])))
    };
    Ok(Value::Array(list(current).into_iter().filter(|value| !is_gone(value)).collect()))
}

/// What a filter says of a value that meets it, where it says nothing but what is equal to what.
fn described(filter: &Filter, made: &mut Map<String, Value>) -> bool {
    match filter {
        Filter::And(one, other) => described(one, made) && described(other, made),
        Filter::Compare(attr, Operator::Eq, value) if attr.sub.is_empty() && attr.urn.is_empty() => {
            made.insert(attr.name.clone(), value.clone());
            true
        }
        _ => false,
    }
}

/// Whether one value of an attribute meets a filter.
fn meets(attribute: Option<&Attribute>, filter: &Filter, value: &Value) -> bool {
    let part = |attr: &Attr| match value {
        Value::Object(map) => known_key(map, &attr.name).and_then(|key| map.get(key)).cloned().unwrap_or_default(),
        other if attr.name.eq_ignore_ascii_case("value") => other.clone(),
        _ => Value::Null,
    };
    match filter {
        Filter::And(one, other) => meets(attribute, one, value) && meets(attribute, other, value),
        Filter::Or(one, other) => meets(attribute, one, value) || meets(attribute, other, value),
        Filter::Not(inner) => !meets(attribute, inner, value),
        Filter::Present(attr) => !is_nothing(&part(attr)),
        Filter::Values(..) => false,
        Filter::Compare(attr, operator, wanted) => {
            let exact = attribute.and_then(|known| schemas::find(&known.sub_attributes, &attr.name)).is_some_and(|sub| sub.case_exact);
            compare(&part(attr), *operator, wanted, exact)
        }
    }
}

fn compare(is: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    if wanted.is_boolean() || is.is_boolean() {
        // What is not there is not so.
        let same = document::boolean(is).unwrap_or(false) == document::boolean(wanted).unwrap_or(false);
        return if operator == Operator::Ne { !same } else { operator == Operator::Eq && same };
    }
    if wanted.is_null() {
        return is.is_null() == (operator == Operator::Eq);
    }
    let plain = |value: &Value| match value {
        Value::String(text) if exact => text.clone(),
        Value::String(text) => ids::fold(text),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let (is, wanted) = (plain(is), plain(wanted));
    match operator {
        Operator::Eq => is == wanted,
        Operator::Ne => is != wanted,
        Operator::Co => is.contains(&wanted),
        Operator::Sw => is.starts_with(&wanted),
        Operator::Ew => is.ends_with(&wanted),
        Operator::Gt => is > wanted,
        Operator::Ge => is >= wanted,
        Operator::Lt => is < wanted,
        Operator::Le => is <= wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(resource: Value, operations: Value) -> Result<Value, Error> {
        let mut resource = document::read(Kind::User, resource)?;
        for change in changes(json!({ "Operations": operations }))? {
            change.apply(Kind::User, &mut resource)?;
        }
        Ok(Value::Object(resource))
    }

    #[test]
    fn what_directories_write_is_done() {
        let ana = json!({ "userName": "ana", "active": true, "name": { "givenName": "Ana" },
            "emails": [{ "value": "a@x", "type": "work", "primary": true }] });
        let with = |change: Value| {
            let mut all = ana.clone();
            all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            all
        };
        for (operations, wanted) in [
            (json!([{ "op": "Replace", "path": "active", "value": "False" }]), with(json!({ "active": false }))),
            (json!([{ "op": "replace", "value": { "active": false } }]), with(json!({ "active": false }))),
            (
                json!([{ "op": "replace", "value": { "id": "x", "name.familyName": "Sá", "NAME.GIVENNAME": "Anna" } }]),
                with(json!({ "name": { "givenName": "Anna", "familyName": "Sá" } })),
            ),
            (
                json!([{ "op": "Add", "path": "name", "value": { "familyName": "Sá" } }]),
                with(json!({ "name": { "givenName": "Ana", "familyName": "Sá" } })),
            ),
            (
                json!([{ "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "b@x" }]),
                with(json!({ "emails": [{ "value": "b@x", "type": "work", "primary": true }] })),
            ),
            (
                json!([{ "op": "Add", "path": "emails[type eq \"home\"].value", "value": "h@x" }]),
                with(json!({ "emails": [{ "value": "a@x", "type": "work", "primary": true }, { "type": "home", "value": "h@x" }] })),
            ),
            (
                json!([{ "op": "add", "value": { "phoneNumbers[type eq \"work\"].value": "1" } }]),
                with(json!({ "phoneNumbers": [{ "type": "work", "value": "1" }] })),
            ),
            (
                json!([{ "op": "add", "path": "emails", "value": [{ "value": "p@x", "primary": true }] }]),
                with(json!({ "emails": [{ "value": "a@x", "type": "work", "primary": false }, { "value": "p@x", "primary": true }] })),
            ),
            (json!([{ "op": "remove", "path": "emails[type eq \"work\"]" }]), {
                let mut all = ana.clone();
                all.as_object_mut().unwrap().remove("emails");
                all
            }),
            (
                json!([{ "op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m1" },
                    { "op": "add", "value": { "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:Department": "R&D" } }]),
                with(
                    json!({ "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "manager": { "value": "m1" }, "department": "R&D" } }),
                ),
            ),
            (
                json!([{ "op": "add", "path": "urn:x:custom:2.0:User:colour", "value": "blue" }]),
                with(json!({ "urn:x:custom:2.0:User": { "colour": "blue" } })),
            ),
            (json!([{ "op": "add", "path": "shoeSize", "value": 44 }]), with(json!({ "shoeSize": 44 }))),
            (json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "title", "value": null }]), ana.clone()),
        ] {
            assert_eq!(patched(ana.clone(), operations.clone()).unwrap(), wanted, "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let ana = json!({ "userName": "ana" });
        for (operations, why) in [
            (json!([{ "op": "replace", "path": "id", "value": "x" }]), "mutability"),
            (json!([{ "op": "remove" }]), "noTarget"),
            (json!([{ "op": "replace", "path": "emails[value co \"x\"].type", "value": "work" }]), "noTarget"),
            (json!([{ "op": "replace", "path": "userName[a eq \"x\"]", "value": "x" }]), "invalidPath"),
            (json!([{ "op": "replace", "path": "a b", "value": "x" }]), "invalidPath"),
            (json!([{ "op": "replace", "path": "active", "value": "perhaps" }]), "invalidValue"),
            (json!([{ "op": "replace", "value": "x" }]), "invalidSyntax"),
            (json!([{ "op": "shout", "path": "title", "value": "x" }]), "invalidSyntax"),
            (json!([{ "path": "title" }]), "invalidSyntax"),
        ] {
            match patched(ana.clone(), operations.clone()) {
                Err(Error::Invalid(problems)) => assert_eq!(problems.0[0].field, why, "{operations}"),
                other => panic!("{operations}: {other:?}"),
            }
        }
    }
}
