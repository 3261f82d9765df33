//! SQL of subscriptions.

use crate::{
    db::{Connection, Transaction, run},
    error::Error,
    ids::ProductId,
};

pub(super) async fn delete_of_product(tx: &mut Transaction, product: ProductId) -> Result<u64, Error> {
    let connection: &mut Connection = tx;
    Ok(
        run!(connection, c => sqlx::query("delete from subscriptions where product_id = $1").bind(product).execute(c).await?.rows_affected()),
    )
}
