//! Who is told of what happens: administrators, and addresses that belong to nobody here.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Kind, Mail, Post, Values, store, write};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Transaction},
    error::{Error, Problems},
    ids::{self, UserId, is_email},
};

/// What somebody may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    SubscriptionRequested,
    SubscriptionNew,
    AccountClosed,
    SignUp,
    /// Every mail to a developer, as a blind copy.
    Bcc,
}

impl Event {
    pub const ALL: [Event; 5] = [Event::SubscriptionRequested, Event::SubscriptionNew, Event::AccountClosed, Event::SignUp, Event::Bcc];

    pub fn name(self) -> &'static str {
        match self {
            Event::SubscriptionRequested => "subscription_requested",
            Event::SubscriptionNew => "subscription_new",
            Event::AccountClosed => "account_closed",
            Event::SignUp => "sign_up",
            Event::Bcc => "bcc",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Event::SubscriptionRequested => "Subscription requests",
            Event::SubscriptionNew => "New subscriptions",
            Event::AccountClosed => "Account closed",
            Event::SignUp => "New sign-ups",
            Event::Bcc => "Blind copies",
        }
    }

    pub fn what(self) -> &'static str {
        match self {
            Event::SubscriptionRequested => "Somebody asks for a subscription that needs approval.",
            Event::SubscriptionNew => "A subscription has become active.",
            Event::AccountClosed => "A developer has closed the account.",
            Event::SignUp => "Somebody signed up and confirmed the address.",
            Event::Bcc => "Every mail to a developer is sent here too, unless it holds a link that lets its reader in.",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    fn kind(self) -> Option<Kind> {
        match self {
            Event::SubscriptionRequested => Some(Kind::NoticeSubscriptionRequested),
            Event::SubscriptionNew => Some(Kind::NoticeSubscriptionNew),
            Event::AccountClosed => Some(Kind::NoticeAccountClosed),
            Event::SignUp => Some(Kind::NoticeSignUp),
            Event::Bcc => None,
        }
    }
}

/// Who is told of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub every_administrator: bool,
    /// Administrators by their names in addresses.
    pub administrators: Vec<String>,
    pub addresses: Vec<String>,
    #[serde(skip)]
    pub version: i64,
}

pub async fn get(connection: &mut Connection, event: Event) -> Result<Told, Error> {
    store::told::told(connection, event.name()).await
}

/// Addresses, as typed: apart by commas, semicolons or lines, alone or as `Name <address>`; addresses alone by spaces too.
pub fn split(text: &str) -> Vec<String> {
    let mut known = HashSet::new();
    let parts = text.split([',', ';', '\n', '\r']).flat_map(|part| {
        let part = part.trim();
        match part.rsplit_once('<').and_then(|(_, inside)| inside.strip_suffix('>')) {
            Some(address) => vec![address.trim()],
            None => part.split_whitespace().collect(),
        }
    });
    parts.filter(|part| known.insert(ids::fold(part))).map(str::to_owned).collect()
}

const MOST: usize = 50;

/// Says who is told of an event from now on. False when nothing is different.
///
/// # Errors
/// `Invalid` on `addresses`; `Stale` when it was changed since the form was shown.
pub async fn set(db: &Database, admin: &Administrator, event: Event, version: i64, mut told: Told) -> Result<bool, Error> {
    let mut problems = Problems::default();
    if let Some(wrong) = told.addresses.iter().find(|address| !is_email(address) || address.len() > 254) {
        let wrong: String = wrong.chars().take(60).collect();
        let wanted = "Write each on a line of its own, as ana@contoso.example or Ana Alves <ana@contoso.example>.";
        problems.add("addresses", format!("“{wrong}” is not an email address. {wanted}"));
    } else if told.addresses.len() > MOST {
        problems.add("addresses", format!("At most {MOST} addresses; use a mailing list for more."));
    }
    problems.or(())?;
    let mut tx = db.write().await?;
    let before = get(&mut tx, event).await?;
    told.administrators = store::told::administrators_named(&mut tx, &told.administrators).await?;
    let same = Told { version: before.version, ..told.clone() } == before;
    if same {
        return Ok(false);
    }
    if !store::told::put_told(&mut tx, event.name(), version, &told).await? {
        return Err(Error::Stale);
    }
    let subject = Subject { kind: "mail", key: None, display: event.title().to_owned() };
    audit::record(&mut tx, admin.actor(), "mail.notifications_edited", subject, Some(before), Some(told)).await?;
    tx.commit().await?;
    Ok(true)
}

/// Tells those who are to be told, in the transaction of what happened.
pub async fn tell(tx: &mut Transaction, post: &Post, event: Event, values: &Values) -> Result<(), Error> {
    let Some(kind) = event.kind() else { return Ok(()) };
    for to in store::told::recipients(tx, event.name()).await? {
        write(tx, post, Mail::new(kind, to, values.clone())).await?;
    }
    Ok(())
}

/// Who gets a blind copy of a mail to this address.
pub(super) async fn blind_copies(tx: &mut Transaction, to: &str) -> Result<Vec<String>, Error> {
    let to = ids::fold(to);
    let copies = store::told::recipients(tx, Event::Bcc.name()).await?;
    Ok(copies.into_iter().map(|recipient| recipient.email).filter(|email| ids::fold(email) != to).collect())
}

/// An administrator who may be chosen.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Choice {
    pub id: UserId,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
}

impl Choice {
    pub fn display(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_alone_or_with_names() {
        let text = "a@x.example b@x.example, Ana Alves <ana@x.example>;\r\n\"Berg, Bo\" <bo@x.example>\nA@X.example\n<c@x.example>\n";
        assert_eq!(split(text), ["a@x.example", "b@x.example", "ana@x.example", "\"Berg", "bo@x.example", "c@x.example"]);
        assert_eq!(split(" \n,; "), Vec::<String>::new());
        assert_eq!(split("Ana <> <x"), ["Ana", "<>", "<x"]);
    }
}
