//! The accounts at providers that somebody signs in with, as their page shows them to administrators, and asking after them now.

use actix_session::Session;
use actix_web::web::Data;

use crate::{
    app::Portal,
    auth::Administrator,
    db::Connection,
    error::Error,
    providers::{self, Identity, Provider, syncing::Outcome},
    users::{self, User, provided},
    web::{self, Answer, Flash, form::Name},
};

/// What the page shows of them.
pub(super) struct Accounts {
    pub identities: Vec<Identity>,
    /// The display name of the provider that made the user an administrator.
    pub administrator_by: Option<String>,
}

impl Accounts {
    pub(super) async fn of(connection: &mut Connection, user: &User) -> Result<Self, Error> {
        let by = match provided::administrator_by(connection, user.id).await? {
            Some(by) => providers::all(connection).await?.into_iter().find(|provider: &Provider| provider.id == by),
            None => None,
        };
        let identities = providers::linked::of_user(connection, user.id).await?;
        Ok(Self { identities, administrator_by: by.map(|provider| provider.display_name) })
    }
}

fn sentence(provider: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Read(true) => format!("{provider}: what it says of groups and role was changed here."),
        Outcome::Read(false) => format!("{provider}: nothing had changed."),
        Outcome::Denied => format!("{provider} does not let this person in any more: the groups that it told of are gone here."),
        Outcome::AtSignIn => format!("{provider} cannot be asked: it tells at the next sign-in."),
        Outcome::Failed(why) => format!("{provider}: nothing was changed. {why}"),
    }
}

/// Asks every provider of theirs now.
pub(super) async fn sync(_admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let user = users::get(&mut portal.db.read().await?, &name).await?;
    let outcomes = portal.reader().read_user(user.id).await?;
    let text: Vec<String> = outcomes.iter().map(|(provider, outcome)| sentence(provider, outcome)).collect();
    let is_good = outcomes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Read(_)));
    match (text.is_empty(), is_good) {
        (true, _) => Flash::warn("No provider that is on lets this person in, so none was asked."),
        (false, true) => Flash::good(text.join(" ")),
        (false, false) => Flash::warn(text.join(" ")),
    }
    .keep(&session)?;
    web::see_other(&users::path(&name))
}
