//! Adding a user, a user's own page, and a person's account.

use crate::support::{PASSWORD, Portal};
use portico::users::UserState;

#[tokio::test]
async fn a_user_is_added_with_groups_and_can_sign_in() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    let form = |email: &'static str, password: &'static str| {
        let admin = admin.clone();
        async move {
            let fields = [
                ("email", email),
                ("first_name", "<b>Ana"),
                ("last_name", "Alves"),
                ("password", password),
                ("note", "kept"),
                ("group", "beta"),
            ];
            admin.post("/publisher/new/user", &fields).await
        }
    };
    form("no address", "short")
        .await
        .is(422)
        .shows("This is not an email address.")
        .shows("at least 12 characters")
        .shows("kept")
        .hides("value=\"short\"");
    form("ROOT@portal.example", PASSWORD).await.is(422).shows("Somebody has an account with this email address already.");
    let reply = form("ana@contoso.example", PASSWORD).await;
    let page = admin.get(reply.is(303).location()).await;
    page.shows("&#60;b&#62;Ana Alves").hides("<b>Ana").shows("value=\"beta\" checked");
    portal.signed_in("ana@contoso.example").await.get("/account").await.is(200).shows("ana@contoso.example");
}

#[tokio::test]
async fn blocking_ends_every_session_at_once() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let browser = portal.signed_in("dev@portal.example").await;
    browser.get("/account").await.is(200);
    let path = format!("/publisher/users/{dev}");
    let asked = admin.get(&format!("{path}/block")).await;
    asked.is(200).shows("Block Dev Eloper?").shows("Signing in, and 1 session at once").shows("with 0 groups and 0 subscriptions");
    browser.get("/account").await.is(200);
    admin.post_and_follow(&format!("{path}/block"), &[]).await.shows("Blocked. Every session has ended.");
    admin.get(&format!("{path}/block")).await.is(303);
    browser.get("/account").await.is(303);
    assert_eq!(
        portal.count("select count(*) from sessions s join users u on u.id = s.user_id where u.email = 'dev@portal.example'").await,
        0
    );
    admin.post_and_follow(&format!("{path}/block"), &[]).await.shows("This user was blocked already.");
    admin.post_and_follow(&format!("{path}/activate"), &[]).await.shows("Active: this person can sign in.");
    browser.get("/account").await.is(303);
    portal.signed_in("dev@portal.example").await.get("/account").await.is(200);
}

#[tokio::test]
async fn the_role_needs_the_administrators_password_and_the_last_one_stays() {
    let portal = Portal::start().await;
    let root = portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let admin = portal.signed_in("root@portal.example").await;
    let role = |who: &str, role: &'static str, password: &'static str| {
        let (admin, path) = (admin.clone(), format!("/publisher/users/{who}/role"));
        async move { admin.post(&path, &[("role", role), ("password", password)]).await }
    };
    role(&dev, "grant", "").await.is(422).shows("Type your own password.");
    role(&dev, "grant", "wrong").await.is(422).shows("This is not your password.");
    role(&root, "revoke", PASSWORD).await.is(409).shows("This is the last administrator");
    admin.post(&format!("/publisher/users/{root}/block"), &[]).await.is(409);
    assert_eq!(portal.count("select count(*) from users where administrator").await, 1);
    role(&dev, "grant", PASSWORD).await.is(303);
    portal.signed_in("dev@portal.example").await.get("/publisher/users").await.is(200);
    role(&root, "revoke", PASSWORD).await.is(303);
    admin.get("/publisher/users").await.is(403);
}

#[tokio::test]
async fn groups_on_a_users_page_change_only_the_boxes_that_were_changed() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    for group in ["Alpha", "Beta", "Gamma"] {
        portal.add_group(group).await;
    }
    let path = format!("/publisher/users/{dev}/groups");
    admin.post_and_follow(&path, &[("group", "alpha"), ("group", "beta")]).await.shows("Added to Alpha, Beta.");
    // Shown with Alpha and Beta; meanwhile somebody else adds Gamma; here Beta is unticked.
    portal.guest().get("/").await;
    admin
        .post_and_follow(&path, &[("was", "alpha"), ("was", "beta"), ("group", "alpha"), ("group", "beta"), ("group", "gamma")])
        .await
        .shows("Added to Gamma.");
    admin.post_and_follow(&path, &[("was", "alpha"), ("was", "beta"), ("group", "alpha")]).await.shows("Removed from Beta.");
    admin.post_and_follow(&path, &[("was", "alpha"), ("group", "alpha")]).await.shows("No box was changed");
    assert_eq!(portal.count("select count(*) from memberships").await, 2);
    admin.post(&path, &[("group", "administrators")]).await.is(405);
}

#[tokio::test]
async fn a_profile_that_is_older_than_the_user_shows_both_and_asks() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let path = format!("/publisher/users/{dev}");
    let save = |first: &'static str| {
        let (admin, path) = (admin.clone(), path.clone());
        async move {
            let form = [("version", "1"), ("email", "dev@portal.example"), ("first_name", first), ("last_name", "Eloper"), ("note", "")];
            admin.post(&path, &form).await
        }
    };
    save("Theirs").await.is(303);
    save("Mine").await.is(409).shows("Somebody else changed this user meanwhile").shows("Theirs").shows("Mine");
}

#[tokio::test]
async fn a_person_changes_name_and_password_and_ends_other_sessions() {
    let portal = Portal::start().await;
    let here = portal.developer("dev@portal.example").await;
    let there = portal.signed_in("dev@portal.example").await;
    here.post_and_follow("/account/name", &[("version", "1"), ("first_name", "Devi"), ("last_name", "Eloper")])
        .await
        .shows("Saved your name.")
        .shows("Devi Eloper");
    let change = |current: &'static str, new: &'static str, again: &'static str| {
        let here = here.clone();
        async move { here.post("/account/password", &[("current", current), ("password", new), ("repeated", again)]).await }
    };
    change("wrong", "a new harbour at dawn", "a new harbour at dawn").await.is(422).shows("This is not your password.");
    change(PASSWORD, "short", "short").await.is(422).shows("at least 12 characters");
    change(PASSWORD, "a new harbour at dawn", "another harbour").await.is(422).shows("not the same");
    there.get("/account").await.is(200);
    change(PASSWORD, "a new harbour at dawn", "a new harbour at dawn").await.is(303);
    here.get("/account").await.is(200).shows("Changed your password. 1 other session has ended.");
    there.get("/account").await.is(303);
    portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.is(422);
    portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", "a new harbour at dawn")]).await.is(303);
}

#[tokio::test]
async fn an_administrator_ends_one_session_or_all_of_a_user() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let dev = portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let (one, two) = (portal.signed_in("dev@portal.example").await, portal.signed_in("dev@portal.example").await);
    let path = format!("/publisher/users/{dev}");
    let page = admin.get(&path).await;
    let end = page.text.split('"').find(|part| part.contains("/sessions/") && part.ends_with("/end")).expect("a button").to_owned();
    admin.post_and_follow(&end, &[]).await.shows("Ended the session.");
    admin.post_and_follow(&end, &[]).await.shows("This session had ended already.");
    let (first, second) = (one.get("/account").await.status, two.get("/account").await.status);
    assert!((first == 303) != (second == 303), "one of the two ended: {first}, {second}");
    admin.post_and_follow(&format!("{path}/end-sessions"), &[]).await.shows("Ended 1 session.").shows("Not signed in anywhere.");
    assert_eq!((one.get("/account").await.status, two.get("/account").await.status), (303, 303));
    admin.get("/publisher/users").await.is(200);
    assert_eq!(portal.count("select count(*) from audit where action = 'user.sessions_ended'").await, 2);
}

#[tokio::test]
async fn a_person_ends_an_own_session_and_nobody_elses() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let here = portal.developer("dev@portal.example").await;
    let there = portal.signed_in("dev@portal.example").await;
    let others = admin.get("/account").await;
    others.shows("This one").hides("/account/sessions/");
    let page = here.get("/account").await;
    page.shows("This one").shows("Sign out everywhere");
    let end = page.text.split('"').find(|part| part.starts_with("/account/sessions/")).expect("a button").to_owned();
    admin.post_and_follow(&end, &[]).await.shows("This session had ended already.");
    there.get("/account").await.is(200);
    here.post_and_follow(&end, &[]).await.shows("Ended the session.");
    there.get("/account").await.is(303);
}

#[tokio::test]
async fn an_own_name_saved_over_a_newer_one_is_shown_both() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    let save = async |version: &str, first: &str| {
        dev.post("/account/name", &[("version", version), ("first_name", first), ("last_name", "Eloper")]).await
    };
    save("1", "").await.is(422).shows("The first name is missing.");
    save("1", "<i>Devi").await.is(303);
    save("1", "Mine").await.is(409).shows("Your account was changed meanwhile").shows("&#60;i&#62;Devi").hides("<i>").shows("Mine");
    save("2", "Mine").await.is(303);
    dev.get("/account").await.shows("Mine Eloper");
}
