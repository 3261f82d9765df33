//! Signing in by a real provider, npm's `oidc-provider`, and what must not let anybody in: what the person reads, and what the administrator does.

use super::sign_in::refusals;
use crate::support::{
    Browser, PASSWORD, Portal,
    counterpart::Counterpart,
    provider::{CLIENT, form_for, post},
    smtp::Smtp,
};
use serde_json::{Value, json};
use time::Duration;

/// A portal with the provider, or none where that was not fetched.
async fn started(settings: Value) -> Option<(Portal, Counterpart, Browser)> {
    let portal = Portal::start().await;
    let (provider, admin) = added(&portal, settings).await?;
    Some((portal, provider, admin))
}

async fn with_mail() -> Option<(Portal, Smtp, Counterpart)> {
    let (portal, smtp) = Portal::start_with_mail().await;
    let (provider, _) = added(&portal, json!({})).await?;
    Some((portal, smtp, provider))
}

async fn added(portal: &Portal, settings: Value) -> Option<(Counterpart, Browser)> {
    let provider = Counterpart::start(portal, settings).await?;
    let admin = portal.administrator().await;
    provider.add(&admin, &[]).await;
    Some((provider, admin))
}

/// Whoever comes back so is not let in: the page says this, and so do the audit log and its page.
async fn is_refused(portal: &Portal, browser: &Browser, back: &str, reads: &str, logged: &str) {
    let answer = browser.get(back).await;
    assert!(answer.status == 303 && answer.location().starts_with("/signin/refused?"), "{} {}", answer.status, answer.location());
    browser.get(answer.location()).await.is(403).shows("You were not let in").shows(reads);
    browser.get("/account").await.is(303);
    let rows = refusals(portal).await;
    assert!(rows.last().is_some_and(|row| row.contains(logged)), "{logged} in {rows:?}");
}

#[tokio::test]
async fn somebody_comes_in_and_is_known_the_next_time() {
    for claims_in in ["userinfo", "id_token"] {
        let Some((portal, provider, admin)) = started(json!({ "claims_in": claims_in })).await else { return };
        let tried = admin.post("/publisher/settings/providers/contoso/test", &[]).await;
        tried.is(200).shows("1 key can be used.").shows("takes the client ID and secret").hides("A step failed");
        let ida = portal.guest();
        let away = provider.away(&ida, "/signin/contoso", "/account").await;
        let back = provider.through(&ida, &away, "ida").await;
        assert_eq!((back.forms, back.part("iss")), (1, provider.base.clone()));
        assert_eq!(ida.get(&back.path).await.location(), "/account");
        ida.get("/account").await.is(200).shows("value=\"Ida\"").shows("value=\"Kjær\"").shows("ida@contoso.example");
        let actions = portal.audited().await;
        assert_eq!(actions[actions.len() - 2..], ["user.created", "user.linked"]);
        assert_eq!(provider.asked("/me").await, u64::from(claims_in == "userinfo"), "the token has them, or the userinfo endpoint");
        // There they are signed in: nothing is typed again. Another address is still the same person; the user stays as they were.
        provider.has("ida", json!({ "email": "ida.new@contoso.example", "given_name": "I" })).await;
        ida.post("/signout", &[]).await.is(303);
        let back = provider.back(&ida, "ida").await;
        assert_eq!((back.forms, ida.get(&back.path).await.location()), (0, "/"));
        ida.get("/account").await.shows("ida@contoso.example").shows("value=\"Ida\"");
        assert_eq!(portal.count("select count(*) from users").await, 2);
        assert!(refusals(&portal).await.is_empty());
        assert_eq!(
            provider.failed().await,
            "[\"grant.error: invalid_grant authorization code not found\"]",
            "to the trial, with a code of nobody’s"
        );
    }
}

#[tokio::test]
async fn signatures_are_understood_that_providers_make_and_none_by_the_secret() {
    for alg in ["RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"] {
        let Some((portal, provider, _)) = started(json!({ "client": { "id_token_signed_response_alg": alg } })).await else { return };
        let ida = portal.guest();
        let back = provider.back(&ida, "ida").await;
        if alg == "HS256" {
            is_refused(&portal, &ida, &back.path, "cannot be believed", "or of a kind that is not taken").await;
            continue;
        }
        assert_eq!(ida.get(&back.path).await.location(), "/", "{alg}: {:?}", refusals(&portal).await);
        ida.get("/account").await.is(200).shows("Kjær");
        // And those of tokens that tell of signing out.
        provider.leave(&ida, "/session/end", true).await.is(303);
        ida.get("/account").await.is(303);
        assert_eq!(provider.failed().await, "[]", "{alg}");
    }
}

#[tokio::test]
async fn who_cancels_is_told_so_and_may_begin_again() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    let back = provider.back(&ida, "").await;
    assert_eq!(back.part("error"), "access_denied");
    is_refused(&portal, &ida, &back.path, "or you cancelled", "The provider answered access_denied.").await;
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/");
}

#[tokio::test]
async fn a_wrong_nonce_lets_nobody_in() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    for nonce in [json!("another"), json!(null)] {
        provider.misbehaves(json!({ "claims": { "nonce": nonce } })).await;
        let back = provider.back(&ida, "ida").await;
        is_refused(&portal, &ida, &back.path, "cannot be believed", "was not made for this sign-in (nonce)").await;
    }
    provider.misbehaves(json!({})).await;
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/");
}

#[tokio::test]
async fn a_code_counts_once_and_for_who_was_given_it() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    let used = provider.back(&ida, "ida").await;
    assert_eq!(ida.get(&used.path).await.location(), "/");
    // The same way again; and with a state that is good.
    let eve = portal.guest();
    is_refused(&portal, &eve, &used.path, "was used already", "a state that is over, used, or not known").await;
    provider.has("eve", json!({ "sub": "eve-1", "email": "eve@contoso.example", "email_verified": true })).await;
    let own = provider.back(&eve, "eve").await;
    let replayed = own.path.replace(&own.part("code"), &used.part("code"));
    is_refused(&portal, &eve, &replayed, "cannot be believed", "does not exchange the code: invalid_grant").await;
    // A stolen one that was not used yet: whose verifier is another (PKCE).
    let fresh = portal.guest();
    let stolen = provider.back(&fresh, "ida").await;
    let own = provider.back(&eve, "eve").await;
    let injected = own.path.replace(&own.part("code"), &stolen.part("code"));
    is_refused(&portal, &eve, &injected, "cannot be believed", "does not exchange the code: invalid_grant").await;
    assert_eq!(provider.failed().await.matches("PKCE verification failed").count(), 2, "{}", provider.failed().await);
    // The provider demands what it tells.
    let away = provider.away(&eve, "/signin/contoso", "").await;
    let (before, after) = away.split_once("&code_challenge=").expect("a challenge");
    let bare = format!("{before}{}", after.split_once("&code_challenge_method=S256").expect("its method").1);
    let back = provider.through(&eve, &bare, "eve").await;
    is_refused(&portal, &eve, &back.path, "did not let you through", "The provider answered invalid_request.").await;
    assert_eq!(portal.count("select count(*) from users").await, 2);
}

#[tokio::test]
async fn keys_are_followed_and_old_and_unknown_ones_let_nobody_in() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let logged = "signed with a key that the provider does not publish";
    assert_eq!(provider.sign_in(&portal.guest(), "ida").await.location(), "/");
    provider.rotate().await;
    let here = portal.guest();
    assert_eq!(provider.sign_in(&here, "ida").await.location(), "/", "the new key is fetched");
    assert_eq!(provider.asked("/jwks").await, 2);
    // The one that was taken off.
    provider.misbehaves(json!({ "key": "old" })).await;
    let ida = portal.guest();
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "cannot be believed", logged).await;
    portal.pass(Duration::seconds(31));
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "cannot be believed", logged).await;
    assert_eq!(provider.asked("/jwks").await, 3, "looked for once more, and not at every try");
    // One that was never published.
    provider.rotate().await;
    provider.misbehaves(json!({ "key": "hidden" })).await;
    portal.pass(Duration::seconds(31));
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "cannot be believed", logged).await;
    provider.misbehaves(json!({})).await;
    portal.pass(Duration::seconds(31));
    // What tells of signing out is signed with the newest, too, and is the first to come with it.
    here.get("/account").await.is(200);
    provider.leave(&here, "/session/end", true).await.is(303);
    here.get("/account").await.is(303);
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/");
}

#[tokio::test]
async fn a_token_that_is_over_or_for_another_client_lets_nobody_in() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    let now = portal.unix();
    for (claims, logged) in [
        (json!({ "exp": now - 70, "iat": now - 3700 }), "has expired"),
        (json!({ "aud": "another" }), "for another client (aud)"),
        (json!({ "azp": "another" }), "for another client (azp)"),
        (json!({ "sub": "eve-1" }), "speaks of somebody else (sub)"),
    ] {
        provider.misbehaves(json!({ "claims": claims })).await;
        let back = provider.back(&ida, "ida").await;
        is_refused(&portal, &ida, &back.path, "cannot be believed", logged).await;
    }
    assert_eq!(portal.count("select count(*) from users").await, 1);
}

#[tokio::test]
async fn another_issuer_lets_nobody_in() {
    let Some((portal, provider, admin)) = started(json!({})).await else { return };
    let ida = portal.guest();
    provider.misbehaves(json!({ "claims": { "iss": "https://evil.example" } })).await;
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "cannot be believed", "The ID token is of another issuer (iss).").await;
    // Beside the code (RFC 9207), where this provider says that it always stands.
    provider.misbehaves(json!({ "iss": "https://evil.example" })).await;
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "cannot be believed", "names another issuer (iss) than this provider’s").await;
    provider.misbehaves(json!({})).await;
    let back = provider.back(&ida, "ida").await.path;
    let (bare, _) = back.split_once("&iss=").expect("an issuer at the end");
    is_refused(&portal, &ida, bare, "cannot be believed", "names no issuer (iss), and this provider says that it always does").await;
    // In its own document, when that is read anew.
    provider.misbehaves(json!({ "issuer": "https://evil.example" })).await;
    portal.pass(Duration::minutes(6));
    let refused = ida.post("/signin/contoso", &[]).await;
    assert_eq!(refused.location(), "/signin/refused?why=untrusted&by=contoso");
    ida.get(refused.location()).await.is(403).shows("cannot be believed");
    let rows = refusals(&portal).await;
    assert!(rows[3].contains("another issuer than the one that is set here"), "{rows:?}");
    let tried = admin.post("/publisher/settings/providers/contoso/test", &[]).await;
    tried.shows("A step failed").shows("its issuer is https://evil.example");
    provider.misbehaves(json!({})).await;
    portal.pass(Duration::minutes(6));
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/");
}

#[tokio::test]
async fn without_an_address_nobody_comes_in_and_an_unverified_one_is_confirmed_first() {
    let Some((portal, smtp, provider)) = with_mail().await else { return };
    provider.has("ida", json!({ "email": null })).await;
    let ida = portal.guest();
    let back = provider.back(&ida, "ida").await;
    is_refused(&portal, &ida, &back.path, "told no email address of yours", "The provider told no email address that can be used.").await;
    provider.has("ida", json!({ "email": "ida@contoso.example", "email_verified": false })).await;
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/signin/join");
    ida.get("/account").await.is(303);
    ida.get("/signin/join").await.is(200).shows("value=\"Ida\"").shows("Mail me a link");
    ida.post_and_follow("/signin/join", &[("first_name", "Ida"), ("last_name", "Kjær")]).await.shows("Look into your mail");
    assert_eq!(portal.count("select count(*) from users where state = 'active'").await, 1);
    assert_eq!(portal.count("select count(*) from identities").await, 0);
    portal.send_mails().await;
    let link = smtp.newest("ida@contoso.example").link();
    let link = link.strip_prefix(&portal.base).expect("a link to here");
    portal.guest().get(link).await.is(403);
    assert_eq!(ida.post(link, &[]).await.location(), "/");
    ida.get("/account").await.shows("ida@contoso.example");
    let actions = portal.audited().await;
    assert_eq!(actions[actions.len() - 3..], ["user.signed_up", "user.sign_up_confirmed", "user.linked"], "{actions:?}");
    // From then on it is the account that counts.
    assert_eq!(provider.sign_in(&portal.guest(), "ida").await.location(), "/");
}

#[tokio::test]
async fn a_secret_that_is_over_is_told_to_the_administrator() {
    let Some((portal, provider, admin)) = started(json!({})).await else { return };
    let ida = portal.guest();
    let back = provider.back(&ida, "ida").await;
    let typed = [("version", "1"), ("client_secret", "another"), ("scopes", "openid profile email groups"), ("groups_claim", "groups")];
    let edited = post(&admin, "/publisher/settings/providers/contoso", &form_for(&provider.base, &typed)).await;
    edited.is(303);
    is_refused(&portal, &ida, &back.path, "does not know this portal any more", "does not exchange the code: invalid_client").await;
    admin.get("/publisher/settings/providers").await.shows("Failing").shows("invalid_client");
    let tried = admin.post("/publisher/settings/providers/contoso/test", &[]).await;
    tried.shows("A step failed").shows("does not take the client ID with this secret");
    // With a password one is in all the same.
    portal.signed_in("root@portal.example").await.get("/account").await.is(200);
    admin.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
}

#[tokio::test]
async fn who_is_to_prove_it_anew_is_asked_by_the_provider() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    provider.sign_in(&ida, "ida").await.is(303);
    let confirmed = async || portal.count("select count(*) from sessions where confirmed_at is not null and identity_id is not null").await;
    // Without the question nothing is proved.
    let away = provider.away(&ida, "/signin/contoso/again", "/account/close").await;
    let unasked = away.strip_suffix("&prompt=login&max_age=0").expect("that it asks anew");
    let back = provider.through(&ida, unasked, "ida").await;
    assert_eq!(back.forms, 0);
    assert_eq!(ida.get(&back.path).await.location(), "/signin/refused?why=not-fresh&by=contoso");
    assert_eq!(confirmed().await, 0);
    let rows = refusals(&portal).await;
    assert!(rows[0].contains("did not ask anew (auth_time)"), "{rows:?}");
    let away = provider.away(&ida, "/signin/contoso/again", "/account/close").await;
    let back = provider.through(&ida, &away, "ida").await;
    assert_eq!((back.forms, ida.get(&back.path).await.location()), (1, "/account/close"));
    assert_eq!(confirmed().await, 1);
    // Somebody else at the desk: the provider signs Ida out for them, and tells the portal.
    provider.has("eve", json!({ "sub": "eve-1", "email": "eve@contoso.example", "email_verified": true })).await;
    let away = provider.away(&ida, "/signin/contoso/again", "/account/close").await;
    let back = provider.through(&ida, &away, "eve").await;
    assert_eq!(confirmed().await, 0);
    is_refused(&portal, &ida, &back.path, "somebody else than who is signed in", "is not signed in here as who went").await;
    assert_eq!(portal.count("select count(*) from identities").await, 1);
}

#[tokio::test]
async fn signing_out_here_offers_to_sign_out_there() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    provider.sign_in(&ida, "ida").await.is(303);
    let page = ida.post_and_follow("/signout", &[]).await;
    page.shows("You are signed in at <bdi>Contoso</bdi> still.").shows("href=\"/signin/contoso/end\"");
    // Whoever stays there comes in without typing anything, and whoever leaves does not.
    for (yes, forms) in [(false, 0), (true, 1)] {
        let end = ida.get("/signin/contoso/end").await;
        assert!(end.status == 303 && end.location().starts_with(&format!("{}/session/end?", provider.base)), "{}", end.location());
        let left = provider.leave(&ida, end.location(), yes).await;
        assert_eq!((left.status, left.location()), (303, format!("{}/signin", portal.base).as_str()), "{}", left.text);
        let back = provider.back(&ida, "ida").await;
        assert_eq!((back.forms, ida.get(&back.path).await.location()), (forms, "/"));
        ida.post("/signout", &[]).await.is(303);
    }
    assert_eq!(provider.failed().await, "[]", "what it told the portal of it was taken");
}

#[tokio::test]
async fn signing_out_there_ends_the_session_here() {
    for by_session in [true, false] {
        let settings = json!({ "client": { "backchannel_logout_session_required": by_session } });
        let Some((portal, provider, _)) = started(settings).await else { return };
        provider
            .has(
                "eve",
                json!({ "sub": "eve-1", "email": "eve@contoso.example", "email_verified": true, "given_name": "Eve", "family_name": "B" }),
            )
            .await;
        let (here, elsewhere, eve) = (portal.guest(), portal.guest(), portal.guest());
        for (browser, account) in [(&here, "ida"), (&elsewhere, "ida"), (&eve, "eve")] {
            assert_eq!(provider.sign_in(browser, account).await.location(), "/");
        }
        assert_eq!(provider.leave(&here, "/session/end", true).await.status, 303);
        assert_eq!(provider.failed().await, "[]");
        here.get("/account").await.is(303);
        // The token names her session alone, or says that Ida is signed out.
        elsewhere.get("/account").await.is(if by_session { 200 } else { 303 });
        eve.get("/account").await.is(200);
        let told = portal.texts("select after from audit where action = 'user.sessions_ended' and actor_kind = 'provider'").await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&format!("\"sessions\":{}", if by_session { 1 } else { 2 })), "{told:?}");
    }
}

#[tokio::test]
async fn logout_tokens_are_believed_that_are_the_providers_and_once() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    provider.rotate().await;
    let ida = portal.guest();
    provider.sign_in(&ida, "ida").await.is(303);
    let program = portal.guest();
    let now = portal.unix();
    let usual = json!({ "iss": provider.base, "aud": CLIENT, "sub": "ida-1", "jti": "token-1", "iat": now, "exp": now + 120,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
    let with = |more: Value| {
        let mut claims = usual.clone();
        claims.as_object_mut().expect("claims").extend(more.as_object().expect("claims").clone());
        claims
    };
    let send = async |token: &str| program.post_from_elsewhere("/signin/contoso/logout", &[("logout_token", token)]).await.status;
    for (claims, key) in [
        (with(json!({})), "old"),
        (with(json!({ "iss": "https://evil.example" })), "new"),
        (with(json!({ "aud": "another" })), "new"),
        (with(json!({ "nonce": "n" })), "new"),
        (with(json!({ "events": {} })), "new"),
        (with(json!({ "exp": now - 70 })), "new"),
        (with(json!({ "iat": now + 120 })), "new"),
        (with(json!({ "jti": "" })), "new"),
    ] {
        assert_eq!(send(&provider.sign(claims.clone(), key).await).await, 400, "{claims} {key}");
    }
    ida.get("/account").await.is(200);
    let good = provider.sign(with(json!({})), "new").await;
    assert_eq!(send(&good).await, 200);
    ida.get("/account").await.is(303);
    provider.sign_in(&ida, "ida").await.is(303);
    assert_eq!(send(&good).await, 200);
    ida.get("/account").await.is(200);
}

/// Tokens by the code flow, in which the portal asks so; and how many forms were answered.
async fn granted(portal: &Portal, provider: &Counterpart, browser: &Browser, prompt: &str) -> (usize, Value) {
    const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
    const CHALLENGE: &str = "y5UF_tmp_ICTDGza-Ou2vUvx2cu7DBN-Xwf_z0RDfTw";
    let redirect = format!("{}/signin/contoso/callback", portal.base);
    let mut url = url::Url::parse(&format!("{}/auth", provider.base)).expect("an address");
    url.query_pairs_mut().extend_pairs([
        ("client_id", CLIENT),
        ("response_type", "code"),
        ("redirect_uri", &redirect),
        ("scope", "openid groups offline_access"),
        ("prompt", prompt),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let back = provider.through(browser, url.as_str(), "ida").await;
    let code = back.part("code");
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &redirect), ("code_verifier", VERIFIER)];
    let (status, tokens) = provider.token(&form).await;
    assert_eq!(status, 200, "{tokens}");
    (back.forms, tokens)
}

async fn refreshed(provider: &Counterpart, tokens: &Value) -> (u16, Value) {
    let token = tokens["refresh_token"].as_str().expect("a token");
    provider.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn the_counterpart_gives_refresh_tokens_that_rotate_and_can_be_taken_back() {
    let Some((portal, provider, _)) = started(json!({})).await else { return };
    let ida = portal.guest();
    // As the standard has it, offline_access counts where the person is asked for consent (section 11 of OpenID Connect Core).
    let (forms, tokens) = granted(&portal, &provider, &ida, "login").await;
    assert_eq!((forms, tokens.get("refresh_token")), (1, None));
    let (forms, first) = granted(&portal, &provider, &ida, "consent").await;
    assert_eq!(forms, 1);
    let (status, second) = refreshed(&provider, &first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    provider.has("ida", json!({ "groups": ["Staff"] })).await;
    let bearer = format!("Bearer {}", second["access_token"].as_str().expect("a token"));
    let said = Browser::new(&provider.base).send(reqwest::Method::GET, "/me", &[("authorization", &bearer)], "", "").await;
    said.is(200).shows("\"groups\":[\"Staff\"]");
    assert_eq!(provider.revoke("ida").await, 2, "the one that was used, and the one that was given for it");
    let (status, answer) = refreshed(&provider, &second).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    // One that is used twice was stolen, by whom nobody knows: what was granted is over.
    let (_, first) = granted(&portal, &provider, &ida, "consent").await;
    let (_, second) = refreshed(&provider, &first).await;
    assert_eq!(refreshed(&provider, &first).await.0, 400);
    assert_eq!(refreshed(&provider, &second).await.0, 400);
    // Others give them unasked, and the portal lets people in as before.
    let Some((portal, provider, _)) = started(json!({ "refresh": "always" })).await else { return };
    let ida = portal.guest();
    assert_eq!(provider.sign_in(&ida, "ida").await.location(), "/");
    let (_, tokens) = granted(&portal, &provider, &ida, "login").await;
    assert_eq!(refreshed(&provider, &tokens).await.0, 200);
}
