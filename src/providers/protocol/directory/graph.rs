//! Microsoft Graph (learn.microsoft.com/graph/api, v1.0): groups of a tenant, their members through all that is nested, in pages.

use serde::Deserialize;
use url::Url;

use super::{Account, FOUND, Line, Page, Trouble, bounded, endpoint, is_for_many_tenants, reported, subjects};
use crate::groups::Reported;

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    #[serde(rename = "displayName")]
    display_name: Option<String>,
}

fn page<T>(list: List<T>) -> Page<T> {
    Page { rows: list.value, next: list.next }
}

fn told(groups: Vec<Group>) -> Vec<Reported> {
    groups.into_iter().map(|group| reported(group.id, group.display_name)).collect()
}

fn asking(line: &Line<'_>, parts: &[&str], query: &[(&str, &str)]) -> Result<Url, Trouble> {
    let mut url = line.place(parts)?;
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Where a token for Graph is got in this tenant, and for what.
pub(super) fn token_endpoint(line: &Line<'_>, endpoint_of_issuer: &str, tenant: &str) -> Result<(String, Option<String>), Trouble> {
    let graph = endpoint(&line.provider.directory).map_err(Trouble::away)?;
    let scope = format!("{}/.default", graph.origin().ascii_serialization());
    let mut url = Url::parse(endpoint_of_issuer).map_err(|_| Trouble::away("The token endpoint is no address."))?;
    if is_for_many_tenants(endpoint_of_issuer) {
        if tenant.is_empty() {
            return Err(Trouble::away("The group’s tenant is not known: add it once more from the directory."));
        }
        let rest: Vec<String> = url.path_segments().into_iter().flatten().skip(1).map(str::to_owned).collect();
        let mut path = url.path_segments_mut().map_err(|()| Trouble::away("The token endpoint is no address."))?;
        path.clear().push(tenant).extend(rest);
    }
    Ok((url.into(), Some(scope)))
}

pub(super) async fn search(line: &Line<'_>, tenant: &str, words: &str) -> Result<Vec<Reported>, Trouble> {
    let top = FOUND.to_string();
    let mut query = vec![("$select", "id,displayName"), ("$top", top.as_str()), ("$count", "true")];
    // In quotes, where a quote and a backslash would end it.
    let words: String = words.trim().chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    let search = format!("\"displayName:{words}\"");
    if words.is_empty() {
        query.push(("$orderby", "displayName"));
    } else {
        query.push(("$search", &search));
    }
    let found = line.read::<List<Group>>(tenant, asking(line, &["groups"], &query)?.as_str()).await?;
    Ok(found.map(|(list, _)| told(list.value)).unwrap_or_default())
}

pub(super) async fn group(line: &Line<'_>, tenant: &str, id: &str) -> Result<Option<Reported>, Trouble> {
    let found = line.read::<Group>(tenant, asking(line, &["groups", id], &[("$select", "id,displayName")])?.as_str()).await?;
    Ok(found.map(|(group, _)| reported(group.id, group.display_name)))
}

pub(super) async fn members(line: &Line<'_>, tenant: &str, id: &str) -> Result<Option<Vec<String>>, Trouble> {
    let query = [("$select", "id,accountEnabled"), ("$top", "999"), ("$count", "true")];
    let url = asking(line, &["groups", id, "transitiveMembers", "microsoft.graph.user"], &query)?;
    Ok(line.all(tenant, url, |list: List<Account>, _, _| page(list)).await?.map(subjects))
}

pub(super) async fn groups_of(line: &Line<'_>, tenant: &str, subject: &str) -> Result<Option<Vec<Reported>>, Trouble> {
    let account = asking(line, &["users", subject], &[("$select", "id,accountEnabled")])?;
    let account = line.read::<Account>(tenant, account.as_str()).await?;
    if !account.is_some_and(|(account, _)| account.may_sign_in()) {
        return Ok(None);
    }
    let query = [("$select", "id,displayName"), ("$top", "999"), ("$count", "true")];
    let url = asking(line, &["users", subject, "transitiveMemberOf", "microsoft.graph.group"], &query)?;
    Ok(line.all(tenant, url, |list: List<Group>, _, _| page(list)).await?.map(told).map(bounded))
}
