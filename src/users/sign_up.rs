//! Signing up: strangers open an account themselves, where an administrator allows it. Whoever asks is never told whether an address is
//! known. The password is chosen where the mailed link leads, so that every link which reached the mailbox opens the account for whoever
//! reads it: an address that somebody else signed up opens nothing for them, and keeps nobody from it.

use serde::{Deserialize, Serialize};

use super::{
    CheckedUser, NewName, User, UserFacts, UserState, get, invitations,
    recovery::{evenly, has_enough, mail_link},
    store,
};
use crate::{
    audit::{self, Actor, NOTHING, Subject},
    auth::{
        Administrator, Proven,
        links::{self, Found, Holder, Purpose},
        password::{self, Passwords},
        sign_in,
    },
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    ids,
    keys::Keys,
    mail::{self, Kind, Mail, Post, Recipient, Values, notifications},
    providers,
    subscriptions::terms_mark,
};

/// Whether strangers may sign up, and what they accept with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct SignUp {
    pub allowed: bool,
    /// Markdown; empty when there is nothing to accept.
    pub terms: String,
    #[serde(skip)]
    pub version: i64,
}

impl SignUp {
    /// Tells these terms from others.
    pub fn terms_mark(&self) -> String {
        terms_mark(&self.terms)
    }

    /// Says beside the terms of use, if there are any, that they are to be accepted, or that others were shown. `to` is what they are for.
    pub(super) fn demand_terms(&self, problems: &mut Problems, to: &str, accepted: bool, shown: &str) {
        if self.terms.is_empty() {
            return;
        }
        if !accepted {
            problems.add("terms", format!("Accept the terms of use to {to}."));
        } else if shown != self.terms_mark() {
            problems.add("terms", "The terms of use were changed since this page was shown. Read them again, then accept them.");
        }
    }
}

pub async fn settings(connection: &mut Connection) -> Result<SignUp, Error> {
    store::sign_up::settings(connection).await
}

/// What is in force: nobody signs up for a password while nobody signs in with one.
pub async fn in_force(connection: &mut Connection) -> Result<SignUp, Error> {
    let settings = settings(connection).await?;
    let allowed = settings.allowed && providers::passwords_allowed(connection).await?.allowed;
    Ok(SignUp { allowed, ..settings })
}

/// Says whether strangers may sign up from now on, and with which terms. False when nothing is different.
///
/// # Errors
/// `Invalid` on `terms`; `Stale` when it was changed since the form was shown.
pub async fn set(db: &Database, admin: &Administrator, version: i64, allowed: bool, terms: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let changed = set_in(&mut tx, admin, version, allowed, terms).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As `set`, in the caller's transaction.
pub async fn set_in(tx: &mut Transaction, admin: &Administrator, version: i64, allowed: bool, terms: &str) -> Result<bool, Error> {
    let mut problems = Problems::default();
    let terms = problems.text("terms", "The terms of use", &terms.replace("\r\n", "\n"), 0, 50_000);
    problems.or(())?;
    let before = settings(tx).await?;
    let after = SignUp { allowed, terms, version: before.version };
    if after == before {
        return Ok(false);
    }
    if !store::sign_up::set(tx, version, &after).await? {
        return Err(Error::Stale);
    }
    let subject = Subject { kind: "portal", key: None, display: "Sign-up".to_owned() };
    audit::record(tx, admin.actor(), "portal.sign_up_edited", subject, Some(before), Some(after)).await?;
    Ok(true)
}

/// What the form holds.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewAccount {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    /// Present when the terms of use are accepted.
    pub terms: Option<String>,
    /// Which terms were shown.
    pub shown_terms: String,
}

impl NewAccount {
    fn check(&self, settings: &SignUp) -> Result<CheckedUser, Error> {
        let profile = super::NewUser {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            note: String::new(),
        };
        let (checked, mut problems) = match profile.check() {
            Ok(checked) => (Some(checked), Problems::default()),
            Err(Error::Invalid(problems)) => (None, problems),
            Err(other) => return Err(other),
        };
        if problems.on("email").is_empty() && ids::is_disguised(&self.email) {
            problems.add("email", DISGUISED);
        }
        settings.demand_terms(&mut problems, "sign up", self.terms.is_some(), &self.shown_terms);
        problems.or(checked)?.ok_or_else(|| Error::internal("an account without problems is checked"))
    }
}

/// Strangers take an address with its own spelling alone.
pub(super) const DISGUISED: &str = "Type the address with the letters that your mail program shows: this one looks like another.";

/// What is kept with the link: what was typed, perhaps by a stranger.
#[derive(Serialize, Deserialize)]
struct Kept {
    first_name: String,
    last_name: String,
    /// Which terms were accepted; empty for none.
    #[serde(default)]
    terms_mark: String,
}

#[derive(Serialize)]
struct SignedUpFacts {
    #[serde(flatten)]
    user: UserFacts,
    terms_accepted: bool,
}

/// Removes the sign-ups of these folded addresses that nobody has confirmed, for somebody who is given one of them: who only typed an
/// address keeps nobody from it.
pub(super) async fn give_way(tx: &mut Transaction, actor: &Actor, folded: &[String]) -> Result<(), Error> {
    for user in store::sign_up::unconfirmed(tx, folded).await? {
        // Who confirms at this instant is waited for.
        tx.one_at_a_time("links", user.id.0).await?;
    }
    let people: Vec<_> = store::sign_up::unconfirmed(tx, folded).await?.iter().map(User::person).collect();
    if people.is_empty() {
        return Ok(());
    }
    super::deletion::erase(tx, &people).await?;
    for person in &people {
        let subject = Subject::new("user", person.id.0, super::deletion::name_of(person.id));
        audit::record(tx, actor, "user.sign_up_forgotten", subject, NOTHING, NOTHING).await?;
    }
    Ok(())
}

/// Mails a link to confirm the address. The answer is the same whether the address is new, waits to be confirmed (the link is sent
/// again), has an account (a mail says so), or is blocked (nothing is sent).
///
/// # Errors
/// `NotFound` while nobody may sign up; `Invalid`, field by field; `TooMany`, whether there is an account or not.
pub async fn ask(db: &Database, keys: &Keys, post: &Post, new: &NewAccount, address: &str) -> Result<(), Error> {
    let settings = in_force(&mut db.read().await?).await?;
    if !settings.allowed {
        return Err(Error::NotFound);
    }
    let checked = new.check(&settings)?;
    sign_in::slow_down(db, keys, "sign-up", &ids::mailbox(&checked.email), address).await?;
    evenly(async {
        let mut tx = db.write().await?;
        tx.one_at_a_time("sign up", number(keys, &checked.email)).await?;
        let kept = Kept {
            first_name: checked.first_name.clone(),
            last_name: checked.last_name.clone(),
            terms_mark: if settings.terms.is_empty() { String::new() } else { settings.terms_mark() },
        };
        let changed = match store::find_by_email(&mut tx, &checked.email).await? {
            None => begin(&mut tx, post, &checked, &kept).await?,
            Some(user) if user.state == UserState::Pending.as_str() => mail_again(&mut tx, post, &user, &kept).await?,
            Some(user) if user.state == UserState::Active.as_str() => mail_known(&mut tx, post, &user).await?,
            Some(_) => false,
        };
        if changed {
            tx.commit().await?;
            post.wake();
        }
        Ok(())
    })
    .await
}

/// For a lock: two who sign up one address at once wait for each other.
fn number(keys: &Keys, email: &str) -> i64 {
    keys.lookup("sign up", &ids::fold(email)).iter().take(8).fold(0, |number, byte| number << 8 | i64::from(*byte))
}

async fn begin(tx: &mut Transaction, post: &Post, checked: &CheckedUser, kept: &Kept) -> Result<bool, Error> {
    let name = ids::random_name(12);
    let id = match store::insert(tx, &name, checked, None, UserState::Pending, false).await {
        // An administrator was quicker.
        Err(error) if error.is_taken("email") => return Ok(false),
        inserted => inserted?,
    };
    store::sign_up::mark(tx, id).await?;
    let user = get(tx, &name).await?;
    let facts = SignedUpFacts { user: user.facts(), terms_accepted: !kept.terms_mark.is_empty() };
    let subject = Subject::new("user", id.0, user.display());
    audit::record(tx, &Actor::System("Sign-up"), "user.signed_up", subject, NOTHING, Some(facts)).await?;
    mail_confirm(tx, post, &user, kept).await
}

async fn mail_again(tx: &mut Transaction, post: &Post, user: &User, kept: &Kept) -> Result<bool, Error> {
    Ok(!has_enough(tx, user.id, Kind::ConfirmSignUp, Some(Purpose::SignUp)).await? && mail_confirm(tx, post, user, kept).await?)
}

async fn mail_confirm(tx: &mut Transaction, post: &Post, user: &User, kept: &Kept) -> Result<bool, Error> {
    // A stranger may have typed the names, which are words in somebody's mailbox then.
    let to = Recipient { user: Some(user.id), email: user.email.clone(), ..Recipient::default() };
    mail_link(tx, post, (Kind::ConfirmSignUp, Purpose::SignUp), to, kept).await
}

async fn mail_known(tx: &mut Transaction, post: &Post, user: &User) -> Result<bool, Error> {
    if has_enough(tx, user.id, Kind::AccountExists, None).await? {
        return Ok(false);
    }
    let values = Values::default().set("SignInUrl", post.url("/signin"));
    mail::write(tx, post, Mail::new(Kind::AccountExists, Recipient::of(&user.person()), values)).await?;
    Ok(true)
}

/// What a link to confirm opens: its holder is called as was typed, until they say otherwise.
pub async fn find(db: &Database, token: &str) -> Result<Found, Error> {
    let now = db.now();
    let found = links::find(&mut db.read().await?, now, Purpose::SignUp, token).await?;
    Ok(match found {
        Found::Open(holder) if holder.state == UserState::Blocked.as_str() => Found::Unknown,
        // An administrator has activated it meanwhile, or an invitation was accepted.
        Found::Open(holder) if holder.state != UserState::Pending.as_str() => Found::Used,
        Found::Open(mut holder) => {
            let kept: Kept = holder.data()?;
            (holder.person.first_name, holder.person.last_name) = (kept.first_name, kept.last_name);
            Found::Open(holder)
        }
        found => found,
    })
}

/// Whether the terms that were accepted with a link are no longer those in force.
pub fn terms_changed(settings: &SignUp, holder: &Holder) -> Result<bool, Error> {
    let mark = holder.data::<Kept>()?.terms_mark;
    Ok(!mark.is_empty() && mark != settings.terms_mark())
}

/// What whoever opens the link says.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Confirmation {
    #[serde(flatten)]
    pub name: NewName,
    pub password: String,
    pub repeated: String,
    /// Which terms the page showed, under which the account is opened.
    pub shown_terms: String,
}

/// Confirms the address, and sets the password: the account is active. Who may sign in now.
///
/// # Errors
/// `NotFound` when the link does not work, `find` says why, and while nobody may sign up; `Invalid`, field by field.
pub async fn confirm(db: &Database, passwords: &Passwords, post: &Post, token: &str, said: &Confirmation) -> Result<Proven, Error> {
    let settings = in_force(&mut db.read().await?).await?;
    if !settings.allowed {
        return Err(Error::NotFound);
    }
    let Found::Open(holder) = find(db, token).await? else { return Err(Error::NotFound) };
    let mut problems = Problems::default();
    let first_name = problems.person("first_name", "The first name", &said.name.first_name, 1);
    let last_name = problems.person("last_name", "The last name", &said.name.last_name, 1);
    password::check_twice(&mut problems, &said.password, &said.repeated, &[&holder.person.email, &first_name, &last_name]);
    if !settings.terms.is_empty() && said.shown_terms != settings.terms_mark() {
        problems.add("terms", "The terms of use were changed since this page was shown. Read them again, then open the account.");
    }
    problems.or(())?;
    let hash = passwords.hash(&said.password).await?;
    let mut tx = db.write().await?;
    let Some(mut holder) = links::take(&mut tx, Purpose::SignUp, token).await? else { return Err(Error::NotFound) };
    let user = get(&mut tx, &holder.person.name).await?;
    (holder.person.first_name, holder.person.last_name) = (first_name.clone(), last_name.clone());
    let named = User { first_name, last_name, ..user.clone() };
    if !store::invitations::accept(&mut tx, &named, Some(&hash)).await? {
        return Err(Error::NotFound);
    }
    let terms_accepted = !settings.terms.is_empty();
    if terms_accepted {
        let now = tx.now();
        store::sign_up::accept_terms(&mut tx, user.id, &settings.terms, now).await?;
    }
    // Somebody who was invited as well has what was offered.
    invitations::begin_in(&mut tx, user.id).await?;
    let subject = Subject::new("user", user.id.0, holder.person.display());
    let active = User { state: UserState::Active.as_str().to_owned(), ..named };
    let facts = SignedUpFacts { user: active.facts(), terms_accepted };
    audit::record(&mut tx, &holder.actor(), "user.sign_up_confirmed", subject, Some(user.facts()), Some(facts)).await?;
    mail::write(&mut tx, post, Mail::new(Kind::NewDeveloper, Recipient::of(&holder.person), Values::default())).await?;
    let told = Values::default().set("Developer", holder.person.display()).set("DeveloperEmail", holder.person.email.clone());
    notifications::tell(&mut tx, post, notifications::Event::SignUp, &told.set("PageUrl", post.url(&user.path()))).await?;
    tx.commit().await?;
    post.wake();
    Ok(holder.proven(&hash))
}

/// What somebody accepted when they signed up, and when.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Consent {
    pub terms: String,
    pub at: Instant,
}

pub async fn consent_of(connection: &mut Connection, user: ids::UserId) -> Result<Option<Consent>, Error> {
    store::sign_up::consent(connection, user).await
}

/// How long after the last of its links has run out a sign-up that nobody confirmed is kept.
const FORGOTTEN_AFTER: time::Duration = time::Duration::days(7);

/// Removes what is kept of those who signed up, or were signed up by others, and never confirmed. How many.
pub async fn tidy(db: &Database, system: &Administrator) -> Result<usize, Error> {
    let before = db.now().minus(FORGOTTEN_AFTER);
    if store::sign_up::forgotten(&mut db.read().await?, before).await?.is_empty() {
        return Ok(0);
    }
    let mut tx = db.write().await?;
    let people: Vec<_> = store::sign_up::forgotten(&mut tx, before).await?.iter().map(User::person).collect();
    super::deletion::erase(&mut tx, &people).await?;
    for person in &people {
        let subject = Subject::new("user", person.id.0, super::deletion::name_of(person.id));
        audit::record(&mut tx, system.actor(), "user.sign_up_forgotten", subject, NOTHING, NOTHING).await?;
    }
    tx.commit().await?;
    Ok(people.len())
}
