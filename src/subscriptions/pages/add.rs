//! The page on which an administrator subscribes a user to a product. Both are looked for by words, as there may be very many.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::Administrator,
    catalog,
    db::{Choice, Connection},
    error::{Error, Problems},
    subscriptions::{self, NewPlacement, Subscribed, store::placing},
    web::{
        self, Answer, Flash, Form, Frame,
        filters::{shortened, the},
        form::Query,
        meant::{Meant, OFFERED},
    },
};

/// Products that a field suggests.
const SUGGESTED: i64 = 500;

/// Whom and what the page is opened for: names in addresses.
#[derive(Deserialize)]
pub(super) struct AddQuery {
    #[serde(default)]
    user: String,
    #[serde(default)]
    product: String,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct AddForm {
    /// The words for the user, the words that the offered ones were found by, and which of them was chosen.
    #[serde(default)]
    who: String,
    #[serde(default)]
    who_was: String,
    #[serde(default)]
    user: String,
    /// The same for the product.
    #[serde(default)]
    which: String,
    #[serde(default)]
    which_was: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    ends: String,
    activate: Option<String>,
}

async fn meant_user(connection: &mut Connection, form: &AddForm) -> Result<Meant, Error> {
    let words = form.who.trim();
    if words.is_empty() {
        return Ok(Meant::nothing("Type a name or an email address."));
    }
    let chosen = !form.user.is_empty() && form.who == form.who_was;
    let called = placing::people_called(connection, if chosen { &form.user } else { words }).await?;
    if let Some(meant) = Meant::called(called) {
        return Ok(meant);
    }
    let (offered, matching) = placing::people_like(connection, words, OFFERED).await?;
    Ok(Meant::among(offered, matching, "Nobody’s name or email contains this.", "Choose the user."))
}

async fn meant_product(connection: &mut Connection, form: &AddForm) -> Result<Meant, Error> {
    let words = form.which.trim();
    if words.is_empty() {
        return Ok(Meant::nothing("Type the name of a product."));
    }
    let chosen = !form.product.is_empty() && form.which == form.which_was;
    let called = placing::products_called(connection, if chosen { &form.product } else { words }).await?;
    if let Some(meant) = Meant::called(called) {
        return Ok(meant);
    }
    let (offered, matching) = placing::products_like(connection, words, OFFERED).await?;
    Ok(Meant::among(offered, matching, "No product’s name contains this.", "Choose the product."))
}

#[derive(Template)]
#[template(path = "subscriptions/add.html")]
struct AddPage {
    frame: Frame,
    form: AddForm,
    people: Vec<Choice>,
    products: Vec<Choice>,
    suggested: Vec<String>,
    problems: Problems,
}

impl AddPage {
    async fn with(portal: &Portal, frame: Frame, form: AddForm) -> Result<Self, Error> {
        let suggested = placing::product_names(&mut portal.db.read().await?, SUGGESTED).await?;
        Ok(Self { frame, form, people: Vec::new(), products: Vec::new(), suggested, problems: Problems::default() })
    }
}

pub(super) async fn add(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<AddQuery>) -> Answer {
    let mut connection = portal.db.read().await?;
    let mut form = AddForm { activate: Some("on".to_owned()), ..AddForm::default() };
    if !query.user.is_empty()
        && let Some(user) = placing::people_called(&mut connection, &query.user).await?.pop()
    {
        form.who = user.detail;
    }
    if !query.product.is_empty()
        && let Some(product) = placing::products_called(&mut connection, &query.product).await?.pop()
    {
        form.which = product.display_name;
    }
    drop(connection);
    web::page(&AddPage::with(&portal, frame, form).await?)
}

pub(super) async fn create(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<AddForm>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    let (user, product) = (meant_user(&mut connection, &form).await?, meant_product(&mut connection, &form).await?);
    drop(connection);
    let problems = match (&user.one, &product.one) {
        (Some(user), Some(product)) => {
            let new = NewPlacement {
                owner: user.name.clone(),
                product: product.name.clone(),
                display_name: form.display_name.clone(),
                activate: form.activate.is_some(),
                ends: form.ends.clone(),
            };
            match subscriptions::place(&portal.db, &portal.keys, &portal.mail, &admin, &new).await {
                Ok(placed) => return said(&portal, &session, user, placed).await,
                Err(Error::Invalid(problems)) => problems,
                Err(other) => return Err(other),
            }
        }
        _ => {
            let mut problems = Problems::default();
            for (field, meant) in [("who", &user), ("which", &product)] {
                if meant.one.is_none() {
                    problems.add(field, meant.problem.clone());
                }
            }
            problems
        }
    };
    let page = AddPage::with(&portal, frame, form).await?;
    web::invalid(&AddPage { people: user.offered, products: product.offered, problems, ..page })
}

async fn said(portal: &Portal, session: &Session, user: &Choice, placed: Subscribed) -> Answer {
    let who = shortened(if user.display_name.is_empty() { &user.detail } else { &user.display_name }, 80);
    let (flash, subscription) = match placed {
        Subscribed::New(subscription) => {
            let product = shortened(&subscription.product_display_name, 80);
            let hidden = catalog::without_sight(&mut portal.db.read().await?, &[subscription.id], portal.db.now()).await?;
            let first = match subscription.is_active() {
                true => format!("Subscribed {who} to {product}."),
                false => format!("The subscription of {who} to {product} waits for approval."),
            };
            let second = if hidden.is_empty() {
                ""
            } else {
                " The product is not open to a group that this user is in; the keys work all the same."
            };
            (Flash::good(format!("{first}{second}")), subscription)
        }
        Subscribed::Already(subscription) => {
            let what = the("subscription", &subscription.display_name);
            (Flash::warn(format!("{who} has {what} already, so no other was made. Another one needs another name.")), subscription)
        }
    };
    flash.keep(session)?;
    web::see_other(&subscription.publisher_path())
}
