//! Pools, connections and transactions of the two engines.

use std::{
    fs::OpenOptions,
    future::poll_fn,
    ops::{Deref, DerefMut},
    os::unix::fs::OpenOptionsExt,
    pin::pin,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Connection as _, PgPool, Sqlite, SqliteConnection, SqlitePool,
    pool::PoolConnection,
    postgres::{PgArguments, PgConnectOptions, Postgres},
    query::Query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use tokio::runtime::Handle;

use super::{
    Clock, Instant,
    postgres::{self, Lent, Patience},
};
use crate::{error::Error, waits::Waits};

/// How long a request waits for a connection or for SQLite's write lock before it is told that the database is busy.
pub(super) const WAIT: Duration = Duration::from_secs(5);
/// Readers beside SQLite's one writer: measured best on two cores.
const READERS: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

#[derive(Clone)]
enum Pools {
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    /// Connections belong to the runtime in which they were opened, and the server's workers have one each, which end one after the
    /// other: so they are opened in the one that ends last, and requests in hand keep theirs.
    Postgres {
        pool: PgPool,
        home: Handle,
        patience: Patience,
    },
}

/// Does the work as if it were awaited in that runtime.
async fn within<T>(home: &Handle, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let _home = home.enter();
        work.as_mut().poll(context)
    })
    .await
}

/// The database, and the clock that its changes are dated by.
#[derive(Clone)]
pub struct Database {
    pools: Pools,
    clock: Clock,
    /// For a connection to read with, and for one to write with.
    waits: [Arc<Waits>; 2],
    commits: Arc<AtomicU64>,
}

/// A pool at this moment, for monitoring.
pub struct Pool {
    pub name: &'static str,
    pub size: u32,
    pub idle: u32,
    pub most: u32,
    pub waits: Arc<Waits>,
}

impl Pool {
    fn of<DB: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<DB>, waits: &Arc<Waits>) -> Self {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        Self { name, size: pool.size(), idle, most: pool.options().get_max_connections(), waits: waits.clone() }
    }
}

/// When the disk is full SQLite rolls back by itself, and the driver goes on believing in the transaction: such a connection is closed.
async fn is_out_of_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // Behind what was asked before it, as the rollback of a transaction that was dropped.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Whether the next one has to wait until somebody gives a connection back.
fn is_spent<DB: sqlx::Database>(pool: &sqlx::Pool<DB>) -> bool {
    pool.num_idle() == 0 && pool.size() >= pool.options().get_max_connections()
}

/// A native connection of SQLite, from the pool or inside a transaction.
pub enum Held {
    Pooled(PoolConnection<Sqlite>),
    InTransaction(sqlx::Transaction<'static, Sqlite>),
}

impl Deref for Held {
    type Target = sqlx::SqliteConnection;
    fn deref(&self) -> &Self::Target {
        match self {
            Held::Pooled(c) => c,
            Held::InTransaction(c) => c,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Held::Pooled(c) => c,
            Held::InTransaction(c) => c,
        }
    }
}

/// What a store runs its statements on.
pub enum Connection {
    Sqlite(Held),
    Postgres(Lent),
}

impl Connection {
    pub fn engine(&self) -> Engine {
        match self {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A transaction that writes. Everything in it happens at one instant; dropping it without `commit` changes nothing.
pub struct Transaction {
    connection: Connection,
    now: Instant,
    commits: Arc<AtomicU64>,
}

impl Deref for Transaction {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// PostgreSQL's alone.
const NEXT_KEY: &str = "select setval(pg_get_serial_sequence($1, 'id'), $2)";
/// PostgreSQL's alone.
const ADVISORY_LOCK: &str = "select pg_advisory_xact_lock(hashtextextended($1, $2))";

impl Transaction {
    /// The instant of everything in this transaction.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Waits until no other transaction is in this part of the program for this key, until the end of this one.
    ///
    /// For what counts rows before it adds one. SQLite has one writer at a time anyway.
    pub async fn one_at_a_time(&mut self, part: &'static str, key: i64) -> Result<(), Error> {
        self.on_postgres(sqlx::query(ADVISORY_LOCK).bind(part).bind(key)).await
    }

    /// Rows of a table were written with keys of their own, up to this one: the next gets the key after it.
    ///
    /// SQLite sees to it itself.
    pub async fn keys_given(&mut self, table: &'static str, last: i64) -> Result<(), Error> {
        self.on_postgres(sqlx::query(NEXT_KEY).bind(table).bind(last)).await
    }

    async fn on_postgres(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<(), Error> {
        if let Connection::Postgres(lent) = &mut self.connection {
            let (connection, patience) = lent.lend()?;
            let answer = patience.with(async { Ok(query.execute(connection).await.map(drop)?) }).await;
            lent.heard(answer)?;
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<(), Error> {
        match self.connection {
            Connection::Sqlite(Held::InTransaction(t)) => t.commit().await?,
            Connection::Sqlite(Held::Pooled(_)) => {}
            Connection::Postgres(lent) => lent.commit().await?,
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Bytes of the file that are read where the system keeps them, without a copy: each reader's own cache holds two megabytes alone. This is
/// the most that SQLite takes (SQLITE_MAX_MMAP_SIZE); a million users are nearly as much.
const MAPPED: &str = "2147418112";

impl Database {
    /// Opens `sqlite:FILE` (made when missing) or `postgres://…`, and does not migrate.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, sqlx::Error> {
        if url.starts_with("sqlite:") {
            // synchronous=FULL: an answered write is on disk. query_only keeps readers honest.
            let base = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .pragma("mmap_size", MAPPED)
                .busy_timeout(WAIT)
                .optimize_on_close(true, None);
            // Password hashes and mails are in it, so a new one is its owner's alone; SQLite gives the files beside it the same mode. What
            // is wrong with the path is said when it is opened.
            let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(base.get_filename());
            let write = SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(WAIT)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_release(|connection, _| Box::pin(is_out_of_transaction(connection)))
                .connect_with(base.clone())
                .await?;
            let read = SqlitePoolOptions::new()
                .max_connections(READERS)
                .acquire_timeout(WAIT)
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(base.pragma("query_only", "on"));
            Ok(Self { pools: Pools::Sqlite { read, write }, clock, waits: Default::default(), commits: Arc::default() })
        } else {
            let options = PgConnectOptions::from_str(url)?.application_name("portico").options([("timezone", "UTC")]);
            let (pool, patience) = postgres::open(options).await?;
            let waits = Arc::<Waits>::default();
            Ok(Self {
                pools: Pools::Postgres { pool, home: Handle::current(), patience },
                clock,
                waits: [waits.clone(), waits],
                commits: Arc::default(),
            })
        }
    }

    pub fn engine(&self) -> Engine {
        match self.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// How many transactions this process has committed: what was read before the last of them may be old.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// The same database under another clock: to fill it with a past.
    pub fn under(&self, clock: Clock) -> Self {
        Self { clock, ..self.clone() }
    }

    /// The same database for pages: none of their statements may take for ever, as those that migrate or fill it may.
    pub fn for_pages(&self) -> Self {
        let mut db = self.clone();
        if let Pools::Postgres { patience, .. } = &mut db.pools {
            *patience = patience.of_a_page();
        }
        db
    }

    /// A connection to read with; each statement sees what was committed before it.
    pub async fn read(&self) -> Result<Connection, Error> {
        let [waits, _] = &self.waits;
        Ok(match &self.pools {
            Pools::Sqlite { read, .. } => Connection::Sqlite(Held::Pooled(waits.taking(is_spent(read), read.acquire()).await?)),
            Pools::Postgres { pool, home, patience } => {
                Connection::Postgres(Lent::new(waits.taking(is_spent(pool), within(home, pool.acquire())).await?, patience))
            }
        })
    }

    /// A transaction to write in. SQLite takes its write lock at once, so that it cannot fail half-way for a reader that became a writer.
    pub async fn write(&self) -> Result<Transaction, Error> {
        let [_, waits] = &self.waits;
        let connection = match &self.pools {
            Pools::Sqlite { write, .. } => {
                Connection::Sqlite(Held::InTransaction(waits.taking(is_spent(write), write.begin_with("BEGIN IMMEDIATE")).await?))
            }
            Pools::Postgres { pool, home, patience } => {
                let mut lent = Lent::new(waits.taking(is_spent(pool), within(home, pool.acquire())).await?, patience);
                lent.begin().await?;
                Connection::Postgres(lent)
            }
        };
        Ok(Transaction { connection, now: self.clock.now(), commits: self.commits.clone() })
    }

    /// The pools as they are; nothing is asked of the database.
    pub fn pools(&self) -> Vec<Pool> {
        let [reading, writing] = &self.waits;
        match &self.pools {
            Pools::Sqlite { read, write } => vec![Pool::of("read", read, reading), Pool::of("write", write, writing)],
            Pools::Postgres { pool, .. } => vec![Pool::of("all", pool, reading)],
        }
    }

    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }

    pub(super) fn migration_pools(&self) -> Result<&SqlitePool, (&PgPool, &Patience)> {
        match &self.pools {
            Pools::Sqlite { write, .. } => Ok(write),
            Pools::Postgres { pool, patience, .. } => Err((pool, patience)),
        }
    }
}
