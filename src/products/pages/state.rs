//! Publishing, hiding and deleting a product, each asked about on a page of its own where it reaches other people.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{Tabs, summary, visibility};
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    error::{Error, Problems},
    products::{Product, Undone},
    subscriptions::{self, Filter, Sort, SubscriptionRow},
    web::{
        self, Answer, Flash, Form, Frame, Pager, counted,
        filters::{shortened, the, thousands},
        form::{Name, Query},
        paging::Page,
    },
};

#[derive(Template)]
#[template(path = "products/publish.html")]
struct PublishPage {
    frame: Frame,
    tabs: Tabs,
    boxes: Vec<visibility::GroupBox>,
    /// What somebody who publishes might have forgotten.
    remarks: Vec<&'static str>,
}

pub(super) async fn ask_publish(_admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    if tabs.product.published {
        Flash::good(format!("{} is published already.", shortened(&tabs.product.display_name, 80))).keep(&session)?;
        return web::see_other(&tabs.path());
    }
    let boxes = visibility::open_boxes(&mut connection, tabs.product.id, portal.db.now()).await?;
    let mut remarks = Vec::new();
    if boxes.iter().all(visibility::GroupBox::is_locked) {
        remarks.push("It is open to Administrators alone, so no developer will see it before it is opened to another group.");
    }
    if tabs.counts.apis == 0 {
        remarks.push("There is no API in it.");
    }
    if tabs.product.terms.is_empty() {
        remarks.push("It has no terms of use.");
    }
    web::page(&PublishPage { frame, tabs, boxes, remarks })
}

pub(super) async fn publish(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (product, changed) = super::super::publish(&portal.db, &admin, &name).await?;
    let said = if changed { "Published" } else { "Nothing was changed: already published" };
    Flash::good(format!("{said}: {}.", shortened(&product.display_name, 80))).keep(&session)?;
    web::see_other(&product.path())
}

#[derive(Template)]
#[template(path = "products/unpublish.html")]
struct UnpublishPage {
    frame: Frame,
    tabs: Tabs,
    goes: Vec<String>,
    stays: Vec<String>,
}

/// Groups that are named before the rest is counted.
const NAMED: usize = 50;

pub(super) async fn ask_unpublish(_admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    if !tabs.product.published {
        Flash::good(not_published(&tabs.product)).keep(&session)?;
        return web::see_other(&tabs.path());
    }
    let boxes = visibility::open_boxes(&mut connection, tabs.product.id, portal.db.now()).await?;
    let live = match tabs.counts.live_subscriptions {
        0 => "No live subscription is affected".to_owned(),
        1 => "1 live subscription, and its keys stay valid; its owner no longer finds the product".to_owned(),
        many => format!("{} live subscriptions, and their keys stay valid; their owners no longer find the product", thousands(many)),
    };
    let apis = format!("{} in it; those that no other product shows are hidden with it", counted(tabs.counts.apis, "API", "APIs"));
    let stays = vec![live, apis, "Whom it is open to, for when it is published again".to_owned()];
    let mut goes: Vec<String> = boxes
        .iter()
        .take(NAMED)
        .map(|group| format!("Its listing for {} ({})", shortened(&group.display_name, 80), group.members()))
        .collect();
    if boxes.len() > NAMED {
        goes.push(format!("and for {} more", boxes.len() - NAMED));
    }
    web::page(&UnpublishPage { frame, tabs, goes, stays })
}

fn not_published(product: &Product) -> String {
    format!("{} was not published, so nothing was changed.", shortened(&product.display_name, 80))
}

pub(super) async fn unpublish(admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (product, changed) = super::super::unpublish(&portal.db, &admin, &name).await?;
    let text = if changed {
        format!(
            "Unpublished {}: nobody sees it in the developer portal. Its subscriptions stay, and their keys stay valid.",
            shortened(&product.display_name, 80)
        )
    } else {
        not_published(&product)
    };
    Flash::good(text).keep(&session)?;
    web::see_other(&product.path())
}

#[derive(Template)]
#[template(path = "products/delete.html")]
struct DeletePage {
    frame: Frame,
    tabs: Tabs,
    goes: Vec<String>,
    stays: Vec<String>,
    subscriptions: Vec<SubscriptionRow>,
    pager: Pager,
    /// Whether the administrator's password counts still.
    given: bool,
    problems: Problems,
}

impl DeletePage {
    async fn load(portal: &Portal, frame: Frame, name: &str, page: Page, given: bool, problems: Problems) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let tabs = Tabs::load(&mut connection, name).await?;
        let filter = Filter { product: Some(tabs.product.id), ..Filter::default() };
        let (subscriptions, _) =
            subscriptions::list(&mut connection, portal.db.now(), &filter, Sort::Owner, page.size, page.offset()).await?;
        let counts = tabs.counts;
        let mut goes = vec!["The product itself, with its description and terms".to_owned()];
        if counts.subscriptions > 0 {
            goes.push(format!(
                "{}; {} live, and the keys stop working",
                counted(counts.subscriptions, "subscription", "subscriptions"),
                match counts.live_subscriptions {
                    0 => "none is".to_owned(),
                    1 => "1 is".to_owned(),
                    many => format!("{} are", thousands(many)),
                }
            ));
        }
        let stays = vec![
            format!("{} in it", counted(counts.apis, "API", "APIs")),
            format!("{} it is open to, and Administrators", counted(counts.groups, "group", "groups")),
        ];
        let pager = Pager::new(page, counts.subscriptions, &format!("{}/delete", tabs.path()), &[]).exact(true);
        Ok(Self { frame, pager, tabs, goes, stays, subscriptions, given, problems })
    }
}

#[derive(Deserialize)]
pub(super) struct DeleteQuery {
    page: Option<i64>,
    size: Option<i64>,
}

pub(super) async fn ask_delete(
    _admin: Administrator,
    again: Again,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<DeleteQuery>,
) -> Answer {
    web::page(&DeletePage::load(&portal, frame, &name, Page::new(query.page, query.size), again.is_given(), Problems::default()).await?)
}

#[derive(Deserialize)]
pub(super) struct DeleteForm {
    with_subscriptions: Option<String>,
    /// How many the page listed.
    #[serde(default)]
    subscriptions: i64,
    #[serde(default)]
    password: String,
}

pub(super) async fn delete(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<DeleteForm>,
) -> Answer {
    // Keys that people use stop working: that is asked for with the password.
    if form.with_subscriptions.is_some() {
        match portal.confirm(&again, &form.password).await {
            Ok(_) => {}
            Err(Error::Invalid(problems)) => {
                return web::invalid(&DeletePage::load(&portal, frame, &name, Page::new(None, None), false, problems).await?);
            }
            Err(other) => return Err(other),
        }
    }
    let accepted = if form.with_subscriptions.is_some() { form.subscriptions.max(0) } else { 0 };
    match super::super::delete(&portal.db, &admin, &name, accepted).await {
        Ok((product, subscriptions)) => {
            let with = if subscriptions == 0 {
                String::new()
            } else {
                format!(" and {}", counted(subscriptions, "subscription", "subscriptions"))
            };
            Flash::good(format!("Deleted {}{with}.", the("product", &product.display_name))).keep(&session)?;
            web::see_other("/publisher/products")
        }
        Err(Error::Conflict(why)) => {
            let page =
                DeletePage::load(&portal, frame, &name, Page::new(None, None), again.is_given(), Problems::one("with_subscriptions", why))
                    .await?;
            web::page_with(StatusCode::CONFLICT, &page)
        }
        Err(other) => Err(other),
    }
}

/// What the page says after *Undo*, and where it leads.
pub fn said(undone: &Undone) -> (Flash, String) {
    match undone {
        Undone::Visibility(outcome) => {
            let flash = visibility::said(outcome);
            (Flash { text: format!("Undone. {}", flash.text), ..flash }, format!("{}/visibility", outcome.product.path()))
        }
        Undone::Apis(true, outcome) => {
            (Flash::good(format!("Undone. {}.", summary::named(outcome, "Removed", "from"))), outcome.product.path())
        }
        Undone::Apis(false, outcome) => {
            (Flash::good(format!("Undone. {}.", summary::named(outcome, "Added", "to"))), outcome.product.path())
        }
    }
}
