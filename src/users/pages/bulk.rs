//! What the form around the list of users does, and taking it back.

use actix_session::Session;
use actix_web::{HttpRequest, web::Data};
use serde::Deserialize;

use super::{invitations, leaving, list::Shown};
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    error::Error,
    groups::{self, BulkOutcome},
    products, subscriptions,
    users::{
        self,
        bulk::{self, Chosen},
        many,
    },
    web::{
        self, Answer, Flash, Form, Frame, counted, errors::referring_path, filters::shortened, form::Name, paging::Page, url::local_path,
    },
};

#[derive(Deserialize)]
pub(super) struct BulkForm {
    #[serde(flatten)]
    pub shown: Shown,
    #[serde(default)]
    pub user: Vec<String>,
    /// The button that was pressed: the name of the group.
    #[serde(default)]
    add: Option<String>,
    #[serde(default)]
    remove: Option<String>,
    /// Where the menus cannot hold every group: a group's own words, and the button beside them (`add` or `remove`).
    #[serde(default)]
    add_other: String,
    #[serde(default)]
    remove_other: String,
    #[serde(default)]
    other: Option<String>,
    /// `send` or `revoke` those of the ticked.
    #[serde(default)]
    invitations: Option<String>,
    /// `block`, `activate`, `reset` or `delete`.
    #[serde(default)]
    accounts: Option<String>,
}

enum Direction {
    Add,
    Remove,
}

impl BulkForm {
    pub fn is_nobody(&self) -> bool {
        self.user.is_empty() && !self.shown.all()
    }

    pub fn chosen(&self) -> Chosen {
        if self.shown.all() { Chosen::Matching(self.shown.words()) } else { Chosen::Named(self.user.clone()) }
    }

    /// Which way, and the group: its name, and whether it was typed.
    fn wanted(&self) -> Result<(Direction, &str, bool), Error> {
        match (&self.add, &self.remove, self.other.as_deref()) {
            (Some(group), _, _) => Ok((Direction::Add, group, false)),
            (_, Some(group), _) => Ok((Direction::Remove, group, false)),
            (_, _, Some("add")) => Ok((Direction::Add, &self.add_other, true)),
            (_, _, Some("remove")) => Ok((Direction::Remove, &self.remove_other, true)),
            _ => Err(Error::BadRequest("The form does not say which group.".to_owned())),
        }
    }
}

fn mailed(portal: &Portal) -> &'static str {
    if portal.mail.leaves() {
        "whose address is not confirmed: mailed a link to choose a password"
    } else {
        "whose address is not confirmed: a link to choose a password is kept on the Mail page"
    }
}

/// What a button of the form does that is not about groups.
async fn change_accounts((admin, again): (&Administrator, &Again), portal: &Portal, what: &str, chosen: &Chosen) -> Result<Flash, Error> {
    // There is no field for it on the list.
    let confirmed = if again.is_given() { portal.confirm(again, "").await.ok() } else { None };
    let mut entry = None;
    let (done, already, outcome) = match what {
        "block" => {
            let (outcome, blocked) = many::block(&portal.db, admin, chosen).await?;
            entry = blocked;
            ("Blocked", "blocked already", outcome)
        }
        "activate" => ("Activated", "active already", many::activate(&portal.db, &portal.mail, (admin, confirmed), chosen).await?),
        "reset" => ("Sent a reset to", "sent one a moment ago", many::send_resets(&portal.db, &portal.mail, admin, chosen).await?),
        _ => return Err(Error::BadRequest("The form does not say what becomes of the users.".to_owned())),
    };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let was = if outcome.already == 1 { "was" } else { "were" };
    let same = (outcome.already > 0).then(|| format!("{} {was} {already}", web::filters::thousands(number(outcome.already))));
    let reason = match what {
        "block" => "your own account is not blocked",
        "activate" => "who is invited accepts that first",
        _ => "who cannot sign in, and you yourself, need none",
    };
    let left = (outcome.left > 0).then(|| format!("{} left out: {reason}", web::filters::thousands(number(outcome.left))));
    let administrators = (outcome.administrators > 0).then(|| {
        let who = counted(number(outcome.administrators), "administrator", "administrators");
        format!("{who} left out: activate them on their own pages, with your password")
    });
    let rest = [same, left, administrators].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let kept = if what == "reset" && !portal.mail.leaves() { " The links are kept on the Mail page, not sent." } else { "" };
    let rest = if rest.is_empty() { rest } else { format!(" ({rest})") };
    Ok(match outcome.changed {
        0 => Flash::warn(format!("Nothing was changed{rest}.")),
        changed => {
            let told = [(outcome.mailed, mailed(portal)), (outcome.pending, "pending again, as before they were blocked")];
            let told: String = told.iter().filter(|(some, _)| *some > 0).map(|(some, what)| format!(" {some} {what}.")).collect();
            Flash::good(format!("{done} {}{rest}.{told}{kept}", counted(number(changed), "user", "users"))).with_undo(entry)
        }
    })
}

pub(super) async fn change(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<BulkForm>,
) -> Answer {
    let back = form.shown.address();
    if let Some(what) = form.accounts.clone().filter(|_| !form.is_nobody()) {
        if what == "delete" {
            return leaving::ask_many((&admin, &again), &portal, frame, &session, form).await;
        }
        let mut flash = change_accounts((&admin, &again), &portal, &what, &form.chosen()).await?;
        flash.all_ticked = form.shown.all();
        flash.ticked = kept_ticks(form.user);
        flash.keep(&session)?;
        return web::see_other(&back);
    }
    if let Some(what) = &form.invitations {
        let (flash, progress) = invitations::in_bulk(&admin, &portal, &form, what).await?;
        flash.keep(&session)?;
        return web::see_other(progress.as_deref().unwrap_or(&back));
    }
    if form.accounts.is_some() {
        Flash::warn(NOBODY).keep(&session)?;
        return web::see_other(&back);
    }
    let (direction, group, typed) = form.wanted()?;
    let mut flash = if form.is_nobody() {
        Flash::warn(NOBODY)
    } else {
        let group = if typed { groups::find_by_words(&portal.db, group).await? } else { Some(group.to_owned()) };
        match group {
            None => Flash::warn("There is no custom group by that name, so nothing was changed."),
            Some(group) => {
                let chosen = form.chosen();
                match direction {
                    Direction::Add => said_added(bulk::add_to_group(&portal.db, &admin, &group, &chosen).await?),
                    Direction::Remove => said_removed(bulk::remove_from_group(&portal.db, &admin, &group, &chosen).await?),
                }
            }
        }
    };
    flash.all_ticked = form.shown.all();
    flash.ticked = kept_ticks(form.user);
    flash.keep(&session)?;
    web::see_other(&back)
}

const NOBODY: &str = "Nobody is ticked, so nothing was changed. Tick the users first.";

/// No page shows more rows than this, so no more ticks are worth keeping.
fn kept_ticks(names: Vec<String>) -> Vec<String> {
    let most = Page::SIZES.iter().max().copied().and_then(|most| usize::try_from(most).ok()).unwrap_or_default();
    names.into_iter().filter(|name| name.len() <= 256).take(most).collect()
}

/// "Added 3 developers to Partners (1 was already a member)."
fn said_added(outcome: BulkOutcome) -> Flash {
    let group = shortened(&outcome.group.display_name, 80);
    Flash::good(match (outcome.changed, outcome.unchanged) {
        (0, 0) => "Nobody was left to add, so nothing was changed.".to_owned(),
        (0, 1) => format!("Nothing was changed: the developer was already a member of {group}."),
        (0, same) => format!("Nothing was changed: all {} developers were already members of {group}.", web::filters::thousands(same)),
        (changed, same) => {
            let rest = match same {
                0 => String::new(),
                1 => " (1 was already a member)".to_owned(),
                same => format!(" ({} were already members)", web::filters::thousands(same)),
            };
            format!("Added {} to {group}{rest}.", counted(changed, "developer", "developers"))
        }
    })
    .with_undo(outcome.entry)
}

fn said_removed(outcome: BulkOutcome) -> Flash {
    let group = shortened(&outcome.group.display_name, 80);
    Flash::good(match (outcome.changed, outcome.unchanged) {
        (0, 0) => "Nobody was left to remove, so nothing was changed.".to_owned(),
        (0, 1) => format!("Nothing was changed: the developer was not a member of {group}."),
        (0, same) => format!("Nothing was changed: none of the {} developers was a member of {group}.", web::filters::thousands(same)),
        (changed, same) => {
            let rest = match same {
                0 => String::new(),
                1 => " (1 was not a member)".to_owned(),
                same => format!(" ({} were not members)", web::filters::thousands(same)),
            };
            format!("Removed {} from {group}{rest}.", counted(changed, "developer", "developers"))
        }
    })
    .with_undo(outcome.entry)
}

/// "Undone: 2 users are as before the block, 1 of them pending. Their sessions stay ended."
fn said_unblocked(outcome: many::Outcome) -> Flash {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let left = match outcome.administrators {
        0 => String::new(),
        some => format!(
            " {} left out: activate them on their own pages, with your password.",
            counted(number(some), "administrator", "administrators")
        ),
    };
    let left = match outcome.left {
        0 => left,
        1 => format!("{left} 1 was changed since, and stays blocked."),
        some => format!("{left} {} were changed since, and stay blocked.", number(some)),
    };
    let pending = if outcome.pending > 0 { format!(", {} of them pending", outcome.pending) } else { String::new() };
    match outcome.changed {
        0 => Flash::warn(format!("Nobody of them was left to activate.{left}")),
        1 => Flash::good(format!("Undone: 1 user is as before the block{pending}. The sessions stay ended.{left}")),
        some => Flash::good(format!("Undone: {} users are as before the block{pending}. Their sessions stay ended.{left}", number(some))),
    }
}

/// Takes back a change of members, of a product, a block or a suspension, and returns to the page that offered it.
pub(super) async fn undo(
    (admin, again): (Administrator, Again),
    request: HttpRequest,
    portal: Data<Portal>,
    session: Session,
    Name(entry): Name,
) -> Answer {
    let Some((was_added, outcome)) = groups::undo(&portal.db, &admin, &entry).await? else {
        if let Some(undone) = products::undo(&portal.db, &admin, &entry).await? {
            let (flash, back) = products::pages::undo_said(&undone);
            flash.keep(&session)?;
            return web::see_other(&back);
        }
        let confirmed = if again.is_given() { portal.confirm(&again, "").await.ok() } else { None };
        if let Some(outcome) = many::undo_block(&portal.db, (&admin, confirmed), &entry).await? {
            said_unblocked(outcome).keep(&session)?;
            let back = referring_path(&request).filter(|path| path.starts_with("/publisher"));
            return web::see_other(&local_path(back.as_deref(), users::LIST));
        }
        if let Some(resumed) = subscriptions::undo_suspension(&portal.db, &portal.mail, &admin, &entry).await? {
            subscriptions::pages::undo_said(&resumed).keep(&session)?;
            let back = referring_path(&request).filter(|path| path.starts_with("/publisher"));
            return web::see_other(&local_path(back.as_deref(), "/publisher/subscriptions"));
        }
        return Err(Error::Conflict("This change cannot be undone with one click. Change it back on its own page.".to_owned()));
    };
    let people = counted(outcome.changed, "developer", "developers");
    let group = shortened(&outcome.group.display_name, 80);
    let text = match (outcome.changed, was_added) {
        (0, _) => format!("There was nothing left to undo in {group}."),
        (_, true) => format!("Undone: removed {people} from {group} again."),
        (_, false) => format!("Undone: put {people} back into {group}."),
    };
    Flash::good(text).keep(&session)?;
    let back = referring_path(&request).filter(|path| path.starts_with("/publisher"));
    web::see_other(&local_path(back.as_deref(), users::LIST))
}
