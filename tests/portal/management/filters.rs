//! Every field of every list, in every way that the contract has for it: both databases understand what is made of it.

use portico::{ids, users::UserState};
use reqwest::Method;
use serde_json::json;

use super::{Program, refusal};
use crate::support::Portal;

/// What may be done with a field.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    All,
    /// No functions.
    Operators,
    /// `eq` and `ne`.
    Equality,
    Equal,
}
use Ways::{All, Equal, Equality, Operators};

/// Its name, what may be done with it, and something to compare with.
type Asked = (&'static str, Ways, &'static str);

const USERS: &[Asked] = &[
    ("name", All, "'x'"),
    ("firstName", All, "'x'"),
    ("lastName", All, "'x'"),
    ("email", All, "'x'"),
    ("note", All, "'x'"),
    ("registrationDate", Operators, "datetime'2026-01-01T00:00:00Z'"),
];
const GROUPS: &[Asked] = &[("name", All, "'x'"), ("displayName", All, "'x'"), ("description", All, "'x'")];
const SUBSCRIPTIONS: &[Asked] = &[
    ("name", All, "'x'"),
    ("displayName", All, "'x'"),
    ("stateComment", All, "'x'"),
    ("ownerId", All, "'/users/x'"),
    ("scope", All, "'/products/x'"),
    ("userId", All, "'x'"),
    ("productId", All, "'x'"),
    ("state", Equal, "'active'"),
];
const APIS: &[Asked] =
    &[("name", All, "'x'"), ("displayName", All, "'x'"), ("description", All, "'x'"), ("serviceUrl", All, "'x'"), ("path", All, "'x'")];

#[tokio::test]
async fn every_field_of_every_list_can_be_asked_for() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "write").await;
    let ana = json!({ "email": "ana@contoso.example", "firstName": "Ana", "lastName": "Alves" });
    program.put("/users/ana", ana).await.is(201);
    program.put("/products/orders", json!({ "displayName": "Orders" })).await.is(201);
    program.put("/apis/echo", json!({ "displayName": "Echo", "path": "echo" })).await.is(201);
    let lists: &[(&str, &[&[Asked]])] = &[
        ("/groups", &[GROUPS, &[("externalId", Equal, "'x'")]]),
        ("/groups/guests/users", &[USERS]),
        ("/users", &[USERS, &[("state", Equal, "'active'")]]),
        ("/users/ana/groups", &[GROUPS]),
        ("/products", &[GROUPS, &[("terms", All, "'x'"), ("state", Equal, "'published'")]]),
        ("/products/orders/groups", &[&[("name", Operators, "'x'"), ("displayName", Equality, "'x'"), ("description", Equality, "'x'")]]),
        ("/subscriptions", &[SUBSCRIPTIONS]),
        ("/products/orders/subscriptions", &[SUBSCRIPTIONS]),
        ("/users/ana/subscriptions", &[SUBSCRIPTIONS]),
        ("/apis", &[APIS, &[("isCurrent", Equality, "true")]]),
        ("/products/orders/apis", &[APIS]),
        ("/apis/echo/products", &[&[("displayName", All, "'x'")]]),
        (
            "/apis/echo/operations",
            &[&[
                ("name", All, "'x'"),
                ("displayName", All, "'x'"),
                ("method", All, "'x'"),
                ("description", All, "'x'"),
                ("urlTemplate", All, "'x'"),
            ]],
        ),
    ];
    for (path, fields) in lists {
        for (field, ways, value) in fields.iter().copied().flatten() {
            let compared = ["eq", "ne", "gt", "ge", "lt", "le"].map(|operator| (operator, format!("{field} {operator} {value}")));
            let called = ["contains", "startswith", "endswith"].map(|function| (function, format!("{function}({field}, {value})")));
            let turned = [("substringof", format!("substringof({value}, {field})"))];
            for (way, filter) in compared.into_iter().chain(called).chain(turned) {
                let may = match ways {
                    All => true,
                    Operators => way.len() == 2,
                    Equality => matches!(way, "eq" | "ne"),
                    Equal => way == "eq",
                };
                let reply = program.ask(Method::GET, &format!("{path}?$filter={}", ids::encode(&filter)), "", None).await;
                if may {
                    assert_eq!(reply.status, 200, "{path} {filter}: {}", reply.text);
                } else {
                    assert_eq!((refusal(&reply).0, refusal(&reply).2.as_str()), (400, "$filter"), "{path} {filter}");
                }
            }
        }
    }
}

#[tokio::test]
async fn beginnings_are_found_to_the_letter() {
    let portal = Portal::start().await;
    let program = Program::new(&portal, "read").await;
    let names = ["Ab", "Abc", "AB", "A\u{D7FF}z", "A\u{E000}", "A\u{10FFFF}x", "\u{10FFFF}\u{10FFFF}", "B", "a_b", "a%b"];
    for (number, name) in names.iter().enumerate() {
        portal.add_user(&format!("{number}@contoso.example"), name, "X", UserState::Active, false).await;
    }
    for beginning in ["A", "Ab", "AB", "A\u{D7FF}", "A\u{E000}", "A\u{10FFFF}", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}", "a_", "a%", "C"] {
        let filter = ids::encode(&format!("startswith(firstName,'{beginning}')"));
        let page = program.get(&format!("/users?$filter={filter}")).await;
        let found = page["value"].as_array().unwrap().iter().map(|user| user["properties"]["firstName"].as_str().unwrap());
        let expected: Vec<&str> = names.into_iter().filter(|name| name.starts_with(beginning)).collect();
        assert_eq!(found.collect::<Vec<_>>(), expected, "{beginning:?}");
        assert_eq!(page["count"], expected.len(), "{beginning:?}");
    }
    // Along an index of its own, and with a state that nobody is in.
    for (filter, expected) in [
        ("state eq 'active' and registrationDate ge datetime'2000-01-01T00:00:00Z'", names.len()),
        ("not (state eq 'active')", 0),
        ("state eq 'deleted' or registrationDate lt datetime'2000-01-01T00:00:00Z'", 0),
    ] {
        let page = program.get(&format!("/users?$top=3&$filter={}", ids::encode(filter))).await;
        assert_eq!(page["count"], expected, "{filter}");
        assert_eq!(page["value"].as_array().unwrap().len(), expected.min(3), "{filter}");
    }
}
