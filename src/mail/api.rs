//! Who is told of what, for programs; what mails say is in `templates`.

mod templates;

use actix_web::{http::Method, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    notifications::{self, Event, Told},
    store::told::administrators,
};
use crate::{
    app::Portal,
    db::Connection,
    error::Error,
    ids::{encode, fold},
    rest::{Contract, Seen, openapi},
    users,
    web::{
        Answer, Routes,
        form::{Name, Names},
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    templates::routes(routes);
    routes
        .on(Method::GET, at!("/notifications"), list, || openapi::list::<Properties>("List notifications", &[]))
        .on(Method::GET, at!("/notifications/{name}"), show, || openapi::plain::<Properties>("Read a notification").of(NAMES))
        .on(Method::PUT, at!("/notifications/{name}"), put, || openapi::plain::<Properties>("Have a notification").may_match().of(NAMES))
        .on(Method::GET, at!("/notifications/{name}/recipientEmails"), emails, || {
            openapi::list::<EmailProperties>("List the addresses that are told", &[]).of(NAMES)
        })
        .on(Method::HEAD, at!("/notifications/{name}/recipientEmails/{inner}"), has_email, || {
            openapi::nothing("Look whether an address is told").of(NAMES)
        })
        .on(Method::PUT, at!("/notifications/{name}/recipientEmails/{inner}"), add_email, || {
            openapi::associate::<EmailProperties>("Tell an address from now on").of(TOLD_OF)
        })
        .on(Method::DELETE, at!("/notifications/{name}/recipientEmails/{inner}"), remove_email, || {
            openapi::nothing("Tell an address no longer").of(NAMES)
        })
        .on(Method::GET, at!("/notifications/{name}/recipientUsers"), people, || {
            openapi::list::<UserProperties>("List the administrators who are told", &[]).of(NAMES)
        })
        .on(Method::HEAD, at!("/notifications/{name}/recipientUsers/{inner}"), has_user, || {
            openapi::nothing("Look whether an administrator is told").of(NAMES)
        })
        .on(Method::PUT, at!("/notifications/{name}/recipientUsers/{inner}"), add_user, || {
            openapi::associate::<UserProperties>("Tell an administrator from now on").of(TOLD_OF)
        })
        .on(Method::DELETE, at!("/notifications/{name}/recipientUsers/{inner}"), remove_user, || {
            openapi::nothing("Tell an administrator no longer").of(NAMES)
        });
}

const KIND: &str = "Microsoft.ApiManagement/service/notifications";
const EMAIL: &str = "Microsoft.ApiManagement/service/notifications/recipientEmails";
const USER: &str = "Microsoft.ApiManagement/service/notifications/recipientUsers";

/// What the model calls them, and which event of the portal is meant; those without one never happen here.
const NOTIFICATIONS: [(&str, &str, Option<Event>); 8] = [
    ("RequestPublisherNotificationMessage", "Subscription requests (requiring approval)", Some(Event::SubscriptionRequested)),
    ("PurchasePublisherNotificationMessage", "New subscriptions", Some(Event::SubscriptionNew)),
    ("AccountClosedPublisher", "Close account message", Some(Event::AccountClosed)),
    ("BCC", "BCC", Some(Event::Bcc)),
    ("NewSignUpPublisherNotificationMessage", "New sign-ups", Some(Event::SignUp)),
    ("NewApplicationNotificationMessage", "Application gallery requests", None),
    ("NewIssuePublisherNotificationMessage", "New issue or comment", None),
    ("QuotaLimitApproachingPublisherNotificationMessage", "Approaching subscription quota limit", None),
];

const NAMES: [&str; 8] = {
    let mut names = [""; 8];
    let mut at = 0;
    while at < names.len() {
        names[at] = NOTIFICATIONS[at].0;
        at += 1;
    }
    names
};

/// Those that happen here, and somebody can be told of.
const TOLD_OF: [&str; 5] = {
    let [request, purchase, closed, bcc, sign_up, ..] = NAMES;
    [request, purchase, closed, bcc, sign_up]
};

struct Notification {
    name: &'static str,
    title: &'static str,
    event: Option<Event>,
}

fn find(name: &str) -> Result<Notification, Error> {
    let known = NOTIFICATIONS.into_iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    known.map(|(name, title, event)| Notification { name, title, event }).ok_or(Error::NotFound)
}

impl Notification {
    /// # Errors
    /// `Invalid`: nothing of the kind happens here, so nobody can be told of it.
    fn event(&self) -> Result<Event, Error> {
        self.event.ok_or_else(|| Error::invalid("notificationName", "Nothing of this kind happens here, so nobody is told of it."))
    }

    fn path(&self) -> String {
        format!("notifications/{}", self.name)
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = NotificationProperties)]
struct Properties {
    title: &'static str,
    description: &'static str,
    recipients: Recipients,
}

#[derive(Serialize, ToSchema)]
#[schema(as = NotificationRecipients)]
struct Recipients {
    emails: Vec<String>,
    users: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RecipientEmailProperties)]
struct EmailProperties {
    email: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecipientUserProperties)]
struct UserProperties {
    user_id: String,
}

/// Who is told, with every administrator by name when it is all of them.
async fn told(connection: &mut Connection, event: Option<Event>) -> Result<Told, Error> {
    let Some(event) = event else { return Ok(Told::default()) };
    let mut told = notifications::get(connection, event).await?;
    if told.every_administrator {
        told.administrators = administrators(connection).await?.into_iter().map(|choice| choice.name).collect();
    }
    Ok(told)
}

async fn contract(call: &Call, connection: &mut Connection, notification: &Notification) -> Result<Contract<Properties>, Error> {
    let told = told(connection, notification.event).await?;
    let users = told.administrators.iter().map(|name| call.below(&format!("users/{}", encode(name)))).collect();
    let description = notification.event.map_or("Never sent here.", Event::what);
    let properties = Properties { title: notification.title, description, recipients: Recipients { emails: told.addresses, users } };
    Ok(call.contract(KIND, &notification.path(), notification.name, properties))
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&[])?;
    let mut connection = portal.db.read().await?;
    let mut value = Vec::new();
    for (name, title, event) in NOTIFICATIONS {
        value.push(contract(&call, &mut connection, &Notification { name, title, event }).await?);
    }
    Ok(call.page_of(&wanted, value))
}

/// They are all there already: whoever puts one finds it as it is.
async fn put(call: Call, portal: Data<Portal>, name: Name) -> Answer {
    if call.seen(false)? == Seen::Absent {
        return Err(Error::Stale);
    }
    show(call, portal, name).await
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let notification = find(&name)?;
    let contract = contract(&call, &mut portal.db.read().await?, &notification).await?;
    Ok(rest::made(false, &contract))
}

fn email_contract(call: &Call, notification: &Notification, email: &str) -> Contract<EmailProperties> {
    let path = format!("{}/recipientEmails/{}", notification.path(), encode(email));
    call.contract(EMAIL, &path, email, EmailProperties { email: email.to_owned() })
}

fn user_contract(call: &Call, notification: &Notification, name: &str) -> Contract<UserProperties> {
    let path = format!("{}/recipientUsers/{}", notification.path(), encode(name));
    call.contract(USER, &path, name, UserProperties { user_id: call.below(&format!("users/{}", encode(name))) })
}

async fn emails(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let (wanted, notification) = (call.wanted(&[])?, find(&name)?);
    let told = told(&mut portal.db.read().await?, notification.event).await?;
    let value = told.addresses.iter().map(|email| email_contract(&call, &notification, email)).collect();
    Ok(call.page_of(&wanted, value))
}

async fn people(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let (wanted, notification) = (call.wanted(&[])?, find(&name)?);
    let told = told(&mut portal.db.read().await?, notification.event).await?;
    let value = told.administrators.iter().map(|name| user_contract(&call, &notification, name)).collect();
    Ok(call.page_of(&wanted, value))
}

fn has(list: &[String], one: &str) -> bool {
    list.iter().any(|known| fold(known) == fold(one))
}

fn yes(is: bool) -> Answer {
    if is { Ok(rest::nothing()) } else { Err(Error::NotFound) }
}

async fn has_email(_call: Call, portal: Data<Portal>, Names(name, email): Names) -> Answer {
    yes(has(&told(&mut portal.db.read().await?, find(&name)?.event).await?.addresses, &email))
}

async fn has_user(_call: Call, portal: Data<Portal>, Names(name, user): Names) -> Answer {
    yes(has(&told(&mut portal.db.read().await?, find(&name)?.event).await?.administrators, &user))
}

/// Changes who is told of an event. Whether something was different; somebody else's change at the same moment is waited for.
async fn change(call: &Call, portal: &Portal, event: Event, change: impl Fn(&mut Told) -> bool) -> Result<bool, Error> {
    let mut tried = 0;
    loop {
        let mut told = told(&mut portal.db.read().await?, Some(event)).await?;
        if !change(&mut told) {
            return Ok(false);
        }
        let version = told.version;
        match notifications::set(&portal.db, &call.admin, event, version, told).await {
            Err(Error::Stale) if tried < 100 => tried += 1,
            done => return done,
        }
    }
}

async fn add_email(call: Call, portal: Data<Portal>, Names(name, email): Names) -> Answer {
    let notification = find(&name)?;
    let added = change(&call, &portal, notification.event()?, |told| {
        let new = !has(&told.addresses, &email);
        if new {
            told.addresses.push(email.trim().to_owned());
        }
        new
    });
    let added = rest::renamed(added.await, &[("addresses", "email")])?;
    Ok(rest::made(added, &email_contract(&call, &notification, &email)))
}

async fn remove_email(call: Call, portal: Data<Portal>, Names(name, email): Names) -> Answer {
    let without = |told: &mut Told| {
        let before = told.addresses.len();
        told.addresses.retain(|known| fold(known) != fold(&email));
        told.addresses.len() < before
    };
    // Nobody is told of what never happens.
    if let Some(event) = find(&name)?.event {
        change(&call, &portal, event, without).await?;
    }
    Ok(rest::nothing())
}

async fn add_user(call: Call, portal: Data<Portal>, Names(name, user): Names) -> Answer {
    let notification = find(&name)?;
    let event = notification.event()?;
    let user = users::get(&mut portal.db.read().await?, &user).await?;
    if !user.administrator || user.state != users::UserState::Active.as_str() {
        return Err(Error::invalid("userId", "Only active administrators are told of what happens; others have an address here."));
    }
    let added = change(&call, &portal, event, |told| {
        let new = !has(&told.administrators, &user.name);
        if new {
            told.administrators.push(user.name.clone());
        }
        new
    });
    let added = added.await?;
    Ok(rest::made(added, &user_contract(&call, &notification, &user.name)))
}

async fn remove_user(call: Call, portal: Data<Portal>, Names(name, user): Names) -> Answer {
    let without = |told: &mut Told| {
        let before = told.administrators.len();
        told.administrators.retain(|known| fold(known) != fold(&user));
        // All but one are no longer every administrator.
        let less = told.administrators.len() < before;
        told.every_administrator &= !less;
        less
    };
    // Nobody is told of what never happens.
    if let Some(event) = find(&name)?.event {
        change(&call, &portal, event, without).await?;
    }
    Ok(rest::nothing())
}
