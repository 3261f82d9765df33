//! Accounts that an identity provider keeps: opened, changed, blocked and let in again as its directory says. What was blocked by hand, or by
//! somebody else, stays blocked. Who did it, and what else changed with it, is the caller's to record.

use super::{CheckedUser, TAKEN, User, UserFacts, UserState, get, insert_named, is_another, roles::keep_an_administrator, sign_up, store};
use crate::{
    auth::{
        Administrator, links,
        sign_in::{Which, end_sessions},
    },
    db::{Connection, Transaction},
    error::{Error, Problems},
    ids::{self, ProviderId, UserId},
    mail::{self, Kind, Mail, Post, Recipient, Values},
};

/// What a provider says of an account. What it does not say stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'s> {
    pub email: Option<&'s str>,
    pub first_name: Option<&'s str>,
    pub last_name: Option<&'s str>,
    pub active: Option<bool>,
}

/// What became of an account.
#[derive(Clone, Debug)]
pub struct Changed {
    pub before: UserFacts,
    pub after: UserFacts,
    pub user: User,
}

impl Changed {
    pub fn is_nothing(&self) -> bool {
        self.before.email == self.after.email
            && self.before.first_name == self.after.first_name
            && self.before.last_name == self.after.last_name
            && self.before.state == self.after.state
    }
}

/// The account that has an address. A sign-up that nobody has confirmed has none.
pub async fn of_address(connection: &mut Connection, email: &str) -> Result<Option<User>, Error> {
    if !store::email_taken(connection, &ids::fold(email), None).await? {
        return Ok(None);
    }
    store::find_by_email(connection, email).await
}

fn check_email(problems: &mut Problems, email: &str) -> String {
    let email = problems.line("email", "The email address", email, 1, 254);
    if problems.is_empty() && !ids::is_email(&email) {
        problems.add("email", "This is not an email address.");
    } else if problems.is_empty() && ids::is_disguised(&email) {
        problems.add("email", "The email address is another one in disguise: it is compared as one that is spelled otherwise.");
    }
    email
}

/// Opens an account without a password. Where a name is missing, or there are terms to accept, it is pending: the first sign-in by the
/// provider asks. Nobody is mailed.
///
/// # Errors
/// `Invalid` on `email`, `first_name`, `last_name`; on `uniqueness` when somebody has the address.
pub async fn open(tx: &mut Transaction, admin: &Administrator, provider: ProviderId, said: Said<'_>) -> Result<User, Error> {
    let mut problems = Problems::default();
    let new = CheckedUser {
        email: check_email(&mut problems, said.email.unwrap_or_default()),
        first_name: problems.person("first_name", "The first name", said.first_name.unwrap_or_default(), 0),
        last_name: problems.person("last_name", "The last name", said.last_name.unwrap_or_default(), 0),
        note: String::new(),
    };
    problems.or(())?;
    if store::email_taken(tx, &ids::fold(&new.email), None).await? {
        return Err(Error::invalid("uniqueness", TAKEN));
    }
    let is_whole = !new.first_name.is_empty() && !new.last_name.is_empty() && sign_up::settings(tx).await?.terms.is_empty();
    let state = match (said.active, is_whole) {
        (Some(false), _) => UserState::Blocked,
        (_, true) => UserState::Active,
        (_, false) => UserState::Pending,
    };
    // What was free a moment ago is taken by somebody who was quicker.
    let quicker = |error| if matches!(error, Error::Invalid(_)) { Error::invalid("uniqueness", TAKEN) } else { error };
    let person = insert_named(tx, admin, (ids::random_name(12), &new), None, state, false).await.map_err(quicker)?;
    if state == UserState::Blocked {
        store::provisioned::set_blocked_by(tx, person.id, Some(provider)).await?;
    }
    get(tx, &person.name).await
}

/// Changes an account as the provider says.
///
/// # Errors
/// As `open`; `Conflict` for the last administrator, and for the address of one.
pub async fn change(
    tx: &mut Transaction,
    post: &Post,
    (admin, provider): (&Administrator, ProviderId),
    user: UserId,
    said: Said<'_>,
) -> Result<Changed, Error> {
    let read = store::of_keys(tx, &[user]).await?.pop().ok_or(Error::NotFound)?;
    if read.administrator {
        // In one order with whoever changes roles.
        store::administrators(tx).await?;
    }
    let user = store::take(tx, &[user]).await?.pop().ok_or(Error::NotFound)?;
    let mut edited = user.clone();
    let mut problems = Problems::default();
    if let Some(email) = said.email {
        edited.email = check_email(&mut problems, email);
    }
    if let Some(name) = said.first_name {
        edited.first_name = problems.person("first_name", "The first name", name, 1);
    }
    if let Some(name) = said.last_name {
        edited.last_name = problems.person("last_name", "The last name", name, 1);
    }
    problems.or(())?;
    let moved = is_another(&user.email, &edited.email);
    if moved && user.administrator {
        // Whoever reads the mail of an address has the account.
        return Err(Error::Conflict("The account is an administrator’s: its address is changed in the portal.".to_owned()));
    }
    if edited.as_form() != user.as_form() {
        write(tx, admin, &user, &edited).await?;
        if moved {
            tell_moved(tx, post, &user, &edited).await?;
        }
    }
    let state = match said.active {
        Some(false) if user.state != UserState::Blocked.as_str() => Some(block(tx, provider, &user).await?),
        Some(true) if user.state == UserState::Blocked.as_str() => let_in(tx, provider, &edited).await?,
        _ => None,
    };
    if let Some(state) = state {
        state.as_str().clone_into(&mut edited.state);
    }
    let (before, after) = (user.facts(), edited.facts());
    Ok(Changed { before, after, user: get(tx, &user.name).await? })
}

async fn write(tx: &mut Transaction, admin: &Administrator, user: &User, edited: &User) -> Result<(), Error> {
    if ids::fold(&edited.email) != ids::fold(&user.email) {
        let taken = store::email_taken(tx, &ids::fold(&edited.email), Some(user.id)).await?;
        if taken {
            return Err(Error::invalid("uniqueness", TAKEN));
        }
        sign_up::give_way(tx, admin.actor(), &[ids::fold(&edited.email)]).await?;
    }
    let written = store::update(tx, edited, user.version).await;
    let taken = |error: Error| if error.is_taken("email") { Error::invalid("uniqueness", TAKEN) } else { error };
    if written.map_err(taken)? { Ok(()) } else { Err(Error::Stale) }
}

/// What was mailed to the old address opens nothing any more. Whoever has used the account is told there.
async fn tell_moved(tx: &mut Transaction, post: &Post, user: &User, edited: &User) -> Result<(), Error> {
    links::forget_users(tx, &[user.id]).await?;
    if user.last_sign_in_at.is_some() {
        let values = Values::default().set("NewEmail", edited.email.clone()).set("SignInUrl", post.url("/signin"));
        mail::write(tx, post, Mail::new(Kind::EmailChangedByAdministrator, Recipient::of(&user.person()), values)).await?;
    }
    Ok(())
}

/// The last administrator by hand stays active: the directory must not shut everybody out.
async fn block(tx: &mut Transaction, provider: ProviderId, user: &User) -> Result<UserState, Error> {
    if user.administrator && user.state == UserState::Active.as_str() {
        keep_an_administrator(tx, user.id).await?;
    }
    store::forget_unconfirmed_passwords(tx, &[user.id]).await?;
    store::set_state(tx, user.id, UserState::Blocked).await?;
    store::provisioned::set_blocked_by(tx, user.id, Some(provider)).await?;
    end_sessions(tx, user.id, Which::All).await?;
    links::forget_blocked(tx, &[user.id]).await?;
    Ok(UserState::Blocked)
}

/// Lets somebody in again whom this provider blocked; nobody else. Who never came in, and is still to be asked something, is pending.
async fn let_in(tx: &mut Transaction, provider: ProviderId, user: &User) -> Result<Option<UserState>, Error> {
    if store::provisioned::blocked_by(tx, user.id).await? != Some(provider) {
        return Ok(None);
    }
    let never_in = user.last_sign_in_at.is_none() && !store::provisioned::has_way_in(tx, user.id).await?;
    let asked = user.first_name.is_empty() || user.last_name.is_empty() || !sign_up::settings(tx).await?.terms.is_empty();
    let state = if never_in && asked { UserState::Pending } else { UserState::Active };
    store::set_state(tx, user.id, state).await?;
    Ok(Some(state))
}

/// Another provider wants the account blocked as well: it is that one's to let in.
pub async fn hand_over(tx: &mut Transaction, user: UserId, from: ProviderId, to: ProviderId) -> Result<bool, Error> {
    if store::provisioned::blocked_by(tx, user).await? != Some(from) {
        return Ok(false);
    }
    store::provisioned::set_blocked_by(tx, user, Some(to)).await?;
    Ok(true)
}

/// A provider goes: what it blocked stays so, and is an administrator's to let in.
pub async fn forget_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    store::provisioned::forget_provider(tx, provider).await
}
