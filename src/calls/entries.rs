//! The fields of a call's form, from an operation's description, and the call that they come to.

use std::collections::HashMap;

use percent_encoding::utf8_percent_encode;
use url::Url;

use super::{Call, is_header_name, is_reserved, is_set_by_the_way};
use crate::{
    apis::description::{Detail, Place, Server},
    ids::UNRESERVED,
};

/// Characters of one value.
const LONGEST_VALUE: usize = 2_000;
/// Bytes of a body.
const LARGEST_BODY: usize = 256 * 1024;
/// Header lines that somebody adds, and their bytes together.
const MOST_HEADERS: usize = 20;
const LARGEST_HEADERS: usize = 8 * 1024;
/// Fields of one form; a description may name more parameters than anybody fills in.
const MOST_ENTRIES: usize = 100;

/// One field: a parameter, or what the description asks for as a proof of who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the form.
    pub field: String,
    pub name: String,
    pub place: Place,
    pub required: bool,
    /// "integer, 1–100"
    pub about: String,
    pub choices: Vec<String>,
    /// Several values, separated by commas, become several parameters.
    repeats: bool,
    pub value: String,
    pub error: String,
}

impl Entry {
    /// "query, integer, 1–100"
    pub fn hint(&self) -> String {
        if self.about.is_empty() { self.place.word().to_owned() } else { format!("{}, {}", self.place.word(), self.about) }
    }

    /// Whether one of its choices is the whole value.
    pub fn is_choice(&self) -> bool {
        !self.choices.is_empty() && !self.repeats && (self.value.is_empty() || self.choices.contains(&self.value))
    }
}

/// The body's field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyEntry {
    /// Media types that can be typed in; empty when there is no body, or none of text.
    pub types: Vec<String>,
    pub chosen: String,
    pub text: String,
    pub required: bool,
    pub error: String,
    /// The description asks for a body that cannot be typed, such as a file.
    pub untypable: bool,
}

/// Headers that the description does not name, one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadersEntry {
    pub text: String,
    pub error: String,
}

/// Everything that is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    pub parameters: Vec<Entry>,
    pub further: HeadersEntry,
    pub body: BodyEntry,
    /// The header that carries the key, which nobody types.
    key_header: String,
    /// The description asks for cookies, which are never sent from here.
    pub cookies: bool,
}

/// The fields of an operation, with the values that its description suggests.
pub fn entries(url_template: &str, detail: &Detail, key_header: &str) -> Entries {
    let mut asked: Vec<Entry> = Vec::new();
    let mut cookies = false;
    let mut ask = |name: &str, place: Place, required: bool, about: String, choices: Vec<String>, given: Option<&String>| {
        let own = place == Place::Header && (name.eq_ignore_ascii_case(key_header) || is_reserved(name) || !is_header_name(name));
        let known = asked.iter().any(|entry| entry.place == place && entry.name.eq_ignore_ascii_case(name));
        if own || known || asked.len() >= MOST_ENTRIES || name.eq_ignore_ascii_case("accept") && place == Place::Header {
            return;
        }
        let choices = match choices.is_empty() && about.split(',').next() == Some("boolean") {
            true => vec!["true".to_owned(), "false".to_owned()],
            false => choices,
        };
        asked.push(Entry {
            field: format!("p{}", asked.len()),
            name: name.to_owned(),
            place,
            required,
            repeats: place == Place::Query
                && about.starts_with("array")
                && !about.contains("separated by")
                && !about.contains("written as"),
            about,
            choices,
            value: given.cloned().unwrap_or_default(),
            error: String::new(),
        });
    };
    for name in gaps(url_template) {
        let described = detail.parameters.iter().find(|parameter| parameter.place == Place::Path && parameter.name == name);
        let about = described.map_or_else(String::new, |parameter| parameter.schema.summary.clone());
        let choices = described.map(|parameter| parameter.choices.clone()).unwrap_or_default();
        ask(name, Place::Path, true, about, choices, described.and_then(|parameter| parameter.given.as_ref()));
    }
    for parameter in &detail.parameters {
        match parameter.place {
            // Those that the template does not name go nowhere.
            Place::Path => {}
            Place::Cookie => cookies = true,
            Place::Query | Place::Header => {
                let about = parameter.schema.summary.clone();
                ask(&parameter.name, parameter.place, parameter.required, about, parameter.choices.clone(), parameter.given.as_ref());
            }
        }
    }
    for way in detail.security.iter().flat_map(|ways| ways.split(" and ")) {
        if let Some(header) = way.strip_prefix("API key in header ") {
            ask(header, Place::Header, false, "API key".to_owned(), Vec::new(), None);
        } else if let Some(parameter) = way.strip_prefix("API key in query parameter ") {
            ask(parameter, Place::Query, false, "API key".to_owned(), Vec::new(), None);
        } else if way.starts_with("API key in cookie ") {
            cookies = true;
        } else if ["HTTP ", "OAuth 2", "OpenID Connect"].iter().any(|kind| way.starts_with(kind)) {
            ask("Authorization", Place::Header, false, way.to_owned(), Vec::new(), None);
        }
    }
    Entries { parameters: asked, further: HeadersEntry::default(), body: body(detail), key_header: key_header.to_owned(), cookies }
}

fn body(detail: &Detail) -> BodyEntry {
    let Some(request) = &detail.request else { return BodyEntry::default() };
    let all = request.content.iter().flat_map(|content| std::iter::once(&content.media_type).chain(&content.also_as));
    let typed = |kind: &&String| {
        let plain = kind.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        plain
            && kind.contains('/')
            && !kind.contains('*')
            && !["multipart/", "image/", "audio/", "video/", "application/octet-stream"]
                .iter()
                .any(|binary| kind.to_ascii_lowercase().starts_with(binary))
    };
    let types: Vec<String> = all.filter(typed).take(20).cloned().collect();
    let text = request.content.first().and_then(|content| content.example.clone()).unwrap_or_default();
    BodyEntry {
        chosen: types.first().cloned().unwrap_or_default(),
        untypable: types.is_empty(),
        text: if types.is_empty() { String::new() } else { text },
        types,
        required: request.required,
        error: String::new(),
    }
}

/// The names between braces.
fn gaps(url_template: &str) -> impl Iterator<Item = &str> {
    url_template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).filter(|name| !name.is_empty())
}

/// Puts what was typed into the fields.
pub fn fill(entries: &mut Entries, typed: &HashMap<String, String>) {
    for entry in &mut entries.parameters {
        entry.value = typed.get(&entry.field).cloned().unwrap_or_default();
    }
    entries.further.text = typed.get("headers").cloned().unwrap_or_default();
    if !entries.body.types.is_empty() {
        entries.body.text = typed.get("body").cloned().unwrap_or_default();
        if let Some(kind) = typed.get("type").filter(|kind| entries.body.types.contains(kind)) {
            entries.body.chosen.clone_from(kind);
        }
    }
}

/// A host goes into the page's policy, where `;` and `*` mean something else.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

/// The addresses of a description that can be called: whole ones, without gaps and without somebody's password.
pub fn bases(servers: &[Server]) -> Vec<String> {
    let whole = |server: &&Server| {
        let fits = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(is_plain)
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        !server.url.contains('{') && Url::parse(&server.url).is_ok_and(|url| fits(&url))
    };
    servers.iter().filter(whole).map(|server| server.url.trim_end_matches('/').to_owned()).take(20).collect()
}

impl Entries {
    /// The call, or the fields that are wrong, each with its message.
    pub fn call(&mut self, method: &str, base: &str, url_template: &str, accept: &str, key: Option<(&str, &str)>) -> Option<Call> {
        let mut headers: Vec<(String, String)> = Vec::new();
        headers.extend(key.map(|(header, key)| (header.to_owned(), key.to_owned())));
        headers.push(("Accept".to_owned(), accept.to_owned()));
        let (mut path, mut query) = (url_template.to_owned(), Vec::new());
        for entry in &mut self.parameters {
            entry.error.clear();
            let value = if entry.place == Place::Path { entry.value.as_str() } else { entry.value.trim() };
            if value.is_empty() {
                if entry.required {
                    entry.error = format!("{} is missing.", entry.name);
                }
                continue;
            }
            if value.chars().count() > LONGEST_VALUE {
                entry.error = format!("{} may have 2,000 characters.", entry.name);
                continue;
            }
            match entry.place {
                Place::Path => {
                    let encoded = utf8_percent_encode(value, UNRESERVED).to_string();
                    path = path.replace(&format!("{{{}}}", entry.name), &encoded);
                    // Whoever reads the address would take such a step for "here" or "up".
                    if path.split('/').any(|step| matches!(step, "." | "..")) {
                        entry.error = format!("{} makes a step of dots in the address, which would lead elsewhere.", entry.name);
                    }
                }
                Place::Query if entry.repeats => {
                    query.extend(
                        value.split(',').map(str::trim).filter(|one| !one.is_empty()).map(|one| (entry.name.clone(), one.to_owned())),
                    );
                }
                Place::Query => query.push((entry.name.clone(), value.to_owned())),
                Place::Header if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
                    headers.push((entry.name.clone(), value.to_owned()))
                }
                Place::Header => entry.error = format!("{} is a header, which holds ASCII letters, digits and signs only.", entry.name),
                Place::Cookie => {}
            }
        }
        match self.further() {
            Ok(further) => {
                // Who says what is accepted says it instead of the description.
                if further.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
                    headers.retain(|(name, _)| name != "Accept");
                }
                headers.extend(further);
                self.further.error.clear();
            }
            Err(error) => self.further.error = error,
        }
        self.check_body();
        let typed = !self.body.types.is_empty() && !self.body.text.is_empty();
        if typed {
            headers.push(("Content-Type".to_owned(), self.body.chosen.clone()));
        }
        if self.parameters.iter().any(|entry| !entry.error.is_empty()) || !self.further.error.is_empty() || !self.body.error.is_empty() {
            return None;
        }
        let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let body = typed.then(|| self.body.text.replace("\r\n", "\n"));
        Some(Call { method: method.to_owned(), url: format!("{base}{path}{mark}{}", query.join("&")), headers, body })
    }

    /// The lines of further headers, or what is wrong with the first wrong one.
    fn further(&self) -> Result<Vec<(String, String)>, String> {
        let text = &self.further.text;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        if text.len() > LARGEST_HEADERS {
            return Err("The headers may have 8 kB together.".to_owned());
        }
        if lines.clone().count() > MOST_HEADERS {
            return Err(format!("At most {MOST_HEADERS} headers; these are {}.", lines.count()));
        }
        let read = |(at, line): (usize, &str)| {
            let wrong = |what: String| Err(format!("Line {}: {what}", at + 1));
            let shape = || "write a header as “Name: value”.".to_owned();
            let Some((name, value)) = line.split_once(':').map(|(name, value)| (name.trim_start(), value.trim())) else {
                return wrong(shape());
            };
            if !is_header_name(name) || value.is_empty() {
                return wrong(shape());
            }
            if name.eq_ignore_ascii_case(&self.key_header) {
                return wrong(format!("{name} carries the key of the subscription, and is sent with it alone."));
            }
            if is_set_by_the_way(name) {
                return wrong(format!("{name} is set by the connection, the browser or the portal, and is not sent from here."));
            }
            let is_field = |entry: &&Entry| entry.place == Place::Header && entry.name.eq_ignore_ascii_case(name);
            if self.parameters.iter().any(|entry| is_field(&entry)) {
                return wrong(format!("{name} has a field of its own."));
            }
            if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t') {
                return wrong(format!("{name} is a header, which holds ASCII letters, digits and signs only."));
            }
            Ok((name.to_owned(), value.to_owned()))
        };
        lines.map(read).collect()
    }

    fn check_body(&mut self) {
        let body = &mut self.body;
        body.error.clear();
        if body.text.len() > LARGEST_BODY {
            body.error = "The body may have 256 kB.".to_owned();
        } else if body.required && !body.types.is_empty() && body.text.trim().is_empty() {
            body.error = "The body is missing.".to_owned();
        }
    }

    /// The call as a sample: what must be there and was not typed is named in its place.
    pub fn example(&self, method: &str, base: &str, url_template: &str, accept: &str, key: Option<(&str, &str)>) -> Call {
        let mut shown = self.clone();
        for entry in &mut shown.parameters {
            if entry.required && entry.value.is_empty() {
                entry.value = entry.choices.first().cloned().unwrap_or_else(|| format!("{{{}}}", entry.name));
            } else if !entry.required && entry.name == "Authorization" && entry.value.is_empty() {
                entry.value = "<your credentials>".to_owned();
            }
            entry.value.truncate(entry.value.char_indices().nth(LONGEST_VALUE).map_or(entry.value.len(), |(at, _)| at));
        }
        if shown.further().is_err() {
            shown.further.text.clear();
        }
        let call = shown.call(method, base, url_template, accept, key);
        let mut call = call.unwrap_or_else(|| Call {
            method: method.to_owned(),
            url: format!("{base}{url_template}"),
            headers: Vec::new(),
            body: None,
        });
        // A gap reads better as it stands in the description.
        call.url = call.url.replace("%7B", "{").replace("%7D", "}");
        call
    }

    /// Without what is optional: a sample that stands alone shows what is needed.
    pub fn needed(mut self) -> Self {
        for entry in self.parameters.iter_mut().filter(|entry| !entry.required) {
            entry.value.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apis::description::{Body, Content, Parameter, Schema};

    fn parameter(name: &str, place: Place, required: bool, summary: &str) -> Parameter {
        let schema = Schema { summary: summary.to_owned(), ..Schema::default() };
        Parameter { name: name.to_owned(), place, required, deprecated: false, description: None, schema, choices: Vec::new(), given: None }
    }

    fn detail(parameters: Vec<Parameter>) -> Detail {
        Detail { parameters, ..Detail::default() }
    }

    fn filled(entries: &mut Entries, typed: &[(&str, &str)]) {
        fill(entries, &typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
    }

    #[test]
    fn values_stay_inside_their_place() {
        let detail = detail(vec![
            parameter("id", Place::Path, true, "string"),
            parameter("q", Place::Query, false, "string"),
            parameter("tags", Place::Query, false, "array of string"),
            parameter("X-Trace", Place::Header, false, "string"),
            parameter("session", Place::Cookie, false, "string"),
            parameter("Host", Place::Header, false, "string"),
        ]);
        let mut asked = entries("/orders/{id}/lines/{line}", &detail, "X-Portico-Key");
        assert_eq!(asked.parameters.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["id", "line", "q", "tags", "X-Trace"]);
        assert!(asked.cookies);
        filled(&mut asked, &[("p0", "a/b?c#d é"), ("p1", "7"), ("p2", "x&y=z"), ("p3", "a, b,"), ("p4", "t")]);
        let call =
            asked.call("GET", "https://api.example", "/orders/{id}/lines/{line}", "*/*", Some(("X-Portico-Key", "k"))).expect("right");
        assert_eq!(call.url, "https://api.example/orders/a%2Fb%3Fc%23d%20%C3%A9/lines/7?q=x%26y%3Dz&tags=a&tags=b");
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(call.headers, [header("X-Portico-Key", "k"), header("Accept", "*/*"), header("X-Trace", "t")]);

        filled(&mut asked, &[("p0", ".."), ("p4", "a\r\nHost: evil")]);
        assert_eq!(asked.call("GET", "https://api.example", "/orders/{id}/lines/{line}", "*/*", None), None);
        assert!(asked.parameters[0].error.contains("step of dots"), "{asked:?}");
        assert!(asked.parameters[1].error.contains("line is missing"), "{asked:?}");
        filled(&mut asked, &[("p0", "1"), ("p1", "2"), ("p4", "a\r\nHost: evil")]);
        asked.parameters[4].value = "a\r\nHost: evil".replace("\\r\\n", "\r\n");
        assert_eq!(asked.call("GET", "https://api.example", "/orders/{id}/lines/{line}", "*/*", None), None);
        assert!(asked.parameters[4].error.contains("ASCII"), "{asked:?}");
    }

    #[test]
    fn further_headers_are_lines_and_none_that_belongs_to_others() {
        let detail = detail(vec![parameter("X-Trace", Place::Header, false, "string")]);
        let mut asked = entries("/orders", &detail, "X-Portico-Key");
        let mut call = |text: &str| {
            filled(&mut asked, &[("headers", text)]);
            let call = asked.call("GET", "https://api.example", "/orders", "*/*", Some(("X-Portico-Key", "k")));
            (call.map(|call| call.headers), asked.further.error.clone())
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sent = vec![header("X-Portico-Key", "k"), header("Accept", "*/*")];
        assert_eq!(call(" \r\n\r\n"), (Some(sent.clone()), String::new()));
        let further = [header("Accept-Language", "pt"), header("If-None-Match", "\"a:b\"")];
        assert_eq!(call("Accept-Language: pt\r\n\r\n If-None-Match:  \"a:b\" ").0, Some([&sent[..], &further[..]].concat()));
        assert_eq!(call("accept: text/csv").0, Some(vec![sent[0].clone(), header("accept", "text/csv")]));
        assert_eq!(call("A: 1\n".repeat(20).as_str()).0.map(|all| all.len()), Some(22));
        for (text, says) in [
            ("A: 1\n".repeat(21).as_str(), "At most 20 headers; these are 21."),
            (format!("A: {}", "x".repeat(8190)).as_str(), "8 kB"),
            ("A: 1\n\nB", "Line 3: write a header as"),
            ("A:", "Line 1: write a header as"),
            (": x", "write a header as"),
            ("two words: x", "write a header as"),
            ("A : x", "write a header as"),
            ("x-portico-key: mine", "carries the key"),
            ("x-trace: 1", "has a field of its own"),
            ("A: é", "ASCII"),
            ("A: a\u{0}b", "ASCII"),
            ("Cookie: a=b", "Cookie is set by"),
            ("host: evil", "is set by"),
            ("Content-Length: 1", "is set by"),
            ("Content-Type: text/html", "is set by"),
            ("Transfer-Encoding: chunked", "is set by"),
            ("Connection: close", "is set by"),
            ("Keep-Alive: 1", "is set by"),
            ("TE: trailers", "is set by"),
            ("Upgrade: h2c", "is set by"),
            ("Proxy-Anything: x", "is set by"),
            ("Sec-Fetch-Site: none", "is set by"),
        ] {
            let (call, error) = call(text);
            assert!(call.is_none() && error.contains(says), "{text}: {error}");
        }
        // What is wrong is in no sample.
        filled(&mut asked, &[("headers", "Cookie: a=b")]);
        assert_eq!(asked.example("GET", "https://api.example", "/orders", "*/*", None).headers, sent[1..]);
        filled(&mut asked, &[("headers", "A: 1")]);
        assert_eq!(asked.example("GET", "https://api.example", "/orders", "*/*", None).headers, [sent[1].clone(), header("A", "1")]);
    }

    #[test]
    fn a_boolean_is_chosen() {
        let detail = detail(vec![parameter("all", Place::Query, false, "boolean"), parameter("q", Place::Query, false, "string")]);
        let asked = entries("/orders", &detail, "K");
        assert!(asked.parameters[0].is_choice() && asked.parameters[0].choices == ["true", "false"]);
        assert!(!asked.parameters[1].is_choice());
    }

    #[test]
    fn a_body_is_typed_in_a_kind_that_can_be_typed() {
        let content = |media_type: &str| Content {
            media_type: media_type.to_owned(),
            also_as: Vec::new(),
            schema: None,
            example: Some("{}".to_owned()),
        };
        let with = |kinds: &[&str]| Detail {
            request: Some(Body { required: true, description: None, content: kinds.iter().map(|kind| content(kind)).collect() }),
            ..Detail::default()
        };
        let file = entries("/", &with(&["multipart/form-data"]), "K");
        assert!(file.body.untypable && file.body.types.is_empty());
        let mut asked = entries("/", &with(&["application/json", "image/png", "text/plain"]), "K");
        assert_eq!((asked.body.types.len(), asked.body.text.as_str()), (2, "{}"));
        filled(&mut asked, &[("body", " "), ("type", "image/png")]);
        assert_eq!(asked.call("POST", "https://api.example", "/", "*/*", None), None);
        assert_eq!((asked.body.error.as_str(), asked.body.chosen.as_str()), ("The body is missing.", "application/json"));
    }

    #[test]
    fn samples_name_what_is_missing() {
        let detail = Detail { security: vec!["HTTP bearer".to_owned()], ..detail(vec![parameter("limit", Place::Query, true, "integer")]) };
        let asked = entries("/orders/{id}", &detail, "K").needed();
        let call = asked.example("GET", "https://api.example", "/orders/{id}", "*/*", None);
        assert_eq!(call.url, "https://api.example/orders/{id}?limit={limit}");
        assert!(call.headers.contains(&("Authorization".to_owned(), "<your credentials>".to_owned())));
    }

    #[test]
    fn only_whole_addresses_are_called() {
        let server = |url: &str| Server { url: url.to_owned(), description: None };
        let servers = [
            "https://api.example/v1/",
            "/v1",
            "https://{region}.example",
            "ftp://x",
            "https://u:p@api.example",
            "http://api.example?x=1",
            "https://x;script-src*/",
            "https://*/",
            "http://[::1]:80",
        ];
        assert_eq!(bases(&servers.map(server)), ["https://api.example/v1", "http://[::1]:80"]);
    }
}
