//! The Settings page: what is in force, and which variable sets it. Secrets are not among it.

use actix_web::web::Data;
use askama::Template;
use url::Url;

use crate::{
    app::Portal,
    auth::Administrator,
    config::{ImportUrls, Settings, SmtpTls, sqlite_path},
    dashboard::store,
    db::{self, MigrationState},
    web::{self, Answer, Frame, filters::thousands},
};

/// One setting: its name, its value, and the variable that sets it (empty when nothing does).
struct Shown {
    pub name: &'static str,
    pub value: String,
    pub variable: &'static str,
}

struct Section {
    pub title: &'static str,
    pub rows: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "dashboard/settings.html")]
struct SettingsPage {
    frame: Frame,
    sections: Vec<Section>,
}

fn shown(name: &'static str, value: impl Into<String>, variable: &'static str) -> Shown {
    Shown { name, value: value.into(), variable }
}

/// The database's address without a password, and without parameters, which can hold one too.
fn database_label(url: &str) -> String {
    if let Some(path) = sqlite_path(url) {
        return format!("sqlite:{}", path.display());
    }
    match Url::parse(url) {
        Ok(mut url) => {
            let _ = url.set_password(None);
            url.set_query(None);
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => "postgres".to_owned(),
    }
}

/// "12 hours", "7 days", "90 minutes".
fn duration(time: time::Duration) -> String {
    let minutes = time.whole_minutes();
    match minutes {
        m if m >= 2880 && m % 1440 == 0 => format!("{} days", thousands(m / 1440)),
        m if m >= 60 && m % 60 == 0 => web::counted(m / 60, "hour", "hours"),
        m => web::counted(m, "minute", "minutes"),
    }
}

fn megabytes(bytes: i64) -> String {
    match bytes {
        ..1_000_000 => format!("{} kB", thousands(bytes / 1000)),
        _ => format!("{}.{} MB", thousands(bytes / 1_000_000), bytes % 1_000_000 / 100_000),
    }
}

/// Without user and password.
fn mail_server(settings: &Settings) -> String {
    let Some(smtp) = &settings.smtp else { return "None: mails are kept on the Mail page".to_owned() };
    let encrypted = match smtp.tls {
        SmtpTls::Implicit => "TLS",
        SmtpTls::StartTls => "STARTTLS",
        SmtpTls::None => "not encrypted",
    };
    format!("{}, port {} ({encrypted})", smtp.host, smtp.port)
}

fn of_settings(settings: &Settings) -> [Section; 3] {
    let proxies = settings.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let import = match settings.import_urls {
        ImportUrls::No => "Not allowed",
        ImportUrls::Public => "From public addresses; private ones are refused",
        ImportUrls::Private => "From any address, private ones too",
    };
    [
        Section {
            title: "Server",
            rows: vec![
                shown("Address", settings.base_url(), "PORTICO_PUBLIC_URL"),
                shown("Listening on", settings.listen.to_string(), "PORTICO_LISTEN"),
                shown("TLS", if settings.tls.is_some() { "By the server itself" } else { "By a proxy, or not at all" }, "PORTICO_TLS_CERT"),
                shown("Name in the management API", settings.service_name.clone(), "PORTICO_SERVICE_NAME"),
                shown("Trusted proxies", if proxies.is_empty() { "None".to_owned() } else { proxies }, "PORTICO_TRUSTED_PROXY"),
                shown("Worker threads", settings.workers.to_string(), "PORTICO_WORKERS"),
                shown("Answered after a signal to stop", format!("{} s", settings.drain.as_secs()), "PORTICO_DRAIN_SECONDS"),
                shown(
                    "Metrics at",
                    settings.metrics.map_or_else(|| "Nowhere".to_owned(), |address| address.to_string()),
                    "PORTICO_METRICS",
                ),
                shown("Logged", settings.log.clone(), "PORTICO_LOG"),
                shown("Import from a URL", import, "PORTICO_IMPORT_URLS"),
                shown("Version of Portico", env!("CARGO_PKG_VERSION"), ""),
            ],
        },
        Section {
            title: "Mail",
            rows: vec![
                shown("Mail server", mail_server(settings), "PORTICO_SMTP_URL"),
                shown("Mails come from", settings.mail_from.to_string(), "PORTICO_MAIL_FROM"),
            ],
        },
        Section {
            title: "Sign-in",
            rows: vec![
                shown("A session ends without a request for", duration(settings.session_idle), "PORTICO_SESSION_IDLE_MINUTES"),
                shown("A session ends in any case after", duration(settings.session_limit), "PORTICO_SESSION_HOURS"),
                shown("Cookies over https only", if settings.secure() { "Yes" } else { "No" }, "PORTICO_PUBLIC_URL"),
                shown("Secret key", "Set, and not shown", "PORTICO_SECRET_KEY"),
            ],
        },
    ]
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let state = match db::migration_state(&portal.db).await? {
        MigrationState::Current => "At this program's version",
        MigrationState::Behind => "Behind this program: run portico migrate",
    };
    let mut connection = portal.db.read().await?;
    let [server, mail, mut sign_in] = of_settings(&portal.settings);
    sign_in.rows.push(shown("Sessions", thousands(store::count_sessions(&mut connection).await?), ""));
    let database = Section {
        title: "Database",
        rows: vec![
            shown("Database", database_label(&portal.settings.database_url), "PORTICO_DATABASE_URL"),
            shown("Engine", db::engine(&mut connection).await?, ""),
            shown("Size", megabytes(db::bytes(&mut connection).await?), ""),
            shown("Migration", format!("{state} ({})", db::latest_migration(&portal.db)), ""),
        ],
    };
    web::page(&SettingsPage { frame, sections: vec![server, database, mail, sign_in] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        for url in [
            "postgres://portico:hunter2@db.example:5432/portico",
            "postgres://portico@db.example/portico?password=hunter2",
            "postgres://portico:hunter2@db.example/portico?sslpassword=hunter2#hunter2",
            "postgres://db.example:x/hunter2",
            "sqlite:portico.db?key=hunter2",
        ] {
            assert!(!database_label(url).contains("hunter2"), "{url}");
        }
        assert_eq!(database_label("postgres://portico:hunter2@db.example:5432/portico"), "postgres://portico@db.example:5432/portico");
        assert_eq!(database_label("sqlite:portico.db"), "sqlite:portico.db");
    }

    #[test]
    fn times_and_sizes_are_readable() {
        assert_eq!(duration(time::Duration::minutes(720)), "12 hours");
        assert_eq!(duration(time::Duration::hours(168)), "7 days");
        assert_eq!(duration(time::Duration::minutes(90)), "90 minutes");
        assert_eq!(megabytes(48_250_000), "48.2 MB");
        assert_eq!(megabytes(4096), "4 kB");
    }
}
