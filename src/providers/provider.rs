//! A provider as it is kept: its settings, where it stands, and how it went with it lately.

use serde::{Deserialize, Serialize};

use super::{Kind, LIST, all};
use crate::{
    audit::Subject,
    auth::{self, Administrator},
    db::{Connection, Instant},
    error::Error,
    ids::{self, ProviderId},
};

/// A provider, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Provider {
    pub id: ProviderId,
    /// In addresses, its redirect URL among them; it never changes.
    pub name: String,
    pub display_name: String,
    pub(super) kind: String,
    pub issuer: String,
    pub client_id: String,
    pub scopes: String,
    pub email_claim: String,
    pub name_claim: String,
    /// Empty when its groups are not read.
    pub groups_claim: String,
    pub(super) allowed_tenants: String,
    pub(super) allowed_domains: String,
    /// Whether people without an account here get one.
    pub new_people: bool,
    /// Whether it vouches for every address that it tells.
    pub trusts_email: bool,
    pub enabled: bool,
    pub version: i64,
    pub last_ok_at: Option<Instant>,
    pub last_problem: String,
    pub last_problem_at: Option<Instant>,
    /// Where its groups can be asked for without anybody signing in; empty when they are not.
    pub directory: String,
    /// Minutes after which memberships are read again.
    pub sync_minutes: i64,
    /// A value of its groups or roles that makes administrators; empty for none.
    pub administrators_value: String,
    /// When memberships were last read without a sign-in.
    pub synced_at: Option<Instant>,
    pub sync_problem: String,
    pub sync_problem_at: Option<Instant>,
    pub(super) sync_failures: i64,
    pub(super) sync_not_before: Option<Instant>,
}

impl Provider {
    pub fn kind(&self) -> Kind {
        Kind::parse(&self.kind).unwrap_or(Kind::Oidc)
    }

    pub fn path(&self) -> String {
        format!("{LIST}/{}", ids::encode(&self.name))
    }

    /// Where a sign-in by it begins; below it are the addresses that it sends people and programs to.
    pub fn sign_in_path(&self) -> String {
        format!("/signin/{}", ids::encode(&self.name))
    }

    pub fn callback_path(&self) -> String {
        format!("{}/callback", self.sign_in_path())
    }

    pub fn allowed_tenants(&self) -> Vec<String> {
        list(&self.allowed_tenants)
    }

    pub fn allowed_domains(&self) -> Vec<String> {
        list(&self.allowed_domains)
    }

    /// Whether people with such an address may come in by it.
    pub fn allows(&self, email: &str) -> bool {
        let domains = self.allowed_domains();
        domains.is_empty() || domains.contains(&ids::fold(email.rsplit_once('@').map_or("", |(_, domain)| domain)))
    }

    /// Whether its directory is asked.
    pub fn reads_directory(&self) -> bool {
        !self.directory.is_empty() && self.kind().has_directory()
    }

    /// Whether anything follows from what it says of groups and roles.
    pub fn is_followed(&self) -> bool {
        self.reads_directory() || !self.groups_claim.is_empty() || !self.administrators_value.is_empty()
    }

    /// Who records what it says.
    pub fn speaker(&self) -> Administrator {
        auth::provider(&self.display_name)
    }

    /// Whether it is asked about each person: a directory is read group by group, but roles are told to each person alone.
    pub(super) fn asks_people(&self) -> bool {
        self.is_followed() && (!self.reads_directory() || !self.administrators_value.is_empty())
    }

    /// Why its last sign-in, test or reading failed, and when.
    pub fn trouble(&self) -> Option<(&str, Instant)> {
        let at_sign_in = self.last_problem_at.map(|at| (self.last_problem.as_str(), at));
        at_sign_in.or_else(|| self.sync_problem_at.map(|at| (self.sync_problem.as_str(), at)))
    }

    /// How programs name one of its groups: as the model does for Entra, and by the provider's name for others.
    pub fn group_address(&self, tenant: &str, id: &str) -> String {
        match (self.kind(), tenant) {
            (Kind::Entra, "") => format!("aad://{}/groups/{id}", self.own_tenant()),
            (Kind::Entra, tenant) => format!("aad://{tenant}/groups/{id}"),
            _ => format!("{}://groups/{id}", self.name),
        }
    }

    /// What stands for the tenant in an issuer of Entra.
    fn own_tenant(&self) -> &str {
        self.issuer.split('/').nth(3).unwrap_or_default()
    }

    /// Whether it speaks for a tenant of Entra, by its ID or its name in the issuer.
    fn speaks_for(&self, tenant: &str) -> bool {
        self.kind() == Kind::Entra
            && (self.allowed_tenants().iter().any(|known| known.eq_ignore_ascii_case(tenant))
                || self.own_tenant().eq_ignore_ascii_case(tenant))
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::new("provider", self.id.0, &self.display_name)
    }

    pub(super) fn facts(&self, credentials: &str, directory_credentials: &str) -> ProviderFacts {
        ProviderFacts {
            display_name: self.display_name.clone(),
            kind: self.kind().title().to_owned(),
            issuer: self.issuer.clone(),
            client: self.client_id.clone(),
            credentials: credentials.to_owned(),
            scopes: self.scopes.clone(),
            email_claim: self.email_claim.clone(),
            name_claim: self.name_claim.clone(),
            groups_claim: self.groups_claim.clone(),
            allowed_tenants: self.allowed_tenants(),
            allowed_domains: self.allowed_domains(),
            new_people: self.new_people,
            trusts_email: self.trusts_email,
            enabled: self.enabled,
            directory: self.directory.clone(),
            directory_credentials: directory_credentials.to_owned(),
            sync_minutes: self.sync_minutes,
            administrators: self.administrators_value.clone(),
        }
    }
}

fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// What the audit log keeps of a provider; of its secret that it was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ProviderFacts {
    display_name: String,
    kind: String,
    issuer: String,
    client: String,
    credentials: String,
    scopes: String,
    email_claim: String,
    name_claim: String,
    groups_claim: String,
    allowed_tenants: Vec<String>,
    allowed_domains: Vec<String>,
    new_people: bool,
    trusts_email: bool,
    enabled: bool,
    directory: String,
    directory_credentials: String,
    sync_minutes: i64,
    administrators: String,
}

/// The provider, tenant and id that programs mean by a group's address (`Provider::group_address`).
///
/// # Errors
/// `Invalid` on `externalId`.
pub async fn of_group_address(connection: &mut Connection, text: &str) -> Result<(Provider, String, String), Error> {
    let invalid = |why: &str| Error::invalid("externalId", why);
    let is_short = |id: &str| (1..=500).contains(&id.chars().count()) && !id.chars().any(char::is_control);
    let parsed = text.trim().split_once("://").and_then(|(scheme, rest)| match rest.strip_prefix("groups/") {
        Some(id) => Some((scheme, "", id)),
        None => rest.split_once("/groups/").map(|(tenant, id)| (scheme, tenant, id)),
    });
    let Some((scheme, tenant, id)) = parsed.filter(|(.., id)| is_short(id)) else {
        return Err(invalid(
            "It reads aad://TENANT/groups/ID for Microsoft Entra ID, and NAME://groups/ID for another provider of that name.",
        ));
    };
    let mut providers = all(connection).await?;
    if scheme.eq_ignore_ascii_case("aad") && !tenant.is_empty() {
        let entra = providers.iter().filter(|provider| provider.kind() == Kind::Entra).count();
        // A tenant may be called by a name of its own, which is nobody else's where there is one alone.
        providers.retain(|provider| provider.speaks_for(tenant) || (provider.kind() == Kind::Entra && entra == 1 && tenant.contains('.')));
    } else {
        providers.retain(|provider| ids::fold(&provider.name) == ids::fold(scheme) && tenant.is_empty());
    }
    match providers.as_slice() {
        [provider] => {
            let tenant = tenant.to_ascii_lowercase();
            let tenants = provider.allowed_tenants();
            let tenant = match tenants.as_slice() {
                tenants if tenants.contains(&tenant) => tenant,
                // What is of no tenant in particular, any of them could say to be in.
                [_, _, ..] => return Err(invalid("Several tenants come in by this provider: say whose it is by the tenant’s ID.")),
                _ => String::new(),
            };
            Ok((provider.clone(), tenant, id.to_owned()))
        }
        [] => Err(invalid("No identity provider is set for it.")),
        _ => Err(invalid("Several identity providers are set for it.")),
    }
}
