//! What nobody's browser sends: every form, address, query and cookie filled by chance. The portal says no, or yes; it never falls over.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::Method;

use super::{Chance, counted, rounds};
use crate::support::{Browser, FORM, PASSWORD, Portal, Reply, seed::Product};
use portico::{ids::encode, users::UserState};

/// Every field and parameter that some page reads.
const FIELDS: &[&str] = &[
    "action",
    "add",
    "add_other",
    "all",
    "api",
    "api_version",
    "approval_required",
    "before",
    "close",
    "comment",
    "current",
    "description",
    "display_name",
    "document",
    "email",
    "filter",
    "first_name",
    "from",
    "group",
    "in",
    "kind",
    "last_name",
    "listed",
    "name",
    "next",
    "not_in",
    "note",
    "open",
    "other",
    "page",
    "password",
    "q",
    "remove",
    "remove_other",
    "repeated",
    "role",
    "show",
    "shown",
    "size",
    "sort",
    "state",
    "subscription_required",
    "subscriptions",
    "subscriptions_limit",
    "suffix",
    "tab",
    "tag",
    "terms",
    "terms_accepted",
    "theme",
    "to",
    "token",
    "url",
    "user",
    "version",
    "version_set",
    "was",
    "which",
    "who",
    "accept",
];

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "1",
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e9",
    "",
    " ",
    "on",
    "all",
    "alpha",
    "ALPHA",
    "administrators",
    "guests",
    "developers",
    "orders",
    "tia",
    "echo",
    "name",
    "-name",
    "-registered",
    "--name",
    "active",
    "deleted",
    "blocked",
    "grant",
    "revoke",
    "dark",
    "//evil.example",
    "/publisher/users",
    "javascript:alert(1)",
    "tia@portal.example",
    "root@portal.example",
    "2026-02-30",
    "2026-03-02",
    "9999-12-31",
    "0000-00-00",
    "+99999-01-01",
    "\u{0}",
    "a\u{0}b",
    "%",
    "_",
    "\\",
    "'",
    "\"",
    "';--",
    "<script>",
    "{{7*7}}",
    "\u{202e}",
    "\u{fffd}",
    "ﬁ",
    "İ",
    "ẞ",
    "\u{1f469}\u{200d}\u{1f680}",
    "*",
    "NEAR",
    "\" OR \"",
    "../../etc/passwd",
    "http://127.0.0.1:1/",
    "{\"openapi\":\"3.0.0\"}",
    "null",
    "true",
    "[]",
    "NaN",
];

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        2 => "\\PC{0,30}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        1 => ("[a-z%_' ]{1,3}", 100_usize..3000).prop_map(|(piece, times)| piece.repeat(times).into_bytes()),
    ]
}

fn escaped(bytes: &[u8]) -> String {
    percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Fields with values, well formed.
fn pairs(most: usize) -> impl Strategy<Value = String> {
    let field = prop_oneof![9 => prop::sample::select(FIELDS).prop_map(str::to_owned), 1 => "[a-z_\\[\\].]{0,12}"];
    prop::collection::vec((field, word()), 0..most).prop_map(|pairs| {
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name.as_bytes()), escaped(value))).collect();
        pairs.join("&")
    })
}

/// A form's body: mostly fields, sometimes anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => pairs(12).prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => "[a-z_=&;%+\\[\\]0-9]{0,200}".prop_map(String::into_bytes),
    ]
}

/// A body of several parts: mostly whole, sometimes cut.
fn parts() -> impl Strategy<Value = Vec<u8>> {
    let part = (prop::sample::select(FIELDS), word(), any::<bool>());
    (prop::collection::vec(part, 0..8), any::<prop::sample::Index>(), 0..10_u8).prop_map(|(parts, at, cut)| {
        let mut body = Vec::new();
        for (name, value, file) in parts {
            let (name, kind) = if file { ("file", "; filename=\"x.json\"") } else { (name, "") };
            body.extend(format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{kind}\r\n\r\n").into_bytes());
            body.extend(value);
            body.extend(b"\r\n");
        }
        body.extend(b"--b--\r\n");
        if cut == 0 {
            body.truncate(at.index(body.len()));
        }
        body
    })
}

/// A name in an address: mostly one that exists.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(&["alpha", "orders", "tia", "echo", "held", "administrators", "guests", "list-things", "TIA", "root"][..]).prop_map(str::to_owned),
        2 => word().prop_map(|bytes| escaped(&bytes[..bytes.len().min(400)])),
        1 => "[a-z0-9.~%-]{1,20}",
    ]
}

struct Source(TestRunner);

impl Source {
    fn new(chance: &mut Chance) -> Self {
        let mut seed = [0; 32];
        seed.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&chance.next().to_le_bytes()));
        Self(TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &seed)))
    }

    fn one<S: Strategy>(&mut self, of: &S) -> S::Value {
        of.new_tree(&mut self.0).expect("a value").current()
    }
}

async fn filled() -> Portal {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    portal.add_user("tia@portal.example", "Tia", "Target", UserState::Active, false).await;
    portal
}

/// What forms may have deleted or renamed is there again.
async fn refill(portal: &Portal) {
    portal.run(&["delete from sign_in_failures"], vec![]).await;
    portal.run(&["update users set state = 'active', administrator = (email_folded = 'root@portal.example'), name = 'tia', name_folded = 'tia' where email_folded = 'tia@portal.example'"], vec![]).await;
    if portal.count("select count(*) from groups where name = 'alpha'").await == 0 {
        portal.run(&["delete from memberships"], vec![]).await;
        portal.run(&["delete from product_groups where group_id > 3"], vec![]).await;
        portal.run(&["delete from groups where kind = 'custom'"], vec![]).await;
        portal.add_group("Alpha").await;
    }
    if portal.count("select count(*) from products where name = 'orders'").await == 0 {
        portal.run(&["update products set display_name = name, display_name_folded = name_folded"], vec![]).await;
        portal.seed_product(Product { name: "orders", groups: &["guests", "developers"], ..Product::default() }).await;
    }
    if portal.count("select count(*) from apis where name = 'echo'").await == 0 {
        portal.run(&["update apis set suffix = name, suffix_folded = name_folded"], vec![]).await;
        portal.seed_api("echo", &["orders"]).await;
    }
}

/// Somebody who is signed in, again when a form ended the session.
async fn signed_in(portal: &Portal, was: &mut Browser, email: &str) -> Browser {
    if was.get("/account").await.status != 200 {
        refill(portal).await;
        let reply = portal.guest();
        let answer = reply.post("/signin", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{email} signs in: {}", answer.text);
        *was = reply;
    }
    was.clone()
}

fn never_falls(reply: &Reply, told: impl FnOnce() -> String) {
    // 503: a machine with too much to do at once may say so.
    assert!(reply.status < 500 || reply.status == 503, "{}: {}\n{}", told(), reply.status, reply.text);
}

#[tokio::test]
async fn every_form_takes_anything() {
    let portal = filled().await;
    let mut chance = Chance::new();
    let mut source = Source::new(&mut chance);
    let routes: Vec<_> =
        portico::app::route_list().into_iter().filter(|(method, _)| method == "POST").map(|(_, pattern)| pattern).collect();
    let (mut admin, mut dev) = (portal.guest(), portal.guest());
    let times = rounds(8, 400);
    let (mut sent, mut taken) = (0, 0);
    let (names, bodies, multiparts) = (name(), body(), parts());
    for round in 0..times {
        refill(&portal).await;
        for pattern in &routes {
            let browser = match chance.below(10) {
                0 => portal.guest(),
                1 | 2 => signed_in(&portal, &mut dev, "dev@portal.example").await,
                _ => signed_in(&portal, &mut admin, "root@portal.example").await,
            };
            let mut path = (*pattern).to_owned();
            for gap in ["{name}", "{inner}"] {
                if path.contains(gap) {
                    let usual = if pattern.contains("groups") {
                        "alpha"
                    } else if pattern.contains("products") {
                        "orders"
                    } else if pattern.contains("users") {
                        "tia"
                    } else {
                        "echo"
                    };
                    let name = if chance.percent(60) { usual.to_owned() } else { source.one(&names) };
                    path = path.replace(gap, &name);
                }
            }
            let files = pattern.contains("import") || pattern.ends_with("/edit") || pattern.ends_with("/replace");
            let (kind, body) = match (files, chance.below(8)) {
                (true, 0..7) | (false, 0) => ("multipart/form-data; boundary=b", source.one(&multiparts)),
                _ => (FORM, source.one(&bodies)),
            };
            let headers = [("sec-fetch-site", "same-origin"), ("origin", portal.base.as_str())];
            let reply = browser.send_bytes(Method::POST, &path, &headers, kind, body.clone()).await;
            never_falls(&reply, || format!("seed {}, round {round}: {path} with {kind} {:?}", chance.seed, String::from_utf8_lossy(&body)));
            sent += 1;
            taken += usize::from(reply.status == 303);
        }
    }
    counted(&format!("{sent} forms filled by chance to {} routes, {taken} of them taken; seed {}", routes.len(), chance.seed));
}

#[tokio::test]
async fn every_address_and_query_takes_anything() {
    let portal = filled().await;
    let mut chance = Chance::new();
    let mut source = Source::new(&mut chance);
    let routes: Vec<_> = portico::app::route_list().into_iter().filter(|(method, _)| method == "GET").map(|(_, pattern)| pattern).collect();
    refill(&portal).await;
    let people = [portal.guest(), portal.signed_in("root@portal.example").await];
    let times = rounds(6, 300);
    let mut asked = 0;
    let (names, queries) = (name(), pairs(5));
    for round in 0..times {
        for pattern in &routes {
            let mut path = (*pattern).to_owned();
            for gap in ["{name}", "{inner}", "{file:.*}"] {
                if path.contains(gap) {
                    path = path.replace(gap, &source.one(&names));
                }
            }
            let query = source.one(&queries);
            let path = if chance.percent(85) { format!("{path}?{query}") } else { path };
            // Longer heads are refused before any page is asked.
            let browser = &people[usize::from(chance.percent(75))];
            let reply = browser.get(&path).await;
            never_falls(&reply, || format!("seed {}, round {round}: {path}", chance.seed));
            asked += 1;
        }
    }
    counted(&format!("{asked} addresses by chance of {} routes; seed {}", routes.len(), chance.seed));
}

/// What a session holds may have been written by another version, and a cookie by anybody.
#[tokio::test]
async fn any_cookie_and_any_kept_state() {
    let portal = filled().await;
    let mut chance = Chance::new();
    let mut source = Source::new(&mut chance);
    let admin = portal.signed_in("root@portal.example").await;
    let states = prop_oneof![
        word().prop_map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', "")),
        word().prop_map(|bytes| serde_json::json!({ "flash": String::from_utf8_lossy(&bytes).replace('\0', "") }).to_string()),
        (word(), any::<bool>(), any::<i32>()).prop_map(|(bytes, all, number)| {
            let text = String::from_utf8_lossy(&bytes).replace('\0', "");
            let flash =
                serde_json::json!({ "tone": text, "text": text, "undo": text, "ticked": [text, "tia"], "all_ticked": all, "more": number });
            serde_json::json!({ "flash": flash.to_string(), "theme": text, "user": "77", "person": text, "session": text }).to_string()
        }),
        Just("{\"flash\": 3, \"user\": {}}".to_owned()),
        Just("[]".to_owned()),
        Just(String::new()),
    ];
    let cookies = prop_oneof!["[!#-+\\--:<-\\[\\]-~]{0,200}", word().prop_map(|bytes| escaped(&bytes))];
    let times = rounds(60, 3000);
    for round in 0..times {
        let state = source.one(&states);
        portal.run(&["update sessions set state =", ""], vec![state.clone().into()]).await;
        for page in ["/publisher/users", "/publisher/groups", "/account"] {
            let reply = admin.get(page).await;
            assert_eq!(reply.status, 200, "seed {}, round {round}: {page} with {state:?}\n{}", chance.seed, reply.text);
        }
        let cookie = format!("portico={}; theme={}", source.one(&cookies), source.one(&cookies));
        let reply = portal.guest().send_bytes(Method::GET, "/products", &[("cookie", &cookie)], "", Vec::new()).await;
        assert_eq!(reply.status, 200, "seed {}, round {round}: {cookie:?}\n{}", chance.seed, reply.text);
    }
    assert_eq!(portal.count("select count(*) from sessions").await, 1);
    counted(&format!("{times} kept states and cookies by chance; seed {}", chance.seed));
}

/// Descriptions of APIs through the form: good ones with bytes, pieces and values changed. Each is answered in good time.
#[tokio::test]
async fn any_description_is_imported_or_refused() {
    let portal = filled().await;
    let mut chance = Chance::new();
    refill(&portal).await;
    let admin = portal.signed_in("root@portal.example").await;
    let good = serde_json::json!({
        "openapi": "3.0.3",
        "info": { "title": "Mutant", "version": "1.0", "description": "A *thing*" },
        "servers": [{ "url": "https://{host}.example/{v}", "variables": { "host": { "default": "a" }, "v": { "default": "1", "enum": ["1"] } } }],
        "tags": [{ "name": "Things", "description": "All" }],
        "paths": { "/things/{id}": {
            "parameters": [{ "$ref": "#/components/parameters/Id" }],
            "get": { "operationId": "get-thing", "tags": ["Things"], "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" }, "example": { "a": [1, null, true] } } } } } },
            "put": { "requestBody": { "$ref": "#/components/requestBodies/Put" }, "deprecated": true, "security": [{ "key": [] }], "responses": { "default": { "description": "Else" } } },
        } },
        "components": {
            "parameters": { "Id": { "name": "id", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 1 } } },
            "requestBodies": { "Put": { "content": { "application/json": { "schema": { "allOf": [{ "$ref": "#/components/schemas/Thing" }, { "type": "object", "properties": { "b": { "oneOf": [{ "type": "string" }, { "$ref": "#/components/schemas/Thing" }] } } }] } } } } },
            "schemas": { "Thing": { "type": "object", "required": ["a"], "properties": { "a": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } }, "map": { "additionalProperties": { "type": "number", "format": "double" } } } } },
            "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-Key" } },
        },
    });
    let times = rounds(60, 4000);
    let (mut taken, mut longest) = (0, std::time::Duration::ZERO);
    for round in 0..times {
        let mut tree = good.clone();
        for _ in 0..chance.below(4) {
            mutate(&mut tree, &good, &mut chance);
        }
        let mut bytes = tree.to_string().into_bytes();
        for _ in 0..if chance.percent(40) { 1 + chance.below(4) } else { 0 } {
            let at = chance.below(bytes.len());
            bytes[at] = chance.below(256) as u8;
        }
        let began = std::time::Instant::now();
        let reply = admin.upload("/publisher/import/api", &[("display_name", ""), ("suffix", &format!("m{round}"))], Some(&bytes)).await;
        longest = longest.max(began.elapsed());
        let told = || format!("seed {}, round {round}: {}", chance.seed, String::from_utf8_lossy(&bytes));
        never_falls(&reply, told);
        if reply.status == 303 {
            taken += 1;
            let path = reply.location().to_owned();
            let page = admin.get(&path).await;
            assert_eq!(page.status, 200, "{}\n{path}\n{}", told(), page.text);
            let name = path.split(['?', '#']).next().unwrap().trim_start_matches("/publisher/apis/").to_owned();
            portal.run(&["insert into product_apis (product_id, api_id) select p.id, a.id from products p, apis a where p.name = 'orders' and a.name =", ""], vec![name.clone().into()]).await;
            let guest = portal.guest();
            guest.get(&format!("/apis/{}", encode(&name))).await.is(200);
            for operation in operations(&portal, &name).await {
                let page = guest.get(&format!("/apis/{}/operations/{}", encode(&name), encode(&operation))).await;
                assert_eq!(page.status, 200, "{}\n{operation}\n{}", told(), page.text);
            }
            admin.post(&format!("/publisher/apis/{}/delete", encode(&name)), &[]).await.is(303);
        }
    }
    assert!(longest < std::time::Duration::from_secs(10), "an import took {longest:?}");
    counted(&format!("{times} changed descriptions, {taken} of them taken, the longest in {longest:?}; seed {}", chance.seed));
}

async fn operations(portal: &Portal, api: &str) -> Vec<String> {
    let mut connection = portal.db().read().await.unwrap();
    let mut rows = portico::db::Select::new(&connection, "select o.name from operations o join apis a on a.id = o.api_id where a.name =");
    rows.bind(api);
    rows.all::<(String,)>(&mut connection).await.unwrap().into_iter().map(|row| row.0).collect()
}

/// A place in a document, deeper with each step.
fn somewhere<'a>(tree: &'a mut serde_json::Value, chance: &mut Chance) -> &'a mut serde_json::Value {
    let length = match tree {
        serde_json::Value::Object(fields) => fields.len(),
        serde_json::Value::Array(items) => items.len(),
        _ => 0,
    };
    if length == 0 || chance.percent(15) {
        return tree;
    }
    let at = chance.below(length);
    match tree {
        serde_json::Value::Object(fields) => somewhere(fields.values_mut().nth(at).expect("a field"), chance),
        serde_json::Value::Array(items) => somewhere(&mut items[at], chance),
        _ => unreachable!("it has no length"),
    }
}

/// Puts something else in a place: a value of another kind, a piece from elsewhere, a reference, a word.
fn mutate(tree: &mut serde_json::Value, good: &serde_json::Value, chance: &mut Chance) {
    let mut other = good.clone();
    let piece = somewhere(&mut other, chance).clone();
    let place = somewhere(tree, chance);
    *place = match chance.below(7) {
        0 => serde_json::Value::Null,
        1 => serde_json::json!(chance.pick(&[0.0, -1.5, 1e300, 9e18])),
        2 => {
            serde_json::json!({ "$ref": chance.pick(&["#", "#/", "#/components/schemas/Thing", "#/paths/~1things~1{id}/get", "other.json#/a", "#/components/parameters/Id", "%", "#/%zz"]) })
        }
        3 => serde_json::json!(chance.pick(WORDS)),
        4 => serde_json::json!([piece, piece]),
        5 => serde_json::json!({ (*chance.pick(WORDS)): piece }),
        _ => piece,
    };
}
