//! What the pages of products list.

use crate::{
    db::{Connection, Select},
    error::Error,
    ids::{self, ApiId},
};

/// The keys of APIs by their names; names that are nobody's are left out.
pub async fn keys_of_apis(connection: &mut Connection, names: &[String]) -> Result<Vec<ApiId>, Error> {
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut statement = Select::new(connection, "select a.id from apis a where a.name_folded");
    Ok(statement.in_texts(&folded).all::<(ApiId,)>(connection).await?.into_iter().map(|row| row.0).collect())
}
