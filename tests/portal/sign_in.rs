//! Signing in, sessions, and the brakes on guessing.

use crate::support::{PASSWORD, Portal};
use portico::users::UserState;
use time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn people_land_where_they_belong_and_only_on_this_site() {
    let portal = Portal::start().await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    for (email, next, to) in [
        ("root@portal.example", "", "/publisher"),
        ("dev@portal.example", "", "/"),
        ("ROOT@portal.example", "/publisher/users?q=a&page=2", "/publisher/users?q=a&page=2"),
        ("root@portal.example", "//evil.example/", "/publisher"),
        ("root@portal.example", "https://evil.example/", "/publisher"),
        ("root@portal.example", "/\\evil.example", "/publisher"),
    ] {
        let reply = portal.guest().post("/signin", &[("email", email), ("password", PASSWORD), ("next", next)]).await;
        assert_eq!((reply.status, reply.location()), (303, to), "{email} {next}");
    }
    let reply = portal.guest().get("/publisher/groups?q=x").await;
    assert_eq!(reply.location(), "/signin?next=%2Fpublisher%2Fgroups%3Fq%3Dx");
}

#[tokio::test]
async fn unknown_and_wrong_get_the_same_words() {
    let portal = Portal::start().await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let wrong = portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", "wrong")]).await;
    let unknown = portal.guest().post("/signin", &[("email", "new@portal.example"), ("password", "wrong")]).await;
    wrong.is(422).shows("do not belong together").shows("dev@portal.example");
    assert_eq!(wrong.text.replace("dev@", "new@"), unknown.text);
}

#[tokio::test]
async fn blocked_people_are_told_with_the_right_password_only_and_who_is_pending_is_nobody() {
    let portal = Portal::start().await;
    portal.add_user("blocked@portal.example", "B", "Locked", UserState::Blocked, false).await;
    portal.add_user("pending@portal.example", "P", "Ending", UserState::Pending, false).await;
    let with = |email: &'static str, password: &'static str| {
        let guest = portal.guest();
        async move { guest.post("/signin", &[("email", email), ("password", password)]).await }
    };
    with("blocked@portal.example", PASSWORD).await.is(403).shows("This account is blocked.");
    let (pending, unknown) = (with("pending@portal.example", PASSWORD).await, with("unknown@portal.example", PASSWORD).await);
    assert_eq!((pending.status, pending.text.replace("pending@", "unknown@")), (422, unknown.text));
    with("blocked@portal.example", "wrong").await.is(422).hides("blocked.");
}

#[tokio::test]
async fn guessing_is_slowed_and_the_owner_is_not_locked_out() {
    let portal = Portal::start().await;
    let owner = portal.developer("dev@portal.example").await;
    owner.post("/signout", &[]).await.is(303);
    let guesser = portal.guest();
    for _ in 0..5 {
        guesser.post("/signin", &[("email", "dev@portal.example"), ("password", "guess")]).await.is(422);
    }
    let slowed = guesser.post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await;
    slowed.is(429).shows("Too many failed attempts.");
    assert!(!slowed.header("retry-after").is_empty());
    owner.post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.is(303);
    portal.pass(Duration::minutes(16));
    guesser.post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.is(303);
}

#[tokio::test]
async fn the_session_key_changes_at_sign_in_and_ends_at_its_limits() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let first = portal.count("select count(*) from sessions").await;
    admin.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
    assert_eq!(portal.count("select count(*) from sessions").await, first, "the old session is gone");
    admin.get("/publisher/groups").await.is(200);
    portal.pass(Duration::minutes(719));
    admin.get("/publisher/groups").await.is(200);
    portal.pass(Duration::minutes(719));
    admin.get("/publisher/groups").await.is(200);
    portal.pass(Duration::minutes(721));
    let ended = admin.get("/publisher/groups").await;
    assert_eq!(ended.status, 303);
    assert!(ended.header("set-cookie").contains("Max-Age=0"), "a stale cookie is cleared");
}

#[tokio::test]
async fn the_absolute_limit_ends_a_busy_session() {
    let portal = Portal::start_with(|options| options.session_hours = Some("24".to_owned())).await;
    let admin = portal.administrator().await;
    for _ in 0..23 {
        portal.pass(Duration::hours(1));
        admin.get("/publisher/groups").await.is(200);
    }
    portal.pass(Duration::hours(1));
    admin.get("/publisher/groups").await.is(303);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_everywhere_ends_all() {
    let portal = Portal::start().await;
    let here = portal.administrator().await;
    let there = portal.signed_in("root@portal.example").await;
    here.post_and_follow("/signout", &[]).await.shows("You are signed out.");
    here.get("/publisher/groups").await.is(303);
    there.get("/publisher/groups").await.is(200);
    let here = portal.signed_in("root@portal.example").await;
    here.post_and_follow("/signout/everywhere", &[]).await.shows("signed out everywhere");
    // A form that was open there was not saved; and nothing was lost, nor done, by signing out everywhere once more.
    there.post_and_follow("/publisher/new/group", &[("display_name", "Late")]).await.shows("was not saved");
    there.post_and_follow("/signout/everywhere", &[]).await.shows("signed out here already").hides("was not saved");
    there.get("/publisher/groups").await.is(303);
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let portal = Portal::start().await;
    let token = portico::auth::setup::new_token(portal.db()).await.unwrap().expect("a link");
    let wrong = portal.guest().get("/setup?token=wrong").await;
    wrong.is(404).shows("This link does not work").shows("href=\"/signin\"");
    portal.guest().get(&format!("/setup?token={token}")).await.is(200).shows("Set up the portal");
    let form = |password: &'static str| {
        let (guest, token) = (portal.guest(), token.clone());
        async move {
            let fields = [
                ("token", token.as_str()),
                ("email", "root@portal.example"),
                ("first_name", "Root"),
                ("last_name", "Admin"),
                ("password", password),
                ("repeated", password),
            ];
            guest.post("/setup", &fields).await
        }
    };
    let back = form("short").await;
    back.is(422).shows("at least 12 characters").shows("root@portal.example");
    // The first field that is wrong has the focus, and no other.
    assert_eq!(back.text.matches(" autofocus").count(), 1);
    back.shows("autocomplete=\"new-password\" required autofocus");
    form(PASSWORD).await.is(303);
    form(PASSWORD).await.is(404);
    let used = portal.guest().get(&format!("/setup?token={token}")).await;
    used.is(404).shows("This link does not work");
    let body = |reply: &str| reply.split("<main").nth(1).and_then(|rest| rest.split("</main>").next()).unwrap_or_default().to_owned();
    assert_eq!(body(&used.text), body(&wrong.text), "a link that was good once looks like one that never was");
    assert!(portico::auth::setup::new_token(portal.db()).await.unwrap().is_none());
}

#[tokio::test]
async fn cookies_are_secure_behind_https() {
    let portal = Portal::start_with(|options| options.public_url = Some("https://portal.example".to_owned())).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let form = format!("email=root%40portal.example&password={}", PASSWORD.replace(' ', "+"));
    let reply =
        portal.guest().send(reqwest::Method::POST, "/signin", &[("origin", "https://portal.example")], crate::support::FORM, &form).await;
    reply.is(303);
    let cookie = reply
        .headers
        .get_all("set-cookie")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .find(|c| c.starts_with("__Host-portico="))
        .expect("a session");
    for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    assert_eq!(reply.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn the_owner_signs_in_from_a_new_browser_while_others_guess_from_everywhere() {
    let portal = Portal::start_with(|options| options.trusted_proxy = Some("127.0.0.1".to_owned())).await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let from = |address: String, password: &'static str| {
        let guest = portal.guest();
        async move {
            let form = format!("email=dev%40portal.example&password={}", password.replace(' ', "+"));
            let headers = [("x-forwarded-for", address.as_str()), ("sec-fetch-site", "same-origin")];
            guest.send(reqwest::Method::POST, "/signin", &headers, crate::support::FORM, &form).await
        }
    };
    // An ordinary address has five free tries, until guesses have come from many.
    for number in 0..4 {
        for _ in 0..5 {
            let answer = from(format!("198.51.100.{number}"), "guess").await;
            assert!([422, 429].contains(&answer.status), "{}", answer.status);
        }
    }
    from("203.0.113.1".to_owned(), "guess").await.is(422);
    from("203.0.113.1".to_owned(), PASSWORD).await.is(429);
    from("203.0.113.2".to_owned(), PASSWORD).await.is(303);
    // Signing in from there takes nothing back from those who guess.
    from("203.0.113.1".to_owned(), PASSWORD).await.is(429);
    from("203.0.113.3".to_owned(), "guess").await.is(422);
    from("203.0.113.3".to_owned(), PASSWORD).await.is(429);
    portal.pass(Duration::minutes(1));
    from("203.0.113.3".to_owned(), PASSWORD).await.is(303);
}

#[tokio::test]
async fn a_known_browser_is_not_slowed_by_its_neighbours() {
    let portal = Portal::start().await;
    let owner = portal.developer("dev@portal.example").await;
    owner.post("/signout", &[]).await.is(303);
    for number in 0..30 {
        let email = format!("nobody{number}@portal.example");
        portal.guest().post("/signin", &[("email", &email), ("password", "guess")]).await.is(422);
    }
    portal.guest().post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.is(429);
    owner.post("/signin", &[("email", "dev@portal.example"), ("password", PASSWORD)]).await.is(303);
}

#[tokio::test]
async fn many_guesses_at_once_are_many_failures() {
    let portal = Portal::start().await;
    portal.add_user("dev@portal.example", "Dev", "Eloper", UserState::Active, false).await;
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let guest = portal.guest();
        guesses.spawn(async move { guest.post("/signin", &[("email", "dev@portal.example"), ("password", "guess")]).await.status });
    }
    let answers = guesses.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 422).count(), 5, "{answers:?}");
}

#[tokio::test]
async fn no_session_begins_with_a_password_that_was_changed_meanwhile() {
    use actix_session::storage::SessionStore;
    use portico::auth::{session, sign_in};

    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    let (state, origin) = (&portal.state, sign_in::Origin::default());
    let proven = sign_in::sign_in(&state.db, &state.keys, &state.passwords, "dev@portal.example", PASSWORD, &origin).await.unwrap();
    let sessions = sign_in::Sessions::new(state.db.clone(), Duration::hours(1), Duration::hours(24));
    let said = || {
        let entry = |key: &str, value: String| (key.to_owned(), value);
        [entry(session::USER, proven.person.id.0.to_string()), entry(session::STAMP, format!("\"{}\"", proven.stamp))].into()
    };
    let ttl = actix_web::cookie::time::Duration::hours(1);
    assert!(sessions.save(said(), &ttl).await.is_ok(), "with the password of now");
    let fields = [("current", PASSWORD), ("password", "a loud harbour at night"), ("repeated", "a loud harbour at night")];
    dev.post("/account/password", &fields).await.is(303);
    assert!(sessions.save(said(), &ttl).await.is_err(), "with the one before");
    assert_eq!(portal.count("select count(*) from sessions").await, 1, "the one that changed it");
}

#[tokio::test]
async fn who_lost_the_role_does_not_finish_what_they_began() {
    let portal = Portal::start().await;
    let chief = portal.administrator().await;
    let name = portal.add_user("other@portal.example", "Other", "Admin", UserState::Active, true).await;
    let signed_in = portal.guest().post("/signin", &[("email", "other@portal.example"), ("password", PASSWORD)]).await;
    let cookies = signed_in.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
    let cookie = cookies.collect::<Vec<_>>().join("; ");
    // The session is read when the head has come, as its row shows; the form follows later.
    portal.pass(Duration::minutes(5));
    let form = "display_name=Late&description=";
    let host = portal.base.trim_start_matches("http://").to_owned();
    let mut line = tokio::net::TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "POST /publisher/new/group HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
         Content-Type: {}\r\nContent-Length: {}\r\n\r\n",
        crate::support::FORM,
        form.len()
    );
    line.write_all(head.as_bytes()).await.unwrap();
    let seen = async {
        while portal.count("select count(*) from sessions where seen_at > '2026-03-02T09:04:00Z'").await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("the session is read");
    let revoke = [("role", "revoke"), ("password", PASSWORD)];
    chief.post(&format!("/publisher/users/{name}/role"), &revoke).await.is(303);
    line.write_all(form.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("You may no longer do this"), "{answer}");
    assert_eq!(portal.count("select count(*) from groups where display_name = 'Late'").await, 0);
}

#[tokio::test]
async fn signing_out_everywhere_is_in_the_log() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    dev.post("/signout/everywhere", &[]).await.is(303);
    assert_eq!(portal.audited().await.last().map(String::as_str), Some("user.sessions_ended"));
}

#[tokio::test]
async fn who_sends_a_form_after_the_session_ended_is_told_that_it_was_not_saved() {
    let portal = Portal::start().await;
    let dev = portal.developer("dev@portal.example").await;
    dev.post("/signout", &[]).await.is(303);
    let reply = dev.post("/account/name", &[("version", "1"), ("first_name", "Anabel"), ("last_name", "Alves")]).await;
    reply.is(303);
    dev.get(reply.location()).await.is(200).shows("was not saved").hides("flash good");
    // Whoever only opens a page has lost nothing.
    let reply = dev.get("/account").await;
    dev.get(reply.location()).await.is(200).hides("was not saved");
}
