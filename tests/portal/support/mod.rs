//! A portal for one test: its database, its clock, its server, and people with browsers.

mod browser;
pub mod counterpart;
pub mod directory;
pub mod provider;
#[allow(dead_code, reason = "other test programs take what they need")]
pub mod scim;
pub mod seed;
pub mod smtp;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
pub use browser::{Browser, FORM, Reply};
use portico::{
    app, auth,
    config::{Options, Settings},
    db::{self, Clock, Database, Select},
    users::{self, NewUser, UserState},
};
use time::{Duration, OffsetDateTime, macros::datetime};

pub const PASSWORD: &str = "a quiet harbour at noon";

/// A running portal. Its database goes when it is dropped.
pub struct Portal {
    pub state: app::Portal,
    pub base: String,
    seconds: Arc<AtomicI64>,
    server: actix_web::dev::ServerHandle,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

/// The instant at which every test begins.
pub const START: OffsetDateTime = datetime!(2026-03-02 09:00 UTC);

impl Portal {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of the test's own.
    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = migrated_database_url(&folder).await;
        let mut portal = Self::open(&url, Arc::default(), change).await;
        portal._folder = Some(folder);
        portal
    }

    /// With a mail server, which is the test's own.
    pub async fn start_with_mail() -> (Self, smtp::Smtp) {
        let smtp = smtp::Smtp::start().await;
        let portal = Self::start_with(|options| with_mail(options, &smtp)).await;
        (portal, smtp)
    }

    /// As `beside`, with a mail server.
    pub async fn beside_with_mail(&self, smtp: &smtp::Smtp) -> Self {
        Self::open(&self.url, self.seconds.clone(), |options| with_mail(options, smtp)).await
    }

    /// Another portal on the same database and clock, as another process would be.
    pub async fn beside(&self) -> Self {
        Self::open(&self.url, self.seconds.clone(), |_| {}).await
    }

    /// A portal on a database that is there already.
    pub async fn on(url: &str) -> Self {
        Self::open(url, Arc::default(), |_| {}).await
    }

    async fn open(url: &str, seconds: Arc<AtomicI64>, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            database_url: Some(url.to_owned()),
            listen: Some("127.0.0.1:0".to_owned()),
            workers: Some("1".to_owned()),
            import_urls: Some("private".to_owned()),
            ..Options::default()
        };
        change(&mut options);
        let settings = Settings::check(&options).expect("settings");
        let ticking = seconds.clone();
        let clock = Clock::from_fn(move || START + Duration::seconds(ticking.load(Ordering::SeqCst)));
        let db = Database::open(url, clock).await.expect("a database");
        db::migrate(&db).await.expect("migrated");
        let state = app::portal(db, settings, &[7; 32]).expect("state");
        let listener = app::listen("PORTICO_LISTEN", "127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = state.at(address).expect("state");
        let base = format!("http://{address}");
        let server = app::serve(state.clone(), listener, None).expect("a server");
        let handle = server.handle();
        tokio::spawn(server);
        Self { state, base, seconds, server: handle, url: url.to_owned(), _folder: None }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn db(&self) -> &Database {
        &self.state.db
    }

    /// Sends every mail that is due; how many left.
    pub async fn send_mails(&self) -> usize {
        portico::mail::send::send_due(self.db(), &self.state.mail).await.expect("the queue")
    }

    /// Does what is due by the clock; how many subscriptions it was about.
    pub async fn work(&self) -> usize {
        app::work(&self.state).await.expect("work")
    }

    /// Reads memberships that are due; how many groups and accounts.
    pub async fn read_directories(&self) -> usize {
        let (reader, mut read) = (self.state.reader(), 0);
        for provider in reader.due().await.expect("what is due") {
            read += reader.read_due(&provider).await.expect("a reading");
        }
        read
    }

    /// Seconds since 1970, by the portal's clock.
    pub fn unix(&self) -> i64 {
        START.unix_timestamp() + self.seconds.load(Ordering::SeqCst)
    }

    pub fn pass(&self, time: Duration) {
        self.seconds.fetch_add(time.whole_seconds(), Ordering::SeqCst);
    }

    /// Somebody who is not signed in.
    pub fn guest(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// Adds an active administrator and signs in.
    pub async fn administrator(&self) -> Browser {
        self.administrator_named("root@portal.example", "Root", "Admin").await
    }

    pub async fn administrator_named(&self, email: &str, first: &str, last: &str) -> Browser {
        self.add_user(email, first, last, UserState::Active, true).await;
        self.signed_in(email).await
    }

    /// Adds an active developer and signs in.
    pub async fn developer(&self, email: &str) -> Browser {
        self.add_user(email, "Dev", "Eloper", UserState::Active, false).await;
        self.signed_in(email).await
    }

    pub async fn signed_in(&self, email: &str) -> Browser {
        let browser = self.guest();
        let reply = browser.post("/signin", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(reply.status, 303, "{email} signs in: {}", reply.text);
        browser
    }

    /// Adds a user with `PASSWORD`; the answer is the name in URLs.
    pub async fn add_user(&self, email: &str, first: &str, last: &str, state: UserState, administrator: bool) -> String {
        let new = NewUser { email: email.to_owned(), first_name: first.to_owned(), last_name: last.to_owned(), note: String::new() };
        let checked = new.check().expect("a good user");
        let mut tx = self.db().write().await.expect("a transaction");
        let user = users::insert(&mut tx, &auth::operator(), &checked, Some(password_hash()), state, administrator).await.expect("a user");
        tx.commit().await.expect("committed");
        user.name
    }

    /// Makes a group; the answer is its name in URLs.
    pub async fn add_group(&self, display_name: &str) -> String {
        let new = portico::groups::NewGroup { display_name: display_name.to_owned(), description: String::new() };
        portico::groups::create(self.db(), &auth::operator(), &new).await.expect("a group").name
    }

    /// Makes a product, not published and open to Administrators alone; the answer is its name in URLs.
    pub async fn add_product(&self, display_name: &str) -> String {
        let new = portico::products::NewProduct { display_name: display_name.to_owned(), ..Default::default() };
        portico::products::create(self.db(), &auth::operator(), &new).await.expect("a product").name
    }

    /// Imports an API with one operation; the answer is its name in URLs.
    pub async fn import_api(&self, title: &str) -> String {
        let document = serde_json::json!({
            "openapi": "3.0.3",
            "info": { "title": title, "version": "1.0" },
            "paths": { "/echo": { "get": { "operationId": "echo", "responses": { "200": { "description": "OK" } } } } }
        });
        let new = portico::apis::NewApi::default();
        portico::apis::import(self.db(), &auth::operator(), &new, document.to_string().into_bytes()).await.expect("an API").0.name
    }

    /// One number from the database.
    pub async fn count(&self, statement: &'static str) -> i64 {
        let mut connection = self.db().read().await.expect("a connection");
        Select::new(&connection, statement).count(&mut connection).await.expect("a count")
    }

    /// Texts from the database.
    pub async fn texts(&self, statement: &'static str) -> Vec<String> {
        let mut connection = self.db().read().await.expect("a connection");
        let rows = Select::new(&connection, statement).all::<(String,)>(&mut connection).await.expect("rows");
        rows.into_iter().map(|row| row.0).collect()
    }

    /// Addresses of one thing of each kind: what the developer portal shows a guest of it, or all its pages in the publisher portal.
    #[allow(dead_code, reason = "the browser stories use it")]
    pub async fn first_pages(&self, publisher: bool) -> Vec<String> {
        let one = async |statement: &'static str| {
            let mut connection = self.db().read().await.expect("a connection");
            Select::new(&connection, statement).optional::<(String,)>(&mut connection).await.expect("a row").map(|row| row.0)
        };
        let of = |path: &str, names: Option<String>, tabs: &[&str]| {
            names.map(|name| tabs.iter().map(|tab| format!("{path}{name}{tab}")).collect::<Vec<_>>()).unwrap_or_default()
        };
        let open = "select p.name from products p join product_groups pg on pg.product_id = p.id and pg.group_id = 3
                    join product_apis pa on pa.product_id = p.id where p.published order by p.id limit 1";
        let api = "select a.name from apis a join product_apis pa on pa.api_id = a.id join product_groups pg on pg.product_id = pa.product_id and pg.group_id = 3
                   join products p on p.id = pa.product_id and p.published order by a.id limit 1";
        let operation = "select a.name || '/operations/' || o.name from operations o join apis a on a.id = o.api_id join product_apis pa on pa.api_id = a.id
                         join product_groups pg on pg.product_id = pa.product_id and pg.group_id = 3 join products p on p.id = pa.product_id and p.published
                         order by o.id limit 1";
        let mut pages = Vec::new();
        if publisher {
            pages.extend(of(
                "/publisher/products/",
                one(open).await,
                &["", "/settings", "/visibility", "/subscribers", "/delete", "/unpublish"],
            ));
            let of_an_api = ["", "/calls", "/edit", "/replace", "/add-version", "/join-version", "/delete"];
            pages.extend(of("/publisher/apis/", one(api).await, &of_an_api));
            let version = "select name from apis where version_set is not null order by id desc limit 1";
            pages.extend(of("/publisher/apis/", one(version).await, &["/versions", "/changes"]));
            let by_hand = "select a.name || '/operations/' || o.name from operations o join apis a on a.id = o.api_id and a.format = 'hand' order by o.id limit 1";
            pages.extend(of("/publisher/apis/", one(by_hand).await, &["", "/delete"]));
            pages.extend(of(
                "/publisher/subscriptions/",
                one("select name from subscriptions where state = 'submitted' order by id limit 1").await,
                &[""],
            ));
            pages.extend(of("/publisher/mail/", one("select name from mails order by id limit 1").await, &[""]));
            pages.extend(of(
                "/publisher/groups/",
                one("select name from groups where kind = 'custom' order by id limit 1").await,
                &["", "/delete"],
            ));
            pages.extend(of(
                "/publisher/users/",
                one("select name from users where not administrator and state = 'active' order by id limit 1").await,
                &["", "/block", "/delete"],
            ));
            pages.extend(of("/publisher/audit/", one("select name from audit order by id desc limit 1").await, &[""]));
        } else {
            pages.extend(of("/products/", one(open).await, &[""]));
            pages.extend(of("/apis/", one(api).await, &[""]));
            pages.extend(of("/apis/", one(operation).await, &["", "/try"]));
        }
        pages
    }

    /// The actions in the audit log, in order.
    pub async fn audited(&self) -> Vec<String> {
        let mut connection = self.db().read().await.expect("a connection");
        let rows = Select::new(&connection, "select action from audit order by id").all::<(String,)>(&mut connection).await.expect("rows");
        rows.into_iter().map(|row| row.0).collect()
    }
}

fn with_mail(options: &mut Options, smtp: &smtp::Smtp) {
    options.smtp_url = Some(smtp.url.clone());
    options.mail_from = Some("Contoso APIs <apis@contoso.example>".to_owned());
}

impl Drop for Portal {
    fn drop(&mut self) {
        // The handle's future only needs to be made: it sends the message at once.
        drop(self.server.stop(false));
    }
}

/// A hash of `PASSWORD` that is quick to check: the portal's own were the slowest thing in most tests. Where a password is chosen, they are made.
fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let quick = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None).expect("parameters");
        let hasher = Argon2::new(Algorithm::Argon2id, Version::default(), quick);
        hasher.hash_password(PASSWORD.as_bytes()).expect("a hash").to_string()
    })
}

/// The address of a database that is not there yet, or is empty.
pub async fn database_url(folder: &tempfile::TempDir) -> String {
    new_database(folder, "template1").await
}

/// The address of a new database with all tables: a copy of one that was migrated once a run, for that is what takes time.
async fn migrated_database_url(folder: &tempfile::TempDir) -> String {
    static MIGRATED: tokio::sync::OnceCell<Migrated> = tokio::sync::OnceCell::const_new();
    let migrate = async || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = database_url(&folder).await;
        let db = Database::open(&url, Clock::from_fn(|| START)).await.expect("a database");
        db::migrate(&db).await.expect("migrated");
        db.close().await;
        match url.strip_prefix("sqlite:") {
            Some(file) => Migrated::Sqlite(std::fs::read(file).expect("the database's file")),
            // Its folder stays, or else the database would be taken for that of a test that is over.
            None => Migrated::Postgres(url.rsplit('/').next().unwrap_or_default().to_owned(), folder),
        }
    };
    match MIGRATED.get_or_init(migrate).await {
        Migrated::Sqlite(file) => {
            let url = database_url(folder).await;
            std::fs::write(url.strip_prefix("sqlite:").expect("a file"), file).expect("a copy");
            url
        }
        Migrated::Postgres(name, _) => new_database(folder, name).await,
    }
}

enum Migrated {
    Sqlite(Vec<u8>),
    Postgres(String, #[allow(dead_code, reason = "held")] tempfile::TempDir),
}

async fn new_database(folder: &tempfile::TempDir, template: &str) -> String {
    match std::env::var("PORTICO_TEST_POSTGRES") {
        Ok(server) => {
            let name = format!("portico_{}", portico::ids::random_name(12));
            let admin = sqlx::PgPool::connect(&server).await.expect("the PostgreSQL server of PORTICO_TEST_POSTGRES");
            for over in databases_of_tests_that_are_over(folder, &name) {
                // The names are made of letters and digits above. A server that a fault has just been tried on may not answer yet.
                let _ = sqlx::query(sqlx::AssertSqlSafe(format!("drop database {over} with (force)"))).execute(&admin).await;
            }
            // Since version 15 a database is copied page by page through the log, unless it is told that files will do: twice as fast.
            let chooses = sqlx::query_scalar::<_, bool>("select current_setting('server_version_num')::int >= 150000");
            let how = if chooses.fetch_one(&admin).await.expect("a version") { " strategy file_copy" } else { "" };
            let create = format!("create database {name} template {template}{how}");
            sqlx::query(sqlx::AssertSqlSafe(create)).execute(&admin).await.expect("a new database");
            admin.close().await;
            let mut url = url::Url::parse(&server).expect("a URL");
            url.set_path(&name);
            url.to_string()
        }
        Err(_) => format!("sqlite:{}", folder.path().join("portico.db").display()),
    }
}

/// A test is over when its folder is gone. Hundreds of databases of 10 MB would fill a small disk before the run ends.
fn databases_of_tests_that_are_over(folder: &tempfile::TempDir, name: &str) -> Vec<String> {
    static MADE: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().expect("a lock");
    let (here, over): (Vec<_>, Vec<_>) = made.drain(..).partition(|(folder, _)| folder.exists());
    *made = here;
    made.push((folder.path().to_owned(), name.to_owned()));
    over.into_iter().map(|(_, name)| name).collect()
}
