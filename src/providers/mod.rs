//! Identity providers: the directories whose accounts people sign in with. Here is what they are, and what administrators do to them; how
//! one is spoken to is in `protocol`, and who somebody is who comes from one in `arriving`.

pub mod arriving;
pub mod attempts;
mod form;
pub mod joining;
mod leaving;
pub mod linked;
pub mod pages;
mod presets;
pub mod protocol;
pub mod provisioning;
mod store;

use serde::{Deserialize, Serialize};

pub use form::{NewProvider, Words};
pub use presets::{Kind, Preset};
pub use store::identities::Identity;

use crate::{
    audit::{self, NOTHING, Subject},
    auth::{Administrator, Confirmed, sign_in},
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    groups,
    ids::{self, IdentityId, ProviderId, UserId},
    keys::Keys,
    scim,
};
use protocol::{
    Line, Memory,
    testing::{self, Step},
};

/// A provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Provider {
    pub id: ProviderId,
    /// In addresses, its redirect URL among them; it never changes.
    pub name: String,
    pub display_name: String,
    kind: String,
    pub issuer: String,
    pub client_id: String,
    pub scopes: String,
    pub email_claim: String,
    pub name_claim: String,
    /// Empty when its groups are not read.
    pub groups_claim: String,
    allowed_tenants: String,
    allowed_domains: String,
    /// Whether people without an account here get one.
    pub new_people: bool,
    /// Whether it vouches for every address that it tells.
    pub trusts_email: bool,
    pub enabled: bool,
    pub version: i64,
    pub last_ok_at: Option<Instant>,
    pub last_problem: String,
    pub last_problem_at: Option<Instant>,
}

impl Provider {
    pub fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or(Kind::Oidc)
    }

    pub fn path(&self) -> String {
        format!("{LIST}/{}", ids::encode(&self.name))
    }

    /// Where a sign-in by it begins; below it are the addresses that it sends people and programs to.
    pub fn sign_in_path(&self) -> String {
        format!("/signin/{}", ids::encode(&self.name))
    }

    pub fn callback_path(&self) -> String {
        format!("{}/callback", self.sign_in_path())
    }

    pub fn allowed_tenants(&self) -> Vec<String> {
        list(&self.allowed_tenants)
    }

    pub fn allowed_domains(&self) -> Vec<String> {
        list(&self.allowed_domains)
    }

    /// Whether its last sign-in or test failed.
    pub fn is_failing(&self) -> bool {
        self.last_problem_at.is_some()
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::new("provider", self.id.0, &self.display_name)
    }

    fn facts(&self, credentials: &str) -> ProviderFacts {
        ProviderFacts {
            display_name: self.display_name.clone(),
            kind: self.kind().title().to_owned(),
            issuer: self.issuer.clone(),
            client: self.client_id.clone(),
            credentials: credentials.to_owned(),
            scopes: self.scopes.clone(),
            email_claim: self.email_claim.clone(),
            name_claim: self.name_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            allowed_tenants: self.allowed_tenants(),
            allowed_domains: self.allowed_domains(),
            new_people: self.new_people,
            trusts_email: self.trusts_email,
            enabled: self.enabled,
        }
    }
}

fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// What the audit log keeps of a provider; of its secret that it was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ProviderFacts {
    display_name: String,
    kind: String,
    issuer: String,
    client: String,
    credentials: String,
    scopes: String,
    email_claim: String,
    name_claim: String,
    groups_claim: String,
    allowed_tenants: Vec<String>,
    allowed_domains: Vec<String>,
    new_people: bool,
    trusts_email: bool,
    enabled: bool,
}

/// Where the list of providers stands.
pub const LIST: &str = "/publisher/settings/providers";

/// Names that addresses below `/signin/` have already.
const RESERVED: [&str; 4] = ["refused", "join", "again", "confirm"];

/// Binds a stored secret to its provider.
fn context(name: &str) -> String {
    format!("provider {name} secret")
}

const TAKEN: &str = "There is a provider with this name already. Case and surrounding space do not make a name different.";

fn taken(error: Error) -> Error {
    if error.is_taken("display_name") { Error::invalid("display_name", TAKEN) } else { error }
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Provider, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

pub async fn all(connection: &mut Connection) -> Result<Vec<Provider>, Error> {
    store::all(connection).await
}

/// The same with how many people each lets in.
pub async fn counted(connection: &mut Connection) -> Result<Vec<(Provider, i64)>, Error> {
    let people = store::people(connection).await?;
    let of = |id: ProviderId| people.iter().find(|(provider, _)| *provider == id).map_or(0, |(_, people)| *people);
    Ok(all(connection)
        .await?
        .into_iter()
        .map(|provider| (of(provider.id), provider))
        .map(|(people, provider)| (provider, people))
        .collect())
}

/// Adds a provider.
///
/// # Errors
/// `Invalid`, field by field.
pub async fn create(db: &Database, keys: &Keys, admin: &Administrator, _: Confirmed, new: &NewProvider) -> Result<Provider, Error> {
    let checked = new.check(true)?;
    let mut tx = db.write().await?;
    if store::display_name_taken(&mut tx, &ids::fold(&checked.display_name), None).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let name = free_name(&mut tx, &checked.display_name).await?;
    let secret = keys.encrypt(&context(&name), &checked.secret)?;
    store::insert(&mut tx, &name, &checked, &secret).await.map_err(taken)?;
    let provider = get(&mut tx, &name).await?;
    audit::record(&mut tx, admin.actor(), "provider.created", provider.subject(), NOTHING, Some(provider.facts("Given"))).await?;
    tx.commit().await?;
    Ok(provider)
}

async fn free_name(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    if !slug.is_empty() && !RESERVED.contains(&slug.as_str()) && !store::name_taken(tx, &slug).await? {
        return Ok(slug);
    }
    Ok(if slug.is_empty() { ids::random_name(12) } else { format!("{slug}-{}", ids::random_name(4)) })
}

/// Changes a provider; an empty secret keeps the one that there is. False when nothing is different.
///
/// # Errors
/// `Stale` when it is no longer at the version the form was shown; `Invalid`, field by field: the issuer too, while people are linked, for
/// another one's subjects are other people.
pub async fn edit(
    db: &Database,
    keys: &Keys,
    (admin, _): (&Administrator, Confirmed),
    name: &str,
    version: i64,
    new: &NewProvider,
) -> Result<bool, Error> {
    let checked = new.check(false)?;
    let mut tx = db.write().await?;
    let provider = get(&mut tx, name).await?;
    let new_secret = !checked.secret.is_empty();
    if !new_secret && checked.is(&provider) {
        return Ok(false);
    }
    tx.one_at_a_time("ways in", 1).await?;
    if provider.enabled
        && !checked.enabled
        && !passwords_allowed(&mut tx).await?.allowed
        && store::enabled_but(&mut tx, provider.id).await? == 0
    {
        return Err(Error::invalid(
            "enabled",
            "Passwords are switched off, and this is the only provider: nobody could sign in. Allow passwords first.",
        ));
    }
    let people = store::count_people(&mut tx, provider.id).await?;
    if people > 0 && (checked.issuer != provider.issuer || checked.kind != provider.kind()) {
        let whom = if people == 1 { "1 person is".to_owned() } else { format!("{people} people are") };
        let why =
            format!("{whom} linked by this issuer, and the accounts of another one are other people’s. Add another provider instead.");
        return Err(Error::invalid("issuer", why));
    }
    if !new_secret && checked.issuer != provider.issuer {
        // It is sent wherever the issuer leads, and was given for the other one.
        return Err(Error::invalid("client_secret", "Another issuer gets a secret of its own: type the one that it gave you."));
    }
    if store::display_name_taken(&mut tx, &ids::fold(&checked.display_name), Some(provider.id)).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let secret = if new_secret { Some(keys.encrypt(&context(name), &checked.secret)?) } else { None };
    if !store::update(&mut tx, &provider, version, &checked, secret.as_deref()).await.map_err(taken)? {
        return Err(Error::Stale);
    }
    let edited = get(&mut tx, name).await?;
    let (before, after) = (provider.facts("Given"), edited.facts(if new_secret { "Given anew" } else { "Given" }));
    audit::record(&mut tx, admin.actor(), "provider.edited", edited.subject(), Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Somebody who has no password, and would have no way in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Stranded {
    pub name: String,
    pub display: String,
}

/// What deleting a provider takes with it.
#[derive(Clone, Debug)]
pub struct DeletionEffects {
    pub people: i64,
    pub memberships: i64,
    pub sessions: i64,
    /// Those who could not sign in any more, up to 20 of them, and how many.
    pub stranded: (Vec<Stranded>, i64),
}

pub async fn deletion_effects(connection: &mut Connection, provider: &Provider) -> Result<DeletionEffects, Error> {
    Ok(DeletionEffects {
        people: store::count_people(connection, provider.id).await?,
        memberships: groups::count_reported(connection, &provider.name).await?,
        sessions: sign_in::count_sessions_by(connection, provider.id).await?,
        stranded: store::stranded(connection, provider.id).await?,
    })
}

/// Deletes a provider: the links of people to it, their sessions that began by it, and memberships that it reported. Accounts stay.
///
/// # Errors
/// `Conflict` for the last way in of every administrator.
pub async fn delete(db: &Database, admin: &Administrator, _: Confirmed, name: &str) -> Result<Provider, Error> {
    let mut tx = db.write().await?;
    let provider = get(&mut tx, name).await?;
    tx.one_at_a_time("ways in", 1).await?;
    if !passwords_allowed(&mut tx).await?.allowed && store::enabled_but(&mut tx, provider.id).await? == 0 {
        return Err(Error::Conflict(
            "Passwords are switched off, and this is the only provider: nobody could sign in. Allow passwords first.".to_owned(),
        ));
    }
    sign_in::end_sessions_by(&mut tx, provider.id).await?;
    groups::forget_reported(&mut tx, provider.id, &provider.name).await?;
    scim::forget_provider(&mut tx, provider.id).await?;
    let people = store::delete(&mut tx, provider.id).await?;
    #[derive(Serialize)]
    struct Deleted {
        #[serde(flatten)]
        provider: ProviderFacts,
        linked: u64,
    }
    let before = Deleted { provider: provider.facts("Given"), linked: people };
    audit::record(&mut tx, admin.actor(), "provider.deleted", provider.subject(), Some(before), NOTHING).await?;
    tx.commit().await?;
    Ok(provider)
}

/// Whether people may sign in with a password, and at which version that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct PasswordSignIn {
    pub allowed: bool,
    pub version: i64,
}

#[derive(Serialize)]
struct PasswordFacts {
    allowed: bool,
}

/// What whoever comes with a password is told while none is taken.
pub const NO_PASSWORDS: Error = Error::Forbidden("Nobody signs in with a password here. Continue with one of the providers.");

/// # Errors
/// `Forbidden` while passwords are switched off.
pub async fn demand_passwords(connection: &mut Connection) -> Result<(), Error> {
    if passwords_allowed(connection).await?.allowed { Ok(()) } else { Err(NO_PASSWORDS) }
}

pub async fn passwords_allowed(connection: &mut Connection) -> Result<PasswordSignIn, Error> {
    store::password_sign_in(connection).await
}

/// Allows signing in with a password, or no longer. False when it was so.
///
/// # Errors
/// `Conflict` to whoever would switch it off in a session that began with a password, or by a provider that is off by now: that a provider
/// lets an administrator in has to be seen first. `by` is the account that the session began with.
pub async fn allow_passwords(db: &Database, admin: &Administrator, by: Option<IdentityId>, allowed: bool) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    // Whoever switches a provider off meanwhile must not leave nobody a way in.
    tx.one_at_a_time("ways in", 1).await?;
    if store::password_sign_in(&mut tx).await?.allowed == allowed {
        return Ok(false);
    }
    let by_provider = match by {
        Some(identity) => store::identities::provider_of(&mut tx, identity).await?.is_some(),
        None => false,
    };
    // The operator can bring passwords back.
    if !allowed && !by_provider && admin.id().is_some() {
        return Err(Error::Conflict("Sign in by a provider first, to see that it lets you in; then switch passwords off.".to_owned()));
    }
    store::allow_passwords(&mut tx, allowed).await?;
    let subject = Subject { kind: "portal", key: None, display: "Sign-in with a password".to_owned() };
    let (before, after) = (PasswordFacts { allowed: !allowed }, PasswordFacts { allowed });
    audit::record(&mut tx, admin.actor(), "portal.password_sign_in_edited", subject, Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Removes what is kept of people who go.
pub async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::forget_users(tx, users).await
}

/// Tries a provider, step by step, and notes how it went. No secret is in what is answered.
pub async fn test(db: &Database, keys: &Keys, memory: &Memory, base: &str, provider: &Provider) -> Result<Vec<Step>, Error> {
    memory.forget(provider.id);
    let line = line(db, keys, memory, base, provider).await?;
    let steps = testing::test(&line).await;
    note(db, provider, testing::problem(&steps).as_deref()).await?;
    Ok(steps)
}

/// How it went with a provider just now: a problem, or none.
async fn note(db: &Database, provider: &Provider, problem: Option<&str>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    match problem {
        Some(problem) => store::note_problem(&mut tx, provider.id, problem).await?,
        None => store::note_ok(&mut tx, provider.id).await?,
    }
    tx.commit().await
}

/// What is needed to speak to a provider; `base` is the portal's own address.
async fn line<'p>(db: &Database, keys: &Keys, memory: &'p Memory, base: &str, provider: &'p Provider) -> Result<Line<'p>, Error> {
    let sealed = store::secret(&mut db.read().await?, provider.id).await?;
    let secret = match sealed {
        Some(sealed) => keys.decrypt(&context(&provider.name), &sealed)?,
        None => String::new(),
    };
    Ok(Line { provider, secret, redirect: format!("{base}{}", provider.callback_path()), memory, now: db.now() })
}
