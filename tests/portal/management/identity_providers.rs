//! Identity providers by the management API, and the accounts of people there.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, SERVICE, json_of, refusal};
use crate::support::{
    PASSWORD, Portal,
    provider::{self, Provider},
};

const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const OTHER: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a491";
const AAD: &str = "/identityProviders/aad";

pub fn okta() -> Value {
    json!({ "type": "okta", "authority": "https://contoso.okta.example", "clientId": "portal", "clientSecret": "s3cret" })
}

fn aad() -> Value {
    json!({ "clientId": "portal", "clientSecret": "s3cret", "allowedTenants": [TENANT] })
}

/// What a program reads of Entra.
fn told(tenant: &str, allowed: &[&str], authority: &str, client: &str) -> Value {
    json!({
        "type": "aad", "signinTenant": tenant, "allowedTenants": allowed, "authority": authority, "clientId": client,
        "clientLibrary": "MSAL-2", "signupPolicyName": null, "signinPolicyName": null, "profileEditingPolicyName": null,
        "passwordResetPolicyName": null,
    })
}

async fn texts(portal: &Portal, column: &'static str) -> Vec<String> {
    let mut connection = portal.db().read().await.unwrap();
    let mut statement = portico::db::Select::new(&connection, "select");
    statement.sql(column).sql("from providers order by id");
    statement.all::<(String,)>(&mut connection).await.unwrap().into_iter().map(|row| row.0).collect()
}

#[tokio::test]
async fn a_provider_is_made_read_changed_and_deleted() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let made = program.put(AAD, aad()).await;
    let entity = json_of(made.is(201));
    assert_eq!(
        (&entity["id"], &entity["type"], &entity["name"]),
        (&json!(format!("{SERVICE}{AAD}")), &json!("Microsoft.ApiManagement/service/identityProviders"), &json!("aad"))
    );
    assert_eq!(entity["properties"], told(TENANT, &[TENANT], "login.microsoftonline.com", "portal"));
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(texts(&portal, "issuer").await, [format!("https://login.microsoftonline.com/{TENANT}/v2.0")]);
    // It is on as the pages begin it, and people are let in.
    portal.guest().get("/signin").await.shows("Microsoft Entra ID");
    let page = admin.get("/publisher/settings/providers/aad").await;
    page.is(200).shows("https://graph.microsoft.com/v1.0").shows("/signin/aad/callback");
    assert_eq!(portal.count("select count(*) from providers where enabled and new_people and not trusts_email").await, 1);
    // The same once more is no change, the secret included.
    let again = program.put("/identityProviders/AAD", aad()).await;
    assert_eq!((again.is(200).header("etag"), &json_of(&again)), ("\"1\"", &entity));
    let head = program.ask(Method::HEAD, AAD, "", None).await;
    assert_eq!((head.status, head.header("etag"), head.text.as_str()), (200, "\"1\"", ""));
    assert_eq!(program.get("/identityProviders/Aad").await, entity);

    let secret = async || json_of(program.ask(Method::POST, &format!("{AAD}/listSecrets"), "", None).await.is(200));
    assert_eq!(secret().await, json!({ "clientSecret": "s3cret" }));
    let changed = program.ask(Method::PATCH, AAD, "\"1\"", Some(json!({ "clientId": "another", "clientLibrary": "ADAL", "x": 1 }))).await;
    assert_eq!(json_of(changed.is(200))["properties"], told(TENANT, &[TENANT], "login.microsoftonline.com", "another"));
    assert_eq!(secret().await["clientSecret"], "s3cret");
    program.patch(AAD, json!({ "clientSecret": " another+one " })).await.is(200);
    assert_eq!(secret().await["clientSecret"], "another+one");
    for (if_match, status) in [("\"1\"", 412), ("\"x\"", 412), ("", 400)] {
        assert_eq!(program.ask(Method::PATCH, AAD, if_match, Some(json!({ "clientId": "x" }))).await.status, status, "{if_match}");
        assert_eq!(program.ask(Method::DELETE, AAD, if_match, None).await.status, status, "{if_match}");
    }
    assert_eq!(program.ask(Method::PUT, AAD, "\"7\"", Some(aad())).await.status, 412);
    program.ask(Method::DELETE, AAD, "\"3\"", None).await.is(204);
    assert_eq!(program.status(Method::DELETE, AAD).await, 204);
    assert_eq!(program.status(Method::GET, AAD).await, 404);
    let audited = portal.audited().await;
    let of_it: Vec<&str> = audited.iter().filter_map(|action| action.strip_prefix("provider.")).collect();
    assert_eq!(of_it, ["created", "secret_shown", "edited", "secret_shown", "edited", "secret_shown", "deleted"]);
    admin.get("/publisher/audit").await.shows("Looked at the client secret of identity provider").shows("<bdi>script to write</bdi>");
    // No secret is in the log.
    let log = portal.texts("select coalesce(before, '') || coalesce(after, '') from audit").await.join("\n");
    assert!(!log.contains("s3cret") && !log.contains("another+one"), "{log}");
}

#[tokio::test]
async fn secrets_are_told_to_who_may_write_alone() {
    let portal = Portal::start().await;
    let (writes, reads) = (Program::new(&portal, "write").await, Program::new(&portal, "read").await);
    let made = writes.put(AAD, aad()).await;
    let read = reads.ask(Method::GET, AAD, "", None).await;
    let listed = reads.ask(Method::GET, "/identityProviders", "", None).await;
    for text in [&made.text, &read.is(200).text, &listed.is(200).text] {
        assert!(!text.contains("s3cret") && !text.contains("clientSecret"), "{text}");
    }
    assert_eq!(refusal(&reads.ask(Method::POST, &format!("{AAD}/listSecrets"), "", None).await).0, 403);
    assert_eq!(writes.status(Method::POST, "/identityProviders/google/listSecrets").await, 404);
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "provider.secret_shown").count(), 0);
}

#[tokio::test]
async fn authority_and_tenant_make_the_issuer_and_are_read_from_it() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let put = async |more: Value| {
        let mut body = aad();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        program.put(AAD, body).await
    };
    put(json!({ "allowedTenants": [TENANT.to_uppercase(), OTHER] })).await.is(201);
    let both = told("organizations", &[TENANT, OTHER], "login.microsoftonline.com", "portal");
    assert_eq!(program.get(AAD).await["properties"], both);
    put(json!({ "authority": "login.microsoftonline.us", "signinTenant": OTHER })).await.is(200);
    assert_eq!(program.get(AAD).await["properties"], told(OTHER, &[TENANT], "login.microsoftonline.us", "portal"));
    assert_eq!(texts(&portal, "issuer").await, [format!("https://login.microsoftonline.us/{OTHER}/v2.0")]);
    // One of the two alone keeps the other; null is what is usual, and another issuer gets a secret.
    let another = program.patch(AAD, json!({ "signinTenant": TENANT })).await;
    assert_eq!((refusal(&another).0, refusal(&another).2.as_str()), (400, "clientSecret"));
    program.patch(AAD, json!({ "signinTenant": TENANT, "clientSecret": "s3cret" })).await.is(200);
    assert_eq!(program.get(AAD).await["properties"]["authority"], "login.microsoftonline.us");
    program.patch(AAD, json!({ "authority": null, "clientSecret": "s3cret" })).await.is(200);
    assert_eq!(program.get(AAD).await["properties"], told(TENANT, &[TENANT], "login.microsoftonline.com", "portal"));
    for (body, target, words) in [
        (json!({ "allowedTenants": ["contoso.onmicrosoft.com"] }), "allowedTenants", "“contoso.onmicrosoft.com” is no tenant ID"),
        (json!({ "allowedTenants": [TENANT, ""] }), "allowedTenants", "is no tenant ID"),
        (json!({ "allowedTenants": (0..33).map(|_| TENANT).collect::<Vec<_>>() }), "allowedTenants", "At most 32"),
        (json!({ "allowedTenants": [] }), "allowedTenants", "every organisation"),
        (json!({ "signinTenant": "contoso.onmicrosoft.com" }), "signinTenant", "The tenant is an ID"),
        (json!({ "signinTenant": "../x" }), "signinTenant", "The tenant is an ID"),
        (json!({ "authority": "https://login.microsoftonline.com" }), "authority", "a host alone"),
        (json!({ "authority": "login.example/x" }), "authority", "a host alone"),
        (json!({ "clientId": "" }), "clientId", "is missing"),
        (json!({ "clientId": "x".repeat(301) }), "clientId", "300"),
        (json!({ "clientSecret": " " }), "clientSecret", "is missing"),
        (json!({ "clientLibrary": "MSAL-9" }), "clientLibrary", "one of"),
        (json!({ "signupPolicyName": "B2C_1" }), "signupPolicyName", "Policies"),
        (json!({ "passwordResetPolicyName": "B2C_1" }), "passwordResetPolicyName", "Policies"),
        (json!({ "type": "google" }), "type", "stays so"),
        (json!({ "type": "aadB2C" }), "type", "aad, google, okta, keycloak, github and oidc"),
    ] {
        let reply = put(body.clone()).await;
        let (status, code, at, message) = refusal(&reply);
        assert_eq!((status, code.as_str(), at.as_str()), (400, "ValidationError", target), "{body}: {message}");
        assert!(message.contains(words), "{body}: {message}");
    }
    assert_eq!(program.get(AAD).await["properties"]["clientId"], "portal");
}

#[tokio::test]
async fn the_name_or_the_type_says_which_sort_it_is() {
    let portal = Portal::start().await;
    let _admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let client = json!({ "clientId": "portal", "clientSecret": "s3cret" });
    let with = |more: Value| {
        let mut body = client.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let google = json_of(program.put("/identityProviders/google", client.clone()).await.is(201));
    let properties = &google["properties"];
    assert_eq!(
        (&properties["type"], &properties["authority"], &properties["signinTenant"], &properties["clientLibrary"]),
        (&json!("google"), &json!("https://accounts.google.com"), &Value::Null, &Value::Null)
    );
    program.put("/identityProviders/contoso", okta()).await.is(201);
    let second = with(json!({ "type": "AAD", "allowedTenants": [OTHER] }));
    assert_eq!(json_of(program.put("/identityProviders/fabrikam", second).await.is(201))["properties"]["type"], "aad");
    for (name, kind) in [("Keys", "keycloak"), ("code.host", "github"), ("any_one", "oidc")] {
        let made =
            program.put(&format!("/identityProviders/{name}"), with(json!({ "type": kind, "authority": "https://id.example/x" }))).await;
        assert_eq!(json_of(made.is(201))["properties"]["authority"], "https://id.example/x", "{name}");
        assert_eq!((&json_of(&made)["properties"]["type"], &json_of(&made)["name"]), (&json!(kind), &json!(name)));
    }
    // By what they are called on pages.
    assert_eq!(program.names("/identityProviders").await, ["any_one", "code.host", "contoso", "fabrikam", "google", "Keys"]);
    let page = program.get("/identityProviders?$top=2&$skip=3").await;
    assert_eq!((page["count"].as_i64(), &page["value"][0]["name"]), (Some(6), &json!("fabrikam")));
    assert!(page["nextLink"].as_str().unwrap().ends_with("&$skip=5"), "{page}");
    assert_eq!(refusal(&program.ask(Method::GET, "/identityProviders?$filter=name%20eq%20'x'", "", None).await).2, "$filter");

    let issuer = "https://id.example/x";
    for (name, body, target) in [
        ("facebook", client.clone(), "identityProviderName"),
        ("aadB2C", aad(), "identityProviderName"),
        ("Microsoft", okta(), "identityProviderName"),
        ("x", with(json!({ "type": "twitter", "authority": issuer })), "type"),
        ("x", with(json!({ "authority": issuer })), "type"),
        ("x", with(json!({ "type": "okta" })), "authority"),
        ("x", with(json!({ "type": "okta", "authority": "http://id.example" })), "authority"),
        ("x", with(json!({ "type": "github", "authority": issuer, "signinTenant": TENANT })), "signinTenant"),
        ("x", with(json!({ "type": "oidc", "authority": issuer, "allowedTenants": [TENANT] })), "allowedTenants"),
        ("x", json!({ "type": "oidc", "authority": issuer, "clientId": "portal" }), "clientSecret"),
        ("aad", with(json!({ "type": "okta", "authority": issuer })), "type"),
        ("google", with(json!({ "authority": issuer })), "authority"),
        ("Again", okta(), "identityProviderName"),
        ("confirm", okta(), "identityProviderName"),
        ("a%20b", okta(), "identityProviderName"),
        ("a%2Fb", okta(), "identityProviderName"),
        ("%C3%A9", okta(), "identityProviderName"),
    ] {
        let reply = program.put(&format!("/identityProviders/{name}"), body.clone()).await;
        let (status, code, at, message) = refusal(&reply);
        assert_eq!((status, code.as_str(), at.as_str()), (400, "ValidationError", target), "{name} {body}: {message}");
    }
    // Settings of signing in and providers are two things.
    assert_eq!(program.get("/portalsettings/signin").await["properties"], json!({ "enabled": false }));
}

#[tokio::test]
async fn what_programs_do_not_know_stays() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let typed = [
        ("display_name", "Contoso’s people"),
        ("kind", "keycloak"),
        ("issuer", "https://login.contoso.example/realms/staff"),
        ("scopes", "openid email offline_access"),
        ("email_claim", "mail"),
        ("name_claim", "full_name"),
        ("groups_claim", "teams"),
        ("allowed_domains", "contoso.example"),
        ("new_people", ""),
        ("trusts_email", "on"),
        ("enabled", ""),
        ("directory", "https://login.contoso.example/admin/realms/staff"),
        ("sync_minutes", "45"),
        ("administrators_value", "/operators"),
    ];
    provider::post(&admin, "/publisher/new/provider", &provider::form_for("", &typed)).await.is(303);
    let kept =
        "display_name || scopes || email_claim || name_claim || groups_claim || allowed_domains || directory || administrators_value";
    let before = texts(&portal, kept).await;
    let path = "/identityProviders/contoso-s-people";
    let read = program.get(path).await["properties"].clone();
    assert_eq!((&read["type"], &read["authority"]), (&json!("keycloak"), &json!("https://login.contoso.example/realms/staff")));
    program.patch(path, json!({ "clientId": "second" })).await.is(200);
    // What was read may be written back, and is all there is.
    let mut body = read;
    body["clientId"] = json!("third");
    assert_eq!(json_of(program.put(path, body.clone()).await.is(200))["properties"], body);
    assert_eq!(texts(&portal, kept).await, before);
    let flags =
        "select count(*) from providers where trusts_email and not new_people and not enabled and sync_minutes = 45 and version = 3";
    assert_eq!(portal.count(flags).await, 1);
    let secret = json_of(program.ask(Method::POST, &format!("{path}/listSecrets"), "", None).await.is(200));
    assert_eq!(secret["clientSecret"], provider::SECRET);
}

#[tokio::test]
async fn the_rules_of_the_pages_hold() {
    let portal = Portal::start().await;
    let _admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let server = Provider::start(&portal).await;
    let body = json!({ "type": "oidc", "authority": server.base, "clientId": provider::CLIENT, "clientSecret": provider::SECRET });
    program.put("/identityProviders/contoso", body.clone()).await.is(201);
    let ida = portal.guest();
    assert_eq!(server.sign_in(&ida, "contoso").await.location(), "/");
    // People are linked by the issuer.
    let moved = program.patch("/identityProviders/contoso", json!({ "authority": "https://id.example", "clientSecret": "x" })).await;
    let (status, _, target, message) = refusal(&moved);
    assert_eq!((status, target.as_str()), (400, "authority"), "{message}");
    assert!(message.starts_with("1 person is linked"), "{message}");
    // The last way in stays.
    portal.run(&["update password_sign_in set allowed = false"], vec![]).await;
    assert_eq!(refusal(&program.ask(Method::DELETE, "/identityProviders/contoso", "*", None).await).1, "Conflict");
    portal.run(&["update password_sign_in set allowed = true"], vec![]).await;
    // What is called alike on pages.
    program.put("/identityProviders/Google", json!({ "clientId": "portal", "clientSecret": "x" })).await.is(201);
    portal.run(&["update providers set display_name = 'x', display_name_folded = 'x' where kind = 'google'"], vec![]).await;
    let alike = program.put("/identityProviders/x", okta()).await;
    assert_eq!(refusal(&alike).2, "identityProviderName");
    // A group of a provider that had the name is not another's.
    let group = portal.add_group("Staff").await;
    let kept = "update groups set kind = 'external', provider = 'contoso', external_id = 'staff' where name =";
    portal.run(&[kept, ""], vec![group.into()]).await;
    program.ask(Method::DELETE, "/identityProviders/contoso", "*", None).await.is(204);
    ida.get("/account").await.is(303);
    let again = program.put("/identityProviders/contoso", body).await;
    assert_eq!((refusal(&again).0, refusal(&again).1.as_str()), (409, "Conflict"));
}

#[tokio::test]
async fn users_say_by_what_they_sign_in() {
    let portal = Portal::start().await;
    let _admin = portal.administrator().await;
    let program = Program::new(&portal, "write").await;
    let server = Provider::start(&portal).await;
    let body = json!({ "type": "oidc", "authority": server.base, "clientId": provider::CLIENT, "clientSecret": provider::SECRET });
    program.put("/identityProviders/contoso", body).await.is(201);
    program.put(AAD, aad()).await.is(201);
    program.put("/identityProviders/google", json!({ "clientId": "portal", "clientSecret": "x" })).await.is(201);
    // Somebody new has no password; somebody who has one is linked as well.
    assert_eq!(server.sign_in(&portal.guest(), "contoso").await.location(), "/");
    let dev = portal.developer("dev@portal.example").await;
    server.says(json!({ "sub": "dev-\"1\"", "email": "dev@portal.example" }));
    let back = server.back(&dev, "/account/link/contoso", &[("password", PASSWORD)]).await;
    dev.get(&back).await.is(303);
    for (name, subject) in [("aad", "'oid-1'"), ("google", "'g-1'")] {
        let insert = "insert into identities (user_id, provider_id, subject, linked_at) select i.user_id, p.id,";
        let rest = "as subject, i.linked_at from identities i join users u on u.id = i.user_id join providers p on p.name =";
        let subject = subject.trim_matches('\'').to_owned();
        portal
            .run(&[insert, rest, "where u.email = 'dev@portal.example' and i.subject like 'dev-%'"], vec![subject.into(), name.into()])
            .await;
    }
    let all = program.get("/users").await;
    let of = |list: &Value, email: &str| {
        let users = list["value"].as_array().unwrap();
        let one = users.iter().find(|one| one["properties"]["email"] == email).unwrap();
        (one["name"].as_str().unwrap().to_owned(), one["properties"]["identities"].clone())
    };
    let basic = |email: &str| json!({ "provider": "Basic", "id": email });
    assert_eq!(of(&all, "root@portal.example").1, json!([basic("root@portal.example")]));
    let (ida, ways) = of(&all, "ida@contoso.example");
    assert_eq!(ways, json!([{ "provider": "contoso", "id": "ida-1" }]));
    let (name, ways) = of(&all, "dev@portal.example");
    let linked = json!([
        basic("dev@portal.example"),
        { "provider": "Aad", "id": "oid-1" },
        { "provider": "contoso", "id": "dev-\"1\"" },
        { "provider": "Google", "id": "g-1" },
    ]);
    assert_eq!(ways, linked);
    // In every place that tells of users.
    for path in ["/users?expandGroups=true", "/users?$filter=contains(email,'@')", "/groups/developers/users", "/users?$top=2&$skip=1"] {
        assert_eq!(of(&program.get(path).await, "dev@portal.example").1, linked, "{path}");
    }
    assert_eq!(program.get(&format!("/users/{name}")).await["properties"]["identities"], linked);
    let identities = program.get(&format!("/users/{name}/identities")).await;
    assert_eq!((&identities["value"], &identities["count"], &identities["nextLink"]), (&linked, &json!(4), &json!("")));
    // What was read may be written back; nobody is linked by it.
    let path = format!("/users/{name}");
    let changed = program.patch(&path, json!({ "note": "met", "identities": linked })).await;
    assert_eq!(json_of(changed.is(200))["properties"]["identities"], linked);
    for identities in
        [json!([{ "provider": "Aad", "id": "oid-2" }]), json!([{ "provider": "Google" }]), json!([{ "provider": "x", "id": "y" }])]
    {
        assert_eq!(refusal(&program.patch(&path, json!({ "identities": identities })).await).2, "identities");
        let new = json!({ "email": "x@y.example", "firstName": "X", "lastName": "Y", "identities": identities });
        assert_eq!(refusal(&program.put("/users/new", new).await).2, "identities");
    }
    // Without one there is no way in.
    program.ask(Method::DELETE, "/identityProviders/contoso", "*", None).await.is(204);
    assert_eq!(program.get(&format!("/users/{ida}/identities")).await["value"], json!([]));
}
