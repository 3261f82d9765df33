//! Who somebody is who came by a provider: a user whom the account is linked to, one with the same address, somebody new, or nobody.
//! An address makes nobody somebody else: it must be vouched for by the provider, or confirmed.

use super::{
    Provider,
    attempts::{Back, Came, Desk, Purpose, Refusal, Refused, Stopped, is_fresh},
    context,
    linked::LinkFacts,
    note,
    protocol::Arrived,
    provisioning, reports,
    store::{attempts, identities},
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{self, Administrator, ByProvider, Person, Proven, sign_in},
    db::{Connection, Transaction},
    error::Error,
    ids::{self, IdentityId, UserId},
    mail::Post,
    users::{self, NewName, User, UserState, provided, sign_up},
};

/// What follows from somebody's coming back.
pub enum Outcome {
    /// They are signed in now, and go on to a local path.
    In(Box<Proven>, String),
    /// Something is still to be asked.
    Ask,
    /// They proved once more who they are, and go on.
    Again(String),
    /// The account is linked to theirs; false when it was.
    Linked(bool),
}

/// Who is signed in where somebody comes back, and in which session.
pub struct Here<'h> {
    pub user: UserId,
    pub session: &'h str,
}

/// How long what a provider said waits for an answer; as long as a link by mail works.
const ANSWER: time::Duration = time::Duration::hours(2);

/// What an arrival leads to.
pub(super) enum Whose {
    /// The account is linked to them.
    Linked(IdentityId, User),
    /// The same address: vouched for, and no administrator's.
    Theirs(User),
    /// The same address, which has to be confirmed first; or none is known that has it.
    Unsure,
    /// Nobody has the address, which is vouched for.
    Nobody,
}

impl Desk<'_> {
    /// Brings somebody in who is back from a provider.
    pub async fn arrive(&self, post: &Post, name: &str, back: &Back<'_>, here: Option<Here<'_>>) -> Result<Outcome, Stopped> {
        // Whoever is on the way while a provider is switched off comes back to nothing.
        let provider = self.enabled(name).await?;
        let came = match self.back(provider, back).await {
            Ok(came) => came,
            Err((provider, stopped)) => return Err(self.stopped(&provider, stopped).await),
        };
        match self.decide(post, &came, here).await {
            Ok(outcome) => {
                note(self.db, &came.provider, None).await?;
                Ok(outcome)
            }
            Err(stopped) => Err(self.stopped(&came.provider, stopped).await),
        }
    }

    async fn stopped(&self, provider: &Provider, stopped: Stopped) -> Stopped {
        match stopped {
            Stopped::Refused(refused) => match self.refuse(provider, &refused).await {
                Ok(()) => Stopped::Refused(refused),
                Err(error) => Stopped::Failed(error),
            },
            failed => failed,
        }
    }

    async fn decide(&self, post: &Post, came: &Came, here: Option<Here<'_>>) -> Result<Outcome, Stopped> {
        let (provider, arrived) = (&came.provider, &came.arrived);
        admit(provider, arrived)?;
        let mut tx = self.db.write().await?;
        // Two who come with one account at once are one user.
        tx.one_at_a_time("arrival", ids::number_of(&format!("{} {} {}", provider.id.0, arrived.tenant, arrived.subject))).await?;
        if !reports::is_as_asked(&mut tx, provider).await? {
            return Err(Refused::new(Refusal::Over, "The provider was changed, or switched off, during the sign-in.").into());
        }
        match came.purpose {
            Purpose::SignIn => {}
            Purpose::Again => return again(tx, came, here).await,
            Purpose::Link => return self.link_further(tx, came, here).await,
        }
        let admin = auth::provider(&provider.display_name);
        let settings = sign_up::settings(&mut tx).await?;
        match whose(&mut tx, provider, arrived).await? {
            Whose::Linked(identity, user) => {
                let proven = self.enter(&mut tx, provider, arrived, identity, &user.person()).await?;
                tx.commit().await?;
                Ok(Outcome::In(Box::new(proven), came.attempt.next.clone()))
            }
            Whose::Theirs(user) if user.state == UserState::Active.as_str() => {
                let proven = self.link(&mut tx, &admin, provider, arrived, &user.person()).await?;
                tx.commit().await?;
                Ok(Outcome::In(Box::new(proven), came.attempt.next.clone()))
            }
            // Nothing is missing, so nothing is asked.
            Whose::Theirs(_) | Whose::Nobody
                if !settings.terms.is_empty() || provided::check(&name(arrived), &settings, false, "").is_err() =>
            {
                self.ask(tx, came).await
            }
            Whose::Theirs(user) => {
                let person = provided::activate(&mut tx, post, &admin, &user, &name(arrived), &settings).await?;
                let proven = self.link(&mut tx, &admin, provider, arrived, &person).await?;
                tx.commit().await?;
                post.wake();
                Ok(Outcome::In(Box::new(proven), came.attempt.next.clone()))
            }
            Whose::Nobody => {
                let person = provided::open(&mut tx, post, &admin, &arrived.email, &name(arrived), &settings).await?;
                let proven = self.link(&mut tx, &admin, provider, arrived, &person).await?;
                tx.commit().await?;
                post.wake();
                Ok(Outcome::In(Box::new(proven), came.attempt.next.clone()))
            }
            Whose::Unsure => self.ask(tx, came).await,
        }
    }

    /// Links an account to a user, and lets them in by it.
    pub(super) async fn link(
        &self,
        tx: &mut Transaction,
        admin: &Administrator,
        provider: &Provider,
        arrived: &Arrived,
        person: &Person,
    ) -> Result<Proven, Stopped> {
        let identity = linked(tx, admin, provider, arrived, person).await?;
        self.enter(tx, provider, arrived, identity, person).await
    }

    /// Lets somebody in by an account that is linked to them, and takes over what the provider says of their groups.
    async fn enter(
        &self,
        tx: &mut Transaction,
        provider: &Provider,
        arrived: &Arrived,
        identity: IdentityId,
        person: &Person,
    ) -> Result<Proven, Stopped> {
        let email = if users::is_email(&arrived.email) && arrived.email.len() <= 254 { arrived.email.as_str() } else { "" };
        identities::note_use(tx, identity, email).await?;
        reports::keep_grant(tx, self.keys, provider, identity, arrived).await?;
        reports::report(tx, provider, identity, person.id, arrived).await?;
        let by = ByProvider { identity, session: arrived.session.clone() };
        let blocked = || Refused::new(Refusal::Blocked, "The user was blocked during the sign-in.").of(person.id);
        Ok(auth::let_in(tx, person.id, by).await?.ok_or_else(blocked)?)
    }

    async fn link_further(&self, mut tx: Transaction, came: &Came, here: Option<Here<'_>>) -> Result<Outcome, Stopped> {
        let user = same(came, &here)?;
        if identities::find(&mut tx, came.provider.id, &came.arrived).await?.is_some_and(|identity| identity.user_id == user) {
            return Ok(Outcome::Linked(false));
        }
        let person = provided::of_key(&mut tx, user).await?.ok_or(Error::NotFound)?.person();
        let admin = auth::provider(&came.provider.display_name);
        let identity = linked(&mut tx, &admin, &came.provider, &came.arrived, &person).await?;
        reports::keep_grant(&mut tx, self.keys, &came.provider, identity, &came.arrived).await?;
        reports::report(&mut tx, &came.provider, identity, person.id, &came.arrived).await?;
        tx.commit().await?;
        Ok(Outcome::Linked(true))
    }
    async fn ask(&self, mut tx: Transaction, came: &Came) -> Result<Outcome, Stopped> {
        let text = serde_json::to_string(&came.arrived).map_err(Error::from)?;
        let sealed = self.keys.encrypt(&context(&came.provider.name), &text)?;
        let expires = tx.now().plus(ANSWER);
        attempts::keep_arrived(&mut tx, came.attempt.id, &sealed, expires).await?;
        tx.commit().await?;
        Ok(Outcome::Ask)
    }

    /// What a provider said that waits for an answer.
    pub(super) fn unsealed(&self, provider: &Provider, attempt: &attempts::Attempt) -> Result<Arrived, Error> {
        let sealed = attempt.arrived.as_ref().ok_or(Error::NotFound)?;
        Ok(serde_json::from_str(&self.keys.decrypt(&context(&provider.name), sealed)?)?)
    }
}

pub(super) fn name(arrived: &Arrived) -> NewName {
    NewName { first_name: arrived.first_name.clone(), last_name: arrived.last_name.clone() }
}

/// Whether accounts of this tenant, and with this address, may come in at all.
pub(super) fn admit(provider: &Provider, arrived: &Arrived) -> Result<(), Refused> {
    let tenants = provider.allowed_tenants();
    if !tenants.is_empty() && !tenants.contains(&arrived.tenant) {
        return Err(Refused::new(Refusal::Tenant, "The account’s tenant is not among those that are allowed."));
    }
    if !provider.allows(&arrived.email) {
        return Err(Refused::new(Refusal::Domain, "The domain of the account’s address is not among those that are allowed."));
    }
    Ok(())
}

/// Whose account it is, or may be.
pub(super) async fn whose(connection: &mut Connection, provider: &Provider, arrived: &Arrived) -> Result<Whose, Stopped> {
    if let Some(identity) = identities::find(connection, provider.id, arrived).await? {
        let user = provided::of_key(connection, identity.user_id).await?.ok_or(Error::NotFound)?;
        return match user.state.as_str() {
            "active" => Ok(Whose::Linked(identity.id, user)),
            _ => Err(Refused::new(Refusal::Blocked, "The user whom the account is linked to is blocked.").of(user.id).into()),
        };
    }
    if let Some(user) = provisioning::of_subject(connection, provider, &arrived.subject).await? {
        return match user.state.as_str() {
            "blocked" => Err(Refused::new(Refusal::Blocked, "The user whom the provider has provisioned is blocked.").of(user.id).into()),
            _ => Ok(Whose::Theirs(user)),
        };
    }
    let email = &arrived.email;
    if !users::is_email(email) || email.chars().count() > 254 || ids::is_disguised(email) {
        return Err(Refused::new(Refusal::NoEmail, "The provider told no email address that can be used.").into());
    }
    let user = provided::of_address(connection, email).await?;
    match user {
        Some(_) if !arrived.vouched => Ok(Whose::Unsure),
        Some(user) if user.state == UserState::Blocked.as_str() => {
            Err(Refused::new(Refusal::Blocked, "The user with the account’s address is blocked.").of(user.id).into())
        }
        // Of an address that is spelled otherwise the mailbox may be another.
        Some(user) if user.administrator || user.email.to_lowercase() != email.to_lowercase() => Ok(Whose::Unsure),
        Some(user) => Ok(Whose::Theirs(user)),
        None if !provider.new_people && arrived.vouched => {
            Err(Refused::new(Refusal::NoAccount, "Nobody here has the account’s address, and new people may not come in by this provider.")
                .into())
        }
        None if arrived.vouched => Ok(Whose::Nobody),
        None => Ok(Whose::Unsure),
    }
}

async fn linked(
    tx: &mut Transaction,
    admin: &Administrator,
    provider: &Provider,
    arrived: &Arrived,
    person: &Person,
) -> Result<IdentityId, Stopped> {
    // Another answer of theirs may have been quicker.
    match identities::find(tx, provider.id, arrived).await? {
        Some(known) if known.user_id == person.id => return Ok(known.id),
        Some(_) => return Err(Refused::new(Refusal::Taken, "The account is linked to somebody else.").of(person.id).into()),
        None => {}
    }
    let identity = identities::insert(tx, person.id, provider.id, arrived).await?;
    let facts = LinkFacts { provider: provider.display_name.clone(), account: arrived.subject.clone() };
    let subject = Subject::new("user", person.id.0, person.display());
    audit::record(tx, admin.actor(), "user.linked", subject, NOTHING, Some(facts)).await?;
    Ok(identity)
}

/// Whoever goes to prove something of a session must be in it still when they are back.
fn same(came: &Came, here: &Option<Here<'_>>) -> Result<UserId, Refused> {
    let user = here.as_ref().map(|here| here.user).filter(|user| Some(*user) == came.attempt.user_id);
    user.ok_or_else(|| Refused::new(Refusal::NotYou, "Whoever came back is not signed in here as who went."))
}

async fn again(mut tx: Transaction, came: &Came, here: Option<Here<'_>>) -> Result<Outcome, Stopped> {
    let user = same(came, &here)?;
    let identity = identities::find(&mut tx, came.provider.id, &came.arrived).await?.filter(|identity| identity.user_id == user);
    if identity.is_none() {
        return Err(Refused::new(Refusal::NotYou, "Somebody was to prove who they are, and proved to be somebody else.").of(user).into());
    }
    // Whoever has a password is asked for it where nobody is asked anew.
    let tells = came.provider.kind().tells_when() || identities::has_password(&mut tx, user).await?;
    if !is_fresh(&came.arrived, came.attempt.made_at, tells) {
        return Err(Refused::new(Refusal::NotFresh, "The provider did not ask anew (auth_time).").of(user).into());
    }
    let session = here.map_or("", |here| here.session);
    sign_in::confirm_by_provider(&mut tx, user, session).await?;
    tx.commit().await?;
    Ok(Outcome::Again(came.attempt.next.clone()))
}
