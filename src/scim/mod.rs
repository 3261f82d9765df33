//! SCIM 2.0 (RFC 7643 and 7644): programs of identity providers keep people and groups here. Each sees what is its provider's alone, and does
//! by it what the operations of users and groups allow. JSON alone; how it is asked over HTTP is in `api`.

pub mod api;
mod document;
mod filter;
mod given;
pub mod groups;
mod narrow;
mod patch;
pub mod schemas;
mod store;
pub mod users;

use serde_json::{Map, Value, json};

pub use document::Projection;
pub use schemas::Kind;
pub use store::Keeper;

use crate::{
    auth::{Provisioner, tokens::provisioning},
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    groups::provisioned,
    ids::{ProviderId, UserId},
};

/// Which resources of a list are wanted, and what of them.
#[derive(Clone, Debug, Default)]
pub struct Search {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub descending: bool,
    /// From 1.
    pub start: i64,
    pub count: i64,
    pub projection: Projection,
}

/// A page of a list.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub resources: Vec<Value>,
    /// Of all that match.
    pub total: i64,
}

impl Search {
    fn narrowing(&self, kind: Kind) -> Result<Option<narrow::Narrowing>, Error> {
        self.filter.as_deref().map(|text| narrow::Narrowing::new(kind, &filter::filter(text)?)).transpose()
    }

    fn order(&self, kind: Kind) -> Result<&'static str, Error> {
        let attr = match self.sort_by.as_deref() {
            Some(text) => Some(filter::attr(text).ok_or_else(|| Error::invalid("invalidValue", "sortBy names an attribute."))?),
            None => None,
        };
        let order = narrow::order(kind, attr.as_ref())?;
        Ok(if self.descending && attr.is_some() { order.down } else { order.up })
    }

    fn page(&self) -> (i64, i64) {
        (self.count.clamp(0, schemas::MOST), self.start.max(1) - 1)
    }
}

/// What a client has seen of a resource that it changes.
#[derive(Clone, Debug, Default)]
pub enum Seen {
    #[default]
    Unsaid,
    /// One of these versions; an empty list is any that there is.
    At(Vec<String>),
}

impl Seen {
    /// # Errors
    /// `Stale` when the resource is at another version.
    fn meets(&self, version: &str) -> Result<(), Error> {
        match self {
            Self::At(versions) if !versions.is_empty() && !versions.iter().any(|seen| seen == version) => Err(Error::Stale),
            _ => Ok(()),
        }
    }
}

/// A resource as it is told, and its version.
#[derive(Clone, Debug)]
pub struct Told {
    pub resource: Map<String, Value>,
    pub version: String,
    /// Its name in addresses.
    pub id: String,
}

/// What a resource says of itself.
fn meta(kind: Kind, base: &str, id: &str, (created, modified): (Instant, Instant), version: &str) -> Value {
    json!({
        "resourceType": kind.name(),
        "created": created.rfc3339(),
        "lastModified": modified.rfc3339(),
        "location": location(kind, base, id),
        "version": format!("W/\"{version}\""),
    })
}

/// The whole address of a resource; `base` is that of SCIM here.
pub fn location(kind: Kind, base: &str, id: &str) -> String {
    format!("{base}/{}/{}", kind.endpoint(), crate::ids::encode(id))
}

/// A transaction in which a provider's program changes something: what is changed at once waits for each other, so that nothing is there
/// twice.
///
/// # Errors
/// `SignIn` when the token was revoked since the request began, or its provider was switched off.
async fn begin(db: &Database, who: &Provisioner) -> Result<Transaction, Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("scim", who.provider().0).await?;
    if !provisioning::stands(&mut tx, who.token()).await? {
        return Err(Error::SignIn);
    }
    Ok(tx)
}

/// People and then groups that meet what is asked; what one kind cannot be asked for, none of it meets.
///
/// # Errors
/// `Invalid` when neither kind can be asked.
pub async fn search(connection: &mut Connection, who: &Provisioner, base: &str, search: &Search) -> Result<Found, Error> {
    let (limit, offset) = search.page();
    let people = match users::list(connection, who, base, search).await {
        Ok(found) => Ok(found),
        Err(Error::Invalid(problems)) => Err(Error::Invalid(problems)),
        Err(other) => return Err(other),
    };
    let before = people.as_ref().map_or(0, |found| found.total);
    let taken = people.as_ref().map_or(0, |found| i64::try_from(found.resources.len()).unwrap_or(0));
    let rest = Search { start: (offset - before).max(0) + 1, count: limit - taken, ..search.clone() };
    let groups = match groups::list(connection, who, base, &rest).await {
        Ok(found) => found,
        Err(Error::Invalid(problems)) if people.is_err() => return Err(Error::Invalid(problems)),
        Err(Error::Invalid(_)) => Found::default(),
        Err(other) => return Err(other),
    };
    let mut found = people.unwrap_or_default();
    found.total += groups.total;
    found.resources.extend(groups.resources);
    Ok(found)
}

/// What the page of a provider says.
#[derive(Clone, Debug)]
pub struct Summary {
    pub users: i64,
    pub groups: i64,
}

pub async fn summary(connection: &mut Connection, provider: ProviderId, name: &str) -> Result<Summary, Error> {
    Ok(Summary { users: store::count(connection, provider).await?, groups: provisioned::count(connection, name).await? })
}

/// Which providers keep an account here.
pub async fn keepers(connection: &mut Connection, user: UserId) -> Result<Vec<Keeper>, Error> {
    store::keepers(connection, user).await
}

/// Whom a provider keeps here by this external id, where it is one alone.
pub async fn of_external_id(connection: &mut Connection, provider: ProviderId, external_id: &str) -> Result<Option<UserId>, Error> {
    if external_id.is_empty() {
        return Ok(None);
    }
    let rows = store::of_external_id(connection, provider, external_id, false).await?;
    Ok(if let [row] = rows.as_slice() { Some(row.user_id) } else { None })
}

/// Ends its tokens and forgets its people, in the transaction in which a provider goes. Accounts and groups stay.
pub async fn forget_provider(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    provisioning::forget_provider(tx, provider).await?;
    crate::users::provisioned::forget_provider(tx, provider).await?;
    store::forget_provider(tx, provider).await
}

/// Removes what is kept of people who go: a provider finds them no more.
pub async fn forget_users(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    store::forget_users(tx, users).await
}
