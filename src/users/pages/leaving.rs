//! Closing one's own account, and deleting users: each asked about on a page that says what goes.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{bulk::BulkForm, list::Shown};
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    error::{Error, Problems},
    users::{
        self,
        bulk::Chosen,
        deletion::{self, Asked, Said},
    },
    web::{self, Answer, Flash, Form, Frame, counted, filters::shortened, form::Name},
};

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// People and products that are named before the rest is counted.
const NAMED: usize = 12;

fn and_more(mut names: Vec<String>, all: usize) -> String {
    if all > names.len() {
        names.push(format!("and {} more", all - names.len()));
    }
    names.join(", ")
}

/// "3 live subscriptions, whose keys stop working at once: Orders (2), Billing (1)".
fn ending(asked: &Asked) -> Option<String> {
    let live = asked.live();
    let by_product: Vec<String> =
        asked.held.iter().take(NAMED).map(|held| format!("{} ({})", shortened(&held.product, 60), held.live)).collect();
    let which = and_more(by_product, asked.held.len());
    (live > 0).then(|| format!("{}; their keys stop working at once: {which}", counted(live, "live subscription", "live subscriptions")))
}

#[derive(Template)]
#[template(path = "users/delete.html")]
struct DeletePage {
    frame: Frame,
    title: String,
    back: String,
    /// One user's, or empty.
    email: String,
    shown: Shown,
    names: Vec<String>,
    users: usize,
    live: i64,
    own: bool,
    goes: Vec<String>,
    stays: Vec<String>,
    cancel: bool,
    given: bool,
    problems: Problems,
}

impl DeletePage {
    fn of(frame: Frame, form: DeleteForm, asked: &Asked, given: bool, problems: Problems) -> Self {
        let users = &asked.users;
        let (title, back) = match users.as_slice() {
            [one] => (format!("Delete {}?", shortened(&one.display(), 80)), one.path()),
            many => (format!("Delete {}?", counted(number(many.len()), "user", "users")), form.shown.address()),
        };
        let mut goes = Vec::new();
        if users.len() > 1 {
            let names = users.iter().take(NAMED).map(|user| shortened(&user.display(), 60).to_string()).collect();
            goes.push(and_more(names, users.len()));
        }
        goes.push("Names, address and note, also in the audit log and in mails; the address is free for somebody else".to_owned());
        goes.push("Sessions, memberships in groups, and links that were mailed".to_owned());
        goes.extend(ending(asked));
        let stays = vec![
            "What was done, in the audit log, by “deleted user” and a number".to_owned(),
            "Subscriptions, cancelled, for their history".to_owned(),
        ];
        Self {
            frame: Frame { section: "users", ..frame },
            email: if let [one] = users.as_slice() { one.email.clone() } else { String::new() },
            title,
            back,
            names: if form.shown.all() { Vec::new() } else { form.user },
            shown: form.shown,
            users: users.len(),
            live: asked.live(),
            own: asked.own,
            goes,
            stays,
            cancel: form.cancel.is_some(),
            given,
            problems,
        }
    }
}

#[derive(Default, Deserialize)]
pub(super) struct DeleteForm {
    #[serde(flatten)]
    shown: Shown,
    #[serde(default)]
    user: Vec<String>,
    /// What the page showed.
    #[serde(default)]
    users: usize,
    #[serde(default)]
    live: i64,
    cancel: Option<String>,
    #[serde(default)]
    password: String,
}

impl DeleteForm {
    fn chosen(&self) -> Chosen {
        if self.shown.all() { Chosen::Matching(self.shown.words()) } else { Chosen::Named(self.user.clone()) }
    }
}

async fn look(portal: &Portal, admin: &Administrator, chosen: &Chosen) -> Result<Asked, Error> {
    deletion::look(&mut portal.db.read().await?, portal.db.now(), admin, chosen).await
}

/// The page for those who are ticked on the list.
pub(super) async fn ask_many(
    (admin, again): (&Administrator, &Again),
    portal: &Portal,
    frame: Frame,
    session: &Session,
    form: BulkForm,
) -> Answer {
    let chosen = form.chosen();
    let back = form.shown.address();
    let asked = look(portal, admin, &chosen).await?;
    if asked.users.is_empty() {
        let own = "Your own account is closed on its page; nobody else is ticked, so nothing was changed.";
        Flash::warn(if asked.own { own } else { "Nobody is ticked, so nothing was changed. Tick the users first." }).keep(session)?;
        return web::see_other(&back);
    }
    let form = DeleteForm { shown: form.shown, user: form.user, ..DeleteForm::default() };
    web::page(&DeletePage::of(frame, form, &asked, again.is_given(), Problems::default()))
}

pub(super) async fn ask((admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let user = users::get(&mut portal.db.read().await?, &name).await?;
    if admin.id() == Some(user.id) {
        return web::see_other("/account/close");
    }
    let form = DeleteForm { user: vec![user.name], ..DeleteForm::default() };
    let asked = look(&portal, &admin, &form.chosen()).await?;
    web::page(&DeletePage::of(frame, form, &asked, again.is_given(), Problems::default()))
}

pub(super) async fn delete(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<DeleteForm>,
) -> Answer {
    let chosen = form.chosen();
    let asked = look(&portal, &admin, &chosen).await?;
    if asked.users.is_empty() {
        Flash::warn("Nobody is left to delete, so nothing was changed.").keep(&session)?;
        return web::see_other(&form.shown.address());
    }
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let said = Said { users: form.users, live: form.live, cancel: form.cancel.is_some() };
    let done = match confirmed {
        Ok(confirmed) => deletion::delete(&portal.db, &portal.mail, &admin, confirmed, &chosen, said).await,
        Err(error) => Err(error),
    };
    let (status, problems) = match done {
        Ok((users, ended)) => {
            let whom = match users.as_slice() {
                [one] => shortened(&one.display(), 80).to_string(),
                many => counted(number(many.len()), "user", "users"),
            };
            let with = if ended > 0 {
                format!(" and cancelled {}", counted(number(ended), "subscription", "subscriptions"))
            } else {
                String::new()
            };
            let own = if asked.own { " Your own account was left out." } else { "" };
            Flash::good(format!("Deleted {whom}{with}.{own}")).keep(&session)?;
            return web::see_other(&form.shown.address());
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(Error::Conflict(why)) => (StatusCode::CONFLICT, Problems::one("", why)),
        Err(other) => return Err(other),
    };
    let asked = look(&portal, &admin, &chosen).await?;
    web::page_with(status, &DeletePage::of(frame, form, &asked, given, problems))
}

#[derive(Template)]
#[template(path = "users/close.html")]
struct ClosePage {
    frame: Frame,
    goes: Vec<String>,
    stays: Vec<String>,
    given: bool,
    problems: Problems,
}

impl ClosePage {
    async fn load(portal: &Portal, frame: Frame, again: &Again, problems: Problems) -> Result<Self, Error> {
        let who = again.who();
        let mut connection = portal.db.read().await?;
        let held = crate::subscriptions::leaving::live_of_owners(&mut connection, &[who.id()]).await?;
        let asked = Asked { held, ..Asked::default() };
        let mut goes = vec![
            "Your account: nobody can sign in with it, and every session ends".to_owned(),
            "Your name and address, also from the log of what was done and from mails".to_owned(),
        ];
        goes.extend(ending(&asked));
        let stays = vec!["What you did in this portal, as done by “deleted user” and a number".to_owned()];
        Ok(Self { frame: Frame { section: "account", ..frame }, goes, stays, given: again.is_given(), problems })
    }
}

pub(super) async fn ask_close(again: Again, portal: Data<Portal>, frame: Frame) -> Answer {
    web::page(&ClosePage::load(&portal, frame, &again, Problems::default()).await?)
}

#[derive(Deserialize)]
pub(super) struct CloseForm {
    #[serde(default)]
    password: String,
}

pub(super) async fn close(again: Again, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<CloseForm>) -> Answer {
    let (status, problems) =
        match deletion::close(&portal.db, (&portal.keys, &portal.passwords), &portal.mail, &again, &form.password).await {
            Ok(()) => {
                session.purge();
                return web::see_other("/signin?said=closed");
            }
            Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
            Err(Error::Conflict(why)) => (StatusCode::CONFLICT, Problems::one("", why)),
            Err(other) => return Err(other),
        };
    web::page_with(status, &ClosePage::load(&portal, frame, &again, problems).await?)
}
