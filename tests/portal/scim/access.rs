//! Who may provision, and what is told to whoever may not.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    PASSWORD, Portal,
    scim::{BASE, Scim, json_of, refusal},
};
use portico::auth::{
    self,
    tokens::{NewToken, create},
};

#[tokio::test]
async fn a_token_of_a_provider_opens_what_others_do_not() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let mut tokens = vec![(String::new(), 401), ("Basic eDp5".to_owned(), 401), (bearer("portico_sc_none"), 401)];
    for scope in ["gateway", "read", "write"] {
        let new = NewToken { display_name: scope.to_owned(), scope: scope.to_owned(), ..NewToken::default() };
        tokens.push((bearer(&create(portal.db(), &auth::operator(), &new).await.unwrap().secret), 403));
    }
    for (method, path) in portico::app::route_list().into_iter().filter(|(_, path)| path.starts_with(BASE)) {
        let method: Method = method.as_str().parse().unwrap();
        let path = path.replace("{name}", "none");
        for (authorization, expected) in &tokens {
            let headers: &[(&str, &str)] = if authorization.is_empty() { &[] } else { &[("authorization", authorization.as_str())] };
            // A session of an administrator is none.
            for browser in [&portal.guest(), &admin] {
                let reply = browser.send(method.clone(), &path, headers, "", "").await;
                assert_eq!(refusal(&reply), (*expected, String::new()), "{method} {path} {authorization}");
                assert_eq!(reply.header("www-authenticate").starts_with("Bearer"), *expected == 401, "{method} {path}");
            }
        }
        let reply = scim.send(method.clone(), path.strip_prefix(BASE).unwrap(), &[], "", "").await;
        assert!(![401, 403, 405, 500].contains(&reply.status), "{method} {path}: {}", reply.text);
        if reply.status >= 400 {
            refusal(&reply);
        }
    }
    // And it opens nothing else.
    let read = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ApiManagement/service/portico/groups?api-version=1";
    let reply = portal.guest().send(Method::GET, read, &[("authorization", &bearer(&scim.token))], "", "").await;
    assert_eq!(reply.status, 403, "{}", reply.text);
    assert_eq!(portal.guest().send(Method::GET, "/gateway/check", &[("authorization", &bearer(&scim.token))], "", "").await.status, 401);
}

#[tokio::test]
async fn a_token_lives_as_long_as_its_provider_is_on() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    let page = format!("/publisher/settings/providers/{}", scim.provider);
    admin.get(&page).await.is(200).shows("Provisioning (SCIM)").shows("/scim/v2").shows("Never");
    assert_eq!(scim.ask(Method::GET, "/Users", Value::Null).await.status, 200);
    // A token is told once, and is nobody's on the page of tokens.
    admin.get(&page).await.is(200).hides("portico_sc_");
    admin.get("/publisher/tokens").await.is(200).hides("directory ");
    portal.run(&["update providers set enabled = false"], vec![]).await;
    assert_eq!(scim.ask(Method::GET, "/Users", Value::Null).await.status, 401);
    portal.run(&["update providers set enabled = true"], vec![]).await;
    assert_eq!(scim.ask(Method::GET, "/Users", Value::Null).await.status, 200);

    // It ends with its day, and by being revoked with the password.
    let made = admin.post(&format!("{page}/new-token"), &[("display_name", "short"), ("last_day", "2026-03-02")]).await;
    let token = format!(
        "portico_sc_{}",
        made.is(200).text.split("portico_sc_").nth(1).unwrap().chars().take_while(char::is_ascii_alphanumeric).collect::<String>()
    );
    let short = Scim { token, ..Scim::of(&portal, &admin, &scim.provider).await };
    assert_eq!(short.ask(Method::GET, "/Users", Value::Null).await.status, 200);
    portal.pass(time::Duration::days(1));
    assert_eq!(short.ask(Method::GET, "/Users", Value::Null).await.status, 401);
    let admin = portal.signed_in("root@portal.example").await;
    let names = portal.texts("select name from tokens where scope = 'scim' order by id").await;
    let revoke = format!("{page}/tokens/{}/revoke", names[0]);
    admin.post(&revoke, &[]).await.is(422);
    admin.post(&format!("/publisher/tokens/{}/revoke", names[0]), &[("password", PASSWORD)]).await.is(404);
    admin.get(&revoke).await.is(200);
    admin.post(&revoke, &[("password", PASSWORD)]).await.is(303);
    assert_eq!(scim.ask(Method::GET, "/Users", Value::Null).await.status, 401);

    // With the provider all of them go, and accounts stay.
    let scim = Scim::of(&portal, &admin, &scim.provider).await;
    let id = scim.add("Ana", "Sá", "ana@contoso.example").await;
    scim.patch(&format!("/Users/{id}"), json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    scim.add_group("Sales", "g1", &[]).await;
    admin.post(&format!("{page}/delete"), &[("password", PASSWORD)]).await.is(303);
    assert_eq!(scim.ask(Method::GET, "/Users", Value::Null).await.status, 401);
    assert_eq!(portal.count("select count(*) from tokens where scope = 'scim'").await, 0);
    assert_eq!(portal.count("select count(*) from users where state = 'blocked' and blocked_by is null").await, 1);
    drop(provider);
}

#[tokio::test]
async fn what_is_supported_is_said() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let config = scim.get("/ServiceProviderConfig").await;
    for (feature, supported) in
        [("patch", true), ("bulk", false), ("filter", true), ("changePassword", false), ("sort", true), ("etag", true)]
    {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    let types = scim.get("/ResourceTypes").await;
    assert_eq!((&types["totalResults"], &types["Resources"][0]["endpoint"]), (&json!(2), &json!("/Users")));
    assert_eq!(scim.get("/ResourceTypes/Group").await["schema"], "urn:ietf:params:scim:schemas:core:2.0:Group");
    let schemas = scim.get("/Schemas").await;
    for schema in schemas["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        assert_eq!(scim.get(&format!("/Schemas/{id}")).await, *schema);
        assert!(schema["meta"]["location"].as_str().unwrap().starts_with(&portal.base), "{schema}");
    }
    // Nothing that changes a password, or shows one.
    assert!(!schemas.to_string().contains("\"password\""));
    for (method, path, status) in [
        (Method::GET, "/Schemas?filter=id%20pr", 403),
        (Method::POST, "/Schemas", 405),
        (Method::PUT, "/ServiceProviderConfig", 405),
        (Method::PATCH, "/Users", 405),
        (Method::POST, "/Bulk", 501),
        (Method::GET, "/Me", 501),
        (Method::GET, "/Nothing", 404),
        (Method::GET, "/Schemas/none", 404),
        (Method::GET, "/ResourceTypes/none", 404),
        (Method::GET, "", 404),
    ] {
        let reply = scim.ask(method.clone(), path, Value::Null).await;
        assert_eq!(refusal(&reply).0, status, "{method} {path}");
        assert_eq!(reply.header("allow").is_empty(), status != 405, "{method} {path}");
    }
    let reply = scim.client_get("/scim").await;
    assert_eq!(refusal(&reply).0, 404);
    json_of(&reply);
}
