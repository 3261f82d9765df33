//! SQL for subscribing somebody to something: whom and what an administrator means, and what is known of both.

use crate::{
    db::{COUNTED, Choice, Connection, Select, run, select::like},
    error::Error,
    ids::{self, ProductId, UserId},
    mail::Recipient,
};

/// Users who are called exactly so, by address or name: two, if they are more.
pub async fn people_called(connection: &mut Connection, words: &str) -> Result<Vec<Choice>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Choice>(
        "select u.name, trim(u.first_name || ' ' || u.last_name) as display_name, u.email as detail from users u
         where u.state <> 'deleted' and (u.email_folded = $1 or u.name_folded = $1 or u.sort_folded = $1) order by u.id limit 2")
        .bind(ids::fold(words)).fetch_all(c).await?))
}

/// The first users whose name or address contains the words, and how many do (counting stops past `COUNTED`).
pub async fn people_like(connection: &mut Connection, words: &str, most: i64) -> Result<(Vec<Choice>, i64), Error> {
    let needle = ids::fold(words);
    let head = "select u.name, trim(u.first_name || ' ' || u.last_name) as display_name, u.email as detail from users u";
    let mut statements = [Select::new(connection, head), Select::new(connection, "select count(*) from (select 1 from users u")];
    for statement in &mut statements {
        statement.filter("u.state <> 'deleted'").filter_users_search(&needle);
    }
    let [mut rows, mut total] = statements;
    rows.sql("order by u.sort_folded, u.id").page(most, 0);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    Ok((rows.all(connection).await?, total.count(connection).await?))
}

const PRODUCT: &str = "select p.name, p.display_name, case when p.published then '' else 'Not published' end as detail from products p";

/// Products that are called exactly so.
pub async fn products_called(connection: &mut Connection, words: &str) -> Result<Vec<Choice>, Error> {
    let mut statement = Select::new(connection, PRODUCT);
    statement.filter("(p.display_name_folded =").bind(ids::fold(words)).sql("or p.name_folded =").bind(ids::fold(words));
    statement.sql(") order by p.id limit 2").all(connection).await
}

/// The product that is meant by its name in addresses or as people know it.
pub async fn product_called(connection: &mut Connection, words: &str) -> Result<Option<ProductId>, Error> {
    let folded = ids::fold(words);
    Ok(run!(connection, c => sqlx::query_scalar::<_, ProductId>(
        "select p.id from products p where p.name_folded = $1 or p.display_name_folded = $1
         order by case when p.name_folded = $1 then 0 else 1 end limit 1").bind(&folded).fetch_optional(c).await?))
}

/// The first products whose names contain the words, and how many do.
pub async fn products_like(connection: &mut Connection, words: &str, most: i64) -> Result<(Vec<Choice>, i64), Error> {
    let pattern = like(&ids::fold(words));
    let mut statements = [Select::new(connection, PRODUCT), Select::new(connection, "select count(*) from products p")];
    for statement in &mut statements {
        statement.filter("p.display_name_folded like").bind(pattern.clone()).sql("escape '\\'");
    }
    let [mut rows, total] = statements;
    rows.sql("order by p.display_name_folded, p.id").page(most, 0);
    Ok((rows.all(connection).await?, total.count(connection).await?))
}

/// The names of products, for a field to suggest.
pub async fn product_names(connection: &mut Connection, most: i64) -> Result<Vec<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>("select display_name from products order by display_name_folded, id limit $1")
        .bind(most).fetch_all(c).await?))
}

/// Who is to hold a subscription.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::subscriptions) struct Owner {
    pub id: UserId,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub state: String,
}

impl Owner {
    pub fn recipient(&self) -> Recipient {
        Recipient { user: Some(self.id), email: self.email.clone(), first_name: self.first_name.clone(), last_name: self.last_name.clone() }
    }
}

pub(in crate::subscriptions) async fn owner(connection: &mut Connection, name: &str) -> Result<Option<Owner>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Owner>(
        "select id, email, first_name, last_name, state from users where name_folded = $1 and state <> 'deleted'")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

/// What is to be held.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(in crate::subscriptions) struct Product {
    pub id: ProductId,
    pub display_name: String,
    pub subscription_required: bool,
    pub approval_required: bool,
    pub subscriptions_limit: Option<i64>,
}

pub(in crate::subscriptions) async fn product(connection: &mut Connection, name: &str) -> Result<Option<Product>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Product>(
        "select id, display_name, subscription_required, approval_required, subscriptions_limit from products where name_folded = $1")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}
