//! THE visibility rule held against its plainest words, on worlds made by chance in a real database.

use std::collections::BTreeSet;

use portico::{
    catalog::{self, Viewer},
    db::{Instant, Select, Value},
    ids::{ProductId, SubscriptionId, UserId},
};
use time::Duration;

use super::{Chance, counted, rounds};
use crate::support::{Browser, Portal, START};

const GUESTS: i64 = 3;
/// Keys of the groups made for every world: two of each kind but system.
const GROUPS: [i64; 5] = [101, 102, 103, 104, 105];

/// Kept counts of users that are not what counting gives.
const MISCOUNTED: &str = "select count(*) from
    (select state, administrator, count(*) as number from users group by state, administrator) u
    full join (select * from user_counts where number <> 0) c on c.state = u.state and c.administrator = u.administrator
    where c.number is distinct from u.number";

/// Active more often than not.
const STATES: [&str; 6] = ["active", "active", "active", "pending", "blocked", "deleted"];

struct User {
    key: i64,
    state: &'static str,
    administrator: bool,
}

struct Membership {
    user: i64,
    group: i64,
    source: &'static str,
    from: Instant,
    until: Option<Instant>,
}

struct Product {
    key: i64,
    name: String,
    published: bool,
    groups: Vec<i64>,
}

struct Api {
    key: i64,
    name: String,
    products: Vec<i64>,
}

struct World {
    users: Vec<User>,
    memberships: Vec<Membership>,
    products: Vec<Product>,
    apis: Vec<Api>,
    /// (key, owner, product)
    subscriptions: Vec<(i64, i64, i64)>,
}

/// The rule as DESIGN.md says it.
impl World {
    /// A viewer's own groups. The key 0, and one that nobody has, is a guest.
    fn groups_of(&self, viewer: i64, now: Instant) -> BTreeSet<i64> {
        let Some(user) = self.users.iter().find(|user| user.key == viewer && user.state == "active") else {
            return BTreeSet::new();
        };
        let mut groups = BTreeSet::from([2]);
        if user.administrator {
            groups.insert(1);
        }
        for membership in &self.memberships {
            if membership.user == viewer && membership.from <= now && membership.until.is_none_or(|until| now < until) {
                groups.insert(membership.group);
            }
        }
        groups
    }

    /// Who has a membership of a group that holds, whatever their state.
    fn members(&self, group: i64, now: Instant) -> BTreeSet<i64> {
        let holds = |row: &&Membership| row.group == group && row.from <= now && row.until.is_none_or(|until| now < until);
        self.memberships.iter().filter(holds).map(|row| row.user).collect()
    }

    fn may_subscribe(&self, viewer: i64, product: &Product, now: Instant) -> bool {
        let own = self.groups_of(viewer, now);
        product.published && product.groups.iter().any(|group| own.contains(group))
    }

    fn sees(&self, viewer: i64, product: &Product, now: Instant) -> bool {
        self.may_subscribe(viewer, product, now) || (product.published && product.groups.contains(&GUESTS))
    }

    fn sees_api(&self, viewer: i64, api: &Api, now: Instant) -> bool {
        self.products.iter().any(|product| api.products.contains(&product.key) && self.sees(viewer, product, now))
    }
}

/// Instants around the one of the question, some of them next to it.
fn around(chance: &mut Chance) -> Instant {
    let microseconds = *chance.pick(&[-7_200_000_000, -1_000_000, -1, 0, 1, 1_000_000, 7_200_000_000]);
    Instant::new(START + Duration::microseconds(microseconds))
}

fn a_world(chance: &mut Chance, people: &[i64]) -> World {
    let strangers = (0..3 + chance.below(5)).map(|place| User {
        key: 200 + place as i64,
        state: STATES[chance.below(STATES.len())],
        administrator: chance.percent(20),
    });
    let mut users: Vec<User> = strangers.collect();
    users.extend(people.iter().map(|key| User { key: *key, state: "active", administrator: chance.percent(30) }));
    let mut memberships = Vec::new();
    for user in &users {
        for group in GROUPS {
            for source in chance.some(&["hand", "rule", "invitation", "provider", "import"], 12) {
                let from = around(chance);
                let until = chance.percent(60).then(|| around(chance));
                memberships.push(Membership { user: user.key, group, source, from, until });
            }
        }
    }
    let open_to: Vec<i64> = [1, 2, GUESTS].into_iter().chain(GROUPS).collect();
    let products: Vec<Product> = (0..2 + chance.below(7))
        .map(|place| Product {
            key: 300 + place as i64,
            name: format!("p{place}"),
            published: chance.percent(75),
            groups: {
                let share = 5 + chance.below(30);
                chance.some(&open_to, share)
            },
        })
        .collect();
    let keys: Vec<i64> = products.iter().map(|product| product.key).collect();
    let apis =
        (0..1 + chance.below(5)).map(|place| Api { key: 400 + place as i64, name: format!("a{place}"), products: chance.some(&keys, 30) });
    let apis = apis.collect();
    let subscriptions = (0..6).map(|place| (500 + place, chance.pick(&users).key, *chance.pick(&keys))).collect();
    World { users, memberships, products, apis, subscriptions }
}

/// Rows of a table, each with the same number of values.
struct Rows<'a>(&'static str, &'a [Vec<Option<Value>>]);

async fn insert(tx: &mut portico::db::Transaction, Rows(head, rows): Rows<'_>) {
    if rows.is_empty() {
        return;
    }
    let mut statement = Select::new(tx, head);
    for (index, row) in rows.iter().enumerate() {
        statement.sql(if index == 0 { "values (" } else { ", (" });
        for (place, value) in row.iter().enumerate() {
            if place > 0 {
                statement.sql(",");
            }
            match value {
                Some(value) => statement.bind(value.clone()),
                None => statement.sql("null"),
            };
        }
        statement.sql(")");
    }
    statement.execute(tx).await.expect("rows");
}

async fn put(portal: &Portal, world: &World) {
    let mut tx = portal.db().write().await.unwrap();
    for statement in [
        "delete from subscriptions",
        "delete from product_apis",
        "delete from product_groups",
        "delete from memberships",
        "delete from apis",
        "delete from products",
        "delete from users where id between 200 and 299",
    ] {
        Select::new(&tx, statement).execute(&mut tx).await.unwrap();
    }
    let at = || Some(Value::from(Instant::new(START)));
    let text = |text: &str| Some(Value::from(text));
    let users: Vec<_> = world
        .users
        .iter()
        .filter(|user| user.key >= 200)
        .map(|user| {
            let name = format!("u{}", user.key);
            vec![
                Some(user.key.into()),
                text(&name),
                text(&name),
                text(&name),
                text(&name),
                text(""),
                text(""),
                text(&name),
                text(&name),
                text(user.state),
                Some(user.administrator.into()),
                at(),
            ]
        })
        .collect();
    insert(&mut tx, Rows("insert into users (id, name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, administrator, registered_at)", &users)).await;
    for user in world.users.iter().filter(|user| user.key < 200) {
        let mut role = Select::new(&tx, "update users set administrator =");
        role.bind(user.administrator).sql("where id =").bind(user.key);
        role.execute(&mut tx).await.unwrap();
    }
    let rows: Vec<_> = world
        .memberships
        .iter()
        .map(|row| vec![Some(row.user.into()), Some(row.group.into()), text(row.source), Some(row.from.into()), row.until.map(Value::from)])
        .collect();
    insert(&mut tx, Rows("insert into memberships (user_id, group_id, source, from_at, until_at)", &rows)).await;
    let rows: Vec<_> = world
        .products
        .iter()
        .map(|row| {
            vec![
                Some(row.key.into()),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                Some(row.published.into()),
                at(),
            ]
        })
        .collect();
    insert(
        &mut tx,
        Rows(
            "insert into products (id, name, name_folded, display_name, display_name_folded, search_folded, published, created_at)",
            &rows,
        ),
    )
    .await;
    let rows: Vec<_> =
        world.products.iter().flat_map(|row| row.groups.iter().map(|group| vec![Some(row.key.into()), Some((*group).into())])).collect();
    insert(&mut tx, Rows("insert into product_groups (product_id, group_id)", &rows)).await;
    let rows: Vec<_> = world
        .apis
        .iter()
        .map(|row| {
            vec![
                Some(row.key.into()),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                text(&row.name),
                at(),
                at(),
            ]
        })
        .collect();
    insert(&mut tx, Rows("insert into apis (id, name, name_folded, display_name, display_name_folded, search_folded, suffix, suffix_folded, created_at, updated_at)", &rows)).await;
    let rows: Vec<_> =
        world.apis.iter().flat_map(|row| row.products.iter().map(|product| vec![Some((*product).into()), Some(row.key.into())])).collect();
    insert(&mut tx, Rows("insert into product_apis (product_id, api_id)", &rows)).await;
    for (key, owner, product) in &world.subscriptions {
        // Keys are bytes, and their making is not what is looked at.
        let mut row = Select::new(
            &tx,
            "insert into subscriptions (id, name, name_folded, product_id, owner_id, display_name, state, primary_key, primary_mac, secondary_key, secondary_mac, created_at) select",
        );
        row.bind(*key).sql(",").bind(format!("s{key}")).sql(",").bind(format!("s{key}")).sql(", p.id,").bind(*owner);
        let mac = match portal.db().engine() {
            portico::db::Engine::Sqlite => {
                ", 'x', 'active', x'00', cast(p.id || '/' || last_insert_rowid() || random() as blob), x'00', cast(random() as blob),"
            }
            portico::db::Engine::Postgres => ", 'x', 'active', ''::bytea, random()::text::bytea, ''::bytea, random()::text::bytea,",
        };
        row.sql(mac).bind(Instant::new(START)).sql("from products p where p.id =").bind(*product);
        row.execute(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Names of the products or APIs that a list links to.
async fn listed(browser: &Browser, path: &str) -> BTreeSet<String> {
    let page = browser.get(path).await;
    page.is(200);
    links(&page.text, path)
}

/// The names that a page links to below a path.
fn links(page: &str, path: &str) -> BTreeSet<String> {
    let link = format!("href=\"{path}/");
    page.split(&link).skip(1).map(|rest| rest.split(['"', '/', '#', '?']).next().unwrap_or_default().to_owned()).collect()
}

/// Everything that the rule answers for a viewer at an instant; how many answers.
async fn hold(portal: &Portal, world: &World, viewer: i64, now: Instant, told: &str) -> usize {
    let mut connection = portal.db().read().await.unwrap();
    let eye = Viewer::user(UserId(viewer));
    let mut answers = 0;
    for product in &world.products {
        let (sees, may) = (world.sees(viewer, product, now), world.may_subscribe(viewer, product, now));
        let found = catalog::find_product(&mut connection, eye, now, &product.name).await.unwrap();
        assert_eq!(found.is_some(), sees, "{told}: product {}", product.name);
        assert_eq!(found.is_some_and(|found| found.may_subscribe()), may, "{told}: subscribing on the page of {}", product.name);
        let asked = catalog::may_subscribe(&mut connection, ProductId(product.key), UserId(viewer), now).await.unwrap();
        assert_eq!(asked, may, "{told}: subscribing to {}", product.name);
        answers += 3;
    }
    answers
}

#[tokio::test]
async fn worlds_by_chance_hold_the_rule_against_its_words() {
    let portal = Portal::start().await;
    let mut chance = Chance::new();
    for (place, group) in GROUPS.iter().enumerate() {
        let kind = if place < 3 { "custom" } else { "external" };
        let name = format!("g{group}");
        let head = [
            "insert into groups (id, name, name_folded, display_name, display_name_folded, search_folded, kind, created_at) values (",
            ",",
            ",",
            ",",
            ",",
            ",",
            ",",
            ",",
            ")",
        ];
        let values = vec![
            (*group).into(),
            name.clone().into(),
            name.clone().into(),
            name.clone().into(),
            name.clone().into(),
            name.into(),
            kind.into(),
            Instant::new(START).into(),
        ];
        portal.run(&head, values).await;
    }
    let people = [portal.developer("one@portal.example").await, portal.developer("two@portal.example").await, portal.guest()];
    let one = portal.count("select id from users where email = 'one@portal.example'").await;
    let two = portal.count("select id from users where email = 'two@portal.example'").await;
    let (mut evaluations, mut answers, mut pages) = (0, 0, 0);
    let worlds = rounds(30, 1100);
    for number in 0..worlds {
        let world = a_world(&mut chance, &[one, two]);
        put(&portal, &world).await;
        let viewers: Vec<i64> = [0, 999].into_iter().chain(world.users.iter().map(|user| user.key)).collect();
        for viewer in &viewers {
            let now = if chance.percent(60) { Instant::new(START) } else { around(&mut chance) };
            let told = format!("seed {}, world {number}, viewer {viewer} at {}", chance.seed, now.text());
            answers += hold(&portal, &world, *viewer, now, &told).await;
            evaluations += 1;
        }
        let mut connection = portal.db().read().await.unwrap();
        let now = Instant::new(START);
        let keys: Vec<SubscriptionId> = world.subscriptions.iter().map(|row| SubscriptionId(row.0)).collect();
        let hidden: BTreeSet<i64> =
            catalog::without_sight(&mut connection, &keys, now).await.unwrap().into_iter().map(|key| key.0).collect();
        let unseen = world.subscriptions.iter().filter(|(_, owner, product)| {
            let product = world.products.iter().find(|known| known.key == *product).unwrap();
            !world.sees(*owner, product, now)
        });
        assert_eq!(hidden, unseen.map(|row| row.0).collect(), "seed {}, world {number}: subscriptions without sight", chance.seed);
        let (groups, _) = portico::groups::store::list(&mut connection, now, "", "", Default::default(), 100, 0).await.unwrap();
        for group in GROUPS {
            let row = groups.iter().find(|row| row.name == format!("g{group}")).expect("the group");
            let members = world.members(group, now).len() as i64;
            assert_eq!(row.members, members, "seed {}, world {number}: members of {}", chance.seed, row.name);
        }
        drop(connection);
        assert_eq!(portal.count(MISCOUNTED).await, 0, "seed {}, world {number}: users by state and role", chance.seed);
        for (browser, viewer) in people.iter().zip([one, two, 0]) {
            let products = world.products.iter().filter(|product| world.sees(viewer, product, now)).map(|product| product.name.clone());
            let apis = world.apis.iter().filter(|api| world.sees_api(viewer, api, now)).map(|api| api.name.clone());
            let told = format!("seed {}, world {number}, viewer {viewer}", chance.seed);
            assert_eq!(listed(browser, "/products").await, products.collect(), "{told}: /products");
            assert_eq!(listed(browser, "/apis").await, apis.collect(), "{told}: /apis");
            pages += 2;
            for api in &world.apis {
                let page = browser.get(&format!("/apis/{}", api.name)).await;
                let sees = world.sees_api(viewer, api, now);
                page.is(if sees { 200 } else { 404 });
                let holders =
                    world.products.iter().filter(|product| api.products.contains(&product.key) && world.sees(viewer, product, now));
                let holders: BTreeSet<String> = holders.map(|product| product.name.clone()).collect();
                assert_eq!(links(&page.text, "/products"), holders, "{told}: products of {}", api.name);
                pages += 1;
            }
        }
    }
    counted(&format!(
        "{worlds} worlds, {evaluations} (world, viewer), {answers} answers and {pages} pages of the rule; seed {}",
        chance.seed
    ));
}
