//! The form of an identity provider: a new one, begun from a preset, and one that is there.

use actix_session::Session;
use actix_web::{http::StatusCode, web::Data};
use askama::Template;
use serde::Deserialize;

use super::tokens::Provisioning;
use crate::{
    app::Portal,
    auth::{Administrator, Again},
    error::{Error, Problems},
    providers::{self, Kind, NewProvider, Provider, Words},
    web::{
        self, Answer, Flash, Form, Frame,
        filters::the,
        form::{Name, Query},
    },
};

#[derive(Template)]
#[template(path = "providers/edit.html")]
struct EditPage {
    frame: Frame,
    /// None while it is new.
    provider: Option<Provider>,
    typed: NewProvider,
    version: i64,
    /// Where the provider sends people back to, whole.
    redirect: String,
    provisioning: Option<Provisioning>,
    /// Somebody else saved meanwhile: the fields that now read differently from what was typed here, as they read now.
    theirs: Option<Vec<(&'static str, String)>>,
    given: bool,
    problems: Problems,
}

impl EditPage {
    fn new(frame: Frame, typed: NewProvider, given: bool, problems: Problems) -> Self {
        Self { frame, provider: None, typed, version: 0, redirect: String::new(), provisioning: None, theirs: None, given, problems }
    }

    async fn load(portal: &Portal, frame: Frame, name: &str, given: bool) -> Result<Self, Error> {
        let provider = providers::get(&mut portal.db.read().await?, name).await?;
        let redirect = format!("{}{}", portal.settings.base_url(), provider.callback_path());
        let (typed, version) = (NewProvider::of(&provider), provider.version);
        let provisioning = Some(Provisioning::load(portal, &provider).await?);
        Ok(Self { provider: Some(provider), version, redirect, provisioning, ..Self::new(frame, typed, given, Problems::default()) })
    }

    fn kind(&self) -> Kind {
        self.typed.kind()
    }

    fn action(&self) -> String {
        self.provider.as_ref().map_or_else(|| "/publisher/new/provider".to_owned(), Provider::path)
    }

    fn title(&self) -> String {
        self.provider.as_ref().map_or_else(|| format!("Add {}", self.kind().title()), |provider| provider.display_name.clone())
    }

    /// The portal's own address.
    fn base(&self) -> &str {
        let path = self.provider.as_ref().map(Provider::callback_path).unwrap_or_default();
        self.redirect.strip_suffix(&path).unwrap_or_default()
    }

    fn secret_hint(&self) -> &'static str {
        match self.provider {
            Some(_) => "Kept encrypted, and never shown. Empty: the one that there is stays.",
            None => "Kept encrypted, and never shown again.",
        }
    }

    fn sync_hint(&self) -> &'static str {
        match self.kind() {
            Kind::Entra | Kind::Okta | Kind::Keycloak => {
                "From 5 to 1440. By its directory; without one by refresh tokens, for which the scope offline_access is needed."
            }
            Kind::GitHub => "From 5 to 1440.",
            Kind::Google => "Google tells of no groups, so that there is nothing to read.",
            Kind::Oidc => {
                "From 5 to 1440. By refresh tokens, which most providers give for the scope offline_access; without them only sign-ins tell."
            }
        }
    }

    fn administrators_hint(&self) -> &'static str {
        match self.kind() {
            Kind::Entra => {
                "A group’s ID, or a value of the claim roles: whoever has it administers this portal, for as long. Administrators by hand stay. Empty: nobody."
            }
            _ => {
                "As its groups are known, or a value of the claim roles: whoever has it administers this portal, for as long. Administrators by hand stay. Empty: nobody."
            }
        }
    }

    fn groups_hint(&self) -> &'static str {
        match self.kind() {
            Kind::GitHub => "“teams” reads the account’s teams, for which the scope read:org is needed.",
            _ => "Empty: its groups are not read.",
        }
    }

    fn is_typed(&self) -> bool {
        self.theirs.is_some() || !self.problems.is_empty()
    }
}

#[derive(Template)]
#[template(path = "providers/presets.html")]
struct PresetsPage {
    frame: Frame,
}

#[derive(Deserialize)]
pub(super) struct Preset {
    #[serde(default)]
    kind: String,
}

pub(super) async fn add((_admin, again): (Administrator, Again), frame: Frame, Query(preset): Query<Preset>) -> Answer {
    match Kind::parse(&preset.kind) {
        Some(kind) => web::page(&EditPage::new(frame, NewProvider::of_kind(kind), again.is_given(), Problems::default())),
        None => web::page(&PresetsPage { frame }),
    }
}

#[derive(Deserialize)]
pub(super) struct ProviderForm {
    #[serde(default)]
    version: i64,
    #[serde(flatten)]
    new: NewProvider,
    #[serde(default)]
    password: String,
}

pub(super) async fn create(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Form(form): Form<ProviderForm>,
) -> Answer {
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let made = match confirmed {
        Ok(confirmed) => providers::create(&portal.db, &portal.keys, &admin, confirmed, &form.new).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(provider) => {
            let added = the("provider", &provider.display_name);
            Flash::good(format!("Added {added}. Register the redirect URL below there, then test it.")).keep(&session)?;
            web::see_other(&provider.path())
        }
        Err(Error::Invalid(problems)) => web::invalid(&EditPage::new(frame, form.new, given, problems)),
        Err(other) => Err(other),
    }
}

pub(super) async fn show((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    web::page(&EditPage::load(&portal, frame, &name, again.is_given()).await?)
}

pub(super) async fn save(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<ProviderForm>,
) -> Answer {
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let edited = match confirmed {
        Ok(confirmed) => providers::edit(&portal.db, &portal.keys, (&admin, confirmed), &name, form.version, &form.new).await,
        Err(error) => Err(error),
    };
    match edited {
        Ok(changed) => {
            Flash::good(if changed { "Saved." } else { "Nothing was different, so nothing was changed." }).keep(&session)?;
            web::see_other(&format!("{}/{}", providers::LIST, web::url::encode(&name)))
        }
        Err(Error::Invalid(problems)) => {
            let page = EditPage::load(&portal, frame, &name, given).await?;
            web::invalid(&EditPage { problems, typed: form.new, version: form.version, ..page })
        }
        Err(Error::Stale) => {
            let page = EditPage::load(&portal, frame, &name, given).await?;
            let theirs = Some(differences(&page.typed, &form.new));
            web::page_with(StatusCode::CONFLICT, &EditPage { theirs, typed: form.new, ..page })
        }
        Err(other) => Err(other),
    }
}

/// The fields of `now` that are not as in `typed`.
fn differences(now: &NewProvider, typed: &NewProvider) -> Vec<(&'static str, String)> {
    let words = |text: &str| Words::of(text).join(", ");
    let ticked = |tick: &Option<String>| if tick.is_some() { "Yes" } else { "No" }.to_owned();
    let pairs = [
        ("Name", now.display_name.clone(), typed.display_name.clone()),
        ("Issuer", now.issuer.clone(), typed.issuer.clone()),
        ("Client ID", now.client_id.clone(), typed.client_id.clone()),
        ("Scopes", words(&now.scopes), words(&typed.scopes)),
        ("Claim of the address", now.email_claim.clone(), typed.email_claim.clone()),
        ("Claim of the name", now.name_claim.clone(), typed.name_claim.clone()),
        ("Claim of the groups", now.groups_claim.clone(), typed.groups_claim.clone()),
        ("Allowed tenants", words(&now.allowed_tenants), words(&typed.allowed_tenants)),
        ("Allowed domains", words(&now.allowed_domains), words(&typed.allowed_domains)),
        ("Directory", now.directory.clone(), typed.directory.clone()),
        ("Read memberships every … minutes", now.sync_minutes.clone(), typed.sync_minutes.clone()),
        ("Administrators’ group or role", now.administrators_value.clone(), typed.administrators_value.clone()),
        ("New people may come in", ticked(&now.new_people), ticked(&typed.new_people)),
        ("Its addresses are believed", ticked(&now.trusts_email), ticked(&typed.trusts_email)),
        ("On", ticked(&now.enabled), ticked(&typed.enabled)),
    ];
    let shown = |text: String| if text.is_empty() { "empty".to_owned() } else { text };
    pairs.into_iter().filter(|(_, now, typed)| now.trim() != typed.trim()).map(|(label, now, _)| (label, shown(now))).collect()
}
