//! What was answered is on disk: the settings that power loss is survived by, asked of the connections that the portal really has.

use crate::{
    program::{SECRET, Serving, portico},
    support::{Browser, PASSWORD, Portal, database_url},
};
use portico::db::{Connection, Select};

async fn text(connection: &mut Connection, statement: &'static str) -> String {
    Select::new(connection, statement).optional::<(String,)>(connection).await.expect("an answer").expect("a row").0
}

#[tokio::test]
async fn a_new_database_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    // Not a copy, as other tests begin with.
    let portal = Portal::on(&database_url(&folder).await).await;
    portal.add_group("Partners").await;
    // PostgreSQL sees to its own files.
    let Some(file) = portal.url().strip_prefix("sqlite:") else { return };
    for file in [file.to_owned(), format!("{file}-wal"), format!("{file}-shm")] {
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn an_answered_change_is_on_disk() {
    let portal = Portal::start().await;
    let mut writer = portal.db().write().await.expect("a transaction");
    if matches!(*writer, Connection::Sqlite(_)) {
        // 2 is FULL; in WAL mode anything less syncs at checkpoints only.
        assert_eq!(text(&mut writer, "select cast(synchronous as text) from pragma_synchronous").await, "2");
        assert_eq!(text(&mut writer, "select journal_mode from pragma_journal_mode").await, "wal");
    } else {
        let setting = "select string_agg(name || ' ' || setting, ', ' order by name) from pg_settings
            where name = 'synchronous_commit' or (name in ('fsync', 'full_page_writes') and source <> 'command line')";
        // A server that somebody started without for throwaway databases is left out; that of tests/run is not.
        let said = text(&mut writer, setting).await;
        assert!(said.contains("synchronous_commit on"), "{said}");
        assert!(!said.contains(" off"), "{said}");
    }
}

/// The process is killed in the moment in which its answer has come, and asked again after a new start.
#[tokio::test]
async fn an_answered_change_survives_the_end_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let start = || {
        let mut command = portico(folder.path(), &[]);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command.env("PORTICO_ADMIN_EMAIL", "root@portal.example").env("PORTICO_ADMIN_PASSWORD", PASSWORD);
        Serving::start_open(command)
    };
    for round in 0..3 {
        let name = format!("Round {round}");
        let mut serving = start();
        let admin = Browser::new(&serving.base());
        admin.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
        if round > 0 {
            admin.get("/publisher/groups").await.shows(&format!("Round {}", round - 1));
            admin.get("/publisher/audit").await.shows(&format!("Round {}", round - 1));
        }
        admin.post("/publisher/new/group", &[("display_name", &name), ("description", "")]).await.is(303);
        serving.send("KILL");
        assert!(serving.child.wait().expect("it ends").code().is_none(), "ended by the signal");
    }
}
