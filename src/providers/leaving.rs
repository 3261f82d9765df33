//! Signing out, as a provider tells of it: sessions that began by it end here too.

use serde::Serialize;

use super::{
    Provider,
    attempts::{Desk, Stopped},
    store::logouts as store,
};
use crate::{
    audit::{self, NOTHING, Subject},
    auth::{self, sign_in},
    keys::digest,
    users::provided,
};

#[derive(Serialize)]
struct EndedFacts {
    sessions: u64,
}

impl Desk<'_> {
    /// Ends what a provider's logout token says is over. How many sessions ended; a token that came before ends none.
    pub async fn signed_out(&self, provider: &Provider, token: &str) -> Result<u64, Stopped> {
        let line = self.line(provider).await?;
        let out = line.read_logout(token).await?;
        let mut tx = self.db.write().await?;
        let expires = tx.now().plus(super::protocol::remembered());
        if !store::remember(&mut tx, provider.id, &digest(&out.token), expires).await? {
            return Ok(0);
        }
        let admin = auth::provider(&provider.display_name);
        let mut ended = 0;
        for identity in store::signed_out(&mut tx, provider.id, &out).await? {
            let session = (!out.session.is_empty()).then_some(out.session.as_str());
            let sessions = sign_in::end_sessions_with(&mut tx, identity.id, session).await?;
            if sessions > 0
                && let Some(user) = provided::of_key(&mut tx, identity.user_id).await?
            {
                let subject = Subject::new("user", user.id.0, user.display());
                audit::record(&mut tx, admin.actor(), "user.sessions_ended", subject, NOTHING, Some(EndedFacts { sessions })).await?;
            }
            ended += sessions;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Where a provider ends its own session of whoever has just signed out here, if it says so.
    pub async fn ends_session(&self, provider: &Provider) -> Option<String> {
        let line = self.line(provider).await.ok()?;
        line.end_session(&format!("{}/signin", self.base)).await
    }
}
