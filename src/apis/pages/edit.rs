//! Editing an API, replacing its description, deleting it.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;

use super::source::{Source, beside};
use crate::{
    apis::{self, Api, DeletionEffects, EditApi, Replaced},
    app::Portal,
    auth::Administrator,
    config::ImportUrls,
    error::{Error, Problems},
    web::{self, Answer, Flash, Frame, counted, form::Name, multipart::Parts},
};

#[derive(Template)]
#[template(path = "apis/edit.html")]
struct EditPage {
    frame: Frame,
    api: Api,
    form: EditApi,
    version: i64,
    /// What somebody else saved meanwhile, when this form is older.
    theirs: Option<EditApi>,
    problems: Problems,
}

pub async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    web::page(&EditPage { frame, form: EditApi::of(&api), version: api.version, theirs: None, problems: Problems::default(), api })
}

fn version(parts: &Parts) -> Result<i64, Error> {
    parts.text("version").trim().parse().map_err(|_| Error::BadRequest("The form is incomplete: it has no version.".to_owned()))
}

/// Takes a multipart form: a description of 100,000 characters beyond ASCII would be too large for the other kind.
pub async fn edit(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name, parts: Parts) -> Answer {
    let version = version(&parts)?;
    let form = EditApi { display_name: parts.text("display_name"), description: parts.text("description"), suffix: parts.text("suffix") };
    let outcome = apis::edit(&portal.db, &admin, &name, version, &form).await;
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    match outcome {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&api.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&EditPage { frame, api, form, version, theirs: None, problems }),
        Err(Error::Stale) => {
            let theirs = Some(EditApi::of(&api));
            let page = EditPage { frame, version: api.version, api, form, theirs, problems: Problems::default() };
            web::page_with(StatusCode::CONFLICT, &page)
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "apis/replace.html")]
struct ReplacePage {
    frame: Frame,
    api: Api,
    version: i64,
    source: Source,
    urls: ImportUrls,
    problems: Problems,
    came_back: bool,
    /// Somebody else changed the API since the form was shown.
    stale: bool,
}

pub async fn ask_replace(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    web::page(&ReplacePage {
        frame,
        version: api.version,
        api,
        source: Source::default(),
        urls: portal.settings.import_urls,
        problems: Problems::default(),
        came_back: false,
        stale: false,
    })
}

pub async fn replace(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    mut parts: Parts,
) -> Answer {
    let version = version(&parts)?;
    let urls = portal.settings.import_urls;
    let mut source = Source::of(&mut parts);
    let mut problems = Problems::default();
    source.check(urls, &mut problems);
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    let page = |source, problems: Problems, api: Api, version, stale| ReplacePage {
        frame,
        api,
        version,
        source,
        urls,
        came_back: true,
        problems,
        stale,
    };
    if !problems.is_empty() {
        let status = if source.too_large() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        return web::page_with(status, &page(source, problems, api, version, false));
    }
    let (field, outcome) = match source.take(urls).await {
        Ok((field, bytes)) => (field, apis::replace_description(&portal.db, &admin, &name, version, bytes).await),
        Err(error) => ("url", Err(error)),
    };
    match outcome {
        Ok(replaced) => {
            Flash::good(sentence(&replaced)).keep(&session)?;
            web::see_other(&replaced.api.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&page(source, beside(field, problems), api, version, false)),
        Err(Error::Stale) => {
            let api = apis::get(&mut portal.db.read().await?, &name).await?;
            let version = api.version;
            web::page_with(StatusCode::CONFLICT, &page(source, Problems::default(), api, version, true))
        }
        Err(other) => Err(other),
    }
}

fn sentence(replaced: &Replaced) -> String {
    if !replaced.changed {
        return "This is the description that was there already, so nothing was changed.".to_owned();
    }
    format!(
        "Replaced the description: {} added, {} removed, {} kept.",
        counted(replaced.added, "operation", "operations"),
        web::filters::thousands(replaced.removed),
        web::filters::thousands(replaced.kept)
    )
}

#[derive(Template)]
#[template(path = "apis/delete.html")]
struct DeletePage {
    frame: Frame,
    api: Api,
    goes: Vec<String>,
    stays: Vec<String>,
}

fn sentences(effects: DeletionEffects) -> (Vec<String>, Vec<String>) {
    let goes = vec![
        "The API itself, and the document it was imported from".to_owned(),
        counted(effects.operations, "operation", "operations"),
        format!("Its place in {}", counted(effects.products, "product", "products")),
    ];
    let mut stays = vec![match effects.products {
        0 => "Every product; it is in none".to_owned(),
        1 => "The product, without this API".to_owned(),
        _ => "The products, without this API".to_owned(),
    }];
    if effects.subscriptions > 0 {
        let theirs = counted(effects.subscriptions, "live subscription", "live subscriptions");
        stays.push(format!(
            "{theirs} of {}; the keys stay good, and no longer reach this API",
            if effects.products == 1 { "this product" } else { "these products" }
        ));
    }
    (goes, stays)
}

pub async fn ask_delete(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let (goes, stays) = sentences(apis::deletion_effects(&mut connection, &api).await?);
    web::page(&DeletePage { frame, api, goes, stays })
}

pub async fn delete(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let api = apis::delete(&portal.db, &admin, &name).await?;
    Flash::good(format!("Deleted {}.", web::filters::the("API", &api.display_name))).keep(&session)?;
    web::see_other("/publisher/apis")
}
