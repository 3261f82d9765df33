//! Who is told of what: a list of the events, and a page for each.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::framed;
use crate::{
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    mail::{
        notifications::{self, Choice, Event, Told},
        store,
    },
    web::{self, Answer, Flash, Form, Frame, counted, form::Name},
};

struct Line {
    event: Event,
    told: Told,
}

impl Line {
    /// "Every administrator and 2 addresses".
    fn words(&self) -> String {
        let number = |count: usize, one, many| (count > 0).then(|| counted(i64::try_from(count).unwrap_or(i64::MAX), one, many));
        let people = match self.told.every_administrator {
            true => Some("Every administrator".to_owned()),
            false => number(self.told.administrators.len(), "administrator", "administrators"),
        };
        let parts: Vec<String> = [people, number(self.told.addresses.len(), "address", "addresses")].into_iter().flatten().collect();
        if parts.is_empty() { "Nobody".to_owned() } else { parts.join(" and ") }
    }
}

fn path(event: Event) -> String {
    format!("/publisher/notifications/{}", event.name())
}

#[derive(Template)]
#[template(path = "mail/notifications.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
}

pub(super) async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let mut connection = portal.db.read().await?;
    let mut lines = Vec::new();
    for event in Event::ALL {
        lines.push(Line { told: notifications::get(&mut connection, event).await?, event });
    }
    web::page(&ListPage { frame: framed(frame), lines })
}

#[derive(Deserialize)]
pub(super) struct ToldForm {
    version: i64,
    every: Option<String>,
    #[serde(default)]
    administrator: Vec<String>,
    #[serde(default)]
    addresses: String,
}

#[derive(Template)]
#[template(path = "mail/notification.html")]
struct EditPage {
    frame: Frame,
    event: Event,
    choices: Vec<Choice>,
    every: bool,
    ticked: Vec<String>,
    addresses: String,
    version: i64,
    stale: bool,
    problems: Problems,
}

impl EditPage {
    async fn load(portal: &Portal, frame: Frame, event: Event) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let told = notifications::get(&mut connection, event).await?;
        Ok(Self {
            frame: framed(frame),
            event,
            choices: store::told::administrators(&mut connection).await?,
            every: told.every_administrator,
            ticked: told.administrators,
            addresses: told.addresses.join("\n"),
            version: told.version,
            stale: false,
            problems: Problems::default(),
        })
    }

    fn path(&self) -> String {
        path(self.event)
    }

    fn is_ticked(&self, choice: &Choice) -> bool {
        self.ticked.contains(&choice.name)
    }
}

fn event(name: &str) -> Result<Event, Error> {
    Event::parse(name).ok_or(Error::NotFound)
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&EditPage::load(&portal, frame, event(&name)?).await?)
}

pub(super) async fn save(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<ToldForm>,
) -> Answer {
    let event = event(&name)?;
    let told = Told {
        every_administrator: form.every.is_some(),
        administrators: form.administrator.clone(),
        addresses: notifications::split(&form.addresses),
        version: 0,
    };
    let outcome = notifications::set(&portal.db, &admin, event, form.version, told).await;
    let (status, problems) = match outcome {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            return web::see_other("/publisher/notifications");
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(Error::Stale) => (StatusCode::CONFLICT, Problems::default()),
        Err(other) => return Err(other),
    };
    let page = EditPage::load(&portal, frame, event).await?;
    let stale = status == StatusCode::CONFLICT;
    let page = EditPage {
        every: form.every.is_some(),
        ticked: form.administrator,
        addresses: form.addresses,
        version: if stale { page.version } else { form.version },
        stale,
        problems,
        ..page
    };
    web::page_with(status, &page)
}
