//! Every kind of page, in the states that a story leaves it in: no violation of WCAG found by axe, nothing wider than the window, no error
//! in the console; wide and narrow, light and dark.

use crate::{
    portal::{PASSWORD, Portal},
    support::{Browser, View},
};

const ADMINISTRATORS: &[&str] = &[
    "/publisher",
    "/publisher/groups",
    "/publisher/groups?q=nothing-matches",
    "/publisher/new/group",
    "/publisher/groups/developers",
    "/publisher/users",
    "/publisher/users?q=nothing-matches",
    "/publisher/new/user",
    "/publisher/products",
    "/publisher/products?q=nothing-matches",
    "/publisher/new/product",
    "/publisher/apis",
    "/publisher/import/api",
    "/publisher/subscriptions",
    "/publisher/audit",
    "/publisher/settings",
    "/account",
    "/account/subscriptions",
    "/nothing/here",
];

const GUESTS: &[&str] = &["/", "/products", "/products?q=nothing-matches", "/apis", "/signin", "/nothing/here"];

async fn look(browser: &Browser, view: View, paths: &[String], wrong: &mut Vec<String>) {
    for path in paths {
        browser.goto(path).await;
        let overflow = browser.overflow().await;
        if overflow > 0 {
            wrong.push(format!("{path} at {} px is {overflow} px wider than the window", view.width));
        }
        let violations = browser.axe().await;
        if !violations.is_empty() {
            wrong.push(format!("{path} at {} px, dark {}: {violations}", view.width, view.dark));
        }
        let errors: Vec<String> =
            browser.console_errors().await.into_iter().filter(|error| !error.contains("404") && !error.contains("409")).collect();
        if !errors.is_empty() {
            wrong.push(format!("{path}: {errors:?}"));
        }
    }
}

#[tokio::test]
async fn every_page_reads_well() {
    let portal = Portal::start().await;
    let accounts = portico::demo::fill(&portal.state).await.expect("the sample");
    drop(accounts);
    portal.add_user("root@portal.example", "Root", "Admin", portico::users::UserState::Active, true).await;
    let mut wrong = Vec::new();
    for (width, dark) in [(1280, false), (390, true)] {
        let view = View { script: true, width, dark };
        let Some(browser) = Browser::open(&portal.base, view).await else { return };
        let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        look(&browser, view, &own(GUESTS), &mut wrong).await;
        look(&browser, view, &portal.first_pages(false).await, &mut wrong).await;
        browser.goto("/signin").await;
        browser.fill("Email", "root@portal.example").await;
        browser.fill("Password", PASSWORD).await;
        browser.click("css=form[action='/signin'] button").await;
        browser.see("Dashboard").await;
        look(&browser, view, &own(ADMINISTRATORS), &mut wrong).await;
        look(&browser, view, &portal.first_pages(true).await, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
