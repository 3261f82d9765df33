//! The Products pages of the publisher portal: the list, adding one, and a file for each tab.

mod external;
mod order;
mod settings;
mod state;
mod subscribers;
mod summary;
mod visibility;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Counts, NewProduct, Product, store};
use crate::{
    app::Portal,
    auth::Administrator,
    db::Connection,
    error::{Error, Problems},
    web::{
        self, Answer, Flash, Form, Frame, Routes, counted,
        form::Query,
        markdown::{self, SafeHtml},
        paging::{Heading, Page, Pager},
    },
};

pub use state::said as undo_said;

pub fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/products", list)
        .get("/publisher/order/products", order::show)
        .post("/publisher/order/products", order::save)
        .get("/publisher/new/product", add)
        .post("/publisher/new/product", create)
        .get("/publisher/products/{name}", summary::show)
        .post("/publisher/products/{name}/add-apis", summary::add_apis)
        .post("/publisher/products/{name}/remove-apis", summary::remove_apis)
        .get("/publisher/products/{name}/settings", settings::show)
        .post("/publisher/products/{name}/settings", settings::edit)
        .get("/publisher/products/{name}/visibility", visibility::show)
        .post("/publisher/products/{name}/visibility", visibility::save)
        .get("/publisher/products/{name}/add-groups", external::show)
        .post("/publisher/products/{name}/add-groups", external::add)
        .get("/publisher/products/{name}/subscribers", subscribers::show)
        .get("/publisher/products/{name}/publish", state::ask_publish)
        .post("/publisher/products/{name}/publish", state::publish)
        .get("/publisher/products/{name}/unpublish", state::ask_unpublish)
        .post("/publisher/products/{name}/unpublish", state::unpublish)
        .get("/publisher/products/{name}/delete", state::ask_delete)
        .post("/publisher/products/{name}/delete", state::delete);
}

/// What every tab of a product shows above itself.
struct Tabs {
    product: Product,
    counts: Counts,
    /// The description's first words.
    under: String,
}

impl Tabs {
    async fn load(connection: &mut Connection, name: &str) -> Result<Self, Error> {
        let product = super::get(connection, name).await?;
        let counts = super::counts(connection, &product).await?;
        Ok(Self { under: markdown::to_text(&product.description, 160), product, counts })
    }

    fn path(&self) -> String {
        self.product.path()
    }

    /// "3 subscriptions".
    fn subscriptions(&self) -> String {
        counted(self.counts.subscriptions, "subscription", "subscriptions")
    }

    /// Its page in the developer portal.
    fn portal_path(&self) -> String {
        format!("/products/{}", crate::ids::encode(&self.product.name))
    }
}

/// `A`, `A and B`, `A, B and C`, `A, B and 4 more`.
fn in_words(names: &[String], total: usize) -> String {
    let rest = total.saturating_sub(names.len());
    match (names, rest) {
        ([], 0) => String::new(),
        ([], rest) => format!("{rest} more"),
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (names, rest) => format!("{} and {rest} more", names.join(", ")),
    }
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
        "-name" => (NameDown, "-name"),
        "state" => (State, "state"),
        "-state" => (StateDown, "-state"),
        "apis" => (Apis, "apis"),
        "-apis" => (ApisDown, "-apis"),
        "groups" => (Groups, "groups"),
        "-groups" => (GroupsDown, "-groups"),
        "subscriptions" => (Subscriptions, "subscriptions"),
        "-subscriptions" => (SubscriptionsDown, "-subscriptions"),
        _ => (Name, "name"),
    }
}

#[derive(Template)]
#[template(path = "products/list.html")]
struct ListPage {
    frame: Frame,
    q: String,
    state: &'static str,
    products: Vec<store::ProductRow>,
    pager: Pager,
    by_name: Heading,
    by_state: Heading,
    by_apis: Heading,
    by_groups: Heading,
    by_subscriptions: Heading,
}

impl ListPage {
    fn more_groups(&self, product: &store::ProductRow) -> i64 {
        (product.groups - store::SHOWN_GROUPS).max(0)
    }

    fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.state.is_empty()
    }
}

async fn list(_admin: Administrator, portal: Data<Portal>, frame: Frame, Query(query): Query<ListQuery>) -> Answer {
    let page = Page::new(query.page, query.size);
    let (sort, sorted) = parse_sort(&query.sort);
    let (state, published) = match query.state.as_str() {
        "published" => ("published", Some(true)),
        "notPublished" => ("notPublished", Some(false)),
        _ => ("", None),
    };
    let (products, total) = store::list(&mut portal.db.read().await?, &query.q, published, sort, page.size, page.offset()).await?;
    let asked = [("q", query.q.as_str()), ("state", state), ("sort", if sorted == "name" { "" } else { sorted })];
    let pager = Pager::new(page, total, "/publisher/products", &asked);
    web::page(&ListPage {
        by_name: Heading::new(&pager, "name", sorted, false),
        by_state: Heading::new(&pager, "state", sorted, false),
        by_apis: Heading::new(&pager, "apis", sorted, true),
        by_groups: Heading::new(&pager, "groups", sorted, true),
        by_subscriptions: Heading::new(&pager, "subscriptions", sorted, true),
        frame,
        q: query.q,
        state,
        products,
        pager,
    })
}

/// The fields of a product as a browser sends them: a box that is not ticked is not there.
#[derive(Deserialize)]
struct ProductForm {
    /// Of the product the form was shown; a new one has none.
    version: Option<i64>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    terms: String,
    subscription_required: Option<String>,
    approval_required: Option<String>,
    #[serde(default)]
    subscriptions_limit: String,
    /// The button that shows what the texts become, and saves nothing.
    preview: Option<String>,
}

/// What the Markdown of a form becomes.
struct Preview {
    description: SafeHtml,
    terms: SafeHtml,
}

impl Preview {
    fn of(typed: &NewProduct) -> Self {
        Self { description: markdown::to_html(&typed.description), terms: markdown::to_html(&typed.terms) }
    }
}

impl From<ProductForm> for NewProduct {
    fn from(form: ProductForm) -> Self {
        Self {
            display_name: form.display_name,
            description: form.description,
            terms: form.terms,
            subscription_required: form.subscription_required.is_some(),
            approval_required: form.approval_required.is_some(),
            subscriptions_limit: form.subscriptions_limit,
        }
    }
}

#[derive(Template)]
#[template(path = "products/add.html")]
struct AddPage {
    frame: Frame,
    typed: NewProduct,
    preview: Option<Preview>,
    problems: Problems,
}

async fn add(_admin: Administrator, frame: Frame) -> Answer {
    web::page(&AddPage { frame, typed: NewProduct::default(), preview: None, problems: Problems::default() })
}

async fn create(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<ProductForm>) -> Answer {
    let asks_preview = form.preview.is_some();
    let typed = NewProduct::from(form);
    if asks_preview {
        return web::page(&AddPage { frame, preview: Some(Preview::of(&typed)), typed, problems: Problems::default() });
    }
    match super::create(&portal.db, &admin, &typed).await {
        Ok(product) => {
            let text = format!(
                "Added {}. It is not published, and open to Administrators alone.",
                web::filters::the("product", &product.display_name)
            );
            Flash::good(text).keep(&session)?;
            web::see_other(&product.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&AddPage { frame, typed, preview: None, problems }),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn names_become_sentences() {
        let names: Vec<String> = ["A", "B", "C"].map(str::to_owned).to_vec();
        assert_eq!(in_words(&names[..1], 1), "A");
        assert_eq!(in_words(&names[..2], 2), "A and B");
        assert_eq!(in_words(&names, 3), "A, B and C");
        assert_eq!(in_words(&names, 7), "A, B, C and 4 more");
        assert_eq!(in_words(&[], 0), "");
    }
}
