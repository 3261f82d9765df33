//! APIs and operations by the management API.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Program, json_of, refusal};
use crate::support::Portal;

const DOCUMENT: &str = r#"{"openapi": "3.0.3", "info": {"title": "Orders", "version": "1.2"}, "servers": [{"url": "https://orders.contoso.example/v1"}],
    "paths": {"/orders": {"get": {"operationId": "listOrders", "responses": {"200": {"description": "All of them"}}}}}}"#;

#[tokio::test]
async fn a_description_is_imported_and_replaced() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let body = json!({ "path": "orders", "displayName": "Orders API", "format": "openapi+json", "value": DOCUMENT });
    let entity = json_of(program.put("/apis/orders", body.clone()).await.is(201));
    let properties = &entity["properties"];
    assert_eq!(entity["type"], "Microsoft.ApiManagement/service/apis");
    assert_eq!((&properties["displayName"], &properties["path"]), (&json!("Orders API"), &json!("orders")));
    assert_eq!(properties["serviceUrl"], "https://orders.contoso.example/v1");
    assert_eq!((&properties["provisioningState"], &properties["apiRevision"]), (&json!("Succeeded"), &json!("1")));
    program.put("/apis/orders;rev=1", body.clone()).await.is(200);
    assert_eq!(program.names("/apis/orders/operations").await, ["listOrders"]);
    let operation = program.get("/apis/orders/operations/listorders").await;
    assert_eq!(operation["properties"]["responses"][0]["statusCode"], 200);

    let mut newer = body;
    newer["value"] = json!(DOCUMENT.replace("listOrders", "findOrders").replace("\"/orders\"", "\"/all-orders\""));
    program.put("/apis/orders", newer).await.is(200);
    assert_eq!(program.names("/apis/orders/operations").await, ["findOrders"]);
    // What its description says is changed by another one alone.
    let changed = program.patch("/apis/orders", json!({ "displayName": "Ordering", "description": "By *hand*" })).await;
    assert_eq!(json_of(changed.is(200))["properties"]["displayName"], "Ordering");
    assert_eq!(refusal(&program.patch("/apis/orders", json!({ "serviceUrl": "https://other.example" })).await).2, "serviceUrl");
    let operation = json!({ "displayName": "x", "method": "GET", "urlTemplate": "/x" });
    assert_eq!(program.put("/apis/orders/operations/x", operation).await.status, 409);

    // Into a product and out of it.
    program.put("/products/all", json!({ "displayName": "All" })).await.is(201);
    let link = "/products/all/apis/orders";
    assert_eq!(program.status(Method::HEAD, link).await, 404);
    assert_eq!(json_of(program.ask(Method::PUT, link, "", None).await.is(201))["name"], "orders");
    program.ask(Method::PUT, link, "", None).await.is(200);
    assert_eq!(program.status(Method::HEAD, link).await, 204);
    assert_eq!(program.names("/products/all/apis?$filter=serviceUrl%20eq%20'https://orders.contoso.example/v1'").await, ["orders"]);
    assert_eq!(program.names("/apis/orders/products").await, ["all"]);
    assert_eq!(program.status(Method::DELETE, link).await, 204);
    assert_eq!(program.names("/products/all/apis").await, [""; 0]);
    assert_eq!(refusal(&program.ask(Method::PUT, "/products/all/apis/none", "", None).await).3, "API not found");

    assert_eq!(program.status(Method::DELETE, "/apis/orders").await, 204);
    assert_eq!(program.status(Method::GET, "/apis/orders").await, 404);
    let audited = portal.audited().await;
    for action in ["api.imported", "api.description_replaced", "api.edited", "product.apis_added", "product.apis_removed", "api.deleted"] {
        assert!(audited.iter().any(|known| known == action), "{action}: {audited:?}");
    }
}

#[tokio::test]
async fn an_api_and_its_operations_are_made_by_hand() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let body = json!({
        "path": "echo", "displayName": "Echo", "serviceUrl": "https://echo.contoso.example", "protocols": ["https"],
        "contact": { "name": "Ana", "email": "ana@contoso.example" }, "license": { "name": "MIT", "url": "https://mit.example" },
    });
    let entity = json_of(program.put("/apis/echo", body.clone()).await.is(201));
    assert_eq!(entity["properties"]["contact"], json!({ "name": "Ana", "url": null, "email": "ana@contoso.example" }));
    let again = program.put("/apis/echo", body).await;
    assert_eq!((again.is(200).header("etag"), &json_of(&again)), ("\"1\"", &entity));
    let changed = program.patch("/apis/echo", json!({ "serviceUrl": "https://echo2.contoso.example", "license": null })).await;
    let properties = &json_of(changed.is(200))["properties"];
    assert_eq!((&properties["serviceUrl"], &properties["license"]), (&json!("https://echo2.contoso.example"), &json!(null)));

    let path = "/apis/echo/operations/get-thing";
    let operation = json!({
        "displayName": "Get a thing", "method": "get", "urlTemplate": "/things/{id}", "description": "One of them",
        "templateParameters": [{ "name": "id", "type": "uuid", "required": true, "description": "Which" }],
        "request": { "queryParameters": [{ "name": "fields", "type": "string", "values": ["all", "some"], "defaultValue": "all" }] },
        "responses": [{ "statusCode": 200, "description": "Here it is", "representations": [{ "contentType": "application/json",
            "examples": { "default": { "value": { "id": 1 } } } }] }],
    });
    let made = json_of(program.put(path, operation.clone()).await.is(201));
    let properties = &made["properties"];
    assert_eq!((&properties["method"], &properties["templateParameters"][0]["type"]), (&json!("GET"), &json!("string (uuid)")));
    assert_eq!(properties["request"]["queryParameters"][0]["values"], json!(["all", "some"]));
    assert_eq!(properties["responses"][0]["representations"][0]["examples"]["default"]["value"], json!({ "id": 1 }));
    let again = program.put(path, operation).await;
    assert_eq!((again.is(200).header("etag"), &json_of(&again)), ("\"1\"", &made));
    let changed = json_of(program.patch(path, json!({ "description": "Just one" })).await.is(200));
    assert_eq!(changed["properties"]["description"], "Just one");
    assert_eq!(changed["properties"]["request"]["queryParameters"][0]["defaultValue"], "all");
    assert_eq!(
        program.names("/apis/echo/operations?$filter=method%20eq%20'GET'%20and%20contains(urlTemplate,'things')").await,
        ["get-thing"]
    );
    for (change, expected) in [
        (json!({ "urlTemplate": "things" }), "urlTemplate"),
        (json!({ "urlTemplate": "/things" }), "templateParameters"),
        (json!({ "method": "FETCH" }), "method"),
        (json!({ "displayName": "x".repeat(301) }), "displayName"),
        (json!({ "responses": [{ "statusCode": 700 }] }), "responses"),
        (json!({ "policies": "<policies/>" }), "policies"),
    ] {
        let (status, _, target, _) = refusal(&program.patch(path, change.clone()).await);
        assert_eq!((status, target.as_str()), (400, expected), "{change}");
    }
    assert_eq!(program.ask(Method::DELETE, path, "\"9\"", None).await.status, 412);
    assert_eq!(program.status(Method::DELETE, path).await, 204);
    assert_eq!(program.status(Method::DELETE, path).await, 204);
    assert_eq!(program.status(Method::GET, path).await, 404);
}

#[tokio::test]
async fn what_is_wrong_with_an_api_is_said() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    program.put("/apis/echo", json!({ "path": "echo", "displayName": "Echo" })).await.is(201);
    for (body, expected) in [
        (json!({ "displayName": "x" }), "path"),
        (json!({ "displayName": "x", "path": "ECHO" }), "path"),
        (json!({ "displayName": "x", "path": "a b" }), "path"),
        (json!({ "path": "x", "displayName": "x", "format": "wsdl", "value": "<x/>" }), "format"),
        (json!({ "path": "x", "displayName": "x", "format": "openapi" }), "value"),
        (json!({ "path": "x", "displayName": "x", "format": "openapi", "value": "{" }), "value"),
        (json!({ "path": "x", "displayName": "x", "type": "graphql" }), "type"),
        (json!({ "path": "x", "displayName": "x", "protocols": ["ws"] }), "protocols"),
        (json!({ "path": "x", "displayName": "x", "apiRevision": "2" }), "apiRevision"),
        (json!({ "path": "x", "displayName": "x", "subscriptionRequired": false }), "subscriptionRequired"),
        (json!({ "path": "x", "displayName": "x", "serviceUrl": "gopher://x" }), "serviceUrl"),
        (json!({ "path": "x", "displayName": "x", "format": "openapi-link", "value": "http://127.0.0.1:1/x" }), "value"),
    ] {
        let (status, code, target, _) = refusal(&program.put("/apis/other", body.clone()).await);
        assert_eq!((status, code.as_str(), target.as_str()), (400, "ValidationError", expected), "{body}");
    }
    assert_eq!(refusal(&program.put("/apis/a%3Cb", json!({ "displayName": "x", "path": "x" })).await).2, "apiId");
    assert_eq!(program.put("/apis/echo;rev=2", json!({ "displayName": "x", "path": "x" })).await.status, 404);
    let large: Value = json!({ "displayName": "x", "description": "x".repeat(300_000) });
    assert_eq!(program.patch("/apis/echo", large).await.status, 413);
}

#[tokio::test]
async fn a_description_is_exported_by_a_link_that_works_for_a_while() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "read").await;
    let writes = Program::new(&portal, "write").await;
    writes.put("/apis/orders", json!({ "path": "orders", "format": "openapi+json", "value": DOCUMENT })).await.is(201);
    for (format, kind) in [("openapi-link", "application/yaml"), ("openapi+json-link", "application/json")] {
        let export = program.get(&format!("/apis/orders?export=true&format={}", portico::ids::encode(format))).await;
        assert_eq!(export["format"], format);
        let link = export["value"]["link"].as_str().unwrap().strip_prefix(&portal.base).unwrap().to_owned();
        let found = portal.guest().get(&link).await;
        assert_eq!(found.is(200).header("content-type"), kind);
        assert!(found.text.contains("listOrders"));
        // Nobody makes one, and nobody changes one.
        portal.guest().get(&link.replace("/exports/1.", "/exports/2.")).await.is(404);
        portal.guest().get(&format!("{link}0")).await.is(404);
        portal.pass(time::Duration::seconds(301));
        portal.guest().get(&link).await.is(404);
    }
    assert_eq!(refusal(&program.ask(Method::GET, "/apis/orders?export=true&format=wsdl-link", "", None).await).2, "format");
    // What came as Swagger 2.0 is given as it came, and nothing else is.
    assert_eq!(refusal(&program.ask(Method::GET, "/apis/orders?export=true&format=swagger-link", "", None).await).2, "format");
    let swagger =
        r#"{"swagger":"2.0","info":{"title":"Old","version":"1"},"paths":{"/a":{"get":{"responses":{"200":{"description":"x"}}}}}}"#;
    writes.put("/apis/old", json!({ "path": "old", "format": "swagger-json", "value": swagger })).await.is(201);
    let export = program.get("/apis/old?export=true&format=swagger-link").await;
    assert_eq!(export["format"], "swagger-link-json");
    let link = export["value"]["link"].as_str().unwrap().strip_prefix(&portal.base).unwrap().to_owned();
    assert_eq!(portal.guest().get(&link).await.is(200).text, swagger);
    portal.guest().get(&link.replace("swagger", "json")).await.is(404);
    writes.put("/apis/old", json!({ "path": "old", "format": "openapi+json", "value": DOCUMENT })).await.is(200);
    portal.guest().get(&link).await.is(404);
}
