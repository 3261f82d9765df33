//! The page on which an API that is here becomes a version of another one that is here, which is looked for by words.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::{self, Api, JoinSet, store},
    app::Portal,
    auth::Administrator,
    db::{Choice, Connection},
    error::{Error, Problems},
    web::{
        self, Answer, Flash, Form, Frame,
        filters::the,
        form::Name,
        meant::{Meant, OFFERED},
    },
};

#[derive(Clone, Default, Deserialize)]
pub(super) struct JoinForm {
    version: Option<i64>,
    /// The words for the other API, the words that the offered ones were found by, and which of them was chosen.
    #[serde(default)]
    which: String,
    #[serde(default)]
    which_was: String,
    #[serde(default)]
    other: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    set: String,
    #[serde(default)]
    other_label: String,
}

#[derive(Template)]
#[template(path = "apis/join.html")]
struct JoinPage {
    frame: Frame,
    api: Api,
    version: i64,
    form: JoinForm,
    offered: Vec<Choice>,
    problems: Problems,
    came_back: bool,
    stale: bool,
}

pub(super) async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    if api.version_set.is_some() {
        return web::see_other(&format!("{}/versions", api.path()));
    }
    let form = JoinForm { label: "v2".to_owned(), other_label: "v1".to_owned(), set: api.display_name.clone(), ..JoinForm::default() };
    let version = api.version;
    web::page(&JoinPage { frame, api, version, form, offered: Vec::new(), problems: Problems::default(), came_back: false, stale: false })
}

async fn meant(connection: &mut Connection, api: &Api, form: &JoinForm) -> Result<Meant, Error> {
    let words = form.which.trim();
    if words.is_empty() {
        return Ok(Meant::nothing("Type the name of an API."));
    }
    let chosen = !form.other.is_empty() && form.which == form.which_was;
    let called = store::versions::called(connection, if chosen { &form.other } else { words }, api.id).await?;
    if let Some(meant) = Meant::called(called) {
        return Ok(meant);
    }
    let (offered, matching) = store::versions::alike(connection, words, api.id, OFFERED).await?;
    Ok(Meant::among(offered, matching, "No other API’s name contains this.", "Choose the API."))
}

pub(super) async fn join(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<JoinForm>,
) -> Answer {
    let at =
        form.version.ok_or_else(|| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let meant = meant(&mut connection, &api, &form).await?;
    drop(connection);
    let outcome = match &meant.one {
        Some(other) => {
            let join = JoinSet { label: form.label.clone(), set: form.set.clone(), other_label: form.other_label.clone() };
            apis::join_set(&portal.db, &admin, &name, at, &other.name, &join).await
        }
        None => Err(Error::invalid("which", meant.problem)),
    };
    let page =
        |api, version, problems, stale| JoinPage { frame, api, version, form, offered: meant.offered, problems, came_back: true, stale };
    match outcome {
        Ok(other) => {
            Flash::good(format!("This API and {} are versions of one another now.", the("API", &other.display_name))).keep(&session)?;
            web::see_other(&format!("{}/versions", api.path()))
        }
        Err(Error::Invalid(problems)) => web::invalid(&page(api, at, problems, false)),
        Err(Error::Stale) => {
            let api = apis::get(&mut portal.db.read().await?, &name).await?;
            let at = api.version;
            web::page_with(StatusCode::CONFLICT, &page(api, at, Problems::default(), true))
        }
        Err(other) => Err(other),
    }
}
