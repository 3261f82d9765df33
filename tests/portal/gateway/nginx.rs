//! The README's configuration for nginx, in front of an API that says what it was told.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use actix_web::{App, HttpRequest, HttpServer, web};
use reqwest::Method;

use super::{Stage, one};
use crate::support::Browser;

/// nginx in a process of its own, ended by its id.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The block of the README, with these addresses and this token in it.
fn configuration(folder: &Path, listen: &str, portal: &str, api: &str, token: &str) -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let block = readme.split("```nginx\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the README's block");
    let server = [("listen 80;", format!("listen {listen};")), ("127.0.0.1:8080", portal.to_owned()), ("127.0.0.1:9000", api.to_owned())]
        .iter()
        .chain(&[("Bearer TOKEN", format!("Bearer {token}"))])
        .fold(block.to_owned(), |text, (from, to)| {
            assert!(text.contains(*from), "{from}");
            text.replace(*from, to)
        });
    let folder = folder.display();
    let paths: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|what| format!("{what}_temp_path {folder}/{what};\n")).concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{server}\n}}\n"
    )
}

/// What the API was told, a line a header.
async fn told(request: HttpRequest) -> String {
    let names =
        ["x-portico-user", "x-portico-product", "x-portico-subscription", "x-portico-key", "ocp-apim-subscription-key", "authorization"];
    let value = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
    names.map(|name| format!("{name}: {}\n", value(name))).concat()
}

#[tokio::test]
async fn nginx_lets_good_keys_through_and_stops_the_others() {
    let stage = Stage::set().await;
    let beside = stage.portal.beside().await;
    let api = TcpListener::bind("127.0.0.1:0").unwrap();
    let api_address = api.local_addr().unwrap().to_string();
    let server = HttpServer::new(|| App::new().default_service(web::to(told))).workers(1).disable_signals().listen(api).unwrap().run();
    let stop = server.handle();
    tokio::spawn(server);

    let (folder, listen) = (tempfile::tempdir().unwrap(), free_address());
    let portal = stage.portal.base.trim_start_matches("http://");
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration(folder.path(), &listen, portal, &api_address, &stage.token)).unwrap();
    let mut command = Command::new("nginx");
    // Debian keeps it where only root looks.
    command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    command.arg("-p").arg(folder.path()).arg("-c").arg(&file).args(["-e", "stderr"]).stdin(Stdio::null());
    let _nginx = Nginx(command.spawn().expect("nginx, which tests/run installs"));
    let began = Instant::now();
    while TcpStream::connect(&listen).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "nginx does not listen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let client = Browser::new(&format!("http://{listen}"));
    let call = async |key: &str, path: &str| {
        let forged = [("x-portico-key", key), ("x-portico-user", "forged"), ("x-portico-api", "both"), ("authorization", "Bearer mine")];
        client.send(Method::GET, path, &forged, "", "").await
    };
    let key = stage.keys[0].as_str();
    let user = one(&stage.portal, "select name from users").await;
    let good = call(key, "/orders/1?x=y").await;
    good.is(200).shows(&format!("x-portico-user: {user}\n")).shows("x-portico-product: first\n").shows("x-portico-key: -\n");
    good.shows("authorization: Bearer mine\n");
    let unknown = call("0123", "/orders/1").await;
    unknown.is(401);
    assert!(unknown.header("www-authenticate").starts_with("SubscriptionKey"));
    client.get("/orders/1").await.is(401);
    for (path, reason) in
        [("/orders-archive/1", "not-in-product"), ("/nothing", "no-such-api"), ("/orders/..%2Forders-archive", "ambiguous-address")]
    {
        let reply = call(key, path).await;
        reply.is(403);
        assert_eq!(reply.header("x-portico-reason"), reason, "{path}");
    }
    // What another process changes is in force within a second.
    for (change, back, reason) in [
        ("update subscriptions set state = 'suspended'", "update subscriptions set state = 'active'", "suspended"),
        ("update subscriptions set expires_at = created_at", "update subscriptions set expires_at = null", "expired"),
        ("update users set state = 'blocked'", "update users set state = 'active'", "owner-blocked"),
    ] {
        for (statement, status, reason) in [(change, 403, reason), (back, 200, "")] {
            beside.run(&[statement], vec![]).await;
            stage.portal.pass(time::Duration::seconds(1));
            let reply = call(key, "/orders/1").await;
            assert_eq!((reply.status, reply.header("x-portico-reason")), (status, reason), "{statement}");
        }
    }
    stop.stop(false).await;
}
