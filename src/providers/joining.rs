//! What is asked of somebody who came by a provider before they are let in: names and terms of a new account, or a proof that the account
//! with their address is theirs. It is answered in the browser in which they came, and nowhere else. No HTTP here.

use serde::{Deserialize, Serialize};

use super::{
    Provider,
    arriving::{Whose, admit, name, whose},
    attempts::{Desk, Refusal, Stopped, browser_hash},
    protocol::Arrived,
    store::attempts::{self, Attempt},
};
use crate::{
    auth::{
        self, Person, Proven,
        links::{self, Found, Purpose},
        password::Passwords,
        sign_in::{self, Origin},
    },
    db::Transaction,
    error::Error,
    ids,
    mail::Post,
    users::{
        NewName, User, UserState,
        provided::{self, check},
        recovery::evenly,
        sign_up::{self, SignUp},
    },
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Names and terms: the address is theirs, and the account is opened at once.
    Account,
    /// The same, and then the address is confirmed by mail; or the password of an account that they have.
    Address,
    /// A proof that the account with their address is theirs: its password, or a mail. No account is opened.
    Proof,
}

/// Somebody who waits to be let in.
pub struct Waiting {
    pub provider: Provider,
    pub arrived: Arrived,
    pub asked: Asked,
    pub settings: SignUp,
    /// Whether a password is a proof.
    pub passwords: bool,
    attempt: Attempt,
}

/// What the form holds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    #[serde(flatten)]
    pub name: NewName,
    pub terms: Option<String>,
    pub shown_terms: String,
}

/// What came of an answer.
pub enum Joined {
    In(Box<Proven>, String),
    /// A mail is on its way, if there is anybody to whom it may go.
    Mailed,
}

/// What is kept with a link: whose answer it confirms.
#[derive(Serialize, Deserialize)]
struct Kept {
    attempt: i64,
    #[serde(flatten)]
    name: KeptName,
    terms_mark: String,
}

#[derive(Serialize, Deserialize)]
struct KeptName {
    first_name: String,
    last_name: String,
}

fn asked(whose: &Whose, arrived: &Arrived) -> Option<Asked> {
    match whose {
        Whose::Nobody => Some(Asked::Account),
        Whose::Theirs(user) if user.state == UserState::Pending.as_str() => Some(Asked::Account),
        // Whether there is an account, and new people may come in, is not told.
        Whose::Unsure if !arrived.vouched => Some(Asked::Address),
        Whose::Unsure => Some(Asked::Proof),
        // Something happened meanwhile: whoever begins again is let in.
        Whose::Theirs(_) | Whose::Linked(..) => None,
    }
}

fn over() -> Stopped {
    Error::NotFound.into()
}

impl Desk<'_> {
    /// Who waits in a browser, if somebody does.
    pub async fn waiting(&self, browser: Option<&str>) -> Result<Option<Waiting>, Error> {
        let Some(hash) = browser_hash(browser) else { return Ok(None) };
        let now = self.db.now();
        let Some(attempt) = attempts::waiting(&mut self.db.read().await?, &hash, now).await? else { return Ok(None) };
        let provider = match self.provider_of(attempt.provider_id).await {
            Ok(provider) => provider,
            Err(Error::NotFound) => return Ok(None),
            Err(other) => return Err(other),
        };
        let arrived = self.unsealed(&provider, &attempt)?;
        if admit(&provider, &arrived).is_err() {
            return Ok(None);
        }
        let mut connection = self.db.read().await?;
        let found = match whose(&mut connection, &provider, &arrived).await {
            Ok(found) => found,
            Err(Stopped::Refused(_)) => return Ok(None),
            Err(Stopped::Failed(error)) => return Err(error),
        };
        let settings = sign_up::settings(&mut connection).await?;
        let passwords = super::passwords_allowed(&mut connection).await?.allowed;
        Ok(asked(&found, &arrived).map(|asked| Waiting { provider, arrived, asked, settings, passwords, attempt }))
    }

    /// Opens the account, or mails a link that does once the address is confirmed.
    ///
    /// # Errors
    /// `Invalid`, field by field; `TooMany` when mails were asked for too often; `NotFound` when nobody waits here.
    pub async fn join(&self, post: &Post, waiting: &Waiting, answer: &Answered, address: &str) -> Result<Joined, Stopped> {
        if waiting.asked == Asked::Proof {
            return self.mail(post, waiting, &name(&waiting.arrived), "", address).await;
        }
        let name = check(&answer.name, &waiting.settings, answer.terms.is_some(), &answer.shown_terms)?;
        if waiting.asked == Asked::Address {
            return self.mail(post, waiting, &name, &waiting.settings.terms_mark(), address).await;
        }
        let (provider, arrived) = (&waiting.provider, &waiting.arrived);
        let admin = auth::provider(&provider.display_name);
        let mut tx = self.taken(waiting).await?;
        let person = match whose(&mut tx, provider, arrived).await? {
            Whose::Nobody => provided::open(&mut tx, post, &admin, &arrived.email, &name, &waiting.settings).await?,
            Whose::Theirs(user) if user.state == UserState::Pending.as_str() => {
                provided::activate(&mut tx, post, &admin, &user, &name, &waiting.settings).await?
            }
            _ => return Err(over()),
        };
        let proven = self.link(&mut tx, &admin, provider, arrived, &person).await?;
        tx.commit().await?;
        post.wake();
        Ok(Joined::In(Box::new(proven), waiting.attempt.next.clone()))
    }

    /// A transaction in which the answer is given, once.
    async fn taken(&self, waiting: &Waiting) -> Result<Transaction, Stopped> {
        let mut tx = self.db.write().await?;
        let arrived = &waiting.arrived;
        let number = ids::number_of(&format!("{} {} {}", waiting.provider.id.0, arrived.tenant, arrived.subject));
        tx.one_at_a_time("arrival", number).await?;
        if attempts::delete(&mut tx, waiting.attempt.id).await? { Ok(tx) } else { Err(over()) }
    }

    /// Mails a link. The answer is the same whether there is an account or not.
    async fn mail(&self, post: &Post, waiting: &Waiting, name: &NewName, terms_mark: &str, address: &str) -> Result<Joined, Stopped> {
        let email = &waiting.arrived.email;
        sign_in::slow_down(self.db, self.keys, "provider confirmation", &ids::mailbox(email), address).await?;
        evenly(self.write(post, waiting, name, terms_mark)).await?;
        Ok(Joined::Mailed)
    }

    async fn write(&self, post: &Post, waiting: &Waiting, name: &NewName, terms_mark: &str) -> Result<(), Error> {
        let email = &waiting.arrived.email;
        let mut tx = self.db.write().await?;
        tx.one_at_a_time("sign up", ids::number_of(email)).await?;
        let user = match provided::of_address(&mut tx, email).await? {
            Some(user) if user.state == UserState::Blocked.as_str() => None,
            Some(user) => Some(user),
            None if waiting.asked == Asked::Address && waiting.provider.new_people => {
                Some(provided::wait(&mut tx, &auth::provider(&waiting.provider.display_name), email, name).await?)
            }
            None => None,
        };
        if let Some(user) = user {
            let kept_name = KeptName { first_name: name.first_name.clone(), last_name: name.last_name.clone() };
            let kept = Kept { attempt: waiting.attempt.id, name: kept_name, terms_mark: terms_mark.to_owned() };
            if provided::mail_confirmation(&mut tx, post, &user, &kept).await? {
                tx.commit().await?;
                post.wake();
            }
        }
        Ok(())
    }

    /// Links the account to the one with the same address, whose password this is.
    ///
    /// # Errors
    /// As `sign_in::sign_in`; `NotFound` when nobody waits here.
    pub async fn join_by_password(
        &self,
        passwords: &Passwords,
        waiting: &Waiting,
        password: &str,
        origin: &Origin,
    ) -> Result<Joined, Stopped> {
        if waiting.asked == Asked::Account {
            return Err(over());
        }
        super::demand_passwords(&mut self.db.read().await?).await?;
        if password.is_empty() {
            return Err(Error::invalid("password", "Type the password of your account here.").into());
        }
        let arrived = &waiting.arrived;
        let proven =
            sign_in::sign_in(self.db, self.keys, passwords, &arrived.email, password, origin).await.map_err(|error| match error {
                Error::Invalid(_) => Error::invalid("password", "This is not the password of an account with your address."),
                other => other,
            })?;
        self.link_waiting(waiting, &proven.person).await
    }

    async fn link_waiting(&self, waiting: &Waiting, person: &Person) -> Result<Joined, Stopped> {
        let mut tx = self.taken(waiting).await?;
        let proven =
            self.link(&mut tx, &auth::provider(&waiting.provider.display_name), &waiting.provider, &waiting.arrived, person).await?;
        tx.commit().await?;
        Ok(Joined::In(Box::new(proven), waiting.attempt.next.clone()))
    }

    /// What a mailed link would do in this browser: for whom it is, and who waits here.
    pub async fn find(&self, token: &str, browser: Option<&str>) -> Result<Result<Waiting, Unfit>, Error> {
        let now = self.db.now();
        let mut connection = self.db.read().await?;
        let found = links::find(&mut connection, now, Purpose::Provider, token).await?;
        let Found::Open(holder) = found else { return Ok(Err(Unfit::Link(found))) };
        let kept: Kept = holder.data()?;
        let attempt = attempts::waiting_of(&mut connection, kept.attempt, now).await?;
        drop(connection);
        let Some(attempt) = attempt else { return Ok(Err(Unfit::Link(Found::Expired))) };
        if browser_hash(browser).as_ref() != Some(&attempt.browser_hash) {
            return Ok(Err(Unfit::OtherBrowser));
        }
        let provider = self.provider_of(attempt.provider_id).await?;
        let arrived = self.unsealed(&provider, &attempt)?;
        if admit(&provider, &arrived).is_err() {
            return Ok(Err(Unfit::Link(Found::Expired)));
        }
        let mut connection = self.db.read().await?;
        let settings = sign_up::settings(&mut connection).await?;
        let passwords = super::passwords_allowed(&mut connection).await?.allowed;
        let asked = if holder.state == UserState::Pending.as_str() { Asked::Address } else { Asked::Proof };
        Ok(Ok(Waiting { provider, arrived, asked, settings, passwords, attempt }))
    }

    /// Confirms the address by a mailed link, in the browser in which somebody came: opens the account, or links the one that there is.
    ///
    /// # Errors
    /// `NotFound` when the link does nothing here; `find` says why.
    pub async fn confirm(&self, post: &Post, token: &str, browser: Option<&str>) -> Result<Joined, Stopped> {
        let Ok(waiting) = self.find(token, browser).await? else { return Err(over()) };
        let (provider, arrived) = (&waiting.provider, &waiting.arrived);
        let admin = auth::provider(&provider.display_name);
        let mut tx = self.taken(&waiting).await?;
        let holder = links::take(&mut tx, Purpose::Provider, token).await?.ok_or_else(over)?;
        let kept: Kept = holder.data()?;
        let user: User = provided::of_key(&mut tx, holder.person.id).await?.ok_or_else(over)?;
        if ids::fold(&user.email) != ids::fold(&arrived.email) {
            return Err(over());
        }
        let person = match user.state.as_str() {
            "active" => user.person(),
            "pending" if kept.terms_mark == waiting.settings.terms_mark() || waiting.settings.terms.is_empty() => {
                let said = NewName { first_name: kept.name.first_name, last_name: kept.name.last_name };
                // What a provider says need not be a name.
                let name = check(&said, &SignUp::default(), true, "")
                    .unwrap_or_else(|_| NewName { first_name: user.first_name.clone(), last_name: user.last_name.clone() });
                provided::activate(&mut tx, post, &admin, &user, &name, &waiting.settings).await?
            }
            "pending" => {
                return Err(Error::Conflict(
                    "The terms of use were changed since you accepted them. Sign in by the provider again.".to_owned(),
                )
                .into());
            }
            _ => {
                return Err(super::attempts::Refused::new(Refusal::Blocked, "The user was blocked before the address was confirmed.")
                    .of(user.id)
                    .into());
            }
        };
        let proven = self.link(&mut tx, &admin, provider, arrived, &person).await?;
        tx.commit().await?;
        post.wake();
        Ok(Joined::In(Box::new(proven), waiting.attempt.next.clone()))
    }
}

/// Why a mailed link does nothing here.
pub enum Unfit {
    Link(Found),
    OtherBrowser,
}
