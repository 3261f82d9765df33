//! What the page of an external group says of its provider, and reading its members now.

use std::collections::HashMap;

use actix_session::Session;
use actix_web::web::Data;

use crate::{
    app::Portal,
    auth::Administrator,
    db::{Connection, Instant},
    error::Error,
    groups::{self, Group, Outside},
    ids::UserId,
    providers::{self, Provider},
    web::{self, Answer, Flash, counted, form::Name},
};

/// An external group, and where it is from.
pub(super) struct There {
    /// None when the provider was deleted.
    pub provider: Option<Provider>,
    pub outside: Outside,
    /// What a membership of it is known by there.
    pub external_id: String,
    /// When each of the members that are shown was last told of, by their keys; empty where the directory is read.
    told: HashMap<UserId, Instant>,
}

impl There {
    pub(super) async fn of(connection: &mut Connection, group: &Group, shown: &[UserId]) -> Result<Option<Self>, Error> {
        let (Some(name), Some(external_id)) = (&group.provider, &group.external_id) else { return Ok(None) };
        let Some(outside) = groups::outside(connection, group.id).await? else { return Ok(None) };
        let provider = match providers::get(connection, name).await {
            Ok(provider) => Some(provider),
            Err(Error::NotFound) => None,
            Err(other) => return Err(other),
        };
        let told = match outside.reported_by.as_str() {
            "sign-in" => groups::told_at(connection, name, shown).await?.into_iter().collect(),
            _ => HashMap::new(),
        };
        Ok(Some(Self { provider, outside, external_id: external_id.clone(), told }))
    }

    /// Whether its directory can be asked now.
    pub(super) fn is_read(&self) -> bool {
        self.provider.as_ref().is_some_and(|provider| provider.enabled && provider.reads_directory()) && self.outside.reported_by != "scim"
    }

    /// Whether it is said of each member when they were told of.
    pub(super) fn tells_when(&self) -> bool {
        !self.told.is_empty()
    }

    pub(super) fn told(&self, user: &UserId) -> Option<Instant> {
        self.told.get(user).copied()
    }

    /// What the directory calls it, where that is not what it is called here.
    pub(super) fn other_name(&self, group: &Group) -> Option<&str> {
        let name = self.outside.name_there.as_str();
        (!name.is_empty() && name != group.display_name && name != self.external_id).then_some(name)
    }

    /// "2 joined, 1 left"
    pub(super) fn brought(&self) -> String {
        match (self.outside.joined, self.outside.parted) {
            (0, 0) => "nothing had changed".to_owned(),
            (joined, 0) => format!("{joined} joined"),
            (0, parted) => format!("{parted} left"),
            (joined, parted) => format!("{joined} joined, {parted} left"),
        }
    }
}

/// Reads its members from the directory now.
pub(super) async fn sync(_admin: Administrator, portal: Data<Portal>, session: Session, Name(name): Name) -> Answer {
    let (group, there) = {
        let mut connection = portal.db.read().await?;
        let group = groups::get(&mut connection, &name).await?;
        let there = There::of(&mut connection, &group, &[]).await?;
        (group, there)
    };
    let Some(provider) = there.and_then(|there| there.provider) else { return Err(Error::NotFound) };
    match portal.reader().read_group(&provider, group.id).await {
        Ok(read) if read.gone => Flash::warn("The directory does not have this group any more, so nobody is in it."),
        Ok(read) if read.joined + read.left == 0 => Flash::good("Read from the directory: nothing had changed."),
        Ok(read) => {
            let (joined, left) = (counted(read.joined, "person", "people"), counted(read.left, "person", "people"));
            Flash::good(match (read.joined, read.left) {
                (_, 0) => format!("Read from the directory: {joined} joined."),
                (0, _) => format!("Read from the directory: {left} left."),
                _ => format!("Read from the directory: {joined} joined, {left} left."),
            })
        }
        Err(Error::Conflict(why)) => Flash::warn(format!("Nothing was changed. {why}")),
        Err(other) => return Err(other),
    }
    .keep(&session)?;
    web::see_other(&group.path())
}
