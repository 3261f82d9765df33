//! How a portal ends: not ready first, then no new connection, then the requests in hand; and the limit of open files at the start.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    program::{SECRET, Serving, portico},
    support::{Browser, database_url},
};

async fn start(folder: &tempfile::TempDir, drain: &str) -> Serving {
    let mut command = portico(folder.path(), &["--drain-seconds", drain]);
    command.env("PORTICO_DATABASE_URL", database_url(folder).await).env("PORTICO_SECRET_KEY", SECRET);
    Serving::start(command, 1)
}

/// Asks until the signal has arrived.
async fn until_not_ready(guest: &Browser) {
    let began = Instant::now();
    while guest.get("/readyz").await.status == 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "it stays ready");
    }
}

#[tokio::test]
async fn it_is_not_ready_first_and_finishes_what_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = start(&folder, "1").await;
    let guest = Browser::new(&serving.base());
    let ready = guest.get("/readyz").await;
    ready.is(200);
    assert_ne!(ready.header("connection"), "close");

    // A form whose end comes when nobody listens any more.
    let address = serving.base().trim_start_matches("http://").to_owned();
    let mut slow = TcpStream::connect(&address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /theme HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ntheme"
    );
    slow.write_all(head.as_bytes()).unwrap();

    let began = Instant::now();
    serving.send("TERM");
    until_not_ready(&guest).await;
    guest.get("/readyz").await.is(503).shows("stopping");
    let page = guest.get("/signin").await;
    page.is(200);
    assert_eq!(page.header("connection"), "close", "so that the client goes elsewhere");
    while TcpStream::connect(&address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(8), "it goes on listening");
    }
    assert!(began.elapsed() >= Duration::from_secs(1), "it stopped listening after {:?}", began.elapsed());
    slow.write_all(b"=dark").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(serving.wait(), 0);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = start(&folder, "3600").await;
    let guest = Browser::new(&serving.base());
    serving.send("TERM");
    until_not_ready(&guest).await;
    assert_eq!(serving.signal("TERM"), 128 + 15);
}

#[test]
fn as_many_files_as_the_system_allows_may_be_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 300 && ulimit -Hn 3000 && exec \"$0\"", env!("CARGO_BIN_EXE_portico")]);
    command.current_dir(folder.path()).env_clear().env("PORTICO_LISTEN", "127.0.0.1:0").env("PORTICO_WORKERS", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut serving = Serving::start(command, 1);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["3000", "3000"]);
    assert_eq!(serving.signal("TERM"), 0);
    let mut log = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("raise the hard limit to 4096"), "{log}");
}
