//! What a form says of an operation, and what is wrong with it. Nothing is changed here.

use std::collections::{BTreeSet, HashSet};

use super::{
    description::{Body, Content, Detail, METHODS, Operation, Parameter, Place, Response, Schema},
    operating::Kept,
};
use crate::error::{Error, Problems};

/// The types that a parameter may have, as the tables say them.
pub const TYPES: [&str; 10] = [
    "string",
    "integer",
    "number",
    "boolean",
    "string (date)",
    "string (date-time)",
    "string (uuid)",
    "array of string",
    "array of integer",
    "object",
];

pub const PLACES: [&str; 4] = [Place::Path.word(), Place::Query.word(), Place::Header.word(), Place::Cookie.word()];

/// Rows of parameters, and of responses.
const MOST_ROWS: usize = 100;
/// Bytes of a body's example.
const LONGEST_EXAMPLE: usize = 4_096;
/// Tags of one operation.
const MOST_TAGS: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewParameter {
    pub name: String,
    /// One of `PLACES`.
    pub place: String,
    /// One of `TYPES`.
    pub kind: String,
    pub required: bool,
    pub description: String,
    /// The values that it may have, and its default. Forms have no field for them: they stay as they are when nothing is said.
    pub values: Option<(Vec<String>, Option<String>)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewResponse {
    pub status: String,
    pub description: String,
    /// Empty when it has no body.
    pub body_type: String,
    pub body_example: String,
}

/// What a form says of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewOperation {
    /// What stands in addresses; made from the display name when it is empty, and kept from then on.
    pub name: String,
    pub method: String,
    pub url_template: String,
    pub display_name: String,
    /// Markdown.
    pub description: String,
    /// Separated by commas.
    pub tags: String,
    pub deprecated: bool,
    pub parameters: Vec<NewParameter>,
    /// Empty when nothing is sent.
    pub body_type: String,
    pub body_required: bool,
    pub body_description: String,
    pub body_example: String,
    pub responses: Vec<NewResponse>,
}

impl NewOperation {
    pub fn of(kept: &Kept) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (whole, detail) = (&kept.whole, &kept.detail);
        let tags: Vec<String> = serde_json::from_str(&whole.tags).unwrap_or_default();
        let body = detail.request.as_ref();
        let content = body.and_then(|body| body.content.first());
        let parameter = |one: &Parameter| NewParameter {
            name: one.name.clone(),
            place: one.place.word().to_owned(),
            kind: one.schema.summary.clone(),
            required: one.required,
            description: text(&one.description),
            values: None,
        };
        Self {
            name: whole.name.clone(),
            method: whole.method.clone(),
            url_template: whole.url_template.clone(),
            display_name: whole.display_name.clone(),
            description: whole.description.clone(),
            tags: tags.join(", "),
            deprecated: whole.deprecated,
            parameters: detail.parameters.iter().map(parameter).collect(),
            body_type: content.map(|content| content.media_type.clone()).unwrap_or_default(),
            body_required: body.is_some_and(|body| body.required),
            body_description: body.map(|body| text(&body.description)).unwrap_or_default(),
            body_example: content.map(|content| text(&content.example)).unwrap_or_default(),
            responses: detail
                .responses
                .iter()
                .map(|one| {
                    let content = one.content.first();
                    NewResponse {
                        status: one.status.clone(),
                        description: text(&one.description),
                        body_type: content.map(|content| content.media_type.clone()).unwrap_or_default(),
                        body_example: content.map(|content| text(&content.example)).unwrap_or_default(),
                    }
                })
                .collect(),
        }
    }

    /// The names between braces in the URL template that have no row among the path parameters.
    pub fn without_row(&self) -> Vec<String> {
        let known: HashSet<&str> = self.parameters.iter().filter(|one| one.place == "path").map(|one| one.name.trim()).collect();
        names_in(self.url_template.trim()).unwrap_or_default().into_iter().filter(|name| !known.contains(name.as_str())).collect()
    }

    /// # Errors
    /// `Invalid`, by field; what is wrong with a row is on `parameters` or `responses`, and names it.
    pub fn check(&self) -> Result<Operation, Error> {
        self.check_over(&Detail::default())
    }

    /// As `check`, of an operation that is there: what forms have no field for stays as it is.
    pub(super) fn check_over(&self, before: &Detail) -> Result<Operation, Error> {
        let mut problems = Problems::default();
        let method = self.method.trim().to_uppercase();
        if !METHODS.iter().any(|known| known.eq_ignore_ascii_case(&method)) {
            problems.add("method", "Choose one of the methods.");
        }
        let url_template = problems.line("url_template", "The URL template", &self.url_template, 1, 1_000);
        let display_name = problems.line("display_name", "The display name", &self.display_name, 0, 300);
        let description = problems.text("description", "The description", &self.description, 0, 20_000).replace("\r\n", "\n");
        let tags = super::tags_of(&self.tags);
        if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.chars().count() > 100) {
            problems.add("tags", format!("At most {MOST_TAGS} tags, of 100 characters each."));
        }
        let parameters = self.check_parameters(&url_template, &before.parameters, &mut problems);
        let request = self.check_body(&mut problems);
        let responses = self.check_responses(&mut problems);
        problems.or(Operation {
            operation_id: None,
            method,
            url_template,
            summary: Some(display_name).filter(|text| !text.is_empty()),
            description: Some(description).filter(|text| !text.is_empty()),
            deprecated: self.deprecated,
            tags,
            detail: Detail { parameters, request, responses, security: Vec::new() },
        })
    }

    fn check_parameters(&self, template: &str, before: &[Parameter], problems: &mut Problems) -> Vec<Parameter> {
        let rows: Vec<&NewParameter> =
            self.parameters.iter().filter(|one| !(one.name.trim().is_empty() && one.description.trim().is_empty())).collect();
        if rows.len() > MOST_ROWS {
            problems.add("parameters", format!("An operation may have {MOST_ROWS} parameters."));
            return Vec::new();
        }
        let (mut seen, mut made) = (HashSet::new(), Vec::new());
        for row in rows {
            let name = row.name.trim();
            let place = Place::parse(&row.place).unwrap_or(Place::Query);
            let fine = !name.is_empty() && name.chars().count() <= 200 && !name.chars().any(|c| c.is_control() || c.is_whitespace());
            if !fine {
                problems.add("parameters", "Every parameter has a name of up to 200 characters, without spaces.");
            } else if !seen.insert((name, place)) {
                problems.add("parameters", format!("There are two {} parameters {name}.", place.word()));
            }
            if row.description.chars().count() > 4_000 {
                problems.add("parameters", format!("The description of {name} may have 4000 characters."));
            }
            if !TYPES.contains(&row.kind.as_str()) {
                problems.add("parameters", format!("Choose the type of {name} from the list."));
            }
            let description = row.description.trim().replace("\r\n", "\n");
            let (choices, given) = row.values.clone().unwrap_or_else(|| {
                let before = before.iter().find(|one| one.name == name && one.place == place);
                before.map(|one| (one.choices.clone(), one.given.clone())).unwrap_or_default()
            });
            if choices.len() > MOST_ROWS || choices.iter().chain(&given).any(|text| text.chars().count() > 1_000) {
                problems.add("parameters", format!("{name} may have {MOST_ROWS} values, of 1,000 characters each."));
            }
            made.push(Parameter {
                name: name.to_owned(),
                place,
                required: row.required || place == Place::Path,
                deprecated: false,
                description: Some(description).filter(|text| !text.is_empty()),
                schema: Schema { summary: row.kind.clone(), ..Schema::default() },
                choices,
                given,
            });
        }
        match names_in(template) {
            Err(why) => problems.add("url_template", why),
            Ok(names) => {
                let rows: BTreeSet<&str> = made.iter().filter(|one| one.place == Place::Path).map(|one| one.name.as_str()).collect();
                let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                let braces = |names: Vec<&&str>| names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
                let (missing, spare) = (braces(named.difference(&rows).collect()), braces(rows.difference(&named).collect()));
                if !missing.is_empty() {
                    let text = format!("The URL template has {missing}, and there is no such path parameter below.");
                    problems.add("url_template", text);
                }
                if !spare.is_empty() {
                    problems.add("parameters", format!("There is no {spare} in the URL template, and a path parameter stands there."));
                }
            }
        }
        made
    }

    fn check_body(&self, problems: &mut Problems) -> Option<Body> {
        let media_type = self.body_type.trim();
        let description = problems.text("body_description", "The description of the body", &self.body_description, 0, 4_000);
        let example = self.body_example.replace("\r\n", "\n");
        if example.len() > LONGEST_EXAMPLE {
            problems.add("body_example", format!("The example may have {LONGEST_EXAMPLE} bytes."));
        }
        if media_type.is_empty() {
            let said = !example.trim().is_empty() || !description.is_empty() || self.body_required;
            if said {
                problems.add("body_type", "Say in which media type the body is sent, such as application/json.");
            }
            return None;
        }
        if !is_media_type(media_type) {
            problems.add("body_type", "A media type is written as in application/json.");
        }
        Some(Body {
            required: self.body_required,
            description: Some(description.replace("\r\n", "\n")).filter(|text| !text.is_empty()),
            content: vec![content(media_type, example)],
        })
    }

    fn check_responses(&self, problems: &mut Problems) -> Vec<Response> {
        let rows: Vec<&NewResponse> = self
            .responses
            .iter()
            .filter(|one| ![&one.status, &one.description, &one.body_type, &one.body_example].iter().all(|text| text.trim().is_empty()))
            .collect();
        if rows.len() > MOST_ROWS {
            problems.add("responses", format!("An operation may have {MOST_ROWS} responses."));
            return Vec::new();
        }
        let (mut seen, mut made) = (HashSet::new(), Vec::new());
        for row in rows {
            let status = row.status.trim();
            if !is_status(status) {
                problems.add("responses", "A status is a number such as 200, a range such as 4XX, or default.");
            } else if !seen.insert(status) {
                problems.add("responses", format!("There are two responses {status}."));
            }
            if row.description.chars().count() > 4_000 {
                problems.add("responses", format!("The description of {status} may have 4000 characters."));
            }
            let (media_type, example) = (row.body_type.trim(), row.body_example.replace("\r\n", "\n"));
            if example.len() > LONGEST_EXAMPLE {
                problems.add("responses", format!("The example of {status} may have {LONGEST_EXAMPLE} bytes."));
            }
            if media_type.is_empty() && !example.trim().is_empty() {
                problems.add("responses", format!("Say in which media type the example of {status} is, such as application/json."));
            } else if !media_type.is_empty() && !is_media_type(media_type) {
                problems.add("responses", format!("The media type of {status} is written as in application/json."));
            }
            let description = row.description.trim().replace("\r\n", "\n");
            made.push(Response {
                status: status.to_owned(),
                description: Some(description).filter(|text| !text.is_empty()),
                headers: Vec::new(),
                content: if media_type.is_empty() { Vec::new() } else { vec![content(media_type, example)] },
            });
        }
        made
    }
}

fn content(media_type: &str, example: String) -> Content {
    let example = Some(example).filter(|text| !text.trim().is_empty());
    Content { media_type: media_type.to_owned(), also_as: Vec::new(), schema: None, example }
}

fn is_media_type(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    parts.len() == 2 && parts.iter().all(|part| !part.is_empty()) && text.len() <= 200 && text.is_ascii()
}

fn is_status(text: &str) -> bool {
    text == "default"
        || (text.len() == 3
            && text.starts_with(|c: char| ('1'..='5').contains(&c))
            && (text[1..].bytes().all(|byte| byte.is_ascii_digit()) || &text[1..] == "XX"))
}

/// The names between braces; or what is wrong with the template.
fn names_in(template: &str) -> Result<Vec<String>, String> {
    if !template.starts_with('/') {
        return Err("A URL template begins with “/”.".to_owned());
    }
    if let Some(odd) = template.chars().find(|c| c.is_whitespace() || matches!(c, '?' | '#' | '"' | '<' | '>' | '\\' | '^' | '`' | '|')) {
        let hint = if odd == '?' { " What follows “?” are query parameters: they have rows of their own." } else { "" };
        return Err(format!("“{odd}” cannot stand in a URL template.{hint}"));
    }
    let (mut names, mut rest) = (Vec::new(), template);
    while let Some(at) = rest.find(['{', '}']) {
        let closed = rest[at..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match closed {
            Some((name, behind)) if !name.is_empty() && !name.contains('{') => {
                if names.iter().any(|known| known == name) {
                    return Err(format!("The URL template has {{{name}}} twice."));
                }
                names.push(name.to_owned());
                rest = behind;
            }
            _ => return Err("Every parameter in the URL template stands between “{” and “}”.".to_owned()),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_rows_must_agree() {
        let row = |name: &str, place: &str| NewParameter {
            name: name.to_owned(),
            place: place.to_owned(),
            kind: "string".to_owned(),
            ..NewParameter::default()
        };
        let problem = |template: &str, rows: &[(&str, &str)]| {
            let parameters = rows.iter().map(|(name, place)| row(name, place)).collect();
            let new = NewOperation { method: "GET".to_owned(), url_template: template.to_owned(), parameters, ..NewOperation::default() };
            match new.check() {
                Err(Error::Invalid(problems)) => problems.0.iter().map(|one| format!("{}: {}", one.field, one.message)).collect(),
                _ => String::new(),
            }
        };
        assert_eq!(problem("/orders/{id}/lines/{line}", &[("id", "path"), ("line", "path"), ("id", "query")]), "");
        for (template, rows, expected) in [
            ("/orders/{id}", &[][..], "url_template: The URL template has {id}"),
            ("/orders", &[("id", "path")], "parameters: There is no {id} in the URL template"),
            ("orders", &[], "begins with “/”"),
            ("/a?b={c}", &[], "query parameters: they have rows of their own"),
            ("/a/{b", &[], "between “{” and “}”"),
            ("/a/{}", &[], "between “{” and “}”"),
            ("/a/{b}/{b}", &[("b", "path")], "{b} twice"),
            ("/a b", &[], "cannot stand in a URL template"),
            ("/a", &[("x", "query"), ("x", "query")], "two query parameters x"),
        ] {
            let said = problem(template, rows);
            assert!(said.contains(expected), "{template}: {said}");
        }
    }

    #[test]
    fn statuses() {
        for (text, good) in
            [("200", true), ("4XX", true), ("default", true), ("600", false), ("20", false), ("2X0", false), ("", false), ("é0", false)]
        {
            assert_eq!(is_status(text), good, "{text}");
        }
    }
}
