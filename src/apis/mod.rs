//! APIs: what one is; importing its description, editing, replacing the description, deleting. One transaction each, with its audit entry.

pub mod description;
pub mod fetch;
mod importing;
pub mod pages;
mod reading;
mod replacing;
mod rows;
pub mod store;
mod suffix;

use serde::{Deserialize, Serialize};

pub use importing::{ImportFacts, NewApi, import, import_in};
pub use reading::{Document, read};
pub use replacing::{Replaced, replace_description};
use rows::{OperationColumns, Row, operation_rows, tag_names};

use self::description::{Contact, Description, Format, License, Server, Syntax, Tag};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Instant},
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

fn shortened(text: &str) -> String {
    match text.char_indices().nth(999) {
        Some((at, _)) if text.chars().nth(1_000).is_some() => format!("{}…", &text[..at]),
        _ => text.to_owned(),
    }
}

const SUFFIX_TAKEN: &str = "Another API has this URL suffix. Case does not make a suffix different.";

/// Two administrators may choose one suffix at the same instant: the second is told, as if the first had been long ago.
fn suffix_taken(error: Error) -> Error {
    if error.is_taken("suffix") { Error::invalid("suffix", SUFFIX_TAKEN) } else { error }
}

pub async fn get(connection: &mut Connection, name: &str) -> Result<Api, Error> {
    store::find(connection, name).await?.ok_or(Error::NotFound)
}

fn subject(api: &Api) -> Subject {
    Subject::new("api", api.id.0, &api.display_name)
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Whether another API is called the same, as when a description is imported a second time instead of replaced.
pub async fn has_namesake(connection: &mut Connection, api: &Api) -> Result<bool, Error> {
    store::has_namesake(connection, api).await
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
    if !store::update(&mut tx, &api, version, &new).await.map_err(suffix_taken)? {
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
