//! Mails: what is written, waits in the database until it is sent, and who is told of what happens.
//! A mail is written in the transaction of the change that it tells of. How it travels is in `send`.

pub mod api;
mod html;
mod kinds;
mod line;
pub mod notifications;
pub mod pages;
mod render;
pub mod send;
pub mod store;
mod templates;

use std::sync::Arc;

use lettre::message::Mailbox;
use tokio::sync::Notify;

pub use kinds::{Facts, Kind, Parameter};
pub use render::{Rendered, Values, render};
pub use templates::{Format, Template, edit_template, preview, reset_template, template};

use crate::{
    audit::{self, Subject},
    auth::{Administrator, Confirmed, Person},
    config::Settings,
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    ids::{self, UserId},
    keys::Keys,
    site,
};

/// What everybody who writes mails needs to know of the portal.
pub struct Post {
    from: Mailbox,
    base_url: String,
    keys: Arc<Keys>,
    transport: send::Transport,
    /// Tells processes apart that take mails from one queue.
    process: String,
    wake: Notify,
}

impl Post {
    pub fn new(settings: &Settings, keys: Arc<Keys>) -> Result<Self, Error> {
        Ok(Self {
            from: settings.mail_from.clone(),
            base_url: settings.base_url(),
            transport: send::Transport::new(settings.smtp.as_ref())?,
            keys,
            process: ids::random_name(12),
            wake: Notify::new(),
        })
    }

    /// An address of this portal for a mail.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Whether mails leave; otherwise they are kept for who looks at them.
    pub fn leaves(&self) -> bool {
        self.transport.leaves()
    }

    /// Something was committed that may have written a mail.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// To whom.
#[derive(Clone, Debug, Default)]
pub struct Recipient {
    pub user: Option<UserId>,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
}

impl Recipient {
    pub fn of(person: &Person) -> Self {
        Self {
            user: Some(person.id),
            email: person.email.clone(),
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
        }
    }
}

/// A mail to be written.
pub struct Mail {
    pub kind: Kind,
    pub to: Recipient,
    pub values: Values,
    /// What the parameter `link` stands for. It lets its holder in, so it is kept apart, encrypted, and forgotten once it is sent.
    pub link: Option<String>,
    /// Those of one bulk action, so that its progress can be shown.
    pub batch: Option<String>,
}

impl Mail {
    pub fn new(kind: Kind, to: Recipient, values: Values) -> Self {
        Self { kind, to, values, link: None, batch: None }
    }
}

/// Stands for the link in what is kept of a mail.
fn link_mark(mail: &str) -> String {
    format!("https://link.invalid/{mail}")
}

fn link_context(mail: &str) -> String {
    format!("link of mail {mail}")
}

/// Writes a mail in the caller's transaction; it leaves when that is committed. Its name.
pub async fn write(tx: &mut Transaction, post: &Post, mail: Mail) -> Result<String, Error> {
    let template = template(tx, mail.kind).await?;
    let bcc = match mail.is_copied() {
        true => notifications::blind_copies(tx, &mail.to.email).await?,
        false => Vec::new(),
    };
    let site = site::name(tx).await?;
    let new = post.prepare(&template, mail, &bcc, &site)?;
    store::insert(tx, &new).await?;
    Ok(new.name)
}

/// Writes many mails of one kind, in a few statements.
pub async fn write_many(tx: &mut Transaction, post: &Post, mails: Vec<Mail>) -> Result<(), Error> {
    let Some(first) = mails.first() else { return Ok(()) };
    let template = template(tx, first.kind).await?;
    let site = site::name(tx).await?;
    let copies = if first.is_copied() { notifications::blind_copies(tx, "").await? } else { Vec::new() };
    let prepare = |mail: Mail| {
        let to = ids::fold(&mail.to.email);
        let copies: Vec<String> = copies.iter().filter(|copy| ids::fold(copy) != to).cloned().collect();
        post.prepare(&template, mail, &copies, &site)
    };
    let new = mails.into_iter().map(prepare).collect::<Result<Vec<_>, Error>>()?;
    store::insert_many(tx, &new).await
}

impl Mail {
    /// Whether copies may go to others: not of what lets its holder in, nor of what goes to administrators anyway.
    fn is_copied(&self) -> bool {
        self.link.is_none() && !self.kind.is_notice()
    }
}

/// How many mails of a kind were written to a user since then.
pub async fn count_since(connection: &mut Connection, user: UserId, kind: Kind, since: Instant) -> Result<i64, Error> {
    store::count_since(connection, user, kind.name(), since).await
}

/// How many mails of a kind were written to an address since then, whoever caused them.
pub async fn count_to(connection: &mut Connection, email: &str, kind: Kind, since: Instant) -> Result<i64, Error> {
    store::count_to(connection, email, kind.name(), since).await
}

/// Replaces what mails say of people who go: those to them are emptied, or not sent at all; those about them no longer name them.
pub async fn forget_users(tx: &mut Transaction, people: &[Person]) -> Result<(), Error> {
    let keys: Vec<UserId> = people.iter().map(|person| person.id).collect();
    store::delete_unsent_to(tx, &keys).await?;
    store::empty_mails_to(tx, &keys).await?;
    for person in people {
        store::rename_in_notices(tx, (&person.email, &person.display()), &audit::deleted_name(person.id)).await?;
    }
    Ok(())
}

impl Post {
    fn message_id(&self, mail: &str) -> String {
        format!("<{mail}@{}>", self.from.email.domain())
    }

    /// A mail as it is kept.
    fn prepare(&self, template: &Template, mail: Mail, bcc: &[String], site: &str) -> Result<store::NewMail, Error> {
        let name = ids::random_name(16);
        let values = self.common(mail.values, &mail.to, site);
        let values = match mail.link {
            Some(_) => values.set("ConfirmUrl", link_mark(&name)),
            None => values,
        };
        let rendered = render(template, &values);
        let about = mail.kind.is_notice().then(|| ids::fold(values.get("DeveloperEmail")));
        let secret = mail.link.map(|link| self.keys.encrypt(&link_context(&name), &link)).transpose()?;
        Ok(store::NewMail {
            message_id: self.message_id(&name),
            to_name: render::one_line(&format!("{} {}", mail.to.first_name, mail.to.last_name)),
            search_folded: ids::fold(&format!("{}\n{}\n{} {}", rendered.subject, mail.to.email, mail.to.first_name, mail.to.last_name)),
            kind: mail.kind.name(),
            farewell: mail.kind.is_farewell(),
            about,
            user: mail.to.user,
            to_email: mail.to.email,
            bcc: serde_json::to_string(bcc)?,
            rendered,
            secret,
            batch: mail.batch,
            name,
        })
    }

    fn common(&self, values: Values, to: &Recipient, site: &str) -> Values {
        values
            .set("OrganizationName", site)
            .set("DevPortalUrl", self.base_url.clone())
            .set("DevFirstName", if to.first_name.is_empty() { "there" } else { &to.first_name })
            .set("DevLastName", to.last_name.clone())
            .set("DevEmail", to.email.clone())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Sending,
    Sent,
    /// There is no mail server, so it is to be read here.
    Kept,
    Failed,
}

impl State {
    pub const ALL: [State; 5] = [State::Waiting, State::Sending, State::Sent, State::Kept, State::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Sending => "sending",
            State::Sent => "sent",
            State::Kept => "kept",
            State::Failed => "failed",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            State::Waiting => "Waiting",
            State::Sending => "Being sent",
            State::Sent => "Sent",
            State::Kept => "Kept here",
            State::Failed => "Failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One mail for its page. Where no mail leaves the portal its link is kept, or else nobody could follow it: whoever looks at that can do
/// what its reader may, so it is asked for apart.
pub struct Shown {
    pub mail: store::MailRow,
    pub text: String,
    pub holds_link: bool,
    /// The link is here, and can be asked for.
    pub keeps_link: bool,
    /// The link, once it was asked for.
    pub link: String,
}

fn keeps_link(post: &Post, mail: &store::MailRow, body: &store::Body) -> bool {
    body.secret.is_some() && mail.state() == State::Kept && !post.leaves()
}

pub async fn show(db: &Database, post: &Post, name: &str) -> Result<Shown, Error> {
    let mut connection = db.read().await?;
    let mail = store::find(&mut connection, name).await?.ok_or(Error::NotFound)?;
    let body = store::body(&mut connection, mail.id).await?;
    let keeps_link = keeps_link(post, &mail, &body);
    let link = if keeps_link { "(the link is kept here)" } else { "(the link is in the mail alone)" };
    let mark = link_mark(&mail.name);
    Ok(Shown { holds_link: body.text.contains(&mark), keeps_link, link: String::new(), text: body.text.replace(&mark, link), mail })
}

/// The same with the link in it, which is audited.
///
/// # Errors
/// `Conflict` when there is none, or it is no longer kept.
pub async fn show_link(db: &Database, post: &Post, admin: &Administrator, _: Confirmed, name: &str) -> Result<Shown, Error> {
    let mut tx = db.write().await?;
    let mail = store::find(&mut tx, name).await?.ok_or(Error::NotFound)?;
    let body = store::body(&mut tx, mail.id).await?;
    let Some(sealed) = body.secret.as_deref().filter(|_| keeps_link(post, &mail, &body)) else {
        return Err(Error::Conflict("No link of this mail is kept here.".to_owned()));
    };
    let link = post.keys.decrypt(&link_context(&mail.name), sealed)?;
    audit::record(&mut tx, admin.actor(), "mail.link_shown", mail.subject_of(), audit::NOTHING, Some(mail.facts())).await?;
    tx.commit().await?;
    Ok(Shown { holds_link: true, keeps_link: false, text: body.text.replace(&link_mark(&mail.name), &link), link, mail })
}

/// Sends a mail again: one that failed or was kept as it is, one that was sent as a new one. False when it waits already.
///
/// # Errors
/// `Conflict` when it was sent and held a link, which works once and is not kept.
pub async fn resend(db: &Database, post: &Post, admin: &Administrator, name: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let mail = store::find(&mut tx, name).await?.ok_or(Error::NotFound)?;
    match mail.state() {
        State::Waiting | State::Sending => return Ok(false),
        State::Failed | State::Kept => store::wait_again(&mut tx, &[mail.id]).await?,
        State::Sent => {
            if mail.to_email.is_empty() {
                return Err(Error::Conflict("Whom this mail went to is no longer here, and nothing of it is kept.".to_owned()));
            }
            let body = store::body(&mut tx, mail.id).await?;
            if body.text.contains(&link_mark(&mail.name)) {
                return Err(Error::Conflict(
                    "This mail held a link that works once, which is not kept after sending. Ask for a new one where it came from: \
                     an invitation and a password reset on the user’s page."
                        .to_owned(),
                ));
            }
            let copy = ids::random_name(16);
            store::copy(&mut tx, mail.id, &copy, &post.message_id(&copy)).await?;
        }
    }
    audit::record(&mut tx, admin.actor(), "mail.resent", mail.subject_of(), audit::NOTHING, Some(mail.facts())).await?;
    tx.commit().await?;
    post.wake();
    Ok(true)
}

/// Which mails are sent again all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    Failed,
    /// Those from before there was a mail server.
    Kept,
}

/// Sends all that failed, or all that were kept, again. How many.
///
/// # Errors
/// `Conflict` when there is no mail server to which what was kept could go.
pub async fn resend_all(db: &Database, post: &Post, admin: &Administrator, which: Resent) -> Result<usize, Error> {
    if which == Resent::Kept && !post.leaves() {
        return Err(Error::Conflict("No mail server is set (PORTICO_SMTP_URL), so what is kept here stays here.".to_owned()));
    }
    let (state, display) = match which {
        Resent::Failed => (State::Failed, "All failed mails"),
        Resent::Kept => (State::Kept, "All kept mails"),
    };
    let mut tx = db.write().await?;
    let mails = store::keys_of_all(&mut tx, state).await?;
    if !mails.is_empty() {
        store::wait_again(&mut tx, &mails).await?;
        let subject = Subject { kind: "mail", key: None, display: display.to_owned() };
        let facts = serde_json::json!({ "mails": mails.len() });
        audit::record(&mut tx, admin.actor(), "mail.resent", subject, audit::NOTHING, Some(facts)).await?;
    }
    tx.commit().await?;
    post.wake();
    Ok(mails.len())
}

/// Sends a template with sample values to the administrator who asks.
pub async fn send_test(db: &Database, post: &Post, admin: &Administrator, kind: Kind, words: &Template) -> Result<(), Error> {
    let words = templates::check(kind, words)?;
    let person = admin.person().ok_or(Error::Forbidden("Only somebody who is signed in has an address to send a test to."))?;
    let template = Template { subject: format!("[Test] {}", words.subject), ..words };
    let mut tx = db.write().await?;
    let site = site::name(&mut tx).await?;
    let sample = post.prepare(&template, Mail::new(kind, Recipient::of(person), Values::samples(kind)), &[], &site)?;
    let new = store::NewMail { farewell: false, ..sample };
    store::insert(&mut tx, &new).await?;
    tx.commit().await?;
    post.wake();
    Ok(())
}

/// How long mails are kept after they were sent or given up.
const KEPT_FOR: time::Duration = time::Duration::days(90);

/// Removes old mails.
pub async fn tidy(db: &Database) -> Result<u64, Error> {
    let mut tx = db.write().await?;
    let before = tx.now().minus(KEPT_FOR);
    let gone = store::delete_settled_before(&mut tx, before).await?;
    tx.commit().await?;
    Ok(gone)
}
