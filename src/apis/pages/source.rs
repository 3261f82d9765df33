//! Where a document comes from: a chosen file, a pasted text or a URL; exactly one of them.

use crate::{
    config::ImportUrls,
    error::{Error, Problem, Problems},
    fetch::{self, Policy},
    web::multipart::Parts,
};

/// What the form says, and keeps when it comes back. A file is the one thing that a browser does not keep.
#[derive(Default)]
pub struct Source {
    pub text: String,
    pub url: String,
    pub had_file: bool,
    file: Option<Vec<u8>>,
    too_large: Option<&'static str>,
}

const FILE_TOO_LARGE: &str = "The file is larger than 10 MB.";
const TEXT_TOO_LARGE: &str = "The pasted text is larger than 10 MB.";

impl Source {
    pub fn of(parts: &mut Parts) -> Self {
        let file = parts.take_file("file");
        Self {
            text: parts.text("text"),
            url: parts.text("url").trim().to_owned(),
            had_file: file.is_some(),
            file,
            too_large: ["file", "text"].into_iter().find(|field| parts.too_large(field)),
        }
    }

    pub fn too_large(&self) -> bool {
        self.too_large.is_some()
    }

    /// What is wrong before anything is read or fetched.
    pub fn check(&self, urls: ImportUrls, problems: &mut Problems) {
        match self.too_large {
            Some("text") => problems.add("text", TEXT_TOO_LARGE),
            Some(_) => problems.add("file", FILE_TOO_LARGE),
            None => {
                let given = self.given();
                if given.is_empty() {
                    let or_url = if urls == ImportUrls::No { "" } else { ", or give a URL" };
                    problems.add("file", format!("Choose a file, or paste the text{or_url}."));
                } else if given.len() > 1 {
                    problems.add(given[0], "Give one of them only: a file, a pasted text or a URL.");
                } else if given[0] == "url" && urls == ImportUrls::No {
                    problems.add("url", "Importing from a URL is switched off in the settings of this portal.");
                }
            }
        }
    }

    fn given(&self) -> Vec<&'static str> {
        let fields = [("file", self.file.is_some()), ("text", !self.text.trim().is_empty()), ("url", !self.url.is_empty())];
        fields.into_iter().filter(|(_, given)| *given).map(|(field, _)| field).collect()
    }

    /// The document's bytes and the field they came from, after `check` found nothing.
    pub async fn take(&mut self, urls: ImportUrls) -> Result<(&'static str, Vec<u8>), Error> {
        if let Some(file) = self.file.take() {
            return Ok(("file", file));
        }
        if !self.text.trim().is_empty() {
            return Ok(("text", self.text.clone().into_bytes()));
        }
        let policy = Policy { private_addresses: urls == ImportUrls::Private, ..Policy::default() };
        let bytes = fetch::fetch(&self.url, policy).await.map_err(|problem| Error::invalid("url", problem.to_string()))?;
        Ok(("url", bytes))
    }
}

/// The operations speak of the `document`; here it has the name of the field that it came from.
pub fn beside(field: &'static str, problems: Problems) -> Problems {
    let moved = problems.0.into_iter().map(|problem| match problem.field {
        "document" => Problem { field, ..problem },
        _ => problem,
    });
    Problems(moved.collect())
}
