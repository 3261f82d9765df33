//! People as a provider keeps them: a resource is an account and what the provider says of it. Only what the provider changes is changed in the
//! account, so that what it repeats takes nothing back.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Found, Kind, Search, Seen, Told, begin, document,
    given::{EMAILS, Given, cut},
    meta, patch,
    store::{self, Row},
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::Provisioner,
    db::{Connection, Database, Transaction},
    error::{Error, Problem, Problems},
    groups::provisioned as groups,
    ids::{self, UserId},
    mail::Post,
    providers::{self, provisioning},
    users::{
        User, UserFacts,
        provisioned::{self, Said},
    },
};

/// Problems of an account as SCIM calls them.
fn translated(error: Error) -> Error {
    match error {
        Error::Invalid(problems) => {
            let kind = |field| if ["email", "first_name", "last_name"].contains(&field) { "invalidValue" } else { field };
            Error::Invalid(Problems(problems.0.into_iter().map(|one| Problem { field: kind(one.field), ..one }).collect()))
        }
        other => other,
    }
}

impl Row {
    /// Of the resource and of the account: what is told of it depends on both.
    fn mark(&self) -> String {
        format!("{}.{}", self.version, self.user_version)
    }

    fn document(&self) -> Result<Map<String, Value>, Error> {
        let mut document = Map::new();
        if !self.external_id.is_empty() {
            document.insert("externalId".to_owned(), self.external_id.clone().into());
        }
        document.insert("userName".to_owned(), self.user_name.clone().into());
        document.insert("active".to_owned(), (self.state != "blocked").into());
        document.extend(serde_json::from_str::<Map<String, Value>>(&self.attributes)?);
        // It was taken back that anything is said of it.
        document.retain(|_, value| !value.is_null());
        Ok(document)
    }

    fn told(&self, base: &str) -> Result<Told, Error> {
        let attributes = self.document()?;
        let mut resource = Map::new();
        resource.insert("schemas".to_owned(), document::schemas_of(Kind::User, &attributes));
        resource.insert("id".to_owned(), self.name.clone().into());
        resource.extend(attributes);
        let version = self.mark();
        resource.insert("meta".to_owned(), meta(Kind::User, base, &self.name, (self.created_at, self.modified_at), &version));
        Ok(Told { resource, version, id: self.name.clone() })
    }
}

pub async fn get(connection: &mut Connection, who: &Provisioner, base: &str, id: &str) -> Result<Told, Error> {
    store::find(connection, who.provider(), id).await?.ok_or(Error::NotFound)?.told(base)
}

/// # Errors
/// `Invalid` on `invalidFilter` and `invalidValue`.
pub async fn list(connection: &mut Connection, who: &Provisioner, base: &str, search: &Search) -> Result<Found, Error> {
    let (narrowing, order) = (search.narrowing(Kind::User)?, search.order(Kind::User)?);
    let (rows, total) = store::list(connection, who.provider(), narrowing.as_ref(), order, search.page()).await?;
    let told = |row: &Row| Ok(Value::Object(search.projection.of(Kind::User, row.told(base)?.resource)));
    Ok(Found { resources: rows.iter().map(told).collect::<Result<_, Error>>()?, total })
}

/// What the audit log keeps of an account that a provider keeps.
#[derive(Serialize)]
struct Facts<'f> {
    #[serde(flatten)]
    user: &'f UserFacts,
    provider: &'f str,
}

/// The same of a change: what was left with it.
#[derive(Serialize)]
struct GoneFacts<'f> {
    #[serde(flatten)]
    user: &'f UserFacts,
    provider: &'f str,
    left: Vec<String>,
}

/// Which attributes were changed; what they are is the person's.
#[derive(Serialize)]
struct AttributeFacts<'f> {
    provider: &'f str,
    attributes: Vec<String>,
}

const SAME_NAME: &str = "The provider keeps somebody with this userName already.";
const SAME_ACCOUNT: &str = "The provider keeps somebody with the same account already.";

/// Keeps somebody from now on: one who was gone, one who has an account with the address, or somebody new.
///
/// # Errors
/// `Invalid` on `invalidValue`, on `uniqueness` for somebody who is kept already and for an administrator; `Conflict` for the last one.
pub async fn create(db: &Database, post: &Post, who: &Provisioner, base: &str, resource: Value) -> Result<Told, Error> {
    let given = Given::new(document::read(Kind::User, resource)?)?;
    let attributes = document::kept(&given.attributes)?;
    let mut tx = begin(db, who).await?;
    if store::of_user_name(&mut tx, who.provider(), &ids::fold(&given.user_name)).await?.is_some() {
        return Err(Error::invalid("uniqueness", SAME_NAME));
    }
    let email = given.email();
    allow(&mut tx, who, email.as_deref()).await?;
    let user = match known(&mut tx, who, &given, email.as_deref()).await? {
        Some(user) => take_over(&mut tx, post, who, &given, email.as_deref(), user).await?,
        None => {
            let email = email.as_deref().ok_or_else(|| {
                Error::invalid("invalidValue", "The account needs an email address: one in emails, or a userName that is one.")
            })?;
            let (first, last) = given.names();
            let said = Said { email: Some(email), first_name: Some(&first), last_name: Some(&last), active: Some(given.active) };
            provisioned::open(&mut tx, who.admin(), who.provider(), said).await.map_err(translated)?.id
        }
    };
    let emails = given.emails();
    store::insert(&mut tx, who.provider(), user, &given.kept(&attributes, &emails, email.as_deref().unwrap_or_default())).await?;
    finish(tx, who, base, user).await
}

async fn finish(mut tx: Transaction, who: &Provisioner, base: &str, user: UserId) -> Result<Told, Error> {
    let told = store::of_user(&mut tx, who.provider(), user).await?.ok_or(Error::NotFound)?.told(base)?;
    tx.commit().await?;
    Ok(told)
}

/// # Errors
/// `Invalid` on `invalidValue` for an address that may not come in by the provider.
async fn allow(tx: &mut Transaction, who: &Provisioner, email: Option<&str>) -> Result<(), Error> {
    let Some(email) = email else { return Ok(()) };
    let provider = providers::get(tx, who.name()).await?;
    if provider.allows(email) {
        return Ok(());
    }
    Err(Error::invalid("invalidValue", "The domain of the email address is not among those that are allowed for the provider."))
}

/// The account of somebody who was gone, or that has the address.
async fn known(tx: &mut Transaction, who: &Provisioner, given: &Given, email: Option<&str>) -> Result<Option<User>, Error> {
    let gone = gone(tx, who, given).await?;
    let user = match (&gone, email) {
        (Some(row), _) => crate::users::provided::of_key(tx, row.user_id).await?,
        (None, Some(email)) => provisioned::of_address(tx, email).await?,
        (None, None) => None,
    };
    let Some(user) = user else { return Ok(None) };
    // Of an address that is spelled otherwise the mailbox may be another.
    if gone.is_none() && email.is_some_and(|email| email.to_lowercase() != user.email.to_lowercase()) {
        return Err(Error::invalid("uniqueness", "Somebody has an account with an email address that is compared as this one."));
    }
    if store::of_user(tx, who.provider(), user.id).await?.is_some_and(|row| !row.gone) {
        return Err(Error::invalid("uniqueness", SAME_ACCOUNT));
    }
    if user.administrator && !provisioning::is_linked(tx, who.provider(), user.id).await? {
        let why = "The account is an administrator’s. It can be kept once they have linked their account of the provider to it.";
        return Err(Error::invalid("uniqueness", why));
    }
    Ok(Some(user))
}

/// Whoever was kept before, by the external id, or else by the user name where no other external id is given.
async fn gone(tx: &mut Transaction, who: &Provisioner, given: &Given) -> Result<Option<Row>, Error> {
    if !given.external_id.is_empty() {
        let rows = store::of_external_id(tx, who.provider(), &given.external_id, true).await?;
        if let Some(row) = rows.into_iter().next() {
            return Ok(Some(row));
        }
    }
    let row = store::gone_of_user_name(tx, who.provider(), &ids::fold(&given.user_name)).await?;
    Ok(row.filter(|row| row.external_id.is_empty() || given.external_id.is_empty()))
}

async fn take_over(
    tx: &mut Transaction,
    post: &Post,
    who: &Provisioner,
    given: &Given,
    email: Option<&str>,
    user: User,
) -> Result<UserId, Error> {
    let (first, last) = (given.part("name", "givenName").trim(), given.part("name", "familyName").trim());
    let said = Said {
        email: email.filter(|email| *email != user.email),
        first_name: Some(first).filter(|name| !name.is_empty()),
        last_name: Some(last).filter(|name| !name.is_empty()),
        active: Some(given.active),
    };
    let said = may_let_in(tx, who, user.id, said).await?;
    let changed = provisioned::change(tx, post, (who.admin(), who.provider()), user.id, said).await.map_err(translated)?;
    let after = Facts { user: &changed.after, provider: who.display_name() };
    let subject = Subject::new("user", user.id.0, changed.user.display());
    audit::record(tx, who.admin().actor(), "user.taken_over", subject, Some(&changed.before), Some(after)).await?;
    Ok(user.id)
}

/// Where another provider wants the account blocked, it stays so, and is that one's to let in.
async fn may_let_in<'s>(tx: &mut Transaction, who: &Provisioner, user: UserId, said: Said<'s>) -> Result<Said<'s>, Error> {
    if said.active == Some(true)
        && let Some(other) = store::blocked_elsewhere(tx, who.provider(), user).await?
        && provisioned::hand_over(tx, user, who.provider(), other).await?
    {
        return Ok(Said { active: None, ..said });
    }
    Ok(said)
}

/// Replaces what the provider says of somebody.
///
/// # Errors
/// `NotFound`; `Stale`; as `create`.
pub async fn replace(
    db: &Database,
    post: &Post,
    who: &Provisioner,
    base: &str,
    (id, seen): (&str, &Seen),
    resource: Value,
) -> Result<Told, Error> {
    let document = document::read(Kind::User, resource)?;
    let mut tx = begin(db, who).await?;
    let row = store::find(&mut tx, who.provider(), id).await?.ok_or(Error::NotFound)?;
    seen.meets(&row.mark())?;
    let says_active = document.contains_key("active");
    write(tx, post, who, base, row, (document, says_active)).await
}

/// Changes some of what the provider says of somebody.
///
/// # Errors
/// `NotFound`; `Stale`; as `create`; what cannot be read of the PATCH.
pub async fn change(
    db: &Database,
    post: &Post,
    who: &Provisioner,
    base: &str,
    (id, seen): (&str, &Seen),
    body: Value,
) -> Result<Told, Error> {
    let changes = patch::changes(body)?;
    let mut tx = begin(db, who).await?;
    let row = store::find(&mut tx, who.provider(), id).await?.ok_or(Error::NotFound)?;
    seen.meets(&row.mark())?;
    let mut document = row.document()?;
    let says_active = changes.iter().any(|change| change.is_of(Kind::User, "active"));
    for change in changes {
        change.apply(Kind::User, &mut document)?;
    }
    write(tx, post, who, base, row, (document, says_active)).await
}

async fn write(
    mut tx: Transaction,
    post: &Post,
    who: &Provisioner,
    base: &str,
    row: Row,
    (mut document, says_active): (Map<String, Value>, bool),
) -> Result<Told, Error> {
    let known = row.document()?;
    let was_unsaid = !known.contains_key("active");
    let unsaid = if says_active { !document.contains_key("active") } else { was_unsaid };
    if unsaid || !says_active {
        // What is read is how the account is, and not what the provider wants, which is not forgotten by leaving it out.
        document.insert("active".to_owned(), row.active.into());
    }
    let (before, mut given) = (Given::new(known)?, Given::new(document)?);
    if unsaid {
        given.attributes.insert("active".to_owned(), Value::Null);
    }
    let attributes = document::kept(&given.attributes)?;
    if ids::fold(&given.user_name) != ids::fold(&row.user_name)
        && store::of_user_name(&mut tx, who.provider(), &ids::fold(&given.user_name)).await?.is_some()
    {
        return Err(Error::invalid("uniqueness", SAME_NAME));
    }
    let email = given.email();
    let moved = email.as_deref().filter(|email| before.email().as_deref() != Some(*email));
    allow(&mut tx, who, moved).await?;
    let (first, last) = given.names();
    let (first_before, last_before) = before.names();
    let is_so = given.active == (row.state != "blocked");
    let said = Said {
        email: moved,
        first_name: Some(first.as_str()).filter(|name| !name.is_empty() && *name != first_before),
        last_name: Some(last.as_str()).filter(|name| !name.is_empty() && *name != last_before),
        active: Some(given.active).filter(|_| says_active && !unsaid && !is_so),
    };
    let said = may_let_in(&mut tx, who, row.user_id, said).await?;
    let changed = provisioned::change(&mut tx, post, (who.admin(), who.provider()), row.user_id, said).await.map_err(translated)?;
    let differing = differing(&before, &given, &row, was_unsaid == unsaid);
    if differing.is_empty() && changed.is_nothing() && row.active == given.active {
        // Nothing to write, and its version stays.
        return finish(tx, who, base, row.user_id).await;
    }
    let emails = given.emails();
    store::update(&mut tx, row.id, &given.kept(&attributes, &emails, email.as_deref().unwrap_or_default())).await?;
    record(&mut tx, who, &changed, differing).await?;
    let told = finish(tx, who, base, row.user_id).await;
    post.wake();
    told
}

/// The names of what is different, at the top.
fn differing(before: &Given, given: &Given, row: &Row, says_as_much: bool) -> Vec<String> {
    let names = before.attributes.keys().chain(given.attributes.keys().filter(|name| !before.attributes.contains_key(*name)));
    let mut differing: Vec<String> = names
        .filter(|name| *name != "active" && before.attributes.get(*name) != given.attributes.get(*name))
        .map(|name| cut(name))
        .take(EMAILS)
        .collect();
    let own = [
        ("userName", row.user_name == given.user_name),
        ("externalId", row.external_id == given.external_id),
        ("active", says_as_much && row.active == given.active),
    ];
    differing.extend(own.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()));
    differing
}

/// One entry: what became of the account, or else which attributes are different.
async fn record(tx: &mut Transaction, who: &Provisioner, changed: &provisioned::Changed, differing: Vec<String>) -> Result<(), Error> {
    let subject = Subject::new("user", changed.user.id.0, changed.user.display());
    let actor = who.admin().actor();
    if changed.is_nothing() {
        let facts = AttributeFacts { provider: who.display_name(), attributes: differing };
        audit::record(tx, actor, "user.attributes_provisioned", subject, NOTHING, Some(facts)).await?;
        return Ok(());
    }
    let action = match (changed.before.state == changed.after.state, changed.after.state.as_str()) {
        (true, _) => "user.edited",
        (false, "blocked") => "user.blocked",
        (false, _) => "user.activated",
    };
    audit::record(tx, actor, action, subject, Some(&changed.before), Some(&changed.after)).await?;
    Ok(())
}

/// The provider does not have the person any more: the memberships that came by it end, and the account is blocked. It stays, with its
/// subscriptions, for an administrator to delete.
///
/// # Errors
/// `NotFound`; `Stale`; `Conflict` for the last administrator.
pub async fn delete(db: &Database, post: &Post, who: &Provisioner, id: &str, seen: &Seen) -> Result<(), Error> {
    let mut tx = begin(db, who).await?;
    let row = store::find(&mut tx, who.provider(), id).await?.ok_or(Error::NotFound)?;
    seen.meets(&row.mark())?;
    let said = Said { active: Some(false), ..Said::default() };
    let changed = provisioned::change(&mut tx, post, (who.admin(), who.provider()), row.user_id, said).await.map_err(translated)?;
    let left = groups::leave_all(&mut tx, who, row.user_id).await?;
    store::end(&mut tx, row.id).await?;
    let before = GoneFacts { user: &changed.before, provider: who.display_name(), left };
    let subject = Subject::new("user", row.user_id.0, changed.user.display());
    audit::record(&mut tx, who.admin().actor(), "user.deprovisioned", subject, Some(before), Some(&changed.after)).await?;
    tx.commit().await
}
