//! Serving: what is seen to before the first request, and how it ends.

use std::sync::{Arc, atomic::Ordering};

use actix_web::dev::ServerHandle;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{fill_demo, said};
use crate::{
    app::{self, Portal},
    auth, demo,
    error::Error,
    mail, subscriptions,
    tls::Identity,
    users::{self, NewUser},
};

/// Going on would give out no key and let no gateway in, and new keys would be encrypted with another secret than the old ones.
const OTHER_KEY: &str = "the secret key is not the one that this database's subscription keys are encrypted with: \
    set PORTICO_SECRET_KEY, or put the portico.key that belongs to the database beside it";

pub(super) async fn serve(portal: Portal, demo: bool) -> Result<(), String> {
    // Listened for from here on, so that a stop during the start is clean as well.
    let mut stop = signals()?;
    raise_file_limit();
    portal.settings.check_serving()?;
    let administrator = administrator_named()?;
    if !subscriptions::key_fits(&portal.db, &portal.keys).await.map_err(said)? {
        return Err(OTHER_KEY.to_owned());
    }
    let identity = portal.settings.tls.as_ref().map(Identity::read).transpose()?;
    let listener = app::listen("PORTICO_LISTEN", portal.settings.listen)?;
    // With port 0 the system chooses one.
    let listen = listener.local_addr().map_err(|error| error.to_string())?;
    let portal = portal.at(listen).map_err(said)?;
    // Started with --demo once more, a portal goes on with the sample as it is by now.
    if demo && demo::look(&portal).await.map_err(said)? != demo::Found::Sample {
        fill_demo(&portal, None).await?;
    }
    if let Some((email, password)) = administrator {
        first_administrator(&portal, email, &password).await.map_err(said)?;
    }
    let measured = serve_metrics(&portal)?;
    say!("Portico is open at {}", portal.settings.base_url());
    if let Some(token) = auth::setup::new_token(&portal.db).await.map_err(said)? {
        say!(
            "Choose the first administrator's email and password at (works once, for 24 hours)\n  {}/setup?token={token}",
            portal.settings.base_url()
        );
    }
    let (tidied, worked) = (portal.clone(), portal.clone());
    let tidying = tokio::spawn(app::watched("tidying", move || app::tidy_for_ever(tidied.clone())));
    let working = tokio::spawn(app::watched("what is due by the clock", move || app::work_for_ever(worked.clone())));
    let read = portal.clone();
    let reading = tokio::spawn(app::watched("reading memberships", move || app::read_for_ever(read.clone())));
    let (db, post) = (portal.db.clone(), portal.mail.clone());
    let (queue, mailer, until) = (db.clone(), post.clone(), portal.stopping.clone());
    let mailing = tokio::spawn(app::watched("sending mails", move || mail::send::run(queue.clone(), mailer.clone(), until.clone())));
    let (stopping, drain) = (portal.stopping.clone(), portal.settings.drain);
    let tls = identity.as_ref().map(Identity::config).transpose()?;
    if let Some(identity) = identity {
        reload_at_hangup(identity)?;
    }
    let server = app::serve(portal, listener, tls).map_err(|error| error.to_string())?;
    let handle = server.handle();
    tokio::spawn(async move {
        stop.recv().await;
        stopping.store(true, Ordering::Relaxed);
        tracing::info!(
            seconds = drain.as_secs(),
            "stopping: not ready from now on; after the drain time the requests in hand are finished"
        );
        tokio::spawn(async move {
            // Ctrl-C under a wrapper (cargo, a shell's trap) arrives twice: that is one wish to stop.
            tokio::time::sleep(SAME_SIGNAL).await;
            while stop.try_recv().is_ok() {}
            if let Some(signal) = stop.recv().await {
                tracing::warn!("a second signal: ending at once");
                // What was answered is on disk; what was not is undone by the database.
                std::process::exit(128 + signal);
            }
        });
        tokio::time::sleep(drain).await;
        handle.stop(true).await;
    });
    let outcome = server.await.map_err(|error| error.to_string());
    tidying.abort();
    working.abort();
    reading.abort();
    // The mail that is on its way gets to its end, or it would be sent once more.
    post.wake();
    if tokio::time::timeout(mail::send::LONGEST, mailing).await.is_err() {
        tracing::warn!("a mail was still being sent; it may be sent again");
    }
    if let Some(measured) = measured {
        measured.stop(false).await;
    }
    db.close().await;
    tracing::info!("stopped");
    outcome
}

/// Opens the listener for monitoring, if there is to be one. It answers until the portal has ended.
fn serve_metrics(portal: &Portal) -> Result<Option<ServerHandle>, String> {
    let (Some(address), Some(metrics)) = (portal.settings.metrics, &portal.metrics) else { return Ok(None) };
    let listener = app::listen("PORTICO_METRICS", address)?;
    say!("Metrics are at http://{}/metrics", listener.local_addr().map_err(|error| error.to_string())?);
    let server = app::serve_metrics(metrics.clone(), listener).map_err(|error| error.to_string())?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Some(handle))
}

/// Hears of SIGINT (Ctrl-C) and SIGTERM, and says the number of each.
fn signals() -> Result<mpsc::Receiver<i32>, String> {
    let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
    let mut interrupted = signal(interrupt).map_err(|error| error.to_string())?;
    let mut terminated = signal(terminate).map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let which = tokio::select! {
                _ = interrupted.recv() => interrupt,
                _ = terminated.recv() => terminate,
            };
            if sender.send(which.as_raw_value()).await.is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

/// Reads certificate and key again at each SIGHUP: whoever renews them sends one.
fn reload_at_hangup(identity: Arc<Identity>) -> Result<(), String> {
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let again = identity.clone();
            match tokio::task::spawn_blocking(move || again.reload()).await {
                Ok(Ok(())) => tracing::info!("read the certificate and its key again"),
                Ok(Err(why)) => tracing::error!(%why, "the certificate that was shown before stays"),
                Err(error) => tracing::error!(%error, "the certificate that was shown before stays"),
            }
        }
    });
    Ok(())
}

/// A signal this soon after the first is the same one.
const SAME_SIGNAL: std::time::Duration = std::time::Duration::from_millis(500);

/// Each connection is an open file, and so is each of the database's. Fewer than this many are soon used up by slow clients.
const FEW_FILES: u64 = 4096;

/// Raises the soft limit of open files to the hard one: systems set the soft one low for programs that use `select`.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = limit.current != limit.maximum && setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok();
    let words = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |files| files.to_string());
    let now = if raised { limit.maximum } else { limit.current };
    if now.is_some_and(|files| files < FEW_FILES) {
        tracing::warn!(
            files = words(now),
            before = words(limit.current),
            "few files may be open at once: raise the hard limit to {FEW_FILES} or more (ulimit -Hn, LimitNOFILE=)"
        );
    } else {
        tracing::info!(files = words(now), before = words(limit.current), "limit of open files");
    }
}

/// Who is to be made administrator, when the environment says so.
fn administrator_named() -> Result<Option<(String, String)>, String> {
    let named = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
    match (named("PORTICO_ADMIN_EMAIL"), named("PORTICO_ADMIN_PASSWORD")) {
        (Some(email), Some(password)) => Ok(Some((email, password))),
        (None, None) => Ok(None),
        (Some(_), None) => Err("PORTICO_ADMIN_EMAIL is set, so PORTICO_ADMIN_PASSWORD must be as well".to_owned()),
        (None, Some(_)) => Err("PORTICO_ADMIN_PASSWORD is set, so PORTICO_ADMIN_EMAIL must be as well".to_owned()),
    }
}

/// Where nobody sits at a terminal: the first administrator from the environment.
async fn first_administrator(portal: &Portal, email: String, password: &str) -> Result<(), Error> {
    if auth::has_administrator(&portal.db).await? {
        return Ok(());
    }
    let new = NewUser { email, first_name: "Portal".to_owned(), last_name: "Administrator".to_owned(), note: String::new() };
    match users::create_administrator(&portal.db, &auth::operator(), &portal.passwords, &new, password).await {
        Ok(_) => {}
        // Of several processes that begin together on an empty database, another was first.
        Err(Error::Invalid(_)) if auth::has_administrator(&portal.db).await? => return Ok(()),
        Err(error) => return Err(error),
    }
    say!("Made the administrator {}", new.email);
    Ok(())
}
