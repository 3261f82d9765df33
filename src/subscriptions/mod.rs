//! Subscriptions: a user's hold on a product, its keys and its states.

mod store;

use crate::{db::Transaction, error::Error, ids::ProductId};

/// Deletes every subscription of a product, in the transaction that deletes the product. How many there were.
pub async fn delete_of_product(tx: &mut Transaction, product: ProductId) -> Result<u64, Error> {
    store::delete_of_product(tx, product).await
}
