//! Which APIs a product contains.

use serde::{Deserialize, Serialize};

use super::{Named, Product, get, store};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Transaction},
    error::Error,
    ids::ApiId,
};

/// What the audit log keeps: the APIs really added or removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApisFacts {
    pub product: String,
    pub apis: Vec<Named>,
}

/// What a change of a product's APIs did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApisOutcome {
    pub product: Product,
    /// Those really added or removed.
    pub changed: Vec<Named>,
    /// APIs that were already as wanted.
    pub unchanged: i64,
    /// The audit entry; none when nothing changed.
    pub entry: Option<String>,
}

/// Puts APIs into a product. Those in it already, and those that are gone, are not changed.
pub async fn add_apis(db: &Database, admin: &Administrator, product: &str, apis: &[ApiId]) -> Result<ApisOutcome, Error> {
    let mut tx = db.write().await?;
    let outcome = add_apis_in(&mut tx, admin, product, apis).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `add_apis`, in the caller's transaction.
pub async fn add_apis_in(tx: &mut Transaction, admin: &Administrator, product: &str, apis: &[ApiId]) -> Result<ApisOutcome, Error> {
    let product = get(tx, product).await?;
    let added = store::insert_apis(tx, product.id, apis).await?;
    outcome(tx, admin, product, "product.apis_added", &added, apis).await
}

/// Takes APIs out of a product; the APIs themselves stay.
pub async fn remove_apis(db: &Database, admin: &Administrator, product: &str, apis: &[ApiId]) -> Result<ApisOutcome, Error> {
    let mut tx = db.write().await?;
    let outcome = remove_apis_in(&mut tx, admin, product, apis).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `remove_apis`, in the caller's transaction.
pub async fn remove_apis_in(tx: &mut Transaction, admin: &Administrator, product: &str, apis: &[ApiId]) -> Result<ApisOutcome, Error> {
    let product = get(tx, product).await?;
    let removed = store::delete_apis(tx, product.id, apis).await?;
    outcome(tx, admin, product, "product.apis_removed", &removed, apis).await
}

async fn outcome(
    tx: &mut Transaction,
    admin: &Administrator,
    product: Product,
    action: &'static str,
    changed: &[ApiId],
    asked: &[ApiId],
) -> Result<ApisOutcome, Error> {
    let existing = store::names_of_apis(tx, asked).await?;
    let changed = store::names_of_apis(tx, changed).await?;
    let unchanged = i64::try_from(existing.len() - changed.len().min(existing.len())).unwrap_or(i64::MAX);
    let entry = if changed.is_empty() {
        None
    } else {
        let facts = ApisFacts { product: product.name.clone(), apis: changed.clone() };
        Some(audit::record(tx, admin.actor(), action, product.subject(), audit::NOTHING, Some(facts)).await?)
    };
    Ok(ApisOutcome { product, changed, unchanged, entry })
}

/// Takes an API out of every product, in the transaction that deletes the API and says so in the log. How many products contained it.
pub async fn forget_api(tx: &mut Transaction, api: ApiId) -> Result<u64, Error> {
    store::forget_api(tx, api).await
}
