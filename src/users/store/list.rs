//! SQL of the users list: who matches a filter, in which order, and the groups they are in.

use serde::Deserialize;

use super::UserState;
use crate::{
    db::{COUNTED, Connection, Instant, Select, select},
    error::Error,
    ids::{self, GroupId, UserId},
};

/// What a list of users is narrowed to. Deleted users are in none.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name or an address, folded.
    pub needle: String,
    pub state: Option<UserState>,
    pub inside: Option<GroupId>,
    pub outside: Option<GroupId>,
}

impl Filter {
    fn apply(&self, statement: &mut Select, now: Instant) {
        match self.state {
            Some(state) => statement.filter("u.state =").bind(state.as_str()).sql("and u.state <> 'deleted'"),
            None => statement.filter("u.state <> 'deleted'"),
        };
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
            Some(group) => {
                statement.filter("u.id in");
                members(statement, group, now);
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
                statement.filter("u.id not in");
                members(statement, group, now);
            }
        }
        if !self.needle.is_empty() {
            statement.filter_users_search(&self.needle);
        }
    }
}

/// The keys of a custom or external group's members at an instant.
fn members(statement: &mut Select, group: GroupId, now: Instant) {
    statement
        .sql("(select fm.user_id from memberships fm where fm.group_id =")
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

/// How many groups of a kind the menus and filters offer; more are reached by name.
pub const OFFERED: i64 = 200;

/// A group as a badge, a menu's button or a filter's choice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupMark {
    pub name: String,
    pub display_name: String,
    /// `system`, `custom` or `external`.
    pub kind: String,
}

impl GroupMark {
    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", ids::encode(&self.name))
    }
}

#[derive(Clone, Debug, Deserialize)]
pub struct UserRow {
    pub name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub state: String,
    administrator: i64,
    pub registered_at: Instant,
    pub last_sign_in_at: Option<Instant>,
    /// Custom and external groups at this instant, by name.
    groups: Option<Vec<GroupMark>>,
}

/// Groups shown in a row before the rest folds into "+3".
const SHOWN: usize = 3;

impl UserRow {
    pub fn display(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    pub fn path(&self) -> String {
        format!("/publisher/users/{}", ids::encode(&self.name))
    }

    pub fn administrator(&self) -> bool {
        self.administrator == 1
    }

    pub fn groups(&self) -> &[GroupMark] {
        let all = self.groups.as_deref().unwrap_or_default();
        &all[..all.len().min(SHOWN)]
    }

    /// How many more groups there are than are shown.
    pub fn folded(&self) -> usize {
        self.groups.as_ref().map_or(0, |all| all.len().saturating_sub(SHOWN))
    }
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Listed {
    pub users: Vec<UserRow>,
    pub total: i64,
    /// Custom groups, `OFFERED` of them; one more is there when there are more.
    pub custom: Vec<GroupMark>,
    /// System groups that users can be in, and external ones.
    pub others: Vec<GroupMark>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    total: i64,
    users: String,
    custom: String,
    others: String,
}

/// The users of a page with their groups, how many match (exactly, or up to `COUNTED` and one more), and the groups to choose from:
/// one row of JSON, since each row that SQLite gives costs more than the work in it.
pub async fn list(
    connection: &mut Connection,
    now: Instant,
    filter: &Filter,
    sort: Sort,
    limit: i64,
    offset: i64,
    exact: bool,
) -> Result<Listed, Error> {
    let (array, object) = (select::json_array(connection), select::json_object(connection));
    let mut statement = Select::new(connection, "select (select count(*) from (select 1 from users u");
    statement.nested(|inner| filter.apply(inner, now));
    if !exact {
        statement.sql("limit").bind(COUNTED + 1);
    }
    statement
        .sql(") t) as total, (select cast(coalesce(")
        .sql(array)
        .sql("(")
        .sql(object)
        .sql(
            "('name', u.name, 'first_name', u.first_name, 'last_name', u.last_name, 'email', u.email, 'state', u.state,
              'administrator', case when u.administrator then 1 else 0 end,
              'registered_at', u.registered_at, 'last_sign_in_at', u.last_sign_in_at, 'groups', (select",
        )
        .sql(array)
        .sql("(")
        .sql(object)
        .sql(
            "('name', g.name, 'display_name', g.display_name, 'kind', g.kind) order by g.display_name_folded)
              from groups g where g.id in (select m.group_id from memberships m where m.user_id = u.id and m.from_at <=",
        )
        .bind(now)
        .sql("and (m.until_at is null or m.until_at >")
        .bind(now)
        .sql("))))")
        .sql(sort.sql())
        .sql("), '[]') as text) from (")
        // The page is chosen first, and by keys alone: what is beside it is then looked up for its rows only.
        .sql("select u.id from users u")
        .nested(|inner| filter.apply(inner, now));
    statement.sql(sort.sql()).page(limit, offset).sql(") chosen join users u on u.id = chosen.id) as users,");
    for (head, tail) in [
        ("(select * from groups where kind = 'custom' order by display_name_folded limit", ") g) as custom,"),
        ("(select * from groups where kind <> 'custom' and name <> 'guests' order by kind desc, id limit", ") g) as others"),
    ] {
        statement
            .sql("(select cast(coalesce(")
            .sql(array)
            .sql("(")
            .sql(object)
            .sql("('name', g.name, 'display_name', g.display_name, 'kind', g.kind) order by g.kind desc, g.display_name_folded), '[]') as text) from")
            .sql(head)
            .bind(OFFERED + 1)
            .sql(tail);
    }
    let row = statement.optional::<ListedRow>(connection).await?.ok_or(Error::NotFound)?;
    Ok(Listed {
        users: serde_json::from_str(&row.users)?,
        total: row.total,
        custom: serde_json::from_str(&row.custom)?,
        others: serde_json::from_str(&row.others)?,
    })
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
