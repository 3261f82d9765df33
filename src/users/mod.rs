//! Users: who has an account, in which state, and what may be done to it.

pub mod account;
pub mod address;
pub mod api;
pub mod bulk;
pub mod deletion;
pub mod invitations;
pub mod many;
pub mod pages;
mod past;
mod programs;
pub mod provided;
pub mod provisioned;
pub mod recovery;
mod roles;
pub mod sign_up;
pub mod sso;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::{
    audit::{self, Subject},
    auth::{
        Administrator, Confirmed, Person, links,
        password::{self, Passwords},
        shared::INTEGRATION,
    },
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    groups,
    ids::{self, UserId},
    mail::{self, Kind, Mail, Post, Recipient, Values},
};

pub use account::{NewName, NewPassword, change_password, end_every_session, end_session, rename};
pub use bulk::{GroupChanges, set_groups};
pub use ids::is_email;
pub use past::{PastUser, insert_past};
pub use programs::{Written, delete_one, patch, put};
pub use roles::{
    Activated, activate, block, create_administrator, end_sessions_of, grant_administrator, revoke_administrator, set_administrator,
    set_role,
};

pub use store::programs::{Account, Listed, listing, users as listed};

/// Where the list of users stands.
pub const LIST: &str = "/publisher/users";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserState {
    Active,
    /// Signed up or invited, and not confirmed.
    Pending,
    Blocked,
    Deleted,
}

impl UserState {
    pub fn as_str(self) -> &'static str {
        match self {
            UserState::Active => "active",
            UserState::Pending => "pending",
            UserState::Blocked => "blocked",
            UserState::Deleted => "deleted",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [UserState::Active, UserState::Pending, UserState::Blocked, UserState::Deleted].into_iter().find(|state| state.as_str() == text)
    }
}

/// What a form, REST or the command line says about a new user. The password is checked apart, where it is hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct NewUser {
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub note: String,
}

/// A `NewUser` that has been checked.
#[derive(Clone, Debug)]
pub struct CheckedUser {
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) note: String,
}

impl CheckedUser {
    pub fn email(&self) -> &str {
        &self.email
    }
}

impl NewUser {
    /// # Errors
    /// `Invalid`, field by field.
    pub fn check(&self) -> Result<CheckedUser, Error> {
        let mut problems = Problems::default();
        let email = problems.line("email", "The email address", &self.email, 1, 254);
        if problems.is_empty() && !is_email(&email) {
            problems.add("email", "This is not an email address.");
        }
        let first_name = problems.person("first_name", "The first name", &self.first_name, 1);
        let last_name = problems.person("last_name", "The last name", &self.last_name, 1);
        let note = problems.text("note", "The note", &self.note, 0, 1000);
        problems.or(CheckedUser { email, first_name, last_name, note })
    }
}

/// What the audit log keeps of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserFacts {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub state: String,
    pub administrator: bool,
    #[serde(default)]
    pub note: String,
}

/// What the audit log keeps of sessions that were ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionFacts {
    pub sessions: u64,
}

const TAKEN: &str = "Somebody has an account with this email address already.";

fn taken(error: Error) -> Error {
    if error.is_taken("email") { Error::invalid("email", TAKEN) } else { error }
}

/// Adds a user in the caller's transaction, and the audit entry for it.
///
/// # Errors
/// `Invalid` on `email` when the address is taken.
pub async fn insert(
    tx: &mut Transaction,
    admin: &Administrator,
    new: &CheckedUser,
    password_hash: Option<&str>,
    state: UserState,
    administrator: bool,
) -> Result<Person, Error> {
    insert_named(tx, admin, (ids::random_name(12), new), password_hash, state, administrator).await
}

/// As `insert`, with a name that somebody chose, and that nobody has.
async fn insert_named(
    tx: &mut Transaction,
    admin: &Administrator,
    (name, new): (String, &CheckedUser),
    password_hash: Option<&str>,
    state: UserState,
    administrator: bool,
) -> Result<Person, Error> {
    sign_up::give_way(tx, admin.actor(), &[ids::fold(&new.email)]).await?;
    if store::email_taken(tx, &ids::fold(&new.email), None).await? {
        return Err(Error::invalid("email", TAKEN));
    }
    let id = store::insert(tx, &name, new, password_hash, state, administrator).await.map_err(taken)?;
    let person =
        Person { id, name, email: new.email.clone(), first_name: new.first_name.clone(), last_name: new.last_name.clone(), administrator };
    let facts = UserFacts {
        email: new.email.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        state: state.as_str().to_owned(),
        administrator,
        note: new.note.clone(),
    };
    audit::record(tx, admin.actor(), "user.created", Subject::new("user", id.0, person.display()), audit::NOTHING, Some(facts)).await?;
    Ok(person)
}

/// What a user is called in addresses: 1 to 80 characters, and not what signs for nobody in particular.
fn check_name(name: &str) -> Result<(), Error> {
    if ids::fold(name) == INTEGRATION {
        return Err(Error::invalid("uid", "This name is the one of tenant access: choose another."));
    }
    ids::check_name("uid", name, 80)
}

/// The address of a user's page in the publisher portal.
pub fn path(name: &str) -> String {
    format!("/publisher/users/{}", ids::encode(name))
}

/// A user, as the publisher portal sees one.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub state: String,
    pub administrator: bool,
    pub note: String,
    pub version: i64,
    pub registered_at: Instant,
    pub last_sign_in_at: Option<Instant>,
}

impl User {
    pub fn display(&self) -> String {
        self.person().display()
    }

    pub fn path(&self) -> String {
        path(&self.name)
    }

    pub(crate) fn person(&self) -> Person {
        Person {
            id: self.id,
            name: self.name.clone(),
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            administrator: self.administrator,
        }
    }

    fn facts(&self) -> UserFacts {
        UserFacts {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            state: self.state.clone(),
            administrator: self.administrator,
            note: self.note.clone(),
        }
    }

    /// What a form about this user is filled with.
    pub fn as_form(&self) -> NewUser {
        NewUser {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            note: self.note.clone(),
        }
    }
}

/// The user of that name; a deleted one is nobody.
pub async fn get(connection: &mut Connection, name: &str) -> Result<User, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

/// The same with the ways in.
pub async fn get_listed(connection: &mut Connection, name: &str) -> Result<Listed, Error> {
    store::programs::find(connection, name).await?.ok_or(Error::NotFound)
}

/// Adds an active user with a password, and puts them into custom groups.
///
/// # Errors
/// `Invalid`, field by field; `NotFound`, `SystemEntity` or `Conflict` for a group that nobody can be put into by hand.
pub async fn create(
    db: &Database,
    admin: &Administrator,
    passwords: &Passwords,
    new: &NewUser,
    password: &str,
    groups: &[String],
) -> Result<Person, Error> {
    let mut problems = Problems::default();
    let checked = match new.check() {
        Ok(checked) => Some(checked),
        Err(Error::Invalid(found)) => {
            problems = found;
            None
        }
        Err(other) => return Err(other),
    };
    if problems.on("email").is_empty() && store::email_taken(&mut db.read().await?, &ids::fold(&new.email), None).await? {
        problems.add("email", TAKEN);
    }
    password::check(&mut problems, "password", password, &[&new.email, &new.first_name, &new.last_name]);
    let checked = problems.or(checked)?.ok_or_else(|| Error::internal("a user without problems is checked"))?;
    let hash = passwords.hash(password).await?;
    let mut tx = db.write().await?;
    let person = insert(&mut tx, admin, &checked, Some(&hash), UserState::Active, false).await?;
    for group in groups {
        groups::add_members_in(&mut tx, admin, group, &[person.id]).await?;
    }
    tx.commit().await?;
    Ok(person)
}

/// Whether mail to the one may reach somebody else than mail to the other: what folds to the same (straße and strasse) are two hosts.
fn is_another(old: &str, new: &str) -> bool {
    !old.trim().eq_ignore_ascii_case(new.trim())
}

/// Whether a form about a user would change the address, for which the administrator gives the password again: whoever reads the mail
/// of an address has the account.
pub async fn changes_address(connection: &mut Connection, name: &str, new: &NewUser) -> Result<bool, Error> {
    Ok(is_another(&get(connection, name).await?.email, &new.email))
}

/// Changes the profile. False when nothing is different. Of another address the old one is told.
///
/// # Errors
/// `Stale` when the user is no longer at the version the form was shown; `Invalid`, field by field: on `password` for another address
/// without it, on `email` for one's own, which is confirmed by a link.
pub async fn edit(
    db: &Database,
    post: &Post,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    name: &str,
    version: i64,
    new: &NewUser,
) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let user = get(&mut tx, name).await?;
    let Some(edited) = edit_in(&mut tx, post, (admin, confirmed), &user, version, new).await? else { return Ok(false) };
    tx.commit().await?;
    if is_another(&user.email, &edited.email) {
        post.wake();
    }
    Ok(true)
}

/// As `edit`, of a user who was read in the caller's transaction. None when nothing is different.
async fn edit_in(
    tx: &mut Transaction,
    post: &Post,
    (admin, confirmed): (&Administrator, Option<Confirmed>),
    user: &User,
    version: i64,
    new: &NewUser,
) -> Result<Option<User>, Error> {
    let checked = new.check()?;
    let edited =
        User { email: checked.email, first_name: checked.first_name, last_name: checked.last_name, note: checked.note, ..user.clone() };
    if edited.as_form() == user.as_form() {
        return Ok(None);
    }
    let moved = is_another(&user.email, &edited.email);
    if moved && admin.id() == Some(user.id) {
        return Err(Error::invalid("email", "Your own address is changed under Account (/account/email), by a link to the new one."));
    }
    if moved && confirmed.is_none() {
        return Err(Error::invalid("password", "Type your own password: this changes the address."));
    }
    // What folds to the same is held by this account alone, which must not give way to itself.
    if ids::fold(&edited.email) != ids::fold(&user.email) {
        sign_up::give_way(tx, admin.actor(), &[ids::fold(&edited.email)]).await?;
    }
    if store::email_taken(tx, &ids::fold(&edited.email), Some(user.id)).await? {
        return Err(Error::invalid("email", TAKEN));
    }
    if !store::update(tx, &edited, version).await.map_err(taken)? {
        return Err(Error::Stale);
    }
    if moved {
        // What was mailed to the old address opens nothing any more.
        links::forget_users(tx, &[user.id]).await?;
        if user.state != UserState::Pending.as_str() {
            let values = Values::default().set("NewEmail", edited.email.clone()).set("SignInUrl", post.url("/signin"));
            mail::write(tx, post, Mail::new(Kind::EmailChangedByAdministrator, Recipient::of(&user.person()), values)).await?;
        }
    }
    let subject = Subject::new("user", user.id.0, edited.display());
    audit::record(tx, admin.actor(), "user.edited", subject, Some(user.facts()), Some(edited.facts())).await?;
    Ok(Some(User { version: version + 1, ..edited }))
}

/// The keys of the users that a form named; names that are nobody's are left out.
pub async fn keys_of(connection: &mut Connection, names: &[String]) -> Result<Vec<UserId>, Error> {
    store::keys_of(connection, names).await
}

/// Dates an account back, for accounts that are older than this database: the sample, and imports.
pub async fn note_history(tx: &mut Transaction, user: UserId, registered: Instant, signed_in: Option<Instant>) -> Result<(), Error> {
    store::set_history(tx, user, registered, signed_in).await
}

/// Dates the last sign-in.
pub async fn note_sign_in(tx: &mut Transaction, user: UserId) -> Result<Option<Option<String>>, Error> {
    store::set_last_sign_in(tx, user).await
}
