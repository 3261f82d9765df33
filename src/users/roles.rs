//! State and role: blocking, activating, making administrators. The last administrator stays one, and stays active.

use super::{
    NewUser, User, UserFacts, UserState, get, insert, invitations,
    recovery::{NoData, mail_link},
    store,
};
use crate::{
    audit::{self, Subject},
    auth::{
        Administrator, Confirmed, Person,
        links::{self, Purpose},
        password::{self, Passwords},
        sign_in::{Which, end_sessions},
    },
    db::{Database, Transaction},
    error::{Error, Problems},
    ids::UserId,
    mail::{Kind, Post, Recipient},
};

/// Adds an administrator with a password.
pub async fn create_administrator(
    db: &Database,
    admin: &Administrator,
    passwords: &Passwords,
    new: &NewUser,
    password: &str,
) -> Result<Person, Error> {
    let checked = new.check()?;
    let mut problems = Problems::default();
    password::check(&mut problems, "password", password, &[&new.email, &new.first_name, &new.last_name]);
    problems.or(())?;
    let hash = passwords.hash(password).await?;
    let mut tx = db.write().await?;
    let person = insert(&mut tx, admin, &checked, Some(&hash), UserState::Active, true).await?;
    tx.commit().await?;
    Ok(person)
}

/// Makes the user with this address an administrator. False when they were one.
pub async fn grant_administrator(db: &Database, admin: &Administrator, email: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = store::find_by_email(&mut tx, email).await?.ok_or(Error::NotFound)?;
    let changed = set_administrator(&mut tx, admin, &user, true).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Takes the role from the user with this address. False when they had it not.
///
/// # Errors
/// `Conflict` for the last administrator.
pub async fn revoke_administrator(db: &Database, admin: &Administrator, email: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = store::find_by_email(&mut tx, email).await?.ok_or(Error::NotFound)?;
    let changed = set_administrator(&mut tx, admin, &user, false).await?;
    tx.commit().await?;
    Ok(changed)
}

const BY_A_PROVIDER: &str =
    "An identity provider says that this user is an administrator, and would say so again: take the role away there.";

/// Gives or takes the role in the caller's transaction. False when nothing had to change. Who has it from a provider has it by hand then.
///
/// # Errors
/// `Conflict` for the last administrator, and for one whom a provider made one: the operator alone can take that.
pub async fn set_administrator(tx: &mut Transaction, admin: &Administrator, user: &User, administrator: bool) -> Result<bool, Error> {
    let by = store::administrator_by(tx, user.id).await?;
    if user.administrator == administrator && !(administrator && by.is_some()) {
        return Ok(false);
    }
    if !administrator && by.is_some() && admin.id().is_some() {
        return Err(Error::Conflict(BY_A_PROVIDER.to_owned()));
    }
    if administrator && user.state != "active" {
        return Err(Error::Conflict("Only an active user can be an administrator.".to_owned()));
    }
    if !administrator {
        keep_an_administrator(tx, user.id).await?;
    }
    let action = if administrator { "user.administrator_granted" } else { "user.administrator_revoked" };
    let after = UserFacts { administrator, ..user.facts() };
    // First, since it asks whether whoever acts is an administrator, and somebody may take the role from themselves.
    audit::record(tx, admin.actor(), action, Subject::new("user", user.id.0, user.display()), Some(user.facts()), Some(after)).await?;
    store::set_administrator(tx, user.id, administrator, None).await?;
    if administrator {
        // Asked for when there was less to be had.
        links::forget(tx, Purpose::EmailChange, user.id).await?;
    }
    Ok(true)
}

/// Refuses what would leave the portal without an administrator.
pub(super) async fn keep_an_administrator(tx: &mut Transaction, user: UserId) -> Result<(), Error> {
    if store::administrators(tx).await?.iter().all(|key| *key == user) {
        return Err(Error::Conflict("This is the last administrator: make somebody else an administrator first.".to_owned()));
    }
    Ok(())
}

/// Blocks an account and ends its sessions, so that the next click is a guest's. False when it was blocked.
///
/// # Errors
/// `Conflict` for the last administrator, and for one's own account.
pub async fn block(db: &Database, admin: &Administrator, name: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let changed = block_in(&mut tx, admin, &user).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As `block`, in the caller's transaction.
pub(super) async fn block_in(tx: &mut Transaction, admin: &Administrator, user: &User) -> Result<bool, Error> {
    if user.state == UserState::Blocked.as_str() {
        return Ok(false);
    }
    if user.administrator && user.state == UserState::Active.as_str() {
        keep_an_administrator(tx, user.id).await?;
    }
    if admin.id() == Some(user.id) {
        return Err(Error::Conflict("You cannot block yourself; another administrator can.".to_owned()));
    }
    store::forget_unconfirmed_passwords(tx, &[user.id]).await?;
    set_state(tx, admin, user, UserState::Blocked, "user.blocked").await?;
    end_sessions(tx, user.id, Which::All).await?;
    links::forget_blocked(tx, &[user.id]).await?;
    Ok(true)
}

/// What is asked of whoever gives an administrator's role back.
const ASKED: &str = "Type your own password: this user is an administrator.";

/// What became of somebody who is to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activated {
    /// Nothing: they were active.
    Already,
    /// They sign in with the password that they have.
    Active,
    /// They are active, and were mailed a link to choose a password: nobody has confirmed the address, so none that was typed with it counts.
    Mailed,
    /// They are pending, as before they were blocked: they never confirmed the address.
    Pending,
}

impl Activated {
    pub(super) fn state(self) -> UserState {
        match self {
            Activated::Already | Activated::Active | Activated::Mailed => UserState::Active,
            Activated::Pending => UserState::Pending,
        }
    }
}

/// Lets a pending or blocked person sign in.
///
/// # Errors
/// `Invalid` on `password` for somebody who has the administrator role, without one's own password; `Conflict` for somebody invited.
pub async fn activate(
    db: &Database,
    post: &Post,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    name: &str,
) -> Result<Activated, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let activated = activate_in(&mut tx, post, (admin, confirmed), &user).await?;
    tx.commit().await?;
    post.wake();
    Ok(activated)
}

/// As `activate`, in the caller's transaction.
pub(super) async fn activate_in(
    tx: &mut Transaction,
    post: &Post,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    user: &User,
) -> Result<Activated, Error> {
    if user.state == UserState::Active.as_str() {
        return Ok(Activated::Already);
    }
    if invitations::of(tx, user.id).await?.is_some() {
        return Err(Error::Conflict("Whoever is invited accepts that first: send the invitation again, or revoke it.".to_owned()));
    }
    if user.administrator && confirmed.is_none() {
        return Err(Error::invalid("password", ASKED));
    }
    let mut activated = Activated::Active;
    for (user, what) in let_in(tx, post, vec![user.clone()]).await? {
        set_state(tx, admin, &user, what.state(), "user.activated").await?;
        activated = what;
    }
    Ok(activated)
}

/// What becomes of people who are let in, in their order; their states are the caller's to set. Who never confirmed the address has no
/// password that counts: pending, they are mailed a link to choose one; blocked, they are pending again, as before.
pub(super) async fn let_in(tx: &mut Transaction, post: &Post, users: Vec<User>) -> Result<Vec<(User, Activated)>, Error> {
    let keys: Vec<UserId> = users.iter().map(|user| user.id).collect();
    store::forget_unconfirmed_passwords(tx, &keys).await?;
    let unconfirmed = store::without_password(tx, &keys).await?;
    let mut let_in = Vec::with_capacity(users.len());
    for user in users {
        let activated = match user.state.as_str() {
            _ if !unconfirmed.contains(&user.id) => Activated::Active,
            "blocked" => Activated::Pending,
            _ => Activated::Mailed,
        };
        if activated == Activated::Mailed {
            mail_password(tx, post, &user).await?;
        }
        let_in.push((user, activated));
    }
    Ok(let_in)
}

/// A link to choose a password, for somebody who has none.
pub(super) async fn mail_password(tx: &mut Transaction, post: &Post, user: &User) -> Result<(), Error> {
    links::forget(tx, Purpose::SignUp, user.id).await?;
    let what = (Kind::PasswordResetByAdministrator, Purpose::PasswordReset);
    mail_link(tx, post, what, Recipient::of(&user.person()), &NoData {}).await?;
    Ok(())
}

async fn set_state(tx: &mut Transaction, admin: &Administrator, user: &User, state: UserState, action: &'static str) -> Result<(), Error> {
    store::set_state(tx, user.id, state).await?;
    let before = user.facts();
    let mut after = before.clone();
    state.as_str().clone_into(&mut after.state);
    audit::record(tx, admin.actor(), action, Subject::new("user", user.id.0, user.display()), Some(before), Some(after)).await?;
    Ok(())
}

/// Gives the role to, or takes it from, the user of that name. False when nothing had to change.
/// The page that offers it asks for the administrator's own password first.
pub async fn set_role(db: &Database, admin: &Administrator, name: &str, administrator: bool) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let changed = set_administrator(&mut tx, admin, &user, administrator).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Ends one of somebody's sessions, or all. How many ended.
pub async fn end_sessions_of(db: &Database, admin: &Administrator, name: &str, session: Option<&str>) -> Result<u64, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let ended = end_sessions(&mut tx, user.id, session.map_or(Which::All, Which::One)).await?;
    if ended > 0 {
        let subject = Subject::new("user", user.id.0, user.display());
        audit::record(
            &mut tx,
            admin.actor(),
            "user.sessions_ended",
            subject,
            audit::NOTHING,
            Some(super::SessionFacts { sessions: ended }),
        )
        .await?;
    }
    tx.commit().await?;
    Ok(ended)
}
