//! What a form says of a provider, and what is wrong with it.

use serde::Deserialize;
use url::{Host, Url};

use super::{Kind, Provider, context, directory_context};
use crate::{
    error::{Error, Problems},
    ids,
    keys::Keys,
};

/// As it is typed. `Debug` is left out on purpose: the secret is in it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NewProvider {
    pub display_name: String,
    pub kind: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub scopes: String,
    pub email_claim: String,
    pub name_claim: String,
    pub groups_claim: String,
    /// Separated by lines, spaces or commas, as `allowed_domains`.
    pub allowed_tenants: String,
    pub allowed_domains: String,
    /// Present when ticked, as those that follow.
    pub new_people: Option<String>,
    pub trusts_email: Option<String>,
    pub enabled: Option<String>,
    pub directory: String,
    pub directory_secret: String,
    pub sync_minutes: String,
    pub administrators_value: String,
}

/// A `NewProvider` that has been checked.
pub(super) struct Checked {
    pub display_name: String,
    pub kind: Kind,
    pub issuer: String,
    pub client_id: String,
    /// Empty when the one that there is stays.
    pub secret: String,
    pub scopes: String,
    pub email_claim: String,
    pub name_claim: String,
    pub groups_claim: String,
    pub allowed_tenants: Vec<String>,
    pub allowed_domains: Vec<String>,
    pub new_people: bool,
    pub trusts_email: bool,
    pub enabled: bool,
    /// Empty when it is not asked.
    pub directory: String,
    /// Empty when the one that there is stays, or none is needed.
    pub directory_secret: String,
    pub sync_minutes: i64,
    pub administrators_value: String,
}

/// What is kept encrypted: the client's secret and the directory's; none leaves the one that there is.
pub(super) struct Sealed {
    pub client: Option<Vec<u8>>,
    pub directory: Option<Vec<u8>>,
}

/// The entries of a list that somebody typed, each once.
pub struct Words;

impl Words {
    pub fn of(text: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        words
    }
}

/// As many as programs may give (`allowedTenants`), and of domains.
const LONGEST_LIST: usize = 32;

impl Checked {
    /// Whether the provider reads so already, but for the secret.
    pub(super) fn is(&self, provider: &Provider) -> bool {
        self.display_name == provider.display_name
            && self.kind == provider.kind()
            && self.issuer == provider.issuer
            && self.client_id == provider.client_id
            && self.scopes == provider.scopes
            && self.email_claim == provider.email_claim
            && self.name_claim == provider.name_claim
            && self.groups_claim == provider.groups_claim
            && self.allowed_tenants == provider.allowed_tenants()
            && self.allowed_domains == provider.allowed_domains()
            && self.new_people == provider.new_people
            && self.trusts_email == provider.trusts_email
            && self.enabled == provider.enabled
            && self.directory == provider.directory
            && self.sync_minutes == provider.sync_minutes
            && self.administrators_value == provider.administrators_value
    }

    pub(super) fn sealed(&self, keys: &Keys, name: &str) -> Result<Sealed, Error> {
        let seal = |context: String, secret: &str| match secret {
            "" => Ok(None),
            secret => keys.encrypt(&context, secret).map(Some),
        };
        Ok(Sealed { client: seal(context(name), &self.secret)?, directory: seal(directory_context(name), &self.directory_secret)? })
    }

    /// What the audit log says of the directory's secret.
    pub(super) fn directory_words(&self) -> &'static str {
        match (self.directory.is_empty() || !self.kind.has_directory_secret(), self.directory_secret.is_empty()) {
            (true, _) => "",
            (false, true) => "Given",
            (false, false) => "Given anew",
        }
    }

    /// What was given for one address is sent to no other: a secret of the directory's, or a token that the client's secret is changed for.
    ///
    /// # Errors
    /// `Invalid` on the secret.
    pub(super) fn demand_secret_of_directory(&self, provider: &Provider) -> Result<(), Error> {
        if self.directory.is_empty() || self.directory == provider.directory {
            return Ok(());
        }
        if self.kind.has_directory_secret() && self.directory_secret.is_empty() {
            return Err(Error::invalid("directory_secret", "Type the API token that belongs to this address."));
        }
        if self.kind == Kind::Keycloak && self.secret.is_empty() && place(&self.directory) != place(&self.issuer) {
            let why =
                "The directory is at another host than the issuer: type the client secret once more, which a token for it is got with.";
            return Err(Error::invalid("client_secret", why));
        }
        Ok(())
    }
}

impl NewProvider {
    /// What the form for a new one begins with.
    pub fn of_kind(kind: Kind) -> Self {
        let preset = kind.preset();
        Self {
            display_name: if kind == Kind::Oidc { String::new() } else { kind.title().to_owned() },
            kind: kind.as_str().to_owned(),
            issuer: preset.issuer.to_owned(),
            scopes: preset.scopes.to_owned(),
            email_claim: "email".to_owned(),
            name_claim: "name".to_owned(),
            groups_claim: preset.groups_claim.to_owned(),
            enabled: Some("on".to_owned()),
            directory: preset.directory.to_owned(),
            sync_minutes: USUAL_MINUTES.to_string(),
            ..Self::default()
        }
    }

    /// What the form for one that is there is filled with.
    pub fn of(provider: &Provider) -> Self {
        let ticked = |on: bool| on.then(|| "on".to_owned());
        Self {
            display_name: provider.display_name.clone(),
            kind: provider.kind().as_str().to_owned(),
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            client_secret: String::new(),
            scopes: provider.scopes.clone(),
            email_claim: provider.email_claim.clone(),
            name_claim: provider.name_claim.clone(),
            groups_claim: provider.groups_claim.clone(),
            allowed_tenants: provider.allowed_tenants().join("\n"),
            allowed_domains: provider.allowed_domains().join("\n"),
            new_people: ticked(provider.new_people),
            trusts_email: ticked(provider.trusts_email),
            enabled: ticked(provider.enabled),
            directory: provider.directory.clone(),
            directory_secret: String::new(),
            sync_minutes: provider.sync_minutes.to_string(),
            administrators_value: provider.administrators_value.clone(),
        }
    }

    pub fn kind(&self) -> Kind {
        Kind::parse(self.kind.trim()).unwrap_or(Kind::Oidc)
    }

    /// # Errors
    /// `Invalid`, field by field.
    pub(super) fn check(&self, is_new: bool) -> Result<Checked, Error> {
        let mut problems = Problems::default();
        let display_name = problems.line("display_name", "The name", &self.display_name, 1, 100);
        let kind = Kind::parse(self.kind.trim()).unwrap_or_else(|| {
            problems.add("kind", "Choose what sort of provider it is.");
            Kind::Oidc
        });
        let issuer = problems.line("issuer", "The issuer", &self.issuer, 1, 500);
        if problems.on("issuer").is_empty() {
            if let Err(why) = endpoint(&issuer) {
                problems.add("issuer", why);
            } else if ["TENANT-ID", "ORGANISATION", "KEYCLOAK", "REALM"].iter().any(|gap| issuer.contains(gap)) {
                problems.add("issuer", "Put your own in place of what is written in capitals.");
            }
        }
        let client_id = problems.line("client_id", "The client ID", &self.client_id, 1, 300);
        let secret = problems.line("client_secret", "The client secret", &self.client_secret, usize::from(is_new), 1000);
        let scopes = Words::of(&self.scopes);
        if kind.has_id_tokens() && !scopes.iter().any(|scope| scope == "openid") {
            problems.add("scopes", "The scope openid is needed: without it nobody is told who signs in.");
        } else if scopes.iter().map(String::len).sum::<usize>() > 500 {
            problems.add("scopes", "The scopes may have 500 characters.");
        }
        let email_claim = problems.line("email_claim", "The claim", &self.email_claim, usize::from(kind.has_id_tokens()), 100);
        let name_claim = problems.line("name_claim", "The claim", &self.name_claim, 0, 100);
        let groups_claim = problems.line("groups_claim", "The claim", &self.groups_claim, 0, 100);
        let allowed_tenants = tenants(&mut problems, kind, &issuer, &self.allowed_tenants);
        let allowed_domains = domains(&mut problems, &self.allowed_domains);
        let directory = directory(&mut problems, kind, &issuer, &self.directory);
        let wants_secret = is_new && !directory.is_empty() && kind.has_directory_secret();
        let directory_secret = problems.line("directory_secret", "The API token", &self.directory_secret, usize::from(wants_secret), 1000);
        let sync_minutes = minutes(&mut problems, &self.sync_minutes);
        let administrators_value = problems.line("administrators_value", "The group or role", &self.administrators_value, 0, 500);
        if !administrators_value.is_empty() && is_for_many_tenants(&issuer) && allowed_tenants.len() > 1 {
            let why = "Several organisations come in by this provider, and each decides who has its roles. Add a provider for your own tenant alone, and set it there.";
            problems.add("administrators_value", why);
        }
        problems.or(Checked {
            display_name,
            kind,
            issuer,
            client_id,
            secret,
            scopes: scopes.join(" "),
            email_claim,
            name_claim,
            groups_claim,
            allowed_tenants,
            allowed_domains,
            new_people: self.new_people.is_some(),
            trusts_email: self.trusts_email.is_some(),
            enabled: self.enabled.is_some(),
            directory_secret: if directory.is_empty() { String::new() } else { directory_secret },
            directory,
            sync_minutes,
            administrators_value,
        })
    }
}

/// Whether an issuer of Entra speaks for more than one tenant.
pub(super) fn is_for_many_tenants(issuer: &str) -> bool {
    let path = Url::parse(issuer).map(|url| url.path().to_ascii_lowercase()).unwrap_or_default();
    matches!(path.split('/').nth(1), Some("common" | "organizations" | "consumers"))
}

/// `8eaef023-2b34-4da1-9baa-8bc8c9d6a490`.
fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn tenants(problems: &mut Problems, kind: Kind, issuer: &str, text: &str) -> Vec<String> {
    let tenants: Vec<String> = Words::of(text).iter().map(|tenant| tenant.to_ascii_lowercase()).collect();
    if tenants.len() > LONGEST_LIST {
        problems.add("allowed_tenants", format!("At most {LONGEST_LIST} tenants; these are {}.", tenants.len()));
    } else if kind != Kind::Entra && !tenants.is_empty() {
        problems.add("allowed_tenants", "Microsoft Entra ID alone has tenants.");
    } else if let Some(wrong) = tenants.iter().find(|tenant| !is_guid(tenant)) {
        let shown: String = wrong.chars().take(60).collect();
        problems.add("allowed_tenants", format!("“{shown}” is no tenant ID, as in 8eaef023-2b34-4da1-9baa-8bc8c9d6a490."));
    } else if kind == Kind::Entra && tenants.is_empty() && is_for_many_tenants(issuer) {
        problems.add("allowed_tenants", "This issuer speaks for every organisation there is: list the tenants whose people may come in.");
    }
    tenants
}

fn domains(problems: &mut Problems, text: &str) -> Vec<String> {
    let domains: Vec<String> = Words::of(text).iter().map(|domain| ids::fold(domain.trim_start_matches('@'))).collect();
    if domains.len() > LONGEST_LIST {
        problems.add("allowed_domains", format!("At most {LONGEST_LIST} domains; these are {}.", domains.len()));
    } else if let Some(wrong) = domains.iter().find(|domain| !ids::is_email(&format!("a@{domain}"))) {
        let shown: String = wrong.chars().take(60).collect();
        problems.add("allowed_domains", format!("“{shown}” is no domain, as in contoso.example."));
    }
    domains
}

/// An address that may be asked with a secret: https, or http on this machine itself.
pub(super) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "This is not an address, as in https://login.contoso.example.")?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err("This address has no host."),
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        _ => return Err("The address must begin with https://."),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("The address may have no user, password or fragment.");
    }
    Ok(url)
}

/// Minutes between two readings of memberships.
const USUAL_MINUTES: i64 = 30;
const MINUTES: std::ops::RangeInclusive<i64> = 5..=1440;

fn minutes(problems: &mut Problems, text: &str) -> i64 {
    match text.trim() {
        "" => USUAL_MINUTES,
        text => text.parse().ok().filter(|minutes| MINUTES.contains(minutes)).unwrap_or_else(|| {
            problems.add("sync_minutes", "From 5 to 1440 minutes, which is a day.");
            USUAL_MINUTES
        }),
    }
}

/// Where Microsoft Graph is: for all the world, for the clouds of the USA's authorities and of China
/// (learn.microsoft.com/graph/deployments).
const GRAPH: [&str; 4] = ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];

/// Scheme, host and port.
fn place(url: &str) -> Option<url::Origin> {
    Url::parse(url).ok().map(|url| url.origin())
}

fn directory(problems: &mut Problems, kind: Kind, issuer: &str, text: &str) -> String {
    let address = problems.line("directory", "The address", text, 0, 500).trim_end_matches('/').to_owned();
    if address.is_empty() || !problems.on("directory").is_empty() {
        return address;
    }
    let is_local = |url: &str| Url::parse(url).is_ok_and(|url| url.scheme() == "http");
    match endpoint(&address) {
        Err(why) => problems.add("directory", why),
        Ok(_) if !kind.has_directory() => problems.add("directory", format!("{} has no directory that is asked.", kind.title())),
        Ok(url) if url.query().is_some() => problems.add("directory", "The address may have no query."),
        // A provider elsewhere leads to nothing on this machine.
        Ok(_) if is_local(&address) && !is_local(issuer) => problems.add("directory", "The address must begin with https://."),
        Ok(url) if kind == Kind::Entra && !is_local(issuer) && !url.host_str().is_some_and(|host| GRAPH.contains(&host)) => {
            problems.add("directory", "This is not Microsoft Graph, which alone is asked here: https://graph.microsoft.com/v1.0.");
        }
        Ok(_) if ["ORGANISATION", "KEYCLOAK", "REALM"].iter().any(|gap| address.contains(gap)) => {
            problems.add("directory", "Put your own in place of what is written in capitals.");
        }
        Ok(_) => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(field: &str, new: &NewProvider) -> String {
        match new.check(true) {
            Err(Error::Invalid(problems)) => problems.on(field).to_owned(),
            _ => String::new(),
        }
    }

    #[test]
    fn lists_are_typed_as_people_like() {
        assert_eq!(Words::of("a, b\nc,,\t a"), ["a", "b", "c"]);
        assert!(Words::of(" ,\n").is_empty());
    }

    #[test]
    fn issuers_are_https_but_on_this_machine() {
        for good in ["https://login.example", "https://login.example/a/b", "http://127.0.0.1:8080/x", "http://localhost", "http://[::1]:1/"]
        {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "x",
            "http://login.example",
            "ftp://x",
            "https://u:p@x",
            "https://x/#a",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_for_all_the_world_needs_tenants() {
        let mut new = NewProvider::of_kind(Kind::Entra);
        new.issuer = "https://login.microsoftonline.com/organizations/v2.0".to_owned();
        assert!(on("allowed_tenants", &new).contains("every organisation"));
        new.allowed_tenants = "contoso".to_owned();
        assert!(on("allowed_tenants", &new).contains("no tenant ID"));
        new.allowed_tenants = "8EAEF023-2b34-4da1-9baa-8bc8c9d6a490, 8eaef023-2b34-4da1-9baa-8bc8c9d6a491".to_owned();
        assert_eq!(on("allowed_tenants", &new), "");
        let okta = NewProvider { allowed_tenants: new.allowed_tenants, ..NewProvider::of_kind(Kind::Okta) };
        assert!(on("allowed_tenants", &okta).contains("alone has tenants"));
        assert!(on("issuer", &okta).contains("capitals"));
    }
}
