//! Importing an API: what is said about it besides its document, and the one transaction that makes it.

use serde::{Deserialize, Serialize};

use super::{
    Api, ApiFacts, Facts, SUFFIX_TAKEN, count, description,
    editing::{check_tags, tags_of},
    reading::{Document, read},
    rows::{Row, operation_rows},
    store, subject, suffix, suffix_taken,
};
use crate::{
    audit,
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids, products,
};

/// What the audit log keeps of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportFacts {
    #[serde(flatten)]
    pub api: ApiFacts,
    pub operations: i64,
    /// Names of the products that it joined.
    pub products: Vec<String>,
}

/// What a form, REST or the demo says about an API to be imported, besides its document.
#[derive(Clone, Debug, Default)]
pub struct NewApi {
    /// The document's title when there is none.
    pub display_name: Option<String>,
    /// Made from the display name when it is empty.
    pub suffix: String,
    /// What it is about, separated by commas.
    pub tags: String,
    /// Names of the products that it joins.
    pub products: Vec<String>,
}

impl NewApi {
    /// What is wrong with it, the database included; what is right comes back tidy.
    pub async fn check(&self, connection: &mut Connection) -> Result<(NewApi, Problems), Error> {
        let mut problems = Problems::default();
        let display_name = self.display_name.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let display_name = display_name.map(|text| problems.line("display_name", "The display name", text, 1, 300));
        let suffix = suffix::check(&self.suffix).unwrap_or_else(|why| {
            problems.add("suffix", why);
            String::new()
        });
        if !suffix.is_empty() && store::suffix_taken(connection, &suffix, None).await? {
            problems.add("suffix", SUFFIX_TAKEN);
        }
        let tags = check_tags(&self.tags, &mut problems).join(", ");
        Ok((NewApi { display_name, suffix, tags, products: self.products.clone() }, problems))
    }
}

/// Imports a document as a new API; it comes back with the number of its operations. Either all of it is there afterwards, or nothing.
///
/// # Errors
/// `Invalid` on `document` (it cannot be read: place and reason), `suffix`, `display_name`, `product` (one is gone).
pub async fn import(db: &Database, admin: &Administrator, new: &NewApi, bytes: Vec<u8>) -> Result<(Api, i64), Error> {
    let document = read(bytes).await?;
    let mut tx = db.write().await?;
    let api = import_in(&mut tx, admin, new, &document, None).await?;
    tx.commit().await?;
    Ok((api, count(document.description.operations.len())))
}

/// As `import`, of a document that was read, in the caller's transaction and with a chosen name.
pub async fn import_in(
    tx: &mut Transaction,
    admin: &Administrator,
    new: &NewApi,
    document: &Document,
    name: Option<&str>,
) -> Result<Api, Error> {
    let (new, problems) = new.check(tx).await?;
    let new = problems.or(new)?;
    let facts = Facts::of(&document.description);
    let display_name = new.display_name.clone().unwrap_or_else(|| facts.title.clone());
    let name = match name {
        Some(name) => name.to_owned(),
        None => free_name(tx, &display_name).await?,
    };
    let suffix = if new.suffix.is_empty() { free_suffix(tx, &display_name).await? } else { new.suffix.clone() };
    let row = Row::of(document, &facts, display_name, facts.description.clone(), suffix, tags_of(&new.tags))?;
    let api = store::insert(tx, &name, &row, Some(&document.bytes)).await.map_err(suffix_taken)?;
    let mut taken = std::collections::HashSet::new();
    let names: Vec<String> =
        document.description.operations.iter().map(|operation| description::operation_name(operation, &mut taken)).collect();
    store::operations::insert(tx, api.id, &operation_rows(document, &names, |_| None)?).await?;
    join_products(tx, admin, &api, &new.products).await?;
    let after = ImportFacts { api: api.audited(), operations: count(names.len()), products: new.products };
    audit::record(tx, admin.actor(), "api.imported", subject(&api), audit::NOTHING, Some(after)).await?;
    Ok(api)
}

async fn join_products(tx: &mut Transaction, admin: &Administrator, api: &Api, products: &[String]) -> Result<(), Error> {
    for product in products {
        products::add_apis_in(tx, admin, product, &[api.id]).await.map_err(|error| match error {
            Error::NotFound => Error::invalid("product", "A ticked product is gone meanwhile. Look at the list again."),
            other => other,
        })?;
    }
    Ok(())
}

pub(super) async fn free_name(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    if !slug.is_empty() && store::find(tx, &slug).await?.is_none() {
        return Ok(slug);
    }
    Ok(if slug.is_empty() { ids::random_name(12) } else { format!("{slug}-{}", ids::random_name(4)) })
}

/// `orders`, or `orders-2` when that is taken; something short where the name gives no letters.
pub(super) async fn free_suffix(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    let slug = if slug.is_empty() { format!("api-{}", ids::random_name(6)) } else { slug };
    let mut suffix = slug.clone();
    for number in 2..100 {
        if !store::suffix_taken(tx, &suffix, None).await? {
            return Ok(suffix);
        }
        suffix = format!("{slug}-{number}");
    }
    Ok(format!("{slug}-{}", ids::random_name(6)))
}
