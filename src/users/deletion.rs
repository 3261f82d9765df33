//! What becomes of somebody who goes: the address is free, and the person's data is replaced, in the audit log and in mails too.

use super::store;
use crate::{
    audit,
    auth::{
        Person, links,
        sign_in::{Which, end_sessions},
    },
    db::Transaction,
    error::Error,
    groups, mail,
};

pub use crate::audit::deleted_name as name_of;

/// Removes what is kept of people, in the caller's transaction. That it was done, and by whom, is the caller's to record, afterwards.
pub(super) async fn erase(tx: &mut Transaction, people: &[Person]) -> Result<(), Error> {
    for person in people {
        end_sessions(tx, person.id, Which::All).await?;
    }
    let keys: Vec<_> = people.iter().map(|person| person.id).collect();
    links::forget_users(tx, &keys).await?;
    groups::forget_users(tx, &keys).await?;
    // Entries about mails are found by the mails.
    audit::forget_users(tx, &keys).await?;
    mail::forget_users(tx, people).await?;
    store::invitations::erase(tx, &keys).await
}
