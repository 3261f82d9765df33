//! The sample: what `--demo` and `demo` put into an empty database, through the same operations as the pages.
//! Everything in it is made up; the content is in `sample.json` and `apis/`. What is only there to be measured is made in `size/`.

mod directory;
mod size;
mod store;

pub use size::{Numbers, fill_sized};

use serde::Deserialize;

use crate::{
    apis::{self, Document, EditApi, Made, NewApi, NewOperation, NewParameter, NewResponse, NewVersion},
    app::Portal,
    audit::Actor,
    auth::{self, Administrator, Person},
    calls,
    db::{Instant, Transaction},
    error::Error,
    groups::{self, GroupFacts},
    ids::{self, ApiId, ProductId, UserId},
    products::{self, NewProduct, Place, VisibilityChange},
    rest::openapi::About,
    site::{self, NewSite},
    subscriptions::{self, State, Wanted},
    users::{self, NewUser, UserState},
    web::openapi,
};

const SAMPLE: &str = include_str!("sample.json");

/// The API descriptions that the sample imports, by the name of the file.
const DOCUMENTS: [(&str, &str); 13] = [
    ("apis/customs.yaml", include_str!("apis/customs.yaml")),
    ("apis/fleet.json", include_str!("apis/fleet.json")),
    ("apis/invoices.yaml", include_str!("apis/invoices.yaml")),
    ("apis/marine-weather.yaml", include_str!("apis/marine-weather.yaml")),
    ("apis/metering.yaml", include_str!("apis/metering.yaml")),
    ("apis/payments.yaml", include_str!("apis/payments.yaml")),
    ("apis/rates.yaml", include_str!("apis/rates.yaml")),
    ("apis/returns.json", include_str!("apis/returns.json")),
    ("apis/service-points.yaml", include_str!("apis/service-points.yaml")),
    ("apis/shipments.yaml", include_str!("apis/shipments.yaml")),
    ("apis/tracking-next.yaml", include_str!("apis/tracking-next.yaml")),
    ("apis/tracking.yaml", include_str!("apis/tracking.yaml")),
    ("apis/warehouse.json", include_str!("apis/warehouse.json")),
];

/// What the portal says of itself at this moment, which is no file.
const OWN: &str = "/openapi.json";

/// The accounts that are printed: one of each kind.
const SHOWN: [(&str, &str); 5] = [
    ("ragnhild.strand@northwind.example", "administrator"),
    ("ida.kjaer@contoso.example", "developer, in groups"),
    ("noor.vandijk@mail.example", "developer, in no group"),
    ("greta.ozols@treyresearch.example", "pending: cannot sign in yet"),
    ("viktor.hahn@relecloud.example", "blocked"),
];

#[derive(Deserialize)]
struct Sample {
    sign_up_terms: String,
    site: NewSite,
    groups: Vec<SampleGroup>,
    apis: Vec<SampleApi>,
    /// Made by hand, operation by operation.
    made: SampleMade,
    /// Another version of an API: a copy, of which the description is replaced.
    version: SampleVersion,
    products: Vec<SampleProduct>,
    /// The first products of the developer portal.
    order: Vec<String>,
    companies: Vec<Company>,
    people: People,
    named_users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct SampleGroup {
    name: String,
    display_name: String,
    description: String,
}

#[derive(Deserialize)]
struct SampleApi {
    name: String,
    display_name: String,
    suffix: String,
    file: String,
    /// How it may be tried; not at all without.
    try_it: Option<String>,
    key_header: Option<String>,
    tags: String,
}

#[derive(Deserialize)]
struct SampleMade {
    name: String,
    display_name: String,
    suffix: String,
    description: String,
    tags: String,
    server: String,
    product: String,
    operations: Vec<SampleOperation>,
}

#[derive(Deserialize)]
struct SampleOperation {
    method: String,
    url_template: String,
    display_name: String,
    description: String,
    tags: String,
    /// Name, place, type, whether it is required, description.
    parameters: Vec<(String, String, String, bool, String)>,
    example: Option<String>,
    responses: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct SampleVersion {
    of: String,
    own_label: String,
    label: String,
    suffix: String,
    file: String,
}

#[derive(Deserialize)]
struct SampleProduct {
    name: String,
    display_name: String,
    description: String,
    terms: Option<String>,
    require_subscription: bool,
    require_approval: bool,
    subscriptions_limit: Option<i64>,
    published: bool,
    apis: Vec<String>,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct Company {
    domain: String,
    groups: Vec<String>,
}

#[derive(Deserialize)]
struct People {
    first: Vec<String>,
    last: Vec<String>,
    first_ascii: Vec<String>,
    last_ascii: Vec<String>,
}

#[derive(Deserialize)]
struct NamedUser {
    first: String,
    last: String,
    email: String,
    state: UserState,
    #[serde(default)]
    administrator: bool,
    groups: Vec<String>,
    note: String,
}

/// What is printed when the sample is in.
pub struct Accounts {
    /// Address and kind.
    pub shown: Vec<(String, &'static str)>,
    /// The password of every account of the sample, made now and kept nowhere else.
    pub password: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Empty,
    /// This very sample is in it.
    Sample,
    Other,
}

/// What is in the database already.
pub async fn look(portal: &Portal) -> Result<Found, Error> {
    let mut connection = portal.db.read().await?;
    if store::count_everything(&mut connection).await? == 0 {
        return Ok(Found::Empty);
    }
    Ok(if store::has_sample(&mut connection).await? { Found::Sample } else { Found::Other })
}

/// Fills an empty database with the sample: all of it or nothing.
///
/// # Errors
/// `Conflict` when there is something in it.
pub async fn fill(portal: &Portal) -> Result<Accounts, Error> {
    if look(portal).await? != Found::Empty {
        return Err(Error::Conflict(
            "the sample goes into an empty database only, and this one has users, groups, products or APIs".to_owned(),
        ));
    }
    let sample: Sample = serde_json::from_str(SAMPLE)?;
    let password = format!("{}-{}-{}", ids::random_name(5), ids::random_name(5), ids::random_name(5));
    let hash = portal.passwords.hash(&password).await?;
    let about = About { origin: portal.settings.base_url(), service: portal.settings.service_name.clone() };
    let own = openapi::text(&about)?;
    let text = |file: &str| {
        let of_a_file = DOCUMENTS.iter().find(|(known, _)| *known == file).map(|(_, text)| *text);
        of_a_file.or_else(|| (file == OWN).then_some(own.as_str())).ok_or(Error::NotFound)
    };
    let mut documents = Vec::new();
    for api in &sample.apis {
        documents.push(apis::read(text(&api.file)?.as_bytes().to_vec()).await?);
    }
    let newer = apis::read(text(&sample.version.file)?.as_bytes().to_vec()).await?;

    let system = auth::system("sample");
    let mut tx = portal.db.write().await?;
    for group in &sample.groups {
        let facts = GroupFacts { display_name: group.display_name.clone(), description: group.description.clone() };
        groups::create_in(&mut tx, &system, &facts, Some(&group.name)).await?;
    }
    let mut imported: Vec<(&str, ApiId)> = Vec::new();
    for (api, document) in sample.apis.iter().zip(&documents) {
        let new = NewApi {
            display_name: Some(api.display_name.clone()),
            suffix: api.suffix.clone(),
            tags: api.tags.clone(),
            ..NewApi::default()
        };
        let added = apis::import_in(&mut tx, &system, &new, document, Some(&api.name)).await?;
        if let Some(way) = &api.try_it {
            let new =
                calls::NewSettings { way: way.clone(), key_header: api.key_header.clone().unwrap_or_else(|| calls::KEY_HEADER.to_owned()) };
            calls::configure_in(&mut tx, &system, &added, 0, &new).await?;
        }
        imported.push((&api.name, added.id));
    }
    let mut made: Vec<(&SampleProduct, ProductId)> = Vec::new();
    for product in &sample.products {
        made.push((product, add_product(&mut tx, &system, product, &imported).await?));
    }
    add_made(&mut tx, &system, &sample.made).await?;
    if let Some(place) = sample.apis.iter().position(|api| api.name == sample.version.of) {
        add_version(&mut tx, &system, &sample.version, &documents[place], &newer).await?;
    }
    let order: Vec<(String, Place)> = sample.order.iter().zip(1..).map(|(name, place)| (name.clone(), Place::At(place))).collect();
    products::arrange_in(&mut tx, &system, 1, &order).await?;
    // What somebody has chosen before stays.
    let (_, untouched) = site::read(&mut tx).await?;
    if untouched.version == 1 {
        site::edit_in(&mut tx, &system, 1, &sample.site).await?;
    }
    let people = add_people(&mut tx, &system, &sample, &hash).await?;
    directory::add(&mut tx, &portal.keys, &system, &people).await?;
    add_subscriptions(&mut tx, portal, &system, &made, &people).await?;
    users::sign_up::set_in(&mut tx, &system, 1, true, &sample.sign_up_terms).await?;
    let subject = crate::audit::Subject { kind: "portal", key: None, display: "Portico".to_owned() };
    crate::audit::record(&mut tx, system.actor(), "portal.sample_added", subject, crate::audit::NOTHING, crate::audit::NOTHING).await?;
    tx.commit().await?;
    Ok(Accounts { shown: SHOWN.iter().map(|(email, kind)| ((*email).to_owned(), *kind)).collect(), password })
}

/// An API that nobody described in OpenAPI.
async fn add_made(tx: &mut Transaction, system: &Administrator, made: &SampleMade) -> Result<(), Error> {
    let form = EditApi {
        display_name: made.display_name.clone(),
        description: made.description.clone(),
        suffix: made.suffix.clone(),
        tags: made.tags.clone(),
        made: Some(Made { api_version: "1.0".to_owned(), servers: made.server.clone(), ..Made::default() }),
    };
    let api = apis::create_in(tx, system, &form, Some(&made.name)).await?;
    for operation in &made.operations {
        let parameter = |(name, place, kind, required, description): &(String, String, String, bool, String)| NewParameter {
            name: name.clone(),
            place: place.clone(),
            kind: kind.clone(),
            required: *required,
            description: description.clone(),
            values: None,
        };
        let response = |(status, description): &(String, String)| NewResponse {
            status: status.clone(),
            description: description.clone(),
            ..NewResponse::default()
        };
        let new = NewOperation {
            method: operation.method.clone(),
            url_template: operation.url_template.clone(),
            display_name: operation.display_name.clone(),
            description: operation.description.clone(),
            tags: operation.tags.clone(),
            parameters: operation.parameters.iter().map(parameter).collect(),
            body_type: operation.example.as_ref().map(|_| "application/json".to_owned()).unwrap_or_default(),
            body_required: operation.example.is_some(),
            body_example: operation.example.clone().unwrap_or_default(),
            responses: operation.responses.iter().map(response).collect(),
            ..NewOperation::default()
        };
        apis::add_operation_in(tx, system, &made.name, &new).await?;
    }
    products::add_apis_in(tx, system, &made.product, &[api.id]).await?;
    Ok(())
}

/// A version that began as a copy, and has gone on since.
async fn add_version(
    tx: &mut Transaction,
    system: &Administrator,
    version: &SampleVersion,
    document: &Document,
    newer: &Document,
) -> Result<(), Error> {
    let new = NewVersion {
        set: "Tracking".to_owned(),
        own_label: version.own_label.clone(),
        label: version.label.clone(),
        suffix: version.suffix.clone(),
        same_products: true,
    };
    let added = apis::add_version_in(tx, system, &version.of, None, &new, Some(document)).await?;
    apis::replace_description_in(tx, system, &added.name, None, newer).await?;
    Ok(())
}

async fn add_product(
    tx: &mut Transaction,
    system: &Administrator,
    product: &SampleProduct,
    apis: &[(&str, ApiId)],
) -> Result<ProductId, Error> {
    let new = NewProduct {
        display_name: product.display_name.clone(),
        description: product.description.clone(),
        terms: product.terms.clone().unwrap_or_default(),
        subscription_required: product.require_subscription,
        approval_required: product.require_approval,
        subscriptions_limit: product.subscriptions_limit.map(|limit| limit.to_string()).unwrap_or_default(),
    };
    let added = products::create_in(tx, system, &new.check()?, Some(&product.name)).await?;
    let keys: Vec<ApiId> = apis.iter().filter(|(name, _)| product.apis.iter().any(|api| api == name)).map(|(_, key)| *key).collect();
    products::add_apis_in(tx, system, &product.name, &keys).await?;
    let open: Vec<VisibilityChange> = product.groups.iter().map(|group| VisibilityChange::new(group, true)).collect();
    products::set_visibility_in(tx, system, &product.name, &open).await?;
    if product.published {
        products::publish_in(tx, system, &product.name).await?;
    }
    Ok(added.id)
}

/// A person of the sample, and in which groups.
struct Member {
    person: Person,
    state: UserState,
    groups: Vec<String>,
}

async fn add_people(tx: &mut Transaction, system: &Administrator, sample: &Sample, hash: &str) -> Result<Vec<Member>, Error> {
    let mut members = Vec::new();
    for user in &sample.named_users {
        let new =
            NewUser { email: user.email.clone(), first_name: user.first.clone(), last_name: user.last.clone(), note: user.note.clone() };
        let person = users::insert(tx, system, &new.check()?, Some(hash), user.state, user.administrator).await?;
        members.push(Member { person, state: user.state, groups: user.groups.clone() });
    }
    let people = &sample.people;
    for (index, (first, last)) in people.first.iter().zip(&people.last).enumerate() {
        // The host has few people of its own here; the others spread over their companies.
        let company = &sample.companies[if index % 40 == 0 { 0 } else { 1 + index % (sample.companies.len() - 1) }];
        let email = format!("{}.{}@{}", people.first_ascii[index], people.last_ascii[index], company.domain);
        let state = match index % 31 {
            7 => UserState::Pending,
            19 => UserState::Blocked,
            _ => UserState::Active,
        };
        let new = NewUser { email, first_name: first.clone(), last_name: last.clone(), note: String::new() };
        let person = users::insert(tx, system, &new.check()?, Some(hash), state, false).await?;
        let groups = company.groups.iter().enumerate().filter(|(nth, _)| (index + nth) % 3 != 0).map(|(_, group)| group.clone()).collect();
        members.push(Member { person, state, groups });
    }
    for (index, member) in members.iter().enumerate() {
        date(tx, index, member).await?;
    }
    for group in &sample.groups {
        let inside: Vec<UserId> =
            members.iter().filter(|member| member.groups.contains(&group.name)).map(|member| member.person.id).collect();
        groups::add_members_in(tx, system, &group.name, &inside).await?;
    }
    Ok(members)
}

/// Spreads registrations over two years and sign-ins over the last weeks, the same way each time.
async fn date(tx: &mut Transaction, index: usize, member: &Member) -> Result<(), Error> {
    let hours = i64::try_from(index).unwrap_or(0);
    let now = tx.now();
    let registered: Instant = now.minus(time::Duration::hours(90 + (hours * 131) % 17_000));
    let seen = now.minus(time::Duration::minutes(3 + (hours * hours * 37) % 40_000));
    let signed_in = member.state != UserState::Pending && index % 9 != 4;
    users::note_history(tx, member.person.id, registered, signed_in.then_some(seen.max(registered))).await
}

/// What those who wait for approval call their subscriptions.
const PURPOSES: [&str; 3] = [
    "Checkout of our web shop, to go live in March",
    "Warehouse in Porto: 200 parcels a day",
    "Evaluation for a tender, until the end of the year",
];

async fn add_subscriptions(
    tx: &mut Transaction,
    portal: &Portal,
    system: &Administrator,
    made: &[(&SampleProduct, ProductId)],
    people: &[Member],
) -> Result<(), Error> {
    let actor: &Actor = system.actor();
    let midnight = Instant::new(tx.now().date_time().date().midnight().assume_utc());
    for (index, member) in
        people.iter().enumerate().filter(|(_, member)| member.state != UserState::Pending && !member.person.administrator)
    {
        for (nth, (product, key)) in made.iter().enumerate() {
            let own = product.groups.iter().any(|group| group == "developers" || member.groups.contains(group));
            if !own || !product.require_subscription || !product.published || (index * 7 + nth * 5) % 4 != 0 {
                continue;
            }
            let state = match (index + nth) % 11 {
                0 if product.require_approval => State::Submitted,
                1 if product.require_approval => State::Rejected,
                2 => State::Suspended,
                3 => State::Cancelled,
                _ => State::Active,
            };
            let wanted = Wanted {
                product: *key,
                owner: member.person.id,
                // Who decides on a request has something to read.
                display_name: match state {
                    State::Submitted => PURPOSES[(index + nth) / 11 % PURPOSES.len()].to_owned(),
                    _ => product.display_name.clone(),
                },
                state,
                terms: product.terms.clone(),
                // A few have an end, the nearest so near that its owner is warned.
                expires_at: ((index + nth) % 11 == 4).then(|| midnight.plus(time::Duration::days(9 + 16 * (index as i64 % 12)))),
                comment: match state {
                    State::Rejected => "We could not match your request with a contract. Send us its number, then ask again.",
                    State::Suspended => "One of your keys stood in a public repository. Regenerate both, then write to us.",
                    _ => "",
                }
                .to_owned(),
            };
            subscriptions::insert_in(tx, &portal.keys, actor, &wanted).await?;
        }
    }
    Ok(())
}
