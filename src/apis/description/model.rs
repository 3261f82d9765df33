//! What a description says, the same for every format: owned values that are stored as JSON and
//! drawn by templates. No rule of reading lives here, and nothing of HTTP, HTML or the database.

use serde::{Deserialize, Serialize};

/// The dialect a description was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Format {
    Swagger20,
    OpenApi30,
    OpenApi31,
}

impl Format {
    /// As its makers write it, for the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Swagger20 => "Swagger 2.0",
            Self::OpenApi30 => "OpenAPI 3.0",
            Self::OpenApi31 => "OpenAPI 3.1",
        }
    }
}

/// How the document was written down; the file that is offered for download is named by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Syntax {
    Json,
    Yaml,
}

/// A whole API. Texts called `description` are Markdown or HTML from strangers: whoever shows them
/// sanitises them. Every `url` that becomes a link has been checked to begin with http or https.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The dialect it was written in.
    pub format: Format,
    /// The notation it was written in.
    pub syntax: Syntax,
    /// Never empty, at most 300 characters (the length of a display name).
    pub title: String,
    /// The API's own version, not the format's; empty when the document has none.
    pub version: String,
    /// One line (OpenAPI 3.1).
    pub summary: Option<String>,
    /// Markdown or HTML.
    pub description: Option<String>,
    /// A web address.
    pub terms_of_service: Option<String>,
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// What the API may be used under.
    pub license: Option<License>,
    /// Where the API answers; empty when the document does not say.
    pub servers: Vec<Server>,
    /// Declared tags in their order, then those that only operations mention.
    pub tags: Vec<Tag>,
    /// In the order of the document.
    pub operations: Vec<Operation>,
}

/// Whom to ask about the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Contact {
    pub name: Option<String>,
    pub url: Option<String>,
    pub email: Option<String>,
}

/// The licence of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct License {
    pub name: String,
    pub url: Option<String>,
}

/// An address the API answers at. `url` is text to show, not a link: it may be relative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Server {
    pub url: String,
    pub description: Option<String>,
}

/// A heading under which operations are grouped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Tag {
    pub name: String,
    pub description: Option<String>,
}

/// One method on one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Unique in the document: of several operations with the same one, the first keeps it.
    pub operation_id: Option<String>,
    /// In upper case.
    pub method: String,
    /// Begins with "/".
    pub url_template: String,
    /// The document's one line about it, see [`Operation::display_name`].
    pub summary: Option<String>,
    /// Markdown or HTML.
    pub description: Option<String>,
    /// Still there, and not to be used in new programs.
    pub deprecated: bool,
    /// Names of tags, none twice.
    pub tags: Vec<String>,
    /// What an operation's own page shows; stored apart from the columns above.
    pub detail: Detail,
}

impl Operation {
    /// The summary, else the operationId, else "GET /pets"; at most 300 characters.
    pub fn display_name(&self) -> String {
        let method_and_path = || format!("{} {}", self.method, self.url_template);
        let name = self.summary.clone().or_else(|| self.operation_id.clone());
        super::text::cut(&name.unwrap_or_else(method_and_path), super::text::DISPLAY_NAME)
    }
}

/// Everything about an operation that is only read on its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// Path, query, header and cookie parameters; those of the path item come first.
    pub parameters: Vec<Parameter>,
    /// What is sent in the body.
    pub request: Option<Body>,
    /// In the order of the document.
    pub responses: Vec<Response>,
    /// Alternatives in words, such as "API key in header X-Key"; empty when nothing is asked.
    pub security: Vec<String>,
}

/// Where a parameter stands in a request (a response's headers are [`Place::Header`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

impl Place {
    /// The four, in the order that forms offer them in.
    pub const ALL: [Place; 4] = [Place::Path, Place::Query, Place::Header, Place::Cookie];

    /// As descriptions and pages call it.
    pub const fn word(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Header => "header",
            Place::Cookie => "cookie",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.word() == word)
    }
}

/// A parameter of a request, or a header of a response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Parameter {
    pub name: String,
    pub place: Place,
    pub required: bool,
    pub deprecated: bool,
    pub description: Option<String>,
    pub schema: Schema,
    /// The values that it may have, when there are few: those of an array's parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Its default, or else an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Body {
    pub required: bool,
    pub description: Option<String>,
    pub content: Vec<Content>,
}

/// One answer of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// "200", "default" or a range such as "4XX".
    pub status: String,
    /// Markdown or HTML.
    pub description: Option<String>,
    /// Sent along with it.
    pub headers: Vec<Parameter>,
    /// Empty when it has no body.
    pub content: Vec<Content>,
}

/// A body in one media type, or in several that are described in the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// As the document writes it.
    pub media_type: String,
    /// The other media types with the same schema and example, so that the table is there once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_as: Vec<String>,
    /// What the body consists of.
    pub schema: Option<Schema>,
    /// Pretty-printed, at most 4 kB; a longer one ends in "…".
    pub example: Option<String>,
}

/// A schema flattened into the rows of an indented table, so that it can be read without script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Short text for a line, such as "array of Pet" or "integer, 1–100".
    pub summary: String,
    /// Empty for what has no parts.
    pub rows: Vec<Field>,
    /// There is more than `rows` shows.
    pub truncated: bool,
}

/// One row of a flattened schema. Rows are most of what is stored, so what is not said is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Field {
    /// 0 for the outermost; a row belongs to the nearest row above it with a smaller depth.
    pub depth: u8,
    /// A property; "tags[]" for an array whose parts are described below it; "{any key}" for a
    /// map's values; "one of", "or", "any of", "and/or" before alternatives.
    pub name: String,
    /// Such as "string (date-time)" or "Pet, shown above".
    pub type_text: String,
    /// Must be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// In responses only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// In requests only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub write_only: bool,
    /// Still there, and not to be used in new programs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Markdown or HTML, cut at 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Short texts such as "1–64 characters", "default 20", "one of: a, b".
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
}
