//! Subscriptions by the management API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of, refusal};
use crate::support::Portal;

const S: &str = "/subscriptions/s1";

async fn begin(portal: &Portal) -> (Program, String) {
    let program = Program::new(portal, "write").await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    program.put("/products/orders", json!({ "displayName": "Orders", "approvalRequired": true, "subscriptionsLimit": 2 })).await.is(201);
    (program, ana)
}

fn wanted(ana: &str) -> Value {
    json!({ "displayName": "Ana's orders", "ownerId": format!("/users/{ana}"), "scope": format!("{SERVICE}/products/orders") })
}

#[tokio::test]
async fn a_subscription_is_made_read_changed_and_deleted() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let (program, ana) = begin(&portal).await;
    let made = program.put(&format!("{S}?notify=true"), wanted(&ana)).await;
    let entity = json_of(made.is(201));
    let properties = &entity["properties"];
    assert_eq!(properties["ownerId"], format!("{SERVICE}/users/{ana}"));
    assert_eq!(properties["scope"], format!("{SERVICE}/products/orders"));
    assert_eq!((&properties["state"], &properties["startDate"]), (&json!("submitted"), &json!(null)));
    assert!(properties.get("primaryKey").is_none());
    program.put(S, wanted(&ana)).await.is(200);

    let state = async |to: &str| {
        let reply = program.patch(S, json!({ "state": to, "stateComment": "as agreed" })).await;
        json_of(reply.is(200))["properties"]["state"].as_str().unwrap().to_owned()
    };
    for to in ["active", "suspended", "active"] {
        assert_eq!(state(to).await, to);
    }
    let properties = program.get(S).await["properties"].clone();
    assert_eq!(properties["stateComment"], "as agreed");
    assert!(properties["startDate"].is_string());
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").text().contains("as agreed"));
    let changed = program.patch(S, json!({ "displayName": "Renamed", "expirationDate": "2099-01-01T00:00:00Z" })).await;
    let properties = &json_of(changed.is(200))["properties"];
    assert_eq!((&properties["displayName"], &properties["expirationDate"]), (&json!("Renamed"), &json!("2099-01-01T00:00:00Z")));
    assert_eq!(json_of(program.patch(S, json!({ "expirationDate": null })).await.is(200))["properties"]["expirationDate"], Value::Null);

    assert_eq!(program.names("/products/orders/subscriptions").await, ["s1"]);
    assert_eq!(program.names(&format!("/users/{ana}/subscriptions")).await, ["s1"]);
    assert_eq!(program.get(&format!("/users/{ana}/subscriptions/S1")).await["name"], "s1");
    for (filter, found) in [
        (format!("ownerId eq '/users/{ana}'"), 1),
        (format!("scope eq '{SERVICE}/products/orders'"), 1),
        (format!("userId eq '{}'", ana.to_uppercase()), 1),
        ("productId eq 'other'".to_owned(), 0),
        ("stateComment eq 'as agreed' and state eq 'active'".to_owned(), 1),
    ] {
        let names = program.names(&format!("/subscriptions?$filter={}", portico::ids::encode(&filter))).await;
        assert_eq!(names.len(), found, "{filter}");
    }
    assert_eq!(state("cancelled").await, "cancelled");
    assert_eq!(program.status(Method::DELETE, S).await, 204);
    assert_eq!(program.status(Method::GET, S).await, 404);
    program.put(S, wanted(&ana)).await.is(201);
    let audited = portal.audited().await;
    for action in ["created", "approved", "suspended", "activated", "renamed", "end_changed", "cancelled", "deleted"] {
        assert!(audited.contains(&format!("subscription.{action}")), "{action}: {audited:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_subscription_is_said() {
    let portal = Portal::start().await;
    let (program, ana) = begin(&portal).await;
    let ben = portal.add_user("ben@contoso.example", "Ben", "Bo", portico::users::UserState::Blocked, false).await;
    let mut first = wanted(&ana);
    first["primaryKey"] = json!("0123456789abcdef0123456789abcdef");
    program.put(S, first).await.is(201);
    for (change, expected) in [
        (json!({ "displayName": "" }), "displayName"),
        (json!({ "displayName": "x".repeat(101) }), "displayName"),
        (json!({ "ownerId": null }), "ownerId"),
        (json!({ "ownerId": "/users/nobody" }), "ownerId"),
        (json!({ "ownerId": format!("/users/{ben}") }), "ownerId"),
        (json!({ "scope": "/products/none" }), "scope"),
        (json!({ "scope": "/apis" }), "scope"),
        (json!({ "scope": "/apis/echo" }), "scope"),
        (json!({ "state": "expired" }), "state"),
        (json!({ "state": "odd" }), "state"),
        (json!({ "primaryKey": "0123456789abcdef0123456789abcdef" }), "primaryKey"),
        (json!({ "secondaryKey": "0123456789abcdef0123456789abcdef" }), "secondaryKey"),
        (json!({ "primaryKey": "two words" }), "primaryKey"),
        (json!({ "expirationDate": "tomorrow" }), "expirationDate"),
        (json!({ "expirationDate": "2001-01-01T00:00:00Z" }), "expirationDate"),
        (json!({ "expirationDate": "9999-12-31T23:59:59-23:59" }), "expirationDate"),
        (json!({ "displayName": null }), "displayName"),
    ] {
        let mut body = wanted(&ana);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, code, target, _) = refusal(&program.put("/subscriptions/s2", body).await);
        assert_eq!((status, code.as_str(), target.as_str()), (400, "ValidationError", expected), "{change}");
    }
    assert_eq!(refusal(&program.put("/subscriptions/s%2A2", wanted(&ana)).await).2, "sid");
    program.put("/subscriptions/s2", wanted(&ana)).await.is(201);
    assert_eq!(refusal(&program.put("/subscriptions/s3", wanted(&ana)).await).2, "scope");
    for (change, expected) in [
        (json!({ "state": "suspended" }), "state"),
        (json!({ "stateComment": "alone" }), "stateComment"),
        (json!({ "ownerId": format!("/users/{ben}") }), "ownerId"),
        (json!({ "scope": "/products/other" }), "scope"),
    ] {
        assert_eq!(refusal(&program.patch(S, change.clone()).await).2, expected, "{change}");
    }
}

#[tokio::test]
async fn keys_are_told_on_request_and_replaced_one_at_a_time() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let (program, ana) = begin(&portal).await;
    let mut body = wanted(&ana);
    body["state"] = json!("active");
    body["primaryKey"] = json!("0123456789abcdef0123456789abcdef");
    program.put(S, body).await.is(201);
    let secrets = async || json_of(program.ask(Method::POST, &format!("{S}/listSecrets"), "", None).await.is(200));
    let first = secrets().await;
    assert_eq!(first["primaryKey"], "0123456789abcdef0123456789abcdef");
    assert_eq!(first["secondaryKey"].as_str().unwrap().len(), 32);
    let done = program.ask(Method::POST, &format!("{S}/regeneratePrimaryKey"), "", None).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    let second = secrets().await;
    assert_ne!(second["primaryKey"], first["primaryKey"]);
    assert_eq!(second["secondaryKey"], first["secondaryKey"]);
    assert_eq!(program.ask(Method::POST, &format!("{S}/regenerateSecondaryKey"), "", None).await.status, 204);
    assert_ne!(secrets().await["secondaryKey"], first["secondaryKey"]);
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").text().contains("secondary"));
    // A key is never in an entity, a list or the log.
    let list = program.ask(Method::GET, "/subscriptions", "", None).await;
    assert!(!list.text.contains(second["primaryKey"].as_str().unwrap()));
    let audited = portal.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "subscription.keys_shown").count(), 3);
    assert_eq!(audited.iter().filter(|action| *action == "subscription.key_regenerated").count(), 2);
    let reads = Program::new(&portal, "read").await;
    assert_eq!(reads.ask(Method::POST, &format!("{S}/listSecrets"), "", None).await.status, 403);
}
