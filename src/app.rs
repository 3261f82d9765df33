//! Assembles the server: shared state, the route table, the order of the middleware, starting and stopping.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_session::{
    SessionMiddleware,
    config::{BrowserSession, CookieContentSecurity},
};
use actix_web::{
    App, HttpResponse, HttpServer,
    cookie::{Cookie, Key, SameSite, time::Duration as CookieDuration},
    dev::{Server, ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::{Compress, Next, from_fn},
    web::{self, Data},
};
use tokio::task::JoinSet;

use crate::{
    apis, audit,
    auth::{
        self,
        password::Passwords,
        sign_in::{Limits, Sessions},
    },
    calls, catalog,
    config::Settings,
    dashboard,
    db::{self, Database},
    error::Error,
    gateway, groups,
    keys::Keys,
    mail,
    metrics::Metrics,
    products,
    providers::{self, syncing::Reader},
    scim, site, subscriptions, users,
    web::{Routes, assets, compress, errors, face, guard, openapi, revalidate},
};

/// What every handler can reach.
#[derive(Clone)]
pub struct Portal {
    pub db: Database,
    pub keys: Arc<Keys>,
    pub passwords: Passwords,
    pub settings: Arc<Settings>,
    pub catalog: Arc<catalog::Memory>,
    pub groups: Arc<groups::Memory>,
    pub gateway: Arc<gateway::Memory>,
    pub mail: Arc<mail::Post>,
    /// What the site is called, and how it looks.
    pub face: Arc<face::Memory>,
    pub calls: Arc<calls::Throttle>,
    pub rates: Arc<auth::tokens::Rates>,
    /// What identity providers said of themselves lately.
    pub providers: Arc<providers::protocol::Memory>,
    /// Pages that every guest gets.
    pub drawn: Arc<revalidate::Pages>,
    /// Asked to stop: no longer ready, and every answer ends its connection, so that its client takes the next one elsewhere.
    pub stopping: Arc<AtomicBool>,
    /// None when nobody is to ask for them.
    pub metrics: Option<Arc<Metrics>>,
}

impl Portal {
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The same portal, listening here: with port 0 the system has chosen one.
    pub fn at(mut self, listen: SocketAddr) -> Result<Self, Error> {
        self.settings = Arc::new(Settings { listen, ..Settings::clone(&self.settings) });
        self.mail = Arc::new(mail::Post::new(&self.settings, self.keys.clone())?);
        Ok(self)
    }

    /// The password once more: what was typed, or that it counts still.
    pub async fn confirm(&self, again: &auth::Again, typed: &str) -> Result<auth::Confirmed, Error> {
        again.prove(&self.db, &self.keys, &self.passwords, typed).await
    }

    /// What reads memberships without a sign-in.
    pub fn reader(&self) -> Reader {
        let (keys, memory) = (self.keys.clone(), self.providers.clone());
        Reader { db: self.db.clone(), keys, memory, base: self.settings.base_url(), stopping: self.stopping.clone() }
    }

    pub fn limits(&self) -> Limits {
        Limits { idle: self.settings.session_idle, absolute: self.settings.session_limit }
    }
}

/// Every route of the portal, in the order in which they are matched.
pub fn routes() -> Routes {
    let mut routes = Routes::default();
    routes.get("/healthz", healthz).get("/readyz", readyz).get("/assets/{file:.*}", assets::serve).get("/site/{file}", face::serve);
    auth::pages::routes(&mut routes);
    auth::tokens::pages::routes(&mut routes);
    groups::pages::routes(&mut routes);
    audit::pages::routes(&mut routes);
    products::pages::routes(&mut routes);
    catalog::pages::routes(&mut routes);
    subscriptions::pages::routes(&mut routes);
    users::pages::routes(&mut routes);
    dashboard::pages::routes(&mut routes);
    site::pages::routes(&mut routes);
    providers::pages::routes(&mut routes);
    apis::pages::routes(&mut routes);
    calls::pages::routes(&mut routes);
    mail::pages::routes(&mut routes);
    openapi::routes(&mut routes);
    site::api::routes(&mut routes);
    groups::api::routes(&mut routes);
    users::api::routes(&mut routes);
    products::api::routes(&mut routes);
    subscriptions::api::routes(&mut routes);
    apis::api::routes(&mut routes);
    mail::api::routes(&mut routes);
    providers::api::routes(&mut routes);
    auth::shared::api::routes(&mut routes);
    auth::tokens::api::routes(&mut routes);
    scim::api::routes(&mut routes);
    routes
}

/// Method and pattern of every mounted route, for the test that holds them against the access table.
pub fn route_list() -> Vec<(Method, &'static str)> {
    let asked_by_gateways = gateway::api::ROUTES.map(|path| (Method::GET, path));
    routes().list().into_iter().chain(asked_by_gateways).collect()
}

async fn healthz() -> HttpResponse {
    said(StatusCode::OK, "alive\n")
}

/// For programs that ask how the portal is, now.
fn said(status: StatusCode, words: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-store")).body(words)
}

async fn readyz(portal: Data<Portal>) -> HttpResponse {
    if portal.is_stopping() {
        return said(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match db::migration_state(&portal.db).await {
        Ok(db::MigrationState::Current) => said(StatusCode::OK, "ready\n"),
        Ok(db::MigrationState::Behind) => said(StatusCode::SERVICE_UNAVAILABLE, "the database is not migrated\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            said(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n")
        }
    }
}

/// The largest time a client may take to send its request's head.
const SLOWEST_HEAD: Duration = Duration::from_secs(15);
/// Threads for each worker's hashing, compressing and name look-ups.
const BLOCKING_THREADS: usize = 4;
/// How long requests in hand may take to end after a signal to stop.
const LAST_REQUESTS: u64 = 20;

/// A server on the listener, not yet polled; with a TLS configuration it speaks nothing else.
pub fn serve(portal: Portal, listener: TcpListener, tls: Option<rustls::ServerConfig>) -> std::io::Result<Server> {
    let portal = Portal { db: portal.db.for_pages(), ..portal };
    let workers = portal.settings.workers;
    let secure = portal.settings.secure();
    let cookie_name: Arc<str> = portal.settings.cookie("portico").into();
    let state = Data::new(portal);
    let pages = Data::new(routes().pages());
    let server = HttpServer::new(move || {
        let (portal, cookie_name) = (state.clone(), cookie_name.clone());
        let sessions = SessionMiddleware::builder(
            Sessions::new(portal.db.clone(), portal.settings.session_idle, portal.settings.session_limit),
            Key::from(portal.keys.cookie()),
        )
        .cookie_name(cookie_name.to_string())
        .cookie_secure(secure)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(BrowserSession::default())
        .build();
        App::new()
            .app_data(portal)
            .app_data(pages.clone())
            .configure(|config| routes().mount(config))
            .default_service(web::to(errors::not_found))
            // The last one wrapped is the first to see a request.
            .wrap(from_fn(guard::same_site))
            .wrap(from_fn(errors::draw))
            .wrap(sessions)
            .wrap(from_fn(move |request: ServiceRequest, next: Next<_>| {
                let name = cookie_name.clone();
                async move {
                    let foreign = request.cookie(&name).is_some();
                    let mut answer: ServiceResponse<_> = next.call(request).await?;
                    if foreign && crate::auth::extract::known_guest(answer.request()) {
                        clear_cookie(&mut answer, &name, secure);
                    }
                    Ok(answer)
                }
            }))
            .wrap(from_fn(errors::last_resort))
            .wrap(from_fn(revalidate::revalidate))
            .wrap(from_fn(compress::compress))
            .wrap(Compress::default())
            .wrap(from_fn(guard::surround))
            .wrap(from_fn(gateway::api::answer))
    })
    .workers(workers)
    // Hashing takes turns and compressing a piece of a page takes microseconds: more threads would only hold more memory.
    .worker_max_blocking_threads(BLOCKING_THREADS)
    // Compressed answers come in several pieces: without it each waits 40 ms for the one before.
    .tcp_nodelay(true)
    .client_request_timeout(SLOWEST_HEAD)
    .shutdown_timeout(LAST_REQUESTS)
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// A stale or foreign session cookie makes a guest, and goes.
fn clear_cookie<B>(answer: &mut ServiceResponse<B>, name: &str, secure: bool) {
    let replaced = answer.response().cookies().any(|cookie| cookie.name() == name);
    if !replaced {
        let mut cookie = Cookie::build(name.to_owned(), "").path("/").secure(secure).http_only(true).same_site(SameSite::Lax).finish();
        cookie.set_max_age(CookieDuration::ZERO);
        let _ = answer.response_mut().add_cookie(&cookie);
    }
}

/// What OpenMetrics calls its text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn show_metrics(metrics: Data<Metrics>) -> HttpResponse {
    match metrics.text() {
        Ok(text) => HttpResponse::Ok().content_type(OPEN_METRICS).body(text),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be told");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// `/metrics` alone, on a listener of its own: who reaches the portal must not read what happens in it.
pub fn serve_metrics(metrics: Arc<Metrics>, listener: TcpListener) -> std::io::Result<Server> {
    let metrics = Data::from(metrics);
    let server = HttpServer::new(move || App::new().app_data(metrics.clone()).route("/metrics", web::get().to(show_metrics)))
        .workers(1)
        .worker_max_blocking_threads(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

/// Opens the listening socket that a setting names.
///
/// # Errors
/// A sentence that says which address and why.
pub fn listen(setting: &str, address: SocketAddr) -> Result<TcpListener, String> {
    let listener = TcpListener::bind(address).map_err(|error| format!("{setting} is {address}, and nothing can listen there: {error}"))?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
}

/// Removes what has run out, at the start and then every hour, until the server stops.
pub async fn tidy_for_ever(portal: Portal) {
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hours.tick().await;
        let tidied = async {
            auth::sign_in::tidy(&portal.db, portal.limits()).await?;
            users::sign_up::tidy(&portal.db, &auth::system("Sign-ups that nobody confirmed")).await?;
            mail::tidy(&portal.db).await?;
            providers::attempts::tidy(&portal.db).await?;
            gateway::tidy(&portal.db).await
        };
        if let Err(error) = tidied.await {
            tracing::warn!(%error, "tidying failed; it is tried again in an hour");
        }
    }
}

/// How often it is looked what is due by the clock. Keys of what has ended are refused at that instant, whenever this comes round.
const LOOK: Duration = Duration::from_secs(5);

/// Does what is due by the clock, until the server stops.
pub async fn work_for_ever(portal: Portal) {
    loop {
        if let Err(error) = work(&portal).await {
            tracing::warn!(%error, "what is due by the clock could not be done; it is tried again");
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Ends subscriptions and warns of ends; how many. Several processes may do it at once.
pub async fn work(portal: &Portal) -> Result<usize, Error> {
    subscriptions::work(&portal.db, &portal.mail, &auth::system("ends of subscriptions")).await
}

/// How soon it is heeded that the server stops, and how long is waited then for an account that is asked after.
const HEED: Duration = Duration::from_millis(200);
pub const READING: Duration = Duration::from_secs(15);

/// Reads memberships that are due, until the server stops: each provider by itself, so that a slow one keeps no other waiting.
pub async fn read_for_ever(portal: Portal) {
    let mut reading = JoinSet::new();
    let mut busy = HashMap::new();
    while !portal.is_stopping() {
        while let Some(ended) = reading.try_join_next_with_id() {
            let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
            busy.remove(&id);
        }
        match portal.reader().due().await {
            Ok(due) => {
                for provider in due.into_iter().filter(|provider| !busy.values().any(|id| *id == provider.id)).collect::<Vec<_>>() {
                    let (reader, id) = (portal.reader(), provider.id);
                    let task = reading.spawn(async move {
                        if let Err(error) = reader.read_due(&provider).await {
                            tracing::warn!(%error, provider = provider.name, "memberships could not be kept; it is tried again");
                        }
                    });
                    busy.insert(task.id(), id);
                }
            }
            Err(error) => tracing::warn!(%error, "it could not be looked up whose memberships are due; it is tried again"),
        }
        for _ in 0..LOOK.as_millis() / HEED.as_millis() {
            if !portal.is_stopping() {
                tokio::time::sleep(HEED).await;
            }
        }
    }
    // Whoever is asked after with a token that counts once is asked to the end, or the next one would be lost.
    while reading.join_next().await.is_some() {}
}

/// After a task has panicked, before it is begun again.
const BEGUN_AGAIN: Duration = Duration::from_secs(5);

/// Keeps a task going: one that panics is told in the log and begun again. It ends with the task, or takes the task with it.
pub async fn watched<T: Future<Output = ()> + Send + 'static>(what: &'static str, begin: impl Fn() -> T) {
    loop {
        let mut task = JoinSet::new();
        task.spawn(begin());
        match task.join_next().await {
            Some(Err(error)) if error.is_panic() => tracing::error!(%error, "{what} broke off, and is begun again"),
            _ => return,
        }
        tokio::time::sleep(BEGUN_AGAIN).await;
    }
}

/// The state of a portal on a migrated database.
pub fn portal(db: Database, settings: Settings, secret: &[u8; 32]) -> Result<Portal, Error> {
    let passwords = Passwords::default();
    let keys = Arc::new(Keys::new(secret));
    Ok(Portal {
        mail: Arc::new(mail::Post::new(&settings, keys.clone())?),
        metrics: settings.metrics.map(|_| Arc::new(Metrics::new(db.clone(), passwords.clone()))),
        db,
        keys,
        passwords,
        settings: Arc::new(settings),
        catalog: Arc::default(),
        groups: Arc::default(),
        gateway: Arc::default(),
        face: Arc::default(),
        calls: Arc::default(),
        rates: Arc::default(),
        providers: Arc::default(),
        drawn: Arc::default(),
        stopping: Arc::default(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_begun_again() {
        let begun = Arc::<AtomicUsize>::default();
        let count = begun.clone();
        watched("a test", move || {
            let times = count.fetch_add(1, Ordering::Relaxed);
            async move { assert!(times >= 2, "on purpose") }
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }
}
