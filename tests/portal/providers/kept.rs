//! What administrators do to providers: adding, editing, trying, deleting.

use crate::support::{
    Browser, PASSWORD, Portal, Reply,
    provider::{CLIENT, Provider, SECRET, post},
};

const LIST: &str = "/publisher/settings/providers";

async fn version(admin: &Browser, name: &str) -> String {
    let page = admin.get(&format!("{LIST}/{name}")).await;
    page.is(200);
    page.text.split("name=\"version\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a version").to_owned()
}

async fn save(admin: &Browser, provider: &Provider, name: &str, version: &str, typed: &[(&str, &str)]) -> Reply {
    let mut typed = typed.to_vec();
    typed.push(("version", version));
    if !typed.iter().any(|(field, _)| *field == "client_secret") {
        typed.push(("client_secret", ""));
    }
    post(admin, &format!("{LIST}/{name}"), &provider.form(&typed)).await
}

#[tokio::test]
async fn a_provider_is_added_from_a_preset_edited_and_deleted() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    admin.get(LIST).await.is(200).shows("There is no provider yet").hides("Passwords</h2>");
    admin.get("/publisher/new/provider").await.is(200).shows("Microsoft Entra ID").shows("Keycloak");
    let form = admin.get("/publisher/new/provider?kind=okta").await;
    form.is(200).shows("https://ORGANISATION.okta.com").shows("openid profile email groups").shows("Your password");
    // The password once more, or nothing.
    let without = post(&admin, "/publisher/new/provider", &provider.form(&[("password", "")])).await;
    without.is(422).shows("Type your own password.").hides(SECRET);
    let name = provider.add(&admin, &[]).await;
    assert_eq!(name, "contoso");
    let page = admin.get(&format!("{LIST}/contoso")).await;
    page.is(200)
        .shows(&format!("{}/signin/contoso/callback", portal.base))
        .shows(CLIENT)
        .hides(SECRET)
        .shows("the one that there is stays");
    admin.get(LIST).await.shows("Contoso").shows("Not tried");
    // Empty keeps the secret; another one is said to have been given, and no more.
    let first = version(&admin, &name).await;
    save(&admin, &provider, &name, &first, &[("display_name", "Contoso staff")]).await.is(303);
    save(&admin, &provider, &name, &version(&admin, &name).await, &[("display_name", "Contoso staff")]).await.is(303);
    save(&admin, &provider, &name, &version(&admin, &name).await, &[("display_name", "Contoso staff"), ("client_secret", "an0ther")])
        .await
        .is(303);
    // Who was shown an older one is shown both.
    let stale = save(&admin, &provider, &name, &first, &[("display_name", "Mine"), ("client_secret", "")]).await;
    stale.is(409).shows("Somebody else saved this provider meanwhile").shows("Contoso staff").shows("value=\"Mine\"");
    let provider_actions: Vec<String> = portal.audited().await.into_iter().filter(|action| action.starts_with("provider.")).collect();
    assert_eq!(provider_actions, ["provider.created", "provider.edited", "provider.edited"]);
    let kept = portal.texts("select coalesce(before, '') || coalesce(after, '') from audit order by id").await.join("\n");
    assert!(kept.contains("Given anew") && !kept.contains(SECRET) && !kept.contains("an0ther"), "{kept}");
    admin.get(&format!("{LIST}/{name}/delete")).await.is(200).shows("The links of 0 people");
    admin.post_and_follow(&format!("{LIST}/{name}/delete"), &[]).await.shows("Deleted the provider Contoso staff.");
    admin.get(LIST).await.shows("There is no provider yet");
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    for (typed, words) in [
        (vec![("display_name", "")], "The name is missing."),
        (vec![("issuer", "http://login.example")], "must begin with https://"),
        (vec![("issuer", "nothing")], "This is not an address"),
        (vec![("client_secret", "")], "The client secret is missing."),
        (vec![("scopes", "profile")], "The scope openid is needed"),
        (vec![("allowed_domains", "a b@c")], "“b@c” is no domain"),
        (vec![("allowed_tenants", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490")], "alone has tenants"),
        (vec![("kind", "entra"), ("issuer", "https://login.microsoftonline.com/common/v2.0")], "list the tenants"),
        (vec![("kind", "none")], "Choose what sort"),
    ] {
        let reply = post(&admin, "/publisher/new/provider", &provider.form(&typed)).await;
        reply.is(422).shows(words).hides(SECRET);
    }
    provider.add(&admin, &[("allowed_domains", "Contoso.example, @fabrikam.example\n contoso.example")]).await;
    admin.get(&format!("{LIST}/contoso")).await.shows("contoso.example\nfabrikam.example");
    post(&admin, "/publisher/new/provider", &provider.form(&[("display_name", " CONTOSO ")])).await.is(422).shows("with this name already");
}

#[tokio::test]
async fn a_test_says_which_step_fails_and_why() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    let name = provider.add(&admin, &[]).await;
    let test = async || admin.post(&format!("{LIST}/{name}/test"), &[]).await;
    test().await.is(200).shows("Nothing failed.").shows("takes the client ID and secret").hides(SECRET);
    admin.get(LIST).await.shows("badge good\">On");
    provider.set(|manners| manners.issuer = Some("https://evil.example".to_owned()));
    test().await.shows("A step failed").shows("its issuer is https://evil.example").shows("Not tried");
    admin.get(LIST).await.shows("badge bad\"");
    provider.set(|manners| (manners.issuer, manners.keys_down) = (None, true));
    test().await.shows("The signing keys: the server answered 500");
    provider.set(|manners| (manners.keys_down, manners.is_down) = (false, true));
    test().await.shows("The discovery document: the server answered 500");
    provider.set(|manners| manners.is_down = false);
    save(&admin, &provider, &name, &version(&admin, &name).await, &[("client_secret", "wr0ng")]).await.is(303);
    test().await.shows("does not take the client ID with this secret").hides("wr0ng");
    // What clouds tell their machines is not asked for.
    let link = [("display_name", "Link"), ("issuer", "https://169.254.169.254/latest")];
    let other = provider.add(&admin, &link).await;
    admin.post(&format!("{LIST}/{other}/test"), &[]).await.is(200).shows("link-local address, which is never asked");
}

#[tokio::test]
async fn passwords_stay_until_a_provider_is_known_to_let_an_administrator_in() {
    let portal = Portal::start().await;
    let (admin, provider) = (portal.administrator().await, Provider::start(&portal).await);
    provider.add(&admin, &[]).await;
    admin.get(LIST).await.shows("sign in by a provider yourself first");
    admin.post("/publisher/settings/passwords", &[("password", PASSWORD)]).await.is(409).shows("Sign in by a provider first");
    admin.post_and_follow("/publisher/settings/passwords", &[("allowed", "on")]).await.shows("Nothing was different");
}
