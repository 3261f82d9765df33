//! A subscription's life: asked for with terms and approval, approved from the menu's count, its keys read and one replaced, suspended;
//! and one that an administrator makes for somebody.

use crate::{
    portal::{PASSWORD, Portal, seed::Product},
    support::{Browser, View},
};
use portico::users::UserState;

async fn sign_in(browser: &Browser, email: &str) {
    browser.goto("/signin").await;
    browser.fill("Email", email).await;
    browser.fill("Password", PASSWORD).await;
    browser.click("css=form[action='/signin'] button").await;
    // Or the next address would be overtaken by where signing in leads.
    browser.see_not("Password").await;
}

/// An administrator, a developer, and a product that wants terms accepted and an administrator's approval.
async fn furnished() -> Portal {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    let product = Product { name: "orders", groups: &["developers"], approval_required: true, terms: "Be **kind**.", ..Product::default() };
    portal.seed_product(product).await;
    portal
}

/// What axe finds; nothing where the page has no script to look with.
async fn axe(browser: &Browser, view: View) -> String {
    if view.script { browser.axe().await } else { String::new() }
}

async fn keys(browser: &Browser) -> [String; 2] {
    browser.click("Show Keys").await;
    browser.see("Hide Keys").await;
    let mut keys = [String::new(), String::new()];
    for (key, which) in keys.iter_mut().zip(["primary", "secondary"]) {
        let text = browser.ask(&format!("return document.getElementById('{which}-key').textContent")).await;
        *key = text.as_str().expect("a key").to_owned();
        assert_eq!(key.len(), 32);
    }
    keys
}

#[tokio::test]
async fn a_request_is_approved_from_the_menu_its_keys_are_used_and_it_is_suspended() {
    for view in View::with_and_without_script() {
        let portal = furnished().await;
        let Some(dev) = Browser::open(&portal.base, view).await else { return };
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&dev, "ana@contoso.example").await;
        dev.goto("/products/orders").await;
        dev.fill("Name of the subscription", "Warehouse in Porto").await;
        dev.click("css=form[action$='/subscribe'] button").await;
        dev.see("Accept the terms of use to subscribe.").await;
        dev.click("css=#terms").await;
        dev.click("css=form[action$='/subscribe'] button").await;
        dev.see("You get your keys when it is approved.").await;

        sign_in(&admin, "root@portal.example").await;
        let waiting = "css=nav a[href='/publisher/subscriptions?state=submitted']";
        assert_eq!(admin.ask("return document.querySelector(\"nav [data-key=s] .badge\").firstChild.textContent").await, "1");
        admin.click(waiting).await;
        admin.click("Warehouse in Porto").await;
        admin.see("Decide").await;
        assert_eq!(axe(&admin, view).await, "");
        admin.fill("Comment", "Welcome aboard").await;
        admin.click("css=button[value=approve]").await;
        admin.see("Approved the subscription Warehouse in Porto to Product orders.").await;
        assert_eq!(admin.ask("return document.querySelectorAll(\"nav [data-key=s] .badge\").length").await, 0);

        dev.goto("/account/subscriptions").await;
        dev.click("Warehouse in Porto").await;
        dev.see("Welcome aboard").await;
        let before = keys(&dev).await;
        dev.click("css=button[name=key][value=primary]").await;
        dev.see("The primary key was replaced.").await;
        let after = keys(&dev).await;
        assert_ne!(before[0], after[0]);
        assert_eq!(before[1], after[1]);

        admin.click("css=button[value=suspend]").await;
        admin.see("Suspended the subscription").await;
        dev.goto("/account/subscriptions").await;
        dev.click("Warehouse in Porto").await;
        dev.see("The keys do not work while the subscription is suspended").await;
    }
}

#[tokio::test]
async fn an_administrator_makes_one_for_somebody_and_gives_it_an_end() {
    for view in View::with_and_without_script() {
        let portal = furnished().await;
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        admin.goto("/publisher/products/orders/subscribers").await;
        admin.click("Subscribe a User").await;
        admin.fill("User", "alv").await;
        assert_eq!(axe(&admin, view).await, "");
        admin.click("css=main form[method=post] button.main").await;
        admin.see("Choose the user.").await;
        assert_eq!(axe(&admin, view).await, "");
        admin.screenshot("subscription-add").await;
        admin.click("css=input[name=user]").await;
        admin.click("css=main form[method=post] button.main").await;
        admin.see("Subscribed Ana Alves to Product orders.").await;
        admin.see("No: the owner was not asked").await;
        admin.ask("document.getElementById('ends').value = '2026-12-31'").await;
        admin.click("css=form[action$='/end'] button").await;
        admin.see("It works to the end of 31 December 2026 (UTC).").await;
        for (path, name) in [("/publisher/subscriptions", "subscriptions"), ("/publisher/products/orders/subscribers", "subscribers")] {
            admin.goto(path).await;
            admin.see("Ana Alves").await;
            assert_eq!((axe(&admin, view).await.as_str(), admin.overflow().await), ("", 0), "{path}");
            for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
                admin.look_as(width, dark).await;
                assert_eq!(admin.overflow().await, 0, "{path} at {width}");
                admin.screenshot(&format!("{name}-list")).await;
            }
            admin.look_as(1280, false).await;
        }
    }
}
