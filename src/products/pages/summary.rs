//! The Summary tab: the product's state, what it says, and the APIs in it.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Tabs, in_words, store};
use crate::{
    app::Portal,
    auth::Administrator,
    products::ApisOutcome,
    web::{
        self, Answer, Flash, Form, Frame, Pager, counted,
        form::{Name, Query},
        markdown::{self, SafeHtml},
        paging::Page,
        url::encode,
    },
};

/// APIs offered for adding at a time; the search finds the others.
const OFFERED: i64 = 20;
/// Groups named in the sentence about the state.
const NAMED_GROUPS: i64 = 5;

#[derive(Default, Deserialize)]
pub(super) struct SummaryQuery {
    /// What to look for among the APIs that are not in the product.
    #[serde(default)]
    find: String,
    page: Option<i64>,
    size: Option<i64>,
}

#[derive(Template)]
#[template(path = "products/summary.html")]
struct SummaryPage {
    frame: Frame,
    tabs: Tabs,
    description: SafeHtml,
    /// Whom it is listed for, or would be.
    who: String,
    find: String,
    apis: Vec<store::ApiRow>,
    pager: Pager,
    offered: Vec<store::ApiRow>,
    outside: i64,
}

pub(super) async fn show(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<SummaryQuery>,
) -> Answer {
    let page = Page::new(query.page, query.size);
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    let product = tabs.product.id;
    let (apis, total) = store::apis_inside(&mut connection, product, page.size, page.offset()).await?;
    let (offered, outside) = store::apis_outside(&mut connection, product, &query.find, OFFERED).await?;
    let groups = store::first_groups(&mut connection, product, NAMED_GROUPS).await?;
    drop(connection);
    let mut names = vec!["Administrators".to_owned()];
    names.extend(groups.into_iter().map(|group| group.display_name));
    let total_groups = usize::try_from(tabs.counts.groups).unwrap_or_default() + 1;
    web::page(&SummaryPage {
        frame,
        description: markdown::to_html(&tabs.product.description),
        who: if total_groups == 1 { "Administrators alone".to_owned() } else { in_words(&names, total_groups) },
        pager: Pager::new(page, total, &tabs.path(), &[("find", &query.find)]),
        tabs,
        find: query.find,
        apis,
        offered,
        outside,
    })
}

#[derive(Deserialize)]
pub(super) struct ApisForm {
    #[serde(default)]
    api: Vec<String>,
    #[serde(default)]
    find: String,
}

/// The tab again, with the same search.
fn back(name: &str, find: &str) -> Answer {
    let path = format!("/publisher/products/{}", encode(name));
    web::see_other(&if find.trim().is_empty() { path } else { format!("{path}?find={}", encode(find)) })
}

pub(super) async fn add_apis(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<ApisForm>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    super::super::get(&mut connection, &name).await?;
    if form.api.is_empty() {
        Flash::warn("No API was ticked, so none was added.").keep(&session)?;
        return back(&name, &form.find);
    }
    let keys = store::keys_of_apis(&mut connection, &form.api).await?;
    drop(connection);
    let outcome = super::super::add_apis(&portal.db, &admin, &name, &keys).await?;
    let mut text = named(&outcome, "Added", "to");
    if outcome.unchanged > 0 {
        text = format!("{text} ({} in it already)", counted(outcome.unchanged, "was", "were"));
    }
    Flash::good(format!("{text}.")).with_undo(outcome.entry).keep(&session)?;
    back(&name, &form.find)
}

pub(super) async fn remove_apis(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<ApisForm>,
) -> Answer {
    let mut connection = portal.db.read().await?;
    super::super::get(&mut connection, &name).await?;
    if form.api.is_empty() {
        Flash::warn("No API was ticked, so none was removed.").keep(&session)?;
        return back(&name, &form.find);
    }
    let keys = store::keys_of_apis(&mut connection, &form.api).await?;
    drop(connection);
    let outcome = super::super::remove_apis(&portal.db, &admin, &name, &keys).await?;
    let mut text = named(&outcome, "Removed", "from");
    if outcome.unchanged > 0 {
        text = format!("{text} ({} not in it)", counted(outcome.unchanged, "was", "were"));
    }
    Flash::good(format!("{text}.")).with_undo(outcome.entry).keep(&session)?;
    back(&name, &form.find)
}

/// "Added Orders API to Shop", "Removed 3 APIs from Shop".
pub(super) fn named(outcome: &ApisOutcome, verb: &str, preposition: &str) -> String {
    let what = match outcome.changed.as_slice() {
        [one] => one.display_name.clone(),
        many => counted(i64::try_from(many.len()).unwrap_or(i64::MAX), "API", "APIs"),
    };
    format!("{verb} {what} {preposition} {}", outcome.product.display_name)
}
