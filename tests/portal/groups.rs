//! Groups and their pages.

use crate::support::Portal;
use portico::users::UserState;

#[tokio::test]
async fn a_group_is_added_edited_and_deleted() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let page =
        admin.post_and_follow("/publisher/new/group", &[("display_name", " Contoso partners "), ("description", "Our partners")]).await;
    page.is(200).shows("Added the group Contoso partners.").shows("Our partners");
    admin.get("/publisher/groups").await.shows("Contoso partners").shows("Administrators").shows("Guests");

    let edit = [("version", "1"), ("display_name", "Contoso"), ("description", "")];
    admin.post_and_follow("/publisher/groups/contoso-partners", &edit).await.shows("Saved.").shows("Contoso");
    let asked = admin.get("/publisher/groups/contoso-partners/delete").await;
    asked.shows("Delete the group Contoso?").shows("0 memberships");
    admin.post_and_follow("/publisher/groups/contoso-partners/delete", &[]).await.shows("Deleted the group Contoso.");
    admin.get("/publisher/groups/contoso-partners").await.is(404);
    assert_eq!(portal.audited().await[1..], ["group.created", "group.edited", "group.deleted"]);
}

#[tokio::test]
async fn a_bad_name_gets_a_message_and_loses_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Straße").await;
    for (name, message) in [
        ("", "The name is missing."),
        ("  STRASSE ", "There is a group with this name already."),
        ("guests", "There is a group with this name already."),
        (&"x".repeat(301), "The name may have 300 characters; this has 301."),
        ("two\nlines", "The name goes on one line."),
    ] {
        let reply = admin.post("/publisher/new/group", &[("display_name", name), ("description", "kept as typed")]).await;
        reply.is(422).shows(message).shows("kept as typed").shows("aria-invalid");
    }
    assert_eq!(portal.count("select count(*) from groups").await, 4);
}

#[tokio::test]
async fn system_groups_stay_as_they_are() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for group in ["administrators", "developers", "guests"] {
        let path = format!("/publisher/groups/{group}");
        admin.get(&path).await.is(200).hides("Save</button>");
        admin.post(&path, &[("version", "1"), ("display_name", "Mine"), ("description", "")]).await.is(405);
        admin.get(&format!("{path}/delete")).await.is(405);
        admin.post(&format!("{path}/delete"), &[]).await.is(405);
        admin.post(&format!("{path}/add-member"), &[("who", "root@portal.example")]).await.is(405);
    }
    assert_eq!(portal.count("select count(*) from groups where version = 1").await, 3);
}

#[tokio::test]
async fn a_form_that_is_older_than_the_group_shows_both_and_asks() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    let save = |version: &'static str, name: &'static str| {
        let admin = admin.clone();
        async move { admin.post("/publisher/groups/beta", &[("version", version), ("display_name", name), ("description", "")]).await }
    };
    save("1", "Beta testers").await.is(303);
    let asked = save("1", "Early birds").await;
    asked
        .is(409)
        .shows("Somebody else saved this group meanwhile")
        .shows("Beta testers")
        .shows("Early birds")
        .shows("name=\"version\" value=\"2\"");
    save("2", "Early birds").await.is(303);
    admin.get("/publisher/groups").await.shows("Early birds").hides("Beta testers");
}

#[tokio::test]
async fn members_are_added_found_removed_and_brought_back() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    portal.add_user("bo@contoso.example", "Bo", "Berg", UserState::Active, false).await;
    portal.add_group("Beta").await;
    let add = |who: &'static str| {
        let admin = admin.clone();
        async move { admin.post("/publisher/groups/beta/add-member", &[("who", who)]).await }
    };
    add("ANA@contoso.example").await.is(303);
    admin.get("/publisher/groups/beta").await.shows("Added Ana Alves to Beta.").shows("Undo");
    add("bo berg").await.is(303);
    add("bo berg").await.is(303);
    admin.get("/publisher/groups/beta").await.shows("Bo Berg was already a member of Beta.");
    add(" ").await.is(422).shows("Type a name or an email address.").shows("autofocus");
    let found = admin.get("/publisher/groups/beta?q=CONTOSO").await;
    found.shows("Ana Alves").shows("Bo Berg");
    admin.get("/publisher/groups/beta?q=lves").await.shows("Ana Alves").hides("Bo Berg");
    admin.get("/publisher/groups/beta?q=BO").await.shows("Bo Berg").hides("Ana Alves");

    admin
        .post_and_follow("/publisher/groups/beta/remove-members", &[("user", &ana)])
        .await
        .shows("Removed 1 member from Beta.")
        .hides("ana@");
    admin.post_and_follow("/publisher/groups/beta/remove-members", &[]).await.shows("Nobody was ticked");
}

#[tokio::test]
async fn the_list_can_be_narrowed_to_a_type() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    admin.get("/publisher/groups?kind=custom").await.shows("Partners").hides("groups/guests\"").shows("<option value=\"custom\" selected>");
    admin.get("/publisher/groups?kind=system").await.hides("Partners").shows("groups/guests\"");
    admin.get("/publisher/groups?kind=external").await.shows("No group matches.").shows("Clear");
    admin.get("/publisher/groups?kind=nonsense").await.shows("Partners").shows("groups/guests\"");
}

#[tokio::test]
async fn whoever_is_to_be_added_is_found_by_a_part_of_the_name() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for number in 0..12 {
        portal.add_user(&format!("ana{number}@contoso.example"), "Ana", &format!("Alves {number}"), UserState::Active, false).await;
    }
    for email in ["bo.one@contoso.example", "bo.two@contoso.example"] {
        portal.add_user(email, "Bo", "Berg", UserState::Pending, false).await;
    }
    portal.add_group("Beta").await;
    let add = |who: &'static str| {
        let admin = admin.clone();
        async move { admin.post("/publisher/groups/beta/add-member", &[("who", who)]).await }
    };
    let found = add("ALVES").await;
    assert_eq!((found.status, found.location()), (303, "/publisher/groups/beta?find=ALVES#add"));
    let page = admin.get(found.location()).await;
    page.is(200).shows("value=\"ana0@contoso.example\"").shows("The first 10 of 12.").hides("Bo Berg");
    // Two people of one name: the page asks which, and says who is in already.
    add("bo berg").await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    add("bo.two@contoso.example").await.is(303);
    let page = admin.get("/publisher/groups/beta?find=Bo%20Berg").await;
    page.shows("value=\"bo.one@contoso.example\"").shows("Member already").hides("value=\"bo.two@contoso.example\"").shows("Pending");
    admin.get("/publisher/groups/beta?find=zzz").await.is(200).shows("Nobody’s name or email contains this.");
}

#[tokio::test]
async fn a_long_name_is_shortened_in_lists_and_whole_on_its_page() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let long = "Harbour ".repeat(37);
    let made = admin.post_and_follow("/publisher/new/group", &[("display_name", long.as_str()), ("description", "")]).await;
    made.shows(&format!("<h1><bdi>{}</bdi>", long.trim_end())).hides("….");
    let begin = format!("{}…", long[..80].trim_end());
    admin.get("/publisher/groups").await.shows(&begin).shows(&format!("<bdi title=\"{}\">", long.trim_end()));
}
