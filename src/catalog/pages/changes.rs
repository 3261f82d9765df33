//! What changed in an API, for whoever sees it: its log, and what is different from another version that they see.

use std::sync::Arc;

use actix_web::web::Data;
use askama::Template;

use crate::{
    apis::{
        self, Changes,
        pages::changes::{Entry, LogQuery, entries, title},
    },
    app::Portal,
    auth::Visitor,
    catalog::{self, Api},
    error::Error,
    web::{
        self, Answer, Frame, Pager,
        form::{Name, Names, Query},
    },
};

#[derive(Template)]
#[template(path = "catalog/changes.html")]
struct LogPage {
    frame: Frame,
    api: Arc<Api>,
    entries: Vec<Entry>,
    pager: Pager,
}

pub(super) async fn log(visitor: Visitor, portal: Data<Portal>, frame: Frame, Name(name): Name, Query(query): Query<LogQuery>) -> Answer {
    let api = catalog::sees_api(&portal.db, &portal.catalog, &visitor, &name).await?.ok_or(Error::NotFound)?;
    let path = format!("{}/changes", api.path());
    let (entries, pager) = entries(&mut portal.db.read().await?, api.id, &path, &query).await?;
    web::open_page(visitor.person().is_none(), &LogPage { frame, api, entries, pager })
}

#[derive(Template)]
#[template(path = "catalog/compare.html")]
struct ComparePage {
    frame: Frame,
    api: Arc<Api>,
    title: String,
    summary: String,
    changes: Changes,
}

pub(super) async fn compare(visitor: Visitor, portal: Data<Portal>, frame: Frame, Names(name, inner): Names) -> Answer {
    let (api, old) = (
        catalog::sees_api(&portal.db, &portal.catalog, &visitor, &name).await?.ok_or(Error::NotFound)?,
        catalog::sees_api(&portal.db, &portal.catalog, &visitor, &inner).await?.ok_or(Error::NotFound)?,
    );
    if api.version_set.is_none() || api.version_set != old.version_set {
        return Err(Error::NotFound);
    }
    let changes = apis::compare_apis(&portal.db, old.id, api.id).await?;
    let title = title((&api.set_version, &api.display_name), (&old.set_version, &old.display_name));
    let page = ComparePage { frame, api, title, summary: changes.summary(), changes };
    web::open_page(visitor.person().is_none(), &page)
}
