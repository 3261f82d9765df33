//! Directories: what a provider's groups are called and who is in them, asked of its API with the portal's own credentials, without anybody
//! signing in. What is answered is trusted no further than a report at a sign-in is.

mod graph;
mod keycloak;
mod okta;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{Arrived, Kind, Line, Trouble, What, code, discovery::DirectoryToken, net};
use crate::{
    fetch,
    groups::{self, Reported},
    providers::form::{endpoint, is_for_many_tenants},
};

/// What a search answers at most.
const FOUND: usize = 50;
/// Pages of one list; a directory's are of about a thousand rows.
const PAGES: usize = 300;
/// Seconds that are waited for a directory that is busy, and how often.
const PATIENCE: i64 = 5;
const TIMES: usize = 3;
/// Seconds by which a token is renewed before it is over.
const EARLY: i64 = 60;

/// A page of a list, and the address of the next one.
struct Page<T> {
    rows: Vec<T>,
    next: Option<String>,
}

impl Line<'_> {
    /// Groups whose name contains the words, or begins with them, as the directory sees fit.
    pub async fn search_groups(&self, tenant: &str, words: &str) -> Result<Vec<Reported>, Trouble> {
        let mut found = match self.provider.kind() {
            Kind::Entra => graph::search(self, tenant, words).await,
            Kind::Okta => okta::search(self, words).await,
            Kind::Keycloak => keycloak::search(self, words).await,
            _ => Ok(Vec::new()),
        }?;
        found.truncate(FOUND);
        Ok(found)
    }

    /// A group as it is called by now; none when the directory does not have it.
    pub async fn group(&self, tenant: &str, id: &str) -> Result<Option<Reported>, Trouble> {
        match self.provider.kind() {
            Kind::Entra => graph::group(self, tenant, id).await,
            Kind::Okta => okta::group(self, id).await,
            Kind::Keycloak => keycloak::group(self, id).await,
            _ => Ok(None),
        }
    }

    /// The subjects of who is in a group, and may sign in; none when there is no such group.
    pub async fn members(&self, tenant: &str, id: &str) -> Result<Option<Vec<String>>, Trouble> {
        match self.provider.kind() {
            Kind::Entra => graph::members(self, tenant, id).await,
            Kind::Okta => okta::members(self, id).await,
            Kind::Keycloak => keycloak::members(self, id).await,
            _ => Ok(None),
        }
    }

    /// The groups of an account; none when it is not there, or may not sign in.
    pub async fn groups_of(&self, tenant: &str, subject: &str) -> Result<Option<Vec<Reported>>, Trouble> {
        match self.provider.kind() {
            Kind::Entra => graph::groups_of(self, tenant, subject).await,
            Kind::Okta => okta::groups_of(self, subject).await,
            Kind::Keycloak => keycloak::groups_of(self, subject).await,
            _ => Ok(None),
        }
    }

    /// The tenants whose groups can be asked for; one without a name for a provider that has none.
    pub async fn tenants(&self) -> Result<Vec<String>, Trouble> {
        let listed = self.provider.allowed_tenants();
        if self.provider.kind() != Kind::Entra {
            return Ok(vec![String::new()]);
        }
        if !listed.is_empty() {
            return Ok(listed);
        }
        // Whatever name the address has for the tenant, the document has its ID.
        let issuer = self.memory.of(self, false).await?.metadata.issuer.clone();
        let tenant = issuer.split('/').nth(3).unwrap_or_default().to_ascii_lowercase();
        Ok(vec![tenant])
    }

    /// Brings in what the directory says of an account's groups: a token holds some of them, or names them otherwise. Where Entra does not let
    /// it be read at all, what the token holds counts.
    pub(super) async fn complete(&self, arrived: &mut Arrived) {
        if !self.provider.reads_directory() {
            if arrived.left_out {
                arrived.unread = Some(LEFT_OUT.to_owned());
            }
            return;
        }
        match self.groups_of(&arrived.tenant, &arrived.subject).await {
            Ok(groups) => arrived.groups = Some(groups.unwrap_or_default()),
            Err(trouble) => {
                let by_token = self.provider.kind() == Kind::Entra && trouble.what == What::Misconfigured;
                arrived.groups = arrived.groups.take().filter(|_| by_token);
                arrived.unread = Some(trouble.why);
            }
        }
    }

    /// The address of a thing in the directory; every part is escaped.
    fn place(&self, parts: &[&str]) -> Result<Url, Trouble> {
        let mut url = endpoint(&self.provider.directory).map_err(Trouble::away)?;
        url.path_segments_mut().map_err(|()| Trouble::away("The directory’s address is none."))?.pop_if_empty().extend(parts);
        Ok(url)
    }

    /// JSON from the directory; none when it says that there is no such thing.
    async fn read<T: DeserializeOwned>(&self, tenant: &str, url: &str) -> Result<Option<(T, fetch::Answer)>, Trouble> {
        let mut renewed = false;
        for tried in 0.. {
            let (scheme, token) = self.credential(tenant).await?;
            let headers = [
                ("accept", "application/json".to_owned()),
                ("authorization", format!("{scheme} {token}")),
                // Graph answers searches and casts only so (learn.microsoft.com/graph/aad-advanced-queries).
                ("consistencylevel", "eventual".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value));
            let answer = net::ask("GET", url, &headers, None).await.map_err(|why| Trouble::away(format!("The directory: {why}")))?;
            match answer.status {
                200 => {
                    let read = serde_json::from_slice(&answer.body);
                    let wrong = |why| Trouble::away(format!("The directory’s answer is not what it should be ({}).", net::place(&why)));
                    return Ok(Some((read.map_err(wrong)?, answer)));
                }
                404 if self.says_missing(&answer) => return Ok(None),
                401 if !renewed && scheme == "Bearer" => {
                    renewed = true;
                    self.memory.keep_token(self, tenant, None);
                }
                401 | 403 => {
                    let why = format!(
                        "The directory answered {}: the client may not read it. See what is said beside its address.",
                        answer.status
                    );
                    return Err(Trouble::new(What::Misconfigured, why));
                }
                429 | 503 => {
                    let seconds = retry_after(&answer).unwrap_or(PATIENCE);
                    if tried >= TIMES || seconds > PATIENCE {
                        let busy = Trouble::away("The directory is busy, and asks to be left alone for a while.");
                        return Err(Trouble { retry_after: Some(seconds.max(1)), ..busy });
                    }
                    tokio::time::sleep(std::time::Duration::from_secs(seconds.unsigned_abs())).await;
                }
                other => return Err(Trouble::away(format!("The directory answered {other} instead of 200."))),
            }
        }
        Err(Trouble::away("The directory does not answer."))
    }

    /// Whether it is the directory that does not have the thing, and not a server that has no such address.
    fn says_missing(&self, answer: &fetch::Answer) -> bool {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match self.provider.kind() {
            Kind::Entra => said["error"]["code"] == "Request_ResourceNotFound",
            Kind::Okta => said["errorCode"] == "E0000007",
            Kind::Keycloak => said["error"].as_str().is_some_and(|error| error.contains("not find") || error.contains("not found")),
            _ => false,
        }
    }

    /// With what the directory is asked: the word before it, and the token.
    async fn credential(&self, tenant: &str) -> Result<(&'static str, String), Trouble> {
        if self.provider.kind().has_directory_secret() {
            return Ok(("SSWS", self.directory_secret.clone()));
        }
        if let Some(token) = self.memory.token(self, tenant) {
            return Ok(("Bearer", token));
        }
        let known = self.memory.of(self, false).await?;
        let (endpoint, scope) = match self.provider.kind() {
            Kind::Entra => graph::token_endpoint(self, &known.metadata.token_endpoint, tenant)?,
            _ => (known.metadata.token_endpoint.clone(), None),
        };
        let (token, seconds) = code::own_token(self, &endpoint, &known.metadata, scope).await?;
        let until = self.now.plus(time::Duration::seconds((seconds - EARLY).clamp(0, 3600)));
        let kept = DirectoryToken { version: self.provider.version, token: token.clone(), until };
        self.memory.keep_token(self, tenant, Some(kept));
        Ok(("Bearer", token))
    }

    /// All rows of a list, page by page.
    async fn all<T, P: DeserializeOwned>(
        &self,
        tenant: &str,
        first: Url,
        page: impl Fn(P, &fetch::Answer, &str) -> Page<T>,
    ) -> Result<Option<Vec<T>>, Trouble> {
        let mut rows = Vec::new();
        let mut url = String::from(first);
        for _ in 0..PAGES {
            let Some((read, answer)) = self.read::<P>(tenant, &url).await? else {
                // What was there a moment ago is away while it is read.
                return Ok(None);
            };
            let further = page(read, &answer, &url);
            rows.extend(further.rows);
            match further.next {
                None => return Ok(Some(rows)),
                Some(next) if self.is_here(&next) => url = next,
                Some(_) => return Err(Trouble::untrusted("The directory’s next page is at another server.")),
            }
        }
        Err(Trouble::away(format!("The directory’s list has more than {PAGES} pages.")))
    }

    /// Whether an address is in the directory, where its token may be sent.
    fn is_here(&self, url: &str) -> bool {
        let (Ok(base), Ok(url)) = (Url::parse(&self.provider.directory), Url::parse(url)) else { return false };
        base.origin() == url.origin()
    }
}

const LEFT_OUT: &str = "Entra left the groups of an account out of its token, for they are too many: set the address of the directory.";

/// Seconds, as most say it.
fn retry_after(answer: &fetch::Answer) -> Option<i64> {
    let (_, value) = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    value.trim().parse().ok().filter(|seconds| (0..=86_400).contains(seconds))
}

/// A group's name as the page shows it, bounded.
fn reported(id: String, name: Option<String>) -> Reported {
    Reported { external_id: id, name: name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(300).collect() }
}

/// What a directory says of an account.
#[derive(Deserialize)]
struct Account {
    id: String,
    /// Graph's word, and Keycloak's.
    #[serde(rename = "accountEnabled", alias = "enabled")]
    enabled: Option<bool>,
    /// Okta's word.
    status: Option<String>,
}

impl Account {
    fn may_sign_in(&self) -> bool {
        let status = self.status.as_deref().unwrap_or_default();
        self.enabled != Some(false) && !matches!(status, "SUSPENDED" | "DEPROVISIONED" | "STAGED")
    }
}

fn subjects(accounts: Vec<Account>) -> Vec<String> {
    accounts.into_iter().filter(Account::may_sign_in).map(|account| account.id).collect()
}

/// As many groups of one account as are believed.
fn bounded(mut groups: Vec<Reported>) -> Vec<Reported> {
    groups.truncate(groups::MOST_REPORTED);
    groups
}
