//! SQL of the users list: who matches a filter, in which order, and the groups they are in.

use std::sync::Arc;

use serde::Deserialize;

use super::UserState;
use crate::{
    db::{COUNTED, Connection, Instant, Select, select},
    error::Error,
    groups::{Directory, GroupMark},
    ids::{self, GroupId, UserId},
};

/// What a list of users is narrowed to. Deleted users are in none.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name or an address, folded.
    pub needle: String,
    pub state: Option<UserState>,
    /// Those alone who have an invitation.
    pub invited: bool,
    pub inside: Option<GroupId>,
    pub outside: Option<GroupId>,
    /// The group that they are inside has very many members; the list finds out.
    pub(in crate::users) wide: bool,
    /// All who match are looked up in no order; the list sees to it.
    pub(in crate::users) unordered: bool,
}

impl Filter {
    /// Whether those who match are counted as they come and go, by state and role.
    fn is_kept(&self) -> bool {
        let by_state = |group| matches!(group, None | Some(ids::ADMINISTRATORS | ids::DEVELOPERS));
        self.needle.is_empty() && !self.invited && by_state(self.inside) && (by_state(self.outside) || self.outside == Some(ids::GUESTS))
    }

    fn apply(&self, statement: &mut Select, now: Instant) {
        match self.state {
            Some(state) => statement.filter("u.state =").bind(state.as_str()).sql("and u.state <> 'deleted'"),
            None => statement.filter("u.state <> 'deleted'"),
        };
        if self.invited {
            statement.filter("u.id in (select l.user_id from links l where l.purpose = 'invitation' and l.used_at is null)");
        }
        match self.inside {
            None => {}
            Some(ids::ADMINISTRATORS) => {
                statement.filter("u.administrator and u.state = 'active'");
            }
            Some(ids::DEVELOPERS) => {
                statement.filter("u.state = 'active'");
            }
            // Whoever has an account is no guest.
            Some(ids::GUESTS) => {
                statement.filter("u.id = 0");
            }
            // In order, until the page is full. PostgreSQL, which does not know how many a group has, takes this way for the others too, and
            // walks past everybody to find five hundred in a million: their keys are given to it as an array.
            Some(group) if self.wide => {
                statement.filter("exists").sql("(select 1 from memberships fm where fm.user_id = u.id and");
                member_of(statement, group, now);
            }
            Some(group) => {
                statement.filter_keys_of("u.id", |keys| {
                    keys.sql("(select fm.user_id from memberships fm where");
                    member_of(keys, group, now);
                });
            }
        }
        match self.outside {
            None | Some(ids::GUESTS) => {}
            Some(ids::ADMINISTRATORS) => {
                statement.filter("not (u.administrator and u.state = 'active')");
            }
            Some(ids::DEVELOPERS) => {
                statement.filter("u.state <> 'active'");
            }
            Some(group) => {
                statement.filter("u.id not in").sql("(select fm.user_id from memberships fm where");
                member_of(statement, group, now);
            }
        }
        if !self.needle.is_empty() {
            if self.unordered {
                statement.filter_users_search_unordered(&self.needle);
            } else {
                statement.filter_users_search(&self.needle);
            }
        }
    }

    /// Whether an index gives all who match: they are looked up once then, and counted and put in order without being looked up again.
    /// Others are walked to in order, until the page is full.
    fn is_narrow(&self) -> bool {
        let few = !self.wide && self.inside.is_some_and(|group| ![ids::ADMINISTRATORS, ids::DEVELOPERS, ids::GUESTS].contains(&group));
        few || select::has_trigrams(&self.needle)
    }
}

/// The rest of a subquery for the members of a custom or external group at an instant.
fn member_of(statement: &mut Select, group: GroupId, now: Instant) {
    statement
        .sql("fm.group_id =")
        .bind(group)
        .sql("and fm.from_at <=")
        .bind(now)
        .sql("and (fm.until_at is null or fm.until_at >")
        .bind(now)
        .sql("))");
}

/// The order of the users list. Who never signed in comes first when the oldest do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Name,
    NameDown,
    State,
    StateDown,
    Registered,
    RegisteredDown,
    SignIn,
    SignInDown,
}

impl Sort {
    pub const ALL: [Sort; 8] =
        [Sort::Name, Sort::NameDown, Sort::State, Sort::StateDown, Sort::Registered, Sort::RegisteredDown, Sort::SignIn, Sort::SignInDown];

    fn sql(self) -> &'static str {
        match self {
            Sort::Name => "order by u.sort_folded, u.id",
            Sort::NameDown => "order by u.sort_folded desc, u.id desc",
            Sort::State => "order by u.state, u.sort_folded, u.id",
            Sort::StateDown => "order by u.state desc, u.sort_folded desc, u.id desc",
            Sort::Registered => "order by u.registered_at, u.id",
            Sort::RegisteredDown => "order by u.registered_at desc, u.id desc",
            Sort::SignIn => "order by u.last_sign_in_at nulls first, u.id",
            Sort::SignInDown => "order by u.last_sign_in_at desc nulls last, u.id desc",
        }
    }
}

/// In the order of the columns of its JSON.
#[derive(Clone, Debug, Deserialize)]
struct Row(String, String, String, String, String, i64, Instant, Option<Instant>, Option<String>);

#[derive(Clone, Debug)]
pub struct UserRow {
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub state: String,
    administrator: bool,
    pub registered_at: Instant,
    pub last_sign_in_at: Option<Instant>,
    /// Custom and external groups at this instant, in the directory's order.
    groups: Vec<Arc<GroupMark>>,
}

impl UserRow {
    fn of(row: Row, directory: &Directory) -> Self {
        let Row(name, first_name, last_name, email, state, administrator, registered_at, last_sign_in_at, groups) = row;
        // A group is there once for each source of a membership.
        let keys = groups.iter().flat_map(|keys| keys.split(',')).filter_map(|key| key.parse().ok().map(GroupId));
        let groups = directory.in_order(keys);
        Self { name, first_name, last_name, email, state, administrator: administrator == 1, registered_at, last_sign_in_at, groups }
    }
}

/// Groups shown in a row before the rest folds into "+3".
const SHOWN: usize = 3;

impl UserRow {
    /// The name; the address of whoever was invited and has not said one.
    pub fn display(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.email.clone() } else { name.trim().to_owned() }
    }

    pub fn path(&self) -> String {
        format!("/publisher/users/{}", ids::encode(&self.name))
    }

    pub fn administrator(&self) -> bool {
        self.administrator
    }

    pub fn groups(&self) -> &[Arc<GroupMark>] {
        &self.groups[..self.groups.len().min(SHOWN)]
    }

    /// How many more groups there are than are shown.
    pub fn folded(&self) -> usize {
        self.groups.len().saturating_sub(SHOWN)
    }
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub users: Vec<UserRow>,
    pub total: i64,
    /// The total was counted to the end, past `COUNTED` too.
    pub exact: bool,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    total: i64,
    users: String,
}

/// Members from which a group is looked for among the users, not the users among its members.
const WIDE: i64 = 20_000;

async fn is_wide(connection: &mut Connection, filter: &Filter) -> Result<bool, Error> {
    let Some(group) = filter.inside.filter(|_| !filter.is_kept()) else { return Ok(false) };
    let mut statement = Select::new(connection, "select cast(coalesce(sum(members), 0) as bigint) from group_counts where group_id =");
    Ok(statement.bind(group).count(connection).await? > WIDE)
}

/// The users of a page with their groups, and how many match (exactly, or up to `COUNTED` and one more): one row of JSON, since each row
/// that SQLite gives costs more than the work in it.
pub async fn list(
    connection: &mut Connection,
    now: Instant,
    directory: &Directory,
    filter: &Filter,
    (sort, limit, offset): (Sort, i64, i64),
    exact: bool,
) -> Result<Listed, Error> {
    let exact = exact || filter.is_kept();
    let mut filter = Filter { wide: is_wide(connection, filter).await?, ..filter.clone() };
    filter.unordered = filter.is_narrow();
    let (filter, narrow) = (&filter, filter.unordered);
    let mut statement = Select::new(connection, if narrow { "with found as materialized" } else { "select" });
    if narrow {
        statement
            .sql("(select u.id, u.sort_folded, u.state, u.registered_at, u.last_sign_in_at from users u")
            .nested(|inner| filter.apply(inner, now))
            .sql(") select (select count(*) from (select 1 from found");
        if !exact {
            statement.sql("limit").bind(COUNTED + 1);
        }
        statement.sql(") t)");
    } else if filter.is_kept() {
        statement
            .sql("cast((select coalesce(sum(u.number), 0) from user_counts u")
            .nested(|inner| filter.apply(inner, now))
            .sql(") as bigint)");
    } else {
        statement.sql("(select count(*) from (select 1 from users u").nested(|inner| filter.apply(inner, now));
        if !exact {
            statement.sql("limit").bind(COUNTED + 1);
        }
        statement.sql(") t)");
    }
    statement
        .sql("as total, (select cast(coalesce(")
        .sql(select::json_array(connection))
        .sql("(")
        .sql(select::json_values(connection))
        .sql(
            "(u.name, u.first_name, u.last_name, u.email,
              case when u.state = 'pending' and exists (select 1 from links l where l.user_id = u.id and l.purpose = 'invitation' and l.used_at is null)
                   then 'invited' else u.state end, case when u.administrator then 1 else 0 end, u.registered_at, u.last_sign_in_at,
              (select string_agg(cast(m.group_id as text), ',') from memberships m where m.user_id = u.id and m.from_at <=",
        )
        .bind(now)
        .sql("and (m.until_at is null or m.until_at >")
        .bind(now)
        .sql(")))")
        .sql(sort.sql())
        .sql("), '[]') as text) from (")
        // The page is chosen first, and by keys alone: what is beside it is then looked up for its rows only.
        .sql(if narrow { "select u.id from found u" } else { "select u.id from users u" });
    if !narrow {
        statement.nested(|inner| filter.apply(inner, now));
    }
    statement.sql(sort.sql()).page(limit, offset).sql(") chosen join users u on u.id = chosen.id) as users");
    let row = statement.optional::<ListedRow>(connection).await?.ok_or(Error::NotFound)?;
    let users: Vec<Row> = serde_json::from_str(&row.users)?;
    Ok(Listed { users: users.into_iter().map(|row| UserRow::of(row, directory)).collect(), total: row.total, exact })
}

#[derive(sqlx::FromRow)]
struct Keys {
    keys: String,
}

/// Everybody who matches.
pub async fn matching(connection: &mut Connection, now: Instant, filter: &Filter) -> Result<Vec<UserId>, Error> {
    let mut statement = Select::new(connection, "select cast(coalesce(");
    statement.sql(select::json_array(connection)).sql("(u.id), '[]') as text) as keys from users u");
    filter.apply(&mut statement, now);
    let row = statement.optional::<Keys>(connection).await?.ok_or(Error::NotFound)?;
    Ok(serde_json::from_str(&row.keys)?)
}
