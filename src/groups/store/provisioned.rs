//! SQL of groups that a provider's program keeps.

use crate::{
    db::{Connection, Instant, Select, Transaction, run},
    error::Error,
    groups::provisioned::Said,
    ids::{self, GroupId, ProviderId, UserId},
};

/// A group as a provider keeps it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Provisioned {
    pub id: GroupId,
    /// In addresses, and the id by which programs know it.
    pub name: String,
    /// Here.
    pub display_name: String,
    pub name_there: String,
    /// Empty when the provider does not say.
    pub external_id: String,
    pub attributes: String,
    pub version: i64,
    pub created_at: Instant,
    pub modified_at: Instant,
    /// How many memberships came by the provider.
    pub members: i64,
}

const COLUMNS: &str = "g.id, g.name, g.display_name, x.name_there, p.external_id, p.attributes, p.version, p.created_at, p.modified_at,
    (select count(*) from memberships c where c.group_id = g.id and c.source = 'provider') as members";
const TABLES: &str = "groups g join external_groups x on x.group_id = g.id and x.reported_by = 'scim' and x.gone_at is null
    join provisioned_groups p on p.group_id = g.id";

fn rows(connection: &Connection, provider: &str) -> Select {
    let mut statement = Select::new(connection, "select");
    statement.sql(COLUMNS).sql("from").sql(TABLES).filter("g.provider =").bind(provider);
    statement
}

pub(in crate::groups) async fn find(connection: &mut Connection, provider: &str, name: &str) -> Result<Option<Provisioned>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("g.name_folded =").bind(ids::fold(name)).filter("g.name =").bind(name);
    statement.optional(connection).await
}

pub(in crate::groups) async fn of_key(connection: &mut Connection, provider: &str, group: GroupId) -> Result<Option<Provisioned>, Error> {
    let mut statement = rows(connection, provider);
    statement.filter("g.id =").bind(group);
    statement.optional(connection).await
}

pub(in crate::groups) async fn list(
    connection: &mut Connection,
    provider: &str,
    narrow: &(dyn Fn(&mut Select) + Sync),
    order: &'static str,
    (limit, offset): (i64, i64),
) -> Result<(Vec<Provisioned>, i64), Error> {
    let mut total = Select::new(connection, "select count(*) from");
    total.sql(TABLES).filter("g.provider =").bind(provider);
    narrow(&mut total);
    let total = total.count(connection).await?;
    if limit == 0 || offset >= total {
        return Ok((Vec::new(), total));
    }
    let mut page = rows(connection, provider);
    narrow(&mut page);
    page.sql(order).page(limit, offset);
    Ok((page.all(connection).await?, total))
}

/// Keeps what a provider says of a group from now on.
pub(in crate::groups) async fn keep(tx: &mut Transaction, group: GroupId, said: &Said) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => {
        sqlx::query("update external_groups set reported_by = 'scim', gone_at = null, due_at = null, name_there = $2 where group_id = $1")
            .bind(group).bind(&said.name_there).execute(&mut *c).await?;
        sqlx::query(
            "insert into provisioned_groups (group_id, external_id, name_there_folded, attributes, created_at, modified_at)
             values ($1, $2, $3, $4, $5, $5)
             on conflict (group_id) do update set external_id = excluded.external_id, name_there_folded = excluded.name_there_folded,
                attributes = excluded.attributes, modified_at = excluded.modified_at, version = provisioned_groups.version + 1")
            .bind(group).bind(&said.external_id).bind(ids::fold(&said.name_there)).bind(&said.attributes).bind(now).execute(&mut *c).await?;
    });
    Ok(())
}

/// Somebody is in it no longer: what was told of it is not so any more.
pub(in crate::groups) async fn touch(tx: &mut Transaction, group: GroupId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update provisioned_groups set version = version + 1, modified_at = $2 where group_id = $1")
        .bind(group).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// It is known by another id there.
pub(in crate::groups) async fn set_external_id(tx: &mut Transaction, group: GroupId, external_id: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update groups set external_id = $2 where id = $1").bind(group).bind(external_id).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::groups) async fn end(tx: &mut Transaction, group: GroupId) -> Result<(), Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set gone_at = $2 where group_id = $1").bind(group).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The groups of a provider that somebody is in by it, and what they are called here.
pub(in crate::groups) async fn of_member(
    connection: &mut Connection,
    provider: &str,
    user: UserId,
) -> Result<Vec<(GroupId, String)>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, (GroupId, String)>(
        "select g.id, g.display_name from memberships m join groups g on g.id = m.group_id
         where m.user_id = $2 and m.source = 'provider' and g.provider = $1 order by g.id")
        .bind(provider).bind(user).fetch_all(c).await?))
}

/// Somebody in a group.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Members {
    pub group_id: GroupId,
    /// The account's name.
    pub name: String,
}

/// Those of a provider's people who are in these groups by it, in the order in which they came to it.
pub(in crate::groups) async fn members(
    connection: &mut Connection,
    provider: ProviderId,
    groups: &[GroupId],
) -> Result<Vec<Members>, Error> {
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(
        connection,
        "select m.group_id, u.name from memberships m join users u on u.id = m.user_id
         join scim_users s on s.user_id = u.id and s.gone_at is null and s.provider_id =",
    );
    statement.bind(provider).filter("m.source = 'provider'").filter("m.group_id").in_keys(&keys).sql("order by s.id");
    statement.all(connection).await
}

pub(in crate::groups) async fn count(connection: &mut Connection, provider: &str) -> Result<i64, Error> {
    let mut statement = Select::new(connection, "select count(*) from");
    statement.sql(TABLES).filter("g.provider =").bind(provider);
    statement.count(connection).await
}
