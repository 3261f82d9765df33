//! The Tokens pages, under Settings.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;

use super::{NewToken, Scope, Token};
use crate::{
    app::Portal,
    auth::Administrator,
    db::Instant,
    error::{Error, Problems},
    web::{self, Answer, Flash, Form, Frame, Routes, filters::the, form::Name},
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
    problems: Problems,
}

async fn add(_admin: Administrator, frame: Frame) -> Answer {
    web::page(&AddPage { frame, form: NewToken::default(), problems: Problems::default() })
}

#[derive(Template)]
#[template(path = "tokens/made.html")]
struct MadePage {
    frame: Frame,
    token: Token,
    secret: String,
}

/// Answers with the page that shows the token, this once: sent again, the form finds its name taken.
async fn create(admin: Administrator, portal: Data<Portal>, frame: Frame, Form(form): Form<NewToken>) -> Answer {
    match super::create(&portal.db, &admin, &form).await {
        Ok(made) => web::page(&MadePage { frame, token: made.token, secret: made.secret }),
        Err(Error::Invalid(problems)) => web::invalid(&AddPage { frame, form, problems }),
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
}

async fn ask_revoke(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let token = super::get(&mut portal.db.read().await?, &name).await?;
    let goes =
        vec!["The token: within a second a gateway that uses it is refused, and lets nobody through until it has another".to_owned()];
    let stays = vec!["Every subscription and its keys".to_owned()];
    web::page(&RevokePage { frame, token, goes, stays, now: portal.db.now() })
}

async fn revoke(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let token = super::revoke(&portal.db, &admin, &name).await?;
    Flash::good(format!("Revoked {}.", the("token", &token.display_name))).keep(&session)?;
    web::see_other("/publisher/tokens")
}
