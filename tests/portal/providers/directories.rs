//! Directories and freshness: groups are looked for, read without a sign-in, renamed and gone there; a directory that is busy, down, or that
//! leads elsewhere; refresh tokens; and who administers by a group.

use crate::support::{Browser, Portal, directory::API_TOKEN, provider::Provider, seed::Product};
use serde_json::json;
use time::Duration;

pub(super) const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
pub(super) const OTHER: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

/// A portal whose provider is Entra, with a directory, and the product Orders that is open to nobody.
pub(super) async fn entra(typed: &[(&str, &str)]) -> (Portal, Browser, Provider, String) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    provider.says(json!({ "tid": TENANT, "oid": "ida-o" }));
    let issuer = format!("{}/{TENANT}/v2.0", provider.base);
    provider.set(|manners| manners.issuer = Some(issuer.clone()));
    let directory = format!("{}/v1.0", provider.base);
    let mut form = vec![("kind", "entra"), ("issuer", issuer.as_str()), ("directory", directory.as_str()), ("groups_claim", "groups")];
    form.push(("allowed_tenants", TENANT));
    form.extend(typed);
    let name = provider.add(&admin, &form).await;
    portal.seed_product(Product { name: "orders", groups: &[], ..Default::default() }).await;
    (portal, admin, provider, name)
}

/// Adds a group of the directory and opens Orders to it.
pub(super) async fn opened(admin: &Browser, name: &str, words: &str, group: &str) {
    let form = "/publisher/products/orders/add-groups";
    let asked = format!("{form}?provider={name}&q={words}");
    admin.get(&asked).await.is(200).shows(&format!("value=\"{group}\""));
    let added = admin.post(form, &[("provider", name), ("q", words), ("group", group)]).await;
    added.is(303);
    let open = added.location().rsplit("open=").next().expect("a group").to_owned();
    admin.post("/publisher/products/orders/visibility", &[("listed", &open), ("group", &open)]).await.is(303);
}

pub(super) async fn sees(browser: &Browser) -> bool {
    browser.get("/products/orders").await.status == 200
}

#[tokio::test]
async fn a_group_of_the_directory_opens_a_product_without_a_further_sign_in_and_closes_it_again() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners of the North", &["ida-o"]));
    provider.set(|manners| manners.directory.has("g-2", "Warehouse", &[]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    assert!(!sees(&ida).await);
    opened(&admin, &name, "north", "g-1").await;
    assert!(!sees(&ida).await, "nobody has been asked yet");
    assert_eq!(portal.read_directories().await, 1);
    assert!(sees(&ida).await);
    let group = "/publisher/groups/partners-of-the-north";
    admin.get(group).await.shows("Ida Kjær").shows("1 joined").shows("g-1").shows(TENANT).shows("every 30 minutes");
    // Nothing is due before its time; then whoever is out there is out here.
    provider.set(|manners| manners.directory.has("g-1", "Partners of the North", &["somebody-else"]));
    portal.pass(Duration::minutes(20));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (0, true));
    portal.pass(Duration::minutes(10));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, false));
    admin.get(group).await.hides("Ida Kjær").shows("1 left");
    // At once, where somebody asks.
    provider.set(|manners| manners.directory.has("g-1", "Partners of the North", &["ida-o"]));
    admin.post(&format!("{group}/sync"), &[]).await.is(303);
    admin.get(group).await.shows("Read from the directory: 1 person joined.");
    assert!(sees(&ida).await);
    provider.set(|manners| manners.directory.disabled.push("ida-o".to_owned()));
    admin.post(&format!("{group}/sync"), &[]).await.is(303);
    assert!(!sees(&ida).await, "whoever may not sign in there any more");
    // For its own credentials a token was asked once, for Graph; and nothing of them is anywhere.
    let directory = std::cell::RefCell::new(None);
    provider.set(|manners| *directory.borrow_mut() = Some(manners.directory.clone()));
    let scopes = directory.take().expect("a directory").scopes;
    assert_eq!(scopes, [format!("{}/.default", provider.base)]);
    let told = portal.texts("select action from audit where actor_kind = 'provider' order by id").await;
    assert_eq!(told.iter().filter(|action| *action == "group.members_reported").count(), 4, "{told:?}");
}

#[tokio::test]
async fn a_group_that_is_renamed_or_deleted_there_is_said_and_not_guessed() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    let group = "/publisher/groups/partners";
    admin.get(group).await.hides("It is called");
    provider.set(|manners| manners.directory.has("g-1", "Friends", &["ida-o"]));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    admin.get(group).await.shows("It is called <b dir=\"auto\">Friends</b> there").shows("value=\"Partners\"");
    assert!(sees(&ida).await);
    let test = format!("/publisher/settings/providers/{name}/test");
    admin.post(&test, &[]).await.is(200).shows("It answers, and has a group.");
    provider.set(|manners| manners.directory.forbids = true);
    admin.post(&test, &[]).await.is(200).shows("the client may not read it");
    provider.set(|manners| manners.directory.forbids = false);
    admin.post(&test, &[]).await.is(200);
    // A server that has no such address says nothing of the group.
    provider.set(|manners| manners.directory.is_elsewhere = true);
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    assert!(sees(&ida).await);
    admin.get(group).await.hides("does not have this group").shows("answered 404").shows("What was known stays");
    provider.set(|manners| (manners.directory.is_elsewhere, manners.directory.groups) = (false, Vec::new()));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    admin.get(group).await.shows("does not have this group any more").shows("/publisher/products/orders");
    assert!(!sees(&ida).await);
    provider.set(|manners| manners.directory.has("g-1", "Friends", &["ida-o"]));
    admin.post(&format!("{group}/sync"), &[]).await.is(303);
    admin.get(group).await.hides("does not have this group");
    assert!(sees(&ida).await);
    let told = portal.texts("select action from audit where subject_kind = 'group' and actor_kind = 'provider' order by id").await;
    let rest: Vec<&str> = told.iter().map(String::as_str).filter(|action| !action.ends_with("reported")).collect();
    assert_eq!(rest, ["group.renamed_there", "group.gone_there", "group.back_there"]);
}

#[tokio::test]
async fn what_hands_set_stays_and_two_tenants_may_have_one_name() {
    let tenants = format!("{TENANT} {OTHER}");
    let (portal, admin, provider, name) = entra(&[("allowed_tenants", tenants.as_str())]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    let form = "/publisher/products/orders/add-groups";
    admin.get(&format!("{form}?provider={name}")).await.shows(&format!("<option selected>{TENANT}</option>")).shows(OTHER);
    admin.post(form, &[("provider", &name), ("tenant", OTHER), ("group", "g-1")]).await.is(303);
    assert_eq!(portal.texts("select tenant from external_groups").await, [OTHER]);
    portal.read_directories().await;
    // The account is of the other tenant, whatever its groups are called.
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    provider.says(json!({ "groups": ["g-1"] }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    let by_hand =
        "insert into memberships (user_id, group_id, source, from_at) select u.id, g.id, 'hand', u.registered_at from users u, groups g
        where g.external_id = 'g-1' and u.email = 'ida@contoso.example'";
    portal.run(&[by_hand], vec![]).await;
    portal.pass(Duration::hours(1));
    portal.read_directories().await;
    assert_eq!(portal.texts("select source from memberships").await, ["hand"]);
}

#[tokio::test]
async fn groups_beyond_what_a_token_holds_are_read_in_pages_and_a_busy_directory_is_waited_for() {
    let (portal, _, provider, name) = entra(&[]).await;
    provider.set(|manners| {
        manners.directory.rows = 100;
        (0..350).for_each(|number| manners.directory.has(&format!("g-{number}"), &format!("Group {number}"), &["ida-o"]));
        manners.directory.busy = ["0", "0"].into();
    });
    // As Entra says it, with the address of a service that is gone: it is not asked.
    let elsewhere = json!({ "src1": { "endpoint": "http://127.0.0.1:9/getMemberObjects" } });
    provider.says(json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": elsewhere }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(portal.count("select count(*) from seen_groups").await, 350);
    assert_eq!(portal.texts("select name from seen_groups where external_id = 'g-349'").await, ["Group 349"]);
    // A sign-in does not wait for long, goes on without its groups, and says why.
    provider.set(|manners| manners.directory.busy = ["600"].into());
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert!(portal.texts("select sync_problem from providers").await[0].contains("busy"));
}

#[tokio::test]
async fn a_directory_that_is_busy_or_down_changes_nothing_and_is_asked_less_often() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    let asked = || {
        let number = std::cell::Cell::new(0);
        provider.set(|manners| number.set(manners.directory.asked.len()));
        number.get()
    };
    portal.pass(Duration::minutes(30));
    provider.set(|manners| manners.directory.busy = ["900"].into());
    portal.read_directories().await;
    let busy = asked();
    portal.pass(Duration::minutes(14));
    assert_eq!((portal.read_directories().await, asked()), (0, busy), "it asked for a quarter of an hour");
    portal.pass(Duration::minutes(2));
    assert_eq!(portal.read_directories().await, 1);
    assert_eq!(portal.texts("select sync_problem from providers").await, [""]);
    provider.set(|manners| manners.is_down = true);
    portal.pass(Duration::minutes(30));
    for _ in 0..3 {
        portal.read_directories().await;
    }
    assert_eq!(portal.count("select sync_failures from providers").await, 1);
    assert!(sees(&ida).await, "a directory that is down changes nothing");
    admin.get("/publisher").await.shows("500 instead of 200");
    admin.get("/publisher/settings/providers").await.shows("Failing");
    for minutes in [1, 2, 4] {
        portal.pass(Duration::minutes(minutes));
        portal.read_directories().await;
    }
    assert_eq!(portal.count("select sync_failures from providers").await, 4);
    provider.set(|manners| (manners.is_down, manners.directory.groups) = (false, Vec::new()));
    portal.pass(Duration::minutes(8));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, false));
    admin.get("/publisher").await.hides("500 instead of 200");
}

#[tokio::test]
async fn a_directory_is_sent_its_token_alone_and_to_no_other_server() {
    let (portal, admin, provider, name) = entra(&[]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    provider.set(|manners| {
        manners.directory.rows = 1;
        manners.directory.has("g-1", "Partners", &["one", "two", "ida-o"]);
        manners.directory.leads_to = Some("http://127.0.0.1:9");
    });
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    assert_eq!(portal.texts("select sync_problem from providers").await, ["The directory’s next page is at another server."]);
    assert!(!sees(&ida).await, "half of a list is none");
    // Graph alone is believed to be Graph, and another address wants the secret that belongs to it.
    let form = provider.form(&[
        ("kind", "entra"),
        ("issuer", "https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0"),
        ("display_name", "Another"),
        ("directory", "https://graph.microsoft.example/v1.0"),
    ]);
    crate::support::provider::post(&admin, "/publisher/new/provider", &form).await.is(422).shows("This is not Microsoft Graph");
    let okta = |typed: &[(&str, &str)]| {
        let mut all = vec![("kind", "okta"), ("display_name", "Okta"), ("directory", "https://contoso.okta.com/api/v1")];
        all.extend(typed);
        provider.form(&all)
    };
    crate::support::provider::post(&admin, "/publisher/new/provider", &okta(&[])).await.is(422).shows("The API token");
    let made = crate::support::provider::post(&admin, "/publisher/new/provider", &okta(&[("directory_secret", API_TOKEN)])).await;
    made.is(303);
    let path = made.location().to_owned();
    admin.get(&path).await.hides(API_TOKEN);
    let moved = okta(&[("directory", "https://evil.example/api/v1"), ("version", "1")]);
    crate::support::provider::post(&admin, &path, &moved).await.is(422).shows("Type the API token that belongs to this address.");
    admin.get("/publisher/audit").await.shows(&format!("<a href=\"{path}\">"));
    let facts = portal.texts("select after from audit where action like 'provider.%'").await.join(" ");
    assert!(!facts.contains("s3cret") && facts.contains("\"directory_credentials\":\"Given anew\""), "{facts}");
}

#[tokio::test]
async fn okta_and_keycloak_are_read_by_their_own_ways() {
    for (kind, path, extra) in [("okta", "/api/v1", ("directory_secret", API_TOKEN)), ("keycloak", "/admin/realms/staff", ("", ""))] {
        let portal = Portal::start().await;
        let admin = portal.administrator().await;
        let provider = Provider::start(&portal).await;
        let directory = format!("{}{path}", provider.base);
        let mut form = vec![("kind", kind), ("directory", directory.as_str()), ("groups_claim", "groups")];
        form.extend((!extra.0.is_empty()).then_some(extra));
        let name = provider.add(&admin, &form).await;
        portal.seed_product(Product { name: "orders", groups: &[], ..Default::default() }).await;
        provider.set(|manners| {
            manners.directory.rows = 2;
            let crowd: Vec<String> = (0..700).map(|number| format!("x-{number}")).collect();
            let mut crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
            crowd.truncate(if kind == "okta" { 5 } else { 700 });
            crowd.push("ida-1");
            manners.directory.has("g-1", "Partners", &crowd);
        });
        // What the claim calls groups is not what the directory knows them by.
        provider.says(json!({ "groups": ["Partners"] }));
        let ida = portal.guest();
        provider.sign_in(&ida, &name).await.is(303);
        assert_eq!(portal.texts("select external_id from seen_groups").await, ["g-1"], "{kind}");
        opened(&admin, &name, "partn", "g-1").await;
        portal.read_directories().await;
        assert!(sees(&ida).await, "{kind}");
        provider.set(|manners| manners.directory.disabled.push("ida-1".to_owned()));
        portal.pass(Duration::minutes(30));
        portal.read_directories().await;
        assert!(!sees(&ida).await, "{kind}");
        provider.set(|manners| manners.directory.disabled.clear());
        let user = portal.texts("select name from users where email = 'ida@contoso.example'").await.remove(0);
        let page = format!("/publisher/users/{user}");
        admin.post(&format!("{page}/sync"), &[]).await.is(303);
        admin.get(&page).await.shows("was changed here").shows("Linked accounts");
        assert!(sees(&ida).await, "{kind}");
        provider.set(|manners| manners.directory.deleted.push("ida-1".to_owned()));
        admin.post(&format!("{page}/sync"), &[]).await.is(303);
        admin.get(&page).await.shows("does not let this person in any more");
        assert!(!sees(&ida).await, "{kind}");
    }
}

/// A portal whose provider gives refresh tokens, with the group Staff that Orders is open to.
pub(super) async fn refreshing(typed: &[(&str, &str)]) -> (Portal, Browser, Provider, String) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    provider.set(|manners| manners.refreshes = true);
    let mut form = vec![("groups_claim", "groups")];
    form.extend(typed);
    let name = provider.add(&admin, &form).await;
    super::sources::add_staff(&portal).await;
    portal.seed_product(Product { name: "orders", groups: &["staff"], ..Default::default() }).await;
    (portal, admin, provider, name)
}

#[tokio::test]
async fn a_refresh_token_tells_of_groups_without_a_sign_in() {
    let (portal, _, provider, name) = refreshing(&[]).await;
    let ida = portal.guest();
    provider.says(json!({ "groups": [] }));
    provider.sign_in(&ida, &name).await.is(303);
    assert!(!sees(&ida).await);
    let sealed = portal.texts("select 'kept' from identities where refresh_token is not null").await;
    assert_eq!(sealed.len(), 1);
    provider.says(json!({ "groups": ["g-1"] }));
    for _ in 0..3 {
        // Each token is for once: the next one was kept.
        portal.pass(Duration::minutes(30));
        assert_eq!(portal.read_directories().await, 1);
    }
    assert!(sees(&ida).await);
    // Without an ID token the userinfo endpoint is asked; of somebody else nothing is believed.
    provider.set(|manners| (manners.without_id, manners.userinfo) = (true, Some(json!({ "sub": "ida-1", "groups": [] }))));
    portal.pass(Duration::minutes(10));
    provider.set(|manners| manners.userinfo = Some(json!({ "sub": "eve-1", "groups": [] })));
    portal.pass(Duration::minutes(20));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (0, true));
    assert!(portal.texts("select sync_problem from providers").await[0].contains("another account"));
}

#[tokio::test]
async fn whoever_the_provider_no_longer_knows_is_out_of_its_groups_and_signed_out() {
    let (portal, admin, provider, name) = refreshing(&[]).await;
    let ida = portal.guest();
    provider.says(json!({ "groups": ["g-1"] }));
    provider.sign_in(&ida, &name).await.is(303);
    assert!(sees(&ida).await);
    provider.set(|manners| manners.is_down = true);
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    assert!(sees(&ida).await, "down is not gone");
    provider.set(|manners| (manners.is_down, manners.revokes) = (false, true));
    portal.pass(Duration::minutes(2));
    portal.read_directories().await;
    assert!(!sees(&ida).await);
    ida.get("/account").await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    assert_eq!(portal.count("select count(*) from identities where refresh_token is not null").await, 0);
    admin.get("/publisher/audit").await.shows("Stopped vouching for");
    // Back there is back here.
    provider.set(|manners| manners.revokes = false);
    provider.sign_in(&ida, &name).await.is(303);
    assert!(sees(&ida).await);
}

#[tokio::test]
async fn a_group_makes_administrators_and_takes_only_what_it_gave() {
    let (portal, admin, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
    let ida = portal.guest();
    provider.says(json!({ "groups": ["g-1"] }));
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/publisher").await.is(403);
    provider.says(json!({ "groups": ["g-9"] }));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    ida.get("/publisher").await.is(200);
    let user = portal.texts("select name from users where email = 'ida@contoso.example'").await.remove(0);
    let page = format!("/publisher/users/{user}");
    let again = ("password", crate::support::PASSWORD);
    admin.get(&page).await.shows("says that this user is an administrator").shows("Make administrator by hand");
    admin.post(&format!("{page}/role"), &[("role", "revoke"), again]).await.is(409).shows("take the role away there");
    // Administrators by hand are the portal's own: the last of them stays, whoever else administers.
    let own = portal.texts("select name from users where administrator and administrator_by is null").await.remove(0);
    ida.post(&format!("/publisher/users/{own}/block"), &[]).await.is(409).shows("last administrator");
    provider.says(json!({ "groups": [] }));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    ida.get("/publisher").await.is(403);
    // By hand it stays.
    provider.says(json!({ "roles": ["g-9"] }));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    ida.get("/publisher").await.is(200);
    admin.post(&format!("{page}/role"), &[("role", "grant"), again]).await.is(303);
    provider.says(json!({ "roles": null }));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    ida.get("/publisher").await.is(200);
    let granted = portal.texts("select actor_kind from audit where action like 'user.administrator_%' order by id").await;
    assert_eq!(granted, ["provider", "provider", "provider", "user"]);
}

#[tokio::test]
async fn whoever_administers_by_a_provider_does_not_when_it_is_deleted_or_says_nothing_more() {
    for way in ["deleted", "emptied"] {
        let (portal, admin, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
        let ida = portal.guest();
        provider.says(json!({ "groups": ["g-9"] }));
        provider.sign_in(&ida, &name).await.is(303);
        ida.get("/publisher").await.is(200);
        let path = format!("/publisher/settings/providers/{name}");
        if way == "deleted" {
            admin.get(&format!("{path}/delete")).await.shows("1 role of an administrator that it gave");
            admin.post(&format!("{path}/delete"), &[("password", crate::support::PASSWORD)]).await.is(303);
        } else {
            let form = provider.form(&[("groups_claim", "groups"), ("version", "1"), ("client_secret", "")]);
            crate::support::provider::post(&admin, &path, &form).await.is(303);
            ida.get("/publisher").await.is(403);
        }
        assert_eq!(portal.count("select count(*) from users where administrator").await, 1, "{way}");
        assert_eq!(portal.count("select count(*) from users where administrator_by is not null").await, 0, "{way}");
    }
}

#[tokio::test]
async fn a_blocked_user_stays_blocked_and_a_directory_makes_no_administrator_of_them() {
    let (portal, _, provider, name) = entra(&[("administrators_value", "g-9")]).await;
    provider.set(|manners| manners.directory.has("g-9", "Admins", &[]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    provider.set(|manners| manners.directory.has("g-9", "Admins", &["ida-o"]));
    portal.run(&["update users set state = 'blocked' where email = 'ida@contoso.example'"], vec![]).await;
    portal.read_directories().await;
    assert_eq!(portal.count("select count(*) from users where administrator").await, 1);
    portal.run(&["update users set state = 'active' where email = 'ida@contoso.example'"], vec![]).await;
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    assert_eq!(portal.count("select count(*) from users where administrator").await, 2);
    provider.set(|manners| manners.directory.has("g-9", "Admins", &[]));
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    assert_eq!(portal.count("select count(*) from users where administrator").await, 1);
}

#[tokio::test]
async fn of_several_organisations_none_decides_who_administers_and_each_has_its_own_groups() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let issuer = format!("{}/organizations/v2.0", provider.base);
    let tenants = format!("{TENANT} {OTHER}");
    let form = [("kind", "entra"), ("issuer", &issuer), ("allowed_tenants", &tenants), ("groups_claim", "groups")];
    let with = provider.form(&[form.as_slice(), &[("administrators_value", "Portal.Admin")]].concat());
    crate::support::provider::post(&admin, "/publisher/new/provider", &with).await.is(422).shows("Several organisations come in");
    let name = provider.add(&admin, &form).await;
    portal.seed_product(Product { name: "orders", groups: &[], ..Default::default() }).await;
    let statement = "insert into seen_groups (provider_id, tenant, external_id, name, last_seen_at) select id,";
    for (tenant, group) in [(TENANT, "ours"), (OTHER, "theirs")] {
        let parts = [statement, ",", ",", ", created_at from providers"];
        portal.run(&parts, vec![tenant.into(), group.into(), group.into()]).await;
    }
    let asked = format!("/publisher/products/orders/add-groups?provider={name}");
    admin.get(&asked).await.shows("value=\"ours\"").hides("value=\"theirs\"");
    admin.get(&format!("{asked}&tenant={OTHER}")).await.shows("value=\"theirs\"").hides("value=\"ours\"");
    admin.post("/publisher/products/orders/add-groups", &[("provider", &name), ("tenant", OTHER), ("group", "theirs")]).await.is(303);
    assert_eq!(portal.texts("select tenant from external_groups").await, [OTHER]);
}

#[tokio::test]
async fn where_the_directory_may_not_be_read_the_token_counts() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &[]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    // What a token holds may be less than what the directory knows, or more.
    provider.says(json!({ "groups": ["g-1"] }));
    provider.sign_in(&ida, &name).await.is(303);
    assert!(!sees(&ida).await);
    provider.set(|manners| manners.directory.forbids = true);
    provider.sign_in(&ida, &name).await.is(303);
    assert!(sees(&ida).await);
    admin.get("/publisher/groups/partners").await.shows("<th scope=\"col\">Told</th>").shows("may not read it");
}

#[tokio::test]
async fn a_reading_that_is_under_way_takes_no_group_back_from_provisioning() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    // What provisioning does as it takes a group over, up to its end.
    let mut tx = portal.db().write().await.expect("a transaction");
    let group = portal.count("select group_id from external_groups").await;
    tx.one_at_a_time("group members", group).await.expect("alone");
    let taken = portico::db::Select::new(&tx, "update external_groups set reported_by = 'scim'");
    taken.execute(&mut tx).await.expect("taken over");
    let (reader, db) = (portal.state.reader(), portal.db().clone());
    let reading = tokio::spawn(async move {
        let provider = portico::providers::get(&mut db.read().await.expect("a connection"), &name).await.expect("the provider");
        let _ = reader.read_group(&provider, portico::ids::GroupId(group)).await;
    });
    // It has asked the directory, and waits for its turn.
    let waits =
        "select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())";
    let waiting = async || if portal.url().starts_with("postgres") { portal.count(waits).await > 0 } else { true };
    let waited = async {
        while !waiting().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.expect("it waits");
    tx.commit().await.expect("committed");
    reading.await.expect("it ends");
    assert_eq!(portal.texts("select reported_by from external_groups").await, ["scim"]);
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
}
