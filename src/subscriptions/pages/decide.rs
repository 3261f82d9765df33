//! What administrators decide for one subscription or many, and the page that asks before they are cancelled.

use std::collections::BTreeMap;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::publisher::HeldPage;
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    error::{Error, Problems},
    subscriptions::{self, Decided, Decision, Remarks, Resumed, store::Held},
    web::{
        self, Answer, Flash, Form, Frame, counted,
        filters::{shortened, the},
        form::Name,
        url::local_path,
    },
};

/// Asks before subscriptions are cancelled, which is final.
#[derive(Template)]
#[template(path = "subscriptions/end.html")]
struct CancelPage {
    frame: Frame,
    title: String,
    under: String,
    /// The page before, and what it is called.
    before: String,
    crumb: String,
    action: String,
    button: String,
    keep: &'static str,
    /// Of several; one is named by the action.
    names: Vec<String>,
    /// Where several are listed.
    back: String,
    comment: String,
    problems: Problems,
    goes: Vec<String>,
    stays: Vec<String>,
}

/// Products that are named before the rest is counted.
const NAMED: usize = 12;

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl CancelPage {
    fn one(frame: Frame, held: &Held, comment: String, problems: Problems) -> Self {
        let subscription = &held.subscription;
        let path = subscription.publisher_path();
        Self {
            frame,
            title: format!("Cancel {}?", the("subscription", &subscription.display_name)),
            under: format!("{} holds it, for {}.", held.display(), subscription.product_display_name),
            before: path.clone(),
            crumb: subscription.display_name.clone(),
            action: format!("{path}/decide"),
            button: "Cancel subscription".to_owned(),
            keep: "Keep it",
            names: Vec::new(),
            back: path,
            comment,
            problems,
            goes: vec![
                "Both keys: they stop working at once, and programs that use them are refused".to_owned(),
                "The subscription itself: a cancelled one cannot be made active again".to_owned(),
            ],
            stays: vec!["Its record, here and in the owner’s list. The owner is told by mail".to_owned()],
        }
    }

    /// `others`: those of the ticked that are in no state for it.
    fn many(frame: Frame, held: &[Held], others: usize, back: String, comment: String, problems: Problems) -> Self {
        let mut products: BTreeMap<&str, i64> = BTreeMap::new();
        for one in held {
            *products.entry(one.subscription.product_display_name.as_str()).or_default() += 1;
        }
        let mut by_product: Vec<String> =
            products.iter().take(NAMED).map(|(product, count)| format!("{} ({count})", shortened(product, 60))).collect();
        if products.len() > by_product.len() {
            by_product.push(format!("and {} more", products.len() - by_product.len()));
        }
        let which = counted(number(held.len()), "subscription", "subscriptions");
        let mut stays = vec!["Their records, here and in the owners’ lists. The owners are told by mail".to_owned()];
        if others > 0 {
            stays.push(format!("{} of the ticked, neither active nor suspended", counted(number(others), "other", "others")));
        }
        Self {
            frame: Frame { section: "subscriptions", ..frame },
            title: format!("Cancel {which}?"),
            under: String::new(),
            before: back.clone(),
            crumb: "Subscriptions".to_owned(),
            action: "/publisher/decide/subscriptions".to_owned(),
            button: format!("Cancel {which}"),
            keep: if held.len() == 1 { "Keep it" } else { "Keep them" },
            names: held.iter().map(|one| one.subscription.name.clone()).collect(),
            back,
            comment,
            problems,
            goes: vec![
                format!("{which}, to {}; a cancelled one cannot be made active again", by_product.join(", ")),
                "Their keys: they stop working at once, and programs that use them are refused".to_owned(),
            ],
            stays,
        }
    }
}

fn can_be_cancelled(held: &Held) -> bool {
    Decision::Cancel.from().contains(&held.subscription.state())
}

pub(super) async fn ask_cancel(_admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    if !can_be_cancelled(&held) {
        let word = held.subscription.state().word().to_lowercase();
        Flash::warn(format!("This subscription is {word}, so there is nothing to cancel.")).keep(&session)?;
        return web::see_other(&held.subscription.publisher_path());
    }
    web::page(&CancelPage::one(frame, &held, String::new(), Problems::default()))
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
    /// The page that asks before something final was shown.
    asked: Option<String>,
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
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<DecideForm>,
) -> Answer {
    let decision = decision(&form)?;
    let held = subscriptions::get_any(&mut portal.db.read().await?, &name).await?;
    if decision == Decision::Cancel && form.asked.is_none() && can_be_cancelled(&held) {
        return web::page(&CancelPage::one(frame, &held, form.comment, Problems::default()));
    }
    let names = [held.subscription.name.clone()];
    let remarks = Remarks { comment: &form.comment, ends: form.ends.as_deref() };
    match subscriptions::decide(&portal.db, &portal.mail, &admin, &names, decision, remarks).await {
        Ok(decided) => {
            said(decision, &decided).keep(&session)?;
            web::see_other(&held.subscription.publisher_path())
        }
        Err(Error::Invalid(problems)) if decision == Decision::Cancel => {
            web::invalid(&CancelPage::one(frame, &held, form.comment, problems))
        }
        Err(Error::Invalid(problems)) => {
            let page = HeldPage::load(&portal, frame, &name, again.is_given()).await?;
            web::invalid(&page.again(problems, form.comment, form.ends.unwrap_or_default()))
        }
        Err(other) => Err(other),
    }
}

/// No page shows more rows than this, so no more ticks are worth keeping.
const MOST_TICKS: usize = 500;

pub(super) async fn decide_many(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<DecideForm>,
) -> Answer {
    let decision = decision(&form)?;
    let back = local_path(Some(&form.back), "/publisher/subscriptions");
    if form.subscription.is_empty() {
        Flash::warn("Nothing is ticked, so nothing was changed. Tick the subscriptions first.").keep(&session)?;
        return web::see_other(&back);
    }
    let ask = async |problems: Problems| {
        let held = subscriptions::get_many(&mut portal.db.read().await?, &form.subscription).await?;
        let all = held.len();
        let held: Vec<Held> = held.into_iter().filter(can_be_cancelled).collect();
        let others = all - held.len();
        let page = CancelPage::many(frame.clone(), &held, others, back.clone(), form.comment.clone(), problems);
        Ok::<_, Error>(Some(page).filter(|_| !held.is_empty()))
    };
    if decision == Decision::Cancel
        && form.asked.is_none()
        && let Some(page) = ask(Problems::default()).await?
    {
        return web::page(&page);
    }
    let remarks = Remarks { comment: &form.comment, ends: None };
    let decided = match subscriptions::decide(&portal.db, &portal.mail, &admin, &form.subscription, decision, remarks).await {
        Err(Error::Invalid(problems)) if decision == Decision::Cancel => match ask(problems.clone()).await? {
            Some(page) => return web::invalid(&page),
            None => return Err(Error::Invalid(problems)),
        },
        decided => decided?,
    };
    if decided.changed.is_empty() && decided.others.is_empty() {
        Flash::warn("The ticked subscriptions are gone, so nothing was changed.").keep(&session)?;
    } else {
        let ticked = decided.changed.iter().chain(&decided.others).take(MOST_TICKS).map(|one| one.name.clone()).collect();
        Flash { ticked, ..said(decision, &decided).with_undo(decided.entry.clone()) }.keep(&session)?;
    }
    web::see_other(&back)
}

/// "Undone: 2 subscriptions are active again."
pub fn undo_said(resumed: &Resumed) -> Flash {
    let left = match resumed.left {
        0 => String::new(),
        1 => " 1 was changed since, and was left as it is.".to_owned(),
        some => format!(" {some} were changed since, and were left as they are."),
    };
    match resumed.active {
        0 => Flash::warn(format!("There was nothing left to undo.{left}")),
        1 => Flash::good(format!("Undone: 1 subscription is active again, and its owner is told.{left}")),
        some => Flash::good(format!("Undone: {some} subscriptions are active again, and their owners are told.{left}")),
    }
}
