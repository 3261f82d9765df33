//! Another address for one's own account.

use actix_session::Session;
use actix_web::{HttpRequest, web::Data};
use askama::Template;
use serde::Deserialize;

use super::recovery::{closed, too_many};
use crate::{
    app::Portal,
    auth::{Again, SignedIn, Visitor, links::Found, pages::client_address},
    error::{Error, Problems},
    users::address,
    web::{self, Answer, Flash, Form, Frame, form::Token},
};

#[derive(Template)]
#[template(path = "users/email.html")]
struct EmailPage {
    frame: Frame,
    now: String,
    email: String,
    given: bool,
    problems: Problems,
}

impl EmailPage {
    fn new(again: &Again, frame: Frame, email: String, given: bool, problems: Problems) -> Self {
        Self { frame: Frame { section: "account", ..frame }, now: again.who().person().email.clone(), email, given, problems }
    }
}

pub(super) async fn show(again: Again, frame: Frame) -> Answer {
    web::page(&EmailPage::new(&again, frame, String::new(), again.is_given(), Problems::default()))
}

#[derive(Deserialize)]
pub(super) struct EmailForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn ask(
    again: Again,
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<EmailForm>,
) -> Answer {
    let client = client_address(&request, &portal);
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let asked = match confirmed {
        Ok(confirmed) => address::ask(&portal.db, &portal.keys, &portal.mail, (again.who(), confirmed), &form.email, &client).await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(()) => {
            if portal.mail.leaves() {
                Flash::good("Look into the mail of the new address: the link in it confirms the change. Until then the old one stays.")
            } else {
                Flash::warn("This portal sends no mail yet. The people who run it find the link that confirms the change in it: ask them.")
            }
            .keep(&session)?;
            web::see_other("/account")
        }
        Err(Error::Invalid(problems)) => web::invalid(&EmailPage::new(&again, frame, form.email, given, problems)),
        Err(Error::TooMany { seconds, message }) => {
            too_many(&EmailPage::new(&again, frame, form.email, given, Problems::one("", message)), seconds)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn withdraw(who: SignedIn, portal: Data<Portal>, session: Session) -> Answer {
    let withdrawn = address::withdraw(&portal.db, &who).await?;
    Flash::good(if withdrawn { "Withdrawn: your address stays as it is." } else { "No change of address waits." }).keep(&session)?;
    web::see_other("/account")
}

#[derive(Template)]
#[template(path = "users/confirm_email.html")]
struct ConfirmPage {
    frame: Frame,
    token: String,
    name: String,
    email: String,
}

const USED: &str = "The account goes by the new address already.";
const AGAIN: (&str, &str) = ("/account/email", "Ask for the change again");

pub(super) async fn show_confirm(portal: Data<Portal>, frame: Frame, Token(token): Token) -> Answer {
    match address::find(&portal.db, &token).await? {
        (Found::Open(holder), email) => web::page(&ConfirmPage { frame, token, name: holder.person.display(), email }),
        (found, _) => closed(frame, &found, USED, AGAIN),
    }
}

pub(super) async fn confirm(visitor: Visitor, portal: Data<Portal>, frame: Frame, session: Session, Token(token): Token) -> Answer {
    match address::confirm(&portal.db, &token).await {
        Ok(user) if visitor.person().is_some_and(|person| person.id == user.id) => {
            Flash::good(format!("Your account goes by {} now.", user.email)).keep(&session)?;
            web::see_other("/account")
        }
        Ok(_) => web::see_other("/signin?said=address"),
        Err(Error::NotFound) => closed(frame, &address::find(&portal.db, &token).await?.0, USED, AGAIN),
        Err(other) => Err(other),
    }
}
