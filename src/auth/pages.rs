//! Signing in and out, the first administrator's set-up, and the theme switch.

use actix_session::{Session, SessionExt};
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieDuration},
    http::{StatusCode, header},
    web::Data,
};
use askama::Template;
use serde::Deserialize;

use super::{
    Person, Proven, SignedIn, Visitor, session, setup,
    sign_in::{self, Origin},
};
use crate::{
    app::Portal,
    error::{Error, Problems},
    ids::IdentityId,
    providers::{self, Provider, pages::sign_in::leaving},
    users::{self, NewUser},
    web::{self, Answer, Flash, Form, Frame, Routes, form::Query, frame, guard::RequestId, url::local_path},
};

pub fn routes(routes: &mut Routes) {
    routes
        .get("/signin", show_sign_in)
        .post("/signin", do_sign_in)
        .post("/signout", sign_out)
        .post("/signout/everywhere", sign_out_everywhere)
        .get("/setup", show_setup)
        .post("/setup", do_setup)
        .post("/theme", set_theme);
}

/// Where the request comes from, as far as it is known.
pub fn client_address(request: &HttpRequest, portal: &Portal) -> String {
    web::forwarded::client_address(request, &portal.settings).map_or_else(String::new, |address| address.to_string())
}

const KNOWN_BROWSER: &str = "portico-known";

#[derive(Template)]
#[template(path = "auth/signin.html")]
struct SignInPage {
    frame: Frame,
    email: String,
    next: String,
    said: &'static str,
    /// What it says is no good news.
    lost: bool,
    /// Where whoever signed out may sign out of their provider as well, and what that is called.
    also: Option<(String, String)>,
    /// Whether the page leads to the form for signing up.
    sign_up: bool,
    /// Those by which people may sign in.
    providers: Vec<Provider>,
    /// Whether a password is a way in.
    passwords: bool,
    problems: Problems,
}

/// What the page offers besides; while it cannot be asked, nothing, and passwords.
struct Offered {
    sign_up: bool,
    providers: Vec<Provider>,
    passwords: bool,
}

async fn offered(portal: &Portal) -> Offered {
    let asked = async {
        let mut connection = portal.db.read().await?;
        let passwords = providers::passwords_allowed(&mut connection).await?.allowed;
        let sign_up = users::sign_up::in_force(&mut connection).await?.allowed;
        Ok::<_, Error>(Offered { sign_up, providers: providers::attempts::buttons(&mut connection).await?, passwords })
    };
    asked.await.unwrap_or(Offered { sign_up: false, providers: Vec::new(), passwords: true })
}

#[derive(Deserialize)]
struct SignInQuery {
    #[serde(default)]
    next: String,
    #[serde(default)]
    said: String,
    /// The provider by which somebody was signed in who signed out.
    #[serde(default)]
    by: String,
}

/// What the page says when it is opened after something: words of ours alone, never of the address.
fn said(word: &str) -> &'static str {
    match word {
        "out" => "You are signed out.",
        "everywhere" => "You are signed out everywhere.",
        "closed" => "Your account is closed. Farewell, and thank you.",
        "address" => "The new address is confirmed. Sign in with it.",
        "elsewhere" => "You were signed out here already, and other places stay signed in. Sign in, and sign out everywhere again.",
        "lost" => "You were signed out, so what you just sent was not saved. Sign in, and send it again.",
        _ => "",
    }
}

pub fn landing(person: &Person) -> &'static str {
    if person.administrator { "/publisher" } else { "/" }
}

async fn show_sign_in(visitor: Visitor, portal: Data<Portal>, frame: Frame, Query(query): Query<SignInQuery>) -> Answer {
    if let Some(person) = visitor.person() {
        return web::see_other(&local_path(Some(&query.next), landing(person)));
    }
    let Offered { sign_up, providers, passwords } = offered(&portal).await;
    let also = providers.iter().find(|provider| query.said == "out" && provider.name == query.by && provider.kind().has_id_tokens());
    let also = also.map(|provider| (format!("{}/end", provider.sign_in_path()), provider.display_name.clone()));
    let page = SignInPage {
        frame,
        email: String::new(),
        next: local_path(Some(&query.next), ""),
        said: said(&query.said),
        lost: matches!(query.said.as_str(), "lost" | "elsewhere"),
        also,
        sign_up,
        providers,
        passwords,
        problems: Problems::default(),
    };
    Ok(leaving(web::page(&page)?, &page.providers))
}

#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

async fn do_sign_in(request: HttpRequest, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<SignInForm>) -> Answer {
    let origin = Origin {
        address: client_address(&request, &portal),
        known_browser: request.cookie(&portal.settings.cookie(KNOWN_BROWSER)).map(|cookie| cookie.value().to_owned()),
        request: RequestId::of(&request),
    };
    let mut problems = Problems::default();
    if form.email.trim().is_empty() {
        problems.add("email", "Type your email address.");
    }
    if form.password.is_empty() {
        problems.add("password", "Type your password.");
    }
    let outcome = match problems.or(()) {
        Ok(()) => by_password(&portal, &form, &origin).await,
        Err(error) => Err(error),
    };
    if let Some(metrics) = &portal.metrics {
        metrics.signed_in(&outcome);
    }
    let (status, problems, wait) = match outcome {
        Ok(proven) => {
            let mut answer = web::see_other(&local_path(Some(&form.next), landing(&proven.person)))?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            return Ok(answer);
        }
        Err(Error::Invalid(problems)) => (StatusCode::UNPROCESSABLE_ENTITY, problems, None),
        Err(Error::Forbidden(why)) => (StatusCode::FORBIDDEN, Problems::one("", why), None),
        Err(Error::TooMany { seconds, message }) => (StatusCode::TOO_MANY_REQUESTS, Problems::one("", message), Some(seconds)),
        Err(other) => return Err(other),
    };
    let Offered { sign_up, providers, passwords } = offered(&portal).await;
    let next = local_path(Some(&form.next), "");
    let page = SignInPage { frame, email: form.email, next, said: "", lost: false, also: None, sign_up, providers, passwords, problems };
    let mut answer = leaving(web::page_with(status, &page)?, &page.providers);
    if let Some(seconds) = wait {
        answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    Ok(answer)
}

/// Where it cannot be asked whether passwords are taken, none is.
async fn by_password(portal: &Portal, form: &SignInForm, origin: &Origin) -> Result<Proven, Error> {
    providers::demand_passwords(&mut portal.db.read().await?).await?;
    sign_in::sign_in(&portal.db, &portal.keys, &portal.passwords, &form.email, &form.password, origin).await
}

/// Begins the session of somebody who has just proved who they are: under a new key, so that one planted before is worth nothing.
pub fn begin(request: &HttpRequest, portal: &Portal, session: &Session, proven: &Proven, answer: &mut HttpResponse) -> Result<(), Error> {
    let put = |error: actix_session::SessionInsertError| Error::internal(error.to_string());
    session.clear();
    session.insert(session::USER, proven.person.id).map_err(put)?;
    session.insert(session::STAMP, &proven.stamp).map_err(put)?;
    if let Some(by) = &proven.by {
        session.insert(session::IDENTITY, by.identity).map_err(put)?;
        session.insert(session::PROVIDER_SESSION, &by.session).map_err(put)?;
    }
    session.insert(session::ADDRESS, client_address(request, portal)).map_err(put)?;
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    session.insert(session::AGENT, web::filters::shortened(agent, 300)).map_err(put)?;
    session.renew();
    let cookie = Cookie::build(portal.settings.cookie(KNOWN_BROWSER), sign_in::known_browser(&portal.keys, proven.person.id))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(portal.settings.secure())
        .max_age(CookieDuration::days(180))
        .finish();
    answer.add_cookie(&cookie).map_err(|error| Error::internal(error.to_string()))
}

async fn sign_out(request: HttpRequest, portal: Data<Portal>, session: Session) -> Answer {
    // Whoever came by a provider is signed in there still. Signing out waits for no database that is away.
    let by = match own_identity(&request) {
        Some(identity) => providers::linked::provider_of(&portal.db, identity).await.ok().flatten(),
        None => None,
    };
    session.purge();
    match by {
        Some(name) => web::see_other(&format!("/signin?said=out&by={}", web::url::encode(&name))),
        None => web::see_other("/signin?said=out"),
    }
}

async fn sign_out_everywhere(who: SignedIn, portal: Data<Portal>, session: Session) -> Answer {
    users::end_every_session(&portal.db, &who).await?;
    session.purge();
    web::see_other("/signin?said=everywhere")
}

/// The name of the session that this request comes with.
pub fn own_session(request: &HttpRequest) -> String {
    request.get_session().get::<String>(session::SESSION).ok().flatten().unwrap_or_default()
}

/// The account of a provider that this session began with.
pub fn own_identity(request: &HttpRequest) -> Option<IdentityId> {
    request.get_session().get::<IdentityId>(session::IDENTITY).ok().flatten()
}

/// Whether whoever is signed in has a password.
pub fn has_password(request: &HttpRequest) -> bool {
    !request.get_session().get::<bool>(session::NO_PASSWORD).ok().flatten().unwrap_or_default()
}

/// Whether the password that was given again in this session counts still.
pub fn again_given(request: &HttpRequest) -> bool {
    request.get_session().get::<bool>(session::AGAIN).ok().flatten().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "auth/setup.html")]
struct SetupPage {
    frame: Frame,
    token: String,
    form: NewUser,
    problems: Problems,
}

/// The same for every link that does not work: whether one ever did is nobody's business.
#[derive(Template)]
#[template(path = "auth/setup_closed.html")]
struct ClosedPage {
    frame: Frame,
}

fn closed(frame: Frame) -> Answer {
    web::page_with(actix_web::http::StatusCode::NOT_FOUND, &ClosedPage { frame })
}

#[derive(Deserialize)]
struct SetupQuery {
    #[serde(default)]
    token: String,
}

async fn show_setup(portal: Data<Portal>, frame: Frame, Query(query): Query<SetupQuery>) -> Answer {
    if !setup::is_open(&portal.db, &query.token).await? {
        return closed(frame);
    }
    web::page(&SetupPage { frame, token: query.token, form: NewUser::default(), problems: Problems::default() })
}

#[derive(Deserialize)]
struct SetupForm {
    #[serde(default)]
    token: String,
    #[serde(flatten)]
    user: NewUser,
    #[serde(default)]
    password: String,
    #[serde(default)]
    repeated: String,
}

async fn do_setup(request: HttpRequest, portal: Data<Portal>, frame: Frame, session: Session, Form(form): Form<SetupForm>) -> Answer {
    match setup::complete(&portal.db, &portal.passwords, &form.token, form.user.clone(), &form.password, &form.repeated).await {
        Ok(proven) => {
            let mut answer = web::see_other("/publisher")?;
            begin(&request, &portal, &session, &proven, &mut answer)?;
            Flash::good("Welcome. You are the first administrator of this portal.").keep(&session)?;
            Ok(answer)
        }
        Err(Error::Invalid(problems)) => web::invalid(&SetupPage { frame, token: form.token, form: form.user, problems }),
        Err(Error::NotFound) => closed(frame),
        Err(other) => Err(other),
    }
}

#[derive(Deserialize)]
struct ThemeForm {
    #[serde(default)]
    theme: String,
    #[serde(default)]
    next: String,
}

async fn set_theme(portal: Data<Portal>, Form(form): Form<ThemeForm>) -> Answer {
    let mut answer = web::see_other(&local_path(Some(&form.next), "/"))?;
    let cookie = Cookie::build(portal.settings.cookie(frame::THEME_COOKIE), frame::Theme::parse(&form.theme).as_str())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(portal.settings.secure())
        .max_age(CookieDuration::days(365))
        .finish();
    answer.add_cookie(&cookie).map_err(|error| Error::internal(error.to_string()))?;
    Ok(answer)
}
