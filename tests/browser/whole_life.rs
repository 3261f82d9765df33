//! A stranger becomes a developer with keys that work, and is out again at the next click when an administrator says so.

use portico::{
    auth::{
        self,
        tokens::{NewToken, create},
    },
    users::{UserState, sign_up},
};
use reqwest::Method;

use crate::{
    portal::{PASSWORD, Portal, seed::Product, smtp::Smtp},
    support::{Browser, View},
};

const NEW: &str = "nine slow herons over water";

/// The newest mail that came to this address.
async fn mail(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    smtp.newest(email).text()
}

/// What axe finds; nothing where the page has no script to look with.
async fn axe(browser: &Browser, view: View) -> String {
    if view.script { browser.axe().await } else { String::new() }
}

async fn keys(browser: &Browser) -> [String; 2] {
    browser.click("Show keys").await;
    browser.see("Hide keys").await;
    shown(browser).await
}

/// The keys that are on the page.
async fn shown(browser: &Browser) -> [String; 2] {
    let mut keys = [String::new(), String::new()];
    for (key, which) in keys.iter_mut().zip(["primary", "secondary"]) {
        let text = browser.ask(&format!("return document.getElementById('{which}-key').textContent")).await;
        *key = text.as_str().expect("a key").to_owned();
        assert_eq!(key.len(), 32);
    }
    keys
}

/// What a gateway is told of a key for an API.
async fn checked(portal: &Portal, token: &str, key: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-portico-key", key), ("x-original-uri", "/orders/1")];
    let reply = portal.guest().send(Method::GET, "/gateway/check", &headers, "", "").await;
    (reply.status, reply.header("x-portico-reason").to_owned())
}

#[tokio::test]
async fn a_stranger_signs_up_gets_keys_that_work_and_is_blocked() {
    let good = (204, String::new());
    for view in View::with_and_without_script() {
        let (portal, smtp) = Portal::start_with_mail().await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        let product =
            Product { name: "orders", groups: &["developers"], approval_required: true, terms: "Be **kind**.", ..Product::default() };
        portal.seed_product(product).await;
        portal.seed_api("orders", &["orders"]).await;
        let new = NewToken { display_name: "nginx".to_owned(), scope: "gateway".to_owned(), ..NewToken::default() };
        let token = create(portal.db(), &auth::operator(), &new).await.expect("a token").secret;
        sign_up::set(portal.db(), &auth::operator(), 1, true, "Be *kind* to the API.").await.expect("allowed");

        // Signs up, and confirms from the mail.
        let Some(ana) = Browser::open(&portal.base, view).await else { return };
        ana.goto("/").await;
        ana.click("Sign in").await;
        ana.click("Sign up").await;
        ana.fill("Email", "ana@contoso.example").await;
        ana.fill("First name", "Ana").await;
        ana.fill("Last name", "Alves").await;
        ana.click("css=form[action='/signup'] button").await;
        ana.see("Accept the terms of use to sign up.").await;
        assert_eq!(ana.value("Email").await, "ana@contoso.example");
        assert_eq!(axe(&ana, view).await, "");
        ana.tick("I accept the terms of use").await;
        ana.click("css=form[action='/signup'] button").await;
        ana.see("Look into your mail").await;
        mail(&portal, &smtp, "ana@contoso.example").await;
        ana.goto(&smtp.newest("ana@contoso.example").link()).await;
        ana.see("Confirm your address").await;
        assert_eq!(axe(&ana, view).await, "");
        assert_eq!(ana.value("Last name").await, "Alves");
        ana.fill("Password", NEW).await;
        ana.fill("Password again", NEW).await;
        ana.click("Open my account").await;
        ana.see("your account is open").await;

        // Asks for a product that wants terms accepted and an administrator's approval.
        ana.goto("/products/orders").await;
        ana.fill("Name of the subscription", "Warehouse in Porto").await;
        ana.click("css=form[action$='/subscribe'] button").await;
        ana.see("Accept the terms of use to subscribe.").await;
        ana.click("css=#terms").await;
        ana.click("css=form[action$='/subscribe'] button").await;
        ana.see("You get your keys when it is approved.").await;

        let root = Browser::open(&portal.base, view).await.expect("a browser");
        root.goto("/signin").await;
        root.fill("Email", "root@portal.example").await;
        root.fill("Password", PASSWORD).await;
        root.click("css=form[action='/signin'] button").await;
        root.see_not("Password").await;
        assert_eq!(root.ask("return document.querySelector(\"nav [data-key=s] .badge\").firstChild.textContent").await, "1");
        root.click("css=nav a[href='/publisher/subscriptions?state=submitted']").await;
        root.click("Warehouse in Porto").await;
        root.see("Decide").await;
        assert_eq!(axe(&root, view).await, "");
        root.fill("Comment", "Welcome aboard").await;
        root.click("css=button[value=approve]").await;
        root.see("Approved the subscription Warehouse in Porto to Product orders.").await;
        assert_eq!(root.ask("return document.querySelectorAll(\"nav [data-key=s] .badge\").length").await, 0);
        assert!(mail(&portal, &smtp, "ana@contoso.example").await.contains("Welcome aboard"));

        // Reads the keys and replaces one; the other goes on.
        ana.goto("/account/subscriptions").await;
        ana.click("Warehouse in Porto").await;
        ana.see("Welcome aboard").await;
        let before = keys(&ana).await;
        assert_eq!(checked(&portal, &token, &before[0]).await, good);
        ana.click("Regenerate primary key…").await;
        ana.see("The secondary key: it goes on working").await;
        assert_eq!(axe(&ana, view).await, "");
        ana.click("Regenerate primary key").await;
        ana.see("Regenerated the primary key.").await;
        let after = shown(&ana).await;
        assert_ne!(before[0], after[0]);
        assert_eq!(before[1], after[1]);
        assert_eq!(checked(&portal, &token, &before[0]).await, (401, "unknown-key".to_owned()));
        assert_eq!(checked(&portal, &token, &after[0]).await, good);
        assert_eq!(checked(&portal, &token, &after[1]).await, good);
        assert!(mail(&portal, &smtp, "ana@contoso.example").await.contains("primary key"));

        // Is suspended, and active again.
        root.click("css=button[value=suspend]").await;
        root.see("Suspended the subscription").await;
        assert_eq!(checked(&portal, &token, &after[0]).await, (403, "suspended".to_owned()));
        ana.goto("/account/subscriptions").await;
        ana.click("Warehouse in Porto").await;
        ana.see("The keys do not work while the subscription is suspended").await;
        root.click("css=button[value=activate]").await;
        root.see("Activated the subscription").await;
        assert_eq!(checked(&portal, &token, &after[0]).await, good);

        // Is blocked, and out at the next click.
        root.goto("/publisher/users").await;
        root.tick_in("ana@contoso.example").await;
        root.click("css=details.menu:has(button[name=accounts]) summary").await;
        root.click("css=button[name=accounts][value=block]").await;
        root.see("Blocked 1 user.").await;
        ana.goto("/account").await;
        ana.see("Sign in").await;
        assert_eq!(ana.path().await, "/signin?next=%2Faccount");
        assert_eq!(checked(&portal, &token, &after[0]).await, (403, "owner-blocked".to_owned()));
    }
}
