//! What mails say: the program's words, or an administrator's.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Rendered, Values, html, render,
    render::{LinkUse, has_link, is_too_deep, link_use, unknown},
    store,
};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database},
    error::{Error, Problems},
};

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// On the page.
    #[default]
    Markdown,
    /// By programs, as the contract of the management API has it.
    Html,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    pub fn parse(text: &str) -> Self {
        if text == Self::Html.as_str() { Self::Html } else { Self::Markdown }
    }
}

/// A kind's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub subject: String,
    pub body: String,
    #[serde(default)]
    pub format: Format,
    /// 0 while they are the program's.
    #[serde(default)]
    pub version: i64,
}

impl Template {
    /// Whether they are an administrator's.
    pub fn is_changed(&self) -> bool {
        self.version > 0
    }

    fn says_as(&self, other: &Self) -> bool {
        self.subject.trim() == other.subject && self.body.trim() == other.body.trim() && self.format == other.format
    }
}

fn words_of_the_program(kind: Kind) -> Template {
    let facts = kind.facts();
    Template { subject: facts.subject.to_owned(), body: facts.body.to_owned(), ..Template::default() }
}

/// The words in force.
pub async fn template(connection: &mut Connection, kind: Kind) -> Result<Template, Error> {
    Ok(store::find_template(connection, kind.name()).await?.unwrap_or_else(|| words_of_the_program(kind)))
}

/// Characters of a subject, and of a body, at most.
const SUBJECT: usize = 1_000;
const BODY: usize = 20_000;

/// # Errors
/// `Invalid` on `subject` and `body`.
pub(super) fn check(kind: Kind, words: &Template) -> Result<Template, Error> {
    let mut problems = Problems::default();
    let subject = problems.line("subject", "The subject", &words.subject, 1, SUBJECT);
    let body = problems.text("body", "The text", &words.body.replace("\r\n", "\n"), 1, BODY);
    let markdown = words.format == Format::Markdown;
    if problems.on("body").is_empty() {
        if !markdown {
            html::check(&body, &mut problems);
        } else if is_too_deep(&body) {
            problems.add("body", "Lists or quotations are inside each other too deeply.");
        }
    }
    if kind.has_link() {
        if has_link(&subject) {
            problems.add("subject", "The link goes into the text: a subject is shown in lists and notices.");
        }
        if problems.on("body").is_empty() {
            match link_use(&Template { body: body.clone(), ..words.clone() }, Values::samples(kind)) {
                LinkUse::Whole => {}
                LinkUse::None => problems.add("body", "Without $ConfirmUrl nobody can do what this mail asks for."),
                LinkUse::InsideAnother => {
                    problems.add("body", "$ConfirmUrl is an address of its own: inside another one it would be sent to somebody else.")
                }
            }
        }
    }
    for (field, text) in [("subject", &subject), ("body", &body)] {
        let names: Vec<String> = unknown(kind, text).into_iter().map(|name| format!("${name}")).collect();
        if !names.is_empty() && problems.on(field).is_empty() {
            let are = if names.len() == 1 { "is no parameter" } else { "are no parameters" };
            problems.add(field, format!("{} {are} of this mail. Those it has are listed under Parameters.", names.join(", ")));
        }
    }
    problems.or(Template { subject, body, ..words.clone() })
}

/// A template with the samples in it, and the site's name.
///
/// # Errors
/// As `edit_template`.
pub fn preview(kind: Kind, words: &Template, site: &str) -> Result<Rendered, Error> {
    Ok(render(&check(kind, words)?, &Values::samples(kind).set("OrganizationName", site)))
}

fn subject_of(kind: Kind) -> Subject {
    Subject { kind: "mail", key: None, display: kind.facts().title.to_owned() }
}

/// Changes what a kind of mail says, if it is as it was at that version (or whatever it is). Whether something was different, and the
/// words now in force.
///
/// # Errors
/// `Invalid`; `Stale` when it was changed meanwhile.
pub async fn edit_template(
    db: &Database,
    admin: &Administrator,
    kind: Kind,
    at: Option<i64>,
    words: impl FnOnce(&Template) -> Template,
) -> Result<(bool, Template), Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("mail template", kind as i64).await?;
    let before = template(&mut tx, kind).await?;
    if at.is_some_and(|at| at != before.version) {
        return Err(Error::Stale);
    }
    let after = check(kind, &words(&before))?;
    if before.says_as(&after) {
        return Ok((false, before));
    }
    let after = Template { version: before.version + 1, ..after };
    store::put_template(&mut tx, kind.name(), &after).await?;
    audit::record(&mut tx, admin.actor(), "mail.template_edited", subject_of(kind), Some(before), Some(&after)).await?;
    tx.commit().await?;
    Ok((true, after))
}

/// Takes the program's words again. False when they are in force.
///
/// # Errors
/// `Stale` when it is not as it was at that version.
pub async fn reset_template(db: &Database, admin: &Administrator, kind: Kind, at: Option<i64>) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("mail template", kind as i64).await?;
    let before = template(&mut tx, kind).await?;
    if at.is_some_and(|at| at != before.version) {
        return Err(Error::Stale);
    }
    if !before.is_changed() {
        return Ok(false);
    }
    store::delete_template(&mut tx, kind.name()).await?;
    audit::record(&mut tx, admin.actor(), "mail.template_reset", subject_of(kind), Some(before), Some(words_of_the_program(kind))).await?;
    tx.commit().await?;
    Ok(true)
}
