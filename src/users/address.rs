//! Another address for one's own account: asked for with the password, confirmed by a link to the new address. Whoever asks is not told
//! whether somebody has that address; the old one hears of it in any case.

use serde::{Deserialize, Serialize};

use super::{
    User, UserState, get,
    recovery::{MAILS_A_DAY, PRESSED_TWICE, evenly, has_enough},
    sign_up, store,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{
        Confirmed, SignedIn,
        links::{self, Found, Purpose},
        sign_in,
    },
    db::{Database, Instant},
    error::Error,
    ids,
    keys::Keys,
    mail::{self, Kind, Mail, Post, Recipient, Values},
};

/// What is kept with the link, and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NewAddress {
    email: String,
}

/// Mails a link to the new address; or, when somebody has it, a word to them.
///
/// # Errors
/// `Invalid` on `email`; `TooMany`, whether somebody has the address or not.
pub async fn ask(
    db: &Database,
    keys: &Keys,
    post: &Post,
    (who, _): (&SignedIn, Confirmed),
    email: &str,
    address: &str,
) -> Result<(), Error> {
    let email = email.trim();
    if !ids::is_email(email) || email.chars().count() > 254 {
        let message = if email.is_empty() { "Type the new address." } else { "This is not an email address." };
        return Err(Error::invalid("email", message));
    }
    if ids::is_disguised(email) {
        return Err(Error::invalid("email", super::sign_up::DISGUISED));
    }
    if ids::fold(email) == ids::fold(&who.person().email) {
        return Err(Error::invalid("email", "This is your address already."));
    }
    sign_in::slow_down(db, keys, "change of address", &who.person().email, address).await?;
    evenly(async {
        let mut tx = db.write().await?;
        let new = NewAddress { email: email.to_owned() };
        // Also locks: pressed twice, it is asked for once.
        let since = tx.now().minus(PRESSED_TWICE);
        if let Some(data) = links::newest_data(&mut tx, Purpose::EmailChange, who.id(), since).await?
            && serde_json::from_str::<NewAddress>(&data)? == new
        {
            return Ok(());
        }
        if has_enough(&mut tx, who.id(), Kind::EmailChangeAsked, Some(Purpose::EmailChange)).await? {
            return Ok(());
        }
        // A link is made in any case, so that the next question finds the same.
        let link = post.url(&links::make(&mut tx, Purpose::EmailChange, who.id(), &new).await?);
        let person = who.person();
        let sign_in_url = post.url("/signin");
        let taken = store::email_taken(&mut tx, &ids::fold(email), None).await?;
        let since = tx.now().minus(time::Duration::days(1));
        match store::find_by_email(&mut tx, email).await?.filter(|_| taken) {
            // Whoever has the address has no account, and no way to stop accounts that ask for it.
            None if mail::count_to(&mut tx, email, Kind::EmailChange, since).await? >= MAILS_A_DAY => {}
            None => {
                let to = Recipient { email: email.to_owned(), ..Recipient::of(person) };
                let values = Values::default().set("NewEmail", email).set("ValidFor", Purpose::EmailChange.life().1);
                mail::write(&mut tx, post, Mail { link: Some(link), ..Mail::new(Kind::EmailChange, to, values) }).await?;
            }
            Some(user) if user.state == UserState::Active.as_str() && !has_enough(&mut tx, user.id, Kind::AddressInUse, None).await? => {
                let values = Values::default().set("SignInUrl", sign_in_url.clone());
                mail::write(&mut tx, post, Mail::new(Kind::AddressInUse, Recipient::of(&user.person()), values)).await?;
            }
            Some(_) => {}
        }
        let values = Values::default().set("NewEmail", email).set("SignInUrl", sign_in_url);
        mail::write(&mut tx, post, Mail::new(Kind::EmailChangeAsked, Recipient::of(person), values)).await?;
        let subject = Subject::new("user", who.id().0, person.display());
        audit::record(&mut tx, who.actor(), "user.email_change_asked", subject, NOTHING, Some(new)).await?;
        tx.commit().await?;
        post.wake();
        Ok(())
    })
    .await
}

/// The address that one's own account goes by once it is confirmed, and until when it can be.
pub async fn waiting(db: &Database, who: &SignedIn) -> Result<Option<(String, Instant)>, Error> {
    let now = db.now();
    Ok(match links::open_data(&mut db.read().await?, now, Purpose::EmailChange, who.id()).await? {
        Some((data, until)) => Some((serde_json::from_str::<NewAddress>(&data)?.email, until)),
        None => None,
    })
}

/// Withdraws a change that waits: its link opens nothing any more. False when none waited.
pub async fn withdraw(db: &Database, who: &SignedIn) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    if !links::forget(&mut tx, Purpose::EmailChange, who.id()).await? {
        return Ok(false);
    }
    let subject = Subject::new("user", who.id().0, who.person().display());
    audit::record(&mut tx, who.actor(), "user.email_change_withdrawn", subject, NOTHING, NOTHING).await?;
    tx.commit().await?;
    Ok(true)
}

/// What a link to confirm an address opens: whose it is, and the address.
pub async fn find(db: &Database, token: &str) -> Result<(Found, String), Error> {
    let now = db.now();
    let found = links::find(&mut db.read().await?, now, Purpose::EmailChange, token).await?;
    Ok(match found {
        Found::Open(holder) if holder.state != UserState::Active.as_str() => (Found::Unknown, String::new()),
        Found::Open(holder) => {
            let email = holder.data::<NewAddress>()?.email;
            (Found::Open(holder), email)
        }
        found => (found, String::new()),
    })
}

/// The account goes by the new address from now on. Whose it is.
///
/// # Errors
/// `NotFound` when the link does not work, `find` says why; `Conflict` when somebody has the address by now.
pub async fn confirm(db: &Database, token: &str) -> Result<User, Error> {
    let (Found::Open(_), _) = find(db, token).await? else { return Err(Error::NotFound) };
    let mut tx = db.write().await?;
    let Some(holder) = links::take(&mut tx, Purpose::EmailChange, token).await? else { return Err(Error::NotFound) };
    let user = get(&mut tx, &holder.person.name).await?;
    let email = holder.data::<NewAddress>()?.email;
    let taken = || Error::Conflict("Somebody has an account with this address by now, so nothing was changed.".to_owned());
    sign_up::give_way(&mut tx, &holder.actor(), &[ids::fold(&email)]).await?;
    if store::email_taken(&mut tx, &ids::fold(&email), Some(user.id)).await? {
        return Err(taken());
    }
    let edited = User { email, ..user.clone() };
    if !store::update(&mut tx, &edited, user.version).await.map_err(|error| if error.is_taken("email") { taken() } else { error })? {
        return Err(Error::Stale);
    }
    // What was mailed to the old address opens nothing any more.
    links::forget(&mut tx, Purpose::PasswordReset, user.id).await?;
    let subject = Subject::new("user", user.id.0, edited.display());
    audit::record(&mut tx, &holder.actor(), "user.email_changed", subject, Some(user.facts()), Some(edited.facts())).await?;
    tx.commit().await?;
    Ok(edited)
}
