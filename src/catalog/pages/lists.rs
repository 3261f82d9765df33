//! Home and the lists of products and APIs.

use std::{collections::HashMap, sync::Arc};

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::Visitor,
    catalog::{self, Api, Catalog, Held, ProductCard, Wanted},
    ids::{self, ProductId},
    web::{
        self, Answer, Frame, counted,
        form::Query,
        paging::{Page, Pager},
        revalidate::Place,
        url::encode,
    },
};

#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    tag: String,
    page: Option<i64>,
    size: Option<i64>,
}

/// Where the page is kept that every guest gets who asks for this very address. What `here` says alone is not enough: an address that
/// is too long or odd to come back to is left out of it.
fn place(version: i64, page: &'static str, visitor: &Visitor, frame: &Frame) -> Option<Place> {
    // The face may have been read before a change that the catalogue was read after.
    let newest = frame.face.version() >= version;
    let alike = newest && visitor.person().is_none() && frame.flash.is_none() && frame.plain && frame.here == page;
    alike.then_some(Place { version, page, theme: frame.theme })
}

/// How many of each the home page shows.
const ON_HOME: i64 = 6;

#[derive(Template)]
#[template(path = "catalog/home.html")]
struct HomePage {
    frame: Frame,
    /// Whether it is only tried how it would look.
    tried: bool,
    q: String,
    products: Vec<ProductCard>,
    all_products: String,
    products_link: String,
    apis: Vec<Arc<Api>>,
    all_apis: String,
    apis_link: String,
}

/// "All 12 products", or nothing when all are shown already.
fn all(total: i64, one: &str, many: &str, searching: bool) -> String {
    if total <= ON_HOME {
        String::new()
    } else if total > crate::db::COUNTED {
        format!("All {many}")
    } else {
        format!("All {}{}", counted(total, one, many), if searching { " that match" } else { "" })
    }
}

pub(super) async fn home(visitor: Visitor, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let known = portal.catalog.current(&portal.db, visitor.standing()).await?;
    let place = place(known.version(), "/", &visitor, &frame);
    if let Some(drawn) = place.and_then(|place| portal.drawn.get(place)) {
        return web::drawn_page(drawn);
    }
    let held = catalog::held(&portal.db, &visitor).await?;
    let page = HomePage::of(&known, &visitor, &held, frame, &query.q);
    web::open_page_at(place.map(|place| (&*portal.drawn, place)), visitor.person().is_none(), &page)
}

/// The home page in a frame that is only tried.
pub async fn try_home(visitor: &Visitor, portal: &Portal, frame: Frame) -> Answer {
    let known = portal.catalog.current(&portal.db, visitor.standing()).await?;
    let held = catalog::held(&portal.db, visitor).await?;
    web::page(&HomePage { tried: true, ..HomePage::of(&known, visitor, &held, frame, "") })
}

impl HomePage {
    fn of(known: &Catalog, visitor: &Visitor, held: &HashMap<ProductId, Held>, frame: Frame, q: &str) -> Self {
        let wanted = Wanted { needle: q, limit: ON_HOME, offset: 0 };
        let (products, product_total) = known.products(visitor.standing(), held, wanted);
        let (apis, api_total) = known.apis(visitor.standing(), "", wanted);
        let q = q.trim();
        let searching = !q.is_empty();
        let filter = if searching { format!("?q={}", encode(q)) } else { String::new() };
        Self {
            frame,
            tried: false,
            all_products: all(product_total, "product", "products", searching),
            products_link: format!("/products{filter}"),
            products,
            all_apis: all(api_total, "API", "APIs", searching),
            apis_link: format!("/apis{filter}"),
            apis,
            q: q.to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "catalog/products.html")]
struct ProductsPage {
    frame: Frame,
    q: String,
    products: Vec<ProductCard>,
    pager: Pager,
}

pub(super) async fn products(visitor: Visitor, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let wanted = Wanted { needle: &query.q, limit: page.size, offset: page.offset() };
    let known = portal.catalog.current(&portal.db, visitor.standing()).await?;
    let place = place(known.version(), "/products", &visitor, &frame);
    if let Some(drawn) = place.and_then(|place| portal.drawn.get(place)) {
        return web::drawn_page(drawn);
    }
    let (products, total) = known.products(visitor.standing(), &catalog::held(&portal.db, &visitor).await?, wanted);
    let pager = Pager::new(page, total, "/products", &[("q", &query.q)]);
    web::open_page_at(
        place.map(|place| (&*portal.drawn, place)),
        visitor.person().is_none(),
        &ProductsPage { frame, q: query.q, products, pager },
    )
}

#[derive(Template)]
#[template(path = "catalog/apis.html")]
struct ApisPage {
    frame: Frame,
    q: String,
    /// The tag that is chosen, and those that may be, with where each leads.
    tag: String,
    tags: Vec<(String, String)>,
    apis: Vec<Arc<Api>>,
    pager: Pager,
}

impl ApisPage {
    fn is_chosen(&self, tag: &str) -> bool {
        ids::fold(tag) == ids::fold(&self.tag)
    }
}

/// Tags that the list of APIs offers; the search finds the others.
const TAGS: usize = 60;

pub(super) async fn apis(visitor: Visitor, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let wanted = Wanted { needle: &query.q, limit: page.size, offset: page.offset() };
    let known = portal.catalog.current(&portal.db, visitor.standing()).await?;
    let place = place(known.version(), "/apis", &visitor, &frame);
    if let Some(drawn) = place.and_then(|place| portal.drawn.get(place)) {
        return web::drawn_page(drawn);
    }
    let (apis, total) = known.apis(visitor.standing(), &query.tag, wanted);
    let pager = Pager::new(page, total, "/apis", &[("q", &query.q), ("tag", &query.tag)]);
    let kept = if query.q.trim().is_empty() { String::new() } else { format!("q={}&", encode(query.q.trim())) };
    let tags = known.tags(visitor.standing()).into_iter().take(TAGS);
    let tags = tags.map(|tag| (tag.to_owned(), format!("/apis?{kept}tag={}", encode(tag)))).collect();
    web::open_page_at(
        place.map(|place| (&*portal.drawn, place)),
        visitor.person().is_none(),
        &ApisPage { frame, q: query.q, tag: query.tag.trim().to_owned(), tags, apis, pager },
    )
}
