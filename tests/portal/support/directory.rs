//! The directory of the tests' own provider: groups and who is in them, as Microsoft Graph, Okta and Keycloak tell of them. In pages, busy when
//! it is told to be, and no more than the portal asks of each.

use std::collections::{HashMap, VecDeque};

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// What the client's own credentials are changed for.
pub const TOKEN: &str = "app-token-s3cret";
/// Okta's.
pub const API_TOKEN: &str = "00-api-token-s3cret";

#[derive(Clone, Default)]
pub struct Directory {
    /// Id, name, subjects.
    pub groups: Vec<(String, String, Vec<String>)>,
    /// Subjects that may not sign in.
    pub disabled: Vec<String>,
    /// Subjects that are not there at all.
    pub deleted: Vec<String>,
    /// Rows of a page; 0: a hundred.
    pub rows: usize,
    /// What the next answers ask for in seconds (429).
    pub busy: VecDeque<&'static str>,
    /// Answers 403.
    pub forbids: bool,
    /// Answers 404 to everything, as a server does that has no such address.
    pub is_elsewhere: bool,
    /// The next page is at this server.
    pub leads_to: Option<&'static str>,
    /// Tokens were asked for these.
    pub scopes: Vec<String>,
    /// Paths that were asked.
    pub asked: Vec<String>,
}

impl Directory {
    pub fn has(&mut self, id: &str, name: &str, members: &[&str]) {
        self.groups.retain(|(known, ..)| known != id);
        self.groups.push((id.to_owned(), name.to_owned(), members.iter().map(|member| (*member).to_owned()).collect()));
    }

    pub(super) fn answer(&mut self, request: &HttpRequest, base: &str) -> Option<HttpResponse> {
        let path = request.path().to_owned();
        let apis = [("/v1.0/", Api::Graph), ("/api/v1/", Api::Okta), ("/admin/realms/staff/", Api::Keycloak)];
        let (rest, api) = apis.into_iter().find_map(|(prefix, api)| path.strip_prefix(prefix).map(|rest| (rest.to_owned(), api)))?;
        self.asked.push(rest.clone());
        let expected = if api == Api::Okta { format!("SSWS {API_TOKEN}") } else { format!("Bearer {TOKEN}") };
        if request.headers().get("authorization").is_none_or(|value| value.as_bytes() != expected.as_bytes()) {
            return Some(HttpResponse::Unauthorized().json(json!({ "error": "who are you" })));
        }
        if self.forbids {
            return Some(HttpResponse::Forbidden().json(json!({ "error": { "code": "Authorization_RequestDenied" } })));
        }
        if self.is_elsewhere {
            return Some(HttpResponse::NotFound().body("<h1>404</h1>"));
        }
        if let Some(seconds) = self.busy.pop_front() {
            return Some(HttpResponse::TooManyRequests().insert_header(("retry-after", seconds)).finish());
        }
        let query: HashMap<String, String> = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
        let parts: Vec<&str> = rest.split('/').collect();
        let said = |value: Option<Value>| match value {
            Some(value) => HttpResponse::Ok().json(value),
            None => HttpResponse::NotFound().json(api.missing()),
        };
        Some(match parts.as_slice() {
            ["groups"] => self.page(api, base, &path, &query, self.found(api, &query)),
            ["groups", id] => said(self.group(id).map(|group| api.group(group))),
            ["groups", id, "transitiveMembers", "microsoft.graph.user"] if api == Api::Graph => self.members(api, base, &path, &query, id),
            ["groups", id, "users"] if api == Api::Okta => self.members(api, base, &path, &query, id),
            ["groups", id, "members"] if api == Api::Keycloak => self.members(api, base, &path, &query, id),
            ["users", id] => said((!self.deleted.iter().any(|gone| gone == id)).then(|| self.account(api, id))),
            ["users", id, "transitiveMemberOf", "microsoft.graph.group"] if api == Api::Graph => {
                self.groups_of(api, base, &path, &query, id)
            }
            ["users", id, "groups"] if api != Api::Graph => self.groups_of(api, base, &path, &query, id),
            _ => HttpResponse::BadRequest().json(json!({ "error": "nothing is there" })),
        })
    }

    fn group(&self, id: &str) -> Option<&(String, String, Vec<String>)> {
        self.groups.iter().find(|(known, ..)| known == id)
    }

    fn account(&self, api: Api, id: &str) -> Value {
        let enabled = !self.disabled.iter().any(|disabled| disabled == id);
        match api {
            Api::Graph => json!({ "id": id, "accountEnabled": enabled }),
            Api::Okta => json!({ "id": id, "status": if enabled { "ACTIVE" } else { "SUSPENDED" }, "profile": {} }),
            Api::Keycloak => json!({ "id": id, "enabled": enabled, "username": id }),
        }
    }

    fn found(&self, api: Api, query: &HashMap<String, String>) -> Vec<Value> {
        let words = match api {
            Api::Graph => query.get("$search").map(|search| search.trim_matches('"').trim_start_matches("displayName:").to_owned()),
            Api::Okta => query.get("q").cloned(),
            Api::Keycloak => query.get("search").cloned(),
        };
        let words = words.unwrap_or_default().to_lowercase();
        self.groups.iter().filter(|(_, name, _)| name.to_lowercase().contains(&words)).map(|group| api.group(group)).collect()
    }

    fn members(&self, api: Api, base: &str, path: &str, query: &HashMap<String, String>, id: &str) -> HttpResponse {
        match self.group(id) {
            Some((.., members)) => self.page(api, base, path, query, members.iter().map(|member| self.account(api, member)).collect()),
            None => HttpResponse::NotFound().json(api.missing()),
        }
    }

    fn groups_of(&self, api: Api, base: &str, path: &str, query: &HashMap<String, String>, id: &str) -> HttpResponse {
        let of = self.groups.iter().filter(|(.., members)| members.iter().any(|member| member == id));
        self.page(api, base, path, query, of.map(|group| api.group(group)).collect())
    }

    /// Rows of one page, and where the next one is, as each API says it.
    fn page(&self, api: Api, base: &str, path: &str, query: &HashMap<String, String>, rows: Vec<Value>) -> HttpResponse {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let begin = number("first").or_else(|| number("after")).unwrap_or(0);
        let most = if self.rows == 0 { 100 } else { self.rows };
        // Keycloak's pages are as long as they are asked to be.
        let most = if api == Api::Keycloak { number("max").unwrap_or(100) } else { most };
        let more = rows.len() > begin + most;
        let rows: Vec<Value> = rows.into_iter().skip(begin).take(most).collect();
        let next = format!("{}{path}?after={}", self.leads_to.unwrap_or(base), begin + most);
        match api {
            Api::Graph if more => HttpResponse::Ok().json(json!({ "value": rows, "@odata.nextLink": next })),
            Api::Graph => HttpResponse::Ok().json(json!({ "value": rows })),
            Api::Okta if more => HttpResponse::Ok()
                .append_header(("link", format!("<{base}{path}>; rel=\"self\"")))
                .append_header(("link", format!("<{next}>; rel=\"next\"")))
                .json(rows),
            Api::Okta | Api::Keycloak => HttpResponse::Ok().json(rows),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    Graph,
    Okta,
    Keycloak,
}

impl Api {
    fn group(self, (id, name, _): &(String, String, Vec<String>)) -> Value {
        match self {
            Api::Graph => json!({ "id": id, "displayName": name }),
            Api::Okta => json!({ "id": id, "profile": { "name": name } }),
            Api::Keycloak => json!({ "id": id, "name": name, "path": format!("/{name}"), "subGroups": [] }),
        }
    }

    fn missing(self) -> Value {
        match self {
            Api::Graph => json!({ "error": { "code": "Request_ResourceNotFound", "message": "does not exist" } }),
            Api::Okta => json!({ "errorCode": "E0000007", "errorSummary": "Not found" }),
            Api::Keycloak => json!({ "error": "Could not find group by id" }),
        }
    }
}
