//! Identity providers as programs write them, in the words of the management API's model: an authority and a tenant in place of Entra's
//! issuer. What programs know nothing of keeps its value, and begins as the form for the kind does.

use url::Url;

use super::{
    Kind, NewProvider, Provider, RESERVED, context, delete_in, edit_in,
    form::{LONGEST_LIST, is_guid},
    get, insert_named, store,
};
use crate::{
    audit::{self, NOTHING},
    auth::{Administrator, Confirmed},
    db::{Connection, Database, Transaction},
    error::Error,
    ids,
    keys::Keys,
    rest::Seen,
};

/// What a program says of a provider. What is left out stays as it is. `Debug` is left out on purpose: the secret is in it.
#[derive(Clone, Default)]
pub struct Written {
    pub kind: Option<Kind>,
    /// Entra's host, of the others the issuer; empty is the usual one.
    pub authority: Option<String>,
    /// The tenant that Entra signs people in for; empty is the only one that is allowed, or any organisation.
    pub tenant: Option<String>,
    pub allowed_tenants: Option<Vec<String>>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
}

/// Where Entra signs people in, for all the world.
const LOGIN: &str = "login.microsoftonline.com";
/// Whoever has an account of work or school; which tenants may come in is listed then.
const ANY_ORGANISATION: &str = "organizations";

/// What the model's clients call a kind of ours, beside our own words for what the model does not have.
const WORDS: [(Kind, &str); 6] = [
    (Kind::Entra, "aad"),
    (Kind::Google, "google"),
    (Kind::Okta, "okta"),
    (Kind::Keycloak, "keycloak"),
    (Kind::GitHub, "github"),
    (Kind::Oidc, "oidc"),
];
/// Those of the model by which nobody signs in here.
const NOT_HERE: [&str; 4] = ["facebook", "twitter", "microsoft", "aadb2c"];

const THERE_ARE: &str = "There are providers of these types: aad, google, okta, keycloak, github and oidc.";

impl Kind {
    /// Its type for programs.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("oidc", |(_, word)| word)
    }

    /// The kind of a type, in any case.
    ///
    /// # Errors
    /// `Invalid` on `type`.
    pub fn of_word(word: &str) -> Result<Self, Error> {
        let known = WORDS.iter().find(|(_, known)| known.eq_ignore_ascii_case(word));
        known.map(|(kind, _)| *kind).ok_or_else(|| Error::invalid("type", THERE_ARE))
    }

    /// The words of all.
    pub fn words() -> [&'static str; 6] {
        WORDS.map(|(_, word)| word)
    }
}

/// Host, with a port that is not the usual one, and the tenant that an issuer of Entra is for.
fn place(issuer: &str) -> (String, String) {
    let Ok(url) = Url::parse(issuer) else { return (String::new(), String::new()) };
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    (host, url.path().split('/').nth(1).unwrap_or_default().to_owned())
}

impl Provider {
    /// What programs read as its authority.
    pub fn authority(&self) -> String {
        if self.kind() == Kind::Entra { place(&self.issuer).0 } else { self.issuer.clone() }
    }

    /// The tenant that it signs people in for; Entra alone has one.
    pub fn sign_in_tenant(&self) -> Option<String> {
        (self.kind() == Kind::Entra).then(|| place(&self.issuer).1)
    }
}

impl Written {
    /// The form that says the same, over what is there or what the form for a new one begins with.
    ///
    /// # Errors
    /// `Invalid` on what programs alone write; the rest is the form's.
    fn over(&self, new: NewProvider, is_new: bool) -> Result<NewProvider, Error> {
        let (kind, mut new) = (new.kind(), new);
        if let Some(tenants) = &self.allowed_tenants {
            new.allowed_tenants = if kind == Kind::Entra { ids_of(tenants)? } else { tenants.join("\n") };
        }
        if kind != Kind::Entra && self.tenant.as_ref().is_some_and(|tenant| !tenant.trim().is_empty()) {
            return Err(Error::invalid("signinTenant", "Providers of the type aad alone have tenants."));
        }
        new.issuer = match kind {
            Kind::Entra => self.issuer_of_entra(&new, is_new)?,
            Kind::Google => self.issuer_of_google(&new)?,
            _ => self.authority.clone().unwrap_or(new.issuer),
        };
        if let Some(client) = &self.client_id {
            new.client_id.clone_from(client);
        }
        if let Some(secret) = &self.client_secret {
            if secret.trim().is_empty() {
                return Err(Error::invalid("client_secret", "The client secret is missing."));
            }
            new.client_secret.clone_from(secret);
        }
        Ok(new)
    }

    fn issuer_of_entra(&self, new: &NewProvider, is_new: bool) -> Result<String, Error> {
        let known = place(&new.issuer);
        let authority = match self.authority.as_ref().map(|authority| authority.trim().to_ascii_lowercase()) {
            None if !is_new => known.0.clone(),
            Some(authority) if !authority.is_empty() => authority,
            _ => LOGIN.to_owned(),
        };
        let tenant = match self.tenant.as_ref().map(|tenant| tenant.trim().to_ascii_lowercase()) {
            None if !is_new => known.1.clone(),
            Some(tenant) if !tenant.is_empty() => tenant,
            _ if is_guid(&new.allowed_tenants) => new.allowed_tenants.clone(),
            _ => ANY_ORGANISATION.to_owned(),
        };
        if !is_new && known == (authority.clone(), tenant.clone()) {
            // However it is written beyond the two.
            return Ok(new.issuer.clone());
        }
        let issuer = format!("https://{authority}/{tenant}/v2.0");
        if place(&format!("https://{authority}/")) != (authority, String::new()) {
            return Err(Error::invalid("authority", "The authority is a host alone, as in login.microsoftonline.com."));
        }
        if !is_guid(&tenant) && ![ANY_ORGANISATION, "common", "consumers"].contains(&tenant.as_str()) {
            let why = "The tenant is an ID, as in 8eaef023-2b34-4da1-9baa-8bc8c9d6a490, or organizations: what accounts tell is no domain.";
            return Err(Error::invalid("signinTenant", why));
        }
        Ok(issuer)
    }

    /// There is one; one that is kept otherwise stays.
    fn issuer_of_google(&self, new: &NewProvider) -> Result<String, Error> {
        let said = self.authority.as_deref().unwrap_or_default().trim().trim_end_matches('/');
        if said.is_empty() || said == new.issuer.trim_end_matches('/') {
            return Ok(new.issuer.clone());
        }
        Err(Error::invalid("authority", format!("The one of google is {}: leave it out.", Kind::Google.preset().issuer)))
    }
}

/// Tenants as the form has them.
fn ids_of(tenants: &[String]) -> Result<String, Error> {
    let tenants: Vec<String> = tenants.iter().map(|tenant| tenant.trim().to_ascii_lowercase()).collect();
    if tenants.len() > LONGEST_LIST {
        return Err(Error::invalid("allowedTenants", format!("At most {LONGEST_LIST} tenants; these are {}.", tenants.len())));
    }
    if let Some(wrong) = tenants.iter().find(|tenant| !is_guid(tenant)) {
        let shown: String = wrong.chars().filter(|c| !c.is_control()).take(60).collect();
        let why = format!(
            "“{shown}” is no tenant ID, as in 8eaef023-2b34-4da1-9baa-8bc8c9d6a490: accounts tell the ID of their tenant, and no domain."
        );
        return Err(Error::invalid("allowedTenants", why));
    }
    Ok(tenants.join("\n"))
}

/// What is read from here on is so until the transaction ends: every change of a provider waits for this.
async fn one_by_one(tx: &mut Transaction) -> Result<(), Error> {
    tx.one_at_a_time("ways in", 1).await
}

/// Makes the provider of this name, or changes the one that is there. Whether it was made; the provider.
///
/// # Errors
/// As `create` and `edit`; `Stale` when it is not as it was seen; `Conflict` for a name that groups are still kept by.
pub async fn put(
    db: &Database,
    keys: &Keys,
    (admin, _): (&Administrator, Confirmed),
    name: &str,
    seen: Seen,
    written: &Written,
) -> Result<(bool, Provider), Error> {
    let mut tx = db.write().await?;
    one_by_one(&mut tx).await?;
    let found = store::find(&mut tx, name).await?;
    seen.meets(found.as_ref().map(|provider| provider.version))?;
    let done = match found {
        Some(provider) => (false, change_in(&mut tx, keys, admin, &provider, seen.version(), written).await?),
        None => (true, make_in(&mut tx, keys, admin, name, written).await?),
    };
    tx.commit().await?;
    Ok(done)
}

/// Changes what is given of a provider.
///
/// # Errors
/// As `put`; `NotFound`.
pub async fn patch(
    db: &Database,
    keys: &Keys,
    (admin, _): (&Administrator, Confirmed),
    name: &str,
    at: Option<i64>,
    written: &Written,
) -> Result<Provider, Error> {
    let mut tx = db.write().await?;
    one_by_one(&mut tx).await?;
    let provider = get(&mut tx, name).await?;
    let provider = change_in(&mut tx, keys, admin, &provider, at, written).await?;
    tx.commit().await?;
    Ok(provider)
}

/// # Errors
/// `Invalid` on `identityProviderName`.
fn check_new_name(name: &str) -> Result<(), Error> {
    let wrong = |why: &str| Err(Error::invalid("identityProviderName", why));
    let folded = ids::fold(name);
    if NOT_HERE.contains(&folded.as_str()) {
        return wrong(THERE_ARE);
    }
    if RESERVED.contains(&folded.as_str()) {
        return wrong("This name is the one of a page: it cannot be used: choose another.");
    }
    let may = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !(1..=80).contains(&name.len()) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(may) {
        let why = "The name is a part of the redirect URL: 1 to 80 letters from a to z, digits, hyphens, dots and underscores, the first of them a letter or a digit.";
        return wrong(why);
    }
    Ok(())
}

/// The kind of a new one: two names say it by themselves, as in the model.
fn kind_of(name: &str, given: Option<Kind>) -> Result<Kind, Error> {
    let implied = [Kind::Entra, Kind::Google].into_iter().find(|kind| kind.word() == ids::fold(name));
    match (implied, given) {
        (Some(implied), Some(given)) if implied != given => {
            Err(Error::invalid("type", format!("A provider of this name is of the type {}.", implied.word())))
        }
        (Some(kind), _) | (None, Some(kind)) => Ok(kind),
        (None, None) => Err(Error::invalid("type", format!("The type is missing. {THERE_ARE}"))),
    }
}

async fn make_in(tx: &mut Transaction, keys: &Keys, admin: &Administrator, name: &str, written: &Written) -> Result<Provider, Error> {
    check_new_name(name)?;
    let kind = kind_of(name, written.kind)?;
    if store::name_taken(tx, name).await? {
        let why =
            "Groups of a provider that had this name are still here, and would become this one’s: delete them, or choose another name.";
        return Err(Error::Conflict(why.to_owned()));
    }
    let mut new = NewProvider { new_people: Some("on".to_owned()), ..NewProvider::of_kind(kind) };
    let is_word = ids::fold(name) == kind.word() && kind != Kind::Oidc;
    if !is_word || store::display_name_taken(tx, &ids::fold(&new.display_name), None).await? {
        name.clone_into(&mut new.display_name);
    }
    let new = written.over(new, true)?;
    let new = match place(&new.issuer) {
        // Other clouds have another Graph.
        (host, _) if kind == Kind::Entra && host != LOGIN => NewProvider { directory: String::new(), ..new },
        _ => new,
    };
    insert_named(tx, keys, admin, name, &new.check(true)?).await
}

async fn change_in(
    tx: &mut Transaction,
    keys: &Keys,
    admin: &Administrator,
    provider: &Provider,
    at: Option<i64>,
    written: &Written,
) -> Result<Provider, Error> {
    if at.is_some_and(|at| at != provider.version) {
        return Err(Error::Stale);
    }
    if written.kind.is_some_and(|kind| kind != provider.kind()) {
        let why = format!("The provider is of the type {}, and stays so: delete it first, or choose another name.", provider.kind().word());
        return Err(Error::invalid("type", why));
    }
    let mut new = written.over(NewProvider::of(provider), false)?;
    if new.issuer == provider.issuer && keys.same(new.client_secret.trim(), &secret(tx, keys, provider).await?) {
        // Said again is no change.
        new.client_secret.clear();
    }
    edit_in(tx, keys, admin, provider, provider.version, &new).await?;
    get(tx, &provider.name).await
}

async fn secret(connection: &mut Connection, keys: &Keys, provider: &Provider) -> Result<String, Error> {
    match store::secrets(connection, provider.id).await?.0 {
        Some(sealed) => keys.decrypt(&context(&provider.name), &sealed),
        None => Ok(String::new()),
    }
}

/// The client's secret, for this once; that it was shown is recorded.
pub async fn show_secret(db: &Database, keys: &Keys, admin: &Administrator, _: Confirmed, name: &str) -> Result<String, Error> {
    let mut tx = db.write().await?;
    let provider = get(&mut tx, name).await?;
    let secret = secret(&mut tx, keys, &provider).await?;
    audit::record(&mut tx, admin.actor(), "provider.secret_shown", provider.subject(), NOTHING, NOTHING).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Deletes a provider at this version, as `delete` does.
///
/// # Errors
/// As `delete`; `Stale`.
pub async fn delete_at(db: &Database, admin: &Administrator, _: Confirmed, name: &str, at: Option<i64>) -> Result<(), Error> {
    let mut tx = db.write().await?;
    one_by_one(&mut tx).await?;
    let provider = get(&mut tx, name).await?;
    if at.is_some_and(|at| at != provider.version) {
        return Err(Error::Stale);
    }
    delete_in(&mut tx, admin, &provider).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";

    fn issuer(authority: &str, tenant: &str, allowed: &[&str]) -> Result<String, Error> {
        let written = Written {
            authority: Some(authority.to_owned()),
            tenant: Some(tenant.to_owned()),
            allowed_tenants: Some(allowed.iter().map(|&tenant| tenant.to_owned()).collect()),
            ..Written::default()
        };
        written.over(NewProvider::of_kind(Kind::Entra), true).map(|new| new.issuer)
    }

    #[test]
    fn an_issuer_of_entra_is_a_host_and_a_tenant() {
        let other = TENANT.replace("490", "491");
        for (authority, tenant, allowed, wanted) in [
            ("", "", &[TENANT][..], "login.microsoftonline.com/8eaef023-2b34-4da1-9baa-8bc8c9d6a490"),
            ("", "", &[TENANT, &other], "login.microsoftonline.com/organizations"),
            ("", "", &[], "login.microsoftonline.com/organizations"),
            ("Login.MicrosoftOnline.us", "Common", &[], "login.microsoftonline.us/common"),
            ("login.contoso.example:8443", &other.to_uppercase(), &[TENANT], &format!("login.contoso.example:8443/{other}")),
        ] {
            assert_eq!(issuer(authority, tenant, allowed).unwrap(), format!("https://{wanted}/v2.0"));
        }
        for bad in [
            "https://login.example",
            "login.example/x",
            "me@login.example",
            "login.example?x",
            "login.example#",
            "a b",
            "login.example:443",
        ] {
            assert!(issuer(bad, "", &[TENANT]).is_err(), "{bad}");
        }
        for bad in ["contoso.onmicrosoft.com", "..", "a/b", "organizations/x", "?"] {
            assert!(issuer("", bad, &[TENANT]).is_err(), "{bad}");
        }
        assert!(issuer("", "", &["contoso.onmicrosoft.com"]).is_err());
    }

    #[test]
    fn a_name_can_stand_in_a_redirect_url() {
        for good in ["aad", "Google", "contoso-okta", "a.b_c", "7"] {
            assert!(check_new_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(81);
        for bad in ["", ".", "..", "-a", "a b", "a/b", "é", "AADB2C", "facebook", "Join", "again", long.as_str()] {
            assert!(check_new_name(bad).is_err(), "{bad}");
        }
    }
}
