//! The Tokens pages, under Settings.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{NewToken, Scope, Token};
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    db::Instant,
    error::{Error, Problems},
    web::{self, Answer, Flash, Form, Frame, Routes, filters::the, form::Name, rest::service_path},
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/tokens", list)
        .get("/publisher/new/token", add)
        .post("/publisher/new/token", create)
        .get("/publisher/tokens/{name}/revoke", ask_revoke)
        .post("/publisher/tokens/{name}/revoke", revoke);
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    frame: Frame,
    tokens: Vec<Token>,
    now: Instant,
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let tokens = super::list(&mut portal.db.read().await?).await?;
    web::page(&ListPage { frame, tokens, now: portal.db.now() })
}

#[derive(Template)]
#[template(path = "tokens/add.html")]
struct AddPage {
    frame: Frame,
    form: NewToken,
    given: bool,
    problems: Problems,
}

async fn add(_admin: Administrator, again: Again, frame: Frame) -> Answer {
    web::page(&AddPage { frame, form: NewToken::default(), given: again.is_given(), problems: Problems::default() })
}

/// The password beside the fields of a form.
#[derive(Default, Deserialize)]
struct AddForm {
    #[serde(flatten)]
    token: NewToken,
    #[serde(default)]
    password: String,
}

#[derive(Template)]
#[template(path = "tokens/made.html")]
struct MadePage {
    frame: Frame,
    token: Token,
    secret: String,
    /// The path of the management API.
    service: String,
}

/// Answers with the page that shows the token, this once: sent again, the form finds its name taken.
async fn create(admin: Administrator, again: Again, portal: Data<Portal>, frame: Frame, Form(form): Form<AddForm>) -> Answer {
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let made = match confirmed {
        Ok(_) => super::create(&portal.db, &admin, &form.token).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            web::page(&MadePage { frame, token: made.token, secret: made.secret, service: service_path(&portal.settings.service_name) })
        }
        Err(Error::Invalid(problems)) => web::invalid(&AddPage { frame, form: form.token, given, problems }),
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "tokens/revoke.html")]
struct RevokePage {
    frame: Frame,
    token: Token,
    goes: Vec<String>,
    stays: Vec<String>,
    now: Instant,
    given: bool,
    problems: Problems,
}

async fn ask_revoke(_admin: Administrator, again: Again, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&revoke_page(&portal, frame, &name, again.is_given(), Problems::default()).await?)
}

async fn revoke_page(portal: &Portal, frame: Frame, name: &str, given: bool, problems: Problems) -> Result<RevokePage, Error> {
    let token = super::get(&mut portal.db.read().await?, name).await?;
    let goes =
        vec!["The token: within a second a gateway that uses it is refused, and lets nobody through until it has another".to_owned()];
    let stays = vec!["Every subscription and its keys".to_owned()];
    Ok(RevokePage { frame, token, goes, stays, now: portal.db.now(), given, problems })
}

#[derive(Deserialize)]
struct RevokeForm {
    #[serde(default)]
    password: String,
}

async fn revoke(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<RevokeForm>,
) -> Answer {
    match portal.confirm(&again, &form.password).await {
        Ok(_) => {}
        Err(Error::Invalid(problems)) => return web::invalid(&revoke_page(&portal, frame, &name, false, problems).await?),
        Err(other) => return Err(other),
    }
    let token = super::revoke(&portal.db, &admin, &name).await?;
    Flash::good(format!("Revoked {}.", the("token", &token.display_name))).keep(&session)?;
    web::see_other("/publisher/tokens")
}
