//! Code samples, and trying an operation: through the portal and from the browser.

use std::net::TcpListener;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use crate::support::{Browser, Portal, Reply, seed::Product};

const TRY: &str = "/apis/parcels/operations/add-parcel/try";

/// An API that says what it was told.
async fn echo() -> String {
    async fn told(request: HttpRequest, body: String) -> HttpResponse {
        match request.path() {
            "/v1/away" => return HttpResponse::Found().insert_header(("location", "https://elsewhere.example/")).finish(),
            "/v1/large" => return HttpResponse::Ok().content_type("text/plain").body("x".repeat(1_500_000)),
            "/v1/picture" => return HttpResponse::Ok().content_type("image/png").body(vec![0x89, 0, 1, 2]),
            _ => {}
        }
        let headers: serde_json::Map<String, serde_json::Value> =
            request.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").into())).collect();
        let uri = request.uri().to_string();
        HttpResponse::Created()
            .insert_header(("x-answer", "42"))
            .json(serde_json::json!({ "method": request.method().as_str(), "uri": uri, "headers": headers, "body": body }))
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(|| App::new().default_service(web::to(told))).workers(1).disable_signals().listen(listener).unwrap().run();
    tokio::spawn(server);
    format!("http://{address}")
}

fn description(server: &str) -> String {
    format!(
        r#"{{"openapi": "3.0.3", "info": {{"title": "Parcels", "version": "1"}}, "servers": [{{"url": "{server}/v1"}}, {{"url": "{server}/v2/"}}],
        "components": {{"securitySchemes": {{"token": {{"type": "http", "scheme": "bearer"}}}}}},
        "paths": {{
          "/parcels/{{id}}": {{"post": {{"operationId": "add-parcel", "security": [{{"token": []}}],
            "parameters": [
              {{"name": "id", "in": "path", "required": true, "schema": {{"type": "string"}}}},
              {{"name": "size", "in": "query", "required": true, "schema": {{"type": "string", "enum": ["small", "large"], "default": "large"}}}},
              {{"name": "tag", "in": "query", "schema": {{"type": "array", "items": {{"type": "string"}}}}}},
              {{"name": "X-Trace", "in": "header", "schema": {{"type": "string"}}}}],
            "requestBody": {{"required": true, "content": {{"application/json": {{"example": {{"weight": 2}}}}}}}},
            "responses": {{"201": {{"description": "Made", "content": {{"application/json": {{}}}}}}}}}}}},
          "/away": {{"get": {{"operationId": "away", "responses": {{"302": {{"description": "Elsewhere"}}}}}}}},
          "/large": {{"get": {{"operationId": "large", "responses": {{"200": {{"description": "Much"}}}}}}}},
          "/picture": {{"get": {{"operationId": "picture", "responses": {{"200": {{"description": "A picture"}}}}}}}}
        }}}}"#
    )
}

/// A product that developers see, with the API in it; `way` is how it may be tried.
async fn stage(portal: &Portal, way: &str) -> Browser {
    let server = echo().await;
    portal.seed_product(Product { name: "post", groups: &["developers", "guests"], ..Product::default() }).await;
    let admin = portal.administrator().await;
    admin.upload("/publisher/import/api", &[("text", &description(&server)), ("url", ""), ("suffix", "parcels")], None).await.is(303);
    admin.post("/publisher/products/post/add-apis", &[("api", "parcels")]).await.is(303);
    if way != "no" {
        configure(&admin, "0", way, "X-Portico-Key").await.is(303);
    }
    admin
}

async fn configure(admin: &Browser, version: &str, way: &str, header: &str) -> Reply {
    admin.post("/publisher/apis/parcels/calls", &[("version", version), ("way", way), ("key_header", header)]).await
}

async fn subscribed(portal: &Portal, email: &str) -> (Browser, String) {
    let dev = portal.developer(email).await;
    let made = dev.post("/products/post/subscribe", &[("display_name", "Line <1>")]).await;
    let name = made.is(303).location().rsplit('/').next().unwrap().to_owned();
    (dev, name)
}

fn unescaped(page: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .iter()
        .fold(page.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[tokio::test]
async fn every_operation_has_code_samples() {
    let portal = Portal::start().await;
    stage(&portal, "no").await;
    let page = portal.guest().get("/apis/parcels/operations/add-parcel").await;
    let text = unescaped(&page.is(200).text);
    for words in [
        "--header 'X-Portico-Key: <your key>'",
        "/v1/parcels/{id}?size=large'",
        "response = requests.request(",
        "const response = await fetch(",
        "http.NewRequest(\"POST\"",
        "--header 'Authorization: <your credentials>'",
        "\"weight\": 2",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    page.hides(">Try it<");
    portal.guest().get(TRY).await.is(404);
}

#[tokio::test]
async fn an_operation_is_tried_through_the_portal() {
    let portal = Portal::start().await;
    stage(&portal, "portal").await;
    let guest = portal.guest();
    guest.get("/apis/parcels/operations/add-parcel").await.shows(&format!("href=\"{TRY}\">Try it"));
    guest.get(TRY).await.is(200).shows("Calls need the key of a subscription.").shows("to try this operation").hides("name=\"p0\"");
    guest.post(TRY, &[("p0", "1")]).await.is(303);
    let stranger = portal.developer("stranger@portal.example").await;
    stranger.get(TRY).await.shows("you have none to a product with this API").shows("href=\"/products/post\"").hides("name=\"p0\"");
    stranger.post(TRY, &[("p0", "1"), ("p1", "small"), ("body", "{}")]).await.is(409).hides("201 Created");

    let (dev, name) = subscribed(&portal, "dev@portal.example").await;
    let form = dev.get(TRY).await;
    form.shows("name=\"subscription\"")
        .shows("<option selected>large</option>")
        .shows("The portal sends its primary key in the header X-Portico-Key.");
    let key = {
        let shown = dev.post(&format!("/account/subscriptions/{name}/keys"), &[]).await.text;
        shown.split(|c: char| !c.is_ascii_hexdigit()).find(|word| word.len() == 32).expect("a key").to_owned()
    };
    let answer = dev
        .post(
            TRY,
            &[
                ("subscription", &name),
                ("p0", "a/b é"),
                ("p1", "small"),
                ("p2", "x, y"),
                ("p3", "t-1"),
                ("p4", "Bearer mine"),
                ("headers", "Accept-Language: pt\r\nX-Debug: on & off\r\n"),
                ("body", "{\"weight\": 3}"),
            ],
        )
        .await;
    answer.is(200).shows("201 Created").shows("<code>x-answer</code>").shows(" ms, ");
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = unescaped(&answer.text);
    let sent: serde_json::Value = {
        let begins = text.find("aria-label=\"Body\">").expect("the answer") + "aria-label=\"Body\">".len();
        serde_json::from_str(&text[begins..begins + text[begins..].find("</pre>").unwrap()]).expect("JSON")
    };
    assert_eq!(sent["method"], "POST");
    assert_eq!(sent["uri"], "/v1/parcels/a%2Fb%20%C3%A9?size=small&tag=x&tag=y");
    assert_eq!(sent["body"], "{\"weight\": 3}");
    let headers = &sent["headers"];
    assert_eq!(
        (headers["x-portico-key"].as_str(), headers["x-trace"].as_str(), headers["authorization"].as_str()),
        (Some(key.as_str()), Some("t-1"), Some("Bearer mine"))
    );
    assert_eq!((headers["accept-language"].as_str(), headers["x-debug"].as_str()), (Some("pt"), Some("on & off")));
    assert!(text.contains("--header 'X-Debug: on & off'") && text.contains("Accept-Language: pt"), "{text}");
    assert!(headers.get("cookie").is_none() && headers.get("origin").is_none(), "{headers}");
    // What was typed is in the form and in the samples, where the key has a place and no value.
    assert!(text.contains("--header 'X-Portico-Key: <key of Line <1>>'"), "{text}");
    assert!(text.contains("value=\"t-1\"") && text.contains("{\"weight\": 3}"));
    assert_eq!(text.matches(&key).count(), 1, "the key is where the API says it back, and nowhere else");

    // The second server, and what is wrong beside its field.
    let second = form.text.split("<option>").nth(1).and_then(|rest| rest.split('<').next()).expect("another server").to_owned();
    let elsewhere = dev.post(TRY, &[("server", &second), ("subscription", &name), ("p0", "1"), ("p1", "small"), ("body", "{}")]).await;
    elsewhere.shows("/v2/parcels/1?size=small");
    // No key goes to a server that the description does not name, nor to another one instead of it.
    let reply =
        dev.post(TRY, &[("server", "http://127.0.0.1:1"), ("subscription", &name), ("p0", "1"), ("p1", "small"), ("body", "{}")]).await;
    reply.is(422).shows("is not in the description any more").hides("id=\"reply\"");
    let wrong = dev.post(TRY, &[("subscription", &name), ("p0", ".."), ("p1", "small"), ("p3", "kept"), ("body", "")]).await;
    wrong.is(422).shows("step of dots").shows("The body is missing.").shows("value=\"kept\"").hides("id=\"reply\"");
    let cookie = [("subscription", name.as_str()), ("p0", "1"), ("p1", "small"), ("headers", "A: 1\nCookie: session=1"), ("body", "{}")];
    let wrong = dev.post(TRY, &cookie).await;
    wrong
        .is(422)
        .shows("Line 2: Cookie is set by")
        .shows("aria-describedby=\"headers-error")
        .shows("Cookie: session=1")
        .hides("id=\"reply\"");
    dev.post(TRY, &[("subscription", "anybodys"), ("p0", "1"), ("p1", "small"), ("body", "{}")])
        .await
        .is(422)
        .shows("Choose one of your active subscriptions.");
    assert_eq!(
        portal.audited().await.iter().filter(|action| *action == "subscription.keys_shown").count(),
        1,
        "only the page of the keys shows them"
    );

    // Another's subscription, and one that is no longer active.
    let (other, _) = subscribed(&portal, "other@portal.example").await;
    other.post(TRY, &[("subscription", &name), ("p0", "1"), ("p1", "small"), ("body", "{}")]).await.is(422);
    portal.run(&["update subscriptions set state = 'suspended'"], vec![]).await;
    dev.get(TRY).await.shows("you have none to a product with this API");
}

#[tokio::test]
async fn answers_are_shown_as_they_are_and_no_further() {
    let portal = Portal::start().await;
    stage(&portal, "portal").await;
    let (dev, name) = subscribed(&portal, "dev@portal.example").await;
    let of = async |operation: &str| dev.post(&format!("/apis/parcels/operations/{operation}/try"), &[("subscription", &name)]).await;
    of("away").await.is(200).shows("302 Found").shows("https://elsewhere.example/").shows("The answer has no body.");
    let large = of("large").await;
    large.is(200).shows("The rest of the body is not shown.").shows("over 1 MB");
    assert!(large.text.len() < 300_000, "{}", large.text.len());
    of("picture").await.is(200).shows("The body is image/png, which is not shown.");
    // Thirty a minute.
    for _ in 0..27 {
        of("away").await.is(200);
    }
    let refused = of("away").await;
    refused.is(429);
    assert!(!refused.header("retry-after").is_empty());
    portal.pass(time::Duration::MINUTE);
    of("away").await.is(200);
}

#[tokio::test]
async fn the_portal_calls_where_its_operator_lets_it() {
    for (setting, says) in [("public", "does not lead to the public internet"), ("no", "its operator has switched that off")] {
        let portal = Portal::start_with(|options| options.import_urls = Some(setting.to_owned())).await;
        stage(&portal, "portal").await;
        let (dev, name) = subscribed(&portal, "dev@portal.example").await;
        let answer = dev.post("/apis/parcels/operations/away/try", &[("subscription", &name)]).await;
        answer.is(200).shows(says).hides("302 Found");
    }
}

#[tokio::test]
async fn a_browser_is_given_the_call_and_may_ask_that_origin() {
    let portal = Portal::start().await;
    stage(&portal, "browser").await;
    let (dev, name) = subscribed(&portal, "dev@portal.example").await;
    let form = dev.get(TRY).await;
    form.shows("Send from this browser").hides("data-call");
    assert!(form.header("content-security-policy").contains("connect-src 'self';"));
    let fields = [("subscription", name.as_str()), ("p0", "1"), ("p1", "small"), ("headers", "X-Debug: on"), ("body", "{}")];
    let ready = dev.post(TRY, &fields).await;
    let call: serde_json::Value = {
        let text = &ready.is(200).text;
        let begins = text.find("data-call=\"").expect("a call") + "data-call=\"".len();
        serde_json::from_str(&unescaped(&text[begins..begins + text[begins..].find('"').unwrap()])).expect("JSON")
    };
    let url = call["url"].as_str().unwrap();
    let origin = url.split("/v1").next().unwrap();
    assert!(
        ready.header("content-security-policy").contains(&format!("connect-src 'self' {origin};")),
        "{}",
        ready.header("content-security-policy")
    );
    assert_eq!(call["headers"][0][0], "X-Portico-Key");
    assert_eq!(call["headers"][0][1].as_str().map(str::len), Some(32));
    assert!(call["headers"].as_array().unwrap().contains(&serde_json::json!(["X-Debug", "on"])), "{call}");
    // The page held the key, which is recorded.
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.keys_shown").count(), 1);
    // What is wrong opens no key.
    dev.post(TRY, &[("subscription", &name), ("p0", ""), ("body", "{}")]).await.is(422).hides("data-call");
    assert_eq!(portal.audited().await.iter().filter(|action| *action == "subscription.keys_shown").count(), 1);
}

#[tokio::test]
async fn an_administrator_says_how_an_api_is_called() {
    let portal = Portal::start().await;
    let admin = stage(&portal, "no").await;
    admin.get("/publisher/apis/parcels").await.shows("href=\"/publisher/apis/parcels/calls\"");
    admin.get("/publisher/apis/parcels/calls").await.is(200).shows("value=\"X-Portico-Key\"").shows("name=\"version\" value=\"0\"");
    for (header, says) in [
        ("", "The header is missing."),
        ("two words", "has letters, digits and hyphens"),
        ("Host", "a purpose of its own"),
        ("Cookie", "a purpose of its own"),
    ] {
        configure(&admin, "0", "portal", header).await.is(422).shows(says);
    }
    configure(&admin, "0", "somehow", "X-Key").await.is(422).shows("Choose one of the three.").shows("value=\"X-Key\"");
    configure(&admin, "0", "no", "Ocp-Apim-Subscription-Key").await.is(303);
    portal.guest().get("/apis/parcels/operations/add-parcel").await.shows("Ocp-Apim-Subscription-Key: ");
    // Another who still has the first form.
    configure(&admin, "0", "portal", "X-Mine")
        .await
        .is(409)
        .shows("Somebody else saved this meanwhile")
        .shows("Ocp-Apim-Subscription-Key")
        .shows("value=\"X-Mine\"");
    configure(&admin, "1", "no", "Ocp-Apim-Subscription-Key").await.is(303);
    assert_eq!(
        portal.audited().await.iter().filter(|action| *action == "api.calls_configured").count(),
        1,
        "nothing was different the second time"
    );
    // The settings go with the API.
    admin.post("/publisher/apis/parcels/delete", &[]).await.is(303);
    assert_eq!(portal.count("select count(*) from api_calls").await, 0);
}
