//! The database is busy, full, read-only or gone for a while: the portal says so, changes nothing, and goes on by itself afterwards.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use portico::{
    db::{Clock, Database, Select},
    users::UserState,
};
use sqlx::{Connection, Executor, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{counted, on_sqlite, rounds};
use crate::support::{Browser, Portal, START};

/// Longer than the wait for a connection and that for the lock behind it, with room for a slow machine.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

async fn groups(portal: &Portal) -> i64 {
    portal.count("select count(*) from groups").await
}

pub(super) async fn add(browser: &Browser, name: &str) -> u16 {
    let began = Instant::now();
    let status = browser.post("/publisher/new/group", &[("display_name", name)]).await.status;
    assert!(began.elapsed() < LONGEST, "an answer after {:?}", began.elapsed());
    status
}

#[tokio::test]
async fn a_lock_held_past_the_wait_is_busy_and_reading_goes_on() {
    if !on_sqlite() {
        return;
    }
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let (groups_before, log_before) = (groups(&portal).await, portal.audited().await);
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::from_str(portal.url()).unwrap()).await.unwrap();
    other.execute("begin immediate").await.unwrap();
    let reply = admin.post("/publisher/new/group", &[("display_name", "Late")]).await;
    reply.is(503).shows("busy at the moment").shows("Nothing was changed");
    assert_eq!(reply.header("retry-after"), "5");
    // Somebody seen a while ago is noted as seen now, or later: the page does not depend on it.
    portal.pass(time::Duration::minutes(5));
    let began = Instant::now();
    admin.get("/publisher/groups").await.is(200);
    portal.guest().get("/products").await.is(200);
    assert!(began.elapsed() < LONGEST);
    assert_eq!((groups(&portal).await, portal.audited().await), (groups_before, log_before));
    other.execute("rollback").await.unwrap();
    assert_eq!(add(&admin, "Late").await, 303);
    assert_eq!(groups(&portal).await, groups_before + 1);
}

/// A statement on the portal's one connection that writes, outside its work.
async fn on_the_writer(portal: &Portal, statement: &'static str) {
    let mut tx = portal.db().write().await.unwrap();
    Select::new(&tx, statement).all::<(i64,)>(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_full_database_keeps_what_it_has_and_goes_on_when_there_is_room() {
    if !on_sqlite() {
        return;
    }
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    portal.add_group("Partners").await;
    // As it is, and not a page more.
    on_the_writer(&portal, "pragma max_page_count = 1").await;
    let description = "x".repeat(900);
    let mut refused = None;
    for number in 0..2000 {
        let name = format!("Group {number}");
        let before = (groups(&portal).await, portal.audited().await.len());
        let reply = admin.post("/publisher/new/group", &[("display_name", &name), ("description", &description)]).await;
        if reply.status != 303 {
            assert_eq!((groups(&portal).await, portal.audited().await.len()), before, "nothing of what was refused");
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("it is full at last");
    refused.is(503).hides("our fault");
    admin.get("/publisher/groups").await.is(200);
    on_the_writer(&portal, "pragma max_page_count = 1073741823").await;
    assert_eq!(add(&admin, "Room again").await, 303);
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_read() {
    if !on_sqlite() {
        return;
    }
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let before = (groups(&portal).await, portal.audited().await);
    let mut tx = portal.db().write().await.unwrap();
    Select::new(&tx, "pragma query_only = on").execute(&mut tx).await.unwrap();
    drop(tx);
    admin.post("/publisher/new/group", &[("display_name", "Late")]).await.is(503).hides("our fault");
    portal.pass(time::Duration::minutes(5));
    admin.get("/publisher/groups").await.is(200);
    assert_eq!((groups(&portal).await, portal.audited().await), before);
    // A transaction cannot begin any more on that connection: another process finds all as it was.
    let again = portal.beside().await;
    assert_eq!(add(&admin.at(&again.base), "Room again").await, 303);
}

#[test]
fn a_file_that_is_not_a_database_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("portico.db"), "this is a letter, and no database at all ".repeat(100)).unwrap();
    let mut command = crate::program::portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", "sqlite:portico.db").env("PORTICO_SECRET_KEY", crate::program::SECRET);
    let error = crate::program::error_of(command);
    assert!(error.contains("database") && !error.contains("panicked"), "{error}");
}

#[test]
fn a_read_only_file_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portico.db");
    std::fs::write(&file, "").unwrap();
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&file).is_ok() {
        counted("a read-only file: SKIPPED, this user writes to it all the same");
        return;
    }
    let mut command = crate::program::portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", "sqlite:portico.db").env("PORTICO_SECRET_KEY", crate::program::SECRET);
    let error = crate::program::error_of(command);
    assert!(!error.contains("panicked"), "{error}");
}

/// The server's database, seen from beside it.
struct Beside {
    connection: PgConnection,
    database: String,
}

impl Beside {
    async fn of(portal: &Portal) -> Self {
        let server = std::env::var("PORTICO_TEST_POSTGRES").expect("PostgreSQL");
        let url = url::Url::parse(portal.url()).unwrap();
        Self { connection: PgConnection::connect(&server).await.unwrap(), database: url.path().trim_start_matches('/').to_owned() }
    }

    /// Ends every connection of the portal; how many there were.
    async fn end_all(&mut self) -> usize {
        let ending = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1";
        sqlx::query(ending).bind(&self.database).fetch_all(&mut self.connection).await.unwrap().len()
    }

    async fn let_in(&mut self, who: bool) {
        // The name is made of letters, digits and an underscore.
        let statement = format!("alter database {} with allow_connections {who}", self.database);
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut self.connection).await.unwrap();
    }
}

/// Adds groups and looks at pages until it is enough. (answers that were good, answers that said busy, groups answered)
pub(super) async fn go_on(person: usize, browser: Browser, enough: Arc<AtomicBool>) -> (usize, usize, Vec<String>) {
    let (mut good, mut busy, mut made) = (0, 0, Vec::new());
    for number in 0.. {
        if enough.load(SeqCst) {
            break;
        }
        let name = format!("Group {person} {number}");
        let began = Instant::now();
        let reply = if number % 2 == 0 {
            browser.post("/publisher/new/group", &[("display_name", &name)]).await
        } else {
            browser.get("/publisher/groups").await
        };
        assert!(began.elapsed() < LONGEST, "an answer after {:?}", began.elapsed());
        match reply.status {
            303 => {
                made.push(name);
                good += 1;
            }
            200 => good += 1,
            503 => busy += 1,
            other => panic!("{other}: {}", reply.text),
        }
    }
    (good, busy, made)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_ends_connections_under_load_and_is_away_for_a_while() {
    if on_sqlite() {
        return;
    }
    let portal = Portal::start().await;
    let admin = portal.administrator().await;
    let mut beside = Beside::of(&portal).await;
    let enough = Arc::new(AtomicBool::new(false));
    let people: Vec<_> = (0..4).map(|person| tokio::spawn(go_on(person, admin.clone(), enough.clone()))).collect();
    let times = rounds(20, 300);
    let mut ended = 0;
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(25)).await;
        ended += beside.end_all().await;
    }
    // Nobody is let in for a while.
    beside.let_in(false).await;
    let mut none = 0;
    // One that was being let in may not be among the listed yet.
    while none < 10 {
        none = if beside.end_all().await == 0 { none + 1 } else { 0 };
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let began = Instant::now();
    portal.guest().get("/products").await.is(503);
    admin.get("/publisher/groups").await.is(503);
    admin.post("/publisher/new/group", &[("display_name", "Late")]).await.is(503);
    portal.guest().get("/readyz").await.is(503);
    portal.guest().get("/healthz").await.is(200);
    let away = began.elapsed();
    assert!(away < 4 * LONGEST, "{away:?}");
    beside.let_in(true).await;
    let began = Instant::now();
    while portal.guest().get("/readyz").await.status != 200 {
        assert!(began.elapsed() < LONGEST, "it does not come back");
    }
    admin.get("/publisher/groups").await.is(200);
    enough.store(true, SeqCst);
    let (mut good, mut busy, mut made) = (0, 0, Vec::new());
    for person in people {
        let (g, b, m) = person.await.expect("no answer but these");
        (good, busy) = (good + g, busy + b);
        made.extend(m);
    }
    assert_eq!(add(&admin, "Back again").await, 303);
    let mut connection = portal.db().read().await.unwrap();
    let there =
        Select::new(&connection, "select display_name from groups where kind = 'custom'").all::<(String,)>(&mut connection).await.unwrap();
    let lost: Vec<&String> = made.iter().filter(|name| !there.iter().any(|row| row.0 == **name)).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    drop(connection);
    assert_eq!(portal.count("select count(*) from audit where action = 'group.created'").await, there.len() as i64);
    counted(&format!(
        "{ended} connections ended under load in {times} strokes: {good} good answers, {busy} said that the portal cannot now; 4 requests answered in {away:?} while nobody was let in"
    ));
}

/// A server that refuses: nobody listens at the address any more, then somebody does again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_stops_and_starts_again() {
    if on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = crate::support::database_url(&folder).await;
    let mut there = url::Url::parse(&url).unwrap();
    let server = format!("{}:{}", there.host_str().unwrap(), there.port().unwrap_or(5432));
    let line = Line::open("127.0.0.1:0", &server).await;
    let address = line.address;
    there.set_host(Some("127.0.0.1")).unwrap();
    there.set_port(Some(address.port())).unwrap();
    let portal = Portal::on(there.as_str()).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let admin = portal.signed_in("root@portal.example").await;
    assert_eq!(add(&admin, "Before").await, 303);
    line.cut();
    let began = Instant::now();
    admin.get("/publisher/groups").await.is(503);
    admin.post("/publisher/new/group", &[("display_name", "Late")]).await.is(503);
    portal.guest().get("/products").await.is(503);
    let away = began.elapsed();
    assert!(away < 3 * LONGEST, "{away:?}");
    let _line = Line::open(&address.to_string(), &server).await;
    let began = Instant::now();
    while admin.get("/publisher/groups").await.status != 200 {
        assert!(began.elapsed() < LONGEST, "it does not come back");
    }
    assert_eq!(add(&admin, "After").await, 303);
    let db = Database::open(&url, Clock::from_fn(|| START)).await.unwrap();
    let mut connection = db.read().await.unwrap();
    assert_eq!(Select::new(&connection, "select count(*) from groups where kind = 'custom'").count(&mut connection).await.unwrap(), 2);
    counted(&format!("a server that refuses: 3 requests answered in {away:?}"));
}

/// A line to a server that can be cut: connections end, and new ones are refused.
struct Line {
    address: std::net::SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    async fn open(at: &str, server: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(at).await.expect("a free port");
        let (address, server) = (listener.local_addr().unwrap(), server.to_owned());
        let task = tokio::spawn(async move {
            let mut calls = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                calls.spawn(async move {
                    if let Ok(mut far) = tokio::net::TcpStream::connect(server).await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Self { address, task }
    }

    fn cut(&self) {
        self.task.abort();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.cut();
    }
}
