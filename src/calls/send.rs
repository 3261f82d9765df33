//! Sends a call in a person's name, by the rules of what may be reached that imports by URL have, without the portal's cookies, and
//! without following where the answer leads.

use std::time::{Duration, Instant};

use super::Call;
use crate::{
    config::ImportUrls,
    fetch::{self, FetchProblem, Policy},
};

/// For everything together.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read; more are not waited for.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// What the API answered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// There was more of it.
    pub truncated: bool,
    pub took: Duration,
}

/// Sends it; what went wrong is in words for the person who tries.
pub async fn send(call: &Call, allowed: ImportUrls) -> Result<Reply, String> {
    let private_addresses = match allowed {
        ImportUrls::No => {
            return Err("This portal calls no other server: its operator has switched that off.".to_owned());
        }
        ImportUrls::Public => false,
        ImportUrls::Private => true,
    };
    let policy = Policy { private_addresses, max_bytes: LARGEST_ANSWER, timeout: PATIENCE, max_redirects: 0, ..Policy::default() };
    let began = Instant::now();
    let sent = fetch::exchange(&call.method, &call.url, &call.headers, call.body.as_deref(), policy).await;
    match sent {
        Ok(answer) => Ok(Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            truncated: answer.truncated,
            took: began.elapsed(),
        }),
        Err(problem) => Err(words(problem)),
    }
}

fn words(problem: FetchProblem) -> String {
    match problem {
        FetchProblem::NoAddress => "The address cannot be called: it is no URL, or longer than 2,000 characters.".to_owned(),
        FetchProblem::NotPublic => "The API’s address does not lead to the public internet, and this portal calls no other.".to_owned(),
        FetchProblem::Certificate => "The API’s certificate is not trusted, so nothing was sent.".to_owned(),
        FetchProblem::TooSlow(limit) => format!("The API did not answer within {} seconds.", limit.as_secs()),
        other => other.to_string(),
    }
}
