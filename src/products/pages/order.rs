//! The order of products in the developer portal: numbers to be typed, and a step up or down for each.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    ids::fold,
    products::{self, Ordered, Place, PlaceFacts},
    web::{
        self, Answer, Flash, Form, Frame,
        filters::{shortened, thousands},
        form::Query,
        paging::{Page, Pager},
        url::encode,
    },
};

const PATH: &str = "/publisher/order/products";

#[derive(Default, Deserialize)]
pub(super) struct OrderQuery {
    #[serde(default)]
    q: String,
    page: Option<i64>,
    size: Option<i64>,
}

/// A product of the page.
struct Line {
    product: Ordered,
    /// Its place now.
    place: usize,
    /// What its field holds.
    typed: String,
    error: String,
    last: bool,
}

impl Line {
    /// Where the page goes on after a step.
    fn anchor(&self) -> String {
        anchor(&self.product.name)
    }
}

fn anchor(product: &str) -> String {
    format!("place-{}", encode(product))
}

#[derive(Template)]
#[template(path = "products/order.html")]
struct OrderPage {
    frame: Frame,
    q: String,
    version: i64,
    lines: Vec<Line>,
    pager: Pager,
    /// Somebody else changed the order since the form was shown.
    stale: bool,
    /// It holds what was typed and is not saved.
    dirty: bool,
    problems: Problems,
}

/// A typed number, for a product that is not at that place.
type Typed = (String, String);

async fn load(portal: &Portal, frame: Frame, query: &OrderQuery, typed: &[Typed]) -> Result<OrderPage, Error> {
    let (products, version) = products::order(&mut portal.db.read().await?).await?;
    let (needle, page, all) = (fold(&query.q), Page::new(query.page, query.size), products.len());
    let lines: Vec<Line> = products
        .into_iter()
        .zip(1..)
        .filter(|(product, _)| fold(&product.display_name).contains(&needle))
        .map(|(product, place)| Line {
            typed: typed.iter().find(|(name, _)| *name == product.name).map_or_else(|| place.to_string(), |(_, number)| number.clone()),
            last: place == all,
            error: String::new(),
            product,
            place,
        })
        .collect();
    let pager = Pager::new(page, i64::try_from(lines.len()).map_err(Error::internal)?, PATH, &[("q", &query.q)]);
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let lines = lines.into_iter().skip(skip).take(usize::try_from(page.size).unwrap_or(0)).collect();
    let frame = Frame { section: "products", ..frame };
    Ok(OrderPage {
        frame,
        q: query.q.clone(),
        version,
        lines,
        pager,
        stale: false,
        dirty: !typed.is_empty(),
        problems: Problems::default(),
    })
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<OrderQuery>) -> Answer {
    web::page(&load(&portal, frame, &query, &[]).await?)
}

#[derive(Deserialize)]
pub(super) struct OrderForm {
    version: Option<i64>,
    /// A product, the place that it was shown at, and the number in its field, for each line.
    #[serde(default)]
    product: Vec<String>,
    #[serde(default)]
    shown: Vec<String>,
    #[serde(default)]
    place: Vec<String>,
    /// The product of the button that was pressed.
    up: Option<String>,
    down: Option<String>,
    #[serde(default)]
    q: String,
    page: Option<i64>,
    size: Option<i64>,
}

impl OrderForm {
    /// The lines whose number was changed.
    fn typed(&self) -> Vec<Typed> {
        let lines = self.product.iter().zip(&self.shown).zip(&self.place);
        lines.filter(|((_, shown), place)| shown.trim() != place.trim()).map(|((name, _), place)| (name.clone(), place.clone())).collect()
    }
}

/// Saves the numbers that were changed, and takes the step whose button was pressed.
pub(super) async fn save(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<OrderForm>,
) -> Answer {
    let version =
        form.version.ok_or_else(|| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
    let typed = form.typed();
    let query = OrderQuery { q: form.q.clone(), page: form.page, size: form.size };
    let number = |text: &str| text.trim().parse::<i64>().ok().filter(|place| (1..=1_000_000).contains(place));
    if typed.iter().any(|(_, place)| number(place).is_none()) {
        let mut page = load(&portal, frame, &query, &typed).await?;
        for line in page.lines.iter_mut().filter(|line| number(&line.typed).is_none()) {
            line.error = "A place is a whole number; the first is 1.".to_owned();
            let name = shortened(&line.product.display_name, 80);
            page.problems.add("", format!("{name}: {}", line.error));
        }
        return web::invalid(&page);
    }
    let mut moves: Vec<(String, Place)> =
        typed.iter().filter_map(|(product, place)| Some((product.clone(), Place::At(number(place)?)))).collect();
    let steps = form.up.iter().map(|name| (name, Place::Up)).chain(form.down.iter().map(|name| (name, Place::Down)));
    moves.extend(steps.map(|(name, step)| (name.clone(), step)));
    match products::arrange(&portal.db, &admin, version, &moves).await {
        Ok(moved) => {
            Flash::good(said(&moved)).keep(&session)?;
            let here = Pager::new(Page::new(query.page, query.size), 0, PATH, &[("q", &query.q)]).here();
            let stepped = form.up.or(form.down).map(|name| format!("#{}", anchor(&name))).unwrap_or_default();
            web::see_other(&format!("{here}{stepped}"))
        }
        Err(Error::Stale) => {
            web::page_with(StatusCode::CONFLICT, &OrderPage { stale: true, ..load(&portal, frame, &query, &typed).await? })
        }
        Err(other) => Err(other),
    }
}

fn said(moved: &[PlaceFacts]) -> String {
    match moved {
        [] => "Every product was at its place already, so nothing was changed.".to_owned(),
        [one] => format!("{} is number {} now.", shortened(&one.display_name, 80), thousands(one.place)),
        many => format!("Moved {} products.", many.len()),
    }
}
