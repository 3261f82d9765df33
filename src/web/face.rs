//! The site's own face as pages show it, in memory, and the addresses of its logo and of the style sheet of its colour.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use tokio::sync::Mutex;

use super::markdown::{self, SafeHtml};
use crate::{
    app::Portal,
    auth::Standing,
    db::{Database, Instant},
    error::Error,
    keys,
    site::{self, Colour, Link, Site},
};

/// For how long a guest may not see what another process has changed.
const GUESTS_WAIT: time::Duration = time::Duration::milliseconds(500);

/// A logo is shown at most this large.
const LOGO_HEIGHT: i64 = 28;
const LOGO_WIDTH: i64 = 140;

/// A logo in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    pub href: String,
    pub kind: &'static str,
    /// Pixels, as it is shown.
    pub width: i64,
    pub height: i64,
}

impl Logo {
    pub fn of(site: &Site) -> Option<Self> {
        if !site.has_logo() {
            return None;
        }
        let (width, height) = (site.logo_width.max(1), site.logo_height.max(1));
        let (width, height) = if height > LOGO_HEIGHT { ((width * LOGO_HEIGHT / height).max(1), LOGO_HEIGHT) } else { (width, height) };
        let (width, height) = if width > LOGO_WIDTH { (LOGO_WIDTH, (height * LOGO_WIDTH / width).max(1)) } else { (width, height) };
        let href = format!("/site/logo-{}.{}", site.logo_hash, site.logo_kind);
        Some(Self { href, kind: media_type(&site.logo_kind), width, height })
    }
}

fn media_type(kind: &str) -> &'static str {
    match kind {
        "jpg" => "image/jpeg",
        "webp" => "image/webp",
        _ => "image/png",
    }
}

/// The face, and what is made of it once.
#[derive(Debug, Default)]
pub struct Face {
    /// The catalogue's, which the database counts up for the face too.
    version: i64,
    pub site: Site,
    pub logo: Option<Logo>,
    /// The address of the accent's style sheet.
    pub stylesheet: Option<String>,
    pub links: Vec<Link>,
    home: OnceLock<SafeHtml>,
}

impl Face {
    pub fn of(version: i64, site: Site) -> Self {
        Self {
            version,
            logo: Logo::of(&site),
            stylesheet: site.accent().map(stylesheet_address),
            links: site.links(),
            home: OnceLock::new(),
            site,
        }
    }

    pub fn version(&self) -> i64 {
        self.version
    }

    pub fn name(&self) -> &str {
        if self.site.name.is_empty() { site::DEFAULT_NAME } else { &self.site.name }
    }

    /// The logo where it can stand for the site in a tab, which is square.
    pub fn icon(&self) -> Option<&Logo> {
        self.logo.as_ref().filter(|logo| logo.width <= logo.height * 3 / 2 && logo.height <= logo.width * 3 / 2)
    }

    /// The text of the home page.
    pub fn home(&self) -> &SafeHtml {
        self.home.get_or_init(|| markdown::to_html(&self.site.home))
    }
}

fn stylesheet_address(colour: Colour) -> String {
    let digits = colour.to_string().replace('#', "");
    let content: String = keys::digest(&site::colour::stylesheet(colour)).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("/site/accent-{digits}-{content}.css")
}

/// A face, and up to when it was known to be the newest.
#[derive(Clone, Default)]
struct Kept {
    face: Arc<Face>,
    checked: Option<(u64, Instant)>,
}

/// Keeps the newest face.
#[derive(Default)]
pub struct Memory {
    kept: RwLock<Kept>,
    /// One at a time reads it anew; the others wait for what it reads.
    reading: Mutex<()>,
}

impl Memory {
    /// The face for this reader: whoever is signed in sees what was changed before the request, a guest perhaps half a second later.
    pub async fn current(&self, db: &Database, standing: Option<&Standing>) -> Result<Arc<Face>, Error> {
        if let Some(face) = self.usable(db, standing) {
            return Ok(face);
        }
        let _alone = self.reading.lock().await;
        if let Some(face) = self.usable(db, standing) {
            return Ok(face);
        }
        // Before it is read: a commit from now on makes it old.
        let checked = Some((db.commits(), db.now()));
        let (version, site) = site::read(&mut db.read().await?).await?;
        let known = self.newest();
        let face = if known.version == version { known } else { Arc::new(Face::of(version, site)) };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Kept { face: face.clone(), checked };
        Ok(face)
    }

    /// The newest that was read, however old: for pages that say that the database is away.
    pub fn newest(&self) -> Arc<Face> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).face.clone()
    }

    fn usable(&self, db: &Database, standing: Option<&Standing>) -> Option<Arc<Face>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let (commits, at) = kept.checked?;
        let usable = match standing {
            Some(standing) => kept.face.version >= standing.catalog_version(),
            None => commits == db.commits() && db.now().since(at).abs() < GUESTS_WAIT,
        };
        usable.then(|| kept.face.clone())
    }
}

/// The face for the pages of a request. A page is shown with the last one that was known rather than not at all.
pub async fn of_request(request: &HttpRequest, standing: Option<&Standing>) -> Arc<Face> {
    let Some(portal) = request.app_data::<Data<Portal>>() else { return Arc::default() };
    match portal.face.current(&portal.db, standing).await {
        Ok(face) => face,
        Err(error) => {
            tracing::warn!(%error, "the site's face cannot be read");
            portal.face.newest()
        }
    }
}

/// `GET /site/{file}`: the logo, which the database keeps, or the style sheet of a colour, which its address says all of.
pub async fn serve(request: HttpRequest, portal: Data<Portal>) -> Result<HttpResponse, Error> {
    let name = request.match_info().get("file").unwrap_or("");
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    if let Some(colour) = name.strip_prefix("accent-").and_then(|rest| rest.get(..6)).and_then(Colour::parse) {
        if request.path() != stylesheet_address(colour) {
            return Err(Error::NotFound);
        }
        return Ok(answer.insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8")).body(site::colour::stylesheet(colour)));
    }
    let (hash, kind) = name.strip_prefix("logo-").and_then(|rest| rest.split_once('.')).ok_or(Error::NotFound)?;
    let file = site::find_logo(&mut portal.db.read().await?, hash).await?.filter(|file| file.logo_kind == kind).ok_or(Error::NotFound)?;
    Ok(answer
        .insert_header((header::CONTENT_TYPE, media_type(kind)))
        // Were it opened by itself and taken for a page, it could do nothing.
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(file.logo))
}
