//! Users by the management API.

use reqwest::Method;
use serde_json::json;

use super::{Program, json_of, refusal};
use crate::support::Portal;

const ANA: &str = "/users/ana";

fn ana() -> serde_json::Value {
    json!({ "email": "ana@contoso.example", "firstName": "Ana", "lastName": "Alves", "password": "tulips grow beside 7 canals", "note": "met in Oslo" })
}

#[tokio::test]
async fn a_user_is_made_read_changed_and_deleted() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let program = Program::new(&portal, "write").await;
    let made = program.put(ANA, ana()).await;
    let entity = json_of(made.is(201));
    let properties = &entity["properties"];
    assert_eq!((&entity["name"], &entity["type"]), (&json!("ana"), &json!("Microsoft.ApiManagement/service/users")));
    assert_eq!(
        (&properties["email"], &properties["state"], &properties["note"]),
        (&json!("ana@contoso.example"), &json!("active"), &json!("met in Oslo"))
    );
    assert_eq!(properties["groups"][0]["displayName"], "Developers");
    assert!(!made.text.contains("tulips"));
    program.put(ANA, ana()).await.is(200);
    // The password works, and another one ends the session that began with it.
    let browser = portal.guest();
    let sign_in = [("email", "ana@contoso.example"), ("password", "tulips grow beside 7 canals")];
    browser.post_and_follow("/signin", &sign_in).await.is(200);
    browser.get("/account").await.is(200);
    let changed = program.patch(ANA, json!({ "lastName": "Alves Costa", "note": null, "password": "eleven herons over 3 locks" })).await;
    let properties = &json_of(changed.is(200))["properties"];
    assert_eq!(
        (&properties["firstName"], &properties["lastName"], &properties["note"]),
        (&json!("Ana"), &json!("Alves Costa"), &json!(null))
    );
    assert_eq!(browser.get("/account").await.status, 303);
    portal.guest().post("/signin", &sign_in).await.is(422);

    assert_eq!(json_of(program.patch(ANA, json!({ "state": "blocked" })).await.is(200))["properties"]["state"], "blocked");
    assert_eq!(program.names("/users?$filter=state%20eq%20'blocked'").await, ["ana"]);
    assert_eq!(json_of(program.patch(ANA, json!({ "state": "active" })).await.is(200))["properties"]["state"], "active");
    program.ask(Method::POST, "/users/ana/confirmations/password/send", "", None).await.is(204);
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").link().contains("/reset/"));
    assert_eq!(program.get("/users/ana/identities").await["value"], json!([{ "provider": "Basic", "id": "ana@contoso.example" }]));
    assert_eq!(program.names("/users/ana/groups").await, ["developers"]);

    assert_eq!(program.ask(Method::DELETE, ANA, "\"1\"", None).await.status, 412);
    assert_eq!(program.status(Method::DELETE, ANA).await, 204);
    assert_eq!(program.status(Method::DELETE, ANA).await, 204);
    assert_eq!(program.status(Method::GET, ANA).await, 404);
    // The name and the address are free again.
    program.put(ANA, ana()).await.is(201);
    let audited = portal.audited().await;
    assert!(audited.iter().any(|action| action == "user.password_set"), "{audited:?}");
}

#[tokio::test]
async fn somebody_who_is_invited_is_pending_and_mailed() {
    let (portal, smtp) = Portal::start_with_mail().await;
    let program = Program::new(&portal, "write").await;
    let mut body = ana();
    body["confirmation"] = json!("invite");
    assert_eq!(refusal(&program.put(ANA, body.clone()).await).2, "password");
    body.as_object_mut().unwrap().remove("password");
    assert_eq!(json_of(program.put(ANA, body).await.is(201))["properties"]["state"], "pending");
    portal.send_mails().await;
    assert!(smtp.newest("ana@contoso.example").link().contains("/invitation/"));
}

#[tokio::test]
async fn what_is_wrong_with_a_user_is_said() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    program.put(ANA, ana()).await.is(201);
    let refused = async |path: &str, change: serde_json::Value| {
        let mut body = ana();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, code, target, _) = refusal(&program.put(path, body).await);
        format!("{status} {code} {target}")
    };
    for (path, change, expected) in [
        ("/users/ben", json!({}), "email"),
        ("/users/ben", json!({ "email": "nobody" }), "email"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "firstName": "x".repeat(101) }), "firstName"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "lastName": null }), "lastName"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "password": "short" }), "password"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "state": "gone" }), "state"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "confirmation": "later" }), "confirmation"),
        ("/users/ben", json!({ "email": "ben@contoso.example", "identities": [{ "provider": "Aad", "id": "x" }] }), "identities"),
        (&format!("/users/{}", "n".repeat(81)), json!({ "email": "ben@contoso.example" }), "uid"),
    ] {
        assert_eq!(refused(path, change.clone()).await, format!("400 ValidationError {expected}"), "{path} {change}");
    }
    assert_eq!(program.names("/users").await, ["ana"]);
    // Nobody who has live subscriptions goes unasked.
    program.put("/products/orders", json!({ "displayName": "Orders", "state": "published" })).await.is(201);
    let subscription = json!({ "displayName": "Ana's", "ownerId": "/users/ana", "scope": "/products/orders" });
    program.put("/subscriptions/s1", subscription).await.is(201);
    assert_eq!(refusal(&program.ask(Method::DELETE, ANA, "*", None).await).2, "deleteSubscriptions");
    assert_eq!(program.status(Method::DELETE, "/users/ana?deleteSubscriptions=maybe").await, 400);
    assert_eq!(program.status(Method::DELETE, "/users/ana?deleteSubscriptions=true").await, 204);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let portal = Portal::start().await;
    let _admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let name = program.names("/users").await.remove(0);
    let path = format!("/users/{name}");
    assert_eq!(refusal(&program.patch(&path, json!({ "state": "blocked" })).await).0, 409);
    assert_eq!(program.status(Method::DELETE, &path).await, 409);
    assert_eq!(program.get(&path).await["properties"]["state"], "active");
    // Nor does a program become an administrator by choosing the password.
    assert_eq!(refusal(&program.patch(&path, json!({ "password": "eleven herons over 3 locks" })).await).2, "password");
    let late = portico::ids::encode("registrationDate lt 9999-12-31T23:59:59-23:59");
    assert_eq!(program.names(&format!("/users?$filter={late}")).await, [name]);
}

#[tokio::test]
async fn users_are_listed_with_their_groups_and_at_any_depth() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let group = portal.add_group("Partners").await;
    for number in 0..12 {
        let email = format!("user{number}@contoso.example");
        portal.add_user(&email, "User", &number.to_string(), portico::users::UserState::Active, false).await;
    }
    let names = program.names("/users").await;
    program.ask(Method::PUT, &format!("/groups/{group}/users/{}", names[3]), "", None).await.is(201);
    let page = program.get("/users?$top=3&$skip=2&expandGroups=true").await;
    assert_eq!((page["count"].as_i64(), page["value"].as_array().unwrap().len()), (Some(12), 3));
    let groups: Vec<&str> =
        page["value"][1]["properties"]["groups"].as_array().unwrap().iter().map(|group| group["displayName"].as_str().unwrap()).collect();
    assert_eq!(groups, ["Developers", "Partners"]);
    assert_eq!(program.get("/users?$skip=100").await["value"], json!([]));
    // From either end, everybody comes once, in one order.
    for top in [1, 5, 7, 12, 13] {
        let mut seen = Vec::new();
        for skip in (0..12).step_by(top) {
            seen.extend(program.names(&format!("/users?$top={top}&$skip={skip}")).await);
        }
        assert_eq!(seen, names, "{top}");
    }
    assert_eq!(program.names("/users?$filter=email%20eq%20'USER7@contoso.example'").await, [names[7].as_str()]);
}

#[tokio::test]
async fn a_program_lets_a_developer_in_once() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let program = Program::new(&portal, "write").await;
    let ana = program.names("/users?$filter=email eq 'ana@contoso.example'").await.remove(0);
    let link = async || {
        let reply = program.ask(Method::POST, &format!("/users/{ana}/generateSsoUrl"), "", None).await;
        let value = json_of(reply.is(200))["value"].as_str().unwrap().to_owned();
        let path = value.strip_prefix(&portal.base).unwrap().to_owned();
        (path.clone(), path.strip_prefix("/signin-sso?token=").unwrap().to_owned())
    };
    let (path, token) = link().await;
    // Looking at it signs nobody in, whoever sent them here; nothing is told to the next page.
    let guest = portal.guest();
    let page = guest.get(&path).await;
    page.is(200).shows("Ana Alves").shows("ana@");
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("no-referrer", "no-store"));
    // Whoever is signed in as somebody else is told what becomes of that; who is nobody is told nothing of it.
    page.hides("ends that session");
    admin.get(&path).await.is(200).shows("Signing in ends that session.");
    guest.get("/account").await.is(303);
    assert_eq!(guest.post_from_elsewhere("/signin-sso", &[("token", &token)]).await.status, 403);
    let reply = guest.post("/signin-sso", &[("token", &token)]).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/"));
    guest.get("/account").await.is(200).shows("Alves");
    let other = portal.guest();
    other.post("/signin-sso", &[("token", &token)]).await.is(410).shows("This link was used");
    other.get("/account").await.is(303);

    // Five minutes, and no longer than the account is a developer's that is active.
    let (path, token) = link().await;
    portal.pass(time::Duration::minutes(5));
    other.get(&path).await.is(410).shows("This link has run out");
    other.post("/signin-sso", &[("token", &token)]).await.is(410);
    // Whoever signs out everywhere, or is given another password, is not let in by what was sent before.
    let (_, token) = link().await;
    guest.post("/signout/everywhere", &[]).await.is(303);
    other.post("/signin-sso", &[("token", &token)]).await.is(404);
    let (_, token) = link().await;
    program.patch(&format!("/users/{ana}"), json!({ "password": "tulips grow beside 7 canals" })).await.is(200);
    other.post("/signin-sso", &[("token", &token)]).await.is(404);
    let (path, token) = link().await;
    portal.run(&["update users set administrator = true where email = 'ana@contoso.example'"], vec![]).await;
    other.get(&path).await.is(404);
    other.post("/signin-sso", &[("token", &token)]).await.is(404);
    portal.run(&["update users set administrator = false where email = 'ana@contoso.example'"], vec![]).await;
    admin.post(&format!("/publisher/users/{ana}/block"), &[]).await.is(303);
    other.post("/signin-sso", &[("token", &token)]).await.is(404);
    let refused = program.ask(Method::POST, &format!("/users/{ana}/generateSsoUrl"), "", None).await;
    assert_eq!(refusal(&refused).2, "userId");
    let root = program.names("/users?$filter=email eq 'root@portal.example'").await.remove(0);
    assert_eq!(refusal(&program.ask(Method::POST, &format!("/users/{root}/generateSsoUrl"), "", None).await).2, "userId");
    let audited = portal.audited().await;
    assert_eq!(audited.iter().filter(|action| *action == "user.sign_in_link_made").count(), 5);
    assert_eq!(audited.iter().filter(|action| *action == "user.signed_in_by_link").count(), 1);
}
