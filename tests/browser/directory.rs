//! What the portal is for, with a directory of people: a real OpenID provider says who somebody is and in which groups, and a product is seen
//! by one of these. The provider is at another site than the portal, and all of its forms work without script.

use thirtyfour::Key;

use crate::{
    groups_decide::{add_product, sign_in},
    portal::{
        PASSWORD, Portal,
        counterpart::{Counterpart, WORD},
        provider::{CLIENT, SECRET},
    },
    support::{Browser, View},
};
use portico::users::UserState;
use serde_json::json;

/// Nothing is wider than the window, and axe finds nothing.
async fn look(browser: &Browser, view: View, name: &str) {
    if view.script {
        assert_eq!(browser.axe().await, "", "{name}");
    }
    assert_eq!(browser.overflow().await, 0, "{name}");
}

/// By the keyboard: the focus gets there, and can be seen.
async fn press(browser: &Browser, words: &str) {
    browser.tab_to(words).await;
    browser.keys(Key::Enter).await;
}

/// In the form of the directory.
async fn prove(browser: &Browser, account: &str) {
    browser.see("Sign in to the directory").await;
    browser.fill("User name", account).await;
    browser.fill("Word of the directory", WORD).await;
    browser.click("Enter the directory").await;
}

async fn sign_out(browser: &Browser) {
    browser.goto("/products").await;
    press(browser, "Ida Kjær").await;
    press(browser, "Sign out").await;
    browser.see("You are signed in at Contoso still.").await;
}

/// An administrator asks the directory about Ida, from her page.
async fn sync(admin: &Browser, view: View) {
    admin.goto("/publisher/users?q=ida").await;
    admin.click("Ida Kjær").await;
    admin.see("Linked accounts").await;
    look(admin, view, "a user who came by a provider").await;
    press(admin, "Sync now").await;
    admin.see("was changed here").await;
}

async fn add_provider(admin: &Browser, view: View, directory: &Counterpart) {
    admin.goto("/publisher/settings").await;
    admin.click("Providers").await;
    admin.click("css=main .head a.main").await;
    admin.click("css=a[href$='kind=oidc']").await;
    for (label, text) in [
        ("Name", "Contoso"),
        ("Issuer", &directory.base),
        ("Client ID", CLIENT),
        ("Client secret", SECRET),
        ("Scopes", "openid profile email groups offline_access"),
        ("Claim of the groups", "groups"),
        ("Read memberships every … minutes", "5"),
        ("Your password", PASSWORD),
    ] {
        admin.fill(label, text).await;
    }
    admin.tick("New people may come in").await;
    press(admin, "Add provider").await;
    admin.see("/signin/contoso/callback").await;
    look(admin, view, "the provider").await;
    press(admin, "Add token").await;
    admin.fill("Name", "Contoso’s directory").await;
    look(admin, view, "a token for provisioning").await;
    admin.click("css=main form button.main").await;
    admin.see("portico_sc_").await;
    look(admin, view, "the token, shown once").await;
    press(admin, "Done").await;
    admin.see("Contoso’s directory").await;
    press(admin, "Test").await;
    admin.see("1 key can be used.").await;
    admin.see("takes the client ID and secret").await;
    look(admin, view, "the trial").await;
}

#[tokio::test]
async fn a_group_of_the_directory_decides_who_sees_a_product() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        let Some(directory) = Counterpart::start(&portal, json!({})).await else { return };
        directory.has("ida", json!({ "groups": ["Staff"] })).await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        add_product(&admin, "Orders").await;
        add_provider(&admin, view, &directory).await;

        // She comes in, and sees nothing.
        let ida = Browser::open(&portal.base, view).await.expect("a browser");
        ida.goto("/signin").await;
        look(&ida, view, "the page for signing in").await;
        press(&ida, "Continue with Contoso").await;
        prove(&ida, "ida").await;
        ida.see("Allow the portal?").await;
        ida.click("Allow").await;
        ida.see("Ida Kjær").await;
        assert_eq!(ida.path().await, "/", "the code is not in the address");
        ida.goto("/products").await;
        ida.see_not("Orders").await;
        ida.goto("/products/orders").await;
        assert_eq!(ida.status().await, 404);

        // The directory has told of a group, which is added and ticked.
        admin.goto("/publisher/products/orders/visibility").await;
        press(&admin, "Add groups from Contoso").await;
        admin.see("Told of at sign-ins").await;
        look(&admin, view, "the groups that were told of").await;
        admin.tick("Staff").await;
        press(&admin, "Add").await;
        admin.see("Added 1 group.").await;
        assert!(admin.is_ticked("Staff").await);
        look(&admin, view, "the Visibility tab").await;
        press(&admin, "Save").await;
        admin.see("Opened to Staff.").await;

        // What she told at her sign-in was of no group here; asked once more, the directory tells of one.
        sync(&admin, view).await;
        ida.goto("/products").await;
        ida.click("Orders").await;
        ida.see("Subscribe").await;
        assert_eq!((ida.path().await.as_str(), ida.status().await), ("/products/orders", 200));
        look(&ida, view, "the product").await;
        // Nobody else does, and the group's page says who.
        directory
            .has("eve", json!({ "sub": "eve-1", "email": "eve@contoso.example", "email_verified": true, "given_name": "Eve", "family_name": "Berg" }))
            .await;
        let eve = portal.guest();
        assert_eq!(directory.sign_in(&eve, "eve").await.location(), "/");
        eve.get("/products/orders").await.is(404);
        admin.goto("/publisher/groups/staff").await;
        admin.see("Ida Kjær").await;
        admin.see_not("Eve Berg").await;
        look(&admin, view, "the group").await;

        // The directory takes her out, and nobody asks: after the provider's minutes it is known all the same.
        directory.has("ida", json!({ "groups": [] })).await;
        ida.goto("/products/orders").await;
        assert_eq!(ida.status().await, 200);
        portal.pass(time::Duration::minutes(5));
        assert!(portal.read_directories().await > 0);
        ida.goto("/products/orders").await;
        assert_eq!(ida.status().await, 404);
        ida.goto("/products").await;
        ida.see_not("Orders").await;
        assert_eq!(directory.failed().await.matches("error").count(), 1, "but for the trial’s code: {}", directory.failed().await);
        // What was not found says so by its status, which the console repeats.
        let errors = [ida.console_errors().await, admin.console_errors().await].concat();
        let errors: Vec<String> = errors.into_iter().filter(|error| !error.contains("responded with a status of 404")).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[tokio::test]
async fn signing_out_is_heard_at_both_sides() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        let Some(directory) = Counterpart::start(&portal, json!({})).await else { return };
        let Some(ida) = Browser::open(&portal.base, view).await else { return };
        directory.add(&portal.administrator().await, &[]).await;

        // Whoever cancels there is told so here.
        ida.goto("/signin?next=%2Faccount").await;
        press(&ida, "Continue with Contoso").await;
        ida.click("Cancel").await;
        ida.see("or you cancelled").await;
        look(&ida, view, "the refusal").await;
        ida.goto("/signin?next=%2Faccount").await;
        press(&ida, "Continue with Contoso").await;
        prove(&ida, "ida").await;
        ida.see("Linked accounts").await;
        assert_eq!(ida.path().await, "/account");
        look(&ida, view, "the account").await;

        // What asks for a proof sends her there and back in her session, though both are at other sites.
        ida.goto("/account/close").await;
        press(&ida, "Sign in once more").await;
        press(&ida, "Continue with Contoso").await;
        prove(&ida, "ida").await;
        ida.see("There is no way back").await;
        assert_eq!(ida.path().await, "/account/close");

        // Out here, and there as well.
        sign_out(&ida).await;
        look(&ida, view, "signed out").await;
        press(&ida, "Sign out there as well").await;
        ida.see("Leave the directory?").await;
        ida.click("Yes, leave").await;
        ida.see("Continue with Contoso").await;
        assert_eq!(ida.path().await, "/signin");
        press(&ida, "Continue with Contoso").await;
        prove(&ida, "ida").await;
        ida.see("Ida Kjær").await;

        // Out there, and at the next click here.
        ida.goto(&format!("{}/session/end", directory.base)).await;
        ida.click("Yes, leave").await;
        ida.see("You have left the directory").await;
        ida.goto("/account").await;
        ida.see("Continue with Contoso").await;
        assert_eq!(ida.path().await, "/signin?next=%2Faccount");
        assert_eq!(directory.failed().await, "[\"authorization.error: access_denied\"]", "that she cancelled");
        let errors = ida.console_errors().await.into_iter().filter(|error| !error.contains("responded with a status of 403"));
        assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new());
    }
}
