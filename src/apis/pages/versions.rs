//! Versions of an API side by side: the list, adding one as a copy or from a description, renaming, leaving the set.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::{
    edit::version,
    source::{Source, beside},
};
use crate::{
    apis::{self, Api, NewVersion, VersionRow},
    app::Portal,
    auth::Administrator,
    config::ImportUrls,
    error::{Error, Problems},
    ids,
    web::{
        self, Answer, Flash, Form, Frame,
        filters::{shortened, the},
        form::Name,
        multipart::Parts,
    },
};

#[derive(Template)]
#[template(path = "apis/versions.html")]
struct VersionsPage {
    frame: Frame,
    api: Api,
    versions: Vec<VersionRow>,
    /// What the fields hold.
    set: String,
    label: String,
    version: i64,
    /// Somebody else changed the API since the form was shown.
    stale: bool,
    problems: Problems,
}

impl VersionsPage {
    /// What is different in the later of the two.
    fn compare_path(&self, other: &VersionRow) -> String {
        if apis::natural(&self.api.set_version, &other.set_version).is_lt() {
            format!("{}/compare/{}", other.path(), ids::encode(&self.api.name))
        } else {
            format!("{}/compare/{}", self.api.path(), ids::encode(&other.name))
        }
    }
}

async fn load(portal: &Portal, frame: Frame, name: &str) -> Result<VersionsPage, Error> {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, name).await?;
    let (set, versions) = match apis::versions_of(&mut connection, &api).await? {
        Some((set, rows)) => (set.display_name, rows),
        None => (String::new(), Vec::new()),
    };
    let (label, version) = (api.set_version.clone(), api.version);
    Ok(VersionsPage { frame, api, versions, set, label, version, stale: false, problems: Problems::default() })
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&load(&portal, frame, &name).await?)
}

#[derive(Deserialize)]
pub(super) struct VersionForm {
    version: Option<i64>,
    #[serde(default)]
    set: String,
    #[serde(default)]
    label: String,
    /// The button that takes the API out of the set.
    leave: Option<String>,
}

pub(super) async fn edit(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<VersionForm>,
) -> Answer {
    let here = format!("{}/versions", apis::path(&name));
    if form.leave.is_some() {
        let left = apis::leave_set(&portal.db, &admin, &name).await?;
        Flash::good(if left { "This API is no version of another any more." } else { "This API was in no set, so nothing was changed." })
            .keep(&session)?;
        return web::see_other(&here);
    }
    let at =
        form.version.ok_or_else(|| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
    match apis::edit_version(&portal.db, &admin, &name, at, &form.set, &form.label).await {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&here)
        }
        Err(Error::Invalid(problems)) => {
            let page = load(&portal, frame, &name).await?;
            web::invalid(&VersionsPage { problems, set: form.set, label: form.label, version: at, ..page })
        }
        Err(Error::Stale) => {
            let page = load(&portal, frame, &name).await?;
            web::page_with(StatusCode::CONFLICT, &VersionsPage { stale: true, set: form.set, label: form.label, ..page })
        }
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "apis/add_version.html")]
struct AddPage {
    frame: Frame,
    api: Api,
    version: i64,
    form: NewVersion,
    /// A copy is made, and no document read.
    copy: bool,
    source: Source,
    urls: ImportUrls,
    problems: Problems,
    came_back: bool,
    stale: bool,
}

impl AddPage {
    fn is_first(&self) -> bool {
        self.api.version_set.is_none()
    }
}

/// `orders/v2` after `orders/v1`, and `orders-v2` after `orders`.
fn next_suffix(suffix: &str, label: &str) -> String {
    let slug = ids::slug(label);
    match suffix.rsplit_once('/') {
        Some((before, last)) if last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit()) => format!("{before}/{slug}"),
        _ => format!("{suffix}/{slug}"),
    }
}

/// `v3` after `v2`; empty where no number shows the way.
fn next_label(label: &str) -> String {
    let digits = label.len() - label.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, number) = label.split_at(label.len() - digits);
    number.parse::<u32>().map(|number| format!("{before}{}", number.saturating_add(1))).unwrap_or_default()
}

pub(super) async fn ask(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let mut connection = portal.db.read().await?;
    let api = apis::get(&mut connection, &name).await?;
    let newest = apis::versions_of(&mut connection, &api).await?.and_then(|(_, rows)| rows.last().map(|row| row.set_version.clone()));
    drop(connection);
    let own_label = if api.set_version.is_empty() { "v1".to_owned() } else { api.set_version.clone() };
    let label = next_label(newest.as_deref().unwrap_or(&own_label));
    let suffix = if label.is_empty() { String::new() } else { next_suffix(&api.suffix, &label) };
    let form = NewVersion { set: api.display_name.clone(), own_label, label, suffix, same_products: false };
    web::page(&AddPage {
        frame,
        version: api.version,
        api,
        form,
        copy: true,
        source: Source::default(),
        urls: portal.settings.import_urls,
        problems: Problems::default(),
        came_back: false,
        stale: false,
    })
}

pub(super) async fn add(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    mut parts: Parts,
) -> Answer {
    let at = version(&parts)?;
    let urls = portal.settings.import_urls;
    let copy = parts.text("how") != "import";
    let mut source = Source::of(&mut parts);
    let form = NewVersion {
        set: parts.text("set"),
        own_label: parts.text("own_label"),
        label: parts.text("label"),
        suffix: parts.text("suffix"),
        same_products: !parts.text("same_products").is_empty(),
    };
    let api = apis::get(&mut portal.db.read().await?, &name).await?;
    let mut problems = Problems::default();
    if !copy {
        source.check(urls, &mut problems);
    }
    let too_large = source.too_large();
    let page = |source, form, problems, api: Api, version, stale| AddPage {
        frame,
        api,
        version,
        form,
        copy,
        source,
        urls,
        problems,
        came_back: true,
        stale,
    };
    if !problems.is_empty() {
        let status = if too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::UNPROCESSABLE_ENTITY };
        return web::page_with(status, &page(source, form, problems, api, at, false));
    }
    let (field, outcome) = match copy {
        true => ("how", apis::add_version(&portal.db, &admin, &name, at, &form, None).await),
        false => match source.take(urls).await {
            Ok((field, bytes)) => (field, apis::add_version(&portal.db, &admin, &name, at, &form, Some(bytes)).await),
            Err(error) => ("url", Err(error)),
        },
    };
    match outcome {
        Ok(added) => {
            Flash::good(format!("Added {} of {}.", shortened(&form.label, 60), the("API", &api.display_name))).keep(&session)?;
            web::see_other(&added.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&page(source, form, beside(field, problems), api, at, false)),
        Err(Error::Stale) => {
            let api = apis::get(&mut portal.db.read().await?, &name).await?;
            let at = api.version;
            web::page_with(StatusCode::CONFLICT, &page(source, form, Problems::default(), api, at, true))
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{next_label, next_suffix};

    #[test]
    fn what_comes_next_is_proposed() {
        assert_eq!((next_label("v1").as_str(), next_label("2.9").as_str(), next_label("beta").as_str()), ("v2", "2.10", ""));
        assert_eq!(next_suffix("orders/v1", "v2"), "orders/v2");
        assert_eq!(next_suffix("orders", "v2"), "orders/v2");
        assert_eq!(next_suffix("é/vé", "v2"), "é/vé/v2");
    }
}
