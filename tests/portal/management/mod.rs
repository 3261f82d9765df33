//! The management API: who may ask, how entities and lists are written, what is refused and in which words.

pub mod access;
mod apis;
mod described;
mod external;
mod filters;
mod grants;
mod products;
mod settings;
mod shared;
mod subscriptions;
mod templates;
mod twins;
mod users;

use portico::auth::{
    self,
    tokens::{NewToken, create, list, revoke},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Browser, Portal, Reply};

const SERVICE: &str = "/subscriptions/0000/resourceGroups/rg/providers/Microsoft.ApiManagement/service/portico";

/// A program with a token.
struct Program {
    client: Browser,
    token: String,
}

impl Program {
    async fn new(portal: &Portal, scope: &str) -> Self {
        let new = NewToken { display_name: format!("script to {scope}"), scope: scope.to_owned(), ..NewToken::default() };
        Self { client: portal.guest(), token: create(portal.db(), &auth::operator(), &new).await.unwrap().secret }
    }

    async fn ask(&self, method: Method, path: &str, if_match: &str, body: Option<Value>) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str()), ("accept", "application/json")];
        if !if_match.is_empty() {
            headers.push(("if-match", if_match));
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let address = format!("{SERVICE}{path}?api-version=2024-05-01&{query}");
        let body = body.map(|body| json!({ "properties": body }).to_string()).unwrap_or_default();
        let reply = self.client.send(method.clone(), &address, &headers, "application/json", &body).await;
        described::check(&method, &format!("{SERVICE}{path}"), reply.status);
        reply
    }

    /// With headers of the test's own.
    async fn with(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let body = body.map(|body| json!({ "properties": body }).to_string()).unwrap_or_default();
        let reply = self.client.send(method.clone(), &format!("{SERVICE}{path}?api-version=1"), &all, "application/json", &body).await;
        described::check(&method, &format!("{SERVICE}{path}"), reply.status);
        reply
    }

    async fn get(&self, path: &str) -> Value {
        json_of(self.ask(Method::GET, path, "", None).await.is(200))
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::PUT, path, "", Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::PATCH, path, "*", Some(body)).await
    }

    async fn status(&self, method: Method, path: &str) -> u16 {
        self.ask(method, path, "*", None).await.status
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let list = self.get(path).await;
        let names: Vec<String> = list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        assert!(list["count"].as_i64().unwrap() >= names.len() as i64);
        names
    }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text).unwrap_or_else(|why| panic!("{why}: {}", reply.text))
}

/// Status, code, and the target and message of the first detail.
fn refusal(reply: &Reply) -> (u16, String, String, String) {
    let error = json_of(reply)["error"].clone();
    assert!(!error["message"].as_str().unwrap().is_empty());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (reply.status, text(&error["code"]), text(&error["details"][0]["target"]), text(&error["details"][0]["message"]))
}

#[tokio::test]
async fn a_group_is_made_read_changed_and_deleted() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let body = json!({ "displayName": "Contoso Partners", "description": "Who <sells> it" });
    let made = program.put("/groups/Partners%2F1", body.clone()).await;
    let entity = json_of(made.is(201));
    assert_eq!(entity["id"], format!("{SERVICE}/groups/Partners%2F1"));
    assert_eq!((&entity["type"], &entity["name"]), (&json!("Microsoft.ApiManagement/service/groups"), &json!("Partners/1")));
    let properties = json!({ "displayName": "Contoso Partners", "description": "Who <sells> it", "builtIn": false, "type": "custom", "externalId": null });
    assert_eq!(entity["properties"], properties);
    assert_eq!(made.header("etag"), "\"1\"");
    // Once more is no error, and no change. Ids are the same in every case, and answer in their own.
    let again = program.put("/groups/PARTNERS%2f1", body).await;
    assert_eq!((again.is(200).header("etag"), &json_of(&again)), ("\"1\"", &entity));
    assert_eq!(program.get("/groups/partners%2F1").await, entity);
    let head = program.ask(Method::HEAD, "/groups/partners%2F1", "", None).await;
    assert_eq!((head.status, head.header("etag"), head.text.as_str()), (200, "\"1\"", ""));

    let changed = program.ask(Method::PATCH, "/groups/partners%2F1", "\"1\"", Some(json!({ "description": null, "unknown": 1 }))).await;
    let properties = &json_of(changed.is(200))["properties"];
    assert_eq!((&properties["displayName"], &properties["description"]), (&json!("Contoso Partners"), &json!("")));
    assert_eq!(changed.header("etag"), "\"2\"");
    for (if_match, status) in [("\"1\"", 412), ("\"x\"", 412), ("", 400), (" ", 400)] {
        let reply = program.ask(Method::PATCH, "/groups/partners%2F1", if_match, Some(json!({ "description": "x" }))).await;
        assert_eq!(reply.status, status, "{if_match}");
        let reply = program.ask(Method::DELETE, "/groups/partners%2F1", if_match, None).await;
        assert_eq!(reply.status, status, "{if_match}");
    }
    admin.get("/publisher/groups").await.shows("Contoso Partners");
    let gone = program.ask(Method::DELETE, "/groups/partners%2F1", "*", None).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(refusal(&program.ask(Method::GET, "/groups/partners%2F1", "", None).await).1, "ResourceNotFound");
    let audited = portal.audited().await;
    assert_eq!(audited[audited.len() - 3..], ["group.created", "group.edited", "group.deleted"]);
    admin.get("/publisher/audit").await.shows("<bdi>script to write</bdi>").shows("Token</small>");
}

#[tokio::test]
async fn members_come_and_go() {
    let portal = Portal::start().await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let group = portal.add_group("Partners").await;
    let program = Program::new(&portal, "write").await;
    let path = format!("/groups/{group}/users/{ana}");
    let is_member = async || program.ask(Method::HEAD, &path, "", None).await.status;
    assert_eq!(is_member().await, 404);
    let added = program.ask(Method::PUT, &path, "", None).await;
    let user = json_of(added.is(201));
    assert_eq!((&user["name"], &user["properties"]["email"]), (&json!(ana), &json!("ana@contoso.example")));
    assert_eq!(user["properties"]["identities"], json!([{ "provider": "Basic", "id": "ana@contoso.example" }]));
    program.ask(Method::PUT, &path, "", None).await.is(200);
    assert_eq!(is_member().await, 204);
    assert_eq!(program.names(&format!("/groups/{group}/users")).await, [ana.as_str()]);
    let found = "?$filter=registrationDate%20gt%20datetime'2020-01-01'%20and%20startswith(email,'ANA@')";
    assert_eq!(program.names(&format!("/groups/{group}/users{found}")).await, [ana.as_str()]);
    program.ask(Method::DELETE, &path, "", None).await.is(204);
    program.ask(Method::DELETE, &path, "", None).await.is(204);
    assert_eq!(is_member().await, 404);
    assert_eq!(program.names("/groups/developers/users").await, [ana.as_str()]);
    assert_eq!(program.ask(Method::PUT, &format!("/groups/{group}/users/nobody"), "", None).await.status, 404);
    let system = program.ask(Method::PUT, &format!("/groups/developers/users/{ana}"), "", None).await;
    assert_eq!((refusal(&system).0, refusal(&system).1.as_str()), (405, "MethodNotAllowed"));
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "read").await;
    for number in 0..7 {
        portal.add_group(&format!("Partner's {number}")).await;
    }
    let all = program.get("/groups").await;
    assert_eq!((all["count"].as_i64(), all["nextLink"].as_str()), (Some(10), Some("")));
    // By the addresses that the pages name, everything is seen once.
    let (mut seen, mut path) = (Vec::new(), "/groups?$top=4&$filter=substringof('partner''s',%20displayName)".to_owned());
    loop {
        let page = program.get(&path).await;
        seen.extend(page["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        let next = page["nextLink"].as_str().unwrap();
        if next.is_empty() {
            break;
        }
        assert!(next.starts_with(&portal.base) && next.contains("&$skip=4") && next.contains("$filter="), "{next}");
        path = next.split_once("/service/portico").unwrap().1.to_owned();
    }
    assert_eq!((seen.len(), seen.iter().collect::<std::collections::HashSet<_>>().len()), (7, 7));
    for (filter, expected) in [
        ("name eq 'ADMINISTRATORS'", 1),
        ("name ne 'administrators'", 9),
        ("displayName gt 'partner''s 4'", 2),
        ("startswith(displayName,'PARTNER') and not endswith(displayName,' 3')", 6),
        ("contains(displayName,'% 3') or contains(displayName,' 3')", 1),
        ("contains(description,'')", 10),
        ("externalId eq null", 10),
        ("properties/name eq 'guests' or name eq 'developers'", 2),
        ("name eq 'x' or name eq '\u{0}'", 0),
    ] {
        let filter = portico::ids::encode(filter);
        let reply = program.ask(Method::GET, &format!("/groups?$filter={filter}"), "", None).await;
        if filter.contains("%00") {
            assert_eq!(reply.status, 400);
            continue;
        }
        assert_eq!(json_of(reply.is(200))["count"], expected, "{filter}");
    }
    for (query, target) in [
        ("$filter=name%20is%20'x'", "$filter"),
        ("$filter=secret%20eq%20'x'", "$filter"),
        ("$filter=contains(externalId,'x')", "$filter"),
        ("$filter=name%20eq%202020-01-01", "$filter"),
        ("$top=0", "$top"),
        ("$skip=-1", "$skip"),
        ("$top=many", "$top"),
    ] {
        let reply = program.ask(Method::GET, &format!("/groups?{query}"), "", None).await;
        let (status, code, at, _) = refusal(&reply);
        assert_eq!((status, code.as_str(), at.as_str()), (400, "ValidationError", target), "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_usual_form() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let refused = async |path: &str, body: Value| refusal(&program.put(path, body).await);
    let (status, code, target, message) = refused("/groups/x", json!({ "displayName": "" })).await;
    assert_eq!((status, code.as_str(), target.as_str()), (400, "ValidationError", "displayName"));
    assert_eq!(message, "The name is missing.");
    assert_eq!(refused("/groups/x", json!({ "displayName": "x".repeat(301) })).await.2, "displayName");
    assert_eq!(refused("/groups/x", json!({ "displayName": "x", "type": "system" })).await.2, "type");
    assert_eq!(refused(&format!("/groups/{}", "n".repeat(257)), json!({ "displayName": "x" })).await.2, "gid");
    let system = program.put("/groups/Administrators", json!({ "displayName": "x" })).await;
    assert_eq!((refusal(&system).0, refusal(&system).1.as_str()), (405, "MethodNotAllowed"));
    let message = json_of(&system)["error"]["message"].clone();
    assert!(message.as_str().unwrap().starts_with("System entity cannot be modified. System groups"), "{message}");
    for body in ["", "{", "[]", "{\"properties\": 1}", "{\"properties\": {\"displayName\": 1}}"] {
        let bearer = format!("Bearer {}", program.token);
        let address = format!("{SERVICE}/groups/x?api-version=1");
        let reply = portal.guest().send(Method::PUT, &address, &[("authorization", &bearer)], "application/json", body).await;
        assert_eq!((refusal(&reply).0, refusal(&reply).1.as_str()), (400, "BadRequest"), "{body}");
    }
    assert_eq!(program.ask(Method::POST, "/groups", "", None).await.status, 405);
    assert_eq!(refusal(&program.ask(Method::GET, "/policies/policy", "", None).await).1, "ResourceNotFound");
}

#[tokio::test]
async fn who_asks_shows_a_token_of_the_scope() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let (reads, gateway) = (Program::new(&portal, "read").await, Program::new(&portal, "gateway").await);
    let writes = Program::new(&portal, "write").await;
    assert_eq!(reads.ask(Method::GET, "/groups", "", None).await.status, 200);
    assert_eq!(refusal(&reads.put("/groups/x", json!({ "displayName": "x" })).await).0, 403);
    assert_eq!(refusal(&gateway.ask(Method::GET, "/groups", "", None).await).0, 403);
    // A session is none, and a token that is cut off, made up or revoked neither.
    let address = format!("{SERVICE}/groups?api-version=1");
    for (client, authorization) in [
        (&admin, String::new()),
        (&portal.guest(), String::new()),
        (&portal.guest(), "Bearer nonsense".to_owned()),
        (&portal.guest(), format!("Bearer {}", &reads.token[..50])),
        (&portal.guest(), format!("Basic {}", reads.token)),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let reply = client.send(Method::GET, &address, &headers[usize::from(authorization.is_empty())..], "", "").await;
        assert_eq!((refusal(&reply).0, refusal(&reply).1.as_str(), reply.header("www-authenticate")), (401, "Unauthorized", "Bearer"));
    }
    let tokens = list(&mut portal.db().read().await.unwrap()).await.unwrap();
    let name = &tokens.iter().find(|token| token.scope == "write").unwrap().name;
    revoke(portal.db(), &auth::operator(), name).await.unwrap();
    assert_eq!(writes.put("/groups/x", json!({ "displayName": "x" })).await.status, 401);
    // Any version is fine, and none is not; another service is not here.
    let bearer = format!("Bearer {}", reads.token);
    let at = async |path: String| portal.guest().send(Method::GET, &path, &[("authorization", &bearer)], "", "").await.status;
    assert_eq!(at(format!("{SERVICE}/groups")).await, 400);
    assert_eq!(at(format!("{}/groups?api-version=x", SERVICE.replace("portico", "PORTICO"))).await, 200);
    assert_eq!(at(format!("{}/groups?api-version=x", SERVICE.replace("portico", "other"))).await, 404);
    assert_eq!(portal.count("select count(*) from tokens where last_used_at is not null").await, 1);
}

#[tokio::test]
async fn what_is_not_there_is_deleted_already_and_hidden_characters_are_in_no_name() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    program.put("/products/orders", json!({ "displayName": "Orders" })).await.is(201);
    for path in [
        "/groups/none",
        "/groups/none/users/nobody",
        "/users/nobody",
        "/products/none",
        "/products/none/groups/developers",
        "/products/orders/groups/none",
        "/products/none/groupLinks/x",
        "/products/orders/apis/none",
        "/subscriptions/none",
        "/apis/none",
        "/apis/none/operations/x",
    ] {
        assert_eq!(program.status(Method::DELETE, path).await, 204, "{path}");
    }
    for name in ["%E2%80%8B", "a%E2%80%8Bb", "%20a", "a%E2%80%AE"] {
        assert_eq!(refusal(&program.put(&format!("/groups/{name}"), json!({ "displayName": "x" })).await).2, "gid", "{name}");
    }
}

#[tokio::test]
async fn what_is_put_is_there_or_is_not_as_the_headers_say() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    for (path, body) in [
        ("/groups/x", json!({ "displayName": "X" })),
        ("/products/x", json!({ "displayName": "X" })),
        ("/users/x", json!({ "email": "x@contoso.example", "firstName": "X", "lastName": "X" })),
        ("/apis/x", json!({ "displayName": "X", "path": "x" })),
        ("/apis/x/operations/go", json!({ "displayName": "Go", "method": "GET", "urlTemplate": "/go" })),
        ("/subscriptions/x", json!({ "displayName": "X", "ownerId": "/users/x", "scope": "/products/x" })),
    ] {
        let put = async |headers: &[(&str, &str)]| {
            let reply = program.with(Method::PUT, path, headers, Some(body.clone())).await;
            if reply.status == 412 {
                assert_eq!(refusal(&reply).1, "PreconditionFailed");
            }
            reply.status
        };
        for if_match in ["*", "\"1\""] {
            assert_eq!(put(&[("if-match", if_match)]).await, 412, "{path} that is not there, {if_match}");
        }
        assert_eq!(program.status(Method::GET, path).await, 404, "{path}");
        assert_eq!(put(&[("if-none-match", "*")]).await, 201, "{path}");
        assert_eq!(put(&[("if-none-match", "*")]).await, 412, "{path} that is there");
        assert_eq!(put(&[("if-match", "*")]).await, 200, "{path}");
        assert_eq!(put(&[("if-match", "\"1\"")]).await, 200, "{path}");
        assert_eq!(put(&[("if-match", "\"7\"")]).await, 412, "{path}");
    }
    let settings = program.with(Method::PUT, "/portalsettings/signup", &[("if-none-match", "*")], Some(json!({}))).await;
    assert_eq!(settings.status, 412);
}

#[tokio::test]
async fn what_is_always_there_is_not_cleared() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    for (path, body, members) in [
        ("/groups/x", json!({ "displayName": "X" }), &["displayName"][..]),
        ("/products/x", json!({ "displayName": "X" }), &["displayName"]),
        ("/users/x", json!({ "email": "x@contoso.example", "firstName": "X", "lastName": "X" }), &["email", "firstName", "lastName"]),
        ("/apis/x", json!({ "displayName": "X", "path": "x" }), &["displayName", "path"]),
        (
            "/apis/x/operations/go",
            json!({ "displayName": "Go", "method": "GET", "urlTemplate": "/go" }),
            &["displayName", "method", "urlTemplate"],
        ),
        (
            "/subscriptions/x",
            json!({ "displayName": "X", "ownerId": "/users/x", "scope": "/products/x" }),
            &["displayName", "ownerId", "scope"],
        ),
    ] {
        let before = json_of(program.put(path, body).await.is(201));
        for member in members {
            let reply = program.patch(path, json!({ *member: null })).await;
            assert_eq!((refusal(&reply).0, refusal(&reply).2.as_str()), (400, *member), "{path}");
        }
        assert_eq!(program.get(path).await["properties"]["displayName"], before["properties"]["displayName"]);
    }
    // An API that nobody names is called what its address says.
    let unnamed = program.put("/apis/Unnamed", json!({ "path": "unnamed" })).await;
    assert_eq!(json_of(unnamed.is(201))["properties"]["displayName"], "Unnamed");
    let long = json!({ "displayName": "X", "path": "x", "apiVersion": "v".repeat(101) });
    assert_eq!(refusal(&program.put("/apis/x", long).await).2, "apiVersion");
    program.patch("/apis/x", json!({ "apiVersion": "v".repeat(100) })).await.is(200);
}

#[tokio::test]
async fn what_cannot_be_read_of_an_address_is_said() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    for path in ["/groups/%FF", "/groups/x%C3", "/groups?$filter=name%20eq%20'%FF'"] {
        assert_eq!(refusal(&program.ask(Method::GET, path, "", None).await).1, "BadRequest", "{path}");
    }
    assert_eq!(refusal(&program.put("/groups/%FF", json!({ "displayName": "X" })).await).1, "BadRequest");
    assert_eq!(program.names("/groups?$top=99999999999999999999").await.len(), 3);
    // What an address takes is told to whoever asks otherwise.
    for (method, path, allowed) in [
        (Method::POST, "/groups/x", "GET, HEAD, PUT, PATCH, DELETE"),
        (Method::PATCH, "/groups", "GET"),
        (Method::DELETE, "/groups/guests", "GET, HEAD"),
    ] {
        let reply = program.ask(method, path, "*", None).await;
        assert_eq!((reply.status, reply.header("allow")), (405, allowed), "{path}");
    }
    let page = portal.administrator().await.send(Method::PUT, "/publisher/new/group", &[("sec-fetch-site", "same-origin")], "", "").await;
    assert_eq!((page.status, page.header("allow")), (405, "GET, POST, HEAD"));
}

#[tokio::test]
async fn one_put_at_once_makes_one_thing() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    for (path, body) in [
        ("/groups/racer", json!({ "displayName": "Racer" })),
        ("/products/racer", json!({ "displayName": "Racer" })),
        ("/users/racer", json!({ "email": "racer@contoso.example", "firstName": "R", "lastName": "R" })),
        ("/apis/racer", json!({ "displayName": "Racer", "path": "racer" })),
        ("/apis/racer/operations/go", json!({ "displayName": "Go", "method": "GET", "urlTemplate": "/go" })),
        ("/products/racer/apiLinks/racer", json!({ "apiId": "/apis/racer" })),
        ("/subscriptions/racer", json!({ "displayName": "R", "ownerId": "/users/racer", "scope": "/products/racer" })),
    ] {
        let replies = futures_util::future::join_all((0..6).map(|_| program.put(path, body.clone()))).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        let texts: Vec<&str> = replies.iter().map(|reply| reply.text.as_str()).collect();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 201], "{path}: {texts:?}");
    }
}
