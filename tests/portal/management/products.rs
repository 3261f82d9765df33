//! Products, and whom they are open to, by the management API.

use reqwest::Method;
use serde_json::json;

use super::{Program, SERVICE, json_of, refusal};
use crate::support::Portal;

#[tokio::test]
async fn a_product_is_made_opened_and_seen() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let body = json!({ "displayName": "Orders", "description": "All of *them*", "terms": "Be kind.", "approvalRequired": true, "subscriptionsLimit": 3 });
    let entity = json_of(program.put("/products/orders", body.clone()).await.is(201));
    let expected = json!({
        "displayName": "Orders", "description": "All of *them*", "terms": "Be kind.", "subscriptionRequired": true,
        "approvalRequired": true, "subscriptionsLimit": 3, "state": "notPublished",
    });
    assert_eq!(entity["properties"], expected);
    program.put("/products/ORDERS", body).await.is(200);
    assert_eq!(
        json_of(program.patch("/products/orders", json!({ "subscriptionsLimit": 4.0 })).await.is(200))["properties"]["subscriptionsLimit"],
        4
    );
    assert_eq!(program.patch("/products/orders", json!({ "subscriptionsLimit": 4.5 })).await.status, 400);
    let changed = program.patch("/products/orders", json!({ "subscriptionsLimit": null, "state": "published" })).await;
    let properties = &json_of(changed.is(200))["properties"];
    assert_eq!(
        (&properties["subscriptionsLimit"], &properties["state"], &properties["terms"]),
        (&json!(null), &json!("published"), &json!("Be kind."))
    );

    // The whole way from a group to what a developer sees.
    let ana = portal.developer("ana@contoso.example").await;
    ana.get("/products/orders").await.is(404);
    program.put("/groups/partners", json!({ "displayName": "Partners" })).await.is(201);
    let link = "/products/orders/groups/partners";
    assert_eq!(program.status(Method::HEAD, link).await, 404);
    assert_eq!(json_of(program.ask(Method::PUT, link, "", None).await.is(201))["name"], "partners");
    program.ask(Method::PUT, link, "", None).await.is(200);
    assert_eq!(program.status(Method::HEAD, link).await, 204);
    assert_eq!(program.names("/products/orders/groups").await, ["administrators", "partners"]);
    let user = program.names("/users?$filter=email%20eq%20'ana@contoso.example'").await.remove(0);
    program.ask(Method::PUT, &format!("/groups/partners/users/{user}"), "", None).await.is(201);
    ana.get("/products/orders").await.is(200).shows("Be kind.");
    assert_eq!(program.status(Method::DELETE, link).await, 204);
    ana.get("/products/orders").await.is(404);

    let listed = program.get("/products?expandGroups=true").await;
    assert_eq!(listed["value"][0]["properties"]["groups"][0]["displayName"], "Administrators");
    assert_eq!(program.names("/products?$filter=state%20eq%20'Published'%20and%20contains(terms,'kind')").await, ["orders"]);
    assert_eq!(program.names("/products?$filter=state%20eq%20'notPublished'").await, [""; 0]);
}

#[tokio::test]
async fn what_is_wrong_with_a_product_is_said() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    program.put("/products/orders", json!({ "displayName": "Orders" })).await.is(201);
    for (body, expected) in [
        (json!({}), "displayName"),
        (json!({ "displayName": "orders " }), "displayName"),
        (json!({ "displayName": "x", "description": "x".repeat(1001) }), "description"),
        (json!({ "displayName": "x", "subscriptionsLimit": 0 }), "subscriptionsLimit"),
        (json!({ "displayName": "x", "state": "draft" }), "state"),
    ] {
        let (status, code, target, _) = refusal(&program.put("/products/other", body.clone()).await);
        assert_eq!((status, code.as_str(), target.as_str()), (400, "ValidationError", expected), "{body}");
    }
    let unknown = refusal(&program.ask(Method::PUT, "/products/orders/groups/none", "", None).await);
    assert_eq!(unknown, (400, "ValidationError".to_owned(), "gid".to_owned(), "Group not found".to_owned()));
    assert_eq!(program.status(Method::PUT, "/products/none/groups/guests").await, 404);
    assert_eq!(program.status(Method::DELETE, "/products/orders/groups/administrators").await, 409);
    // A product that has subscriptions goes when that is said.
    let ana = portal.add_user("ana@contoso.example", "Ana", "Alves", portico::users::UserState::Active, false).await;
    let subscription = json!({ "displayName": "Ana's", "ownerId": format!("/users/{ana}"), "scope": "/products/orders" });
    program.put("/subscriptions/s1", subscription).await.is(201);
    let refused = program.ask(Method::DELETE, "/products/orders", "*", None).await;
    assert!(refused.text.contains("deleteSubscriptions=true"), "{}", refused.text);
    assert_eq!(refusal(&refused).0, 400);
    assert_eq!(program.status(Method::DELETE, "/products/orders?deleteSubscriptions=true").await, 204);
    assert_eq!(program.names("/subscriptions").await, [""; 0]);
}

#[tokio::test]
async fn associations_go_by_names_of_their_own() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    program.put("/products/orders", json!({ "displayName": "Orders" })).await.is(201);
    program.put("/groups/partners", json!({ "displayName": "Partners" })).await.is(201);
    program.put("/apis/echo", json!({ "displayName": "Echo", "path": "echo" })).await.is(201);
    for (links, link, field, of, other) in
        [("groupLinks", "to-partners", "groupId", "groups", "partners"), ("apiLinks", "to-echo", "apiId", "apis", "echo")]
    {
        let path = format!("/products/orders/{links}/{link}");
        assert_eq!(program.status(Method::GET, &path).await, 404);
        let body = json!({ field: format!("/{of}/{other}") });
        let entity = json_of(program.put(&path, body.clone()).await.is(201));
        assert_eq!((&entity["name"], &entity["properties"][field]), (&json!(link), &json!(format!("{SERVICE}/{of}/{other}"))));
        assert_eq!(entity["type"], format!("Microsoft.ApiManagement/service/products/{links}"));
        program
            .put(&path.to_uppercase().replace("/PRODUCTS/ORDERS/", "/products/orders/").replace(&links.to_uppercase(), links), body)
            .await
            .is(200);
        assert!(program.names(&format!("/products/orders/{of}")).await.contains(&other.to_owned()));
        assert!(program.names(&format!("/products/orders/{links}")).await.contains(&link.to_owned()));
        let filter = portico::ids::encode(&format!("{field} eq '/{of}/{other}'"));
        assert_eq!(program.names(&format!("/products/orders/{links}?$filter={filter}")).await, [link]);
        for wrong in [json!({}), json!({ field: "/other/x" }), json!({ field: format!("/{of}/none") })] {
            assert_eq!(refusal(&program.put(&format!("/products/orders/{links}/x"), wrong).await).2, field);
        }
        assert_eq!(program.status(Method::DELETE, &path).await, 204);
        assert_eq!(program.status(Method::DELETE, &path).await, 204);
        assert!(!program.names(&format!("/products/orders/{of}")).await.contains(&other.to_owned()));
    }
    // What was opened on a page goes by the group's name.
    assert_eq!(program.names("/products/orders/groupLinks").await, ["administrators"]);
}
