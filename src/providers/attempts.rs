//! The way to a provider and back: what is kept of it here, and that it is the same browser, the same provider and the first time. No HTTP here.

use super::{
    Provider, all, context, get, note,
    protocol::{Arrived, Leaving, Line, Memory, Returned, Trouble, What},
    store::{self, attempts},
};
use crate::{
    audit::{self, NOTHING},
    auth::{self, links::new_token},
    db::{Connection, Database, Instant},
    error::Error,
    ids::{ProviderId, UserId},
    keys::{Keys, digest},
};

/// What every step of a sign-in needs.
pub struct Desk<'d> {
    pub db: &'d Database,
    pub keys: &'d Keys,
    pub memory: &'d Memory,
    /// The portal's own address, without a slash at the end.
    pub base: String,
}

/// What somebody goes to a provider for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SignIn,
    /// To prove once more who they are, in their session.
    Again,
    /// To link a further account to their own.
    Link,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Purpose::SignIn => "sign-in",
            Purpose::Again => "again",
            Purpose::Link => "link",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "again" => Purpose::Again,
            "link" => Purpose::Link,
            _ => Purpose::SignIn,
        }
    }
}

/// How long somebody may stay at the provider.
const AWAY: time::Duration = time::Duration::minutes(10);

/// Why somebody is not let in: the word in the address of the page that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Never begun, over, or used.
    Over,
    OtherBrowser,
    MixedUp,
    Denied,
    Away,
    Untrusted,
    Misconfigured,
    Tenant,
    Domain,
    NoEmail,
    Blocked,
    NoAccount,
    /// The account there is linked to somebody else here.
    Taken,
    /// Proved to be somebody else than who is signed in.
    NotYou,
    /// The provider did not ask anew.
    NotFresh,
    /// Something went wrong here.
    Failed,
}

impl Refusal {
    pub const ALL: [Refusal; 16] = [
        Refusal::Over,
        Refusal::OtherBrowser,
        Refusal::MixedUp,
        Refusal::Denied,
        Refusal::Away,
        Refusal::Untrusted,
        Refusal::Misconfigured,
        Refusal::Tenant,
        Refusal::Domain,
        Refusal::NoEmail,
        Refusal::Blocked,
        Refusal::NoAccount,
        Refusal::Taken,
        Refusal::NotYou,
        Refusal::NotFresh,
        Refusal::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Over => "over",
            Refusal::OtherBrowser => "browser",
            Refusal::MixedUp => "mixed-up",
            Refusal::Denied => "denied",
            Refusal::Away => "away",
            Refusal::Untrusted => "untrusted",
            Refusal::Misconfigured => "misconfigured",
            Refusal::Tenant => "tenant",
            Refusal::Domain => "domain",
            Refusal::NoEmail => "no-email",
            Refusal::Blocked => "blocked",
            Refusal::NoAccount => "no-account",
            Refusal::Taken => "taken",
            Refusal::NotYou => "not-you",
            Refusal::NotFresh => "not-fresh",
            Refusal::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == text)
    }

    /// What the person is told to do.
    pub fn words(self) -> &'static str {
        match self {
            Refusal::Over => "This sign-in was used already, or took longer than ten minutes. Begin again.",
            Refusal::OtherBrowser => "This sign-in was begun in another browser, or yours keeps no cookies. Begin again in this one.",
            Refusal::MixedUp => "This sign-in was begun with another provider. Begin again.",
            Refusal::Denied => "The provider did not let you through, or you cancelled. Begin again, perhaps with another account.",
            Refusal::Away => {
                "The provider does not answer as it should at the moment. Try again in some minutes; the people who run this portal see why."
            }
            Refusal::Untrusted => {
                "What the provider answered cannot be believed, so you were not let in. Begin again; if it stays so, tell the people who run this portal."
            }
            Refusal::Misconfigured => "The provider does not know this portal any more. Tell the people who run it.",
            Refusal::Tenant => {
                "Your organisation is not among those that may sign in here. Choose an account of another one, or ask the people who run this portal."
            }
            Refusal::Domain => {
                "Accounts with your address may not sign in here. Choose another account, or ask the people who run this portal."
            }
            Refusal::NoEmail => {
                "The provider told no email address of yours, and an account here needs one. Add one there, or choose another account."
            }
            Refusal::Blocked => "This account is blocked. Ask the people who run this portal.",
            Refusal::NoAccount => {
                "You have no account here, and one is not opened by signing in. Ask the people who run this portal to invite you."
            }
            Refusal::Taken => {
                "That account is linked to somebody else here. Choose another one; or sign in with it, and unlink it there first."
            }
            Refusal::NotYou => "You proved to be somebody else than who is signed in here. Choose the account that is linked to yours.",
            Refusal::NotFresh => "The provider did not ask you anew who you are. Sign out there, and try again.",
            Refusal::Failed => "Something went wrong here. Begin again; if it stays so, tell the people who run this portal.",
        }
    }

    /// Whether the provider does not work. What cannot be believed is none: whoever comes back with a code of their own making causes it.
    fn is_a_fault(self) -> bool {
        matches!(self, Refusal::Away | Refusal::Misconfigured)
    }
}

/// A refusal, with the sentence for the administrator.
#[derive(Debug)]
pub struct Refused {
    pub refusal: Refusal,
    why: String,
    user: Option<UserId>,
    /// Anybody can cause it as often as they like, so that it belongs in the log of the program alone.
    is_noise: bool,
}

impl Refused {
    pub(super) fn new(refusal: Refusal, why: impl Into<String>) -> Self {
        Self { refusal, why: why.into(), user: None, is_noise: false }
    }

    /// The sentence for the administrator.
    pub fn why(&self) -> &str {
        &self.why
    }

    pub(super) fn of(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        let refusal = match trouble.what {
            What::Away => Refusal::Away,
            What::Untrusted => Refusal::Untrusted,
            What::Denied => Refusal::Denied,
            What::Misconfigured => Refusal::Misconfigured,
        };
        Self::new(refusal, trouble.why)
    }
}

/// What stops a sign-in.
#[derive(Debug)]
pub enum Stopped {
    Refused(Refused),
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Failed(error)
    }
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Stopped::Refused(refused)
    }
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Stopped::Refused(trouble.into())
    }
}

/// What the audit log keeps of a refusal.
#[derive(serde::Serialize)]
struct RefusedFacts {
    reason: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<UserId>,
}

/// Somebody who goes.
pub struct Going<'g> {
    pub purpose: Purpose,
    /// Who is signed in, where that is needed.
    pub user: Option<UserId>,
    /// A local path.
    pub next: &'g str,
    /// What the browser's cookie holds.
    pub browser: Option<&'g str>,
}

/// Where a browser is sent, and what its cookie is to hold.
pub struct Begun {
    pub address: String,
    pub browser: String,
}

/// Somebody who is back.
#[derive(Default)]
pub struct Back<'b> {
    pub state: &'b str,
    pub code: &'b str,
    pub iss: Option<&'b str>,
    pub error: &'b str,
    pub browser: Option<&'b str>,
}

/// An attempt that somebody came back by, and who they are at the provider.
pub(super) struct Came {
    pub provider: Provider,
    pub attempt: attempts::Attempt,
    pub purpose: Purpose,
    pub arrived: Arrived,
}

/// A cookie's value as it was given out; another one is none.
fn known(browser: Option<&str>) -> Option<&str> {
    browser.filter(|token| token.len() == new_token().len() && token.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What a browser is known by.
pub(super) fn browser_hash(browser: Option<&str>) -> Option<Vec<u8>> {
    known(browser).map(digest)
}

impl Desk<'_> {
    pub(super) async fn line<'p>(&'p self, provider: &'p Provider) -> Result<Line<'p>, Error> {
        super::line(self.db, self.keys, self.memory, &self.base, provider).await
    }

    /// An enabled provider.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn enabled(&self, name: &str) -> Result<Provider, Error> {
        let provider = get(&mut self.db.read().await?, name).await?;
        if provider.enabled { Ok(provider) } else { Err(Error::NotFound) }
    }

    /// Records a refusal, and notes what is the provider's fault.
    pub async fn refuse(&self, provider: &Provider, refused: &Refused) -> Result<(), Error> {
        tracing::warn!(provider = %provider.name, refusal = refused.refusal.as_str(), why = %refused.why, "sign-in by a provider refused");
        if refused.is_noise {
            return Ok(());
        }
        let mut reason = refused.why.clone();
        match self.memory.tells(provider.id, self.db.now()) {
            None => return Ok(()),
            Some(true) => reason.push_str(" There are so many that the next ones, for ten minutes, are in the program’s log alone."),
            Some(false) => {}
        }
        if refused.refusal.is_a_fault() {
            note(self.db, provider, Some(&refused.why)).await?;
        }
        let mut tx = self.db.write().await?;
        let facts = RefusedFacts { reason, users: refused.user.into_iter().collect() };
        let actor = auth::provider(&provider.display_name);
        audit::record(&mut tx, actor.actor(), "provider.sign_in_refused", provider.subject(), NOTHING, Some(facts)).await?;
        tx.commit().await
    }

    /// Begins: keeps what is needed to know who comes back.
    pub async fn begin(&self, provider: &Provider, going: Going<'_>) -> Result<Begun, Stopped> {
        let leaving = Leaving::new(going.purpose == Purpose::Again);
        let address = self.line(provider).await?.leave(&leaving).await?;
        let browser = known(going.browser).map_or_else(new_token, str::to_owned);
        let state_hash = digest(&leaving.state);
        let sealed = self.keys.encrypt(&context(&provider.name), &serde_json::to_string(&leaving).map_err(Error::from)?)?;
        let mut tx = self.db.write().await?;
        let expires = tx.now().plus(AWAY);
        let new = attempts::NewAttempt {
            state_hash: &state_hash,
            browser_hash: &digest(&browser),
            provider: provider.id,
            purpose: going.purpose.as_str(),
            user: going.user,
            kept: &sealed,
            next: going.next,
            expires,
        };
        attempts::insert(&mut tx, &new).await?;
        tx.commit().await?;
        Ok(Begun { address, browser })
    }

    /// Who is back from a provider, after all that can be wrong with the way was looked at. The attempt is used up by it.
    pub(super) async fn back(&self, provider: Provider, back: &Back<'_>) -> Result<Came, (Provider, Stopped)> {
        match self.look(&provider, back).await {
            Ok((attempt, arrived)) => Ok(Came { purpose: Purpose::parse(&attempt.purpose), provider, attempt, arrived }),
            Err(stopped) => Err((provider, stopped)),
        }
    }

    async fn look(&self, provider: &Provider, back: &Back<'_>) -> Result<(attempts::Attempt, Arrived), Stopped> {
        let state = digest(back.state);
        let mut tx = self.db.write().await?;
        let taken = attempts::take(&mut tx, &state).await?;
        let was_there = taken.is_some() || attempts::was_there(&mut tx, &state).await?;
        tx.commit().await?;
        let over = || Refused {
            is_noise: !was_there,
            ..Refused::new(Refusal::Over, "Somebody came back with a state that is over, used, or not known.")
        };
        let attempt = taken.ok_or_else(over)?;
        if browser_hash(back.browser).as_ref() != Some(&attempt.browser_hash) {
            return Err(Refused::new(
                Refusal::OtherBrowser,
                "Somebody came back in another browser than the one in which the sign-in began.",
            )
            .into());
        }
        if attempt.provider_id != provider.id {
            return Err(
                Refused::new(Refusal::MixedUp, "Somebody came back to another provider’s address than the one that they went to.").into()
            );
        }
        if !provider.enabled {
            return Err(Error::NotFound.into());
        }
        if !back.error.is_empty() {
            let code: String = back.error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
            return Err(Refused::new(Refusal::Denied, format!("The provider answered {code}.")).into());
        }
        if back.code.is_empty() {
            return Err(Refused::new(Refusal::Untrusted, "The provider sent somebody back without a code.").into());
        }
        let leaving: Leaving = serde_json::from_str(&self.keys.decrypt(&context(&provider.name), &attempt.kept)?).map_err(Error::from)?;
        let returned = Returned { code: back.code.to_owned(), iss: back.iss.map(str::to_owned) };
        let arrived = self.line(provider).await?.arrive(&leaving, &returned).await?;
        Ok((attempt, arrived))
    }

    /// The provider of an attempt.
    pub(super) async fn provider_of(&self, id: ProviderId) -> Result<Provider, Error> {
        let providers = all(&mut self.db.read().await?).await?;
        providers.into_iter().find(|provider| provider.id == id && provider.enabled).ok_or(Error::NotFound)
    }
}

/// Removes what has run out; run now and then.
pub async fn tidy(db: &Database) -> Result<(), Error> {
    let mut tx = db.write().await?;
    attempts::delete_expired(&mut tx).await?;
    // Of people who were deleted at the very instant at which they came.
    store::identities::delete_of_nobody(&mut tx).await?;
    tx.commit().await
}

/// Whether a provider asked anew: it says when, and that was not before the attempt began. One that `tells` must say it.
pub(super) fn is_fresh(arrived: &Arrived, made_at: Instant, tells: bool) -> bool {
    const SKEW: i64 = 60;
    match arrived.auth_time {
        Some(at) => at >= made_at.date_time().unix_timestamp() - SKEW,
        None => !tells,
    }
}

/// Buttons of the page for signing in.
pub async fn buttons(connection: &mut Connection) -> Result<Vec<Provider>, Error> {
    Ok(all(connection).await?.into_iter().filter(|provider| provider.enabled).collect())
}
