//! Descriptions written as OpenAPI 3: of a document that is one already, of Swagger 2.0, and of what was made by hand. The reader beside
//! this reads all of it again.

mod made;
mod swagger;

use serde_json::Value;

use super::{Description, Format, MAX_BYTES, Refusal, Syntax, head, load};

/// The document as OpenAPI 3; as it came, when it is that already.
///
/// # Errors
/// When the document cannot be read, or becomes much larger than one may be.
pub fn openapi(bytes: Vec<u8>, syntax: Syntax) -> Result<Vec<u8>, Refusal> {
    let (root, written) = load::load(&bytes)?;
    match head::format(&root)? {
        Format::Swagger20 => load::deep(|| write(&swagger::convert(&root), syntax))?,
        _ if written == syntax => Ok(bytes),
        _ => load::deep(|| write(&root, syntax))?,
    }
}

/// What the model says, as OpenAPI 3.
///
/// # Errors
/// When it becomes much larger than a description may be.
pub fn written(description: &Description, syntax: Syntax) -> Result<Vec<u8>, Refusal> {
    write(&made::document(description), syntax)
}

fn write(root: &Value, syntax: Syntax) -> Result<Vec<u8>, Refusal> {
    let text = match syntax {
        Syntax::Json => serde_json::to_string_pretty(root).ok(),
        Syntax::Yaml => serde_saphyr::to_string(root).ok(),
    };
    let text = text.ok_or_else(|| Refusal::whole("The description cannot be written."))?;
    if text.len() > 4 * MAX_BYTES { Err(Refusal::whole("The description becomes too large.")) } else { Ok(text.into_bytes()) }
}
