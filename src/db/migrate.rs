//! The migration history: numbered files, the same for both engines but for those that name one.

use std::{borrow::Cow, sync::LazyLock};

use sqlx::{
    Executor, PgPool,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};

use super::{Database, Engine, run};
use crate::error::Error;

/// `(number, what it does, its text, the one engine it is for)`.
const HISTORY: &[(i64, &str, &str, Option<Engine>)] = &[
    (1, "portal", include_str!("../../migrations/0001_portal.sql"), None),
    (2, "portal", include_str!("../../migrations/0002_portal.postgres.sql"), Some(Engine::Postgres)),
    (2, "portal", include_str!("../../migrations/0002_portal.sqlite.sql"), Some(Engine::Sqlite)),
    (3, "system groups", include_str!("../../migrations/0003_system_groups.sql"), None),
    (4, "system groups", include_str!("../../migrations/0004_system_groups.postgres.sql"), Some(Engine::Postgres)),
    (5, "audit search", include_str!("../../migrations/0005_audit_search.sql"), None),
    (6, "users by last sign-in", include_str!("../../migrations/0006_users_by_last_sign_in.postgres.sql"), Some(Engine::Postgres)),
    (7, "catalogue version", include_str!("../../migrations/0007_catalog_version.postgres.sql"), Some(Engine::Postgres)),
    (7, "catalogue version", include_str!("../../migrations/0007_catalog_version.sqlite.sql"), Some(Engine::Sqlite)),
    (8, "kept counts", include_str!("../../migrations/0008_kept_counts.postgres.sql"), Some(Engine::Postgres)),
    (8, "kept counts", include_str!("../../migrations/0008_kept_counts.sqlite.sql"), Some(Engine::Sqlite)),
    (10, "audit by name", include_str!("../../migrations/0010_audit_by_name.postgres.sql"), Some(Engine::Postgres)),
    (10, "audit by name", include_str!("../../migrations/0010_audit_by_name.sqlite.sql"), Some(Engine::Sqlite)),
    (11, "mail", include_str!("../../migrations/0011_mail.postgres.sql"), Some(Engine::Postgres)),
    (11, "mail", include_str!("../../migrations/0011_mail.sqlite.sql"), Some(Engine::Sqlite)),
    (12, "tokens", include_str!("../../migrations/0012_tokens.postgres.sql"), Some(Engine::Postgres)),
    (12, "tokens", include_str!("../../migrations/0012_tokens.sqlite.sql"), Some(Engine::Sqlite)),
    (13, "links", include_str!("../../migrations/0013_links.postgres.sql"), Some(Engine::Postgres)),
    (13, "links", include_str!("../../migrations/0013_links.sqlite.sql"), Some(Engine::Sqlite)),
    (14, "accounts", include_str!("../../migrations/0014_accounts.postgres.sql"), Some(Engine::Postgres)),
    (14, "accounts", include_str!("../../migrations/0014_accounts.sqlite.sql"), Some(Engine::Sqlite)),
    (15, "ends", include_str!("../../migrations/0015_ends.sql"), None),
    (16, "order and versions", include_str!("../../migrations/0016_order_and_versions.sql"), None),
    (17, "subscription names", include_str!("../../migrations/0017_subscription_names.sql"), None),
    (18, "site", include_str!("../../migrations/0018_site.postgres.sql"), Some(Engine::Postgres)),
    (18, "site", include_str!("../../migrations/0018_site.sqlite.sql"), Some(Engine::Sqlite)),
    (19, "calls", include_str!("../../migrations/0019_calls.sql"), None),
    (20, "addresses", include_str!("../../migrations/0020_addresses.sql"), None),
    (21, "management tokens", include_str!("../../migrations/0021_management_tokens.postgres.sql"), Some(Engine::Postgres)),
    (21, "management tokens", include_str!("../../migrations/0021_management_tokens.sqlite.sql"), Some(Engine::Sqlite)),
    (22, "shared access", include_str!("../../migrations/0022_shared_access.sql"), None),
    (23, "product links", include_str!("../../migrations/0023_product_links.sql"), None),
    (24, "users in order", include_str!("../../migrations/0024_users_in_order.sql"), None),
    (25, "mail formats", include_str!("../../migrations/0025_mail_formats.sql"), None),
    (26, "sign-in links", include_str!("../../migrations/0026_sign_in_links.postgres.sql"), Some(Engine::Postgres)),
    (26, "sign-in links", include_str!("../../migrations/0026_sign_in_links.sqlite.sql"), Some(Engine::Sqlite)),
    (27, "users filtered", include_str!("../../migrations/0027_users_filtered.sql"), None),
    (28, "providers", include_str!("../../migrations/0028_providers.postgres.sql"), Some(Engine::Postgres)),
    (28, "providers", include_str!("../../migrations/0028_providers.sqlite.sql"), Some(Engine::Sqlite)),
    (29, "directories", include_str!("../../migrations/0029_directories.postgres.sql"), Some(Engine::Postgres)),
    (29, "directories", include_str!("../../migrations/0029_directories.sqlite.sql"), Some(Engine::Sqlite)),
    (30, "scim", include_str!("../../migrations/0030_scim.postgres.sql"), Some(Engine::Postgres)),
    (30, "scim", include_str!("../../migrations/0030_scim.sqlite.sql"), Some(Engine::Sqlite)),
];

/// The first migration as PostgreSQL has it after the second: integers of 64 bits, keys that number themselves, byte order for names.
static FIRST: LazyLock<String> = LazyLock::new(|| {
    let bytewise = |column: &str| column.ends_with("_folded") || ["name", "action", "subject_kind"].contains(&column);
    let line = |line: &str| {
        let line =
            line.replace(" integer", " bigint").replace("    id bigint primary", "    id bigint generated by default as identity primary");
        match line.trim_start().split_once(" text") {
            Some((column, rest)) if bytewise(column) => format!("{column} text collate \"C\"{rest}\n"),
            _ => line + "\n",
        }
    };
    include_str!("../../migrations/0001_portal.sql").lines().map(line).collect()
});

/// The second one leaves alone what the first has made so. One that ran half-way, long ago, is gone on with as it was.
static SECOND: LazyLock<String> = LazyLock::new(|| {
    let done = "(select a.attidentity from pg_attribute a where a.attrelid = 'users'::regclass and a.attname = 'id') <> ''";
    include_str!("../../migrations/0002_portal.postgres.sql").replacen(
        "\nbegin\n",
        &format!("\nbegin\n    if {done} then return; end if;\n"),
        1,
    )
});

fn migrator(engine: Engine) -> Migrator {
    let mut migrator = Migrator::with_migrations(
        HISTORY
            .iter()
            .filter(|(_, _, _, only)| only.is_none_or(|only| only == engine))
            .map(|&(number, what, text, _)| {
                Migration::new(number, Cow::Borrowed(what), MigrationType::Simple, sqlx::SqlSafeStr::into_sql_str(text), false)
            })
            .collect(),
    );
    if engine == Engine::Postgres {
        // Its own lock would be given back before the one transaction ends.
        migrator.set_locking(false);
        // Changing every table once more took half of a fresh start. The checksums stay those of the files.
        for migration in migrator.migrations.to_mut() {
            match migration.version {
                1 => migration.sql = sqlx::SqlSafeStr::into_sql_str(FIRST.as_str()),
                2 => migration.sql = sqlx::SqlSafeStr::into_sql_str(SECOND.as_str()),
                _ => {}
            }
        }
    }
    migrator
}

/// PostgreSQL's alone: one process at a time, until the transaction ends.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('portico migrations', 0))";

/// All that is missing in one transaction: a fresh database waits for the disk once, and nothing half is left of what fails.
async fn run_on_postgres(migrator: &Migrator, pool: &PgPool) -> Result<(), MigrateError> {
    let mut tx = pool.begin().await?;
    tx.execute(LOCK).await?;
    migrator.run(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Brings the database to this program's version.
///
/// # Errors
/// A sentence for the operator: a database that a newer program has migrated is refused, as is one whose history was edited.
pub async fn migrate(db: &Database) -> Result<(), String> {
    let migrator = migrator(db.engine());
    let done = match db.migration_pools() {
        Ok(sqlite) => migrator.run(sqlite).await,
        Err((postgres, patience)) => match patience.with(run_on_postgres(&migrator, postgres)).await {
            Some(done) => done,
            None => return Err("the database cannot be migrated: the PostgreSQL server does not answer any more".to_owned()),
        },
    };
    done.map_err(|error| match error {
        MigrateError::VersionMissing(number) => {
            format!("the database is newer than this program (it has migration {number}, which this program does not know): start the newer program")
        }
        other => format!("the database cannot be migrated: {other}"),
    })
}

/// The number of the last migration that this program knows for the database's engine.
pub fn latest(db: &Database) -> i64 {
    migrator(db.engine()).iter().map(|migration| migration.version).max().unwrap_or(0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    Current,
    Behind,
}

/// Whether all of this program's migrations are in the database.
pub async fn state(db: &Database) -> Result<MigrationState, Error> {
    let migrator = migrator(db.engine());
    let table = migrator.table_name.clone();
    let mut connection = db.read().await?;
    let applied =
        run!(&mut connection, c => c.list_applied_migrations(&table).await).map_err(|error| Error::internal(error.to_string()))?;
    Ok(if migrator.iter().all(|m| applied.iter().any(|a| a.version == m.version)) {
        MigrationState::Current
    } else {
        MigrationState::Behind
    })
}
