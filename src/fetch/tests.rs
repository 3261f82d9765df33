//! Downloads from a tiny server on loopback, which stands for whatever a name may lead to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FetchProblem, Names, Policy, Reach, fetch, fetch_with, reach};

const OPEN: Policy =
    Policy { private_addresses: true, link_local: true, max_bytes: 1_000, timeout: Duration::from_secs(5), max_redirects: 5 };

/// Answers each path with the bytes that `answer` gives for it, and counts what was asked.
async fn server(answer: fn(&str, SocketAddr) -> String) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let here = listener.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = text.split(' ').nth(1).unwrap_or("/").to_owned();
                stream.write_all(answer(&path, here).as_bytes()).await.ok();
                if path == "/slow" {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                }
            });
        }
    });
    (here, asked)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn answers(path: &str, here: SocketAddr) -> String {
    match path {
        "/good" => ok("openapi: 3.1.0"),
        "/away" => redirect("good"),
        "/loop" => redirect("/loop"),
        "/inside" => redirect(&format!("http://{here}/good")),
        "/octal" => redirect(&format!("http://0177.1:{}/good", here.port())),
        "/file" => redirect("file:///etc/passwd"),
        "/password" => redirect(&format!("http://me:secret@{here}/good")),
        "/nowhere" => "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/gone" => "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/large" => ok(&"x".repeat(1_001)),
        "/endless" => format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(5_000)),
        "/chunked" => {
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", format!("1f4\r\n{}\r\n", "x".repeat(500)).repeat(3))
        }
        "/gzip" => "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx".to_owned(),
        "/slow" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_owned(),
        "/broken" => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_owned(),
        _ => "nonsense\r\n\r\n".to_owned(),
    }
}

#[tokio::test]
async fn what_is_allowed_is_downloaded() {
    let (here, _) = server(answers).await;
    for path in ["good", "away", "inside", "octal"] {
        let bytes = fetch(&format!(" http://{here}/{path} "), OPEN).await.expect(path);
        assert_eq!(bytes, b"openapi: 3.1.0", "{path}");
    }
    let by_name = format!("http://localhost:{}/good", here.port());
    // Where "localhost" is ::1 first, the connection goes on to the next of the checked addresses.
    assert!(fetch(&by_name, OPEN).await.is_ok());
}

#[tokio::test]
async fn what_is_not_public_is_not_even_connected_to() {
    let (here, asked) = server(answers).await;
    let closed = Policy { private_addresses: false, ..OPEN };
    let port = here.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "017700000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[64:ff9b::7f00:1]",
        "10.0.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "１２７.0.0.1",
    ] {
        let problem = fetch(&format!("http://{host}:{port}/good"), closed).await.expect_err(host);
        assert_eq!(problem, FetchProblem::NotPublic, "{host}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert!(FetchProblem::NotPublic.to_string().contains("PORTICO_IMPORT_URLS=private"));
    let nowhere = fetch(&format!("http://0.0.0.0:{port}/good"), OPEN).await;
    assert_eq!(nowhere, Err(FetchProblem::NotPublic), "not a private address, but none at all");
}

/// Every name leads to the server here, and some to a second address as well.
struct Fake(Vec<IpAddr>);

impl Names for Fake {
    async fn lookup(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.iter().map(|ip| SocketAddr::new(*ip, port)).collect())
    }
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// The real rule, but that the name "public.test" passes for a public host.
fn rule(host: &str, ip: IpAddr) -> bool {
    host == "public.test" || reach(ip) == Reach::Public
}

#[tokio::test]
async fn redirects_are_checked_like_the_first_address() {
    let (here, asked) = server(answers).await;
    let from = |path: &str| format!("http://public.test:{}/{path}", here.port());
    let names = Fake(vec![HERE]);
    let bytes = fetch_with(&from("away"), OPEN, &rule, &names).await;
    assert_eq!(bytes, Ok(b"openapi: 3.1.0".to_vec()), "the pinned address is used");
    for (path, problem) in [
        ("inside", FetchProblem::NotPublic),
        ("octal", FetchProblem::NotPublic),
        ("file", FetchProblem::Scheme),
        ("password", FetchProblem::Credentials),
        ("loop", FetchProblem::TooManyRedirects(5)),
        ("nowhere", FetchProblem::Status(302)),
    ] {
        let before = asked.load(Ordering::SeqCst);
        assert_eq!(fetch_with(&from(path), OPEN, &rule, &names).await, Err(problem), "{path}");
        let hops = if path == "loop" { 6 } else { 1 };
        assert_eq!(asked.load(Ordering::SeqCst) - before, hops, "{path}");
    }
    let secure = reqwest::Url::parse("https://example.com/").expect("a URL");
    let downgrade = super::checked("http://example.com/a", Some(&secure));
    assert_eq!(downgrade, Err(FetchProblem::Downgrade));
    assert!(super::checked("/b", Some(&secure)).is_ok());
}

#[tokio::test]
async fn one_forbidden_address_among_several_is_enough() {
    let (here, asked) = server(answers).await;
    let url = format!("http://mixed.test:{}/good", here.port());
    let names = Fake(vec!["1.1.1.1".parse().expect("an address"), HERE]);
    assert_eq!(fetch_with(&url, OPEN, &rule, &names).await, Err(FetchProblem::NotPublic));
    let none = fetch_with(&url, OPEN, &rule, &Fake(Vec::new())).await;
    assert_eq!(none, Err(FetchProblem::UnknownHost));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn answers_that_are_not_taken() {
    let (here, _) = server(answers).await;
    for (path, problem) in [
        ("gone", FetchProblem::Status(410)),
        ("large", FetchProblem::TooLarge(1_000)),
        ("endless", FetchProblem::TooLarge(1_000)),
        ("chunked", FetchProblem::TooLarge(1_000)),
        ("gzip", FetchProblem::Compressed),
        ("broken", FetchProblem::Unreachable),
        ("nonsense", FetchProblem::Unreachable),
    ] {
        assert_eq!(fetch(&format!("http://{here}/{path}"), OPEN).await, Err(problem), "{path}");
    }
    // Plain text where TLS was expected.
    let secure = fetch(&format!("https://{here}/good"), OPEN).await.expect_err("no TLS there");
    assert!(matches!(secure, FetchProblem::Certificate | FetchProblem::NoTls), "{secure:?}");
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_time() {
    let (here, _) = server(answers).await;
    let hasty = Policy { timeout: Duration::from_millis(300), ..OPEN };
    let started = Instant::now();
    let problem = fetch(&format!("http://{here}/slow"), hasty).await.expect_err("slow");
    assert_eq!(problem, FetchProblem::TooSlow(hasty.timeout));
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(problem.to_string(), "The download took longer than 0.3 seconds.");
}

#[tokio::test]
async fn addresses_that_are_not_asked() {
    for (url, problem) in [
        ("", FetchProblem::NoAddress),
        ("openapi.json", FetchProblem::NoAddress),
        ("http://", FetchProblem::NoAddress),
        ("ftp://example.com/a", FetchProblem::Scheme),
        ("file:///etc/passwd", FetchProblem::Scheme),
        ("data:text/plain,a", FetchProblem::Scheme),
        ("https://me@example.com/", FetchProblem::Credentials),
        ("https://:secret@example.com/", FetchProblem::Credentials),
    ] {
        assert_eq!(fetch(url, OPEN).await, Err(problem), "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(3_000));
    assert_eq!(fetch(&long, OPEN).await, Err(FetchProblem::NoAddress));
}
