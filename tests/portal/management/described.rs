//! What the management API says of itself: whole, and what is really served.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use portico::{rest::openapi::About, web::openapi::text};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of};
use crate::support::Portal;

/// The document, of some portal.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let about = About { origin: "http://localhost".to_owned(), service: "portico".to_owned() };
        serde_json::from_str(&text(&about).unwrap()).unwrap()
    })
}

/// A pattern without the names of its gaps.
fn bare(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        parts.push(if part.starts_with('{') { "{}" } else { part });
    }
    parts.join("/")
}

/// Method and pattern of what is described, with the operation.
fn operations() -> BTreeMap<String, &'static Value> {
    let mut all = BTreeMap::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.insert(format!("{} {}", method.to_uppercase(), bare(path)), operation);
        }
    }
    all
}

/// Holds an answer of the portal against what is said of the operation: every test of the management API asks through here.
#[track_caller]
pub fn check(method: &Method, path: &str, status: u16) {
    static SAID: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    let said = SAID.get_or_init(|| {
        let of = |operation: &Value| operation["responses"].as_object().unwrap().keys().cloned().collect();
        operations().into_iter().map(|(name, operation)| (name, of(operation))).collect()
    });
    let asked: Vec<&str> = path.split('/').collect();
    let is_it = |pattern: &str| {
        let parts: Vec<&str> = pattern.split('/').collect();
        parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, asked)| *part == "{}" || part == asked)
    };
    let known = said.iter().find(|(name, _)| name.split_once(' ').is_some_and(|(of, pattern)| of == method.as_str() && is_it(pattern)));
    match known {
        Some((name, statuses)) => assert!(statuses.contains(&status.to_string()), "{name} answers {status}, and says {statuses:?}"),
        // Nothing is served there: 404, or 405 where other methods are.
        None => assert!(matches!(status, 401 | 404 | 405), "{method} {path} answers {status}, and is not described"),
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: Vec<String> = operations().into_keys().collect();
    let for_programs = |path: &str| path.starts_with("/subscriptions/") || path.starts_with("/metadata/") || path.contains("/oauth2/");
    let routes = portico::app::route_list();
    let mut mounted: Vec<String> =
        routes.iter().filter(|(_, path)| for_programs(path)).map(|(method, path)| format!("{method} {}", bare(path))).collect();
    mounted.sort();
    assert_eq!(described, mounted);
    assert!(described.len() > 95, "{}", described.len());
    let ids: BTreeSet<&str> = operations().values().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), described.len());
}

/// Every reference in it, and every parameter of its paths.
#[test]
fn the_document_holds_together() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    found.insert(reference.clone());
                }
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = BTreeSet::new();
    references(document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} is nowhere");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let unused: Vec<&String> = schemas.keys().filter(|name| !found.contains(&format!("#/components/schemas/{name}"))).collect();
    assert!(unused.is_empty(), "{unused:?}");
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().unwrap();
            let named: Vec<String> =
                parameters.iter().filter(|one| one["in"] == "path").map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
            let gaps: Vec<&str> = path.split('/').filter(|part| part.starts_with('{')).collect();
            assert_eq!(named, gaps, "{path}");
            assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 5), "{path}");
        }
    }
}

#[tokio::test]
async fn whoever_asks_reads_it_and_is_told_when_it_is_the_same() {
    let portal = Portal::start_with(|options| options.service_name = Some("contoso-apis".to_owned())).await;
    let guest = portal.guest();
    let reply = guest.get("/openapi.json").await;
    let told = json_of(reply.is(200));
    assert_eq!((reply.header("content-type"), &told["servers"][0]["url"]), ("application/json", &json!(portal.base)));
    let groups = &told["paths"]["/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.ApiManagement/service/{serviceName}/groups"];
    let service = groups["get"]["parameters"].as_array().unwrap().iter().find(|one| one["name"] == "serviceName").unwrap();
    assert_eq!(service["schema"]["enum"], json!(["contoso-apis"]));
    let again = guest.send(Method::GET, "/openapi.json", &[("if-none-match", reply.header("etag"))], "", "").await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_portal_imports_its_own_description() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let body = json!({ "displayName": "Management", "path": "management", "format": "openapi+json-link", "value": format!("{}/openapi.json", portal.base) });
    program.put("/apis/management", body).await.is(201);
    let list = program.get("/apis/management/operations?$top=1000").await;
    assert_eq!(list["count"].as_u64(), Some(operations().len() as u64));
    let admin = portal.administrator().await;
    let page = admin.get("/publisher/apis/management").await;
    page.is(200).shows("List groups").shows("Make or change a user");
    assert_eq!(program.get("/apis/management").await["properties"]["serviceUrl"], portal.base);
    let put = program.get("/apis/management/operations/putGroup").await;
    let statuses: Vec<&Value> = put["properties"]["responses"].as_array().unwrap().iter().map(|one| &one["statusCode"]).collect();
    assert!([200, 201, 400, 401, 403, 404, 405, 409, 412].iter().all(|status| statuses.contains(&&json!(status))), "{statuses:?}");
    assert_eq!(program.ask(Method::GET, &format!("{SERVICE}/groups"), "", None).await.status, 404);
}
