//! The developer portal, and the visibility rule: which products, and so which APIs, a viewer sees.
//! What a viewer does not see is `None` here, as what does not exist is.

mod memory;
pub mod pages;
mod store;

use std::{collections::HashMap, sync::Arc};

pub use memory::{Api, Catalog, Memory, Product, ProductCard};
pub use store::{
    SEEN_BY_OWNER, UNSEEN,
    apis::{ApiSeen, OperationRow, OperationSeen},
    products::{Held, ProductSeen},
};

use crate::{
    apis::natural,
    auth::{SignedIn, Visitor},
    db::{Connection, Database, Instant},
    error::Error,
    ids::{GroupId, ProductId, SubscriptionId, UserId},
};

/// Who looks: a guest, or a user with the groups that the user has at the instant of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer(UserId);

impl Viewer {
    /// No user has the key 0, so no group is a guest's own.
    pub const GUEST: Viewer = Viewer(UserId(0));

    pub fn user(user: UserId) -> Self {
        Self(user)
    }

    pub fn is_guest(self) -> bool {
        self == Self::GUEST
    }

    pub fn key(self) -> UserId {
        self.0
    }
}

impl From<&Visitor> for Viewer {
    fn from(visitor: &Visitor) -> Self {
        visitor.person().map_or(Self::GUEST, |person| Self(person.id))
    }
}

impl From<&SignedIn> for Viewer {
    fn from(signed_in: &SignedIn) -> Self {
        Self(signed_in.id())
    }
}

/// A stretch of a list: what it must contain (as typed), how many rows, after how many.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub needle: &'a str,
    pub limit: i64,
    pub offset: i64,
}

/// What a viewer holds of each product; nothing for a guest.
pub async fn held(db: &Database, visitor: &Visitor) -> Result<HashMap<ProductId, Held>, Error> {
    match visitor.person() {
        Some(person) => store::products::held(&mut db.read().await?, person.id).await,
        None => Ok(HashMap::new()),
    }
}

/// A product, when the viewer sees it.
pub async fn find_product(connection: &mut Connection, viewer: Viewer, now: Instant, name: &str) -> Result<Option<ProductSeen>, Error> {
    store::products::find(connection, viewer.0, now, name).await
}

/// What an API's pages show: the API, the products that the viewer sees it in, its operations, and the one that was asked for.
pub struct ApiPageParts {
    pub api: ApiSeen,
    pub products: Vec<Arc<Product>>,
    /// The versions of it that the viewer sees, itself among them; none when it has no other.
    pub versions: Vec<Arc<Api>>,
    pub operations: Vec<OperationRow>,
    pub operation: Option<OperationSeen>,
}

/// An API, when the viewer sees a product that contains it, and one of its operations by name; an empty name is none's.
pub async fn find_api(
    db: &Database,
    memory: &Memory,
    visitor: &Visitor,
    name: &str,
    operation: &str,
) -> Result<Option<ApiPageParts>, Error> {
    let known = memory.current(db, visitor.standing()).await?;
    let Some((api, products)) = known.api(visitor.standing(), name) else { return Ok(None) };
    let mut versions = known.versions(visitor.standing(), &api);
    versions.sort_by(|one, other| natural(&one.set_version, &other.set_version));
    let read = store::apis::read(&mut db.read().await?, api.id, operation).await?;
    Ok(read.map(|(api, operations, operation)| ApiPageParts { api, products, versions, operations, operation }))
}

/// An API, when the viewer sees a product that contains it.
pub async fn sees_api(db: &Database, memory: &Memory, visitor: &Visitor, name: &str) -> Result<Option<Arc<Api>>, Error> {
    let known = memory.current(db, visitor.standing()).await?;
    Ok(known.api(visitor.standing(), name).map(|(api, _)| api))
}

/// How many live subscriptions would be hidden from their owners if the group were gone. They keep working.
pub async fn count_losing_sight(connection: &mut Connection, group: GroupId, now: Instant) -> Result<i64, Error> {
    store::count_losing_sight(connection, group, now).await
}

/// Those of the subscriptions whose owners no longer see the product; they keep working and are marked so.
pub async fn without_sight(
    connection: &mut Connection,
    subscriptions: &[SubscriptionId],
    now: Instant,
) -> Result<Vec<SubscriptionId>, Error> {
    if subscriptions.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<i64> = subscriptions.iter().map(|key| key.0).collect();
    store::without_sight(connection, &keys, now).await
}

/// Whether a user may subscribe to a product: it is published and associated with one of the user's own groups.
pub async fn may_subscribe(connection: &mut Connection, product: ProductId, user: UserId, now: Instant) -> Result<bool, Error> {
    store::may_subscribe(connection, product, user, now).await
}
