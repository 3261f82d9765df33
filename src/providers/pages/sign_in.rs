//! Going to a provider and coming back: to sign in, to prove once more who one is, to link a further account.

use actix_session::Session;
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieDuration},
    http::{StatusCode, header},
    web::Data,
};
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{
        Again, SignedIn, Visitor,
        pages::{begin, landing, own_session},
    },
    error::{Error, Problems},
    ids::IdentityId,
    providers::{
        self, Identity, Provider,
        arriving::{Here, Outcome},
        attempts::{Back, Desk, Going, Purpose, Refusal, Stopped},
        linked,
    },
    web::{
        self, Answer, Flash, Form, Frame,
        filters::the,
        form::{Inner, Name, Query},
        guard::{self, RequestId},
        url::local_path,
    },
};

/// Tells the browser in which a sign-in began from others.
const BROWSER: &str = "portico-browser";

pub(super) fn desk(portal: &Portal) -> Desk<'_> {
    Desk { db: &portal.db, keys: &portal.keys, memory: &portal.providers, base: portal.settings.base_url() }
}

/// What the browser's cookie holds.
pub(super) fn browser_of(request: &HttpRequest, portal: &Portal) -> Option<String> {
    request.cookie(&portal.settings.cookie(BROWSER)).map(|cookie| cookie.value().to_owned())
}

/// Kept as long as anything that began in it may be answered.
fn keep_browser(portal: &Portal, answer: &mut HttpResponse, value: String) -> Result<(), Error> {
    let cookie = Cookie::build(portal.settings.cookie(BROWSER), value)
        .path("/")
        .http_only(true)
        // The way back begins at another site.
        .same_site(SameSite::Lax)
        .secure(portal.settings.secure())
        .max_age(CookieDuration::hours(3))
        .finish();
    answer.add_cookie(&cookie).map_err(|error| Error::internal(error.to_string()))
}

/// Lets a page's forms lead to providers, and to wherever those send people on to.
pub fn leaving(mut answer: HttpResponse, providers: &[Provider]) -> HttpResponse {
    let local = providers.iter().filter_map(|provider| url::Url::parse(&provider.issuer).ok()).filter(|url| url.scheme() == "http");
    let local: Vec<String> = local.map(|url| url.origin().ascii_serialization()).collect();
    if !providers.is_empty()
        && let Ok(policy) = header::HeaderValue::from_str(&guard::policy_leaving(&local))
    {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

fn refused(name: &str, refusal: Refusal) -> Answer {
    web::see_other(&format!("/signin/refused?why={}&by={}", refusal.as_str(), web::url::encode(name)))
}

/// Where a stopped sign-in ends.
pub(super) fn stopped(name: &str, stopped: Stopped) -> Answer {
    match stopped {
        Stopped::Refused(why) => refused(name, why.refusal),
        Stopped::Failed(error) => Err(error),
    }
}

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// Sends a browser to a provider.
async fn go(request: &HttpRequest, portal: &Portal, name: &str, going: Going<'_>) -> Answer {
    let desk = desk(portal);
    let provider = desk.enabled(name).await?;
    let browser = browser_of(request, portal);
    match desk.begin(&provider, Going { browser: browser.as_deref(), ..going }).await {
        Ok(begun) => {
            let mut answer = HttpResponse::SeeOther()
                .insert_header((header::LOCATION, begun.address))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish();
            keep_browser(portal, &mut answer, begun.browser)?;
            Ok(answer)
        }
        Err(Stopped::Refused(why)) => {
            desk.refuse(&provider, &why).await?;
            refused(name, why.refusal)
        }
        Err(Stopped::Failed(error)) => Err(error),
    }
}

pub(super) async fn leave(request: HttpRequest, portal: Data<Portal>, Name(name): Name, Form(form): Form<Next>) -> Answer {
    let next = local_path(Some(&form.next), "");
    go(&request, &portal, &name, Going { purpose: Purpose::SignIn, user: None, next: &next, browser: None }).await
}

pub(super) async fn leave_again(
    who: SignedIn,
    request: HttpRequest,
    portal: Data<Portal>,
    Name(name): Name,
    Form(form): Form<Next>,
) -> Answer {
    let next = local_path(Some(&form.next), "/account");
    go(&request, &portal, &name, Going { purpose: Purpose::Again, user: Some(who.id()), next: &next, browser: None }).await
}

#[derive(Deserialize)]
pub(super) struct LinkForm {
    #[serde(default)]
    password: String,
}

pub(super) async fn leave_to_link(
    again: Again,
    request: HttpRequest,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    Form(form): Form<LinkForm>,
) -> Answer {
    match portal.confirm(&again, &form.password).await {
        Ok(_) => {}
        Err(Error::Invalid(problems)) => {
            Flash::warn(format!("Nothing was linked. {}", problems.on("password"))).keep(&session)?;
            return web::see_other("/account#providers");
        }
        Err(other) => return Err(other),
    }
    go(&request, &portal, &name, Going { purpose: Purpose::Link, user: Some(again.who().id()), next: "/account", browser: None }).await
}

#[derive(Default, Deserialize)]
pub(super) struct BackQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    iss: Option<String>,
    #[serde(default)]
    error: String,
}

/// Whatever comes of it, the address with the code does not stay.
pub(super) async fn callback(
    visitor: Visitor,
    request: HttpRequest,
    portal: Data<Portal>,
    session: Session,
    Name(name): Name,
    query: Result<Query<BackQuery>, Error>,
) -> Answer {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let browser = browser_of(&request, &portal);
    let back = Back { state: &query.state, code: &query.code, iss: query.iss.as_deref(), error: &query.error, browser: browser.as_deref() };
    let own = own_session(&request);
    let here = visitor.person().map(|person| Here { user: person.id, session: &own });
    let outcome = desk(&portal).arrive(&portal.mail, &name, &back, here).await;
    match outcome {
        Ok(Outcome::In(proven, next)) => enter(&request, &portal, &session, &proven, &next),
        Ok(Outcome::Ask) => {
            let mut answer = web::see_other("/signin/join")?;
            if let Some(browser) = browser {
                keep_browser(&portal, &mut answer, browser)?;
            }
            Ok(answer)
        }
        Ok(Outcome::Again(next)) => web::see_other(&local_path(Some(&next), "/account")),
        Ok(Outcome::Linked(linked)) => {
            Flash::good(if linked { "Linked. You can sign in with it from now on." } else { "This account was linked already." })
                .keep(&session)?;
            web::see_other("/account")
        }
        Err(Stopped::Refused(why)) => refused(&name, why.refusal),
        // Whoever was on the way while a provider was switched off, or deleted, comes back to nothing.
        Err(Stopped::Failed(Error::NotFound)) => refused(&name, Refusal::Over),
        Err(Stopped::Failed(error)) => {
            tracing::error!(request = %RequestId::of(&request), provider = %name, %error, "a sign-in by a provider failed");
            refused(&name, Refusal::Failed)
        }
    }
}

/// Begins the session, and goes on to where the person was going.
pub(super) fn enter(request: &HttpRequest, portal: &Portal, session: &Session, proven: &crate::auth::Proven, next: &str) -> Answer {
    let mut answer = web::see_other(&local_path(Some(next), landing(&proven.person)))?;
    begin(request, portal, session, proven, &mut answer)?;
    Ok(answer)
}

#[derive(Template)]
#[template(path = "providers/refused.html")]
struct RefusedPage {
    frame: Frame,
    words: &'static str,
    /// Empty when it is none of ours.
    provider: String,
}

#[derive(Deserialize)]
pub(super) struct Why {
    #[serde(default)]
    why: String,
    #[serde(default)]
    by: String,
}

pub(super) async fn show_refused(portal: Data<Portal>, frame: Frame, Query(query): Query<Why>) -> Answer {
    let refusal = Refusal::parse(&query.why).ok_or(Error::NotFound)?;
    let provider = match providers::get(&mut portal.db.read().await?, &query.by).await {
        Ok(provider) if provider.enabled => provider.display_name,
        Ok(_) | Err(Error::NotFound) => String::new(),
        Err(other) => return Err(other),
    };
    web::page_with(StatusCode::FORBIDDEN, &RefusedPage { frame, words: refusal.words(), provider })
}

#[derive(Template)]
#[template(path = "providers/again.html")]
struct AgainPage {
    frame: Frame,
    next: String,
    ways: Vec<Identity>,
}

pub(super) async fn show_again(who: SignedIn, portal: Data<Portal>, frame: Frame, Query(query): Query<Next>) -> Answer {
    let mut connection = portal.db.read().await?;
    let ways = linked::ways_again(&mut connection, who.id()).await?;
    let providers = providers::attempts::buttons(&mut connection).await?;
    drop(connection);
    let answer = web::page(&AgainPage { frame, next: local_path(Some(&query.next), "/account"), ways })?;
    Ok(leaving(answer, &providers))
}

pub(super) async fn unlink(who: SignedIn, portal: Data<Portal>, session: Session, Inner(identity): Inner) -> Answer {
    let identity: IdentityId = identity.parse().map(IdentityId).map_err(|_| Error::NotFound)?;
    match linked::unlink(&portal.db, &who, identity).await {
        Ok(Some(provider)) => Flash::good(format!("Unlinked {}.", the("account of", &provider))).keep(&session)?,
        Ok(None) => Flash::good("It was unlinked already.").keep(&session)?,
        Err(Error::Conflict(why)) => Flash::warn(why).keep(&session)?,
        Err(other) => return Err(other),
    }
    web::see_other("/account")
}

/// On to where the provider ends its own session, after this portal's has ended; to the page for signing in where there is no such place.
pub(super) async fn end(portal: Data<Portal>, Name(name): Name) -> Answer {
    let desk = desk(&portal);
    let provider = desk.enabled(&name).await?;
    match desk.ends_session(&provider).await {
        Some(address) => web::see_other(&address),
        None => web::see_other("/signin?said=out"),
    }
}

#[derive(Deserialize)]
pub(super) struct LogoutForm {
    #[serde(default)]
    logout_token: String,
}

/// A provider tells that somebody signed out there. No browser asks this, and no cookie is looked at.
pub(super) async fn signed_out(portal: Data<Portal>, Name(name): Name, Form(form): Form<LogoutForm>) -> Answer {
    let desk = desk(&portal);
    let provider = desk.enabled(&name).await?;
    let mut answer = match desk.signed_out(&provider, &form.logout_token).await {
        Ok(ended) => {
            tracing::info!(provider = %provider.name, ended, "signed out by the provider");
            HttpResponse::Ok()
        }
        Err(Stopped::Refused(why)) => {
            // Anybody may send what is no token, so the log of the program has to do.
            tracing::warn!(provider = %provider.name, why = why.why(), "a logout token was refused");
            HttpResponse::BadRequest()
        }
        Err(Stopped::Failed(error)) => return Err(error),
    };
    Ok(answer.insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// For a form that came back.
pub(super) fn problems(error: Error) -> Result<(StatusCode, Problems), Error> {
    match error {
        Error::Invalid(problems) => Ok((StatusCode::UNPROCESSABLE_ENTITY, problems)),
        Error::Forbidden(why) => Ok((StatusCode::FORBIDDEN, Problems::one("", why))),
        Error::Conflict(why) => Ok((StatusCode::CONFLICT, Problems::one("", why))),
        Error::TooMany { message, .. } => Ok((StatusCode::TOO_MANY_REQUESTS, Problems::one("", message))),
        other => Err(other),
    }
}
