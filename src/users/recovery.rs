//! A forgotten password: a link by mail, with which its holder chooses a new one. Whoever asks is never told whether an address is known.

use std::time::Duration;

use serde::Serialize;

use super::{SessionFacts, UserState, get, store};
use crate::{
    audit::{self, Actor, NOTHING, Subject},
    auth::{
        Administrator, Proven,
        links::{self, Found, Purpose},
        password::{self, Passwords},
        sign_in::{self, Which, end_sessions},
    },
    db::{Database, Transaction},
    error::{Error, Problems},
    ids::UserId,
    keys::Keys,
    mail::{self, Kind, Mail, Post, Recipient, Values},
    providers,
};

/// Every answer takes at least this long, so that its time does not say whether a mail was written.
const EVENLY: Duration = Duration::from_millis(250);

/// Does the work, and answers no sooner than it ever takes.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let (answer, ()) = tokio::join!(work, tokio::time::sleep(EVENLY));
    answer
}

/// Asking again within this time writes no second mail.
pub(super) const PRESSED_TWICE: time::Duration = time::Duration::minutes(1);

/// Mails of one kind that strangers can have sent to one person in a day.
pub(super) const MAILS_A_DAY: i64 = 5;

/// Those that hold a link go on after that, one in so long, so that its owner always has one that works whoever asked before.
const ONE_IN: time::Duration = time::Duration::hours(2);

/// As many as a day takes at most: the first few at once, and then one in two hours.
const LINKS_A_DAY: i64 = MAILS_A_DAY + 11;

/// Whether so many mails of a kind went to somebody in the last day that strangers may cause no further one.
pub(super) async fn has_enough(tx: &mut Transaction, user: UserId, kind: Kind, link: Option<Purpose>) -> Result<bool, Error> {
    let now = tx.now();
    let sent = mail::count_since(tx, user, kind, now.minus(time::Duration::days(1))).await?;
    Ok(match link {
        _ if sent < MAILS_A_DAY => false,
        Some(purpose) if sent < LINKS_A_DAY => links::was_made_since(tx, purpose, user, now.minus(ONE_IN)).await?,
        _ => true,
    })
}

/// Writes a mail with a new link for its recipient, with which `data` is kept. False when one was written a moment ago.
pub(super) async fn mail_link(
    tx: &mut Transaction,
    post: &Post,
    (kind, purpose): (Kind, Purpose),
    to: Recipient,
    data: &impl Serialize,
) -> Result<bool, Error> {
    let Some(user) = to.user else { return Ok(false) };
    let since = tx.now().minus(PRESSED_TWICE);
    if links::was_made_since(tx, purpose, user, since).await? {
        return Ok(false);
    }
    let link = post.url(&links::make(tx, purpose, user, data).await?);
    let values = Values::default().set("ValidFor", purpose.life().1);
    mail::write(tx, post, Mail { link: Some(link), ..Mail::new(kind, to, values) }).await?;
    Ok(true)
}

/// What is kept with a link that says all by itself.
#[derive(Serialize)]
pub(super) struct NoData {}

/// Mails a link to the active account of that address, if there is one. The answer is the same if there is none, or too many were sent.
///
/// # Errors
/// `Invalid` for what is no address; `TooMany`, whether there is an account or not.
pub async fn ask_for_reset(db: &Database, keys: &Keys, post: &Post, email: &str, address: &str) -> Result<(), Error> {
    let email = email.trim();
    if !super::is_email(email) || email.len() > 254 {
        let message = if email.is_empty() { "Type your email address." } else { "This is not an email address." };
        return Err(Error::invalid("email", message));
    }
    providers::demand_passwords(&mut db.read().await?).await?;
    sign_in::slow_down(db, keys, "reset", email, address).await?;
    evenly(async {
        let mut tx = db.write().await?;
        let Some(user) = store::find_by_email(&mut tx, email).await?.filter(|user| user.state == UserState::Active.as_str()) else {
            return Ok(());
        };
        if has_enough(&mut tx, user.id, Kind::PasswordReset, Some(Purpose::PasswordReset)).await? {
            return Ok(());
        }
        let what = (Kind::PasswordReset, Purpose::PasswordReset);
        if mail_link(&mut tx, post, what, Recipient::of(&user.person()), &NoData {}).await? {
            let subject = Subject::new("user", user.id.0, user.display());
            audit::record(&mut tx, &Actor::System("Forgotten password"), "user.reset_asked", subject, NOTHING, NOTHING).await?;
            tx.commit().await?;
            post.wake();
        }
        Ok(())
    })
    .await
}

/// Mails a user a link to choose a new password. False when one was sent a moment ago.
///
/// # Errors
/// `Conflict` for an account that is not active.
pub async fn send_reset(db: &Database, post: &Post, admin: &Administrator, name: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    if user.state != UserState::Active.as_str() {
        return Err(Error::Conflict("Only somebody who can sign in needs a password: activate the account first.".to_owned()));
    }
    let to = Recipient::of(&user.person());
    if !mail_link(&mut tx, post, (Kind::PasswordResetByAdministrator, Purpose::PasswordReset), to, &NoData {}).await? {
        return Ok(false);
    }
    audit::record(&mut tx, admin.actor(), "user.reset_sent", Subject::new("user", user.id.0, user.display()), NOTHING, NOTHING).await?;
    tx.commit().await?;
    post.wake();
    Ok(true)
}

/// What a link to choose a new password opens.
pub async fn find_reset(db: &Database, token: &str) -> Result<Found, Error> {
    let now = db.now();
    let found = links::find(&mut db.read().await?, now, Purpose::PasswordReset, token).await?;
    // The account may have been blocked since.
    Ok(match found {
        Found::Open(holder) if holder.state != UserState::Active.as_str() => Found::Unknown,
        found => found,
    })
}

/// Sets the new password, and ends every session. Who may sign in now.
///
/// # Errors
/// `NotFound` when the link does not work, `find_reset` says why; `Invalid`, field by field.
pub async fn reset_password(db: &Database, passwords: &Passwords, token: &str, password: &str, repeated: &str) -> Result<Proven, Error> {
    providers::demand_passwords(&mut db.read().await?).await?;
    let Found::Open(holder) = find_reset(db, token).await? else { return Err(Error::NotFound) };
    let mut problems = Problems::default();
    let person = &holder.person;
    password::check_twice(&mut problems, password, repeated, &[&person.email, &person.first_name, &person.last_name]);
    problems.or(())?;
    let hash = passwords.hash(password).await?;
    let mut tx = db.write().await?;
    let Some(holder) = links::take(&mut tx, Purpose::PasswordReset, token).await? else { return Err(Error::NotFound) };
    store::replace_password(&mut tx, holder.person.id, &hash).await?;
    // Perhaps whoever knew the old one asked for another address.
    links::forget(&mut tx, Purpose::EmailChange, holder.person.id).await?;
    let ended = end_sessions(&mut tx, holder.person.id, Which::All).await?;
    let subject = Subject::new("user", holder.person.id.0, holder.person.display());
    audit::record(&mut tx, &holder.actor(), "user.password_reset", subject, NOTHING, Some(SessionFacts { sessions: ended })).await?;
    tx.commit().await?;
    Ok(holder.proven(&hash))
}
