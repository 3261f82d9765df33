//! The Settings tab: every field of a product.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;

use super::{NewProduct, Preview, ProductForm, Tabs};
use crate::{
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    web::{self, Answer, Flash, Form, Frame, form::Name},
};

#[derive(Template)]
#[template(path = "products/settings.html")]
struct SettingsPage {
    frame: Frame,
    tabs: Tabs,
    typed: NewProduct,
    version: i64,
    /// Somebody else saved meanwhile: the fields that now read differently from what was typed here, as they read now.
    theirs: Option<Vec<(&'static str, String)>>,
    preview: Option<Preview>,
    problems: Problems,
}

impl SettingsPage {
    async fn load(portal: &Portal, frame: Frame, name: &str) -> Result<Self, Error> {
        let tabs = Tabs::load(&mut portal.db.read().await?, name).await?;
        let typed = NewProduct::from(&tabs.product);
        Ok(Self { frame, version: tabs.product.version, tabs, typed, theirs: None, preview: None, problems: Problems::default() })
    }
}

pub(super) async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&SettingsPage::load(&portal, frame, &name).await?)
}

/// The fields of `now` that are not as in `typed`.
fn differences(now: &NewProduct, typed: &NewProduct) -> Vec<(&'static str, String)> {
    let text = |text: &str| if text.is_empty() { "empty".to_owned() } else { text.to_owned() };
    let yes_no = |yes: bool| if yes { "yes".to_owned() } else { "no".to_owned() };
    let lines = |text: &str| text.trim().replace("\r\n", "\n");
    let mut fields = Vec::new();
    if now.display_name != typed.display_name.trim() {
        fields.push(("Name", text(&now.display_name)));
    }
    if now.description != lines(&typed.description) {
        fields.push(("Description", text(&now.description)));
    }
    if now.terms != lines(&typed.terms) {
        fields.push(("Terms of use", text(&now.terms)));
    }
    if now.subscription_required != typed.subscription_required {
        fields.push(("Require subscription", yes_no(now.subscription_required)));
    }
    if now.approval_required != typed.approval_required {
        fields.push(("Require approval", yes_no(now.approval_required)));
    }
    if now.subscriptions_limit != typed.subscriptions_limit.trim() {
        fields.push(("Subscriptions per user", text(&now.subscriptions_limit)));
    }
    fields
}

pub(super) async fn edit(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<ProductForm>,
) -> Answer {
    let version =
        form.version.ok_or_else(|| Error::BadRequest("The form is incomplete: it does not say which version it was shown.".to_owned()))?;
    let asks_preview = form.preview.is_some();
    let typed = NewProduct::from(form);
    if asks_preview {
        let page = SettingsPage::load(&portal, frame, &name).await?;
        return web::page(&SettingsPage { preview: Some(Preview::of(&typed)), typed, version, ..page });
    }
    match super::super::edit(&portal.db, &admin, &name, version, &typed).await {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&format!("/publisher/products/{}/settings", web::url::encode(&name)))
        }
        Err(Error::Invalid(problems)) => {
            let page = SettingsPage::load(&portal, frame, &name).await?;
            web::invalid(&SettingsPage { problems, typed, version, ..page })
        }
        Err(Error::Stale) => {
            let page = SettingsPage::load(&portal, frame, &name).await?;
            let theirs = Some(differences(&page.typed, &typed));
            web::page_with(StatusCode::CONFLICT, &SettingsPage { theirs, typed, ..page })
        }
        Err(other) => Err(other),
    }
}
