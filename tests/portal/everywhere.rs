//! What holds on every page: errors in the portal's own face, headers, assets, compression.

use crate::support::{FORM, Portal};
use reqwest::Method;

#[tokio::test]
async fn every_error_has_a_page_of_its_own() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let post = |path: &'static str, kind: &'static str, body: String| {
        let admin = admin.clone();
        async move { admin.send(Method::POST, path, &[("sec-fetch-site", "same-origin")], kind, &body).await }
    };
    for (reply, status, words) in [
        (admin.get("/nothing/here").await, 404, "Nothing here"),
        (admin.get("/publisher/groups/nobody").await, 404, "Nothing here"),
        (admin.get("/publisher/groups?page=x").await, 400, "Request not understood"),
        (admin.send(Method::DELETE, "/publisher/groups", &[("sec-fetch-site", "same-origin")], "", "").await, 405, "Not done this way"),
        (admin.post_from_elsewhere("/signout", &[]).await, 403, "another site"),
        (post("/publisher/new/group", "application/json", "{}".to_owned()).await, 415, "Content not understood"),
        (post("/publisher/new/group", FORM, format!("description={}", "x".repeat(600_000))).await, 413, "Too large"),
        (post("/publisher/groups/guests", FORM, "display_name=x".to_owned()).await, 400, "Request not understood"),
        (post("/publisher/new/group", FORM, "display_name=%00".to_owned()).await, 422, "control character"),
    ] {
        reply.is(status).shows(words).shows("/assets/css/portico.");
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_fault_of_ours_is_named_and_tells_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let mut tx = portal.db().write().await.unwrap();
    portico::db::Select::new(&tx, "alter table product_groups rename to hidden").execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let reply = admin.get("/publisher/groups").await;
    reply.is(500).shows("Something went wrong here").hides("product_groups").hides("select");
    reply.shows(reply.header("x-request-id"));
    assert_eq!(reply.header("x-request-id").len(), 20);
}

#[tokio::test]
async fn pages_carry_the_security_headers() {
    let portal = Portal::start().await;
    for path in ["/signin", "/nothing", "/healthz"] {
        let reply = portal.guest().get(path).await;
        let policy = reply.header("content-security-policy");
        assert!(
            ["default-src", "object-src", "base-uri"].iter().all(|what| policy.contains(&format!("{what} 'none'")))
                && policy.contains("frame-ancestors 'none'")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
    }
}

#[tokio::test]
async fn assets_are_there_compressed_and_kept_for_ever() {
    let portal = Portal::start().await;
    let guest = portal.guest();
    let page = guest.get("/signin").await;
    let addresses: Vec<&str> =
        page.text.split('"').filter(|part| part.starts_with("/assets/")).map(|part| part.split('#').next().unwrap()).collect();
    assert!(addresses.len() >= 3, "{}", page.text);
    for address in addresses {
        let plain = guest.send(Method::GET, address, &[("accept-encoding", "identity")], "", "").await;
        plain.is(200);
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        let brotli = guest.send(Method::GET, address, &[("accept-encoding", "gzip, br")], "", "").await;
        assert_eq!(brotli.header("content-encoding"), "br", "{address}");
    }
    guest.get("/assets/css/portico.css").await.is(404);
    guest.get("/assets/../Cargo.toml").await.is(404);
}

/// Every asset that a template or a script of ours names is there.
#[test]
fn no_template_names_a_missing_asset() {
    fn walk(folder: &std::path::Path, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, names);
            } else {
                let text = std::fs::read_to_string(path).unwrap();
                names.extend(text.split("assets::url(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let mut names = Vec::new();
    walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &mut names);
    assert!(!names.is_empty());
    for name in names {
        assert_ne!(portico::web::assets::url(&name), "/assets/missing", "{name}");
    }
}

#[tokio::test]
async fn pages_come_compressed_and_the_theme_is_kept() {
    let portal = Portal::start().await;
    let guest = portal.guest();
    let zipped = guest.send(Method::GET, "/signin", &[("accept-encoding", "gzip")], "", "").await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let plain = guest.get("/signin").await;
    assert_eq!(plain.header("content-encoding"), "");
    for accepted in ["zstd", "gzip, deflate, br, zstd", "zstd;q=0.5, identity;q=0.1"] {
        let small = guest.send(Method::GET, "/signin", &[("accept-encoding", accepted)], "", "").await;
        assert_eq!(small.header("content-encoding"), "zstd", "{accepted}");
        assert!(small.header("vary").contains("accept-encoding"), "{}", small.header("vary"));
        assert_eq!(zstd::decode_all(&small.bytes[..]).unwrap(), plain.bytes, "{accepted}");
    }
    let no = guest.send(Method::GET, "/signin", &[("accept-encoding", "gzip;q=0.8, zstd;q=0")], "", "").await;
    assert_eq!(no.header("content-encoding"), "gzip");
    guest.get("/signin").await.shows("data-theme=\"auto\"");
    guest.post_and_follow("/theme", &[("theme", "dark"), ("next", "/signin")]).await.shows("data-theme=\"dark\"");
    let reply = guest.post("/theme", &[("theme", "\"><script>"), ("next", "//evil.example")]).await;
    assert_eq!(reply.location(), "/");
    guest.get("/signin").await.shows("data-theme=\"auto\"");
}

/// A search for 60,000 characters: SQLite refuses such a pattern, PostgreSQL takes it.
#[tokio::test]
async fn a_search_for_something_enormous_finds_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let needle = "a".repeat(60_000);
    for path in [
        "/publisher/groups",
        "/publisher/users",
        "/publisher/products",
        "/publisher/apis",
        "/publisher/subscriptions",
        "/publisher/audit",
        "/",
        "/products",
        "/apis",
    ] {
        let reply = admin.get(&format!("{path}?q={needle}")).await;
        reply.is(200).hides("/publisher/groups/guests\"");
    }
    admin.get(&format!("/publisher/audit?actor={needle}")).await.is(200).shows("No change matches.");
}

/// PostgreSQL cannot hold the character NUL, and no text of the portal does: it is never a fault of ours.
#[tokio::test]
async fn the_character_nul_is_refused_everywhere() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Beta").await;
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let product = portal.add_product("Orders").await;
    for path in
        ["/publisher/users?q=a%00bcd", "/publisher/groups?q=%00", "/publisher/audit?actor=%00", "/products?q=x%00", "/signin?next=%00"]
    {
        admin.get(path).await.is(400);
    }
    for path in ["/publisher/groups/a%00b", "/publisher/users/%00", "/products/%00", "/apis/x%00y", "/publisher/audit/%00"] {
        admin.get(path).await.is(404);
    }
    let bulk = "/publisher/users/bulk";
    for (path, form) in [
        (bulk.to_owned(), vec![("user", "\0"), ("add", "beta")]),
        (bulk.to_owned(), vec![("user", ana.as_str()), ("add", "be\0ta")]),
        (bulk.to_owned(), vec![("all", "1"), ("q", "abc\0def"), ("add", "beta")]),
        (bulk.to_owned(), vec![("user", ana.as_str()), ("add_other", "\0"), ("other", "add")]),
        ("/publisher/groups/beta/add-member".to_owned(), vec![("who", "a\0b")]),
        (format!("/publisher/products/{product}/visibility"), vec![("listed", "\0"), ("group", "\0")]),
        (format!("/publisher/products/{product}/add-apis"), vec![("api", "\0")]),
        (format!("/publisher/users/{ana}/groups"), vec![("group", "\0")]),
        ("/signin".to_owned(), vec![("email", "a\0@b.example"), ("password", "a long password")]),
    ] {
        let reply = admin.post(&path, &form).await;
        assert!(reply.status < 500, "{path} {form:?}: {} {}", reply.status, reply.text);
    }
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
}

/// A file, a probe or a choice of theme does not ask who somebody is, and must not take them for a guest.
#[tokio::test]
async fn what_asks_for_nobody_signs_nobody_out() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    let page = dev.get("/account").await;
    let style = page.text.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|url| url.ends_with(".css")).unwrap();
    for path in [style, "/healthz", "/readyz"] {
        let reply = dev.get(path).await;
        assert_eq!((reply.status, reply.header("set-cookie")), (200, ""), "{path}");
    }
    dev.post("/theme", &[("theme", "dark")]).await.is(303);
    dev.get("/account").await.is(200);
}

#[tokio::test]
async fn a_form_from_the_same_host_by_another_scheme_is_from_another_site() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let host = portal.base.trim_start_matches("http://").to_owned();
    for (origin, status) in [(format!("https://{host}"), 403), (format!("http://{host}"), 303)] {
        admin.send(Method::POST, "/signout", &[("origin", &origin)], FORM, "").await.is(status);
    }
}

#[tokio::test]
async fn no_address_is_longer_than_servers_take() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let long = "x".repeat(300_000);
    let reply = admin.post("/publisher/users/bulk", &[("q", &long), ("add", "nothing")]).await;
    assert_eq!((reply.status, reply.location()), (303, "/publisher/users"));
}

#[tokio::test]
async fn programs_that_ask_how_it_is_hear_the_truth_of_now() {
    let portal = Portal::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(portal.guest().get(path).await.is(200).header("cache-control"), "no-store", "{path}");
    }
}

/// The first visit is the one that a person waits for: the page, and what it names, as a browser fetches them.
#[tokio::test]
async fn the_first_visit_of_the_users_page_is_light() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for index in 0..60 {
        let (email, first) = (format!("person{index}@contoso-{index}.example"), format!("First{}", index * 7919));
        portal.add_user(&email, &first, "Somebody", portico::users::UserState::Active, false).await;
    }
    let coded = [("accept-encoding", "gzip, deflate, br, zstd")];
    let page = admin.get("/publisher/users").await;
    let mut weight = admin.send(Method::GET, "/publisher/users", &coded, "", "").await.is(200).bytes.len();
    let named: std::collections::BTreeSet<&str> =
        page.text.split('"').filter(|part| part.starts_with("/assets/")).map(|part| part.split('#').next().unwrap()).collect();
    assert_eq!(named.len(), 4, "style, script, icons and favicon: {named:?}");
    for address in named {
        weight += admin.send(Method::GET, address, &coded, "", "").await.is(200).bytes.len();
    }
    assert!(page.text.matches("<tr>").count() > 50, "a full page");
    assert!(weight < 60_000, "{weight} bytes");
}

/// Without script a moment is read as it was: to the second, in UTC.
#[tokio::test]
async fn a_moment_tells_its_second_without_script() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for path in ["/publisher/users", "/publisher/audit"] {
        admin.get(path).await.shows("<time datetime=\"2026-03-02T09:00:00Z\" title=\"2026-03-02 09:00:00 UTC\"");
    }
}

/// Pages that are drawn once for all guests are nobody else's, and not older than the catalogue.
#[tokio::test]
async fn guests_share_a_page_by_theme_and_no_longer_than_it_is_true() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let dev = portal.developer("dev@portal.example").await;
    let lists = ["/", "/products", "/apis"];
    let (guest, dark) = (portal.guest(), portal.guest());
    dark.post("/theme", &[("theme", "dark"), ("return", "/")]).await.is(303);
    for _ in 0..2 {
        for path in lists {
            guest.get(path).await.shows("data-theme=\"auto\"").shows("Sign in").hides("Orders");
            dark.get(path).await.shows("data-theme=\"dark\"").shows("Sign in").hides("Orders");
            dev.get(path).await.hides("href=\"/signin").hides("Orders");
        }
    }
    portal.seed_product(crate::support::seed::Product { name: "orders", groups: &["guests"], ..Default::default() }).await;
    portal.seed_api("orders", &["orders"]).await;
    // A seed is another process's change: guests see it after half a second, and at once when it is this one's.
    admin.post("/publisher/new/group", &[("display_name", "Partners")]).await.is(303);
    for path in lists {
        guest.get(path).await.shows("/orders\"");
        dark.get(path).await.shows("data-theme=\"dark\"").shows("/orders\"");
        guest.get(&format!("{path}?q=nothing")).await.hides("/orders\"");
    }
}

/// What a guest typed into an address, however odd or long, is in nobody else's page.
#[tokio::test]
async fn no_guest_writes_into_the_page_that_all_guests_get() {
    let portal = Portal::start().await;
    portal.seed_product(crate::support::seed::Product { name: "orders", groups: &["guests"], ..Default::default() }).await;
    let (stranger, guest) = (portal.guest(), portal.guest());
    let long = format!("x={}", "y".repeat(2500));
    for list in ["/", "/products", "/apis"] {
        for query in ["q=Stranger.words/.", long.as_str(), "q=Stranger&next=//evil.example", "page=9&x=/.", "?"] {
            stranger.get(&format!("{list}?{query}")).await.is(200);
            let page = guest.get(list).await;
            page.is(200).hides("Stranger").hides("yyyyy");
            if list != "/apis" {
                page.shows("Product orders");
            }
            // And what all guests get is not what somebody else asked for.
            stranger.get(&format!("{list}?q=nothing.is.called.so/.")).await.hides("Product orders");
        }
    }
}
