//! A product's associations with groups and with APIs, by names that programs give them.

use super::{Product, VisibilityChange, add_apis_in, get, set_visibility_in, store};
use crate::{
    apis,
    auth::Administrator,
    db::{Connection, Database},
    error::Error,
    groups, ids,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Group,
    Api,
}

/// An association, and the name of the group or API in addresses.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Link {
    pub name: String,
    pub other: String,
}

/// The association of that name.
pub async fn find(connection: &mut Connection, kind: Kind, product: &Product, name: &str) -> Result<Option<Link>, Error> {
    store::links::find(connection, kind, product.id, name).await
}

/// Associates a product with a group or an API under a name; whether it is new. Repeating it changes nothing.
///
/// # Errors
/// `Invalid` on `id` (the link's name), `groupId` and `apiId` (there is none, or the link is to another one).
pub async fn put(db: &Database, admin: &Administrator, kind: Kind, product: &str, name: &str, other: &str) -> Result<(bool, Link), Error> {
    ids::check_name("id", name, 80)?;
    let field = if kind == Kind::Group { "groupId" } else { "apiId" };
    if name.contains(['*', '#', '&', '+', ':', '<', '>', '?']) {
        return Err(Error::invalid("id", "A link's name has none of * # & + : < > ?."));
    }
    let mut tx = db.write().await?;
    let product = get(&mut tx, product).await?;
    tx.one_at_a_time("links of product", product.id.0).await?;
    if let Some(known) = find(&mut tx, kind, &product, name).await? {
        if ids::fold(&known.other) == ids::fold(other) {
            return Ok((false, known));
        }
        return Err(Error::invalid(field, format!("The link {} leads to {}. Delete it, or choose another name.", known.name, known.other)));
    }
    let missing = |error: Error, what: &'static str| match error {
        Error::NotFound => Error::invalid(field, what),
        other => other,
    };
    let other = match kind {
        Kind::Group => {
            let group = groups::get(&mut tx, other).await.map_err(|error| missing(error, "Group not found"))?;
            set_visibility_in(&mut tx, admin, &product.name, &[VisibilityChange::new(group.name.clone(), true)]).await?;
            group.name
        }
        Kind::Api => {
            let api = apis::get(&mut tx, other).await.map_err(|error| missing(error, "API not found"))?;
            add_apis_in(&mut tx, admin, &product.name, &[api.id]).await?;
            api.name
        }
    };
    store::links::set(&mut tx, kind, product.id, &other, name).await?;
    tx.commit().await?;
    Ok((true, Link { name: name.to_owned(), other }))
}
