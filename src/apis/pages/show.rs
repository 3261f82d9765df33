//! An API's page.

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    apis::{
        self, Api, Facts,
        description::{Server, Tag},
        store::{self, ProductOfApi, operations::OperationRow},
    },
    app::Portal,
    auth::Administrator,
    ids,
    web::{
        self, Answer, Frame, counted,
        form::{Name, Query},
        markdown::{self, SafeHtml},
    },
};

/// Operations on one page.
const OPERATIONS: usize = 500;

#[derive(Deserialize)]
pub struct ShowQuery {
    #[serde(default)]
    q: String,
    page: Option<usize>,
}

/// Operations under one heading.
struct Section {
    /// Empty when no operation of the API has a tag.
    heading: String,
    description: SafeHtml,
    operations: Vec<OperationRow>,
}

#[derive(Template)]
#[template(path = "apis/show.html")]
struct ShowPage {
    frame: Frame,
    api: Api,
    facts: Facts,
    servers: Vec<Server>,
    description: SafeHtml,
    sections: Vec<Section>,
    /// Operations of the API, and those that match.
    total: i64,
    matching: i64,
    q: String,
    previous: Option<String>,
    next: Option<String>,
    products: Vec<ProductOfApi>,
    document_size: String,
    /// Display name of the version set, and how many versions are in it.
    set: Option<(String, usize)>,
    /// Entries of the change log.
    log: i64,
}

impl ShowPage {
    fn under(&self) -> String {
        let version = if self.api.api_version.is_empty() || !self.api.set_version.is_empty() {
            String::new()
        } else {
            format!("Version {}, ", self.api.api_version)
        };
        format!("{version}{}, {}", self.api.format_label(), counted(self.total, "operation", "operations"))
    }

    /// "Orders, 3 versions".
    fn set_name(&self) -> String {
        let Some((name, versions)) = &self.set else { return String::new() };
        let versions = counted(i64::try_from(*versions).unwrap_or(i64::MAX), "version", "versions");
        format!("{}, {versions}", web::filters::shortened(name, web::filters::NAME))
    }

    fn public_path(&self) -> String {
        format!("/apis/{}", ids::encode(&self.api.name))
    }

    fn published(&self) -> bool {
        self.products.iter().any(|product| product.published)
    }
}

/// One line a tag, in the document's order; what has no tag comes last. An operation stands under each of its tags.
fn by_tag(tags: &[Tag], operations: Vec<OperationRow>) -> Vec<(String, Option<String>, Vec<OperationRow>)> {
    let mut sections: Vec<(String, Option<String>, Vec<OperationRow>)> =
        tags.iter().map(|tag| (tag.name.clone(), tag.description.clone(), Vec::new())).collect();
    let places: std::collections::HashMap<&str, usize> = tags.iter().enumerate().map(|(at, tag)| (tag.name.as_str(), at)).collect();
    let mut untagged = Vec::new();
    for operation in operations {
        let names: Vec<String> = serde_json::from_str(&operation.tags).unwrap_or_default();
        let mut found = false;
        for at in names.iter().filter_map(|name| places.get(name.as_str())) {
            sections[*at].2.push(operation.clone());
            found = true;
        }
        if !found {
            untagged.push(operation);
        }
    }
    sections.retain(|(_, _, operations)| !operations.is_empty());
    if !untagged.is_empty() {
        let heading = if sections.is_empty() { String::new() } else { "Other operations".to_owned() };
        sections.push((heading, None, untagged));
    }
    sections
}

/// The lines of one page, and whether there are more.
fn page_of(sections: Vec<(String, Option<String>, Vec<OperationRow>)>, page: usize) -> (Vec<Section>, bool) {
    let (mut skip, mut room, mut more) = ((page - 1) * OPERATIONS, OPERATIONS, false);
    let mut shown = Vec::new();
    for (heading, description, operations) in sections {
        let length = operations.len();
        let operations: Vec<OperationRow> = operations.into_iter().skip(skip).take(room).collect();
        more |= length.saturating_sub(skip) > room;
        skip = skip.saturating_sub(length);
        room -= operations.len();
        if !operations.is_empty() {
            let description = description.map(|text| markdown::to_html(&text)).unwrap_or_default();
            shown.push(Section { heading, description, operations });
        }
    }
    (shown, more)
}

pub async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name, Query(query): Query<ShowQuery>) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let mut operations = store::operations::of(&mut connection, api.id).await?;
    let products = store::products_of(&mut connection, api.id).await?;
    let bytes = store::document_size(&mut connection, api.id).await?;
    let set = apis::versions_of(&mut connection, &api).await?.map(|(set, versions)| (set.display_name, versions.len()));
    let (_, log) = apis::change_log(&mut connection, api.id, 0, 0).await?;
    drop(connection);
    let total = apis::count(operations.len());
    let needle = ids::fold(&query.q);
    if !needle.is_empty() {
        operations.retain(|o| ids::fold(&format!("{} {}\n{}\n{}", o.method, o.url_template, o.display_name, o.name)).contains(&needle));
    }
    let matching = apis::count(operations.len());
    let page = query.page.unwrap_or(1).clamp(1, 1_000);
    let (sections, more) = page_of(by_tag(&api.tags(), operations), page);
    let link = |page: usize| {
        let q = if query.q.is_empty() { String::new() } else { format!("q={}&", ids::encode(&query.q)) };
        format!("{}?{q}page={page}#operations", api.path())
    };
    web::page(&ShowPage {
        facts: api.facts(),
        servers: api.servers(),
        description: markdown::to_html(&api.description),
        sections,
        total,
        matching,
        previous: (page > 1).then(|| link(page - 1)),
        next: more.then(|| link(page + 1)),
        products,
        document_size: web::filters::size(bytes),
        set,
        log,
        frame,
        q: query.q,
        api,
    })
}
