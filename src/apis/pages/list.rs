//! The list of APIs.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::store::{self, ApiRow},
    app::Portal,
    auth::Administrator,
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
    apis: Vec<ApiRow>,
    pager: Pager,
    name: Heading,
    suffix: Heading,
    operations: Heading,
    products: Heading,
    updated: Heading,
}

pub async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let (apis, total) = store::list(&mut portal.db.read().await?, &query.q, sort, page.size, page.offset()).await?;
    let pager = Pager::new(page, total, "/publisher/apis", &[("q", &query.q), ("sort", if sorted == "name" { "" } else { sorted })]);
    web::page(&ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        suffix: Heading::new(&pager, "suffix", sorted, false),
        operations: Heading::new(&pager, "operations", sorted, true),
        products: Heading::new(&pager, "products", sorted, true),
        updated: Heading::new(&pager, "updated", sorted, true),
        frame,
        q: query.q,
        apis,
        pager,
    })
}
