//! Requests to providers: whatever an administrator's issuer leads to but the wire itself, no redirects, at most a megabyte and ten seconds.

use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse, http};
use serde::de::DeserializeOwned;

use super::Trouble;
use crate::{
    fetch::{self, FetchProblem, Policy},
    providers::form::endpoint,
};

/// For everything together that one step of a sign-in asks.
pub(super) const IN_ALL: Duration = Duration::from_secs(10);

const POLICY: Policy = Policy { private_addresses: true, link_local: false, max_bytes: 1024 * 1024, timeout: IN_ALL, max_redirects: 0 };

fn words(problem: FetchProblem) -> String {
    match problem {
        FetchProblem::NotPublic => "The name leads to a link-local address, which is never asked.".to_owned(),
        FetchProblem::Certificate => "The server’s certificate is not trusted.".to_owned(),
        FetchProblem::TooSlow(limit) => format!("The server did not answer within {} seconds.", limit.as_secs()),
        FetchProblem::NoAddress => "The address is none, or too long.".to_owned(),
        other => other.to_string(),
    }
}

/// What was answered, whole.
pub(super) async fn ask(method: &str, url: &str, headers: &[(String, String)], body: Option<&str>) -> Result<fetch::Answer, String> {
    endpoint(url).map_err(str::to_owned)?;
    let answer = fetch::exchange(method, url, headers, body, POLICY).await.map_err(words)?;
    if answer.truncated {
        return Err("The answer is larger than 1 MB.".to_owned());
    }
    Ok(answer)
}

/// JSON from an address, with a token if there is one.
pub(super) async fn json<T: DeserializeOwned>(what: &str, url: &str, token: Option<&str>) -> Result<T, Trouble> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    let answer = ask("GET", url, &headers, None).await.map_err(|why| Trouble::away(format!("{what}: {why}")))?;
    if answer.status == 401 && token.is_some() {
        return Err(Trouble::new(super::What::Denied, format!("{what}: the token is not taken any more.")));
    }
    if answer.status != 200 {
        return Err(Trouble::away(format!("{what}: the server answered {} instead of 200.", answer.status)));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|why| Trouble::away(format!("{what}: the answer is not what it should be ({}).", place(&why))))
}

/// Where JSON went wrong, without what stands there: that may be a secret.
pub(super) fn place(why: &serde_json::Error) -> String {
    match why.classify() {
        serde_json::error::Category::Data => format!("a field is missing or of another type, line {}, column {}", why.line(), why.column()),
        _ => "no JSON".to_owned(),
    }
}

#[derive(Debug)]
pub(super) struct NotSent(String);

impl std::fmt::Display for NotSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotSent {}

/// The client of the library, over ours.
pub(super) async fn send(request: HttpRequest) -> Result<HttpResponse, NotSent> {
    let (head, body) = request.into_parts();
    let headers: Vec<(String, String)> =
        head.headers.iter().filter_map(|(name, value)| value.to_str().ok().map(|value| (name.to_string(), value.to_owned()))).collect();
    let body = String::from_utf8(body).map_err(|_| NotSent("The request is no text.".to_owned()))?;
    let answer = ask(head.method.as_str(), &head.uri.to_string(), &headers, Some(&body)).await.map_err(NotSent)?;
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body).map_err(|_| NotSent("The answer cannot be read.".to_owned()))
}
