//! Editing an API, replacing its description, deleting it.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::source::{Source, beside};
use crate::{
    apis::{self, AffectedRow, Api, DeletionEffects, EditApi, Made, Replaced},
    app::Portal,
    auth::Administrator,
    config::ImportUrls,
    error::{Error, Problems},
    web::{
        self, Answer, Flash, Form, Frame, Pager, counted,
        form::{Name, Query},
        markdown::{self, SafeHtml},
        multipart::Parts,
        paging::Page,
    },
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
    /// What the Markdown of the description becomes.
    preview: Option<SafeHtml>,
    problems: Problems,
}

impl EditPage {
    fn hint(&self) -> &'static str {
        if self.api.is_by_hand() {
            "Markdown."
        } else {
            "Markdown. What you change here stays when the description is replaced by a newer one."
        }
    }
}

pub async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    web::page(&EditPage {
        frame,
        form: EditApi::of(&api),
        version: api.version,
        theirs: None,
        preview: None,
        problems: Problems::default(),
        api,
    })
}

pub(super) fn version(parts: &Parts) -> Result<i64, Error> {
    parts.text("version").trim().parse().map_err(|_| Error::BadRequest("The form is incomplete: it has no version.".to_owned()))
}

/// What the fields of an API say, whoever described it.
pub(super) fn form_of(parts: &Parts) -> EditApi {
    let made = Made {
        api_version: parts.text("api_version"),
        servers: parts.text("servers"),
        contact_name: parts.text("contact_name"),
        contact_url: parts.text("contact_url"),
        contact_email: parts.text("contact_email"),
        license_name: parts.text("license_name"),
        license_url: parts.text("license_url"),
    };
    EditApi {
        display_name: parts.text("display_name"),
        description: parts.text("description"),
        suffix: parts.text("suffix"),
        tags: parts.text("tags"),
        made: Some(made),
    }
}

/// Takes a multipart form: a description of 100,000 characters beyond ASCII would be too large for the other kind.
pub async fn edit(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name, parts: Parts) -> Answer {
    let version = version(&parts)?;
    let form = form_of(&parts);
    if !parts.text("preview").is_empty() {
        let api = apis::get(&mut portal.db.read().await?, &name).await?;
        let preview = Some(markdown::to_html(&form.description));
        return web::page(&EditPage { frame, api, form, version, theirs: None, preview, problems: Problems::default() });
    }
    let outcome = apis::edit(&portal.db, &admin, &name, version, &form).await;
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    match outcome {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&api.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&EditPage { frame, api, form, version, theirs: None, preview: None, problems }),
        Err(Error::Stale) => {
            let theirs = Some(EditApi::of(&api));
            let page = EditPage { frame, version: api.version, api, form, theirs, preview: None, problems: Problems::default() };
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
    /// Live ones whose keys no longer reach the API.
    subscriptions: Vec<AffectedRow>,
    pager: Pager,
    problems: Problems,
}

fn sentences(effects: DeletionEffects, by_hand: bool) -> (Vec<String>, Vec<String>) {
    let goes = vec![
        if by_hand { "The API itself, which was made by hand" } else { "The API itself, and the document it was imported from" }.to_owned(),
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

#[derive(Deserialize)]
pub struct DeleteQuery {
    page: Option<i64>,
    size: Option<i64>,
}

async fn delete_page(portal: &Portal, frame: Frame, name: &str, query: &DeleteQuery, problems: Problems) -> Result<DeletePage, Error> {
    let page = Page::new(query.page, query.size);
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, name).await?;
    let effects = apis::deletion_effects(&mut connection, &api).await?;
    let (subscriptions, total) = apis::affected(&mut connection, &api, page.size, page.offset()).await?;
    let (goes, stays) = sentences(effects, api.is_by_hand());
    let pager = Pager::new(page, total, &format!("{}/delete", api.path()), &[]).exact(true);
    Ok(DeletePage { frame, api, goes, stays, subscriptions, pager, problems })
}

pub async fn ask_delete(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<DeleteQuery>,
) -> Answer {
    web::page(&delete_page(&portal, frame, &name, &query, Problems::default()).await?)
}

#[derive(Deserialize)]
pub struct DeleteForm {
    with_subscriptions: Option<String>,
    /// How many the page said there are.
    #[serde(default)]
    subscriptions: i64,
}

pub async fn delete(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<DeleteForm>,
) -> Answer {
    let accepted = if form.with_subscriptions.is_some() { form.subscriptions.max(0) } else { 0 };
    match apis::delete(&portal.db, &admin, &name, accepted).await {
        Ok(api) => {
            Flash::good(format!("Deleted {}.", web::filters::the("API", &api.display_name))).keep(&session)?;
            web::see_other("/publisher/apis")
        }
        Err(Error::Conflict(why)) => {
            let query = DeleteQuery { page: None, size: None };
            let page = delete_page(&portal, frame, &name, &query, Problems::one("with_subscriptions", why)).await?;
            web::page_with(StatusCode::CONFLICT, &page)
        }
        Err(other) => Err(other),
    }
}
