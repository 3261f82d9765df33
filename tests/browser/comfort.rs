//! What script adds: it warns before something typed is lost, takes keys, copies, tells times as people do. And that without it, or
//! without movement, nothing is missing.

use serde_json::json;
use thirtyfour::Key;
use time::Duration;

use crate::{
    hands::sign_in,
    portal::Portal,
    support::{Browser, View},
};
use portico::users::UserState;

/// A portal with an administrator and a developer, and the administrator's browser.
async fn at_home(view: View) -> Option<(Portal, Browser)> {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    let browser = Browser::open(&portal.base, view).await?;
    sign_in(&browser).await;
    Some((portal, browser))
}

/// What the field with the focus is called.
const FOCUSED: &str = "return document.activeElement.ariaLabel";

/// Presses it, which leaves the page; did that ask first? (The driver says "go" when it does.)
async fn asks_before(browser: &Browser, words: &str, then: &str) -> bool {
    browser.ask("addEventListener('beforeunload', event => { sessionStorage.asked = event.defaultPrevented })").await;
    browser.click(words).await;
    browser.see(then).await;
    browser.ask("return sessionStorage.asked").await == "true"
}

#[tokio::test]
async fn one_is_asked_before_what_was_typed_is_lost() {
    let Some((portal, admin)) = at_home(View::default()).await else { return };
    let orders = portal.add_product("Orders").await;
    admin.goto("/publisher/new/group").await;
    assert!(!asks_before(&admin, "Users", "Add user").await, "nothing was typed");
    admin.goto("/publisher/new/group").await;
    admin.fill("Name", "Partners").await;
    assert!(asks_before(&admin, "Users", "Add user").await, "a name was typed");
    admin.goto("/publisher/new/group").await;
    admin.fill("Name", "Partners").await;
    assert!(!asks_before(&admin, "Add group", "Added the group Partners.").await, "it is saved");
    assert!(!asks_before(&admin, "Users", "Add user").await, "it was saved");

    admin.goto(&format!("/publisher/products/{orders}/settings")).await;
    admin.fill("Name", "Order").await;
    admin.see("Unsaved changes").await;
    admin.fill("Name", "Orders").await;
    admin.see_not("Unsaved changes").await;
    assert!(!asks_before(&admin, "Users", "Add user").await, "it is typed back");
    // What came back with an error is not saved yet, typed on or not.
    admin.goto("/publisher/new/group").await;
    admin.fill("Name", "Partners").await;
    admin.click("Add group").await;
    admin.see("One thing needs your attention").await;
    assert!(asks_before(&admin, "Users", "Add user").await, "it came back");
}

#[tokio::test]
async fn single_keys_search_go_and_help() {
    let Some((_portal, admin)) = at_home(View::default()).await else { return };
    admin.goto("/publisher/users").await;
    admin.keys("/").await;
    assert_eq!(admin.ask(FOCUSED).await, "Search users by name or email");
    // In a field a letter is a letter.
    admin.keys("g").await;
    admin.keys("p/?").await;
    assert_eq!(admin.value("Search users by name or email").await, "gp/?");
    admin.keys(Key::Tab).await;
    admin.goto("/publisher/users").await;
    for (letter, path) in [("p", "/publisher/products"), ("g", "/publisher/groups"), ("h", "/")] {
        admin.keys("g").await;
        admin.keys(letter).await;
        admin.wait_for(&format!("return location.pathname === '{path}' && document.readyState === 'complete'")).await;
    }

    admin.goto("/publisher/groups").await;
    admin.keys("?").await;
    for words in ["Keyboard shortcuts", "Search", "Products", "This list"] {
        admin.see(words).await;
    }
    admin.keys(Key::Escape).await;
    admin.see_not("Keyboard shortcuts").await;
    // Who steers by voice, or has a cat, switches them off.
    admin.keys("?").await;
    admin.click("Use single-key shortcuts in this browser").await;
    admin.click("Close").await;
    admin.keys("?").await;
    admin.keys("g").await;
    admin.keys("u").await;
    admin.see_not("Keyboard shortcuts").await;
    assert_eq!(admin.path().await, "/publisher/groups");
}

#[tokio::test]
async fn what_is_copied_can_be_pasted() {
    let portal = Portal::start().await;
    portico::demo::fill(&portal.state).await.expect("the sample");
    let pages = portal.first_pages(false).await;
    let operation = pages.iter().find(|page| page.contains("/operations/")).expect("an operation that guests see");
    let Some(guest) = Browser::open(&portal.base, View::default()).await else { return };
    for clipboard in [true, false] {
        guest.goto(operation).await;
        let url = guest.ask("return document.querySelector('#url').textContent").await;
        if clipboard {
            // Twice, as one who is not sure: in the end it reads as before.
            guest.click("Copy").await;
            guest.see("Copied").await;
            assert_eq!(guest.ask(VOICE).await, "Copied");
            guest.click("Copied").await;
            guest.wait_for("return document.querySelector('[data-copy]').innerText === 'Copy'").await;
        } else {
            // As where the portal is reached without TLS.
            guest.ask("Object.defineProperty(navigator, 'clipboard', {value: undefined})").await;
            guest.click("Copy").await;
            guest.see("Press Ctrl+C").await;
            assert_eq!(guest.ask(VOICE).await, "Press Ctrl+C");
            guest.keys(Key::Control + "c").await;
        }
        guest.goto("/products").await;
        guest.keys("/").await;
        guest.keys(Key::Control + "v").await;
        assert_eq!(guest.ask("return document.activeElement.value").await, url);
        guest.keys(Key::Control + "a").await;
        guest.keys("else").await;
        guest.keys(Key::Control + "a").await;
        guest.keys(Key::Control + "c").await;
    }
}

/// What is read out.
const VOICE: &str = "return document.querySelector('[role=status].hide').textContent";

#[tokio::test]
async fn times_are_told_as_people_do_in_their_own_zone() {
    let Some((portal, admin)) = at_home(View::default()).await else { return };
    portal.pass(Duration::minutes(90));
    let now = (crate::portal::START + Duration::minutes(90)).unix_timestamp();
    admin.tell("Page.addScriptToEvaluateOnNewDocument", json!({"source": format!("Date.now = () => {now}000")})).await;
    for (zone, clock, offset) in [("Asia/Tokyo", "18:00", "GMT+9"), ("America/St_Johns", "05:30", "GMT-3:30")] {
        admin.tell("Emulation.setTimezoneOverride", json!({"timezoneId": zone})).await;
        admin.goto("/publisher/users").await;
        admin.see("1 hour ago").await;
        let time = admin.ask("return [...document.querySelectorAll('time')].find(it => it.textContent === '1 hour ago').title").await;
        assert_eq!(time, format!("2 Mar 2026, {clock}:00 {offset}"), "{zone}");
        admin.goto("/publisher/audit").await;
        admin.see(&format!("2 Mar 2026, {clock} {offset}")).await;
    }
}

#[tokio::test]
async fn nothing_moves_for_those_who_want_no_movement() {
    const MOVING: &str = "
        const moving = [];
        for (const it of document.querySelectorAll('*')) for (const part of [null, '::before', '::after', '::backdrop']) {
            const style = getComputedStyle(it, part);
            const long = times => times.split(',').some(time => parseFloat(time) > 0);
            if (long(style.transitionDuration) || long(style.animationDuration) || style.scrollBehavior !== 'auto') moving.push(it.outerHTML.slice(0, 80));
        }
        return moving.join('\\n')";
    let Some((_portal, admin)) = at_home(View::default()).await else { return };
    for path in ["/publisher/users", "/publisher/new/group", "/products", "/"] {
        admin.goto(path).await;
        admin.medium("", &[("prefers-reduced-motion", "reduce")]).await;
        assert_eq!(admin.ask(MOVING).await, "", "{path}");
    }
    admin.goto("/publisher/users").await;
    admin.medium("", &[("prefers-reduced-motion", "no-preference")]).await;
    assert_ne!(admin.ask(MOVING).await, "", "others see movement, and it is noticed");
}

#[tokio::test]
async fn without_script_nothing_is_missing() {
    let Some((portal, admin)) = at_home(View { script: false, ..View::default() }).await else { return };
    let orders = portal.add_product("Orders").await;
    admin.goto("/publisher/new/group").await;
    admin.fill("Name", "Partners").await;
    admin.click("Add group").await;
    admin.see("Added the group Partners.").await;

    admin.goto("/publisher/users").await;
    admin.see("Root Admin").await;
    admin.fill("Search users by name or email", "alves").await;
    admin.enter().await;
    admin.see("Users 1").await;
    admin.see("Ana Alves").await;
    let time = admin.ask("return [...document.querySelectorAll('td time')].map(it => [it.textContent, it.title])[0]").await;
    assert_eq!(time, json!(["2 Mar 2026", "2026-03-02 09:00:00 UTC"]));
    admin.tick_in("Ana Alves").await;
    admin.click("Add to Group").await;
    admin.click("css=.menu[open] button[value=partners]").await;
    admin.see("Added 1 developer to Partners").await;

    admin.goto(&format!("/publisher/products/{orders}/visibility")).await;
    admin.fill("Search groups", "partner").await;
    admin.click("Search").await;
    admin.see("Groups that contain").await;
    admin.see_not("Developers").await;
    admin.tick("Partners").await;
    admin.click("Save").await;
    admin.see("Opened to Partners.").await;
    // Nothing is offered that would do nothing.
    for path in ["/publisher/users", "/apis", "/publisher/products/orders/visibility"] {
        admin.goto(path).await;
        let dead = "return [...document.querySelectorAll('[data-script]')].filter(it => it.checkVisibility()).length";
        assert_eq!(admin.ask(dead).await, 0, "{path}");
    }
}
