//! What an entry says was changed: its two JSON objects as one list of fields, before beside after. No HTML here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::words;
use crate::ids::UserId;

/// At most so many people, or lines of a list, are shown; the rest is counted.
const SHOWN: usize = 50;

/// One line of a value: a text, or a person whose key it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Text(String),
    User(UserId),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub lines: Vec<Line>,
    /// Lines that are not shown.
    pub more: usize,
}

impl Cell {
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub label: String,
    pub before: Cell,
    pub after: Cell,
    pub changed: bool,
}

/// Before and after, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub had_before: bool,
    pub had_after: bool,
    pub fields: Vec<Field>,
}

impl Changes {
    /// The fields in the order in which they were written; those that only one side has are there as well.
    pub fn of(before: Option<&str>, after: Option<&str>) -> Self {
        let (before, after) = (object(before), object(after));
        let mut keys: Vec<&String> = before.iter().flatten().map(|(key, _)| key).collect();
        for (key, _) in after.iter().flatten() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let both = before.is_some() && after.is_some();
        let fields = keys
            .into_iter()
            // The form of the entry, and what *Undo* compares with: neither says anything to people.
            .filter(|key| !matches!(key.as_str(), "v" | "versions"))
            .map(|key| {
                let was = before.as_ref().and_then(|fields| fields.get(key));
                let is = after.as_ref().and_then(|fields| fields.get(key));
                Field { label: words::label(key), before: cell(key, was), after: cell(key, is), changed: both && was != is }
            })
            .collect();
        Self { had_before: before.is_some(), had_after: after.is_some(), fields }
    }

    /// Both sides are there, and they can be compared.
    pub fn is_comparison(&self) -> bool {
        self.had_before && self.had_after
    }

    pub fn changed(&self) -> Vec<&Field> {
        self.fields.iter().filter(|field| field.changed).collect()
    }

    pub fn unchanged(&self) -> Vec<&Field> {
        self.fields.iter().filter(|field| !field.changed).collect()
    }

    /// Everybody who is shown, once.
    pub fn users(&self) -> Vec<UserId> {
        let lines = self.fields.iter().flat_map(|field| field.before.lines.iter().chain(&field.after.lines));
        let mut users: Vec<UserId> = lines.filter_map(|line| if let Line::User(user) = line { Some(*user) } else { None }).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// "Name, Description", "3 users": a few words for a list, or nothing.
    pub fn summary(&self) -> String {
        if self.is_comparison() {
            return self.changed().iter().map(|field| field.label.as_str()).collect::<Vec<_>>().join(", ");
        }
        let people = self.fields.iter().map(|field| field.before.people().max(field.after.people())).max().unwrap_or(0);
        match people {
            0 => String::new(),
            1 => "1 user".to_owned(),
            n => format!("{n} users"),
        }
    }
}

impl Cell {
    fn people(&self) -> usize {
        if self.lines.iter().any(|line| matches!(line, Line::User(_))) { self.lines.len() + self.more } else { 0 }
    }
}

fn object(text: Option<&str>) -> Option<Map<String, Value>> {
    match serde_json::from_str(text?) {
        Ok(Value::Object(fields)) => Some(fields),
        Ok(other) => Some(Map::from_iter([("value".to_owned(), other)])),
        Err(_) => None,
    }
}

/// Entries hold no secrets; should one get in by mistake, it is not shown.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "hash", "token", "primary_key", "secondary_key"].iter().any(|word| key.contains(word))
}

fn cell(key: &str, value: Option<&Value>) -> Cell {
    let Some(value) = value else { return Cell::default() };
    if is_secret(key) && !matches!(value, Value::Null | Value::Bool(_)) {
        return Cell { lines: vec![Line::Text("not shown".to_owned())], more: 0 };
    }
    let people = matches!(key, "users" | "pending" | "user" | "owner" | "members");
    let values: Vec<&Value> = match value {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    let more = values.len().saturating_sub(SHOWN);
    let lines = values
        .into_iter()
        .take(SHOWN)
        .filter_map(|value| match value.as_i64() {
            Some(key) if people => Some(Line::User(UserId(key))),
            // A state or a kind is kept as the database has it.
            _ => text(value).map(|text| Line::Text(if matches!(key, "state" | "kind") { words::readable(&text) } else { text })),
        })
        .collect();
    Cell { lines, more }
}

/// One value in words; nothing for what is empty.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(yes) => Some(if *yes { "Yes" } else { "No" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Array(values) => Some(values.iter().filter_map(text).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()),
        Value::Object(fields) => match fields.get("display_name").and_then(Value::as_str) {
            Some(name) if fields.keys().all(|key| matches!(key.as_str(), "display_name" | "name" | "id" | "key")) => Some(name.to_owned()),
            _ => {
                let parts: Vec<String> = fields
                    .iter()
                    .filter(|(key, _)| !is_secret(key))
                    .filter_map(|(key, value)| Some(format!("{}: {}", words::label(key), text(value)?)))
                    .collect();
                Some(parts.join("; ")).filter(|text| !text.is_empty())
            }
        },
    }
}

/// Names and addresses of people, by key.
pub type People = BTreeMap<UserId, (String, String)>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_side_by_side() {
        let changes = Changes::of(
            Some(r#"{"v":1,"display_name":"Old","description":"","state":"active","gone":1}"#),
            Some(r#"{"v":1,"display_name":"New","description":"Words","state":"active","odd":{"a":[1,2]}}"#),
        );
        assert_eq!(changes.summary(), "Name, Description, Gone, Odd");
        assert_eq!(changes.unchanged().len(), 1);
        assert_eq!(changes.fields[0].before.lines, [Line::Text("Old".to_owned())]);
        assert!(changes.fields[1].before.is_empty());
        assert_eq!(changes.fields[4].after.lines, [Line::Text("A: 1, 2".to_owned())]);
    }

    #[test]
    fn people_are_counted_and_secrets_stay_hidden() {
        let keys: Vec<i64> = (1..=60).collect();
        let text = serde_json::json!({"v": 1, "group": "beta", "users": keys}).to_string();
        let changes = Changes::of(None, Some(&text));
        assert_eq!(changes.summary(), "60 users");
        assert_eq!((changes.users().len(), changes.fields[1].after.more), (50, 10));
        let changes = Changes::of(None, Some(r#"{"password_hash":"hunter2","nested":{"token":"hunter2"}}"#));
        assert!(!format!("{changes:?}").contains("hunter2"));
        assert_eq!(Changes::of(Some("damaged"), None), Changes::default());
    }
}
