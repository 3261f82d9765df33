//! What attackers try first, one test each; import by URL is in `apis`, guessing in `sign_in`, other sites' forms in `access`.

use std::io::Read;

use crate::{
    program::{Serving, portico},
    support::{Browser, FORM, PASSWORD, Portal, Reply},
};
use portico::users::UserState;
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
}

/// By counting, not by a stopwatch: whoever an address belongs to, one hash is checked.
#[tokio::test]
async fn timing_an_unknown_address_is_the_same_work() {
    let portal = Portal::start().await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    portal.add_user("blocked@portal.example", "B", "Locked", UserState::Blocked, false).await;
    for email in ["dev@portal.example", "blocked@portal.example", "nobody@portal.example", "no address"] {
        let before = portal.state.passwords.turns();
        portal.guest().post("/signin", &[("email", email), ("password", "guess")]).await.is(422);
        assert_eq!(portal.state.passwords.turns() - before, 1, "{email}");
    }
}

#[tokio::test]
async fn enumeration_the_brakes_are_the_same_for_nobody() {
    let portal = Portal::start().await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    for attempt in 0..7 {
        let guess = |email: &'static str| {
            let guest = portal.guest();
            async move { guest.post("/signin", &[("email", email), ("password", "guess")]).await }
        };
        let (known, unknown) = (guess("dev@portal.example").await, guess("new@portal.example").await);
        assert_eq!(known.status, if attempt < 5 { 422 } else { 429 });
        assert_eq!((known.status, known.header("retry-after")), (unknown.status, unknown.header("retry-after")));
        assert_eq!(known.text.replace("dev@", "new@"), unknown.text);
    }
}

#[tokio::test]
async fn fixation_a_planted_session_is_worth_nothing() {
    let portal = Portal::start().await;
    portal.add_user("victim@portal.example", "Vic", "Tim", UserState::Active, false).await;
    portal.add_user("thief@portal.example", "The", "Thief", UserState::Active, false).await;
    let form = |email: &str| format!("email={}&password={}", email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    let with = |cookie: String, method: Method, path: &'static str, form: String| {
        let guest = portal.guest();
        async move {
            let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
            guest.send(method, path, &headers, FORM, &form).await
        }
    };
    let session = |reply: &Reply| {
        let all = cookies(reply);
        all.iter().find(|cookie| cookie.starts_with("portico=")).expect("a session").split(';').next().unwrap().to_owned()
    };
    let own = session(&with(String::new(), Method::POST, "/signin", form("thief@portal.example")).await);
    with(own.clone(), Method::GET, "/account", String::new()).await.is(200).shows("thief@portal.example");
    for planted in [own, "portico=made-up".to_owned()] {
        let signed_in = with(planted.clone(), Method::POST, "/signin", form("victim@portal.example")).await;
        signed_in.is(303);
        let new = session(&signed_in);
        assert_ne!(new, planted);
        with(new, Method::GET, "/account", String::new()).await.is(200).shows("victim@portal.example");
        with(planted, Method::GET, "/account", String::new()).await.is(303);
    }
}

#[tokio::test]
async fn no_redirect_leaves_the_site_and_no_header_is_put_in() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/x\r\nset-cookie: planted=1",
        "/x\nlocation: https://evil.example",
        "/..//evil.example",
    ] {
        let signed_in = portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD), ("next", next)]).await;
        let theme = dev.post("/theme", &[("theme", "dark"), ("next", next)]).await;
        let there = dev.get(&format!("/signin?next={}", portico::ids::encode(next))).await;
        for reply in [signed_in, theme, there] {
            assert_eq!((reply.status, reply.location()), (303, "/"), "{next:?}");
            assert!(cookies(&reply).iter().all(|cookie| !cookie.contains("planted")), "{next:?}");
        }
        portal.guest().get(&format!("/signin?next={}", portico::ids::encode(next))).await.is(200).shows("name=\"next\" value=\"\">");
    }
}

#[tokio::test]
async fn the_log_names_who_was_refused_and_holds_no_secret_and_no_line_of_a_client() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_ADMIN_EMAIL", "root@portal.example").env("PORTICO_ADMIN_PASSWORD", PASSWORD);
    let mut serving = Serving::start_open(command);
    let browser = || Browser::new(&serving.base());
    let admin = browser();
    admin.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
    let new = [("email", "dev@portal.example"), ("first_name", "Dev"), ("last_name", "Eloper"), ("password", "a second harbour at noon")];
    admin.post("/publisher/new/user", &new).await.is(303);
    let dev = browser();
    dev.post("/signin", &[("email", "dev@portal.example"), ("password", "a second harbour at noon")]).await.is(303);
    dev.get("/publisher/users").await.is(403);
    dev.post("/account/password", &[("current", "typed-secret-1"), ("password", "glimmer of a lamp"), ("repeated", "glimmer of a lamp")])
        .await
        .is(422);
    browser().post("/signin", &[("email", "dev@portal.example"), ("password", "typed-secret-2")]).await.is(422);
    browser().post("/signin", &[("email", "typed-secret-3"), ("password", "x")]).await.is(422);
    browser().get("/setup?token=typed-secret-4").await.is(404);
    let forged = "/x%0A%7B%22level%22:%22ERROR%22,%22message%22:%22forged%22%7D%1B%5B2J";
    browser().get(forged).await.is(404);
    assert_eq!(serving.signal("TERM"), 0);
    let mut log = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let has = |what: &[(&str, serde_json::Value)]| lines.iter().any(|line| what.iter().all(|(key, value)| line[*key] == *value));
    let account = lines.iter().find(|line| line["status"] == 403).expect("the refusal")["user"].clone();
    assert_eq!(account.as_str().map(str::len), Some(12), "{account}");
    for outcome in ["signed_in", "wrong"] {
        let entry =
            [("message", "sign-in".into()), ("outcome", outcome.into()), ("account", account.clone()), ("address", "127.0.0.1".into())];
        assert!(has(&entry), "{outcome}: {log}");
    }
    assert!(has(&[("outcome", "wrong".into()), ("account", "nobody's".into()), ("level", "WARN".into())]), "{log}");
    assert!(has(&[("user", account.clone()), ("level", "WARN".into())]), "the wrong current password: {log}");
    assert!(!has(&[("message", "forged".into())]));
    assert!(!log.contains("typed-secret") && !log.contains("harbour") && !log.contains('\u{1b}'), "{log}");
}

#[tokio::test]
async fn no_path_leads_out_and_no_name_is_a_template() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let host = portal.base.trim_start_matches("http://").to_owned();
    for path in [
        "/assets/../../Cargo.toml",
        "/assets/../../../../../../etc/passwd",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/assets//etc/passwd",
        "/assets/css/..\\..\\Cargo.toml",
        "/apis/..%2f..%2fetc%2fpasswd",
        "/products/%2e%2e",
    ] {
        // Written by hand: clients tidy such paths up.
        let mut line = tokio::net::TcpStream::connect(&host).await.unwrap();
        line.write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        line.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 404 ") || answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(!answer.contains("[package]") && !answer.contains("root:"), "{path}");
    }
    let name = "{{ 7*7 }}{% include \"x\" %}<script>alert(1)</script>\"'><b onmouseover=x>";
    let group = portal.add_group(name).await;
    let product = portal.add_product(name).await;
    for path in ["/publisher/groups".to_owned(), format!("/publisher/groups/{group}"), format!("/publisher/products/{product}")] {
        let page = admin.get(&path).await;
        page.is(200).shows("{{ 7*7 }}").shows("&#60;script&#62;alert(1)").hides("<script>alert").hides("<b onmouseover");
    }
    let search = admin.get(&format!("/publisher/users?q={}", portico::ids::encode(name))).await;
    search.is(200).shows("{{ 7*7 }}").hides("<script>alert").hides("<b onmouseover");
    admin.get(&format!("/{}", portico::ids::encode(name))).await.is(404).hides("<script>alert").hides("<b onmouseover");
}

#[tokio::test]
async fn every_cookie_is_bound_to_this_host_behind_https() {
    let portal = Portal::start_with(|options| options.public_url = Some("https://portal.example".to_owned())).await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let send = |path: &'static str, form: String| {
        let guest = portal.guest();
        async move { guest.send(Method::POST, path, &[("origin", "https://portal.example")], FORM, &form).await }
    };
    let signed_in = send("/signin", format!("email=dev%40portal.example&password={}", PASSWORD.replace(' ', "+"))).await;
    let theme = send("/theme", "theme=dark".to_owned()).await;
    let all: Vec<String> = [cookies(&signed_in), cookies(&theme)].concat();
    assert_eq!(all.len(), 3, "{all:?}");
    for cookie in &all {
        for part in ["HttpOnly", "SameSite=", "Secure", "Path=/;"] {
            assert!(cookie.starts_with("__Host-portico") && format!("{cookie};").contains(part), "{part}: {cookie}");
        }
    }
    let dark = portal.guest().send(Method::GET, "/signin", &[("cookie", "__Host-portico-theme=dark")], "", "").await;
    dark.shows("data-theme=\"dark\"");
    let planted = portal.guest().send(Method::GET, "/signin", &[("cookie", "portico-theme=dark")], "", "").await;
    planted.shows("data-theme=\"auto\"");
}

#[tokio::test]
async fn a_new_password_may_be_anything_but_what_is_guessed_first() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    let change = |current: &str, new: &str| {
        let (dev, current, new) = (dev.clone(), current.to_owned(), new.to_owned());
        async move { dev.post("/account/password", &[("current", &current), ("password", &new), ("repeated", &new)]).await }
    };
    for bad in ["Password1234", "123456789012", "Eloper-Portal1"] {
        change(PASSWORD, bad).await.is(422).shows("guessed early");
    }
    let long = " ärger, 後藤 & all in lower case ".repeat(4);
    assert!(long.chars().count() > 64);
    change(PASSWORD, &long).await.is(303);
    for (password, status) in [(long.as_str(), 303), (long.trim(), 422), (&long[..64], 422), (long.to_uppercase().as_str(), 422)] {
        portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", password)]).await.is(status);
    }
}
