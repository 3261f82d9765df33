//! PostgreSQL's connections, lent by the pool: nobody waits for a server that has gone silent, and a connection that got stuck is let go.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{runtime::Handle, time::timeout};

use super::connect::WAIT;
use crate::error::Error;

const CONNECTIONS: u32 = 16;
/// Within this a server that is there says something: that a connection which nobody used is alive, or that it takes a new one.
const SIGN: Duration = Duration::from_secs(2);
/// A page's statement is given up after this also when the server answers others: the line that it went by may be dead. The slowest
/// that were measured, on a million rows, take a third of it.
const PAGE: Duration = Duration::from_secs(30);

/// Opens the pool; a server that cannot be reached, or says nothing, is named.
pub(super) async fn open(options: PgConnectOptions) -> Result<(PgPool, Patience), sqlx::Error> {
    let at = format!("{}:{}", options.get_host(), options.get_port());
    let patience = Patience { options: Arc::new(options.clone()), most: Duration::MAX };
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(WAIT)
        // The pool's own test would wait for as long as the request does.
        .test_before_acquire(false)
        .before_acquire(|connection, _| {
            Box::pin(async move {
                match timeout(SIGN, connection.ping()).await {
                    Ok(answer) => answer.map(|()| true),
                    Err(_) => Err(silent("an idle connection is dead")),
                }
            })
        })
        .connect_with(options)
        .await;
    match pool {
        Err(sqlx::Error::PoolTimedOut) => {
            Err(silent(&format!("the PostgreSQL server at {at} did not answer within {} seconds", WAIT.as_secs())))
        }
        pool => Ok((pool?, patience)),
    }
}

fn silent(what: &str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, what))
}

/// How long an answer is waited for: as long as the server gives signs of life, and pages have a limit besides.
#[derive(Clone)]
pub struct Patience {
    options: Arc<PgConnectOptions>,
    most: Duration,
}

impl Patience {
    pub(super) fn of_a_page(&self) -> Self {
        Self { most: PAGE, ..self.clone() }
    }

    /// None when the server has gone silent.
    pub async fn with<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer);
        let began = Instant::now();
        loop {
            if let Ok(answer) = timeout(WAIT, answer.as_mut()).await {
                return Some(answer);
            }
            if began.elapsed() >= self.most {
                return None;
            }
            tokio::select! {
                biased;
                answer = answer.as_mut() => return Some(answer),
                alive = self.server_answers() => if !alive { return None },
            }
        }
    }

    /// Asked on a new connection. Also "no", as when there are too many, is an answer.
    async fn server_answers(&self) -> bool {
        let opened = timeout(SIGN, PgConnection::connect_with(&self.options)).await;
        !matches!(opened, Err(_) | Ok(Err(sqlx::Error::Io(_))))
    }
}

/// A connection from the pool, perhaps inside a transaction. What was not committed when it is dropped is rolled back.
pub struct Lent {
    /// None when it got stuck.
    pooled: Option<PoolConnection<Postgres>>,
    in_transaction: bool,
    patience: Patience,
}

impl Lent {
    pub(super) fn new(pooled: PoolConnection<Postgres>, patience: &Patience) -> Self {
        Self { pooled: Some(pooled), in_transaction: false, patience: patience.clone() }
    }

    /// For one piece of work, whose answer goes to `heard`.
    ///
    /// # Errors
    /// When an earlier piece of work got stuck.
    pub fn lend(&mut self) -> Result<(&mut PgConnection, &Patience), Error> {
        match &mut self.pooled {
            Some(pooled) => Ok((pooled, &self.patience)),
            None => Err(silent("the connection is gone").into()),
        }
    }

    /// A connection that did not answer is closed at once, so that the pool can open another.
    pub fn heard<T>(&mut self, answer: Option<Result<T, Error>>) -> Result<T, Error> {
        answer.unwrap_or_else(|| {
            drop(self.pooled.take().map(PoolConnection::detach));
            Err(silent("the PostgreSQL server does not answer any more").into())
        })
    }

    async fn say(&mut self, statement: &'static str) -> Result<(), Error> {
        let (connection, patience) = self.lend()?;
        let answer = patience.with(async { Ok(connection.execute(sqlx::raw_sql(statement)).await.map(drop)?) }).await;
        self.heard(answer)
    }

    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        // Before it is said: who goes away while it is on its way leaves a transaction behind.
        self.in_transaction = true;
        self.say("begin").await
    }

    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.say("commit").await?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut pooled) = self.pooled.take() else { return };
        let Ok(here) = Handle::try_current() else {
            drop(pooled.detach());
            return;
        };
        let in_transaction = self.in_transaction;
        here.spawn(async move {
            if in_transaction && !matches!(timeout(WAIT, pooled.execute(sqlx::raw_sql("rollback"))).await, Ok(Ok(_))) {
                drop(pooled.detach());
                return;
            }
            // Reads what is left of a statement whose asker went away: dropping the connection does the same, and waits for ever.
            let back = pooled.return_to_pool();
            let _ = timeout(WAIT, back).await;
        });
    }
}
