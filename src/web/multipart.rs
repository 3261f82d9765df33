//! Forms with files (`multipart/form-data`), read whole and within bounds. What the parts mean is not known here.

use std::{future::Future, pin::Pin};

use actix_multipart::{Multipart, MultipartError};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header};
use futures_util::StreamExt;

use super::paced::{is_late, paced};
use crate::error::Error;

/// Bytes of one part; a larger one is left out and marked, so that the form can say it beside the field.
pub const PART_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of the whole form: a file and a pasted text of full size, and some room.
const FORM_BYTES: usize = 24 * 1024 * 1024;
/// What is too large is still read to here, and dropped: a browser shows no answer while it is sending.
const READ_BYTES: usize = 64 * 1024 * 1024;
/// Parts of a form: more than there are rows to tick.
const MOST_PARTS: usize = 10_000;

struct Part {
    name: String,
    /// Whether the browser says that it is a file; it does so for an empty file field, too, with an empty name.
    file: Option<String>,
    bytes: Vec<u8>,
    too_large: bool,
}

/// The parts of a posted form, in order.
pub struct Parts(Vec<Part>);

impl Parts {
    /// The text of a field, with the line ends that were typed (forms send CRLF); empty when it is missing.
    pub fn text(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_default()
    }

    /// Every value of a repeated field.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let parts = self.0.iter().filter(|part| part.name == name && part.file.is_none());
        parts.map(|part| String::from_utf8_lossy(&part.bytes).replace("\r\n", "\n")).collect()
    }

    /// The file that was chosen, if any.
    pub fn take_file(&mut self, name: &str) -> Option<Vec<u8>> {
        let part = self.0.iter_mut().find(|part| part.name == name && part.file.as_ref().is_some_and(|file| !file.is_empty()))?;
        Some(std::mem::take(&mut part.bytes))
    }

    /// Whether what was sent in this field was larger than `PART_BYTES`.
    pub fn too_large(&self, name: &str) -> bool {
        self.0.iter().any(|part| part.name == name && part.too_large)
    }
}

impl FromRequest for Parts {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.content_type().to_ascii_lowercase();
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
        let form = Multipart::new(request.headers(), paced(payload.take()));
        Box::pin(async move {
            if kind != "multipart/form-data" {
                return Err(Error::UnsupportedMediaType);
            }
            if announced.is_some_and(|bytes| bytes > READ_BYTES) {
                return Err(TOO_LARGE);
            }
            collect(form).await
        })
    }
}

const TOO_LARGE: Error = Error::TooLarge("The form is larger than 24 MB.");

async fn collect(mut form: Multipart) -> Result<Parts, Error> {
    let damaged = |error| match error {
        MultipartError::Payload(error) if is_late(&error) => Error::Slow,
        _ => Error::BadRequest("The form is damaged, or did not arrive whole.".to_owned()),
    };
    let mut parts = Vec::new();
    let mut seen = 0;
    while let Some(field) = form.next().await {
        let mut field = field.map_err(damaged)?;
        let file = field.content_disposition().and_then(|how| how.get_filename()).map(str::to_owned);
        let mut part = Part { name: field.name().unwrap_or_default().to_owned(), file, bytes: Vec::new(), too_large: false };
        seen += part.name.len();
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(damaged)?;
            seen += chunk.len();
            if seen > READ_BYTES {
                return Err(TOO_LARGE);
            }
            part.too_large |= part.bytes.len() + chunk.len() > PART_BYTES;
            if part.too_large || seen > FORM_BYTES {
                part.bytes = Vec::new();
            } else {
                part.bytes.extend_from_slice(&chunk);
            }
        }
        if parts.len() == MOST_PARTS {
            return Err(Error::TooLarge("The form has more than 10,000 fields."));
        }
        parts.push(part);
    }
    if seen > FORM_BYTES && !parts.iter().any(|part| part.too_large) { Err(TOO_LARGE) } else { Ok(Parts(parts)) }
}
