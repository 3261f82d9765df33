//! Products as programs write them: made or changed in one transaction, with what pages do in several forms.

use super::{NewProduct, Product, create_in, delete_in, edit_in, get, set_published, store};
use crate::{
    auth::Administrator,
    db::{Database, Transaction},
    error::Error,
    ids,
    rest::Seen,
};

/// What a program says of a product. What is left out stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Written {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub terms: Option<String>,
    pub subscription_required: Option<bool>,
    pub approval_required: Option<bool>,
    /// None within is unlimited.
    pub subscriptions_limit: Option<Option<i64>>,
    pub published: Option<bool>,
}

impl Written {
    fn over(&self, product: NewProduct) -> NewProduct {
        let limit = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        NewProduct {
            display_name: self.display_name.clone().unwrap_or(product.display_name),
            description: self.description.clone().unwrap_or(product.description),
            terms: self.terms.clone().unwrap_or(product.terms),
            subscription_required: self.subscription_required.unwrap_or(product.subscription_required),
            approval_required: self.approval_required.unwrap_or(product.approval_required),
            subscriptions_limit: self.subscriptions_limit.map_or(product.subscriptions_limit, limit),
        }
    }
}

/// Makes the product of this name, or changes the one that is there. Whether it was made; the product.
///
/// # Errors
/// As `create` and `edit`; `Stale` when the product is not as it was seen.
pub async fn put(db: &Database, admin: &Administrator, name: &str, seen: Seen, written: &Written) -> Result<(bool, Product), Error> {
    ids::check_name("productId", name, 256)?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("put product", ids::number_of(name)).await?;
    let found = store::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|product| product.version))?;
    let done = match found {
        Some(product) => (false, change_in(&mut tx, admin, &product, seen.version(), written).await?),
        None => {
            let facts = written.over(NewProduct { subscriptions_limit: String::new(), ..NewProduct::default() }).check()?;
            let product = create_in(&mut tx, admin, &facts, Some(name)).await?;
            if written.published == Some(true) {
                set_published(&mut tx, admin, &product.name, true).await?;
            }
            (true, get(&mut tx, name).await?)
        }
    };
    tx.commit().await?;
    Ok(done)
}

/// Changes what is given of a product.
///
/// # Errors
/// As `put`; `NotFound`.
pub async fn patch(db: &Database, admin: &Administrator, name: &str, at: Option<i64>, written: &Written) -> Result<Product, Error> {
    let mut tx = db.write().await?;
    let product = get(&mut tx, name).await?;
    let product = change_in(&mut tx, admin, &product, at, written).await?;
    tx.commit().await?;
    Ok(product)
}

async fn change_in(
    tx: &mut Transaction,
    admin: &Administrator,
    product: &Product,
    at: Option<i64>,
    written: &Written,
) -> Result<Product, Error> {
    if at.is_some_and(|at| at != product.version) {
        return Err(Error::Stale);
    }
    edit_in(tx, admin, product, product.version, &written.over(NewProduct::from(product))).await?;
    if let Some(published) = written.published {
        set_published(tx, admin, &product.name, published).await?;
    }
    get(tx, &product.name).await
}

const HAS_SUBSCRIPTIONS: &str = "The product has subscriptions: say deleteSubscriptions=true to delete them with it.";

/// Deletes a product at this version; with `subscriptions`, whatever subscriptions it has.
///
/// # Errors
/// `Invalid` on `deleteSubscriptions` when it has some, and nobody said that they may go; `Stale`; `NotFound`.
pub async fn delete_at(db: &Database, admin: &Administrator, name: &str, at: Option<i64>, subscriptions: bool) -> Result<(), Error> {
    let mut tx = db.write().await?;
    let product = get(&mut tx, name).await?;
    if at.is_some_and(|at| at != product.version) {
        return Err(Error::Stale);
    }
    match delete_in(&mut tx, admin, &product, if subscriptions { i64::MAX } else { 0 }).await {
        Err(Error::Conflict(_)) if !subscriptions => return Err(Error::invalid("deleteSubscriptions", HAS_SUBSCRIPTIONS)),
        done => _ = done?,
    }
    tx.commit().await
}
