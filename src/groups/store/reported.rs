//! SQL of what providers report: their groups here, who is in them, and which groups they have told of.

use crate::{
    db::{Connection, Select, Transaction, run},
    error::Error,
    groups::{Group, GroupFacts, NewExternal, Reported, Reporter, SeenGroup, store::search_text},
    ids::{self, GroupId, ProviderId, UserId},
};

/// A provider's group here that it tells of at sign-ins or by its directory: those that it provisions are its own to change.
#[derive(sqlx::FromRow)]
pub(in crate::groups) struct External {
    pub id: GroupId,
    pub external_id: String,
    pub display_name: String,
    /// What the provider calls it.
    pub name_there: String,
}

/// Of the reporter's tenant: another one may have the same, or say so.
pub(in crate::groups) async fn external(connection: &mut Connection, reporter: Reporter<'_>) -> Result<Vec<External>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, External>(
        "select g.id, g.external_id, g.display_name, e.name_there from groups g
         join external_groups e on e.group_id = g.id and e.reported_by <> 'scim' and (e.tenant = '' or e.tenant = $2)
         where g.provider = $1 and g.external_id is not null order by g.id")
        .bind(reporter.name).bind(reporter.tenant).fetch_all(c).await?))
}

/// All of a provider's groups here.
pub(in crate::groups) async fn all_of(connection: &mut Connection, provider: &str) -> Result<Vec<GroupId>, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, GroupId>("select id from groups where provider = $1 order by id").bind(provider).fetch_all(c).await?),
    )
}

/// The groups of a provider that it reported somebody to be in.
pub(in crate::groups) async fn memberships(
    connection: &mut Connection,
    reporter: Reporter<'_>,
    user: UserId,
) -> Result<Vec<GroupId>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, GroupId>(
        "select m.group_id from memberships m join groups g on g.id = m.group_id
         join external_groups e on e.group_id = g.id and e.reported_by <> 'scim' and (e.tenant = '' or e.tenant = $3)
         where m.user_id = $2 and m.source = 'provider' and g.provider = $1")
        .bind(reporter.name).bind(user).bind(reporter.tenant).fetch_all(c).await?))
}

pub(in crate::groups) async fn begin(tx: &mut Transaction, groups: &[GroupId], user: UserId) -> Result<(), Error> {
    let now = tx.now();
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(tx, "insert into memberships (user_id, group_id, source, from_at) select u.id, g.id, 'provider',");
    statement.bind(now).sql("from users u join groups g on g.kind = 'external' where u.id =");
    statement.bind(user).sql("and g.id").in_keys(&keys).sql("on conflict (user_id, group_id, source) do nothing").execute(tx).await?;
    Ok(())
}

pub(in crate::groups) async fn end(tx: &mut Transaction, groups: &[GroupId], user: UserId) -> Result<(), Error> {
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(tx, "delete from memberships where source = 'provider' and user_id =");
    statement.bind(user).sql("and group_id").in_keys(&keys).execute(tx).await?;
    Ok(())
}

pub(in crate::groups) async fn note_name(tx: &mut Transaction, group: GroupId, name: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set name_there = $2 where group_id = $1").bind(group).bind(name).execute(c).await?.rows_affected());
    Ok(())
}

/// Told of a group, now; one that was not known is remembered where there is `room`. Whether it was.
pub(in crate::groups) async fn see(
    tx: &mut Transaction,
    provider: ProviderId,
    tenant: &str,
    group: &Reported,
    room: bool,
) -> Result<bool, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    let known = run!(connection, c => sqlx::query(
        "update seen_groups set name = case when $4 = '' or ($4 = external_id and name <> '') then name else $4 end, last_seen_at = $5
         where provider_id = $1 and tenant = $2 and external_id = $3")
        .bind(provider).bind(tenant).bind(&group.external_id).bind(&group.name).bind(now).execute(c).await?.rows_affected());
    if known > 0 || !room {
        return Ok(false);
    }
    Ok(run!(connection, c => sqlx::query(
        "insert into seen_groups (provider_id, tenant, external_id, name, last_seen_at) values ($1, $2, $3, $4, $5)
         on conflict (provider_id, tenant, external_id) do nothing")
        .bind(provider).bind(tenant).bind(&group.external_id).bind(&group.name).bind(now).execute(c).await?.rows_affected())
        > 0)
}

pub(in crate::groups) async fn is_seen(connection: &mut Connection, provider: ProviderId, external_id: &str) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from seen_groups where provider_id = $1 and external_id = $2")
        .bind(provider).bind(external_id).fetch_one(c).await?)
        > 0)
}

/// The tenant of a group of which it was not known.
pub(in crate::groups) async fn note_tenant(tx: &mut Transaction, group: GroupId, tenant: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set tenant = $2, due_at = null where group_id = $1 and tenant = ''").bind(group).bind(tenant).execute(c).await?.rows_affected());
    Ok(())
}

/// How many groups of a provider are remembered.
pub(in crate::groups) async fn count_seen(connection: &mut Connection, provider: ProviderId) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from seen_groups where provider_id = $1")
        .bind(provider).fetch_one(c).await?))
}

pub(in crate::groups) async fn count(connection: &mut Connection, provider: &str) -> Result<i64, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from memberships m join groups g on g.id = m.group_id where m.source = 'provider' and g.provider = $1")
        .bind(provider).fetch_one(c).await?))
}

pub(in crate::groups) async fn forget(tx: &mut Transaction, provider: ProviderId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("delete from seen_groups where provider_id = $1").bind(provider).execute(c).await?.rows_affected());
    Ok(())
}

pub(in crate::groups) async fn find(connection: &mut Connection, provider: &str, external_id: &str) -> Result<Option<Group>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Group>(
        "select g.id, g.name, g.display_name, g.description, g.kind, g.provider, g.external_id, g.version,
            coalesce((select e.address from external_groups e where e.group_id = g.id), '') as address
         from groups g where g.provider = $1 and g.external_id = $2")
        .bind(provider).bind(external_id).fetch_optional(c).await?))
}

/// An external group by a name that is free.
pub(in crate::groups) async fn insert(tx: &mut Transaction, name: &str, facts: &GroupFacts, new: NewExternal<'_>) -> Result<Group, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    let group = run!(connection, c => sqlx::query_as::<_, Group>(
        "insert into groups (name, name_folded, display_name, display_name_folded, description, search_folded, kind, provider, external_id, created_at)
         values ($1, $2, $3, $4, $5, $6, 'external', $7, $8, $9)
         returning id, name, display_name, description, kind, provider, external_id, version")
        .bind(name).bind(ids::fold(name)).bind(&facts.display_name).bind(ids::fold(&facts.display_name)).bind(&facts.description)
        .bind(search_text(facts)).bind(new.provider).bind(new.external_id).bind(now).fetch_one(c).await?);
    run!(connection, c => sqlx::query("insert into external_groups (group_id, tenant, name_there, address) values ($1, $2, $3, $4)")
        .bind(group.id).bind(new.tenant).bind(new.name_there).bind(new.address).execute(c).await?.rows_affected());
    Ok(Group { address: new.address.to_owned(), ..group })
}

/// How programs name it from now on.
pub(in crate::groups) async fn set_address(tx: &mut Transaction, group: GroupId, address: &str) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update external_groups set address = $2 where group_id = $1").bind(group).bind(address).execute(c).await?.rows_affected());
    Ok(())
}

/// A provider's groups that were seen lately, by name.
pub(in crate::groups) async fn seen(
    connection: &mut Connection,
    provider: ProviderId,
    name: &str,
    tenant: &str,
) -> Result<Vec<SeenGroup>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, SeenGroup>(
        "select s.external_id, s.name, exists (select 1 from groups g where g.external_id = s.external_id and g.provider = $2) as known
         from seen_groups s where s.provider_id = $1 and ($3 = '' or s.tenant = $3) order by s.name, s.external_id, s.tenant limit 5000")
        .bind(provider).bind(name).bind(tenant).fetch_all(c).await?))
}

/// Which of these a provider's groups here are known by.
pub(in crate::groups) async fn known(connection: &mut Connection, provider: &str, ids: &[String]) -> Result<Vec<String>, Error> {
    let mut statement = Select::new(connection, "select external_id from groups where provider =");
    statement.bind(provider.to_owned()).sql("and external_id").in_texts(ids);
    Ok(statement.all::<(String,)>(connection).await?.into_iter().map(|row| row.0).collect())
}
