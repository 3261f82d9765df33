//! Products: bundles of APIs that groups are given sight of. What a product is, and what may be done to it.
//! Which APIs it contains is in `contents`, which groups it is open to in `visibility`, its place among others in `arranging`; who sees
//! it is decided in `catalog`.

pub mod api;
mod arranging;
mod contents;
pub mod links;
pub mod pages;
mod programs;
pub mod store;
mod undo;
mod visibility;

use serde::{Deserialize, Serialize};

pub use arranging::{OrderFacts, Ordered, Place, PlaceFacts, arrange, arrange_in, order};
pub use contents::{ApisFacts, ApisOutcome, add_apis, add_apis_in, forget_api, remove_apis, remove_apis_in};
pub use programs::{Written, delete_at, patch, put};
pub use undo::{Undone, undo};
pub use visibility::{VisibilityChange, VisibilityFacts, VisibilityOutcome, forget_group, set_visibility, set_visibility_in};

use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids::{self, ADMINISTRATORS, ProductId},
    subscriptions,
};

#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Product {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    /// Markdown.
    pub description: String,
    /// Plain text; when there is any, it must be accepted to subscribe.
    pub terms: String,
    pub subscription_required: bool,
    /// Means something only while a subscription is required, as the limit does.
    pub approval_required: bool,
    /// How many subscriptions one user may hold; none is unlimited.
    pub subscriptions_limit: Option<i64>,
    pub published: bool,
    /// Raised by every change of the product itself. What it contains and whom it is open to are changes of their own.
    pub version: i64,
}

impl Product {
    /// The product's page in the publisher portal.
    pub fn path(&self) -> String {
        format!("/publisher/products/{}", ids::encode(&self.name))
    }

    fn subject(&self) -> Subject {
        Subject::new("product", self.id.0, &self.display_name)
    }

    fn facts(&self) -> ProductFacts {
        ProductFacts {
            display_name: self.display_name.clone(),
            description: self.description.clone(),
            terms: self.terms.clone(),
            subscription_required: self.subscription_required,
            approval_required: self.approval_required,
            subscriptions_limit: self.subscriptions_limit,
        }
    }
}

/// What a form, REST or the command line says about a product. The limit is text, so that what was typed comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProduct {
    pub display_name: String,
    pub description: String,
    pub terms: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    /// A whole number; empty is unlimited.
    pub subscriptions_limit: String,
}

impl Default for NewProduct {
    /// As the form begins: one subscription per user, no approval.
    fn default() -> Self {
        Self {
            display_name: String::new(),
            description: String::new(),
            terms: String::new(),
            subscription_required: true,
            approval_required: false,
            subscriptions_limit: "1".to_owned(),
        }
    }
}

impl From<&Product> for NewProduct {
    fn from(product: &Product) -> Self {
        Self {
            display_name: product.display_name.clone(),
            description: product.description.clone(),
            terms: product.terms.clone(),
            subscription_required: product.subscription_required,
            approval_required: product.approval_required,
            subscriptions_limit: product.subscriptions_limit.map(|limit| limit.to_string()).unwrap_or_default(),
        }
    }
}

/// A `NewProduct` that has been checked, and what the audit log keeps of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductFacts {
    pub display_name: String,
    pub description: String,
    pub terms: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub subscriptions_limit: Option<i64>,
}

/// What the audit log keeps of publishing and hiding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StateFacts {
    pub published: bool,
}

/// What the audit log keeps of a product that was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeletedFacts {
    #[serde(flatten)]
    pub product: ProductFacts,
    pub published: bool,
    /// Subscriptions that were deleted with it.
    pub subscriptions: i64,
}

/// Something named in the audit log: by what it is found, and by what it was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Named {
    pub name: String,
    pub display_name: String,
}

/// The largest limit of subscriptions per user; beyond it, "unlimited" is meant.
const LARGEST_LIMIT: i64 = 1_000_000;

impl NewProduct {
    /// # Errors
    /// `Invalid`, field by field: `display_name` (1–300), `description` (1,000), `terms` (20,000), `subscriptions_limit`.
    pub fn check(&self) -> Result<ProductFacts, Error> {
        let mut problems = Problems::default();
        // Browsers send line ends as CR LF; a text that was only looked at must not count as changed, nor as longer.
        let lines = |text: &str| text.replace("\r\n", "\n");
        let display_name = problems.line("display_name", "The name", &self.display_name, 1, 300);
        let description = problems.text("description", "The description", &lines(&self.description), 0, 1000);
        let terms = problems.text("terms", "The terms of use", &lines(&self.terms), 0, 20_000);
        let limit = self.subscriptions_limit.trim();
        let subscriptions_limit = limit.parse::<i64>().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
        if !limit.is_empty() && subscriptions_limit.is_none() {
            problems.add("subscriptions_limit", "The limit is a whole number from 1 to 1,000,000; empty is unlimited.");
        }
        problems.or(ProductFacts {
            display_name,
            description,
            terms,
            subscription_required: self.subscription_required,
            approval_required: self.approval_required,
            subscriptions_limit,
        })
    }
}

const TAKEN: &str = "There is a product with this name already. Case and surrounding space do not make a name different.";

fn taken(error: Error) -> Error {
    if error.is_taken("display_name") { Error::invalid("display_name", TAKEN) } else { error }
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Product, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

/// Adds a product: not published, and open to Administrators alone.
///
/// # Errors
/// `Invalid` as `NewProduct::check` says, and on `display_name` when it is taken.
pub async fn create(db: &Database, admin: &Administrator, new: &NewProduct) -> Result<Product, Error> {
    let facts = new.check()?;
    let mut tx = db.write().await?;
    let product = create_in(&mut tx, admin, &facts, None).await?;
    tx.commit().await?;
    Ok(product)
}

/// As `create`, in the caller's transaction and with a chosen name.
pub async fn create_in(tx: &mut Transaction, admin: &Administrator, facts: &ProductFacts, name: Option<&str>) -> Result<Product, Error> {
    if store::display_name_taken(tx, &ids::fold(&facts.display_name), None).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    let name = match name {
        Some(name) => name.to_owned(),
        None => free_name(tx, &facts.display_name).await?,
    };
    let product = store::insert(tx, &name, facts).await.map_err(taken)?;
    store::open_to(tx, product.id, &[ADMINISTRATORS]).await?;
    audit::record(tx, admin.actor(), "product.created", product.subject(), audit::NOTHING, Some(product.facts())).await?;
    Ok(product)
}

async fn free_name(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    if !slug.is_empty() && store::find(tx, &slug).await?.is_none() {
        return Ok(slug);
    }
    Ok(if slug.is_empty() { ids::random_name(12) } else { format!("{slug}-{}", ids::random_name(4)) })
}

/// Changes what is on the Settings tab. False when nothing is different.
///
/// # Errors
/// `Stale` when the product is no longer at the version the form was shown; `Invalid`.
pub async fn edit(db: &Database, admin: &Administrator, name: &str, version: i64, new: &NewProduct) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let product = get(&mut tx, name).await?;
    let changed = edit_in(&mut tx, admin, &product, version, new).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As `edit`, of a product that was read in the caller's transaction.
async fn edit_in(tx: &mut Transaction, admin: &Administrator, product: &Product, version: i64, new: &NewProduct) -> Result<bool, Error> {
    let facts = new.check()?;
    if facts == product.facts() {
        return Ok(false);
    }
    if store::display_name_taken(tx, &ids::fold(&facts.display_name), Some(product.id)).await? {
        return Err(Error::invalid("display_name", TAKEN));
    }
    if !store::update(tx, product.id, version, &facts).await.map_err(taken)? {
        return Err(Error::Stale);
    }
    let subject = Subject::new("product", product.id.0, &facts.display_name);
    audit::record(tx, admin.actor(), "product.edited", subject, Some(product.facts()), Some(facts)).await?;
    Ok(true)
}

/// Lists the product for the groups it is open to. False when it was published already.
pub async fn publish(db: &Database, admin: &Administrator, name: &str) -> Result<(Product, bool), Error> {
    let mut tx = db.write().await?;
    let outcome = publish_in(&mut tx, admin, name).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// As `publish`, in the caller's transaction.
pub async fn publish_in(tx: &mut Transaction, admin: &Administrator, name: &str) -> Result<(Product, bool), Error> {
    set_published(tx, admin, name, true).await
}

/// Hides the product from everybody in the developer portal; subscriptions stay and their keys stay valid. False when it was hidden already.
pub async fn unpublish(db: &Database, admin: &Administrator, name: &str) -> Result<(Product, bool), Error> {
    let mut tx = db.write().await?;
    let outcome = set_published(&mut tx, admin, name, false).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn set_published(tx: &mut Transaction, admin: &Administrator, name: &str, published: bool) -> Result<(Product, bool), Error> {
    let product = get(tx, name).await?;
    let changed = store::set_published(tx, product.id, published).await?;
    if changed {
        let action = if published { "product.published" } else { "product.unpublished" };
        let (before, after) = (StateFacts { published: !published }, StateFacts { published });
        audit::record(tx, admin.actor(), action, product.subject(), Some(before), Some(after)).await?;
    }
    Ok((product, changed))
}

/// How much belongs to a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    pub apis: i64,
    /// Groups other than Administrators.
    pub groups: i64,
    /// All of them, whatever their state.
    pub subscriptions: i64,
    /// Those whose keys work now, or could.
    pub live_subscriptions: i64,
}

pub async fn counts(connection: &mut Connection, product: &Product) -> Result<Counts, Error> {
    store::counts(connection, product.id).await
}

const HAS_SUBSCRIPTIONS: &str =
    "This product has subscriptions. Deleting it deletes them, and their keys stop working: tick that this is meant, or leave the product.";

/// Deletes a product with what it was associated with; the APIs and groups stay. It may take this many subscriptions with it: as many
/// as the caller was shown.
///
/// # Errors
/// `Conflict` when it has more subscriptions than `accepted`.
pub async fn delete(db: &Database, admin: &Administrator, name: &str, accepted: i64) -> Result<(Product, i64), Error> {
    let mut tx = db.write().await?;
    let product = get(&mut tx, name).await?;
    let subscriptions = delete_in(&mut tx, admin, &product, accepted).await?;
    tx.commit().await?;
    Ok((product, subscriptions))
}

/// As `delete`, of a product that was read in the caller's transaction; how many subscriptions went with it.
async fn delete_in(tx: &mut Transaction, admin: &Administrator, product: &Product, accepted: i64) -> Result<i64, Error> {
    let counts = store::counts(tx, product.id).await?;
    if counts.subscriptions > accepted {
        return Err(Error::Conflict(if accepted > 0 {
            format!("Subscribers came meanwhile: there are {} subscriptions now. Look at them again.", counts.subscriptions)
        } else {
            HAS_SUBSCRIPTIONS.to_owned()
        }));
    }
    let gone = if accepted > 0 { subscriptions::delete_of_product(tx, product.id).await? } else { 0 };
    let subscriptions = i64::try_from(gone).unwrap_or(i64::MAX);
    store::delete(tx, product.id).await.map_err(|error| {
        // Somebody subscribed between the count and here.
        if error.is_foreign_key_violation() { Error::Conflict(HAS_SUBSCRIPTIONS.to_owned()) } else { error }
    })?;
    let facts = DeletedFacts { product: product.facts(), published: product.published, subscriptions };
    audit::record(tx, admin.actor(), "product.deleted", product.subject(), Some(facts), audit::NOTHING).await?;
    Ok(subscriptions)
}
