//! What somebody would try who wants another's account, more than they may see, or the portal to be busy with them alone.

use crate::support::{
    Browser, PASSWORD, Portal,
    provider::{Provider, post},
    smtp::Smtp,
};
use portico::users::UserState;
use serde_json::json;

async fn started(typed: &[(&str, &str)]) -> (Portal, Provider, String) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, typed).await;
    (portal, provider, name)
}

async fn with_mail() -> (Portal, Smtp, Provider, String) {
    let (portal, smtp) = Portal::start_with_mail().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, &[]).await;
    (portal, smtp, provider, name)
}

async fn linked(portal: &Portal) -> i64 {
    portal.count("select count(*) from identities").await
}

async fn asked(portal: &Portal, provider: &Provider, name: &str) -> Browser {
    let browser = portal.guest();
    assert_eq!(provider.sign_in(&browser, name).await.location(), "/signin/join");
    browser
}

async fn link(portal: &Portal, smtp: &Smtp, email: &str) -> String {
    portal.send_mails().await;
    let link = smtp.newest(email).link();
    link.strip_prefix(&portal.base).unwrap_or_else(|| panic!("{link} leads elsewhere")).to_owned()
}

#[tokio::test]
async fn passwords_that_are_switched_off_open_no_door() {
    let (portal, smtp, provider, name) = with_mail().await;
    let admin = portal.signed_in("root@portal.example").await;
    admin.post("/publisher/invite", &[("addresses", "eva@contoso.example")]).await.is(303);
    let invitation = link(&portal, &smtp, "eva@contoso.example").await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    portal.run(&["update password_sign_in set allowed = false"], vec![]).await;
    provider.says(json!({ "email_verified": false }));
    let thief = asked(&portal, &provider, &name).await;
    thief.get("/signin/join").await.is(200).hides("Or with your password");
    thief.post("/signin/join/password", &[("password", PASSWORD)]).await.is(403).shows("Nobody signs in with a password here");
    thief.get("/account").await.is(303);
    assert_eq!(linked(&portal).await, 0);
    let eva = portal.guest();
    eva.get(&invitation).await.is(200).shows("Nobody signs in with a password here").hides("type=\"password\"");
    let form = [("first_name", "Eva"), ("last_name", "B"), ("password", PASSWORD), ("repeated", PASSWORD)];
    eva.post(&invitation, &form).await.is(403);
    eva.get("/account").await.is(303);
    // The invitation is taken up by a provider.
    provider.says(json!({ "sub": "eva-1", "email": "eva@contoso.example", "email_verified": true }));
    assert_eq!(provider.sign_in(&eva, &name).await.location(), "/");
}

#[tokio::test]
async fn passwords_are_not_switched_off_by_who_came_by_a_provider_that_is_off() {
    let (portal, provider, name) = started(&[]).await;
    provider.sign_in(&portal.guest(), &name).await.is(303);
    portal.run(&["update users set administrator = true where email = 'ida@contoso.example'"], vec![]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    portal.run(&["update sessions set confirmed_at = seen_at"], vec![]).await;
    portal.run(&["update providers set enabled = false"], vec![]).await;
    ida.post("/publisher/settings/passwords", &[]).await.is(409).shows("Sign in by a provider first");
    portal.run(&["update providers set enabled = true"], vec![]).await;
    ida.post("/publisher/settings/passwords", &[]).await.is(303);
}

#[tokio::test]
async fn whoever_unlinks_is_in_no_group_of_the_provider_any_more() {
    let (portal, provider, name) = started(&[("groups_claim", "groups")]).await;
    super::sources::add_staff(&portal).await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    provider.says(json!({ "groups": ["g-1"] }));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 1);
    let id = portal.count("select id from identities").await;
    ida.post(&format!("/account/unlink/{id}"), &[]).await.is(303);
    assert_eq!((linked(&portal).await, portal.count("select count(*) from memberships").await), (0, 0));
    assert!(portal.audited().await.ends_with(&["user.groups_reported".to_owned(), "user.unlinked".to_owned()]));
}

#[tokio::test]
async fn an_address_with_a_code_stays_nowhere() {
    let (portal, provider, name) = started(&[]).await;
    let ida = portal.guest();
    let back = provider.back(&ida, &format!("/signin/{name}"), &[]).await;
    portal.run(&["update providers set enabled = false"], vec![]).await;
    assert_eq!(ida.get(&back).await.location(), "/signin/refused?why=over&by=contoso");
    for (back, by) in [
        ("/signin/none/callback?code=x&state=y", "none"),
        ("/signin/contoso/callback?code=x&state=y&state=z", "contoso"),
        ("/signin/contoso/callback?code=%00&state=y", "contoso"),
    ] {
        assert_eq!(ida.get(back).await.location(), format!("/signin/refused?why=over&by={by}"), "{back}");
    }
}

#[tokio::test]
async fn who_is_to_prove_it_anew_is_asked_anew() {
    let (portal, provider, name) = started(&[("kind", "oidc")]).await;
    let admin = portal.signed_in("root@portal.example").await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    let again = format!("/signin/{name}/again");
    provider.says(json!({ "auth_time": null }));
    let back = provider.back(&ida, &again, &[]).await;
    // It was asked to, and says not when it did.
    assert_eq!(ida.get(&back).await.location(), "/signin/refused?why=not-fresh&by=contoso");
    assert_eq!(portal.count("select count(*) from sessions where confirmed_at is not null and identity_id is not null").await, 0);
    // Google never says it; that its account is at hand has to do for who has no password, and for nobody else.
    let google = provider.add(&admin, &[("kind", "google"), ("display_name", "Google")]).await;
    provider.says(json!({ "sub": "eva-1", "email": "eva@gmail.com" }));
    let eva = portal.guest();
    provider.sign_in(&eva, &google).await.is(303);
    let again = format!("/signin/{google}/again");
    let back = provider.back(&eva, &again, &[]).await;
    assert_eq!(eva.get(&back).await.location(), "/account");
    portal.run(&["update users set password_hash = 'x' where email = 'eva@gmail.com'"], vec![]).await;
    let back = provider.back(&eva, &again, &[]).await;
    assert_eq!(eva.get(&back).await.location(), "/signin/refused?why=not-fresh&by=google");
}

#[tokio::test]
async fn what_is_said_of_one_address_vouches_for_no_other() {
    let (portal, provider, name) = started(&[("groups_claim", "groups")]).await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    provider.set(|manners| {
        manners.claims = json!({ "sub": "eve-1", "email": "ida@contoso.example" });
        manners.userinfo = Some(json!({ "sub": "eve-1", "email": "eve@contoso.example", "email_verified": true }));
    });
    asked(&portal, &provider, &name).await;
    // What the mailbox of another spelling gets is another's.
    portal.add_user("straße@contoso.example", "S", "T", UserState::Active, false).await;
    provider.set(|manners| {
        manners.claims = json!({ "sub": "eve-1", "email": "strasse@contoso.example", "email_verified": true });
        manners.userinfo = Some(json!({ "sub": "eve-1" }));
    });
    asked(&portal, &provider, &name).await;
    assert_eq!(linked(&portal).await, 0);
}

#[tokio::test]
async fn addresses_that_google_or_a_tenant_does_not_keep_are_not_vouched_for() {
    const OURS: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    let (portal, provider, google) = started(&[("kind", "google"), ("display_name", "Google")]).await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    asked(&portal, &provider, &google).await;
    let admin = portal.signed_in("root@portal.example").await;
    let entra = provider.add(&admin, &[("kind", "entra"), ("display_name", "Entra"), ("allowed_tenants", OURS)]).await;
    provider.set(|manners| {
        manners.claims = json!({ "sub": "x", "oid": "object-1", "tid": OURS, "email": "ida@contoso.example", "xms_edov": false });
    });
    asked(&portal, &provider, &entra).await;
    assert_eq!(linked(&portal).await, 0);
    provider.says(json!({ "xms_edov": true }));
    assert_eq!(provider.sign_in(&portal.guest(), &entra).await.location(), "/");
    provider.set(|manners| {
        manners.claims = json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": true, "hd": "contoso.example" });
    });
    assert_eq!(provider.sign_in(&portal.guest(), &google).await.location(), "/");
}

#[tokio::test]
async fn tokens_that_nobody_or_anybody_signs_let_nobody_in() {
    let (portal, provider, name) = started(&[]).await;
    for alg in ["none", "HS256", "ES256"] {
        provider.set(|manners| manners.alg = Some(alg));
        assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso", "{alg}");
    }
    assert_eq!(portal.count("select count(*) from users").await, 1);
}

#[tokio::test]
async fn whoever_comes_back_for_ever_fills_no_log_and_asks_nobody_for_ever() {
    let (portal, provider, name) = started(&[]).await;
    let guest = portal.guest();
    let back = provider.back(&guest, &format!("/signin/{name}"), &[]).await;
    guest.get(&back).await.is(303);
    for _ in 0..210 {
        guest.get(&back).await.is(303);
    }
    let rows = portal.texts("select after from audit where action = 'provider.sign_in_refused' order by id").await;
    assert_eq!(rows.len(), 200);
    assert!(rows[199].contains("in the program’s log alone"), "{}", rows[199]);
    // While it is down it is asked once in a while, whoever knocks.
    provider.set(|manners| manners.is_down = true);
    portal.pass(time::Duration::minutes(11));
    let asked = || provider.asked("/.well-known/openid-configuration");
    let before = asked();
    for _ in 0..3 {
        assert_eq!(portal.guest().post(&format!("/signin/{name}"), &[]).await.location(), "/signin/refused?why=away&by=contoso");
    }
    assert_eq!(asked() - before, 1);
}

#[tokio::test]
async fn what_a_provider_says_has_an_end() {
    let (portal, provider, name) = started(&[("groups_claim", "groups")]).await;
    let known = "insert into seen_groups (provider_id, tenant, external_id, name, last_seen_at)
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 4999)
        select p.id, '', 'old-' || i, '', p.created_at from n cross join providers p";
    portal.run(&[known], vec![]).await;
    let groups: Vec<String> = (0..3_000).map(|number| format!("new-{number}")).collect();
    provider.says(json!({ "groups": groups, "sid": "s".repeat(300) }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    assert_eq!(portal.count("select count(*) from seen_groups").await, 5_000);
    assert_eq!(portal.count("select count(*) from sessions where length(provider_session) > 255").await, 0);
    // Nor does any database hold this character.
    provider.says(json!({ "groups": ["a\u{0}b"], "sid": "\u{0}" }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    provider.says(json!({ "sub": "\u{0}" }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso");
}

#[tokio::test]
async fn who_is_invited_says_a_name_and_who_is_not_known_gets_no_account_by_asking() {
    let (portal, smtp, provider, name) = with_mail().await;
    let admin = portal.signed_in("root@portal.example").await;
    portal.run(&["update providers set new_people = false"], vec![]).await;
    admin.post("/publisher/invite", &[("addresses", "eva@contoso.example")]).await.is(303);
    provider.says(json!({ "email": "eva@contoso.example", "email_verified": false, "given_name": "evil.com" }));
    let eva = asked(&portal, &provider, &name).await;
    eva.post("/signin/join", &[("first_name", "evil.com"), ("last_name", "B")]).await.is(422).shows("reads as an address");
    portal.pass(time::Duration::minutes(2));
    eva.post("/signin/join", &[("first_name", "Eva"), ("last_name", "B")]).await.is(303);
    let path = link(&portal, &smtp, "eva@contoso.example").await;
    assert_eq!(eva.post(&path, &[]).await.location(), "/");
    assert_eq!(portal.texts("select first_name from users where email = 'eva@contoso.example'").await, ["Eva"]);
    // Nobody's address looks the same, and leaves nothing.
    provider.says(json!({ "sub": "x", "email": "nobody@contoso.example" }));
    let nobody = asked(&portal, &provider, &name).await;
    nobody.get("/signin/join").await.shows("First name");
    nobody.post("/signin/join", &[("first_name", "No"), ("last_name", "Body")]).await.is(303);
    assert_eq!(portal.count("select count(*) from users where email = 'nobody@contoso.example'").await, 0);
}

#[tokio::test]
async fn two_answers_of_one_person_link_once_and_rules_of_now_hold() {
    let (portal, smtp, provider, name) = with_mail().await;
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    provider.says(json!({ "email_verified": false }));
    let (one, two) = (asked(&portal, &provider, &name).await, asked(&portal, &provider, &name).await);
    two.post("/signin/join", &[("first_name", "I"), ("last_name", "K")]).await.is(303);
    let path = link(&portal, &smtp, "ida@contoso.example").await;
    assert_eq!(one.post("/signin/join/password", &[("password", PASSWORD)]).await.location(), "/");
    assert_eq!(two.post(&path, &[]).await.location(), "/");
    assert_eq!(linked(&portal).await, 1);
    // Domains that are no longer allowed while somebody is asked.
    provider.says(json!({ "sub": "eva-1", "email": "eva@contoso.example" }));
    let eva = asked(&portal, &provider, &name).await;
    portal.run(&["update providers set allowed_domains = '[\"fabrikam.example\"]'"], vec![]).await;
    eva.get("/signin/join").await.is(410);
}

#[tokio::test]
async fn a_secret_is_not_sent_to_another_issuer_than_it_was_given_for() {
    let (portal, provider, name) = started(&[]).await;
    let admin = portal.signed_in("root@portal.example").await;
    let path = format!("/publisher/settings/providers/{name}");
    let form = provider.form(&[("version", "1"), ("client_secret", ""), ("issuer", "https://evil.example")]);
    post(&admin, &path, &form).await.is(422).shows("Another issuer gets a secret of its own");
    let form = provider.form(&[("version", "1"), ("client_secret", "another"), ("issuer", "https://good.example")]);
    post(&admin, &path, &form).await.is(303);
}

#[tokio::test]
async fn nothing_is_kept_of_who_was_deleted_while_they_came() {
    let (portal, provider, name) = started(&[]).await;
    provider.sign_in(&portal.guest(), &name).await.is(303);
    portal.run(&["delete from sessions where identity_id is not null"], vec![]).await;
    portico::providers::attempts::tidy(portal.db()).await.expect("tidied");
    assert_eq!(linked(&portal).await, 1);
    portal.run(&["update users set state = 'deleted' where email = 'ida@contoso.example'"], vec![]).await;
    portico::providers::attempts::tidy(portal.db()).await.expect("tidied");
    assert_eq!(linked(&portal).await, 0);
}
