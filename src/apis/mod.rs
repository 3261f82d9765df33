//! APIs: what one is, and deleting it; importing, making, editing and replacing are beside. One transaction each, with its audit entry.

pub mod api;
mod changes;
pub mod description;
mod editing;
mod exporting;
mod importing;
mod operating;
mod operation_form;
pub mod pages;
mod programs;
mod reading;
mod replacing;
mod rows;
pub mod store;
mod suffix;
mod versions;

use serde::{Deserialize, Serialize};

pub use changes::{Changed, Changes, Line, Named};
pub use editing::{EditApi, Made, create, create_in, edit, tags_of};
pub use exporting::{As, Exported, export, follow, original};
pub use importing::{ImportFacts, NewApi, import, import_in};
pub use operating::{Kept, OperationFacts, add_operation, add_operation_in, delete_operation, edit_operation, find_operation};
pub use operation_form::{NewOperation, NewParameter, NewResponse, PLACES, TYPES};
pub use programs::{
    Written, WrittenOperation, delete_at, delete_operation_at, listing_of_product, patch, patch_operation, put, put_operation,
};
pub use reading::{Document, read};
pub use replacing::{Replaced, replace_description, replace_description_in};
use rows::{OperationColumns, Row, operation_rows, tag_names};
pub use store::{
    AffectedRow,
    changes::LogRow,
    versions::{VersionRow, VersionSet},
};
pub use versions::{
    JoinSet, NewVersion, VersionFacts, add_version, add_version_in, compare_apis, edit_version, join_set, leave_set, natural, versions_of,
};

use self::description::{Contact, Description, Format, License, Server, Syntax, Tag};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Instant, Transaction},
    error::Error,
    ids::{self, ApiId},
    products,
};

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
    /// JSON of `Vec<Tag>`: the headings of its operations.
    pub tags: String,
    /// JSON of `Vec<String>`: what administrators say it is about.
    pub own_tags: String,
    /// The name of the set whose versions it is one of.
    pub version_set: Option<String>,
    /// Which of them, such as `v2`; empty when there is no set.
    pub set_version: String,
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

    pub fn own_tags(&self) -> Vec<String> {
        serde_json::from_str(&self.own_tags).unwrap_or_default()
    }

    pub fn facts(&self) -> Facts {
        serde_json::from_str(&self.facts).unwrap_or_default()
    }

    /// "OpenAPI 3.0 in YAML".
    pub fn format_label(&self) -> String {
        format_label(&self.format)
    }

    /// Made here, and not imported: its operations are edited here.
    pub fn is_by_hand(&self) -> bool {
        self.format == BY_HAND
    }

    /// Whether its description came as Swagger 2.0.
    fn is_swagger(&self) -> bool {
        self.format.starts_with("swagger-")
    }

    fn audited(&self) -> ApiFacts {
        ApiFacts {
            display_name: self.display_name.clone(),
            suffix: self.suffix.clone(),
            description: shortened(&self.description),
            format: self.format.clone(),
            api_version: self.api_version.clone(),
            tags: self.own_tags(),
            made: self.is_by_hand().then(|| {
                let facts = self.facts();
                let servers = self.servers().into_iter().map(|server| format!("{} {}", server.url, server.description.unwrap_or_default()));
                MadeFacts {
                    servers: servers.map(|server| server.trim_end().to_owned()).collect(),
                    contact: facts.contact,
                    license: facts.license,
                }
            }),
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

/// The format of an API that was made by hand.
pub const BY_HAND: &str = "hand";

/// "OpenAPI 3.0 in YAML", of what came as a document.
pub fn original_label(format: &str) -> Option<String> {
    (!format.is_empty() && format != BY_HAND).then(|| format_label(format))
}

fn format_label(text: &str) -> String {
    if text == BY_HAND {
        return "made by hand".to_owned();
    }
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
    #[serde(default)]
    pub tags: Vec<String>,
    /// Of one that was made by hand.
    #[serde(flatten)]
    pub made: Option<MadeFacts>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MadeFacts {
    pub servers: Vec<String>,
    pub contact: Option<Contact>,
    pub license: Option<License>,
}

fn shortened(text: &str) -> String {
    shortened_to(text, 1_000)
}

fn shortened_to(text: &str, most: usize) -> String {
    match text.char_indices().nth(most - 1) {
        Some((at, _)) if text.chars().nth(most).is_some() => format!("{}…", &text[..at]),
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

/// What replacing the description changed, the newest first; and how often that was.
pub async fn change_log(connection: &mut Connection, api: ApiId, limit: i64, offset: i64) -> Result<(Vec<LogRow>, i64), Error> {
    let total = store::changes::count(connection, api).await?;
    Ok((store::changes::list(connection, api, limit, offset).await?, total))
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

/// Live subscriptions whose keys no longer reach this API once it is deleted, by their owners; and how many.
pub async fn affected(connection: &mut Connection, api: &Api, limit: i64, offset: i64) -> Result<(Vec<AffectedRow>, i64), Error> {
    store::affected(connection, api.id, limit, offset).await
}

/// Deletes an API, its operations and its places in products. The products stay. It may touch this many live subscriptions: as many as
/// the caller was shown.
///
/// # Errors
/// `Conflict` when more of them reach it than `accepted`.
pub async fn delete(db: &Database, admin: &Administrator, name: &str, accepted: i64) -> Result<Api, Error> {
    let mut tx = db.write().await?;
    let api = get(&mut tx, name).await?;
    delete_in(&mut tx, admin, &api, accepted).await?;
    tx.commit().await?;
    Ok(api)
}

/// As `delete`, in the caller's transaction.
async fn delete_in(tx: &mut Transaction, admin: &Administrator, api: &Api, accepted: i64) -> Result<(), Error> {
    let live = store::count_live_subscriptions(tx, api.id).await?;
    if live > accepted {
        return Err(Error::Conflict(if accepted > 0 {
            format!("Subscribers came meanwhile: {live} live subscriptions reach this API now. Look at them again.")
        } else {
            "The keys of live subscriptions reach this API: tick that they are no longer to reach it, or leave the API.".to_owned()
        }));
    }
    products::forget_api(tx, api.id).await?;
    store::delete(tx, api.id).await?;
    if let Some(set) = &api.version_set {
        store::versions::delete_empty(tx, set).await?;
    }
    audit::record(tx, admin.actor(), "api.deleted", subject(api), Some(api.audited()), audit::NOTHING).await?;
    Ok(())
}
