//! The Visibility tab: a box for every group. Saving applies the boxes that were changed here, and no others.

use std::collections::BTreeSet;

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::{Tabs, in_words, store};
use crate::{
    app::Portal,
    auth::Administrator,
    db::{Connection, Instant},
    error::Error,
    groups,
    ids::fold,
    products::{Named, VisibilityChange, VisibilityOutcome},
    providers::{self, Provider},
    web::{
        self, Answer, Flash, Form, Frame, counted,
        filters::thousands,
        form::{Name, Query},
        url::encode,
    },
};

/// Boxes on one page; with more groups than that, the filter finds the others.
const LISTED: i64 = 1000;

/// One group of the tab.
pub(super) struct GroupBox {
    pub name: String,
    pub display_name: String,
    pub kind: String,
    members: i64,
    /// Whether the product is open to it as the page is made.
    pub open: bool,
    /// As `open`, unless it was changed here and is not saved yet.
    ticked: bool,
}

impl GroupBox {
    /// Administrators see every product, always.
    pub fn is_locked(&self) -> bool {
        self.name == "administrators"
    }

    pub fn members(&self) -> String {
        if self.name == "guests" { "not signed in".to_owned() } else { counted(self.members, "member", "members") }
    }

    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", encode(&self.name))
    }
}

fn boxes(rows: Vec<groups::store::GroupRow>, open: &[String], changes: &[VisibilityChange]) -> Vec<GroupBox> {
    let open: BTreeSet<String> = open.iter().map(|name| fold(name)).collect();
    rows.into_iter()
        .map(|row| {
            let is_open = open.contains(&fold(&row.name));
            let changed = changes.iter().find(|change| fold(&change.group) == fold(&row.name)).map(|change| change.open);
            GroupBox {
                open: is_open,
                ticked: changed.unwrap_or(is_open),
                name: row.name,
                display_name: row.display_name,
                kind: row.kind,
                members: row.members,
            }
        })
        .collect()
}

/// The groups a product is open to, with their members.
pub(super) async fn open_boxes(connection: &mut Connection, product: crate::ids::ProductId, now: Instant) -> Result<Vec<GroupBox>, Error> {
    let open = store::open_groups(connection, product).await?;
    let rows = groups::store::list_named(connection, now, &open).await?;
    Ok(boxes(rows, &open, &[]))
}

#[derive(Default, Deserialize)]
pub(super) struct VisibilityQuery {
    #[serde(default)]
    q: String,
    /// Boxes ticked and not saved yet.
    #[serde(default)]
    open: Vec<String>,
    /// Boxes unticked and not saved yet.
    #[serde(default)]
    close: Vec<String>,
}

#[derive(Template)]
#[template(path = "products/visibility.html")]
struct VisibilityPage {
    frame: Frame,
    tabs: Tabs,
    q: String,
    boxes: Vec<GroupBox>,
    /// How many groups match the filter.
    total: i64,
    /// Boxes were changed before the list was filtered.
    unsaved: bool,
    /// The product is open to Guests and, Administrators apart, to nobody else.
    guests_alone: bool,
    /// Those whose groups are read.
    providers: Vec<Provider>,
}

impl VisibilityPage {
    fn more(&self) -> String {
        if self.total > LISTED { thousands(LISTED) } else { String::new() }
    }
}

pub(super) async fn show(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(query): Query<VisibilityQuery>,
) -> Answer {
    let now = portal.db.now();
    let mut connection = portal.db.read().await?;
    let tabs = Tabs::load(&mut connection, &name).await?;
    let (mut rows, total) = groups::store::list(&mut connection, now, &query.q, "", groups::store::Sort::Type, LISTED, 0).await?;
    // What was changed and not saved stays on the page, whatever the filter says: no box is lost.
    let changes: Vec<VisibilityChange> = (query.open.into_iter().map(|group| VisibilityChange { group, open: true }))
        .chain(query.close.into_iter().map(|group| VisibilityChange { group, open: false }))
        .collect();
    let unlisted: Vec<String> = changes
        .iter()
        .map(|change| &change.group)
        .filter(|group| !rows.iter().any(|row| fold(&row.name) == fold(group)))
        .cloned()
        .collect();
    rows.extend(groups::store::list_named(&mut connection, now, &unlisted).await?);
    let providers = providers::all(&mut connection).await?;
    let open = store::open_groups(&mut connection, tabs.product.id).await?;
    let mut boxes = boxes(rows, &open, &changes);
    for item in &mut boxes {
        item.ticked |= item.is_locked();
    }
    web::page(&VisibilityPage {
        frame,
        unsaved: boxes.iter().any(|item| item.ticked != item.open),
        guests_alone: open.iter().filter(|group| *group != "administrators").eq(["guests"].iter()),
        tabs,
        q: query.q,
        boxes,
        total,
        providers: providers.into_iter().filter(|provider| provider.enabled && !provider.groups_claim.is_empty()).collect(),
    })
}

#[derive(Deserialize)]
pub(super) struct VisibilityForm {
    /// The ticked boxes.
    #[serde(default)]
    group: Vec<String>,
    /// Every group that had a box that could be changed.
    #[serde(default)]
    listed: Vec<String>,
    /// Those whose box was ticked when the page was made.
    #[serde(default)]
    shown: Vec<String>,
    /// The filter, without script.
    #[serde(default)]
    q: String,
    /// The button that filters instead of saving; `all` takes the filter away.
    filter: Option<String>,
}

impl VisibilityForm {
    /// The boxes that were changed between showing the form and sending it.
    fn changes(&self) -> Vec<VisibilityChange> {
        let set = |names: &[String]| -> BTreeSet<String> { names.iter().map(|name| fold(name)).collect() };
        let (ticked, shown) = (set(&self.group), set(&self.shown));
        let changed = |group: &&String| ticked.contains(&fold(group)) != shown.contains(&fold(group));
        self.listed.iter().filter(changed).map(|group| VisibilityChange::new(group, ticked.contains(&fold(group)))).collect()
    }
}

pub(super) async fn save(
    admin: Administrator,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<VisibilityForm>,
) -> Answer {
    let changes = form.changes();
    let q = if form.filter.as_deref() == Some("all") { "" } else { form.q.trim() };
    let mut query: Vec<String> = Vec::new();
    if !q.is_empty() {
        query.push(format!("q={}", encode(q)));
    }
    if form.filter.is_some() {
        query.extend(changes.iter().map(|change| format!("{}={}", if change.open { "open" } else { "close" }, encode(&change.group))));
    } else {
        let outcome = super::super::set_visibility(&portal.db, &admin, &name, &changes).await?;
        said(&outcome).with_undo(outcome.entry).keep(&session)?;
    }
    let path = format!("/publisher/products/{}/visibility", encode(&name));
    web::see_other(&if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) })
}

/// "Opened to Contoso partners and Guests. Closed to Beta."
pub(super) fn said(outcome: &VisibilityOutcome) -> Flash {
    let names =
        |groups: &[Named]| in_words(&groups.iter().take(5).map(|group| group.display_name.clone()).collect::<Vec<_>>(), groups.len());
    let mut sentences = Vec::new();
    if !outcome.opened.is_empty() {
        sentences.push(format!("Opened to {}.", names(&outcome.opened)));
    }
    if !outcome.closed.is_empty() {
        sentences.push(format!("Closed to {}.", names(&outcome.closed)));
    }
    if sentences.is_empty() {
        sentences.push("Nothing was changed.".to_owned());
    }
    match outcome.missing {
        0 => {}
        1 => sentences.push("One of the groups was deleted meanwhile.".to_owned()),
        many => sentences.push(format!("{many} of the groups were deleted meanwhile.")),
    }
    let text = sentences.join(" ");
    if outcome.missing > 0 { Flash::warn(text) } else { Flash::good(text) }
}
