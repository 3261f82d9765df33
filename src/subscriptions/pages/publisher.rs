//! The page of anybody's subscription, for administrators: its last day and its keys. What they decide is in `decide`.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::RegenerateForm;
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    catalog,
    error::{Error, Problems},
    subscriptions::{self, Decision, ShownKeys, State, Which, store::Held},
    web::{
        self, Answer, Flash, Form, Frame,
        form::{Name, Names},
        markdown::{self, SafeHtml},
    },
};

/// The page of one.
#[derive(Template)]
#[template(path = "subscriptions/held.html")]
pub(super) struct HeldPage {
    frame: Frame,
    held: Held,
    /// The owner, who can sign in, no longer sees the product.
    hidden: bool,
    terms: SafeHtml,
    keys: Option<ShownKeys>,
    /// Whether the keys are shown without asking for the password.
    given: bool,
    comment: String,
    /// The last day, as it is typed.
    ends: String,
    problems: Problems,
}

impl HeldPage {
    pub async fn load(portal: &Portal, frame: Frame, name: &str, given: bool) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let held = subscriptions::get_any(&mut connection, name).await?;
        let hidden = held.owner_state == "active"
            && !catalog::without_sight(&mut connection, &[held.subscription.id], portal.db.now()).await?.is_empty();
        let terms = markdown::to_html(held.subscription.terms_accepted.as_deref().unwrap_or(""));
        let ends = held.subscription.last_day_field();
        Ok(Self { frame, hidden, terms, keys: None, given, comment: String::new(), ends, problems: Problems::default(), held })
    }

    /// What was typed into the form for deciding, and what is wrong with it.
    pub fn again(self, problems: Problems, comment: String, ends: String) -> Self {
        Self { problems, comment, ends, ..self }
    }

    fn tone(&self, decision: &Decision) -> &'static str {
        match decision {
            Decision::Approve | Decision::Activate => "main",
            Decision::Decline => "danger",
            Decision::Suspend | Decision::Cancel => "",
        }
    }

    /// What may be done with it now, and undone: cancelling asks on a page of its own.
    fn decisions(&self) -> Vec<Decision> {
        let state = self.held.subscription.state();
        Decision::ALL.into_iter().filter(|one| *one != Decision::Cancel && one.from().contains(&state)).collect()
    }
}

pub(super) async fn show((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&HeldPage::load(&portal, frame, &name, again.is_given()).await?)
}

#[derive(Deserialize)]
pub(super) struct KeysForm {
    #[serde(default)]
    password: String,
}

/// The answer itself holds the keys: it is sent once, kept by no cache, and named by no address.
pub(super) async fn show_keys(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Form(form): Form<KeysForm>,
) -> Answer {
    match portal.confirm(&again, &form.password).await {
        Ok(confirmed) => {
            let keys = subscriptions::show_keys_of(&portal.db, &portal.keys, &admin, confirmed, &name).await?;
            web::page(&HeldPage { keys: Some(keys), ..HeldPage::load(&portal, frame, &name, true).await? })
        }
        Err(Error::Invalid(problems)) => web::invalid(&HeldPage { problems, ..HeldPage::load(&portal, frame, &name, false).await? }),
        Err(other) => Err(other),
    }
}

/// Asks before a key of somebody's is regenerated: the old one stops at once.
#[derive(Template)]
#[template(path = "subscriptions/held_regenerate.html")]
struct RegeneratePage {
    frame: Frame,
    held: Held,
    which: Which,
    goes: Vec<String>,
    stays: Vec<String>,
}

pub(super) async fn ask_regenerate(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Names(name, key): Names,
) -> Answer {
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    let which = Which::parse(&key).ok_or(Error::NotFound)?;
    if !held.subscription.has_keys() {
        let word = held.subscription.state().word().to_lowercase();
        Flash::warn(format!("Keys are regenerated while a subscription is active; this one is {word}.")).keep(&session)?;
        return web::see_other(&held.subscription.publisher_path());
    }
    let goes = vec![format!("The {} key: it stops working at once, and the owner’s programs that use it are refused", which.word())];
    let stays = vec![format!(
        "The {} key: it goes on working. The owner is told by mail, and finds the new key in the portal",
        which.other().word()
    )];
    web::page(&RegeneratePage { frame, held, which, goes, stays })
}

pub(super) async fn regenerate(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<RegenerateForm>,
) -> Answer {
    let which = form.which()?;
    let done = subscriptions::regenerate_key_of(&portal.db, &portal.keys, &portal.mail, &admin, &name, which, form.version).await?;
    match done {
        true => Flash::good(format!("Regenerated the {} key. The old one no longer works; the owner is told by mail.", which.word())),
        false => Flash::warn("The subscription was changed since this page was shown, so no key was regenerated."),
    }
    .keep(&session)?;
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    web::see_other(&held.subscription.publisher_path())
}

#[derive(Deserialize)]
pub(super) struct EndForm {
    version: i64,
    #[serde(default)]
    ends: String,
}

pub(super) async fn set_end(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<EndForm>,
) -> Answer {
    let (status, problems) = match subscriptions::set_end(&portal.db, &admin, &name, form.version, &form.ends).await {
        Ok(changed) => {
            let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
            let said = match (changed, held.subscription.last_day()) {
                (false, _) => "It was so already, so nothing was changed.".to_owned(),
                (true, None) => "It has no end any more.".to_owned(),
                (true, Some(_)) => format!("It works to the end of {} (UTC).", held.subscription.last_day_words()),
            };
            Flash::good(said).keep(&session)?;
            return web::see_other(&held.subscription.publisher_path());
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(Error::Stale) => {
            let told = "The subscription was changed meanwhile. Look at it, then save again.";
            (StatusCode::CONFLICT, Problems::one("ends", told))
        }
        Err(other) => return Err(other),
    };
    let page = HeldPage::load(&portal, frame, &name, again.is_given()).await?;
    web::page_with(status, &HeldPage { problems, ends: form.ends, ..page })
}
