//! GitHub signs people in by OAuth 2 without OpenID Connect: who it is, is asked of its API. Another server of GitHub Enterprise has it below
//! its own address.

use openidconnect::{AuthType, OAuth2TokenResponse};
use serde::Deserialize;
use url::Url;

use super::{
    Arrived, Grant, Line, Trouble,
    code::{self, Leaving, Returned},
    net,
};
use crate::groups::Reported;

/// Where its pages and its API are.
pub(super) struct Places {
    pub authorize: String,
    pub token: String,
    pub api: String,
}

pub(super) fn places(issuer: &str) -> Places {
    let base = issuer.trim_end_matches('/');
    let api = if base == "https://github.com" { "https://api.github.com".to_owned() } else { format!("{base}/api/v3") };
    Places { authorize: format!("{base}/login/oauth/authorize"), token: format!("{base}/login/oauth/access_token"), api }
}

pub(super) fn leave(line: &Line<'_>, leaving: &Leaving) -> Result<String, Trouble> {
    let mut url = Url::parse(&places(&line.provider.issuer).authorize).map_err(|_| Trouble::away("The issuer is no address."))?;
    let challenge = leaving.challenge();
    url.query_pairs_mut()
        .append_pair("client_id", &line.provider.client_id)
        .append_pair("redirect_uri", &line.redirect)
        .append_pair("scope", &line.provider.scopes)
        .append_pair("state", &leaving.state)
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", challenge.method().as_str());
    Ok(url.into())
}

#[derive(Deserialize)]
struct User {
    id: i64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Email {
    email: String,
    primary: bool,
    verified: bool,
}

#[derive(Deserialize)]
struct Team {
    id: i64,
    slug: String,
    organization: Organization,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

pub(super) async fn arrive(line: &Line<'_>, leaving: &Leaving, returned: &Returned) -> Result<Arrived, Trouble> {
    let places = places(&line.provider.issuer);
    let token = code::exchange(line, &places.token, AuthType::RequestBody, leaving, returned).await?;
    about(line, token.access_token().secret()).await
}

/// Who somebody is by now; the token does not run out.
pub(super) async fn look_again(line: &Line<'_>, grant: &Grant) -> Result<Arrived, Trouble> {
    about(line, grant.token()).await
}

async fn about(line: &Line<'_>, token: &str) -> Result<Arrived, Trouble> {
    let places = places(&line.provider.issuer);
    let user: User = net::json("The account", &format!("{}/user", places.api), Some(token)).await?;
    let emails: Vec<Email> = net::json("The account’s addresses", &format!("{}/user/emails", places.api), Some(token)).await?;
    let primary = emails.into_iter().find(|email| email.primary);
    let (first_name, last_name) = code::split(user.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&user.login));
    let groups = match line.provider.groups_claim.is_empty() {
        true => None,
        false => {
            let teams: Vec<Team> =
                net::json("The account’s teams", &format!("{}/user/teams?per_page=100", places.api), Some(token)).await?;
            let of = |team: Team| Reported { external_id: team.id.to_string(), name: format!("{}/{}", team.organization.login, team.slug) };
            Some(teams.into_iter().map(of).collect())
        }
    };
    Ok(Arrived {
        subject: user.id.to_string(),
        vouched: primary.as_ref().is_some_and(|email| email.verified || line.provider.trusts_email),
        email: primary.map(|email| email.email).unwrap_or_default(),
        first_name: code::shortened(&first_name),
        last_name: code::shortened(&last_name),
        groups,
        grant: Some(Grant::new(token)),
        ..Arrived::default()
    })
}
