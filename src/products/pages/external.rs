//! Adding groups of an identity provider, from a product's Visibility tab: chosen from what its directory answers; or, where none is asked,
//! from those that it told of at sign-ins, or typed.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use super::Tabs;
use crate::{
    app::Portal,
    auth::Administrator,
    error::{Error, Problems},
    groups::{self, SeenGroup},
    providers::{self, Provider},
    web::{
        self, Answer, Flash, Form, Frame, counted,
        form::{Name, Query},
        url::encode,
    },
};

#[derive(Template)]
#[template(path = "products/external.html")]
struct ExternalPage {
    frame: Frame,
    tabs: Tabs,
    provider: Provider,
    q: String,
    /// The tenants whose groups can be looked through; one without a name for a provider that has none.
    tenants: Vec<String>,
    tenant: String,
    /// Why the directory cannot be asked.
    trouble: String,
    seen: Vec<SeenGroup>,
    chosen: Vec<String>,
    external_id: String,
    display_name: String,
    problems: Problems,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    provider: String,
    tenant: String,
    q: String,
}

impl ExternalPage {
    async fn load(portal: &Portal, frame: Frame, name: &str, asked: &Asked) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let tabs = Tabs::load(&mut connection, name).await?;
        let provider = providers::get(&mut connection, &asked.provider).await?;
        // A directory may take its time.
        drop(connection);
        let (mut tenants, mut tenant, mut trouble) = (Vec::new(), String::new(), String::new());
        let seen = if provider.reads_directory() {
            match portal.reader().search(&provider, &asked.tenant, &asked.q).await? {
                Ok(found) => {
                    (tenants, tenant) = (found.tenants, found.tenant);
                    groups::found(&mut portal.db.read().await?, &provider.name, found.groups).await?
                }
                Err(why) => {
                    trouble = why;
                    Vec::new()
                }
            }
        } else {
            tenants = provider.allowed_tenants();
            // Of one organisation alone it need not be said.
            if tenants.len() > 1 {
                tenant = tenants.iter().find(|known| **known == asked.tenant).unwrap_or(&tenants[0]).clone();
            }
            groups::seen(&mut portal.db.read().await?, (provider.id, &provider.name, &tenant), &asked.q).await?
        };
        Ok(Self {
            frame,
            tabs,
            provider,
            q: asked.q.clone(),
            tenants,
            tenant,
            trouble,
            seen,
            chosen: Vec::new(),
            external_id: String::new(),
            display_name: String::new(),
            problems: Problems::default(),
        })
    }

    fn is_chosen(&self, group: &SeenGroup) -> bool {
        self.chosen.contains(&group.external_id)
    }
}

pub(super) async fn show(
    _admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Query(asked): Query<Asked>,
) -> Answer {
    web::page(&ExternalPage::load(&portal, frame, &name, &asked).await?)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ExternalForm {
    #[serde(flatten)]
    asked: Asked,
    /// Those that are ticked.
    group: Vec<String>,
    /// One that is typed, and what it is to be called.
    external_id: String,
    display_name: String,
}

/// Adds them; back on the tab their boxes are ticked, and saving opens the product to them.
pub(super) async fn add(
    admin: Administrator,
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Name(name): Name,
    Form(form): Form<ExternalForm>,
) -> Answer {
    let page = ExternalPage::load(&portal, frame, &name, &form.asked).await?;
    let of = |external_id: &str, name_there: &str| groups::Told {
        external_id: external_id.trim().to_owned(),
        name_there: name_there.to_owned(),
        address: page.provider.group_address(&page.tenant, external_id.trim()),
    };
    let typed = (!form.external_id.trim().is_empty()).then(|| (of(&form.external_id, ""), form.display_name.as_str()));
    if form.group.is_empty() && typed.is_none() {
        let words = if page.provider.reads_directory() { "Tick a group." } else { "Tick a group, or type what the provider calls one." };
        let problems = Problems::one("external_id", words);
        return web::invalid(&ExternalPage { problems, display_name: form.display_name, ..page });
    }
    let named = |id: &str| page.seen.iter().find(|seen| seen.external_id == *id).map_or("", |seen| seen.name.as_str()).to_owned();
    let chosen: Vec<groups::Told> = form.group.iter().map(|id| of(id, &named(id))).collect();
    match groups::add_externals(&portal.db, &admin, (&page.provider.name, &page.tenant), &chosen, typed).await {
        Ok((added, names)) => {
            let ready = match page.provider.reads_directory() {
                true => "Save to open the product to what is ticked. Who is in a group is read in a moment.",
                false => "Save to open the product to what is ticked. Who is in a group shows as its people sign in.",
            };
            Flash::good(match added {
                0 => format!("Nothing was added: the groups were there already. {ready}"),
                added => format!("Added {}. {ready}", counted(added, "group", "groups")),
            })
            .keep(&session)?;
            let open: Vec<String> = names.iter().map(|name| format!("open={}", encode(name))).collect();
            web::see_other(&format!("{}/visibility?{}", page.tabs.path(), open.join("&")))
        }
        Err(Error::Invalid(problems)) => web::invalid(&ExternalPage {
            problems,
            chosen: form.group,
            external_id: form.external_id,
            display_name: form.display_name,
            ..page
        }),
        Err(other) => Err(other),
    }
}
