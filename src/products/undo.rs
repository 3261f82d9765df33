//! Taking back what was changed about a product's APIs and its visibility.

use super::{
    ApisFacts, ApisOutcome, VisibilityChange, VisibilityFacts, VisibilityOutcome, add_apis_in, remove_apis_in, set_visibility_in, store,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Transaction},
    error::Error,
};

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    Visibility(VisibilityOutcome),
    /// APIs were taken out again (true) or put back.
    Apis(bool, ApisOutcome),
}

/// Takes back a change of visibility or of the APIs in a product: exactly what it changed, once. None when the entry is of another kind.
///
/// # Errors
/// `Conflict` when it was undone already; `NotFound` when the product is gone.
pub async fn undo(db: &Database, admin: &Administrator, entry: &str) -> Result<Option<Undone>, Error> {
    let mut tx = db.write().await?;
    let entry = audit::get(&mut tx, entry).await?;
    let undone = match entry.action.as_str() {
        "product.visibility_changed" => {
            let facts: VisibilityFacts = audit::Entry::state(&entry.after).ok_or(Error::NotFound)?;
            let names: Vec<String> = facts.opened.iter().chain(&facts.closed).map(|group| group.name.clone()).collect();
            let anew = store::groups_made_since(&mut tx, &names, entry.at).await?;
            still_the_same(&mut tx, &entry, &facts.product, anew).await?;
            let reopened = facts.closed.iter().map(|group| VisibilityChange::new(&group.name, true));
            let closed = facts.opened.iter().map(|group| VisibilityChange::new(&group.name, false));
            let changes: Vec<VisibilityChange> = reopened.chain(closed).collect();
            Undone::Visibility(set_visibility_in(&mut tx, admin, &facts.product, &changes).await?)
        }
        action @ ("product.apis_added" | "product.apis_removed") => {
            let facts: ApisFacts = audit::Entry::state(&entry.after).ok_or(Error::NotFound)?;
            let names: Vec<String> = facts.apis.into_iter().map(|api| api.name).collect();
            let anew = store::apis_made_since(&mut tx, &names, entry.at).await?;
            still_the_same(&mut tx, &entry, &facts.product, anew).await?;
            let apis = store::keys_of_apis(&mut tx, &names).await?;
            let was_added = action == "product.apis_added";
            let outcome = if was_added {
                remove_apis_in(&mut tx, admin, &facts.product, &apis).await?
            } else {
                add_apis_in(&mut tx, admin, &facts.product, &apis).await?
            };
            Undone::Apis(was_added, outcome)
        }
        _ => return Ok(None),
    };
    let by = match &undone {
        Undone::Visibility(outcome) => outcome.entry.as_deref(),
        Undone::Apis(_, outcome) => outcome.entry.as_deref(),
    };
    if !audit::mark_undone(&mut tx, entry.id, by.unwrap_or("nothing left to undo")).await? {
        return Err(Error::Conflict("This was undone already.".to_owned()));
    }
    tx.commit().await?;
    Ok(Some(undone))
}

/// Another product, group or API may have the name by now.
async fn still_the_same(tx: &mut Transaction, entry: &audit::Entry, product: &str, made_anew: i64) -> Result<(), Error> {
    if audit::subject_now(tx, entry).await?.as_deref() != Some(product) {
        return Err(Error::NotFound);
    }
    if made_anew > 0 {
        return Err(Error::Conflict(
            "Something in this change was deleted and made anew since. Change it back on the product's page.".to_owned(),
        ));
    }
    Ok(())
}
