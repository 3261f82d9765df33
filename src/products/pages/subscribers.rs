//! The Subscribers tab: who holds the product, in which state; decided on as in the list of all subscriptions. No key is shown.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::Tabs;
use crate::{
    app::Portal,
    auth::Administrator,
    subscriptions::{Filter, SubscriptionRow, list, pages::Narrowed, pages::parse_sort},
    web::{
        self, Answer, Frame,
        form::{Name, Query},
        paging::{Heading, Page, Pager},
    },
};

#[derive(Deserialize)]
pub(super) struct SubscribersQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "products/subscribers.html")]
struct SubscribersPage {
    frame: Frame,
    tabs: Tabs,
    q: String,
    state: &'static str,
    sorted: &'static str,
    rows: Vec<SubscriptionRow>,
    pager: Pager,
    by_user: Heading,
    by_state: Heading,
    by_end: Heading,
    by_since: Heading,
}

pub(super) async fn show(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<SubscribersQuery>,
) -> Answer {
    let page = Page::new(query.page, query.size);
    // By user, unless another order is asked for; all are of one product.
    let asked = if matches!(query.sort.as_str(), "" | "product" | "-product") { "owner" } else { query.sort.as_str() };
    let (sort, sorted) = parse_sort(asked);
    let now = portal.db.now();
    let Narrowed { state, filter } = Narrowed::to(&query.state, now);
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    let filter = Filter { needle: query.q.clone(), product: Some(tabs.product.id), ..filter };
    let (rows, total) = list(&mut connection, now, &filter, sort, page.size, page.offset()).await?;
    drop(connection);
    let kept = if sorted == "owner" { "" } else { sorted };
    let asked = [("q", query.q.as_str()), ("state", state), ("sort", kept)];
    let pager = Pager::new(page, total, &format!("{}/subscribers", tabs.path()), &asked);
    web::page(&SubscribersPage {
        by_user: Heading::new(&pager, "owner", sorted, false),
        by_state: Heading::new(&pager, "state", sorted, false),
        by_end: Heading::new(&pager, "ends", sorted, false),
        by_since: Heading::new(&pager, "created", sorted, true),
        frame,
        tabs,
        q: query.q,
        state,
        sorted: kept,
        rows,
        pager,
    })
}
