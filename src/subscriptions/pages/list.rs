//! The list of everybody's subscriptions, for administrators; and what it shares with the Subscribers tab of a product.

use std::sync::Arc;

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{Administrator, SignedIn},
    db::Instant,
    groups::GroupMark,
    subscriptions::{
        State,
        store::{
            list::{self, Filter, Sort, SubscriptionRow},
            placing,
        },
    },
    web::{
        self, Answer, Frame,
        filters::{no_group, shortened},
        form::Query,
        paging::{Heading, Page, Pager},
    },
};

/// What a list can be narrowed to in one choice: the states, and two marks that cross them.
pub const STATES: [(&str, &str); 8] = [
    ("submitted", "Submitted"),
    ("active", "Active"),
    ("suspended", "Suspended"),
    ("rejected", "Declined"),
    ("cancelled", "Cancelled"),
    ("expired", "Expired"),
    ("ending", "Ending within 30 days"),
    ("unseen", "Hidden from owner"),
];

const SOON: time::Duration = time::Duration::days(30);

/// A choice among `STATES`, as a list understands it.
pub struct Narrowed {
    /// As addresses have it; empty is any.
    pub state: &'static str,
    pub filter: Filter,
}

impl Narrowed {
    pub fn to(choice: &str, now: Instant) -> Self {
        let state = STATES.iter().map(|(name, _)| *name).find(|name| *name == choice).unwrap_or_default();
        let ending = (state == "ending").then(|| now.plus(SOON));
        Self { state, filter: Filter { state: State::parse(state), unseen: state == "unseen", ending, ..Filter::default() } }
    }
}

/// The order by its name in addresses. `Since` of a product's list is `created` of the list of all.
pub fn parse_sort(text: &str) -> (Sort, &'static str) {
    match text {
        "created" => (Sort::Created, "created"),
        "product" => (Sort::Product, "product"),
        "-product" => (Sort::ProductDown, "-product"),
        "owner" => (Sort::Owner, "owner"),
        "-owner" => (Sort::OwnerDown, "-owner"),
        "state" => (Sort::State, "state"),
        "-state" => (Sort::StateDown, "-state"),
        "ends" => (Sort::Ends, "ends"),
        "-ends" => (Sort::EndsDown, "-ends"),
        _ => (Sort::CreatedDown, "-created"),
    }
}

/// Names that a field suggests.
const SUGGESTED: i64 = 500;

#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    sort: String,
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "subscriptions/list.html")]
struct ListPage {
    frame: Frame,
    query: ListQuery,
    narrowed: Narrowed,
    sorted: &'static str,
    /// What the fields suggest.
    products: Vec<String>,
    groups: Vec<Arc<GroupMark>>,
    /// What is said when there is none of that name.
    no_product: String,
    no_group: String,
    subscriptions: Vec<SubscriptionRow>,
    pager: Pager,
    product: Heading,
    owner: Heading,
    by_state: Heading,
    ends: Heading,
    created: Heading,
}

impl ListPage {
    fn is_filtered(&self) -> bool {
        let words = [&self.query.q, &self.query.product, &self.query.group];
        words.iter().any(|words| !words.trim().is_empty()) || !self.narrowed.state.is_empty()
    }
}

pub(super) async fn list(
    _admin: Administrator,
    who: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    Query(query): Query<ListQuery>,
) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let now = portal.db.now();
    let mut narrowed = Narrowed::to(&query.state, now);
    narrowed.filter.needle = query.q.clone();
    let directory = portal.groups.current(&portal.db, who.standing()).await?;
    let mut connection = portal.db.read().await?;
    let (mut no_product, mut unknown_group) = (String::new(), String::new());
    if !query.product.trim().is_empty() {
        narrowed.filter.product = placing::product_called(&mut connection, &query.product).await?;
        if narrowed.filter.product.is_none() {
            no_product = format!("There is no product “{}”.", shortened(query.product.trim(), 60));
        }
    }
    if !query.group.trim().is_empty() {
        narrowed.filter.group = directory.find(&query.group).map(|group| group.id);
        if narrowed.filter.group.is_none() {
            unknown_group = no_group(query.group.trim());
        }
    }
    let (subscriptions, total) = match no_product.is_empty() && unknown_group.is_empty() {
        true => list::list(&mut connection, now, &narrowed.filter, sort, page.size, page.offset()).await?,
        false => (Vec::new(), 0),
    };
    let products = placing::product_names(&mut connection, SUGGESTED).await?;
    drop(connection);
    let kept = [
        ("q", query.q.as_str()),
        ("state", narrowed.state),
        ("product", query.product.as_str()),
        ("group", query.group.as_str()),
        ("sort", if sorted == "-created" { "" } else { sorted }),
    ];
    let pager = Pager::new(page, total, "/publisher/subscriptions", &kept);
    web::page(&ListPage {
        product: Heading::new(&pager, "product", sorted, false),
        owner: Heading::new(&pager, "owner", sorted, false),
        by_state: Heading::new(&pager, "state", sorted, false),
        ends: Heading::new(&pager, "ends", sorted, false),
        created: Heading::new(&pager, "created", sorted, true),
        frame,
        narrowed,
        sorted: if sorted == "-created" { "" } else { sorted },
        products,
        groups: directory.custom().chain(directory.others()).take(usize::try_from(SUGGESTED).unwrap_or(0)).cloned().collect(),
        no_product,
        no_group: unknown_group,
        subscriptions,
        pager,
        query,
    })
}
