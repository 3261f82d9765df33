//! The Mail pages: what was sent, waits or failed; what mails say; who is told.

mod told;
mod words;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{
    Kind, Resent, Shown, State,
    store::{self, MailRow, Progress},
};
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    db::COUNTED,
    error::{Error, Problems},
    web::{
        self, Answer, Flash, Form, Frame, Routes, counted,
        filters::thousands,
        form::{Name, Query},
        paging::{Page, Pager},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/mail", list)
        .post("/publisher/resend-failed-mail", resend_failed)
        .post("/publisher/resend-kept-mail", resend_kept)
        .get("/publisher/mail/{name}", show)
        .post("/publisher/mail/{name}/resend", resend)
        .post("/publisher/mail/{name}/link", show_link)
        .get("/publisher/mail-templates", words::list)
        .get("/publisher/mail-templates/{name}", words::show)
        .post("/publisher/mail-templates/{name}", words::save)
        .post("/publisher/mail-templates/{name}/preview", words::preview)
        .post("/publisher/mail-templates/{name}/test", words::test)
        .post("/publisher/mail-templates/{name}/reset", words::reset)
        .get("/publisher/notifications", told::list)
        .get("/publisher/notifications/{name}", told::show)
        .post("/publisher/notifications/{name}", told::save);
}

/// All of these pages stand under one item of the menu.
fn framed(frame: Frame) -> Frame {
    Frame { section: "mail", ..frame }
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    batch: String,
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "mail/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    state: Option<State>,
    batch: String,
    /// Of the batch, when one is looked at.
    progress: Option<Progress>,
    counts: Progress,
    mails: Vec<MailRow>,
    pager: Pager,
    leaves: bool,
}

fn number(mails: i64) -> String {
    if mails > COUNTED { format!("{}+ mails", thousands(COUNTED)) } else { counted(mails, "mail", "mails") }
}

impl ListPage {
    fn is_state(&self, state: &State) -> bool {
        self.state.as_ref() == Some(state)
    }

    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || self.state.is_some() || !self.batch.is_empty()
    }

    fn failed(&self) -> String {
        number(self.counts.failed)
    }

    fn kept(&self) -> String {
        number(self.counts.kept)
    }
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let state = State::parse(&query.state);
    let mut connection = portal.db.read().await?;
    let (mails, total) = store::list(&mut connection, &query.q, state, &query.batch, page.size, page.offset()).await?;
    let counts = store::counts(&mut connection).await?;
    let progress = match query.batch.is_empty() {
        true => None,
        false => Some(store::progress(&mut connection, &query.batch).await?),
    };
    let kept = [("q", query.q.as_str()), ("state", state.map_or("", State::as_str)), ("batch", query.batch.as_str())];
    let pager = Pager::new(page, total, "/publisher/mail", &kept);
    web::page(&ListPage {
        frame: framed(frame),
        state,
        progress,
        counts,
        mails,
        pager,
        leaves: portal.mail.leaves(),
        q: query.q,
        batch: query.batch,
    })
}

#[derive(Template)]
#[template(path = "mail/show.html")]
struct ShowPage {
    frame: Frame,
    mail: MailRow,
    text: String,
    /// It may be sent again: it was not, or it holds nothing that works only once.
    again: bool,
    /// Its link can be asked for, and whether the administrator's password counts still.
    keeps_link: bool,
    /// The link, once it was asked for.
    link: String,
    given: bool,
    problems: Problems,
}

impl ShowPage {
    fn of(portal: &Portal, frame: Frame, shown: Shown, given: bool, problems: Problems) -> Self {
        let again = match shown.mail.state() {
            State::Failed => true,
            State::Kept => portal.mail.leaves(),
            State::Sent => !shown.holds_link && !shown.mail.to_email.is_empty(),
            State::Waiting | State::Sending => false,
        };
        Self {
            frame: framed(frame),
            mail: shown.mail,
            text: shown.text,
            again,
            keeps_link: shown.keeps_link,
            link: shown.link,
            given,
            problems,
        }
    }

    /// What happened when it was settled.
    fn settled(&self) -> &'static str {
        match self.mail.state() {
            State::Sent => "Sent",
            State::Kept => "Kept here",
            _ => "Given up",
        }
    }
}

async fn show(_admin: Administrator, again: Again, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let shown = super::show(&portal.db, &portal.mail, &name).await?;
    web::page(&ShowPage::of(&portal, frame, shown, again.is_given(), Problems::default()))
}

#[derive(Deserialize)]
struct LinkForm {
    #[serde(default)]
    password: String,
}

/// Where no mail leaves the portal: the mail with its link in it.
async fn show_link(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Form(form): Form<LinkForm>,
) -> Answer {
    let shown = super::show(&portal.db, &portal.mail, &name).await?;
    let confirmed = match portal.confirm(&again, &form.password).await {
        Ok(confirmed) => confirmed,
        Err(Error::Invalid(problems)) => return web::invalid(&ShowPage::of(&portal, frame, shown, false, problems)),
        Err(other) => return Err(other),
    };
    let shown = super::show_link(&portal.db, &portal.mail, &admin, confirmed, &name).await?;
    web::page(&ShowPage::of(&portal, frame, shown, true, Problems::default()))
}

async fn resend(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let again = super::resend(&portal.db, &portal.mail, &admin, &name).await?;
    Flash::good(if again { "It is sent again." } else { "It waits already, so nothing was changed." }).keep(&session)?;
    web::see_other("/publisher/mail")
}

async fn resend_failed(admin: Administrator, portal: Data<Portal>, session: Session) -> Answer {
    let number = super::resend_all(&portal.db, &portal.mail, &admin, Resent::Failed).await?;
    sent_again(number, "No mail has failed, so nothing was changed.", &session)
}

async fn resend_kept(admin: Administrator, portal: Data<Portal>, session: Session) -> Answer {
    let number = super::resend_all(&portal.db, &portal.mail, &admin, Resent::Kept).await?;
    sent_again(number, "No mail is kept here, so nothing was changed.", &session)
}

fn sent_again(number: usize, none: &str, session: &Session) -> Answer {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    Flash::good(match number {
        0 => none.to_owned(),
        number => format!("{} sent again.", counted(number, "mail is", "mails are")),
    })
    .keep(session)?;
    web::see_other("/publisher/mail")
}

/// The kind of a template's address.
fn kind(name: &str) -> Result<Kind, Error> {
    Kind::parse(name).ok_or(Error::NotFound)
}
