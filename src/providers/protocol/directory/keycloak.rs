//! Keycloak's Admin API (keycloak.org/docs-api): groups of a realm, which may stand in each other, and who is in them; pages by number.

use serde::Deserialize;
use url::Url;

use super::{Account, FOUND, Line, Page, Trouble, bounded, reported, subjects};
use crate::groups::Reported;

/// Rows of a page.
const ROWS: usize = 500;
/// How deep groups may stand in each other.
const DEEP: usize = 10;

#[derive(Deserialize)]
struct Group {
    id: String,
    name: Option<String>,
    /// `/staff/ops`.
    path: Option<String>,
    #[serde(default, rename = "subGroups")]
    groups: Vec<Group>,
}

impl Group {
    fn told(self) -> Reported {
        let path = self.path.map(|path| path.trim_start_matches('/').to_owned()).filter(|path| !path.is_empty());
        reported(self.id, path.or(self.name))
    }
}

fn flattened(groups: Vec<Group>, words: &str, deep: usize, found: &mut Vec<Reported>) {
    for mut group in groups {
        let within = std::mem::take(&mut group.groups);
        // The groups that a match stands in are answered with it.
        if group.name.as_deref().unwrap_or_default().to_lowercase().contains(words) {
            found.push(group.told());
        }
        if deep < DEEP {
            flattened(within, words, deep + 1, found);
        }
    }
}

fn asking(line: &Line<'_>, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Trouble> {
    let mut url = line.place(parts)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// The next page of a list: it has no word for its end but a page that is not full.
fn page<T>(rows: Vec<T>, asked: &str) -> Page<T> {
    let next = (rows.len() >= ROWS).then(|| {
        let mut url = Url::parse(asked).ok()?;
        let first: usize = url.query_pairs().find(|(name, _)| name == "first").and_then(|(_, value)| value.parse().ok())?;
        let rest: Vec<(String, String)> =
            url.query_pairs().filter(|(name, _)| name != "first").map(|(name, value)| (name.into(), value.into())).collect();
        url.query_pairs_mut().clear().extend_pairs(rest).append_pair("first", &(first + ROWS).to_string());
        Some(String::from(url))
    });
    Page { rows, next: next.flatten() }
}

pub(super) async fn search(line: &Line<'_>, words: &str) -> Result<Vec<Reported>, Trouble> {
    let max = FOUND.to_string();
    let url = asking(line, &["groups"], &[("search", words.trim()), ("first", "0"), ("max", &max)])?;
    let (mut found, words) = (Vec::new(), words.trim().to_lowercase());
    if let Some((groups, _)) = line.read::<Vec<Group>>("", url.as_str()).await? {
        flattened(groups, &words, 0, &mut found);
    }
    Ok(found)
}

pub(super) async fn group(line: &Line<'_>, id: &str) -> Result<Option<Reported>, Trouble> {
    let found = line.read::<Group>("", asking(line, &["groups", id], &[])?.as_str()).await?;
    Ok(found.map(|(group, _)| group.told()))
}

fn paged(line: &Line<'_>, parts: &[&str]) -> Result<Url, Trouble> {
    asking(line, parts, &[("briefRepresentation", "true"), ("max", &ROWS.to_string()), ("first", "0")])
}

pub(super) async fn members(line: &Line<'_>, id: &str) -> Result<Option<Vec<String>>, Trouble> {
    let url = paged(line, &["groups", id, "members"])?;
    Ok(line.all("", url, |rows: Vec<Account>, _, asked| page(rows, asked)).await?.map(subjects))
}

pub(super) async fn groups_of(line: &Line<'_>, subject: &str) -> Result<Option<Vec<Reported>>, Trouble> {
    let account = line.read::<Account>("", asking(line, &["users", subject], &[])?.as_str()).await?;
    if !account.is_some_and(|(account, _)| account.may_sign_in()) {
        return Ok(None);
    }
    let url = paged(line, &["users", subject, "groups"])?;
    let groups = line.all("", url, |rows: Vec<Group>, _, asked| page(rows, asked)).await?;
    Ok(groups.map(|groups| bounded(groups.into_iter().map(Group::told).collect())))
}
