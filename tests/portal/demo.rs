//! The sample.

use crate::support::Portal;
use portico::demo::{self, Found};

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

    // One account of each kind, and what each of them sees.
    let sign_in = async |email: &str| {
        let browser = portal.guest();
        let reply = browser.post("/signin", &[("email", email), ("password", &accounts.password)]).await;
        (browser, reply)
    };
    let by_kind = |kind: &str| accounts.shown.iter().find(|(_, shown)| shown.starts_with(kind)).expect("an account").0;
    let (admin, reply) = sign_in(by_kind("administrator")).await;
    assert_eq!(reply.location(), "/publisher");
    admin.get("/publisher/products").await.is(200).shows("Woodgrove Settlement").shows("Warehouse Next");
    let (in_groups, _) = sign_in(by_kind("developer, in groups")).await;
    in_groups.get("/products/payments-live").await.is(200);
    let (in_none, _) = sign_in(by_kind("developer, in no group")).await;
    in_none.get("/products/payments-live").await.is(404);
    in_none.get("/products/parcel-professional").await.is(200);
    sign_in(by_kind("blocked")).await.1.is(403);
    sign_in(by_kind("pending")).await.1.is(403);
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
    guest.get("/apis/tracking").await.is(200);
}

#[tokio::test]
async fn the_sample_stays_out_of_a_database_in_use() {
    let portal = Portal::start().await;
    portal.add_group("Mine").await;
    assert_eq!(demo::look(&portal.state).await.unwrap(), Found::Other);
    assert!(demo::fill(&portal.state).await.is_err());
    assert_eq!(portal.count("select count(*) from groups").await, 4);
}
