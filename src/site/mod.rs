//! The site's own face: what it is called, its logo, its colour, the text of its home page and the links at its foot.
//! How pages show it, and what is kept of it in memory, is in `web::face`.

pub mod api;
pub mod colour;
pub mod links;
mod logo;
pub mod pages;
mod store;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use colour::Colour;
pub use links::Link;
pub use store::{LogoFile, find_logo};

use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
};

/// What it is called until somebody says otherwise.
pub const DEFAULT_NAME: &str = "Portico";

/// The face, without the logo's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Site {
    pub name: String,
    /// `#rrggbb`, as it was chosen; empty for the portal's own.
    pub accent: String,
    /// Markdown.
    pub home: String,
    /// As `links::parse` reads them.
    pub links: String,
    pub logo_hash: String,
    /// `png`, `jpg` or `webp`.
    pub logo_kind: String,
    pub logo_width: i64,
    pub logo_height: i64,
    pub logo_bytes: i64,
    pub version: i64,
}

/// Of which kind a picture is, and how many pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub kind: &'static str,
    pub width: i64,
    pub height: i64,
}

/// What becomes of the logo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NewLogo {
    #[default]
    AsItIs,
    None,
    /// The file that was chosen.
    File(Vec<u8>),
}

/// The face as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NewSite {
    pub name: String,
    pub accent: String,
    pub home: String,
    pub links: String,
    #[serde(skip)]
    pub logo: NewLogo,
}

/// What the audit log keeps of the face.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SiteFacts {
    display_name: String,
    accent_colour: String,
    home_page_text: String,
    footer_links: Vec<String>,
    logo: String,
}

impl Site {
    pub fn accent(&self) -> Option<Colour> {
        Colour::parse(&self.accent)
    }

    /// What is kept was checked, so that nothing is left out.
    pub fn links(&self) -> Vec<Link> {
        links::parse(&self.links).unwrap_or_default()
    }

    pub fn has_logo(&self) -> bool {
        !self.logo_hash.is_empty()
    }

    /// "PNG, 120 × 40 pixels, 3 kB".
    pub fn logo_words(&self) -> String {
        let kind = if self.logo_kind == "jpg" { "JPEG".to_owned() } else { self.logo_kind.replace("webp", "WebP").replace("png", "PNG") };
        format!("{kind}, {} × {} pixels, {} kB", self.logo_width, self.logo_height, (self.logo_bytes + 999) / 1000)
    }

    fn facts(&self) -> SiteFacts {
        SiteFacts {
            display_name: self.name.clone(),
            accent_colour: self.accent.clone(),
            home_page_text: self.home.clone(),
            footer_links: self.links.lines().map(str::to_owned).collect(),
            logo: if self.has_logo() { format!("{}, {} bytes", self.logo_hash, self.logo_bytes) } else { String::new() },
        }
    }
}

impl NewSite {
    /// What it would make of the face that there is; the logo's bytes when there is a new one.
    ///
    /// # Errors
    /// `Invalid`, field by field: `name` (1–60), `logo`, `accent`, `home` (10,000), `links`.
    pub fn check(&self, now: &Site) -> Result<(Site, Option<&[u8]>), Error> {
        let mut problems = Problems::default();
        let lines = |text: &str| text.replace("\r\n", "\n");
        let name = problems.line("name", "The name", &self.name, 1, 60);
        let home = problems.text("home", "The text", &lines(&self.home), 0, 10_000);
        let accent = match Colour::parse(&self.accent) {
            Some(colour) => colour.to_string(),
            None if self.accent.trim().is_empty() => String::new(),
            None => {
                problems.add("accent", "The colour is written as # and six digits from 0 to f, as in #2456b8; empty is Portico’s own.");
                String::new()
            }
        };
        let links = links::parse(&self.links).unwrap_or_else(|why| {
            problems.add("links", why);
            Vec::new()
        });
        let mut site = Site { name, accent, home, links: links::write(&links), version: now.version, ..now.clone() };
        let mut file = None;
        match &self.logo {
            NewLogo::AsItIs => {}
            NewLogo::None => site = site.with_logo(String::new(), Picture { kind: "", width: 0, height: 0 }, 0),
            NewLogo::File(bytes) => match logo::read(bytes) {
                Ok(picture) => {
                    let hash: String = Sha256::digest(bytes).iter().take(10).map(|byte| format!("{byte:02x}")).collect();
                    site = site.with_logo(hash, picture, bytes.len());
                    file = Some(bytes.as_slice());
                }
                Err(why) => problems.add("logo", why),
            },
        }
        problems.or((site, file))
    }
}

impl Site {
    fn with_logo(self, hash: String, picture: Picture, bytes: usize) -> Self {
        Self {
            logo_hash: hash,
            logo_kind: picture.kind.to_owned(),
            logo_width: picture.width,
            logo_height: picture.height,
            logo_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            ..self
        }
    }
}

/// The face, and the version of the catalogue that it was read at.
pub async fn read(connection: &mut Connection) -> Result<(i64, Site), Error> {
    store::read(connection).await
}

/// What the site is called.
pub async fn name(connection: &mut Connection) -> Result<String, Error> {
    store::name(connection).await
}

/// Changes the face. None when nothing is different.
///
/// # Errors
/// `Stale` when it is no longer at the version the form was shown; `Invalid`.
pub async fn edit(db: &Database, admin: &Administrator, version: i64, new: &NewSite) -> Result<Option<Site>, Error> {
    let mut tx = db.write().await?;
    let changed = edit_in(&mut tx, admin, version, new).await?;
    if changed.is_some() {
        tx.commit().await?;
    }
    Ok(changed)
}

/// As `edit`, in the caller's transaction.
pub async fn edit_in(tx: &mut Transaction, admin: &Administrator, version: i64, new: &NewSite) -> Result<Option<Site>, Error> {
    let (_, before) = store::read(tx).await?;
    let (after, file) = new.check(&before)?;
    if after == before {
        return Ok(None);
    }
    let logo_changes = after.logo_hash != before.logo_hash;
    if !store::update(tx, version, &after).await? {
        return Err(Error::Stale);
    }
    if logo_changes {
        store::set_logo(tx, file).await?;
    }
    let subject = Subject { kind: "portal", key: None, display: after.name.clone() };
    audit::record(tx, admin.actor(), "portal.face_edited", subject, Some(before.facts()), Some(after.facts())).await?;
    Ok(Some(after))
}
