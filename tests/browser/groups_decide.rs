//! The three flows that the portal is for: a group decides who sees a product; two administrators on one Visibility tab; an API
//! that was imported and opened is read without signing in.

use crate::{
    portal::{PASSWORD, Portal},
    support::{Browser, View},
};
use portico::users::UserState;

pub async fn sign_in(browser: &Browser, email: &str) {
    browser.goto("/signin").await;
    browser.fill("Email", email).await;
    browser.fill("Password", PASSWORD).await;
    browser.click("css=form[action='/signin'] button").await;
    // Or the next address would be overtaken by where signing in leads.
    browser.see_not("Password").await;
}

pub async fn add_product(admin: &Browser, name: &str) {
    admin.goto("/publisher/new/product").await;
    admin.fill("Name", name).await;
    admin.click("css=main form[method=post] button.main").await;
    admin.see(name).await;
    admin.click("css=main a[href$='/publish']").await;
    admin.click("Yes, publish it").await;
    admin.see("Published").await;
}

/// Chooses a group from one of the two menus above the users.
async fn choose(admin: &Browser, menu: &str, group: &str) {
    admin.click(menu).await;
    admin.click(&format!("css=details[open] button[value='{group}']")).await;
}

#[tokio::test]
async fn a_group_decides_who_sees_a_product() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        for (email, first) in
            [("ana@contoso.example", "Ana"), ("bo@contoso.example", "Bo"), ("cy@contoso.example", "Cy"), ("dana@northwind.example", "Dana")]
        {
            portal.add_user(email, first, "Person", UserState::Active, false).await;
        }
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        add_product(&admin, "Orders").await;

        admin.click("Groups").await;
        admin.click("Add group").await;
        admin.fill("Name", "Contoso partners").await;
        admin.click("Add group").await;
        admin.see("Added the group Contoso partners.").await;

        admin.goto("/publisher/products/orders/visibility").await;
        admin.tick_in("Contoso partners").await;
        admin.click("Save").await;
        admin.see("Opened to Contoso partners.").await;
        admin.goto("/publisher/products/orders/visibility").await;
        assert!(admin.ask("return document.querySelector('input[value=contoso-partners]').checked").await == true, "the box stays ticked");

        admin.click("Users").await;
        for person in ["ana@contoso.example", "bo@contoso.example", "cy@contoso.example"] {
            admin.tick_in(person).await;
        }
        choose(&admin, "Add to Group", "contoso-partners").await;
        admin.see("Added 3 developers to Contoso partners").await;
        assert_eq!(admin.ask("return document.querySelectorAll('tbody input:checked').length").await, 3, "the ticks are kept");

        let ana = Browser::open(&portal.base, view).await.expect("a browser");
        sign_in(&ana, "ana@contoso.example").await;
        ana.goto("/products").await;
        ana.see("Orders").await;
        ana.click("Orders").await;
        ana.see("Subscribe").await;
        assert_eq!((ana.path().await.as_str(), ana.status().await), ("/products/orders", 200));
        let dana = portal.signed_in("dana@northwind.example").await;
        dana.get("/products/orders").await.is(404);
        dana.get("/products").await.is(200).hides("Orders");
        portal.guest().get("/products/orders").await.is(404);

        admin.goto("/publisher/users?in=contoso-partners").await;
        admin.tick_in("ana@contoso.example").await;
        choose(&admin, "Remove from Group", "contoso-partners").await;
        admin.see("Removed 1 developer from Contoso partners").await;
        ana.goto("/products/orders").await;
        assert_eq!(ana.status().await, 404, "gone at the next click");

        admin.click("Undo").await;
        admin.see("Undone: put 1 developer back into Contoso partners.").await;
        ana.goto("/products/orders").await;
        assert_eq!(ana.status().await, 200, "and back after Undo");
        if view.script {
            assert_eq!(admin.console_errors().await, Vec::<String>::new());
        }
    }
}

#[tokio::test]
async fn two_administrators_change_different_boxes_and_both_hold() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        for (email, first) in [("one@portal.example", "One"), ("two@portal.example", "Two")] {
            portal.add_user(email, first, "Admin", UserState::Active, true).await;
        }
        for group in ["Beta", "Fabrikam", "Northwind"] {
            portal.add_group(group).await;
        }
        let Some(one) = Browser::open(&portal.base, view).await else { return };
        sign_in(&one, "one@portal.example").await;
        add_product(&one, "Orders").await;
        let tab = "/publisher/products/orders/visibility";
        one.goto(tab).await;
        one.tick_in("Northwind").await;
        one.click("Save").await;
        one.see("Opened to Northwind.").await;

        let two = Browser::open(&portal.base, view).await.expect("a browser");
        sign_in(&two, "two@portal.example").await;
        one.goto(tab).await;
        two.goto(tab).await;
        one.tick_in("Beta").await;
        one.click("Save").await;
        one.see("Opened to Beta.").await;
        two.tick_in("Fabrikam").await;
        two.click("css=input[value=northwind]").await;
        two.click("Save").await;
        two.see("Opened to Fabrikam. Closed to Northwind.").await;
        one.goto(tab).await;
        let open = one
            .ask("return [...document.querySelectorAll('main input[type=checkbox]:checked:enabled')].map(box => box.value).sort().join()")
            .await;
        assert_eq!(open, "beta,fabrikam");
    }
}

const DESCRIPTION: &str = r#"openapi: 3.0.3
info: {title: Weather, version: 1.2.0, description: "What the *sky* does."}
paths:
  /forecast/{place}:
    get:
      operationId: getForecast
      summary: Read a forecast
      tags: [Forecasts]
      parameters:
        - {name: place, in: path, required: true, schema: {type: string}}
      responses:
        "200":
          description: The forecast
          content: {application/json: {schema: {type: object, properties: {degrees: {type: number, description: Celsius}}}}}
"#;

#[tokio::test]
async fn an_imported_api_is_read_without_signing_in() {
    for view in View::with_and_without_script() {
        let portal = Portal::start().await;
        portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
        let Some(admin) = Browser::open(&portal.base, view).await else { return };
        sign_in(&admin, "root@portal.example").await;
        add_product(&admin, "Open data").await;
        admin.goto("/publisher/import/api").await;
        admin.fill("css=textarea[name=text]", DESCRIPTION).await;
        admin.fill("css=input[name=suffix]", "weather").await;
        admin.tick_in("Open data").await;
        admin.click("css=main form[method=post] button.main").await;
        admin.see("Read a forecast").await;
        admin.goto("/publisher/products/open-data/visibility").await;
        admin.tick_in("Guests").await;
        admin.click("Save").await;
        admin.see("Opened to Guests.").await;

        let guest = Browser::open(&portal.base, view).await.expect("a browser");
        guest.goto("/apis").await;
        guest.click("Weather").await;
        guest.see("Forecasts").await;
        guest.click("Read a forecast").await;
        for words in ["/forecast/{place}", "degrees", "Celsius"] {
            guest.see(words).await;
        }
        guest.goto("/products/open-data").await;
        guest.see("Sign in to subscribe").await;
    }
}
