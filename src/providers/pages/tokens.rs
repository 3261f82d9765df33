//! What a provider's page says of provisioning, and the tokens for it: made, shown once and revoked.

use actix_session::Session;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::{
    app::Portal,
    auth::{
        Administrator, Again,
        tokens::{NewToken, Token, provisioning},
    },
    db::Instant,
    error::{Error, Problems},
    providers::{self, Provider},
    scim::{self, Summary, schemas::BASE},
    web::{
        self, Answer, Flash, Form, Frame, Routes,
        filters::the,
        form::{Name, Names},
    },
};

pub(super) fn routes(routes: &mut Routes) {
    routes
        .get("/publisher/settings/providers/{name}/new-token", add)
        .post("/publisher/settings/providers/{name}/new-token", create)
        .get("/publisher/settings/providers/{name}/tokens/{inner}/revoke", ask_revoke)
        .post("/publisher/settings/providers/{name}/tokens/{inner}/revoke", revoke);
}

/// The section of a provider's page.
pub(super) struct Provisioning {
    pub base: String,
    pub tokens: Vec<Token>,
    pub summary: Summary,
    /// To the minute.
    pub last: Option<Instant>,
    pub now: Instant,
    path: String,
}

impl Provisioning {
    pub async fn load(portal: &Portal, provider: &Provider) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let tokens = provisioning::list(&mut connection, provider.id).await?;
        Ok(Self {
            base: base(portal),
            summary: scim::summary(&mut connection, provider.id, &provider.name).await?,
            last: tokens.iter().filter_map(|token| token.last_used_at).max(),
            tokens,
            now: portal.db.now(),
            path: provider.path(),
        })
    }

    pub fn revoke(&self, token: &Token) -> String {
        format!("{}/tokens/{}/revoke", self.path, web::url::encode(&token.name))
    }
}

fn base(portal: &Portal) -> String {
    format!("{}{BASE}", portal.settings.base_url())
}

#[derive(Template)]
#[template(path = "providers/add_token.html")]
struct AddPage {
    frame: Frame,
    provider: Provider,
    form: NewToken,
    given: bool,
    problems: Problems,
}

async fn add((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Name(name): Name) -> Answer {
    let provider = providers::get(&mut portal.db.read().await?, &name).await?;
    web::page(&AddPage { frame, provider, form: NewToken::default(), given: again.is_given(), problems: Problems::default() })
}

#[derive(Default, Deserialize)]
struct AddForm {
    #[serde(flatten)]
    token: NewToken,
    #[serde(default)]
    password: String,
}

#[derive(Template)]
#[template(path = "providers/token_made.html")]
struct MadePage {
    frame: Frame,
    provider: Provider,
    token: Token,
    secret: String,
    base: String,
}

/// Answers with the page that shows the token, this once: sent again, the form finds its name taken.
async fn create(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    Name(name): Name,
    Form(form): Form<AddForm>,
) -> Answer {
    let provider = providers::get(&mut portal.db.read().await?, &name).await?;
    let confirmed = portal.confirm(&again, &form.password).await;
    let given = confirmed.is_ok();
    let whose = (provider.id, provider.display_name.as_str());
    let made = match confirmed {
        Ok(confirmed) => provisioning::create(&portal.db, &admin, confirmed, whose, &form.token).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => web::page(&MadePage { frame, token: made.token, secret: made.secret, base: base(&portal), provider }),
        Err(Error::Invalid(problems)) => web::invalid(&AddPage { frame, provider, form: form.token, given, problems }),
        Err(other) => Err(other),
    }
}

#[derive(Template)]
#[template(path = "providers/revoke_token.html")]
struct RevokePage {
    frame: Frame,
    provider: Provider,
    token: Token,
    goes: Vec<String>,
    stays: Vec<String>,
    now: Instant,
    given: bool,
    problems: Problems,
}

impl RevokePage {
    async fn load(portal: &Portal, frame: Frame, (name, token): (&str, &str), given: bool, problems: Problems) -> Result<Self, Error> {
        let mut connection = portal.db.read().await?;
        let provider = providers::get(&mut connection, name).await?;
        let token = provisioning::get(&mut connection, provider.id, token).await?;
        let goes = vec!["The token: the directory that uses it changes nothing here until it has another".to_owned()];
        let stays = vec!["Every account and group that it has provisioned".to_owned()];
        Ok(Self { frame, provider, token, goes, stays, now: portal.db.now(), given, problems })
    }

    fn action(&self) -> String {
        format!("{}/tokens/{}/revoke", self.provider.path(), web::url::encode(&self.token.name))
    }
}

async fn ask_revoke((_admin, again): (Administrator, Again), portal: Data<Portal>, frame: Frame, Names(name, token): Names) -> Answer {
    web::page(&RevokePage::load(&portal, frame, (&name, &token), again.is_given(), Problems::default()).await?)
}

#[derive(Deserialize)]
struct RevokeForm {
    #[serde(default)]
    password: String,
}

async fn revoke(
    (admin, again): (Administrator, Again),
    portal: Data<Portal>,
    frame: Frame,
    session: Session,
    Names(name, token): Names,
    Form(form): Form<RevokeForm>,
) -> Answer {
    let provider = providers::get(&mut portal.db.read().await?, &name).await?;
    let confirmed = match portal.confirm(&again, &form.password).await {
        Ok(confirmed) => confirmed,
        Err(Error::Invalid(problems)) => {
            return web::invalid(&RevokePage::load(&portal, frame, (&name, &token), false, problems).await?);
        }
        Err(other) => return Err(other),
    };
    let token = provisioning::revoke(&portal.db, &admin, confirmed, (provider.id, &provider.display_name), &token).await?;
    Flash::good(format!("Revoked {}.", the("token", &token.display_name))).keep(&session)?;
    web::see_other(&format!("{}#provisioning", provider.path()))
}
