//! A product's page, and subscribing to it.

use std::sync::Arc;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;

use crate::{
    app::Portal,
    auth::{SignedIn, Visitor},
    catalog::{self, Api, ProductSeen, Viewer},
    error::{Error, Problems},
    ids,
    subscriptions::{self, NewSubscription, Subscribed, Subscription},
    web::{
        self, Answer, Flash, Form, Frame,
        form::Name,
        markdown::{self, SafeHtml},
        url::encode,
    },
};

/// What the page says about subscribing.
enum Offer {
    Form,
    /// To sign in, and come back here.
    SignIn(String),
    /// Why not.
    Sentence(String),
}

#[derive(Template)]
#[template(path = "catalog/product.html")]
struct ProductPage {
    frame: Frame,
    description: SafeHtml,
    terms: SafeHtml,
    terms_mark: String,
    apis: Vec<Arc<Api>>,
    held: Vec<Subscription>,
    offer: Offer,
    product: ProductSeen,
    form: NewSubscription,
    problems: Problems,
}

impl ProductPage {
    async fn load(portal: &Portal, frame: Frame, visitor: &Visitor, name: &str) -> Result<Self, Error> {
        let viewer = Viewer::from(visitor);
        let mut connection = portal.db.read().await?;
        let product = catalog::find_product(&mut connection, viewer, portal.db.now(), name).await?.ok_or(Error::NotFound)?;
        let held = match viewer.is_guest() {
            true => Vec::new(),
            false => subscriptions::live_of(&mut connection, viewer.key(), product.id).await?,
        };
        drop(connection);
        let apis = portal.catalog.current(&portal.db, visitor.standing()).await?.apis_of(product.id);
        let form = NewSubscription { display_name: free_name(&product.display_name, &held), ..NewSubscription::default() };
        Ok(Self {
            frame,
            description: markdown::to_html(&product.description),
            terms: markdown::to_html(&product.terms),
            terms_mark: subscriptions::terms_mark(&product.terms),
            apis,
            offer: offer(&product, viewer, &held),
            held,
            product,
            form,
            problems: Problems::default(),
        })
    }

    fn has_terms(&self) -> bool {
        !self.product.terms.is_empty()
    }
}

fn offer(product: &ProductSeen, viewer: Viewer, held: &[Subscription]) -> Offer {
    if !product.subscription_required {
        return Offer::Sentence(subscriptions::NOT_NEEDED.to_owned());
    }
    if viewer.is_guest() {
        return Offer::SignIn(format!("/signin?next={}", encode(&product.path())));
    }
    if !product.may_subscribe() {
        return Offer::Sentence(subscriptions::GUESTS_ONLY.to_owned());
    }
    match product.subscriptions_limit {
        Some(most) if held.len() >= usize::try_from(most).unwrap_or(0) => Offer::Sentence(subscriptions::full(most)),
        _ => Offer::Form,
    }
}

/// The product's name, numbered when a subscription has it already.
fn free_name(product: &str, held: &[Subscription]) -> String {
    let beginning: String = product.chars().take(94).collect();
    let taken = |name: &str| held.iter().any(|subscription| ids::fold(&subscription.display_name) == ids::fold(name));
    let numbered = (2..=held.len() + 1).map(|number| format!("{} {number}", beginning.trim_end()));
    std::iter::once(beginning.trim_end().to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or(beginning.clone())
}

pub(super) async fn show(visitor: Visitor, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::open_page(visitor.person().is_none(), &ProductPage::load(&portal, frame, &visitor, &name).await?)
}

pub(super) async fn subscribe(
    who: SignedIn,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<NewSubscription>,
) -> Answer {
    let problems = match subscriptions::subscribe(&portal.db, &portal.keys, &portal.mail, &who, &name, &form).await {
        Ok(Subscribed::New(subscription)) => {
            let said = if subscription.is_active() {
                format!("Subscribed to {}. Your two keys are ready.", subscription.product_display_name)
            } else {
                format!("Asked for a subscription to {}. You get your keys when it is approved.", subscription.product_display_name)
            };
            Flash::good(said).keep(&session)?;
            return web::see_other(&subscription.path());
        }
        Ok(Subscribed::Already(subscription)) => {
            let said = format!(
                "You have a subscription with the name {} to {} already, so no other was made.",
                subscription.display_name, subscription.product_display_name
            );
            Flash::warn(said).keep(&session)?;
            return web::see_other(&subscription.path());
        }
        Err(Error::Invalid(problems)) => problems,
        Err(other) => return Err(other),
    };
    let page = ProductPage::load(&portal, frame, &Visitor::SignedIn(who), &name).await?;
    web::invalid(&ProductPage { problems, form, ..page })
}
