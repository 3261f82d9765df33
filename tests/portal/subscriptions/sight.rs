//! Owners who lose sight of what they hold are told once.

use portico::products::VisibilityChange;

use super::subscribe;
use crate::support::{Browser, Portal, START, seed::Product};

/// A product open to two groups, and a developer in the first who holds it.
async fn stage() -> (Portal, Browser) {
    let portal = Portal::start().await;
    for group in ["Alpha", "Beta"] {
        portal.add_group(group).await;
    }
    portal.seed_product(Product { name: "orders", groups: &["alpha", "beta"], ..Product::default() }).await;
    portal.seed_product(Product { name: "free", groups: &["developers"], ..Product::default() }).await;
    let dev = portal.developer("dev@portal.example").await;
    portal.run(&["update users set name = 'dev', name_folded = 'dev' where email =", ""], vec!["dev@portal.example".into()]).await;
    portal.seed_membership("dev@portal.example", "alpha", START, None).await;
    subscribe(&dev, "orders", "Line").await.is(303);
    subscribe(&dev, "free", "Other").await.is(303);
    let admin = portal.administrator().await;
    (portal, admin)
}

/// How many were told after all that is due was done.
async fn told(portal: &Portal) -> i64 {
    portal.work().await;
    assert_eq!(portal.count("select count(*) from sight_checks").await, 0);
    portal.count("select count(*) from mails where kind = 'access-lost'").await
}

async fn remove(admin: &Browser, group: &str) {
    admin.post(&format!("/publisher/groups/{group}/remove-members"), &[("user", "dev")]).await.is(303);
}

#[tokio::test]
async fn who_is_taken_out_of_the_last_group_that_opens_it_is_told_once() {
    let (portal, admin) = stage().await;
    portal.seed_membership("dev@portal.example", "beta", START, None).await;
    remove(&admin, "alpha").await;
    assert_eq!(told(&portal).await, 0, "the other group opens it");
    remove(&admin, "beta").await;
    assert_eq!((told(&portal).await, told(&portal).await), (1, 1));
    let mail =
        "select count(*) from mails where kind = 'access-lost' and to_email = 'dev@portal.example' and subject like 'Product orders %'
                and batch is not null";
    assert_eq!(portal.count(mail).await, 1);
    remove(&admin, "beta").await;
    assert_eq!(told(&portal).await, 1);
    admin.get("/publisher/subscriptions?state=unseen").await.shows("class=\"count\">1</span>").shows("Line").hides("Other");
    admin.get("/publisher/products/orders/subscribers?state=unseen").await.shows("Line").shows("Hidden from owner</span>");
}

#[tokio::test]
async fn what_is_taken_back_at_once_is_not_told() {
    let (portal, admin) = stage().await;
    let removed = admin.post_and_follow("/publisher/groups/alpha/remove-members", &[("user", "dev")]).await;
    let undo = removed.text.split("/publisher/undo/").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    admin.post(&format!("/publisher/undo/{undo}"), &[]).await.is(303);
    assert_eq!(told(&portal).await, 0);
}

#[tokio::test]
async fn a_deleted_group_and_a_closed_product_tell_their_people() {
    let (portal, admin) = stage().await;
    let changes = [VisibilityChange::new("beta", false)];
    portico::products::set_visibility(portal.db(), &portico::auth::operator(), "orders", &changes).await.unwrap();
    assert_eq!(told(&portal).await, 0);
    admin.post("/publisher/groups/alpha/delete", &[]).await.is(303);
    assert_eq!(told(&portal).await, 1);

    let (portal, _admin) = stage().await;
    let changes = [VisibilityChange::new("alpha", false), VisibilityChange::new("guests", true)];
    portico::products::set_visibility(portal.db(), &portico::auth::operator(), "orders", &changes).await.unwrap();
    assert_eq!(told(&portal).await, 0, "it is open to everybody now");
    let changes = [VisibilityChange::new("guests", false)];
    portico::products::set_visibility(portal.db(), &portico::auth::operator(), "orders", &changes).await.unwrap();
    assert_eq!(told(&portal).await, 1);
}

#[tokio::test]
async fn who_cannot_sign_in_or_holds_it_no_longer_is_not_told() {
    let (portal, admin) = stage().await;
    remove(&admin, "alpha").await;
    portal.run(&["update users set state = 'blocked' where email =", ""], vec!["dev@portal.example".into()]).await;
    assert_eq!(told(&portal).await, 0);
    let (portal, admin) = stage().await;
    remove(&admin, "alpha").await;
    portal.run(&["update subscriptions set state = 'cancelled'"], vec![]).await;
    assert_eq!(told(&portal).await, 0);
}
