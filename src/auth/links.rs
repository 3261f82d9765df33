//! One-time links: what the holder of a mailed token may do, once and for a time. Looking at one changes nothing; taking it does.
//! Of each purpose a user has a few that work at once, the newest: whoever asks for one in another's name ends none of theirs. Using one
//! ends the others.

use serde::{Serialize, de::DeserializeOwned};

use super::{Person, Proven, store::links as store};
use crate::{
    audit::Actor,
    db::{Connection, Instant, Transaction},
    error::Error,
    ids::{self, UserId},
    keys,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    PasswordReset,
    Invitation,
    SignUp,
    EmailChange,
    /// Asked for by a program, for somebody whom it knows.
    SignIn,
    /// Confirms that an address is the person's who came by a provider.
    Provider,
}

impl Purpose {
    pub const ALL: [Purpose; 6] =
        [Purpose::PasswordReset, Purpose::Invitation, Purpose::SignUp, Purpose::EmailChange, Purpose::SignIn, Purpose::Provider];

    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::PasswordReset => "password-reset",
            Purpose::Invitation => "invitation",
            Purpose::SignUp => "sign-up",
            Purpose::EmailChange => "email-change",
            Purpose::SignIn => "sign-in",
            Purpose::Provider => "provider",
        }
    }

    /// How long its links work, for the clock and for a mail.
    pub fn life(self) -> (time::Duration, &'static str) {
        match self {
            Purpose::PasswordReset | Purpose::Provider => (time::Duration::hours(2), "2 hours"),
            Purpose::Invitation | Purpose::SignUp => (time::Duration::days(2), "2 days"),
            Purpose::EmailChange => (time::Duration::days(1), "1 day"),
            Purpose::SignIn => (time::Duration::minutes(5), "5 minutes"),
        }
    }

    /// How many of one user work at once; a further one ends the oldest. What only its owner or an administrator asks for is one; of those
    /// to confirm a sign-up none ends while it may work, as fewer are mailed in its time.
    fn kept(self) -> i64 {
        match self {
            Purpose::SignUp => 50,
            Purpose::PasswordReset | Purpose::Provider => 3,
            Purpose::SignIn => 10,
            Purpose::Invitation | Purpose::EmailChange => 1,
        }
    }

    /// Where a link of this purpose is opened: the token follows, which `web::guard` keeps out of the log.
    pub fn before_token(self) -> &'static str {
        match self {
            Purpose::PasswordReset => "/reset/",
            Purpose::Invitation => "/invitation/",
            Purpose::SignUp => "/confirm/",
            Purpose::EmailChange => "/confirm-email/",
            Purpose::SignIn => "/signin-sso?token=",
            Purpose::Provider => "/signin/confirm/",
        }
    }

    fn path(self, token: &str) -> String {
        format!("{}{token}", self.before_token())
    }
}

/// 260 random bits: nobody guesses it, so its hash needs no key, and trying needs no brake.
pub(crate) fn new_token() -> String {
    ids::random_name(52)
}

/// A new link for a user: its path.
pub async fn make(tx: &mut Transaction, purpose: Purpose, user: UserId, data: &impl Serialize) -> Result<String, Error> {
    let token = new_token();
    let expires = tx.now().plus(purpose.life().0);
    store::delete_older(tx, purpose.as_str(), user, purpose.kept() - 1).await?;
    store::insert(tx, purpose.as_str(), user, &keys::digest(&token), &serde_json::to_string(data)?, expires).await?;
    Ok(purpose.path(&token))
}

/// The same for many users at once, each with JSON that is kept and in place of an earlier link: their paths, in order.
pub async fn make_many(tx: &mut Transaction, purpose: Purpose, users: &[(UserId, String)]) -> Result<Vec<String>, Error> {
    let expires = tx.now().plus(purpose.life().0);
    let tokens: Vec<String> = users.iter().map(|_| new_token()).collect();
    let hashes: Vec<Vec<u8>> = tokens.iter().map(|token| keys::digest(token)).collect();
    store::replace_many(tx, purpose.as_str(), users, &hashes, expires).await?;
    Ok(tokens.iter().map(|token| purpose.path(token)).collect())
}

/// Ends every link of users.
pub async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::delete_of(tx, users).await
}

/// Ends the links of users who are blocked: those that change an account which is there. What a pending one was mailed does nothing while
/// it is blocked, and is all that there is of it.
pub async fn forget_blocked(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    for purpose in [Purpose::PasswordReset, Purpose::EmailChange, Purpose::SignIn, Purpose::Provider] {
        store::delete_of_purpose(tx, purpose.as_str(), users).await?;
    }
    Ok(())
}

/// Ends a user's links of a purpose. Whether there was one.
pub async fn forget(tx: &mut Transaction, purpose: Purpose, user: UserId) -> Result<bool, Error> {
    Ok(store::delete(tx, purpose.as_str(), user).await? > 0)
}

/// Whether a user was given a link since then that still works: pressing twice makes one.
pub async fn was_made_since(tx: &mut Transaction, purpose: Purpose, user: UserId, since: Instant) -> Result<bool, Error> {
    // Two at once wait for each other.
    tx.one_at_a_time("links", user.0).await?;
    let now = tx.now();
    let newest = store::newest_of_user(tx, purpose.as_str(), user).await?;
    Ok(newest.is_some_and(|newest| newest.is_open(now) && newest.made_at > since && newest.made_at <= now))
}

/// What is kept with the newest link of a user, if it works and was made since then. Two at once wait for each other.
pub async fn newest_data(tx: &mut Transaction, purpose: Purpose, user: UserId, since: Instant) -> Result<Option<String>, Error> {
    tx.one_at_a_time("links", user.0).await?;
    let now = tx.now();
    let newest = store::newest_of_user(tx, purpose.as_str(), user).await?;
    Ok(newest.filter(|newest| newest.is_open(now) && newest.made_at > since && newest.made_at <= now).map(|newest| newest.data))
}

/// What is kept with the newest link of a user that works, and until when it does. Nothing changes.
pub async fn open_data(
    connection: &mut Connection,
    now: Instant,
    purpose: Purpose,
    user: UserId,
) -> Result<Option<(String, Instant)>, Error> {
    let newest = store::newest_of_user(connection, purpose.as_str(), user).await?;
    Ok(newest.filter(|newest| newest.is_open(now)).map(|newest| (newest.data, newest.expires_at)))
}

/// What somebody finds who opens a link.
#[derive(Clone, Debug)]
pub enum Found {
    Open(Holder),
    /// It did its work.
    Used,
    Expired,
    /// It was never given out, or newer ones replaced it.
    Unknown,
}

/// Whom an open link was mailed to.
#[derive(Clone, Debug)]
pub struct Holder {
    pub person: Person,
    /// `active`, `pending` or `blocked`.
    pub state: String,
    data: String,
}

impl Holder {
    /// What was kept with the link.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.data)?)
    }

    /// The person themselves, who holds what was mailed to them.
    pub fn actor(&self) -> Actor {
        Actor::User { id: self.person.id, display: self.person.display(), administrator: false }
    }

    /// Lets the holder in, with the password that was set just now.
    pub fn proven(self, password_hash: &str) -> Proven {
        Proven::new(self.person, Some(password_hash))
    }

    /// Lets the holder in, whose password stays as it is.
    pub async fn let_in(self, connection: &mut Connection) -> Result<Proven, Error> {
        let hash = super::store::find_password(connection, self.person.id).await?;
        Ok(Proven::new(self.person, hash.as_deref()))
    }
}

/// What a token opens at this instant. Nothing changes.
pub async fn find(connection: &mut Connection, now: Instant, purpose: Purpose, token: &str) -> Result<Found, Error> {
    let Some((kept, person)) = store::by_token(connection, purpose.as_str(), &keys::digest(token)).await? else {
        return Ok(Found::Unknown);
    };
    Ok(match kept.used_at {
        Some(_) => Found::Used,
        None if !kept.is_open(now) => Found::Expired,
        None => Found::Open(Holder { person, state: kept.state, data: kept.data }),
    })
}

/// Uses up a link in the caller's transaction, and ends the others of its purpose. None when it does not work, or somebody was quicker: `find` says which.
pub async fn take(tx: &mut Transaction, purpose: Purpose, token: &str) -> Result<Option<Holder>, Error> {
    let hash = keys::digest(token);
    let Some((_, person)) = store::by_token(tx, purpose.as_str(), &hash).await? else { return Ok(None) };
    // Two links of one user at once wait for each other.
    tx.one_at_a_time("links", person.id.0).await?;
    if !store::use_up(tx, purpose.as_str(), &hash).await? {
        return Ok(None);
    }
    let Some((kept, person)) = store::by_token(tx, purpose.as_str(), &hash).await? else { return Ok(None) };
    match purpose {
        // Whoever opens another of them later is told that the account is open.
        Purpose::SignUp => store::use_up_others(tx, purpose.as_str(), person.id).await?,
        _ => store::delete_others(tx, purpose.as_str(), person.id, &hash).await?,
    }
    Ok(Some(Holder { person, state: kept.state, data: kept.data }))
}

/// How long a link that no longer works is remembered, so that whoever opens it is told why.
const REMEMBERED: time::Duration = time::Duration::days(30);

/// Removes links that have not worked for long. Invitations stay: they say who was invited.
pub(super) async fn tidy(tx: &mut Transaction) -> Result<(), Error> {
    let before = tx.now().minus(REMEMBERED);
    store::delete_before(tx, before, Purpose::Invitation.as_str()).await
}
