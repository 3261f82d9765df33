//! The access table of programs: every route of the management API, and what a token of each scope gets.

use reqwest::Method;

use super::{Program, SERVICE, refusal};
use crate::support::{Portal, seed::Product};

/// `(method, pattern below the service, an address of it, [gateway, read, write])`. Without a token everybody gets 401. A change is sent
/// without a body: 400 means that it was let in.
type Row = (&'static str, &'static str, &'static str, [u16; 3]);

pub const TABLE: &[Row] = &[
    ("GET", "", "", [403, 200, 200]),
    ("GET", "/groups", "/groups", [403, 200, 200]),
    ("GET", "/groups/{name}", "/groups/beta", [403, 200, 200]),
    ("HEAD", "/groups/{name}", "/groups/beta", [403, 200, 200]),
    ("PUT", "/groups/{name}", "/groups/beta", [403, 403, 400]),
    ("PATCH", "/groups/{name}", "/groups/beta", [403, 403, 400]),
    ("GET", "/groups/{name}/users", "/groups/beta/users", [403, 200, 200]),
    ("HEAD", "/groups/{name}/users/{inner}", "/groups/beta/users/tia", [403, 404, 404]),
    ("PUT", "/groups/{name}/users/{inner}", "/groups/beta/users/tia", [403, 403, 201]),
    ("DELETE", "/groups/{name}/users/{inner}", "/groups/beta/users/tia", [403, 403, 204]),
    ("DELETE", "/groups/{name}", "/groups/beta", [403, 403, 204]),
    ("GET", "/users", "/users", [403, 200, 200]),
    ("GET", "/users/{name}", "/users/tia", [403, 200, 200]),
    ("HEAD", "/users/{name}", "/users/tia", [403, 200, 200]),
    ("PUT", "/users/{name}", "/users/tia", [403, 403, 400]),
    ("PATCH", "/users/{name}", "/users/tia", [403, 403, 400]),
    ("GET", "/users/{name}/groups", "/users/tia/groups", [403, 200, 200]),
    ("GET", "/users/{name}/identities", "/users/tia/identities", [403, 200, 200]),
    ("GET", "/users/{name}/subscriptions", "/users/tia/subscriptions", [403, 200, 200]),
    ("GET", "/users/{name}/subscriptions/{inner}", "/users/tia/subscriptions/none", [403, 404, 404]),
    ("POST", "/users/{name}/confirmations/password/send", "/users/tia/confirmations/password/send", [403, 403, 204]),
    ("POST", "/users/{name}/token", "/users/tia/token", [403, 403, 400]),
    ("DELETE", "/users/{name}", "/users/tia", [403, 403, 204]),
    ("GET", "/products", "/products", [403, 200, 200]),
    ("GET", "/products/{name}", "/products/open", [403, 200, 200]),
    ("HEAD", "/products/{name}", "/products/open", [403, 200, 200]),
    ("PUT", "/products/{name}", "/products/open", [403, 403, 400]),
    ("PATCH", "/products/{name}", "/products/open", [403, 403, 400]),
    ("GET", "/products/{name}/groups", "/products/open/groups", [403, 200, 200]),
    ("HEAD", "/products/{name}/groups/{inner}", "/products/open/groups/guests", [403, 204, 204]),
    ("PUT", "/products/{name}/groups/{inner}", "/products/open/groups/developers", [403, 403, 201]),
    ("DELETE", "/products/{name}/groups/{inner}", "/products/open/groups/developers", [403, 403, 204]),
    ("GET", "/products/{name}/groupLinks", "/products/open/groupLinks", [403, 200, 200]),
    ("GET", "/products/{name}/groupLinks/{inner}", "/products/open/groupLinks/guests", [403, 200, 200]),
    ("PUT", "/products/{name}/groupLinks/{inner}", "/products/open/groupLinks/new", [403, 403, 400]),
    ("DELETE", "/products/{name}/groupLinks/{inner}", "/products/open/groupLinks/none", [403, 403, 204]),
    ("GET", "/products/{name}/apiLinks", "/products/open/apiLinks", [403, 200, 200]),
    ("GET", "/products/{name}/apiLinks/{inner}", "/products/open/apiLinks/echo", [403, 200, 200]),
    ("PUT", "/products/{name}/apiLinks/{inner}", "/products/open/apiLinks/new", [403, 403, 400]),
    ("DELETE", "/products/{name}/apiLinks/{inner}", "/products/open/apiLinks/none", [403, 403, 204]),
    ("GET", "/products/{name}/apis", "/products/open/apis", [403, 200, 200]),
    ("HEAD", "/products/{name}/apis/{inner}", "/products/open/apis/echo", [403, 204, 204]),
    ("PUT", "/products/{name}/apis/{inner}", "/products/open/apis/echo", [403, 403, 200]),
    ("DELETE", "/products/{name}/apis/{inner}", "/products/open/apis/echo", [403, 403, 204]),
    ("GET", "/products/{name}/subscriptions", "/products/open/subscriptions", [403, 200, 200]),
    ("DELETE", "/products/{name}", "/products/open", [403, 403, 204]),
    ("GET", "/subscriptions", "/subscriptions", [403, 200, 200]),
    ("GET", "/subscriptions/{name}", "/subscriptions/none", [403, 404, 404]),
    ("HEAD", "/subscriptions/{name}", "/subscriptions/none", [403, 404, 404]),
    ("PUT", "/subscriptions/{name}", "/subscriptions/none", [403, 403, 400]),
    ("PATCH", "/subscriptions/{name}", "/subscriptions/none", [403, 403, 400]),
    ("DELETE", "/subscriptions/{name}", "/subscriptions/none", [403, 403, 204]),
    ("POST", "/subscriptions/{name}/listSecrets", "/subscriptions/none/listSecrets", [403, 403, 404]),
    ("POST", "/subscriptions/{name}/regeneratePrimaryKey", "/subscriptions/none/regeneratePrimaryKey", [403, 403, 404]),
    ("POST", "/subscriptions/{name}/regenerateSecondaryKey", "/subscriptions/none/regenerateSecondaryKey", [403, 403, 404]),
    ("GET", "/apis", "/apis", [403, 200, 200]),
    ("GET", "/apis/{name}", "/apis/echo", [403, 200, 200]),
    ("HEAD", "/apis/{name}", "/apis/echo", [403, 200, 200]),
    ("PUT", "/apis/{name}", "/apis/echo", [403, 403, 400]),
    ("PATCH", "/apis/{name}", "/apis/echo", [403, 403, 400]),
    ("GET", "/apis/{name}/products", "/apis/echo/products", [403, 200, 200]),
    ("GET", "/apis/{name}/operations", "/apis/echo/operations", [403, 200, 200]),
    ("GET", "/apis/{name}/operations/{inner}", "/apis/echo/operations/none", [403, 404, 404]),
    ("HEAD", "/apis/{name}/operations/{inner}", "/apis/echo/operations/none", [403, 404, 404]),
    ("PUT", "/apis/{name}/operations/{inner}", "/apis/echo/operations/none", [403, 403, 400]),
    ("PATCH", "/apis/{name}/operations/{inner}", "/apis/echo/operations/none", [403, 403, 400]),
    ("DELETE", "/apis/{name}/operations/{inner}", "/apis/echo/operations/none", [403, 403, 204]),
    ("DELETE", "/apis/{name}", "/apis/echo", [403, 403, 204]),
    ("GET", "/notifications", "/notifications", [403, 200, 200]),
    ("GET", "/notifications/{name}", "/notifications/BCC", [403, 200, 200]),
    ("PUT", "/notifications/{name}", "/notifications/BCC", [403, 403, 200]),
    ("GET", "/notifications/{name}/recipientEmails", "/notifications/BCC/recipientEmails", [403, 200, 200]),
    ("PUT", "/notifications/{name}/recipientEmails/{inner}", "/notifications/BCC/recipientEmails/a@x.example", [403, 403, 201]),
    ("HEAD", "/notifications/{name}/recipientEmails/{inner}", "/notifications/BCC/recipientEmails/a@x.example", [403, 204, 204]),
    ("DELETE", "/notifications/{name}/recipientEmails/{inner}", "/notifications/BCC/recipientEmails/a@x.example", [403, 403, 204]),
    ("GET", "/notifications/{name}/recipientUsers", "/notifications/BCC/recipientUsers", [403, 200, 200]),
    ("PUT", "/notifications/{name}/recipientUsers/{inner}", "/notifications/BCC/recipientUsers/none", [403, 403, 404]),
    ("HEAD", "/notifications/{name}/recipientUsers/{inner}", "/notifications/BCC/recipientUsers/none", [403, 404, 404]),
    ("DELETE", "/notifications/{name}/recipientUsers/{inner}", "/notifications/BCC/recipientUsers/none", [403, 403, 204]),
    ("POST", "/users/{name}/generateSsoUrl", "/users/none/generateSsoUrl", [403, 403, 404]),
    ("GET", "/templates", "/templates", [403, 200, 200]),
    ("GET", "/templates/{name}", "/templates/newDeveloperNotificationMessage", [403, 200, 200]),
    ("HEAD", "/templates/{name}", "/templates/newDeveloperNotificationMessage", [403, 200, 200]),
    ("PUT", "/templates/{name}", "/templates/newDeveloperNotificationMessage", [403, 403, 400]),
    ("PATCH", "/templates/{name}", "/templates/newDeveloperNotificationMessage", [403, 403, 400]),
    ("DELETE", "/templates/{name}", "/templates/newDeveloperNotificationMessage", [403, 403, 204]),
    ("GET", "/portalsettings", "/portalsettings", [403, 200, 200]),
    ("GET", "/portalsettings/signin", "/portalsettings/signin", [403, 200, 200]),
    ("HEAD", "/portalsettings/signin", "/portalsettings/signin", [403, 200, 200]),
    ("PUT", "/portalsettings/signin", "/portalsettings/signin", [403, 403, 400]),
    ("PATCH", "/portalsettings/signin", "/portalsettings/signin", [403, 403, 400]),
    ("GET", "/portalsettings/signup", "/portalsettings/signup", [403, 200, 200]),
    ("HEAD", "/portalsettings/signup", "/portalsettings/signup", [403, 200, 200]),
    ("PUT", "/portalsettings/signup", "/portalsettings/signup", [403, 403, 400]),
    ("PATCH", "/portalsettings/signup", "/portalsettings/signup", [403, 403, 400]),
    ("GET", "/portalsettings/delegation", "/portalsettings/delegation", [403, 200, 200]),
    ("HEAD", "/portalsettings/delegation", "/portalsettings/delegation", [403, 200, 200]),
    ("PUT", "/portalsettings/delegation", "/portalsettings/delegation", [403, 403, 400]),
    ("PATCH", "/portalsettings/delegation", "/portalsettings/delegation", [403, 403, 400]),
    ("POST", "/portalsettings/delegation/listSecrets", "/portalsettings/delegation/listSecrets", [403, 403, 200]),
    ("GET", "/identityProviders", "/identityProviders", [403, 200, 200]),
    ("GET", "/identityProviders/{name}", "/identityProviders/none", [403, 404, 404]),
    ("HEAD", "/identityProviders/{name}", "/identityProviders/none", [403, 404, 404]),
    ("PUT", "/identityProviders/{name}", "/identityProviders/none", [403, 403, 400]),
    ("PATCH", "/identityProviders/{name}", "/identityProviders/none", [403, 403, 400]),
    ("DELETE", "/identityProviders/{name}", "/identityProviders/none", [403, 403, 204]),
    ("POST", "/identityProviders/{name}/listSecrets", "/identityProviders/none/listSecrets", [403, 403, 404]),
    ("GET", "/tenant", "/tenant", [403, 200, 200]),
    ("GET", "/tenant/{name}", "/tenant/access", [403, 200, 200]),
    ("HEAD", "/tenant/{name}", "/tenant/access", [403, 200, 200]),
    ("PUT", "/tenant/{name}", "/tenant/access", [403, 403, 400]),
    ("PATCH", "/tenant/{name}", "/tenant/access", [403, 403, 400]),
    ("POST", "/tenant/{name}/listSecrets", "/tenant/access/listSecrets", [403, 403, 200]),
    ("POST", "/tenant/{name}/regeneratePrimaryKey", "/tenant/access/regeneratePrimaryKey", [403, 403, 204]),
    ("POST", "/tenant/{name}/regenerateSecondaryKey", "/tenant/access/regenerateSecondaryKey", [403, 403, 204]),
];

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    portal.add_user("tia@portal.example", "Tia", "Target", portico::users::UserState::Active, false).await;
    portal.run(&["update users set name = 'tia', name_folded = 'tia' where email_folded = 'tia@portal.example'"], vec![]).await;
    portal.seed_product(Product { name: "open", groups: &["guests"], ..Product::default() }).await;
    let api = portal.import_api("Echo").await;
    let write = Program::new(&portal, "write").await;
    write.ask(Method::PUT, &format!("/products/open/apis/{api}"), "", None).await.is(201);
    let programs = [Program::new(&portal, "gateway").await, Program::new(&portal, "read").await, write];
    let mut wrong = Vec::new();
    for (method, pattern, path, expected) in TABLE {
        let method: Method = method.parse().unwrap();
        // Neither a session nor nothing is a token.
        for browser in [&admin, &portal.guest()] {
            let reply = browser.send(method.clone(), &format!("{SERVICE}{path}?api-version=1"), &[], "", "").await;
            if reply.status != 401 {
                wrong.push(format!("{method} {pattern} without a token: {}", reply.status));
            }
        }
        for ((scope, program), expected) in ["gateway", "read", "write"].into_iter().zip(&programs).zip(expected) {
            let reply = program.ask(method.clone(), path, "*", None).await;
            if reply.status != *expected {
                wrong.push(format!("{method} {pattern} with {scope}: {} instead of {expected}: {}", reply.status, reply.text));
            }
            if reply.status >= 400 && method != Method::HEAD {
                refusal(&reply);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_token_ends_with_the_rights_of_its_maker() {
    let portal = Portal::start().await;
    let _first = portal.administrator().await;
    let second = portal.administrator_named("second@portal.example", "Sec", "Ond").await;
    let made = second
        .post("/publisher/new/token", &[("display_name", "script"), ("scope", "write"), ("password", crate::support::PASSWORD)])
        .await;
    let secret = made.is(200).text.split("portico_wr_").nth(1).unwrap().chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
    let program = Program { client: portal.guest(), token: format!("portico_wr_{secret}") };
    assert_eq!(program.status(Method::GET, "/groups").await, 200);
    portal.run(&["update users set administrator = false where email_folded = 'second@portal.example'"], vec![]).await;
    assert_eq!(program.status(Method::GET, "/groups").await, 401);
    portal.administrator_named("third@portal.example", "Thi", "Rd").await.get("/publisher/tokens").await.shows("Refused");
    portal.run(&["update users set administrator = true, state = 'blocked' where email_folded = 'second@portal.example'"], vec![]).await;
    assert_eq!(program.status(Method::GET, "/groups").await, 401);
    portal.run(&["update users set state = 'active' where email_folded = 'second@portal.example'"], vec![]).await;
    assert_eq!(program.status(Method::GET, "/groups").await, 200);
}
