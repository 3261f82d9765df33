//! The program as operators start it: settings, the key file, the first administrator, stopping.

use std::{io::Write, os::unix::fs::PermissionsExt, process::Stdio};

use crate::{
    program::{SECRET, Serving, error_of, portico, run},
    support::{Browser, PASSWORD, database_url},
};

#[tokio::test]
async fn a_bare_start_makes_database_and_key_and_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(portico(folder.path(), &[]), 3);
    let setup = serving.said[2].trim().to_owned();
    assert!(setup.starts_with(&format!("{}/setup?token=", serving.base())), "{:?}", serving.said);
    let guest = Browser::new(&serving.base());
    guest.get("/healthz").await.is(200);
    guest.get("/readyz").await.is(200).shows("ready");
    guest.get(setup.strip_prefix(&serving.base()).unwrap()).await.is(200).shows("Set up the portal");
    let mode = std::fs::metadata(folder.path().join("portico.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = std::fs::read(folder.path().join("portico.key")).unwrap();
    assert_eq!(serving.signal("TERM"), 0);

    let mut again = Serving::start(portico(folder.path(), &["serve"]), 1);
    assert_eq!(std::fs::read(folder.path().join("portico.key")).unwrap(), key, "the key is made once");
    assert_eq!(again.signal("INT"), 0);
}

#[test]
fn a_mail_server_needs_an_address_that_links_begin_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_SMTP_URL", "smtp://127.0.0.1:9?tls=none").env("PORTICO_MAIL_FROM", "apis@contoso.example");
    assert!(error_of(command).contains("PORTICO_PUBLIC_URL must say where people open the portal"));
}

#[tokio::test]
async fn administrators_are_made_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let command = |arguments: &[&str]| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    let create = |password: &str| {
        let mut command = command(&["admin", "create", "--email", "root@portal.example", "--password-stdin"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(String::from_utf8(create("short").stderr).unwrap().contains("at least 12 characters"));
    assert!(create(PASSWORD).status.success());
    assert!(String::from_utf8(create(PASSWORD).stderr).unwrap().contains("has an account with this email address already"));
    assert!(error_of(command(&["admin", "revoke", "--email", "root@portal.example"])).contains("last administrator"));
    assert!(error_of(command(&["admin", "grant", "--email", "nobody@portal.example"])).contains("nobody has an account"));

    let mut serving = Serving::start(command(&[]), 1);
    let browser = Browser::new(&serving.base());
    let reply = browser.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await;
    assert_eq!((reply.status, reply.location()), (303, "/publisher"));
    assert_eq!(serving.signal("TERM"), 0);
}

#[tokio::test]
async fn a_database_to_measure_is_filled_by_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let command = |arguments: &[&str]| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    assert!(error_of(command(&["demo", "--users", "9", "--groups", "1", "--memberships", "100"])).contains("cannot have 100 memberships"));
    let output = run(command(&["demo", "--users", "60", "--groups", "4", "--products", "3", "--seed", "2"]));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let password = said.lines().next().unwrap().rsplit(' ').next().unwrap();
    assert!(error_of(command(&["demo", "--users", "60"])).contains("empty database"));

    let mut serving = Serving::start(command(&["--demo"]), 1);
    let browser = Browser::new(&serving.base());
    browser.post("/signin", &[("email", "admin@portal.example"), ("password", password)]).await.is(303);
    browser.get("/publisher/users").await.is(200).shows("of 60");
    assert_eq!(serving.signal("TERM"), 0);
}

#[tokio::test]
async fn the_first_administrator_can_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_ADMIN_EMAIL", "root@portal.example").env("PORTICO_ADMIN_PASSWORD", PASSWORD);
    let serving = Serving::start(command, 2);
    assert!(serving.said.iter().all(|line| !line.contains("setup")), "{:?}", serving.said);
    let reply = Browser::new(&serving.base()).post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await;
    reply.is(303);
}

#[test]
fn half_an_administrator_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (given, missing) in [("EMAIL", "PASSWORD"), ("PASSWORD", "EMAIL")] {
        let mut command = portico(folder.path(), &[]);
        command.env(format!("PORTICO_ADMIN_{given}"), "root@portal.example");
        let error = error_of(command);
        assert!(error.contains(&format!("PORTICO_ADMIN_{given} is set, so PORTICO_ADMIN_{missing} must be")), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, says) in [
        ("PORTICO_DATABASE_URL", "mysql://x", "PORTICO_DATABASE_URL must begin with sqlite: or postgres://"),
        ("PORTICO_DATABASE_URL", "sqlite::memory:", "PORTICO_DATABASE_URL must name a file"),
        ("PORTICO_LISTEN", "somewhere", "PORTICO_LISTEN must be an address and a port"),
        ("PORTICO_PUBLIC_URL", "ftp://x", "PORTICO_PUBLIC_URL must be http:// or https://"),
        ("PORTICO_TRUSTED_PROXY", "10.0.0.1, proxy", "PORTICO_TRUSTED_PROXY lists “proxy”"),
        ("PORTICO_SESSION_IDLE_MINUTES", "0", "PORTICO_SESSION_IDLE_MINUTES must be a whole number from 1"),
        ("PORTICO_SESSION_HOURS", "soon", "PORTICO_SESSION_HOURS must be a whole number"),
        ("PORTICO_IMPORT_URLS", "maybe", "PORTICO_IMPORT_URLS must be no, public or private"),
        ("PORTICO_DRAIN_SECONDS", "-1", "PORTICO_DRAIN_SECONDS must be a whole number from 0 to 3600"),
        ("PORTICO_METRICS", "9180", "PORTICO_METRICS must be an address and a port"),
        ("PORTICO_LOG", "a=b=c", "PORTICO_LOG is not a level or a filter"),
        ("PORTICO_LOG", "loud", "“loud” is none of off, error, warn"),
        ("PORTICO_LOG", "sqlx=warn,portico", "“portico” is none of off, error, warn"),
        ("PORTICO_SECRET_KEY", "c2hvcnQ=", "PORTICO_SECRET_KEY must be 32 bytes, base64-encoded; this is 5"),
        ("PORTICO_SECRET_KEY", "%", "PORTICO_SECRET_KEY is not base64"),
        ("PORTICO_DATABASE_URL", "sqlite:/nowhere/at/all/portico.db", "portico.key cannot be written"),
        ("PORTICO_DATABASE_URL", "postgres://127.0.0.1:1/none", "PORTICO_SECRET_KEY is not set"),
    ] {
        let mut command = portico(folder.path(), &["migrate"]);
        command.env(name, value);
        let error = error_of(command);
        assert!(error.contains(says), "{name}={value}: {error}");
    }
}

#[tokio::test]
async fn a_database_newer_than_the_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let migrate = || {
        let mut command = portico(folder.path(), &["migrate"]);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    assert!(run(migrate()).status.success());
    assert!(run(migrate()).status.success(), "migrating twice does nothing");
    let db = portico::db::Database::open(&url, portico::db::Clock::system()).await.unwrap();
    let mut tx = db.write().await.unwrap();
    let future = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) select 9999, 'from the future', success, checksum, 1 from _sqlx_migrations where version = 1";
    portico::db::Select::new(&tx, future).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    assert!(error_of(migrate()).contains("newer than this program"));
}

#[test]
fn help_lists_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portico(folder.path(), &["--help"]);
    command.env("PORTICO_DATABASE_URL", "postgres://somebody:hunter2@example/x");
    let help = String::from_utf8(run(command).stdout).unwrap();
    for name in [
        "DATABASE_URL",
        "LISTEN",
        "PUBLIC_URL",
        "TRUSTED_PROXY",
        "SESSION_IDLE_MINUTES",
        "SESSION_HOURS",
        "IMPORT_URLS",
        "LOG",
        "DRAIN_SECONDS",
        "METRICS",
        "WORKERS",
        "SECRET_KEY",
        "ADMIN_EMAIL",
        "ADMIN_PASSWORD",
    ] {
        assert!(help.contains(&format!("PORTICO_{name}")), "{name}: {help}");
    }
    assert!(!help.contains("hunter2"));
}

/// PostgreSQL's alone: a fresh database is made in a shorter way than its history, and is the same.
#[tokio::test]
async fn a_fresh_database_has_the_shape_of_its_history() {
    if std::env::var("PORTICO_TEST_POSTGRES").is_err() {
        return;
    }
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (fresh, history) = (database_url(&folders[0]).await, database_url(&folders[1]).await);
    drop(crate::support::Portal::on(&fresh).await);
    let old = sqlx::PgPool::connect(&history).await.unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| !file.to_string_lossy().ends_with(".sqlite.sql")) {
        let text = std::fs::read_to_string(file).unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&old).await.unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    }
    let new = sqlx::PgPool::connect(&fresh).await.unwrap();
    for what in [
        "select format('%s.%s %s %s %s %s %s', c.table_name, c.column_name, c.data_type, c.collation_name, c.is_nullable, c.column_default, c.is_identity)
         from information_schema.columns c where c.table_schema = 'public' and c.table_name not like '\\_sqlx%' order by 1",
        "select indexdef from pg_indexes where schemaname = 'public' and tablename not like '\\_sqlx%' order by 1",
        "select format('%s %s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) from pg_constraint c
         where c.connamespace = 'public'::regnamespace and c.conrelid::regclass::text not like '\\_sqlx%' order by 1",
        "select format('%s %s', t.tgrelid::regclass, pg_get_triggerdef(t.oid)) from pg_trigger t where not t.tgisinternal order by 1",
        "select pg_get_functiondef(p.oid) from pg_proc p join pg_language l on l.oid = p.prolang
         where p.pronamespace = 'public'::regnamespace and l.lanname in ('plpgsql', 'sql') order by 1",
    ] {
        let told = async |pool: &sqlx::PgPool| sqlx::query_scalar::<_, String>(what).fetch_all(pool).await.unwrap();
        let (fresh, history) = (told(&new).await, told(&old).await);
        assert!(!fresh.is_empty(), "{what}");
        assert_eq!(fresh, history, "{what}");
    }
}
