//! What mails say, for programs: the model's names for them, and HTML beside the Markdown of the pages.

use actix_web::{
    http::Method,
    web::{Data, Payload},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::Portal,
    error::{Error, Problems},
    mail::{self, Format, Kind, Parameter, Template},
    rest::{Contract, Field, Seen, openapi},
    web::{
        Answer, Routes,
        form::Name,
        rest::{self, Call, at},
    },
};

pub fn routes(routes: &mut Routes) {
    routes
        .on(Method::GET, at!("/templates"), list, || openapi::list::<Properties>("List templates of mails", &FIELDS))
        .on(Method::GET, at!("/templates/{name}"), show, || openapi::one::<Properties>("Read a template of mails"))
        .on(Method::HEAD, at!("/templates/{name}"), show, || openapi::head("Look for a template of mails"))
        .on(Method::PUT, at!("/templates/{name}"), put, || openapi::put::<Written, Properties>("Say what a mail says", &[]))
        .on(Method::PATCH, at!("/templates/{name}"), patch, || openapi::patch::<Written, Properties>("Change what a mail says"))
        .on(Method::DELETE, at!("/templates/{name}"), delete, || openapi::delete("Let a mail say what it says by default"));
}

const KIND: &str = "Microsoft.ApiManagement/service/templates";
const FIELDS: [Field; 1] = [Field::folded("name", "name")];

/// What the model calls them, and which mail of the portal is meant; those without one are never sent here.
const MODEL: [(&str, &str, Option<Kind>); 14] = [
    ("accountClosedDeveloper", "Developer farewell letter", Some(Kind::AccountClosed)),
    ("applicationApprovedNotificationMessage", "Application gallery submission approved", None),
    ("confirmSignUpIdentityDefault", "New developer account confirmation", Some(Kind::ConfirmSignUp)),
    ("emailChangeIdentityDefault", "Email change confirmation", Some(Kind::EmailChange)),
    ("inviteUserNotificationMessage", "Invite user", Some(Kind::Invitation)),
    ("newCommentNotificationMessage", "New comment added to an issue", None),
    ("newDeveloperNotificationMessage", "Developer welcome letter", Some(Kind::NewDeveloper)),
    ("newIssueNotificationMessage", "New issue received", None),
    ("passwordResetByAdminNotificationMessage", "Password reset by publisher", Some(Kind::PasswordResetByAdministrator)),
    ("passwordResetIdentityDefault", "Password change confirmation", Some(Kind::PasswordReset)),
    ("purchaseDeveloperNotificationMessage", "New subscription activated", Some(Kind::SubscriptionActivated)),
    ("quotaLimitApproachingDeveloperNotificationMessage", "Quota limit approaching", None),
    ("rejectDeveloperNotificationMessage", "Subscription request declined", Some(Kind::SubscriptionDeclined)),
    ("requestDeveloperNotificationMessage", "Subscription request received", Some(Kind::SubscriptionRequested)),
];

#[derive(Clone, Copy)]
struct Named {
    name: &'static str,
    title: &'static str,
    kind: Option<Kind>,
}

/// The model's, and then those that only this portal writes, by the names that they have here.
fn all() -> impl Iterator<Item = Named> {
    let own = |kind: &Kind| !MODEL.iter().any(|(.., known)| *known == Some(*kind));
    let own = Kind::ALL.into_iter().filter(own).map(|kind| Named { name: kind.name(), title: kind.facts().title, kind: Some(kind) });
    MODEL.into_iter().map(|(name, title, kind)| Named { name, title, kind }).chain(own)
}

fn find(name: &str) -> Result<Named, Error> {
    all().find(|known| known.name.eq_ignore_ascii_case(name)).ok_or(Error::NotFound)
}

impl Named {
    /// # Errors
    /// `Invalid`: it is never sent, so it says nothing that could be changed.
    fn kind(self) -> Result<Kind, Error> {
        self.kind
            .ok_or_else(|| Error::invalid("templateName", "A mail of this kind is never sent here, so what it says cannot be changed."))
    }

    fn description(self) -> &'static str {
        self.kind.map_or("Never sent here.", |kind| kind.facts().when)
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateProperties)]
struct Properties {
    subject: String,
    body: String,
    title: &'static str,
    description: &'static str,
    is_default: bool,
    parameters: Vec<ParameterProperties>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TemplateParameter)]
struct ParameterProperties {
    name: &'static str,
    title: &'static str,
    description: &'static str,
}

fn contract(call: &Call, named: Named, words: Template) -> Contract<Properties> {
    let parameter = |one: &Parameter| ParameterProperties { name: one.name, title: one.what, description: one.what };
    let properties = Properties {
        is_default: !words.is_changed(),
        subject: words.subject,
        body: words.body,
        title: named.title,
        description: named.description(),
        parameters: named.kind.map(|kind| kind.facts().parameters().map(parameter).collect()).unwrap_or_default(),
    };
    call.contract(KIND, &format!("templates/{}", named.name), named.name, properties)
}

/// The words in force; of what is never sent there are none.
async fn words(portal: &Portal, named: Named) -> Result<Template, Error> {
    match named.kind {
        Some(kind) => mail::template(&mut portal.db.read().await?, kind).await,
        None => Ok(Template { subject: named.title.to_owned(), body: named.description().to_owned(), ..Template::default() }),
    }
}

async fn list(call: Call, portal: Data<Portal>) -> Answer {
    let wanted = call.wanted(&FIELDS)?;
    let mut value = Vec::new();
    for named in all().filter(|named| wanted.meets(&[("name", named.name)])) {
        value.push(contract(&call, named, words(&portal, named).await?));
    }
    Ok(call.page_of(&wanted, value))
}

async fn show(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let named = find(&name)?;
    let words = words(&portal, named).await?;
    Ok(rest::entity(false, words.version, &contract(&call, named, words)))
}

/// What is written of a template. Its title, description and parameters are what they are.
#[derive(Deserialize, ToSchema)]
#[schema(as = TemplateBody)]
struct Written {
    #[schema(min_length = 1, max_length = 1000, format = "line")]
    subject: Option<String>,
    /// A document of well-formed XML, in HTML.
    #[schema(min_length = 1, max_length = 20000, format = "html")]
    body: Option<String>,
    title: Option<String>,
    description: Option<String>,
    parameters: Option<Vec<WrittenParameter>>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TemplateParameterBody)]
struct WrittenParameter {
    #[schema(value_type = String, required = true, min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9._-]+$")]
    name: Option<String>,
    #[schema(max_length = 4096)]
    title: Option<String>,
    #[schema(max_length = 4096)]
    description: Option<String>,
}

/// Characters of a parameter's name, and of what is said of it.
const NAME: usize = 256;
const TEXT: usize = 4_096;

impl Written {
    /// # Errors
    /// `Invalid` on what cannot be changed or is not as the contract has it.
    fn check(&self, named: Named) -> Result<(), Error> {
        let mut problems = Problems::default();
        for (field, given, is) in [("title", &self.title, named.title), ("description", &self.description, named.description())] {
            if given.as_ref().is_some_and(|given| given.trim() != is) {
                problems.add(field, format!("The {field} of a template cannot be changed here: it is “{is}”."));
            }
        }
        for parameter in self.parameters.iter().flatten() {
            let name = parameter.name.as_deref().unwrap_or_default();
            let fits = (1..=NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            if !fits && problems.on("parameters").is_empty() {
                problems.add("parameters", "The name of a parameter has 1 to 256 letters, digits, dots, hyphens and underscores.");
            }
            let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > TEXT);
            if (long(&parameter.title) || long(&parameter.description)) && problems.on("parameters").is_empty() {
                problems.add("parameters", "What is said of a parameter has at most 4,096 characters.");
            }
        }
        problems.or(())
    }

    /// The words afterwards; what is not said stays. A body that was there keeps its format, another one is HTML.
    fn over(self, before: &Template) -> Template {
        let body = self.body.filter(|body| body.trim() != before.body.trim());
        let format = if body.is_some() { Format::Html } else { before.format };
        Template {
            subject: self.subject.unwrap_or_else(|| before.subject.clone()),
            body: body.unwrap_or_else(|| before.body.clone()),
            format,
            version: before.version,
        }
    }
}

async fn write(call: Call, portal: Data<Portal>, name: &str, payload: Payload, whole: bool) -> Answer {
    let seen = call.seen(!whole)?;
    let named = find(name)?;
    let written: Written = rest::body(payload).await?;
    let kind = named.kind()?;
    // There always is one.
    if seen == Seen::Absent {
        return Err(Error::Stale);
    }
    written.check(named)?;
    let mut created = false;
    let words = |before: &Template| {
        created = whole && !before.is_changed();
        written.over(before)
    };
    let (_, words) = mail::edit_template(&portal.db, &call.admin, kind, seen.version(), words).await?;
    let created = created && words.is_changed();
    Ok(rest::entity(created, words.version, &contract(&call, named, words)))
}

async fn put(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    write(call, portal, &name, payload, true).await
}

async fn patch(call: Call, portal: Data<Portal>, Name(name): Name, payload: Payload) -> Answer {
    write(call, portal, &name, payload, false).await
}

/// The program's words again.
async fn delete(call: Call, portal: Data<Portal>, Name(name): Name) -> Answer {
    let at = call.condition()?;
    let kind = match find(&name) {
        Err(Error::NotFound) => return Ok(rest::nothing()),
        found => found?.kind()?,
    };
    mail::reset_template(&portal.db, &call.admin, kind, at).await?;
    Ok(rest::nothing())
}
