//! Users: who has an account, in which state, and what may be done to it.

pub mod store;

use serde::{Deserialize, Serialize};

use crate::{
    audit::{self, Subject},
    auth::{
        Administrator, Person,
        password::{self, Passwords},
    },
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    ids::{self, UserId},
};

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
#[derive(Clone, Debug, Default, Deserialize)]
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

impl NewUser {
    /// # Errors
    /// `Invalid`, field by field.
    pub fn check(&self) -> Result<CheckedUser, Error> {
        let mut problems = Problems::default();
        let email = problems.line("email", "The email address", &self.email, 1, 254);
        if problems.is_empty() && !is_email(&email) {
            problems.add("email", "This is not an email address.");
        }
        let first_name = problems.line("first_name", "The first name", &self.first_name, 1, 100);
        let last_name = problems.line("last_name", "The last name", &self.last_name, 1, 100);
        let note = problems.text("note", "The note", &self.note, 0, 1000);
        problems.or(CheckedUser { email, first_name, last_name, note })
    }
}

/// One `@` with something before it and a host after it; whether it exists shows when mail is sent there.
pub fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    !local.is_empty()
        && !local.contains('@')
        && !host.is_empty()
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..")
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '(' | ')' | '"' | '\\'))
}

/// What the audit log keeps of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserFacts {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub state: String,
    pub administrator: bool,
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
    if store::email_taken(tx, &ids::fold(&new.email), None).await? {
        return Err(Error::invalid("email", "Somebody has an account with this email address already."));
    }
    let name = ids::random_name(12);
    let id = store::insert(tx, &name, new, password_hash, state, administrator).await?;
    let person =
        Person { id, name, email: new.email.clone(), first_name: new.first_name.clone(), last_name: new.last_name.clone(), administrator };
    let facts = UserFacts {
        email: new.email.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        state: state.as_str().to_owned(),
        administrator,
    };
    audit::record(tx, admin.actor(), "user.created", Subject::new("user", id.0, person.display()), audit::NOTHING, Some(facts)).await?;
    Ok(person)
}

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
    password::check(&mut problems, "password", password);
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

/// Gives or takes the role in the caller's transaction. False when nothing had to change.
pub async fn set_administrator(tx: &mut Transaction, admin: &Administrator, user: &User, administrator: bool) -> Result<bool, Error> {
    if user.administrator == administrator {
        return Ok(false);
    }
    if administrator && user.state != "active" {
        return Err(Error::Conflict("Only an active user can be an administrator.".to_owned()));
    }
    if !administrator {
        keep_an_administrator(tx, user.id).await?;
    }
    store::set_administrator(tx, user.id, administrator).await?;
    let action = if administrator { "user.administrator_granted" } else { "user.administrator_revoked" };
    let after = UserFacts { administrator, ..user.facts() };
    audit::record(tx, admin.actor(), action, Subject::new("user", user.id.0, user.display()), Some(user.facts()), Some(after)).await?;
    Ok(true)
}

/// Refuses what would leave the portal without an administrator.
async fn keep_an_administrator(tx: &mut Transaction, user: UserId) -> Result<(), Error> {
    if store::count_other_administrators(tx, user).await? == 0 {
        return Err(Error::Conflict("This is the last administrator: make somebody else an administrator first.".to_owned()));
    }
    Ok(())
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
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    pub fn path(&self) -> String {
        format!("/publisher/users/{}", ids::encode(&self.name))
    }

    fn facts(&self) -> UserFacts {
        UserFacts {
            email: self.email.clone(),
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            state: self.state.clone(),
            administrator: self.administrator,
        }
    }
}

/// The keys of the users that a form named; names that are nobody's are left out.
pub async fn keys_of(connection: &mut Connection, names: &[String]) -> Result<Vec<UserId>, Error> {
    store::keys_of(connection, names).await
}

/// Dates the last sign-in.
pub async fn note_sign_in(tx: &mut Transaction, user: UserId) -> Result<(), Error> {
    store::set_last_sign_in(tx, user).await
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn addresses() {
        for good in ["a@b", "ana.alves@contoso.example", "o'brien+x@sub.example", "用户@例子.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@.b", "a@b.", "a@b..c", "a\n@b", "<a@b>", "a,b@c"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
