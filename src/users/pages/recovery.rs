//! The pages of whoever has forgotten the password, and those that every one-time link shares.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::Data,
};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{
        Administrator,
        links::Found,
        pages::{begin, client_address, landing},
    },
    error::{Error, Problems},
    users::{self, recovery},
    web::{
        self, Answer, Flash, Form, Frame,
        form::{Name, Query, Token},
    },
};

/// Says why a link does nothing, and what to do next.
#[derive(Template)]
#[template(path = "users/link_closed.html")]
pub(super) struct ClosedPage {
    pub frame: Frame,
    pub title: &'static str,
    pub sentence: &'static str,
    /// Address and words of the button.
    pub next: (&'static str, &'static str),
}

/// For a link that is not open: `used` says what it has done, `next` what leads on when it has run out or never worked.
pub(super) fn closed(frame: Frame, found: &Found, used: &'static str, next: (&'static str, &'static str)) -> Answer {
    let (status, title, sentence, next) = match found {
        Found::Used => (StatusCode::GONE, "This link was used", used, ("/signin", "Sign in")),
        Found::Expired => (
            StatusCode::GONE,
            "This link has run out",
            "Links work for a limited time, and this one came too late. Nothing was changed.",
            next,
        ),
        Found::Unknown | Found::Open(_) => (
            StatusCode::NOT_FOUND,
            "This link does not work",
            "Newer links took its place, or it was cut off on its way: open the newest one, whole. Nothing was changed.",
            next,
        ),
    };
    web::page_with(status, &ClosedPage { frame, title, sentence, next })
}

/// The same with a sentence of the caller's own.
pub(super) fn closed_with(frame: Frame, found: &Found, sentence: &'static str, next: (&'static str, &'static str)) -> Answer {
    let (status, title) = if matches!(found, Found::Expired) {
        (StatusCode::GONE, "This link has run out")
    } else {
        (StatusCode::NOT_FOUND, "This link does not work")
    };
    web::page_with(status, &ClosedPage { frame, title, sentence, next })
}

/// A form drawn again because the portal was asked too often.
pub(super) fn too_many(page: &impl Template, seconds: u64) -> Answer {
    let mut answer = web::page_with(StatusCode::TOO_MANY_REQUESTS, page)?;
    answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    Ok(answer)
}

#[derive(Template)]
#[template(path = "users/forgot.html")]
struct ForgotPage {
    frame: Frame,
    email: String,
    sent: bool,
    /// Whether mails leave the portal.
    leaves: bool,
    problems: Problems,
}

#[derive(Deserialize)]
pub(super) struct SentQuery {
    #[serde(default)]
    pub said: String,
}

pub(super) async fn ask(portal: Data<Portal>, frame: Frame, Query(query): Query<SentQuery>) -> Answer {
    let (sent, leaves) = (query.said == "sent", portal.mail.leaves());
    web::page(&ForgotPage { frame, email: String::new(), sent, leaves, problems: Problems::default() })
}

#[derive(Deserialize)]
pub(super) struct ForgotForm {
    #[serde(default)]
    email: String,
}

pub(super) async fn send(request: HttpRequest, portal: Data<Portal>, frame: Frame, Form(form): Form<ForgotForm>) -> Answer {
    let address = client_address(&request, &portal);
    let redraw = |problems| ForgotPage { frame, email: form.email.clone(), sent: false, leaves: true, problems };
    match recovery::ask_for_reset(&portal.db, &portal.keys, &portal.mail, &form.email, &address).await {
        Ok(()) => web::see_other("/forgot?said=sent"),
        Err(Error::Invalid(problems)) => web::invalid(&redraw(problems)),
        Err(Error::TooMany { seconds, message }) => too_many(&redraw(Problems::one("", message)), seconds),
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "users/reset.html")]
struct ResetPage {
    frame: Frame,
    token: String,
    email: String,
    problems: Problems,
}

const USED: &str = "A new password was chosen with it already. Sign in with that one.";
const ANOTHER: (&str, &str) = ("/forgot", "Ask for a new link");

pub(super) async fn show_reset(portal: Data<Portal>, frame: Frame, Token(token): Token) -> Answer {
    match recovery::find_reset(&portal.db, &token).await? {
        Found::Open(holder) => web::page(&ResetPage { frame, token, email: holder.person.email, problems: Problems::default() }),
        found => closed(frame, &found, USED, ANOTHER),
    }
}

#[derive(Deserialize)]
pub(super) struct ResetForm {
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

pub(super) async fn reset(
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Token(token): Token,
    Form(form): Form<ResetForm>,
) -> Answer {
    match recovery::reset_password(&portal.db, &portal.passwords, &token, &form.password, &form.repeated).await {
        Ok(proven) => {
            let mut answer: HttpResponse = web::see_other(landing(&proven.person))?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            Flash::good("This is your password from now on. Every other session has ended.").keep(&session)?;
            Ok(answer)
        }
        Err(error @ (Error::NotFound | Error::Invalid(_))) => match recovery::find_reset(&portal.db, &token).await? {
            Found::Open(holder) => {
                let problems = if let Error::Invalid(problems) = error { problems } else { Problems::default() };
                web::invalid(&ResetPage { frame, token, email: holder.person.email, problems })
            }
            found => closed(frame, &found, USED, ANOTHER),
        },
        Err(other) => Err(other),
    }
}

/// "Send a password reset", by an administrator.
pub(super) async fn send_for(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let sent = recovery::send_reset(&portal.db, &portal.mail, &admin, &name).await?;
    match (sent, portal.mail.leaves()) {
        (true, true) => Flash::good("A link to choose a new password is on its way."),
        (true, false) => Flash::warn("A link to choose a new password is kept here, not sent: read it on the Mail page."),
        (false, _) => Flash::good("A link was sent a moment ago, so no other was."),
    }
    .keep(&session)?;
    web::see_other(&users::path(&name))
}
