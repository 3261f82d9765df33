//! The pages of whoever signs up, and the one where administrators allow it.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::recovery::{SentQuery, closed, closed_with, too_many};
use crate::{
    app::Portal,
    auth::{
        Administrator, Visitor,
        links::{Found, Holder},
        pages::{begin, client_address, landing},
    },
    error::{Error, Problems},
    users::{
        NewName,
        sign_up::{self, Confirmation, NewAccount, SignUp},
    },
    web::{
        self, Answer, Flash, Form, Frame,
        form::{Query, Token},
        markdown::{self, SafeHtml},
    },
};

#[derive(Template)]
#[template(path = "users/sign_up.html")]
struct SignUpPage {
    frame: Frame,
    form: NewAccount,
    terms: SafeHtml,
    terms_mark: String,
    sent: bool,
    /// Whether mails leave the portal.
    leaves: bool,
    problems: Problems,
}

impl SignUpPage {
    fn new(frame: Frame, settings: &SignUp, form: NewAccount, problems: Problems) -> Self {
        Self {
            frame,
            form,
            terms: markdown::to_html(&settings.terms),
            terms_mark: settings.terms_mark(),
            sent: false,
            leaves: true,
            problems,
        }
    }
}

/// What is in force, while strangers may sign up.
async fn allowed(portal: &Portal) -> Result<SignUp, Error> {
    let settings = sign_up::in_force(&mut portal.db.read().await?).await?;
    if settings.allowed { Ok(settings) } else { Err(Error::NotFound) }
}

pub(super) async fn show(visitor: Visitor, portal: Data<Portal>, frame: Frame, Query(query): Query<SentQuery>) -> Answer {
    let settings = allowed(&portal).await?;
    if let Some(person) = visitor.person() {
        return web::see_other(landing(person));
    }
    let page = SignUpPage::new(frame, &settings, NewAccount::default(), Problems::default());
    web::page(&SignUpPage { sent: query.said == "sent", leaves: portal.mail.leaves(), ..page })
}

pub(super) async fn send(request: HttpRequest, portal: Data<Portal>, frame: Frame, Form(form): Form<NewAccount>) -> Answer {
    let address = client_address(&request, &portal);
    match sign_up::ask(&portal.db, &portal.keys, &portal.mail, &form, &address).await {
        Ok(()) => web::see_other("/signup?said=sent"),
        Err(Error::Invalid(problems)) => web::invalid(&SignUpPage::new(frame, &allowed(&portal).await?, form, problems)),
        Err(Error::TooMany { seconds, message }) => {
            let settings = allowed(&portal).await?;
            too_many(&SignUpPage::new(frame, &settings, form, Problems::one("", message)), seconds)
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "users/confirm.html")]
struct ConfirmPage {
    frame: Frame,
    token: String,
    email: String,
    form: NewName,
    terms: SafeHtml,
    terms_mark: String,
    /// They are others than were accepted at first.
    terms_changed: bool,
    problems: Problems,
}

impl ConfirmPage {
    fn new(frame: Frame, token: String, (holder, settings): &(Holder, SignUp), form: NewName, problems: Problems) -> Result<Self, Error> {
        Ok(Self {
            frame,
            token,
            email: holder.person.email.clone(),
            form,
            terms: markdown::to_html(&settings.terms),
            terms_mark: settings.terms_mark(),
            terms_changed: sign_up::terms_changed(settings, holder)?,
            problems,
        })
    }
}

const USED: &str = "The address is confirmed, and the account is open. Sign in with the password that you chose.";
const AGAIN: (&str, &str) = ("/signup", "Sign up again");
const SWITCHED_OFF: &str = "Signing up was switched off after this link was mailed, so it opens no account. Nothing was changed. Ask the people who run this portal to invite you.";

/// Whom an open link is for, and what is in force; or the page that says why it does nothing.
async fn opened(portal: &Portal, frame: &Frame, token: &str) -> Result<Result<(Holder, SignUp), HttpResponse>, Error> {
    let found = sign_up::find(&portal.db, token).await?;
    let settings = sign_up::in_force(&mut portal.db.read().await?).await?;
    let allowed = settings.allowed;
    Ok(match found {
        Found::Open(holder) if allowed => Ok((holder, settings)),
        Found::Used => Err(closed(frame.clone(), &found, USED, AGAIN)?),
        found if !allowed => Err(closed_with(frame.clone(), &found, SWITCHED_OFF, ("/signin", "Sign in"))?),
        found => Err(closed(frame.clone(), &found, USED, AGAIN)?),
    })
}

pub(super) async fn show_confirm(portal: Data<Portal>, frame: Frame, Token(token): Token) -> Answer {
    match opened(&portal, &frame, &token).await? {
        Ok(opened) => {
            let person = &opened.0.person;
            let form = NewName { first_name: person.first_name.clone(), last_name: person.last_name.clone() };
            web::page(&ConfirmPage::new(frame, token, &opened, form, Problems::default())?)
        }
        Err(closed) => Ok(closed),
    }
}

pub(super) async fn confirm(
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Token(token): Token,
    Form(form): Form<Confirmation>,
) -> Answer {
    match sign_up::confirm(&portal.db, &portal.passwords, &portal.mail, &token, &form).await {
        Ok(proven) => {
            let mut answer = web::see_other(landing(&proven.person))?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            Flash::good("Welcome. Your address is confirmed, and your account is open.").keep(&session)?;
            Ok(answer)
        }
        Err(error @ (Error::NotFound | Error::Invalid(_))) => match opened(&portal, &frame, &token).await? {
            Ok(opened) => {
                let problems = if let Error::Invalid(problems) = error { problems } else { Problems::default() };
                web::invalid(&ConfirmPage::new(frame, token, &opened, form.name, problems)?)
            }
            Err(closed) => Ok(closed),
        },
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "users/sign_up_settings.html")]
struct SettingsPage {
    frame: Frame,
    allowed: bool,
    terms: String,
    /// The terms in the form as people will read them, when somebody asks to see it.
    preview: Option<SafeHtml>,
    version: i64,
    stale: bool,
    /// Whether mails leave the portal.
    leaves: bool,
    problems: Problems,
}

pub(super) async fn settings(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let SignUp { allowed, terms, version } = sign_up::settings(&mut portal.db.read().await?).await?;
    web::page(&SettingsPage {
        frame,
        allowed,
        terms,
        preview: None,
        version,
        stale: false,
        leaves: portal.mail.leaves(),
        problems: Problems::default(),
    })
}

#[derive(Deserialize)]
pub(super) struct SettingsForm {
    version: i64,
    allowed: Option<String>,
    #[serde(default)]
    terms: String,
    preview: Option<String>,
}

pub(super) async fn save(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<SettingsForm>,
) -> Answer {
    let page = |version, stale, problems| SettingsPage {
        frame,
        allowed: form.allowed.is_some(),
        preview: form.preview.as_ref().map(|_| markdown::to_html(&form.terms)),
        terms: form.terms.clone(),
        version,
        stale,
        leaves: portal.mail.leaves(),
        problems,
    };
    if form.preview.is_some() {
        return web::page(&page(form.version, false, Problems::default()));
    }
    match sign_up::set(&portal.db, &admin, form.version, form.allowed.is_some(), &form.terms).await {
        Ok(changed) => {
            Flash::good(match (changed, form.allowed.is_some()) {
                (false, _) => "Nothing was different, so nothing was changed.",
                (true, true) => "Saved. Strangers can sign up.",
                (true, false) => "Saved. Nobody can sign up.",
            })
            .keep(&session)?;
            web::see_other("/publisher/settings/sign-up")
        }
        Err(Error::Invalid(problems)) => web::invalid(&page(form.version, false, problems)),
        Err(Error::Stale) => {
            let now = sign_up::settings(&mut portal.db.read().await?).await?;
            web::page_with(StatusCode::CONFLICT, &page(now.version, true, Problems::default()))
        }
        Err(other) => Err(other),
    }
}
