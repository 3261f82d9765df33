//! What monitoring is told, and where.

use std::{future::poll_fn, net::TcpListener, pin::Pin, task::Poll};

use crate::{
    program::{SECRET, Serving, error_of, portico},
    support::{Browser, PASSWORD, Portal, database_url},
};
use portico::db::Engine;
use reqwest::Method;

async fn measured() -> Portal {
    Portal::start_with(|options| options.metrics = Some("127.0.0.1:0".to_owned())).await
}

fn told(portal: &Portal) -> String {
    portal.state.metrics.as_ref().expect("metrics").text().expect("told")
}

/// The value after a name and its labels.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series).and_then(|rest| rest.strip_prefix(' ')));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("a number")
}

/// Asks a future once, and whether it has to wait.
async fn waits<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_what_a_client_wrote() {
    let portal = measured().await;
    let guest = portal.guest();
    for _ in 0..3 {
        guest.get("/products").await.is(200);
    }
    guest.get("/products/none").await.is(404);
    guest.get("/products/nothing").await.is(404);
    guest.send(Method::HEAD, "/products", &[], "", "").await.is(200);
    guest.send(Method::DELETE, "/products", &[("sec-fetch-site", "same-origin")], "", "").await.is(405);
    let text = told(&portal);
    assert_eq!(value(&text, r#"portico_requests_total{route="/products",method="GET",status="200"}"#), 3.0);
    assert_eq!(value(&text, r#"portico_requests_total{route="/products/{name}",method="GET",status="404"}"#), 2.0);
    assert_eq!(value(&text, r#"portico_requests_total{route="/products",method="HEAD",status="200"}"#), 1.0);
    assert_eq!(value(&text, r#"portico_requests_total{route="/products",method="DELETE",status="405"}"#), 1.0);
    assert_eq!(value(&text, r#"portico_request_duration_seconds_count{route="/products"}"#), 5.0);
    assert_eq!(value(&text, r#"portico_request_duration_seconds_bucket{le="+Inf",route="/products"}"#), 5.0);
    assert!(value(&text, r#"portico_request_duration_seconds_sum{route="/products"}"#) > 0.0);
    assert!(text.ends_with("# EOF\n"));

    let strange = |n: usize| (Method::from_bytes(format!("BREW{n}").as_bytes()).unwrap(), format!("/secret-{n}/of/somebody"));
    let (method, path) = strange(0);
    guest.send(method, &path, &[("sec-fetch-site", "same-origin")], "", "").await.is(404);
    let lines = told(&portal).lines().count();
    for n in 1..100 {
        let (method, path) = strange(n);
        guest.send(method, &path, &[("sec-fetch-site", "same-origin")], "", "").await.is(404);
    }
    let text = told(&portal);
    assert_eq!(text.lines().count(), lines, "a hundred addresses and methods are one label");
    assert_eq!(value(&text, r#"portico_requests_total{route="unmatched",method="other",status="404"}"#), 100.0);
    assert!(!text.contains("secret") && !text.contains("BREW") && !text.contains("none\""), "{text}");
}

#[tokio::test]
async fn sign_ins_are_counted_by_how_they_ended() {
    let portal = measured().await;
    let dev = portal.developer("dev@portal.example").await;
    portal.add_user("late@portal.example", "Late", "Riser", portico::users::UserState::Blocked, false).await;
    portal.guest().post("/signin", &[("email", "late@portal.example"), ("password", PASSWORD)]).await.is(403);
    for _ in 0..2 {
        portal.guest().post("/signin", &[("email", "nobody@portal.example"), ("password", "not the password")]).await.is(422);
    }
    dev.get("/account").await.is(200);
    let text = told(&portal);
    for (outcome, times) in [("signed_in", 1.0), ("not_active", 1.0), ("wrong", 2.0)] {
        assert_eq!(value(&text, &format!(r#"portico_sign_ins_total{{outcome="{outcome}"}}"#)), times, "{outcome}");
    }
    assert!(!text.contains('@'), "{text}");
}

#[tokio::test]
async fn pools_and_the_queue_for_passwords_say_who_waits() {
    let portal = measured().await;
    let (pool, most) = match portal.db().engine() {
        Engine::Sqlite => ("read", 8),
        Engine::Postgres => ("all", 16),
    };
    let of = |text: &str, name: &str| value(text, &format!(r#"portico_database_{name}{{pool="{pool}"}}"#));
    let mut held = Vec::new();
    for _ in 0..most {
        held.push(portal.db().read().await.unwrap());
    }
    let text = told(&portal);
    assert_eq!([of(&text, "connections"), of(&text, "connections_in_use"), of(&text, "connections_max")], [f64::from(most); 3]);
    assert_eq!([of(&text, "connections_idle"), of(&text, "waiting"), of(&text, "waits_total")], [0.0; 3]);
    let mut next = Box::pin(portal.db().read());
    assert!(waits(&mut next).await);
    let text = told(&portal);
    assert_eq!([of(&text, "waiting"), of(&text, "waits_total")], [1.0, 1.0]);
    drop(held);
    next.await.unwrap();
    let text = told(&portal);
    assert_eq!([of(&text, "waiting"), of(&text, "waits_total")], [0.0, 1.0]);
    assert!(of(&text, "wait_seconds_total") > 0.0);

    let mut hashes: Vec<_> = (0..3).map(|_| Box::pin(portal.state.passwords.hash(PASSWORD))).collect();
    for hash in &mut hashes {
        assert!(waits(hash).await);
    }
    assert_eq!(value(&told(&portal), "portico_password_queue"), 2.0);
    for hash in hashes {
        hash.await.unwrap();
    }
    let text = told(&portal);
    assert_eq!(value(&text, "portico_password_queue"), 0.0);
    assert!(value(&text, "portico_password_wait_seconds_total") > 0.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6 && value(&text, "process_open_fds") > 3.0);
    assert!(value(&text, "process_max_fds") > 3.0 && value(&text, "process_start_time_seconds") > 1.7e9);
}

#[tokio::test]
async fn they_are_told_on_a_listener_of_their_own_and_only_if_asked_for() {
    assert!(Portal::start().await.state.metrics.is_none());
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let command = |metrics: &str| {
        let mut command = portico(folder.path(), &["--metrics", metrics]);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(error_of(command(&address)).contains(&format!("PORTICO_METRICS is {address}, and nothing can listen there")));

    let mut serving = Serving::start_open(command("127.0.0.1:0"));
    let there = serving.said[0].strip_prefix("Metrics are at ").and_then(|url| url.strip_suffix("/metrics")).expect("where they are");
    let (portal, monitor) = (Browser::new(&serving.base()), Browser::new(there));
    portal.get("/metrics").await.is(404);
    let reply = monitor.get("/metrics").await;
    reply.is(200).shows(r#"portico_requests_total{route="unmatched",method="GET",status="404"} 1"#);
    assert_eq!(reply.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    for path in ["/", "/publisher", "/healthz"] {
        monitor.get(path).await.is(404);
    }
    assert_eq!(serving.signal("TERM"), 0);
    assert!(monitor.try_get("/metrics").await.is_err());
}
