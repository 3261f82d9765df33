//! A full disk: a portal in a process of its own, whose database lies on a small file system in memory that is filled up.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{counted, on_sqlite};
use crate::{
    program::{SECRET, Serving},
    support::{Browser, PASSWORD},
};

/// A program in a name space of its own, where a file system of six megabytes is mounted on the folder. It goes with the program.
fn on_small_disk(how: &str, folder: &Path, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args([how, "sh", "-c", "mount -t tmpfs -o size=6m portico \"$1\" && cd \"$1\" && exec \"$2\"", "sh"]);
    command.arg(folder).arg(program).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How this user may mount: as they are, as root of a name space of their own, or not at all.
fn how_to_mount(folder: &Path) -> Option<&'static str> {
    ["-m", "-rm"].into_iter().find(|how| on_small_disk(how, folder, "true").output().is_ok_and(|output| output.status.success()))
}

/// Writes until nothing more goes in; the answer is the file that took it.
fn fill(folder: &Path) -> PathBuf {
    let path = folder.join("ballast");
    let mut file = File::create(&path).unwrap();
    for size in [64 * 1024, 512, 1] {
        let piece = vec![b'x'; size];
        loop {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
    path
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_keeps_what_it_has() {
    if !on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(how) = how_to_mount(folder.path()) else {
        counted("a full disk: SKIPPED, this user may not mount one; `a_full_database…` tries it with a limit of SQLite's");
        return;
    };
    let mut command = on_small_disk(how, folder.path(), env!("CARGO_BIN_EXE_portico"));
    command.env("PORTICO_LISTEN", "127.0.0.1:0").env("PORTICO_WORKERS", "1").env("PORTICO_SECRET_KEY", SECRET);
    command.env("PORTICO_ADMIN_EMAIL", "root@portal.example").env("PORTICO_ADMIN_PASSWORD", PASSWORD);
    let mut serving = Serving::start_open(command);
    // The same folder, as the program sees it.
    let disk = PathBuf::from(format!("/proc/{}/root{}", serving.child.id(), folder.path().display()));
    assert!(disk.join("portico.db").exists());
    let guest = Browser::new(&serving.base());
    let sign_in = async || {
        let browser = Browser::new(&serving.base());
        let status = browser.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.status;
        (browser, status)
    };
    let (admin, status) = sign_in().await;
    assert_eq!(status, 303);

    let ballast = fill(&disk);
    let description = "x".repeat(900);
    let (mut made, mut refused) = (0, 0);
    // Pages that were given up are used again, so that some changes find room still.
    while refused < 5 {
        assert!(made < 4000, "it is full at last");
        let name = format!("Group {made} {refused}");
        let reply = admin.post("/publisher/new/group", &[("display_name", &name), ("description", &description)]).await;
        let groups = admin.get(&format!("/publisher/groups?q={}", name.replace(' ', "+"))).await;
        let log = admin.get(&format!("/publisher/audit?q={}", name.replace(' ', "+"))).await;
        groups.is(200);
        log.is(200);
        if reply.status == 303 {
            groups.shows(&format!("{name}</"));
            log.shows(&format!("{name}</"));
            made += 1;
        } else {
            reply.is(503).shows("database cannot do this at the moment").hides("our fault");
            assert_eq!(reply.header("retry-after"), "5");
            groups.hides(&format!("{name}</"));
            log.hides(&format!("{name}</"));
            refused += 1;
        }
    }
    guest.get("/products").await.is(200);
    guest.get("/healthz").await.is(200);
    // A session is a row, and has no room.
    assert_eq!(sign_in().await.1, 503);

    std::fs::remove_file(ballast).unwrap();
    assert_eq!(admin.post("/publisher/new/group", &[("display_name", "Room again")]).await.status, 303);
    assert_eq!(sign_in().await.1, 303);
    // SQLite does not find its files by that way, and nobody writes now: a copy is read.
    for file in ["portico.db", "portico.db-wal"] {
        std::fs::copy(disk.join(file), folder.path().join(file)).unwrap();
    }
    let options = SqliteConnectOptions::new().filename(folder.path().join("portico.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let found: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut database).await.unwrap();
    let count = "select (select count(*) from groups where kind = 'custom'), (select count(*) from audit where action = 'group.created')";
    let kept: (i64, i64) = sqlx::query_as(count).fetch_one(&mut database).await.unwrap();
    assert_eq!((found.as_str(), kept), ("ok", (made + 1, made + 1)));
    database.close().await.unwrap();
    assert_eq!(serving.signal("TERM"), 0);
    counted(&format!("a full disk: {made} changes found room still, then {refused} were refused, none was half done"));
}
