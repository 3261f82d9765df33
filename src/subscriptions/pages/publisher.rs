//! The page of anybody's subscription, for administrators, and what they decide for one or many.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::Administrator,
    catalog,
    error::{Error, Problems},
    subscriptions::{self, Decided, Decision, Remarks, State, store::Held},
    web::{
        self, Answer, Flash, Form, Frame, counted,
        filters::{shortened, the},
        form::Name,
        markdown::{self, SafeHtml},
        url::local_path,
    },
};

/// The page of one.
#[derive(Template)]
#[template(path = "subscriptions/held.html")]
struct HeldPage {
    frame: Frame,
    held: Held,
    /// The owner, who can sign in, no longer sees the product.
    hidden: bool,
    terms: SafeHtml,
    comment: String,
    /// The last day, as it is typed.
    ends: String,
    problems: Problems,
}

impl HeldPage {
    async fn load(portal: &Portal, frame: Frame, name: &str) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let held = subscriptions::get_any(&mut connection, name).await?;
        let hidden = held.owner_state == "active"
            && !catalog::without_sight(&mut connection, &[held.subscription.id], portal.db.now()).await?.is_empty();
        let terms = markdown::to_html(held.subscription.terms_accepted.as_deref().unwrap_or(""));
        let ends = held.subscription.last_day_field();
        Ok(Self { frame, hidden, terms, comment: String::new(), ends, problems: Problems::default(), held })
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

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&HeldPage::load(&portal, frame, &name).await?)
}

/// Asks before a subscription is cancelled, which is final.
#[derive(Template)]
#[template(path = "subscriptions/end.html")]
struct CancelPage {
    frame: Frame,
    held: Held,
    comment: String,
    problems: Problems,
    goes: Vec<String>,
    stays: Vec<String>,
}

impl CancelPage {
    fn new(frame: Frame, held: Held, comment: String, problems: Problems) -> Self {
        let goes = vec![
            "Both keys: they stop working at once, and programs that use them are refused".to_owned(),
            "The subscription itself: a cancelled one cannot be made active again".to_owned(),
        ];
        let stays = vec!["Its record, here and in the owner’s list. The owner is told by mail".to_owned()];
        Self { frame, held, comment, problems, goes, stays }
    }
}

pub(super) async fn ask_cancel(_admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    let subscription = &held.subscription;
    if !Decision::Cancel.from().contains(&subscription.state()) {
        let word = subscription.state().word().to_lowercase();
        Flash::warn(format!("This subscription is {word}, so there is nothing to cancel.")).keep(&session)?;
        return web::see_other(&subscription.publisher_path());
    }
    web::page(&CancelPage::new(frame, held, String::new(), Problems::default()))
}

#[derive(Deserialize)]
pub(super) struct DecideForm {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    subscription: Vec<String>,
    /// The last day of what becomes active, where it was asked for.
    ends: Option<String>,
    /// The list that it was decided on, to come back to.
    #[serde(default)]
    back: String,
}

fn decision(form: &DecideForm) -> Result<Decision, Error> {
    Decision::parse(&form.decision).ok_or_else(|| Error::BadRequest("The decision is missing.".to_owned()))
}

/// What was done, and what was left because it was in no state for it.
fn said(decision: Decision, decided: &Decided) -> Flash {
    let others = match decided.others.as_slice() {
        [] => String::new(),
        [one] => {
            let who = the("subscription", &one.display_name);
            format!("{}{} is {}, so it was left as it is.", who[..1].to_uppercase(), &who[1..], one.state().word().to_lowercase())
        }
        many => {
            let needed = match decision {
                Decision::Approve | Decision::Decline => "were not waiting for approval",
                Decision::Suspend => "were not active",
                Decision::Activate => "were not suspended",
                Decision::Cancel => "were neither active nor suspended",
            };
            format!("{} {needed}, and were left as they are.", counted(many.len() as i64, "subscription", "subscriptions"))
        }
    };
    match decided.changed.as_slice() {
        [] => Flash::warn(others),
        [one] => Flash::good(format!(
            "{} {} to {}. {others}",
            decision.done(),
            the("subscription", &one.display_name),
            shortened(&one.product_display_name, 80)
        )),
        many => Flash::good(format!("{} {}. {others}", decision.done(), counted(many.len() as i64, "subscription", "subscriptions"))),
    }
}

pub(super) async fn decide(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<DecideForm>,
) -> Answer {
    let decision = decision(&form)?;
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    let names = [held.subscription.name.clone()];
    let remarks = Remarks { comment: &form.comment, ends: form.ends.as_deref() };
    match subscriptions::decide(&portal.db, &portal.mail, &admin, &names, decision, remarks).await {
        Ok(decided) => {
            said(decision, &decided).keep(&session)?;
            web::see_other(&held.subscription.publisher_path())
        }
        Err(Error::Invalid(problems)) if decision == Decision::Cancel => {
            web::invalid(&CancelPage::new(frame, held, form.comment, problems))
        }
        Err(Error::Invalid(problems)) => {
            let page = HeldPage::load(&portal, frame, &name).await?;
            web::page_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &HeldPage { problems, comment: form.comment, ends: form.ends.unwrap_or_default(), ..page },
            )
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
pub(super) struct EndForm {
    version: i64,
    #[serde(default)]
    ends: String,
}

pub(super) async fn set_end(
    admin: Administrator,
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
    let page = HeldPage::load(&portal, frame, &name).await?;
    web::page_with(status, &HeldPage { problems, ends: form.ends, ..page })
}

/// No page shows more rows than this, so no more ticks are worth keeping.
const MOST_TICKS: usize = 500;

pub(super) async fn decide_many(admin: Administrator, portal: Data<Portal>, session: Session, Form(form): Form<DecideForm>) -> Answer {
    let decision = decision(&form)?;
    let back = local_path(Some(&form.back), "/publisher/subscriptions");
    if form.subscription.is_empty() {
        Flash::warn("Nothing is ticked, so nothing was changed. Tick the subscriptions first.").keep(&session)?;
        return web::see_other(&back);
    }
    let remarks = Remarks { comment: &form.comment, ends: None };
    let decided = subscriptions::decide(&portal.db, &portal.mail, &admin, &form.subscription, decision, remarks).await?;
    if decided.changed.is_empty() && decided.others.is_empty() {
        Flash::warn("The ticked subscriptions are gone, so nothing was changed.").keep(&session)?;
    } else {
        let ticked = decided.changed.iter().chain(&decided.others).take(MOST_TICKS).map(|one| one.name.clone()).collect();
        Flash { ticked, ..said(decision, &decided) }.keep(&session)?;
    }
    web::see_other(&back)
}
