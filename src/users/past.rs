//! Users who are put in as they are, many at a time: to fill a database that is to be measured.

use super::{CheckedUser, UserFacts, UserState, store};
use crate::{
    audit::{self, Actor, PastEntry, Subject},
    db::{Instant, Transaction},
    error::Error,
    ids::UserId,
};

/// A user with a past.
#[derive(Clone, Debug)]
pub struct PastUser {
    pub id: UserId,
    pub name: String,
    pub profile: CheckedUser,
    pub state: UserState,
    pub administrator: bool,
    pub registered_at: Instant,
    pub last_sign_in_at: Option<Instant>,
    /// Who added it.
    pub added_by: Actor,
}

impl PastUser {
    pub fn display(&self) -> String {
        format!("{} {}", self.profile.first_name, self.profile.last_name)
    }
}

/// Puts users in, who all have the same password, and the audit entries for them; in the order of their registration.
pub async fn insert_past(tx: &mut Transaction, users: &[PastUser], password_hash: &str) -> Result<(), Error> {
    let Some(last) = users.last() else { return Ok(()) };
    store::past::insert(tx, users, password_hash).await?;
    tx.keys_given("users", last.id.0).await?;
    let entry = |user: &PastUser| {
        let profile = user.profile.clone();
        let facts = UserFacts {
            email: profile.email,
            first_name: profile.first_name,
            last_name: profile.last_name,
            state: user.state.as_str().to_owned(),
            administrator: user.administrator,
            note: profile.note,
        };
        let subject = Subject::new("user", user.id.0, user.display());
        PastEntry::new(user.registered_at, user.added_by.clone(), "user.created", subject, Some(facts))
    };
    audit::record_past(tx, &users.iter().map(entry).collect::<Result<Vec<_>, _>>()?).await
}
