//! An administrator subscribes somebody to a product.

use portico::users::UserState;

use super::{NAME, keys_on};
use crate::support::{Browser, Portal, Reply, seed::Product};

const PAGE: &str = "/publisher/new/subscription";

async fn stage(product: Product<'_>) -> (Portal, Browser, Browser) {
    let portal = Portal::start().await;
    portal.seed_product(product).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    (portal, admin, dev)
}

async fn place(admin: &Browser, more: &[(&str, &str)]) -> Reply {
    let form: Vec<_> = [("who", "dev@portal.example"), ("which", "Product orders")].into_iter().chain(more.iter().copied()).collect();
    admin.post(PAGE, &form).await
}

#[tokio::test]
async fn an_administrator_subscribes_a_user_who_gets_the_mail_and_the_keys() {
    let (portal, smtp) = Portal::start_with_mail().await;
    // Nobody but administrators sees it, and its terms were accepted by nobody.
    portal.seed_product(Product { name: "orders", approval_required: true, terms: "Be kind.", ..Product::default() }).await;
    let (admin, dev) = (portal.administrator().await, portal.developer("dev@portal.example").await);
    admin.get(&format!("{PAGE}?user=nobody&product=none")).await.is(200).shows("name=\"who\" type=\"search\" value=\"\"");
    let page = admin.get(&format!("{PAGE}?product=orders")).await;
    page.is(200).shows("value=\"Product orders\" list=\"products\"").shows("the user has not accepted them");
    let made = place(&admin, &[("activate", "on"), ("display_name", NAME), ("ends", "2026-12-31")]).await;
    made.is(303);
    let held = admin.get(made.location()).await;
    held.shows("Subscribed Dev Eloper to Product orders. The product is not open to a group that this user is in")
        .shows(NAME)
        .shows("No: the owner was not asked")
        .shows("31 Dec 2026")
        .hides("Approve");
    portal.send_mails().await;
    let mail = smtp.newest("dev@portal.example");
    assert_eq!(mail.header("Subject").unwrap(), "Your subscription to Product orders is active");
    assert!(mail.text().contains("to the end of 31 Dec 2026 (UTC)"), "{}", mail.text());
    let own = made.location().replace("/publisher/", "/account/");
    let shown = dev.post(&format!("{own}/keys"), &[]).await;
    assert_eq!(keys_on(&shown.is(200).text).len(), 2);
    admin.get(&own).await.is(404);
    // A second click finds the first one's.
    let again = place(&admin, &[("activate", "on"), ("display_name", NAME.to_lowercase().as_str())]).await;
    assert_eq!(again.location(), made.location());
    admin.get(again.location()).await.shows("Dev Eloper has the subscription Production line already, so no other was made.");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.created").count(), 1);
    admin.get("/publisher/audit?action=subscription.created").await.shows("Root Admin");
}

#[tokio::test]
async fn without_the_tick_it_waits_for_approval_where_the_product_asks_for_it() {
    let (portal, admin, _dev) =
        stage(Product { name: "orders", groups: &["developers"], approval_required: true, ..Product::default() }).await;
    let made = place(&admin, &[("display_name", NAME)]).await;
    admin.get(made.location()).await.shows("The subscription of Dev Eloper to Product orders waits for approval.").shows("Approve");
    portal.seed_product(Product { name: "free", groups: &["developers"], ..Product::default() }).await;
    let made = admin.post(PAGE, &[("who", "dev@portal.example"), ("which", "free")]).await;
    admin.get(made.location()).await.shows("Subscribed Dev Eloper to Product free.").hides("no longer sees");
    assert_eq!(portal.count("select count(*) from subscriptions where display_name = 'Product free' and state = 'active'").await, 1);
}

#[tokio::test]
async fn whom_and_what_is_meant_is_chosen_from_those_who_match() {
    let (portal, admin, _dev) = stage(Product { name: "orders", ..Product::default() }).await;
    portal.seed_product(Product { name: "orders-archive", ..Product::default() }).await;
    for number in 0..12 {
        portal.add_user(&format!("ana{number}@contoso.example"), "Ana", &format!("Alves{number:02}"), UserState::Active, false).await;
    }
    let offered = admin.post(PAGE, &[("who", "alves"), ("which", "order"), ("ends", "2026-12-31"), ("display_name", NAME)]).await;
    offered
        .is(422)
        .shows("Choose the user. These are the first 10 of 12: type more of the name to find the others.")
        .shows("Choose the product.")
        .shows("ana0@contoso.example")
        .hides("ana10@contoso.example")
        .shows("Product orders-archive")
        .shows(NAME)
        .shows("2026-12-31");
    let user = offered.text.split("name=\"user\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = [("who", "alves"), ("who_was", "alves"), ("user", user.as_str()), ("which", "orders-archive")];
    // A choice among those of other words does not count.
    let other: Vec<_> = form.iter().map(|&(name, value)| if name == "who_was" { (name, "alv") } else { (name, value) }).collect();
    admin.post(PAGE, &other).await.is(422).shows("Choose the user.");
    admin.post_and_follow(PAGE, &form).await.shows("Subscribed Ana Alves00 to Product orders-archive.");
    admin.post(PAGE, &[("who", "zzz"), ("which", "zzz")]).await.is(422).shows("Nobody’s name or email").shows("No product’s name contains");
    admin.post(PAGE, &[]).await.is(422).shows("Type a name or an email address.").shows("Type the name of a product.");
    let sent = [("who", "%_\\"), ("which", "\"><script>")];
    admin.post(PAGE, &sent).await.is(422).hides("<script>\"");
}

#[tokio::test]
async fn what_stands_against_it_is_said_beside_the_field() {
    let (portal, admin, _dev) = stage(Product { name: "orders", limit: Some(1), ..Product::default() }).await;
    portal.seed_product(Product { name: "open", subscription_required: false, ..Product::default() }).await;
    portal.add_user("out@portal.example", "Out", "Side", UserState::Blocked, false).await;
    let long = "x".repeat(101);
    let bad = place(&admin, &[("display_name", long.as_str()), ("ends", "2026-03-01")]).await;
    bad.is(422).shows("The name may have 100 characters").shows("This day is over.").shows(&long);
    admin.post(PAGE, &[("who", "out@portal.example"), ("which", "orders")]).await.is(422).shows("This user is blocked");
    admin.post(PAGE, &[("who", "dev@portal.example"), ("which", "open")]).await.is(422).shows("requires no subscription");
    place(&admin, &[("display_name", "One")]).await.is(303);
    let full = place(&admin, &[("display_name", "Two")]).await;
    full.is(422).shows("This product allows one subscription a user, and this one has it already.").shows("value=\"Two\"");
    let (one, two) = tokio::join!(
        admin.post(PAGE, &[("who", "root@portal.example"), ("which", "orders"), ("display_name", "A")]),
        admin.post(PAGE, &[("who", "root@portal.example"), ("which", "orders"), ("display_name", "B")])
    );
    assert_eq!(one.status.min(two.status), 303);
    assert_eq!(one.status.max(two.status), 422);
    assert_eq!(portal.count("select count(*) from subscriptions").await, 2);
    let huge = "x".repeat(600_000);
    place(&admin, &[("display_name", huge.as_str())]).await.is(413);
}

#[tokio::test]
async fn the_way_there_is_on_the_users_and_the_products_page() {
    let (portal, admin, _dev) = stage(Product { name: "orders", ..Product::default() }).await;
    let name = portal.add_user("ana@contoso.example", "Ana", "Alves", UserState::Active, false).await;
    admin.get(&format!("/publisher/users/{name}")).await.shows(&format!("href=\"{PAGE}?user={name}\""));
    admin.get(&format!("{PAGE}?user={name}")).await.shows("value=\"ana@contoso.example\"");
    admin.get("/publisher/products/orders/subscribers").await.shows(&format!("href=\"{PAGE}?product=orders\""));
    admin.get("/publisher/subscriptions").await.shows(&format!("href=\"{PAGE}\""));
}
