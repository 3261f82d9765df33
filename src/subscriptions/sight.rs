//! Telling owners that a product is gone from their sight. The change that may have taken it notes whom it concerns, in its own
//! transaction; whether they did lose it is asked afterwards, of the one rule, when the change and what took it back are done.

use super::{store, told};
use crate::{
    catalog,
    db::{Database, Transaction},
    error::Error,
    ids,
    mail::{self, Kind, Mail, Post},
};
pub use store::sight::Closing;

/// So many are looked at in one transaction.
const AT_ONCE: i64 = 500;

/// Notes whose sight of what they hold is to be looked at, before a group or a product is closed to them.
pub async fn before_closing(tx: &mut Transaction, closing: Closing<'_>) -> Result<(), Error> {
    store::sight::note(tx, closing).await
}

/// Tells those who lost it, once; how many were looked at.
pub(super) async fn tell_lost(db: &Database, post: &Post) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let looked = store::sight::take(&mut tx, AT_ONCE).await?;
    let now = tx.now();
    let lost = catalog::without_sight(&mut tx, &looked, now).await?;
    let keys: Vec<i64> = lost.iter().map(|key| key.0).collect();
    let batch = ids::random_name(12);
    let mails = store::sight::to_tell(&mut tx, &keys).await?.into_iter().map(|held| {
        let mail = Mail::new(Kind::AccessLost, held.owner(), told(post, &held.subscription));
        Mail { batch: Some(batch.clone()), ..mail }
    });
    let mails = mails.collect();
    mail::write_many(&mut tx, post, mails).await?;
    tx.commit().await?;
    post.wake();
    Ok(looked.len())
}
