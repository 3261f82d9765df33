//! The two databases behind one face: pools, connections, transactions, and the few places where the engines differ.
//! No table of a feature is named here; statements live in the features' stores.

mod about;
mod backup;
mod choice;
mod connect;
mod instant;
mod listed;
mod migrate;
mod postgres;
pub mod select;

pub use about::{bytes, engine};
pub use backup::{Copied, copy_sqlite};
pub use choice::Choice;
pub use connect::{Connection, Database, Engine, Pool, Transaction};
pub use instant::{Clock, Instant, in_full};
pub use listed::{flag, inner, listed};
pub use migrate::{MigrationState, latest as latest_migration, migrate, state as migration_state};
pub use select::{Kind, Select, Value};

/// Runs one query body on whichever engine the connection belongs to; `$c` is the native connection in it.
macro_rules! run {
    ($connection:expr, $c:ident => $body:expr) => {
        match $connection {
            $crate::db::Connection::Sqlite(held) => {
                let $c = &mut **held;
                $body
            }
            $crate::db::Connection::Postgres(lent) => {
                let ($c, patience) = lent.lend()?;
                let answer = patience.with(async { Ok::<_, $crate::error::Error>($body) }).await;
                lent.heard(answer)?
            }
        }
    };
}
pub(crate) use run;

/// Text for one of the two engines.
macro_rules! by_engine {
    ($connection:expr, sqlite: $sqlite:expr, postgres: $postgres:expr) => {
        match $connection.engine() {
            $crate::db::Engine::Sqlite => $sqlite,
            $crate::db::Engine::Postgres => $postgres,
        }
    };
}
pub(crate) use by_engine;

/// Counting for pages stops past this many rows; the total then reads "10,000+". What is exact is counted on request.
pub const COUNTED: i64 = 10_000;
