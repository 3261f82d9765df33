//! Freshness: who is in which of a provider's groups is read again without a sign-in, from its directory group by group, or with what each
//! person's sign-in left behind. A provider that is down changes nothing, and is asked less and less often.

mod at_once;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub use at_once::Found;

use super::{
    Provider, all, grant_context,
    protocol::{Arrived, Grant, Line, Memory, Trouble, What},
    reports::{is_as_asked, is_newest, keep_grant, report},
    store::syncing,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::sign_in::end_sessions_with,
    db::{Database, Instant, Transaction},
    error::Error,
    groups::{self, Answer, DueGroup, Read, Reported, Reporter},
    ids::{IdentityId, ProviderId, UserId},
    keys::Keys,
    users::provided,
};

/// Groups and accounts that are read of one provider at once.
const GROUPS: usize = 50;
const ACCOUNTS: usize = 200;
/// Who cannot be read is passed over; so many in a row, and it is the provider that cannot be asked.
const IN_A_ROW: usize = 3;
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
    /// The server is to stop: whoever is asked after is the last.
    pub stopping: Arc<AtomicBool>,
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

/// Seconds that may pass until it is seen that something is due, and it is read.
const LOOKED: i64 = 10;

/// The instant by which something is read again; spread out, and never later than after the provider's minutes.
pub(super) fn next(provider: &Provider, now: Instant, key: i64) -> Instant {
    let seconds = provider.sync_minutes.max(1) * 60 - LOOKED;
    // Knuth's multiplicative hashing, so that neighbours come apart.
    let spread = key.wrapping_mul(2_654_435_761).rem_euclid((seconds / 10).max(1));
    now.plus(time::Duration::seconds(seconds - spread))
}

impl Reader {
    /// By the clock as it is now: tokens are believed by it.
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
            Ok((read, passed_over)) => {
                if read > 0 {
                    self.note_read(provider.id).await?;
                }
                if let Some(why) = passed_over {
                    tracing::warn!(provider = provider.name, why, "some memberships could not be read; they are in their next turn");
                    self.note_failed(provider.id, &why).await?;
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
            Err(NotRead::Changed) => Ok(0),
            Err(NotRead::Failed(error)) => Err(error),
        }
    }

    async fn note_read(&self, provider: ProviderId) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        syncing::note_read(&mut tx, provider).await?;
        tx.commit().await
    }

    async fn note_failed(&self, provider: ProviderId, why: &str) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        syncing::note_failed(&mut tx, provider, why, None).await?;
        tx.commit().await
    }

    /// How many were read, and why others were not.
    async fn read_some(&self, provider: &Provider) -> Result<(usize, Option<String>), NotRead> {
        let (mut read, mut in_a_row, mut why) = (0, Vec::new(), None);
        let mut left = Left::of(provider);
        while !self.stopping.load(Ordering::Relaxed)
            && let Some(turn) = self.claim(provider, &mut left).await?
        {
            let outcome = match &turn {
                Turn::Group(due) => self.read_one(provider, due).await.map(drop),
                Turn::Administrators => self.read_administrators(provider).await,
                Turn::Account(account) => self.look_again(provider, *account).await.map(drop),
            };
            in_a_row.push(turn);
            match outcome {
                Ok(()) => {
                    read += 1;
                    in_a_row.clear();
                }
                Err(NotRead::Changed) => {
                    self.put_back(provider, &in_a_row).await?;
                    break;
                }
                Err(NotRead::Failed(error)) => {
                    tracing::warn!(%error, provider = provider.name, "memberships could not be kept; they are in their next turn");
                    if in_a_row.len() >= IN_A_ROW {
                        return Err(error.into());
                    }
                }
                Err(NotRead::Trouble(trouble)) => {
                    if in_a_row.len() >= IN_A_ROW || trouble.retry_after.is_some() {
                        self.put_back(provider, &in_a_row).await?;
                        return Err(trouble.into());
                    }
                    why = Some(trouble);
                }
            }
        }
        match why {
            // Nothing tells whether it is theirs alone.
            Some(trouble) if read == 0 => {
                self.put_back(provider, &in_a_row).await?;
                Err(trouble.into())
            }
            why => Ok((read, why.map(|trouble| trouble.why))),
        }
    }

    /// Whose turn it is; it is due again at its time.
    async fn claim(&self, provider: &Provider, left: &mut Left) -> Result<Option<Turn>, Error> {
        let mut tx = self.db.write().await?;
        let now = tx.now();
        let latest = now.plus(time::Duration::minutes(provider.sync_minutes));
        let mut turn = None;
        if left.groups > 0 {
            left.groups -= 1;
            if let Some(due) = groups::claim_due(&mut tx, &provider.name, latest).await? {
                groups::leave_due(&mut tx, due.id, next(provider, now, due.id.0)).await?;
                turn = Some(Turn::Group(due));
            } else {
                left.groups = 0;
            }
        }
        if turn.is_none() && std::mem::take(&mut left.administrators) {
            let claimed = syncing::claim_administrators(&mut tx, provider.id, next(provider, now, provider.id.0)).await?;
            turn = claimed.then_some(Turn::Administrators);
        }
        if turn.is_none() && left.accounts > 0 {
            left.accounts -= 1;
            if let Some(account) = syncing::claim(&mut tx, provider.id, latest).await? {
                syncing::leave_due(&mut tx, account, next(provider, now, account.0)).await?;
                turn = Some(Turn::Account(account));
            }
        }
        tx.commit().await?;
        Ok(turn)
    }

    /// Whoever had their turn in vain is due now.
    async fn put_back(&self, provider: &Provider, turns: &[Turn]) -> Result<(), Error> {
        let mut tx = self.db.write().await?;
        let now = tx.now();
        for turn in turns {
            match turn {
                Turn::Group(due) => groups::leave_due(&mut tx, due.id, now).await?,
                Turn::Administrators => syncing::leave_administrators_due(&mut tx, provider.id, now).await?,
                Turn::Account(account) => syncing::leave_due(&mut tx, *account, now).await?,
            }
        }
        tx.commit().await
    }

    /// Reads one group: what it is called, and who is in it of those who are linked.
    async fn read_one(&self, provider: &Provider, due: &DueGroup) -> Result<Read, NotRead> {
        let line = self.line(provider).await?;
        let told = match line.group(&due.tenant, &due.external_id).await? {
            Some(group) => line.members(&due.tenant, &due.external_id).await?.map(|members| (group.name, members)),
            None => None,
        };
        let mut tx = self.db.write().await?;
        if !is_as_asked(&mut tx, provider).await? {
            return Err(NotRead::Changed);
        }
        let told = match told {
            Some((name, subjects)) => Some((name, syncing::people(&mut tx, provider.id, &due.tenant, &subjects).await?)),
            None => None,
        };
        let but = syncing::told_since(&mut tx, provider.id, line.now).await?;
        let group = told.as_ref().map(|(name, members)| (name.as_str(), members.as_slice()));
        let told = Answer { asked_at: line.now, but: &but, group };
        let reporter = Reporter { provider: provider.id, name: &provider.name, tenant: &due.tenant };
        match groups::report_group(&mut tx, &provider.speaker(), reporter, due.id, told).await {
            Ok(read) => {
                tx.commit().await?;
                Ok(read)
            }
            // Deleted here, or provisioned by now.
            Err(Error::NotFound) => Ok(Read { joined: 0, left: 0, gone: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads who administers by a group of the directory. A value that never was a group of its is a role, which sign-ins tell.
    async fn read_administrators(&self, provider: &Provider) -> Result<(), NotRead> {
        let line = self.line(provider).await?;
        let value = &provider.administrators_value;
        let mut told = Vec::new();
        for tenant in line.tenants().await? {
            if let Some(members) = line.members(&tenant, value).await? {
                told.push((tenant, members));
            }
        }
        let mut tx = self.db.write().await?;
        if !is_as_asked(&mut tx, provider).await? {
            return Err(NotRead::Changed);
        }
        if told.is_empty() && !groups::is_seen(&mut tx, provider.id, value).await? {
            return Ok(());
        }
        let mut holders = Vec::new();
        for (tenant, members) in told {
            groups::note_seen(&mut tx, provider.id, &tenant, value).await?;
            holders.extend(syncing::people(&mut tx, provider.id, &tenant, &members).await?);
        }
        let but = syncing::told_since(&mut tx, provider.id, line.now).await?;
        provided::report_administrators(&mut tx, &provider.speaker(), provider.id, (&holders, &but)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks after one account with what its last sign-in left behind. Whoever the provider does not know any more is in none of its groups,
    /// and signed out where they came by it.
    async fn look_again(&self, provider: &Provider, account: IdentityId) -> Result<Outcome, NotRead> {
        let _renewing = self.memory.renewing(provider.id).await;
        let line = self.line(provider).await?;
        let Some(mut due) = syncing::of(&mut self.db.read().await?, account).await? else { return Ok(Outcome::AtSignIn) };
        let tenants = provider.allowed_tenants();
        if !tenants.is_empty() && !tenants.contains(&due.tenant) {
            return self.forget(provider, &due, line.now).await;
        }
        let grant = Grant::new(self.keys.decrypt(&grant_context(due.id), &due.refresh_token)?);
        let looked = match line.renew(&grant).await {
            Ok(renewed) => {
                if renewed.grant != grant {
                    // At once: whatever goes wrong from here on, the old one counts no more.
                    let sealed = self.keys.encrypt(&grant_context(due.id), renewed.grant.token())?;
                    let mut tx = self.db.write().await?;
                    if !syncing::replace_grant(&mut tx, due.id, &due.refresh_token, &sealed).await? {
                        return Ok(Outcome::Read(false));
                    }
                    tx.commit().await?;
                    due.refresh_token = sealed;
                }
                line.look(&renewed).await
            }
            Err(trouble) => Err(trouble),
        };
        match looked {
            Ok(arrived) if arrived.subject == due.subject && arrived.tenant == due.tenant => {
                let mut tx = self.db.write().await?;
                if !is_as_asked(&mut tx, provider).await? {
                    return Err(NotRead::Changed);
                }
                if !is_current(&mut tx, &due, line.now).await? {
                    return Ok(Outcome::Read(false));
                }
                keep_grant(&mut tx, &self.keys, provider, due.id, &Arrived { grant: None, ..arrived.clone() }).await?;
                let changed = report(&mut tx, provider, due.id, due.user_id, &arrived).await?;
                tx.commit().await?;
                Ok(Outcome::Read(changed))
            }
            Ok(_) => Err(Trouble::untrusted("The provider speaks of another account than the one that was asked after.").into()),
            Err(Trouble { what: What::Denied, .. }) => self.forget(provider, &due, line.now).await,
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Whom the provider did not know any more at that instant, with what was kept then.
    async fn forget(&self, provider: &Provider, due: &syncing::Due, asked_at: Instant) -> Result<Outcome, NotRead> {
        let mut tx = self.db.write().await?;
        if !is_as_asked(&mut tx, provider).await? {
            return Err(NotRead::Changed);
        }
        if !is_current(&mut tx, due, asked_at).await? {
            return Ok(Outcome::Read(false));
        }
        syncing::forget_grant(&mut tx, due.id).await?;
        // By the directory it is known better than by this who is in its groups.
        let groups = (!provider.reads_directory()).then(Vec::<Reported>::new);
        let nothing = Arrived { tenant: due.tenant.clone(), groups, ..Arrived::default() };
        report(&mut tx, provider, due.id, due.user_id, &nothing).await?;
        let ended = end_sessions_with(&mut tx, due.id, None).await?;
        note_not_vouched_for(&mut tx, provider, due.user_id, ended).await?;
        tx.commit().await?;
        Ok(Outcome::Denied)
    }
}

/// What may still be read of a provider before others have their turn.
struct Left {
    groups: usize,
    administrators: bool,
    accounts: usize,
}

impl Left {
    fn of(provider: &Provider) -> Self {
        let directory = provider.reads_directory();
        Self { groups: if directory { GROUPS } else { 0 }, administrators: directory, accounts: ACCOUNTS }
    }
}

/// What is read at its turn.
enum Turn {
    Group(DueGroup),
    Administrators,
    Account(IdentityId),
}

/// Whether what was kept of an account when it was asked after is kept still, and nobody came in by it since.
async fn is_current(tx: &mut Transaction, due: &syncing::Due, asked_at: Instant) -> Result<bool, Error> {
    let kept = syncing::of(tx, due.id).await?.is_some_and(|kept| kept.refresh_token == due.refresh_token);
    Ok(kept && is_newest(tx, due.id, due.user_id, asked_at).await?)
}

#[derive(serde::Serialize)]
struct ForgottenFacts {
    sessions: u64,
}

async fn note_not_vouched_for(tx: &mut Transaction, provider: &Provider, user: UserId, sessions: u64) -> Result<(), Error> {
    if let Some(user) = provided::of_key(tx, user).await? {
        let (admin, facts) = (provider.speaker(), ForgottenFacts { sessions });
        let subject = Subject::new("user", user.id.0, user.display());
        audit::record(tx, admin.actor(), "user.not_vouched_for", subject, NOTHING, Some(facts)).await?;
    }
    Ok(())
}

/// Seconds grow with failures in a row, and are as many as the provider asks for.
fn pause(failures: i64, asked: Option<i64>) -> time::Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << failures.clamp(0, 6)).min(LONGEST_PAUSE);
    time::Duration::seconds(doubled.max(asked.unwrap_or(0)))
}

/// Why something could not be read.
enum NotRead {
    Trouble(Trouble),
    /// The provider is not as it was when it was asked, and its answer counts no more.
    Changed,
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
