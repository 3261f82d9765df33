//! What gateways ask, and the tokens that they show.

mod nginx;
mod tokens;

use crate::support::{Browser, Portal, Reply, seed::Product};
use portico::{
    auth::{
        self,
        tokens::{NewToken, create},
    },
    db::Instant,
};
use reqwest::Method;
use time::Duration;

/// Two products with an API each, one API in both, and a developer with a subscription to the first.
struct Stage {
    portal: Portal,
    token: String,
    dev: Browser,
    /// Of the subscription.
    path: String,
    keys: [String; 2],
}

async fn token(portal: &Portal, name: &str) -> String {
    let new = NewToken { display_name: name.to_owned(), scope: "gateway".to_owned(), ..NewToken::default() };
    create(portal.db(), &auth::operator(), &new).await.unwrap().secret
}

/// The keys of a subscription, as its owner sees them.
async fn keys(dev: &Browser, path: &str) -> [String; 2] {
    let page = dev.post(&format!("{path}/keys"), &[]).await;
    ["primary", "secondary"].map(|which| {
        let after = page.text.split(&format!("id=\"{which}-key\">")).nth(1).unwrap_or_else(|| panic!("{}", page.text));
        after.split('<').next().unwrap().to_owned()
    })
}

impl Stage {
    async fn set() -> Self {
        let portal = Portal::start().await;
        for name in ["first", "second"] {
            portal.seed_product(Product { name, groups: &["developers"], ..Product::default() }).await;
        }
        portal.seed_api("orders", &["first"]).await;
        portal.seed_api("orders-archive", &["second"]).await;
        portal.seed_api("both", &["first", "second"]).await;
        let dev = portal.developer("dev@portal.example").await;
        let path = dev.post("/products/first/subscribe", &[("display_name", "Mine")]).await.location().to_owned();
        let keys = keys(&dev, &path).await;
        Self { token: token(&portal, "nginx").await, dev, path, keys, portal }
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Reply {
        ask_at(&self.portal, &self.token, headers).await
    }

    /// Status and reason for the first key at an address.
    async fn at(&self, address: &str) -> (u16, String) {
        let reply = self.ask(&[("x-portico-key", &self.keys[0]), ("x-original-uri", address)]).await;
        (reply.status, reply.header("x-portico-reason").to_owned())
    }

    async fn is(&self, status: u16, reason: &str) {
        assert_eq!(self.at("/orders/1").await, (status, reason.to_owned()));
    }
}

async fn ask_at(portal: &Portal, token: &str, headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers: Vec<(&str, &str)> = [("authorization", bearer.as_str())].into_iter().chain(headers.iter().copied()).collect();
    portal.guest().send(Method::GET, "/gateway/check", &headers, "", "").await
}

#[tokio::test]
async fn a_good_key_is_let_through_and_says_whose_it_is() {
    let stage = Stage::set().await;
    let [primary, secondary] = &stage.keys;
    let user = one(&stage.portal, "select name from users").await;
    let query = format!("/orders/1?a=b&subscription-key={primary}");
    for headers in [
        &[("x-portico-key", primary.as_str()), ("x-original-uri", "/orders/1")][..],
        &[("x-portico-key", secondary.as_str()), ("x-original-uri", "/orders")],
        &[("ocp-apim-subscription-key", primary.as_str()), ("x-forwarded-uri", "/ORDERS/1?x=/../y")],
        &[("x-portico-key", primary.as_str()), ("x-portico-api", "both")],
        &[("x-portico-key", primary.as_str()), ("x-portico-api", "both"), ("x-original-uri", "/both/of/them")],
        &[("x-original-uri", query.as_str())],
        &[("x-forwarded-uri", query.as_str()), ("x-portico-key", "")],
    ] {
        let reply = stage.ask(headers).await;
        reply.is(204);
        assert_eq!(reply.header("x-portico-product"), "first");
        assert_eq!(format!("/account/subscriptions/{}", reply.header("x-portico-subscription")), stage.path);
        assert_eq!(reply.header("x-portico-user"), user);
        assert_eq!((reply.header("cache-control"), reply.header("set-cookie"), reply.text.as_str()), ("no-store", "", ""));
    }
    // Envoy puts the address behind its own, and asks with the client's method.
    let bearer = format!("Bearer {}", stage.token);
    let headers = [("authorization", bearer.as_str()), ("x-portico-key", primary)];
    for method in [Method::GET, Method::POST, Method::DELETE, Method::HEAD] {
        stage.portal.guest().send(method, "/gateway/check/orders/1?x=y", &headers, "", "").await.is(204);
    }
    let mut headers = headers.to_vec();
    headers.push(("x-original-uri", "/orders-archive"));
    stage.portal.guest().send(Method::GET, "/gateway/check/orders/1", &headers, "", "").await.is(403);
}

#[tokio::test]
async fn a_key_that_is_not_good_is_stopped_with_the_reason() {
    let stage = Stage::set().await;
    let unknown = stage.ask(&[("x-portico-key", "0123456789abcdef"), ("x-original-uri", "/orders")]).await;
    unknown.is(401).shows("\"reason\":\"unknown-key\"");
    assert_eq!(unknown.header("x-portico-reason"), "unknown-key");
    let none = stage.ask(&[("x-original-uri", "/orders")]).await;
    none.is(401).shows("no-key");
    assert!(none.header("www-authenticate").starts_with("SubscriptionKey"));
    // The suffix itself is no key, and the longest suffix is meant.
    assert_eq!(stage.at("/orders-archive/1").await, (403, "not-in-product".to_owned()));
    assert_eq!(stage.at("/orders-arch").await, (403, "no-such-api".to_owned()));
    for address in ["/orders/../orders-archive", "/orders/..%2forders-archive", "//orders", "/orders/%2e%2e/x", "orders"] {
        assert_eq!(stage.at(address).await, (403, "ambiguous-address".to_owned()), "{address}");
    }
    // A server behind the gateway may read another API out of these: with parameters, decoded twice, without spaces and dots.
    stage.portal.seed_api("orders/admin", &["second"]).await;
    for address in [
        "/orders/admin;a=1/x",
        "/orders/;/admin",
        "/orders/%2561dmin/x",
        "/orders/admin%20/x",
        "/orders/admin./x",
        "/orders/a/..%00/admin",
        "/orders/%u002e%u002e/admin",
        "/orders/x;%252F..%252Fadmin",
        "/orders/(S(x))/admin",
    ] {
        assert_eq!(stage.at(address).await, (403, "ambiguous-address".to_owned()), "{address}");
    }
    // What a lenient server would read otherwise may stand in an API's own suffix.
    stage.portal.seed_api(".well-known/v1.", &["first"]).await;
    for address in ["/.well-known/v1./x", "/orders/1;a=1", "/orders/v1.0/file.json", "/orders/caf%C3%A9/1%252"] {
        assert_eq!(stage.at(address).await, (204, String::new()), "{address}");
    }
    // A header that a client adds does not choose another API than the gateway's does.
    let key = ("x-portico-key", stage.keys[0].as_str());
    for headers in [
        [key, ("x-original-uri", "/orders-archive"), ("x-portico-api", "orders")],
        [key, ("x-original-uri", "/orders"), ("x-forwarded-uri", "/orders-archive")],
        [key, ("x-original-uri", "/orders"), ("x-portico-api", "nothing")],
        [key, ("x-original-uri", "/orders"), ("x-original-uri", "/orders-archive")],
        [key, ("x-original-uri", "/orders"), ("x-portico-api", "\u{ff}")],
    ] {
        stage.ask(&headers).await.is(403).shows("ambiguous-address");
    }
    stage.ask(&[key]).await.is(400).shows("no-address");

    stage.is(204, "").await;
    for state in ["submitted", "suspended", "rejected", "cancelled", "expired"] {
        stage.portal.run(&["update subscriptions set state =", ""], vec![state.into()]).await;
        stage.is(403, state).await;
    }
    stage.portal.run(&["update subscriptions set state = 'active'"], vec![]).await;
    stage.is(204, "").await;
    for state in ["blocked", "pending", "deleted"] {
        stage.portal.run(&["update users set state =", "where not administrator"], vec![state.into()]).await;
        stage.is(403, &format!("owner-{state}")).await;
    }
    stage.portal.run(&["update users set state = 'active'"], vec![]).await;
    stage.is(204, "").await;
}

#[tokio::test]
async fn a_subscription_is_over_at_its_end_before_any_job_says_so() {
    let stage = Stage::set().await;
    let ends = stage.portal.db().now().plus(Duration::minutes(10));
    stage.portal.run(&["update subscriptions set expires_at =", ""], vec![ends.into()]).await;
    stage.portal.pass(Duration::seconds(599));
    stage.is(204, "").await;
    stage.portal.pass(Duration::seconds(1));
    stage.is(403, "expired").await;
    stage.portal.run(&["update subscriptions set expires_at = null"], vec![]).await;
    stage.is(204, "").await;
}

#[tokio::test]
async fn what_decides_is_in_force_at_once_here_and_within_a_second_elsewhere() {
    let stage = Stage::set().await;
    let beside = stage.portal.beside().await;
    let key = [("x-portico-key", stage.keys[0].as_str()), ("x-original-uri", "/orders/1")];
    ask_at(&beside, &stage.token, &key).await.is(204);
    let both = async |status: u16, what: &str| {
        stage.portal.pass(Duration::seconds(1));
        for portal in [&stage.portal, &beside] {
            let reply = ask_at(portal, &stage.token, &key).await;
            assert_eq!(reply.status, status, "{what}: {}", reply.text);
        }
    };
    for (statement, status) in [
        ("update users set state = 'blocked' where not administrator", 403),
        ("update users set state = 'active'", 204),
        ("update products set subscription_required = subscription_required, published = not published", 204),
        ("delete from product_apis where product_id = (select id from products where name = 'first')", 403),
        ("insert into product_apis (product_id, api_id) select p.id, a.id from products p, apis a where p.name = 'first'", 204),
        ("update apis set suffix = 'moved', suffix_folded = 'moved' where name = 'orders'", 403),
        ("update apis set suffix = 'orders', suffix_folded = 'orders' where name = 'orders'", 204),
        ("update subscriptions set product_id = (select id from products where name = 'second'), name = 'renamed'", 403),
        ("update subscriptions set product_id = (select id from products where name = 'first')", 204),
        ("update subscriptions set state = 'suspended'", 403),
        ("update subscriptions set state = 'active'", 204),
        // Unpublished, as above, it was good; published again it is.
        ("update products set published = true", 204),
        // Keys that were made anew: the old ones are not known any more.
        ("update subscriptions set primary_mac = secondary_mac, secondary_mac = primary_mac", 204),
        ("update subscriptions set primary_mac = primary_key, secondary_mac = secondary_key", 401),
        ("delete from subscriptions", 401),
    ] {
        stage.portal.run(&[statement], vec![]).await;
        both(status, statement).await;
    }
    // And the other way: a new subscription, made elsewhere.
    let path = stage.dev.at(&beside.base).post("/products/first/subscribe", &[("display_name", "Again")]).await.location().to_owned();
    let [fresh, _] = keys(&stage.dev, &path).await;
    stage.portal.pass(Duration::seconds(1));
    stage.ask(&[("x-portico-key", &fresh), ("x-original-uri", "/orders")]).await.is(204);
    // Its owner is blocked by the portal's own page, which answers after the change is in force.
    let admin = stage.portal.administrator().await;
    let name = one(&stage.portal, "select name from users where not administrator").await;
    admin.post(&format!("/publisher/users/{name}/block"), &[]).await.is(303);
    stage.ask(&[("x-portico-key", &fresh), ("x-original-uri", "/orders")]).await.is(403).shows("owner-blocked");
}

async fn one(portal: &Portal, statement: &'static str) -> String {
    let mut connection = portal.db().read().await.unwrap();
    portico::db::Select::new(&connection, statement).optional::<(String,)>(&mut connection).await.unwrap().unwrap().0
}

#[tokio::test]
async fn an_api_in_a_product_without_subscriptions_needs_no_key() {
    let stage = Stage::set().await;
    stage.portal.seed_product(Product { name: "open", subscription_required: false, ..Product::default() }).await;
    stage.portal.seed_api("free", &["open"]).await;
    let reply = stage.ask(&[("x-original-uri", "/free/lunch")]).await;
    reply.is(204);
    assert_eq!((reply.header("x-portico-product"), reply.header("x-portico-user")), ("open", ""));
    // A key that is shown is asked about.
    assert_eq!(stage.at("/free").await, (403, "not-in-product".to_owned()));
    stage.portal.run(&["update products set published =", "where name = 'open'"], vec![false.into()]).await;
    stage.ask(&[("x-original-uri", "/free/lunch")]).await.is(401).shows("no-key");
    // Whoever has no key does not learn which APIs there are.
    stage.ask(&[("x-original-uri", "/nothing")]).await.is(401).shows("no-key");
}

/// A transaction that was open before another's change was read, and commits after it, is not passed over.
#[tokio::test]
async fn changes_that_are_committed_out_of_order_are_seen() {
    if std::env::var("PORTICO_TEST_POSTGRES").is_err() {
        return;
    }
    let stage = Stage::set().await;
    stage.is(204, "").await;
    let mut late = stage.portal.db().write().await.unwrap();
    portico::db::Select::new(&late, "update subscriptions set state = 'suspended'").execute(&mut late).await.unwrap();
    for _ in 0..3 {
        stage.portal.run(&["update users set name = name || 'x' where not administrator"], vec![]).await;
        stage.portal.pass(Duration::seconds(1));
        stage.is(204, "").await;
    }
    late.commit().await.unwrap();
    stage.is(403, "suspended").await;
}

#[tokio::test]
async fn many_changes_at_once_and_old_ones_that_were_forgotten_are_seen() {
    let stage = Stage::set().await;
    stage.is(204, "").await;
    portico::gateway::tidy(stage.portal.db()).await.unwrap();
    assert!(stage.portal.count("select count(*) from key_changes").await > 0);
    stage.portal.run(&["update subscriptions set state = 'suspended'"], vec![]).await;
    stage.portal.run(&["update key_changes set at = 0"], vec![]).await;
    portico::gateway::tidy(stage.portal.db()).await.unwrap();
    assert_eq!(stage.portal.count("select count(*) from key_changes").await, 0);
    // Nobody asked for longer than changes are told.
    stage.portal.pass(Duration::hours(2));
    stage.is(403, "suspended").await;
    // Marks go on after they were all removed.
    stage.portal.run(&["update subscriptions set state = 'active'"], vec![]).await;
    stage.is(204, "").await;
    // More changes than are told one by one.
    stage.portal.run(&["insert into key_changes (kind, key) with recursive n(k) as (select 1000 union all select k + 1 from n where k < 7000) select 'subscription', k from n"], vec![]).await;
    stage.portal.run(&["update subscriptions set state = 'cancelled'"], vec![]).await;
    stage.is(403, "cancelled").await;
}

#[tokio::test]
async fn while_the_database_is_away_keys_are_checked_from_memory_for_five_minutes() {
    let stage = Stage::set().await;
    stage.is(204, "").await;
    stage.portal.db().close().await;
    stage.portal.pass(Duration::minutes(4));
    stage.is(204, "").await;
    let unknown = stage.ask(&[("x-portico-key", "no"), ("x-original-uri", "/orders")]).await;
    unknown.is(401);
    stage.portal.pass(Duration::seconds(61));
    let reply = stage.ask(&[("x-portico-key", &stage.keys[0]), ("x-original-uri", "/orders")]).await;
    reply.is(503).shows("ServiceUnavailable");
    assert_eq!(reply.header("retry-after"), "5");
}

#[tokio::test]
async fn when_a_token_was_used_is_known_to_the_minute() {
    let stage = Stage::set().await;
    let used = async || {
        let mut connection = stage.portal.db().read().await.unwrap();
        portico::db::Select::new(&connection, "select last_used_at from tokens")
            .optional::<(Option<Instant>,)>(&mut connection)
            .await
            .unwrap()
            .unwrap()
            .0
    };
    let until = async |at: Instant| {
        for _ in 0..1000 {
            if used().await == Some(at) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("{:?} and not {at:?}", used().await);
    };
    assert_eq!(used().await, None);
    let first = stage.portal.db().now();
    stage.is(204, "").await;
    until(first).await;
    stage.portal.pass(Duration::seconds(59));
    stage.is(204, "").await;
    stage.portal.pass(Duration::seconds(2));
    let later = stage.portal.db().now();
    stage.is(204, "").await;
    until(later).await;
}
