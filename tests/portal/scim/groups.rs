//! Groups that a directory keeps here, and what their members see.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Portal,
    scim::{Scim, id_of, json_of, refusal},
    seed::Product,
};
use portico::users::UserState;

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

#[tokio::test]
async fn members_see_what_is_open_to_their_group_at_once() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    provider.says(json!({ "sub": "s1", "email": "ida@contoso.example", "email_verified": true }));
    let ida = scim.add("Ida", "Kjær", "ida@contoso.example").await;
    let sales = scim.add_group("Sales", "g-1", &[]).await;
    portal.seed_product(Product { name: "orders", groups: &[&sales], ..Product::default() }).await;
    let browser = portal.guest();
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/products/orders").await.is(404);

    // Entra ID's shape, and Okta's.
    let path = format!("/Groups/{sales}");
    let added = scim.patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ida }] }])).await;
    assert_eq!((added.status, added.text.as_str()), (204, ""));
    browser.get("/products/orders").await.is(200);
    assert_eq!(portal.texts("select source from memberships").await, ["provider"]);
    // Signing in by a provider that tells of no such group takes nothing away: the program keeps it.
    portal.run(&["update providers set groups_claim = 'groups'"], vec![]).await;
    provider.says(json!({ "groups": ["elsewhere"] }));
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/products/orders").await.is(200);
    for removal in [
        json!([{ "op": "remove", "path": format!("members[value eq \"{ida}\"]") }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "value": ida }] }]),
        json!([{ "op": "remove", "path": "members" }]),
        json!([{ "op": "replace", "path": "members", "value": [] }]),
        json!([{ "op": "replace", "value": { "id": sales, "displayName": "Sales", "members": [] } }]),
    ] {
        let before = portal.audited().await.len();
        assert_eq!(scim.patch(&path, removal.clone()).await.status, 204, "{removal}");
        browser.get("/products/orders").await.is(404);
        // Once more is no error, and no change.
        assert_eq!(scim.patch(&path, removal.clone()).await.status, 204, "{removal}");
        assert_eq!(portal.audited().await[before..], ["group.provisioned"], "{removal}");
        scim.patch(&path, json!([{ "op": "add", "value": { "members": [{ "value": ida }, { "value": ida }] } }])).await;
        browser.get("/products/orders").await.is(200);
    }
    let group = scim.get(&path).await;
    let member = json!({ "value": ida, "type": "User", "$ref": format!("{}/scim/v2/Users/{ida}", portal.base) });
    assert_eq!(group["members"], json!([member]));
    admin.get(&format!("/publisher/groups/{sales}")).await.is(200).shows("The provider keeps its members itself (SCIM)").shows("Ida Kjær");
    admin.get(&format!("/publisher/users/{ida}")).await.is(200).shows("Provisioned by").shows("Contoso");

    // Who is blocked by the directory sees nothing, and its groups again when let in.
    scim.patch(&format!("/Users/{ida}"), json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    scim.patch(&format!("/Users/{ida}"), json!([{ "op": "replace", "path": "active", "value": true }])).await.is(200);
    provider.sign_in(&browser, &scim.provider).await.is(303);
    browser.get("/products/orders").await.is(200);
    // Who is gone there is in nothing any more.
    assert_eq!(scim.delete(&format!("/Users/{ida}")).await, 204);
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    assert_eq!(scim.members(&sales).await, [""; 0]);
}

#[tokio::test]
async fn a_group_is_known_by_its_id_and_keeps_its_name_here() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    portal.add_group("Sales").await;
    let body = json!({ "schemas": [GROUP], "displayName": "Sales", "externalId": "g-1", "urn:x:custom:2.0:Group": { "a": 1 } });
    let made = scim.post("/Groups", body).await;
    let group = json_of(made.is(201));
    let id = group["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{id}");
    assert_eq!((&group["displayName"], &group["externalId"]), (&json!("Sales"), &json!("g-1")));
    assert_eq!(group["schemas"], json!([GROUP, "urn:x:custom:2.0:Group"]));
    assert_eq!(made.header("etag"), group["meta"]["version"].as_str().unwrap());
    // Two groups of a directory have one name; one id only once.
    assert_ne!(scim.add_group("Sales", "g-2", &[]).await, id);
    let again = scim.post("/Groups", json!({ "displayName": "Other", "externalId": "g-1" })).await;
    assert_eq!(refusal(&again), (409, "uniqueness".to_owned()));
    let clash = scim.patch(&path, json!([{ "op": "replace", "path": "externalId", "value": "g-2" }])).await;
    assert_eq!(refusal(&clash), (409, "uniqueness".to_owned()));
    let names = portal.texts("select display_name from groups where kind <> 'system' order by id").await;
    assert!(names[0] == "Sales" && names[1..].iter().all(|name| name.starts_with("Sales (")), "{names:?}");

    // An administrator's name stays when the directory renames it, in a PATCH or a PUT.
    let edited = [("version", "1"), ("display_name", "Our sales"), ("description", "")];
    admin.post(&format!("/publisher/groups/{id}"), &edited).await.is(303);
    scim.patch(&path, json!([{ "op": "Replace", "path": "displayName", "value": "Vertrieb" }])).await.is(204);
    assert_eq!(scim.get(&path).await["displayName"], "Vertrieb");
    let put = scim.put(&path, json!({ "displayName": "Ventas", "externalId": "g-1" })).await;
    assert_eq!((json_of(put.is(200))["displayName"].clone(), put.text.contains("custom")), (json!("Ventas"), false));
    admin.get(&format!("/publisher/groups/{id}")).await.is(200).shows("Our sales").shows("Ventas");

    // Without an id of the directory it is known by its own.
    let own = scim.post("/Groups", json!({ "displayName": "Testers" })).await;
    assert!(json_of(own.is(201)).get("externalId").is_none());

    // Gone there: said here, and back under the same id with what is open to it.
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    scim.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": ana }] }])).await.is(204);
    assert_eq!((scim.delete(&path).await, scim.delete(&path).await), (204, 404));
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    admin.get(&format!("/publisher/groups/{id}")).await.is(200).shows("does not have this group any more");
    let back = scim.post("/Groups", json!({ "displayName": "Ventas", "externalId": "g-1", "members": [{ "value": ana }] })).await;
    assert_eq!((id_of(back.is(201)), scim.members(&id).await), (id.clone(), vec![ana]));
    admin.get(&format!("/publisher/groups/{id}")).await.is(200).hides("does not have this group any more").shows("Our sales");
    // Deleted here: the directory does not find it.
    admin.post(&format!("/publisher/groups/{id}/delete"), &[]).await.is(303);
    assert_eq!(scim.ask(Method::GET, &path, Value::Null).await.status, 404);
    assert_eq!(scim.patch(&path, json!([{ "op": "remove", "path": "members" }])).await.status, 404);
}

#[tokio::test]
async fn a_group_that_sign_ins_told_of_is_taken_over() {
    let portal = Portal::start().await;
    let (scim, admin, provider) = Scim::start(&portal).await;
    portal.run(&["update providers set groups_claim = 'groups'"], vec![]).await;
    let mut tx = portal.db().write().await.unwrap();
    let new = portico::groups::NewExternal { provider: &scim.provider, tenant: "", external_id: "g-1", name_there: "Sales", address: "" };
    let (_, group) = portico::groups::add_external(&mut tx, &portico::auth::operator(), new, None).await.unwrap();
    tx.commit().await.unwrap();
    provider.says(json!({ "sub": "s1", "email": "ida@contoso.example", "email_verified": true, "groups": ["g-1"] }));
    provider.sign_in(&portal.guest(), &scim.provider).await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 1);
    assert_eq!(scim.ids("/Groups").await, [""; 0]);
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    let taken = scim.post("/Groups", json!({ "displayName": "Sales there", "externalId": "g-1", "members": [{ "value": ana }] })).await;
    assert_eq!(id_of(taken.is(201)), group.name);
    // Who is in it is whom the program names, and nobody else.
    assert_eq!(portal.texts("select u.first_name from memberships m join users u on u.id = m.user_id").await, ["Ana"]);
    provider.sign_in(&portal.guest(), &scim.provider).await.is(303);
    assert_eq!(portal.count("select count(*) from memberships").await, 1);
    drop(admin);
}

#[tokio::test]
async fn only_people_of_the_provider_are_members() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let ana = scim.add("Ana", "Sá", "ana@contoso.example").await;
    let dora = portal.add_user("dora@portal.example", "Dora", "X", UserState::Active, false).await;
    let sales = scim.add_group("Sales", "g-1", &[&ana]).await;
    let custom = portal.add_group("Partners").await;
    admin.post(&format!("/publisher/groups/{custom}/add-member"), &[("who", "ana@contoso.example")]).await.is(303);
    let path = format!("/Groups/{sales}");
    for (operations, why) in [
        (json!([{ "op": "add", "path": "members", "value": [{ "value": dora }] }]), "invalidValue"),
        (json!([{ "op": "add", "path": "members", "value": [{ "value": "none" }] }]), "invalidValue"),
        (json!([{ "op": "add", "path": "members", "value": [{ "value": ana }, { "value": sales, "type": "Group" }] }]), "invalidValue"),
        (json!([{ "op": "add", "path": "members", "value": [{ "display": "Ana" }] }]), "invalidValue"),
        (json!([{ "op": "replace", "path": "displayName", "value": "" }]), "invalidValue"),
        (json!([{ "op": "replace", "path": "members.display", "value": "x" }]), "mutability"),
        (json!([{ "op": "remove", "path": "members[display eq \"x\"]" }]), "invalidPath"),
        (json!([{ "op": "replace", "path": "id", "value": "x" }]), "mutability"),
    ] {
        assert_eq!(refusal(&scim.patch(&path, operations.clone()).await), (400, why.to_owned()), "{operations}");
    }
    assert_eq!(refusal(&scim.post("/Groups", json!({ "displayName": "X", "members": [{ "value": dora }] })).await).0, 400);
    assert_eq!(refusal(&scim.post("/Groups", json!({ "externalId": "x" })).await), (400, "invalidValue".to_owned()));
    assert_eq!(scim.members(&sales).await, vec![ana.clone()]);
    // A custom group is no directory's, and nobody's membership by hand is touched.
    assert_eq!(scim.ask(Method::GET, &format!("/Groups/{custom}"), Value::Null).await.status, 404);
    assert_eq!(scim.delete(&format!("/Users/{ana}")).await, 204);
    assert_eq!(portal.texts("select source from memberships").await, ["hand"]);
}

#[tokio::test]
async fn five_thousand_come_and_go_in_one_request() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let rows =
        serde_json::to_string(&(0..5_000).map(|number| json!([format!("p{number}"), format!("p{number}@x.example")])).collect::<Vec<_>>())
            .unwrap();
    let mut tx = portal.db().write().await.unwrap();
    use portico::db::{Kind, Select};
    let mut users = Select::new(
        &tx,
        "insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at)
         select n, n, e, e, n, n, n, n, 'active',",
    );
    let now = tx.now();
    users.bind(now).sql("from (select");
    let mut given = Select::new(&tx, "");
    given.given(&[Kind::Text, Kind::Text], rows);
    users.append(given).sql(") as people(n, e)");
    if tx.engine() == portico::db::Engine::Sqlite {
        users = Select::new(&tx, "insert into users (name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at)
            with recursive people(i) as (select 0 union all select i + 1 from people where i < 4999)
            select 'p' || i, 'p' || i, 'p' || i || '@x.example', 'p' || i || '@x.example', 'p', 'p', 'p', 'p', 'active',");
        users.bind(now).sql("from people");
    }
    users.execute(&mut tx).await.unwrap();
    let mut kept = Select::new(
        &tx,
        "insert into scim_users (provider_id, user_id, user_name, user_name_folded, active, attributes, created_at, modified_at)
         select p.id, u.id, u.name, u.name_folded, true, '{}',",
    );
    kept.bind(now).sql(",").bind(now).sql("from users u, providers p where u.email like 'p%@x.example'");
    kept.execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let sales = scim.add_group("Sales", "g-1", &[]).await;
    let everybody: Vec<Value> = (0..5_000).map(|number| json!({ "value": format!("p{number}") })).collect();
    let path = format!("/Groups/{sales}");
    let began = std::time::Instant::now();
    scim.patch(&path, json!([{ "op": "add", "path": "members", "value": everybody }])).await.is(204);
    let added = began.elapsed();
    assert_eq!(portal.count("select count(*) from memberships").await, 5_000);
    assert_eq!(scim.members(&sales).await.len(), 5_000);
    let began = std::time::Instant::now();
    scim.patch(&path, json!([{ "op": "remove", "path": "members", "value": everybody }])).await.is(204);
    let removed = began.elapsed();
    assert_eq!(portal.count("select count(*) from memberships").await, 0);
    // The build for tests, on a machine that does other things: the release takes a tenth.
    assert!(added.as_secs() < 10 && removed.as_secs() < 10, "{added:?} {removed:?}");
    // One entry, which does not grow without end.
    let entry = portal.texts("select after from audit where action = 'group.provisioned' order by id limit 1").await;
    assert!(entry[0].contains("\"more\":4000") && entry[0].len() < 20_000, "{}", entry[0].len());
}
