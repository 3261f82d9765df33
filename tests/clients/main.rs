//! The official clients of the management API, unmodified, drive the program over https with a certificate authority of their own.
//! `tests/run clients` fetches what they need; without it each of them says that it was skipped.
//!
//! What they do is in `python/drive.py` and `npm/drive.mjs`, whose checks decide. They find in their environment where the portal is,
//! whom to trust, a token of each scope, and who is there.

#[allow(dead_code, unused_imports, reason = "the portal's tests use more of it")]
#[path = "../portal/support/mod.rs"]
mod portal;
#[allow(dead_code, reason = "the portal's tests use more of it")]
#[path = "../portal/program.rs"]
mod program;

use std::{
    env,
    ffi::OsString,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use portico::users::{self, NewUser, UserState};
use program::{SECRET, Serving, portico, run};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use portal::{PASSWORD, Portal, database_url};

/// Beside the administrator and those whom the drivers make.
const USERS: usize = 1_000;

/// An authority made for this run, and a certificate by it for the server: `ca.pem`, `cert.pem` and `key.pem` in the folder.
fn write_certificates(folder: &Path) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "An authority for one run");
    authority.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let trusted = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    server.use_authority_key_identifier_extension = true;
    let server = server.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), trusted.pem()).unwrap();
    fs::write(folder.join("cert.pem"), server.pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

/// Somebody who administers, a developer, and a thousand more.
async fn seed(url: &str) {
    let portal = Portal::on(url).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_user("dora@contoso.example", "Dora", "Dean", UserState::Active, false).await;
    let mut tx = portal.db().write().await.unwrap();
    for number in 0..USERS {
        let new = NewUser {
            email: format!("user{number:04}@fabrikam.example"),
            first_name: "User".to_owned(),
            last_name: format!("O'Number {number}"),
            note: String::new(),
        };
        users::insert(&mut tx, &portico::auth::operator(), &new.check().unwrap(), None, UserState::Active, false).await.unwrap();
    }
    tx.commit().await.unwrap();
    // One of them comes by the organisation's directory as well.
    let provider =
        "insert into providers (name, name_folded, display_name, display_name_folded, kind, issuer, client_id, scopes, email_claim,
            name_claim, groups_claim, new_people, trusts_email, enabled, created_at)
        select 'staff', 'staff', 'Staff', 'staff', 'entra', 'https://login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490/v2.0',
            'portal', 'openid', 'email', '', '', false, false, false, registered_at
        from users where email = 'user0000@fabrikam.example'";
    portal.run(&[provider], vec![]).await;
    let linked = "insert into identities (user_id, provider_id, subject, linked_at) select u.id, p.id, 'object-1', u.registered_at
        from users u, providers p where u.email = 'user0000@fabrikam.example'";
    portal.run(&[linked], vec![]).await;
}

/// Where `tests/run` has put the clients; none, with a printed line, where nobody did.
fn fetched(client: &str) -> Option<PathBuf> {
    match env::var_os("PORTICO_TEST_CLIENTS") {
        Some(folder) => Some(PathBuf::from(folder).join(client)),
        None => {
            let _ = writeln!(std::io::stderr(), "skipped {client}: PORTICO_TEST_CLIENTS is not set (tests/run clients sets it)");
            None
        }
    }
}

/// Runs a driver against a portal of its own, and fails when it does.
async fn drive(client: &str, driver: impl FnOnce(&Path) -> Command) {
    let Some(fetched) = fetched(client) else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    seed(&url).await;
    write_certificates(folder.path());
    let started = |arguments: &[&str]| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    let token = |scope: &str| {
        let made = run(started(&["token", "create", "--name", &format!("{client} {scope}"), "--scope", scope, "--days", "1"]));
        assert!(made.status.success(), "a token to {scope}: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let (reads, writes, gateway) = (token("read"), token("write"), token("gateway"));
    let log = fs::File::create(folder.path().join("portico.log")).unwrap();
    let mut command = started(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    command.stderr(log);
    let mut serving = Serving::start_open(command);

    let authority = folder.path().join("ca.pem");
    let mut command = driver(&fetched);
    // Nothing of whoever runs this: no proxies, no settings of the clients.
    command.env_clear().envs(["PATH", "LD_LIBRARY_PATH"].iter().filter_map(|name| Some((*name, env::var_os(name)?))));
    command.env("HOME", folder.path()).env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", &fetched).env("NODE_EXTRA_CA_CERTS", &authority);
    let facts: [(&str, OsString); 9] = [
        ("PORTAL", serving.base().into()),
        ("PORTAL_CA", authority.into()),
        ("PORTAL_READS", reads.into()),
        ("PORTAL_WRITES", writes.into()),
        ("PORTAL_GATEWAY", gateway.into()),
        ("PORTAL_USERS", (USERS + 2).to_string().into()),
        ("PORTAL_DEVELOPER", "dora@contoso.example".into()),
        ("PORTAL_PASSWORD", PASSWORD.into()),
        ("PORTAL_DATABASE", if url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" }.into()),
    ];
    let output = command.envs(facts).stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("the driver starts");
    let stopped = serving.signal("TERM");
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let log = fs::read_to_string(folder.path().join("portico.log")).unwrap();
        let tail: Vec<&str> = log.lines().rev().take(3).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        panic!("{client}: {}\n{said}{errors}\nThe portal's log ends:\n{}", output.status, tail.join("\n"));
    }
    assert_eq!(stopped, 0, "the portal ends well");
    let count = said.lines().find(|line| line.starts_with("count: ")).expect("the driver says what it counted");
    // Past the capture of cargo test.
    let _ = writeln!(std::io::stderr(), "\n{count}");
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(path)
}

fn python(_: &Path) -> Command {
    let mut command = Command::new(env::var_os("PORTICO_TEST_PYTHON").unwrap_or_else(|| "python3".into()));
    command.arg(source("python/drive.py"));
    command
}

#[tokio::test]
async fn the_python_client_5() {
    drive("python-5", python).await;
}

#[tokio::test]
async fn the_python_client_4() {
    drive("python-4", python).await;
}

#[tokio::test]
async fn the_javascript_client() {
    drive("npm", |fetched| {
        let mut command = Command::new("node");
        // Packages are looked for beside a program, and from here when it comes by standard input.
        command.args(["--input-type=module", "-"]).current_dir(fetched).stdin(fs::File::open(source("npm/drive.mjs")).unwrap());
        command
    })
    .await;
}
