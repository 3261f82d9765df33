//! Subscriptions for programs. Each handler translates, and calls what the pages call. No list and no entity has a key in it.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::{ToSchema, openapi::Object};

use super::{
    State, Which, Written,
    store::{self, Held},
};
use crate::{
    app::Portal,
    db::Instant,
    error::Error,
    ids, products,
    rest::{Contract, Field, Kind, Uses, openapi},
    users,
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/subscriptions"), list, || openapi::list::<Properties>("List subscriptions", &FIELDS))
        .on(Method::GET, at!("/subscriptions/{name}"), show, || {
            openapi::one::<Properties>("Read a subscription").says("Keys are told by listSecrets alone.")
        })
        .on(Method::HEAD, at!("/subscriptions/{name}"), show, || openapi::head("Look for a subscription"))
        .on(Method::PUT, at!("/subscriptions/{name}"), put, || {
            openapi::put::<Body, Properties>("Make or change a subscription", &["displayName", "ownerId", "scope"]).flag("notify", NOTIFY)
        })
        .on(Method::PATCH, at!("/subscriptions/{name}"), patch, || {
            openapi::patch::<Body, Properties>("Change a subscription").flag("notify", NOTIFY)
        })
        .on(Method::DELETE, at!("/subscriptions/{name}"), delete, || {
            openapi::delete("Delete a subscription").says("Its keys stop working at once.")
        })
        .on(Method::POST, at!("/subscriptions/{name}/listSecrets"), secrets, || {
            openapi::answer::<Secrets>("Tell the keys of a subscription").says("Which is recorded.")
        })
        .on(Method::POST, at!("/subscriptions/{name}/regeneratePrimaryKey"), regenerate_primary, || {
            openapi::nothing("Make another primary key for a subscription")
        })
        .on(Method::POST, at!("/subscriptions/{name}/regenerateSecondaryKey"), regenerate_secondary, || {
            openapi::nothing("Make another secondary key for a subscription")
        })
        .on(Method::GET, at!("/products/{name}/subscriptions"), of_product, || {
            openapi::list::<Properties>("List the subscriptions of a product", &FIELDS)
        })
        .on(Method::GET, at!("/users/{name}/subscriptions"), of_user, || {
            openapi::list::<Properties>("List the subscriptions of a user", &FIELDS)
        })
        .on(Method::GET, at!("/users/{name}/subscriptions/{inner}"), one_of_user, || {
            openapi::one::<Properties>("Read a subscription of a user")
        });
}

const NOTIFY: &str = "Tell the owner of a new one by mail, and those who want to hear of such.";

const KIND: &str = "Microsoft.ApiManagement/service/subscriptions";

const STATES: [(&str, &str); 6] = [
    ("active", "active"),
    ("submitted", "submitted"),
    ("suspended", "suspended"),
    ("rejected", "rejected"),
    ("cancelled", "cancelled"),
    ("expired", "expired"),
];

/// What `$filter` may name. An owner and a scope are named by their paths, long or short.
const FIELDS: [Field; 8] = [
    Field::folded("name", "s.name_folded"),
    Field::folded("displayName", "s.display_name_folded"),
    Field::text("stateComment", "s.state_comment"),
    Field::of("ownerId", "u.name_folded", Kind::Path("users"), Uses::All),
    Field::of("scope", "p.name_folded", Kind::Path("products"), Uses::All),
    Field::of("userId", "u.name_folded", Kind::Path("users"), Uses::All),
    Field::of("productId", "p.name_folded", Kind::Path("products"), Uses::All),
    Field::of("state", "s.state", Kind::Word(&STATES), Uses::Equal),
];

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriptionProperties)]
struct Properties {
    owner_id: String,
    scope: String,
    display_name: String,
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_date: Instant,
    #[schema(value_type = Option<String>, format = DateTime)]
    start_date: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expiration_date: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    end_date: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    notification_date: Option<Instant>,
    state_comment: Option<String>,
    allow_tracing: bool,
}

fn contract(call: &Call, held: &Held) -> Contract<Properties> {
    let subscription = &held.subscription;
    let properties = Properties {
        owner_id: call.below(&format!("users/{}", ids::encode(&held.owner_name))),
        scope: call.below(&format!("products/{}", ids::encode(&subscription.product_name))),
        display_name: subscription.display_name.clone(),
        state: subscription.state().as_str(),
        created_date: subscription.created_at,
        start_date: subscription.started_at,
        expiration_date: subscription.expires_at,
        end_date: subscription.ended_at,
        notification_date: None,
        state_comment: Some(subscription.state_comment.clone()).filter(|comment| !comment.is_empty()),
        allow_tracing: false,
    };
    call.contract(KIND, &format!("subscriptions/{}", ids::encode(&subscription.name)), &subscription.name, properties)
}

fn entity(call: &Call, created: bool, held: &Held) -> Answer {
    Ok(rest::entity(created, held.subscription.version, &contract(call, held)))
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let (held, count) = store::programs::listing(&mut portal.db.read().await?, &wanted, |_| {}).await?;
    Ok(call.page(&wanted, held.iter().map(|held| contract(&call, held)).collect(), count))
}

async fn of_product(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let mut connection = portal.db.read().await?;
    let product = products::get(&mut connection, &name).await?.id;
    let narrow = |statement: &mut crate::db::Select| _ = statement.filter("s.product_id =").bind(product);
    let (held, count) = store::programs::listing(&mut connection, &wanted, narrow).await?;
    Ok(call.page(&wanted, held.iter().map(|held| contract(&call, held)).collect(), count))
}

async fn of_user(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let mut connection = portal.db.read().await?;
    let user = users::get(&mut connection, &name).await?.id;
    let narrow = |statement: &mut crate::db::Select| _ = statement.filter("s.owner_id =").bind(user);
    let (held, count) = store::programs::listing(&mut connection, &wanted, narrow).await?;
    Ok(call.page(&wanted, held.iter().map(|held| contract(&call, held)).collect(), count))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    entity(&call, false, &super::get_any(&mut portal.db.read().await?, &name).await?)
}

async fn one_of_user(call: Call, portal: Data<Portal>, Names(user, name): Names) -> Answer {
    let mut connection = portal.db.read().await?;
    let user = users::get(&mut connection, &user).await?.id;
    let held = super::get_any(&mut connection, &name).await?;
    if held.subscription.owner_id == user { entity(&call, false, &held) } else { Err(Error::NotFound) }
}

/// What is written of a subscription.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriptionPatch)]
struct Body {
    /// The product: /products/NAME, or its whole address. It stays so.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, format = "product")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, format = "line")]
    display_name: Option<String>,
    /// Whose it is: /users/NAME, or the whole address. A new one has an owner, who stays so.
    #[serde(default, deserialize_with = "rest::emptied")]
    #[schema(value_type = String, required = false, format = "owner")]
    owner_id: Option<String>,
    /// Nobody else has it.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$", write_only)]
    primary_key: Option<String>,
    /// Another than the primary one.
    #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$", write_only)]
    secondary_key: Option<String>,
    #[schema(schema_with = states)]
    state: Option<String>,
    /// Goes with a change of state.
    #[schema(max_length = 1_000, format = "text")]
    state_comment: Option<String>,
    /// In the future, and at most 100 years away; null is no end.
    #[serde(default, deserialize_with = "rest::given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expiration_date: Option<Option<String>>,
}

fn states() -> Object {
    openapi::words(
        &STATES.map(|(word, _)| word),
        "A new one is submitted, active or suspended; what it may become follows from what it is.",
    )
}

impl Body {
    fn written(self, call: &Call) -> Result<Written, Error> {
        let owner = self.owner_id.map(|path| rest::named("ownerId", &path, "users", "An owner is written as /users/NAME.")).transpose()?;
        let wrong = "Subscriptions are for products here: a scope is written as /products/NAME.";
        let product = self.scope.map(|path| rest::named("scope", &path, "products", wrong)).transpose()?;
        let state = self.state.map(|word| {
            let known = State::parse(&word.to_ascii_lowercase());
            known.ok_or_else(|| Error::invalid("state", "The state is submitted, active, suspended, rejected, cancelled or expired."))
        });
        let expires_at = self.expiration_date.map(|given| match given.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => OffsetDateTime::parse(text, &Rfc3339)
                .map(|at| Some(Instant::new(at)))
                .map_err(|_| Error::invalid("expirationDate", "The end is an instant such as 2030-12-31T00:00:00Z.")),
        });
        Ok(Written {
            owner,
            product,
            display_name: self.display_name,
            state: state.transpose()?,
            comment: self.state_comment,
            expires_at: expires_at.transpose()?,
            primary_key: self.primary_key,
            secondary_key: self.secondary_key,
            notify: call.says("notify")?,
        })
    }
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let seen = call.seen(false)?;
    let written = rest::body::<Body>(payload).await?.written(&call)?;
    let (created, held) = super::put(&portal.db, (&portal.keys, &portal.mail), &call.admin, &name, seen, &written).await?;
    entity(&call, created, &held)
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    let at = call.condition()?;
    let written = rest::body::<Body>(payload).await?.written(&call)?;
    entity(&call, false, &super::patch(&portal.db, (&portal.keys, &portal.mail), &call.admin, &name, at, &written).await?)
}

async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    rest::deleted(super::delete(&portal.db, &portal.mail, &call.admin, &name, at).await)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriptionKeys)]
struct Secrets {
    primary_key: String,
    secondary_key: String,
}

/// The keys, which is recorded.
async fn secrets(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let shown = super::show_keys_of(&portal.db, &portal.keys, &call.admin, call.confirmed, &name).await?;
    Ok(rest::answer(&Secrets { primary_key: shown.primary, secondary_key: shown.secondary }))
}

async fn regenerate(call: &Call, portal: &Portal, name: &str, which: Which) -> Answer {
    // Others may change it between the two.
    for _ in 0..20 {
        let held = super::get_any(&mut portal.db.read().await?, name).await?;
        let version = held.subscription.version;
        if super::regenerate_key_of(&portal.db, &portal.keys, &portal.mail, &call.admin, name, which, version).await? {
            return Ok(rest::nothing());
        }
    }
    Err(Error::Conflict("Somebody else changed the subscription at this moment, so no key was replaced. Try again.".to_owned()))
}

async fn regenerate_primary(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    regenerate(&call, &portal, &name, Which::Primary).await
}

async fn regenerate_secondary(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    regenerate(&call, &portal, &name, Which::Secondary).await
}
