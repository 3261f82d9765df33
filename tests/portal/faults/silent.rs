//! A PostgreSQL that takes connections and says nothing: the portal does not wait with it, and goes on by itself when it speaks again.

use std::{
    net::SocketAddr,
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
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{
    away::{LONGEST, add, go_on},
    counted, on_sqlite,
};
use crate::support::{Browser, Portal, START};

#[derive(Clone, Copy)]
struct Speech {
    silent: bool,
    /// Calls with a lower number are never heard of again.
    heard_from: usize,
}

/// A line to a server that can go silent: it takes calls and words, and passes nothing on.
struct Line {
    address: SocketAddr,
    speech: watch::Sender<Speech>,
    calls: watch::Receiver<usize>,
    task: tokio::task::JoinHandle<()>,
}

/// Passes on what comes, as long as this call is heard.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, call: usize, mut speech: watch::Receiver<Speech>) {
    let mut words = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut words).await {
        if speech.wait_for(|now| !now.silent && now.heard_from <= call).await.is_err() || to.write_all(&words[..length]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

impl Line {
    async fn open(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().unwrap();
        let speech = watch::Sender::new(Speech { silent: false, heard_from: 0 });
        let (count, calls) = watch::channel(0);
        let heard = speech.subscribe();
        let task = tokio::spawn(async move {
            let mut carried = tokio::task::JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let call = *count.borrow();
                count.send_replace(call + 1);
                let (server, heard) = (server.clone(), heard.clone());
                carried.spawn(async move {
                    let Ok(far) = TcpStream::connect(server).await else { return };
                    let ((near_reads, near_writes), (far_reads, far_writes)) = (near.into_split(), far.into_split());
                    tokio::join!(carry(near_reads, far_writes, call, heard.clone()), carry(far_reads, near_writes, call, heard));
                });
            }
        });
        Self { address, speech, calls, task }
    }

    fn hush(&self) {
        self.speech.send_modify(|speech| speech.silent = true);
    }

    /// It speaks again: what was said meanwhile arrives, as from a server that was stopped.
    fn speak(&self) {
        self.speech.send_modify(|speech| speech.silent = false);
    }

    /// New calls are heard, and none of the old ones any more: another server has taken its place.
    fn speak_to_new_calls(&self) {
        let heard_from = *self.calls.borrow();
        self.speech.send_replace(Speech { silent: false, heard_from });
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A portal whose database is at the end of a line.
struct Called {
    portal: Portal,
    admin: Browser,
    line: Line,
    /// The way to the database beside the line.
    url: String,
    _folder: tempfile::TempDir,
}

async fn called() -> Called {
    let folder = tempfile::tempdir().unwrap();
    let url = crate::support::database_url(&folder).await;
    let mut there = url::Url::parse(&url).unwrap();
    let line = Line::open(format!("{}:{}", there.host_str().unwrap(), there.port().unwrap_or(5432))).await;
    there.set_host(Some("127.0.0.1")).unwrap();
    there.set_port(Some(line.address.port())).unwrap();
    let portal = Portal::on(there.as_str()).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    let admin = portal.signed_in("root@portal.example").await;
    Called { portal, admin, line, url, _folder: folder }
}

async fn status(asked: impl Future<Output = crate::support::Reply>) -> u16 {
    tokio::time::timeout(LONGEST, asked).await.expect("an answer in time").status
}

/// Silence while so many people work, then an end of it.
async fn silence_ends(how: &str, workers: usize, end: impl Fn(&Line)) {
    let Called { portal, admin, line, url, _folder } = called().await;
    let enough = Arc::new(AtomicBool::new(false));
    let people: Vec<_> = (0..workers).map(|person| tokio::spawn(go_on(person, admin.clone(), enough.clone()))).collect();
    let created = "select count(*) from audit where action = 'group.created'";
    while workers > 0 && portal.count(created).await < 8 {}
    line.hush();
    let began = Instant::now();
    let guest = portal.guest();
    let answers = tokio::join!(
        status(guest.get("/products")),
        status(admin.get("/publisher/groups")),
        status(admin.post("/publisher/new/group", &[("display_name", "Late")])),
        status(guest.get("/readyz")),
        status(guest.get("/healthz")),
    );
    assert_eq!(answers, (503, 503, 503, 503, 200));
    let away = began.elapsed();
    end(&line);
    let began = Instant::now();
    // The connections that are dead are found out one by one, as they are lent.
    while guest.get("/readyz").await.status != 200 || admin.get("/publisher/groups").await.status != 200 {
        assert!(began.elapsed() < 2 * LONGEST, "it does not come back");
    }
    let back = began.elapsed();
    enough.store(true, SeqCst);
    let (mut good, mut busy, mut made) = (0, 0, Vec::new());
    for person in people {
        let (g, b, m) = person.await.expect("no answer but these");
        (good, busy) = (good + g, busy + b);
        made.extend(m);
    }
    // With nobody else at work there is no dead one left to be lent for long.
    let began = Instant::now();
    let mut tries = 0;
    // A try whose answer got lost may have been done, so each has a name of its own.
    while add(&admin, &format!("Back again {tries}")).await != 303 {
        assert!(began.elapsed() < 2 * LONGEST, "it does not write");
        tries += 1;
    }
    let db = Database::open(&url, Clock::from_fn(|| START)).await.unwrap();
    let mut connection = db.read().await.unwrap();
    let there =
        Select::new(&connection, "select display_name from groups where kind = 'custom'").all::<(String,)>(&mut connection).await.unwrap();
    let lost: Vec<&String> = made.iter().filter(|name| !there.iter().any(|row| row.0 == **name)).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    assert_eq!(Select::new(&connection, created).count(&mut connection).await.unwrap(), there.len() as i64);
    counted(&format!(
        "a silent server, {how}: {good} good answers, {busy} said that the portal cannot now, all answered within {away:?}; ready {back:?} after"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_silent_under_load_and_goes_on() {
    if !on_sqlite() {
        silence_ends("which went on", 4, Line::speak).await;
    }
}

/// Nobody works meanwhile: a statement whose line died while the server answers others is given up only after half a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_silent_and_another_takes_its_place() {
    if !on_sqlite() {
        silence_ends("whose place another took", 0, Line::speak_to_new_calls).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_statement_is_waited_for_until_the_server_goes_silent() {
    if on_sqlite() {
        return;
    }
    let Called { portal: _portal, admin, line, url, _folder } = called().await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut watching = PgConnection::connect(&url).await.unwrap();
    for silent in [false, true] {
        other.execute("begin; lock table audit in access exclusive mode").await.unwrap();
        let asking = admin.clone();
        let page = tokio::spawn(async move { asking.get("/publisher/audit").await.status });
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database where d.datname = current_database() and not l.granted";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watching).await.unwrap() == 0 {}
        if silent {
            line.hush();
            assert_eq!(tokio::time::timeout(LONGEST, page).await.expect("it is given up").unwrap(), 503);
            other.execute("rollback").await.unwrap();
        } else {
            tokio::time::sleep(Duration::from_secs(8)).await;
            assert!(!page.is_finished(), "the server answers others: this is a long one");
            other.execute("rollback").await.unwrap();
            assert_eq!(page.await.unwrap(), 200);
        }
    }
    line.speak();
    admin.get("/publisher/audit").await.is(200);
}

/// The system takes the calls, and nobody ever reads them.
#[test]
fn a_start_against_a_silent_server_ends_with_its_name() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::program::portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", format!("postgres://portico@{address}/portico")).env("PORTICO_SECRET_KEY", crate::program::SECRET);
    let began = Instant::now();
    let error = crate::program::error_of(command);
    assert!(began.elapsed() < LONGEST, "ended after {:?}", began.elapsed());
    assert!(error.contains(&format!("{address} did not answer")) && !error.contains("panicked"), "{error}");
}
