//! The service, who is told of what, and the portal's settings by the management API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of, refusal};
use crate::support::Portal;

#[tokio::test]
async fn the_service_says_what_it_is() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "read").await;
    let service = program.get("").await;
    assert_eq!(
        (&service["id"], &service["type"], &service["name"]),
        (&json!(SERVICE), &json!("Microsoft.ApiManagement/service"), &json!("portico"))
    );
    assert_eq!(service["properties"]["developerPortalUrl"], portal.base);
    assert!(service["etag"].is_string() && service["sku"]["name"].is_string());
}

#[tokio::test]
async fn who_is_told_of_what_is_read_and_changed() {
    let portal = Portal::start().await;
    let _root = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let root = program.names("/users").await.remove(0);
    let list = program.get("/notifications?$top=3&$skip=1").await;
    assert_eq!((list["count"].as_i64(), list["value"].as_array().unwrap().len()), (Some(8), 3));
    let here = "/notifications/RequestPublisherNotificationMessage";
    let email = format!("{here}/recipientEmails/desk%40contoso.example");
    assert_eq!(program.status(Method::HEAD, &email).await, 404);
    let made = json_of(program.ask(Method::PUT, &email, "", None).await.is(201));
    assert_eq!((&made["name"], &made["properties"]["email"]), (&json!("desk@contoso.example"), &json!("desk@contoso.example")));
    program.ask(Method::PUT, &email, "", None).await.is(200);
    assert_eq!(program.status(Method::HEAD, &email.replace("desk", "DESK")).await, 204);
    assert_eq!(refusal(&program.ask(Method::PUT, &format!("{here}/recipientEmails/nobody"), "", None).await).2, "email");
    // Every administrator is told from the start; one fewer is the others by name.
    let user = format!("{here}/recipientUsers/{root}");
    assert_eq!(program.status(Method::HEAD, &user).await, 204);
    assert_eq!(program.status(Method::DELETE, &user).await, 204);
    assert_eq!(program.status(Method::HEAD, &user).await, 404);
    let added = json_of(program.ask(Method::PUT, &user, "", None).await.is(201));
    assert_eq!(added["properties"]["userId"], format!("{SERVICE}/users/{root}"));
    let entity = json_of(program.ask(Method::PUT, &here.to_lowercase(), "", None).await.is(200));
    let recipients = json!({ "emails": ["desk@contoso.example"], "users": [format!("{SERVICE}/users/{root}")] });
    assert_eq!((&entity["name"], &entity["properties"]["recipients"]), (&json!("RequestPublisherNotificationMessage"), &recipients));
    assert_eq!(program.status(Method::DELETE, &email).await, 204);
    assert_eq!(program.get(&format!("{here}/recipientEmails")).await["value"], json!([]));
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    assert_eq!(refusal(&program.ask(Method::PUT, &format!("{here}/recipientUsers/{ana}"), "", None).await).2, "userId");
    let never = "/notifications/NewIssuePublisherNotificationMessage";
    assert_eq!(program.get(never).await["properties"]["recipients"], json!({ "emails": [], "users": [] }));
    assert_eq!(program.ask(Method::PUT, &format!("{never}/recipientEmails/a@x.example"), "", None).await.status, 400);
    for gone in ["recipientEmails/a@x.example", "recipientUsers/nobody"] {
        assert_eq!(program.status(Method::DELETE, &format!("{never}/{gone}")).await, 204);
    }
    assert_eq!(program.status(Method::GET, "/notifications/Other").await, 404);
}

#[tokio::test]
async fn signing_up_is_allowed_with_terms_and_nothing_else_is() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let path = "/portalsettings/signup";
    let off = json!({ "enabled": false, "termsOfService": { "enabled": false, "text": "", "consentRequired": false } });
    assert_eq!(program.get(path).await["properties"], off);
    portal.guest().get("/signup").await.is(404);
    let on = json!({ "enabled": true, "termsOfService": { "enabled": true, "text": "Be **kind**.", "consentRequired": true } });
    assert_eq!(json_of(program.put(path, on.clone()).await.is(200))["properties"], on);
    portal.guest().get("/signup").await.is(200).shows("kind");
    let changed = program.patch(path, json!({ "termsOfService": { "enabled": false } })).await;
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));
    assert_eq!(program.get(path).await["properties"]["enabled"], true);
    assert_eq!(program.get(path).await["properties"]["termsOfService"]["text"], "");
    assert_eq!(program.ask(Method::PATCH, path, "\"99\"", Some(json!({}))).await.status, 412);
    assert_eq!(refusal(&program.ask(Method::PATCH, path, "", Some(json!({}))).await).0, 400);
    let shown = json!({ "enabled": true, "termsOfService": { "enabled": true, "text": "x", "consentRequired": false } });
    assert_eq!(refusal(&program.put(path, shown).await).2, "consentRequired");

    assert_eq!(program.get("/portalsettings").await["count"], 3);
    program.patch("/portalsettings/signin", json!({ "enabled": false })).await.is(204);
    assert_eq!(refusal(&program.put("/portalsettings/signin", json!({ "enabled": true })).await).2, "enabled");
    let none = json!({ "url": null, "subscriptions": { "enabled": false }, "userRegistration": { "enabled": false } });
    assert_eq!(json_of(program.put("/portalsettings/delegation", none.clone()).await.is(200))["properties"], none);
    let delegated = json!({ "userRegistration": { "enabled": true } });
    assert_eq!(refusal(&program.put("/portalsettings/delegation", delegated).await).2, "userRegistration");
    let secrets: Value = json_of(program.ask(Method::POST, "/portalsettings/delegation/listSecrets", "", None).await.is(200));
    assert_eq!(secrets, json!({ "validationKey": "" }));
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "portal.sign_up_edited").count(), 2);
}

#[tokio::test]
async fn every_answer_says_how_often_one_may_ask_and_which_request_it_was() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "read").await;
    let bearer = format!("Bearer {}", program.token);
    let headers = [("authorization", bearer.as_str()), ("x-ms-client-request-id", "7f6c-1")];
    let address = format!("{SERVICE}/groups?api-version=1");
    let reply = program.client.send(Method::GET, &address, &headers, "", "").await;
    assert_eq!((reply.header("ratelimit-limit"), reply.header("ratelimit-remaining")), ("3000", "2999"));
    assert!(reply.header("ratelimit-reset").parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
    assert_eq!((reply.header("x-ms-client-request-id"), reply.header("x-ms-request-id")), ("7f6c-1", reply.header("x-request-id")));
    assert_eq!(program.client.send(Method::GET, &address, &headers, "", "").await.header("ratelimit-remaining"), "2998");
    // A page has none of it.
    assert_eq!(portal.guest().get("/products").await.header("ratelimit-limit"), "");
}
