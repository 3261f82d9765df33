//! Groups, APIs and products, by the operations of the pages.

use serde_json::{Map, Value, json};

use super::{
    Numbers, before_end,
    chance::{About, Chance},
    words::{self, LANGUAGES, Language},
};
use crate::{
    apis::{self, NewApi},
    app::Portal,
    auth::{self, Administrator},
    db::Transaction,
    error::Error,
    groups::{self, GroupFacts},
    ids::{self, ApiId, GroupId, ProductId},
    products::{self, ProductFacts, VisibilityChange},
};

/// Rows in one transaction, so that a large one does not keep what it wrote in memory or in the log.
const AT_ONCE: u64 = 500;

pub(super) struct Product {
    pub id: ProductId,
    pub name: String,
    pub display_name: String,
    pub terms: String,
    pub approval_required: bool,
}

/// What people are put into, and subscribe to.
pub(super) struct Catalogue {
    pub groups: Vec<(GroupId, String)>,
    /// Products that can be subscribed to.
    pub products: Vec<Product>,
    /// Places in `products` that every developer sees.
    pub to_developers: Vec<usize>,
    /// Places in `products`, for each group.
    pub to_group: Vec<Vec<usize>>,
}

fn language(chance: &mut Chance) -> &'static Language {
    let mut left = chance.below(LANGUAGES.iter().map(|language| language.share).sum());
    LANGUAGES
        .iter()
        .find(|language| {
            let found = left < language.share;
            left = left.saturating_sub(language.share);
            found
        })
        .unwrap_or(&LANGUAGES[0])
}

pub(super) fn speaks(chance: &mut Chance) -> &'static Language {
    language(chance)
}

/// One or a few words and the number, which nothing else has; every fiftieth is as long as a name may be.
fn display_name(chance: &mut Chance, number: u64) -> String {
    let language = language(chance);
    let number = format!(" {}", number + 1);
    let mut words = 1 + chance.below(3);
    let most = 300 - number.chars().count();
    if chance.one_in(50) {
        words = 300;
    }
    let mut name = String::new();
    for word in 0..words {
        let thing = chance.pick(language.things).unwrap_or_default();
        if word > 0 {
            name.push_str(if language.joint.is_empty() { "" } else { " " });
        }
        name.push_str(thing);
        if name.chars().count() >= most {
            break;
        }
    }
    let cut: String = name.chars().take(most).collect();
    format!("{}{number}", cut.trim_end())
}

/// `freight-partners-17`; only the kind and the number where nothing of it is ASCII.
fn name(kind: &str, display_name: &str, number: u64) -> String {
    let words: String = ids::slug(display_name).trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').chars().take(40).collect();
    let words = words.trim_matches('-');
    format!("{}-{}", if words.is_empty() { kind } else { words }, number + 1)
}

fn description(chance: &mut Chance) -> String {
    let sentences = chance.below(4);
    (0..sentences).filter_map(|_| chance.pick(words::SENTENCES)).collect::<Vec<_>>().join(" ")
}

pub(super) async fn add(portal: &Portal, numbers: &Numbers) -> Result<Catalogue, Error> {
    let system = auth::system("sample");
    let mut catalogue = Catalogue {
        groups: Vec::new(),
        products: Vec::new(),
        to_developers: Vec::new(),
        to_group: vec![Vec::new(); usize::try_from(numbers.groups).map_err(Error::internal)?],
    };
    let mut apis = Vec::new();
    for (count, days, what) in
        [(numbers.groups, 1_000, About::Group), (numbers.apis, 990, About::Api), (numbers.products, 980, About::Product)]
    {
        let db = before_end(&portal.db, days);
        for first in (0..count).step_by(AT_ONCE as usize) {
            let mut tx = db.write().await?;
            for number in first..count.min(first + AT_ONCE) {
                let mut chance = Chance::new(numbers.seed, what, number);
                match what {
                    About::Group => catalogue.groups.push(add_group(&mut tx, &system, &mut chance, number).await?),
                    About::Api => apis.push(add_api(&mut tx, &system, &mut chance, number).await?),
                    _ => add_product(&mut tx, &system, &mut chance, number, &apis, &mut catalogue).await?,
                }
            }
            tx.commit().await?;
        }
    }
    Ok(catalogue)
}

async fn add_group(tx: &mut Transaction, system: &Administrator, chance: &mut Chance, number: u64) -> Result<(GroupId, String), Error> {
    let facts = GroupFacts { display_name: display_name(chance, number), description: description(chance) };
    let group = groups::create_in(tx, system, &facts, Some(&name("group", &facts.display_name, number))).await?;
    Ok((group.id, group.name))
}

async fn add_api(tx: &mut Transaction, system: &Administrator, chance: &mut Chance, number: u64) -> Result<ApiId, Error> {
    let title = display_name(chance, number);
    let name = name("api", &title, number);
    let document = apis::read(document(chance, &title).to_string().into_bytes()).await?;
    let new = NewApi { suffix: format!("v{}/{name}", 1 + chance.below(4)), ..NewApi::default() };
    Ok(apis::import_in(tx, system, &new, &document, Some(&name)).await?.id)
}

/// An OpenAPI description with three to twenty operations.
fn document(chance: &mut Chance, title: &str) -> Value {
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    let most = 3 + chance.below(18);
    let mut operations = 0;
    let first = chance.index(words::NOUNS.len());
    for noun in (0..words::NOUNS.len()).map(|place| words::NOUNS[(first + place) % words::NOUNS.len()]) {
        tags.push(json!({ "name": noun, "description": format!("Everything about {noun}.") }));
        for path in [format!("/{noun}"), format!("/{noun}/{{id}}")] {
            let one = path.ends_with('}');
            let mut item = Map::new();
            for (method, verb) in
                words::VERBS.iter().filter(|(method, _)| if one { *method != "post" } else { matches!(*method, "get" | "post") })
            {
                if operations == most {
                    break;
                }
                operations += 1;
                item.insert((*method).to_owned(), operation(verb, noun, one));
            }
            if !item.is_empty() {
                paths.insert(path, Value::Object(item));
            }
        }
        if operations == most {
            break;
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": { "title": title, "version": format!("{}.{}", 1 + chance.below(4), chance.below(12)), "description": description(chance) },
        "servers": [{ "url": "https://api.portal.example/", "description": "Production" }],
        "tags": tags,
        "paths": paths,
    })
}

fn operation(verb: &str, noun: &str, one: bool) -> Value {
    let id = json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "maxLength": 40 } });
    let limit = json!({ "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 20 } });
    let schema = json!({
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": { "type": "string", "description": "What it is found by." },
            "state": { "type": "string", "enum": ["open", "held", "done"] },
            "changed_at": { "type": "string", "format": "date-time" },
            "amount": { "type": "number", "minimum": 0 },
        },
    });
    let mut operation = json!({
        "operationId": format!("{}{}{}", verb.to_lowercase(), noun, if one { "One" } else { "" }),
        "summary": format!("{verb} {noun}{}", if one { " by id" } else { "" }),
        "tags": [noun],
        "parameters": [if one { id } else { limit }],
        "responses": { "200": { "description": "Done", "content": { "application/json": { "schema": schema } } }, "404": { "description": "Not there" } },
    });
    if matches!(verb, "Add" | "Replace" | "Change") {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

async fn add_product(
    tx: &mut Transaction,
    system: &Administrator,
    chance: &mut Chance,
    number: u64,
    apis: &[ApiId],
    catalogue: &mut Catalogue,
) -> Result<(), Error> {
    let display_name = display_name(chance, number);
    let name = name("product", &display_name, number);
    let facts = ProductFacts {
        display_name: display_name.clone(),
        description: description(chance),
        terms: if chance.percent(30) { words::SENTENCES.join("\n") } else { String::new() },
        subscription_required: chance.percent(85),
        approval_required: chance.percent(25),
        subscriptions_limit: if chance.percent(60) { Some(1) } else { chance.percent(50).then_some(5) },
    };
    let published = chance.percent(92);
    let product = products::create_in(tx, system, &facts, Some(&name)).await?;
    if !apis.is_empty() {
        let mut inside = vec![apis[number as usize % apis.len()]];
        for _ in 0..chance.below(4) {
            inside.push(apis[chance.index(apis.len())]);
        }
        inside.sort_unstable();
        inside.dedup();
        products::add_apis_in(tx, system, &name, &inside).await?;
    }

    let (mut own, mut open) = (Vec::new(), Vec::new());
    let kind = chance.below(100);
    let developers = kind < 30 || catalogue.groups.is_empty();
    if kind < 15 {
        open.push(VisibilityChange::new("guests", true));
    }
    if developers && kind >= 5 {
        open.push(VisibilityChange::new("developers", true));
    } else if !developers {
        for _ in 0..1 + chance.below(4) {
            own.push(chance.index(catalogue.groups.len()));
        }
        own.sort_unstable();
        own.dedup();
        open.extend(own.iter().map(|&group| VisibilityChange::new(catalogue.groups[group].1.as_str(), true)));
    }
    products::set_visibility_in(tx, system, &name, &open).await?;
    if published {
        products::publish_in(tx, system, &name).await?;
    }
    if published && facts.subscription_required {
        let place = catalogue.products.len();
        if developers && kind >= 5 {
            catalogue.to_developers.push(place);
        }
        for group in own {
            catalogue.to_group[group].push(place);
        }
        let approval_required = facts.approval_required;
        catalogue.products.push(Product { id: product.id, name, display_name, terms: facts.terms, approval_required });
    }
    Ok(())
}
