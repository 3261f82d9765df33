//! SQL of the lists of everybody's subscriptions: of all products, or of one.

use serde::Deserialize;

use crate::{
    catalog::UNSEEN,
    db::{COUNTED, Connection, Instant, Select, flag, listed, select::like},
    error::Error,
    ids::{self, GroupId, ProductId, SubscriptionId},
    subscriptions::State,
};

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    CreatedDown,
    Created,
    Product,
    ProductDown,
    Owner,
    OwnerDown,
    State,
    StateDown,
    Ends,
    EndsDown,
}

impl Sort {
    fn sql(self) -> &'static str {
        match self {
            // A key is as old as its row.
            Sort::CreatedDown => "order by s.id desc",
            Sort::Created => "order by s.id",
            Sort::Product => "order by p.display_name_folded, s.id",
            Sort::ProductDown => "order by p.display_name_folded desc, s.id desc",
            Sort::Owner => "order by u.sort_folded, s.id",
            Sort::OwnerDown => "order by u.sort_folded desc, s.id desc",
            Sort::State => "order by s.state, s.id",
            Sort::StateDown => "order by s.state desc, s.id desc",
            // What has no end comes last.
            Sort::Ends => "order by s.expires_at nulls last, s.id",
            Sort::EndsDown => "order by s.expires_at desc nulls last, s.id desc",
        }
    }

    /// Whether the order is of another table.
    fn joins(self) -> &'static str {
        match self {
            Sort::Product | Sort::ProductDown => "join products p on p.id = s.product_id",
            Sort::Owner | Sort::OwnerDown => "join users u on u.id = s.owner_id",
            _ => "",
        }
    }
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the subscription's name, of the owner's name or address, or (in a list of all) of the product's name; as typed.
    pub needle: String,
    pub state: Option<State>,
    pub product: Option<ProductId>,
    /// Those whose owners are in it now.
    pub group: Option<GroupId>,
    /// Live ones whose owners, who can sign in, do not see the product.
    pub unseen: bool,
    /// Active and suspended ones that end before this.
    pub ending: Option<Instant>,
}

impl Filter {
    fn apply(&self, statement: &mut Select, now: Instant) {
        if let Some(state) = self.state {
            statement.filter("s.state =").bind(state.as_str());
        }
        if let Some(product) = self.product {
            statement.filter("s.product_id =").bind(product);
        }
        if let Some(before) = self.ending {
            statement.filter("s.state in ('active', 'suspended') and s.expires_at <").bind(before);
        }
        match self.group {
            None => {}
            Some(ids::ADMINISTRATORS) => {
                statement.filter("s.owner_id in (select u.id from users u where u.administrator and u.state = 'active')");
            }
            Some(ids::DEVELOPERS) => {
                statement.filter("s.owner_id in (select u.id from users u where u.state = 'active')");
            }
            // Whoever holds something is no guest.
            Some(ids::GUESTS) => {
                statement.filter("s.id = 0");
            }
            Some(group) => {
                statement.filter("s.owner_id in (select m.user_id from memberships m where m.group_id =").bind(group);
                statement.sql("and m.from_at <=").bind(now).sql("and (m.until_at is null or m.until_at >").bind(now).sql("))");
            }
        }
        let needle = ids::fold(&self.needle);
        if !needle.is_empty() {
            statement.filter("(s.display_name_folded like").bind(like(&needle)).sql("escape '\\'");
            if self.product.is_none() {
                statement.sql("or s.product_id in (select p.id from products p where p.display_name_folded like").bind(like(&needle));
                statement.sql("escape '\\')");
            }
            // The users' own search, inside the subquery.
            statement.sql("or s.owner_id in (select u.id from users u").nested(|inner| {
                inner.filter_users_search(&needle);
            });
            statement.sql("))");
        }
        if self.unseen {
            // Who cannot sign in sees nothing, which says nothing of visibility.
            statement.filter("s.state in ('submitted', 'active', 'suspended')").sql("and").sql(UNSEEN);
            statement.filter("s.owner_id in (select u.id from users u where u.state = 'active')");
        }
    }
}

/// A subscription in a list; no keys.
#[derive(Clone, Debug, Deserialize)]
pub struct SubscriptionRow {
    pub id: SubscriptionId,
    pub name: String,
    pub display_name: String,
    pub state: String,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub product_name: String,
    pub product_display_name: String,
    pub owner_name: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub owner_state: String,
    /// It is live, and the owner, who can sign in, does not see the product.
    #[serde(deserialize_with = "flag")]
    pub unseen: bool,
}

impl SubscriptionRow {
    pub fn path(&self) -> String {
        format!("/publisher/subscriptions/{}", ids::encode(&self.name))
    }

    pub fn product_path(&self) -> String {
        format!("/publisher/products/{}", ids::encode(&self.product_name))
    }

    pub fn owner_path(&self) -> String {
        format!("/publisher/users/{}", ids::encode(&self.owner_name))
    }

    /// The name; the address of whoever has not said one.
    pub fn owner(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.email.clone() } else { name.trim().to_owned() }
    }
}

/// Subscriptions that the filter keeps, and how many (counting stops past `COUNTED`). What a page shows is chosen first, and the rule is
/// asked of that alone.
pub async fn list(
    connection: &mut Connection,
    now: Instant,
    filter: &Filter,
    sort: Sort,
    limit: i64,
    offset: i64,
) -> Result<(Vec<SubscriptionRow>, i64), Error> {
    let mut chosen = Select::with(connection, vec![now.into()], "select s.id from subscriptions s");
    chosen.sql(sort.joins());
    let mut total = Select::with(connection, vec![now.into()], "select count(*) from (select 1 from subscriptions s");
    for statement in [&mut chosen, &mut total] {
        filter.apply(statement, now);
    }
    chosen.sql(sort.sql()).page(limit, offset);
    total.sql("limit").bind(COUNTED + 1).sql(") t");
    let mut rows = Select::with(
        connection,
        vec![now.into()],
        "select s.id, s.name, s.display_name, s.state, s.created_at, s.expires_at, p.name as product_name,
            p.display_name as product_display_name, u.name as owner_name, u.first_name, u.last_name, u.email, u.state as owner_state,
            case when u.state = 'active' and s.state in ('submitted', 'active', 'suspended') and",
    );
    rows.sql(UNSEEN).sql(
        "then 1 else 0 end as unseen
         from subscriptions s join products p on p.id = s.product_id join users u on u.id = s.owner_id where s.id in (",
    );
    rows.append(chosen).sql(")").sql(sort.sql());
    listed(connection, rows, total).await
}
