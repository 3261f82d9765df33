//! Adding an API by hand. Its fields are those of `edit`.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;

use super::edit::form_of;
use crate::{
    apis::{self, EditApi, Made},
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    web::{
        self, Answer, Flash, Frame,
        filters::the,
        markdown::{self, SafeHtml},
        multipart::Parts,
    },
};

#[derive(Template)]
#[template(path = "apis/hand.html")]
struct HandPage {
    frame: Frame,
    form: EditApi,
    made: Made,
    /// What the Markdown of the description becomes.
    preview: Option<SafeHtml>,
    problems: Problems,
}

pub(super) async fn ask(_admin: Administrator, frame: Frame) -> Answer {
    let made = Made { api_version: "1.0".to_owned(), ..Made::default() };
    web::page(&HandPage { frame, form: EditApi::default(), made, preview: None, problems: Problems::default() })
}

pub(super) async fn create(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, parts: Parts) -> Answer {
    let form = form_of(&parts);
    let made = form.made.clone().unwrap_or_default();
    if !parts.text("preview").is_empty() {
        let preview = Some(markdown::to_html(&form.description));
        return web::page(&HandPage { frame, form, made, preview, problems: Problems::default() });
    }
    match apis::create(&portal.db, &admin, &form).await {
        Ok(api) => {
            Flash::good(format!("Added {}. It has no operation yet.", the("API", &api.display_name))).keep(&session)?;
            web::see_other(&api.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&HandPage { frame, form, made, preview: None, problems }),
        Err(other) => Err(other),
    }
}
