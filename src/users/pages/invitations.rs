//! Inviting people, and accepting an invitation.

use actix_session::Session;
use actix_web::{HttpRequest, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{
    bulk::BulkForm,
    recovery::{ClosedPage, closed},
};
use crate::{
    app::Portal,
    auth::{
        Administrator, SignedIn,
        links::Found,
        pages::{begin, landing},
    },
    error::{Error, Problems},
    providers,
    users::{
        self, NewName,
        bulk::{Chosen, INVITED},
        invitations::{self, Invited, NewInvitations},
        store::show::GroupBox,
    },
    web::{
        self, Answer, Flash, Form, Frame, counted,
        form::{Name, Token},
    },
};

#[derive(Template)]
#[template(path = "users/invite.html")]
struct InvitePage {
    frame: Frame,
    form: NewInvitations,
    groups: Vec<GroupBox>,
    leaves: bool,
    problems: Problems,
}

/// Boxes of the form; a group beyond them is chosen afterwards, on its own page.
const BOXES: usize = 200;

impl InvitePage {
    async fn load(me: &SignedIn, portal: &Portal, frame: Frame, form: NewInvitations, problems: Problems) -> Result<Self, Error> {
        let known = portal.groups.current(&portal.db, me.standing()).await?;
        let groups = known.custom().take(BOXES).map(|group| GroupBox::ticked(group, form.group.contains(&group.name))).collect();
        Ok(Self { frame: Frame { section: "users", ..frame }, form, groups, leaves: portal.mail.leaves(), problems })
    }
}

pub(super) async fn form(_admin: Administrator, me: SignedIn, portal: Data<Portal>, frame: Frame) -> Answer {
    web::page(&InvitePage::load(&me, &portal, frame, NewInvitations::default(), Problems::default()).await?)
}

fn progress_of(batch: &str) -> String {
    format!("/publisher/mail?batch={batch}")
}

pub(super) async fn invite(
    (admin, me): (Administrator, SignedIn),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<NewInvitations>,
) -> Answer {
    match invitations::invite(&portal.db, &portal.mail, &admin, &form).await {
        Ok(invited) => {
            said(&invited, portal.mail.leaves()).keep(&session)?;
            let list = format!("{}?state={INVITED}", users::LIST);
            web::see_other(&if invited.batch.is_empty() { list } else { progress_of(&invited.batch) })
        }
        Err(Error::Invalid(problems)) => web::invalid(&InvitePage::load(&me, &portal, frame, form, problems).await?),
        Err(other) => Err(other),
    }
}

/// Addresses that are told one by one; more are counted.
const TOLD: usize = 30;

fn said(invited: &Invited, leaves: bool) -> Flash {
    let number = i64::try_from(invited.invited).unwrap_or(i64::MAX);
    let mut text = match number {
        0 => "Nobody was invited.".to_owned(),
        number => format!("Invited {}.", counted(number, "person", "people")),
    };
    if number > 0 && !leaves {
        text.push_str(if number == 1 { " The mail is" } else { " The mails are" });
        text.push_str(" kept here, not sent: read it on the Mail page.");
    }
    if !invited.known.is_empty() {
        let lines: Vec<String> = invited.known.iter().take(TOLD).map(|(email, state)| format!("{email} ({state})")).collect();
        let rest = invited.known.len() - lines.len();
        let more = if rest > 0 { format!(", and {rest} more") } else { String::new() };
        text.push_str(&format!(" Known already, and not invited again: {}{more}.", lines.join(", ")));
    }
    if number == 0 || !invited.known.is_empty() || !leaves { Flash::warn(text) } else { Flash::good(text) }
}

/// What the buttons for invitations do, on the list of users.
pub(super) async fn in_bulk(admin: &Administrator, portal: &Portal, form: &BulkForm, what: &str) -> Result<(Flash, Option<String>), Error> {
    if form.is_nobody() {
        return Ok((Flash::warn("Nobody is ticked, so nothing was changed. Tick the users first."), None));
    }
    change(admin, portal, &form.chosen(), what).await
}

async fn change(admin: &Administrator, portal: &Portal, chosen: &Chosen, what: &str) -> Result<(Flash, Option<String>), Error> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    match what {
        "send" => {
            let (sent, batch) = invitations::invite_again(&portal.db, &portal.mail, admin, chosen).await?;
            Ok(match sent {
                0 => (Flash::warn("No invitation was sent: nobody of them is invited, or it was sent a moment ago."), None),
                sent => {
                    let which = counted(number(sent), "invitation", "invitations");
                    let flash = if portal.mail.leaves() {
                        Flash::good(format!("Sent {which} again."))
                    } else {
                        Flash::warn(format!("Wrote {which} again, kept here and not sent: read it on the Mail page."))
                    };
                    (flash, Some(progress_of(&batch)))
                }
            })
        }
        "revoke" => Ok((
            match invitations::revoke(&portal.db, admin, chosen).await? {
                0 => Flash::warn("No invitation was revoked: nobody of them is invited."),
                gone => Flash::good(format!("Revoked {}.", counted(number(gone), "invitation", "invitations"))),
            },
            None,
        )),
        _ => Err(Error::BadRequest("The form does not say what becomes of the invitations.".to_owned())),
    }
}

pub(super) async fn send_again(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (flash, _) = change(&admin, &portal, &Chosen::Named(vec![name.clone()]), "send").await?;
    flash.keep(&session)?;
    web::see_other(&users::path(&name))
}

pub(super) async fn revoke(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (flash, _) = change(&admin, &portal, &Chosen::Named(vec![name]), "revoke").await?;
    flash.keep(&session)?;
    web::see_other(users::LIST)
}

#[derive(Template)]
#[template(path = "users/accept.html")]
struct AcceptPage {
    frame: Frame,
    token: String,
    email: String,
    form: NewName,
    problems: Problems,
}

const USED: &str = "The invitation was accepted already, or an administrator has opened the account. Sign in; if you have no password, ask for a new one there.";
const BY_PROVIDER: &str =
    "Nobody signs in with a password here. Sign in by a provider, with the address that was invited, and your account is open.";
const ASK: (&str, &str) = ("/signin", "Sign in");

fn not_open(frame: Frame, found: &Found) -> Answer {
    match found {
        Found::Expired => super::recovery::closed_with(
            frame,
            found,
            "Invitations work for two days, and this one came too late. Ask whoever invited you to send it again.",
            ASK,
        ),
        found => closed(frame, found, USED, ASK),
    }
}

pub(super) async fn show(portal: Data<Portal>, frame: Frame, Token(token): Token) -> Answer {
    match invitations::find(&portal.db, &token).await? {
        Found::Open(_) if !providers::passwords_allowed(&mut portal.db.read().await?).await?.allowed => {
            let page = ClosedPage { frame, title: "You are invited", sentence: BY_PROVIDER, next: ASK };
            web::page(&page)
        }
        Found::Open(holder) => {
            let form = NewName { first_name: holder.person.first_name, last_name: holder.person.last_name };
            web::page(&AcceptPage { frame, token, email: holder.person.email, form, problems: Problems::default() })
        }
        found => not_open(frame, &found),
    }
}

#[derive(Deserialize)]
pub(super) struct AcceptForm {
    #[serde(flatten)]
    name: NewName,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

pub(super) async fn accept(
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Token(token): Token,
    Form(form): Form<AcceptForm>,
) -> Answer {
    let passwords = (form.password.as_str(), form.repeated.as_str());
    match invitations::accept(&portal.db, &portal.passwords, &portal.mail, &token, &form.name, passwords).await {
        Ok(proven) => {
            let mut answer = web::see_other(landing(&proven.person))?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            Flash::good("Welcome. Your account is open.").keep(&session)?;
            Ok(answer)
        }
        Err(error @ (Error::NotFound | Error::Invalid(_))) => match invitations::find(&portal.db, &token).await? {
            Found::Open(holder) => {
                let problems = if let Error::Invalid(problems) = error { problems } else { Problems::default() };
                web::invalid(&AcceptPage { frame, token, email: holder.person.email, form: form.name, problems })
            }
            found => not_open(frame, &found),
        },
        Err(other) => Err(other),
    }
}
