//! Groups as a provider keeps them: external groups here, whose members are the provider's people that it names.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Found, Kind, Projection, Search, Seen, Told, begin, document,
    filter::{Filter, Operator},
    location, meta,
    patch::{self, Op},
    store,
};
use crate::{
    auth::Provisioner,
    db::{Connection, Database, Select, Transaction},
    error::Error,
    groups::provisioned::{self, Change, Provisioned, Said},
    ids::{GroupId, UserId},
    providers,
};

/// Members that one page of a list tells: a page with more of them has fewer groups, one at least.
const MEMBERS: i64 = 20_000;

/// Members by the keys of their groups.
type MembersOf = HashMap<GroupId, Vec<String>>;

fn told(group: &Provisioned, base: &str, members: Option<&[String]>) -> Result<Told, Error> {
    let attributes: Map<String, Value> = serde_json::from_str(&group.attributes)?;
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), document::schemas_of(Kind::Group, &attributes));
    resource.insert("id".to_owned(), group.name.clone().into());
    if !group.external_id.is_empty() {
        resource.insert("externalId".to_owned(), group.external_id.clone().into());
    }
    resource.insert("displayName".to_owned(), group.name_there.clone().into());
    resource.extend(attributes);
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        let member = |id: &String| json!({ "value": id, "$ref": location(Kind::User, base, id), "type": "User" });
        resource.insert("members".to_owned(), members.iter().map(member).collect());
    }
    let version = group.version.to_string();
    resource.insert("meta".to_owned(), meta(Kind::Group, base, &group.name, (group.created_at, group.modified_at), &version));
    Ok(Told { resource, version, id: group.name.clone() })
}

async fn members_of(connection: &mut Connection, who: &Provisioner, groups: &[GroupId]) -> Result<MembersOf, Error> {
    let mut members = MembersOf::new();
    for member in provisioned::members(connection, who, groups).await? {
        members.entry(member.group_id).or_default().push(member.name);
    }
    Ok(members)
}

/// With its members, where they are wanted.
async fn whole(
    connection: &mut Connection,
    who: &Provisioner,
    base: &str,
    group: &Provisioned,
    projection: &Projection,
) -> Result<Told, Error> {
    let members = if projection.wants("members") { members_of(connection, who, &[group.id]).await? } else { MembersOf::new() };
    told(group, base, members.get(&group.id).map(Vec::as_slice))
}

pub async fn get(connection: &mut Connection, who: &Provisioner, base: &str, id: &str, projection: &Projection) -> Result<Told, Error> {
    let group = provisioned::find(connection, who, id).await?.ok_or(Error::NotFound)?;
    whole(connection, who, base, &group, projection).await
}

/// # Errors
/// `Invalid` on `invalidFilter` and `invalidValue`.
pub async fn list(connection: &mut Connection, who: &Provisioner, base: &str, search: &Search) -> Result<Found, Error> {
    let (narrowing, order) = (search.narrowing(Kind::Group)?, search.order(Kind::Group)?);
    let narrow = |statement: &mut Select| {
        if let Some(narrowing) = &narrowing {
            narrowing.narrow(statement);
        }
    };
    let (mut groups, total) = provisioned::list(connection, who, &narrow, order, search.page()).await?;
    let mut members = MembersOf::new();
    if search.projection.wants("members") {
        let (mut room, mut fit) = (MEMBERS, 0);
        for group in &groups {
            room -= group.members;
            if fit > 0 && room < 0 {
                break;
            }
            fit += 1;
        }
        groups.truncate(fit);
        members = members_of(connection, who, &groups.iter().map(|group| group.id).collect::<Vec<_>>()).await?;
    }
    let told = |group: &Provisioned| {
        let told = told(group, base, members.get(&group.id).map(Vec::as_slice))?;
        Ok(Value::Object(search.projection.of(Kind::Group, told.resource)))
    };
    Ok(Found { resources: groups.iter().map(told).collect::<Result<_, Error>>()?, total })
}

/// What a document says of a group, and whom it names.
fn given(mut document: Map<String, Value>) -> Result<(Said, Vec<Value>), Error> {
    let members = match document.shift_remove("members") {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let name_there = text(document.shift_remove("displayName"));
    let external_id = text(document.shift_remove("externalId"));
    Ok((Said { name_there, external_id, attributes: document::kept(&document)? }, members))
}

/// The ids of members in a document.
fn ids_of(members: &[Value]) -> Result<Vec<String>, Error> {
    members.iter().map(id_of).collect()
}

fn id_of(member: &Value) -> Result<String, Error> {
    if member["type"].as_str().is_some_and(|kind| !kind.eq_ignore_ascii_case("user")) {
        return Err(Error::invalid("invalidValue", "The members of a group are people: groups inside of groups are not kept."));
    }
    let id = member["value"].as_str().or_else(|| member.as_str()).map(str::trim).filter(|id| !id.is_empty() && !id.contains('\0'));
    id.map(str::to_owned).ok_or_else(|| Error::invalid("invalidValue", "A member is an object with the id of a person as its value."))
}

/// The keys of people by their ids.
///
/// # Errors
/// `Invalid` on `invalidValue` when one is nobody of the provider's.
async fn keys_of(tx: &mut Transaction, who: &Provisioner, ids: &[String]) -> Result<HashMap<String, UserId>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let known: HashMap<String, UserId> = store::keys_of(tx, who.provider(), ids).await?.into_iter().collect();
    match ids.iter().find(|id| !known.contains_key(*id)) {
        None => Ok(known),
        Some(id) => {
            let id: String = id.chars().take(80).collect();
            Err(Error::invalid("invalidValue", format!("The provider keeps nobody with the id {id}, who is named as a member.")))
        }
    }
}

fn check(error: Error) -> Error {
    match error {
        Error::Invalid(mut problems) => {
            for problem in &mut problems.0 {
                if ["displayName", "externalId", "display_name"].contains(&problem.field) {
                    problem.field = "invalidValue";
                }
            }
            Error::Invalid(problems)
        }
        other => other,
    }
}

/// How programs of the management API name it.
async fn note_address(tx: &mut Transaction, who: &Provisioner, group: &Provisioned) -> Result<(), Error> {
    let id = if group.external_id.is_empty() { &group.name } else { &group.external_id };
    let address = providers::get(tx, who.name()).await?.group_address("", id);
    provisioned::set_address(tx, group.id, &address).await
}

/// Keeps a group from now on.
///
/// # Errors
/// `Invalid` on `invalidValue` and `uniqueness`.
pub async fn create(db: &Database, who: &Provisioner, base: &str, projection: &Projection, resource: Value) -> Result<Told, Error> {
    let (said, members) = given(document::read(Kind::Group, resource)?)?;
    let named = ids_of(&members)?;
    let mut tx = begin(db, who).await?;
    let members: Vec<UserId> = keys_of(&mut tx, who, &named).await?.into_values().collect();
    let key = provisioned::create(&mut tx, who, &said, &members).await.map_err(check)?;
    let group = provisioned::of_key(&mut tx, who, key).await?;
    note_address(&mut tx, who, &group).await?;
    let told = whole(&mut tx, who, base, &group, projection).await?;
    tx.commit().await?;
    Ok(told)
}

/// Replaces what the provider says of a group, and who is in it.
///
/// # Errors
/// `NotFound`; `Stale`; as `create`.
pub async fn replace(
    db: &Database,
    who: &Provisioner,
    base: &str,
    projection: &Projection,
    (id, seen): (&str, &Seen),
    resource: Value,
) -> Result<Told, Error> {
    let (said, members) = given(document::read(Kind::Group, resource)?)?;
    let named = ids_of(&members)?;
    let mut tx = begin(db, who).await?;
    let group = provisioned::find(&mut tx, who, id).await?.ok_or(Error::NotFound)?;
    seen.meets(&group.version.to_string())?;
    let joining = keys_of(&mut tx, who, &named).await?.into_values().collect();
    let change = Change { only: true, joining, leaving: Vec::new() };
    provisioned::change(&mut tx, who, &group, &said, &change).await.map_err(check)?;
    let before = group.external_id;
    let group = provisioned::of_key(&mut tx, who, group.id).await?;
    if group.external_id != before {
        note_address(&mut tx, who, &group).await?;
    }
    let told = whole(&mut tx, who, base, &group, projection).await?;
    tx.commit().await?;
    Ok(told)
}

/// Who comes and goes by the changes of members, one after the other.
#[derive(Default)]
struct Moves {
    only: bool,
    /// By their ids, whether they are in it in the end.
    stay: HashMap<String, bool>,
}

impl Moves {
    fn all(&mut self, ids: Vec<String>, stay: bool) {
        self.stay.extend(ids.into_iter().map(|id| (id, stay)));
    }

    fn nobody(&mut self) {
        self.only = true;
        self.stay.clear();
    }

    /// # Errors
    /// `Invalid` on `invalidPath` and `invalidValue`.
    fn add(&mut self, change: &patch::Change) -> Result<(), Error> {
        if !change.path.attr.sub.is_empty() && !change.path.attr.sub.eq_ignore_ascii_case("value") {
            return Err(Error::invalid("mutability", "Of a member nothing is changed: it comes or goes."));
        }
        let values = match &change.value {
            Value::Null => Vec::new(),
            Value::Array(values) => ids_of(values)?,
            one => vec![id_of(one)?],
        };
        match (change.op, &change.path.filter) {
            (Op::Remove, Some(filter)) => {
                let mut chosen = Vec::new();
                if !named(filter, &mut chosen) {
                    return Err(Error::invalid("invalidPath", "A member is chosen by members[value eq \"…\"]."));
                }
                self.all(chosen, false);
            }
            (Op::Remove, None) if change.value.is_null() => self.nobody(),
            (Op::Remove, None) => self.all(values, false),
            (_, Some(_)) => return Err(Error::invalid("mutability", "Of a member nothing is changed: it comes or goes.")),
            (Op::Add, None) => self.all(values, true),
            (Op::Replace, None) => {
                self.nobody();
                self.all(values, true);
            }
        }
        Ok(())
    }
}

/// The ids that a filter names, where it does nothing else.
fn named(filter: &Filter, ids: &mut Vec<String>) -> bool {
    match filter {
        Filter::Or(one, other) => named(one, ids) && named(other, ids),
        Filter::Compare(attr, Operator::Eq, Value::String(id)) if attr.name.eq_ignore_ascii_case("value") => {
            ids.push(id.clone());
            true
        }
        _ => false,
    }
}

/// Changes some of what the provider says of a group, and who comes and goes. Its version.
///
/// # Errors
/// `NotFound`; `Stale`; as `create`; what cannot be read of the PATCH.
pub async fn change(db: &Database, who: &Provisioner, (id, seen): (&str, &Seen), body: Value) -> Result<i64, Error> {
    let changes = patch::changes(body)?;
    let mut tx = begin(db, who).await?;
    let group = provisioned::find(&mut tx, who, id).await?.ok_or(Error::NotFound)?;
    seen.meets(&group.version.to_string())?;
    let mut document = told(&group, "", None)?.resource;
    document.retain(|name, _| !document::is_not_kept(Kind::Group, name));
    let mut moves = Moves::default();
    for change in changes {
        if change.is_of(Kind::Group, "members") {
            moves.add(&change)?;
        } else {
            change.apply(Kind::Group, &mut document)?;
        }
    }
    let (said, _) = given(document)?;
    let change = resolved(&mut tx, who, moves).await?;
    provisioned::change(&mut tx, who, &group, &said, &change).await.map_err(check)?;
    let before = group.external_id;
    let group = provisioned::of_key(&mut tx, who, group.id).await?;
    if group.external_id != before {
        note_address(&mut tx, who, &group).await?;
    }
    tx.commit().await?;
    Ok(group.version)
}

/// Whoever leaves may be gone already; whoever comes is one of the provider's people.
async fn resolved(tx: &mut Transaction, who: &Provisioner, moves: Moves) -> Result<Change, Error> {
    let (joining, leaving): (Vec<_>, Vec<_>) = moves.stay.into_iter().partition(|(_, stay)| *stay);
    let ids = |all: Vec<(String, bool)>| all.into_iter().map(|(id, _)| id).collect::<Vec<String>>();
    let joining = keys_of(tx, who, &ids(joining)).await?.into_values().collect();
    let leaving = ids(leaving);
    let leaving = if leaving.is_empty() || moves.only { Vec::new() } else { store::keys_of(tx, who.provider(), &leaving).await? };
    Ok(Change { only: moves.only, joining, leaving: leaving.into_iter().map(|(_, key)| key).collect() })
}

/// The provider does not have the group any more.
///
/// # Errors
/// `NotFound`; `Stale`.
pub async fn delete(db: &Database, who: &Provisioner, id: &str, seen: &Seen) -> Result<(), Error> {
    let mut tx = begin(db, who).await?;
    let group = provisioned::find(&mut tx, who, id).await?.ok_or(Error::NotFound)?;
    seen.meets(&group.version.to_string())?;
    provisioned::end(&mut tx, who, &group).await?;
    tx.commit().await
}
