//! Settings: from flags and the environment, checked once at the start. A wrong one is a sentence that says which and why.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use lettre::message::Mailbox;
use url::Url;

use crate::{keys::Keys, tls};

/// The flags of `serve`; each can be given by its environment variable instead.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Database: sqlite:FILE or postgres://USER@HOST/NAME [default: sqlite:portico.db]
    #[arg(long, env = "PORTICO_DATABASE_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "PORTICO_LISTEN", global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Where people open the portal, when that is not the listening address (https://portal.example)
    #[arg(long, env = "PORTICO_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// File with the certificate chain (PEM) that the server shows: it speaks TLS itself then, and nothing else
    #[arg(long, env = "PORTICO_TLS_CERT", global = true, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// File with the certificate's private key (PEM); both are read again at SIGHUP
    #[arg(long, env = "PORTICO_TLS_KEY", global = true, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// What programs call this portal in addresses of the management API [default: portico]
    #[arg(long, env = "PORTICO_SERVICE_NAME", global = true, value_name = "NAME")]
    pub service_name: Option<String>,
    /// Addresses of proxies whose X-Forwarded-For is believed, comma separated; cookies are then Secure
    #[arg(long, env = "PORTICO_TRUSTED_PROXY", global = true, value_name = "ADDRESSES")]
    pub trusted_proxy: Option<String>,
    /// Minutes without a request after which a session ends [default: 720]
    #[arg(long, env = "PORTICO_SESSION_IDLE_MINUTES", global = true, value_name = "MINUTES")]
    pub session_idle_minutes: Option<String>,
    /// Hours after which a session ends in any case [default: 168]
    #[arg(long, env = "PORTICO_SESSION_HOURS", global = true, value_name = "HOURS")]
    pub session_hours: Option<String>,
    /// Let administrators import API descriptions from a URL: no, public (public addresses only) or private (any address) [default: public]
    #[arg(long, env = "PORTICO_IMPORT_URLS", global = true, value_name = "WHICH")]
    pub import_urls: Option<String>,
    /// What is logged: error, warn, info, debug, or a tracing filter [default: info]
    #[arg(long, env = "PORTICO_LOG", global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Seconds between a signal to stop and the end of listening, in which /readyz says no and requests are still answered [default: 0]
    #[arg(long, env = "PORTICO_DRAIN_SECONDS", global = true, value_name = "SECONDS")]
    pub drain_seconds: Option<String>,
    /// Address and port where Prometheus finds /metrics, apart from the portal, as in 127.0.0.1:9180 [default: nowhere]
    #[arg(long, env = "PORTICO_METRICS", global = true, value_name = "ADDRESS:PORT")]
    pub metrics: Option<String>,
    /// Whom mails come from, as in "Contoso APIs <apis@contoso.example>"
    #[arg(long, env = "PORTICO_MAIL_FROM", global = true, value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// From PORTICO_SMTP_URL: it may hold a password, which belongs on no command line.
    #[arg(skip)]
    pub smtp_url: Option<String>,
    /// Worker threads [default: one a processor]
    #[arg(long, env = "PORTICO_WORKERS", global = true, value_name = "NUMBER")]
    pub workers: Option<String>,
}

/// Which addresses an administrator may import an API description from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportUrls {
    No,
    Public,
    Private,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte (port 465).
    Implicit,
    /// After STARTTLS, without which nothing is sent.
    StartTls,
    None,
}

/// The server that takes the mails. `Debug` is left out on purpose.
#[derive(Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// User and password.
    pub credentials: Option<(String, String)>,
}

impl Smtp {
    /// From `smtps://USER:PASSWORD@HOST`, `smtp://…` (STARTTLS) or `smtp://…?tls=none`.
    fn parse(text: &str) -> Result<Self, String> {
        // The text holds a password, so no message repeats it.
        let wrong = |why: &str| format!("PORTICO_SMTP_URL must be smtps://USER:PASSWORD@HOST or smtp://USER:PASSWORD@HOST: {why}");
        let url = Url::parse(text).map_err(|why| wrong(&format!("it is not a URL ({why})")))?;
        let tls = match (url.scheme(), url.query()) {
            ("smtps", None) => SmtpTls::Implicit,
            ("smtp", None) => SmtpTls::StartTls,
            ("smtp", Some("tls=none")) => SmtpTls::None,
            ("smtp" | "smtps", Some(_)) => return Err(wrong("after the ? only tls=none is known, and only with smtp://")),
            _ => return Err(wrong("the scheme is another")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("there is no host"))?.to_owned();
        if !matches!(url.path(), "" | "/") {
            return Err(wrong("nothing follows the host but a port"));
        }
        let port = url.port().unwrap_or(match tls {
            SmtpTls::Implicit => 465,
            SmtpTls::StartTls => 587,
            SmtpTls::None => 25,
        });
        let decoded = |part: &str| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
                .map_err(|_| wrong("user and password are percent-encoded UTF-8"))
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            ("", Some(_)) => return Err(wrong("there is a password and no user")),
            (user, password) => Some((decoded(user)?, decoded(password.unwrap_or(""))?)),
        };
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls, credentials })
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

/// Settings that have been checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub database_url: String,
    pub listen: SocketAddr,
    pub public_url: Option<Url>,
    /// The server speaks TLS itself.
    pub tls: Option<tls::Files>,
    /// What programs call this portal in addresses of the management API.
    pub service_name: String,
    pub trusted_proxies: Vec<IpAddr>,
    pub session_idle: time::Duration,
    pub session_limit: time::Duration,
    pub import_urls: ImportUrls,
    pub log: String,
    pub drain: std::time::Duration,
    pub metrics: Option<SocketAddr>,
    pub smtp: Option<Smtp>,
    pub mail_from: Mailbox,
    pub workers: usize,
}

const MAX_MINUTES: i64 = 60 * 24 * 365;

impl Settings {
    /// # Errors
    /// Which setting is wrong, and why.
    pub fn check(options: &Options) -> Result<Self, String> {
        let database_url = options.database_url.clone().unwrap_or_else(|| "sqlite:portico.db".to_owned());
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| database_url.starts_with(scheme)) {
            return Err("PORTICO_DATABASE_URL must begin with sqlite: or postgres://".to_owned());
        }
        if database_url.starts_with("sqlite:") && (database_url.contains(":memory:") || sqlite_path(&database_url).is_none()) {
            return Err(
                "PORTICO_DATABASE_URL must name a file, as in sqlite:portico.db: a database in memory would be lost at the end".to_owned()
            );
        }
        let listen = options.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let listen =
            listen.parse().map_err(|_| format!("PORTICO_LISTEN must be an address and a port, as in 127.0.0.1:8080; it is “{listen}”"))?;
        let public_url = options
            .public_url
            .as_deref()
            .map(|text| {
                let url = Url::parse(text).map_err(|why| format!("PORTICO_PUBLIC_URL is not a URL ({why})"))?;
                if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.path() != "/" || url.query().is_some() {
                    return Err("PORTICO_PUBLIC_URL must be http:// or https:// with a host and no path".to_owned());
                }
                Ok(url)
            })
            .transpose()?;
        let tls = match (options.tls_cert.clone(), options.tls_key.clone()) {
            (Some(certificate), Some(key)) => Some(tls::Files { certificate, key }),
            (None, None) => None,
            (Some(_), None) => return Err("PORTICO_TLS_CERT is set, so PORTICO_TLS_KEY must name the file with its private key".to_owned()),
            (None, Some(_)) => return Err("PORTICO_TLS_KEY is set, so PORTICO_TLS_CERT must name the file with the certificate".to_owned()),
        };
        if tls.is_some() && public_url.as_ref().is_some_and(|url| url.scheme() == "http") {
            return Err("PORTICO_TLS_CERT is set, so PORTICO_PUBLIC_URL must begin with https://".to_owned());
        }
        let service_name = options.service_name.as_deref().unwrap_or("portico").to_owned();
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let fits = (1..=50).contains(&service_name.len())
            && service_name.starts_with(|c: char| c.is_ascii_alphabetic())
            && ends(service_name.chars().next_back())
            && service_name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits {
            return Err(format!(
                "PORTICO_SERVICE_NAME must be up to 50 letters, digits and hyphens, beginning with a letter and ending with a letter or digit; it is “{service_name}”"
            ));
        }
        let trusted_proxies = options
            .trusted_proxy
            .as_deref()
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|_| format!("PORTICO_TRUSTED_PROXY lists “{text}”, which is not an IP address")))
            .collect::<Result<Vec<IpAddr>, _>>()?;
        let minutes = whole("PORTICO_SESSION_IDLE_MINUTES", options.session_idle_minutes.as_deref(), 720, 1, MAX_MINUTES)?;
        let hours = whole("PORTICO_SESSION_HOURS", options.session_hours.as_deref(), 168, 1, MAX_MINUTES / 60)?;
        let import_urls = match options.import_urls.as_deref().unwrap_or("public") {
            "no" => ImportUrls::No,
            "public" => ImportUrls::Public,
            "private" => ImportUrls::Private,
            other => return Err(format!("PORTICO_IMPORT_URLS must be no, public or private; it is “{other}”")),
        };
        let processors = std::thread::available_parallelism().map_or(2, |n| n.get()) as i64;
        let workers = whole("PORTICO_WORKERS", options.workers.as_deref(), processors, 1, 1024)?;
        let metrics = options
            .metrics
            .as_deref()
            .map(|text| {
                text.parse().map_err(|_| format!("PORTICO_METRICS must be an address and a port, as in 127.0.0.1:9180; it is “{text}”"))
            })
            .transpose()?;
        let smtp = options.smtp_url.as_deref().filter(|text| !text.is_empty()).map(Smtp::parse).transpose()?;
        if options.mail_from.is_none() && smtp.is_some() {
            return Err("PORTICO_SMTP_URL is set, so PORTICO_MAIL_FROM must say whom mails come from".to_owned());
        }
        let mail_from = options.mail_from.as_deref().unwrap_or("Portico <portico@localhost>");
        let mail_from: Mailbox = mail_from.parse().map_err(|_| {
            format!("PORTICO_MAIL_FROM must be an address, as in apis@contoso.example or Contoso APIs <apis@contoso.example>; it is “{mail_from}”")
        })?;
        let drain = whole("PORTICO_DRAIN_SECONDS", options.drain_seconds.as_deref(), 0, 0, 3600)?;
        let log = options.log.clone().unwrap_or_else(|| "info".to_owned());
        check_log(&log)?;
        Ok(Self {
            database_url,
            listen,
            public_url,
            tls,
            service_name,
            trusted_proxies,
            import_urls,
            log,
            session_idle: time::Duration::minutes(minutes),
            session_limit: time::Duration::hours(hours),
            drain: std::time::Duration::from_secs(drain.unsigned_abs()),
            metrics,
            smtp,
            mail_from,
            workers: usize::try_from(workers).unwrap_or(1),
        })
    }

    /// What stands against serving with these settings, which the other commands do not need.
    ///
    /// # Errors
    /// A sentence that says which setting is missing.
    pub fn check_serving(&self) -> Result<(), String> {
        match self.smtp.is_some() && self.public_url.is_none() {
            true => {
                Err("PORTICO_SMTP_URL is set, so PORTICO_PUBLIC_URL must say where people open the portal: links in mails begin with it"
                    .to_owned())
            }
            false => Ok(()),
        }
    }

    /// Whether browsers reach the portal over https: then cookies are `Secure` and `__Host-`.
    pub fn secure(&self) -> bool {
        self.tls.is_some() || self.public_url.as_ref().map_or(!self.trusted_proxies.is_empty(), |url| url.scheme() == "https")
    }

    /// The name of a cookie: over https one that no other host and no page without https can set.
    pub fn cookie(&self, name: &str) -> String {
        if self.secure() { format!("__Host-{name}") } else { name.to_owned() }
    }

    /// Where to open the portal, without a slash at the end.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.listen),
        }
    }
}

/// A word alone is a level: as a filter it would name a part of the program that does not exist, and nothing would be logged.
fn check_log(log: &str) -> Result<(), String> {
    let wrong = |why: &str| format!("PORTICO_LOG is not a level or a filter ({why})");
    let is_level = |word: &str| ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| word.eq_ignore_ascii_case(level));
    let alone = log.split(',').map(str::trim).find(|part| !part.contains(['=', '[', '/']) && !is_level(part));
    if let Some(word) = alone {
        return Err(wrong(&format!("“{word}” is none of off, error, warn, info, debug, trace")));
    }
    tracing_subscriber::EnvFilter::try_new(log).map(|_| ()).map_err(|why| wrong(&why.to_string()))
}

fn whole(name: &str, text: Option<&str>, otherwise: i64, least: i64, most: i64) -> Result<i64, String> {
    let Some(text) = text else { return Ok(otherwise) };
    text.trim()
        .parse()
        .ok()
        .filter(|n| (least..=most).contains(n))
        .ok_or_else(|| format!("{name} must be a whole number from {least} to {most}; it is “{text}”"))
}

/// The file that a SQLite URL names.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let path = rest.split('?').next().unwrap_or(rest);
    (!path.is_empty()).then(|| PathBuf::from(path))
}

/// Where the secret of a portal on SQLite is kept when the environment does not name it.
pub fn key_file(settings: &Settings) -> Option<PathBuf> {
    let database = sqlite_path(&settings.database_url)?;
    Some(database.parent().unwrap_or(Path::new("")).join("portico.key"))
}

/// The portal's secret: `PORTICO_SECRET_KEY`, or beside an SQLite database the file `portico.key`, made once.
///
/// # Errors
/// A sentence for the operator. PostgreSQL needs the variable, since several processes must agree on it.
pub fn secret(settings: &Settings, from_environment: Option<&str>) -> Result<[u8; 32], String> {
    if let Some(text) = from_environment {
        return Keys::parse(text).map_err(|why| format!("PORTICO_SECRET_KEY {why}"));
    }
    let Some(file) = key_file(settings) else {
        return Err("PORTICO_SECRET_KEY is not set, and with PostgreSQL it must be: 32 random bytes, base64-encoded (openssl rand -base64 32), the same for every process".to_owned());
    };
    match std::fs::read_to_string(&file) {
        Ok(text) => Keys::parse(&text).map_err(|why| format!("{} {why}", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = Keys::generate();
            write_private(&file, &text).map_err(|why| format!("{} cannot be written: {why}", file.display()))?;
            Keys::parse(&text).map_err(|why| format!("{} {why}", file.display()))
        }
        Err(error) => Err(format!("{} cannot be read: {error}", file.display())),
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
