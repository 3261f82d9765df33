//! The list of APIs.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::store::{self, ApiRow, ProductOfApi},
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

struct Line {
    api: ApiRow,
    /// The first three; `api.products` is how many there are.
    products: Vec<ProductOfApi>,
}

impl Line {
    fn further(&self) -> i64 {
        self.api.products - i64::try_from(self.products.len()).unwrap_or(0)
    }
}

#[derive(Template)]
#[template(path = "apis/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    lines: Vec<Line>,
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
    let mut connection = portal.db.read().await?;
    let (apis, total) = store::list(&mut connection, &query.q, sort, page.size, page.offset()).await?;
    let keys: Vec<_> = apis.iter().map(|api| api.id).collect();
    let mut products = store::products_of_each(&mut connection, &keys).await?;
    let lines = apis.into_iter().map(|api| {
        let (of_this, others) = std::mem::take(&mut products).into_iter().partition(|product: &ProductOfApi| product.api_id == api.id);
        products = others;
        Line { api, products: of_this }
    });
    let lines = lines.collect();
    let pager = Pager::new(page, total, "/publisher/apis", &[("q", &query.q), ("sort", if sorted == "name" { "" } else { sorted })]);
    web::page(&ListPage {
        name: Heading::new(&pager, "name", sorted, false),
        suffix: Heading::new(&pager, "suffix", sorted, false),
        operations: Heading::new(&pager, "operations", sorted, true),
        products: Heading::new(&pager, "products", sorted, true),
        updated: Heading::new(&pager, "updated", sorted, true),
        frame,
        q: query.q,
        lines,
        pager,
    })
}
