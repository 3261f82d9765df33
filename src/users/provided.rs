//! Accounts of people who come by an identity provider: they have no password, and are opened when their address is vouched for or confirmed.

use serde::Serialize;

use super::{
    NewName, NewUser, User, UserFacts, UserState, insert, invitations,
    recovery::{has_enough, mail_link},
    sign_up::SignUp,
    store,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Administrator, Person,
        links::{self, Purpose},
    },
    db::{Connection, Transaction},
    error::{Error, Problems},
    ids::{ProviderId, UserId},
    mail::{self, Kind, Mail, Post, Recipient, Values, notifications},
};

/// The user of an address; a deleted one is nobody.
pub async fn of_address(connection: &mut Connection, email: &str) -> Result<Option<User>, Error> {
    store::find_by_email(connection, email).await
}

/// The user of that key; a deleted one is nobody.
pub async fn of_key(connection: &mut Connection, user: UserId) -> Result<Option<User>, Error> {
    Ok(store::of_keys(connection, &[user]).await?.pop())
}

/// Checks the names of whoever opens an account, and that the terms that they saw are those in force.
///
/// # Errors
/// `Invalid`, field by field.
pub fn check(name: &NewName, settings: &SignUp, accepted: bool, shown: &str) -> Result<NewName, Error> {
    let mut problems = Problems::default();
    let first_name = problems.person("first_name", "The first name", &name.first_name, 1);
    let last_name = problems.person("last_name", "The last name", &name.last_name, 1);
    settings.demand_terms(&mut problems, "go on", accepted, shown);
    problems.or(NewName { first_name, last_name })
}

#[derive(Serialize)]
struct OpenedFacts {
    #[serde(flatten)]
    user: UserFacts,
    terms_accepted: bool,
}

/// Opens the account of somebody whom nobody knows here, at an address that is theirs. Names and terms were checked.
pub async fn open(
    tx: &mut Transaction,
    post: &Post,
    provider: &Administrator,
    email: &str,
    name: &NewName,
    settings: &SignUp,
) -> Result<Person, Error> {
    let new =
        NewUser { email: email.to_owned(), first_name: name.first_name.clone(), last_name: name.last_name.clone(), note: String::new() };
    let person = insert(tx, provider, &new.check()?, None, UserState::Active, false).await?;
    opened(tx, post, &person, settings).await?;
    Ok(person)
}

/// Opens the account of somebody who was invited, or signed up and has not confirmed the address, which is theirs. They have no password.
pub async fn activate(
    tx: &mut Transaction,
    post: &Post,
    provider: &Administrator,
    user: &User,
    name: &NewName,
    settings: &SignUp,
) -> Result<Person, Error> {
    let named = User { first_name: name.first_name.clone(), last_name: name.last_name.clone(), ..user.clone() };
    let signed_up = store::sign_up::is_signed_up(tx, user.id).await?;
    if !store::invitations::accept(tx, &named, None).await? {
        return Err(Error::Conflict("The account was changed a moment ago. Sign in again.".to_owned()));
    }
    invitations::begin_in(tx, user.id).await?;
    let active = User { state: UserState::Active.as_str().to_owned(), ..named };
    let facts = OpenedFacts { user: active.facts(), terms_accepted: !settings.terms.is_empty() };
    let subject = Subject::new("user", user.id.0, active.display());
    let action = if signed_up { "user.sign_up_confirmed" } else { "user.invitation_accepted" };
    audit::record(tx, provider.actor(), action, subject, Some(user.facts()), Some(facts)).await?;
    let person = active.person();
    opened(tx, post, &person, settings).await?;
    Ok(person)
}

async fn opened(tx: &mut Transaction, post: &Post, person: &Person, settings: &SignUp) -> Result<(), Error> {
    if !settings.terms.is_empty() {
        let now = tx.now();
        store::sign_up::accept_terms(tx, person.id, &settings.terms, now).await?;
    }
    mail::write(tx, post, Mail::new(Kind::NewDeveloper, Recipient::of(person), Values::default())).await?;
    let told = Values::default().set("Developer", person.display()).set("DeveloperEmail", person.email.clone());
    notifications::tell(tx, post, notifications::Event::SignUp, &told.set("PageUrl", post.url(&super::path(&person.name)))).await
}

/// A pending account for an address that its person is still to confirm.
pub async fn wait(tx: &mut Transaction, provider: &Administrator, email: &str, name: &NewName) -> Result<User, Error> {
    let new =
        NewUser { email: email.to_owned(), first_name: name.first_name.clone(), last_name: name.last_name.clone(), note: String::new() };
    let checked = new.check()?;
    let handle = crate::ids::random_name(12);
    let id = store::insert(tx, &handle, &checked, None, UserState::Pending, false).await?;
    store::sign_up::mark(tx, id).await?;
    let user = super::get(tx, &handle).await?;
    let subject = Subject::new("user", id.0, user.display());
    audit::record(tx, provider.actor(), "user.signed_up", subject, NOTHING, Some(user.facts())).await?;
    Ok(user)
}

/// Mails a link that confirms that whoever came by a provider reads the mail of this address. False when so many were sent that none
/// further is.
pub async fn mail_confirmation(tx: &mut Transaction, post: &Post, user: &User, data: &impl Serialize) -> Result<bool, Error> {
    if has_enough(tx, user.id, Kind::ConfirmProvider, Some(Purpose::Provider)).await? {
        return Ok(false);
    }
    // A stranger may have typed the names, which are words in somebody's mailbox then.
    let to = match user.state == UserState::Pending.as_str() {
        true => Recipient { user: Some(user.id), email: user.email.clone(), ..Recipient::default() },
        false => Recipient::of(&user.person()),
    };
    mail_link(tx, post, (Kind::ConfirmProvider, Purpose::Provider), to, data).await
}

/// Brings somebody's role to what a provider says of it: it takes only what it gave. Whether anything changed.
pub async fn report_administrator(
    tx: &mut Transaction,
    provider: &Administrator,
    id: ProviderId,
    user: UserId,
    administers: bool,
) -> Result<bool, Error> {
    // In one order with whoever changes roles and states.
    store::administrators(tx).await?;
    let Some(user) = of_key(tx, user).await? else { return Ok(false) };
    let by = store::administrator_by(tx, user.id).await?;
    let (is, action) = match (user.administrator, by) {
        (false, _) if administers && user.state == UserState::Active.as_str() => (true, "user.administrator_granted"),
        (true, Some(by)) if !administers && by == id => (false, "user.administrator_revoked"),
        _ => return Ok(false),
    };
    let after = UserFacts { administrator: is, ..user.facts() };
    audit::record(tx, provider.actor(), action, Subject::new("user", user.id.0, user.display()), Some(user.facts()), Some(after)).await?;
    store::set_administrator(tx, user.id, is, is.then_some(id)).await?;
    if is {
        // Asked for when there was less to be had.
        links::forget(tx, Purpose::EmailChange, user.id).await?;
    }
    Ok(true)
}

/// Takes the role from everybody who has it from a provider.
pub async fn end_administrators(tx: &mut Transaction, provider: &Administrator, id: ProviderId) -> Result<(), Error> {
    for user in store::administrators_by(tx, id).await? {
        if !report_administrator(tx, provider, id, user, false).await? {
            // Whoever is deleted by now.
            store::set_administrator(tx, user, false, None).await?;
        }
    }
    Ok(())
}

pub async fn count_administrators(connection: &mut Connection, id: ProviderId) -> Result<i64, Error> {
    Ok(i64::try_from(store::administrators_by(connection, id).await?.len()).unwrap_or(i64::MAX))
}

/// The provider that made somebody an administrator.
pub async fn administrator_by(connection: &mut Connection, user: UserId) -> Result<Option<ProviderId>, Error> {
    store::administrator_by(connection, user).await
}
