//! THE visibility rule, as each address of the developer portal shows it.

use std::collections::BTreeMap;

use crate::support::{Browser, Portal, START, seed::Product};
use portico::users::UserState;
use time::Duration;

/// Whether somebody sees a product, asked in every place where it could show; they must all say the same.
#[track_caller]
fn all_same(answers: &BTreeMap<String, bool>, who: &str, product: &str) -> bool {
    let seen = answers.values().filter(|seen| **seen).count();
    assert!(seen == 0 || seen == answers.len(), "{who} and {product}: {answers:?}");
    seen > 0
}

async fn places(browser: &Browser, product: &str) -> BTreeMap<String, bool> {
    let mut answers = BTreeMap::new();
    let api = format!("of-{product}");
    for (path, text) in [
        ("/".to_owned(), format!("href=\"/products/{product}\"")),
        (format!("/?q=PRODUCT%20{product}"), format!("href=\"/products/{product}\"")),
        (format!("/?q=api%20{api}"), format!("href=\"/apis/{api}\"")),
        ("/products".to_owned(), format!("href=\"/products/{product}\"")),
        (format!("/products?q={product}"), format!("href=\"/products/{product}\"")),
        ("/apis".to_owned(), format!("href=\"/apis/{api}\"")),
        (format!("/apis?q={api}"), "<span class=\"count\">1</span>".to_owned()),
    ] {
        let reply = browser.get(&path).await;
        reply.is(200);
        answers.insert(path, reply.text.contains(&text));
    }
    for path in [
        format!("/products/{product}"),
        format!("/products/{}", product.to_uppercase()),
        format!("/apis/{api}"),
        format!("/apis/{api}?q=things"),
        format!("/apis/{api}/operations/list-things"),
    ] {
        let status = browser.get(&path).await.status;
        assert!(matches!(status, 200 | 404), "{path}: {status}");
        answers.insert(path, status == 200);
    }
    answers
}

/// 303 let in, 403 seen but refused, 404 hidden. Guests are sent to sign in, whatever there is.
async fn subscribing(browser: &Browser, product: &str) -> u16 {
    browser.post(&format!("/products/{product}/subscribe"), &[("display_name", "Mine")]).await.status
}

const PRODUCTS: [(&str, &[&str], bool); 7] = [
    ("nobodys", &[], true),
    ("guestly", &["guests"], true),
    ("devly", &["developers"], true),
    ("alphas", &["alpha"], true),
    ("both", &["alpha", "beta"], true),
    ("guestalpha", &["guests", "alpha"], true),
    ("draft", &["guests", "developers", "alpha"], false),
];

#[tokio::test]
async fn each_viewer_sees_what_the_rule_says_everywhere() {
    let portal = Portal::start().await;
    portal.add_group("Alpha").await;
    portal.add_group("Beta").await;
    for (name, groups, published) in PRODUCTS {
        portal.seed_product(Product { name, groups, published, ..Product::default() }).await;
        portal.seed_api(&format!("of-{name}"), &[name]).await;
    }
    let admin = portal.administrator().await;
    let outside = portal.developer("outside@portal.example").await;
    let alpha = portal.developer("alpha@portal.example").await;
    let beta = portal.developer("beta@portal.example").await;
    let both = portal.developer("both@portal.example").await;
    for (email, group) in [
        ("alpha@portal.example", "alpha"),
        ("beta@portal.example", "beta"),
        ("both@portal.example", "alpha"),
        ("both@portal.example", "beta"),
    ] {
        portal.seed_membership(email, group, START, None).await;
    }
    // (who, browser, products listed, products to subscribe to)
    let table: [(&str, &Browser, &[&str], &[&str]); 6] = [
        ("guest", &portal.guest(), &["guestly", "guestalpha"], &[]),
        ("outside", &outside, &["guestly", "devly", "guestalpha"], &["devly"]),
        ("alpha", &alpha, &["guestly", "devly", "alphas", "both", "guestalpha"], &["devly", "alphas", "both", "guestalpha"]),
        ("beta", &beta, &["guestly", "devly", "both", "guestalpha"], &["devly", "both"]),
        ("both", &both, &["guestly", "devly", "alphas", "both", "guestalpha"], &["devly", "alphas", "both", "guestalpha"]),
        (
            "administrator",
            &admin,
            &["nobodys", "guestly", "devly", "alphas", "both", "guestalpha"],
            &["nobodys", "guestly", "devly", "alphas", "both", "guestalpha"],
        ),
    ];
    for (who, browser, listed, open) in table {
        for (product, _, _) in PRODUCTS {
            let seen = all_same(&places(browser, product).await, who, product);
            assert_eq!(seen, listed.contains(&product), "{who} and {product}");
            let expected = match (who, seen, open.contains(&product)) {
                ("guest", ..) => 303,
                (_, true, true) => 303,
                (_, true, false) => 403,
                (_, false, _) => 404,
            };
            assert_eq!(subscribing(browser, product).await, expected, "{who} subscribes to {product}");
        }
        let count = format!("<span class=\"count\">{}</span>", listed.len());
        browser.get("/products").await.shows(&count);
        browser.get("/apis").await.shows(&count);
    }
    assert_eq!(portal.count("select count(*) from subscriptions").await, 1 + 4 + 2 + 4 + 6);
}

#[tokio::test]
async fn who_is_blocked_or_pending_is_a_guest() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "guestly", groups: &["guests"], ..Product::default() }).await;
    portal.seed_product(Product { name: "devly", groups: &["developers"], ..Product::default() }).await;
    for (state, column) in
        [("blocked", "update users set state = 'blocked' where email ="), ("pending", "update users set state = 'pending' where email =")]
    {
        let email = format!("{state}@portal.example");
        portal.add_user(&email, "Once", "Admin", UserState::Active, true).await;
        let browser = portal.signed_in(&email).await;
        browser.get("/products/devly").await.is(200);
        portal.run(&[column, ""], vec![email.into()]).await;
        browser.get("/products/devly").await.is(404);
        browser.get("/products/guestly").await.is(200).shows("Sign in to subscribe");
        browser.post("/products/guestly/subscribe", &[("display_name", "Mine")]).await.is(303);
    }
    assert_eq!(portal.count("select count(*) from subscriptions").await, 0);
}

#[tokio::test]
async fn a_membership_begins_and_ends_by_the_clock() {
    let portal = Portal::start().await;
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "alphas", groups: &["alpha"], ..Product::default() }).await;
    portal.seed_api("of-alphas", &["alphas"]).await;
    let dev = portal.developer("dev@portal.example").await;
    let (from, until) = (START + Duration::hours(1), START + Duration::hours(3));
    portal.seed_membership("dev@portal.example", "alpha", from, Some(until)).await;
    assert!(!all_same(&places(&dev, "alphas").await, "before", "alphas"));
    assert_eq!(subscribing(&dev, "alphas").await, 404);
    portal.pass(Duration::hours(1));
    assert!(all_same(&places(&dev, "alphas").await, "at its beginning", "alphas"));
    portal.pass(Duration::minutes(119));
    assert!(all_same(&places(&dev, "alphas").await, "before its end", "alphas"));
    assert_eq!(subscribing(&dev, "alphas").await, 303);
    portal.pass(Duration::minutes(1));
    assert!(!all_same(&places(&dev, "alphas").await, "at its end", "alphas"));
}

#[tokio::test]
async fn what_is_hidden_looks_like_what_does_not_exist() {
    let portal = Portal::start().await;
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "sealed", groups: &["alpha"], ..Product::default() }).await;
    portal.seed_api("sealed", &["sealed"]).await;
    portal.seed_api("loose", &[]).await;
    let dev = portal.developer("dev@portal.example").await;
    for browser in [portal.guest(), dev] {
        for pattern in ["/products/{}", "/apis/{}", "/apis/{}?q=x", "/apis/{}/operations/list-things"] {
            let path = |name| pattern.replace("{}", name);
            let hidden = browser.get(&path("sealed")).await;
            let missing = browser.get(&path("absent")).await;
            hidden.is(404).hides("Product sealed").hides("API sealed");
            assert_eq!(hidden.text.replace("sealed", "absent"), missing.text, "{pattern}");
            browser.get(&path("loose")).await.is(404);
        }
        let (hidden, missing) = (
            browser.post("/products/sealed/subscribe", &[("display_name", "Mine")]).await,
            browser.post("/products/absent/subscribe", &[("display_name", "Mine")]).await,
        );
        assert_eq!(hidden.status, missing.status);
        browser.get("/products?q=sealed").await.shows("<span class=\"count\">0</span>");
        browser.get("/apis?q=things").await.shows("<span class=\"count\">0</span>");
    }
}

#[tokio::test]
async fn an_api_shows_only_the_products_that_are_listed() {
    let portal = Portal::start().await;
    portal.add_group("Alpha").await;
    portal.seed_product(Product { name: "openly", groups: &["guests"], ..Product::default() }).await;
    portal.seed_product(Product { name: "secretly", groups: &["alpha"], ..Product::default() }).await;
    portal.seed_api("shared", &["openly", "secretly"]).await;
    portal.guest().get("/apis/shared").await.is(200).shows("Product openly").hides("secretly");
    portal.close_product("openly", "guests").await;
    portal.guest().get("/apis/shared").await.is(404);
}
