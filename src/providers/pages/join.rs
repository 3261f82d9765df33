//! What is asked of somebody who came by a provider before they are let in, and where the link leads that confirms their address.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::sign_in::{browser_of, desk, enter, problems, stopped};
use crate::{
    app::Portal,
    auth::{links::Found, pages::client_address, sign_in::Origin},
    error::{Error, Problems},
    providers::{
        attempts::Stopped,
        joining::{Answered, Asked, Joined, Unfit, Waiting},
    },
    users::NewName,
    web::{
        self, Answer, Form, Frame,
        form::{Query, Token},
        guard::RequestId,
        markdown::{self, SafeHtml},
    },
};

#[derive(Template)]
#[template(path = "providers/join.html")]
struct JoinPage {
    frame: Frame,
    provider: String,
    email: String,
    form: NewName,
    accepted: bool,
    terms: SafeHtml,
    terms_mark: String,
    asks_names: bool,
    /// The address is still to be confirmed.
    confirms: bool,
    /// Whether a password confirms it.
    passwords: bool,
    problems: Problems,
}

impl JoinPage {
    fn new(frame: Frame, waiting: &Waiting, problems: Problems) -> Self {
        let arrived = &waiting.arrived;
        Self {
            frame,
            provider: waiting.provider.display_name.clone(),
            email: arrived.email.clone(),
            form: NewName { first_name: arrived.first_name.clone(), last_name: arrived.last_name.clone() },
            accepted: false,
            terms: markdown::to_html(&waiting.settings.terms),
            terms_mark: waiting.settings.terms_mark(),
            asks_names: waiting.asked != Asked::Proof,
            confirms: waiting.asked != Asked::Account,
            passwords: waiting.passwords,
            problems,
        }
    }
}

#[derive(Template)]
#[template(path = "providers/closed.html")]
struct ClosedPage {
    frame: Frame,
    title: &'static str,
    sentence: &'static str,
}

fn closed(frame: Frame, status: StatusCode, title: &'static str, sentence: &'static str) -> Answer {
    web::page_with(status, &ClosedPage { frame, title, sentence })
}

fn nobody(frame: Frame) -> Answer {
    closed(frame, StatusCode::GONE, "This sign-in is over", "It was answered already, or waited too long. Begin again.")
}

#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    said: String,
}

#[derive(Template)]
#[template(path = "providers/mailed.html")]
struct MailedPage {
    frame: Frame,
    /// Whether mails leave the portal.
    leaves: bool,
}

pub(super) async fn show(request: HttpRequest, portal: Data<Portal>, frame: Frame, Query(query): Query<Said>) -> Answer {
    if query.said == "sent" {
        return web::page(&MailedPage { frame, leaves: portal.mail.leaves() });
    }
    match desk(&portal).waiting(browser_of(&request, &portal).as_deref()).await? {
        Some(waiting) => web::page(&JoinPage::new(frame, &waiting, Problems::default())),
        None => nobody(frame),
    }
}

/// Goes on from an answer, or shows the form again with what is wrong.
fn answered(
    (request, portal, session): (&HttpRequest, &Portal, &Session),
    outcome: Result<Joined, Stopped>,
    waiting: &Waiting,
    page: JoinPage,
) -> Answer {
    match outcome {
        Ok(Joined::In(proven, next)) => enter(request, portal, session, &proven, &next),
        Ok(Joined::Mailed) => web::see_other("/signin/join?said=sent"),
        Err(Stopped::Failed(Error::NotFound)) => nobody(page.frame),
        Err(Stopped::Failed(error)) => {
            let (status, problems) = problems(error)?;
            web::page_with(status, &JoinPage { problems, ..page })
        }
        Err(refused) => stopped(&waiting.provider.name, refused),
    }
}

pub(super) async fn join(request: HttpRequest, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<Answered>) -> Answer {
    let desk = desk(&portal);
    let Some(waiting) = desk.waiting(browser_of(&request, &portal).as_deref()).await? else { return nobody(frame) };
    let outcome = desk.join(&portal.mail, &waiting, &form, &client_address(&request, &portal)).await;
    let page = JoinPage { form: form.name, accepted: form.terms.is_some(), ..JoinPage::new(frame, &waiting, Problems::default()) };
    answered((&request, &portal, &session), outcome, &waiting, page)
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    #[serde(default)]
    password: String,
}

pub(super) async fn by_password(
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<PasswordForm>,
) -> Answer {
    let desk = desk(&portal);
    let Some(waiting) = desk.waiting(browser_of(&request, &portal).as_deref()).await? else { return nobody(frame) };
    let origin = Origin { address: client_address(&request, &portal), known_browser: None, request: RequestId::of(&request) };
    let outcome = desk.join_by_password(&portal.passwords, &waiting, &form.password, &origin).await;
    let page = JoinPage::new(frame, &waiting, Problems::default());
    answered((&request, &portal, &session), outcome, &waiting, page)
}

#[derive(Template)]
#[template(path = "providers/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    token: String,
    provider: String,
    email: String,
    /// The account is there already.
    links: bool,
    problems: Problems,
}

fn unfit(frame: Frame, unfit: &Unfit) -> Answer {
    match unfit {
        Unfit::OtherBrowser => closed(
            frame,
            StatusCode::FORBIDDEN,
            "Open it in the other browser",
            "This link works only in the browser in which you came by the provider. Copy its address there. If you did not sign in by a provider just now, somebody else typed your address: close this page, and nothing happens.",
        ),
        Unfit::Link(Found::Used) => closed(frame, StatusCode::GONE, "This link was used", "You can sign in by the provider."),
        Unfit::Link(Found::Expired) => {
            closed(frame, StatusCode::GONE, "This link has run out", "It came too late, or the sign-in was answered already. Begin again.")
        }
        Unfit::Link(_) => closed(
            frame,
            StatusCode::NOT_FOUND,
            "This link does not work",
            "Newer links took its place, or it was cut off on its way: open the newest one, whole. Nothing was changed.",
        ),
    }
}

async fn looked(request: &HttpRequest, portal: &Portal, frame: &Frame, token: &str) -> Result<Result<Waiting, HttpResponse>, Error> {
    Ok(match desk(portal).find(token, browser_of(request, portal).as_deref()).await? {
        Ok(waiting) => Ok(waiting),
        Err(why) => Err(unfit(frame.clone(), &why)?),
    })
}

pub(super) async fn show_confirm(request: HttpRequest, portal: Data<Portal>, frame: Frame, Token(token): Token) -> Answer {
    match looked(&request, &portal, &frame, &token).await? {
        Ok(waiting) => web::page(&ConfirmPage::new(frame, token, &waiting, Problems::default())),
        Err(closed) => Ok(closed),
    }
}

impl ConfirmPage {
    fn new(frame: Frame, token: String, waiting: &Waiting, problems: Problems) -> Self {
        let (provider, email) = (waiting.provider.display_name.clone(), waiting.arrived.email.clone());
        Self { frame, token, provider, email, links: waiting.asked == Asked::Proof, problems }
    }
}

pub(super) async fn confirm(request: HttpRequest, portal: Data<Portal>, frame: Frame, session: Session, Token(token): Token) -> Answer {
    let waiting = match looked(&request, &portal, &frame, &token).await? {
        Ok(waiting) => waiting,
        Err(closed) => return Ok(closed),
    };
    match desk(&portal).confirm(&portal.mail, &token, browser_of(&request, &portal).as_deref()).await {
        Ok(Joined::In(proven, next)) => enter(&request, &portal, &session, &proven, &next),
        Ok(Joined::Mailed) | Err(Stopped::Failed(Error::NotFound)) => nobody(frame),
        Err(Stopped::Failed(error)) => {
            let (status, problems) = problems(error)?;
            web::page_with(status, &ConfirmPage::new(frame, token, &waiting, problems))
        }
        Err(refused) => stopped(&waiting.provider.name, refused),
    }
}
