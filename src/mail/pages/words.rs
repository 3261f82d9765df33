//! What mails say: the list of kinds, and the editor of one with its preview.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{framed, kind};
use crate::{
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    mail::{self, Facts, Format, Kind, Template as Words, store},
    web::{
        self, Answer, Flash, Form, Frame,
        form::Name,
        markdown::{self, SafeHtml},
    },
};

struct Line {
    facts: &'static Facts,
    changed: bool,
}

impl Line {
    fn path(&self) -> String {
        path(self.facts)
    }
}

fn path(facts: &Facts) -> String {
    format!("/publisher/mail-templates/{}", facts.name)
}

#[derive(Template)]
#[template(path = "mail/templates.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

pub(super) async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let changed = store::changed_templates(&mut portal.db.read().await?).await?;
    let line = |kind: Kind| Line { facts: kind.facts(), changed: changed.iter().any(|name| name == kind.name()) };
    web::page(&ListPage { frame: framed(frame), lines: Kind::ALL.into_iter().map(line).collect() })
}

/// What the editor holds.
#[derive(Clone, Deserialize)]
pub(super) struct WordsForm {
    #[serde(default)]
    version: i64,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
}

impl WordsForm {
    /// What is written on the page keeps the format that it has.
    fn words(&self, format: Format) -> Words {
        Words { subject: self.subject.clone(), body: self.body.clone(), format, version: self.version }
    }
}

struct Preview {
    subject: String,
    html: SafeHtml,
    text: String,
}

#[derive(Template)]
#[template(path = "mail/template.html")]
struct EditPage {
    frame: Frame,
    facts: &'static Facts,
    format: Format,
    form: WordsForm,
    /// The words that are in force, when somebody else saved meanwhile.
    theirs: Option<Words>,
    changed: bool,
    /// The form holds what is not saved.
    dirty: bool,
    preview: Option<Preview>,
    problems: Problems,
}

impl EditPage {
    async fn load(portal: &Portal, frame: Frame, kind: Kind) -> Result<Self, Error> {
        let words = mail::template(&mut portal.db.read().await?, kind).await?;
        let (changed, format) = (words.is_changed(), words.format);
        let form = WordsForm { version: words.version, subject: words.subject, body: words.body };
        Ok(Self {
            preview: previewed(kind, &form.words(format), &frame).ok(),
            format,
            frame: framed(frame),
            facts: kind.facts(),
            form,
            theirs: None,
            changed,
            dirty: false,
            problems: Problems::default(),
        })
    }

    fn path(&self) -> String {
        path(self.facts)
    }

    /// Whether a form holds what is not saved.
    fn differs(&self, form: &WordsForm) -> bool {
        form.subject != self.form.subject || form.body.replace("\r\n", "\n") != self.form.body
    }
}

fn previewed(kind: Kind, words: &Words, frame: &Frame) -> Result<Preview, Error> {
    let rendered = mail::preview(kind, words, frame.face.name())?;
    Ok(Preview { subject: rendered.subject, html: markdown::clean(&rendered.html), text: rendered.text })
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&EditPage::load(&portal, frame, kind(&name)?).await?)
}

/// The editor with what was typed, and what came of it.
fn again(page: EditPage, form: WordsForm, outcome: Error) -> Answer {
    match outcome {
        Error::Invalid(problems) => web::invalid(&EditPage { problems, form, dirty: true, preview: None, ..page }),
        Error::Stale => {
            let theirs = Some(page.form.words(page.format));
            let form = WordsForm { version: page.form.version, ..form };
            web::page_with(StatusCode::CONFLICT, &EditPage { theirs, form, dirty: true, preview: None, ..page })
        }
        other => Err(other),
    }
}

pub(super) async fn save(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<WordsForm>,
) -> Answer {
    let kind = kind(&name)?;
    match mail::edit_template(&portal.db, &admin, kind, Some(form.version), |before| form.words(before.format)).await {
        Ok((changed, _)) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&path(kind.facts()))
        }
        Err(outcome) => again(EditPage::load(&portal, frame, kind).await?, form, outcome),
    }
}

/// Shows what was typed with sample values; nothing is saved.
pub(super) async fn preview(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Form(form): Form<WordsForm>,
) -> Answer {
    let kind = kind(&name)?;
    let page = EditPage::load(&portal, frame, kind).await?;
    match previewed(kind, &form.words(page.format), &page.frame) {
        Ok(preview) => web::page(&EditPage { dirty: page.differs(&form), form, preview: Some(preview), ..page }),
        Err(outcome) => again(page, form, outcome),
    }
}

pub(super) async fn test(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Form(form): Form<WordsForm>,
) -> Answer {
    let kind = kind(&name)?;
    let page = EditPage::load(&portal, frame, kind).await?;
    let words = form.words(page.format);
    match mail::send_test(&portal.db, &portal.mail, &admin, kind, &words).await {
        Ok(()) => {
            let preview = previewed(kind, &words, &page.frame).ok();
            let told = if portal.mail.leaves() {
                "A test is on its way to you."
            } else {
                "There is no mail server, so the test is kept on the Mail page."
            };
            let dirty = page.differs(&form);
            let frame = Frame { flash: Some(Flash::good(told)), ..page.frame };
            web::page(&EditPage { form, dirty, preview, frame, ..page })
        }
        Err(outcome) => again(page, form, outcome),
    }
}

pub(super) async fn reset(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let kind = kind(&name)?;
    let changed = mail::reset_template(&portal.db, &admin, kind, None).await?;
    Flash::good(if changed { "The text is the default again." } else { "The text was the default already, so nothing was changed." })
        .keep(&session)?;
    web::see_other(&path(kind.facts()))
}
