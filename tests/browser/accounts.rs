//! A stranger becomes a developer, and is out again at the next click when an administrator says so.

use crate::{
    portal::{PASSWORD, Portal, smtp::Smtp},
    support::{Browser, View},
};
use portico::{
    auth,
    users::{UserState, sign_up},
};

const NEW: &str = "nine slow herons over water";

/// The link in the mail that came to this address.
async fn link(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    smtp.newest(email).link()
}

#[tokio::test]
async fn a_stranger_signs_up_confirms_from_the_mail_and_is_blocked() {
    for view in View::with_and_without_script() {
        let (portal, smtp) = Portal::start_with_mail().await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        sign_up::set(portal.db(), &auth::operator(), 1, true, "Be *kind* to the API.").await.expect("allowed");
        let Some(ana) = Browser::open(&portal.base, view).await else { return };
        ana.goto("/").await;
        ana.click("Sign in").await;
        ana.click("Sign up").await;
        ana.fill("Email", "ana@contoso.example").await;
        ana.fill("First name", "Ana").await;
        ana.fill("Last name", "Alves").await;
        ana.fill("Password", NEW).await;
        ana.click("css=form[action='/signup'] button").await;
        ana.see("Accept the terms of use to sign up.").await;
        assert_eq!(ana.value("Email").await, "ana@contoso.example");
        if view.script {
            assert_eq!(ana.axe().await, "");
        }
        ana.fill("Password", NEW).await;
        ana.tick("I accept the terms of use").await;
        ana.click("css=form[action='/signup'] button").await;
        ana.see("Look into your mail").await;
        ana.goto(&link(&portal, &smtp, "ana@contoso.example").await).await;
        ana.see("Confirm your address").await;
        if view.script {
            assert_eq!(ana.axe().await, "");
        }
        ana.fill("Password", NEW).await;
        ana.click("Open my account").await;
        ana.see("your account is open").await;
        ana.goto("/account").await;
        ana.see("ana@contoso.example").await;

        let root = Browser::open(&portal.base, view).await.expect("a browser");
        root.goto("/signin").await;
        root.fill("Email", "root@portal.example").await;
        root.fill("Password", PASSWORD).await;
        root.click("css=form[action='/signin'] button").await;
        root.see_not("Password").await;
        root.goto("/publisher/users").await;
        root.tick_in("ana@contoso.example").await;
        root.click("css=details.menu:has(button[name=accounts]) summary").await;
        root.click("css=button[name=accounts][value=block]").await;
        root.see("Blocked 1 user.").await;
        ana.goto("/account").await;
        ana.see("Sign in").await;
        assert_eq!(ana.path().await, "/signin?next=%2Faccount");
        portal.send_mails().await;
        assert!(smtp.newest("ana@contoso.example").text().contains("is open"));
    }
}
