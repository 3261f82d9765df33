//! Keeps what decides in memory, and looks every half second, and after each commit of this process, what has changed.
//! While the database is away it goes on with what it knows, for a bounded time. Nothing is read before the first gateway asks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard},
    time::{Duration, Instant as Moment},
};

use tokio::{sync::Mutex as Turns, time::timeout};

use super::{
    Known,
    store::{self, Changes, Which},
};
use crate::{
    db::{Connection, Database, Instant},
    error::Error,
    ids::SubscriptionId,
};

/// For how long it is not looked what another process has changed.
const WAIT: time::Duration = time::Duration::milliseconds(500);
/// For how long what is known goes on being used while the database does not answer.
const WITHOUT: time::Duration = time::Duration::minutes(5);
/// How long a call waits for a database that is slow, before it is answered from memory.
const PATIENCE: Duration = Duration::from_millis(400);
/// After a look that failed, the next.
const AGAIN: Duration = Duration::from_secs(2);
/// Looks that came less often than this read everything anew: the changes are told for twice the time.
const SELDOM: Duration = Duration::from_secs(store::TOLD / 2);
/// More changes than this are not told one by one.
const MOST: i64 = 5_000;
/// Subscriptions that are read at a time.
const STRETCH: i64 = 5_000;

struct Kept {
    known: Known,
    /// Where the next look begins.
    next: i64,
    catalog_version: i64,
    /// From before the last look.
    commits: u64,
    checked_at: Instant,
    looked: Moment,
}

impl Kept {
    fn age(&self, db: &Database) -> time::Duration {
        db.now().since(self.checked_at).abs()
    }

    /// Whether the changes since it are still told.
    fn can_catch_up(&self, db: &Database) -> bool {
        self.looked.elapsed() < SELDOM && self.age(db) < SELDOM
    }
}

#[derive(Default)]
struct Looking {
    began: Option<Moment>,
    failed: Option<Moment>,
}

#[derive(Default)]
pub struct Memory {
    kept: RwLock<Option<Kept>>,
    looking: Mutex<Looking>,
    /// One at a time looks; the others wait for what it finds, or not.
    turns: Arc<Turns<()>>,
}

impl Memory {
    /// The answer of `question` to what is known now.
    ///
    /// # Errors
    /// When the database has been away for too long, or since the start.
    pub async fn ask<T>(self: &Arc<Self>, db: &Database, question: impl Fn(&Known, Instant) -> T) -> Result<T, Error> {
        let commits = db.commits();
        // The look that another began may have begun before this call.
        for _ in 0..2 {
            if let Some(answer) = self.fresh(db, commits, &question) {
                return Ok(answer);
            }
            self.look(db, commits).await?;
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref().filter(|kept| kept.age(db) <= WITHOUT) {
            Some(kept) => Ok(question(&kept.known, db.now())),
            None => Err(Error::Unavailable("the database has been away for too long to let anybody through".into())),
        }
    }

    fn fresh<T>(&self, db: &Database, commits: u64, question: impl Fn(&Known, Instant) -> T) -> Option<T> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref().filter(|kept| kept.commits >= commits && kept.age(db) < WAIT)?;
        Some(question(&kept.known, db.now()))
    }

    /// Whether there is something to answer from when the database says nothing.
    fn can_go_on(&self, db: &Database) -> bool {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().is_some_and(|kept| kept.age(db) <= WITHOUT)
    }

    fn looking(&self) -> MutexGuard<'_, Looking> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings it up to date, or waits for who does. A call that can be answered without waits a moment only; the look goes on.
    async fn look(self: &Arc<Self>, db: &Database, commits: u64) -> Result<(), Error> {
        let can_go_on = self.can_go_on(db);
        let Ok(turn) = self.turns.clone().try_lock_owned() else {
            let patience = self.looking().began.map_or(PATIENCE, |began| PATIENCE.saturating_sub(began.elapsed()));
            if can_go_on {
                let _ = timeout(patience, self.turns.lock()).await;
            } else {
                drop(self.turns.lock().await);
            }
            return Ok(());
        };
        if self.fresh(db, commits, |_, _| ()).is_some() {
            return Ok(());
        }
        if self.looking().failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            return if can_go_on { Ok(()) } else { Err(Error::Unavailable("the database did not answer just now".into())) };
        }
        self.looking().began = Some(Moment::now());
        let (memory, database) = (self.clone(), db.clone());
        let look = tokio::spawn(async move {
            let outcome = memory.read(&database).await;
            memory.note(outcome.as_ref().err());
            drop(turn);
            outcome
        });
        if can_go_on {
            // What failed is answered from memory, and was logged.
            let _ = timeout(PATIENCE, look).await;
            return Ok(());
        }
        look.await.map_err(Error::internal)?
    }

    fn note(&self, failed: Option<&Error>) {
        let before = std::mem::replace(&mut *self.looking(), Looking { began: None, failed: failed.map(|_| Moment::now()) });
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        match (failed, kept.as_ref()) {
            (Some(error), Some(kept)) => {
                let seconds = kept.looked.elapsed().as_secs();
                tracing::warn!(%error, seconds, "the database is away: gateways are answered from memory, as it was so many seconds ago");
            }
            (Some(error), None) => tracing::warn!(%error, "the database is away: gateways are not answered"),
            (None, _) if before.failed.is_some() => tracing::info!("the database is back: gateways are answered as it is"),
            (None, _) => {}
        }
    }

    fn change(&self) -> RwLockWriteGuard<'_, Option<Kept>> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, db: &Database) -> Result<(), Error> {
        // Before anything is read: a commit from now on makes it old.
        let moment = (db.commits(), db.now(), Moment::now());
        let mut connection = db.read().await?;
        let since = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            kept.as_ref().filter(|kept| kept.can_catch_up(db)).map(|kept| (kept.next, kept.catalog_version))
        };
        if let Some((next, version)) = since
            && let (changes, true) = store::changes(&mut connection, next, MOST).await?
        {
            return self.catch_up(&mut connection, changes, version, moment).await;
        }
        let (changes, _) = store::changes(&mut connection, i64::MAX, 0).await?;
        let mut known = Known::default();
        known.set_tokens(store::tokens(&mut connection).await?);
        let catalogue = store::catalogue(&mut connection).await?;
        let catalog_version = catalogue.version;
        known.set_catalogue(catalogue);
        let mut last = SubscriptionId(0);
        loop {
            let rows = store::subscriptions(&mut connection, Which::Behind(last, STRETCH)).await?;
            let Some(largest) = rows.iter().map(|row| row.id).max() else { break };
            last = largest;
            known.set_subscriptions(&[], rows);
        }
        known.fit();
        let (commits, checked_at, looked) = moment;
        *self.change() = Some(Kept { known, next: changes.next, catalog_version, commits, checked_at, looked });
        Ok(())
    }

    /// Reads anew what has changed.
    async fn catch_up(
        &self,
        connection: &mut Connection,
        changes: Changes,
        version: i64,
        (commits, checked_at, looked): (u64, Instant, Moment),
    ) -> Result<(), Error> {
        let Changes { next, catalog_version, subscriptions, owners, tokens } = changes;
        let changed = match subscriptions.as_slice() {
            [] => None,
            ids => Some(store::subscriptions(connection, Which::Of(ids)).await?),
        };
        let of_owners = match owners.as_slice() {
            [] => None,
            ids => Some(store::subscriptions(connection, Which::OfOwners(ids)).await?),
        };
        let tokens = if tokens { Some(store::tokens(connection).await?) } else { None };
        let catalogue = if catalog_version == version { None } else { Some(store::catalogue(connection).await?) };
        let mut place = self.change();
        let Some(kept) = place.as_mut() else { return Ok(()) };
        if let Some(rows) = changed {
            kept.known.set_subscriptions(&subscriptions, rows);
        }
        if let Some(rows) = of_owners {
            kept.known.set_subscriptions(&[], rows);
        }
        if let Some(rows) = tokens {
            kept.known.set_tokens(rows);
        }
        if let Some(rows) = catalogue {
            kept.catalog_version = rows.version;
            kept.known.set_catalogue(rows);
        }
        (kept.next, kept.commits, kept.checked_at, kept.looked) = (next, commits, checked_at, looked);
        Ok(())
    }
}
