//! The page behind a link by which a program lets a developer in. It asks first: a page that signed its visitor in at once would let
//! anybody send others into an account that is not theirs.

use actix_session::Session;
use actix_web::{HttpRequest, HttpResponse, web::Data};
use askama::Template;
use serde::Deserialize;

use super::recovery::closed;
use crate::{
    app::Portal,
    auth::{
        links::Found,
        pages::{begin, landing},
    },
    error::Error,
    users::sso,
    web::{self, Answer, Form, Frame, form::Query},
};

#[derive(Template)]
#[template(path = "users/sso.html")]
struct SsoPage {
    frame: Frame,
    token: String,
    name: String,
    email: String,
}

#[derive(Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    token: String,
}

const USED: &str = "Somebody signed in with it already. Go back to where it came from for another one, or sign in with your password.";

fn refused(frame: Frame, found: &Found) -> Answer {
    closed(frame, found, USED, ("/signin", "Sign in"))
}

pub(super) async fn show(portal: Data<Portal>, frame: Frame, Query(Given { token }): Query<Given>) -> Answer {
    match sso::find(&portal.db, &token).await? {
        Found::Open(holder) => web::page(&SsoPage { frame, token, name: holder.person.display(), email: holder.person.email }),
        found => refused(frame, &found),
    }
}

pub(super) async fn sign_in(
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(Given { token }): Form<Given>,
) -> Answer {
    match sso::sign_in(&portal.db, &token).await {
        Ok(proven) => {
            let mut answer: HttpResponse = web::see_other(landing(&proven.person))?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            Ok(answer)
        }
        Err(Error::NotFound) => refused(frame, &sso::find(&portal.db, &token).await?),
        Err(other) => Err(other),
    }
}
