//! Who somebody is, as types: `Visitor` always, `SignedIn` and `Administrator` by proof. They are built in this folder alone,
//! and operations demand them, so that a forgotten check does not compile. No HTTP here; see `extract` and `pages`.

mod again;
pub mod extract;
pub mod links;
pub mod pages;
pub mod password;
pub mod session;
pub mod setup;
pub mod shared;
pub mod sign_in;
mod store;
pub mod tokens;

pub use again::{Again, Confirmed};
use serde::{Deserialize, Serialize};

use crate::{
    audit::Actor,
    db::{Connection, Database},
    error::Error,
    ids::{self, GroupId, IdentityId, ProviderId, TokenId, UserId},
    keys,
};

/// An active user, as the session's query brought them on this request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub administrator: bool,
}

impl Person {
    /// The name; the address of whoever was invited and has not said one.
    pub fn display(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.email.clone() } else { name.trim().to_owned() }
    }
}

/// Somebody who has just proved who they are; a session begins with it.
#[derive(Clone, Debug)]
pub struct Proven {
    pub person: Person,
    /// Says which password it was, and nothing else about it: the session does not begin when another has been set since.
    pub stamp: String,
    /// How, when it was not by password or link.
    pub by: Option<ByProvider>,
}

/// An account of a provider that somebody came with: the session does not begin when it was unlinked meanwhile, and ends when it is.
#[derive(Clone, Debug)]
pub struct ByProvider {
    pub identity: IdentityId,
    /// What the provider calls its own session; empty when it does not say.
    pub session: String,
}

impl Proven {
    fn new(person: Person, password_hash: Option<&str>) -> Self {
        Self { person, stamp: stamp(password_hash), by: None }
    }
}

fn stamp(password_hash: Option<&str>) -> String {
    keys::digest(password_hash.unwrap_or_default()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The groups of a user at the instant of the request, system groups too, and which catalogue there was then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In order.
    groups: Vec<GroupId>,
    catalog_version: i64,
    /// Subscriptions that wait for approval, for an administrator's menu.
    #[serde(default)]
    waiting: i64,
}

impl Standing {
    pub(crate) fn of(administrator: bool, groups: impl Iterator<Item = GroupId>, catalog_version: i64) -> Self {
        let system = [Some(ids::DEVELOPERS), administrator.then_some(ids::ADMINISTRATORS)];
        let mut groups: Vec<GroupId> = system.into_iter().flatten().chain(groups).collect();
        groups.sort_unstable();
        Self { groups, catalog_version, waiting: 0 }
    }

    pub(super) fn with_waiting(self, waiting: i64) -> Self {
        Self { waiting, ..self }
    }

    /// How many subscriptions wait for approval, up to 100; none for who is no administrator.
    pub fn waiting(&self) -> i64 {
        self.waiting
    }

    pub fn is_in(&self, group: GroupId) -> bool {
        self.groups.binary_search(&group).is_ok()
    }

    pub fn catalog_version(&self) -> i64 {
        self.catalog_version
    }
}

/// Whoever asks.
#[derive(Clone, Debug)]
pub enum Visitor {
    Guest,
    SignedIn(SignedIn),
}

/// Proof that the request comes from an active user.
#[derive(Clone, Debug)]
pub struct SignedIn {
    person: Person,
    actor: Actor,
    standing: Standing,
}

/// Proof that whoever acts may administer the portal.
#[derive(Clone, Debug)]
pub struct Administrator {
    actor: Actor,
    person: Option<Person>,
}

/// Proof that whoever acts is an identity provider's program: it keeps what is this provider's, and nothing else.
#[derive(Clone, Debug)]
pub struct Provisioner {
    token: TokenId,
    provider: ProviderId,
    name: String,
    display_name: String,
    admin: Administrator,
}

impl Provisioner {
    fn new(token: TokenId, provider: ProviderId, name: String, display_name: String) -> Self {
        Self { token, provider, admin: self::provider(&display_name), name, display_name }
    }

    pub fn token(&self) -> TokenId {
        self.token
    }

    pub fn provider(&self) -> ProviderId {
        self.provider
    }

    /// The provider's name in addresses, by which its groups are kept.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    pub fn admin(&self) -> &Administrator {
        &self.admin
    }
}

impl Visitor {
    fn of(person: Option<(Person, Standing)>) -> Self {
        match person {
            Some((person, standing)) => Visitor::SignedIn(SignedIn::new(person, standing)),
            None => Visitor::Guest,
        }
    }

    pub fn person(&self) -> Option<&Person> {
        match self {
            Visitor::Guest => None,
            Visitor::SignedIn(signed_in) => Some(&signed_in.person),
        }
    }

    /// None for a guest, who is in no group of their own.
    pub fn standing(&self) -> Option<&Standing> {
        match self {
            Visitor::Guest => None,
            Visitor::SignedIn(signed_in) => Some(&signed_in.standing),
        }
    }

    pub fn signed_in(&self) -> Result<SignedIn, Error> {
        match self {
            Visitor::Guest => Err(Error::SignIn),
            Visitor::SignedIn(signed_in) => Ok(signed_in.clone()),
        }
    }

    pub fn administrator(&self) -> Result<Administrator, Error> {
        self.signed_in()?.administrator()
    }
}

impl SignedIn {
    fn new(person: Person, standing: Standing) -> Self {
        let actor = Actor::User { id: person.id, display: person.display(), administrator: false };
        Self { person, actor, standing }
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    pub fn id(&self) -> UserId {
        self.person.id
    }

    pub fn person(&self) -> &Person {
        &self.person
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub fn administrator(&self) -> Result<Administrator, Error> {
        if self.person.administrator {
            let actor = Actor::User { id: self.id(), display: self.person.display(), administrator: true };
            Ok(Administrator { actor, person: Some(self.person.clone()) })
        } else {
            Err(Error::Forbidden("This page is for administrators."))
        }
    }
}

impl Administrator {
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Nobody, for the command line.
    pub fn id(&self) -> Option<UserId> {
        self.person.as_ref().map(|person| person.id)
    }

    pub fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }
}

/// The operator at the command line: whoever can open the database may do everything.
pub fn operator() -> Administrator {
    Administrator { actor: Actor::Operator, person: None }
}

/// The portal itself, by the name of the job.
pub fn system(job: &'static str) -> Administrator {
    Administrator { actor: Actor::System(job), person: None }
}

/// An identity provider, by its display name: it reports, and lets people in.
pub fn provider(display: &str) -> Administrator {
    Administrator { actor: Actor::Provider(display.to_owned()), person: None }
}

/// Lets in whom a provider has shown to be this active user.
pub async fn let_in(connection: &mut Connection, user: UserId, by: ByProvider) -> Result<Option<Proven>, Error> {
    let Some(person) = store::active_person_of(connection, user).await? else { return Ok(None) };
    let hash = store::find_password(connection, user).await?;
    Ok(Some(Proven { by: Some(by), ..Proven::new(person, hash.as_deref()) }))
}

/// A program, by its token.
fn program(token: TokenId, display: &str) -> Administrator {
    Administrator { actor: Actor::Token { id: token, display: display.to_owned() }, person: None }
}

/// Whether there is an administrator who can sign in.
pub async fn has_administrator(db: &Database) -> Result<bool, Error> {
    store::has_administrator(&mut db.read().await?).await
}
