//! What a list's `$filter` may name, and how a filter that was read narrows the list's statement. Columns come from a table of the store
//! that has them; values are bound.

use super::filter::{Filter, Function, Literal, Operator, Unreadable, parse};
use crate::{
    db::{Engine, Instant, Select, select::Place},
    error::Error,
    ids,
};

/// How a field's column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Without regard to case: the column holds what `ids::fold` makes.
    Folded,
    /// As it stands.
    Text,
    /// As folded names, and what is compared with may be a path to one: `/users/ana`.
    Path(&'static str),
    /// One of these words, without regard to case; what it is called here, and in the column.
    Word(&'static [(&'static str, &'static str)]),
    Instant,
    Flag,
}

/// What may be done with a field, as the contract's table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    All,
    /// No functions.
    Operators,
    /// `eq` and `ne`.
    Equality,
    /// `eq` alone.
    Equal,
}

/// A field that filters may name.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    /// A column, or an expression over columns, that is never null but for instants.
    pub column: &'static str,
    /// The same for PostgreSQL, where it must be another.
    pub postgres: &'static str,
    pub kind: Kind,
    pub uses: Uses,
}

impl Field {
    /// A text that is compared without regard to case, in every way.
    pub const fn folded(name: &'static str, column: &'static str) -> Self {
        Self { name, column, postgres: column, kind: Kind::Folded, uses: Uses::All }
    }

    /// A text that is compared as it stands, in every way.
    pub const fn text(name: &'static str, column: &'static str) -> Self {
        Self { name, column, postgres: column, kind: Kind::Text, uses: Uses::All }
    }

    /// Of another kind.
    pub const fn of(name: &'static str, column: &'static str, kind: Kind, uses: Uses) -> Self {
        Self { name, column, postgres: column, kind, uses }
    }

    pub const fn on_postgres(self, postgres: &'static str) -> Self {
        Self { postgres, ..self }
    }

    fn column(&self, select: &Select) -> &'static str {
        match select.engine() {
            Engine::Sqlite => self.column,
            Engine::Postgres => self.postgres,
        }
    }

    pub const fn only(self, uses: Uses) -> Self {
        Self { uses, ..self }
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        Error::invalid("$filter", unreadable.to_string())
    }
}

/// A filter of a list, checked against the fields that it may name.
#[derive(Clone, Debug)]
pub struct Checked(Condition);

#[derive(Clone, Debug)]
enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare { field: Field, operator: Operator, value: Value },
    Holds { field: Field, place: Place, needle: String },
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    /// A word that the column never holds.
    NoWord,
    Instant(Instant),
    Flag(bool),
    Null,
}

/// Reads `$filter` of a list.
///
/// # Errors
/// `Invalid` on `$filter`: what cannot be read, a field that the list does not have, a use or a value that the field does not take.
pub fn read(text: &str, fields: &[Field]) -> Result<Checked, Error> {
    Ok(Checked(check(&parse(text)?, fields)?))
}

fn check(filter: &Filter, fields: &[Field]) -> Result<Condition, Error> {
    let both = |one: &Filter, other: &Filter| Ok::<_, Error>((Box::new(check(one, fields)?), Box::new(check(other, fields)?)));
    Ok(match filter {
        Filter::And(one, other) => both(one, other).map(|(one, other)| Condition::And(one, other))?,
        Filter::Or(one, other) => both(one, other).map(|(one, other)| Condition::Or(one, other))?,
        Filter::Not(inner) => Condition::Not(Box::new(check(inner, fields)?)),
        Filter::Compare { field, operator, literal } => {
            let field = find(field, fields)?;
            let may = match field.uses {
                Uses::All | Uses::Operators => true,
                Uses::Equality => matches!(operator, Operator::Eq | Operator::Ne),
                Uses::Equal => *operator == Operator::Eq,
            };
            if !may {
                return Err(refused(format!("{} is not compared in this way", field.name)));
            }
            Condition::Compare { field, operator: *operator, value: value(field, literal)? }
        }
        Filter::Match { function, field, needle } => {
            let field = find(field, fields)?;
            if field.uses != Uses::All || !matches!(field.kind, Kind::Folded | Kind::Text | Kind::Path(_)) {
                return Err(refused(format!("{} takes no functions", field.name)));
            }
            let place = match function {
                Function::Contains => Place::Anywhere,
                Function::StartsWith => Place::Beginning,
                Function::EndsWith => Place::End,
            };
            let needle = match field.kind {
                Kind::Folded => folded(needle),
                Kind::Path(kind) => ids::fold(last_of(needle, kind)),
                _ => needle.clone(),
            };
            Condition::Holds { field, place, needle }
        }
    })
}

fn refused(why: String) -> Error {
    Error::invalid("$filter", format!("$filter: {why}."))
}

/// Clients of some languages write `properties/displayName`.
fn find(name: &str, fields: &[Field]) -> Result<Field, Error> {
    let bare = name.rsplit('/').next().unwrap_or(name);
    fields.iter().find(|field| field.name.eq_ignore_ascii_case(bare)).copied().ok_or_else(|| {
        let known = fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
        refused(format!("there is no field {name} to filter by; there are: {known}"))
    })
}

/// As `ids::fold`, but for the spaces at its ends: a part of a name may begin with one.
fn folded(needle: &str) -> String {
    let folded = ids::fold(needle);
    let space = |text: &str| text.is_empty() || text.trim() != text;
    if !space(needle) {
        return folded;
    }
    let before = needle.len() - needle.trim_start().len();
    let after = needle.trim_start().len() - needle.trim().len();
    format!("{}{folded}{}", " ".repeat(before.min(1)), " ".repeat(after.min(1)))
}

/// The name at the end of a path to something of this kind; another text is one already.
fn last_of<'a>(text: &'a str, kind: &str) -> &'a str {
    let mut parts = text.trim_end_matches('/').rsplit('/');
    let (last, of) = (parts.next().unwrap_or_default(), parts.next());
    if of.is_some_and(|of| of.eq_ignore_ascii_case(kind)) { last } else { text }
}

fn value(field: Field, literal: &Literal) -> Result<Value, Error> {
    Ok(match (field.kind, literal) {
        (Kind::Path(kind), Literal::Text(text)) => Value::Text(ids::fold(last_of(text, kind))),
        (Kind::Folded | Kind::Text | Kind::Word(_) | Kind::Path(_), Literal::Null) => Value::Text(String::new()),
        (_, Literal::Null) => Value::Null,
        (Kind::Folded, Literal::Text(text)) => Value::Text(ids::fold(text)),
        (Kind::Text, Literal::Text(text)) => Value::Text(text.clone()),
        (Kind::Word(words), Literal::Text(text)) => {
            let word = words.iter().find(|(here, _)| here.eq_ignore_ascii_case(text));
            word.map_or(Value::NoWord, |(_, stored)| Value::Text((*stored).to_owned()))
        }
        (Kind::Instant, Literal::Instant(at)) => Value::Instant(Instant::new(*at)),
        (Kind::Instant, Literal::Text(text)) => match super::filter::instant(text) {
            Some(at) => Value::Instant(Instant::new(at)),
            None => return Err(refused(format!("{} is compared with an instant such as 2026-01-31T12:00:00Z", field.name))),
        },
        (Kind::Flag, Literal::Bool(flag)) => Value::Flag(*flag),
        (Kind::Flag, Literal::Text(text)) if text.eq_ignore_ascii_case("true") => Value::Flag(true),
        (Kind::Flag, Literal::Text(text)) if text.eq_ignore_ascii_case("false") => Value::Flag(false),
        // Digits without quotes, where a text is meant.
        (Kind::Folded | Kind::Text | Kind::Path(_), Literal::Number(number)) => Value::Text(number.to_string()),
        _ => return Err(refused(format!("{} is compared with a value of another kind", field.name))),
    })
}

impl Checked {
    /// Narrows a statement.
    pub fn narrow(&self, select: &mut Select) {
        select.filter("(");
        self.0.write(select);
        select.sql(")");
    }

    /// Whether it asks for nothing but these columns.
    pub fn asks_only_for(&self, columns: &[&str]) -> bool {
        self.0.asks_only_for(columns)
    }

    /// Whether what has these values of folded text meets it.
    pub fn meets(&self, values: &[(&str, &str)]) -> bool {
        self.0.meets(values)
    }
}

impl Condition {
    fn asks_only_for(&self, columns: &[&str]) -> bool {
        match self {
            Self::And(one, other) | Self::Or(one, other) => one.asks_only_for(columns) && other.asks_only_for(columns),
            Self::Not(inner) => inner.asks_only_for(columns),
            Self::Compare { field, .. } | Self::Holds { field, .. } => columns.contains(&field.column),
        }
    }

    fn meets(&self, values: &[(&str, &str)]) -> bool {
        let of = |field: &Field| ids::fold(values.iter().find(|(name, _)| *name == field.name).map_or("", |(_, value)| value));
        match self {
            Self::And(one, other) => one.meets(values) && other.meets(values),
            Self::Or(one, other) => one.meets(values) || other.meets(values),
            Self::Not(inner) => !inner.meets(values),
            Self::Compare { field, operator, value: Value::Text(text) } => operator.holds(of(field).as_str().cmp(text)),
            Self::Compare { .. } => false,
            Self::Holds { field, place, needle } => match place {
                Place::Anywhere => of(field).contains(needle),
                Place::Beginning => of(field).starts_with(needle),
                Place::End => of(field).ends_with(needle),
            },
        }
    }

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
            Self::Compare { field, operator, value } => compare(select, *field, *operator, value),
            Self::Holds { field, place, needle } => {
                select.holds(field.column(select), *place, needle);
            }
        }
    }
}

fn compare(select: &mut Select, field: Field, operator: Operator, value: &Value) {
    let sign = match operator {
        Operator::Eq => "=",
        Operator::Ne => "<>",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Lt => "<",
        Operator::Le => "<=",
    };
    let column = field.column(select);
    match value {
        // No text has this character, and PostgreSQL cannot be asked for it.
        Value::Text(text) if text.contains('\0') => select.sql(if operator == Operator::Ne { "1 = 1" } else { "1 = 0" }),
        Value::Text(text) => select.sql(column).sql(sign).bind(text.clone()).bytewise(),
        Value::NoWord => select.sql(if operator == Operator::Ne { "1 = 1" } else { "1 = 0" }),
        // What is not known is different from every instant, and neither before nor after one.
        Value::Instant(at) if operator == Operator::Ne => {
            select.sql("(").sql(column).sql("is null or").sql(column).sql("<>").bind(*at).sql(")")
        }
        Value::Instant(at) => select.sql("(").sql(column).sql("is not null and").sql(column).sql(sign).bind(*at).sql(")"),
        Value::Flag(flag) if matches!(operator, Operator::Eq | Operator::Ne) => select.sql(column).sql(sign).bind(*flag),
        Value::Flag(_) => select.sql("1 = 0"),
        Value::Null => match operator {
            Operator::Eq => select.sql(column).sql("is null"),
            Operator::Ne => select.sql(column).sql("is not null"),
            _ => select.sql("1 = 0"),
        },
    };
}
