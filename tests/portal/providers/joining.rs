//! Somebody comes by a provider, and an account with the same address is here: it becomes theirs when the address is vouched for or
//! confirmed, and not before. And what is asked of who is new.

use crate::support::{Browser, PASSWORD, Portal, provider::Provider, smtp::Smtp};
use portico::users::UserState;
use serde_json::json;

async fn started(typed: &[(&str, &str)]) -> (Portal, Smtp, Provider, String) {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, typed).await;
    (portal, smtp, provider, name)
}

async fn linked(portal: &Portal) -> i64 {
    portal.count("select count(*) from identities").await
}

/// Comes by the provider and is asked something.
async fn asked(portal: &Portal, provider: &Provider, name: &str) -> Browser {
    let browser = portal.guest();
    assert_eq!(provider.sign_in(&browser, name).await.location(), "/signin/join");
    browser
}

/// The path in the last mail.
async fn link(portal: &Portal, smtp: &Smtp) -> String {
    portal.send_mails().await;
    let link = smtp.newest("ida@contoso.example").link();
    link.strip_prefix(&portal.base).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

#[tokio::test]
async fn a_vouched_address_is_linked_at_once_but_for_an_administrators() {
    let (portal, _smtp, provider, name) = started(&[]).await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    let ida = portal.guest();
    assert_eq!(provider.sign_in(&ida, &name).await.location(), "/");
    ida.get("/account").await.shows("Linked accounts <span class=\"count\">1</span>").shows("Change password");
    provider.says(json!({ "sub": "root-1", "email": "ROOT@portal.example" }));
    let root = asked(&portal, &provider, &name).await;
    root.get("/signin/join").await.is(200).shows("Or with your password").hides("First name");
    root.post("/signin/join/password", &[("password", "wrong")]).await.is(422).shows("This is not the password");
    assert_eq!(linked(&portal).await, 1);
    assert_eq!(root.post("/signin/join/password", &[("password", PASSWORD)]).await.location(), "/publisher");
    assert_eq!(linked(&portal).await, 2);
    // It was answered.
    root.post("/signin/join/password", &[("password", PASSWORD)]).await.is(410);
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_is_confirmed_by_mail_in_the_same_browser() {
    let (portal, smtp, provider, name) = started(&[]).await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    provider.says(json!({ "email_verified": false }));
    let stranger = asked(&portal, &provider, &name).await;
    // The page says nothing of whether there is an account.
    stranger.get("/signin/join").await.shows("First name").shows("Mail me a link");
    stranger.post_and_follow("/signin/join", &[("first_name", "I"), ("last_name", "K")]).await.shows("Look into your mail");
    let path = link(&portal, &smtp).await;
    // Ida reads her mail in her own browser, and gives nothing away by a click.
    let ida = portal.signed_in("ida@contoso.example").await;
    ida.get(&path).await.is(403).shows("somebody else typed your address");
    ida.post(&path, &[]).await.is(403);
    assert_eq!(linked(&portal).await, 0);
    // Whoever began, and has the link, has both.
    stranger.get(&path).await.is(200).shows("is linked to the account here");
    assert_eq!(stranger.post(&path, &[]).await.location(), "/");
    stranger.get("/account").await.shows("ida@contoso.example");
    assert_eq!(linked(&portal).await, 1);
    stranger.post(&path, &[]).await.is(410);
}

#[tokio::test]
async fn somebody_new_without_a_vouched_address_has_an_account_once_it_is_confirmed() {
    let (portal, smtp, provider, name) = started(&[]).await;
    portal.run(&["update sign_up set terms = 'Be kind.'"], vec![]).await;
    provider.says(json!({ "email_verified": null }));
    let ida = asked(&portal, &provider, &name).await;
    let page = ida.get("/signin/join").await;
    page.shows("value=\"Ida\"").shows("Be kind.");
    let mark = page.text.split("name=\"shown_terms\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a mark").to_owned();
    let names = [("first_name", "Ida"), ("last_name", "Kjær"), ("shown_terms", mark.as_str())];
    ida.post("/signin/join", &names).await.is(422).shows("Accept the terms of use to go on.");
    ida.post("/signin/join", &[&names[..], &[("terms", "on")]].concat()).await.is(303);
    assert_eq!(portal.count("select count(*) from users where state = 'pending' and password_hash is null").await, 1);
    let path = link(&portal, &smtp).await;
    assert_eq!(ida.post(&path, &[]).await.location(), "/");
    assert_eq!(portal.count("select count(*) from users where state = 'active' and terms_accepted = 'Be kind.'").await, 1);
    ida.get("/account").await.is(200);
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
}

#[tokio::test]
async fn what_is_missing_is_asked_and_an_invitation_is_taken_up() {
    let (portal, _smtp, provider, name) = started(&[]).await;
    provider.says(json!({ "given_name": null, "family_name": null }));
    let ida = asked(&portal, &provider, &name).await;
    ida.post("/signin/join", &[("first_name", ""), ("last_name", "K")]).await.is(422).shows("The first name is missing.");
    // Another browser does not know of it.
    portal.guest().get("/signin/join").await.is(410);
    assert_eq!(ida.post("/signin/join", &[("first_name", "Ida"), ("last_name", "Kjær")]).await.location(), "/");
    // Somebody who was invited has what was offered, by an address that is vouched for.
    let admin = portal.signed_in("root@portal.example").await;
    let group = portal.add_group("Partners").await;
    admin.post("/publisher/invite", &[("addresses", "eva@contoso.example"), ("group", &group)]).await.is(303);
    provider.says(json!({ "sub": "eva-1", "email": "eva@contoso.example", "given_name": "Eva", "family_name": "Berg" }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    assert_eq!(portal.count("select count(*) from memberships where source = 'invitation'").await, 1);
    assert!(portal.audited().await.ends_with(&["user.invitation_accepted".to_owned(), "user.linked".to_owned()]));
    assert_eq!(portal.count("select count(*) from users where state = 'active' and password_hash is null").await, 2);
}

#[tokio::test]
async fn the_last_way_in_is_not_unlinked() {
    let (portal, _smtp, provider, name) = started(&[]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    let id = portal.count("select id from identities").await;
    let unlink = format!("/account/unlink/{id}");
    ida.post_and_follow(&unlink, &[]).await.shows("This is your only way in.");
    // Nobody unlinks another's.
    portal.developer("dev@portal.example").await.post_and_follow(&unlink, &[]).await.shows("It was unlinked already.");
    assert_eq!(linked(&portal).await, 1);
    portal.run(&["update users set password_hash = 'x' where email = 'ida@contoso.example'"], vec![]).await;
    ida.post(&unlink, &[]).await.is(303);
    assert_eq!(linked(&portal).await, 0);
    ida.get("/account").await.is(303);
    assert!(portal.audited().await.contains(&"user.unlinked".to_owned()));
}

#[tokio::test]
async fn an_account_of_somebody_elses_is_not_linked_and_who_went_must_be_who_is_back() {
    let (portal, _smtp, provider, name) = started(&[]).await;
    provider.sign_in(&portal.guest(), &name).await.is(303);
    let dev = portal.developer("dev@portal.example").await;
    let link = format!("/account/link/{name}");
    dev.post(&link, &[("password", "wrong")]).await.is(303);
    dev.get("/account").await.shows("Nothing was linked.");
    let back = provider.back(&dev, &link, &[("password", PASSWORD)]).await;
    assert_eq!(dev.get(&back).await.location(), "/signin/refused?why=taken&by=contoso");
    // Signed in as somebody else meanwhile.
    provider.says(json!({ "sub": "dev-1" }));
    let back = provider.back(&dev, &link, &[("password", PASSWORD)]).await;
    portal.add_user("eva@portal.example", "Eva", "B", UserState::Active, false).await;
    dev.post("/signin", &[("email", "eva@portal.example"), ("password", PASSWORD)]).await.is(303);
    assert_eq!(dev.get(&back).await.location(), "/signin/refused?why=not-you&by=contoso");
    assert_eq!(linked(&portal).await, 1);
}

#[tokio::test]
async fn deleting_a_provider_or_a_person_takes_the_links_and_the_sessions() {
    let (portal, _smtp, provider, name) = started(&[]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    let admin = portal.signed_in("root@portal.example").await;
    let path = format!("/publisher/settings/providers/{name}/delete");
    admin.get(&path).await.shows("1 person has no password, and no other provider").shows("The links of 1 person").shows("1 session");
    admin.post(&path, &[("password", PASSWORD)]).await.is(303);
    ida.get("/account").await.is(303);
    assert_eq!((linked(&portal).await, portal.count("select count(*) from users where state = 'active'").await), (0, 2));
    // A person who goes.
    let name = provider.add(&admin, &[]).await;
    provider.says(json!({ "sub": "eva-1", "email": "eva@contoso.example" }));
    let eva = portal.guest();
    provider.sign_in(&eva, &name).await.is(303);
    let user = portal.texts("select name from users where email = 'eva@contoso.example'").await.remove(0);
    admin.post("/publisher/delete/users", &[("user", &user), ("users", "1"), ("live", "0"), ("password", PASSWORD)]).await.is(303);
    assert_eq!(linked(&portal).await, 0);
    let told = portal.texts("select coalesce(before, '') || coalesce(after, '') from audit where subject_kind = 'user'").await.join("\n");
    assert!(!told.contains("eva-1") && !told.contains("eva@contoso.example"), "{told}");
}
