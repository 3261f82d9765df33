//! APIs: importing from a file, a pasted text or a URL; their pages; editing, replacing, deleting.

use crate::support::{Browser, Portal, Reply, seed::Product};
use portico::{
    auth,
    products::{self, NewProduct},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SWAGGER: &str = r#"{"swagger": "2.0", "info": {"title": "Old Parcels", "version": "0.9"}, "host": "parcels.example", "basePath": "/v1",
 "schemes": ["https"], "paths": {"/parcels": {"get": {"operationId": "listParcels", "tags": ["Parcels"], "responses": {"200": {"description": "OK"}}}}}}"#;

const YAML: &str = "openapi: 3.0.3
info:
  title: Orders
  version: '2.4'
  description: |
    Place and *follow* orders.
  contact: { name: Order desk, email: orders@portal.example, url: 'https://portal.example/orders' }
  license: { name: Apache-2.0, url: 'https://portal.example/license' }
servers:
  - url: https://api.portal.example/orders
tags:
  - name: Orders
    description: What was bought.
paths:
  /orders:
    get: { operationId: listOrders, summary: List orders, tags: [Orders], responses: { '200': { description: OK } } }
    post: { summary: Place an order, tags: [Orders], responses: { '201': { description: Made } } }
  /orders/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
    get: { operationId: getOrder, summary: One order, deprecated: true, responses: { '200': { description: OK } } }
";

const NEWEST: &str = r#"{"openapi": "3.1.0", "info": {"title": "Tides", "version": "3"}, "paths": {"/tides": {"get": {"responses": {"200": {"description": "OK"}}}}}}"#;

async fn import(admin: &Browser, form: &[(&str, &str)], file: Option<&str>) -> Reply {
    admin.upload("/publisher/import/api", form, file.map(str::as_bytes)).await
}

async fn imported(portal: &Portal) -> i64 {
    portal.count("select count(*) from apis").await + portal.count("select count(*) from operations").await
}

/// Answers every request with these bytes; its address.
async fn server(answer: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    format!("http://{address}")
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn an_api_is_imported_from_a_file_a_text_or_a_url() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/apis").await.is(200).shows("No API yet").shows("href=\"/publisher/import/api\"");
    admin.get("/publisher/import/api").await.is(200).shows("name=\"url\"").shows("There is no product yet");

    let reply = import(&admin, &[("text", ""), ("url", ""), ("suffix", " /Parcels/v1/ ")], Some(SWAGGER)).await;
    assert_eq!(reply.is(303).location(), "/publisher/apis/old-parcels");
    admin
        .get("/publisher/apis/old-parcels")
        .await
        .shows("Imported Old Parcels with 1 operation.")
        .shows("Swagger 2.0 in JSON")
        .shows("<code>Parcels/v1</code>")
        .shows("https://<wbr>parcels.<wbr>example/<wbr>v1")
        .shows("/parcels");

    let reply = import(&admin, &[("text", YAML), ("url", ""), ("suffix", "")], None).await;
    assert_eq!(reply.is(303).location(), "/publisher/apis/orders");
    let page = admin.get("/publisher/apis/orders").await;
    for words in [
        "Version 2.4, OpenAPI 3.0 in YAML, 3 operations",
        "Place and <em>follow</em> orders.",
        "Order desk",
        "orders@<wbr>portal.<wbr>example",
        "href=\"https://portal.example/license\"",
        "<h2 dir=\"auto\">Orders</h2>",
        "What was bought.",
        "Other operations",
        "<code>/orders</code>",
        "Place an order",
        "Deprecated",
        "<code>orders</code>",
        "In no product yet",
    ] {
        page.shows(words);
    }

    let url = format!("{}/tides.json", server(ok(NEWEST)).await);
    let reply = import(&admin, &[("text", ""), ("url", &url), ("suffix", "tides"), ("display_name", "Tide tables")], None).await;
    assert_eq!(reply.is(303).location(), "/publisher/apis/tide-tables");
    admin.get("/publisher/apis/tide-tables").await.shows("<bdi>Tide tables</bdi>").shows("OpenAPI 3.1 in JSON");
    assert_eq!(portal.audited().await[1..], ["api.imported", "api.imported", "api.imported"]);

    for (path, first, then) in [
        ("/publisher/apis", "Old Parcels", "Orders"),
        ("/publisher/apis?sort=-name", "Tide tables", "Orders"),
        ("/publisher/apis?sort=-operations", "Orders", "Tide tables"),
        ("/publisher/apis?sort=operations", "Tide tables", ">Orders<"),
        ("/publisher/apis?sort=-suffix", "Tide tables", "Old Parcels"),
        ("/publisher/apis?sort=products", "Old Parcels", "Tide tables"),
        ("/publisher/apis?sort=-updated", "Tide tables", "Old Parcels"),
    ] {
        let text = admin.get(path).await.is(200).text.clone();
        let text = text.split("<tbody>").nth(1).unwrap();
        assert!(text.find(first).unwrap() < text.find(then).unwrap(), "{path}: {first} before {then}");
    }
    admin.get("/publisher/apis?q=PARCELS%2Fv1").await.shows("Old Parcels").hides("Tide tables");
    admin.get("/publisher/apis?q=follow").await.shows(">Orders<").hides("Tide tables");
    admin.get("/publisher/apis?q=nowhere").await.shows("No API matches.");
    admin.get("/publisher/apis/orders?q=post").await.shows("Place an order");
    admin.get("/publisher/apis/nothing").await.is(404);
}

#[tokio::test]
async fn the_document_comes_back_as_it_came_and_is_never_a_page() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let odd = format!("\r\n  {}\r\n\r\n", SWAGGER.replace("Old Parcels", "<script>alert(1)</script>"));
    import(&admin, &[("suffix", "odd")], Some(&odd)).await.is(303);
    let name: String =
        admin.get("/publisher/apis").await.text.split("/publisher/apis/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let reply = admin.get(&format!("/publisher/apis/{name}/document")).await;
    assert_eq!(reply.bytes, odd.as_bytes());
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(reply.header("content-disposition").starts_with("attachment; filename=\""), "{}", reply.header("content-disposition"));
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    admin.get(&format!("/publisher/apis/{name}")).await.hides("<script>alert").shows("&#60;script&#62;");

    import(&admin, &[("text", YAML)], None).await.is(303);
    let reply = admin.get("/publisher/apis/orders/document").await;
    assert_eq!((reply.header("content-type"), reply.text.as_str()), ("application/yaml", YAML));
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"orders.yaml\"");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_place_and_reason_and_leaves_nothing() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for (document, place) in [
        ("{\"openapi\": \"3.0.0\",\n \"info\": oops}", "#/info"),
        ("openapi: 3.0.0\ninfo: {title: A\npaths: {}", "ine 3"),
        (r#"{"openapi": "3.0.0", "info": {"version": "1"}, "paths": {}}"#, "#/info: The API has no title"),
        (r#"{"openapi": "3.0.0", "info": {"title": "A"}, "paths": {"/a": {"get": []}}}"#, "#/paths/~1a/get"),
        ("<html></html>", ""),
        ("", "empty"),
    ] {
        let reply = import(&admin, &[("suffix", "kept/as/typed"), ("url", "")], Some(document)).await;
        reply.is(422).shows("id=\"file-error\"").shows(place).shows("kept/as/typed").shows("Choose the file again");
        if !document.is_empty() {
            let reply = import(&admin, &[("text", document), ("suffix", "kept/as/typed"), ("url", "")], None).await;
            reply.is(422).shows("id=\"text-error\"").shows(place).shows("kept/as/typed");
            reply.shows(
                &document.lines().next().unwrap().replace('&', "&#38;").replace('"', "&#34;").replace('<', "&#60;").replace('>', "&#62;"),
            );
        }
    }
    assert_eq!(imported(&portal).await, 0);
    assert_eq!(portal.audited().await, ["user.created"]);
}

#[tokio::test]
async fn exactly_one_source_is_asked_for_and_suffixes_are_unique() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("suffix", "x")], None).await.is(422).shows("Choose a file, or paste the text, or give a URL.");
    let both = import(&admin, &[("text", YAML), ("url", "https://portal.example/a.json"), ("suffix", "x")], Some(SWAGGER)).await;
    both.is(422).shows("Give one of them only").shows("https://portal.example/a.json").shows("title: Orders");
    import(&admin, &[("text", YAML), ("suffix", "Taken")], None).await.is(303);
    for (suffix, message) in [
        ("tAKEN", "Another API has this URL suffix."),
        ("a//b", "Between two slashes"),
        ("a/../b", "Between two slashes"),
        ("a b", "is none of them"),
        ("a?b=c", "is none of them"),
        (&"x".repeat(401), "The URL suffix may have 400 characters; this has 401."),
    ] {
        let reply = import(&admin, &[("text", YAML), ("suffix", suffix)], None).await;
        reply.is(422).shows("id=\"suffix-error\"").shows(message).shows("title: Orders");
    }
    // Everything that is wrong is said at once.
    let reply = import(&admin, &[("suffix", "a b"), ("display_name", &"x".repeat(301))], None).await;
    reply.is(422).shows("3 things need your attention");
    import(&admin, &[("text", YAML)], None).await.is(303);
    import(&admin, &[("text", YAML)], None).await.is(303);
    let list = admin.get("/publisher/apis").await;
    list.shows("<code>Taken</code>").shows("<code>orders</code>").shows("<code>orders-2</code>");
}

#[tokio::test]
async fn a_url_reaches_no_further_than_the_setting_allows() {
    let address = server(ok(NEWEST)).await;
    let redirecting = server(format!("HTTP/1.1 302 Found\r\nlocation: {address}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")).await;
    let away = server("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()).await;

    let portal = Portal::start_with(|options| options.import_urls = Some("public".to_owned())).await;
    let admin = portal.administrator().await;
    admin.get("/publisher/import/api").await.shows("Addresses inside your network are refused.");
    let port = address.rsplit(':').next().unwrap().to_owned();
    for url in
        [address.clone(), format!("http://localhost:{port}/"), format!("http://[::1]:{port}/"), "http://169.254.169.254/latest".to_owned()]
    {
        let reply = import(&admin, &[("url", &url), ("suffix", "kept")], None).await;
        reply.is(422).shows("id=\"url-error\"").shows("PORTICO_IMPORT_URLS=private").shows(&url).shows("value=\"kept\"");
    }
    import(&admin, &[("url", "ftp://portal.example/x")], None).await.is(422).shows("must begin with https:// or http://");
    assert_eq!(imported(&portal).await, 0);

    let portal = Portal::start_with(|options| options.import_urls = Some("no".to_owned())).await;
    let admin = portal.administrator().await;
    admin.get("/publisher/import/api").await.hides("name=\"url\"").shows("switched off in the settings");
    import(&admin, &[("url", &address)], None).await.is(422).shows("switched off in the settings");
    assert_eq!(imported(&portal).await, 0);

    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("url", &away)], None).await.is(422).shows("The server answered 404 instead of 200.");
    import(&admin, &[("url", &redirecting)], None).await.is(303);
    admin.get("/publisher/apis/tides").await.is(200);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_rest_of_the_form_kept() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let eleven = vec![b' '; 11 * 1024 * 1024];
    let reply = admin.upload("/publisher/import/api", &[("suffix", "kept"), ("text", "")], Some(&eleven)).await;
    reply.is(413).shows("The file is larger than 10 MB.").shows("id=\"file-error\"").shows("value=\"kept\"");
    let text = String::from_utf8(eleven.clone()).unwrap();
    admin.upload("/publisher/import/api", &[("text", &text)], None).await.is(413).shows("The pasted text is larger than 10 MB.");
    let nine = " ".repeat(9 * 1024 * 1024);
    let parts = [("a", nine.as_str()), ("b", &nine), ("c", &nine)];
    admin.upload("/publisher/import/api", &parts, None).await.is(413).shows("The form is larger than 24 MB.");
    // A document of just under the limit is read.
    let mut large = YAML.to_owned();
    large.push_str(&"#".repeat(9 * 1024 * 1024));
    import(&admin, &[("suffix", "large")], Some(&large)).await.is(303);
    assert_eq!(admin.get("/publisher/apis/orders/document").await.bytes, large.as_bytes());
    assert_eq!(portal.audited().await[1..], ["api.imported"]);
}

#[tokio::test]
async fn an_api_joins_the_ticked_products() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let mut names = Vec::new();
    for display_name in (0..20).map(|n| format!("Product {n:02}")).chain(["Zebra".to_owned()]) {
        let new = NewProduct { display_name, ..NewProduct::default() };
        names.push(products::create(portal.db(), &auth::operator(), &new).await.unwrap().name);
    }
    // Without script the products are searched by a button that imports nothing and keeps everything.
    let form = [("text", YAML), ("suffix", "typed"), ("product", names[3].as_str()), ("q", "zebr"), ("find", "products")];
    let found = import(&admin, &form, None).await;
    found.is(200).shows("Zebra").shows("Product 03").hides("Product 04").shows("value=\"typed\"").shows("title: Orders");
    found.shows(&format!("value=\"{}\" checked", names[3]));
    assert_eq!(imported(&portal).await, 0);
    let ticks = [("product", names[3].as_str()), ("product", names[20].as_str())];
    import(&admin, &[&[("text", YAML), ("q", "zebr")], &ticks[..]].concat(), None).await.is(303);
    admin.get("/publisher/apis/orders").await.shows("Zebra").shows("Product 03").hides("Product 04").shows("In no published product");
    admin.get("/publisher/apis").await.shows("Zebra").shows("Product 03");
    assert_eq!(portal.count("select count(*) from product_apis").await, 2);

    // A product that is gone meanwhile leaves nothing half-imported.
    let before = portal.audited().await;
    import(&admin, &[("text", YAML), ("product", "product-01"), ("product", "gone")], None)
        .await
        .is(422)
        .shows("A ticked product is gone meanwhile.");
    assert_eq!(portal.count("select count(*) from apis").await, 1);
    assert_eq!(portal.audited().await, before);
}

#[tokio::test]
async fn editing_says_what_is_wrong_and_asks_when_it_is_older() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("text", YAML)], None).await.is(303);
    import(&admin, &[("text", NEWEST)], None).await.is(303);
    let path = "/publisher/apis/orders/edit";
    let save = |version: &'static str, name: &'static str, suffix: &'static str, text: &'static str| {
        let admin = admin.clone();
        async move {
            let form = [("version", version), ("display_name", name), ("suffix", suffix), ("description", text)];
            admin.upload(path, &form, None).await
        }
    };
    admin.get(path).await.is(200).shows("value=\"Orders\"").shows("Place and *follow* orders.");
    for (name, suffix, message) in [
        ("", "orders", "The display name is missing."),
        ("Orders", "", "The URL suffix is missing."),
        ("Orders", "TIDES", "Another API has this URL suffix."),
        ("Orders", "a b", "is none of them"),
    ] {
        save("1", name, suffix, "typed text").await.is(422).shows(message).shows("typed text");
    }
    save("1", "Orders", "orders", "Place and *follow* orders.").await.is(303);
    admin.get("/publisher/apis/orders").await.shows("Nothing was different");
    save("1", "Orders and returns", "orders/v2", "First line\n\n**second**").await.is(303);
    admin.get("/publisher/apis/orders").await.shows("Saved.").shows("<strong>second</strong>").shows("<code>orders/v2</code>");
    let asked = save("1", "Mine", "mine", "my text").await;
    asked.is(409).shows("Somebody else saved this API meanwhile").shows("Orders and returns").shows("value=\"Mine\"").shows("my text");
    asked.shows("name=\"version\" value=\"2\"");
    save("2", "Mine", "mine", "my text").await.is(303);
    admin.get("/publisher/apis?q=mine").await.shows("Mine");
    assert_eq!(portal.audited().await[1..], ["api.imported", "api.imported", "api.edited", "api.edited"]);
}

#[tokio::test]
async fn a_newer_description_keeps_the_names_of_what_goes_on() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("text", YAML)], None).await.is(303);
    // listOrders moves, getOrder is renamed in place, the POST without an id stays and something is new.
    let newer = r#"{"openapi": "3.1.0", "info": {"title": "Orders 3", "version": "3"}, "paths": {
        "/all-orders": {"get": {"operationId": "listOrders", "summary": "All of them", "responses": {}}},
        "/orders": {"get": {"operationId": "searchOrders", "responses": {}}, "post": {"responses": {}}},
        "/orders/{id}": {"get": {"operationId": "readOrder", "responses": {}}}}}"#;
    let keys = "select sum(id) from operations where name in ('listOrders', 'post-orders', 'getOrder')";
    let before =
        portal.count("select cast(sum(id) as bigint) from operations where name in ('listOrders', 'post-orders', 'getOrder')").await;
    assert!(before > 0, "{keys}");
    let page = "/publisher/apis/orders/replace";
    admin.get(page).await.is(200).shows("name=\"version\" value=\"1\"");
    let reply = admin.upload(page, &[("version", "1")], Some(newer.as_bytes())).await;
    assert_eq!(reply.is(303).location(), "/publisher/apis/orders");
    admin
        .get("/publisher/apis/orders")
        .await
        .shows("Replaced the description: 1 operation added, 0 removed, 3 kept.")
        .shows("<bdi>Orders 3</bdi>")
        .shows("<code>orders</code>")
        .shows("/all-orders")
        .hides("Deprecated")
        .hides("Place and");
    let after =
        portal.count("select cast(sum(id) as bigint) from operations where name in ('listOrders', 'post-orders', 'getOrder')").await;
    assert_eq!(after, before, "rows that go on keep their keys");
    assert_eq!(portal.count("select count(*) from operations where name = 'getOrder' and operation_id = 'readOrder'").await, 1);

    admin.upload(page, &[("version", "2")], Some(newer.as_bytes())).await.is(303);
    admin.get("/publisher/apis/orders").await.shows("so nothing was changed");
    admin.upload(page, &[("version", "1")], Some(NEWEST.as_bytes())).await.is(409).shows("Somebody else changed this API meanwhile");
    admin.upload(page, &[("version", "2")], Some(b"{}")).await.is(422).shows("id=\"file-error\"");

    // What was edited by hand stays.
    let form = [("version", "2"), ("display_name", "By hand"), ("suffix", "orders"), ("description", "My words")];
    admin.upload("/publisher/apis/orders/edit", &form, None).await.is(303);
    admin.upload(page, &[("version", "3"), ("text", YAML)], None).await.is(303);
    admin.get("/publisher/apis/orders").await.shows("<bdi>By hand</bdi>").shows("My words").shows("1 removed, 3 kept");
    assert_eq!(portal.audited().await[1..], ["api.imported", "api.description_replaced", "api.edited", "api.description_replaced"]);
}

#[tokio::test]
async fn deleting_counts_what_goes_and_keeps_the_products() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let new = NewProduct { display_name: "Shop".to_owned(), ..NewProduct::default() };
    let product = products::create(portal.db(), &auth::operator(), &new).await.unwrap();
    import(&admin, &[("text", YAML), ("product", &product.name)], None).await.is(303);
    let asked = admin.get("/publisher/apis/orders/delete").await;
    asked.is(200).shows("Delete the API Orders?").shows("3 operations").shows("Its place in 1 product");
    admin.post_and_follow("/publisher/apis/orders/delete", &[]).await.shows("Deleted the API Orders.");
    assert_eq!(imported(&portal).await, 0);
    assert_eq!(portal.count("select count(*) from product_apis").await, 0);
    assert_eq!(portal.count("select count(*) from products").await, 1);
    assert_eq!(portal.audited().await.last().unwrap(), "api.deleted");
    admin.post("/publisher/apis/orders/delete", &[]).await.is(404);
}

#[tokio::test]
async fn descriptions_from_strangers_are_made_harmless() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let bad = "<script>alert(1)</script><img src=x onerror=alert(2)>[x](javascript:alert(3))<b>bold</b>";
    let document = serde_json::json!({
        "openapi": "3.0.0",
        "info": { "title": "A\u{0}\nB", "description": bad, "summary": bad, "version": bad,
            "contact": { "name": bad, "url": "javascript:alert(4)" }, "license": { "name": bad, "url": "javascript:alert(5)" } },
        "servers": [{ "url": bad, "description": bad }],
        "tags": [{ "name": bad, "description": bad }],
        "paths": { "/<script>": { "get": { "summary": bad, "operationId": bad, "description": bad, "tags": [bad], "responses": {} } } }
    });
    import(&admin, &[("suffix", "bad")], Some(&document.to_string())).await.is(303);
    let list = admin.get("/publisher/apis").await;
    let name = list.text.split("/publisher/apis/").nth(1).unwrap().split('"').next().unwrap();
    for page in ["", "/edit", "/replace", "/delete"] {
        let reply = admin.get(&format!("/publisher/apis/{name}{page}")).await;
        reply.is(200).hides("<script>").hides("<img").hides("href=\"javascript");
    }
    admin.get(&format!("/publisher/apis/{name}")).await.shows("<b>bold</b>");
}

#[tokio::test]
async fn an_api_of_thousands_of_operations_is_imported_and_paged() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let paths: serde_json::Map<String, serde_json::Value> = (0..2_500)
        .map(|n| {
            (
                format!("/things/{n:04}"),
                serde_json::json!({ "get": { "responses": {} }, "post": { "operationId": format!("op{n}"), "responses": {} } }),
            )
        })
        .collect();
    let document = serde_json::json!({ "openapi": "3.0.0", "info": { "title": "Huge", "version": "1" }, "paths": paths }).to_string();
    import(&admin, &[], Some(&document)).await.is(303);
    assert_eq!(portal.count("select count(*) from operations").await, 5_000);
    let first = admin.get("/publisher/apis/huge").await;
    first.is(200).shows("5,000").shows("/things/0249").hides("/things/0251").shows("page=2#operations");
    admin.get("/publisher/apis/huge?page=10").await.shows("/things/2499").hides("rel=\"next\"");
    admin.get("/publisher/apis/huge?q=things%2F1234").await.shows("2 of 5,000").hides("/things/0001");
    let newer = document.replace("\"version\":\"1\"", "\"version\":\"2\"");
    admin.upload("/publisher/apis/huge/replace", &[("version", "1")], Some(newer.as_bytes())).await.is(303);
    admin.get("/publisher/apis/huge").await.shows("0 operations added, 0 removed, 5,000 kept.");
}

#[tokio::test]
async fn real_descriptions_are_imported_shown_and_given_back() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/openapi");
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "json" || ending == "yaml"));
    assert!(!files.is_empty());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let reply = admin.upload("/publisher/import/api", &[("suffix", "")], Some(&bytes)).await;
        assert_eq!(reply.status, 303, "{}: {}", file.display(), reply.text);
        let path = reply.location().to_owned();
        admin.get(&path).await.is(200).shows("class=\"ops\"").hides("<script>");
        assert_eq!(admin.get(&format!("{path}/document")).await.bytes, bytes, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_import_of_the_same_description_is_remarked_on() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let document = br#"{"openapi":"3.0.3","info":{"title":"Echo","version":"1"},"paths":{}}"#;
    for remark in [false, true] {
        let reply = admin.upload("/publisher/import/api", &[("suffix", "")], Some(document)).await;
        reply.is(303);
        let page = admin.get(reply.location()).await;
        page.shows("Imported Echo");
        assert_eq!(page.text.contains("Another API has this name"), remark);
    }
}

#[tokio::test]
async fn the_list_says_who_sees_each_api() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    for (product, groups, published) in [
        ("p0", &["guests", "developers"][..], false),
        ("p1", &[][..], true),
        ("p2", &["partners"], true),
        ("p3", &["developers"], true),
        ("p4", &["guests"], true),
    ] {
        portal.seed_product(Product { name: product, groups, published, ..Product::default() }).await;
    }
    for (api, products) in [("a0", &["p0"][..]), ("a1", &["p0", "p1"]), ("a2", &["p1", "p2"]), ("a3", &["p2", "p3"]), ("a4", &["p0", "p4"])]
    {
        portal.seed_api(api, products).await;
    }
    let page = admin.get("/publisher/apis").await;
    let seen: Vec<&str> =
        page.text.split("data-label=\"Seen by\">").skip(1).map(|cell| cell.split(['>', '<']).nth(2).unwrap_or("")).collect();
    assert_eq!(seen, ["Nobody", "Administrators", "Some groups", "Developers", "Guests"]);
    page.shows("Product p0 (not published)");
    admin.get("/publisher/apis/a0/delete").await.shows("Delete API a0?").hides("the API API");
}

#[tokio::test]
async fn a_description_is_previewed_before_it_is_saved() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("text", YAML)], None).await.is(303);
    let form =
        [("version", "1"), ("display_name", "Typed"), ("suffix", "a b"), ("description", "Some *words* <b onclick=x>"), ("preview", "1")];
    let page = admin.upload("/publisher/apis/orders/edit", &form, None).await;
    page.is(200).shows("id=\"preview\"").shows("<em>words</em>").hides("onclick=x>").shows("value=\"Typed\"").shows("value=\"a b\"");
    assert_eq!(portal.count("select count(*) from apis where version = 1").await, 1);
}

#[tokio::test]
async fn a_description_is_taken_away_by_those_who_see_the_api() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    import(&admin, &[("text", YAML)], None).await.is(303);
    import(&admin, &[], Some(SWAGGER)).await.is(303);
    let (guest, dev) = (portal.guest(), portal.developer("dev@portal.example").await);
    let files = ["document", "openapi.json", "openapi.yaml"];
    for file in files {
        guest.get(&format!("/apis/orders/{file}")).await.is(404);
        dev.get(&format!("/apis/orders/{file}")).await.is(404);
        dev.get(&format!("/publisher/apis/orders/{file}")).await.is(403);
    }
    portal.seed_product(Product { name: "open", groups: &["developers"], ..Product::default() }).await;
    products::add_apis(portal.db(), &auth::operator(), "open", &[portico::ids::ApiId(1), portico::ids::ApiId(2)]).await.unwrap();
    dev.get("/apis/orders").await.shows("/apis/orders/openapi.json").shows("OpenAPI 3.0 in YAML");
    for file in files {
        guest.get(&format!("/apis/orders/{file}")).await.is(404);
        for (browser, path) in [(&dev, "/apis/orders"), (&admin, "/publisher/apis/orders")] {
            let reply = browser.get(&format!("{path}/{file}")).await;
            reply.is(200).shows("listOrders");
            let kind = if file == "openapi.json" { "json" } else { "yaml" };
            assert_eq!(reply.header("content-type"), format!("application/{kind}"), "{file}");
            assert_eq!(reply.header("content-disposition"), format!("attachment; filename=\"orders.{kind}\""));
            assert_eq!((reply.header("x-content-type-options"), reply.header("cache-control")), ("nosniff", "no-store"));
        }
    }
    let converted = dev.get("/apis/old-parcels/openapi.yaml").await;
    converted.is(200).shows("https://parcels.example/v1").hides("swagger");
    // What was taken away comes back as the same.
    import(&admin, &[("suffix", "again")], Some(&converted.text)).await.is(303);
    let same = "select count(*) from operations o join operations n on n.id <> o.id and n.name = o.name and n.method = o.method
                and n.url_template = o.url_template and n.detail = o.detail where o.name = 'listParcels'";
    assert_eq!(portal.count(same).await, 2);
}
