//! External groups over the management API: made by the address of a group in a provider's directory, as clients of the model do.

use reqwest::Method;
use serde_json::json;

use super::{Program, json_of, refusal};
use crate::support::{Portal, provider::Provider, seed::Product};

const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

#[tokio::test]
async fn an_external_group_is_made_by_its_address_and_reads_as_it_was_written() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let provider = Provider::start(&portal).await;
    let issuer = format!("{}/{TENANT}/v2.0", provider.base);
    provider.set(|manners| manners.issuer = Some(issuer.clone()));
    provider.says(json!({ "tid": TENANT, "oid": "ida-o", "groups": ["g-1"] }));
    let form = [("kind", "entra"), ("issuer", &issuer), ("allowed_tenants", TENANT), ("groups_claim", "groups"), ("display_name", "Staff")];
    let name = provider.add(&admin, &form).await;
    portal.seed_product(Product { name: "orders", groups: &[], ..Default::default() }).await;
    let program = Program::new(&portal, "write").await;
    let external =
        |address: &str| json!({ "displayName": "Partners", "description": "Of the north", "type": "external", "externalId": address });
    let (ours, theirs) = (format!("aad://{TENANT}/groups/g-1"), "aad://contoso.example/groups/g-2");
    let made = program.put("/groups/partners", external(&ours)).await;
    made.is(201);
    let said = json_of(&made)["properties"].clone();
    assert_eq!((said["type"].as_str(), said["externalId"].as_str()), (Some("external"), Some(ours.as_str())));
    program.put("/groups/partners", external(&ours)).await.is(200);
    // Of one directory alone any name of its tenant is its own; and each way of naming stays as it was given.
    program.put("/groups/others", json!({ "displayName": "Others", "type": "external", "externalId": theirs })).await.is(201);
    assert_eq!(program.get("/groups/others").await["properties"]["externalId"], theirs);
    assert_eq!(program.names(&format!("/groups?$filter=externalId eq '{theirs}'")).await, ["others"]);
    // What the provider says of it counts from now on.
    program.put("/products/orders/groups/partners", json!({})).await.is(201);
    let ida = portal.guest();
    provider.sign_in(&ida, &name).await.is(303);
    ida.get("/products/orders").await.is(200);
    assert_eq!(program.get("/products/orders/groups").await["value"][1]["properties"]["externalId"], ours);
    for (path, body, target) in [
        ("/groups/third", external("aad://"), "externalId"),
        ("/groups/third", external("okta://groups/x"), "externalId"),
        ("/groups/third", external(&format!("aad://{}/groups/g-3", TENANT.replace('8', "9"))), "externalId"),
        ("/groups/third", external(&ours), "externalId"),
        ("/groups/third", json!({ "displayName": "Third", "type": "external" }), "externalId"),
        ("/groups/third", json!({ "displayName": "Third", "type": "system" }), "type"),
        ("/groups/others", external(&ours), "type"),
        ("/groups/third", json!({ "displayName": "Partners", "type": "external", "externalId": "staff://groups/g-4" }), "displayName"),
    ] {
        let reply = program.put(path, body.clone()).await;
        let (status, code, on, _) = refusal(&reply);
        assert_eq!((status, code.as_str(), on.as_str()), (400, "ValidationError", target), "{body}");
    }
    let changed = program.patch("/groups/partners", json!({ "displayName": "Friends" })).await;
    assert_eq!(json_of(changed.is(200))["properties"]["externalId"], ours);
    let user = portal.texts("select name from users where email = 'ida@contoso.example'").await.remove(0);
    assert_eq!(program.ask(Method::PUT, &format!("/groups/partners/users/{user}"), "", None).await.status, 409);
    program.ask(Method::DELETE, "/groups/partners", "*", None).await.is(204);
    ida.get("/products/orders").await.is(404);
}
