//! The sample.

use crate::support::Portal;
use portico::{
    db::Select,
    demo::{self, Found, Numbers},
    ids,
};

#[tokio::test]
async fn the_sample_fills_an_empty_database_once() {
    let portal = Portal::start().await;
    assert_eq!(demo::look(&portal.state).await.unwrap(), Found::Empty);
    let accounts = demo::fill(&portal.state).await.unwrap();
    assert_eq!(demo::look(&portal.state).await.unwrap(), Found::Sample);
    assert!(demo::fill(&portal.state).await.is_err());
    for (table, least) in [
        ("select count(*) from products", 12),
        ("select count(*) from groups where kind = 'custom'", 12),
        ("select count(*) from apis", 12),
        ("select count(*) from operations", 100),
        ("select count(*) from users", 120),
        ("select count(*) from memberships", 60),
        ("select count(*) from subscriptions", 60),
    ] {
        assert!(portal.count(table).await >= least, "{table}");
    }

    // What was decided has its reason, and what waits says what it is for.
    let unsaid = "select count(*) from subscriptions where state in ('rejected', 'suspended') and state_comment = ''";
    assert_eq!(portal.count(unsaid).await, 0);
    let unnamed = "select count(*) from subscriptions s join products p on p.id = s.product_id where s.state = 'submitted' and s.display_name = p.display_name";
    assert_eq!(portal.count(unnamed).await, 0);
    assert!(portal.count("select count(*) from subscriptions where state in ('rejected', 'submitted')").await > 1);

    // One account of each kind, and what each of them sees.
    let sign_in = async |email: &str| {
        let browser = portal.guest();
        let reply = browser.post("/signin", &[("email", email), ("password", &accounts.password)]).await;
        (browser, reply)
    };
    let by_kind = |kind: &str| accounts.shown.iter().find(|(_, shown)| shown.starts_with(kind)).expect("an account").0.as_str();
    let (admin, reply) = sign_in(by_kind("administrator")).await;
    assert_eq!(reply.location(), "/publisher");
    admin.get("/publisher/products").await.is(200).shows("Woodgrove Settlement").shows("Warehouse Next");
    let (in_groups, _) = sign_in(by_kind("developer, in groups")).await;
    in_groups.get("/products/payments-live").await.is(200);
    // The portal's own API is there for whoever runs it, as it is described at this moment.
    admin.get("/publisher/apis/management").await.is(200).shows("Management API").shows("Make or change a user");
    guest_sees_no_management(&portal).await;
    let (in_none, _) = sign_in(by_kind("developer, in no group")).await;
    in_none.get("/products/payments-live").await.is(404);
    in_none.get("/products/parcel-professional").await.is(200);
    sign_in(by_kind("blocked")).await.1.is(403);
    sign_in(by_kind("pending")).await.1.is(422);
    let guest = portal.guest();
    // Guests see these and nothing else: what the sample opens to everybody must be meant.
    let list = guest.get("/products").await;
    let seen: std::collections::BTreeSet<&str> =
        list.text.split("href=\"/products/").skip(1).filter_map(|rest| rest.split(['"', '?', '#']).next()).collect();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["open-data", "parcel-starter", "showcase", "tracking"]);
    guest.get("/products").await.shows("Open Data").shows("Showcase").hides("Parcel Professional").hides("Warehouse Next");
    for hidden in
        ["/products/parcel-professional", "/products/warehouse-next", "/apis/payments", "/apis/payments/operations/create-payment"]
    {
        guest.get(hidden).await.is(404);
    }
    // An order, tags, an API that was made by hand, two versions and a change log are there to be looked at.
    let place = |name: &str| list.text.find(&format!("href=\"/products/{name}\"")).expect("a product");
    assert!(place("parcel-starter") < place("tracking") && place("tracking") < place("open-data"));
    guest.get("/apis").await.shows("/apis?tag=Open%20data");
    let versions = guest.get("/apis/tracking").await;
    versions.is(200).shows("<b dir=\"auto\">v2</b>").shows(">v3</a>");
    let newer = versions.text.split("<a href=\"/apis/tracking").nth(1).and_then(|rest| rest.split('"').next()).expect("the other version");
    guest.get(&format!("/apis/tracking{newer}/changes")).await.is(200).shows("1 added, 1 removed").shows("List the events of a shipment");
    admin.get("/publisher/apis/gate-slots").await.is(200).shows("made by hand").shows("Book a slot");
}

async fn guest_sees_no_management(portal: &Portal) {
    portal.guest().get("/apis/management").await.is(404);
    let described =
        portico::web::openapi::text(&portico::rest::openapi::About { origin: portal.base.clone(), service: "portico".to_owned() });
    let described: serde_json::Value = serde_json::from_str(&described.unwrap()).unwrap();
    let operations: usize = described["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    let kept = portal.count("select count(*) from operations o join apis a on a.id = o.api_id where a.name = 'management'").await;
    assert_eq!(kept, operations as i64);
}

#[tokio::test]
async fn the_sample_stays_out_of_a_database_in_use() {
    let portal = Portal::start().await;
    portal.add_group("Mine").await;
    assert_eq!(demo::look(&portal.state).await.unwrap(), Found::Other);
    assert!(demo::fill(&portal.state).await.is_err());
    assert_eq!(portal.count("select count(*) from groups").await, 4);
}

const NUMBERS: Numbers = Numbers { users: 1_500, groups: 12, products: 20, apis: 10, memberships: 4_000, subscriptions: 700, seed: 5 };

/// Every row of a table as text, but for what is random on purpose.
async fn rows(portal: &Portal, statement: &'static str) -> Vec<String> {
    let mut connection = portal.db().read().await.unwrap();
    Select::new(&connection, statement).all::<(String,)>(&mut connection).await.unwrap().into_iter().map(|row| row.0).collect()
}

async fn everything(portal: &Portal) -> Vec<String> {
    let mut all = Vec::new();
    for statement in [
        "select cast(id as text) || '|' || name || '|' || email || '|' || first_name || '|' || last_name || '|' || sort_folded || '|' || search_folded
            || '|' || state || '|' || note || '|' || cast(registered_at as text) || '|' || coalesce(cast(last_sign_in_at as text), '') from users order by id",
        "select cast(id as text) || '|' || name || '|' || display_name || '|' || description || '|' || cast(created_at as text) from groups order by id",
        "select cast(user_id as text) || '|' || cast(group_id as text) || '|' || source || '|' || cast(from_at as text) from memberships
            order by user_id, group_id",
        "select cast(id as text) || '|' || name || '|' || display_name || '|' || terms || '|' || cast(published as text) || '|' || cast(version as text)
            from products order by id",
        "select cast(product_id as text) || '|' || cast(group_id as text) from product_groups order by product_id, group_id",
        "select cast(product_id as text) || '|' || cast(api_id as text) from product_apis order by product_id, api_id",
        "select cast(id as text) || '|' || name || '|' || display_name || '|' || suffix || '|' || facts || '|' || search_folded from apis order by id",
        "select cast(api_id as text) || '|' || name || '|' || method || '|' || detail from operations order by api_id, position",
        "select cast(id as text) || '|' || name || '|' || cast(owner_id as text) || '|' || cast(product_id as text) || '|' || state || '|'
            || display_name || '|' || cast(created_at as text) from subscriptions order by id",
        "select cast(id as text) || '|' || cast(at as text) || '|' || actor_name || '|' || action || '|' || subject_name || '|' || coalesce(after, '')
            from audit where action <> 'portal.sample_added' order by id",
    ] {
        let rows = rows(portal, statement).await;
        assert!(!rows.is_empty(), "{statement}");
        all.extend(rows);
    }
    all
}

#[tokio::test]
async fn a_sample_of_any_size_is_the_same_for_the_same_seed() {
    let (one, same, other) = (Portal::start().await, Portal::start().await, Portal::start().await);
    let accounts = demo::fill_sized(&one.state, &NUMBERS).await.unwrap();
    same.pass(time::Duration::days(40));
    demo::fill_sized(&same.state, &NUMBERS).await.unwrap();
    demo::fill_sized(&other.state, &Numbers { seed: 6, ..NUMBERS }).await.unwrap();
    let (everything, again) = (everything(&one).await, everything(&same).await);
    for (one, same) in everything.iter().zip(&again) {
        assert_eq!(one, same);
    }
    assert_eq!(everything.len(), again.len());
    assert_ne!(rows(&one, "select name from users").await, rows(&other, "select name from users").await);

    // As many as were asked for, and what must be true of them.
    for (count, wanted) in [
        ("select count(*) from users", 1_500),
        ("select count(*) from groups where kind = 'custom'", 12),
        ("select count(*) from products", 20),
        ("select count(*) from apis", 10),
        ("select count(*) from memberships", 4_000),
        ("select count(*) from subscriptions", 700),
        ("select count(*) from product_groups where group_id = 1", 20),
        ("select count(distinct password_hash) from users", 1),
        ("select count(*) from memberships m join groups g on g.id = m.group_id where g.kind <> 'custom'", 0),
        ("select count(*) from users where last_name = 'Quillfeather'", 500),
        ("select count(*) from (select group_id from memberships group by group_id having count(*) = 500) t", 1),
        ("select count(*) from audit where action = 'user.created'", 1_500),
        ("select count(*) from audit where action = 'subscription.created'", 700),
        ("select count(*) from audit a where exists (select 1 from audit b where b.id < a.id and b.at > a.at)", 0),
        ("select count(*) from users where last_sign_in_at < registered_at or registered_at > '2026-01-01T00:00:00Z'", 0),
        ("select count(*) from subscriptions s join users u on u.id = s.owner_id where u.state = 'pending'", 0),
    ] {
        assert_eq!(one.count(count).await, wanted, "{count}");
    }
    assert_eq!(one.count("select count(*) from groups where length(display_name) > 300").await, 0);
    assert!(one.count("select count(*) from apis where length(display_name) < 10").await > 0);
    assert!(one.count("select count(*) from users where length(first_name) = 100 or length(last_name) > 95").await > 0);
    for (column, folded) in
        [("select name from groups", "select name_folded from groups"), ("select email from users", "select email_folded from users")]
    {
        let folded: std::collections::BTreeSet<String> = rows(&one, folded).await.into_iter().collect();
        assert_eq!(rows(&one, column).await.iter().map(|text| ids::fold(text)).collect::<std::collections::BTreeSet<_>>(), folded);
    }

    // It is a portal like any other.
    let admin = one.guest();
    let email = accounts.shown.iter().find(|(_, kind)| *kind == "administrator").unwrap().0.as_str();
    admin.post("/signin", &[("email", email), ("password", &accounts.password)]).await.is(303);
    admin.get("/publisher/users?q=quillfeather").await.is(200).shows("500");
    admin.get("/publisher/audit?action=group.members_added").await.is(200);
    admin.get("/publisher/subscriptions").await.is(200).shows("700");
    one.add_user("new@portal.example", "New", "One", portico::users::UserState::Active, false).await;
    assert_eq!(one.count("select max(id) from users").await, 1_501);
    assert!(demo::fill_sized(&one.state, &NUMBERS).await.is_err());
}

#[tokio::test]
async fn a_sample_of_odd_numbers_fits_or_says_why_not() {
    for (users, groups, products, apis, memberships, subscriptions) in
        [(1, 0, 0, 0, 0, 5), (4, 2, 3, 0, 2, 9), (40, 1, 1, 1, 37, 1), (30, 9, 0, 3, 243, 0)]
    {
        let portal = Portal::start().await;
        let numbers = Numbers { users, groups, products, apis, memberships, subscriptions, seed: 9 };
        demo::fill_sized(&portal.state, &numbers).await.unwrap();
        assert_eq!(portal.count("select count(*) from memberships").await as u64, memberships, "{numbers:?}");
        assert_eq!(portal.count("select count(*) from users").await as u64, users);
    }
    let portal = Portal::start().await;
    for numbers in [Numbers { users: 0, ..NUMBERS }, Numbers { memberships: 20_000, ..NUMBERS }] {
        assert!(demo::fill_sized(&portal.state, &numbers).await.is_err());
    }
    assert_eq!(demo::look(&portal.state).await.unwrap(), Found::Empty);
}
