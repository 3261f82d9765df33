//! The pages of the developer portal.

use reqwest::Method;

use crate::support::{Portal, seed::Product};

#[tokio::test]
async fn an_empty_portal_says_what_to_do_next() {
    let portal = Portal::start().await;
    for path in ["/", "/products", "/apis"] {
        portal.guest().get(path).await.is(200).shows("Nothing is open to guests yet.").shows("/signin?next=");
    }
    let dev = portal.developer("dev@portal.example").await;
    dev.get("/").await.is(200).shows("No product is open to you yet.").shows("/account/subscriptions");
    dev.get("/products").await.shows("No product is open to you yet.");
    dev.get("/apis").await.shows("No API is open to you yet.");
    dev.get("/?q=x").await.shows("Nothing that you may see matches.");
}

#[tokio::test]
async fn a_product_is_read_by_a_guest() {
    let portal = Portal::start().await;
    let description = "# Head\n\nSome *words* <script>alert(1)</script>";
    portal.seed_product(Product { name: "orders", groups: &["guests"], description, terms: "Be **kind**.", ..Product::default() }).await;
    portal.seed_api("order-api", &["orders"]).await;
    let page = portal.guest().get("/products/orders").await;
    page.is(200).shows("<em>words</em>").shows("Be <strong>kind</strong>.").shows("API order-api").shows("1 operation");
    page.hides("<script>alert").hides("Your subscriptions").hides("accept the");
    page.shows("href=\"/signin?next=%2Fproducts%2Forders\"").shows("Sign in to subscribe");
}

#[tokio::test]
async fn search_finds_by_name_description_and_tag_and_pages() {
    let portal = Portal::start().await;
    for number in 0..30 {
        let name = format!("p{number:02}");
        let description = if number % 2 == 0 { "Even 100% ones" } else { "Odd ones" };
        portal.seed_product(Product { name: &name, groups: &["guests"], description, ..Product::default() }).await;
    }
    portal.seed_api("zeta", &["p00"]).await;
    let guest = portal.guest();
    let first = guest.get("/products?size=25").await;
    first.shows("1–25 of 30").shows("Product p00").hides("Product p25").shows("/products?page=2&#38;size=25");
    guest.get("/products?size=25&page=2").await.shows("26–30 of 30").shows("Product p29").hides("Product p24");
    guest.get("/products?page=9").await.is(200).shows("Show all products").shows("30");
    guest.get("/products?q=EVEN").await.shows("class=\"count\">15</span>").hides("Product p01").hides("Rows a page");
    guest.get("/products?q=100%25%20o").await.shows("class=\"count\">15</span>");
    guest.get("/products?q=100_").await.shows("No product that you may see is here.");
    guest.get("/apis?q=THINGS").await.shows("API zeta");
    guest.get("/").await.shows("All 30 products").shows("Product p05").hides("Product p06");
    guest.get("/?q=even").await.shows("All 15 products that match").shows("/products?q=even");
}

#[tokio::test]
async fn an_api_lists_its_operations_by_tag_and_finds_among_many() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["guests"], ..Product::default() }).await;
    portal.seed_api("order-api", &["orders"]).await;
    for number in 0..220 {
        let (name, path) = (format!("op {number}"), format!("/parts/{{id}}/{number}"));
        let tags = if number == 0 { "[]" } else { "[\"Parts\", \"Things\"]" };
        portal.seed_operation("order-api", &name, "PUT", &path, &format!("Put part {number}"), tags, "{}").await;
    }
    let guest = portal.guest();
    let page = guest.get("/apis/order-api").await;
    page.is(200)
        .shows("Operations <span class=\"count\">221</span>")
        .shows("https://<wbr>api.<wbr>portal.<wbr>example/<wbr>v2")
        .shows("2.4");
    page.shows("href=\"#tag-things-1\"").shows("id=\"tag-things-1\"").shows("All <em>things</em>").shows("id=\"tag-parts-2\"");
    page.shows("Other operations").shows("href=\"/apis/order-api/operations/op%20219\"");
    guest.get("/apis/order-api?q=put%20219").await.shows("Put part 219").hides("Put part 21<").hides("List things");
    guest.get("/apis/order-api?q=nothing").await.is(200).shows("No operation matches.");
    guest.get("/apis/order-api/operations/op%20219").await.is(200).shows("Put part 219");
    guest.get("/apis/order-api/operations/absent").await.is(404);
}

const DETAIL: &str = r##"{
  "parameters": [{"name": "dryRun", "place": "query", "required": true, "deprecated": false, "description": "Check *only*", "schema": {"summary": "boolean", "rows": [], "truncated": false}}],
  "request": {"required": true, "description": "What to create", "content": [{"media_type": "application/json", "also_as": ["text/json"], "example": "{\"a\": \"<b>\"}",
     "schema": {"summary": "Order", "truncated": true, "rows": [
        {"depth": 0, "name": "customer", "type_text": "object", "required": true, "description": "Who <script>ordered</script>"},
        {"depth": 12, "name": "deep", "type_text": "string", "read_only": true, "deprecated": true, "constraints": ["1–64 characters", "default x"]}]}}]},
  "responses": [
     {"status": "201", "description": "Made", "headers": [{"name": "Location", "place": "header", "required": false, "deprecated": false, "description": null, "schema": {"summary": "string", "rows": [], "truncated": false}}],
      "content": [{"media_type": "application/json", "schema": {"summary": "array of Order", "rows": [], "truncated": false}, "example": null}]},
     {"status": "default", "description": "First paragraph\n\nand a second", "headers": [], "content": []}],
  "security": ["API key in header X-Key", "OAuth 2.0 (read)"]
}"##;

#[tokio::test]
async fn an_operation_is_read_whole_by_a_guest() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["guests"], ..Product::default() }).await;
    portal.seed_api("order-api", &["orders"]).await;
    portal.seed_operation("order-api", "make", "POST", "/orders/{id}", "Make an order", "[\"Orders\"]", DETAIL).await;
    let page = portal.guest().get("/apis/order-api/operations/make").await;
    page.is(200).shows("https://api.portal.example/v2/orders/{id}").shows("dryRun").shows("Check <em>only</em>").shows("boolean");
    page.shows("application/json, text/json").shows("<tr class=\"d8\"").shows("Read only").shows("1–64 characters; default x");
    page.shows("There is more than is shown here").shows("201").shows("array of Order").shows("Location").shows("and a second");
    page.shows("API key in header X-Key").shows("OAuth 2.0 (read)").hides("<script>ordered").shows("No body.").hides("\"<b>\"");
    page.shows("aria-current=\"page\"><span><bdi>Make an order").shows("List things");
    // What was stored without a detail is shown as far as it goes.
    portal.guest().get("/apis/order-api/operations/list-things").await.is(200).shows("/things").hides("Responses");
}

#[tokio::test]
async fn a_products_badge_says_what_the_viewer_has_or_may_have() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    portal.seed_product(Product { name: "shown", groups: &["guests"], approval_required: true, ..Product::default() }).await;
    portal.seed_product(Product { name: "asked", groups: &["guests", "developers"], approval_required: true, ..Product::default() }).await;
    let badge = |text: &str, name: &str| {
        let card =
            text.split(&format!("href=\"/products/{name}\"")).nth(1).and_then(|rest| rest.split("</article>").next()).unwrap_or_default();
        card.split("<span class=\"badge")
            .nth(1)
            .and_then(|rest| rest.split('>').nth(1))
            .and_then(|rest| rest.split('<').next())
            .unwrap_or_default()
            .to_owned()
    };
    let page = dev.get("/products").await;
    assert_eq!(badge(&page.text, "shown"), "Reading only");
    assert_eq!(badge(&page.text, "asked"), "Needs approval");
    assert_eq!(badge(&portal.guest().get("/products").await.text, "asked"), "Needs approval");
    dev.post("/products/asked/subscribe", &[("display_name", "Mine")]).await.is(303);
    assert_eq!(badge(&dev.get("/products").await.text, "asked"), "Submitted");
    portal.run(&["update subscriptions set state = 'active'"], vec![]).await;
    assert_eq!(badge(&dev.get("/products").await.text, "asked"), "Subscribed");
}

#[tokio::test]
async fn who_may_not_enter_the_publisher_portal_is_led_out_of_it() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    dev.get("/publisher").await.is(403).shows("href=\"/\">Home").hides(">Dashboard<");
    portal.administrator().await.get("/publisher/groups/none").await.is(404).shows("href=\"/publisher\">Dashboard");
}

#[tokio::test]
async fn guests_are_led_from_an_api_to_its_keys() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "open", groups: &["guests", "developers"], ..Product::default() }).await;
    portal
        .seed_product(Product { name: "free", groups: &["guests", "developers"], subscription_required: false, ..Product::default() })
        .await;
    portal.seed_product(Product { name: "read", groups: &["guests"], ..Product::default() }).await;
    for (api, products) in [("one", &["open"][..]), ("without", &["free", "read"])] {
        portal.seed_api(api, products).await;
    }
    let dev = portal.developer("dev@portal.example").await;
    for page in ["/apis/one", "/apis/one/operations/list-things"] {
        portal.guest().get(page).await.is(200).shows("Sign in to subscribe").shows("/signin?next=%2Fproducts%2Fopen");
        dev.get(page).await.is(200).hides("Sign in to subscribe");
    }
    for page in ["/apis/without", "/apis/without/operations/list-things"] {
        portal.guest().get(page).await.is(200).hides("Sign in to subscribe");
    }
    portal.seed_product(Product { name: "also", groups: &["guests", "developers"], ..Product::default() }).await;
    portal.seed_api("two", &["open", "also"]).await;
    portal.guest().get("/apis/two").await.shows("/signin?next=%2Fapis%2Ftwo\">Sign in to subscribe");
}

#[tokio::test]
async fn a_guest_is_not_sent_again_what_has_not_changed() {
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["guests"], ..Product::default() }).await;
    portal.seed_api("of-orders", &["orders"]).await;
    let dev = portal.developer("dev@portal.example").await;
    let guest = portal.guest();
    for path in ["/", "/products", "/apis", "/products/orders", "/apis/of-orders", "/apis/of-orders/operations/list-things"] {
        let first = guest.get(path).await;
        let tag = first.is(200).header("etag").to_owned();
        assert_eq!(first.header("cache-control"), "private, no-cache", "{path}");
        assert!(first.headers.get_all("vary").iter().any(|value| value.to_str().unwrap().contains("cookie")), "{path}");
        let asks = [("if-none-match", tag.as_str())];
        let again = guest.send(Method::GET, path, &asks, "", "").await;
        assert_eq!((again.status, again.text.as_str(), again.header("etag")), (304, "", tag.as_str()), "{path}");
        let others = dev.send(Method::GET, path, &asks, "", "").await;
        assert_eq!((others.status, others.header("etag"), others.header("cache-control")), (200, "", "no-store"), "{path}");
    }
    let tag = guest.get("/products").await.header("etag").to_owned();
    portal.seed_product(Product { name: "tides", groups: &["guests"], ..Product::default() }).await;
    guest.send(Method::GET, "/products", &[("if-none-match", &tag)], "", "").await.is(200).shows("Product tides");
}
