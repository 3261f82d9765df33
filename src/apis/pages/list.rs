//! The list of APIs.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::store::{self, ApiRow},
    app::Portal,
    auth::Administrator,
    ids,
    web::{
        self, Answer, Frame,
        form::Query,
        paging::{Heading, Page, Pager},
    },
};

#[derive(Deserialize)]
pub struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    sort: String,
    page: Option<i64>,
    size: Option<i64>,
}

fn parse_sort(text: &str) -> (store::Sort, &'static str) {
    use store::Sort::*;
    match text {
        "-name" => (NameDown, "-name"),
        "suffix" => (Suffix, "suffix"),
        "-suffix" => (SuffixDown, "-suffix"),
        "operations" => (Operations, "operations"),
        "-operations" => (OperationsDown, "-operations"),
        "products" => (Products, "products"),
        "-products" => (ProductsDown, "-products"),
        "updated" => (Updated, "updated"),
        "-updated" => (UpdatedDown, "-updated"),
        _ => (Name, "name"),
    }
}

#[derive(Template)]
#[template(path = "apis/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    tag: String,
    tags: Vec<String>,
    apis: Vec<ApiRow>,
    pager: Pager,
    name: Heading,
    suffix: Heading,
    operations: Heading,
    products: Heading,
    updated: Heading,
}

impl ListPage {
    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.tag.is_empty()
    }

    /// The tag that is chosen is none that an API has.
    fn is_unknown(&self) -> bool {
        !self.tag.is_empty() && !self.tags.iter().any(|known| self.is_chosen(known))
    }

    fn is_chosen(&self, tag: &str) -> bool {
        ids::fold(tag) == ids::fold(&self.tag)
    }
}

pub async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let mut connection = portal.db.read().await?;
    let filter = store::Filter { needle: &query.q, tag: &query.tag, sort };
    let (apis, total) = store::list(&mut connection, filter, page.size, page.offset()).await?;
    let tags = store::all_tags(&mut connection).await?;
    drop(connection);
    let pager = Pager::new(
        page,
        total,
        "/publisher/apis",
        &[("q", &query.q), ("tag", &query.tag), ("sort", if sorted == "name" { "" } else { sorted })],
    );
    web::page(&ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        suffix: Heading::new(&pager, "suffix", sorted, false),
        operations: Heading::new(&pager, "operations", sorted, true),
        products: Heading::new(&pager, "products", sorted, true),
        updated: Heading::new(&pager, "updated", sorted, true),
        frame,
        q: query.q,
        tag: query.tag,
        tags,
        apis,
        pager,
    })
}
