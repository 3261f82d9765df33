//! Tokens: made, shown once, listed, revoked, on the page and at the command line.

use super::{Stage, ask_at, token};
use crate::{
    program,
    support::{PASSWORD, Portal, START},
};
use time::Duration;

const KEY: [(&str, &str); 2] = [("x-portico-key", "no"), ("x-original-uri", "/orders")];

#[tokio::test]
async fn a_token_is_made_shown_once_listed_and_revoked() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    admin.get("/publisher/settings").await.shows("href=\"/publisher/tokens\"");
    admin
        .get("/publisher/tokens")
        .await
        .shows("There is no token yet.")
        .shows("href=\"/publisher/settings\" data-key=\"e\" aria-current=\"page\"");
    // Whoever sits down at a desk that somebody left makes none.
    admin.get("/publisher/new/token").await.shows("Your password");
    let bare = [("display_name", "nginx in Dublin"), ("scope", "gateway")];
    admin.post("/publisher/new/token", &bare).await.is(422).shows("Type your own password").shows("nginx in Dublin");
    let new = [("display_name", "nginx in Dublin"), ("scope", "gateway"), ("password", PASSWORD)];
    let made = admin.post("/publisher/new/token", &new).await;
    made.is(200).shows("shown this once").shows("data-copy=\"#token\"");
    let secret = made.text.split("id=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(secret.starts_with("portico_gw_"), "{secret}");
    let unknown = ask_at(&portal, &secret, &KEY).await;
    unknown.is(401).shows("unknown-key");
    // Sent twice, it is one token.
    admin.post("/publisher/new/token", &new).await.is(422).shows("There is a token with this name already.");
    // That it was used is written down beside the answer.
    let used = async || portal.count("select count(*) from tokens where last_used_at is not null").await == 1;
    for _ in 0..1000 {
        if used().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let list = admin.get("/publisher/tokens").await;
    list.shows("nginx in Dublin").shows("Root Admin").shows("just now").hides(&secret).hides(&secret[..30]);
    let path = list.text.split("href=\"").find(|part| part.contains("/revoke\"")).unwrap().split('"').next().unwrap().to_owned();
    admin.get(&path).await.shows("Revoke the token nginx in Dublin?").hides(&secret);
    portal.pass(Duration::minutes(10));
    admin.post(&path, &[]).await.is(422).shows("Type your own password").shows("Revoke the token nginx in Dublin?");
    admin
        .post_and_follow(&path, &[("password", PASSWORD)])
        .await
        .shows("Revoked the token nginx in Dublin.")
        .shows("There is no token yet.");
    admin.post(&path, &[]).await.is(404);
    ask_at(&portal, &secret, &KEY).await.is(401).shows("unknown-token");
    assert_eq!(portal.audited().await[1..], ["token.created", "token.revoked"]);
    let log = admin.get("/publisher/audit?kind=token").await;
    log.shows("Added token").shows("Revoked token").hides(&secret);
    // Nowhere in the database.
    assert_eq!(portal.count("select count(*) from audit where after like '%portico_gw_%' or before like '%portico_gw_%'").await, 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_token_stands_beside_its_field() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    for (form, words) in [
        ([("display_name", " "), ("scope", "gateway"), ("last_day", "")], "The name is missing."),
        ([("display_name", "a"), ("scope", "everything"), ("last_day", "")], "Choose what the token is for"),
        ([("display_name", "a"), ("scope", "gateway"), ("last_day", "tomorrow")], "Write the last day as in 2026-12-31."),
        ([("display_name", "a"), ("scope", "gateway"), ("last_day", "9999-12-31")], "Write the last day as in 2026-12-31."),
        ([("display_name", "a"), ("scope", "gateway"), ("last_day", "2026-03-01")], "This day is over."),
    ] {
        let form = [&form[..], &[("password", PASSWORD)]].concat();
        admin.post("/publisher/new/token", &form).await.is(422).shows(words);
    }
    assert_eq!(portal.count("select count(*) from tokens").await, 0);
}

#[tokio::test]
async fn a_token_ends_with_its_last_day() {
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let form = [("display_name", "brief"), ("scope", "gateway"), ("last_day", "2026-03-02"), ("password", PASSWORD)];
    let made = admin.post("/publisher/new/token", &form).await;
    let secret = made.text.split("id=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let midnight = START.replace_time(time::Time::MIDNIGHT) + Duration::days(1);
    portal.pass(midnight - START - Duration::seconds(1));
    ask_at(&portal, &secret, &KEY).await.shows("unknown-key");
    portal.pass(Duration::seconds(1));
    ask_at(&portal, &secret, &KEY).await.is(401).shows("ended-token");
    portal.signed_in("root@portal.example").await.get("/publisher/tokens").await.shows("Ended");
}

#[tokio::test]
async fn a_gateway_without_a_good_token_is_told_so() {
    let stage = Stage::set().await;
    let key = ("x-portico-key", stage.keys[0].as_str());
    let guest = stage.portal.guest();
    let other = token(&stage.portal, "other").await;
    stage.portal.run(&["delete from tokens where display_name = 'other'"], vec![]).await;
    let damaged = format!("Bearer {}x", &stage.token[..stage.token.len() - 1]);
    for (header, reason) in [
        ("", "no-token"),
        ("Basic cm9vdDpyb290", "no-token"),
        ("Bearer", "no-token"),
        ("Bearer nothing", "damaged-token"),
        (damaged.as_str(), "damaged-token"),
        (&format!("Bearer {other}"), "unknown-token"),
    ] {
        let headers = [key, ("x-original-uri", "/orders"), ("authorization", header)];
        let reply = guest.send(reqwest::Method::GET, "/gateway/check", &headers, "", "").await;
        reply.is(401).shows(&format!("\"reason\":\"{reason}\""));
        assert!(reply.header("www-authenticate").starts_with("Bearer "), "{reason}");
        assert_eq!(reply.header("content-type"), "application/json");
    }
    // The scheme's name may be written in any case.
    let bearer = format!("bearer {}", stage.token);
    let headers = [key, ("x-original-uri", "/orders"), ("authorization", bearer.as_str())];
    guest.send(reqwest::Method::GET, "/gateway/check", &headers, "", "").await.is(204);
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked_at_the_command_line() {
    let portal = Portal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let portico = |arguments: &[&str]| {
        let mut command = program::portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", portal.url()).env("PORTICO_SECRET_KEY", program::SECRET);
        let output = program::run(command);
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (made, secret, _) = portico(&["token", "create", "--name", "Caddy", "--scope", "gateway", "--last-day", "2099-12-31"]);
    assert!(made);
    let secret = secret.trim();
    ask_at(&portal, secret, &KEY).await.shows("unknown-key");
    let (again, nothing, why) = portico(&["token", "create", "--name", "caddy", "--scope", "gateway"]);
    assert!(!again && nothing.is_empty() && why.contains("already"), "{why}");
    let (_, list, _) = portico(&["token", "list"]);
    assert!(list.starts_with("Caddy\tgateway\t") && list.contains("by command line") && list.contains("2100-01-01"), "{list}");
    assert!(!list.contains(secret));
    assert!(portico(&["token", "revoke", "--name", "CADDY"]).0);
    portal.pass(Duration::seconds(1));
    ask_at(&portal, secret, &KEY).await.is(401).shows("unknown-token");
    assert!(portico(&["token", "revoke", "--name", "Caddy"]).2.contains("there is no token called Caddy"));
    assert_eq!(portal.audited().await, ["token.created", "token.revoked"]);
}
