//! An API's page: what it is, which products have it, and its operations by tag.

use std::{collections::HashMap, sync::Arc};

use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::subscribable;
use crate::{
    apis::{
        self,
        description::{Server, Tag},
    },
    app::Portal,
    auth::Visitor,
    catalog::{self, Api, ApiPageParts, ApiSeen, OperationRow, Product},
    error::Error,
    ids,
    web::{
        self, Answer, Frame,
        form::{Name, Query},
        markdown::{self, SafeHtml},
    },
};

/// A search looks for this many words; who pastes a page is not made to wait for each.
const WORDS: usize = 16;

/// Operations under one heading; those of several tags stand under each.
pub(super) struct Section {
    /// Unique on the page.
    pub anchor: String,
    pub name: String,
    pub description: SafeHtml,
    pub operations: Vec<OperationRow>,
}

/// What stands over operations without a tag, when others have one.
const OTHERS: &str = "Other operations";

/// Operations by tag: the tags in the order of the description, then those that it does not list, then what has none.
pub(super) fn sections(api: &ApiSeen, operations: Vec<OperationRow>, described: bool) -> Vec<Section> {
    let tags: Vec<Tag> = serde_json::from_str(&api.tags).unwrap_or_default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut sections: Vec<(Tag, Vec<OperationRow>)> = Vec::new();
    for tag in tags {
        places.entry(tag.name.clone()).or_insert(sections.len());
        sections.push((tag, Vec::new()));
    }
    let mut others = Vec::new();
    for operation in operations {
        let names: Vec<String> = serde_json::from_str(&operation.tags).unwrap_or_default();
        if names.is_empty() {
            others.push(operation);
            continue;
        }
        for name in names {
            let place = *places.entry(name).or_insert_with_key(|name| {
                sections.push((Tag { name: name.clone(), description: None }, Vec::new()));
                sections.len() - 1
            });
            sections[place].1.push(operation.clone());
        }
    }
    sections.retain(|(_, operations)| !operations.is_empty());
    if !others.is_empty() {
        let name = if sections.is_empty() { "Operations" } else { OTHERS }.to_owned();
        sections.push((Tag { name, description: None }, others));
    }
    let drawn = sections.into_iter().enumerate().map(|(index, (tag, operations))| {
        let slug = ids::slug(&tag.name);
        Section {
            anchor: if slug.is_empty() { format!("tag-{}", index + 1) } else { format!("tag-{slug}-{}", index + 1) },
            name: tag.name,
            description: tag.description.filter(|_| described).map(|text| markdown::to_html(&text)).unwrap_or_default(),
            operations,
        }
    });
    drawn.collect()
}

pub(super) fn operation_path(api: &ApiSeen, operation: &str) -> String {
    format!("{}/operations/{}", api.path(), ids::encode(operation))
}

#[derive(Deserialize)]
pub(super) struct ShowQuery {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "catalog/api.html")]
struct ApiPage {
    frame: Frame,
    q: String,
    description: SafeHtml,
    servers: Vec<Server>,
    products: Vec<Arc<Product>>,
    versions: Vec<Arc<Api>>,
    sections: Vec<Section>,
    /// All of them, whatever is filtered.
    operations: usize,
    api: ApiSeen,
}

impl ApiPage {
    /// What is different in the later of the two.
    fn compare_path(&self, other: &Api) -> String {
        let own = self.versions.iter().find(|version| version.id == self.api.id).map_or("", |version| &*version.set_version);
        if apis::natural(own, &other.set_version).is_lt() {
            format!("{}/compare/{}", other.path(), ids::encode(&self.api.name))
        } else {
            format!("{}/compare/{}", self.api.path(), ids::encode(&other.name))
        }
    }

    fn operation_path(&self, operation: &OperationRow) -> String {
        operation_path(&self.api, &operation.name)
    }
}

pub(super) async fn show(visitor: Visitor, portal: Data<Portal>, frame: Frame, Name(name): Name, Query(query): Query<ShowQuery>) -> Answer {
    let found = catalog::find_api(&portal.db, &portal.catalog, &visitor, &name, "").await?.ok_or(Error::NotFound)?;
    let ApiPageParts { api, products, versions, mut operations, .. } = found;
    let count = operations.len();
    let words: Vec<String> = query.q.split_whitespace().take(WORDS).map(ids::fold).collect();
    if !words.is_empty() {
        operations.retain(|operation| matches(operation, &words));
    }
    web::open_page(
        visitor.person().is_none(),
        &ApiPage {
            frame,
            q: query.q.trim().to_owned(),
            description: markdown::to_html(&api.description),
            servers: api.servers(),
            products,
            versions,
            sections: sections(&api, operations, true),
            operations: count,
            api,
        },
    )
}

/// Whether each word is somewhere in what the list shows of an operation, or in its tags.
fn matches(operation: &OperationRow, words: &[String]) -> bool {
    let text = format!(
        "{} {} {} {} {}",
        operation.method,
        operation.url_template,
        operation.display_name,
        operation.operation_id.as_deref().unwrap_or(""),
        operation.tags
    );
    let text = ids::fold(&text);
    words.iter().all(|word| text.contains(word))
}
