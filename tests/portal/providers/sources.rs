//! What a provider says of groups, GitHub's own way, and Entra's tenants.

use crate::support::{Portal, provider::Provider};
use serde_json::json;

/// The group `g-1` of the only provider, as Staff.
pub async fn add_staff(portal: &Portal) {
    for statement in [
        "insert into groups (name, name_folded, display_name, display_name_folded, search_folded, kind, provider, external_id, created_at)
         select 'staff', 'staff', 'Staff', 'staff', 'staff', 'external', name, 'g-1', created_at from providers",
        "insert into external_groups (group_id) select id from groups where name = 'staff'",
    ] {
        portal.run(&[statement], vec![]).await;
    }
}

#[tokio::test]
async fn memberships_follow_the_claim_and_what_was_set_by_hand_stays() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, &[("groups_claim", "groups")]).await;
    add_staff(&portal).await;
    portal.add_group("Partners").await;
    let members = async || portal.count("select count(*) from memberships where source = 'provider'").await;
    provider.says(json!({ "groups": ["g-1", "g-2", "g-2"] }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(members().await, 1);
    assert_eq!(portal.texts("select external_id from seen_groups order by external_id").await, ["g-1", "g-2"]);
    portal.run(&["insert into memberships (user_id, group_id, source, from_at) select u.id, g.id, 'hand', u.registered_at from users u, groups g where g.name = 'partners' and u.email = 'ida@contoso.example'"], vec![]).await;
    // Nothing new is no change; no word of groups changes nothing; and gone is gone.
    provider.sign_in(&portal.guest(), &name).await.is(303);
    provider.says(json!({ "groups": null }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(members().await, 1);
    provider.says(json!({ "groups": [] }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(members().await, 0);
    assert_eq!(portal.count("select count(*) from memberships where source = 'hand'").await, 1);
    let told = portal.texts("select after from audit where action = 'user.groups_reported' and actor_kind = 'provider' order by id").await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("\"joined\":[\"Staff\"]") && told[1].contains("\"left\":[\"Staff\"]"), "{told:?}");
}

#[tokio::test]
async fn a_group_is_added_from_the_visibility_tab_and_opens_the_product_to_its_people() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let name = provider.add(&admin, &[("groups_claim", "groups")]).await;
    portal.seed_product(crate::support::seed::Product { name: "orders", groups: &[], ..Default::default() }).await;
    provider.says(json!({ "groups": ["Staff", "Guests"] }));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/products/orders").await.is(404);
    let visibility = "/publisher/products/orders/visibility";
    admin.get(visibility).await.shows("Add groups from <bdi>Contoso</bdi>");
    let form = "/publisher/products/orders/add-groups";
    admin.get(&format!("{form}?provider=contoso")).await.is(200).shows("value=\"Staff\"").shows("value=\"Guests\"");
    admin.get(&format!("{form}?provider=contoso&q=STAF")).await.shows("value=\"Staff\"").hides("value=\"Guests\"");
    admin.post(form, &[("provider", "contoso")]).await.is(422).shows("Tick a group, or type");
    let typed = [("provider", "contoso"), ("external_id", "ops"), ("display_name", "developers")];
    admin.post(form, &typed).await.is(422).shows("There is a group with this name already.");
    // A name that is taken here is no hindrance for what was only ticked.
    let added = admin.post(form, &[("provider", "contoso"), ("group", "Staff"), ("group", "Guests"), ("external_id", "ops")]).await;
    added.is(303);
    admin.get(added.location()).await.shows("Added 3 groups.").shows("Changed, not saved yet");
    admin.post_and_follow(form, &[("provider", "contoso"), ("group", "Staff")]).await.shows("were there already");
    admin.post(visibility, &[("listed", "staff"), ("group", "staff")]).await.is(303);
    // The next sign-in says who is in it.
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/products/orders").await.is(200);
    admin
        .get("/publisher/groups/staff")
        .await
        .is(200)
        .shows("Ida")
        .shows("External")
        .shows("known there as <code dir=\"auto\">Staff</code>");
    provider.says(json!({ "groups": [] }));
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/products/orders").await.is(404);
}

#[tokio::test]
async fn github_is_asked_who_it_is() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let github = [("kind", "github"), ("display_name", "GitHub"), ("scopes", "read:user user:email"), ("groups_claim", "teams")];
    let name = provider.add(&admin, &github).await;
    admin.post(&format!("/publisher/settings/providers/{name}/test"), &[]).await.shows("takes the client ID and secret");
    provider.set(|manners| {
        manners.userinfo = Some(json!({ "id": 583231, "login": "octocat", "name": "Octo Cat" }));
        manners.claims = json!({ "emails": [
            { "email": "spare@contoso.example", "primary": false, "verified": true },
            { "email": "octo@contoso.example", "primary": true, "verified": true },
        ] });
        manners.teams = json!([{ "id": 1, "slug": "justice-league", "organization": { "login": "contoso" } }]);
    });
    let octo = portal.guest();
    assert_eq!(provider.sign_in(&octo, &name).await.location(), "/");
    octo.get("/account").await.shows("octo@contoso.example").shows("value=\"Octo\"");
    assert_eq!(portal.texts("select name from seen_groups").await, ["contoso/justice-league"]);
    assert_eq!(portal.texts("select subject from identities").await, ["583231"]);
    // Not verified there is not vouched for.
    provider.set(|manners| {
        manners.userinfo = Some(json!({ "id": 2, "login": "eve", "name": null }));
        manners.claims = json!({ "emails": [{ "email": "root@portal.example", "primary": true, "verified": false }] });
    });
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/join");
}

#[tokio::test]
async fn entras_tenants_are_looked_at_and_its_addresses_believed_of_those_alone() {
    const OURS: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
    const OTHER: &str = "9122040d-6c67-4c5b-b112-36a304b66dad";
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let issuer = format!("{}/organizations/v2.0", provider.base);
    let entra = [("kind", "entra"), ("display_name", "Entra"), ("issuer", issuer.as_str()), ("allowed_tenants", OURS)];
    let name = provider.add(&admin, &entra).await;
    let base = provider.base.clone();
    let of = |tenant: &str| {
        json!({ "sub": "pairwise", "oid": "object-1", "tid": tenant, "email": "ida@contoso.example", "name": "Ida Kjær",
        "iss": format!("{base}/{tenant}/v2.0") })
    };
    provider.set(|manners| {
        manners.issuer = Some(format!("{base}/{{tenantid}}/v2.0"));
        manners.claims = of(OTHER);
    });
    let refused = provider.sign_in(&portal.guest(), &name).await;
    assert_eq!(refused.location(), "/signin/refused?why=untrusted&by=entra");
    // A tenant says that it is another one.
    provider.set(|manners| manners.claims = of(OTHER));
    provider.says(json!({ "tid": OURS }));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/signin/refused?why=untrusted&by=entra");
    provider.set(|manners| manners.claims = of(OURS));
    assert_eq!(provider.sign_in(&portal.guest(), &name).await.location(), "/", "its addresses are believed without email_verified");
    assert_eq!(portal.texts("select tenant || ' ' || subject from identities").await, [format!("{OURS} object-1")]);
}
