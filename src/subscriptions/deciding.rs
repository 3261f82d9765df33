//! What administrators do with subscriptions, one or many at once: approve, decline, suspend, activate, cancel. Each owner is told by mail.

use serde::Serialize;

use super::{State, Subscription, ends, store, told};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database},
    error::{Error, Problems},
    mail::{self, Kind, Mail, Post},
};

/// What is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Approve,
    Decline,
    Suspend,
    Activate,
    Cancel,
}

impl Decision {
    pub const ALL: [Decision; 5] = [Decision::Approve, Decision::Decline, Decision::Suspend, Decision::Activate, Decision::Cancel];

    pub fn name(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Decline => "decline",
            Decision::Suspend => "suspend",
            Decision::Activate => "activate",
            Decision::Cancel => "cancel",
        }
    }

    /// On the button.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Approve => "Approve",
            Decision::Decline => "Decline",
            Decision::Suspend => "Suspend",
            Decision::Activate => "Activate",
            Decision::Cancel => "Cancel subscription",
        }
    }

    /// At the head of what is said of it afterwards.
    pub fn done(self) -> &'static str {
        match self {
            Decision::Approve => "Approved",
            Decision::Decline => "Declined",
            Decision::Suspend => "Suspended",
            Decision::Activate => "Activated",
            Decision::Cancel => "Cancelled",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.name() == name)
    }

    pub fn from(self) -> &'static [State] {
        match self {
            Decision::Approve | Decision::Decline => &[State::Submitted],
            Decision::Suspend => &[State::Active],
            Decision::Activate => &[State::Suspended],
            // A request is declined; its owner alone withdraws it.
            Decision::Cancel => &[State::Active, State::Suspended],
        }
    }

    pub fn to(self) -> State {
        match self {
            Decision::Approve | Decision::Activate => State::Active,
            Decision::Decline => State::Rejected,
            Decision::Suspend => State::Suspended,
            Decision::Cancel => State::Cancelled,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Decision::Approve => "subscription.approved",
            Decision::Decline => "subscription.declined",
            Decision::Suspend => "subscription.suspended",
            Decision::Activate => "subscription.activated",
            Decision::Cancel => "subscription.cancelled",
        }
    }

    fn mail(self) -> Kind {
        match self {
            Decision::Approve | Decision::Activate => Kind::SubscriptionActivated,
            Decision::Decline => Kind::SubscriptionDeclined,
            Decision::Suspend => Kind::SubscriptionSuspended,
            Decision::Cancel => Kind::SubscriptionCancelled,
        }
    }
}

/// A subscription of anybody, for administrators.
pub async fn get(connection: &mut Connection, name: &str) -> Result<store::Held, Error> {
    store::held(connection, &[name.to_owned()]).await?.pop().ok_or(Error::NotFound)
}

/// What a decision did.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    pub changed: Vec<Subscription>,
    /// Those in another state than it needs, as they are: somebody else was quicker, or it makes no sense for them.
    pub others: Vec<Subscription>,
}

#[derive(Serialize)]
struct BulkFacts {
    state: State,
    subscriptions: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: String,
}

/// What an administrator adds to a decision.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remarks<'a> {
    /// For the owners.
    pub comment: &'a str,
    /// Another last day, or none, for those that become active; without it, the end that they have.
    pub ends: Option<&'a str>,
}

/// Does it with those of the named subscriptions that are in a state for it.
///
/// # Errors
/// `Invalid` on `comment`, which may have 1,000 characters, and on `ends`.
pub async fn decide(
    db: &Database,
    post: &Post,
    admin: &Administrator,
    names: &[String],
    decision: Decision,
    remarks: Remarks<'_>,
) -> Result<Decided, Error> {
    let mut problems = Problems::default();
    let comment = problems.text("comment", "The comment", remarks.comment, 0, 1000);
    let day = remarks.ends.filter(|_| decision.to() == State::Active);
    let ends = day.map(|day| ends::end_of(&mut problems, day, db.now()));
    problems.or(())?;
    let mut tx = db.write().await?;
    let held = store::held(&mut tx, names).await?;
    let keys: Vec<i64> = held.iter().map(|one| one.subscription.id.0).collect();
    let changed = store::set_state(&mut tx, &keys, decision.from(), decision.to(), Some(&comment), ends).await?;
    if decision == Decision::Approve {
        ends::note_told(&mut tx, &changed.iter().map(|one| one.0).collect::<Vec<_>>()).await?;
    }
    let mut decided = Decided::default();
    let (mut mails, mut was) = (Vec::new(), Vec::new());
    if changed.len() < held.len() {
        // As they are by now: somebody else may have been quicker while this waited.
        let now = store::held(&mut tx, names).await?;
        decided.others = now.into_iter().map(|one| one.subscription).filter(|one| !changed.contains(&one.id)).collect();
    }
    for mut one in held.into_iter().filter(|one| changed.contains(&one.subscription.id)) {
        let before = one.subscription.facts(one.subscription.state());
        one.subscription.expires_at = ends.unwrap_or(one.subscription.expires_at);
        let values = told(post, &one.subscription).set("comment", comment.clone());
        mails.push(Mail::new(decision.mail(), one.owner(), values));
        was.push(before);
        decided.changed.push(one.subscription);
    }
    match decided.changed.as_slice() {
        [] => return Ok(decided),
        [one] => {
            let mut is = serde_json::to_value(one.facts(decision.to()))?;
            if !comment.is_empty() {
                is["comment"] = comment.into();
            }
            audit::record(&mut tx, admin.actor(), decision.action(), one.subject(), was.pop(), Some(is)).await?;
        }
        many => {
            let subject = Subject { kind: "subscription", key: None, display: format!("{} subscriptions", many.len()) };
            let facts = BulkFacts { state: decision.to(), subscriptions: many.iter().map(|one| one.name.clone()).collect(), comment };
            audit::record(&mut tx, admin.actor(), decision.action(), subject, audit::NOTHING, Some(facts)).await?;
        }
    }
    for mail in mails {
        mail::write(&mut tx, post, mail).await?;
    }
    tx.commit().await?;
    post.wake();
    Ok(decided)
}
