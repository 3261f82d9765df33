//! An operation is tried from the browser: the script sends what the portal has put together, to the API itself.

use std::net::TcpListener;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use crate::{
    hands::sign_in,
    portal::Portal,
    support::{Browser, View},
};
use portico::{
    apis::{self, NewApi},
    auth,
    calls::{self, NewSettings},
    users::UserState,
};

/// An API that lets every site call it, and says what it was told.
async fn api() -> String {
    async fn told(request: HttpRequest) -> HttpResponse {
        let mut answer = if request.method() == "OPTIONS" { HttpResponse::NoContent() } else { HttpResponse::Created() };
        answer.insert_header(("access-control-allow-origin", "*")).insert_header(("access-control-allow-headers", "*"));
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
        let key = if header("x-portico-key").len() == 32 { "came" } else { "is missing" };
        answer.json(
            serde_json::json!({ "asked": request.uri().to_string(), "cookies": header("cookie"), "words": format!("The key {key}.") }),
        )
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        HttpServer::new(|| App::new().default_service(web::to(told))).workers(1).disable_signals().listen(listener).unwrap().run(),
    );
    format!("http://{address}")
}

#[tokio::test]
async fn an_operation_is_tried_from_the_browser() {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let document = serde_json::json!({
        "openapi": "3.0.3", "info": { "title": "Orders", "version": "1" }, "servers": [{ "url": api().await }],
        "paths": { "/orders/{id}": { "get": {
            "operationId": "get-order", "summary": "One order",
            "parameters": [
                { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                { "name": "fields", "in": "query", "schema": { "type": "string", "enum": ["all", "few"] } }],
            "responses": { "200": { "description": "OK" } } } } }
    });
    let admin = auth::operator();
    let (orders, _) = apis::import(portal.db(), &admin, &NewApi::default(), document.to_string().into_bytes()).await.unwrap();
    let settings = NewSettings { way: "browser".to_owned(), key_header: calls::KEY_HEADER.to_owned() };
    calls::configure(portal.db(), &admin, &orders.name, 0, &settings).await.unwrap();
    let product = portal.add_product("Orders").await;
    portal.open_product(&product, "developers").await;
    let Some(browser) = Browser::open(&portal.base, View::default()).await else { return };
    sign_in(&browser).await;
    browser.goto(&format!("/publisher/products/{product}")).await;
    portal.run(&["insert into product_apis (product_id, api_id) select p.id, a.id from products p, apis a"], vec![]).await;
    portal.run(&["update products set published =", ""], vec![true.into()]).await;

    browser.goto("/apis/orders/operations/get-order").await;
    browser.see("Code samples").await;
    assert_eq!(browser.axe().await, "");
    browser.click("Try it").await;
    browser.see("Calls need the key of an active subscription").await;
    assert_eq!(browser.axe().await, "");
    browser.click("css=.note a[href^='/products/']").await;
    browser.click("Subscribe").await;
    browser.see("Your two keys are ready.").await;

    browser.goto("/apis/orders/operations/get-order/try").await;
    assert_eq!(browser.axe().await, "");
    browser.click("Send from this browser").await;
    browser.see("id is missing.").await;
    browser.fill("id", "7/8").await;
    browser.click("Send from this browser").await;
    browser.see("201 Created").await;
    browser.see("The key came.").await;
    browser.see("\"asked\": \"/orders/7%2F8\"").await;
    browser.see("\"cookies\": \"none\"").await;
    assert_eq!(browser.axe().await, "");
    // The form that came back with an error is told there too.
    let wrong: Vec<String> = browser.console_errors().await.into_iter().filter(|error| !error.contains("status of 422")).collect();
    assert_eq!(wrong, Vec::<String>::new());
    browser.look_as(390, true).await;
    assert_eq!(browser.overflow().await, 0);
    assert_eq!(browser.axe().await, "");

    // An API that is away is told as that.
    portal.run(&["update apis set servers = '[{\"url\": \"http://127.0.0.1:9\", \"description\": null}]'"], vec![]).await;
    browser.goto("/apis/orders/operations/get-order/try").await;
    browser.fill("id", "7").await;
    browser.click("Send from this browser").await;
    browser.see("No answer").await;
    browser.see("The browser could not make this call").await;
}
