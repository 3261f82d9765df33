//! A page of a list as one row of JSON: each row that SQLite gives hops from its thread to the caller's, which costs more than the work in it,
//! and a second statement for the total is one more way there and back.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_aux::prelude::{deserialize_bool_from_anything, serde_introspect};

use super::{Connection, Select, select};
use crate::error::Error;

#[derive(sqlx::FromRow)]
struct Row {
    total: i64,
    rows: String,
}

/// The rows of a statement, in its order, and the number that another selects. The statement gives each field of `T` as a column of its name.
pub async fn listed<T: DeserializeOwned>(connection: &mut Connection, rows: Select, total: Select) -> Result<(Vec<T>, i64), Error> {
    let mut both = Select::new(connection, "select (");
    both.append(total).sql(") as total, (select cast(coalesce(").sql(select::json_array(connection)).sql("(");
    both.sql(select::json_values(connection)).sql("(");
    for (place, field) in serde_introspect::<T>().iter().enumerate() {
        both.sql(if place == 0 { "" } else { "," }).sql(field);
    }
    both.sql(")), '[]') as text) from (").append(rows).sql(") listed) as rows");
    let row = both.optional::<Row>(connection).await?.ok_or(Error::NotFound)?;
    Ok((serde_json::from_str(&row.rows)?, row.total))
}

/// A boolean out of JSON, where SQLite has 0 and 1.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserialize_bool_from_anything(deserializer)
}

/// A list inside a row: JSON that was cast to text, since SQLite forgets on the way that a column is JSON and no text.
pub fn inner<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    serde_json::from_str(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}
