//! Freshness: who is in which of a provider's groups is read again without a sign-in, from its directory group by group, or with what each
//! person's sign-in left behind. A provider that is down changes nothing, and is asked less and less often.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Identity, Provider, all, grant_context,
    protocol::{Arrived, Grant, Line, Memory, Trouble, What},
    store::{identities, syncing},
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{self, sign_in::end_sessions_with},
    db::{Database, Instant, Transaction},
    error::Error,
    groups::{self, DueGroup, Read, Reported, Reporter},
    ids::{GroupId, IdentityId, UserId},
    keys::Keys,
    users::provided,
};

/// Groups and accounts that are read of one provider before others have their turn.
const GROUPS: usize = 50;
const ACCOUNTS: usize = 200;
/// After the first failure in a row it is tried again in a minute, then in two, then in four, up to an hour.
const FIRST_PAUSE: i64 = 60;
const LONGEST_PAUSE: i64 = 3600;

/// What reading needs, for as long as the portal runs.
#[derive(Clone)]
pub struct Reader {
    pub db: Database,
    pub keys: Arc<Keys>,
    pub memory: Arc<Memory>,
    /// The portal's own address, without a slash at the end.
    pub base: String,
}

/// What came of asking after one account of somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Whether anything changed.
    Read(bool),
    /// The provider does not know them any more, or wants to see them first.
    Denied,
    /// Nothing lets the portal ask: the next sign-in tells.
    AtSignIn,
    /// Why not, in a sentence.
    Failed(String),
}

/// What a directory has found.
pub struct Found {
    pub tenants: Vec<String>,
    /// The one that was looked through.
    pub tenant: String,
    pub groups: Vec<Reported>,
}

/// Seconds that may pass until it is seen that something is due, and it is read.
const LOOKED: i64 = 10;

/// The instant by which something is read again; spread out, and never later than after the provider's minutes.
fn next(provider: &Provider, now: Instant, key: i64) -> Instant {
    let seconds = provider.sync_minutes.max(1) * 60 - LOOKED;
    // Knuth's multiplicative hashing, so that neighbours come apart.
    let spread = key.wrapping_mul(2_654_435_761).rem_euclid((seconds / 10).max(1));
    now.plus(time::Duration::seconds(seconds - spread))
}

/// Keeps what lets the portal ask after somebody who has just signed in, where anything follows from it.
pub(super) async fn keep_grant(
    tx: &mut Transaction,
    keys: &Keys,
    provider: &Provider,
    identity: IdentityId,
    arrived: &Arrived,
) -> Result<(), Error> {
    // A directory is read group by group; roles are told to each person alone.
    let is_asked = provider.is_followed() && (!provider.reads_directory() || !provider.administrators_value.is_empty());
    if !is_asked {
        return syncing::forget_grant(tx, identity).await;
    }
    let sealed = match &arrived.grant {
        Some(grant) => Some(keys.encrypt(&grant_context(identity), grant.token())?),
        None => None,
    };
    let due = next(provider, tx.now(), identity.0);
    syncing::keep_grant(tx, identity, sealed.as_deref(), due).await
}

/// Takes over what a provider says of somebody's groups and role, in the caller's transaction. Whether anything changed.
pub(super) async fn report(
    tx: &mut Transaction,
    provider: &Provider,
    identity: IdentityId,
    user: UserId,
    arrived: &Arrived,
) -> Result<bool, Error> {
    let admin = auth::provider(&provider.display_name);
    let Some(person) = provided::of_key(tx, user).await?.map(|user| user.person()) else { return Ok(false) };
    let mut changed = false;
    if let Some(groups) = &arrived.groups {
        let reporter = Reporter { provider: provider.id, name: &provider.name, tenant: &arrived.tenant };
        changed |= groups::report_memberships(tx, &admin, reporter, &person, groups).await?;
        syncing::note_reported(tx, identity).await?;
    }
    if let Some(why) = &arrived.unread {
        syncing::note_failed(tx, provider.id, why, None).await?;
    }
    if !provider.administrators_value.is_empty()
        && let Some(administers) = arrived.has(&provider.administrators_value)
    {
        changed |= provided::report_administrator(tx, &admin, provider.id, user, administers).await?;
    }
    Ok(changed)
}

impl Reader {
    async fn line<'p>(&'p self, provider: &'p Provider) -> Result<Line<'p>, Error> {
        super::line(&self.db, &self.keys, &self.memory, &self.base, provider).await
    }

    /// The providers of which something is due.
    pub async fn due(&self) -> Result<Vec<Provider>, Error> {
        let mut connection = self.db.read().await?;
        let due = syncing::due(&mut connection, self.db.now()).await?;
        let mut providers = if due.is_empty() { Vec::new() } else { all(&mut connection).await? };
        providers.retain(|provider| due.contains(&provider.id));
        Ok(providers)
    }

    /// Reads what is due of a provider, up to so much at once. How many groups and accounts were read.
    pub async fn read_due(&self, provider: &Provider) -> Result<usize, Error> {
        match self.read_some(provider).await {
            Ok(read) => {
                if read > 0 {
                    let mut tx = self.db.write().await?;
                    syncing::note_read(&mut tx, provider.id).await?;
                    tx.commit().await?;
                }
                Ok(read)
            }
            Err(NotRead::Trouble(trouble)) => {
                tracing::warn!(provider = provider.name, why = trouble.why, "memberships could not be read; it is tried again");
                let mut tx = self.db.write().await?;
                let until = tx.now().plus(pause(provider.sync_failures, trouble.retry_after));
                syncing::note_failed(&mut tx, provider.id, &trouble.why, Some(until)).await?;
                tx.commit().await?;
                Ok(0)
            }
            Err(NotRead::Failed(error)) => Err(error),
        }
    }

    async fn read_some(&self, provider: &Provider) -> Result<usize, NotRead> {
        let line = self.line(provider).await?;
        let mut read = 0;
        if provider.reads_directory() {
            for _ in 0..GROUPS {
                let mut tx = self.db.write().await?;
                let now = tx.now();
                let claimed = groups::claim_due(&mut tx, &provider.name, now.plus(time::Duration::minutes(provider.sync_minutes))).await?;
                let Some(due) = claimed else { break };
                groups::leave_due(&mut tx, due.id, next(provider, now, due.id.0)).await?;
                tx.commit().await?;
                if let Err(not_read) = self.read_one(&line, &due).await {
                    let mut tx = self.db.write().await?;
                    groups::leave_due(&mut tx, due.id, now).await?;
                    tx.commit().await?;
                    return Err(not_read);
                }
                read += 1;
            }
            read += usize::from(self.read_administrators(&line).await?);
        }
        for _ in 0..ACCOUNTS {
            let mut tx = self.db.write().await?;
            let now = tx.now();
            let claimed = syncing::claim(&mut tx, provider.id, now.plus(time::Duration::minutes(provider.sync_minutes))).await?;
            let Some(due) = claimed else { break };
            syncing::leave_due(&mut tx, due.id, next(provider, now, due.id.0)).await?;
            tx.commit().await?;
            if let Err(not_read) = self.look_again(&line, &due).await {
                let mut tx = self.db.write().await?;
                syncing::leave_due(&mut tx, due.id, now).await?;
                tx.commit().await?;
                return Err(not_read);
            }
            read += 1;
        }
        Ok(read)
    }

    /// Reads one group: what it is called, and who is in it of those who are linked.
    async fn read_one(&self, line: &Line<'_>, due: &DueGroup) -> Result<Read, NotRead> {
        let provider = line.provider;
        let told = match line.group(&due.tenant, &due.external_id).await? {
            Some(group) => line.members(&due.tenant, &due.external_id).await?.map(|members| (group.name, members)),
            None => None,
        };
        let mut tx = self.db.write().await?;
        let people: HashMap<String, UserId> = syncing::people(&mut tx, provider.id, &due.tenant).await?.into_iter().collect();
        let told: Option<(String, Vec<UserId>)> =
            told.map(|(name, subjects)| (name, subjects.iter().filter_map(|subject| people.get(subject)).copied().collect()));
        let told = told.as_ref().map(|(name, members)| (name.as_str(), members.as_slice()));
        let reporter = Reporter { provider: provider.id, name: &provider.name, tenant: &due.tenant };
        let read = groups::report_group(&mut tx, &auth::provider(&provider.display_name), reporter, due.id, told).await;
        match read {
            Ok(read) => {
                tx.commit().await?;
                Ok(read)
            }
            // Deleted here, or provisioned by now.
            Err(Error::NotFound) => Ok(Read { joined: 0, left: 0, gone: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads who administers by a group of the directory; a value that is no group of its is a role, which sign-ins tell. Whether it was due.
    async fn read_administrators(&self, line: &Line<'_>) -> Result<bool, NotRead> {
        let provider = line.provider;
        let mut tx = self.db.write().await?;
        let now = tx.now();
        if !syncing::claim_administrators(&mut tx, provider.id, next(provider, now, provider.id.0)).await? {
            return Ok(false);
        }
        tx.commit().await?;
        for tenant in line.tenants().await? {
            let Some(members) = line.members(&tenant, &provider.administrators_value).await? else { continue };
            let members: HashSet<String> = members.into_iter().collect();
            let mut tx = self.db.write().await?;
            let admin = auth::provider(&provider.display_name);
            for (subject, user) in syncing::people(&mut tx, provider.id, &tenant).await? {
                provided::report_administrator(&mut tx, &admin, provider.id, user, members.contains(&subject)).await?;
            }
            tx.commit().await?;
        }
        Ok(true)
    }

    /// Asks after one account with what its last sign-in left behind. Whoever the provider does not know any more is in none of its groups,
    /// and signed out where they came by it.
    async fn look_again(&self, line: &Line<'_>, due: &syncing::Due) -> Result<Outcome, NotRead> {
        let provider = line.provider;
        let grant = Grant::new(self.keys.decrypt(&grant_context(due.id), &due.refresh_token)?);
        match line.look_again(&grant).await {
            Ok(arrived) if arrived.subject == due.subject && arrived.tenant == due.tenant => {
                let mut tx = self.db.write().await?;
                keep_grant(&mut tx, &self.keys, provider, due.id, &arrived).await?;
                let changed = report(&mut tx, provider, due.id, due.user_id, &arrived).await?;
                tx.commit().await?;
                Ok(Outcome::Read(changed))
            }
            Ok(_) => Err(Trouble::untrusted("The provider speaks of another account than the one that was asked after.").into()),
            Err(Trouble { what: What::Denied, .. }) => {
                self.forget(provider, due).await?;
                Ok(Outcome::Denied)
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn forget(&self, provider: &Provider, due: &syncing::Due) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        syncing::forget_grant(&mut tx, due.id).await?;
        // By the directory it is known better than by this who is in its groups.
        let groups = (!provider.reads_directory()).then(Vec::<Reported>::new);
        let nothing = Arrived { tenant: due.tenant.clone(), groups, ..Arrived::default() };
        report(&mut tx, provider, due.id, due.user_id, &nothing).await?;
        let ended = end_sessions_with(&mut tx, due.id, None).await?;
        if let Some(user) = provided::of_key(&mut tx, due.user_id).await? {
            #[derive(serde::Serialize)]
            struct ForgottenFacts {
                sessions: u64,
            }
            let (admin, facts) = (auth::provider(&provider.display_name), ForgottenFacts { sessions: ended });
            let subject = Subject::new("user", user.id.0, user.display());
            audit::record(&mut tx, admin.actor(), "user.not_vouched_for", subject, NOTHING, Some(facts)).await?;
        }
        tx.commit().await
    }

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
        let Some(due) = due.filter(|_| provider.reads_directory()) else {
            return Err(Error::Conflict("No directory can be asked for it: sign-ins tell who is in it.".to_owned()));
        };
        let line = self.line(provider).await?;
        match self.read_one(&line, &due).await {
            Ok(read) => {
                let mut tx = self.db.write().await?;
                let at = next(provider, tx.now(), group.0);
                groups::leave_due(&mut tx, group, at).await?;
                syncing::note_read(&mut tx, provider.id).await?;
                tx.commit().await?;
                Ok(read)
            }
            Err(NotRead::Trouble(trouble)) => {
                let mut tx = self.db.write().await?;
                syncing::note_failed(&mut tx, provider.id, &trouble.why, None).await?;
                tx.commit().await?;
                Err(Error::Conflict(trouble.why))
            }
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
                    let mut tx = self.db.write().await?;
                    syncing::note_failed(&mut tx, provider.id, &trouble.why, None).await?;
                    tx.commit().await?;
                    Outcome::Failed(trouble.why)
                }
                Err(NotRead::Failed(error)) => return Err(error),
            };
            outcomes.push((provider.display_name.clone(), outcome));
        }
        Ok(outcomes)
    }

    async fn read_account(&self, provider: &Provider, account: &Identity) -> Result<Outcome, NotRead> {
        let line = self.line(provider).await?;
        let grant = syncing::of(&mut self.db.read().await?, account.id).await?;
        let mut outcome = match grant {
            Some(due) => self.look_again(&line, &due).await?,
            None => Outcome::AtSignIn,
        };
        if provider.reads_directory() && outcome != Outcome::Denied {
            let groups = line.groups_of(&account.tenant, &account.subject).await?;
            let known = groups.is_some();
            let arrived = Arrived {
                tenant: account.tenant.clone(),
                // What is a role is not known by this.
                left_out: true,
                groups: Some(groups.unwrap_or_default()),
                ..Arrived::default()
            };
            let mut tx = self.db.write().await?;
            let changed = report_groups(&mut tx, provider, account, &arrived).await?;
            tx.commit().await?;
            outcome = if known { Outcome::Read(changed || outcome == Outcome::Read(true)) } else { Outcome::Denied };
        }
        if matches!(outcome, Outcome::Read(_)) {
            let mut tx = self.db.write().await?;
            syncing::note_read(&mut tx, provider.id).await?;
            tx.commit().await?;
        }
        Ok(outcome)
    }
}

/// The groups alone: of a directory, which says nothing of roles.
async fn report_groups(tx: &mut Transaction, provider: &Provider, account: &Identity, arrived: &Arrived) -> Result<bool, Error> {
    let of_groups = Provider { administrators_value: String::new(), ..provider.clone() };
    report(tx, &of_groups, account.id, account.user_id, arrived).await
}

/// Seconds grow with failures in a row, and are as many as the provider asks for.
fn pause(failures: i64, asked: Option<i64>) -> time::Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.clamp(0, 6)).min(LONGEST_PAUSE);
    time::Duration::seconds(doubled.max(asked.unwrap_or(0)))
}

/// Why something could not be read.
enum NotRead {
    Trouble(Trouble),
    Failed(Error),
}

impl From<Trouble> for NotRead {
    fn from(trouble: Trouble) -> Self {
        NotRead::Trouble(trouble)
    }
}

impl From<Error> for NotRead {
    fn from(error: Error) -> Self {
        NotRead::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::pause;

    #[test]
    fn whoever_fails_is_asked_less_and_less_often() {
        let seconds = |failures, asked| pause(failures, asked).whole_seconds();
        assert_eq!([seconds(0, None), seconds(1, None), seconds(3, None), seconds(50, None)], [60, 120, 480, 3600]);
        assert_eq!(seconds(0, Some(600)), 600);
        assert_eq!(seconds(6, Some(5)), 3600);
    }
}
