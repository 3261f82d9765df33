//! One request of any method to an address that was checked as a download's is; the answer as it comes, up to a limit.

use std::net::IpAddr;

use reqwest::{
    Method, Response,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use super::{FetchProblem, Policy, SystemNames, checked, client_for};

/// What was answered, whatever the status.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub truncated: bool,
}

/// Sends a request; an answer that leads elsewhere is given back as it is.
pub async fn exchange(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Option<&str>,
    policy: Policy,
) -> Result<Answer, FetchProblem> {
    let allowed = move |_: &str, ip: IpAddr| policy.allows(ip);
    let exchanged = async {
        let url = checked(url, None)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| FetchProblem::NoAddress)?;
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| FetchProblem::NoAddress)?;
            map.append(name, HeaderValue::from_str(value).map_err(|_| FetchProblem::NoAddress)?);
        }
        let mut request = client_for(&url, &allowed, &SystemNames).await?.request(method, url).headers(map);
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        let response = request.send().await.map_err(|error| FetchProblem::of(&error))?;
        read(response, policy.max_bytes).await
    };
    match tokio::time::timeout(policy.timeout, exchanged).await {
        Ok(outcome) => outcome,
        Err(_) => Err(FetchProblem::TooSlow(policy.timeout)),
    }
}

async fn read(mut response: Response, most: usize) -> Result<Answer, FetchProblem> {
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let (status, headers) = (response.status().as_u16(), headers.collect());
    let (mut body, mut truncated) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await.map_err(|error| FetchProblem::of(&error))? {
        let room = most - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            truncated = true;
            break;
        }
    }
    Ok(Answer { status, headers, body, truncated })
}
