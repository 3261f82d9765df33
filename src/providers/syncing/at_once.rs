//! What is read because an administrator asks: groups of a directory that are looked for, who is in one, and one person's accounts.

use super::{NotRead, Outcome, Reader, next, note_not_vouched_for};
use crate::{
    auth::sign_in::end_sessions_with,
    db::Transaction,
    error::Error,
    groups::{self, Read, Reported},
    ids::{GroupId, UserId},
    providers::{
        Identity, Provider, all,
        protocol::{Arrived, Trouble},
        reports::{is_as_asked, is_newest, report},
        store::{identities, syncing},
    },
};

/// What a directory has found.
pub struct Found {
    pub tenants: Vec<String>,
    /// The one that was looked through.
    pub tenant: String,
    pub groups: Vec<Reported>,
}

const CHANGED: &str = "The provider was changed, or switched off, while it was asked.";

impl Reader {
    /// Looks through the directory of a provider, in one of its tenants. An inner error is why it cannot be.
    pub async fn search(&self, provider: &Provider, tenant: &str, words: &str) -> Result<Result<Found, String>, Error> {
        let line = self.line(provider).await?;
        let searched = async {
            let tenants = line.tenants().await?;
            let tenant = tenants.iter().find(|known| *known == tenant).or(tenants.first()).cloned().unwrap_or_default();
            let groups = line.search_groups(&tenant, words).await?;
            Ok::<_, Trouble>(Found { tenants, tenant, groups })
        };
        Ok(searched.await.map_err(|trouble| trouble.why))
    }

    /// Reads one group now, because somebody asks.
    ///
    /// # Errors
    /// `Conflict` with why it cannot be; nothing is changed then.
    pub async fn read_group(&self, provider: &Provider, group: GroupId) -> Result<Read, Error> {
        let due = groups::to_read(&mut self.db.read().await?, group).await?;
        let Some(due) = due.filter(|_| provider.enabled && provider.reads_directory()) else {
            return Err(Error::Conflict("No directory can be asked for it: sign-ins tell who is in it.".to_owned()));
        };
        match self.read_one(provider, &due).await {
            Ok(read) => {
                let mut tx = self.db.write().await?;
                let at = next(provider, tx.now(), group.0);
                groups::leave_due(&mut tx, group, at).await?;
                syncing::note_read(&mut tx, provider.id).await?;
                tx.commit().await?;
                Ok(read)
            }
            Err(NotRead::Trouble(trouble)) => {
                self.note_failed(provider.id, &trouble.why).await?;
                Err(Error::Conflict(trouble.why))
            }
            Err(NotRead::Changed) => Err(Error::Conflict(CHANGED.to_owned())),
            Err(NotRead::Failed(error)) => Err(error),
        }
    }

    /// Asks after every account of somebody's now, because somebody asks: what came of each, by the provider's display name.
    pub async fn read_user(&self, user: UserId) -> Result<Vec<(String, Outcome)>, Error> {
        let (accounts, providers) = {
            let mut connection = self.db.read().await?;
            (identities::of_user(&mut connection, user).await?, all(&mut connection).await?)
        };
        let mut outcomes = Vec::new();
        for account in accounts.iter().filter(|account| account.enabled) {
            let Some(provider) = providers.iter().find(|provider| provider.id == account.provider_id) else { continue };
            let outcome = match self.read_account(provider, account).await {
                Ok(outcome) => outcome,
                Err(NotRead::Trouble(trouble)) => {
                    self.note_failed(provider.id, &trouble.why).await?;
                    Outcome::Failed(trouble.why)
                }
                Err(NotRead::Changed) => Outcome::Failed(CHANGED.to_owned()),
                Err(NotRead::Failed(error)) => return Err(error),
            };
            outcomes.push((provider.display_name.clone(), outcome));
        }
        Ok(outcomes)
    }

    async fn read_account(&self, provider: &Provider, account: &Identity) -> Result<Outcome, NotRead> {
        let mut outcome = self.look_again(provider, account.id).await?;
        if provider.reads_directory() {
            outcome = self.read_groups_of(provider, account, outcome).await?;
        }
        if matches!(outcome, Outcome::Read(_)) {
            self.note_read(provider.id).await?;
        }
        Ok(outcome)
    }

    /// Asks the directory for the groups of an account; whom it does not have, or does not let in, is signed out where they came by it.
    async fn read_groups_of(&self, provider: &Provider, account: &Identity, before: Outcome) -> Result<Outcome, NotRead> {
        let line = self.line(provider).await?;
        let groups = line.groups_of(&account.tenant, &account.subject).await?;
        let mut tx = self.db.write().await?;
        if !is_as_asked(&mut tx, provider).await? {
            return Err(NotRead::Changed);
        }
        if !is_newest(&mut tx, account.id, account.user_id, line.now).await? {
            return Ok(Outcome::Read(false));
        }
        let known = groups.is_some();
        let arrived = Arrived { tenant: account.tenant.clone(), groups: Some(groups.unwrap_or_default()), ..Arrived::default() };
        let changed = match known {
            true => report_groups(&mut tx, provider, account, &arrived).await?,
            false => {
                let changed = report(&mut tx, provider, account.id, account.user_id, &arrived).await?;
                let ended = end_sessions_with(&mut tx, account.id, None).await?;
                if changed || ended > 0 {
                    note_not_vouched_for(&mut tx, provider, account.user_id, ended).await?;
                }
                changed
            }
        };
        tx.commit().await?;
        let changed = changed || matches!(before, Outcome::Read(true) | Outcome::Denied);
        Ok(if known { Outcome::Read(changed) } else { Outcome::Denied })
    }
}

/// The groups alone: of a directory, which says nothing of roles.
async fn report_groups(tx: &mut Transaction, provider: &Provider, account: &Identity, arrived: &Arrived) -> Result<bool, Error> {
    let of_groups = Provider { administrators_value: String::new(), ..provider.clone() };
    report(tx, &of_groups, account.id, account.user_id, arrived).await
}
