//! Identity providers: the directories whose accounts people sign in with. Here is what they are, and what administrators do to them; how
//! one is spoken to is in `protocol`, and who somebody is who comes from one in `arriving`.

pub mod arriving;
pub mod attempts;
mod form;
pub mod joining;
mod leaving;
pub mod linked;
pub mod pages;
mod passwords;
mod presets;
pub mod protocol;
mod provider;
pub mod provisioning;
mod store;
pub mod syncing;

use serde::Serialize;

pub use form::{NewProvider, Words};
pub use passwords::{NO_PASSWORDS, PasswordSignIn, allow_passwords, demand_passwords, passwords_allowed};
pub use presets::{Kind, Preset};
use provider::ProviderFacts;
pub use provider::{Provider, of_group_address};
pub use store::identities::Identity;

use crate::{
    audit::{self, NOTHING},
    auth::{self, Administrator, Confirmed, sign_in},
    db::{Connection, Database, Transaction},
    error::Error,
    groups,
    ids::{self, IdentityId, ProviderId, UserId},
    keys::Keys,
    scim, users,
};
use protocol::{
    Line, Memory,
    testing::{self, Step},
};

/// Where the list of providers stands.
pub const LIST: &str = "/publisher/settings/providers";

/// Names that addresses below `/signin/` have already.
const RESERVED: [&str; 4] = ["refused", "join", "again", "confirm"];

/// Binds a stored secret to its provider.
fn context(name: &str) -> String {
    format!("provider {name} secret")
}

/// The same for what lets the portal ask after one of its accounts.
fn grant_context(identity: IdentityId) -> String {
    format!("identity {} grant", identity.0)
}

/// The same for what its directory asks for.
fn directory_context(name: &str) -> String {
    format!("provider {name} directory")
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
    let mut tx = db.write().await?;
    let provider = create_in(&mut tx, keys, admin, new).await?;
    tx.commit().await?;
    Ok(provider)
}

/// As `create`, in the caller's transaction; whoever calls has been asked for a proof, or is nobody who could be.
pub async fn create_in(tx: &mut Transaction, keys: &Keys, admin: &Administrator, new: &NewProvider) -> Result<Provider, Error> {
    let checked = new.check(true)?;
    if store::display_name_taken(tx, &ids::fold(&checked.display_name), None).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let name = free_name(tx, &checked.display_name).await?;
    let secrets = checked.sealed(keys, &name)?;
    store::insert(tx, &name, &checked, &secrets).await.map_err(taken)?;
    let provider = get(tx, &name).await?;
    let facts = provider.facts("Given", checked.directory_words());
    audit::record(tx, admin.actor(), "provider.created", provider.subject(), NOTHING, Some(facts)).await?;
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
    if !new_secret && checked.directory_secret.is_empty() && checked.is(&provider) {
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
    checked.demand_secret_of_directory(&provider)?;
    if store::display_name_taken(&mut tx, &ids::fold(&checked.display_name), Some(provider.id)).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let secrets = checked.sealed(keys, &provider.name)?;
    if !store::update(&mut tx, &provider, version, &checked, &secrets).await.map_err(taken)? {
        return Err(Error::Stale);
    }
    if checked.administrators_value.is_empty() && !provider.administrators_value.is_empty() {
        // Nobody says any more that they are.
        users::provided::end_administrators(&mut tx, &auth::provider(&provider.display_name), provider.id).await?;
    }
    let edited = get(&mut tx, name).await?;
    let given = if new_secret { "Given anew" } else { "Given" };
    let before = provider.facts("Given", if provider.directory.is_empty() { "" } else { "Given" });
    let after = edited.facts(given, checked.directory_words());
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
    /// Those who administer by it.
    pub administrators: i64,
    /// Those who could not sign in any more, up to 20 of them, and how many.
    pub stranded: (Vec<Stranded>, i64),
}

pub async fn deletion_effects(connection: &mut Connection, provider: &Provider) -> Result<DeletionEffects, Error> {
    Ok(DeletionEffects {
        people: store::count_people(connection, provider.id).await?,
        memberships: groups::count_reported(connection, &provider.name).await?,
        sessions: sign_in::count_sessions_by(connection, provider.id).await?,
        administrators: users::provided::count_administrators(connection, provider.id).await?,
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
    users::provided::end_administrators(&mut tx, &auth::provider(&provider.display_name), provider.id).await?;
    let people = store::delete(&mut tx, provider.id).await?;
    #[derive(Serialize)]
    struct Deleted {
        #[serde(flatten)]
        provider: ProviderFacts,
        linked: u64,
    }
    let before = Deleted { provider: provider.facts("Given", ""), linked: people };
    audit::record(&mut tx, admin.actor(), "provider.deleted", provider.subject(), Some(before), NOTHING).await?;
    tx.commit().await?;
    Ok(provider)
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
    let (sealed, of_directory) = store::secrets(&mut db.read().await?, provider.id).await?;
    let open = |context: String, sealed: Option<Vec<u8>>| match sealed {
        Some(sealed) => keys.decrypt(&context, &sealed),
        None => Ok(String::new()),
    };
    Ok(Line {
        provider,
        secret: open(context(&provider.name), sealed)?,
        directory_secret: open(directory_context(&provider.name), of_directory)?,
        redirect: format!("{base}{}", provider.callback_path()),
        memory,
        now: db.now(),
    })
}
