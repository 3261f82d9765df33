//! Identity providers in the browser: an administrator adds one, somebody comes in by it over the policies that browsers hold pages to.

use crate::{
    portal::{
        PASSWORD, Portal,
        provider::{CLIENT, Provider, SECRET},
    },
    support::{Browser, View},
};
use portico::users::UserState;
use serde_json::json;

/// How the page looks, wide and narrow, light and dark; nothing is wider than the window, and axe finds nothing.
async fn look(browser: &Browser, view: View, name: &str) {
    if view.script {
        assert_eq!(browser.axe().await, "", "{name}");
    }
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        browser.look_as(width, dark).await;
        assert_eq!(browser.overflow().await, 0, "{name} at {width}");
        browser.screenshot(&format!("providers-{name}-{width}-{dark}")).await;
    }
    browser.look_as(1280, false).await;
}

async fn sign_in(browser: &Browser, email: &str) {
    browser.goto("/signin").await;
    browser.fill("Email", email).await;
    browser.fill("Password", PASSWORD).await;
    browser.click("css=form[action='/signin'] button").await;
    browser.see_not("Password").await;
}

#[tokio::test]
async fn a_provider_is_added_and_somebody_comes_in_by_it() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        portal.run(&["update sign_up set terms = 'Be kind.'"], vec![]).await;
        let provider = Provider::start(&portal).await;
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        admin.goto("/publisher/settings").await;
        admin.click("Providers").await;
        admin.see("There is no provider yet").await;
        look(&admin, view, "none").await;
        admin.click("css=main .head a.main").await;
        look(&admin, view, "presets").await;
        admin.click("css=a[href$='kind=oidc']").await;
        admin.fill("Name", "Contoso").await;
        admin.fill("Issuer", &provider.base).await;
        admin.fill("Client ID", CLIENT).await;
        admin.fill("Client secret", SECRET).await;
        admin.click("css=input[name=new_people]").await;
        look(&admin, view, "add").await;
        admin.click("css=main form.form button.main").await;
        admin.see("Type your own password.").await;
        look(&admin, view, "problems").await;
        admin.fill("Client secret", SECRET).await;
        admin.fill("Your password", PASSWORD).await;
        admin.click("css=main form.form button.main").await;
        admin.see("/signin/contoso/callback").await;
        look(&admin, view, "added").await;
        admin.click("Test").await;
        admin.see("takes the client ID and secret").await;
        look(&admin, view, "test").await;
        provider.set(|manners| manners.issuer = Some("https://elsewhere.example".to_owned()));
        admin.click("Test again").await;
        admin.see("A step failed").await;
        look(&admin, view, "test-failed").await;
        provider.set(|manners| manners.issuer = None);
        let other = portal.signed_in("root@portal.example").await;
        provider.add(&other, &[("display_name", "Fabrikam")]).await;
        admin.goto("/publisher/settings/providers").await;
        admin.see("Fabrikam").await;
        look(&admin, view, "list").await;

        let Some(ida) = Browser::open(&portal.base, view).await else { return };
        ida.goto("/signin?next=%2Faccount").await;
        look(&ida, view, "signin").await;
        provider.set(|manners| manners.refuses = Some("access_denied"));
        ida.click("Continue with Contoso").await;
        ida.see("You were not let in").await;
        look(&ida, view, "refused").await;
        provider.set(|manners| manners.refuses = None);
        provider.says(json!({ "email_verified": false }));
        ida.goto("/signin?next=%2Faccount").await;
        ida.click("Continue with Contoso").await;
        ida.see("Open your account").await;
        look(&ida, view, "join").await;
        provider.says(json!({ "email_verified": true }));
        ida.goto("/signin?next=%2Faccount").await;
        ida.click("Continue with Contoso").await;
        ida.see("and your account is open").await;
        ida.click("css=#terms").await;
        ida.click("Open my account").await;
        ida.see("Linked accounts").await;
        assert_eq!(ida.path().await, "/account");
        look(&ida, view, "account").await;
        ida.goto("/account/close").await;
        ida.click("Sign in once more").await;
        look(&ida, view, "again").await;
        ida.click("Continue with Contoso").await;
        ida.see("There is no way back").await;
        assert_eq!(ida.path().await, "/account/close");
        // What was refused says so by its status, which the console repeats.
        let errors = [ida.console_errors().await, admin.console_errors().await].concat();
        let errors: Vec<String> = errors.into_iter().filter(|error| !error.contains("responded with a status of 4")).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}
