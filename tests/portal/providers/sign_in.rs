//! Signing in by a provider, and all that must not let anybody in.

use crate::support::{
    PASSWORD, Portal,
    provider::{Provider, SECRET},
};
use portico::users::UserState;
use serde_json::json;
use time::Duration;

async fn started() -> (Portal, Provider, String) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, &[]).await;
    (portal, provider, name)
}

/// How many rows tell the administrator of a refusal, and that none of them tells a secret.
pub async fn refusals(portal: &Portal) -> Vec<String> {
    let rows =
        portal.texts("select after from audit where action = 'provider.sign_in_refused' and actor_kind = 'provider' order by id").await;
    let told = portal.texts("select coalesce(before, '') || coalesce(after, '') || subject_name from audit").await.join("\n");
    for secret in [SECRET, "s3cret", "state=", "code=", "eyJ"] {
        assert!(!told.contains(secret), "{secret} is in the log: {told}");
    }
    rows
}

#[tokio::test]
async fn somebody_new_comes_in_and_goes_on_to_where_they_were_going() {
    let (portal, provider, name) = started().await;
    let ida = portal.guest();
    let page = ida.get("/signin?next=%2Faccount").await;
    page.is(200).shows("Continue with <bdi>Contoso</bdi>").shows("name=\"next\" value=\"/account\"");
    assert!(page.header("content-security-policy").contains(&format!("form-action 'self' https: {};", provider.base)));
    let away = ida.post("/signin/contoso", &[("next", "/account")]).await;
    away.is(303);
    let cookie = away.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    for part in ["response_type=code", "scope=openid+profile+email", "code_challenge_method=S256", "nonce=", "state="] {
        assert!(away.location().contains(part), "{part} in {}", away.location());
    }
    let back = provider.through(away.location()).await;
    let landed = ida.get(&back).await;
    assert_eq!((landed.status, landed.location()), (303, "/account"));
    ida.get("/account")
        .await
        .is(200)
        .shows("Ida")
        .shows("Kjær")
        .shows("ida@contoso.example")
        .shows("You have none, and sign in by a provider");
    let actions = portal.audited().await;
    assert_eq!(actions[actions.len() - 2..], ["user.created", "user.linked"]);
    assert_eq!(portal.count("select count(*) from sign_in_attempts where used_at is null").await, 0);
    // The second time it is the same user, whatever the address there is by now.
    provider.says(json!({ "email": "ida.new@contoso.example" }));
    let again = portal.guest();
    assert_eq!(provider.sign_in(&again, &name).await.location(), "/");
    again.get("/account").await.shows("ida@contoso.example");
    assert_eq!(portal.count("select count(*) from users").await, 2);
    assert!(refusals(&portal).await.is_empty());
}

#[tokio::test]
async fn buttons_lead_away_from_a_page_that_came_back_too() {
    let (portal, provider, _) = started().await;
    let policy = format!("form-action 'self' https: {};", provider.base);
    let guest = portal.guest();
    let typed = [("email", "nobody@contoso.example"), ("password", "wrong and long enough")];
    let mut statuses = Vec::new();
    for _ in 0..8 {
        let page = guest.post("/signin", &typed).await;
        page.shows("Continue with <bdi>Contoso</bdi>");
        assert!(page.header("content-security-policy").contains(&policy), "{}", page.status);
        statuses.push(page.status);
    }
    assert!(statuses.contains(&422) && statuses.contains(&429), "{statuses:?}");
    let ana = portal.developer("ana@contoso.example").await;
    let name = [("version", "1"), ("first_name", ""), ("last_name", "")];
    let stale = [("version", "7"), ("first_name", "Other"), ("last_name", "Name")];
    for (path, form, status) in [("/account/name", &name[..], 422), ("/account/name", &stale[..], 409), ("/account/password", &[], 422)] {
        let page = ana.post(path, form).await;
        page.is(status).shows("Link an account of");
        assert!(page.header("content-security-policy").contains(&policy), "{path} {status}");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_afterwards() {
    let (portal, provider, name) = started().await;
    for next in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let guest = portal.guest();
        let back = provider.back(&guest, &format!("/signin/{name}"), &[("next", next)]).await;
        assert_eq!(guest.get(&back).await.location(), "/", "{next}");
    }
}

#[tokio::test]
async fn a_stolen_code_a_forged_login_and_a_mixed_up_provider_let_nobody_in() {
    let (portal, provider, name) = started().await;
    let admin = portal.signed_in("root@portal.example").await;
    let path = format!("/signin/{name}");
    // The way back works in the browser in which it began, and once.
    let victim = portal.guest();
    let back = provider.back(&portal.guest(), &path, &[]).await;
    assert_eq!(victim.get(&back).await.location(), "/signin/refused?why=browser&by=contoso");
    victim.get("/account").await.is(303);
    victim.get("/signin/refused?why=browser&by=contoso").await.is(403).shows("begun in another browser").shows("Contoso");
    let ida = portal.guest();
    let back = provider.back(&ida, &path, &[]).await;
    assert_eq!(ida.get(&back).await.location(), "/");
    assert_eq!(ida.get(&back).await.location(), "/signin/refused?why=over&by=contoso");
    // A state of nobody's; one's own with a code that was used.
    assert_eq!(ida.get(&format!("{path}/callback?code=x&state=y")).await.location(), "/signin/refused?why=over&by=contoso");
    let used = back.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    let fresh = provider.back(&ida, &path, &[]).await;
    let code = fresh.split("code=").nth(1).and_then(|rest| rest.split('&').next()).expect("a code").to_owned();
    assert_eq!(ida.get(&fresh.replace(&code, &used)).await.location(), "/signin/refused?why=untrusted&by=contoso");
    // Ten minutes are enough.
    let late = provider.back(&ida, &path, &[]).await;
    portal.pass(Duration::minutes(11));
    assert_eq!(ida.get(&late).await.location(), "/signin/refused?why=over&by=contoso");
    // Sent to one provider, back from another.
    let other = provider.add(&admin, &[("display_name", "Fabrikam")]).await;
    let mixed = provider.back(&ida, &path, &[]).await;
    assert_eq!(ida.get(&mixed.replace(&name, &other)).await.location(), "/signin/refused?why=mixed-up&by=fabrikam");
    provider.set(|manners| manners.iss = Some("https://evil.example".to_owned()));
    let mixed = provider.sign_in(&ida, &name).await;
    assert_eq!(mixed.location(), "/signin/refused?why=untrusted&by=contoso");
    let rows = refusals(&portal).await;
    // All but the state of nobody’s, with which anybody could fill the log.
    assert_eq!(rows.len(), 6, "{rows:?}");
    assert!(rows[0].contains("in another browser") && rows[5].contains("another issuer (iss)"), "{rows:?}");
}

#[tokio::test]
async fn what_a_token_says_wrongly_lets_nobody_in() {
    let (portal, provider, name) = started().await;
    let now = portal.unix();
    for (claims, words) in [
        (json!({ "nonce": "another" }), "(nonce)"),
        (json!({ "nonce": null }), "(nonce)"),
        (json!({ "iss": "https://evil.example" }), "(iss)"),
        (json!({ "aud": "another" }), "(aud)"),
        (json!({ "aud": ["portico at contoso", "another"] }), "(aud)"),
        (json!({ "azp": "another" }), "(azp)"),
        (json!({ "exp": now - 61 }), "expired"),
        (json!({ "iat": now + 120 }), "in the future"),
    ] {
        let before = provider.base.clone();
        provider.set(|manners| manners.claims = json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": true }));
        provider.says(claims.clone());
        let guest = portal.guest();
        assert_eq!(provider.sign_in(&guest, &name).await.location(), "/signin/refused?why=untrusted&by=contoso", "{claims} {before}");
        guest.get("/account").await.is(303);
        let rows = refusals(&portal).await;
        assert!(rows.last().is_some_and(|row| row.contains(words)), "{claims}: {rows:?}");
    }
    provider.set(|manners| (manners.claims, manners.forges) = (json!({ "sub": "x", "email": "x@contoso.example" }), true));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso");
    assert_eq!(portal.count("select count(*) from users").await, 1);
    // A minute is forgiven.
    provider.set(|manners| manners.forges = false);
    provider.set(|manners| {
        manners.claims = json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": "true", "name": "Ida Kjær" })
    });
    provider.says(json!({ "exp": now - 30, "iat": now + 30 }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
}

#[tokio::test]
async fn keys_are_fetched_anew_when_they_were_changed_and_not_for_every_stranger() {
    let (portal, provider, name) = started().await;
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    assert_eq!(provider.asked("/keys"), 1, "they are kept");
    provider.rotate("second");
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    assert_eq!(provider.asked("/keys"), 2);
    provider.set(|manners| manners.hides_key = true);
    provider.rotate("third");
    for _ in 0..3 {
        assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso");
    }
    assert_eq!(provider.asked("/keys"), 2, "not again so soon");
    portal.pass(Duration::seconds(31));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso");
    assert_eq!(provider.asked("/keys"), 3);
    let rows = refusals(&portal).await;
    assert!(rows[0].contains("does not publish"), "{rows:?}");
}

#[tokio::test]
async fn a_provider_that_is_down_or_says_no_is_told_of() {
    let (portal, provider, name) = started().await;
    let admin = portal.signed_in("root@portal.example").await;
    let guest = portal.guest();
    provider.set(|manners| manners.refuses = Some("access_denied"));
    let denied = provider.sign_in(&guest, &name).await;
    assert_eq!(denied.location(), "/signin/refused?why=denied&by=contoso");
    guest.get(denied.location()).await.is(403).shows("or you cancelled").hides("s3cret");
    provider.set(|manners| (manners.refuses, manners.is_down) = (None, true));
    portal.pass(Duration::minutes(6));
    let away = guest.post(&format!("/signin/{name}"), &[]).await;
    assert_eq!(away.location(), "/signin/refused?why=away&by=contoso");
    guest.get(away.location()).await.shows("does not answer as it should");
    admin.get("/publisher/settings/providers").await.shows("Failing").shows("answered 500");
    admin.get("/publisher").await.is(200).shows("does not answer as it should").shows("answered 500");
    // With the password one is in all the same.
    portal.signed_in("root@portal.example").await;
    let rows = refusals(&portal).await;
    assert!(rows[0].contains("access_denied") && rows[1].contains("answered 500"), "{rows:?}");
}

#[tokio::test]
async fn who_may_not_come_in_does_not() {
    let (portal, provider, name) = started().await;
    let admin = portal.signed_in("root@portal.example").await;
    let whys = async |expected: &str| {
        let guest = portal.guest();
        assert_eq!(provider.sign_in(&guest, &name).await.location(), format!("/signin/refused?why={expected}&by=contoso"));
        guest.get("/account").await.is(303);
    };
    provider.says(json!({ "email": null }));
    whys("no-email").await;
    provider.says(json!({ "email": "not an address" }));
    whys("no-email").await;
    // Blocked stays blocked: known by the address, and by the link.
    portal.add_user("ida@contoso.example", "Ida", "Kjær", UserState::Blocked, false).await;
    provider.says(json!({ "email": "ida@contoso.example" }));
    whys("blocked").await;
    portal.run(&["update users set state = 'active' where email = 'ida@contoso.example'"], vec![]).await;
    let ida = portal.guest();
    assert_eq!(provider.sign_in(&ida, &name).await.location(), "/");
    admin
        .post(
            &format!("/publisher/users/{}/block", portal.texts("select name from users where email = 'ida@contoso.example'").await[0]),
            &[],
        )
        .await
        .is(303);
    ida.get("/account").await.is(303);
    whys("blocked").await;
    // Let in again they are as before, though they have no password.
    let user = portal.texts("select name from users where email = 'ida@contoso.example'").await.remove(0);
    portal.run(&["update users set password_hash = null where email = 'ida@contoso.example'"], vec![]).await;
    admin.post(&format!("/publisher/users/{user}/activate"), &[]).await.is(303);
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/");
    // Other domains, and new people.
    let page = admin.get(&format!("/publisher/settings/providers/{name}")).await;
    let version =
        page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version").to_owned();
    let form = provider.form(&[("version", &version), ("client_secret", ""), ("allowed_domains", "fabrikam.example"), ("new_people", "")]);
    crate::support::provider::post(&admin, &format!("/publisher/settings/providers/{name}"), &form).await.is(303);
    provider.says(json!({ "sub": "new", "email": "new@contoso.example" }));
    whys("domain").await;
    provider.says(json!({ "email": "new@fabrikam.example" }));
    whys("no-account").await;
    assert_eq!(portal.count("select count(*) from users").await, 2);
    // Switched off it is not there at all.
    let form = provider.form(&[("version", "2"), ("client_secret", ""), ("enabled", "")]);
    crate::support::provider::post(&admin, &format!("/publisher/settings/providers/{name}"), &form).await.is(303);
    portal.guest().post(&format!("/signin/{name}"), &[]).await.is(404);
    portal.guest().get("/signin").await.hides("Continue with");
}

#[tokio::test]
async fn what_the_id_token_leaves_out_is_asked_of_the_same_person() {
    let (portal, provider, name) = started().await;
    provider.set(|manners| {
        manners.claims = json!({ "sub": "ida-1" });
        manners.userinfo = Some(json!({ "sub": "somebody else", "email": "root@portal.example", "email_verified": true }));
    });
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=contoso");
    provider.set(|manners| {
        manners.userinfo =
            Some(json!({ "sub": "ida-1", "email": "ida@contoso.example", "email_verified": true, "name": "Ida Maria Kjær" }));
    });
    let ida = portal.guest();
    assert_eq!(provider.sign_in(&ida, &name).await.location(), "/");
    ida.get("/account").await.shows("value=\"Ida Maria\"").shows("value=\"Kjær\"");
}

#[tokio::test]
async fn without_a_password_the_provider_proves_once_more_who_one_is() {
    let (portal, provider, name) = started().await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/account/email").await.is(200).shows("/signin/again?next=%2Faccount%2Femail").hides("Your password</label>");
    ida.post("/account/email", &[("email", "other@contoso.example")]).await.is(422).shows("Sign in once more first");
    ida.get("/signin/again?next=%2Faccount%2Femail").await.is(200).shows("Continue with <bdi>Contoso</bdi>");
    let again = format!("/signin/{name}/again");
    let away = ida.post(&again, &[("next", "/account/email")]).await;
    assert!(away.location().contains("prompt=login") && away.location().contains("max_age=0"), "{}", away.location());
    // Somebody else's account, and one that proved it an hour ago.
    provider.says(json!({ "sub": "another" }));
    let back = provider.through(away.location()).await;
    assert_eq!(ida.get(&back).await.location(), "/signin/refused?why=not-you&by=contoso");
    provider.says(json!({ "sub": "ida-1", "auth_time": portal.unix() - 3600 }));
    let back = provider.back(&ida, &again, &[("next", "/account/email")]).await;
    assert_eq!(ida.get(&back).await.location(), "/signin/refused?why=not-fresh&by=contoso");
    ida.post("/account/email", &[("email", "other@contoso.example")]).await.is(422);
    provider.says(json!({ "auth_time": portal.unix() }));
    let back = provider.back(&ida, &again, &[("next", "/account/email")]).await;
    assert_eq!(ida.get(&back).await.location(), "/account/email");
    ida.get("/account/email").await.hides("/signin/again");
    ida.post("/account/email", &[("email", "other@contoso.example")]).await.is(303);
    portal.pass(Duration::minutes(11));
    ida.get("/account/close").await.shows("/signin/again");
}

#[tokio::test]
async fn passwords_are_switched_off_and_come_back_by_the_command_line() {
    let (portal, provider, name) = started().await;
    let admin = portal.signed_in("root@portal.example").await;
    // The administrator links an account, and signs in by it.
    provider.says(json!({ "sub": "root-1", "email": "root@contoso.example" }));
    let back = provider.back(&admin, &format!("/account/link/{name}"), &[("password", PASSWORD)]).await;
    assert_eq!(admin.get(&back).await.location(), "/account");
    admin.get("/account").await.shows("Linked. You can sign in with it");
    let by_provider = portal.guest();
    assert_eq!(provider.sign_in(&by_provider, &name).await.location(), "/publisher");
    by_provider.post("/publisher/settings/passwords", &[("password", PASSWORD)]).await.is(303);
    let guest = portal.guest();
    guest.get("/signin").await.shows("Continue with").hides("type=\"password\"");
    guest
        .post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)])
        .await
        .is(403)
        .shows("Nobody signs in with a password here");
    guest.post("/forgot", &[("email", "root@portal.example")]).await.is(403);
    portal.run(&["update sign_up set allowed = true"], vec![]).await;
    guest.get("/signup").await.is(404);
    // The only provider stays.
    by_provider.post(&format!("/publisher/settings/providers/{name}/delete"), &[]).await.is(409).shows("only provider");
    portico::providers::allow_passwords(portal.db(), &portico::auth::operator(), None, true).await.expect("allowed");
    portal.signed_in("root@portal.example").await;
}
