//! The page where the site gets its name and its look, and how the home page would look with it.

use actix_session::Session;
use actix_web::{HttpRequest, http::StatusCode, web::Data};
use askama::Template;

use super::{Colour, NewLogo, NewSite, Site, colour::Shade};
use crate::{
    app::Portal,
    auth::{Administrator, Visitor},
    catalog,
    error::{Error, Problems},
    site,
    web::{self, Answer, Flash, Frame, Routes, face::Face, multipart::Parts},
};

const PATH: &str = "/publisher/settings/site";

pub fn routes(routes: &mut Routes) {
    routes.get(PATH, show).post(PATH, save).post("/publisher/settings/site/preview", preview);
}

/// The portal's own accent, for a colour field, which is never empty.
const OWN_ACCENT: &str = "#2456b8";

#[derive(Template)]
#[template(path = "site/edit.html")]
struct EditPage {
    frame: Frame,
    typed: NewSite,
    version: i64,
    /// The logo in force.
    now: Site,
    removes_logo: bool,
    /// A file was chosen, and is not in the form any more.
    lost_logo: bool,
    /// Somebody else saved meanwhile: the fields that now read differently from what was typed here, as they read now.
    theirs: Option<Vec<(&'static str, String)>>,
    /// The form holds what is not saved.
    dirty: bool,
    problems: Problems,
}

impl EditPage {
    async fn load(portal: &Portal, frame: Frame) -> Result<Self, Error> {
        let (_, now) = site::read(&mut portal.db.read().await?).await?;
        let typed = NewSite {
            name: now.name.clone(),
            accent: now.accent.clone(),
            home: now.home.clone(),
            links: now.links.clone(),
            logo: NewLogo::AsItIs,
        };
        Ok(Self {
            frame,
            typed,
            version: now.version,
            now,
            removes_logo: false,
            lost_logo: false,
            theirs: None,
            dirty: false,
            problems: Problems::default(),
        })
    }

    /// For the colour field.
    fn picked(&self) -> String {
        Colour::parse(&self.typed.accent).map_or_else(|| OWN_ACCENT.to_owned(), |colour| colour.to_string())
    }

    /// What the themes make of the colour that is in the form.
    fn shades(&self) -> String {
        let Some(colour) = Colour::parse(&self.typed.accent) else { return String::new() };
        shades(colour)
    }
}

fn shades(colour: Colour) -> String {
    let (light, dark) = (Shade::light(colour).accent, Shade::dark(colour).accent);
    match (light == colour, dark == colour) {
        (true, true) => format!("{colour} can be read in both themes as it is."),
        (true, false) => format!("The light theme shows it as it is; on dark it becomes {dark}, so that it can be read."),
        (false, true) => format!("The dark theme shows it as it is; on light it becomes {light}, so that it can be read."),
        (false, false) => format!("So that it can be read, it becomes {light} on light and {dark} on dark."),
    }
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    web::page(&EditPage::load(&portal, frame).await?)
}

struct Typed {
    version: i64,
    new: NewSite,
    too_large: bool,
}

impl Typed {
    fn of(mut parts: Parts) -> Result<Self, Error> {
        let version = parts
            .text("version")
            .parse()
            .map_err(|_| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
        let too_large = parts.too_large("logo");
        let logo = match parts.take_file("logo") {
            Some(bytes) if !too_large => NewLogo::File(bytes),
            None if !parts.text("remove_logo").is_empty() => NewLogo::None,
            _ => NewLogo::AsItIs,
        };
        Ok(Self {
            version,
            too_large,
            new: NewSite { name: parts.text("name"), accent: accent(&parts), home: parts.text("home"), links: parts.text("links"), logo },
        })
    }
}

/// Two fields for one colour: the one that was touched counts, and the written one when both were.
fn accent(parts: &Parts) -> String {
    let (written, picked, shown) = (parts.text("accent"), parts.text("accent_pick"), parts.text("accent_shown"));
    let before = Colour::parse(&shown).map_or_else(|| OWN_ACCENT.to_owned(), |colour| colour.to_string());
    let same = written.trim().eq_ignore_ascii_case(shown.trim());
    if same && !picked.is_empty() && !picked.eq_ignore_ascii_case(&before) { picked } else { written }
}

const TOO_LARGE: &str = "The picture is larger than 10 MB; a logo may have 200 kB.";

/// The form with what was typed, and what came of it.
async fn again(portal: &Portal, frame: Frame, typed: Typed, outcome: Error) -> Answer {
    let page = EditPage::load(portal, frame).await?;
    let lost_logo = typed.too_large || matches!(typed.new.logo, NewLogo::File(_));
    let removes_logo = typed.new.logo == NewLogo::None;
    match outcome {
        Error::Invalid(mut problems) => {
            let mut status = StatusCode::UNPROCESSABLE_ENTITY;
            if typed.too_large {
                problems.add("logo", TOO_LARGE);
            }
            if typed.too_large || matches!(&typed.new.logo, NewLogo::File(bytes) if bytes.len() > super::logo::LARGEST) {
                status = StatusCode::PAYLOAD_TOO_LARGE;
            }
            let page = EditPage { problems, typed: typed.new, version: typed.version, dirty: true, lost_logo, removes_logo, ..page };
            web::page_with(status, &page)
        }
        Error::Stale => {
            let theirs = Some(differences(&page.now, &typed.new));
            let page = EditPage { theirs, typed: typed.new, dirty: true, lost_logo, removes_logo, ..page };
            web::page_with(StatusCode::CONFLICT, &page)
        }
        other => Err(other),
    }
}

/// The fields of `now` that are not as in `typed`.
fn differences(now: &Site, typed: &NewSite) -> Vec<(&'static str, String)> {
    let text = |text: &str| if text.is_empty() { "empty".to_owned() } else { text.to_owned() };
    let pairs = [
        ("Name", &now.name, &typed.name),
        ("Accent colour", &now.accent, &typed.accent),
        ("Text of the home page", &now.home, &typed.home),
        ("Links at the foot", &now.links, &typed.links),
    ];
    let mut fields: Vec<(&'static str, String)> =
        pairs.into_iter().filter(|(_, now, typed)| now.as_str() != typed.trim()).map(|(label, now, _)| (label, text(now))).collect();
    if typed.logo != NewLogo::AsItIs {
        fields.push(("Logo", if now.has_logo() { now.logo_words() } else { "none".to_owned() }));
    }
    fields
}

pub(super) async fn save(admin: Administrator, portal: Data<Portal>, frame: Frame, session: Session, parts: Parts) -> Answer {
    let typed = Typed::of(parts)?;
    let outcome = match typed.too_large {
        true => Err(wrong(&portal, &typed.new).await?),
        false => site::edit(&portal.db, &admin, typed.version, &typed.new).await,
    };
    match outcome {
        Ok(None) => {
            Flash::good("Nothing was different, so nothing was changed.").keep(&session)?;
            web::see_other(PATH)
        }
        Ok(Some(saved)) => {
            let colour = saved.accent().filter(|_| saved.accent != frame.face.site.accent);
            let said = colour.map_or_else(String::new, |colour| format!(" {}", shades(colour)));
            Flash::good(format!("Saved.{said}")).keep(&session)?;
            web::see_other(PATH)
        }
        Err(outcome) => again(&portal, frame, typed, outcome).await,
    }
}

/// What is wrong with the rest of a form whose picture was too large to be read.
async fn wrong(portal: &Portal, new: &NewSite) -> Result<Error, Error> {
    let (_, now) = site::read(&mut portal.db.read().await?).await?;
    Ok(match new.check(&now) {
        Ok(_) => Error::Invalid(Problems::default()),
        Err(error) => error,
    })
}

/// The home page as it would be; nothing is saved.
pub(super) async fn preview(
    _admin: Administrator,
    visitor: Visitor,
    request: HttpRequest,
    portal: Data<Portal>,
    frame: Frame,
    parts: Parts,
) -> Answer {
    let typed = Typed::of(parts)?;
    let (_, now) = site::read(&mut portal.db.read().await?).await?;
    // A picture that was just chosen has no address yet.
    let logo = if typed.new.logo == NewLogo::None { NewLogo::None } else { NewLogo::AsItIs };
    let new = NewSite { logo, ..typed.new.clone() };
    match new.check(&now) {
        Ok((site, _)) => {
            let face = std::sync::Arc::new(Face::of(0, site));
            catalog::pages::try_home(&visitor, &portal, Frame { section: "home", flash: None, ..Frame::with(face, &request) }).await
        }
        Err(outcome) => again(&portal, frame, typed, outcome).await,
    }
}
