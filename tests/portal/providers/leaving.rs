//! Signing out, here and at the provider.

use crate::support::{
    FORM, Portal, Reply,
    provider::{CLIENT, Provider},
};
use reqwest::Method;
use serde_json::{Value, json};

/// As the provider does it: from nowhere, without a cookie.
async fn tell(portal: &Portal, name: &str, token: &str) -> Reply {
    portal.guest().send(Method::POST, &format!("/signin/{name}/logout"), &[], FORM, &format!("logout_token={token}")).await
}

fn claims(portal: &Portal, provider: &Provider, over: Value) -> Value {
    let mut claims = json!({ "iss": provider.base, "aud": [CLIENT, "another"], "iat": portal.unix(), "jti": portico::ids::random_name(12),
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
    let known = claims.as_object_mut().expect("claims");
    for (name, value) in over.as_object().expect("claims") {
        known.insert(name.clone(), value.clone());
    }
    known.retain(|_, value| !value.is_null());
    claims
}

#[tokio::test]
async fn signing_out_here_offers_to_sign_out_there() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    let name = provider.add(&admin, &[]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    ida.post_and_follow("/signout", &[]).await.shows("You are signed out.").shows("You are signed in at <bdi>Contoso</bdi> still.");
    ida.get("/account").await.is(303);
    let end = ida.get(&format!("/signin/{name}/end")).await;
    assert!(end.location().starts_with(&format!("{}/logout?client_id=portico+at+contoso&post_logout_redirect_uri=http", provider.base)));
    // Who came with a password is offered nothing.
    admin.post_and_follow("/signout", &[]).await.shows("You are signed out.").hides("still.");
}

#[tokio::test]
async fn the_provider_ends_the_sessions_that_began_by_it_and_no_others() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    let name = provider.add(&admin, &[]).await;
    let come = async |session: &str| {
        provider.says(json!({ "sid": session }));
        let ida = portal.guest();
        provider.sign_in(&ida, &name).await.is(303);
        ida
    };
    let (one, two) = (come("s-1").await, come("s-2").await);
    // What is no such token ends nothing.
    let good = |over: Value| claims(&portal, &provider, over);
    for over in [
        json!({ "sid": "s-1", "iss": "https://evil.example" }),
        json!({ "sid": "s-1", "aud": "another" }),
        json!({ "sid": "s-1", "events": {} }),
        json!({ "sid": "s-1", "nonce": "n" }),
        json!({ "sid": "s-1", "jti": null }),
        json!({ "sid": "s-1", "iat": portal.unix() - 3600 }),
        json!({ "sid": "s-1", "exp": portal.unix() - 61 }),
        json!({}),
    ] {
        tell(&portal, &name, &provider.sign(&good(over.clone()))).await.is(400);
    }
    let token = provider.sign(&good(json!({ "sid": "s-1" })));
    let forged = format!("{}.AAAA", token.rsplit_once('.').expect("a token").0);
    tell(&portal, &name, &forged).await.is(400);
    tell(&portal, &name, "nonsense").await.is(400);
    one.get("/account").await.is(200);
    // One session by its name.
    assert_eq!(tell(&portal, &name, &token).await.is(200).header("cache-control"), "no-store");
    one.get("/account").await.is(303);
    two.get("/account").await.is(200);
    // The same token counts once.
    let one = come("s-1").await;
    tell(&portal, &name, &token).await.is(200);
    one.get("/account").await.is(200);
    // All of somebody; nobody else.
    tell(&portal, &name, &provider.sign(&good(json!({ "sub": "ida-1" })))).await.is(200);
    one.get("/account").await.is(303);
    two.get("/account").await.is(303);
    admin.get("/publisher").await.is(200);
    let ended = portal.texts("select actor_kind from audit where action = 'user.sessions_ended' order by id").await;
    assert_eq!(ended, ["provider", "provider"]);
}
