//! A person's own subscriptions, and all of them for administrators. Subscribing is on the product's page.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{ShownKeys, State, Subscription, store};
use crate::{
    app::Portal,
    auth::{Administrator, SignedIn},
    catalog,
    error::Error,
    ids::SubscriptionId,
    web::{
        self, Answer, Flash, Frame, Routes,
        filters::{shortened, the},
        form::{Name, Query},
        markdown::{self, SafeHtml},
        paging::{Heading, Page, Pager},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/account/subscriptions", own)
        .get("/account/subscriptions/{name}", show)
        .post("/account/subscriptions/{name}/keys", show_keys)
        .get("/account/subscriptions/{name}/cancel", ask_cancel)
        .post("/account/subscriptions/{name}/cancel", cancel)
        .get("/publisher/subscriptions", list);
}

/// The account's menu item is not that of its subscriptions.
fn framed(frame: Frame) -> Frame {
    Frame { section: "subscriptions", ..frame }
}

#[derive(Deserialize)]
struct OwnQuery {
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "subscriptions/own.html")]
struct OwnPage {
    frame: Frame,
    subscriptions: Vec<Subscription>,
    hidden: Vec<SubscriptionId>,
    pager: Pager,
}

async fn own(who: SignedIn, portal: Data<Portal>, frame: Frame, Query(query): Query<OwnQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let mut connection = portal.db.read().await?;
    let (subscriptions, total) = store::of_owner(&mut connection, who.id(), page.size, page.offset()).await?;
    let keys: Vec<SubscriptionId> = subscriptions.iter().map(|subscription| subscription.id).collect();
    let hidden = catalog::without_sight(&mut connection, &keys, portal.db.now()).await?;
    let pager = Pager::new(page, total, "/account/subscriptions", &[]);
    web::page(&OwnPage { frame: framed(frame), subscriptions, hidden, pager })
}

#[derive(Template)]
#[template(path = "subscriptions/show.html")]
struct ShowPage {
    frame: Frame,
    terms: SafeHtml,
    /// The owner no longer sees the product.
    hidden: bool,
    keys: Option<ShownKeys>,
    subscription: Subscription,
}

impl ShowPage {
    async fn of(portal: &Portal, frame: Frame, subscription: Subscription, keys: Option<ShownKeys>) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let hidden = !catalog::without_sight(&mut connection, &[subscription.id], portal.db.now()).await?.is_empty();
        let terms = markdown::to_html(subscription.terms_accepted.as_deref().unwrap_or(""));
        Ok(Self { frame: framed(frame), terms, hidden, keys, subscription })
    }
}

async fn show(who: SignedIn, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let subscription = super::get(&mut portal.db.read().await?, &who, &name).await?;
    web::page(&ShowPage::of(&portal, frame, subscription, None).await?)
}

/// The answer itself holds the keys: it is sent once, kept by no cache, and named by no address.
async fn show_keys(who: SignedIn, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let (subscription, keys) = super::show_keys(&portal.db, &portal.keys, &who, &name).await?;
    web::page(&ShowPage::of(&portal, frame, subscription, Some(keys)).await?)
}

#[derive(Template)]
#[template(path = "subscriptions/cancel.html")]
struct CancelPage {
    frame: Frame,
    subscription: Subscription,
    goes: Vec<String>,
    stays: Vec<String>,
}

async fn ask_cancel(who: SignedIn, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let subscription = super::get(&mut connection, &who, &name).await?;
    if !subscription.is_live() {
        Flash::warn(format!("This subscription is {} and stays so.", subscription.state().word().to_lowercase())).keep(&session)?;
        return web::see_other(&subscription.path());
    }
    let hidden = !catalog::without_sight(&mut connection, &[subscription.id], portal.db.now()).await?.is_empty();
    drop(connection);
    let goes = match subscription.state() {
        State::Submitted => vec!["Your request: it is withdrawn, and no keys are given".to_owned()],
        _ => vec![
            "Both keys: they stop working at once, and programs that use them are refused".to_owned(),
            "The subscription itself: a cancelled one cannot be made active again".to_owned(),
        ],
    };
    let stays = match hidden {
        true => vec!["Its record in your list. You no longer see the product, so you cannot subscribe to it again".to_owned()],
        false => vec!["Its record in your list. You can subscribe to the product again and get new keys".to_owned()],
    };
    web::page(&CancelPage { frame: framed(frame), subscription, goes, stays })
}

async fn cancel(who: SignedIn, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (subscription, done) = super::cancel(&portal.db, &who, &name).await?;
    if done {
        let (what, product) = (the("subscription", &subscription.display_name), shortened(&subscription.product_display_name, 80));
        Flash::good(format!("Cancelled {what} to {product}.")).keep(&session)?;
    } else {
        Flash::good("It was cancelled already, so nothing was changed.").keep(&session)?;
    }
    web::see_other("/account/subscriptions")
}

#[derive(Deserialize)]
struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    sort: String,
    page: Option<i64>,
    size: Option<i64>,
}

fn parse_sort(text: &str) -> (store::Sort, &'static str) {
    use store::Sort::*;
    match text {
        "created" => (Created, "created"),
        "product" => (Product, "product"),
        "-product" => (ProductDown, "-product"),
        "owner" => (Owner, "owner"),
        "-owner" => (OwnerDown, "-owner"),
        "state" => (State, "state"),
        "-state" => (StateDown, "-state"),
        _ => (CreatedDown, "-created"),
    }
}

#[derive(Template)]
#[template(path = "subscriptions/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    state: Option<State>,
    sorted: &'static str,
    subscriptions: Vec<store::SubscriptionRow>,
    hidden: Vec<SubscriptionId>,
    pager: Pager,
    product: Heading,
    owner: Heading,
    by_state: Heading,
    created: Heading,
}

impl ListPage {
    fn is_state(&self, state: &State) -> bool {
        self.state.as_ref() == Some(state)
    }
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let state = State::parse(&query.state);
    let mut connection = portal.db.read().await?;
    let (subscriptions, total) = store::list(&mut connection, &query.q, state, sort, page.size, page.offset()).await?;
    let live = |row: &&store::SubscriptionRow| State::parse(&row.state).is_some_and(State::is_live);
    let keys: Vec<SubscriptionId> = subscriptions.iter().filter(live).map(|row| row.id).collect();
    let hidden = catalog::without_sight(&mut connection, &keys, portal.db.now()).await?;
    let sorted = if sorted == "-created" { "" } else { sorted };
    let kept = [("q", query.q.as_str()), ("state", state.map_or("", State::as_str)), ("sort", sorted)];
    let pager = Pager::new(page, total, "/publisher/subscriptions", &kept);
    let current = if sorted.is_empty() { "-created" } else { sorted };
    web::page(&ListPage {
        product: Heading::new(&pager, "product", current, false),
        owner: Heading::new(&pager, "owner", current, false),
        by_state: Heading::new(&pager, "state", current, false),
        created: Heading::new(&pager, "created", current, true),
        frame,
        q: query.q,
        state,
        sorted,
        subscriptions,
        hidden,
        pager,
    })
}
