//! Users as programs write them: made or changed in one transaction, with what pages do in several forms.

use super::{
    NewUser, SessionFacts, User, UserState, check_name, deletion, edit_in, get, insert_named, invitations,
    roles::{activate_in, block_in, mail_password},
    store,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Administrator, Confirmed, links,
        links::Purpose,
        password::{self, Passwords},
        sign_in::{Which, end_sessions},
    },
    db::{Database, Transaction},
    error::{Error, Problems},
    ids,
    mail::Post,
    rest::Seen,
};

/// What a program says of a user. What is left out of a change stays as it is.
#[derive(Clone, Default)]
pub struct Written {
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub note: Option<String>,
    pub password: Option<String>,
    /// `active`, `blocked` or `pending`, without regard to case.
    pub state: Option<String>,
    /// Somebody new chooses the password by a mailed link, and is pending until then.
    pub invite: bool,
    /// Somebody new without a password is mailed a link to choose one.
    pub notify: bool,
}

impl Written {
    fn over(&self, user: &NewUser) -> NewUser {
        let or = |given: &Option<String>, kept: &str| given.clone().unwrap_or_else(|| kept.to_owned());
        NewUser {
            email: or(&self.email, &user.email),
            first_name: or(&self.first_name, &user.first_name),
            last_name: or(&self.last_name, &user.last_name),
            note: or(&self.note, &user.note),
        }
    }

    /// # Errors
    /// `Invalid` on `state`: nobody becomes deleted in this way.
    fn state(&self) -> Result<Option<UserState>, Error> {
        let Some(word) = &self.state else { return Ok(None) };
        let state = UserState::parse(&word.to_ascii_lowercase()).filter(|state| *state != UserState::Deleted);
        state.map(Some).ok_or_else(|| Error::invalid("state", "The state is active, blocked or pending."))
    }

    /// The hash of the password, if one is given: made before the transaction, which it would keep waiting.
    async fn hash(&self, passwords: &Passwords, user: &NewUser) -> Result<Option<String>, Error> {
        let Some(password) = &self.password else { return Ok(None) };
        let mut problems = Problems::default();
        password::check(&mut problems, "password", password, &[&user.email, &user.first_name, &user.last_name]);
        problems.or(())?;
        Ok(Some(passwords.hash(password).await?))
    }
}

/// Makes the user of this name, or changes the one who is there. Whether the user was made; the user.
///
/// # Errors
/// `Invalid`, field by field; `Stale` when the user is not as it was seen; `Conflict` as `block` and `activate`.
pub async fn put(
    db: &Database,
    (passwords, post): (&Passwords, &Post),
    admin: (&Administrator, Confirmed),
    name: &str,
    seen: Seen,
    written: &Written,
) -> Result<(bool, User), Error> {
    let new = written.over(&NewUser::default());
    new.check()?;
    let state = written.state()?;
    let hash = written.hash(passwords, &new).await?;
    check_name(name)?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put user", ids::number_of(name)).await?;
    let found = store::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|user| user.version))?;
    let done = match found {
        Some(user) => (false, change_in(&mut tx, post, admin, user, seen.version(), (&new, state, hash)).await?),
        None => (true, make_in(&mut tx, post, admin.0, name, written, (&new, state, hash)).await?),
    };
    tx.commit().await?;
    post.wake();
    Ok(done)
}

/// Changes what is given of a user.
///
/// # Errors
/// As `put`; `NotFound`.
pub async fn patch(
    db: &Database,
    (passwords, post): (&Passwords, &Post),
    admin: (&Administrator, Confirmed),
    name: &str,
    at: Option<i64>,
    written: &Written,
) -> Result<User, Error> {
    let state = written.state()?;
    let shown = get(&mut db.read().await?, name).await?;
    let hash = written.hash(passwords, &written.over(&shown.as_form())).await?;
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let new = written.over(&user.as_form());
    let user = change_in(&mut tx, post, admin, user, at, (&new, state, hash)).await?;
    tx.commit().await?;
    post.wake();
    Ok(user)
}

type Checked<'a> = (&'a NewUser, Option<UserState>, Option<String>);

async fn make_in(
    tx: &mut Transaction,
    post: &Post,
    admin: &Administrator,
    name: &str,
    written: &Written,
    (new, state, hash): Checked<'_>,
) -> Result<User, Error> {
    let invited = written.invite || state == Some(UserState::Pending);
    if invited && hash.is_some() {
        return Err(Error::invalid(
            "password",
            "Whoever is invited, or pending, chooses the password by the link that is mailed: leave it out.",
        ));
    }
    let begins = if invited { UserState::Pending } else { UserState::Active };
    let person = insert_named(tx, admin, (name.to_owned(), &new.check()?), hash.as_deref(), begins, false).await?;
    let user = get(tx, name).await?;
    if invited {
        invitations::mail_one(tx, post, admin, person).await?;
    } else if hash.is_none() && written.notify {
        mail_password(tx, post, &user).await?;
    }
    if state == Some(UserState::Blocked) {
        block_in(tx, admin, &user).await?;
    }
    get(tx, name).await
}

async fn change_in(
    tx: &mut Transaction,
    post: &Post,
    (admin, confirmed): (&Administrator, Confirmed),
    user: User,
    at: Option<i64>,
    (new, state, hash): Checked<'_>,
) -> Result<User, Error> {
    // In one order with whoever changes roles and states.
    store::administrators(tx).await?;
    let Some(user) = store::take(tx, &[user.id]).await?.pop() else { return Err(Error::NotFound) };
    if at.is_some_and(|at| at != user.version) {
        return Err(Error::Stale);
    }
    edit_in(tx, post, (admin, Some(confirmed)), &user, user.version, new).await?;
    let mut user = get(tx, &user.name).await?;
    if let Some(hash) = hash {
        set_password(tx, admin, &user, &hash).await?;
        user = get(tx, &user.name).await?;
    }
    match state {
        Some(UserState::Active) => _ = activate_in(tx, post, (admin, Some(confirmed)), &user).await?,
        Some(UserState::Blocked) => _ = block_in(tx, admin, &user).await?,
        Some(UserState::Pending) if user.state != UserState::Pending.as_str() => {
            return Err(Error::invalid("state", "Nobody becomes pending who was not: block the account, or delete it and invite again."));
        }
        _ => {}
    }
    get(tx, &user.name).await
}

/// Another password for somebody, as an administrator says; every session of theirs ends, and what was mailed to choose one.
async fn set_password(tx: &mut Transaction, admin: &Administrator, user: &User, hash: &str) -> Result<(), Error> {
    if user.administrator {
        let why = "Administrators choose their passwords themselves: confirmations/password/send mails a link.";
        return Err(Error::invalid("password", why));
    }
    if user.state == UserState::Pending.as_str() {
        return Err(Error::invalid("password", "Whoever is pending chooses the password by the link that was mailed."));
    }
    store::replace_password(tx, user.id, hash).await?;
    links::forget(tx, Purpose::PasswordReset, user.id).await?;
    links::forget(tx, Purpose::EmailChange, user.id).await?;
    let ended = end_sessions(tx, user.id, Which::All).await?;
    let subject = Subject::new("user", user.id.0, user.display());
    audit::record(tx, admin.actor(), "user.password_set", subject, NOTHING, Some(SessionFacts { sessions: ended })).await?;
    Ok(())
}

/// Deletes one user, at this version; with `subscriptions`, the live ones end. What is not there is deleted already: false.
///
/// # Errors
/// `Invalid` on `deleteSubscriptions` when live ones would end and nobody said that they may; `Stale`; `Conflict` for the last administrator.
pub async fn delete_one(
    db: &Database,
    post: &Post,
    (admin, _): (&Administrator, Confirmed),
    name: &str,
    at: Option<i64>,
    subscriptions: bool,
) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let administrators = store::administrators(&mut tx).await?;
    let user = get(&mut tx, name).await?;
    let Some(user) = store::take(&mut tx, &[user.id]).await?.pop() else { return Err(Error::NotFound) };
    if at.is_some_and(|at| at != user.version) {
        return Err(Error::Stale);
    }
    deletion::delete_in(&mut tx, post, admin, &administrators, vec![user], subscriptions).await?;
    tx.commit().await?;
    post.wake();
    Ok(())
}
