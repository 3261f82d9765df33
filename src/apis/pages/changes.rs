//! The change log of an API, and what is different between two of its versions.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::{self, Api, Changes, LogRow},
    app::Portal,
    auth::Administrator,
    db::{Connection, Instant},
    error::Error,
    ids::ApiId,
    web::{
        self, Answer, Frame, Pager,
        form::{Name, Names, Query},
        paging::Page,
    },
};

#[derive(Deserialize)]
pub struct LogQuery {
    page: Option<i64>,
    size: Option<i64>,
}

/// One replacement of the description.
pub struct Entry {
    pub at: Instant,
    /// "2.0 → 2.1".
    pub versions: String,
    pub summary: String,
    pub changes: Changes,
}

impl From<LogRow> for Entry {
    fn from(row: LogRow) -> Self {
        let changes = row.changes();
        let versions = match (row.was.as_str(), row.became.as_str()) {
            ("", "") => String::new(),
            (was, became) if was == became => became.to_owned(),
            (was, became) => format!("{} → {}", if was.is_empty() { "?" } else { was }, if became.is_empty() { "?" } else { became }),
        };
        Self { at: row.at, versions, summary: changes.summary(), changes }
    }
}

/// A page of an API's log, at an address.
pub async fn entries(connection: &mut Connection, api: ApiId, path: &str, query: &LogQuery) -> Result<(Vec<Entry>, Pager), Error> {
    let page = Page::new(query.page, query.size.or(Some(25)));
    let (rows, total) = apis::change_log(connection, api, page.size, page.offset()).await?;
    Ok((rows.into_iter().map(Entry::from).collect(), Pager::new(page, total, path, &[])))
}

/// "v2 compared with v1"; by their names, where they have no other.
pub fn title(new: (&str, &str), old: (&str, &str)) -> String {
    let called = |(label, name): (&str, &str)| web::filters::shortened(if label.is_empty() { name } else { label }, 60);
    format!("{} compared with {}", called(new), called(old))
}

#[derive(Template)]
#[template(path = "apis/changes.html")]
struct LogPage {
    frame: Frame,
    api: Api,
    entries: Vec<Entry>,
    pager: Pager,
}

pub(super) async fn log(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<LogQuery>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let (entries, pager) = entries(&mut connection, api.id, &format!("{}/changes", api.path()), &query).await?;
    drop(connection);
    web::page(&LogPage { frame, api, entries, pager })
}

#[derive(Template)]
#[template(path = "apis/compare.html")]
struct ComparePage {
    frame: Frame,
    api: Api,
    title: String,
    summary: String,
    changes: Changes,
}

pub(super) async fn compare(_admin: Administrator, portal: Data<Portal>, frame: Frame, Names(name, inner): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let old = apis::get(&mut connection, &inner).await?;
    drop(connection);
    if api.version_set.is_none() || api.version_set != old.version_set {
        return Err(Error::NotFound);
    }
    let changes = apis::compare_apis(&portal.db, old.id, api.id).await?;
    let title = title((&api.set_version, &api.display_name), (&old.set_version, &old.display_name));
    web::page(&ComparePage { frame, api, title, summary: changes.summary(), changes })
}
