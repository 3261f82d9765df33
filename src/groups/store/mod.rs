//! SQL of groups and memberships.

pub(super) mod provided;
pub(super) mod provisioned;
pub(super) mod reading;
pub(super) mod reported;

use serde::Deserialize;

use super::{Group, GroupFacts, GroupMark};
use crate::{
    db::{COUNTED, Connection, Instant, Select, Transaction, listed, run, select},
    error::Error,
    ids::{self, GroupId, ProductId, UserId},
    rest::{Source, Wanted},
    users::{self, User, UserState},
};

pub(super) async fn find(connection: &mut Connection, name: &str) -> Result<Option<Group>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Group>(
        "select g.id, g.name, g.display_name, g.description, g.kind, g.provider, g.external_id, g.version,
            coalesce((select e.address from external_groups e where e.group_id = g.id), '') as address
         from groups g where g.name_folded = $1")
        .bind(ids::fold(name)).fetch_optional(c).await?))
}

#[derive(sqlx::FromRow)]
struct DirectoryRow {
    version: i64,
    groups: String,
}

/// Every group, by name within its type, and the catalogue's version: what was true at one instant.
pub(super) async fn directory(connection: &mut Connection) -> Result<(i64, Vec<GroupMark>), Error> {
    let (array, object) = (select::json_array(connection), select::json_object(connection));
    let mut statement = Select::new(connection, "select (select version from catalog_version) as version, cast(coalesce(");
    statement.sql(array).sql("(").sql(object).sql(
        "('id', g.id, 'name', g.name, 'display_name', g.display_name, 'kind', g.kind) order by g.kind desc, g.display_name_folded, g.id), '[]') as text)
         as groups from groups g",
    );
    let row = statement.optional::<DirectoryRow>(connection).await?.ok_or(Error::NotFound)?;
    Ok((row.version, serde_json::from_str(&row.groups)?))
}

pub(super) async fn find_by_words(connection: &mut Connection, words: &str) -> Result<Option<String>, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>(
        "select name from groups where kind = 'custom' and (display_name_folded = $1 or name_folded = $1) order by display_name_folded <> $1 limit 1")
        .bind(ids::fold(words)).fetch_optional(c).await?))
}

pub(super) async fn display_name_taken(connection: &mut Connection, folded: &str, except: Option<GroupId>) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from groups where display_name_folded = $1 and id <> $2")
        .bind(folded).bind(except.map_or(0, |id| id.0)).fetch_one(c).await?)
        > 0)
}

fn search_text(facts: &GroupFacts) -> String {
    format!("{}\n{}", ids::fold(&facts.display_name), ids::fold(&facts.description))
}

pub(super) async fn insert(tx: &mut Transaction, name: &str, facts: &GroupFacts) -> Result<Group, Error> {
    let now = tx.now();
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query_as::<_, Group>(
        "insert into groups (name, name_folded, display_name, display_name_folded, description, search_folded, kind, created_at)
         values ($1, $2, $3, $4, $5, $6, 'custom', $7)
         returning id, name, display_name, description, kind, provider, external_id, version")
        .bind(name).bind(ids::fold(name)).bind(&facts.display_name).bind(ids::fold(&facts.display_name)).bind(&facts.description)
        .bind(search_text(facts)).bind(now).fetch_one(c).await?))
}

/// False when the group is at another version.
pub(super) async fn update(tx: &mut Transaction, group: GroupId, version: i64, facts: &GroupFacts) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update groups set display_name = $3, display_name_folded = $4, description = $5, search_folded = $6, version = version + 1
         where id = $1 and version = $2")
        .bind(group).bind(version).bind(&facts.display_name).bind(ids::fold(&facts.display_name)).bind(&facts.description)
        .bind(search_text(facts)).execute(c).await?.rows_affected())
        == 1)
}

pub(super) async fn delete(tx: &mut Transaction, group: GroupId) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => {
        sqlx::query("delete from memberships where group_id = $1").bind(group).execute(&mut *c).await?;
        sqlx::query("delete from provisioned_groups where group_id = $1").bind(group).execute(&mut *c).await?;
        sqlx::query("delete from external_groups where group_id = $1").bind(group).execute(&mut *c).await?;
        sqlx::query("delete from groups where id = $1").bind(group).execute(&mut *c).await?;
    });
    Ok(())
}

pub(super) async fn count_memberships(connection: &mut Connection, group: GroupId) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(distinct user_id) from memberships where group_id = $1").bind(group).fetch_one(c).await?),
    )
}

pub(super) async fn count_products(connection: &mut Connection, group: GroupId) -> Result<i64, Error> {
    Ok(
        run!(connection, c => sqlx::query_scalar::<_, i64>("select count(*) from product_groups where group_id = $1").bind(group).fetch_one(c).await?),
    )
}

/// How many of these are users at all (a ticked row may be gone meanwhile).
pub(super) async fn count_existing(connection: &mut Connection, users: &[UserId]) -> Result<i64, Error> {
    let keys = keys(users);
    Select::new(connection, "select count(*) from users u where u.state <> 'deleted' and u.id").in_keys(&keys).count(connection).await
}

fn keys(users: &[UserId]) -> Vec<i64> {
    users.iter().map(|user| user.0).collect()
}

#[derive(sqlx::FromRow)]
struct Changed {
    user_id: UserId,
}

/// Adds by hand, for ever; who was really added. A membership by hand that had run out begins anew.
pub(super) async fn insert_members(tx: &mut Transaction, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let now = tx.now();
    let mut statement = Select::new(tx, "insert into memberships (user_id, group_id, source, from_at) select u.id,");
    statement.bind(group).sql(", 'hand',").bind(now).sql("from users u where u.state <> 'deleted' and u.id").in_keys(&keys(users)).sql(
        "on conflict (user_id, group_id, source) do update set from_at = excluded.from_at, until_at = null
         where memberships.until_at <= excluded.from_at or memberships.from_at > excluded.from_at returning user_id",
    );
    Ok(statement.all::<Changed>(tx).await?.into_iter().map(|row| row.user_id).collect())
}

pub(super) async fn insert_invited(tx: &mut Transaction, groups: &[GroupId], user: UserId) -> Result<(), Error> {
    let now = tx.now();
    let keys: Vec<i64> = groups.iter().map(|group| group.0).collect();
    let mut statement = Select::new(tx, "insert into memberships (user_id, group_id, source, from_at) select u.id, g.id, 'invitation',");
    statement.bind(now).sql("from users u join groups g on g.kind = 'custom' where u.id =");
    statement.bind(user).sql("and g.id").in_keys(&keys).sql("on conflict (user_id, group_id, source) do nothing").execute(tx).await?;
    Ok(())
}

pub(super) async fn delete_memberships_of(tx: &mut Transaction, users: &[UserId]) -> Result<(), Error> {
    Select::new(tx, "delete from memberships where user_id").in_keys(&keys(users)).execute(tx).await?;
    Ok(())
}

/// Removes what was set by hand; whose it was.
pub(super) async fn delete_members(tx: &mut Transaction, group: GroupId, users: &[UserId]) -> Result<Vec<UserId>, Error> {
    let mut statement = Select::new(tx, "delete from memberships where source = 'hand' and group_id =");
    statement.bind(group).sql("and user_id").in_keys(&keys(users)).sql("returning user_id");
    Ok(statement.all::<Changed>(tx).await?.into_iter().map(|row| row.user_id).collect())
}

/// The order of the groups list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Name,
    NameDown,
    Type,
    TypeDown,
    Members,
    MembersDown,
    Products,
    ProductsDown,
}

impl Sort {
    pub const ALL: [Sort; 8] =
        [Sort::Name, Sort::NameDown, Sort::Type, Sort::TypeDown, Sort::Members, Sort::MembersDown, Sort::Products, Sort::ProductsDown];

    fn sql(self) -> &'static str {
        match self {
            Sort::Name => "order by g.display_name_folded, g.id",
            Sort::NameDown => "order by g.display_name_folded desc, g.id desc",
            Sort::Type => "order by g.kind desc, g.display_name_folded, g.id",
            Sort::TypeDown => "order by g.kind, g.display_name_folded desc, g.id desc",
            Sort::Members => "order by members, g.display_name_folded, g.id",
            Sort::MembersDown => "order by members desc, g.display_name_folded, g.id",
            Sort::Products => "order by products, g.display_name_folded, g.id",
            Sort::ProductsDown => "order by products desc, g.display_name_folded, g.id",
        }
    }
}

#[derive(Clone, Debug, Deserialize, sqlx::FromRow)]
pub struct GroupRow {
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub kind: String,
    /// Guests have none, ever; the others' are counted at this instant.
    pub members: i64,
    pub products: i64,
}

impl GroupRow {
    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", crate::ids::encode(&self.name))
    }
}

/// The head of a statement that gives `GroupRow`s.
///
/// Members are counted by the database as they come and go; those whose memberships have all run out, or are still to begin, are taken off.
fn rows(connection: &Connection, now: Instant) -> Select {
    Select::with(
        connection,
        vec![now.into()],
        "select g.name, g.display_name, g.description, g.kind,
            cast(case g.id when 1 then (select coalesce(sum(number), 0) from user_counts where state = 'active' and administrator)
                           when 2 then (select coalesce(sum(number), 0) from user_counts where state = 'active')
                           else coalesce(c.members, 0) - coalesce(i.number, 0) end as bigint) as members,
            (select count(*) from product_groups pg where pg.group_id = g.id) as products
         from groups g left join group_counts c on c.group_id = g.id
         left join (select idle.group_id, count(*) as number
                    from (select m.group_id, m.user_id from memberships m where m.until_at <= $1
                          union select m.group_id, m.user_id from memberships m where m.from_at > $1) idle
                    where not exists (select 1 from memberships m where m.user_id = idle.user_id and m.group_id = idle.group_id
                                      and m.from_at <= $1 and (m.until_at is null or m.until_at > $1))
                    group by idle.group_id) i on i.group_id = g.id",
    )
}

/// Groups of one type (any, when it is empty) with their counts, and how many match (counting stops past `COUNTED`).
pub async fn list(
    connection: &mut Connection,
    now: Instant,
    needle: &str,
    kind: &str,
    sort: Sort,
    limit: i64,
    offset: i64,
) -> Result<(Vec<GroupRow>, i64), Error> {
    let needle = ids::fold(needle);
    let mut statements = [rows(connection, now), Select::new(connection, "select count(*) from (select 1 from groups g")];
    for statement in &mut statements {
        if !needle.is_empty() {
            statement.filter_contains("g.search_folded", &needle);
        }
        if !kind.is_empty() {
            statement.filter("g.kind =").bind(kind);
        }
    }
    let [mut rows, mut total] = statements;
    rows.sql(sort.sql()).page(limit, offset);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

/// The groups of these names that exist, with their counts, by type and name.
pub async fn list_named(connection: &mut Connection, now: Instant, names: &[String]) -> Result<Vec<GroupRow>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let folded: Vec<String> = names.iter().map(|name| ids::fold(name)).collect();
    let mut rows = rows(connection, now);
    rows.filter("g.name_folded").in_texts(&folded).sql(Sort::Type.sql());
    rows.all(connection).await
}

#[derive(Clone, Debug, Deserialize, sqlx::FromRow)]
pub struct MemberRow {
    pub id: UserId,
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub state: String,
}

impl MemberRow {
    pub fn display(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub fn path(&self) -> String {
        format!("/publisher/users/{}", crate::ids::encode(&self.name))
    }
}

/// The members of a group at an instant, by name.
pub async fn members(
    connection: &mut Connection,
    group: &Group,
    now: Instant,
    needle: &str,
    limit: i64,
    offset: i64,
) -> Result<(Vec<MemberRow>, i64), Error> {
    let needle = ids::fold(needle);
    let mut statements = [
        Select::new(connection, "select u.id, u.name, u.first_name, u.last_name, u.email, u.state from users u"),
        Select::new(connection, "select count(*) from (select 1 from users u"),
    ];
    for statement in &mut statements {
        inside(statement, group, now);
        if !needle.is_empty() {
            statement.filter_users_search(&needle);
        }
    }
    let [mut rows, mut total] = statements;
    rows.sql("order by u.sort_folded, u.id").page(limit, offset);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    listed(connection, rows, total).await
}

/// Somebody who may be added.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Candidate {
    #[sqlx(flatten)]
    pub user: MemberRow,
    /// In the group by hand already.
    pub member: bool,
}

/// The first users whose name or address contains the needle, and how many do (counting stops past `COUNTED`).
pub async fn candidates(
    connection: &mut Connection,
    group: GroupId,
    now: Instant,
    needle: &str,
    limit: i64,
) -> Result<(Vec<Candidate>, i64), Error> {
    let needle = ids::fold(needle);
    let mut rows = Select::new(
        connection,
        "select u.id, u.name, u.first_name, u.last_name, u.email, u.state,
            exists (select 1 from memberships m where m.user_id = u.id and m.source = 'hand' and m.group_id =",
    );
    rows.bind(group).sql("and m.from_at <=").bind(now).sql("and (m.until_at is null or m.until_at >").bind(now);
    rows.sql(")) as member from users u");
    let mut total = Select::new(connection, "select count(*) from (select 1 from users u");
    for statement in [&mut rows, &mut total] {
        statement.filter("u.state <> 'deleted'").filter_users_search(&needle);
    }
    rows.sql("order by u.sort_folded, u.id").page(limit, 0);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    Ok((rows.all(connection).await?, total.count(connection).await?))
}

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProductOfGroup {
    pub name: String,
    pub display_name: String,
    pub published: bool,
}

impl ProductOfGroup {
    pub fn path(&self) -> String {
        format!("/publisher/products/{}", crate::ids::encode(&self.name))
    }
}

/// The products that are open to a group, by name.
pub async fn products_of(connection: &mut Connection, group: GroupId) -> Result<Vec<ProductOfGroup>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, ProductOfGroup>(
        "select p.name, p.display_name, p.published from products p join product_groups pg on pg.product_id = p.id
         where pg.group_id = $1 order by p.display_name_folded, p.id limit 500").bind(group).fetch_all(c).await?))
}

/// The user that was meant by an email address, a name in a URL, or a full name that only one has.
pub async fn find_user(connection: &mut Connection, text: &str) -> Result<Vec<MemberRow>, Error> {
    let folded = ids::fold(text);
    Ok(run!(connection, c => sqlx::query_as::<_, MemberRow>(
        "select u.id, u.name, u.first_name, u.last_name, u.email, u.state from users u
         where u.state <> 'deleted' and (u.email_folded = $1 or u.name_folded = $1 or u.sort_folded = $1) order by u.id limit 2")
        .bind(&folded).fetch_all(c).await?))
}

const GROUPS: Source = Source {
    columns: "g.id, g.name, g.display_name, g.description, g.kind, g.provider, g.external_id, g.version, coalesce((select e.address from external_groups e where e.group_id = g.id), '') as address",
    tables: "groups g",
    key: "g.id",
};

/// Groups for programs, in the order in which they were made.
pub async fn listing(connection: &mut Connection, wanted: &Wanted) -> Result<(Vec<Group>, i64), Error> {
    wanted.read(connection, GROUPS, |_| {}).await
}

/// The same of those that a product is open to.
pub async fn listing_of_product(connection: &mut Connection, product: ProductId, wanted: &Wanted) -> Result<(Vec<Group>, i64), Error> {
    wanted
        .read(connection, GROUPS, |statement| {
            statement.filter("g.id in (select pg.group_id from product_groups pg where pg.product_id =").bind(product).sql(")");
        })
        .await
}

/// The same of those that somebody is in at an instant.
pub async fn listing_of_user(connection: &mut Connection, user: &User, now: Instant, wanted: &Wanted) -> Result<(Vec<Group>, i64), Error> {
    let mut system = Vec::new();
    if user.state == UserState::Active.as_str() {
        system.push(ids::DEVELOPERS.0);
        if user.administrator {
            system.push(ids::ADMINISTRATORS.0);
        }
    }
    wanted
        .read(connection, GROUPS, |statement| {
            statement
                .filter("(g.id")
                .in_keys(&system)
                .sql("or g.id in (select m.group_id from memberships m where m.user_id =")
                .bind(user.id);
            statement.sql("and m.from_at <=").bind(now).sql("and (m.until_at is null or m.until_at >").bind(now).sql(")))");
        })
        .await
}

/// A group that a product is open to.
#[derive(sqlx::FromRow)]
pub struct GroupOpen {
    pub product_id: ProductId,
    #[sqlx(flatten)]
    pub group: Group,
}

/// The groups that these products are open to.
pub async fn of_products(connection: &mut Connection, products: &[ProductId]) -> Result<Vec<GroupOpen>, Error> {
    let keys: Vec<i64> = products.iter().map(|product| product.0).collect();
    let mut statement = Select::new(
        connection,
        "select pg.product_id, g.id, g.name, g.display_name, g.description, g.kind, g.provider, g.external_id, g.version,
            coalesce((select e.address from external_groups e where e.group_id = g.id), '') as address
         from product_groups pg join groups g on g.id = pg.group_id where pg.product_id",
    );
    statement.in_keys(&keys).sql("order by pg.product_id, g.id").all(connection).await
}

/// A group of somebody's.
#[derive(sqlx::FromRow)]
pub struct GroupOf {
    pub user_id: UserId,
    #[sqlx(flatten)]
    pub group: Group,
}

/// The groups, system groups too, of these users at an instant.
pub async fn of_users(connection: &mut Connection, users: &[UserId], now: Instant) -> Result<Vec<GroupOf>, Error> {
    let keys: Vec<i64> = users.iter().map(|user| user.0).collect();
    let mut statement = Select::new(
        connection,
        "select t.user_id, g.id, g.name, g.display_name, g.description, g.kind, g.provider, g.external_id, g.version,
            coalesce((select e.address from external_groups e where e.group_id = g.id), '') as address
         from groups g
         join (select m.user_id, m.group_id from memberships m where m.from_at <=",
    );
    statement.bind(now).sql("and (m.until_at is null or m.until_at >").bind(now).sql(") and m.user_id").in_keys(&keys);
    statement.sql("union select u.id, 2 from users u where u.state = 'active' and u.id").in_keys(&keys);
    statement.sql("union select u.id, 1 from users u where u.state = 'active' and u.administrator and u.id").in_keys(&keys);
    statement.sql(") t on t.group_id = g.id order by t.user_id, g.id").all(connection).await
}

/// Keeps the users who are in a group at an instant.
fn inside(statement: &mut Select, group: &Group, now: Instant) {
    match group.id {
        ids::ADMINISTRATORS => statement.filter("u.state = 'active' and u.administrator"),
        ids::DEVELOPERS => statement.filter("u.state = 'active'"),
        ids::GUESTS => statement.filter("u.id = 0"),
        group => statement
            .filter("u.id in (select m.user_id from memberships m where m.group_id =")
            .bind(group)
            .sql("and m.from_at <=")
            .bind(now)
            .sql("and (m.until_at is null or m.until_at >")
            .bind(now)
            .sql("))"),
    };
}

/// Members for programs, in the order in which they registered, and exactly how many match.
pub async fn members_listing(
    connection: &mut Connection,
    group: &Group,
    now: Instant,
    wanted: &Wanted,
) -> Result<(Vec<users::Listed>, i64), Error> {
    let source = users::listed(connection);
    wanted.read(connection, source, |statement| inside(statement, group, now)).await
}

pub async fn is_member(connection: &mut Connection, group: &Group, user: UserId, now: Instant) -> Result<bool, Error> {
    let mut statement = Select::new(connection, "select count(*) from users u");
    inside(&mut statement, group, now);
    statement.filter("u.id =").bind(user);
    Ok(statement.count(connection).await? == 1)
}
