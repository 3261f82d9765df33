//! People that a directory keeps here.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, Portal,
    provider::Provider,
    scim::{BASE, Scim, id_of, json_of, refusal, state_of},
};
use portico::users::UserState;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn somebody_is_made_read_changed_and_gone() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let body = json!({
        "schemas": [USER, ENTERPRISE], "userName": "Ana@contoso.example", "externalId": "00u1", "active": true, "password": "never kept",
        "name": { "givenName": "Ana", "familyName": "Sá" }, "displayName": "Ana Sá", "title": "<b>Chief</b>",
        "emails": [{ "value": "ana@contoso.example", "type": "work", "primary": true }], "shoeSize": 38,
        ENTERPRISE: { "department": "R&D", "manager": "m1" }, "urn:x:custom:2.0:User": { "colour": "blue" },
    });
    let made = scim.post("/Users", body).await;
    let user = json_of(made.is(201));
    let id = user["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("{}{BASE}/Users/{id}", portal.base));
    assert_eq!(user["schemas"], json!([USER, ENTERPRISE, "urn:x:custom:2.0:User"]));
    assert_eq!((&user["userName"], &user["externalId"], &user["shoeSize"]), (&json!("Ana@contoso.example"), &json!("00u1"), &json!(38)));
    assert_eq!(user[ENTERPRISE], json!({ "department": "R&D", "manager": { "value": "m1" } }));
    assert_eq!((&user["meta"]["resourceType"], &user["meta"]["location"]), (&json!("User"), &json!(made.header("location"))));
    assert_eq!(made.header("etag"), user["meta"]["version"].as_str().unwrap());
    assert!(user.get("password").is_none() && !made.text.contains("never kept"));
    assert_eq!(scim.get(&format!("/Users/{id}")).await, user);

    // It is an account here: active, without a password, and nobody was mailed.
    assert_eq!(state_of(&portal, &id).await, "active");
    assert_eq!(portal.count("select count(*) from mails").await, 0);
    assert_eq!(portal.count("select count(*) from users where password_hash is null").await, 1);
    // Of what no page knows none shows.
    admin.get(&format!("/publisher/users/{id}")).await.is(200).shows("Ana Sá").shows("ana@contoso.example").hides("Chief").hides("colour");

    // Okta puts the whole again, Entra ID patches: one entry a request that changed something, none for one that did not.
    let before = portal.audited().await.len();
    let same = scim.put(&format!("/Users/{id}"), user.clone()).await;
    assert_eq!((json_of(same.is(200)), portal.audited().await.len()), (user.clone(), before));
    let mut other = user.clone();
    other["name"]["familyName"] = "Sousa".into();
    other["emails"][0]["value"] = "ana.sousa@contoso.example".into();
    other.as_object_mut().unwrap().remove("shoeSize");
    let changed = json_of(scim.put(&format!("/Users/{id}"), other).await.is(200));
    assert_eq!((&changed["name"]["familyName"], changed.get("shoeSize")), (&json!("Sousa"), None));
    assert_ne!(changed["meta"]["version"], user["meta"]["version"]);
    admin.get(&format!("/publisher/users/{id}")).await.shows("Ana Sousa").shows("ana.sousa@contoso.example");
    scim.patch(&format!("/Users/{id}"), json!([{ "op": "Replace", "path": "title", "value": "CTO" }])).await.is(200);
    assert_eq!(portal.audited().await[before..], ["user.edited", "user.attributes_provisioned"]);
    for entry in portal.texts("select name from audit order by id desc limit 3").await {
        admin.get(&format!("/publisher/audit/{entry}")).await.is(200).hides("CTO");
    }

    // Gone there: blocked here, and to be deleted by an administrator.
    assert_eq!(scim.delete(&format!("/Users/{id}")).await, 204);
    assert_eq!(scim.delete(&format!("/Users/{id}")).await, 404);
    assert_eq!(refusal(&scim.ask(Method::GET, &format!("/Users/{id}"), Value::Null).await).0, 404);
    assert_eq!(scim.ids("/Users").await, [""; 0]);
    assert_eq!(state_of(&portal, &id).await, "blocked");
    assert_eq!(portal.audited().await.last().unwrap(), "user.deprovisioned");
    admin.get(&format!("/publisher/users/{id}")).await.is(200).shows("Contoso");

    // And back: the same account, let in again.
    let back = scim
        .post(
            "/Users",
            json!({ "userName": "ana@contoso.example", "externalId": "00u1", "name": { "givenName": "Ana", "familyName": "Sousa" } }),
        )
        .await;
    assert_eq!((id_of(back.is(201)), state_of(&portal, &id).await.as_str()), (id.clone(), "active"));

    // An administrator deletes it: a directory that asks finds nobody, and makes somebody new.
    admin.post("/publisher/delete/users", &[("user", &id), ("users", "1"), ("live", "0"), ("password", PASSWORD)]).await.is(303);
    assert_eq!(scim.ask(Method::GET, &format!("/Users/{id}"), Value::Null).await.status, 404);
    assert_eq!(portal.count("select count(*) from scim_users").await + portal.count("select count(*) from scim_emails").await, 0);
    assert_ne!(scim.add("Ana", "Sá", "ana@contoso.example").await, id);
}

#[tokio::test]
async fn names_and_addresses_follow_from_what_is_given() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    for (body, email, first, last) in [
        (
            json!({ "userName": "a1", "emails": [{ "value": "h1@x.example", "type": "home" }, { "value": "w1@x.example", "type": "work" }] }),
            "w1@x.example",
            "A1",
            "",
        ),
        (
            json!({ "userName": "a2", "displayName": "Bo van Dijk", "emails": [{ "value": "f2@x.example" }, { "value": "p2@x.example", "primary": true }] }),
            "p2@x.example",
            "Bo",
            "van Dijk",
        ),
        (json!({ "userName": "kim.lee@x.example" }), "kim.lee@x.example", "Kim", "Lee"),
        (json!({ "userName": "who@x.example", "displayName": "who@x.example" }), "who@x.example", "Who", ""),
        (
            json!({ "userName": "a5", "name": { "familyName": "Ito" }, "displayName": "Rie Ito", "emails": { "value": "r5@x.example" } }),
            "r5@x.example",
            "Rie",
            "Ito",
        ),
    ] {
        let id = id_of(scim.post("/Users", body.clone()).await.is(201));
        let sql = "select email || '|' || first_name || '|' || last_name || '|' || state from users order by id desc limit 1";
        let state = if last.is_empty() { "pending" } else { "active" };
        assert_eq!(portal.texts(sql).await, [format!("{email}|{first}|{last}|{state}")], "{body}");
        // Who is pending has nothing missing but what the first sign-in asks.
        assert_eq!(scim.get(&format!("/Users/{id}")).await["active"], true);
    }
    for (body, why) in [
        (json!({ "userName": "nobody" }), (400, "invalidValue")),
        (json!({ "emails": [{ "value": "x@x.example" }] }), (400, "invalidValue")),
        (json!({ "userName": "", "emails": [{ "value": "x@x.example" }] }), (400, "invalidValue")),
        (json!({ "userName": "a b\u{0}", "emails": [{ "value": "x@x.example" }] }), (400, "invalidValue")),
        (json!({ "userName": "x", "emails": [{ "value": "no address" }] }), (400, "invalidValue")),
        (json!({ "userName": "x", "emails": "x@x.example", "name": "X" }), (400, "invalidValue")),
        (
            json!({ "userName": "x", "emails": [{ "value": "x@x.example", "primary": true }, { "value": "y@x.example", "primary": true }] }),
            (400, "invalidValue"),
        ),
        (
            json!({ "userName": "x", "emails": [{ "value": "x@x.example" }], "name": { "givenName": "evil.com/x", "familyName": "Y" } }),
            (400, "invalidValue"),
        ),
        (json!({ "userName": "x", "emails": [{ "value": "ｋim@x.example" }] }), (400, "invalidValue")),
        (json!({ "userName": "x", "emails": [{ "value": "x@x.example" }], "active": "perhaps" }), (400, "invalidValue")),
        (json!({ "userName": "x", "emails": [{ "value": "x@x.example" }], "blob": "y".repeat(33_000) }), (413, "")),
        (json!(["userName"]), (400, "invalidSyntax")),
        (json!({ "userName": "KIM.LEE@x.example" }), (409, "uniqueness")),
        (json!({ "userName": "other", "emails": [{ "value": "Kim.Lee@x.example" }] }), (409, "uniqueness")),
    ] {
        assert_eq!(refusal(&scim.post("/Users", body.clone()).await), (why.0, why.1.to_owned()), "{body}");
    }
    assert_eq!(portal.count("select count(*) from users").await, 6);
}

#[tokio::test]
async fn what_is_sent_wrongly_is_refused_in_scims_words() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    for (kind, body, expected) in [
        ("application/scim+json", "{", (400, "invalidSyntax")),
        ("application/scim+json", "", (400, "invalidSyntax")),
        ("application/json; charset=utf-8", "[]", (400, "invalidSyntax")),
        ("text/plain", "{}", (415, "")),
        ("application/x-www-form-urlencoded", "userName=x", (415, "")),
    ] {
        let reply = scim.send(Method::POST, "/Users", &[], kind, body).await;
        assert_eq!(refusal(&reply), (expected.0, expected.1.to_owned()), "{kind} {body}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refusal(&scim.send(Method::POST, "/Users", &[], "application/scim+json", &deep).await), (400, "invalidSyntax".to_owned()));
    let large = format!("{{\"userName\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    assert_eq!(refusal(&scim.send(Method::POST, "/Users", &[], "application/scim+json", &large).await), (413, String::new()));
    // What would be compared with each other for minutes.
    let many: Vec<usize> = (0..100_000).collect();
    let keys: serde_json::Map<String, Value> = many.iter().take(50_000).map(|key| (format!("k{key}"), json!(1))).collect();
    let id = scim.add("Ana", "Sá", "ana@contoso.example").await;
    let began = std::time::Instant::now();
    for (reply, expected) in [
        (scim.post("/Users", Value::Object(keys.clone())).await, (413, "")),
        (scim.post("/Users", json!({ "userName": "x@x.example", "name": keys })).await, (413, "")),
        (scim.patch(&format!("/Users/{id}"), json!([{ "op": "add", "path": "emails", "value": many }])).await, (413, "")),
        (scim.patch(&format!("/Users/{id}"), json!([{ "op": "remove", "path": "emails", "value": many }])).await, (413, "")),
        (scim.patch(&format!("/Users/{id}"), json!([{ "op": "add", "value": keys }])).await, (400, "tooMany")),
        (scim.patch(&format!("/Users/{id}"), json!(vec![json!({ "op": "add", "path": "a", "value": 1 }); 1_001])).await, (400, "tooMany")),
        (scim.patch(&format!("/Users/{id}"), json!([{ "op": "add", "path": "a", "value": many }])).await, (413, "")),
    ] {
        assert_eq!(refusal(&reply), (expected.0, expected.1.to_owned()));
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    for path in ["/Users?count=x", "/Users?startIndex=1.5", "/Users?sortBy=shoeSize", "/Users?sortBy=%22"] {
        assert_eq!(refusal(&scim.ask(Method::GET, path, Value::Null).await), (400, "invalidValue".to_owned()), "{path}");
    }
    assert_eq!(refusal(&scim.ask(Method::GET, "/Users?filter=%00", Value::Null).await), (400, "invalidSyntax".to_owned()));
}

#[tokio::test]
async fn somebody_who_is_not_active_there_is_blocked_here() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    provider.says(json!({ "sub": "00u1", "email": "ida@contoso.example" }));
    let body = json!({ "userName": "ida@contoso.example", "externalId": "00u1", "name": { "givenName": "Ida", "familyName": "Kjær" } });
    let id = id_of(scim.post("/Users", body).await.is(201));
    let path = format!("/Users/{id}");
    let browser = portal.guest();
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/account").await.is(200).shows("Ida");

    // As Entra ID writes it: capitals, and a text. The next click is a guest's.
    let read = scim.get(&path).await;
    let off = scim.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "False" }])).await;
    assert_eq!(json_of(off.is(200))["active"], false);
    assert_eq!(state_of(&portal, &id).await, "blocked");
    browser.get("/account").await.is(303);
    let refused = provider.sign_in(&browser, &scim.provider).await;
    assert!(refused.status != 303 || refused.location().contains("refused"), "{} {}", refused.status, refused.location());
    admin.get(&format!("/publisher/users/{id}")).await.is(200).shows("Contoso");
    assert_ne!(scim.get(&path).await["meta"]["version"], read["meta"]["version"]);
    // As Okta writes it.
    let on = scim.patch(&path, json!([{ "op": "replace", "value": { "active": true } }])).await;
    assert_eq!((json_of(on.is(200))["active"].clone(), state_of(&portal, &id).await.as_str()), (json!(true), "active"));
    assert_eq!(
        portal.audited().await.iter().filter(|action| action.starts_with("user.block") || action.starts_with("user.activ")).count(),
        2
    );
    provider.sign_in(&browser, &scim.provider).await.is(303);

    // Who was blocked by hand stays so, whatever the directory says, and reads so.
    admin.post(&format!("/publisher/users/{id}/block"), &[]).await.is(303);
    let on = scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": true }])).await;
    assert_eq!((json_of(on.is(200))["active"].clone(), state_of(&portal, &id).await.as_str()), (json!(false), "blocked"));
    let whole = scim.get(&path).await;
    scim.put(&path, {
        let mut all = whole.clone();
        all["active"] = true.into();
        all
    })
    .await
    .is(200);
    assert_eq!(state_of(&portal, &id).await, "blocked");
    // Also when the directory blocks and lets in meanwhile.
    scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": true }])).await.is(200);
    assert_eq!(state_of(&portal, &id).await, "blocked");
    scim.delete(&path).await;
    scim.post("/Users", json!({ "userName": "ida@contoso.example", "externalId": "00u1" })).await.is(201);
    assert_eq!(state_of(&portal, &id).await, "blocked");

    // Let in by hand, and blocked by hand after the directory had blocked: by hand counts.
    admin.post(&format!("/publisher/users/{id}/activate"), &[("password", PASSWORD)]).await.is(303);
    assert_eq!(state_of(&portal, &id).await, "active");
    scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    admin.post(&format!("/publisher/users/{id}/activate"), &[("password", PASSWORD)]).await.is(303);
    // A change of something else does not block again.
    scim.patch(&path, json!([{ "op": "replace", "path": "title", "value": "x" }])).await.is(200);
    assert_eq!(state_of(&portal, &id).await, "active");
    admin.post(&format!("/publisher/users/{id}/block"), &[]).await.is(303);
    scim.patch(&path, json!([{ "op": "replace", "path": "active", "value": true }])).await.is(200);
    assert_eq!(state_of(&portal, &id).await, "blocked");
}

#[tokio::test]
async fn an_account_that_is_there_is_taken_over_but_no_administrators() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    let dora = portal.add_user("dora@contoso.example", "Dora", "Old", UserState::Active, false).await;
    let taken = scim.post("/Users", json!({ "userName": "dora", "emails": [{ "value": "dora@contoso.example" }], "name": { "givenName": "Dora", "familyName": "New" } })).await;
    assert_eq!(id_of(taken.is(201)), dora);
    admin.get(&format!("/publisher/users/{dora}")).await.shows("Dora New");
    portal.signed_in("dora@contoso.example").await.get("/account").await.is(200);
    assert_eq!(portal.audited().await.last().unwrap(), "user.taken_over");
    // Not by a letter that only looks so.
    portal.add_user("straße@contoso.example", "Str", "Aße", UserState::Active, false).await;
    let wide = scim.post("/Users", json!({ "userName": "s", "emails": [{ "value": "strasse@contoso.example" }] })).await;
    assert_eq!(refusal(&wide), (409, "uniqueness".to_owned()));

    // Blocked by hand, it stays so.
    let eve = portal.add_user("eve@contoso.example", "Eve", "X", UserState::Blocked, false).await;
    let blocked = scim.post("/Users", json!({ "userName": "eve@contoso.example", "active": true })).await;
    assert_eq!((json_of(blocked.is(201))["active"].clone(), state_of(&portal, &eve).await.as_str()), (json!(false), "blocked"));

    // An administrator's account is not to be had, nor its address, nor the last one's way in.
    let root = json!({ "userName": "root@portal.example", "active": false });
    assert_eq!(refusal(&scim.post("/Users", root.clone()).await), (409, "uniqueness".to_owned()));
    provider.says(json!({ "sub": "root-1", "email": "root@portal.example" }));
    let back = provider.back(&admin, &format!("/account/link/{}", scim.provider), &[]).await;
    admin.get(&back).await.is(303);
    let last = scim.post("/Users", root.clone()).await;
    assert_eq!(refusal(&last), (409, String::new()));
    let kept = scim.post("/Users", json!({ "userName": "root@portal.example", "externalId": "root-1" })).await;
    let root = id_of(kept.is(201));
    let path = format!("/Users/{root}");
    for operations in [
        json!([{ "op": "replace", "path": "active", "value": false }]),
        json!([{ "op": "replace", "path": "emails", "value": [{ "value": "mallory@evil.example" }] }]),
    ] {
        assert_eq!(refusal(&scim.patch(&path, operations).await), (409, String::new()));
    }
    assert_eq!(scim.delete(&path).await, 409);
    admin.get("/publisher").await.is(200);
    // An administrator by a provider is none of the portal's own.
    let other = portal.add_user("second@portal.example", "Sec", "Ond", UserState::Active, true).await;
    portal.run(&["update users set administrator_by = (select id from providers) where name =", ""], vec![other.clone().into()]).await;
    assert_eq!(scim.delete(&path).await, 409);
    portal.run(&["update users set administrator_by = null where name =", ""], vec![other.into()]).await;
    assert_eq!(scim.delete(&path).await, 204);
    assert_eq!(state_of(&portal, &root).await, "blocked");
}

#[tokio::test]
async fn an_address_or_a_user_name_of_somebody_else_is_not_taken() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    scim.add("Bo", "Li", "bo@contoso.example").await;
    portal.add_user("dora@portal.example", "Dora", "X", UserState::Active, false).await;
    let path = format!("/Users/{ana}");
    let before = scim.get(&path).await;
    for operations in [
        json!([{ "op": "replace", "path": "userName", "value": "BO@contoso.example" }]),
        json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "bo@contoso.example" }]),
        json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "Dora@portal.example" }]),
    ] {
        assert_eq!(refusal(&scim.patch(&path, operations).await), (409, "uniqueness".to_owned()));
    }
    assert_eq!(scim.get(&path).await, before);
    // What has to be there stays there; without addresses the account keeps its own.
    assert_eq!(refusal(&scim.patch(&path, json!([{ "op": "remove", "path": "userName" }])).await), (400, "invalidValue".to_owned()));
    scim.patch(&path, json!([{ "op": "remove", "path": "emails" }, { "op": "replace", "path": "userName", "value": "ana" }])).await.is(200);
    assert_eq!(portal.count("select count(*) from users where email = 'ana@contoso.example'").await, 1);
    // A domain that may not come in by the provider.
    portal.run(&["update providers set allowed_domains = '[\"contoso.example\"]'"], vec![]).await;
    assert_eq!(refusal(&scim.post("/Users", json!({ "userName": "dora@portal.example" })).await), (400, "invalidValue".to_owned()));
    assert_eq!(
        refusal(&scim.patch(&path, json!([{ "op": "add", "path": "emails", "value": [{ "value": "x@evil.example" }] }])).await),
        (400, "invalidValue".to_owned())
    );
}

#[tokio::test]
async fn another_providers_token_finds_nobody() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let other = Provider::start(&portal).await;
    let name = other.add(&admin, &[("display_name", "Fabrikam")]).await;
    let other = Scim::of(&portal, &admin, &name).await;
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    let sales = scim.add_group("Sales", "g1", &[&ana]).await;
    assert_eq!((other.ids("/Users").await, other.ids("/Groups").await), (vec![], vec![]));
    for path in [format!("/Users/{ana}"), format!("/Groups/{sales}")] {
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(other.ask(method, &path, Value::Null).await.status, 404);
        }
        assert_eq!(other.put(&path, json!({ "userName": "x", "displayName": "x" })).await.status, 404);
        assert_eq!(other.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "x" }])).await.status, 404);
    }
    let stolen = other.post("/Groups", json!({ "displayName": "Mine", "members": [{ "value": ana }] })).await;
    assert_eq!(refusal(&stolen), (400, "invalidValue".to_owned()));
    let members = other.get(&format!("/Users?filter=id%20eq%20%22{ana}%22")).await;
    assert_eq!(members["totalResults"], 0);

    // Both may keep one account: who blocks it lets it in, and not while the other one wants it blocked.
    assert_eq!(other.add("Ana", "Sá", "ana@contoso.example").await, ana);
    let set = async |who: &Scim, active: bool| {
        who.patch(&format!("/Users/{ana}"), json!([{ "op": "replace", "path": "active", "value": active }])).await.is(200);
    };
    set(&scim, false).await;
    set(&other, true).await;
    assert_eq!(state_of(&portal, &ana).await, "blocked");
    set(&other, false).await;
    set(&scim, true).await;
    assert_eq!(state_of(&portal, &ana).await, "blocked");
    set(&other, true).await;
    assert_eq!(state_of(&portal, &ana).await, "active");
}

#[tokio::test]
async fn versions_are_held_against_headers() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    let sales = scim.add_group("Sales", "g1", &[&ana]).await;
    for (path, title) in [(format!("/Users/{ana}"), "title"), (format!("/Groups/{sales}"), "displayName")] {
        let etag = scim.ask(Method::GET, &path, Value::Null).await.header("etag").to_owned();
        assert!(etag.starts_with("W/\""), "{etag}");
        let with = async |method: Method, name: &str, tag: &str, body: &Value| {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            scim.send(method, &path, &[(name, tag)], "application/scim+json", &body).await
        };
        assert_eq!(with(Method::GET, "if-none-match", &etag, &Value::Null).await.status, 304);
        assert_eq!(with(Method::GET, "if-none-match", "W/\"other\"", &Value::Null).await.status, 200);
        let patch = json!({ "Operations": [{ "op": "replace", "path": title, "value": "New" }] });
        assert_eq!(refusal(&with(Method::PATCH, "if-match", "W/\"other\"", &patch).await), (412, String::new()));
        let done = with(Method::PATCH, "if-match", &format!("W/\"other\", {etag}"), &patch).await;
        assert!(done.status < 300 && done.header("etag") != etag, "{} {}", done.status, done.text);
        let whole = scim.get(&path).await;
        assert_eq!(with(Method::PUT, "if-match", &etag, &whole).await.status, 412);
        assert_eq!(with(Method::DELETE, "if-match", &etag, &Value::Null).await.status, 412);
        assert_eq!(with(Method::PUT, "if-match", "*", &whole).await.status, 200);
        assert_eq!(with(Method::PUT, "if-match", done.header("etag"), &whole).await.status, 200);
    }
    // Who is blocked by hand reads otherwise, so it is another version.
    let etag = scim.ask(Method::GET, &format!("/Users/{ana}"), Value::Null).await.header("etag").to_owned();
    admin.post(&format!("/publisher/users/{ana}/block"), &[]).await.is(303);
    assert_ne!(scim.ask(Method::GET, &format!("/Users/{ana}"), Value::Null).await.header("etag"), etag);
}

#[tokio::test]
async fn whoever_is_provisioned_comes_in_by_the_provider() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    // The subject is the external id: linked at once, whatever the address that the provider tells now.
    let ida = json!({ "userName": "ida@contoso.example", "externalId": "00u1", "name": { "givenName": "Ida", "familyName": "Kjær" } });
    let id = id_of(scim.post("/Users", ida).await.is(201));
    provider.says(json!({ "sub": "00u1", "email": "ida.new@contoso.example", "email_verified": false }));
    let browser = portal.guest();
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/account").await.is(200).shows("ida@contoso.example");
    assert_eq!(portal.count("select count(*) from identities where subject = '00u1'").await, 1);
    // By an address that the provider vouches for, as anybody.
    let bo = scim.add("Bo", "Li", "bo@contoso.example").await;
    provider.says(json!({ "sub": "sub-of-bo", "email": "bo@contoso.example", "email_verified": true }));
    let browser = portal.guest();
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/account").await.is(200).shows("bo@contoso.example");
    // Blocked stays blocked.
    let cy = id_of(scim.post("/Users", json!({ "userName": "cy@contoso.example", "externalId": "00u3", "active": false })).await.is(201));
    provider.says(json!({ "sub": "00u3", "email": "other@contoso.example" }));
    let refused = provider.sign_in(&portal.guest(), &scim.provider).await;
    assert!(refused.location().contains("refused") || refused.status >= 400, "{} {}", refused.status, refused.location());
    assert_eq!((state_of(&portal, &cy).await.as_str(), portal.count("select count(*) from identities").await), ("blocked", 2));

    // Terms are accepted by people: an account that was provisioned waits for it.
    portal.run(&["update sign_up set terms = 'Be kind.'"], vec![]).await;
    let dag = id_of(
        scim.post(
            "/Users",
            json!({ "userName": "dag@contoso.example", "externalId": "00u4", "name": { "givenName": "Dag", "familyName": "Ek" } }),
        )
        .await
        .is(201),
    );
    assert_eq!(state_of(&portal, &dag).await, "pending");
    provider.says(json!({ "sub": "00u4", "email": "dag@contoso.example", "given_name": "Dag", "family_name": "Ek" }));
    let browser = portal.guest();
    let asked = provider.sign_in(&browser, &scim.provider).await;
    assert_eq!(asked.is(303).location(), "/signin/join");
    let page = browser.get("/signin/join").await;
    let mark = page.text.split("name=\"shown_terms\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.post("/signin/join", &[("first_name", "Dag"), ("last_name", "Ek"), ("terms", "on"), ("shown_terms", &mark)]).await.is(303);
    assert_eq!(state_of(&portal, &dag).await, "active");
    browser.get("/account").await.is(200).shows("dag@contoso.example");
    drop((admin, id, bo));
}

#[tokio::test]
async fn two_requests_at_once_are_one_after_the_other() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let body = json!({ "userName": "ana@contoso.example", "name": { "givenName": "Ana", "familyName": "Sá" } });
    let made = futures_util::future::join_all((0..8).map(|_| scim.post("/Users", body.clone()))).await;
    let mut statuses: Vec<u16> = made.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    let ana = id_of(made.iter().find(|reply| reply.status == 201).unwrap());
    let sales = scim.add_group("Sales", "g1", &[]).await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(scim.add("P", "Q", &format!("p{number}@contoso.example")).await);
    }
    let path = format!("/Groups/{sales}");
    let adds = people.iter().map(|id| scim.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])));
    assert!(futures_util::future::join_all(adds).await.iter().all(|reply| reply.status == 204));
    people.sort();
    assert_eq!(scim.members(&sales).await, people);
    let path = format!("/Users/{ana}");
    let numbers = ["a", "b", "c", "d"];
    let patches = numbers.map(|value| scim.patch(&path, json!([{ "op": "add", "path": format!("x{value}"), "value": value }])));
    assert!(futures_util::future::join_all(patches).await.iter().all(|reply| reply.status == 200));
    let read = scim.get(&path).await;
    assert!(numbers.iter().all(|value| read[format!("x{value}")] == *value), "{read}");
}
