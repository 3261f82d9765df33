//! What goes wrong between a directory and the portal, and who would gain by it: answers that are old, half, or of somebody else's; a
//! provider that is changed while it is asked; tokens that count once; and roles that nobody gives any more.

use super::directories::{TENANT, entra, opened, refreshing, sees};
use crate::support::{Browser, PASSWORD, Portal, provider::Provider, provider::post, seed::Product};
use portico::users::UserState;
use serde_json::json;
use time::Duration;

const ADMINISTRATORS: &str = "select count(*) from users where administrator";

async fn asked(provider: &Provider) -> Vec<String> {
    let asked = std::cell::RefCell::new(Vec::new());
    provider.set(|manners| asked.borrow_mut().clone_from(&manners.directory.asked));
    asked.into_inner()
}

/// The page of Ida's account, for administrators.
async fn page(portal: &Portal) -> String {
    let name = portal.texts("select name from users where email = 'ida@contoso.example'").await.remove(0);
    format!("/publisher/users/{name}")
}

async fn unlink(portal: &Portal, browser: &Browser) {
    let id = portal.count("select max(id) from identities").await;
    browser.post(&format!("/account/unlink/{id}"), &[]).await.is(303);
}

/// Ida with a password of her own, who has signed in.
async fn ida(portal: &Portal, provider: &Provider, name: &str) -> Browser {
    portal.add_user("ida@contoso.example", "Ida", "K", UserState::Active, false).await;
    let ida = portal.guest();
    provider.sign_in(&ida, name).await.is(303);
    ida
}

#[tokio::test]
async fn a_token_that_was_given_for_another_is_kept_whatever_fails_after_it() {
    let (portal, _, provider, name) = refreshing(&[]).await;
    provider.says(json!({ "groups": ["g-1"] }));
    let ida = ida(&portal, &provider, &name).await;
    // The token endpoint gives the next one; and then there is nothing that says who it is.
    provider.set(|manners| manners.without_id = true);
    portal.pass(Duration::minutes(30));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (0, true));
    provider.set(|manners| manners.without_id = false);
    portal.pass(Duration::minutes(30));
    assert_eq!(portal.read_directories().await, 1);
    assert!(sees(&ida).await, "nobody told that she is out");
    ida.get("/account").await.is(200);
}

#[tokio::test]
async fn a_provider_that_takes_its_time_is_believed() {
    let (portal, _, provider, name) = entra(&[("administrators_value", "Portal.Admin")]).await;
    provider.set(|manners| manners.refreshes = true);
    provider.says(json!({ "roles": ["Portal.Admin"] }));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    portal.pass(Duration::hours(2));
    // First for its own token, and then for a person's.
    provider.set(|manners| manners.takes = 40);
    assert_eq!(portal.read_directories().await, 2);
    assert_eq!(portal.texts("select sync_problem from providers").await, [""]);
}

#[tokio::test]
async fn two_who_ask_at_once_do_not_use_one_token_twice() {
    let (portal, admin, provider, name) = refreshing(&[]).await;
    provider.says(json!({ "groups": ["g-1"] }));
    let ida = ida(&portal, &provider, &name).await;
    let sync = format!("{}/sync", page(&portal).await);
    portal.pass(Duration::minutes(30));
    provider.hold("/token");
    let meanwhile = async {
        provider.held().await;
        let mut asking = std::pin::pin!(admin.post(&sync, &[]));
        let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut asking).await;
        provider.release();
        if early.is_err() {
            asking.await.is(303);
        }
    };
    tokio::join!(portal.read_directories(), meanwhile);
    assert!(sees(&ida).await);
    ida.get("/account").await.is(200);
    portal.pass(Duration::minutes(30));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, true));
}

#[tokio::test]
async fn what_an_old_token_says_does_not_count_after_a_sign_in() {
    let (portal, _, provider, name) = refreshing(&[]).await;
    provider.says(json!({ "groups": ["g-1"] }));
    let ida = ida(&portal, &provider, &name).await;
    portal.pass(Duration::minutes(30));
    // Not known any more at this instant; a moment later they are, and come in.
    provider.set(|manners| manners.revokes = true);
    provider.hold("/token");
    let meanwhile = async {
        provider.held().await;
        provider.set(|manners| manners.revokes = false);
        portal.pass(Duration::seconds(1));
        provider.sign_in(&ida, &name).await.is(303);
        provider.release();
    };
    tokio::join!(portal.read_directories(), meanwhile);
    assert!(sees(&ida).await);
    ida.get("/account").await.is(200);
    // And what was said before it opens nothing.
    portal.pass(Duration::minutes(30));
    provider.hold("/token");
    let meanwhile = async {
        provider.held().await;
        provider.says(json!({ "groups": [] }));
        portal.pass(Duration::seconds(1));
        provider.sign_in(&ida, &name).await.is(303);
        provider.release();
    };
    tokio::join!(portal.read_directories(), meanwhile);
    assert!(!sees(&ida).await);
}

#[tokio::test]
async fn whoever_unlinks_while_they_are_asked_after_gets_nothing_by_it() {
    let (portal, _, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
    let ida = ida(&portal, &provider, &name).await;
    provider.says(json!({ "groups": ["g-1", "g-9"] }));
    portal.pass(Duration::minutes(30));
    provider.hold("/token");
    let meanwhile = async {
        provider.held().await;
        unlink(&portal, &ida).await;
        provider.release();
    };
    tokio::join!(portal.read_directories(), meanwhile);
    assert_eq!((portal.count("select count(*) from memberships").await, portal.count(ADMINISTRATORS).await), (0, 1));
}

#[tokio::test]
async fn whoever_unlinks_has_no_role_of_the_provider_any_more() {
    let (portal, _, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
    provider.says(json!({ "groups": ["g-9"] }));
    let ida = ida(&portal, &provider, &name).await;
    assert_eq!(portal.count(ADMINISTRATORS).await, 2);
    unlink(&portal, &ida).await;
    assert_eq!(portal.count(ADMINISTRATORS).await, 1);
    assert!(portal.audited().await.ends_with(&["user.administrator_revoked".to_owned(), "user.unlinked".to_owned()]));
}

/// The form that edits the provider of `entra`, at its first version.
fn edited(provider: &Provider, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let (issuer, directory) = (format!("{}/{TENANT}/v2.0", provider.base), format!("{}/v1.0", provider.base));
    let mut form = vec![("kind", "entra"), ("issuer", issuer.as_str()), ("directory", directory.as_str()), ("groups_claim", "groups")];
    form.extend([("allowed_tenants", TENANT), ("version", "1"), ("client_secret", "")]);
    form.extend(typed);
    provider.form(&form)
}

#[tokio::test]
async fn a_provider_that_is_changed_while_it_is_asked_gives_nothing_by_its_old_settings() {
    for way in ["says nothing more", "off", "deleted"] {
        let (portal, admin, provider, name) = entra(&[("administrators_value", "g-9")]).await;
        let ida = portal.guest();
        provider.sign_in(&ida, &name).await.is(303);
        provider.set(|manners| {
            manners.directory.has("g-9", "Admins", &["ida-o"]);
            manners.directory.has("g-1", "Partners", &["ida-o"]);
        });
        opened(&admin, &name, "part", "g-1").await;
        let path = format!("/publisher/settings/providers/{name}");
        let change = async || match way {
            "deleted" => admin.post(&format!("{path}/delete"), &[("password", PASSWORD)]).await,
            "off" => post(&admin, &path, &edited(&provider, &[("administrators_value", "g-9"), ("enabled", "")])).await,
            _ => post(&admin, &path, &edited(&provider, &[])).await,
        };
        let held = if way == "off" { "g-1" } else { "g-9" };
        provider.hold(&format!("/v1.0/groups/{held}/transitiveMembers/microsoft.graph.user"));
        let meanwhile = async {
            provider.held().await;
            change().await.is(303);
            provider.release();
        };
        tokio::join!(portal.read_directories(), meanwhile);
        assert_eq!(portal.count(ADMINISTRATORS).await, 1, "{way}");
        assert_eq!(portal.count("select count(*) from memberships").await, i64::from(way == "says nothing more"), "{way}");
    }
}

#[tokio::test]
async fn a_provider_that_is_changed_during_a_sign_in_lets_nobody_in_by_its_old_settings() {
    for way in [("enabled", ""), ("administrators_value", "")] {
        let (portal, admin, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
        provider.says(json!({ "groups": ["g-9"] }));
        let ida = portal.guest();
        let back = provider.back(&ida, &format!("/signin/{name}"), &[]).await;
        let path = format!("/publisher/settings/providers/{name}");
        let usual = [("groups_claim", "groups"), ("administrators_value", "g-9"), ("version", "1"), ("client_secret", "")];
        let form = provider.form(&[usual.as_slice(), &[way]].concat());
        provider.hold("/token");
        let meanwhile = async {
            provider.held().await;
            post(&admin, &path, &form).await.is(303);
            provider.release();
        };
        let (came, ()) = tokio::join!(ida.get(&back), meanwhile);
        assert_eq!(came.location(), format!("/signin/refused?why=over&by={name}"), "{way:?}");
        assert_eq!(portal.count(ADMINISTRATORS).await, 1, "{way:?}");
        ida.get("/account").await.is(303);
    }
}

#[tokio::test]
async fn who_administers_by_a_value_does_not_when_there_is_another_or_the_provider_is_off() {
    for way in [("administrators_value", "Portal.Admin"), ("enabled", "")] {
        let (portal, admin, provider, name) = entra(&[("administrators_value", "g-9")]).await;
        provider.set(|manners| manners.directory.has("g-9", "Admins", &["ida-o"]));
        provider.sign_in(&portal.guest(), &name).await.is(303);
        assert_eq!(portal.count(ADMINISTRATORS).await, 2, "{way:?}");
        let form = edited(&provider, &[("administrators_value", "g-9"), way]);
        post(&admin, &format!("/publisher/settings/providers/{name}"), &form).await.is(303);
        assert_eq!(portal.count(ADMINISTRATORS).await, 1, "{way:?}");
    }
}

#[tokio::test]
async fn who_administers_by_a_provider_may_end_that() {
    let (portal, _, provider, name) = refreshing(&[("administrators_value", "g-9")]).await;
    provider.says(json!({ "groups": ["g-9"] }));
    let ida = ida(&portal, &provider, &name).await;
    let form = provider.form(&[("groups_claim", "groups"), ("version", "1"), ("client_secret", "")]);
    post(&ida, &format!("/publisher/settings/providers/{name}"), &form).await.is(303);
    assert_eq!(portal.count(ADMINISTRATORS).await, 1);
    assert_eq!(portal.texts("select administrators_value from providers").await, [""]);
}

#[tokio::test]
async fn a_sign_in_is_newer_than_a_reading_that_began_before_it() {
    let (portal, admin, provider, name) = entra(&[]).await;
    let members = "/v1.0/groups/g-1/transitiveMembers/microsoft.graph.user";
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    for is_in in [false, true] {
        // The directory answers with what was, and the person comes with what is.
        provider.hold(members);
        let meanwhile = async {
            provider.held().await;
            let now: &[&str] = if is_in { &["ida-o"] } else { &[] };
            provider.set(|manners| manners.directory.has("g-1", "Partners", now));
            portal.pass(Duration::seconds(1));
            provider.sign_in(&ida, &name).await.is(303);
            provider.release();
        };
        tokio::join!(portal.read_directories(), meanwhile);
        assert_eq!(sees(&ida).await, is_in);
        portal.pass(Duration::minutes(30));
    }
    // Of two readings of one group the one that began later counts, whichever is stored last.
    provider.hold(members);
    let meanwhile = async {
        provider.held().await;
        provider.set(|manners| manners.directory.has("g-1", "Partners", &[]));
        portal.pass(Duration::seconds(1));
        admin.post("/publisher/groups/partners/sync", &[]).await.is(303);
        provider.release();
    };
    tokio::join!(portal.read_directories(), meanwhile);
    assert!(!sees(&ida).await);
}

#[tokio::test]
async fn a_group_that_always_fails_keeps_no_other_waiting() {
    let (portal, admin, provider, name) = entra(&[]).await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    provider.set(|manners| {
        manners.directory.has("bad", "Aaa", &[]);
        manners.directory.has("g-1", "Partners", &["ida-o"]);
    });
    opened(&admin, &name, "aaa", "bad").await;
    opened(&admin, &name, "part", "g-1").await;
    provider.set(|manners| manners.directory.broken.push("bad".to_owned()));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, true));
    admin.get("/publisher").await.shows("500 instead of 200");
    // Every one in its turn.
    provider.set(|manners| manners.directory.has("g-1", "Partners", &[]));
    portal.pass(Duration::minutes(30));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, false));
    // An ID that leads elsewhere in the directory asks nothing.
    let form = "/publisher/products/orders/add-groups";
    for odd in ["..", "."] {
        admin.post(form, &[("provider", &name), ("external_id", odd)]).await.is(303);
    }
    let before = asked(&provider).await.iter().filter(|path| *path == "groups").count();
    portal.pass(Duration::minutes(30));
    assert_eq!(portal.read_directories().await, 1);
    assert_eq!(asked(&provider).await.iter().filter(|path| *path == "groups").count(), before);
}

#[tokio::test]
async fn a_server_that_does_not_have_the_realm_says_nothing_of_its_groups() {
    for said in [json!({ "error": "Realm not found." }), json!({ "error": "RESTEASY003210: Could not find resource for full path: x" })] {
        let portal = Portal::start().await;
        let admin = portal.administrator().await;
        let provider = Provider::start(&portal).await;
        let directory = format!("{}/admin/realms/staff", provider.base);
        let name = provider.add(&admin, &[("kind", "keycloak"), ("directory", &directory), ("groups_claim", "groups")]).await;
        portal.seed_product(Product { name: "orders", groups: &[], ..Default::default() }).await;
        provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-1"]));
        let ida = portal.guest();
        provider.sign_in(&ida, &name).await.is(303);
        opened(&admin, &name, "part", "g-1").await;
        portal.read_directories().await;
        assert!(sees(&ida).await);
        provider.set(|manners| {
            manners.directory.groups.clear();
            manners.directory.deleted.push("ida-1".to_owned());
            manners.directory.missing = Some(said.clone());
        });
        portal.pass(Duration::minutes(30));
        portal.read_directories().await;
        assert!(sees(&ida).await, "{said}");
        provider.sign_in(&ida, &name).await.is(303);
        assert!(sees(&ida).await, "{said}");
    }
}

#[tokio::test]
async fn two_accounts_of_one_person_are_one_person() {
    let (portal, admin, provider, name) = entra(&[("administrators_value", "g-9")]).await;
    provider.set(|manners| {
        manners.directory.has("g-1", "Partners", &["ida-o"]);
        manners.directory.has("g-9", "Admins", &["ida-o"]);
    });
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    // A second account of hers, which is in nothing.
    let second = "insert into identities (user_id, provider_id, tenant, subject, email, linked_at)
        select user_id, provider_id, tenant, 'ida-2', email, linked_at from identities";
    portal.run(&[second], vec![]).await;
    let rows = "select count(*) from audit where action like 'user.administrator_%' or action like '%reported'";
    let before = portal.count(rows).await;
    for _ in 0..2 {
        portal.pass(Duration::minutes(30));
        portal.read_directories().await;
        admin.post(&format!("{}/sync", page(&portal).await), &[]).await.is(303);
    }
    assert_eq!((portal.count(ADMINISTRATORS).await, sees(&ida).await), (2, true));
    assert_eq!(portal.count(rows).await, before, "nothing had changed");
    provider.says(json!({ "oid": "ida-2" }));
    provider.sign_in(&ida, &name).await.is(303);
    assert_eq!((portal.count(ADMINISTRATORS).await, sees(&ida).await), (2, true), "the first one is in them still");
}

#[tokio::test]
async fn a_directory_that_hangs_keeps_nobody_from_signing_in() {
    let (portal, _, provider, name) = entra(&[]).await;
    provider.hold("/v1.0/users/ida-o");
    let ida = portal.guest();
    assert_eq!(provider.sign_in(&ida, &name).await.location(), "/");
    ida.get("/account").await.is(200);
    provider.release();
    assert!(portal.texts("select sync_problem from providers").await[0].contains("did not answer"));
}

#[tokio::test]
async fn a_group_of_administrators_that_is_deleted_there_makes_none() {
    const GROUP: &str = "5d0c2b1e-3c7a-4c6e-9a55-0d6a4f0f8b11";
    let (portal, _, provider, name) = entra(&[("administrators_value", GROUP)]).await;
    provider.set(|manners| manners.directory.has(GROUP, "Admins", &["ida-o"]));
    provider.sign_in(&portal.guest(), &name).await.is(303);
    assert_eq!(portal.count(ADMINISTRATORS).await, 2);
    provider.set(|manners| manners.directory.groups.clear());
    portal.pass(Duration::minutes(30));
    portal.read_directories().await;
    assert_eq!(portal.count(ADMINISTRATORS).await, 1);
}

#[tokio::test]
async fn a_group_that_is_called_by_its_id_in_a_token_was_not_renamed() {
    let (portal, admin, provider, name) = entra(&[]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    provider.says(json!({ "groups": ["g-1"] }));
    provider.set(|manners| manners.directory.forbids = true);
    provider.sign_in(&ida, &name).await.is(303);
    assert!(!portal.audited().await.contains(&"group.renamed_there".to_owned()));
    assert_eq!(portal.texts("select name from seen_groups").await, ["Partners"]);
    admin.get("/publisher/groups/partners").await.hides("It is called");
}

#[tokio::test]
async fn fewer_minutes_count_at_once_and_a_provider_that_is_off_is_not_asked() {
    let (portal, admin, provider, name) = entra(&[("sync_minutes", "1440")]).await;
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    let path = format!("/publisher/settings/providers/{name}");
    post(&admin, &path, &edited(&provider, &[("sync_minutes", "5")])).await.is(303);
    provider.set(|manners| manners.directory.has("g-1", "Partners", &[]));
    portal.pass(Duration::minutes(5));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, false));
    post(&admin, &path, &edited(&provider, &[("sync_minutes", "5"), ("version", "2"), ("enabled", "")])).await.is(303);
    provider.set(|manners| manners.directory.has("g-1", "Partners", &["ida-o"]));
    let before = asked(&provider).await.len();
    admin.post("/publisher/groups/partners/sync", &[]).await.is(303);
    assert_eq!((asked(&provider).await.len(), sees(&ida).await), (before, false));
}

#[tokio::test]
async fn a_server_that_stops_gets_the_account_in_hand_to_its_end() {
    let (portal, _, provider, name) = refreshing(&[]).await;
    provider.says(json!({ "groups": ["g-1"] }));
    let ida = ida(&portal, &provider, &name).await;
    portal.pass(Duration::minutes(30));
    provider.hold("/token");
    let reading = tokio::spawn(portico::app::read_for_ever(portal.state.clone()));
    provider.held().await;
    portal.state.stopping.store(true, std::sync::atomic::Ordering::SeqCst);
    provider.release();
    tokio::time::timeout(std::time::Duration::from_secs(8), reading).await.expect("it ends").expect("without a fault");
    portal.state.stopping.store(false, std::sync::atomic::Ordering::SeqCst);
    portal.pass(Duration::minutes(30));
    assert_eq!((portal.read_directories().await, sees(&ida).await), (1, true));
}

#[tokio::test]
async fn a_clock_that_was_wrong_keeps_nothing_from_being_read() {
    let (portal, _, provider, name) = entra(&[("administrators_value", "g-9")]).await;
    provider.set(|manners| {
        manners.directory.has("g-1", "Partners", &["ida-o"]);
        manners.directory.has("g-9", "Admins", &["ida-o"]);
    });
    portal.pass(Duration::days(400));
    let admin = portal.signed_in("root@portal.example").await;
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    opened(&admin, &name, "part", "g-1").await;
    portal.read_directories().await;
    assert_eq!((portal.count(ADMINISTRATORS).await, portal.count("select count(*) from memberships").await), (2, 1));
    portal.pass(Duration::days(-400));
    provider.set(|manners| (manners.directory.groups[0].2, manners.directory.groups[1].2) = (Vec::new(), Vec::new()));
    assert_eq!(portal.read_directories().await, 2);
    assert_eq!((portal.count(ADMINISTRATORS).await, portal.count("select count(*) from memberships").await), (1, 0));
}
