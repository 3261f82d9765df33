//! The list of users: searching, filters, sorting, pages.

use crate::support::{Browser, Portal};
use portico::users::UserState;
use time::Duration;

/// Root the administrator, and four others: Ana (beta), Bo (beta, gamma), Cy (pending, gamma), Dana (blocked).
async fn people() -> (Portal, Browser) {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    portal.add_group("Gamma").await;
    for (email, first, last, state, groups) in [
        ("ana@contoso.example", "Ana", "Alves", UserState::Active, &["beta"][..]),
        ("bo@contoso.example", "Bo", "Berg", UserState::Active, &["beta", "gamma"]),
        ("cy@fabrikam.example", "Cy", "Chen", UserState::Pending, &["gamma"]),
        ("dana@fabrikam.example", "Dana", "Dahl", UserState::Blocked, &[]),
    ] {
        portal.pass(Duration::minutes(1));
        let name = portal.add_user(email, first, last, state, false).await;
        for group in groups {
            admin.post("/publisher/users/bulk", &[("user", name.as_str()), ("add", group)]).await.is(303);
        }
    }
    admin.get("/publisher/users").await.is(200);
    (portal, admin)
}

const ALL: [&str; 5] = ["Root Admin", "Ana Alves", "Bo Berg", "Cy Chen", "Dana Dahl"];

/// The names in the rows, in order.
async fn names(admin: &Browser, query: &str) -> Vec<&'static str> {
    let page = admin.get(&format!("/publisher/users{query}")).await;
    page.is(200);
    let mut found: Vec<(usize, &str)> =
        ALL.into_iter().filter_map(|name| page.text.find(&format!("<bdi>{name}</bdi></a>")).map(|at| (at, name))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

#[tokio::test]
async fn each_filter_and_all_together() {
    let (_portal, admin) = people().await;
    let of = async |query: &str| names(&admin, query).await.join(", ");
    assert_eq!(of("").await, "Ana Alves, Bo Berg, Cy Chen, Dana Dahl, Root Admin");
    assert_eq!(of("?state=active").await, "Ana Alves, Bo Berg, Root Admin");
    assert_eq!(of("?state=pending").await, "Cy Chen");
    assert_eq!(of("?state=blocked").await, "Dana Dahl");
    assert_eq!(of("?in=beta").await, "Ana Alves, Bo Berg");
    assert_eq!(of("?in=BETA").await, "Ana Alves, Bo Berg");
    assert_eq!(of("?not_in=beta").await, "Cy Chen, Dana Dahl, Root Admin");
    assert_eq!(of("?in=gamma&not_in=beta").await, "Cy Chen");
    assert_eq!(of("?in=administrators").await, "Root Admin");
    assert_eq!(of("?not_in=administrators").await, "Ana Alves, Bo Berg, Cy Chen, Dana Dahl");
    assert_eq!(of("?in=developers").await, "Ana Alves, Bo Berg, Root Admin");
    assert_eq!(of("?not_in=developers").await, "Cy Chen, Dana Dahl");
    assert_eq!(of("?in=guests").await, "");
    assert_eq!(of("?not_in=guests&q=contoso").await, "Ana Alves, Bo Berg");
    assert_eq!(of("?q=CONTOSO&state=active&in=beta&not_in=gamma&sort=-name").await, "Ana Alves");
    admin.get("/publisher/users?in=nothing").await.is(404);
    admin.get("/publisher/users?q=zzz&in=beta").await.shows("No user matches “zzz” in Beta.").shows("Clear");
}

#[tokio::test]
async fn a_part_of_a_name_or_address_is_enough() {
    let (portal, admin) = people().await;
    portal.add_user("odd@contoso.example", "100%_\\", "\"O'Hara\"", UserState::Active, false).await;
    let found = async |query: &str| admin.get(&format!("/publisher/users?q={query}")).await;
    for (query, ana, odd) in [
        ("a", true, true),
        ("an", true, false),
        ("ana", true, false),
        ("A%20al", true, false),
        ("na%20alve", true, false),
        ("ana%40con", true, false),
        ("%25", false, true),
        ("0%25_", false, true),
        ("%25_%5C", false, true),
        ("_", false, true),
        ("__", false, false),
        ("n_a", false, false),
        ("%5C", false, true),
        ("%22O%27H", false, true),
        ("%27", false, true),
        ("%22", false, true),
        ("*", false, false),
        ("ana*", false, false),
        ("ana%20OR%20bo", false, false),
        ("%20%20ana%20", true, false),
    ] {
        let page = found(query).await;
        page.is(200);
        assert_eq!((page.text.contains("Ana Alves</bdi></a>"), page.text.contains("odd@contoso.example</span>")), (ana, odd), "{query}");
    }
}

#[tokio::test]
async fn every_order_and_its_reverse() {
    let (portal, admin) = people().await;
    portal.pass(Duration::hours(1));
    portal.signed_in("bo@contoso.example").await;
    portal.pass(Duration::hours(1));
    portal.signed_in("ana@contoso.example").await;
    let of = async |query: &str| names(&admin, query).await.join(", ");
    assert_eq!(of("?sort=-name").await, "Root Admin, Dana Dahl, Cy Chen, Bo Berg, Ana Alves");
    assert_eq!(of("?sort=state").await, "Ana Alves, Bo Berg, Root Admin, Dana Dahl, Cy Chen");
    assert_eq!(of("?sort=-state").await, "Cy Chen, Dana Dahl, Root Admin, Bo Berg, Ana Alves");
    assert_eq!(of("?sort=registered").await, "Root Admin, Ana Alves, Bo Berg, Cy Chen, Dana Dahl");
    assert_eq!(of("?sort=-registered").await, "Dana Dahl, Cy Chen, Bo Berg, Ana Alves, Root Admin");
    assert_eq!(of("?sort=signin").await, "Cy Chen, Dana Dahl, Root Admin, Bo Berg, Ana Alves");
    assert_eq!(of("?sort=-signin").await, "Ana Alves, Bo Berg, Root Admin, Dana Dahl, Cy Chen");
    let page = admin.get("/publisher/users?sort=-registered&q=contoso").await;
    page.shows("aria-sort=\"descending\"").shows("/publisher/users?q=contoso&#38;sort=registered");
}

#[tokio::test]
async fn pages_hold_what_the_address_says() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for number in 0..60 {
        portal.add_user(&format!("p{number:02}@contoso.example"), "Person", &format!("N{number:02}"), UserState::Active, false).await;
    }
    let page = admin.get("/publisher/users?size=25&page=2&q=person&sort=-name").await;
    page.shows("26–50 of 60")
        .shows("Person N34</bdi></a>")
        .shows("Person N10</bdi></a>")
        .hides("Person N35</bdi></a>")
        .hides("Person N09</bdi></a>");
    page.shows("Select all 60 that match").shows("name=\"page\" value=\"2\"").shows("name=\"sort\" value=\"-name\"");
    admin.get("/publisher/users?size=100&q=person").await.shows("1–60 of 60").hides("that match");
    admin.get("/publisher/users?size=25&page=9&q=person").await.shows("51–60 of 60").shows("Person N59</bdi></a>");
    admin.get("/publisher/users?size=7&page=x&q=person").await.shows("1–50 of 60");
}

#[tokio::test]
async fn groups_fold_and_strange_names_are_text() {
    let (portal, admin) = people().await;
    let bad = "<script>alert(1)</script>";
    let name = portal.add_user("x@contoso.example", bad, "\"><b>", UserState::Active, false).await;
    for number in 0..4 {
        let group = portal.add_group(&format!("Fold {number} <i>")).await;
        admin.post("/publisher/users/bulk", &[("user", &name), ("add", &group)]).await.is(303);
    }
    let page = admin.get("/publisher/users?q=script").await;
    page.hides(bad).shows("&#60;script&#62;").hides("<i>").shows("1 more groups").hides("Developers only");
    admin.get("/publisher/users?q=dana").await.hides("Developers only");
    admin.get("/publisher/users?q=root").await.shows("Administrators</a>");
    portal.add_user("alone@contoso.example", "A", "Lone", UserState::Active, false).await;
    admin.get("/publisher/users?q=alone").await.shows("Developers only");
    admin.get("/publisher/users?q=%3Cscript%3E").await.hides(bad);
}
