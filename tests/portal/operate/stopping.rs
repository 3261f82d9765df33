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

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

async fn start(folder: &tempfile::TempDir, drain: &str) -> Serving {
    start_with(folder, &["--drain-seconds", drain]).await
}

async fn start_with(folder: &tempfile::TempDir, arguments: &[&str]) -> Serving {
    let mut command = portico(folder.path(), arguments);
    command.env("PORTICO_DATABASE_URL", database_url(folder).await).env("PORTICO_SECRET_KEY", SECRET);
    Serving::start(command, 1)
}

/// Sends the head of a form and, once the server has it in hand and asks for more, the beginning of its body, which is to be so long.
fn begin_form(address: &str, path: &str, length: usize, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut more = [0; CONTINUE.len()];
    stream.read_exact(&mut more).unwrap();
    assert_eq!(String::from_utf8_lossy(&more), CONTINUE);
    stream.write_all(beginning.as_bytes()).unwrap();
    stream
}

fn finish_form(mut stream: TcpStream, end: &str) -> String {
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn until_nobody_listens(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(8), "it goes on listening");
    }
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
    let slow = begin_form(&address, "/theme", 10, "theme");

    let began = Instant::now();
    serving.send("TERM");
    until_not_ready(&guest).await;
    guest.get("/readyz").await.is(503).shows("stopping");
    let page = guest.get("/signin").await;
    page.is(200);
    assert_eq!(page.header("connection"), "close", "so that the client goes elsewhere");
    until_nobody_listens(&address);
    assert!(began.elapsed() >= Duration::from_secs(1), "it stopped listening after {:?}", began.elapsed());
    let answer = finish_form(slow, "=dark");
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert_eq!(serving.wait(), 0);
}

/// Workers that have nothing to do end before those that have.
#[tokio::test]
async fn a_request_in_hand_keeps_the_database_until_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = start_with(&folder, &["--workers", "4"]).await;
    let address = serving.base().trim_start_matches("http://").to_owned();
    // Connections to the database that every worker has opened.
    let many = (0..24).map(|_| {
        let guest = Browser::new(&serving.base());
        async move { guest.get("/products").await.is(200).status }
    });
    futures_util::future::join_all(many).await;
    let body = "email=nobody%40portal.example&password=not+the+password";
    let slow: Vec<_> = (0..2).map(|_| begin_form(&address, "/signin", body.len(), &body[..20])).collect();
    serving.send("TERM");
    until_nobody_listens(&address);
    for stream in slow {
        let answer = finish_form(stream, &body[20..]);
        assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    }
    assert_eq!(serving.wait(), 0);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = start(&folder, "3600").await;
    let guest = Browser::new(&serving.base());
    serving.send("TERM");
    until_not_ready(&guest).await;
    let began = Instant::now();
    // One that follows at once is the same one, as when a terminal and a wrapper both pass it on.
    let status = loop {
        serving.send("TERM");
        if let Some(status) = serving.child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on");
    };
    assert_eq!(status.code(), Some(128 + 15));
    assert!(began.elapsed() > Duration::from_millis(300), "the doubled signal ended it after {:?}", began.elapsed());
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
