//! What the database can filter and order resources by: a filter that was read becomes conditions over columns, values are bound. What no
//! column has is refused.

use serde_json::Value;

use super::{
    filter::{Attr, Filter, Operator},
    schemas::Kind,
};
use crate::{
    db::{Instant, Select, select::Place},
    error::Error,
    ids,
    rest::filter::instant,
};

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// It holds what `ids::fold` makes, and is empty where nothing was given.
    Folded(&'static str),
    /// As it stands; empty where nothing was given.
    Exact(&'static str),
    Flag(&'static str),
    Instant(&'static str),
    /// The same of all, such as the type.
    Same(&'static str),
}

/// Conditions that were checked.
#[derive(Clone, Debug)]
enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Text {
        column: &'static str,
        operator: Operator,
        value: String,
    },
    Flag {
        column: &'static str,
        value: bool,
    },
    Instant {
        column: &'static str,
        operator: Operator,
        value: Instant,
    },
    Always(bool),
    /// One of the addresses meets all of it.
    Emails(Box<Condition>),
    /// Somebody of this id is a member; none: anybody.
    Member(Option<String>),
}

/// A filter that the database can look by.
#[derive(Clone, Debug)]
pub struct Narrowing(Condition);

fn refused(why: impl Into<String>) -> Error {
    Error::invalid("invalidFilter", why)
}

fn column(kind: Kind, attr: &Attr) -> Option<Column> {
    if !attr.urn.is_empty() && !attr.urn.eq_ignore_ascii_case(kind.urn()) {
        return None;
    }
    let name = format!("{}.{}", attr.name, attr.sub).to_ascii_lowercase();
    Some(match (kind, name.trim_end_matches('.')) {
        (_, "meta.resourcetype") => Column::Same(kind.name()),
        (Kind::User, "id") => Column::Exact("u.name"),
        (Kind::User, "externalid") => Column::Exact("s.external_id"),
        (Kind::User, "username") => Column::Folded("s.user_name_folded"),
        (Kind::User, "displayname") => Column::Folded("s.display_name_folded"),
        (Kind::User, "name.givenname") => Column::Folded("s.given_name_folded"),
        (Kind::User, "name.familyname") => Column::Folded("s.family_name_folded"),
        (Kind::User, "active") => Column::Flag("u.state <> 'blocked'"),
        (Kind::User, "meta.created") => Column::Instant("s.created_at"),
        (Kind::User, "meta.lastmodified") => Column::Instant("s.modified_at"),
        (Kind::Group, "id") => Column::Exact("g.name"),
        (Kind::Group, "externalid") => Column::Exact("p.external_id"),
        (Kind::Group, "displayname") => Column::Folded("p.name_there_folded"),
        (Kind::Group, "meta.created") => Column::Instant("p.created_at"),
        (Kind::Group, "meta.lastmodified") => Column::Instant("p.modified_at"),
        _ => return None,
    })
}

fn email_column(attr: &Attr) -> Option<Column> {
    match attr.name.to_ascii_lowercase().as_str() {
        _ if !attr.urn.is_empty() || !attr.sub.is_empty() => None,
        "value" => Some(Column::Folded("e.value_folded")),
        "type" => Some(Column::Folded("e.kind_folded")),
        "primary" => Some(Column::Flag("e.is_primary")),
        _ => None,
    }
}

/// What of a resource is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Resource(Kind),
    Email,
}

impl Narrowing {
    /// # Errors
    /// `Invalid` on `invalidFilter` for what the database cannot look by.
    pub fn new(kind: Kind, filter: &Filter) -> Result<Self, Error> {
        Ok(Self(check(Within::Resource(kind), filter)?))
    }

    /// Adds it to the conditions of a statement over `scim_users s`, `users u` and `scim_emails e`, or `groups g` and `provisioned_groups p`.
    pub fn narrow(&self, select: &mut Select) {
        select.filter("(");
        self.0.write(select);
        select.sql(")");
    }
}

/// `emails.value`, which is about one of the addresses.
fn of_emails(attr: &Attr) -> Option<Attr> {
    let own = attr.urn.is_empty() || attr.urn.eq_ignore_ascii_case(Kind::User.urn());
    (own && attr.name.eq_ignore_ascii_case("emails"))
        .then(|| Attr { name: if attr.sub.is_empty() { "value".to_owned() } else { attr.sub.clone() }, ..Attr::default() })
}

fn is_members(kind: Kind, attr: &Attr) -> bool {
    let value = attr.sub.is_empty() || attr.sub.eq_ignore_ascii_case("value");
    kind == Kind::Group && attr.name.eq_ignore_ascii_case("members") && value
}

fn check(within: Within, filter: &Filter) -> Result<Condition, Error> {
    let both = |one: &Filter, other: &Filter| Ok::<_, Error>((Box::new(check(within, one)?), Box::new(check(within, other)?)));
    Ok(match filter {
        Filter::And(one, other) => both(one, other).map(|(one, other)| Condition::And(one, other))?,
        Filter::Or(one, other) => both(one, other).map(|(one, other)| Condition::Or(one, other))?,
        Filter::Not(inner) => Condition::Not(Box::new(check(within, inner)?)),
        Filter::Values(attr, inner) => match within {
            Within::Resource(Kind::User) if of_emails(attr).is_some() => Condition::Emails(Box::new(check(Within::Email, inner)?)),
            Within::Resource(kind @ Kind::Group) if is_members(kind, attr) => match inner.as_ref() {
                Filter::Compare(attr, Operator::Eq, Value::String(id)) if attr.name.eq_ignore_ascii_case("value") => {
                    Condition::Member(Some(id.clone()))
                }
                _ => return Err(refused("Members are looked for by members[value eq \"…\"].")),
            },
            _ => return Err(unknown(attr)),
        },
        Filter::Present(attr) => present(within, attr)?,
        Filter::Compare(attr, operator, value) => compared(within, attr, *operator, value)?,
    })
}

fn unknown(attr: &Attr) -> Error {
    let name: String = format!("{}.{}", attr.name, attr.sub).trim_end_matches('.').chars().take(80).collect();
    refused(format!("Nothing is looked for by {name}."))
}

fn present(within: Within, attr: &Attr) -> Result<Condition, Error> {
    let column = match within {
        Within::Email => email_column(attr),
        Within::Resource(Kind::User) if of_emails(attr).is_some() => {
            let inner = of_emails(attr).unwrap_or_default();
            return Ok(Condition::Emails(Box::new(present(Within::Email, &inner)?)));
        }
        Within::Resource(kind) if is_members(kind, attr) => return Ok(Condition::Member(None)),
        Within::Resource(kind) => column(kind, attr),
    };
    Ok(match column.ok_or_else(|| unknown(attr))? {
        Column::Folded(column) | Column::Exact(column) => Condition::Text { column, operator: Operator::Ne, value: String::new() },
        Column::Flag(_) | Column::Instant(_) | Column::Same(_) => Condition::Always(true),
    })
}

fn compared(within: Within, attr: &Attr, operator: Operator, value: &Value) -> Result<Condition, Error> {
    if value.is_null() {
        let there = present(within, attr)?;
        return match operator {
            Operator::Eq => Ok(Condition::Not(Box::new(there))),
            Operator::Ne => Ok(there),
            _ => Err(refused("null is compared by eq and ne.")),
        };
    }
    let column = match within {
        Within::Email => email_column(attr),
        Within::Resource(Kind::User) if of_emails(attr).is_some() => {
            let inner = of_emails(attr).unwrap_or_default();
            return Ok(Condition::Emails(Box::new(compared(Within::Email, &inner, operator, value)?)));
        }
        Within::Resource(kind) if is_members(kind, attr) => {
            return match (operator, value) {
                (Operator::Eq, Value::String(id)) => Ok(Condition::Member(Some(id.clone()))),
                _ => Err(refused("Members are looked for by members eq \"…\".")),
            };
        }
        Within::Resource(kind) => column(kind, attr),
    };
    let wrong = || refused(format!("{} is not compared with this.", attr.name.chars().take(80).collect::<String>()));
    Ok(match (column.ok_or_else(|| unknown(attr))?, value) {
        (Column::Folded(column), Value::String(text)) => Condition::Text { column, operator, value: folded(operator, text) },
        (Column::Exact(column), Value::String(text)) => Condition::Text { column, operator, value: text.clone() },
        (Column::Folded(column) | Column::Exact(column), Value::Number(number)) => {
            Condition::Text { column, operator, value: number.to_string() }
        }
        (Column::Flag(column), value) => {
            let value = super::document::boolean(value).ok_or_else(wrong)?;
            match operator {
                Operator::Eq => Condition::Flag { column, value },
                Operator::Ne => Condition::Flag { column, value: !value },
                _ => return Err(refused("true and false are compared by eq and ne.")),
            }
        }
        (Column::Instant(column), Value::String(text)) => {
            let at = instant(text).ok_or_else(|| refused("An instant is written as in 2026-01-31T12:00:00Z."))?;
            if matches!(operator, Operator::Co | Operator::Sw | Operator::Ew) {
                return Err(refused("Instants are compared by eq, ne, gt, ge, lt and le."));
            }
            Condition::Instant { column, operator, value: Instant::new(at) }
        }
        (Column::Same(same), Value::String(text)) => {
            let is = same.eq_ignore_ascii_case(text);
            match operator {
                Operator::Eq => Condition::Always(is),
                Operator::Ne => Condition::Always(!is),
                _ => return Err(wrong()),
            }
        }
        _ => return Err(wrong()),
    })
}

/// As `ids::fold`, but for spaces at the ends of a part of a text.
fn folded(operator: Operator, text: &str) -> String {
    if !matches!(operator, Operator::Co | Operator::Sw | Operator::Ew) {
        return ids::fold(text);
    }
    let (before, after) = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
    format!("{}{}{}", " ".repeat(before.min(1)), ids::fold(text), " ".repeat(after.min(1)))
}

impl Condition {
    fn write(&self, select: &mut Select) {
        match self {
            Self::And(one, other) | Self::Or(one, other) => {
                select.sql("(");
                one.write(select);
                select.sql(if matches!(self, Self::And(..)) { "and" } else { "or" });
                other.write(select);
                select.sql(")");
            }
            Self::Not(inner) => {
                select.sql("not (");
                inner.write(select);
                select.sql(")");
            }
            Self::Text { column, operator, value } => text(select, column, *operator, value),
            Self::Flag { column, value } => {
                select.sql(if *value { "(" } else { "not (" }).sql(column).sql(")");
            }
            Self::Instant { column, operator, value } => {
                select.sql(column).sql(sign(*operator)).bind(*value);
            }
            Self::Always(so) => {
                select.sql(if *so { "1 = 1" } else { "1 = 0" });
            }
            Self::Emails(inner) => {
                select.sql("exists (select 1 from scim_emails e where e.scim_user_id = s.id and");
                inner.write(select);
                select.sql(")");
            }
            Self::Member(id) => {
                select.sql("exists (select 1 from memberships m join users mu on mu.id = m.user_id where m.group_id = g.id and m.source = 'provider'");
                if let Some(id) = id.as_ref().filter(|id| !id.contains('\0')) {
                    select.sql("and mu.name =").bind(id.as_str()).bytewise();
                }
                select.sql(")");
            }
        }
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Ne => "<>",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        _ => "=",
    }
}

fn text(select: &mut Select, column: &'static str, operator: Operator, value: &str) {
    match operator {
        Operator::Co => select.holds(column, Place::Anywhere, value),
        Operator::Sw => select.holds(column, Place::Beginning, value),
        Operator::Ew => select.holds(column, Place::End, value),
        // No text has this character, and PostgreSQL cannot be asked for it.
        operator if value.contains('\0') => select.sql(if operator == Operator::Ne { "1 = 1" } else { "1 = 0" }),
        operator => select.sql(column).sql(sign(operator)).bind(value).bytewise(),
    };
}

/// What a list is ordered by: columns up and down, those that are the same by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub up: &'static str,
    pub down: &'static str,
}

macro_rules! order {
    ($column:literal, $key:literal) => {
        Order { up: concat!("order by ", $column, ", ", $key), down: concat!("order by ", $column, " desc, ", $key, " desc") }
    };
}

/// # Errors
/// `Invalid` on `invalidValue` for what nothing is ordered by.
pub fn order(kind: Kind, attr: Option<&Attr>) -> Result<Order, Error> {
    let Some(attr) = attr else {
        return Ok(match kind {
            Kind::User => Order { up: "order by s.id", down: "order by s.id desc" },
            Kind::Group => Order { up: "order by g.id", down: "order by g.id desc" },
        });
    };
    let name = format!("{}.{}", attr.name, attr.sub).to_ascii_lowercase();
    let own = attr.urn.is_empty() || attr.urn.eq_ignore_ascii_case(kind.urn());
    Ok(match (kind, name.trim_end_matches('.')) {
        (Kind::User, "id") if own => order!("u.name", "s.id"),
        (Kind::User, "externalid") if own => order!("s.external_id", "s.id"),
        (Kind::User, "username") if own => order!("s.user_name_folded", "s.id"),
        (Kind::User, "displayname") if own => order!("s.display_name_folded", "s.id"),
        (Kind::User, "name.givenname") if own => order!("s.given_name_folded", "s.id"),
        (Kind::User, "name.familyname" | "name") if own => order!("s.family_name_folded", "s.id"),
        (Kind::User, "emails" | "emails.value") if own => order!("s.email_folded", "s.id"),
        (Kind::User, "meta.created") => order!("s.created_at", "s.id"),
        (Kind::User, "meta.lastmodified") => order!("s.modified_at", "s.id"),
        (Kind::Group, "id") if own => order!("g.name", "g.id"),
        (Kind::Group, "externalid") if own => order!("p.external_id", "g.id"),
        (Kind::Group, "displayname") if own => order!("p.name_there_folded", "g.id"),
        (Kind::Group, "meta.created") => order!("p.created_at", "g.id"),
        (Kind::Group, "meta.lastmodified") => order!("p.modified_at", "g.id"),
        _ => return Err(Error::invalid("invalidValue", "Nothing is ordered by this sortBy.")),
    })
}
