//! APIs: what one is; importing its description, editing, replacing the description, deleting. One transaction each, with its audit entry.

pub mod description;
pub mod fetch;
pub mod pages;
mod reading;
mod replacing;
pub mod store;
mod suffix;

use serde::{Deserialize, Serialize};

pub use reading::{Document, read};
pub use replacing::{Replaced, replace_description};

use self::description::{Contact, Description, Format, License, Operation, Server, Syntax, Tag};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Instant, Transaction},
    error::{Error, Problems},
    ids::{self, ApiId},
    products,
};

/// Characters of an API's description: as many as are read from a document.
const DESCRIPTION: usize = 100_000;

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Api {
    pub id: ApiId,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub suffix: String,
    /// The API's own version, as the document says; empty when it does not.
    pub api_version: String,
    /// JSON of `Vec<Server>`.
    pub servers: String,
    /// JSON of `Vec<Tag>`.
    pub tags: String,
    /// JSON of `Facts`.
    pub facts: String,
    /// Such as `openapi-3.0-yaml`.
    pub format: String,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Api {
    pub fn path(&self) -> String {
        path(&self.name)
    }

    pub fn servers(&self) -> Vec<Server> {
        serde_json::from_str(&self.servers).unwrap_or_default()
    }

    pub fn tags(&self) -> Vec<Tag> {
        serde_json::from_str(&self.tags).unwrap_or_default()
    }

    pub fn facts(&self) -> Facts {
        serde_json::from_str(&self.facts).unwrap_or_default()
    }

    /// "OpenAPI 3.0 in YAML".
    pub fn format_label(&self) -> String {
        format_label(&self.format)
    }

    fn audited(&self) -> ApiFacts {
        ApiFacts {
            display_name: self.display_name.clone(),
            suffix: self.suffix.clone(),
            description: shortened(&self.description),
            format: self.format.clone(),
            api_version: self.api_version.clone(),
        }
    }
}

/// The API's page in the publisher portal.
pub fn path(name: &str) -> String {
    format!("/publisher/apis/{}", ids::encode(name))
}

/// What the document says about the API as a whole and no column holds. `title` and `description` tell, when the document is
/// replaced, whether the API's own were edited by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub title: String,
    pub description: String,
    pub summary: Option<String>,
    pub terms_of_service: Option<String>,
    pub contact: Option<Contact>,
    pub license: Option<License>,
}

impl Facts {
    fn of(description: &Description) -> Self {
        Self {
            title: one_line(&description.title),
            description: description.description.clone().unwrap_or_default().trim().replace("\r\n", "\n"),
            summary: description.summary.clone(),
            terms_of_service: description.terms_of_service.clone(),
            contact: description.contact.clone(),
            license: description.license.clone(),
        }
    }
}

/// A title is shown on one line, whatever the document does.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "API".to_owned() } else { words.join(" ") }
}

/// `openapi-3.0-yaml`: what is stored, and names no type of the program.
fn format_text(format: Format, syntax: Syntax) -> String {
    let format = match format {
        Format::Swagger20 => "swagger-2.0",
        Format::OpenApi30 => "openapi-3.0",
        Format::OpenApi31 => "openapi-3.1",
    };
    format!("{format}-{}", if syntax == Syntax::Yaml { "yaml" } else { "json" })
}

fn format_label(text: &str) -> String {
    let (format, syntax) = text.rsplit_once('-').unwrap_or((text, ""));
    let format = format.replace("swagger-", "Swagger ").replace("openapi-", "OpenAPI ");
    if syntax.is_empty() { format } else { format!("{format} in {}", syntax.to_uppercase()) }
}

/// What the audit log keeps of an API: no document, and of the description the beginning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApiFacts {
    pub display_name: String,
    pub suffix: String,
    /// At most 1,000 characters.
    pub description: String,
    pub format: String,
    pub api_version: String,
}

/// What the audit log keeps of an import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportFacts {
    #[serde(flatten)]
    pub api: ApiFacts,
    pub operations: i64,
    /// Names of the products that it joined.
    pub products: Vec<String>,
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(999) {
        Some((at, _)) if text.chars().nth(1_000).is_some() => format!("{}…", &text[..at]),
        _ => text.to_owned(),
    }
}

/// What a form, REST or the demo says about an API to be imported, besides its document.
#[derive(Clone, Debug, Default)]
pub struct NewApi {
    /// The document's title when there is none.
    pub display_name: Option<String>,
    /// Made from the display name when it is empty.
    pub suffix: String,
    /// Names of the products that it joins.
    pub products: Vec<String>,
}

const SUFFIX_TAKEN: &str = "Another API has this URL suffix. Case does not make a suffix different.";

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
        Ok((NewApi { display_name, suffix, products: self.products.clone() }, problems))
    }
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Api, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
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
    let row = Row::of(document, &facts, display_name, facts.description.clone(), suffix)?;
    let api = store::insert(tx, &name, &row, &document.bytes)
        .await
        .map_err(|error| if error.is_unique_violation() { Error::invalid("suffix", SUFFIX_TAKEN) } else { error })?;
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

fn subject(api: &Api) -> Subject {
    Subject::new("api", api.id.0, &api.display_name)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The columns of an API that a form or a document changes.
pub(crate) struct Row {
    display_name: String,
    description: String,
    suffix: String,
    api_version: String,
    servers: String,
    tags: String,
    /// The tags' names, to be searched.
    tag_names: String,
    facts: String,
    format: String,
}

impl Row {
    fn of(document: &Document, facts: &Facts, display_name: String, text: String, suffix: String) -> Result<Self, Error> {
        let said = &document.description;
        Ok(Self {
            display_name,
            description: text,
            suffix,
            api_version: said.version.clone(),
            servers: serde_json::to_string(&said.servers)?,
            tags: serde_json::to_string(&said.tags)?,
            tag_names: tag_names(&said.tags),
            facts: serde_json::to_string(facts)?,
            format: format_text(said.format, said.syntax),
        })
    }
}

fn tag_names(tags: &[Tag]) -> String {
    tags.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>().join("\n")
}

/// The columns of an operation.
pub(crate) struct OperationColumns<'d> {
    /// Of a row that stays what it was.
    id: Option<i64>,
    name: &'d str,
    operation: &'d Operation,
    display_name: String,
    tags: String,
    detail: &'d str,
}

fn operation_rows<'d>(
    document: &'d Document,
    names: &'d [String],
    id: impl Fn(usize) -> Option<i64>,
) -> Result<Vec<OperationColumns<'d>>, Error> {
    let operations = document.description.operations.iter().zip(&document.details).zip(names).enumerate();
    operations
        .map(|(index, ((operation, detail), name))| {
            Ok(OperationColumns {
                id: id(index),
                name,
                operation,
                display_name: one_line(&operation.display_name()),
                tags: serde_json::to_string(&operation.tags)?,
                detail,
            })
        })
        .collect()
}

async fn free_name(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
    let slug = ids::slug(display_name);
    if !slug.is_empty() && store::find(tx, &slug).await?.is_none() {
        return Ok(slug);
    }
    Ok(if slug.is_empty() { ids::random_name(12) } else { format!("{slug}-{}", ids::random_name(4)) })
}

/// `orders`, or `orders-2` when that is taken; something short where the name gives no letters.
async fn free_suffix(tx: &mut Transaction, display_name: &str) -> Result<String, Error> {
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

/// What a form says about an API that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditApi {
    pub display_name: String,
    pub description: String,
    pub suffix: String,
}

impl EditApi {
    pub fn of(api: &Api) -> Self {
        Self { display_name: api.display_name.clone(), description: api.description.clone(), suffix: api.suffix.clone() }
    }

    fn check(&self) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The display name", &self.display_name, 1, 300);
        let description = problems.text("description", "The description", &self.description, 0, DESCRIPTION).replace("\r\n", "\n");
        let suffix = match suffix::check(&self.suffix) {
            Ok(suffix) if suffix.is_empty() => Err("The URL suffix is missing.".to_owned()),
            checked => checked,
        };
        let suffix = suffix.unwrap_or_else(|why| {
            problems.add("suffix", why);
            String::new()
        });
        problems.or(Self { display_name, description, suffix })
    }
}

/// Changes display name, description and suffix. False when nothing is different.
///
/// # Errors
/// `Stale` when the API is no longer at the version the form was shown; `Invalid`.
pub async fn edit(db: &Database, admin: &Administrator, name: &str, version: i64, new: &EditApi) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    let new = new.check()?;
    if new == EditApi::of(&api) {
        return Ok(false);
    }
    if store::suffix_taken(&mut tx, &new.suffix, Some(api.id)).await? {
        return Err(Error::invalid("suffix", SUFFIX_TAKEN));
    }
    if !store::update(&mut tx, &api, version, &new).await? {
        return Err(Error::Stale);
    }
    let after = Api { display_name: new.display_name, description: new.description, suffix: new.suffix, ..api.clone() };
    audit::record(&mut tx, admin.actor(), "api.edited", subject(&after), Some(api.audited()), Some(after.audited())).await?;
    tx.commit().await?;
    Ok(true)
}

/// What deleting an API takes with it, and whom it touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionEffects {
    pub operations: i64,
    pub products: i64,
    /// Live subscriptions of these products: their keys stay good, and no longer reach this API.
    pub subscriptions: i64,
}

pub async fn deletion_effects(connection: &mut Connection, api: &Api) -> Result<DeletionEffects, Error> {
    Ok(DeletionEffects {
        operations: store::operations::count(connection, api.id).await?,
        products: store::count_products(connection, api.id).await?,
        subscriptions: store::count_live_subscriptions(connection, api.id).await?,
    })
}

/// Deletes an API, its operations and its places in products. The products stay.
pub async fn delete(db: &Database, admin: &Administrator, name: &str) -> Result<Api, Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    products::forget_api(&mut tx, api.id).await?;
    store::delete(&mut tx, api.id).await?;
    audit::record(&mut tx, admin.actor(), "api.deleted", subject(&api), Some(api.audited()), audit::NOTHING).await?;
    tx.commit().await?;
    Ok(api)
}
