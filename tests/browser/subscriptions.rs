//! A subscription that an administrator makes for somebody.

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

#[tokio::test]
async fn an_administrator_makes_one_for_somebody_and_gives_it_an_end() {
    for view in View::with_and_without_script() {
        let portal = furnished().await;
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        admin.goto("/publisher/products/orders/subscribers").await;
        admin.click("Subscribe a user").await;
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
        admin.see("It works to the end of 31 Dec 2026 (UTC).").await;
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
