//! Trying a provider, step by step: which one fails, and why. Nothing is signed in.

use base64::{Engine, engine::general_purpose::STANDARD};
use openidconnect::AuthType;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{Line, code, discovery, github, net};
use crate::providers::form::endpoint;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Good(String),
    Bad(String),
    /// It was not come to, or cannot be told from here.
    Open(String),
}

/// One step of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub what: &'static str,
    pub outcome: Outcome,
}

impl Step {
    pub fn tone(&self) -> &'static str {
        match self.outcome {
            Outcome::Good(_) => "good",
            Outcome::Bad(_) => "bad",
            Outcome::Open(_) => "",
        }
    }

    pub fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Good(_) => "Good",
            Outcome::Bad(_) => "Failed",
            Outcome::Open(_) => "Not tried",
        }
    }

    pub fn words(&self) -> &str {
        let (Outcome::Good(words) | Outcome::Bad(words) | Outcome::Open(words)) = &self.outcome;
        words
    }
}

const STEPS: [&str; 7] = ["Address", "Discovery document", "Issuer", "Endpoints", "Signing keys", "Client", "Directory"];

/// The steps in their order, up to the first that fails.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn good(&mut self, words: impl Into<String>) {
        self.add(Outcome::Good(words.into()));
    }

    fn add(&mut self, outcome: Outcome) {
        let what = STEPS.get(self.0.len()).copied().unwrap_or("Further");
        self.0.push(Step { what, outcome });
    }

    fn ended(mut self) -> Vec<Step> {
        while self.0.len() < STEPS.len() {
            self.add(Outcome::Open("An earlier step failed.".to_owned()));
        }
        self.0
    }
}

/// Whether every step that could be tried is good; or the first problem.
pub fn problem(steps: &[Step]) -> Option<String> {
    steps.iter().find(|step| matches!(step.outcome, Outcome::Bad(_))).map(|step| format!("{}: {}", step.what, step.words()))
}

/// Tries a provider.
pub async fn test(line: &Line<'_>) -> Vec<Step> {
    let mut steps = Steps::default();
    let tried = tokio::time::timeout(net::IN_ALL, go(line, &mut steps)).await;
    match tried {
        Ok(Ok(())) => {}
        Ok(Err(why)) => steps.add(Outcome::Bad(why)),
        Err(_) => steps.add(Outcome::Bad(format!("It took longer than {} seconds.", net::IN_ALL.as_secs()))),
    }
    steps.ended()
}

async fn go(line: &Line<'_>, steps: &mut Steps) -> Result<(), String> {
    let provider = line.provider;
    let url = endpoint(&provider.issuer).map_err(str::to_owned)?;
    steps.good(match url.scheme() {
        "https" => "It begins with https://.",
        _ => "It is on this machine itself, where http will do.",
    });
    if !provider.kind().has_id_tokens() {
        for _ in ["Discovery document", "Issuer", "Endpoints", "Signing keys"] {
            steps.add(Outcome::Open("GitHub has none; its addresses are known.".to_owned()));
        }
        client(line, &github::places(&provider.issuer).token, &AuthType::RequestBody, steps).await?;
        return directory(line, steps).await;
    }
    let metadata = discovery::metadata(&provider.issuer).await.map_err(|trouble| trouble.why)?;
    steps.good(format!("Read from {}.", discovery::address(&provider.issuer)));
    if !metadata.is_of(&provider.issuer) {
        let said: String = metadata.issuer.chars().take(200).collect();
        return Err(format!("The document says that its issuer is {said}. Set that one here, letter by letter."));
    }
    steps.good("The document names the same issuer.");
    if let Some(why) = metadata.wrong_endpoint(&provider.issuer) {
        return Err(why);
    }
    steps.good("Authorization, token and key endpoints are there.");
    let keys = discovery::keys(&metadata).await.map_err(|trouble| trouble.why)?;
    let number = i64::try_from(keys.keys().len()).unwrap_or(i64::MAX);
    steps.good(format!("{} can be used.", if number == 1 { "1 key".to_owned() } else { format!("{number} keys") }));
    client(line, &metadata.token_endpoint, &code::auth_type(&metadata), steps).await?;
    directory(line, steps).await
}

/// Whether its groups can be looked through, in every tenant.
async fn directory(line: &Line<'_>, steps: &mut Steps) -> Result<(), String> {
    if !line.provider.reads_directory() {
        let why = if line.provider.kind().has_directory() { "Its address is not set." } else { "It has none that is asked." };
        steps.add(Outcome::Open(why.to_owned()));
        return Ok(());
    }
    let mut found = 0;
    for tenant in line.tenants().await.map_err(|trouble| trouble.why)? {
        let of = |why: String| if tenant.is_empty() { why } else { format!("{why} (tenant {tenant})") };
        found += line.search_groups(&tenant, "").await.map_err(|trouble| of(trouble.why))?.len();
    }
    steps.good(match found {
        0 => "It answers, and has no group.".to_owned(),
        1 => "It answers, and has a group.".to_owned(),
        _ => "It answers, and has groups.".to_owned(),
    });
    Ok(())
}

/// A code that nobody was given: whoever refuses it, and not the client, has taken the client for whom it is. The client proves itself as at
/// a sign-in.
async fn client(line: &Line<'_>, endpoint: &str, auth: &AuthType, steps: &mut Steps) -> Result<(), String> {
    let (id, secret) = (line.provider.client_id.as_str(), line.secret.as_str());
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", "portico-tests-its-client"),
        ("redirect_uri", line.redirect.as_str()),
        ("code_verifier", "portico-tests-its-client-portico-tests-its-client"),
    ];
    let mut headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    match auth {
        AuthType::RequestBody => form.extend([("client_id", id), ("client_secret", secret)]),
        // RFC 6749, section 2.3.1: encoded as in a form.
        _ => {
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let basic = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
            headers.push(("authorization".to_owned(), format!("Basic {basic}")));
        }
    }
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let answer = net::ask("POST", endpoint, &headers, Some(&body)).await?;
    let error = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let error = error.as_ref().and_then(|answer| answer.get("error")).and_then(serde_json::Value::as_str).unwrap_or_default();
    match error {
        "invalid_client" | "incorrect_client_credentials" => {
            return Err("The provider does not take the client ID with this secret. Is the secret over, or of another client?".to_owned());
        }
        "unauthorized_client" => return Err("The provider does not let this client use the authorization code flow.".to_owned()),
        "redirect_uri_mismatch" => return Err("The redirect URL is not registered there.".to_owned()),
        "invalid_grant" | "bad_verification_code" => steps.good("The provider takes the client ID and secret."),
        _ if answer.status == 401 => return Err("The provider answered 401: it does not take the client ID with this secret.".to_owned()),
        _ => steps.add(Outcome::Open(format!("It cannot be told from the provider’s answer ({}). Sign in to see.", answer.status))),
    }
    Ok(())
}
