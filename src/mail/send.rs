//! How mails leave: over SMTP, one after the other, tried again after growing pauses; or, without a server, into the log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lettre::{
    Message,
    message::{Mailbox, MultiPart, header},
    transport::smtp::Error as SmtpError,
};

pub use super::line::LONGEST;
use super::{
    Post,
    line::{Line, Trouble},
    link_context, link_mark,
    store::queue::{self, Claimed, Outcome},
};
use crate::{
    config::Smtp,
    db::{Database, Engine},
    error::Error,
};

/// How long a mail is a process's own; longer than it can take to send it.
const CLAIM: time::Duration = time::Duration::minutes(3);
/// How often the queue is looked at for what other processes wrote, and for what is due again.
const LOOK: Duration = Duration::from_secs(2);
/// After the server could not be reached at all.
const AWAY: Duration = Duration::from_secs(15);

/// Minutes between attempts: after the last of them, a day and a half later, a mail is given up.
const PAUSES: [i64; 9] = [1, 5, 15, 60, 120, 240, 480, 720, 720];

pub(super) enum Transport {
    /// Nowhere: mails are kept, and told in the log.
    Log,
    Smtp(Box<Line>),
}

impl Transport {
    pub fn new(smtp: Option<&Smtp>) -> Result<Self, Error> {
        Ok(match smtp {
            Some(smtp) => Self::Smtp(Box::new(Line::new(smtp)?)),
            None => Self::Log,
        })
    }

    async fn rest(&self) {
        if let Self::Smtp(line) = self {
            line.rest().await;
        }
    }

    pub fn leaves(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }
}

/// Why a mail did not leave, and what that means for it and the others.
struct Refused {
    error: String,
    /// It will be refused for ever.
    for_good: bool,
    /// The server could not be reached: the next mail would fare no better.
    away: bool,
}

impl Refused {
    fn for_good(error: impl ToString) -> Self {
        Self { error: error.to_string(), for_good: true, away: false }
    }

    fn of(error: &SmtpError) -> Self {
        let code = error.status().map(u16::from);
        // What a server says of the recipient or the message (RFC 5321, section 4.2.3); the other 5xx are about signing in or the session.
        let for_good = error.is_client() || code.is_some_and(|code| matches!(code, 550..=556));
        Self { error: one_line(error), for_good, away: code.is_none() && !error.is_client() }
    }
}

/// An error with what caused it, fit for a table: no line breaks, and no longer than somebody reads.
pub(super) fn one_line(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    shortened(&words)
}

fn shortened(words: &str) -> String {
    words.chars().take(500).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The message as it travels.
fn message(post: &Post, claimed: &Claimed, link: Option<&str>, at: std::time::SystemTime) -> Result<Message, Refused> {
    let mark = link_mark(&claimed.name);
    // In HTML an ampersand is written out; links of this portal have none, and others are no worse for it.
    let html_link = link.map(|link| link.replace('&', "&amp;"));
    let text = claimed.text.replace(&mark, link.unwrap_or_default());
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"></head><body style=\"margin:0 auto;padding:24px;max-width:560px;\
         font:16px/1.5 system-ui,sans-serif;color:#1c2024\">\n{}</body></html>\n",
        claimed.html.replace(&mark, html_link.as_deref().unwrap_or_default())
    );
    let address = |email: &str| email.parse().map_err(|why| Refused::for_good(format!("“{email}” cannot be written as an address: {why}")));
    let name = (!claimed.to_name.is_empty()).then(|| claimed.to_name.clone());
    let mut builder = Message::builder()
        .from(post.from.clone())
        .to(Mailbox::new(name, address(&claimed.to_email)?))
        .subject(&claimed.subject)
        .message_id(Some(claimed.message_id.clone()))
        .date(at)
        // RFC 3834: no out-of-office notices, please.
        .raw_header(header::HeaderValue::new(header::HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    for copy in serde_json::from_str::<Vec<String>>(&claimed.bcc).unwrap_or_default() {
        builder = builder.bcc(Mailbox::new(None, address(&copy)?));
    }
    builder.multipart(MultiPart::alternative_plain_html(text, html)).map_err(Refused::for_good)
}

async fn send(post: &Post, claimed: &Claimed, at: std::time::SystemTime) -> Result<Outcome, Refused> {
    let link = match &claimed.secret {
        Some(sealed) => Some(post.keys.decrypt(&link_context(&claimed.name), sealed).map_err(Refused::for_good)?),
        None if claimed.text.contains(&link_mark(&claimed.name)) => {
            return Err(Refused::for_good("the link of this mail is no longer kept"));
        }
        None => None,
    };
    let message = message(post, claimed, link.as_deref(), at)?;
    match &post.transport {
        Transport::Log => {
            // Its link lets whoever has it in, so it is on the mail's page alone.
            let page = format!("(the link is at {})", post.url(&format!("/publisher/mail/{}", claimed.name)));
            let text = claimed.text.replace(&link_mark(&claimed.name), &page);
            tracing::info!(
                to = claimed.to_email,
                subject = claimed.subject,
                text,
                "no mail server is set (PORTICO_SMTP_URL): this mail is kept"
            );
            Ok(Outcome::Kept)
        }
        Transport::Smtp(line) => match line.send(&message).await {
            Ok(()) => Ok(Outcome::Sent),
            Err(Trouble::Said(error)) => Err(Refused::of(&error)),
            Err(Trouble::Away(error)) => Err(Refused { error: shortened(&error), for_good: false, away: true }),
        },
    }
}

/// What a round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Nothing was due.
    Idle,
    Sent,
    /// One could not be sent now, or never.
    Refused,
    /// The server could not be reached.
    Away,
}

/// Takes one mail that is due and sends it.
pub async fn send_one(db: &Database, post: &Post) -> Result<Round, Error> {
    let now = db.now();
    if !queue::is_due(&mut db.read().await?, now).await? {
        return Ok(Round::Idle);
    }
    let Some(claimed) = queue::claim(db, &post.process, now.plus(CLAIM)).await? else { return Ok(Round::Idle) };
    let outcome = send(post, &claimed, db.now().date_time().into()).await;
    let (outcome, round) = match outcome {
        Ok(outcome) => (outcome, Round::Sent),
        Err(refused) => {
            let pause = usize::try_from(claimed.attempts - 1).ok().and_then(|attempt| PAUSES.get(attempt));
            tracing::warn!(mail = claimed.name, attempt = claimed.attempts, error = refused.error, "a mail was not sent");
            let outcome = match pause {
                Some(minutes) if !refused.for_good => {
                    Outcome::Later { at: db.now().plus(time::Duration::minutes(*minutes)), error: refused.error }
                }
                _ => Outcome::Failed { error: refused.error },
            };
            (outcome, if refused.away { Round::Away } else { Round::Refused })
        }
    };
    if !queue::settle(db, &post.process, claimed.id, &outcome).await? {
        tracing::warn!(mail = claimed.name, "another process took the mail over while it was being sent");
    }
    Ok(round)
}

/// Sends what is due until nothing is, or the server is away. How many left.
pub async fn send_due(db: &Database, post: &Post) -> Result<usize, Error> {
    let mut sent = 0;
    loop {
        match send_one(db, post).await? {
            Round::Sent => sent += 1,
            Round::Refused => {}
            Round::Idle | Round::Away => {
                post.transport.rest().await;
                return Ok(sent);
            }
        }
    }
}

/// Sends until the portal is asked to stop; a mail that is on its way then is still finished.
pub async fn run(db: Database, post: Arc<Post>, stopping: Arc<AtomicBool>) {
    if db.engine() == Engine::Sqlite
        && let Err(error) = queue::release(&db).await
    {
        tracing::warn!(%error, "mails that were being sent wait until their claim runs out");
    }
    while !stopping.load(Ordering::Relaxed) {
        let pause = match send_one(&db, &post).await {
            Ok(Round::Sent | Round::Refused) => continue,
            Ok(Round::Idle) => {
                post.transport.rest().await;
                LOOK
            }
            Ok(Round::Away) => AWAY,
            Err(error) => {
                tracing::warn!(%error, "the mail queue cannot be read; it is tried again");
                AWAY
            }
        };
        let mut waited = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                // While the server is away, new mails wait like the others; only a stop does not.
                () = post.wake.notified() => if pause == LOOK || stopping.load(Ordering::Relaxed) { break },
                () = &mut waited => break,
            }
        }
    }
}
