//! What is different between two descriptions of an API: operations that came, that went, and what changed in those that stayed. Pure;
//! the change log that is made of it is kept by `replacing` and `operating`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{
    description::{Body, Content, Detail, Operation, Parameter, Response, Schema},
    shortened_to,
    store::operations::Whole,
};

/// Operations named under each heading, and lines of what changed, altogether and of one operation: what nobody would read is counted.
const NAMED: usize = 200;
const LINES: usize = 1_000;
const LINES_OF_ONE: usize = 40;
/// Characters of a text before or after.
const TEXT: usize = 160;

/// What is different. JSON of it is kept, so members are only added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    pub added: Vec<Named>,
    pub removed: Vec<Named>,
    pub changed: Vec<Changed>,
    /// Operations that changed and are not named.
    pub more: i64,
}

/// An operation, as it was or became.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    pub operation: Named,
    pub lines: Vec<Line>,
    /// Lines that are not kept.
    #[serde(default)]
    pub more: i64,
}

/// One difference: what was there before is empty when it came, and what is there now when it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub what: String,
    pub was: String,
    pub is: String,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.more == 0
    }

    /// "2 added, 1 removed, 3 changed".
    pub fn summary(&self) -> String {
        let number = |list: usize| i64::try_from(list).unwrap_or(i64::MAX);
        let counts =
            [(number(self.added.len()), "added"), (number(self.removed.len()), "removed"), (number(self.changed.len()), "changed")];
        let mut parts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if self.more > 0 {
            parts.push(format!("{} more", self.more));
        }
        if parts.is_empty() { "No operation changed".to_owned() } else { parts.join(", ") }
    }
}

/// An operation on one of the two sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub named: Named,
    pub description: String,
    pub deprecated: bool,
    pub detail: Detail,
}

impl Side {
    /// An operation that a description or a form says.
    pub fn of(name: &str, display_name: &str, operation: &Operation) -> Self {
        Self {
            named: Named {
                name: name.to_owned(),
                method: operation.method.clone(),
                url_template: operation.url_template.clone(),
                display_name: display_name.to_owned(),
            },
            description: operation.description.clone().unwrap_or_default(),
            deprecated: operation.deprecated,
            detail: operation.detail.clone(),
        }
    }
}

impl From<Whole> for Side {
    fn from(whole: Whole) -> Self {
        Self {
            detail: serde_json::from_str(&whole.detail).unwrap_or_default(),
            named: Named { name: whole.name, method: whole.method, url_template: whole.url_template, display_name: whole.display_name },
            description: whole.description,
            deprecated: whole.deprecated,
        }
    }
}

/// Compares pairs of operations; one that is alone came or went.
pub(super) fn compare(pairs: impl Iterator<Item = (Option<Side>, Option<Side>)>) -> Changes {
    let (mut changes, mut lines_left) = (Changes::default(), LINES);
    for pair in pairs {
        match pair {
            (None, Some(new)) if changes.added.len() < NAMED => changes.added.push(new.named),
            (Some(old), None) if changes.removed.len() < NAMED => changes.removed.push(old.named),
            (Some(old), Some(new)) => {
                let mut lines = lines(&old, &new);
                if lines.is_empty() {
                    continue;
                }
                if changes.changed.len() >= NAMED || lines_left == 0 {
                    changes.more += 1;
                    continue;
                }
                let kept = lines.len().min(LINES_OF_ONE).min(lines_left);
                let more = i64::try_from(lines.len() - kept).unwrap_or(i64::MAX);
                lines.truncate(kept);
                lines_left -= kept;
                changes.changed.push(Changed { operation: new.named, lines, more });
            }
            (None, None) => {}
            _ => changes.more += 1,
        }
    }
    changes
}

/// The lines being made.
#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    /// A line when the two differ.
    fn differ(&mut self, what: impl Into<String>, was: &str, is: &str) {
        if was != is {
            self.0.push(Line { what: what.into(), was: shortened_to(was, TEXT), is: shortened_to(is, TEXT) });
        }
    }

    /// The members of two lists by their keys, in the order of the new one, then those that went.
    fn each<'s, T, K: Eq + std::hash::Hash>(
        &mut self,
        old: &'s [T],
        new: &'s [T],
        key: impl Fn(&'s T) -> K,
        mut differ: impl FnMut(&mut Self, Option<&'s T>, Option<&'s T>),
    ) {
        let mut before: HashMap<K, &T> = old.iter().map(|one| (key(one), one)).collect();
        for one in new {
            let was = before.remove(&key(one));
            differ(self, was, Some(one));
        }
        for one in old {
            if let Some(gone) = before.remove(&key(one)) {
                differ(self, Some(gone), None);
            }
        }
    }
}

fn lines(old: &Side, new: &Side) -> Vec<Line> {
    let mut lines = Lines::default();
    let address = |side: &Side| format!("{} {}", side.named.method, side.named.url_template);
    let said = |yes: bool| if yes { "yes" } else { "no" };
    lines.differ("Address", &address(old), &address(new));
    lines.differ("Display name", &old.named.display_name, &new.named.display_name);
    lines.differ("Deprecated", said(old.deprecated), said(new.deprecated));
    lines.differ("Description", &old.description, &new.description);
    lines.each(&old.detail.parameters, &new.detail.parameters, |one| (one.place, one.name.as_str()), parameter);
    request(&mut lines, old.detail.request.as_ref(), new.detail.request.as_ref());
    lines.each(&old.detail.responses, &new.detail.responses, |one| one.status.as_str(), response);
    lines.differ("Security", &old.detail.security.join(" or "), &new.detail.security.join(" or "));
    lines.0
}

fn terms(one: &Parameter) -> String {
    let mut text = one.schema.summary.clone();
    for (yes, word) in [(one.required, ", required"), (one.deprecated, ", deprecated")] {
        text.push_str(if yes { word } else { "" });
    }
    text
}

fn parameter(lines: &mut Lines, old: Option<&Parameter>, new: Option<&Parameter>) {
    let Some(one) = new.or(old) else { return };
    let what = format!("{} parameter {}", one.place.word(), one.name);
    lines.differ(capital(&what), &old.map(terms).unwrap_or_default(), &new.map(terms).unwrap_or_default());
    if let (Some(old), Some(new)) = (old, new) {
        let text = |one: &Parameter| one.description.clone().unwrap_or_default();
        lines.differ(format!("Description of {what}"), &text(old), &text(new));
        rows(lines, &capital(&what), &old.schema, &new.schema);
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn request(lines: &mut Lines, old: Option<&Body>, new: Option<&Body>) {
    const WHAT: &str = "Request body";
    let (before, after) = (old.map_or(&[][..], |body| &body.content), new.map_or(&[][..], |body| &body.content));
    let there = |body: Option<&Body>| match body {
        Some(body) if body.required => "required",
        Some(_) => "optional",
        None => "",
    };
    lines.differ(WHAT, there(old), there(new));
    contents(lines, WHAT, before, after);
}

fn response(lines: &mut Lines, old: Option<&Response>, new: Option<&Response>) {
    let Some(one) = new.or(old) else { return };
    let what = format!("Response {}", one.status);
    let text = |one: &Response| {
        one.description.clone().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "without a description".to_owned())
    };
    lines.differ(what.clone(), &old.map(text).unwrap_or_default(), &new.map(text).unwrap_or_default());
    if let (Some(old), Some(new)) = (old, new) {
        contents(lines, &what, &old.content, &new.content);
        lines.each(
            &old.headers,
            &new.headers,
            |one| one.name.as_str(),
            |lines, old, new| {
                let Some(one) = new.or(old) else { return };
                let name = format!("{what}, header {}", one.name);
                lines.differ(name, &old.map(terms).unwrap_or_default(), &new.map(terms).unwrap_or_default());
            },
        );
    }
}

fn contents(lines: &mut Lines, what: &str, old: &[Content], new: &[Content]) {
    /// One media type and the schema behind it.
    struct Media<'c>(&'c str, Option<&'c Schema>);
    fn apart(contents: &[Content]) -> Vec<Media<'_>> {
        contents
            .iter()
            .flat_map(|content| {
                std::iter::once(&content.media_type).chain(&content.also_as).map(|name| Media(name.as_str(), content.schema.as_ref()))
            })
            .collect()
    }
    let (old, new) = (apart(old), apart(new));
    // What several media types share is said once.
    let mut told: Vec<(*const Schema, *const Schema)> = Vec::new();
    let summary = |media: Option<&Media<'_>>| {
        media.map(|media| media.1.map_or("any", |schema| schema.summary.as_str()).to_owned()).unwrap_or_default()
    };
    for media in &new {
        let was = old.iter().find(|one| one.0 == media.0);
        let pair =
            (was.and_then(|was| was.1).map_or(std::ptr::null(), std::ptr::from_ref), media.1.map_or(std::ptr::null(), std::ptr::from_ref));
        if was.is_some() && told.contains(&pair) {
            continue;
        }
        told.push(pair);
        lines.differ(format!("{what}, {}", media.0), &summary(was), &summary(Some(media)));
        if let (Some(was), Some(is)) = (was.and_then(|was| was.1), media.1) {
            rows(lines, what, was, is);
        }
    }
    for media in old.iter().filter(|media| !new.iter().any(|one| one.0 == media.0)) {
        lines.differ(format!("{what}, {}", media.0), &summary(Some(media)), "");
    }
}

/// The fields of two schemas by their paths, such as `customer.name`.
fn rows(lines: &mut Lines, what: &str, old: &Schema, new: &Schema) {
    if old.rows == new.rows {
        return;
    }
    let (old, new) = (paths(old), paths(new));
    lines.each(
        &old,
        &new,
        |(path, _)| path.as_str(),
        |lines, old, new| {
            let Some((path, _)) = new.or(old) else { return };
            let text = |one: Option<&(String, String)>| one.map(|(_, text)| text.clone()).unwrap_or_default();
            lines.differ(format!("{what}, field {path}"), &text(old), &text(new));
        },
    );
}

/// Each field's path and what the table says of it.
fn paths(schema: &Schema) -> Vec<(String, String)> {
    let mut above: Vec<&str> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    schema
        .rows
        .iter()
        .map(|row| {
            above.truncate(usize::from(row.depth));
            above.push(&row.name);
            let mut path = above.join(".");
            // Alternatives have the same labels.
            let number = seen.entry(path.clone()).and_modify(|number| *number += 1).or_insert(1);
            if *number > 1 {
                path = format!("{path} ({number})");
            }
            let mut text = row.type_text.clone();
            let words =
                [(row.required, "required"), (row.deprecated, "deprecated"), (row.read_only, "read only"), (row.write_only, "write only")];
            let words = words.into_iter().filter(|(yes, _)| *yes).map(|(_, word)| word);
            for word in words.chain(row.constraints.iter().map(String::as_str)) {
                text.push_str(", ");
                text.push_str(word);
            }
            (path, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apis::description::read;

    fn sides(document: &str) -> Vec<Side> {
        let side = |one: &Operation| Side::of(one.operation_id.as_deref().unwrap_or_default(), &one.display_name(), one);
        read(document.as_bytes()).expect("a description").operations.iter().map(side).collect()
    }

    const OLD: &str = r##"{"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {"/a/{id}": {"get": {"operationId": "a", "summary": "A",
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}, {"name": "gone", "in": "query", "schema": {"type": "integer"}}],
      "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"who": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}}}}}}},
      "responses": {"200": {"description": "OK"}, "404": {"description": "Not there"}}}}}}"##;
    const NEW: &str = r##"{"openapi": "3.0.3", "info": {"title": "T", "version": "2"}, "paths": {"/a/{id}": {"get": {"operationId": "a", "summary": "A", "deprecated": true,
      "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}, {"name": "new", "in": "query", "required": true, "schema": {"type": "string"}}],
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "object", "properties": {"who": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}}}}}}}},
      "responses": {"200": {"description": "Fine"}, "410": {"description": "Gone"}}}}}}"##;

    #[test]
    fn each_difference_is_a_line() {
        let (old, new) = (sides(OLD).remove(0), sides(NEW).remove(0));
        let changes = compare(
            [(Some(old.clone()), Some(new)), (None, Some(old.clone())), (Some(old.clone()), None), (Some(old.clone()), Some(old))]
                .into_iter(),
        );
        assert_eq!(changes.summary(), "1 added, 1 removed, 1 changed");
        let lines: Vec<String> = changes.changed[0].lines.iter().map(|line| format!("{}: {} > {}", line.what, line.was, line.is)).collect();
        assert_eq!(
            lines,
            [
                "Deprecated: no > yes",
                "Path parameter id: string, required > integer, required",
                "Query parameter new:  > string, required",
                "Query parameter gone: integer > ",
                "Request body: optional > required",
                "Request body, field who.name: string, at most 9 characters > string, required, at most 20 characters",
                "Request body, field who.age:  > integer",
                "Response 200: OK > Fine",
                "Response 410:  > Gone",
                "Response 404: Not there > ",
            ]
        );
        let kept = serde_json::to_string(&changes).expect("JSON");
        assert_eq!(serde_json::from_str::<Changes>(&kept).expect("changes"), changes);
        assert_eq!(serde_json::from_str::<Changes>("{}").expect("changes"), Changes::default());
    }

    #[test]
    fn nothing_grows_past_its_bound() {
        let old: Vec<Side> = (0..700).map(|number| Side { description: number.to_string(), ..Side::default() }).collect();
        let pairs = old.iter().map(|side| (Some(side.clone()), Some(Side { description: "x".repeat(5_000), ..side.clone() })));
        let all = pairs.chain(old.iter().map(|side| (None, Some(side.clone()))));
        let changes = compare(all);
        assert_eq!((changes.changed.len(), changes.added.len(), changes.more), (NAMED, NAMED, 1_000));
        assert!(serde_json::to_string(&changes).expect("JSON").len() < 200_000);
    }
}
