//! Okta's API (developer.okta.com/docs/api, v1), with an API token: groups, and who is in them; the next page is in a header (RFC 8288).

use serde::Deserialize;
use url::Url;

use super::{Account, FOUND, Line, Page, Trouble, bounded, reported, subjects};
use crate::{fetch, groups::Reported};

#[derive(Deserialize)]
struct Group {
    id: String,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    name: Option<String>,
}

fn told(groups: Vec<Group>) -> Vec<Reported> {
    groups.into_iter().map(|group| reported(group.id, group.profile.name)).collect()
}

fn page<T>(rows: Vec<T>, answer: &fetch::Answer) -> Page<T> {
    let links = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link")).flat_map(|(_, value)| value.split(','));
    let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| link.trim().strip_prefix('<')?.split('>').next());
    Page { rows, next: next.map(str::to_owned) }
}

fn asking(line: &Line<'_>, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Trouble> {
    let mut url = line.place(parts)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

pub(super) async fn search(line: &Line<'_>, words: &str) -> Result<Vec<Reported>, Trouble> {
    let limit = FOUND.to_string();
    let url = asking(line, &["groups"], &[("q", words.trim()), ("limit", &limit)])?;
    Ok(line.read::<Vec<Group>>("", url.as_str()).await?.map(|(groups, _)| told(groups)).unwrap_or_default())
}

pub(super) async fn group(line: &Line<'_>, id: &str) -> Result<Option<Reported>, Trouble> {
    let found = line.read::<Group>("", asking(line, &["groups", id], &[])?.as_str()).await?;
    Ok(found.map(|(group, _)| reported(group.id, group.profile.name)))
}

pub(super) async fn members(line: &Line<'_>, id: &str) -> Result<Option<Vec<String>>, Trouble> {
    let url = asking(line, &["groups", id, "users"], &[("limit", "200")])?;
    Ok(line.all("", url, |rows: Vec<Account>, answer, _| page(rows, answer)).await?.map(subjects))
}

pub(super) async fn groups_of(line: &Line<'_>, subject: &str) -> Result<Option<Vec<Reported>>, Trouble> {
    let account = line.read::<Account>("", asking(line, &["users", subject], &[])?.as_str()).await?;
    if !account.is_some_and(|(account, _)| account.may_sign_in()) {
        return Ok(None);
    }
    let url = asking(line, &["users", subject, "groups"], &[("limit", "200")])?;
    Ok(line.all("", url, |rows: Vec<Group>, answer, _| page(rows, answer)).await?.map(told).map(bounded))
}
