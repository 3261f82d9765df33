//! Requests to addresses that an administrator typed, without letting them reach further into the
//! operator's own network than the policy says: every address a name resolves to is checked,
//! at every redirect, and the connection goes to a checked address and no other.
//! What the bytes mean is not known here; no actix, sqlx or settings may enter.

mod address;
mod exchange;
mod problem;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, LOCATION};
use reqwest::{Client, Response, Url};

pub use address::{Reach, reach};
pub use exchange::{Answer, exchange};
pub use problem::FetchProblem;

/// Characters of an address; browsers and proxies stop about there.
const MAX_URL: usize = 2_000;

/// What a download may do.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The operator allows loopback, private and link-local addresses.
    pub private_addresses: bool,
    /// Link-local addresses are among those.
    pub link_local: bool,
    /// Bytes of the body.
    pub max_bytes: usize,
    /// For everything together, redirects included.
    pub timeout: Duration,
    /// Addresses gone to after the first.
    pub max_redirects: usize,
}

impl Policy {
    /// Whether a name may lead there.
    fn allows(self, ip: IpAddr) -> bool {
        match reach(ip) {
            Reach::Public => true,
            Reach::Private => self.private_addresses,
            Reach::Link => self.private_addresses && self.link_local,
            Reach::Nowhere => false,
        }
    }
}

impl Default for Policy {
    /// Public addresses only, 10 MB (what is read of a description), 20 seconds, five redirects.
    fn default() -> Self {
        let (max_bytes, timeout) = (10 * 1024 * 1024, Duration::from_secs(20));
        Self { private_addresses: false, link_local: true, max_bytes, timeout, max_redirects: 5 }
    }
}

/// Downloads what is at `url`. The problems are words to stand beside the field it was typed into.
pub async fn fetch(url: &str, policy: Policy) -> Result<Vec<u8>, FetchProblem> {
    let allowed = move |_: &str, ip: IpAddr| policy.allows(ip);
    fetch_with(url, policy, &allowed, &SystemNames).await
}

/// Whether a host may be reached at an address.
type Allowed<'f> = &'f (dyn Fn(&str, IpAddr) -> bool + Send + Sync);

/// How names become addresses; tests put their own in.
trait Names: Send + Sync {
    fn lookup(&self, host: &str, port: u16) -> impl Future<Output = std::io::Result<Vec<SocketAddr>>> + Send;
}

struct SystemNames;

impl Names for SystemNames {
    async fn lookup(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

async fn fetch_with<N: Names>(url: &str, policy: Policy, allowed: Allowed<'_>, names: &N) -> Result<Vec<u8>, FetchProblem> {
    let hops = follow(url, policy, allowed, names);
    match tokio::time::timeout(policy.timeout, hops).await {
        Ok(outcome) => outcome,
        Err(_) => Err(FetchProblem::TooSlow(policy.timeout)),
    }
}

async fn follow<N: Names>(url: &str, policy: Policy, allowed: Allowed<'_>, names: &N) -> Result<Vec<u8>, FetchProblem> {
    let mut url = checked(url.trim(), None)?;
    for _ in 0..=policy.max_redirects {
        let response = ask(&url, allowed, names).await?;
        let status = response.status().as_u16();
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return match status {
                200 => body(response, policy.max_bytes).await,
                _ => Err(FetchProblem::Status(status)),
            };
        }
        let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        url = checked(target.ok_or(FetchProblem::Status(status))?, Some(&url))?;
    }
    Err(FetchProblem::TooManyRedirects(policy.max_redirects))
}

/// An address that may be asked at all; `from` is the one that redirected to it.
fn checked(text: &str, from: Option<&Url>) -> Result<Url, FetchProblem> {
    if text.len() > MAX_URL {
        return Err(FetchProblem::NoAddress);
    }
    let parsed = match from {
        Some(base) => base.join(text),
        None => Url::parse(text),
    };
    let url = parsed.map_err(|_| FetchProblem::NoAddress)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchProblem::Scheme);
    }
    if from.is_some_and(|from| from.scheme() == "https") && url.scheme() == "http" {
        return Err(FetchProblem::Downgrade);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchProblem::Credentials);
    }
    Ok(url)
}

/// A client that goes to this address and to no other, when every address behind its name is allowed.
async fn client_for<N: Names>(url: &Url, allowed: Allowed<'_>, names: &N) -> Result<Client, FetchProblem> {
    let host = url.host_str().ok_or(FetchProblem::NoAddress)?;
    let port = url.port_or_known_default().ok_or(FetchProblem::NoAddress)?;
    let addresses = match literal(host) {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => names.lookup(host, port).await.map_err(|_| FetchProblem::UnknownHost)?,
    };
    if addresses.is_empty() {
        return Err(FetchProblem::UnknownHost);
    }
    if !addresses.iter().all(|address| allowed(host, address.ip())) {
        return Err(FetchProblem::NotPublic);
    }
    client(url, host, &addresses)
}

async fn ask<N: Names>(url: &Url, allowed: Allowed<'_>, names: &N) -> Result<Response, FetchProblem> {
    let request = client_for(url, allowed, names)
        .await?
        .get(url.clone())
        .header(ACCEPT, "application/json, application/yaml, text/yaml, */*;q=0.5")
        .header(ACCEPT_ENCODING, "identity");
    request.send().await.map_err(|error| FetchProblem::of(&error))
}

/// A client for one request: bound to the addresses that were checked, without the environment's
/// proxy (which would resolve the name again, elsewhere) and without redirects of its own.
fn client(url: &Url, host: &str, addresses: &[SocketAddr]) -> Result<Client, FetchProblem> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(NoNames)
        .resolve_to_addrs(host, addresses)
        .user_agent("Portico")
        .pool_max_idle_per_host(0);
    // The system's certificates take some milliseconds to load, and an http address needs none.
    if url.scheme() == "https" {
        builder = builder.tls_backend_preconfigured(tls()?);
    } else {
        builder = builder.tls_backend_preconfigured(no_tls()?);
    }
    builder.build().map_err(|_| FetchProblem::NoTls)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// TLS that trusts what the operator's system trusts, an authority of their own included.
fn tls() -> Result<rustls::ClientConfig, FetchProblem> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let builder = rustls::ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| FetchProblem::NoTls)?;
    let builder = builder.with_platform_verifier().map_err(|_| FetchProblem::NoTls)?;
    Ok(builder.with_no_client_auth())
}

/// TLS that trusts nobody: reqwest wants one also where none is used.
fn no_tls() -> Result<rustls::ClientConfig, FetchProblem> {
    let builder = rustls::ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| FetchProblem::NoTls)?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// Resolves nothing: a name that was not checked and pinned stays unknown.
struct NoNames;

impl Resolve for NoNames {
    fn resolve(&self, _: Name) -> Resolving {
        let refusal = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        Box::pin(async move { Err::<Addrs, _>(refusal.into()) })
    }
}

/// The address when the host is written as one; URL parsing has made decimal, octal and
/// hexadecimal spellings plain before.
fn literal(host: &str) -> Option<IpAddr> {
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

async fn body(mut response: Response, max_bytes: usize) -> Result<Vec<u8>, FetchProblem> {
    let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(FetchProblem::Compressed);
    }
    let too_large = FetchProblem::TooLarge(max_bytes);
    if response.content_length().is_some_and(|length| length > max_bytes as u64) {
        return Err(too_large);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| FetchProblem::of(&error))? {
        if bytes.len() + chunk.len() > max_bytes {
            return Err(too_large);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
