//! Statements that depend on filters and sorting, put together from literal fragments and bound values.
//! The only place where SQL text is assembled; what a person typed enters as a bound value or not at all.

use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};

use super::{COUNTED, Connection, Engine, Instant, by_engine, run};
use crate::error::Error;

/// A bound value.
#[derive(Clone, Debug)]
pub enum Value {
    Int(i64),
    Text(String),
    Bool(bool),
    Instant(Instant),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}
impl From<Instant> for Value {
    fn from(value: Instant) -> Self {
        Value::Instant(value)
    }
}

/// What a column of `given` rows becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Bool,
    /// As `Instant::text`.
    Instant,
    /// As hexadecimal digits.
    Bytes,
}

/// A row that either engine can give.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

/// A statement being put together.
#[derive(Clone)]
pub struct Select {
    engine: Engine,
    text: String,
    values: Vec<Value>,
    filtered: bool,
}

impl Select {
    pub fn new(connection: &Connection, head: &'static str) -> Self {
        Self { engine: connection.engine(), text: head.to_owned(), values: Vec::new(), filtered: false }
    }

    /// As `new`, with values that fragments name by their place: `$1` is the first. Later ones are appended with `bind`.
    pub fn with(connection: &Connection, values: Vec<Value>, head: &'static str) -> Self {
        Self { engine: connection.engine(), text: head.to_owned(), values, filtered: false }
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Appends a literal fragment.
    pub fn sql(&mut self, fragment: &'static str) -> &mut Self {
        self.text.push(' ');
        self.text.push_str(fragment);
        self
    }

    /// Appends a placeholder and the value that goes there.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push_str(&format!(" ${}", self.values.len()));
        self
    }

    /// Begins a condition: `where` the first time, `and` afterwards.
    pub fn filter(&mut self, condition: &'static str) -> &mut Self {
        self.text.push_str(if self.filtered { " and " } else { " where " });
        self.filtered = true;
        self.text.push_str(condition);
        self
    }

    /// Conditions of a subquery, which begin with a `where` of their own.
    pub fn nested(&mut self, conditions: impl FnOnce(&mut Self)) -> &mut Self {
        let outer = std::mem::replace(&mut self.filtered, false);
        conditions(self);
        self.filtered = outer;
        self
    }

    /// Keeps the rows whose folded `column` contains `needle` (already folded).
    pub fn filter_contains(&mut self, column: &'static str, needle: &str) -> &mut Self {
        self.filter(column).sql("like").bind(like(needle)).sql("escape '\\'")
    }

    /// Keeps the users whose names or address contain `needle` (already folded).
    ///
    /// The trigram index needs three characters; shorter needles scan.
    pub fn filter_users_search(&mut self, needle: &str) -> &mut Self {
        if needle.len() > LONGEST || needle.contains('\0') {
            self.filter("1 = 0")
        } else if self.engine == Engine::Sqlite && has_trigrams(needle) {
            self.filter("u.id in (select rowid from users_search where users_search match").bind(phrase(needle)).sql(")")
        } else if self.engine == Engine::Postgres && has_trigrams(needle) {
            // Apart, so that the trigram index is used whatever the order of the list.
            self.filter("u.id in (with hits as materialized (select h.id from users h where h.search_folded like")
                .bind(like(needle))
                .sql("escape '\\') select id from hits)")
        } else {
            self.filter_contains("u.search_folded", needle)
        }
    }

    /// The same for a statement that looks up all who match in no order: PostgreSQL takes the trigram index by itself then, and looks
    /// nobody up twice.
    pub fn filter_users_search_unordered(&mut self, needle: &str) -> &mut Self {
        match self.engine {
            Engine::Sqlite => self.filter_users_search(needle),
            Engine::Postgres => self.filter_contains("u.search_folded", needle),
        }
    }

    /// Keeps the entries of the audit log with `needle` (already folded) in these names.
    ///
    /// With `indexed`, among the first `COUNTED` + 1 that the trigram index gives, in no order: all of them, when they are fewer. Otherwise
    /// entries are looked at in the order of the list, which finds a page of what is frequent at once.
    pub fn filter_audit_search(&mut self, names: Names, needle: &str, indexed: bool) -> &mut Self {
        if needle.len() > LONGEST || needle.contains('\0') {
            return self.filter("1 = 0");
        }
        if !indexed {
            self.filter("(a.actor_folded like").bind(like(needle)).sql("escape '\\'");
            if names == Names::ActorOrSubject {
                self.sql("or a.subject_folded like").bind(like(needle)).sql("escape '\\'");
            }
            return self.sql(")");
        }
        match self.engine {
            Engine::Sqlite => {
                let columns = if names == Names::Actor { "actor_folded : " } else { "" };
                let sought = format!("{columns}{}", phrase(needle));
                self.filter("a.id in (select rowid from audit_search where audit_search match").bind(sought);
            }
            Engine::Postgres => {
                self.filter("a.id in (with hits as materialized (select h.id from audit h where h.actor_folded like").bind(like(needle));
                if names == Names::ActorOrSubject {
                    self.sql("or h.subject_folded like").bind(like(needle));
                }
            }
        }
        self.sql("limit").bind(COUNTED + 1);
        self.sql(match self.engine {
            Engine::Sqlite => ")",
            Engine::Postgres => ") select id from hits)",
        })
    }

    /// Appends a condition: the text in `column` has `needle` at its beginning, at its end or anywhere, every character as it stands.
    pub fn holds(&mut self, column: &'static str, place: Place, needle: &str) -> &mut Self {
        if needle.contains('\0') || needle.len() > LONGEST {
            return self.sql("1 = 0");
        }
        if needle.is_empty() {
            return self.sql("1 = 1");
        }
        let length = i64::try_from(needle.chars().count()).unwrap_or(i64::MAX);
        match (self.engine, place) {
            // From the needle up to the first text after all that begin with it: an index finds them.
            (_, Place::Beginning) => {
                self.sql("(").sql(column).sql(">=").bind(needle).bytewise();
                if let Some(beyond) = after_all_with(needle) {
                    self.sql("and").sql(column).sql("<").bind(beyond).bytewise();
                }
                self.sql(")")
            }
            (Engine::Sqlite, Place::Anywhere) => self.sql("instr(").sql(column).sql(",").bind(needle).sql(") > 0"),
            (Engine::Postgres, Place::Anywhere) => self.sql("strpos(").sql(column).sql(",").bind(needle).sql(") > 0"),
            (Engine::Sqlite, Place::End) => self.sql("substr(").sql(column).sql(", -").bind(length).sql(") =").bind(needle),
            // Its functions count in 32 bits.
            (Engine::Postgres, Place::End) => self.sql("right(").sql(column).sql(", (").bind(length).sql(")::integer) =").bind(needle),
        }
    }

    /// Appends what makes PostgreSQL order texts by their bytes, as SQLite does.
    pub fn bytewise(&mut self) -> &mut Self {
        match self.engine {
            Engine::Sqlite => self,
            Engine::Postgres => self.sql("collate \"C\""),
        }
    }

    /// Keeps the rows whose `column` is one of the keys that a subquery gives, which is run first and once.
    pub fn filter_keys_of(&mut self, column: &'static str, subquery: impl FnOnce(&mut Self)) -> &mut Self {
        let (head, tail) = match self.engine {
            Engine::Sqlite => ("in", ""),
            Engine::Postgres => ("= any (array", ")"),
        };
        self.filter(column).sql(head);
        self.nested(subquery).sql(tail)
    }

    /// Keeps the rows whose `column` is one of `keys`; the set goes in as one JSON parameter.
    pub fn filter_keys(&mut self, column: &'static str, keys: &[i64]) -> &mut Self {
        self.filter(column).in_keys(keys)
    }

    /// Appends `in (…)` over integer keys.
    ///
    /// PostgreSQL gets an array, which it makes once and looks up by index: it takes a function's rows for a hundred, and
    /// joined 100,000 keys with 100,000 memberships by a nested loop that ran for minutes.
    pub fn in_keys(&mut self, keys: &[i64]) -> &mut Self {
        let json = serde_json::json!(keys).to_string();
        match self.engine {
            Engine::Sqlite => self.sql("in (select value from json_each(").bind(json).sql("))"),
            Engine::Postgres => self.sql("= any (array(select value::bigint from json_array_elements_text(").bind(json).sql("::json)))"),
        }
    }

    /// Appends `in (…)` over texts.
    pub fn in_texts(&mut self, texts: &[String]) -> &mut Self {
        let json = serde_json::json!(texts).to_string();
        match self.engine {
            Engine::Sqlite => self.sql("in (select value from json_each(").bind(json).sql("))"),
            Engine::Postgres => self.sql("in (select value collate \"C\" from json_array_elements_text(").bind(json).sql("::json))"),
        }
    }

    /// Appends the columns of many rows at once, and whence they come: `rows` is a JSON array of arrays, and goes in as one parameter.
    pub fn given(&mut self, kinds: &[Kind], rows: String) -> &mut Self {
        for (index, kind) in kinds.iter().enumerate() {
            let (before, after) = match (self.engine, kind) {
                (Engine::Sqlite, Kind::Bytes) => ("unhex(", ")"),
                (Engine::Postgres, Kind::Bytes) => ("decode(", ", 'hex')"),
                (Engine::Postgres, Kind::Int) => ("(", ")::bigint"),
                (Engine::Postgres, Kind::Bool) => ("(", ")::boolean"),
                (Engine::Postgres, Kind::Instant) => ("(", ")::timestamptz"),
                (Engine::Sqlite, _) | (Engine::Postgres, Kind::Text) => ("", ""),
            };
            let comma = if index == 0 { "" } else { "," };
            self.text.push_str(&format!("{comma} {before}given.value->>{index}{after}"));
        }
        match self.engine {
            Engine::Sqlite => self.sql("from json_each(").bind(rows).sql(") given"),
            Engine::Postgres => self.sql("from json_array_elements(").bind(rows).sql("::json) given(value)"),
        }
    }

    /// Appends another statement; its values come after those that are here.
    pub fn append(&mut self, other: Select) -> &mut Self {
        let before = self.values.len();
        let mut parts = other.text.split('$');
        self.text.push(' ');
        self.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (place, rest) = part.split_at(digits);
            let place = place.parse::<usize>().map_or(0, |place| place + before);
            self.text.push_str(&format!("${place}{rest}"));
        }
        self.values.extend(other.values);
        self
    }

    /// Appends `limit … offset …`.
    pub fn page(&mut self, limit: i64, offset: i64) -> &mut Self {
        self.sql("limit").bind(limit).sql("offset").bind(offset)
    }

    pub async fn all<T: Row>(&self, connection: &mut Connection) -> Result<Vec<T>, Error> {
        let text = self.text.clone();
        Ok(run!(connection, c => bound!(sqlx::query_as::<_, T>(AssertSqlSafe(text)), self.values).fetch_all(c).await?))
    }

    pub async fn optional<T: Row>(&self, connection: &mut Connection) -> Result<Option<T>, Error> {
        let text = self.text.clone();
        Ok(run!(connection, c => bound!(sqlx::query_as::<_, T>(AssertSqlSafe(text)), self.values).fetch_optional(c).await?))
    }

    /// The one number that the statement selects.
    pub async fn count(&self, connection: &mut Connection) -> Result<i64, Error> {
        let text = self.text.clone();
        Ok(run!(connection, c => bound!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(text)), self.values).fetch_one(c).await?))
    }

    /// Runs a statement that returns nothing; how many rows it touched.
    pub async fn execute(&self, connection: &mut Connection) -> Result<u64, Error> {
        let text = self.text.clone();
        Ok(run!(connection, c => bound!(sqlx::query(AssertSqlSafe(text)), self.values).execute(c).await?.rows_affected()))
    }
}

macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in &$values {
            query = match value {
                Value::Int(v) => query.bind(*v),
                Value::Text(v) => query.bind(v.clone()),
                Value::Bool(v) => query.bind(*v),
                Value::Instant(v) => query.bind(*v),
            };
        }
        query
    }};
}
use bound;

/// Bytes of a needle beyond which nothing is searched: SQLite refuses patterns of 50,000 (SQLITE_MAX_LIKE_PATTERN_LENGTH), and every
/// wildcard in it is written with two.
const LONGEST: usize = 10_000;

/// Where in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Beginning,
    End,
    Anywhere,
}

/// The first text, by its bytes, that is after all that begin with `prefix`. None when nothing is.
fn after_all_with(prefix: &str) -> Option<String> {
    let mut kept = prefix.trim_end_matches(char::MAX).chars();
    let last = kept.next_back()?;
    // The step over the surrogates, which are no characters.
    let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32)?;
    Some(kept.chain([next]).collect())
}

/// Whose names are looked through in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Actor,
    ActorOrSubject,
}

/// Whether the trigram indexes can look for it.
pub fn has_trigrams(needle: &str) -> bool {
    needle.chars().count() >= 3
}

/// `needle` as a phrase of SQLite's search.
fn phrase(needle: &str) -> String {
    format!("\"{}\"", needle.replace('"', "\"\""))
}

/// `needle` as a LIKE pattern for "contains", its own wildcards taken literally. What is longer than anybody types matches nothing.
pub fn like(needle: &str) -> String {
    if needle.len() > LONGEST || needle.contains('\0') {
        // A noncharacter that no text holds.
        return "\u{10FFFF}\u{10FFFE}".to_owned();
    }
    let mut pattern = String::with_capacity(needle.len() + 2);
    pattern.push('%');
    for character in needle.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// A set of integer keys as rows of `value`, for joins inside literal statements: bind the JSON text as the parameter that the fragment names.
pub fn keys_json(keys: &[i64]) -> String {
    serde_json::json!(keys).to_string()
}

/// The aggregate that makes one JSON array of a value a row.
pub fn json_array(connection: &Connection) -> &'static str {
    by_engine!(connection, sqlite: "json_group_array", postgres: "json_agg")
}

/// The function that makes one JSON array of values.
pub fn json_values(connection: &Connection) -> &'static str {
    by_engine!(connection, sqlite: "json_array", postgres: "json_build_array")
}

/// The function that makes one JSON object of names and values in turn.
pub fn json_object(connection: &Connection) -> &'static str {
    by_engine!(connection, sqlite: "json_object", postgres: "json_build_object")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::after_all_with;

    proptest! {
        #[test]
        fn a_range_holds_what_begins_so_and_nothing_else(
            prefix in "[ab\u{D7FF}\u{E000}\u{10FFFF}]{1,4}",
            text in "[ab\u{D7FF}\u{E000}\u{10FFFF}]{0,6}",
        ) {
            let within = text >= prefix && after_all_with(&prefix).is_none_or(|beyond| text < beyond);
            prop_assert_eq!(within, text.starts_with(&prefix));
        }
    }
}
