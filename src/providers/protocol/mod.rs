//! How a provider is spoken to: discovery and keys, the code flow, GitHub's own way. What it says is checked here; what follows from it is
//! decided in `arriving`.

mod code;
mod directory;
mod discovery;
mod github;
mod logout;
mod net;
pub mod testing;

use serde::{Deserialize, Serialize};

pub use code::{Leaving, Returned};
pub use discovery::Memory;
pub use logout::{SignedOut, remembered};

use super::{Kind, Provider};
use crate::{db::Instant, error::Error, groups::Reported};

/// Why a sign-in went no further: what the person is told, and what the administrator is.
#[derive(Debug)]
pub struct Trouble {
    pub what: What,
    /// A sentence for the audit log. No token, code or secret may be in it.
    pub why: String,
    /// Before when it asks not to be asked again, in seconds from now.
    pub retry_after: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It does not answer, or not as it should.
    Away,
    /// It answers what must not be believed.
    Untrusted,
    /// The person, or the provider, said no.
    Denied,
    /// It has another password than is kept here, say.
    Misconfigured,
}

/// What lets the portal ask further about somebody. `Debug` keeps it to itself.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant(String);

impl Grant {
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub fn token(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grant(…)")
    }
}

impl Trouble {
    fn new(what: What, why: impl Into<String>) -> Self {
        Self { what, why: why.into(), retry_after: None }
    }

    fn away(why: impl Into<String>) -> Self {
        Self::new(What::Away, why)
    }

    pub(super) fn untrusted(why: impl Into<String>) -> Self {
        Self::new(What::Untrusted, why)
    }
}

/// Who came, as the provider says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Empty for a provider that has none.
    pub tenant: String,
    pub subject: String,
    /// Empty when it told none.
    pub email: String,
    /// The provider vouches for the address.
    pub vouched: bool,
    pub first_name: String,
    pub last_name: String,
    /// None when it said nothing of groups.
    pub groups: Option<Vec<Reported>>,
    /// Values of the claim `roles`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Entra's word that there are too many groups for a token (the claim `_claim_names`): the directory has to be asked.
    #[serde(default)]
    pub left_out: bool,
    /// What kept the directory from being asked.
    #[serde(default)]
    pub unread: Option<String>,
    /// A refresh token; of GitHub, which has none, the token itself.
    #[serde(default)]
    pub grant: Option<Grant>,
    /// What it calls its own session; empty when it says nothing.
    pub session: String,
    /// Seconds since 1970 at which the person proved who they are, if it says so.
    pub auth_time: Option<i64>,
}

impl Arrived {
    /// Whether a value of its groups or roles is said; none when the groups are not known.
    pub fn has(&self, value: &str) -> Option<bool> {
        let groups = self.groups.iter().flatten().any(|group| group.external_id == value);
        let is = groups || self.roles.iter().any(|role| role == value);
        let unknown = self.groups.is_none() && (self.left_out || self.unread.is_some());
        (is || !unknown).then_some(is)
    }
}

/// A provider and what is needed to speak to it.
pub struct Line<'p> {
    pub provider: &'p Provider,
    pub secret: String,
    /// What its directory asks for, where that is something else.
    pub directory_secret: String,
    /// Where it sends people back to, whole.
    pub redirect: String,
    pub memory: &'p Memory,
    pub now: Instant,
}

impl Line<'_> {
    /// Where a browser is sent, to come back with a code.
    pub async fn leave(&self, leaving: &Leaving) -> Result<String, Trouble> {
        match self.provider.kind() {
            Kind::GitHub => github::leave(self, leaving),
            _ => code::leave(self, &self.memory.of(self, false).await?.metadata, leaving),
        }
    }

    /// Who came back with a code.
    pub async fn arrive(&self, leaving: &Leaving, returned: &Returned) -> Result<Arrived, Trouble> {
        let arriving = async {
            let mut arrived = match self.provider.kind() {
                Kind::GitHub => github::arrive(self, leaving, returned).await,
                _ => code::arrive(self, leaving, returned).await,
            }?;
            self.complete(&mut arrived).await;
            Ok(arrived)
        };
        match tokio::time::timeout(net::IN_ALL, arriving).await {
            Ok(arrived) => arrived,
            Err(_) => Err(Trouble::away(format!("It did not answer within {} seconds.", net::IN_ALL.as_secs()))),
        }
    }

    /// Who somebody is by now, whom the provider has let in before.
    ///
    /// # Errors
    /// `Denied` when it does not know them any more, or wants to see them.
    pub async fn look_again(&self, grant: &Grant) -> Result<Arrived, Trouble> {
        let looking = async {
            let mut arrived = match self.provider.kind() {
                Kind::GitHub => github::look_again(self, grant).await,
                _ => code::look_again(self, grant).await,
            }?;
            self.complete(&mut arrived).await;
            Ok(arrived)
        };
        match tokio::time::timeout(net::IN_ALL, looking).await {
            Ok(arrived) => arrived,
            Err(_) => Err(Trouble::away(format!("It did not answer within {} seconds.", net::IN_ALL.as_secs()))),
        }
    }

    /// Whom a logout token is about.
    pub async fn read_logout(&self, token: &str) -> Result<SignedOut, Trouble> {
        logout::read(self, token).await
    }

    /// Where the provider's own session is ended, if it says so.
    pub async fn end_session(&self, back: &str) -> Option<String> {
        if !self.provider.kind().has_id_tokens() {
            return None;
        }
        let known = self.memory.of(self, false).await.ok()?;
        let mut url = super::form::endpoint(known.metadata.end_session_endpoint.as_ref()?).ok()?;
        url.query_pairs_mut().append_pair("client_id", &self.provider.client_id).append_pair("post_logout_redirect_uri", back);
        Some(url.into())
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Error::Conflict(trouble.why)
    }
}
