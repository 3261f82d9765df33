//! What every page shows around its content: the menus, who is signed in, the theme, what just happened.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_session::SessionExt;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};

use super::{
    Flash, errors,
    face::{self, Face},
    routes::Pages,
};
use crate::{
    app::Portal,
    auth::{Standing, extract::visitor, pages::has_password},
    error::Error,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

pub const THEME_COOKIE: &str = "portico-theme";

impl Theme {
    pub fn parse(text: &str) -> Self {
        match text {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

#[derive(Clone, Debug)]
pub struct FramePerson {
    pub name: String,
    pub email: String,
    pub administrator: bool,
}

#[derive(Clone, Debug)]
pub struct Frame {
    /// What the site is called, and how it looks.
    pub face: Arc<Face>,
    pub theme: Theme,
    pub person: Option<FramePerson>,
    /// The menu item that is current.
    pub section: &'static str,
    pub flash: Option<Flash>,
    /// Subscriptions that wait for approval, up to 100; an administrator's alone.
    pub waiting: i64,
    /// Path and query of this page, or of the one whose form led here when this address only takes forms.
    pub here: String,
    /// Whoever is signed in has no password.
    pub no_password: bool,
    /// The address asks for nothing beyond its path.
    pub plain: bool,
}

const SECTIONS: [&str; 10] = ["apis", "products", "users", "groups", "subscriptions", "mail", "audit", "settings", "account", "dashboard"];

impl Frame {
    pub async fn of(request: &HttpRequest) -> Self {
        let face = face::of_request(request, visitor(request).standing()).await;
        Self::with(face, request)
    }

    /// Reads the request; takes the flash, since a page that draws a frame shows it.
    pub fn with(face: Arc<Face>, request: &HttpRequest) -> Self {
        let visitor = visitor(request);
        let waiting = visitor.standing().map_or(0, Standing::waiting);
        let person = visitor.person().map(|person| FramePerson {
            name: person.display(),
            email: person.email.clone(),
            administrator: person.administrator,
        });
        let path = request.path();
        let first =
            path.strip_prefix("/publisher").unwrap_or(path).split('/').find(|part| !matches!(*part, "" | "new" | "import")).unwrap_or("");
        // Its pages are under Settings.
        let first = if matches!(first, "token" | "tokens") { "settings" } else { first };
        let home = if path.starts_with("/publisher") { "dashboard" } else { "home" };
        let section = SECTIONS
            .into_iter()
            .find(|section| first == *section || (!first.is_empty() && *section == format!("{first}s")))
            .unwrap_or(if first.is_empty() { home } else { "" });
        let settings = request.app_data::<Data<Portal>>().map(|portal| &portal.settings);
        let theme = settings.and_then(|settings| request.cookie(&settings.cookie(THEME_COOKIE)));
        let here = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let stays = request.method().is_safe() || Pages::has(request, &here);
        let here = if stays { here } else { errors::referring_path(request).unwrap_or_else(|| "/".to_owned()) };
        Self {
            face,
            theme: theme.map(|cookie| Theme::parse(cookie.value())).unwrap_or_default(),
            flash: person.as_ref().and_then(|_| Flash::take(&request.get_session())),
            person,
            waiting,
            section,
            here: super::url::local_path(Some(&here), "/"),
            no_password: visitor.person().is_some() && !has_password(request),
            plain: request.uri().query().is_none(),
        }
    }

    /// Whether a row was ticked when its list was sent, and stays so.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.flash.as_ref().is_some_and(|flash| flash.ticked.iter().any(|ticked| ticked == name))
    }

    pub fn is_administrator(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.administrator)
    }

    /// Whether this is a page of the publisher portal.
    pub fn in_publisher(&self) -> bool {
        self.here == "/publisher" || self.here.starts_with("/publisher/") || self.here.starts_with("/publisher?")
    }
}

impl FromRequest for Frame {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Frame::of(&request).await) })
    }
}
