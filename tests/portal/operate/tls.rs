//! TLS by the server itself: nothing else on its port, cookies for https, another certificate at SIGHUP.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::Client;

use crate::{
    program::{SECRET, Serving, portico},
    support::database_url,
};

/// Writes a new certificate and its key into the folder; whom clients then trust.
fn write_certificate(folder: &Path) -> Vec<u8> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.pem().into_bytes()
}

/// A client that trusts this certificate alone, and connects anew for each question.
fn client(trusted: &[u8]) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in rustls::pki_types::pem::PemObject::pem_slice_iter(trusted) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Client::builder().tls_backend_preconfigured(config).pool_max_idle_per_host(0).build().unwrap()
}

fn files(folder: &Path) -> [PathBuf; 2] {
    ["cert.pem", "key.pem"].map(|name| folder.join(name))
}

#[tokio::test]
async fn the_server_speaks_tls_and_takes_another_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let first = write_certificate(folder.path());
    let [certificate, key] = files(folder.path()).map(|path| path.to_str().unwrap().to_owned());
    let mut command = portico(folder.path(), &["--tls-cert", &certificate, "--tls-key", &key]);
    command.env("PORTICO_DATABASE_URL", database_url(&folder).await).env("PORTICO_SECRET_KEY", SECRET).stderr(Stdio::null());
    let mut serving = Serving::start_open(command);
    let base = serving.base();
    assert!(base.starts_with("https://127.0.0.1:"), "{base}");
    let answer = client(&first).get(format!("{base}/signin")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["strict-transport-security"].to_str().unwrap().starts_with("max-age="));
    // Nothing is said in the clear.
    let plain = Client::builder().build().unwrap().get(base.replace("https:", "http:")).send().await;
    assert!(plain.is_err() || plain.is_ok_and(|answer| !answer.status().is_success()));

    let second = write_certificate(folder.path());
    let asks = async |trusted: &[u8]| client(trusted).get(format!("{base}/healthz")).send().await.is_ok();
    assert!(asks(&first).await && !asks(&second).await, "until the signal the first one is shown");
    serving.send("HUP");
    let began = Instant::now();
    while !asks(&second).await {
        assert!(began.elapsed() < Duration::from_secs(10), "the second one is shown");
    }
    assert!(!asks(&first).await);
    // What cannot be read changes nothing.
    std::fs::write(folder.path().join("key.pem"), "none").unwrap();
    serving.send("HUP");
    let _ = client(&second).get(format!("{base}/readyz")).send().await.unwrap();
    assert!(asks(&second).await);
    assert_eq!(serving.signal("TERM"), 0);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    write_certificate(folder.path());
    let [certificate, key] = files(folder.path()).map(|path| path.to_str().unwrap().to_owned());
    let fails = |arguments: &[&str]| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", "sqlite:tls.db").env("PORTICO_SECRET_KEY", SECRET);
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(fails(&["--tls-cert", &certificate]).contains("PORTICO_TLS_KEY must name"));
    assert!(
        fails(&["--tls-cert", &certificate, "--tls-key", &key, "--public-url", "http://portal.example"]).contains("must begin with https")
    );
    assert!(fails(&["--tls-cert", "none.pem", "--tls-key", &key]).contains("none.pem cannot be read"));
    assert!(fails(&["--tls-cert", &key, "--tls-key", &key]).contains("has no certificate"));
    let other = tempfile::tempdir().unwrap();
    write_certificate(other.path());
    let [_, other] = files(other.path()).map(|path| path.to_str().unwrap().to_owned());
    assert!(fails(&["--tls-cert", &certificate, "--tls-key", &other]).contains("cannot be used together"));
}
