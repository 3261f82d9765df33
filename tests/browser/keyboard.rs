//! The three flows by the keyboard alone: Tab, Enter, Space and letters in fields. Wherever the focus stops, it can be seen.

use thirtyfour::Key;

use crate::{
    portal::{PASSWORD, Portal},
    support::{Browser, View},
};
use portico::users::UserState;

async fn press(browser: &Browser, words: &str) {
    browser.tab_to(words).await;
    browser.keys(Key::Enter).await;
}

/// To what the page is about, past the menu.
async fn skip(browser: &Browser) {
    press(browser, "Skip to content").await;
}

async fn tick(browser: &Browser, words: &str) {
    browser.tab_to(words).await;
    browser.keys(Key::Space).await;
}

async fn write(browser: &Browser, label: &str, words: &str) {
    browser.tab_to(label).await;
    browser.keys(words).await;
}

async fn sign_in(browser: &Browser) {
    browser.goto("/signin").await;
    // The focus is in the first field from the start.
    browser.keys("root@portal.example").await;
    write(browser, "Password", PASSWORD).await;
    browser.keys(Key::Enter).await;
    browser.see("Dashboard").await;
}

#[tokio::test]
async fn the_three_flows_by_the_keyboard_alone() {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    portal.add_user("bo@contoso.example", "Bo", "Berg", UserState::Active, false).await;
    let orders = portal.add_product("Orders").await;
    portal.run(&["update products set published = true"], vec![]).await;
    let Some(admin) = Browser::open(&portal.base, View::default()).await else { return };
    sign_in(&admin).await;

    // A group.
    press(&admin, "Groups").await;
    admin.see("Add group").await;
    skip(&admin).await;
    press(&admin, "Add group").await;
    admin.see("Description").await;
    admin.keys("Contoso partners").await;
    admin.keys(Key::Enter).await;
    admin.see("Added the group Contoso partners.").await;

    // The visibility tab.
    press(&admin, "Products").await;
    admin.see("Add product").await;
    skip(&admin).await;
    press(&admin, "Orders").await;
    admin.see("Add APIs").await;
    skip(&admin).await;
    press(&admin, "Visibility").await;
    admin.see("Who sees this product").await;
    skip(&admin).await;
    tick(&admin, "Contoso partners").await;
    press(&admin, "Save").await;
    admin.see("Opened to Contoso partners.").await;

    // Who is in the group.
    press(&admin, "Users").await;
    admin.see("Add user").await;
    skip(&admin).await;
    press(&admin, "Add to Group").await;
    admin.keys(Key::Escape).await;
    admin.see_not("Contoso partners 0").await;
    tick(&admin, "Ana Alves").await;
    tick(&admin, "Bo Berg").await;
    admin.see("2 ticked").await;
    skip_back(&admin, "Add to Group").await;
    admin.keys(Key::Enter).await;
    press(&admin, "Contoso partners").await;
    admin.see("Added 2 developers to Contoso partners").await;
    let ana = portal.signed_in("ana@contoso.example").await;
    ana.get(&format!("/products/{orders}")).await.is(200);

    // An API.
    press(&admin, "APIs").await;
    admin.see("Import API").await;
    skip(&admin).await;
    press(&admin, "Import API").await;
    admin.see("URL suffix").await;
    skip(&admin).await;
    admin.tab_to("Pasted text").await;
    admin.keys(r#"{"openapi": "3.0.3", "info": {"title": "Weather", "version": "1"}, "paths": {"/sky": {"get": {"summary": "Read the sky", "responses": {"200": {"description": "OK"}}}}}}"#).await;
    write(&admin, "URL suffix", "weather").await;
    tick(&admin, "Orders").await;
    press(&admin, "Import API").await;
    admin.see("Read the sky").await;
    ana.get("/apis/weather").await.is(200).shows("Read the sky");
}

/// The same as Tab, the other way round.
async fn skip_back(browser: &Browser, words: &str) {
    for _ in 0..40 {
        browser.keys(Key::Shift + Key::Tab).await;
        if browser.ask("return document.activeElement.innerText").await.as_str().is_some_and(|text| text.trim() == words) {
            return;
        }
    }
    panic!("Shift+Tab reaches {words:?}");
}
