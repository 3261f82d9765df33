//! `portico backup`, and a portal that is started on what it wrote.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
};

use crate::{
    program::{SECRET, error_of, portico, run},
    support::{Portal, database_url, seed::Product},
};
use portico::{auth, db::Select, groups};

fn on_postgres() -> bool {
    std::env::var_os("PORTICO_TEST_POSTGRES").is_some()
}

fn backup(folder: &Path, url: &str, file: &str) -> std::process::Command {
    let mut command = portico(folder, &["backup", file]);
    command.env("PORTICO_DATABASE_URL", url);
    command
}

/// The two keys on a page.
fn keys_on(page: &str) -> Vec<String> {
    page.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_backup_taken_while_others_write_makes_a_portal_again() {
    if on_postgres() {
        return;
    }
    let portal = Portal::start().await;
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    let dev = portal.developer("dev@portal.example").await;
    let path = dev.post("/products/orders/subscribe", &[("display_name", "Held")]).await.location().to_owned();
    let keys = keys_on(&dev.post(&format!("{path}/keys"), &[]).await.text);
    assert_eq!(keys.len(), 2);

    let (written, enough) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = {
        let (db, written, enough) = (portal.db().clone(), written.clone(), enough.clone());
        tokio::spawn(async move {
            while !enough.load(SeqCst) {
                let n = written.load(SeqCst) + 1;
                let new = groups::NewGroup { display_name: format!("Written {n}"), description: String::new() };
                groups::create(&db, &auth::operator(), &new).await.expect("a group");
                written.store(n, SeqCst);
            }
        })
    };
    while written.load(SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let before = written.load(SeqCst);
    let command = backup(folder.path(), portal.url(), "copy.db");
    let output: Output = tokio::task::spawn_blocking(move || run(command)).await.unwrap();
    let after = written.load(SeqCst);
    enough.store(true, SeqCst);
    writer.await.unwrap();
    let (said, file) = (String::from_utf8(output.stdout).unwrap(), folder.path().join("copy.db"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(after > before, "nobody wrote meanwhile");
    assert!(said.contains(&format!("Wrote {}: {} bytes", file.display(), file.metadata().unwrap().len())), "{said}");
    assert!(said.contains("subscription keys are encrypted with it"), "{said}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");

    let restored = Portal::on(&format!("sqlite:{}", file.display())).await;
    let copied = restored.count("select count(*) from groups where display_name like 'Written %'").await;
    assert!((before..=after).contains(&copied), "{before} {copied} {after}");
    let mut connection = restored.db().read().await.unwrap();
    let last =
        Select::new(&connection, "select max(cast(substr(display_name, 9) as integer)) from groups where display_name like 'Written %'")
            .count(&mut connection)
            .await
            .unwrap();
    assert_eq!(last, copied, "what was committed up to one instant, and nothing after it");
    drop(connection);
    let dev = restored.signed_in("dev@portal.example").await;
    assert_eq!(keys_on(&dev.post(&format!("{path}/keys"), &[]).await.text), keys);
    restored.add_group("Written after").await;
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_makes_nothing_up() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("portico.db").display());
    assert!(error_of(backup(folder.path(), &url, "copy.db")).contains("there is no database"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "neither a database nor a key was made");

    assert!(run(portico(folder.path(), &["migrate"])).status.success());
    let precious = folder.path().join("precious");
    std::fs::write(&precious, "").unwrap();
    assert!(error_of(backup(folder.path(), &url, "precious")).contains("precious exists already"));
    std::fs::write(&precious, "mine").unwrap();
    assert!(error_of(backup(folder.path(), &url, "precious")).contains("a backup overwrites nothing"));
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
    assert!(error_of(backup(folder.path(), &url, "portico.db")).contains("exists already"));
    assert!(error_of(backup(folder.path(), &url, "no/such/folder")).contains("cannot be written"));

    let output = run(backup(folder.path(), &url, "copy.db"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&folder.path().join("portico.key").display().to_string()), "{said}");
}

#[tokio::test]
async fn what_is_no_portal_is_not_backed_up() {
    if on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.db"), "this is no database, and it is longer than the head of one would be.".repeat(9))
        .unwrap();
    let url = format!("sqlite:{}", folder.path().join("other.db").display());
    error_of(backup(folder.path(), &url, "copy.db"));
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let url = format!("sqlite:{}", folder.path().join("empty.db").display());
    assert!(error_of(backup(folder.path(), &url, "copy.db")).contains("not a good one"));
    assert!(!folder.path().join("copy.db").exists() && !folder.path().join("copy.db.unfinished").exists());
}

#[tokio::test]
async fn on_postgresql_it_names_the_tool() {
    let folder = tempfile::tempdir().unwrap();
    let error = error_of(backup(folder.path(), "postgres://portico:hunter2@127.0.0.1:1/none", "copy"));
    assert!(error.contains("pg_dump") && error.contains("pg_restore") && !error.contains("hunter2"), "{error}");
    assert!(!folder.path().join("copy").exists());
}

#[tokio::test]
async fn a_portal_does_not_start_with_another_key_than_its_subscriptions() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let with_key = |arguments: &[&str], key: &str| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", key);
        command
    };
    let other = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";
    assert!(run(with_key(&["demo", "--users", "20", "--subscriptions", "3"], SECRET)).status.success());
    assert!(error_of(with_key(&[], other)).contains("not the one that this database's subscription keys are encrypted with"));
    let mut serving = crate::program::Serving::start(with_key(&[], SECRET), 1);
    assert_eq!(serving.signal("TERM"), 0);
}
