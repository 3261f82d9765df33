//! Importing an API.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;

use super::source::{Source, beside};
use crate::{
    apis::{self, NewApi, store},
    app::Portal,
    auth::Administrator,
    config::ImportUrls,
    error::{Error, Problems},
    web::{self, Answer, Flash, Frame, counted, multipart::Parts},
};

#[derive(Template)]
#[template(path = "apis/import.html")]
struct ImportPage {
    frame: Frame,
    source: Source,
    urls: ImportUrls,
    suffix: String,
    display_name: String,
    tags: String,
    /// What the products were searched for.
    q: String,
    choices: Vec<(store::ProductChoice, bool)>,
    /// How many products there are.
    products: i64,
    problems: Problems,
    /// Whether it holds what was typed.
    came_back: bool,
}

impl ImportPage {
    fn narrowed(&self) -> bool {
        self.products > store::OFFERED || !self.q.is_empty()
    }
}

struct Typed {
    source: Source,
    new: NewApi,
    q: String,
    /// The button that searches the products, and imports nothing.
    find: bool,
}

impl Typed {
    fn of(mut parts: Parts) -> Self {
        let source = Source::of(&mut parts);
        let new = NewApi {
            display_name: Some(parts.text("display_name")),
            suffix: parts.text("suffix"),
            tags: parts.text("tags"),
            products: parts.texts("product"),
        };
        Self { source, new, q: parts.text("q"), find: !parts.text("find").is_empty() }
    }
}

async fn draw(portal: &Portal, frame: Frame, typed: Typed, problems: Problems, status: StatusCode) -> Answer {
    let mut connection = portal.db.read().await?;
    let (choices, products) = store::product_choices(&mut connection, &typed.q, &typed.new.products).await?;
    drop(connection);
    let page = ImportPage {
        frame,
        came_back: typed.find || !problems.is_empty(),
        source: typed.source,
        urls: portal.settings.import_urls,
        suffix: typed.new.suffix,
        display_name: typed.new.display_name.unwrap_or_default(),
        tags: typed.new.tags,
        q: typed.q,
        choices,
        products,
        problems,
    };
    web::page_with(status, &page)
}

pub async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let typed = Typed { source: Source::default(), new: NewApi::default(), q: String::new(), find: false };
    draw(&portal, frame, typed, Problems::default(), StatusCode::OK).await
}

pub async fn import(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, parts: Parts) -> Answer {
    let mut typed = Typed::of(parts);
    if typed.find {
        return draw(&portal, frame, typed, Problems::default(), StatusCode::OK).await;
    }
    let urls = portal.settings.import_urls;
    let mut problems = Problems::default();
    typed.source.check(urls, &mut problems);
    // What is wrong with the rest is said at the same time, not one message an attempt.
    let mut connection = portal.db.read().await?;
    let (_, others) = typed.new.check(&mut connection).await?;
    drop(connection);
    problems.0.extend(others.0);
    if !problems.is_empty() {
        let status = if typed.source.too_large() { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        return draw(&portal, frame, typed, problems, status).await;
    }
    let (field, outcome) = match typed.source.take(urls).await {
        Ok((field, bytes)) => (field, apis::import(&portal.db, &admin, &typed.new, bytes).await),
        Err(error) => ("url", Err(error)),
    };
    match outcome {
        Ok((api, operations)) => {
            let said = format!("Imported {} with {}.", api.display_name, counted(operations, "operation", "operations"));
            let flash = if apis::has_namesake(&mut portal.db.read().await?, &api).await? {
                Flash::warn(format!(
                    "{said} Another API has this name. If this is a newer description of it, delete this one and replace the description there."
                ))
            } else {
                Flash::good(said)
            };
            flash.keep(&session)?;
            web::see_other(&api.path())
        }
        Err(Error::Invalid(problems)) => draw(&portal, frame, typed, beside(field, problems), StatusCode::UNPROCESSABLE_ENTITY).await,
        Err(other) => Err(other),
    }
}
