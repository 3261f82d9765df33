//! What administrators do with subscriptions, one or many at once: approve, decline, suspend, activate, cancel. Each owner is told by mail.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{State, Subscription, ends, store, told};
use crate::{
    audit::{self, Subject},
    auth::Administrator,
    db::{Connection, Database, Instant, Transaction},
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

/// Those of these names, the oldest first; what is not there is left out.
pub async fn get_many(connection: &mut Connection, names: &[String]) -> Result<Vec<store::Held>, Error> {
    store::held(connection, names).await
}

/// What a decision did.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    pub changed: Vec<Subscription>,
    /// Those in another state than it needs, as they are: somebody else was quicker, or it makes no sense for them.
    pub others: Vec<Subscription>,
    /// The audit entry, where it can be taken back.
    pub entry: Option<String>,
}

#[derive(Serialize)]
struct BulkFacts {
    state: State,
    subscriptions: Vec<String>,
    /// At which version each was left, where it can be taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<i64>,
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
    let decided = decide_in(&mut tx, post, admin, names, decision, (&comment, ends)).await?;
    tx.commit().await?;
    post.wake();
    Ok(decided)
}

/// As `decide`, in the caller's transaction, with remarks that were checked.
pub(super) async fn decide_in(
    tx: &mut Transaction,
    post: &Post,
    admin: &Administrator,
    names: &[String],
    decision: Decision,
    (comment, ends): (&str, Option<Option<Instant>>),
) -> Result<Decided, Error> {
    let held = store::held(tx, names).await?;
    let keys: Vec<i64> = held.iter().map(|one| one.subscription.id.0).collect();
    let changed = store::set_state(tx, &keys, decision.from(), decision.to(), Some(comment), ends).await?;
    if decision == Decision::Approve {
        ends::note_told(tx, &changed.iter().map(|one| one.0).collect::<Vec<_>>()).await?;
    }
    let mut decided = Decided::default();
    if changed.len() < held.len() {
        // As they are by now: somebody else may have been quicker while this waited.
        let now = store::held(tx, names).await?;
        decided.others = now.into_iter().map(|one| one.subscription).filter(|one| !changed.contains(&one.id)).collect();
    }
    let of_those = held.into_iter().filter(|one| changed.contains(&one.subscription.id)).collect();
    let (changed, entry) = note(tx, (post, admin), decision, of_those, (comment, ends)).await?;
    (decided.changed, decided.entry) = (changed, entry.filter(|_| decision == Decision::Suspend));
    Ok(decided)
}

/// Writes down what was done with these, as they were before, and tells their owners. They, and the entry when there are any.
async fn note(
    tx: &mut Transaction,
    (post, admin): (&Post, &Administrator),
    decision: Decision,
    held: Vec<store::Held>,
    (comment, ends): (&str, Option<Option<Instant>>),
) -> Result<(Vec<Subscription>, Option<String>), Error> {
    let (mut mails, mut was, mut done) = (Vec::new(), Vec::new(), Vec::new());
    for mut one in held {
        was.push(one.subscription.facts(one.subscription.state()));
        one.subscription.expires_at = ends.unwrap_or(one.subscription.expires_at);
        let values = told(post, &one.subscription).set("Comment", comment).set("SubDeclineReason", comment);
        mails.push(Mail::new(decision.mail(), one.owner(), values));
        done.push(one.subscription);
    }
    let undoable = decision == Decision::Suspend;
    let versions: Vec<i64> = done.iter().filter(|_| undoable).map(|one| one.version + 1).collect();
    let entry = match done.as_slice() {
        [] => return Ok((done, None)),
        [one] => {
            let mut is = serde_json::to_value(one.facts(decision.to()))?;
            if !comment.is_empty() {
                is["comment"] = comment.into();
            }
            if undoable {
                is["versions"] = versions.into();
            }
            audit::record(tx, admin.actor(), decision.action(), one.subject(), was.pop(), Some(is)).await?
        }
        many => {
            let subject = Subject { kind: "subscription", key: None, display: format!("{} subscriptions", many.len()) };
            let subscriptions = many.iter().map(|one| one.name.clone()).collect();
            let facts = BulkFacts { state: decision.to(), subscriptions, versions, comment: comment.to_owned() };
            audit::record(tx, admin.actor(), decision.action(), subject, audit::NOTHING, Some(facts)).await?
        }
    };
    for mail in mails {
        mail::write(tx, post, mail).await?;
    }
    Ok((done, Some(entry)))
}

/// What an entry of suspending says, of one or of many.
#[derive(Deserialize)]
struct Suspended {
    name: Option<String>,
    #[serde(default)]
    subscriptions: Vec<String>,
    #[serde(default)]
    versions: Vec<i64>,
}

/// What taking back did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    pub active: usize,
    /// Those that somebody has changed since.
    pub left: usize,
}

/// Takes back a suspension, once: those that nobody has changed since are active again, and their owners are told. None when the entry
/// is of another kind.
///
/// # Errors
/// `Conflict` when it was undone already.
pub async fn undo_suspension(db: &Database, post: &Post, admin: &Administrator, entry: &str) -> Result<Option<Resumed>, Error> {
    let mut tx = db.write().await?;
    let entry = audit::get(&mut tx, entry).await?;
    let facts = audit::Entry::state::<Suspended>(&entry.after).filter(|_| entry.action == Decision::Suspend.action());
    let Some(facts) = facts.filter(|facts| !facts.versions.is_empty()) else { return Ok(None) };
    let undone = || Error::Conflict("This was undone already.".to_owned());
    if entry.undone_by.is_some() {
        return Err(undone());
    }
    let names: Vec<String> = facts.name.into_iter().chain(facts.subscriptions).collect();
    let left_at: HashMap<&String, i64> = names.iter().zip(facts.versions).collect();
    let held = store::take(&mut tx, &names).await?;
    let same = |one: &store::Held| {
        let one = &one.subscription;
        // One that was made later under the same name is another.
        one.state() == State::Suspended && left_at.get(&one.name) == Some(&one.version) && one.created_at <= entry.at
    };
    let held: Vec<store::Held> = held.into_iter().filter(same).collect();
    let resumed = Resumed { active: held.len(), left: names.len() - held.len() };
    let keys: Vec<i64> = held.iter().map(|one| one.subscription.id.0).collect();
    store::set_state(&mut tx, &keys, Decision::Activate.from(), State::Active, Some(""), None).await?;
    let (_, by) = note(&mut tx, (post, admin), Decision::Activate, held, ("", None)).await?;
    if !audit::mark_undone(&mut tx, entry.id, by.as_deref().unwrap_or("nothing left to undo")).await? {
        return Err(undone());
    }
    tx.commit().await?;
    post.wake();
    Ok(Some(resumed))
}
