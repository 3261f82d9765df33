//! A person's own subscriptions. Subscribing is on the product's page; what administrators do with all of them in `list`, `publisher`,
//! `decide` and `add`.

mod add;
mod decide;
mod list;
mod publisher;

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{ShownKeys, State, Subscription, Which, store};
use crate::{
    app::Portal,
    auth::SignedIn,
    catalog,
    error::{Error, Problems},
    ids::SubscriptionId,
    web::{
        self, Answer, Flash, Form, Frame, Routes,
        filters::{shortened, the},
        form::{Name, Names, Query},
        markdown::{self, SafeHtml},
        paging::{Page, Pager},
    },
};

pub use decide::undo_said;
pub use list::{Narrowed, STATES, parse_sort};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/account/subscriptions", own)
        .get("/account/subscriptions/{name}", show)
        .post("/account/subscriptions/{name}/keys", show_keys)
        .get("/account/subscriptions/{name}/cancel", ask_cancel)
        .post("/account/subscriptions/{name}/cancel", cancel)
        .post("/account/subscriptions/{name}/rename", rename)
        .get("/account/subscriptions/{name}/regenerate/{inner}", ask_regenerate)
        .post("/account/subscriptions/{name}/regenerate", regenerate)
        .get("/publisher/new/subscription", add::add)
        .post("/publisher/new/subscription", add::create)
        .get("/publisher/subscriptions", list::list)
        .post("/publisher/decide/subscriptions", decide::decide_many)
        .get("/publisher/subscriptions/{name}", publisher::show)
        .post("/publisher/subscriptions/{name}/decide", decide::decide)
        .get("/publisher/subscriptions/{name}/cancel", decide::ask_cancel)
        .post("/publisher/subscriptions/{name}/keys", publisher::show_keys)
        .get("/publisher/subscriptions/{name}/regenerate/{inner}", publisher::ask_regenerate)
        .post("/publisher/subscriptions/{name}/regenerate", publisher::regenerate)
        .post("/publisher/subscriptions/{name}/end", publisher::set_end);
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
    /// What was typed for its name, and what is wrong with it.
    display_name: String,
    problems: Problems,
    subscription: Subscription,
}

impl ShowPage {
    async fn of(portal: &Portal, frame: Frame, subscription: Subscription, keys: Option<ShownKeys>) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let hidden = !catalog::without_sight(&mut connection, &[subscription.id], portal.db.now()).await?.is_empty();
        let terms = markdown::to_html(subscription.terms_accepted.as_deref().unwrap_or(""));
        let display_name = subscription.display_name.clone();
        Ok(Self { frame: framed(frame), terms, hidden, keys, display_name, problems: Problems::default(), subscription })
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

#[derive(Deserialize)]
struct RenameForm {
    version: i64,
    #[serde(default)]
    display_name: String,
}

async fn rename(
    who: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<RenameForm>,
) -> Answer {
    let outcome = super::rename(&portal.db, &who, &name, form.version, &form.display_name).await;
    let subscription = super::get(&mut portal.db.read().await?, &who, &name).await?;
    match outcome {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&subscription.path())
        }
        Err(Error::Invalid(problems)) => {
            let page = ShowPage::of(&portal, frame, subscription, None).await?;
            web::invalid(&ShowPage { problems, display_name: form.display_name, ..page })
        }
        Err(Error::Stale) => {
            let problems = Problems::one("display_name", "The subscription was changed meanwhile. Look at it, then save again.");
            let page = ShowPage::of(&portal, frame, subscription, None).await?;
            web::page_with(StatusCode::CONFLICT, &ShowPage { problems, display_name: form.display_name, ..page })
        }
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
struct RegenerateForm {
    version: i64,
    #[serde(default)]
    key: String,
}

impl RegenerateForm {
    fn which(&self) -> Result<Which, Error> {
        Which::parse(&self.key).ok_or_else(|| Error::BadRequest("The key is primary or secondary.".to_owned()))
    }
}

/// Asks before a key is regenerated: the old one stops at once.
#[derive(Template)]
#[template(path = "subscriptions/regenerate.html")]
struct RegeneratePage {
    frame: Frame,
    subscription: Subscription,
    which: Which,
    goes: Vec<String>,
    stays: Vec<String>,
}

async fn ask_regenerate(who: SignedIn, portal: Data<Portal>, frame: Frame, session: Session, Names(name, key): Names) -> Answer {
    let subscription = super::get(&mut portal.db.read().await?, &who, &name).await?;
    let which = Which::parse(&key).ok_or(Error::NotFound)?;
    if !subscription.has_keys() {
        let word = subscription.state().word().to_lowercase();
        Flash::warn(format!("Keys are regenerated while a subscription is active; this one is {word}.")).keep(&session)?;
        return web::see_other(&subscription.path());
    }
    let goes = vec![format!("The {} key: it stops working at once, and programs that use it are refused", which.word())];
    let stays = vec![format!("The {} key: it goes on working, so move your programs to it first", which.other().word())];
    web::page(&RegeneratePage { frame: framed(frame), subscription, which, goes, stays })
}

/// The answer shows the new key, where keys are shown, as `show_keys` does.
async fn regenerate(
    who: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<RegenerateForm>,
) -> Answer {
    let which = form.which()?;
    let done = super::regenerate_key(&portal.db, &portal.keys, &portal.mail, &who, &name, which, form.version).await?;
    let subscription = super::get(&mut portal.db.read().await?, &who, &name).await?;
    let said = match done {
        true => Flash::good(format!("Regenerated the {} key. The old one no longer works; the other key still does.", which.word())),
        false => Flash::warn("The subscription was changed since this page was shown, so no key was regenerated."),
    };
    if done && subscription.is_active() {
        let (subscription, keys) = super::show_keys(&portal.db, &portal.keys, &who, &name).await?;
        let frame = Frame { flash: Some(said), ..frame };
        return web::page(&ShowPage::of(&portal, frame, subscription, Some(keys)).await?);
    }
    said.keep(&session)?;
    web::see_other(&subscription.path())
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
    let (subscription, done) = super::cancel(&portal.db, &portal.mail, &who, &name).await?;
    if done {
        let (what, product) = (the("subscription", &subscription.display_name), shortened(&subscription.product_display_name, 80));
        Flash::good(format!("Cancelled {what} to {product}.")).keep(&session)?;
    } else {
        Flash::good("It was cancelled already, so nothing was changed.").keep(&session)?;
    }
    web::see_other("/account/subscriptions")
}
