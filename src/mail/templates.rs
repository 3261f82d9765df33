//! What mails say: the program's words, or an administrator's.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Rendered, Values, render,
    render::{LinkUse, is_too_deep, link_use, unknown},
    store,
};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database},
    error::{Error, Problems},
};

/// A kind's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub subject: String,
    pub body: String,
    /// 0 while they are the program's.
    #[serde(default)]
    pub version: i64,
}

/// The words in force.
pub async fn template(connection: &mut Connection, kind: Kind) -> Result<Template, Error> {
    let facts = kind.facts();
    let program = || Template { subject: facts.subject.to_owned(), body: facts.body.to_owned(), version: 0 };
    Ok(store::find_template(connection, kind.name()).await?.unwrap_or_else(program))
}

/// # Errors
/// `Invalid` on `subject` and `body`.
pub(super) fn check(kind: Kind, subject: &str, body: &str) -> Result<(String, String), Error> {
    let mut problems = Problems::default();
    let subject = problems.line("subject", "The subject", subject, 1, 200);
    let body = problems.text("body", "The text", &body.replace("\r\n", "\n"), 1, 20_000);
    if problems.on("body").is_empty() && is_too_deep(&body) {
        problems.add("body", "Lists or quotations are inside each other too deeply.");
    }
    if kind.has_link() {
        if subject.contains("{link}") {
            problems.add("subject", "The link goes into the text: a subject is shown in lists and notices.");
        }
        match link_use(&body) {
            LinkUse::Whole => {}
            LinkUse::None if !problems.on("body").is_empty() => {}
            LinkUse::None => problems.add("body", "Without {link} nobody can do what this mail asks for."),
            LinkUse::InsideAnother => {
                problems.add("body", "{link} is an address of its own: inside another one it would be sent to somebody else.")
            }
        }
    }
    for (field, text) in [("subject", &subject), ("body", &body)] {
        let names: Vec<String> = unknown(kind, text).into_iter().map(|name| format!("{{{name}}}")).collect();
        if !names.is_empty() && problems.on(field).is_empty() {
            let are = if names.len() == 1 { "is no parameter" } else { "are no parameters" };
            problems.add(field, format!("{} {are} of this mail. Those it has are listed under Parameters.", names.join(", ")));
        }
    }
    problems.or((subject, body))
}

/// A template with the samples in it, and the site's name.
///
/// # Errors
/// As `edit_template`.
pub fn preview(kind: Kind, subject: &str, body: &str, site: &str) -> Result<Rendered, Error> {
    let (subject, body) = check(kind, subject, body)?;
    Ok(render(&subject, &body, &Values::samples(kind).set("site_name", site)))
}

fn subject_of(kind: Kind) -> Subject {
    Subject { kind: "mail", key: None, display: kind.facts().title.to_owned() }
}

/// Changes what a kind of mail says. False when nothing is different.
///
/// # Errors
/// `Invalid`; `Stale` when it was changed since the form was shown.
pub async fn edit_template(
    db: &Database,
    admin: &Administrator,
    kind: Kind,
    version: i64,
    subject: &str,
    body: &str,
) -> Result<bool, Error> {
    let (subject, body) = check(kind, subject, body)?;
    let mut tx = db.write().await?;
    tx.one_at_a_time("mail template", kind as i64).await?;
    let before = template(&mut tx, kind).await?;
    if before.version != version {
        return Err(Error::Stale);
    }
    if before.subject.trim() == subject && before.body.trim() == body {
        return Ok(false);
    }
    let after = Template { subject, body, version: version + 1 };
    store::put_template(&mut tx, kind.name(), &after).await?;
    audit::record(&mut tx, admin.actor(), "mail.template_edited", subject_of(kind), Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes the program's words again. False when they are in force.
pub async fn reset_template(db: &Database, admin: &Administrator, kind: Kind) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    tx.one_at_a_time("mail template", kind as i64).await?;
    let before = template(&mut tx, kind).await?;
    if before.version == 0 {
        return Ok(false);
    }
    store::delete_template(&mut tx, kind.name()).await?;
    let after = template(&mut tx, kind).await?;
    audit::record(&mut tx, admin.actor(), "mail.template_reset", subject_of(kind), Some(before), Some(after)).await?;
    tx.commit().await?;
    Ok(true)
}
