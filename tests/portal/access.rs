//! The access table: every mounted route, who asks, what they get; and that no other site can ask for a change.

use crate::support::{Browser, Portal, seed::Product};
use portico::users::UserState;
use reqwest::Method;

/// `(method, pattern, an address of it, [guest, developer, administrator])`; a pending or blocked person is a guest.
/// 303 for a guest is the way to sign in. A change is sent with an empty form: 422 or 400 means that it was let in.
type Row = (&'static str, &'static str, &'static str, [u16; 3]);

const TABLE: &[Row] = &[
    ("GET", "/healthz", "/healthz", [200, 200, 200]),
    ("GET", "/readyz", "/readyz", [200, 200, 200]),
    ("GET", "/assets/{file:.*}", "/assets/none", [404, 404, 404]),
    ("GET", "/signin", "/signin", [200, 303, 303]),
    ("POST", "/signin", "/signin", [422, 422, 422]),
    // There is no provider.
    ("POST", "/signin/{name}", "/signin/none", [404, 404, 404]),
    ("GET", "/signin/{name}/callback", "/signin/none/callback", [303, 303, 303]),
    ("POST", "/signin/{name}/again", "/signin/none/again", [303, 404, 404]),
    ("GET", "/signin/{name}/end", "/signin/none/end", [404, 404, 404]),
    // A provider comes from elsewhere, with a token that it signs.
    ("POST", "/signin/{name}/logout", "/signin/none/logout", [404, 404, 404]),
    ("GET", "/signin/refused", "/signin/refused?why=over", [403, 403, 403]),
    ("GET", "/signin/again", "/signin/again", [303, 200, 200]),
    // Nobody waits in this browser.
    ("GET", "/signin/join", "/signin/join", [410, 410, 410]),
    ("POST", "/signin/join", "/signin/join", [410, 410, 410]),
    ("POST", "/signin/join/password", "/signin/join/password", [410, 410, 410]),
    ("GET", "/signin/confirm/{token}", "/signin/confirm/none", [404, 404, 404]),
    ("POST", "/signin/confirm/{token}", "/signin/confirm/none", [404, 404, 404]),
    ("POST", "/account/link/{name}", "/account/link/none", [303, 303, 303]),
    ("POST", "/account/unlink/{inner}", "/account/unlink/0", [303, 303, 303]),
    ("POST", "/signout", "/signout", [303, 303, 303]),
    ("POST", "/signout/everywhere", "/signout/everywhere", [303, 303, 303]),
    ("GET", "/setup", "/setup", [404, 404, 404]),
    ("POST", "/setup", "/setup", [404, 404, 404]),
    ("POST", "/theme", "/theme", [303, 303, 303]),
    ("GET", "/publisher/subscriptions/{name}", "/publisher/subscriptions/held", [303, 403, 200]),
    ("POST", "/publisher/subscriptions/{name}/decide", "/publisher/subscriptions/held/decide", [303, 403, 400]),
    ("GET", "/publisher/subscriptions/{name}/cancel", "/publisher/subscriptions/held/cancel", [303, 403, 200]),
    ("POST", "/publisher/subscriptions/{name}/keys", "/publisher/subscriptions/held/keys", [303, 403, 422]),
    ("GET", "/publisher/subscriptions/{name}/regenerate/{inner}", "/publisher/subscriptions/held/regenerate/primary", [303, 403, 200]),
    ("POST", "/publisher/subscriptions/{name}/regenerate", "/publisher/subscriptions/held/regenerate", [303, 403, 400]),
    ("POST", "/publisher/subscriptions/{name}/end", "/publisher/subscriptions/held/end", [303, 403, 400]),
    ("GET", "/publisher/new/subscription", "/publisher/new/subscription", [303, 403, 200]),
    ("POST", "/publisher/new/subscription", "/publisher/new/subscription", [303, 403, 422]),
    ("GET", "/publisher/groups", "/publisher/groups", [303, 403, 200]),
    ("GET", "/publisher/new/group", "/publisher/new/group", [303, 403, 200]),
    ("POST", "/publisher/new/group", "/publisher/new/group", [303, 403, 422]),
    ("GET", "/publisher/groups/{name}", "/publisher/groups/beta", [303, 403, 200]),
    ("POST", "/publisher/groups/{name}", "/publisher/groups/beta", [303, 403, 400]),
    ("GET", "/publisher/groups/{name}/delete", "/publisher/groups/beta/delete", [303, 403, 200]),
    ("POST", "/publisher/groups/{name}/delete", "/publisher/groups/beta/delete", [303, 403, 303]),
    ("POST", "/publisher/groups/{name}/sync", "/publisher/groups/beta/sync", [303, 403, 404]),
    ("POST", "/publisher/groups/{name}/add-member", "/publisher/groups/beta/add-member", [303, 403, 422]),
    ("POST", "/publisher/groups/{name}/remove-members", "/publisher/groups/beta/remove-members", [303, 403, 303]),
    ("GET", "/publisher", "/publisher", [303, 403, 200]),
    ("GET", "/publisher/settings", "/publisher/settings", [303, 403, 200]),
    ("GET", "/site/{file}", "/site/logo-none.png", [404, 404, 404]),
    ("GET", "/publisher/settings/site", "/publisher/settings/site", [303, 403, 200]),
    ("POST", "/publisher/settings/site", "/publisher/settings/site", [303, 403, 415]),
    ("POST", "/publisher/settings/site/preview", "/publisher/settings/site/preview", [303, 403, 415]),
    ("GET", "/publisher/settings/providers", "/publisher/settings/providers", [303, 403, 200]),
    ("POST", "/publisher/settings/passwords", "/publisher/settings/passwords", [303, 403, 422]),
    ("GET", "/publisher/new/provider", "/publisher/new/provider", [303, 403, 200]),
    ("POST", "/publisher/new/provider", "/publisher/new/provider", [303, 403, 422]),
    ("GET", "/publisher/settings/providers/{name}", "/publisher/settings/providers/none", [303, 403, 404]),
    ("POST", "/publisher/settings/providers/{name}", "/publisher/settings/providers/none", [303, 403, 404]),
    ("POST", "/publisher/settings/providers/{name}/test", "/publisher/settings/providers/none/test", [303, 403, 404]),
    ("GET", "/publisher/settings/providers/{name}/delete", "/publisher/settings/providers/none/delete", [303, 403, 404]),
    ("POST", "/publisher/settings/providers/{name}/delete", "/publisher/settings/providers/none/delete", [303, 403, 404]),
    ("GET", "/publisher/settings/providers/{name}/new-token", "/publisher/settings/providers/none/new-token", [303, 403, 404]),
    ("POST", "/publisher/settings/providers/{name}/new-token", "/publisher/settings/providers/none/new-token", [303, 403, 404]),
    (
        "GET",
        "/publisher/settings/providers/{name}/tokens/{inner}/revoke",
        "/publisher/settings/providers/none/tokens/none/revoke",
        [303, 403, 404],
    ),
    (
        "POST",
        "/publisher/settings/providers/{name}/tokens/{inner}/revoke",
        "/publisher/settings/providers/none/tokens/none/revoke",
        [303, 403, 404],
    ),
    ("GET", "/publisher/mail", "/publisher/mail", [303, 403, 200]),
    ("GET", "/publisher/mail/{name}", "/publisher/mail/none", [303, 403, 404]),
    ("POST", "/publisher/mail/{name}/resend", "/publisher/mail/none/resend", [303, 403, 404]),
    ("POST", "/publisher/mail/{name}/link", "/publisher/mail/none/link", [303, 403, 404]),
    ("POST", "/publisher/resend-failed-mail", "/publisher/resend-failed-mail", [303, 403, 303]),
    // There is no mail server.
    ("POST", "/publisher/resend-kept-mail", "/publisher/resend-kept-mail", [303, 403, 409]),
    ("GET", "/publisher/mail-templates", "/publisher/mail-templates", [303, 403, 200]),
    ("GET", "/publisher/mail-templates/{name}", "/publisher/mail-templates/invitation", [303, 403, 200]),
    ("POST", "/publisher/mail-templates/{name}", "/publisher/mail-templates/invitation", [303, 403, 422]),
    ("POST", "/publisher/mail-templates/{name}/preview", "/publisher/mail-templates/invitation/preview", [303, 403, 422]),
    ("POST", "/publisher/mail-templates/{name}/test", "/publisher/mail-templates/invitation/test", [303, 403, 422]),
    ("POST", "/publisher/mail-templates/{name}/reset", "/publisher/mail-templates/invitation/reset", [303, 403, 303]),
    ("GET", "/publisher/notifications", "/publisher/notifications", [303, 403, 200]),
    ("GET", "/publisher/notifications/{name}", "/publisher/notifications/sign_up", [303, 403, 200]),
    ("POST", "/publisher/notifications/{name}", "/publisher/notifications/sign_up", [303, 403, 400]),
    ("GET", "/publisher/tokens", "/publisher/tokens", [303, 403, 200]),
    ("GET", "/publisher/new/token", "/publisher/new/token", [303, 403, 200]),
    ("POST", "/publisher/new/token", "/publisher/new/token", [303, 403, 422]),
    ("GET", "/publisher/tokens/{name}/revoke", "/publisher/tokens/none/revoke", [303, 403, 404]),
    ("POST", "/publisher/tokens/{name}/revoke", "/publisher/tokens/none/revoke", [303, 403, 404]),
    // Who asks shows a token; a session opens nothing here.
    ("GET", "/gateway/check", "/gateway/check", [401, 401, 401]),
    ("GET", "/gateway/check/{address:.*}", "/gateway/check/echo", [401, 401, 401]),
    ("GET", "/publisher/audit", "/publisher/audit", [303, 403, 200]),
    ("GET", "/publisher/export/audit.csv", "/publisher/export/audit.csv", [303, 403, 200]),
    ("GET", "/publisher/export/audit.jsonl", "/publisher/export/audit.jsonl", [303, 403, 200]),
    ("GET", "/publisher/audit/{name}", "/publisher/audit/none", [303, 403, 404]),
    ("GET", "/publisher/products", "/publisher/products", [303, 403, 200]),
    ("GET", "/publisher/order/products", "/publisher/order/products", [303, 403, 200]),
    ("POST", "/publisher/order/products", "/publisher/order/products", [303, 403, 400]),
    ("GET", "/publisher/new/product", "/publisher/new/product", [303, 403, 200]),
    ("POST", "/publisher/new/product", "/publisher/new/product", [303, 403, 422]),
    ("GET", "/publisher/products/{name}", "/publisher/products/orders", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/add-apis", "/publisher/products/orders/add-apis", [303, 403, 303]),
    ("POST", "/publisher/products/{name}/remove-apis", "/publisher/products/orders/remove-apis", [303, 403, 303]),
    ("GET", "/publisher/products/{name}/settings", "/publisher/products/orders/settings", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/settings", "/publisher/products/orders/settings", [303, 403, 400]),
    ("GET", "/publisher/products/{name}/visibility", "/publisher/products/orders/visibility", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/visibility", "/publisher/products/orders/visibility", [303, 403, 303]),
    ("GET", "/publisher/products/{name}/add-groups", "/publisher/products/orders/add-groups?provider=none", [303, 403, 404]),
    ("POST", "/publisher/products/{name}/add-groups", "/publisher/products/orders/add-groups", [303, 403, 404]),
    ("GET", "/publisher/products/{name}/subscribers", "/publisher/products/orders/subscribers", [303, 403, 200]),
    ("GET", "/publisher/products/{name}/publish", "/publisher/products/orders/publish", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/publish", "/publisher/products/orders/publish", [303, 403, 303]),
    ("GET", "/publisher/products/{name}/unpublish", "/publisher/products/orders/unpublish", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/unpublish", "/publisher/products/orders/unpublish", [303, 403, 303]),
    ("GET", "/publisher/products/{name}/delete", "/publisher/products/orders/delete", [303, 403, 200]),
    ("POST", "/publisher/products/{name}/delete", "/publisher/products/orders/delete", [303, 403, 303]),
    ("GET", "/", "/", [200, 200, 200]),
    ("GET", "/products", "/products", [200, 200, 200]),
    ("GET", "/products/{name}", "/products/open", [200, 200, 200]),
    ("POST", "/products/{name}/subscribe", "/products/open/subscribe", [303, 422, 422]),
    ("GET", "/apis", "/apis", [200, 200, 200]),
    ("GET", "/apis/{name}", "/apis/open", [200, 200, 200]),
    ("GET", "/apis/{name}/changes", "/apis/open/changes", [200, 200, 200]),
    ("GET", "/apis/{name}/compare/{inner}", "/apis/open/compare/open", [404, 404, 404]),
    // It was seeded without a document.
    ("GET", "/apis/{name}/document", "/apis/open/document", [404, 404, 404]),
    ("GET", "/apis/{name}/openapi.json", "/apis/open/openapi.json", [200, 200, 200]),
    ("GET", "/apis/{name}/openapi.yaml", "/apis/open/openapi.yaml", [200, 200, 200]),
    ("GET", "/apis/{name}/operations/{inner}", "/apis/open/operations/list-things", [200, 200, 200]),
    ("GET", "/apis/{name}/operations/{inner}/try", "/apis/open/operations/list-things/try", [404, 404, 404]),
    ("POST", "/apis/{name}/operations/{inner}/try", "/apis/open/operations/list-things/try", [303, 404, 404]),
    ("GET", "/publisher/apis/{name}/calls", "/publisher/apis/echo/calls", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/calls", "/publisher/apis/echo/calls", [303, 403, 400]),
    ("GET", "/account/subscriptions", "/account/subscriptions", [303, 200, 200]),
    // One that the developer holds.
    ("GET", "/account/subscriptions/{name}", "/account/subscriptions/held", [303, 200, 404]),
    ("POST", "/account/subscriptions/{name}/keys", "/account/subscriptions/held/keys", [303, 200, 404]),
    ("GET", "/account/subscriptions/{name}/regenerate/{inner}", "/account/subscriptions/held/regenerate/primary", [303, 200, 404]),
    ("GET", "/account/subscriptions/{name}/cancel", "/account/subscriptions/held/cancel", [303, 200, 404]),
    ("POST", "/account/subscriptions/{name}/cancel", "/account/subscriptions/held/cancel", [303, 303, 404]),
    ("POST", "/account/subscriptions/{name}/rename", "/account/subscriptions/held/rename", [303, 400, 400]),
    ("POST", "/account/subscriptions/{name}/regenerate", "/account/subscriptions/held/regenerate", [303, 400, 400]),
    ("GET", "/publisher/subscriptions", "/publisher/subscriptions", [303, 403, 200]),
    ("POST", "/publisher/decide/subscriptions", "/publisher/decide/subscriptions", [303, 403, 400]),
    ("GET", "/publisher/users", "/publisher/users", [303, 403, 200]),
    ("POST", "/publisher/users/bulk", "/publisher/users/bulk", [303, 403, 400]),
    ("POST", "/publisher/undo/{name}", "/publisher/undo/none", [303, 403, 404]),
    ("GET", "/publisher/new/user", "/publisher/new/user", [303, 403, 200]),
    ("POST", "/publisher/new/user", "/publisher/new/user", [303, 403, 422]),
    ("GET", "/publisher/users/{name}", "/publisher/users/tia", [303, 403, 200]),
    ("POST", "/publisher/users/{name}", "/publisher/users/tia", [303, 403, 400]),
    ("POST", "/publisher/users/{name}/groups", "/publisher/users/tia/groups", [303, 403, 303]),
    ("GET", "/publisher/users/{name}/block", "/publisher/users/tia/block", [303, 403, 200]),
    ("POST", "/publisher/users/{name}/block", "/publisher/users/tia/block", [303, 403, 303]),
    ("GET", "/publisher/users/{name}/delete", "/publisher/users/tia/delete", [303, 403, 200]),
    ("POST", "/publisher/delete/users", "/publisher/delete/users", [303, 403, 303]),
    ("GET", "/publisher/users/{name}/activate", "/publisher/users/tia/activate", [303, 403, 200]),
    ("POST", "/publisher/users/{name}/activate", "/publisher/users/tia/activate", [303, 403, 303]),
    ("POST", "/publisher/users/{name}/sync", "/publisher/users/tia/sync", [303, 403, 303]),
    ("POST", "/publisher/users/{name}/role", "/publisher/users/tia/role", [303, 403, 400]),
    ("POST", "/publisher/users/{name}/end-sessions", "/publisher/users/tia/end-sessions", [303, 403, 303]),
    ("POST", "/publisher/users/{name}/sessions/{inner}/end", "/publisher/users/tia/sessions/none/end", [303, 403, 303]),
    ("POST", "/publisher/users/{name}/send-reset", "/publisher/users/tia/send-reset", [303, 403, 303]),
    ("GET", "/publisher/invite", "/publisher/invite", [303, 403, 200]),
    ("POST", "/publisher/invite", "/publisher/invite", [303, 403, 422]),
    ("POST", "/publisher/users/{name}/invite-again", "/publisher/users/tia/invite-again", [303, 403, 303]),
    ("POST", "/publisher/users/{name}/revoke-invitation", "/publisher/users/tia/revoke-invitation", [303, 403, 303]),
    ("GET", "/exports/{token}", "/exports/none", [404, 404, 404]),
    // Programs of identity providers: a session opens nothing (scim/access.rs has the tokens).
    ("GET", "/scim/v2/ServiceProviderConfig", "/scim/v2/ServiceProviderConfig", [401, 401, 401]),
    ("GET", "/scim/v2/ResourceTypes", "/scim/v2/ResourceTypes", [401, 401, 401]),
    ("GET", "/scim/v2/ResourceTypes/{name}", "/scim/v2/ResourceTypes/none", [401, 401, 401]),
    ("GET", "/scim/v2/Schemas", "/scim/v2/Schemas", [401, 401, 401]),
    ("GET", "/scim/v2/Schemas/{name}", "/scim/v2/Schemas/none", [401, 401, 401]),
    ("GET", "/scim/v2/Users", "/scim/v2/Users", [401, 401, 401]),
    ("POST", "/scim/v2/Users", "/scim/v2/Users", [401, 401, 401]),
    ("POST", "/scim/v2/Users/.search", "/scim/v2/Users/.search", [401, 401, 401]),
    ("GET", "/scim/v2/Users/{name}", "/scim/v2/Users/none", [401, 401, 401]),
    ("PUT", "/scim/v2/Users/{name}", "/scim/v2/Users/none", [401, 401, 401]),
    ("PATCH", "/scim/v2/Users/{name}", "/scim/v2/Users/none", [401, 401, 401]),
    ("DELETE", "/scim/v2/Users/{name}", "/scim/v2/Users/none", [401, 401, 401]),
    ("GET", "/scim/v2/Groups", "/scim/v2/Groups", [401, 401, 401]),
    ("POST", "/scim/v2/Groups", "/scim/v2/Groups", [401, 401, 401]),
    ("POST", "/scim/v2/Groups/.search", "/scim/v2/Groups/.search", [401, 401, 401]),
    ("GET", "/scim/v2/Groups/{name}", "/scim/v2/Groups/none", [401, 401, 401]),
    ("PUT", "/scim/v2/Groups/{name}", "/scim/v2/Groups/none", [401, 401, 401]),
    ("PATCH", "/scim/v2/Groups/{name}", "/scim/v2/Groups/none", [401, 401, 401]),
    ("DELETE", "/scim/v2/Groups/{name}", "/scim/v2/Groups/none", [401, 401, 401]),
    ("POST", "/scim/v2/.search", "/scim/v2/.search", [401, 401, 401]),
    ("POST", "/scim/v2/Bulk", "/scim/v2/Bulk", [401, 401, 401]),
    ("GET", "/scim/v2/Me", "/scim/v2/Me", [401, 401, 401]),
    ("POST", "/scim/v2/Me", "/scim/v2/Me", [401, 401, 401]),
    ("PUT", "/scim/v2/Me", "/scim/v2/Me", [401, 401, 401]),
    ("PATCH", "/scim/v2/Me", "/scim/v2/Me", [401, 401, 401]),
    ("DELETE", "/scim/v2/Me", "/scim/v2/Me", [401, 401, 401]),
    // What programs find, and their grant, which is told in words of its own.
    ("GET", "/openapi.json", "/openapi.json", [200, 200, 200]),
    ("GET", "/metadata/endpoints", "/metadata/endpoints", [200, 200, 200]),
    ("POST", "/{tenant}/oauth2/v2.0/token", "/x/oauth2/v2.0/token", [400, 400, 400]),
    ("POST", "/{tenant}/oauth2/token", "/x/oauth2/token", [400, 400, 400]),
    ("GET", "/invitation/{token}", "/invitation/none", [404, 404, 404]),
    ("POST", "/invitation/{token}", "/invitation/none", [404, 404, 404]),
    ("GET", "/forgot", "/forgot", [200, 200, 200]),
    ("POST", "/forgot", "/forgot", [422, 422, 422]),
    ("GET", "/signin-sso", "/signin-sso?token=none", [404, 404, 404]),
    ("POST", "/signin-sso", "/signin-sso", [404, 404, 404]),
    ("GET", "/reset/{token}", "/reset/none", [404, 404, 404]),
    ("POST", "/reset/{token}", "/reset/none", [404, 404, 404]),
    // Nobody may sign up until an administrator allows it.
    ("GET", "/signup", "/signup", [404, 404, 404]),
    ("POST", "/signup", "/signup", [404, 404, 404]),
    ("GET", "/confirm/{token}", "/confirm/none", [404, 404, 404]),
    ("POST", "/confirm/{token}", "/confirm/none", [404, 404, 404]),
    ("GET", "/publisher/settings/sign-up", "/publisher/settings/sign-up", [303, 403, 200]),
    ("POST", "/publisher/settings/sign-up", "/publisher/settings/sign-up", [303, 403, 400]),
    ("GET", "/account", "/account", [303, 200, 200]),
    ("GET", "/account/email", "/account/email", [303, 200, 200]),
    ("POST", "/account/email/withdraw", "/account/email/withdraw", [303, 303, 303]),
    ("POST", "/account/email", "/account/email", [303, 422, 422]),
    ("GET", "/confirm-email/{token}", "/confirm-email/none", [404, 404, 404]),
    ("POST", "/confirm-email/{token}", "/confirm-email/none", [404, 404, 404]),
    ("GET", "/account/close", "/account/close", [303, 200, 200]),
    ("POST", "/account/close", "/account/close", [303, 422, 422]),
    ("POST", "/account/name", "/account/name", [303, 400, 400]),
    ("POST", "/account/password", "/account/password", [303, 422, 422]),
    ("POST", "/account/sessions/{inner}/end", "/account/sessions/none/end", [303, 303, 303]),
    ("GET", "/publisher/apis", "/publisher/apis", [303, 403, 200]),
    ("GET", "/publisher/import/api", "/publisher/import/api", [303, 403, 200]),
    // These forms carry files, and the empty one sent here is of the other kind.
    ("POST", "/publisher/import/api", "/publisher/import/api", [303, 403, 415]),
    ("GET", "/publisher/new/api", "/publisher/new/api", [303, 403, 200]),
    ("POST", "/publisher/new/api", "/publisher/new/api", [303, 403, 415]),
    ("GET", "/publisher/apis/{name}/add-operation", "/publisher/apis/echo/add-operation", [303, 403, 409]),
    ("POST", "/publisher/apis/{name}/add-operation", "/publisher/apis/echo/add-operation", [303, 403, 409]),
    ("GET", "/publisher/apis/{name}/operations/{inner}", "/publisher/apis/echo/operations/echo", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/operations/{inner}", "/publisher/apis/echo/operations/echo", [303, 403, 400]),
    ("GET", "/publisher/apis/{name}/operations/{inner}/delete", "/publisher/apis/echo/operations/echo/delete", [303, 403, 409]),
    ("POST", "/publisher/apis/{name}/operations/{inner}/delete", "/publisher/apis/echo/operations/echo/delete", [303, 403, 409]),
    ("GET", "/publisher/apis/{name}", "/publisher/apis/echo", [303, 403, 200]),
    ("GET", "/publisher/apis/{name}/document", "/publisher/apis/echo/document", [303, 403, 200]),
    ("GET", "/publisher/apis/{name}/openapi.json", "/publisher/apis/echo/openapi.json", [303, 403, 200]),
    ("GET", "/publisher/apis/{name}/openapi.yaml", "/publisher/apis/echo/openapi.yaml", [303, 403, 200]),
    ("GET", "/publisher/apis/{name}/changes", "/publisher/apis/echo/changes", [303, 403, 200]),
    ("GET", "/publisher/apis/{name}/compare/{inner}", "/publisher/apis/echo/compare/echo", [303, 403, 404]),
    ("GET", "/publisher/apis/{name}/versions", "/publisher/apis/echo/versions", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/versions", "/publisher/apis/echo/versions", [303, 403, 400]),
    ("GET", "/publisher/apis/{name}/join-version", "/publisher/apis/echo/join-version", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/join-version", "/publisher/apis/echo/join-version", [303, 403, 400]),
    ("GET", "/publisher/apis/{name}/add-version", "/publisher/apis/echo/add-version", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/add-version", "/publisher/apis/echo/add-version", [303, 403, 415]),
    ("GET", "/publisher/apis/{name}/edit", "/publisher/apis/echo/edit", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/edit", "/publisher/apis/echo/edit", [303, 403, 415]),
    ("GET", "/publisher/apis/{name}/replace", "/publisher/apis/echo/replace", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/replace", "/publisher/apis/echo/replace", [303, 403, 415]),
    ("GET", "/publisher/apis/{name}/delete", "/publisher/apis/echo/delete", [303, 403, 200]),
    ("POST", "/publisher/apis/{name}/delete", "/publisher/apis/echo/delete", [303, 403, 303]),
];

async fn ask(portal: &Portal, browser: &Browser, method: &str, path: &str) -> u16 {
    // A deletion in an earlier row must not change what a later one finds.
    if portal.count("select count(*) from groups where name = 'beta'").await == 0 {
        portal.add_group("Beta").await;
    }
    if portal.count("select count(*) from products where name = 'orders'").await == 0 {
        portal.add_product("Orders").await;
    }
    if portal.count("select count(*) from apis where name = 'echo'").await == 0 {
        portal.import_api("Echo").await;
    }
    match method {
        "GET" => browser.get(path).await.status,
        "POST" => browser.post(path, &[]).await.status,
        other => browser.send(other.parse().unwrap(), path, &[], "", "").await.status,
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    portal.add_user("tia@portal.example", "Tia", "Target", UserState::Active, false).await;
    portal.run(&["update users set name = 'tia', name_folded = 'tia' where email_folded = 'tia@portal.example'"], vec![]).await;
    portal.seed_product(Product { name: "open", groups: &["guests", "developers"], ..Product::default() }).await;
    portal.seed_api("open", &["open"]).await;
    let held = portal.signed_in("dev@portal.example").await.post("/products/open/subscribe", &[("display_name", "Held")]).await;
    held.is(303);
    let mut wrong = Vec::new();
    for (method, pattern, path, expected) in TABLE {
        let path = &path.replace("/account/subscriptions/held", held.location());
        let path = &path.replace("/publisher/subscriptions/held", &held.location().replace("/account/", "/publisher/"));
        // Signing out ends a session, so everybody is signed in anew for each row.
        let people = [portal.guest(), portal.signed_in("dev@portal.example").await, portal.signed_in("root@portal.example").await];
        for ((who, browser), expected) in ["guest", "developer", "administrator"].into_iter().zip(&people).zip(expected) {
            let got = ask(&portal, browser, method, path).await;
            if got != *expected {
                wrong.push(format!("{method} {pattern} as {who}: {got} instead of {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_person_who_was_blocked_or_is_pending_is_a_guest() {
    let portal = Portal::start().await;
    for state in ["blocked", "pending"] {
        let email = format!("{state}@portal.example");
        let browser = portal.administrator_named(&email, "Once", "Admin").await;
        let mut tx = portal.db().write().await.unwrap();
        let mut change = portico::db::Select::new(&tx, "update users set state =");
        change.bind(state).sql("where email_folded =").bind(email);
        assert_eq!(change.execute(&mut tx).await.unwrap(), 1);
        tx.commit().await.unwrap();
        for (method, pattern, path, expected) in TABLE.iter().filter(|row| row.1.starts_with("/publisher")) {
            assert_eq!(ask(&portal, &browser, method, path).await, expected[0], "{method} {pattern} as {state}");
        }
    }
}

#[tokio::test]
async fn no_change_is_taken_from_another_site() {
    let portal = Portal::start().await;
    portal.add_group("Beta").await;
    portal.add_product("Orders").await;
    let admin = portal.administrator().await;
    let before = portal.audited().await;
    // A grant has a client's secret in it, and no cookie opens it.
    for (_, pattern, path, _) in TABLE
        .iter()
        .filter(|row| row.0 == "POST" && !row.1.contains("/oauth2/") && !row.1.ends_with("/logout") && !row.1.starts_with("/scim/"))
    {
        admin.post_from_elsewhere(path, &[("display_name", "Stolen")]).await.is(403).shows("another site");
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1.evil.example")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            let reply = admin.send(Method::POST, path, headers, crate::support::FORM, "display_name=Stolen").await;
            assert_eq!(reply.status, 403, "{pattern} {headers:?}");
        }
    }
    assert_eq!(portal.audited().await, before);
    admin.get("/publisher/groups").await.is(200);
}

#[test]
fn every_mounted_route_is_in_the_table_once() {
    let mut mounted: Vec<String> = portico::app::route_list().iter().map(|(method, path)| format!("{method} {path}")).collect();
    let mut known: Vec<String> = TABLE.iter().map(|row| format!("{} {}", row.0, row.1)).collect();
    let service = "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.ApiManagement/service/{service}";
    known.extend(crate::management::access::TABLE.iter().map(|row| format!("{} {service}{}", row.0, row.1)));
    mounted.sort();
    known.sort();
    assert_eq!(mounted, known);
}
