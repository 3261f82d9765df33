//! What the entities of the management API have in common: their shape, and how a list is asked for. No HTTP and no entity here.

pub mod fields;
pub mod filter;
pub mod openapi;
pub mod told;

use serde::Serialize;

use crate::{
    db::{Connection, Select, select::Row},
    error::Error,
};

pub use fields::{Checked, Field, Kind, Uses};

/// An entity as the contract writes it.
#[derive(Clone, Debug, Serialize)]
pub struct Contract<P> {
    /// The whole address.
    pub id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
    pub properties: P,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<P> {
    pub value: Vec<Contract<P>>,
    /// Of the whole list, and exact.
    pub count: i64,
    /// The address of the page after this one; empty at the end.
    #[serde(rename = "nextLink")]
    pub next_link: String,
}

/// Entities on a page when nobody says how many, and at most.
pub const TOP: i64 = 100;
pub const MOST: i64 = 1_000;

/// Which of a list's entities are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub filter: Option<Checked>,
    pub top: i64,
    pub skip: i64,
}

/// What a program that puts an entity says of the one that it has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: any will do, or none.
    #[default]
    Unsaid,
    /// There is one, at whichever version.
    There,
    /// There is none.
    Absent,
    At(i64),
}

impl Seen {
    /// Holds it against what is there: the version of the entity, if there is one.
    ///
    /// # Errors
    /// `Stale` when it is otherwise.
    pub fn meets(self, found: Option<i64>) -> Result<(), Error> {
        let so = match self {
            Self::Unsaid => true,
            Self::There => found.is_some(),
            Self::Absent => found.is_none(),
            Self::At(version) => found == Some(version),
        };
        if so { Ok(()) } else { Err(Error::Stale) }
    }

    /// The version that a change is of, once it is known that there is one.
    pub fn version(self) -> Option<i64> {
        if let Self::At(version) = self { Some(version) } else { None }
    }
}

/// Whence a list is read.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub columns: &'static str,
    /// Tables, joined, with all that filters name.
    pub tables: &'static str,
    /// Unique among the rows, and what they are ordered by: a page is chosen by it first, so that what is skipped is not read.
    pub key: &'static str,
}

impl Wanted {
    /// The wanted rows that meet the conditions, and exactly how many do.
    pub async fn read<T: Row>(
        &self,
        connection: &mut Connection,
        source: Source,
        conditions: impl Fn(&mut Select),
    ) -> Result<(Vec<T>, i64), Error> {
        self.read_along(connection, source, source.tables, conditions).await
    }

    /// The same, chosen and counted along an index that `tables` names.
    pub async fn read_along<T: Row>(
        &self,
        connection: &mut Connection,
        source: Source,
        tables: &'static str,
        conditions: impl Fn(&mut Select),
    ) -> Result<(Vec<T>, i64), Error> {
        let mut rows = Select::new(connection, "select");
        rows.sql(source.columns).sql("from").sql(source.tables).sql("where").sql(source.key).sql("in (select").sql(source.key);
        rows.sql("from").sql(tables);
        self.narrow(&mut rows, &conditions);
        rows.sql("order by").sql(source.key).page(self.top, self.skip).sql(") order by").sql(source.key);
        Ok((rows.all(connection).await?, self.count(connection, tables, &conditions).await?))
    }

    /// The same where the key is unique only among the rows that meet the conditions.
    pub async fn read_within<T: Row>(
        &self,
        connection: &mut Connection,
        source: Source,
        conditions: impl Fn(&mut Select),
    ) -> Result<(Vec<T>, i64), Error> {
        let mut rows = Select::new(connection, "select");
        rows.sql(source.columns).sql("from").sql(source.tables);
        self.narrow(&mut rows, &conditions);
        rows.sql("order by").sql(source.key).page(self.top, self.skip);
        Ok((rows.all(connection).await?, self.count(connection, source.tables, &conditions).await?))
    }

    /// Whether something that is in no table, with these fields of folded text, meets the filter.
    pub fn meets(&self, values: &[(&str, &str)]) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.meets(values))
    }

    fn narrow(&self, statement: &mut Select, conditions: &impl Fn(&mut Select)) {
        conditions(statement);
        if let Some(filter) = &self.filter {
            filter.narrow(statement);
        }
    }

    async fn count(&self, connection: &mut Connection, tables: &'static str, conditions: &impl Fn(&mut Select)) -> Result<i64, Error> {
        let mut total = Select::new(connection, "select count(*) from");
        total.sql(tables);
        self.narrow(&mut total, conditions);
        total.count(connection).await
    }
}
