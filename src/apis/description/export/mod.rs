//! Descriptions written as OpenAPI 3: of a document that is one already, of Swagger 2.0, and of what was made by hand. The reader beside
//! this reads all of it again.

mod made;
mod swagger;

use std::io;

use serde_json::Value;

use super::{Description, Format, MAX_BYTES, Refusal, Syntax, head, load};

/// Bytes of what is given away.
const MOST: usize = 2 * MAX_BYTES;
/// What is converted may grow so many times, and by so many bytes more.
const GROWS: usize = 4;
const ROOM: usize = 1024 * 1024;

/// The document as OpenAPI 3; as it came, when it is that already.
///
/// # Errors
/// When the document cannot be read, or becomes much larger than one may be.
pub fn openapi(bytes: Vec<u8>, syntax: Syntax) -> Result<Vec<u8>, Refusal> {
    let (root, written) = load::load(&bytes)?;
    match head::format(&root)? {
        Format::Swagger20 => load::deep(|| {
            let converted = swagger::convert(&root, (GROWS * bytes.len() + ROOM).min(MOST)).ok_or_else(too_large)?;
            drop(root);
            write(&converted, syntax)
        })?,
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

fn too_large() -> Refusal {
    Refusal::whole("The description becomes too large.")
}

/// Text up to a bound: what is nested deep takes many times its size with each line indented.
#[derive(Default)]
struct Text(Vec<u8>);

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other("too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(root: &Value, syntax: Syntax) -> Result<Vec<u8>, Refusal> {
    let mut text = Text::default();
    match syntax {
        Syntax::Json => serde_json::to_writer_pretty(&mut text, root).map_err(|_| too_large())?,
        Syntax::Yaml => serde_saphyr::to_io_writer(&mut text, root).map_err(|_| too_large())?,
    }
    Ok(text.0)
}
