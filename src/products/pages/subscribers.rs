//! The Subscribers tab: who holds the product, in which state. Nothing is changed here, and no key is shown.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Tabs, store};
use crate::{
    app::Portal,
    auth::Administrator,
    catalog,
    ids::SubscriptionId,
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

const STATES: [(&str, &str); 6] = [
    ("active", "Active"),
    ("submitted", "Submitted"),
    ("suspended", "Suspended"),
    ("rejected", "Rejected"),
    ("cancelled", "Cancelled"),
    ("expired", "Expired"),
];

fn parse_sort(text: &str) -> (store::SubscriberSort, &'static str) {
    use store::SubscriberSort::*;
    match text {
        "-user" => (UserDown, "-user"),
        "state" => (State, "state"),
        "-state" => (StateDown, "-state"),
        "since" => (Since, "since"),
        "-since" => (SinceDown, "-since"),
        _ => (User, "user"),
    }
}

#[derive(Template)]
#[template(path = "products/subscribers.html")]
struct SubscribersPage {
    frame: Frame,
    tabs: Tabs,
    q: String,
    state: &'static str,
    states: [(&'static str, &'static str); 6],
    rows: Vec<store::SubscriberRow>,
    /// Live ones whose owners no longer see the product.
    without_sight: Vec<SubscriptionId>,
    pager: Pager,
    by_user: Heading,
    by_state: Heading,
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
    let (sort, sorted) = parse_sort(&query.sort);
    let state = STATES.iter().map(|(state, _)| *state).find(|state| *state == query.state).unwrap_or("");
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    let filter = store::SubscriberFilter { needle: query.q.clone(), state, sort };
    let (rows, total) = store::subscribers(&mut connection, tabs.product.id, &filter, page.size, page.offset()).await?;
    let live: Vec<SubscriptionId> = rows.iter().filter(|row| row.is_live()).map(|row| row.id).collect();
    let without_sight = catalog::without_sight(&mut connection, &live, portal.db.now()).await?;
    drop(connection);
    let asked = [("q", query.q.as_str()), ("state", state), ("sort", if sorted == "user" { "" } else { sorted })];
    let pager = Pager::new(page, total, &format!("{}/subscribers", tabs.path()), &asked);
    web::page(&SubscribersPage {
        by_user: Heading::new(&pager, "user", sorted, false),
        by_state: Heading::new(&pager, "state", sorted, false),
        by_since: Heading::new(&pager, "since", sorted, true),
        frame,
        tabs,
        q: query.q,
        state,
        states: STATES,
        rows,
        without_sight,
        pager,
    })
}
