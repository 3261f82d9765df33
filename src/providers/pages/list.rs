//! The list of identity providers, trying one, deleting one, and whether passwords are a way in.

use actix_session::Session;
use actix_web::{HttpRequest, http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{Administrator, Again, pages::own_identity},
    db::Instant,
    error::{Error, Problems},
    providers::{self, Provider, protocol::testing::Step},
    web::{self, Answer, Flash, Form, Frame, counted, filters::the, form::Name},
};

#[derive(Template)]
#[template(path = "providers/list.html")]
struct ListPage {
    frame: Frame,
    providers: Vec<(Provider, i64)>,
    passwords: bool,
    /// Whoever looks came by a provider.
    by_provider: bool,
    given: bool,
    now: Instant,
    problems: Problems,
}

async fn page((portal, frame): (&Portal, Frame), request: &HttpRequest, given: bool, problems: Problems) -> Result<ListPage, Error> {
    let mut connection = portal.db.read().await?;
    Ok(ListPage {
        frame,
        providers: providers::counted(&mut connection).await?,
        passwords: providers::passwords_allowed(&mut connection).await?.allowed,
        by_provider: own_identity(request).is_some(),
        given,
        now: portal.db.now(),
        problems,
    })
}

pub(super) async fn list((_admin, again): (Administrator, Again), request: HttpRequest, portal: Data<Portal>, frame: Frame) -> Answer {
    web::page(&page((&portal, frame), &request, again.is_given(), Problems::default()).await?)
}

#[derive(Deserialize)]
pub(super) struct PasswordsForm {
    allowed: Option<String>,
    #[serde(default)]
    password: String,
}

pub(super) async fn allow_passwords(
    (admin, again): (Administrator, Again),
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<PasswordsForm>,
) -> Answer {
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let changed = match confirmed {
        Ok(_) => providers::allow_passwords(&portal.db, &admin, own_identity(&request), form.allowed.is_some()).await,
        Err(error) => Err(error),
    };
    let (status, problems) = match changed {
        Ok(changed) => {
            Flash::good(match (changed, form.allowed.is_some()) {
                (false, _) => "Nothing was different, so nothing was changed.",
                (true, true) => "Saved. People can sign in with a password.",
                (true, false) => "Saved. Nobody can sign in with a password.",
            })
            .keep(&session)?;
            return web::see_other(providers::LIST);
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(Error::Conflict(why)) => (StatusCode::CONFLICT, Problems::one("", why)),
        Err(other) => return Err(other),
    };
    web::page_with(status, &page((&portal, frame), &request, given, problems).await?)
}

#[derive(Template)]
#[template(path = "providers/test.html")]
struct TestPage {
    frame: Frame,
    provider: Provider,
    steps: Vec<Step>,
    failed: bool,
}

/// Saves nothing but what was heard; every time it is asked anew.
pub(super) async fn test(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let provider = providers::get(&mut portal.db.read().await?, &name).await?;
    let steps = providers::test(&portal.db, &portal.keys, &portal.providers, &portal.settings.base_url(), &provider).await?;
    let failed = providers::protocol::testing::problem(&steps).is_some();
    web::page(&TestPage { frame, provider, steps, failed })
}

#[derive(Template)]
#[template(path = "providers/delete.html")]
struct DeletePage {
    frame: Frame,
    provider: Provider,
    goes: Vec<String>,
    stays: Vec<String>,
    stranded: Vec<providers::Stranded>,
    /// "3 people have".
    number: String,
    /// More of them than are shown.
    others: bool,
    given: bool,
    problems: Problems,
}

impl DeletePage {
    async fn load(portal: &Portal, frame: Frame, name: &str, given: bool, problems: Problems) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let provider = providers::get(&mut connection, name).await?;
        let effects = providers::deletion_effects(&mut connection, &provider).await?;
        let mut goes = vec![
            format!("The links of {} to their accounts there", counted(effects.people, "person", "people")),
            counted(effects.sessions, "session that began by it", "sessions that began by it"),
            counted(effects.memberships, "membership that it reported", "memberships that it reported"),
            "The tokens by which it provisions, and what is kept of its people for that".to_owned(),
        ];
        if effects.administrators > 0 {
            goes.push(counted(effects.administrators, "role of an administrator that it gave", "roles of administrators that it gave"));
        }
        let stays = vec![
            "Every account here, with its subscriptions and keys".to_owned(),
            "External groups that it told of, without members".to_owned(),
        ];
        let (stranded, number) = effects.stranded;
        let others = usize::try_from(number).unwrap_or(usize::MAX) > stranded.len();
        let number = counted(number, "person has", "people have");
        Ok(Self { frame, provider, goes, stays, stranded, number, others, given, problems })
    }
}

pub(super) async fn ask_delete((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&DeletePage::load(&portal, frame, &name, again.is_given(), Problems::default()).await?)
}

#[derive(Deserialize)]
pub(super) struct DeleteForm {
    #[serde(default)]
    password: String,
}

pub(super) async fn delete(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<DeleteForm>,
) -> Answer {
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let deleted = match confirmed {
        Ok(confirmed) => providers::delete(&portal.db, &admin, confirmed, &name).await,
        Err(error) => Err(error),
    };
    let (status, problems) = match deleted {
        Ok(provider) => {
            portal.providers.forget(provider.id);
            Flash::good(format!("Deleted {}.", the("provider", &provider.display_name))).keep(&session)?;
            return web::see_other(providers::LIST);
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems),
        Err(Error::Conflict(why)) => (StatusCode::CONFLICT, Problems::one("", why)),
        Err(other) => return Err(other),
    };
    web::page_with(status, &DeletePage::load(&portal, frame, &name, given, problems).await?)
}
