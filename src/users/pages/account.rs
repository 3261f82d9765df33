//! A person's own account: name, password, sessions.

use actix_session::Session;
use actix_web::{HttpRequest, http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::sessions::SessionRow;
use crate::{
    app::Portal,
    auth::{
        SignedIn,
        pages::{again_given, own_session},
        sign_in,
    },
    db::Instant,
    error::{Error, Problems},
    providers::{self, Identity, Provider, pages::sign_in::leaving},
    users::{self, NewName, NewPassword, address},
    web::{self, Answer, Flash, Form, Frame, counted, form::Inner},
};

#[derive(Template)]
#[template(path = "users/account.html")]
struct AccountPage {
    frame: Frame,
    email: String,
    /// The address that waits to be confirmed, and until when.
    waiting: Option<(String, Instant)>,
    form: NewName,
    version: i64,
    /// The name that was saved meanwhile, when this form is older.
    theirs: Option<String>,
    problems: Problems,
    sessions: Vec<SessionRow>,
    /// Accounts of providers that this one is linked to.
    identities: Vec<Identity>,
    /// Those of which a further account can be linked.
    providers: Vec<Provider>,
    given: bool,
}

impl AccountPage {
    async fn load(portal: &Portal, frame: Frame, request: &HttpRequest, who: &SignedIn) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let user = users::get(&mut connection, &who.person().name).await?;
        let identities = providers::linked::of_user(&mut connection, who.id()).await?;
        let providers = providers::attempts::buttons(&mut connection).await?;
        drop(connection);
        let sessions = sign_in::sessions_of(&portal.db, who.id(), portal.limits()).await?;
        Ok(Self {
            frame,
            email: user.email,
            waiting: address::waiting(&portal.db, who).await?,
            form: NewName { first_name: user.first_name, last_name: user.last_name },
            version: user.version,
            theirs: None,
            problems: Problems::default(),
            sessions: SessionRow::all(sessions, &own_session(request)),
            identities,
            providers,
            given: again_given(request),
        })
    }

    /// Its buttons lead to providers, whatever became of a form on it.
    fn draw(&self, status: StatusCode) -> Answer {
        Ok(leaving(web::page_with(status, self)?, &self.providers))
    }
}

pub(super) async fn show(who: SignedIn, request: HttpRequest, portal: Data<Portal>, frame: Frame) -> Answer {
    AccountPage::load(&portal, frame, &request, &who).await?.draw(StatusCode::OK)
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    version: i64,
    #[serde(flatten)]
    name: NewName,
}

pub(super) async fn rename(
    who: SignedIn,
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<NameForm>,
) -> Answer {
    match users::rename(&portal.db, &who, form.version, &form.name).await {
        Ok(changed) => {
            Flash::good(if changed { "Saved your name." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other("/account")
        }
        Err(Error::Invalid(problems)) => {
            let page = AccountPage::load(&portal, frame, &request, &who).await?;
            AccountPage { problems, form: form.name, version: form.version, ..page }.draw(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(Error::Stale) => {
            let page = AccountPage::load(&portal, frame, &request, &who).await?;
            let theirs = Some(format!("{} {}", page.form.first_name, page.form.last_name));
            AccountPage { theirs, form: form.name, ..page }.draw(StatusCode::CONFLICT)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn change_password(
    who: SignedIn,
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<NewPassword>,
) -> Answer {
    let here = own_session(&request);
    match users::change_password(&portal.db, &portal.keys, &portal.passwords, &who, &here, &form).await {
        Ok(ended) => {
            let rest = match i64::try_from(ended).unwrap_or(i64::MAX) {
                0 => String::new(),
                ended => format!(" {} ended.", counted(ended, "other session has", "other sessions have")),
            };
            Flash::good(format!("Changed your password.{rest}")).keep(&session)?;
            web::see_other("/account")
        }
        Err(Error::Invalid(problems)) => {
            let page = AccountPage::load(&portal, frame, &request, &who).await?;
            AccountPage { problems, ..page }.draw(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn end_session(who: SignedIn, portal: Data<Portal>, session: Session, Inner(name): Inner) -> Answer {
    let ended = users::end_session(&portal.db, &who, &name).await?;
    Flash::good(if ended { "Ended the session." } else { "This session had ended already." }).keep(&session)?;
    web::see_other("/account")
}
