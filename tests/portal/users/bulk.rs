//! Ticked users, or all that match, into a group and out of it, and back.

use crate::support::{Browser, Portal};
use portico::users::UserState;

async fn four() -> (Portal, Browser, Vec<String>) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    let mut names = Vec::new();
    for (email, first) in [("ana@a.example", "Ana"), ("bo@a.example", "Bo"), ("cy@a.example", "Cy"), ("dana@b.example", "Dana")] {
        names.push(portal.add_user(email, first, "Person", UserState::Active, false).await);
    }
    (portal, admin, names)
}

const MEMBERS: &str = "select count(*) from memberships";

/// The address behind the *Undo* button.
fn undo_of(page: &str) -> String {
    let at = page.find("/publisher/undo/").expect("an undo button");
    page[at..].split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_ticked_are_added_and_removed_and_the_ticks_stay() {
    let (portal, admin, names) = four().await;
    let back = "/publisher/users?q=person&state=active&sort=-name&size=25";
    let fields = |names: &[String], what: &str| {
        let mut form: Vec<(String, String)> = names.iter().map(|name| ("user".to_owned(), name.clone())).collect();
        for (key, value) in
            [("q", "person"), ("state", "active"), ("in", ""), ("not_in", ""), ("sort", "-name"), ("page", "1"), ("size", "25")]
        {
            form.push((key.to_owned(), value.to_owned()));
        }
        form.push((what.to_owned(), "partners".to_owned()));
        form
    };
    let send = async |names: &[String], what: &str| {
        let form = fields(names, what);
        let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let reply = admin.post("/publisher/users/bulk", &form).await;
        assert_eq!((reply.status, reply.location()), (303, back), "{}", reply.text);
        admin.get(reply.location()).await
    };
    send(&names[..1], "add").await.shows("Added 1 developer to Partners.");
    let page = send(&names[..3], "add").await;
    page.shows("Added 2 developers to Partners (1 was already a member).").shows("Undo");
    for (index, name) in names.iter().enumerate() {
        let ticked = page.text.contains(&format!("value=\"{name}\" aria-label=\"{} Person\" checked", ["Ana", "Bo", "Cy", "Dana"][index]));
        assert_eq!(ticked, index < 3, "{name}");
    }
    assert_eq!(portal.count(MEMBERS).await, 3);
    admin.get(back).await.hides("checked").hides("Added");
    send(&names[..3], "add").await.shows("all 3 developers were already members of Partners.").hides("/publisher/undo/");
    send(&names[2..], "remove").await.shows("Removed 1 developer from Partners (1 was not a member).");
    send(&names[2..], "remove").await.shows("none of the 2 developers was a member of Partners.");
    send(&[], "add").await.shows("Nobody is ticked, so nothing was changed.");
    assert_eq!(portal.count(MEMBERS).await, 2);
    let actions = portal.audited().await;
    let changes: Vec<&str> = actions.iter().map(String::as_str).filter(|action| action.starts_with("group.members")).collect();
    assert_eq!(changes, ["group.members_added", "group.members_added", "group.members_removed"]);
}

#[tokio::test]
async fn undo_takes_back_what_was_changed_and_only_once() {
    let (portal, admin, names) = four().await;
    admin.post("/publisher/users/bulk", &[("user", &names[0]), ("add", "partners")]).await.is(303);
    let form = [("user", names[0].as_str()), ("user", names[1].as_str()), ("add", "partners")];
    let undo = undo_of(&admin.post_and_follow("/publisher/users/bulk", &form).await.text);
    assert_eq!(portal.count(MEMBERS).await, 2);
    let headers = [
        ("origin", portal.base.as_str()),
        ("referer", &format!("{}/publisher/users?q=person", portal.base)),
        ("sec-fetch-site", "same-origin"),
    ];
    let reply = admin.send(reqwest::Method::POST, &undo, &headers, crate::support::FORM, "").await;
    assert_eq!((reply.status, reply.location()), (303, "/publisher/users?q=person"));
    admin.get(reply.location()).await.shows("Undone: removed 1 developer from Partners again.");
    assert_eq!(portal.count(MEMBERS).await, 1, "who was a member before stays one");
    admin.post(&undo, &[]).await.is(409).shows("This was undone already.");
    assert_eq!(portal.count(MEMBERS).await, 1);

    let undo = undo_of(&admin.post_and_follow("/publisher/users/bulk", &[("user", &names[0]), ("remove", "partners")]).await.text);
    admin.post_and_follow(&undo, &[]).await.shows("Undone: put 1 developer back into Partners.");
    assert_eq!(portal.count(MEMBERS).await, 1);

    admin.post("/publisher/undo/nothing", &[]).await.is(404);
    let created = "select count(*) from audit where action = 'group.created'";
    assert_eq!(portal.count(created).await, 1);
    let mut connection = portal.db().read().await.unwrap();
    let entry = portico::db::Select::new(&connection, "select name from audit where action = 'group.created'")
        .optional::<(String,)>(&mut connection)
        .await
        .unwrap()
        .unwrap()
        .0;
    drop(connection);
    admin.post(&format!("/publisher/undo/{entry}"), &[]).await.is(409).shows("cannot be undone");
}

#[tokio::test]
async fn all_that_match_are_those_of_the_filter_as_it_was_shown() {
    let (portal, admin, names) = four().await;
    for number in 0..30 {
        portal.add_user(&format!("m{number}@many.example"), "Many", &format!("N{number:02}"), UserState::Active, false).await;
    }
    portal.add_user("late@many.example", "Many", "Pending", UserState::Pending, false).await;
    let shown = admin.get("/publisher/users?q=many&state=active&size=25").await;
    shown.shows("/publisher/users?q=many&#38;state=active&#38;all=1&#38;size=25").shows("Select all 30 that match");
    let all = admin.get("/publisher/users?q=many&state=active&all=1&size=25&not_in=partners").await;
    all.shows("All 30 that match").shows("name=\"all\" value=\"1\"").shows("Clear selection");
    let filter = [("q", "many"), ("state", "active"), ("all", "1"), ("size", "25"), ("page", "2"), ("add", "partners")];
    let page = admin.post_and_follow("/publisher/users/bulk", &filter).await;
    page.shows("Added 30 developers to Partners.").shows("All 30 that match").shows("26–30 of 30");
    assert_eq!(portal.count(MEMBERS).await, 30);
    let rest = [("not_in", "partners"), ("all", "1"), ("user", names[0].as_str()), ("add", "partners")];
    let page = admin.post_and_follow("/publisher/users/bulk", &rest).await;
    page.shows("Added 6 developers to Partners.").shows("No user matches outside Partners.");
    let gone = [("in", "partners"), ("q", "many"), ("all", "1"), ("page", "2"), ("size", "25"), ("remove", "partners")];
    let page = admin.post_and_follow("/publisher/users/bulk", &gone).await;
    page.is(200).shows("Removed 31 developers from Partners.").shows("No user matches “many” in Partners.");
    assert_eq!(portal.count(MEMBERS).await, 5);
    admin.post_and_follow(&undo_of(&page.text), &[]).await.shows("Undone: put 31 developers back into Partners.");
    assert_eq!(portal.count(MEMBERS).await, 36);
    admin.post("/publisher/users/bulk", &[("in", "gone"), ("all", "1"), ("add", "partners")]).await.is(404);
    admin.post("/publisher/users/bulk", &[("state", "asleep"), ("all", "1"), ("add", "partners")]).await.is(404);
}

#[tokio::test]
async fn system_groups_and_forged_names_are_refused() {
    let (portal, admin, names) = four().await;
    let page = admin.get("/publisher/users").await;
    page.shows("name=\"add\" value=\"partners\"").shows("name=\"remove\" value=\"partners\"");
    for group in ["administrators", "developers", "guests"] {
        page.hides(&format!("name=\"add\" value=\"{group}\""));
        for way in ["add", "remove"] {
            admin.post("/publisher/users/bulk", &[("user", &names[0]), (way, group)]).await.is(405);
        }
    }
    admin.post("/publisher/users/bulk", &[("user", &names[0]), ("add", "forged")]).await.is(404);
    admin.post("/publisher/users/bulk", &[("user", &names[0])]).await.is(400);
    admin.post_and_follow("/publisher/users/bulk", &[("user", "nobody"), ("add", "partners")]).await.shows("nothing was changed");
    assert_eq!(portal.count(MEMBERS).await, 0);
}

#[tokio::test]
async fn with_very_many_groups_another_one_is_named() {
    let (portal, admin, names) = four().await;
    for number in 0..201 {
        portal.add_group(&format!("A {number:03}")).await;
    }
    let page = admin.get("/publisher/users?not_in=partners").await;
    page.shows("name=\"add_other\"").shows("A 199").hides("A 200").shows("name=\"not_in\" value=\"Partners\"");
    // By what people call it, as well as by its name.
    admin.get("/publisher/users?not_in=a+200&q=person").await.shows("name=\"not_in\" value=\"A 200\"").shows("<table");
    let unknown = admin.get("/publisher/users?in=Partmers").await;
    unknown.is(404).shows("There is no group “Partmers”.").shows("value=\"Partmers\"").hides("<table");
    let form = [("user", names[0].as_str()), ("add_other", " PARTNERS "), ("remove_other", ""), ("other", "add")];
    admin.post_and_follow("/publisher/users/bulk", &form).await.shows("Added 1 developer to Partners.");
    let form = [("user", names[0].as_str()), ("add_other", "none of that name"), ("other", "add")];
    admin.post_and_follow("/publisher/users/bulk", &form).await.shows("There is no custom group by that name");
}

#[tokio::test]
async fn a_hundred_thousand_go_in_and_out_and_back_as_one_change_each() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Everybody").await;
    let mut tx = portal.db().write().await.unwrap();
    let now = tx.now();
    let mut many = portico::db::Select::new(
        &tx,
        "insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 100000)
         select 'u' || i, 'u' || i, 'u' || i || '@m.example', 'u' || i || '@m.example', 'Many', 'U' || i, 'many u' || i,
                'many u' || i || ' u' || i || '@m.example', 'active',",
    );
    assert_eq!(many.bind(now).sql("from n").execute(&mut tx).await.unwrap(), 100_000);
    tx.commit().await.unwrap();
    admin.get("/publisher/users").await.shows("Select all 100,001 that match").shows("1–50 of 100,001");
    admin.get("/publisher/users?q=many").await.shows("Select all 10,000+ that match").shows("1–50 of 10,000+");
    admin.get("/publisher/users?q=many&all=1").await.shows("All 100,000 that match");
    let page = admin.post_and_follow("/publisher/users/bulk", &[("q", "many"), ("all", "1"), ("add", "everybody")]).await;
    page.shows("Added 100,000 developers to Everybody.");
    // A group so large is looked for among the users, in their order.
    let inside = admin.get("/publisher/users?in=everybody&sort=-registered&size=25&page=2").await;
    inside.shows("26–50 of 10,000+");
    admin.get("/publisher/users?in=everybody&q=root").await.shows("No user matches “root” in Everybody.");
    admin.get("/publisher/users?in=everybody&q=u99999").await.shows("u99999@m.example").shows("Users</bdi> <span class=\"count\">1<");
    admin.post_and_follow(&undo_of(&page.text), &[]).await.shows("Undone: removed 100,000 developers from Everybody again.");
    assert_eq!(portal.count(MEMBERS).await, 0);
    assert_eq!(portal.count("select count(*) from audit where action like 'group.members%'").await, 2);
    // Ten thousand ticks fit into a form.
    let ticked: Vec<String> = (1..=10_000).map(|number| format!("u{number}")).collect();
    let mut form: Vec<(&str, &str)> = ticked.iter().map(|name| ("user", name.as_str())).collect();
    form.push(("add", "everybody"));
    let reply = admin.post("/publisher/users/bulk", &form).await;
    admin.get(reply.is(303).location()).await.shows("Added 10,000 developers to Everybody.");
    assert_eq!(portal.count(MEMBERS).await, 10_000);
}

#[tokio::test]
async fn a_block_of_many_is_undone_and_each_is_as_before() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let mut names = Vec::new();
    for (email, state, administrator) in [
        ("ana@a.example", UserState::Active, false),
        ("bo@a.example", UserState::Pending, false),
        ("cy@a.example", UserState::Blocked, false),
        ("rosa@a.example", UserState::Active, true),
    ] {
        names.push(portal.add_user(email, &email[..2], "Person", state, administrator).await);
    }
    let ticked: Vec<(&str, &str)> = names.iter().map(|name| ("user", name.as_str())).collect();
    let bulk = "/publisher/users/bulk";
    let page = admin.post_and_follow(bulk, &[&ticked[..], &[("accounts", "block")]].concat()).await;
    page.shows("Blocked 3 users (1 was blocked already).");
    let undo = undo_of(&page.text);
    admin
        .post_and_follow(&undo, &[])
        .await
        .shows("Undone: 2 users are as before the block, 1 of them pending")
        .shows("1 administrator left out");
    let state = async |of: &'static str| portal.count(of).await;
    assert_eq!(state("select count(*) from users where email = 'ana@a.example' and state = 'active'").await, 1);
    assert_eq!(state("select count(*) from users where email = 'bo@a.example' and state = 'pending'").await, 1);
    assert_eq!(state("select count(*) from users where email in ('cy@a.example', 'rosa@a.example') and state = 'blocked'").await, 2);
    admin.post(&undo, &[]).await.is(409);
    portal.signed_in("ana@a.example").await.get("/account").await.is(200);

    // Somebody who never confirmed the address has no account to come back to, however they are activated.
    let bo = [("user", names[1].as_str())];
    admin.post_and_follow(bulk, &[&bo[..], &[("accounts", "block")]].concat()).await.shows("Blocked 1 user.");
    admin.post_and_follow(bulk, &[&bo[..], &[("accounts", "activate")]].concat()).await.shows("1 pending again");
    assert_eq!(state("select count(*) from users where email = 'bo@a.example' and state = 'pending'").await, 1);
    admin.post(&format!("/publisher/users/{}/block", names[1]), &[]).await.is(303);
    admin.post_and_follow(&format!("/publisher/users/{}/activate", names[1]), &[]).await.shows("Pending, as before the block");
    admin
        .post_and_follow(bulk, &[&bo[..], &[("accounts", "activate")]].concat())
        .await
        .shows("Activated 1 user.")
        .shows("kept on the Mail page");
}

/// An Undo takes back the block that it tells of, and none that came later.
#[tokio::test]
async fn an_old_undo_leaves_a_later_block_alone() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let names = [
        portal.add_user("ana@a.example", "Ana", "Person", UserState::Active, false).await,
        portal.add_user("bo@a.example", "Bo", "Person", UserState::Active, false).await,
    ];
    let ticked: Vec<(&str, &str)> = names.iter().map(|name| ("user", name.as_str())).collect();
    let page = admin.post_and_follow("/publisher/users/bulk", &[&ticked[..], &[("accounts", "block")]].concat()).await;
    let undo = undo_of(&page.text);
    let ana = format!("/publisher/users/{}", names[0]);
    admin.post(&format!("{ana}/activate"), &[]).await.is(303);
    admin.post(&format!("{ana}/block"), &[]).await.is(303);
    admin.post_and_follow(&undo, &[]).await.shows("Undone: 1 user is as before the block").shows("1 was changed since, and stays blocked.");
    admin.get(&ana).await.shows("Blocked");
    assert_eq!(portal.count("select count(*) from users where state = 'blocked'").await, 1);
}

/// Two hosts that fold to the same are two addresses all the same.
#[tokio::test]
async fn an_address_that_only_folds_to_the_same_is_another_one() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let ana = portal.add_user("ana@strasse.example", "Ana", "Person", UserState::Active, false).await;
    let page = format!("/publisher/users/{ana}");
    let form = |email: &'static str| [("version", "1"), ("email", email), ("first_name", "Ana"), ("last_name", "Person"), ("note", "")];
    admin.post(&page, &form("ana@straße.example")).await.is(422).shows("Type your own password");
    admin.post(&page, &form("ANA@strasse.example")).await.is(303);
    // A sign-up that nobody has confirmed gives way to others, and not to itself.
    portal
        .run(&["update users set state = 'pending', signed_up = true, password_hash = null where name =", ""], vec![ana.as_str().into()])
        .await;
    let mut form = [&form("ana@straße.example")[..], &[("password", crate::support::PASSWORD)]].concat();
    form[0].1 = "2";
    admin.post(&page, &form).await.is(303);
    assert_eq!(portal.count("select count(*) from users where email = 'ana@straße.example'").await, 1);
}
