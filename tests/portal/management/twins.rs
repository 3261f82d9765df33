//! What an administrator does on a page and what a program does by REST are one operation: the log says the same of both, but for who
//! did it.

use reqwest::Method;
use serde_json::{Value, json};

use super::Program;
use crate::support::{Browser, PASSWORD, Portal};

/// What the log says, without who did it, when, and what is by chance.
async fn told(portal: &Portal) -> Vec<(String, String, Value, Value)> {
    let mut connection = portal.db().read().await.unwrap();
    let rows = portico::db::Select::new(
        &connection,
        "select action, subject_kind || ' ' || subject_name, coalesce(before, 'null'), coalesce(after, 'null') from audit order by id",
    );
    let rows = rows.all::<(String, String, String, String)>(&mut connection).await.unwrap();
    let read = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        // A page writes Markdown, a program HTML.
        if value.get("subject").is_some_and(|subject| subject == "Hello $DevFirstName") {
            (value["body"], value["format"]) = (json!("some"), json!("some"));
        }
        // Subscriptions that pages make have names by chance.
        if value.get("terms_accepted").is_some() {
            value["name"] = json!("some");
        }
        value
    };
    rows.into_iter().map(|(action, subject, before, after)| (action, subject, read(&before), read(&after))).collect()
}

/// A portal with an administrator, somebody else, and a token; what is in its log until then is left out.
struct Stage {
    portal: Portal,
    admin: Browser,
    program: Program,
    before: usize,
}

impl Stage {
    async fn new() -> Self {
        let portal = Portal::start().await;
        let admin = portal.administrator().await;
        portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
        portal.run(&["update users set name = 'ana', name_folded = 'ana' where email_folded = 'ana@contoso.example'"], vec![]).await;
        let program = Program::new(&portal, "write").await;
        let before = told(&portal).await.len();
        Self { portal, admin, program, before }
    }

    async fn told(&self) -> Vec<(String, String, Value, Value)> {
        told(&self.portal).await.split_off(self.before)
    }

    async fn page(&self, path: &str, form: &[(&str, &str)]) {
        let reply = self.admin.post(path, form).await;
        assert_eq!(reply.status, 303, "{path}: {}", reply.text);
    }

    async fn rest(&self, method: Method, path: &str, body: Value) {
        let if_match = if method == Method::PUT { "" } else { "*" };
        let reply = self.program.ask(method, path, if_match, Some(body)).await;
        assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text);
    }
}

/// The two logs side by side.
fn same(page: &[(String, String, Value, Value)], rest: &[(String, String, Value, Value)]) {
    assert!(!page.is_empty());
    for (page, rest) in page.iter().zip(rest) {
        assert_eq!(page, rest);
    }
    assert_eq!(page.len(), rest.len(), "{:?}", rest.iter().map(|entry| &entry.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn groups_and_products() {
    let (page, rest) = (Stage::new().await, Stage::new().await);
    page.page("/publisher/new/group", &[("display_name", "Partners"), ("description", "Ours")]).await;
    page.page("/publisher/groups/partners", &[("version", "1"), ("display_name", "Partners"), ("description", "")]).await;
    page.page("/publisher/groups/partners/add-member", &[("who", "ana@contoso.example")]).await;
    page.page("/publisher/groups/partners/remove-members", &[("user", "ana")]).await;
    let product = [("display_name", "Orders"), ("description", "All"), ("subscription_required", "on"), ("subscriptions_limit", "2")];
    page.page("/publisher/new/product", &product).await;
    let settings = [("version", "1"), ("display_name", "Orders"), ("subscription_required", "on"), ("approval_required", "on")];
    page.page("/publisher/products/orders/settings", &settings).await;
    page.page("/publisher/products/orders/publish", &[]).await;
    page.page("/publisher/products/orders/visibility", &[("listed", "partners"), ("group", "partners")]).await;
    page.page("/publisher/products/orders/visibility", &[("listed", "partners"), ("shown", "partners")]).await;
    page.page("/publisher/products/orders/unpublish", &[]).await;
    page.page("/publisher/products/orders/delete", &[]).await;
    page.page("/publisher/groups/partners/delete", &[]).await;

    let group = json!({ "displayName": "Partners", "description": "Ours" });
    rest.rest(Method::PUT, "/groups/partners", group).await;
    rest.rest(Method::PATCH, "/groups/partners", json!({ "description": null })).await;
    let member = "/groups/partners/users/ana";
    rest.rest(Method::PUT, member, json!({})).await;
    rest.rest(Method::DELETE, member, json!({})).await;
    rest.rest(Method::PUT, "/products/orders", json!({ "displayName": "Orders", "description": "All", "subscriptionsLimit": 2 })).await;
    let settings = json!({ "description": "", "approvalRequired": true, "subscriptionsLimit": null });
    rest.rest(Method::PATCH, "/products/orders", settings).await;
    rest.rest(Method::PATCH, "/products/orders", json!({ "state": "published" })).await;
    rest.rest(Method::PUT, "/products/orders/groups/partners", json!({})).await;
    rest.rest(Method::DELETE, "/products/orders/groups/partners", json!({})).await;
    rest.rest(Method::PATCH, "/products/orders", json!({ "state": "notPublished" })).await;
    rest.rest(Method::DELETE, "/products/orders", json!({})).await;
    rest.rest(Method::DELETE, "/groups/partners", json!({})).await;
    same(&page.told().await, &rest.told().await);
}

#[tokio::test]
async fn users() {
    let (page, rest) = (Stage::new().await, Stage::new().await);
    let ben = [("email", "ben@contoso.example"), ("first_name", "Ben"), ("last_name", "Bo")];
    page.page("/publisher/new/user", &[&ben[..], &[("password", PASSWORD)]].concat()).await;
    let path = "/publisher/users/ana";
    let edited = [("version", "1"), ("email", "ana@contoso.example"), ("first_name", "Ana"), ("last_name", "Costa"), ("note", "met")];
    page.page(path, &edited).await;
    page.page(&format!("{path}/block"), &[]).await;
    page.page(&format!("{path}/activate"), &[]).await;
    page.page(&format!("{path}/send-reset"), &[]).await;
    let deleted = [("user", "ana"), ("users", "1"), ("live", "0"), ("password", PASSWORD)];
    page.page("/publisher/delete/users", &deleted).await;

    let ben = json!({ "email": "ben@contoso.example", "firstName": "Ben", "lastName": "Bo", "password": PASSWORD });
    rest.rest(Method::PUT, "/users/ben", ben).await;
    let path = "/users/ana";
    rest.rest(Method::PATCH, path, json!({ "lastName": "Costa", "note": "met" })).await;
    rest.rest(Method::PATCH, path, json!({ "state": "blocked" })).await;
    rest.rest(Method::PATCH, path, json!({ "state": "active" })).await;
    rest.rest(Method::POST, &format!("{path}/confirmations/password/send"), json!({})).await;
    rest.rest(Method::DELETE, path, json!({})).await;
    same(&page.told().await, &rest.told().await);
}

#[tokio::test]
async fn apis_and_subscriptions_and_settings() {
    let (page, rest) = (Stage::new().await, Stage::new().await);
    let document = r#"{"openapi": "3.0.3", "info": {"title": "Tides", "version": "3"}, "paths": {"/tides": {"get": {"operationId": "list", "responses": {"200": {"description": "OK"}}}}}}"#;
    page.admin.upload("/publisher/import/api", &[("text", document), ("url", ""), ("suffix", "tides")], None).await.is(303);
    let made = [("display_name", "Echo"), ("suffix", "echo"), ("servers", "https://echo.contoso.example"), ("api_version", "")];
    page.admin.upload("/publisher/new/api", &made, None).await.is(303);
    let operation = [("method", "GET"), ("url_template", "/echo"), ("display_name", "Say it"), ("name", "say")];
    page.page("/publisher/apis/echo/add-operation", &operation).await;
    page.page("/publisher/apis/echo/operations/say/delete", &[]).await;
    page.page("/publisher/new/product", &[("display_name", "Sea"), ("subscription_required", "on")]).await;
    page.page("/publisher/products/sea/add-apis", &[("api", "tides")]).await;
    page.page("/publisher/products/sea/remove-apis", &[("api", "tides")]).await;
    let newer = document.replace("/tides", "/all-tides").replace("\"3\"", "\"4\"");
    page.admin.upload("/publisher/apis/tides/replace", &[("version", "1"), ("text", &newer), ("url", "")], None).await.is(303);
    page.page("/publisher/apis/tides/delete", &[]).await;
    let placed = [("who", "ana@contoso.example"), ("which", "sea"), ("activate", "on"), ("display_name", "Hers")];
    let reply = page.admin.post("/publisher/new/subscription", &placed).await;
    let held = reply.is(303).location().to_owned();
    for decision in ["suspend", "activate"] {
        page.page(&format!("{held}/decide"), &[("decision", decision), ("comment", "so")]).await;
    }
    let asked = page.admin.get(&format!("{held}/regenerate/secondary")).await.text;
    let version = asked.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    page.page(&format!("{held}/regenerate"), &[("version", version), ("key", "secondary")]).await;
    let words = [("version", "0"), ("subject", "Hello $DevFirstName"), ("body", "Come *in*")];
    page.page("/publisher/mail-templates/new-developer", &words).await;
    let html = "update mail_templates set body = '<p>Come in</p>', format = 'html'";
    page.portal.run(&[html], vec![]).await;
    page.page("/publisher/mail-templates/new-developer", &[("version", "1"), ("subject", "Hello"), ("body", "<p>Come in</p>")]).await;
    page.page("/publisher/mail-templates/new-developer/reset", &[]).await;
    page.page("/publisher/notifications/bcc", &[("version", "1"), ("addresses", "desk@contoso.example")]).await;
    page.page("/publisher/settings/sign-up", &[("version", "1"), ("allowed", "on"), ("terms", "Be kind.")]).await;

    let import = json!({ "path": "tides", "format": "openapi+json", "value": document });
    rest.rest(Method::PUT, "/apis/tides", import).await;
    let echo = json!({ "displayName": "Echo", "path": "echo", "serviceUrl": "https://echo.contoso.example" });
    rest.rest(Method::PUT, "/apis/echo", echo).await;
    let operation = json!({ "displayName": "Say it", "method": "GET", "urlTemplate": "/echo" });
    rest.rest(Method::PUT, "/apis/echo/operations/say", operation).await;
    rest.rest(Method::DELETE, "/apis/echo/operations/say", json!({})).await;
    rest.rest(Method::PUT, "/products/sea", json!({ "displayName": "Sea" })).await;
    rest.rest(Method::PUT, "/products/sea/apis/tides", json!({})).await;
    rest.rest(Method::DELETE, "/products/sea/apis/tides", json!({})).await;
    rest.rest(Method::PUT, "/apis/tides", json!({ "path": "tides", "format": "openapi+json", "value": newer })).await;
    rest.rest(Method::DELETE, "/apis/tides", json!({})).await;
    let hers = json!({ "displayName": "Hers", "ownerId": "/users/ana", "scope": "/products/sea", "state": "active" });
    rest.rest(Method::PUT, "/subscriptions/hers", hers).await;
    for state in ["suspended", "active"] {
        rest.rest(Method::PATCH, "/subscriptions/hers", json!({ "state": state, "stateComment": "so" })).await;
    }
    rest.rest(Method::POST, "/subscriptions/hers/regenerateSecondaryKey", json!({})).await;
    let template = "/templates/newDeveloperNotificationMessage";
    rest.rest(Method::PUT, template, json!({ "subject": "Hello $DevFirstName", "body": "<p>Come in</p>" })).await;
    rest.rest(Method::PATCH, template, json!({ "subject": "Hello" })).await;
    rest.rest(Method::DELETE, template, json!({})).await;
    rest.rest(Method::PUT, "/notifications/BCC/recipientEmails/desk%40contoso.example", json!({})).await;
    let terms = json!({ "enabled": true, "text": "Be kind.", "consentRequired": true });
    rest.rest(Method::PUT, "/portalsettings/signup", json!({ "enabled": true, "termsOfService": terms })).await;
    same(&page.told().await, &rest.told().await);
}

#[tokio::test]
async fn identity_providers() {
    const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let (page, rest) = (Stage::new().await, Stage::new().await);
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let mut form = vec![
        ("display_name", "Microsoft Entra ID"),
        ("kind", "entra"),
        ("issuer", &issuer),
        ("client_id", "portal"),
        ("client_secret", "s3cret"),
        ("scopes", "openid profile email"),
        ("email_claim", "email"),
        ("name_claim", "name"),
        ("groups_claim", "groups"),
        ("allowed_tenants", TENANT),
        ("new_people", "on"),
        ("enabled", "on"),
        ("directory", "https://graph.microsoft.com/v1.0"),
        ("sync_minutes", "30"),
        ("password", PASSWORD),
    ];
    page.page("/publisher/new/provider", &form).await;
    form.retain(|(field, _)| !["client_id", "client_secret"].contains(field));
    form.extend([("version", "1"), ("client_id", "another"), ("client_secret", "an0ther")]);
    let path = "/publisher/settings/providers/microsoft-entra-id";
    page.page(path, &form).await;
    page.page(&format!("{path}/delete"), &[]).await;

    let made = json!({ "clientId": "portal", "clientSecret": "s3cret", "allowedTenants": [TENANT] });
    rest.rest(Method::PUT, "/identityProviders/aad", made).await;
    rest.rest(Method::PATCH, "/identityProviders/aad", json!({ "clientId": "another", "clientSecret": "an0ther" })).await;
    rest.rest(Method::DELETE, "/identityProviders/aad", json!({})).await;
    same(&page.told().await, &rest.told().await);
}
