//! The line to the mail server is encrypted, to the server that it is meant for; what is not is not used.

use std::{path::Path, process::Stdio, sync::Arc};

use portico::{
    db::{Instant, Value},
    users::UserState,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use time::macros::datetime;
use tokio_rustls::TlsAcceptor;

use super::write;
use crate::{
    program::{SECRET, Serving, portico},
    support::{
        Portal, database_url,
        smtp::{Smtp, Tls},
    },
};

/// A server's side of TLS for `name`, and the file with what a client is to trust.
fn certificate(folder: &Path, name: &str) -> (TlsAcceptor, std::path::PathBuf) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
    let trusted = folder.join(format!("{name}.pem"));
    std::fs::write(&trusted, cert.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), trusted)
}

/// The program sends what waits; the answer is the portal that it serves, once the mail is settled or has been tried.
async fn sent_by_the_program(folder: &tempfile::TempDir, smtp: &Smtp, trusted: &Path) -> (Portal, Serving, String) {
    let url = database_url(folder).await;
    let portal = Portal::on(&url).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let name = write(&portal, "ana@contoso.example", None).await;
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", url).env("PORTICO_SECRET_KEY", SECRET).env("PORTICO_LOG", "error").stderr(Stdio::null());
    command.env("PORTICO_SMTP_URL", &smtp.url).env("PORTICO_MAIL_FROM", "apis@contoso.example");
    command.env("PORTICO_PUBLIC_URL", "http://portal.example").env("SSL_CERT_FILE", trusted);
    // The clock of tests is behind that of the program: what was written is due.
    let long_ago = Value::from(Instant::new(datetime!(2020-01-01 00:00 UTC)));
    portal.run(&["update mails set next_at =", "where state = 'waiting'"], vec![long_ago]).await;
    let serving = Serving::start_open(command);
    let began = std::time::Instant::now();
    while portal.count("select count(*) from mails where state = 'sent' or error <> ''").await == 0 {
        assert!(began.elapsed().as_secs() < 30, "it is tried");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (portal, serving, name)
}

#[tokio::test]
async fn mails_travel_under_tls_from_the_start_and_after_starttls() {
    for implicit in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (acceptor, trusted) = certificate(folder.path(), "localhost");
        let smtp = Smtp::start_with(if implicit { Tls::Implicit(acceptor) } else { Tls::Asked(acceptor, "") }).await;
        let (portal, _serving, name) = sent_by_the_program(&folder, &smtp, &trusted).await;
        let mail = smtp.newest("ana@contoso.example");
        assert!(mail.under_tls);
        assert_eq!(mail.signed_in_with.as_deref(), Some("portal:s3cret"));
        let root = portal.signed_in("root@portal.example").await;
        root.get(&format!("/publisher/mail/{name}")).await.shows("Sent").hides("s3cret");
        let heard = smtp.heard_in_the_clear();
        assert!(heard.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS"), "{heard:?}");
        assert_eq!(heard.is_empty(), implicit);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_whom_it_is_not_meant_for() {
    let folder = tempfile::tempdir().unwrap();
    let (good, trusted) = certificate(folder.path(), "localhost");
    // Somebody else's server, one that is not trusted, and one whose words are mixed with somebody else's.
    let elsewhere = certificate(folder.path(), "elsewhere.example");
    let untrusted = certificate(tempfile::tempdir().unwrap().path(), "localhost").0;
    for (tls, trusted, why) in [
        (Tls::Implicit(elsewhere.0.clone()), &elsewhere.1, "not valid for name"),
        (Tls::Asked(elsewhere.0, ""), &elsewhere.1, "not valid for name"),
        (Tls::Implicit(untrusted.clone()), &trusted, "certificate"),
        (Tls::Asked(untrusted, ""), &trusted, "certificate"),
        (Tls::Asked(good, "250-test\r\n250 AUTH PLAIN\r\n"), &trusted, "in the clear after STARTTLS"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let smtp = Smtp::start_with(tls).await;
        let (portal, _serving, name) = sent_by_the_program(&folder, &smtp, trusted).await;
        let root = portal.signed_in("root@portal.example").await;
        root.get(&format!("/publisher/mail/{name}")).await.shows("Waiting").shows(why).hides("s3cret");
        assert!(smtp.delivered().is_empty());
        let heard = smtp.heard_in_the_clear();
        assert!(heard.iter().all(|line| line.starts_with("EHLO ") || line == "STARTTLS"), "{heard:?}");
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let smtp = Smtp::start().await;
    let mut plain = smtp.clone();
    plain.url = smtp.url.replace("?tls=none", "");
    let (_, trusted) = certificate(folder.path(), "localhost");
    let (portal, _serving, name) = sent_by_the_program(&folder, &plain, &trusted).await;
    let root = portal.signed_in("root@portal.example").await;
    root.get(&format!("/publisher/mail/{name}")).await.shows("Waiting").shows("offers no STARTTLS");
    assert!(smtp.heard_in_the_clear().iter().all(|line| line.starts_with("EHLO ")));
}
