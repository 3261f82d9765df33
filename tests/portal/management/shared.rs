//! Shared access signatures: who makes them, and what they open.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::json;

use super::{Program, SERVICE, json_of, refusal};
use crate::support::Portal;

/// What whoever knows a key makes of it.
fn signed(key: &str, id: &str, expiry: &str) -> String {
    let mut mac = Hmac::<sha2::Sha512>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(format!("{id}\n{expiry}").as_bytes());
    format!("uid={id}&ex={expiry}&sn={}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn asks(portal: &Portal, token: &str) -> u16 {
    ask(portal, token).await.status
}

async fn ask(portal: &Portal, token: &str) -> crate::support::Reply {
    let authorization = format!("SharedAccessSignature {token}");
    let headers = [("authorization", authorization.as_str())];
    portal.guest().send(Method::GET, &format!("{SERVICE}/groups?api-version=1"), &headers, "", "").await
}

#[tokio::test]
async fn a_signature_opens_the_api_for_whom_it_was_made() {
    let portal = Portal::start().await;
    let root = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let names = program.names("/users").await;
    let admin = names.iter().find(|name| **name != ana).unwrap();
    let secrets = json_of(program.ask(Method::POST, "/tenant/access/listSecrets", "", None).await.is(200));
    let (primary, secondary) = (secrets["primaryKey"].as_str().unwrap(), secrets["secondaryKey"].as_str().unwrap());
    // The tests' clock stands in March 2026.
    let (soon, past, late) = ("2026-03-20T22:03:00.0000000Z", "2026-01-01T00:00:00.0000000Z", "2026-12-31T00:00:00.0000000Z");
    assert_eq!(asks(&portal, &signed(primary, "integration", soon)).await, 401, "nothing is taken until it is turned on");
    assert_eq!(program.get("/tenant/access").await["properties"]["enabled"], false);
    let on = program.ask(Method::PATCH, "/tenant/access", "*", Some(json!({ "enabled": true }))).await;
    assert_eq!(json_of(on.is(200))["properties"]["enabled"], true);

    for (token, status) in [
        (signed(primary, "integration", soon), 200),
        (signed(secondary, "integration", soon), 200),
        (signed(primary, admin, soon), 200),
        (signed(primary, &ana, soon), 403),
        (signed(primary, "nobody", soon), 401),
        (signed(primary, "integration", past), 401),
        (signed(primary, "integration", late), 401),
        (signed("another key", "integration", soon), 401),
        (signed(primary, "integration", soon).replace("uid=integration", &format!("uid={admin}")), 401),
        ("uid=integration&ex=soon&sn=x".to_owned(), 401),
        ("x".to_owned(), 401),
        // Past the last year in UTC.
        ("uid=integration&ex=9999-12-31T23:59:59-23:59&sn=AAAA".to_owned(), 401),
        (signed(primary, "integration", "9999-12-31T23:59:59-23:59"), 401),
    ] {
        assert_eq!(asks(&portal, &token).await, status, "{token}");
    }
    // How often somebody signs is counted for each.
    let left = async |id: &str| ask(&portal, &signed(primary, id, soon)).await.header("ratelimit-remaining").parse::<u32>().unwrap();
    assert_eq!((left("integration").await, left("integration").await, left(admin).await, left(admin).await), (2997, 2996, 2998, 2997));
    // The portal makes them for users too, to the minute.
    let wanted = json!({ "keyType": "primary", "expiry": "2026-03-20T22:03:59Z" });
    let value = |reply: &crate::support::Reply| json_of(reply.is(200))["value"].as_str().unwrap().to_owned();
    let token = value(&program.ask(Method::POST, &format!("/users/{admin}/token"), "", Some(wanted.clone())).await);
    assert!(token.starts_with(&format!("{admin}&202603202203&")), "{token}");
    assert_eq!(asks(&portal, &token).await, 200);
    let of_ana = value(&program.ask(Method::POST, &format!("/users/{ana}/token"), "", Some(wanted)).await);
    assert_eq!(asks(&portal, &of_ana).await, 403);
    for (body, target) in [
        (json!({ "keyType": "third", "expiry": soon }), "keyType"),
        (json!({ "keyType": "primary", "expiry": late }), "expiry"),
        (json!({ "keyType": "primary" }), "expiry"),
    ] {
        assert_eq!(refusal(&program.ask(Method::POST, &format!("/users/{admin}/token"), "", Some(body)).await).2, target);
    }
    root.get("/publisher/audit").await.shows("Signed a token of the management API for");
    // Nobody is called as what signs for all, and what a signature changes is told from what its person does.
    let named = json!({ "email": "x@contoso.example", "firstName": "X", "lastName": "Y" });
    assert_eq!(refusal(&program.put("/users/Integration", named).await).2, "uid");
    let authorization = format!("SharedAccessSignature {token}");
    let group = json!({ "properties": { "displayName": "Signed" } }).to_string();
    let address = format!("{SERVICE}/groups/signed?api-version=1");
    let made = portal.guest().send(Method::PUT, &address, &[("authorization", &authorization)], "application/json", &group).await;
    assert_eq!(made.status, 201);
    root.get("/publisher/audit").await.shows("Root Admin (shared access)");
    // Another key ends what was signed with the one before, and turning it off ends all.
    assert_eq!(program.ask(Method::POST, "/tenant/access/regeneratePrimaryKey", "", None).await.status, 204);
    assert_eq!(asks(&portal, &token).await, 401);
    assert_eq!(asks(&portal, &signed(secondary, "integration", soon)).await, 200);
    program.ask(Method::PUT, "/tenant/access", "*", Some(json!({ "enabled": false }))).await.is(200);
    assert_eq!(asks(&portal, &signed(secondary, "integration", soon)).await, 401);
}

#[tokio::test]
async fn there_is_no_repository() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    assert_eq!(program.names("/tenant").await, ["access", "gitAccess"]);
    assert_eq!(refusal(&program.patch("/tenant/gitAccess", json!({ "enabled": true })).await).2, "enabled");
    assert_eq!(program.status(Method::POST, "/tenant/gitAccess/listSecrets").await, 404);
    assert_eq!(program.status(Method::GET, "/tenant/other").await, 404);
}
