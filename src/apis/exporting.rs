//! An API's description to be taken away: as it came, or as OpenAPI 3.

use super::{
    Api,
    description::{self, Description, Format, Operation, Syntax, export},
    get,
    reading::{apart, turn},
    store::{self, operations::Whole},
};
use crate::{
    db::{Database, Instant},
    error::Error,
    ids,
    keys::Keys,
};

/// A file to be saved.
pub struct Exported {
    pub bytes: Vec<u8>,
    /// `orders.json`; ASCII without quotes.
    pub file: String,
    pub syntax: Syntax,
}

fn file(api: &Api, syntax: Syntax) -> String {
    let slug = ids::slug(&api.name);
    let slug = if slug.is_empty() { "api" } else { slug.as_str() };
    format!("{slug}.{}", if syntax == Syntax::Yaml { "yaml" } else { "json" })
}

/// The document as it came.
///
/// # Errors
/// `NotFound` also when the API was made by hand.
pub async fn original(db: &Database, name: &str) -> Result<Exported, Error> {
    let mut connection = db.read().await?;
    let api = get(&mut connection, name).await?;
    let bytes = store::document(&mut connection, api.id).await?.ok_or(Error::NotFound)?;
    let syntax = if api.format.ends_with("-yaml") { Syntax::Yaml } else { Syntax::Json };
    Ok(Exported { bytes, file: file(&api, syntax), syntax })
}

/// The description as OpenAPI 3: what was imported as such in other marks at most, Swagger 2.0 converted, what was made by hand written.
///
/// # Errors
/// `Busy` when many ask at once; `Conflict` when the document grows past all bounds.
pub async fn export(db: &Database, name: &str, syntax: Syntax) -> Result<Exported, Error> {
    let permit = turn().await?;
    let mut connection = db.read().await?;
    let api = get(&mut connection, name).await?;
    let document = store::document(&mut connection, api.id).await?;
    let operations = match document {
        Some(_) => Vec::new(),
        None => store::operations::whole(&mut connection, api.id).await?,
    };
    drop(connection);
    let file = file(&api, syntax);
    let bytes = apart(permit, move || {
        let written = match document {
            Some(bytes) => export::openapi(bytes, syntax),
            None => export::written(&described(&api, operations), syntax),
        };
        written.map_err(|refusal| Error::Conflict(refusal.to_string()))
    })
    .await?;
    Ok(Exported { bytes, file, syntax })
}

/// How a description is given by a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// As it came, where that was Swagger 2.0.
    Swagger,
    OpenApi(Syntax),
}

impl As {
    const ALL: [As; 3] = [As::Swagger, As::OpenApi(Syntax::Json), As::OpenApi(Syntax::Yaml)];

    fn word(self) -> &'static str {
        match self {
            As::Swagger => "swagger",
            As::OpenApi(Syntax::Json) => "json",
            As::OpenApi(Syntax::Yaml) => "yaml",
        }
    }
}

/// How long a link to a description works, in seconds: as long as a program needs to follow it.
const LINK: i64 = 300;

/// What a link's MAC is for.
const EXPORT: &str = "link to a description";

/// The path of a link by which whoever has it reads a description for a while, without a token.
///
/// # Errors
/// `Invalid` on `format` for Swagger of what came as something else: nothing is converted back to it.
pub fn link(keys: &Keys, api: &Api, given_as: As, now: Instant) -> Result<String, Error> {
    if given_as == As::Swagger && !api.is_swagger() {
        return Err(Error::invalid("format", "Only what came as Swagger 2.0 is given as such: this API is exported as OpenAPI."));
    }
    let ends = now.date_time().unix_timestamp() + LINK;
    let claim = format!("{}.{ends}.{}", api.id.0, given_as.word());
    Ok(format!("/exports/{claim}.{}", mac(keys, &claim)))
}

fn mac(keys: &Keys, claim: &str) -> String {
    keys.lookup(EXPORT, claim).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The description that such a link leads to.
///
/// # Errors
/// `NotFound` when it was not made here, or is over; as `export`.
pub async fn follow(db: &Database, keys: &Keys, link: &str) -> Result<Exported, Error> {
    let (claim, signed) = link.rsplit_once('.').ok_or(Error::NotFound)?;
    let parts: Vec<&str> = claim.split('.').collect();
    let &[api, ends, word] = parts.as_slice() else { return Err(Error::NotFound) };
    let ends: i64 = ends.parse().map_err(|_| Error::NotFound)?;
    if !keys.same(&mac(keys, claim), signed) || ends <= db.now().date_time().unix_timestamp() {
        return Err(Error::NotFound);
    }
    let api = api.parse().map_err(|_| Error::NotFound)?;
    let name = store::name_of(&mut db.read().await?, ids::ApiId(api)).await?.ok_or(Error::NotFound)?;
    match As::ALL.into_iter().find(|one| one.word() == word).ok_or(Error::NotFound)? {
        As::Swagger => {
            let exported = original(db, &name).await?;
            // Another description may have taken its place.
            if get(&mut db.read().await?, &name).await?.is_swagger() { Ok(exported) } else { Err(Error::NotFound) }
        }
        As::OpenApi(syntax) => export(db, &name, syntax).await,
    }
}

/// What is kept of an API that has no document, as one would say it.
fn described(api: &Api, operations: Vec<Whole>) -> Description {
    let facts = api.facts();
    let text = |text: String| (!text.is_empty()).then_some(text);
    Description {
        format: Format::OpenApi30,
        syntax: Syntax::Json,
        title: api.display_name.clone(),
        version: api.api_version.clone(),
        summary: None,
        description: text(api.description.clone()),
        terms_of_service: facts.terms_of_service,
        contact: facts.contact,
        license: facts.license,
        servers: api.servers(),
        tags: api.tags(),
        operations: operations.into_iter().map(operation).collect(),
    }
}

fn operation(kept: Whole) -> Operation {
    let detail: description::Detail = serde_json::from_str(&kept.detail).unwrap_or_default();
    Operation {
        // By it a portal that imports this finds the operation's name again.
        operation_id: Some(kept.operation_id.unwrap_or(kept.name)),
        method: kept.method,
        url_template: kept.url_template,
        summary: Some(kept.display_name),
        description: Some(kept.description).filter(|text| !text.is_empty()),
        deprecated: kept.deprecated,
        tags: serde_json::from_str(&kept.tags).unwrap_or_default(),
        detail,
    }
}
