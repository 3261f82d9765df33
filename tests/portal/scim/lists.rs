//! Lists: filters, order, pages, and what of each resource is told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Portal,
    scim::{Scim, id_of, json_of, refusal},
};

fn filtered(filter: &str) -> String {
    format!("/Users?filter={}", url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>())
}

async fn people(scim: &Scim) -> [String; 3] {
    let mut ids = Vec::new();
    for (name, external, family, kind) in
        [("Ana@x.example", "e-1", "Sá", "work"), ("bo@x.example", "E-1", "Li", "home"), ("cy@y.example", "", "Ek", "work")]
    {
        let body = json!({
            "userName": name, "externalId": external, "displayName": name.split('@').next(), "name": { "givenName": "X", "familyName": family },
            "emails": [{ "value": name, "type": kind, "primary": true }, { "value": format!("other-{name}"), "type": "other" }], "title": "T",
        });
        ids.push(id_of(scim.post("/Users", body).await.is(201)));
    }
    ids.try_into().unwrap()
}

#[tokio::test]
async fn people_are_found_by_what_directories_ask() {
    let portal = Portal::start().await;
    let (scim, admin, _provider) = Scim::start(&portal).await;
    let [ana, bo, cy] = people(&scim).await;
    let all = [&ana, &bo, &cy];
    for (filter, found) in [
        (r#"userName eq "ana@X.example""#.to_owned(), vec![&ana]),
        (r#"USERNAME Eq "ANA@x.example""#.to_owned(), vec![&ana]),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b""#.to_owned(), vec![&bo]),
        (r#"externalId eq "e-1""#.to_owned(), vec![&ana]),
        (r#"externalId pr"#.to_owned(), vec![&ana, &bo]),
        (r#"not (externalId pr)"#.to_owned(), vec![&cy]),
        (format!(r#"id eq "{cy}""#), vec![&cy]),
        (r#"userName co "@X.""#.to_owned(), vec![&ana, &bo]),
        (r#"userName ew "y.example" or displayName eq "ANA""#.to_owned(), vec![&ana, &cy]),
        (r#"userName ne "bo@x.example""#.to_owned(), vec![&ana, &cy]),
        (r#"name.familyName gt "f" and name.familyName lt "m""#.to_owned(), vec![&bo]),
        (r#"name.familyName eq "SÁ""#.to_owned(), vec![&ana]),
        (r#"emails eq "bo@x.example""#.to_owned(), vec![&bo]),
        (r#"emails.value sw "other-c""#.to_owned(), vec![&cy]),
        (r#"emails.type eq "home""#.to_owned(), vec![&bo]),
        (r#"emails[type eq "work" and value ew "y.example"]"#.to_owned(), vec![&cy]),
        (r#"emails[type eq "work"].value eq "ana@x.example""#.to_owned(), vec![&ana]),
        (r#"emails[type eq "home"].value eq "ana@x.example""#.to_owned(), vec![]),
        (r#"emails[primary eq true and value sw "other"]"#.to_owned(), vec![]),
        (r#"not (emails[type eq "home"]) and active eq true"#.to_owned(), vec![&ana, &cy]),
        (r#"active eq "False""#.to_owned(), vec![]),
        (r#"meta.created ge "2026-03-02T09:00:00Z" and meta.lastModified lt "2026-03-03T00:00:00Z""#.to_owned(), all.to_vec()),
        (r#"meta.resourceType eq "User""#.to_owned(), all.to_vec()),
        (r#"displayName eq null"#.to_owned(), vec![]),
        (r#"userName eq "o' or 1=1 --""#.to_owned(), vec![]),
        (r#"userName co "%" or userName co "_""#.to_owned(), vec![]),
        (r#"userName eq "\u0000""#.to_owned(), vec![]),
        (format!("({})", vec![r#"userName eq "cy@y.example""#; 100].join(" or ")), vec![&cy]),
    ] {
        let mut ids = scim.ids(&filtered(&filter)).await;
        let mut found: Vec<String> = found.into_iter().cloned().collect();
        ids.sort();
        found.sort();
        assert_eq!(ids, found, "{filter}");
    }
    admin.post(&format!("/publisher/users/{bo}/block"), &[]).await.is(303);
    assert_eq!(scim.ids(&filtered("active eq false")).await, vec![bo.clone()]);
    for filter in [
        "title eq \"T\"",
        "shoeSize pr",
        "userName",
        "userName eq",
        "userName xx \"a\"",
        "userName eq \"a\" and",
        "emails[display eq \"x\"]",
        "active gt true",
        "active eq \"x\"",
        "userName eq true",
        "meta.created eq \"yesterday\"",
        "meta.created co \"2026\"",
        "password eq \"x\"",
        "userName gt null",
        "urn:x:User:userName eq \"a\"",
        "name eq \"x\"",
        "members eq \"x\"",
        "emails[emails[value pr]]",
        "(((userName pr)",
    ] {
        assert_eq!(refusal(&scim.ask(Method::GET, &filtered(filter), Value::Null).await), (400, "invalidFilter".to_owned()), "{filter}");
    }
    // As bounded as they are deep.
    for filter in ["(".repeat(3_000), format!("{}userName pr", "not ".repeat(200)), vec!["userName pr"; 101].join(" and ")] {
        let body = json!({ "filter": filter });
        assert_eq!(refusal(&scim.post("/Users/.search", body).await), (400, "invalidFilter".to_owned()));
    }
}

#[tokio::test]
async fn groups_are_found_by_what_directories_ask() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let [ana, bo, _] = people(&scim).await;
    let sales = scim.add_group("Sales", "g-1", &[&ana]).await;
    let dev = scim.add_group("Développement", "g-2", &[&ana, &bo]).await;
    for (filter, found) in [
        (r#"displayName eq "SALES""#.to_owned(), vec![&sales]),
        (r#"externalId eq "g-2""#.to_owned(), vec![&dev]),
        (r#"displayName sw "dé""#.to_owned(), vec![&dev]),
        (format!(r#"id eq "{sales}" and members eq "{ana}""#), vec![&sales]),
        (format!(r#"id eq "{sales}" and members eq "{bo}""#), vec![]),
        (format!(r#"members[value eq "{bo}"]"#), vec![&dev]),
        (format!(r#"members.value eq "{ana}""#), vec![&sales, &dev]),
        ("members pr".to_owned(), vec![&sales, &dev]),
        (r#"meta.resourceType eq "User""#.to_owned(), vec![]),
    ] {
        let path = format!(
            "/Groups?excludedAttributes=members&filter={}",
            url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>()
        );
        let list = scim.get(&path).await;
        assert_eq!(list["totalResults"], found.len(), "{filter}");
        assert!(!list.to_string().contains("\"members\""), "{list}");
        let mut found: Vec<&str> = found.into_iter().map(String::as_str).collect();
        let mut ids: Vec<&str> = list["Resources"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        found.sort_unstable();
        ids.sort_unstable();
        assert_eq!(ids, found, "{filter}");
    }
    let with = scim.get("/Groups").await;
    assert_eq!(with["Resources"][1]["members"].as_array().unwrap().len(), 2);
    for filter in ["members co \"x\"", "members[type eq \"User\"]", "userName pr"] {
        let path = format!("/Groups?filter={}", url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>());
        assert_eq!(refusal(&scim.ask(Method::GET, &path, Value::Null).await), (400, "invalidFilter".to_owned()), "{filter}");
    }
    // Of both kinds at once: people first; what one kind does not know, none of it meets.
    let search = async |body: Value| json_of(scim.post("/.search", body).await.is(200));
    let all = search(json!({ "count": 4, "attributes": ["userName", "displayName"] })).await;
    assert_eq!((&all["totalResults"], &all["itemsPerPage"]), (&json!(5), &json!(4)));
    assert_eq!(all["Resources"][3]["displayName"], "Sales");
    assert_eq!(search(json!({ "startIndex": 5 })).await["Resources"][0]["id"], *dev);
    assert_eq!(search(json!({ "startIndex": 3, "count": 2 })).await["Resources"][1]["id"], *sales);
    assert_eq!(search(json!({ "filter": "userName sw \"ana\"" })).await["totalResults"], 1);
    assert_eq!(search(json!({ "filter": "displayName pr" })).await["totalResults"], 5);
    assert_eq!(refusal(&scim.post("/.search", json!({ "filter": "title pr" })).await), (400, "invalidFilter".to_owned()));
    assert_eq!(search(json!({ "filter": "members pr" })).await["totalResults"], 2);
}

#[tokio::test]
async fn pages_hold_everybody_once_in_every_order() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(scim.add("Same", "Name", &format!("p{}@x.example", (number * 3) % 7)).await);
    }
    for order in [
        "",
        "&sortBy=userName",
        "&sortBy=userName&sortOrder=descending",
        "&sortBy=name.familyName",
        "&sortBy=name.familyName&sortOrder=descending",
        "&sortBy=id",
        "&sortBy=externalId",
        "&sortBy=displayName",
        "&sortBy=emails.value",
        "&sortBy=meta.created",
        "&sortBy=meta.lastModified",
        "&sortBy=name.givenName",
    ] {
        let mut seen = Vec::new();
        for start in [1, 4, 7, 10] {
            let list = scim.get(&format!("/Users?startIndex={start}&count=3{order}")).await;
            assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(7), &json!(start)));
            let page: Vec<String> =
                list["Resources"].as_array().into_iter().flatten().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            assert_eq!(list["itemsPerPage"], page.len());
            seen.extend(page);
        }
        let mut sorted = seen.clone();
        sorted.sort();
        let mut wanted = all.clone();
        wanted.sort();
        assert_eq!(sorted, wanted, "{order}");
        if order.is_empty() {
            assert_eq!(seen, all);
        }
    }
    let names: Vec<String> = {
        let list = scim.get("/Users?sortBy=userName&sortOrder=descending").await;
        list["Resources"].as_array().unwrap().iter().map(|one| one["userName"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names.windows(2).all(|pair| pair[0] > pair[1]), "{names:?}");
    for (query, items) in [
        ("count=0", 0),
        ("count=-1", 0),
        ("startIndex=0", 7),
        ("startIndex=-5&count=2", 2),
        ("count=1000000", 7),
        ("startIndex=9223372036854775807", 0),
    ] {
        let list = scim.get(&format!("/Users?{query}")).await;
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(7), &json!(items)), "{query}");
    }
    for order in ["id", "externalId", "displayName", "meta.created", "meta.lastModified"] {
        assert_eq!(scim.get(&format!("/Groups?sortBy={order}&sortOrder=descending")).await["totalResults"], 0);
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    let portal = Portal::start().await;
    let (scim, _admin, _provider) = Scim::start(&portal).await;
    let [ana, _, _] = people(&scim).await;
    let group = scim.add_group("Sales", "g-1", &[&ana]).await;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let user = scim.get(&format!("/Users/{ana}?attributes=userName,NAME.familyName,emails.value")).await;
    assert_eq!(keys(&user), ["schemas", "id", "userName", "name", "emails"]);
    assert_eq!((&user["name"], keys(&user["emails"][0])), (&json!({ "familyName": "Sá" }), vec!["value".to_owned()]));
    let user = scim
        .get(&format!("/Users/{ana}?excludedAttributes=emails.type,name,meta,id,urn:ietf:params:scim:schemas:core:2.0:User:title"))
        .await;
    assert_eq!(keys(&user), ["schemas", "id", "externalId", "userName", "active", "displayName", "emails"]);
    assert_eq!(keys(&user["emails"][0]), ["value", "primary"]);
    let groups = scim.get("/Groups?attributes=displayName").await;
    assert_eq!(keys(&groups["Resources"][0]), ["schemas", "id", "displayName"]);
    let shown = scim.get(&format!("/Groups/{group}?attributes=members")).await;
    assert_eq!(keys(&shown), ["schemas", "id", "members"]);
    let found = scim
        .post(
            "/Users/.search",
            json!({ "attributes": ["userName"], "filter": "userName sw \"ana\"", "sortBy": "userName", "startIndex": 1, "count": 5 }),
        )
        .await;
    assert_eq!(json_of(found.is(200))["Resources"].as_array().unwrap().len(), 1);
    let patched =
        scim.patch(&format!("/Users/{ana}?attributes=title"), json!([{ "op": "replace", "path": "title", "value": "New" }])).await;
    assert_eq!(keys(&json_of(patched.is(200))), ["schemas", "id", "title"]);
}
