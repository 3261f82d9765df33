//! Two administrators with the same forms open, in every order of opening and sending and at once: what each changed holds, unless the
//! form was told that it is stale. Nothing is lost without a word.

use std::collections::{BTreeMap, BTreeSet};

use portico::{db::Select, users::UserState};

use super::{
    Chance, counted,
    form::{borrowed, fields},
    rounds,
};
use crate::support::{Browser, Portal, Reply, seed::Product};

type Fields = Vec<(String, String)>;

const GROUPS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
/// Boxes of the Visibility tab.
const BOXES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "developers", "guests"];

/// The forms with a version: the page, where it is sent, and a field that chance may change to some text.
const EDITS: [(&str, &str, &[&str]); 3] = [
    ("/publisher/products/orders/settings", "/publisher/products/orders/settings", &["description", "terms", "subscriptions_limit"]),
    ("/publisher/groups/alpha", "/publisher/groups/alpha", &["description", "display_name"]),
    ("/publisher/users/tia", "/publisher/users/tia", &["first_name", "last_name", "note"]),
];

/// What the database should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    visibility: BTreeSet<String>,
    /// (user, group)
    members: BTreeSet<(String, String)>,
    /// The fields of each form in `EDITS`, the version among them.
    edits: Vec<Fields>,
}

impl World {
    async fn observed(portal: &Portal, browser: &Browser) -> Self {
        let mut connection = portal.db().read().await.unwrap();
        let open = "select g.name from product_groups pg join groups g on g.id = pg.group_id join products p on p.id = pg.product_id
                    where p.name = 'orders' and g.name <> 'administrators'";
        let visibility = Select::new(&connection, open).all::<(String,)>(&mut connection).await.unwrap();
        let inside = "select u.name, g.name from memberships m join users u on u.id = m.user_id join groups g on g.id = m.group_id";
        let members = Select::new(&connection, inside).all::<(String, String)>(&mut connection).await.unwrap();
        drop(connection);
        let mut edits = Vec::new();
        for (page, action, _) in EDITS {
            edits.push(fields(&browser.get(page).await.is(200).text, action));
        }
        Self { visibility: visibility.into_iter().map(|row| row.0).collect(), members: members.into_iter().collect(), edits }
    }
}

fn without_version(fields: &Fields) -> BTreeMap<String, String> {
    fields.iter().filter(|(name, _)| name != "version").cloned().collect()
}

/// What somebody has in front of them and is about to send.
#[derive(Clone, Debug)]
enum Change {
    Visibility(BTreeMap<String, bool>),
    Members(BTreeMap<(String, String), bool>),
    Edit(usize, Fields),
}

#[derive(Clone, Debug)]
struct Typed {
    path: String,
    form: Fields,
    change: Change,
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Opens a form and fills it in.
async fn open(browser: &Browser, chance: &mut Chance, number: usize, like: Option<&Typed>) -> Typed {
    let before = like.and_then(|typed| if let Change::Edit(which, _) = typed.change { Some(which) } else { None });
    match if before.is_some() { 5 } else { chance.below(6) } {
        0 | 1 => {
            let path = "/publisher/products/orders/visibility";
            let mut form = fields(&browser.get(path).await.is(200).text, path);
            let mut change = BTreeMap::new();
            for group in chance.some(&BOXES, 35) {
                let before = form.len();
                form.retain(|field| *field != pair("group", group));
                let ticked = form.len() == before;
                if ticked {
                    form.push(pair("group", group));
                }
                change.insert(group.to_owned(), ticked);
            }
            Typed { path: path.to_owned(), form, change: Change::Visibility(change) }
        }
        2 => {
            let mut form = fields(&browser.get("/publisher/users/tia").await.is(200).text, "/publisher/users/tia/groups");
            let mut change = BTreeMap::new();
            for group in chance.some(&GROUPS, 40) {
                let before = form.len();
                form.retain(|field| *field != pair("group", group));
                let ticked = form.len() == before;
                if ticked {
                    form.push(pair("group", group));
                }
                change.insert(pair("tia", group), ticked);
            }
            Typed { path: "/publisher/users/tia/groups".to_owned(), form, change: Change::Members(change) }
        }
        3 => {
            let group = *chance.pick(&GROUPS);
            let add = chance.percent(55);
            let users = chance.some(&["tia", "ugo", "vera"], 60);
            let mut form: Fields = users.iter().map(|user| pair("user", user)).collect();
            form.push(pair(if add { "add" } else { "remove" }, group));
            let change = users.iter().map(|user| (pair(user, group), add)).collect();
            Typed { path: "/publisher/users/bulk".to_owned(), form, change: Change::Members(change) }
        }
        _ => {
            let which = before.unwrap_or_else(|| chance.below(EDITS.len()));
            let (page, action, names) = EDITS[which];
            let mut form = fields(&browser.get(page).await.is(200).text, action);
            for name in chance.some(names, 60) {
                let text = if name == "subscriptions_limit" {
                    format!("{}", 1 + chance.below(9))
                } else {
                    format!("{name} {number} <&> {}", chance.below(3))
                };
                form.iter_mut().find(|field| field.0 == name).expect("the field").1 = text;
            }
            Typed { path: action.to_owned(), form: form.clone(), change: Change::Edit(which, form) }
        }
    }
}

async fn send(browser: &Browser, typed: &Typed) -> Reply {
    browser.post(&typed.path, &borrowed(&typed.form)).await
}

/// The world after an answer; none when the answer is not one that this world gives. Versions are taken from the page afterwards.
/// Of two who send the same at once, the second may have read what was there before the first, and is told that it is stale.
fn after(world: &World, typed: &Typed, status: u16, at_once: bool) -> Option<World> {
    let mut world = world.clone();
    match (&typed.change, status) {
        // Told to try again: nothing was changed.
        (_, 503) => {}
        (Change::Visibility(boxes), 303) => {
            for (group, open) in boxes {
                if *open {
                    world.visibility.insert(group.clone())
                } else {
                    world.visibility.remove(group)
                };
            }
        }
        (Change::Members(boxes), 303) => {
            for (place, member) in boxes {
                if *member {
                    world.members.insert(place.clone())
                } else {
                    world.members.remove(place)
                };
            }
        }
        (Change::Edit(which, form), status) => {
            let now = &world.edits[*which];
            let version = |fields: &Fields| fields.iter().find(|field| field.0 == "version").map(|field| field.1.clone());
            let (fresh, same) = (version(now) == version(form), without_version(now) == without_version(form));
            match status {
                303 if same => {}
                303 if fresh => {
                    let mut form = form.clone();
                    let next = version(&form).and_then(|version| version.parse::<i64>().ok()).map_or(0, |version| version + 1);
                    form.iter_mut().filter(|field| field.0 == "version").for_each(|field| field.1 = next.to_string());
                    world.edits[*which] = form;
                }
                409 if !fresh && (at_once || !same) => {}
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(world)
}

fn same(one: &World, other: &World) -> bool {
    let sorted =
        |world: &World| -> Vec<BTreeMap<String, String>> { world.edits.iter().map(|fields| fields.iter().cloned().collect()).collect() };
    one.visibility == other.visibility && one.members == other.members && sorted(one) == sorted(other)
}

#[tokio::test]
async fn two_administrators_in_every_order() {
    let portal = Portal::start().await;
    let mut chance = Chance::new();
    let one = portal.administrator_named("one@portal.example", "One", "Admin").await;
    let two = portal.administrator_named("two@portal.example", "Two", "Admin").await;
    for group in ["Alpha", "Beta", "Gamma", "Delta"] {
        portal.add_group(group).await;
    }
    portal.seed_product(Product { name: "orders", ..Product::default() }).await;
    for name in ["tia", "ugo", "vera"] {
        let email = format!("{name}@portal.example");
        portal.add_user(&email, name, "Person", UserState::Active, false).await;
        let named = ["update users set name =", ", name_folded =", "where email =", ""];
        portal.run(&named, vec![name.into(), name.into(), email.into()]).await;
    }
    let times = rounds(40, 1000);
    let (mut stale, mut at_once, mut busy) = (0, 0, 0);
    let mut world = World::observed(&portal, &one).await;
    for number in 0..times {
        let told = format!("seed {}, interleaving {number}", chance.seed);
        let order = chance.below(4);
        let alike = chance.percent(70);
        let first = open(&one, &mut chance, number, None).await;
        let like = alike.then_some(&first);
        let mut steps = Vec::new();
        let (second, replies) = match order {
            // Load, send, load, send: the plain case.
            0 => {
                let reply = send(&one, &first).await;
                let second = open(&two, &mut chance, number, like).await;
                steps.push((first.clone(), reply.status));
                let reply_two = send(&two, &second).await;
                steps.push((second.clone(), reply_two.status));
                (second, [reply, reply_two])
            }
            // Both load, then one sends first.
            1 => {
                let second = open(&two, &mut chance, number, like).await;
                let reply = send(&one, &first).await;
                let reply_two = send(&two, &second).await;
                steps.push((first.clone(), reply.status));
                steps.push((second.clone(), reply_two.status));
                (second, [reply, reply_two])
            }
            2 => {
                let second = open(&two, &mut chance, number, like).await;
                let reply_two = send(&two, &second).await;
                let reply = send(&one, &first).await;
                steps.push((second.clone(), reply_two.status));
                steps.push((first.clone(), reply.status));
                (second, [reply, reply_two])
            }
            _ => {
                let second = open(&two, &mut chance, number, like).await;
                let (reply, reply_two) = tokio::join!(send(&one, &first), send(&two, &second));
                at_once += 1;
                steps.push((first.clone(), reply.status));
                steps.push((second.clone(), reply_two.status));
                (second, [reply, reply_two])
            }
        };
        busy += replies.iter().filter(|reply| reply.status == 503).count();
        let observed = World::observed(&portal, &one).await;
        let mut orders = vec![steps.clone()];
        if order == 3 {
            orders.push(steps.iter().rev().cloned().collect());
        }
        let explained = orders.iter().any(|steps| {
            let last = steps.iter().try_fold(world.clone(), |world, (typed, status)| after(&world, typed, *status, order == 3));
            last.is_some_and(|last| same(&last, &observed))
        });
        let statuses = replies.each_ref().map(|reply| reply.status);
        assert!(
            explained,
            "{told}, order {order}: {statuses:?}\nbefore {world:#?}\nfirst {first:#?}\nsecond {second:#?}\nafter {observed:#?}"
        );
        world = observed;
        // Who was told that it is stale sees theirs, and may send again knowing it.
        for (browser, typed, reply) in [(&one, &first, &replies[0]), (&two, &second, &replies[1])] {
            let Change::Edit(which, form) = &typed.change else { continue };
            if reply.status != 409 {
                continue;
            }
            stale += 1;
            for (name, theirs) in without_version(&world.edits[*which]) {
                if !theirs.is_empty() && form.iter().any(|field| field.0 == name && field.1 != theirs) {
                    let shown = theirs.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;");
                    reply.shows(&shown);
                }
            }
            let again = fields(&reply.text, &typed.path);
            assert_eq!(without_version(&again), without_version(form), "{told}: what was typed is in the form");
            if chance.percent(50) {
                browser.post(&typed.path, &borrowed(&again)).await.is(303);
                world = World::observed(&portal, &one).await;
                assert_eq!(without_version(&world.edits[*which]), without_version(form), "{told}: sent again");
            }
        }
    }
    // An entry for every change, and no more: what the log says, played again, is what is there.
    let mut connection = portal.db().read().await.unwrap();
    let log = "select action, after from audit where action in ('group.members_added', 'group.members_removed') order by id";
    let entries = Select::new(&connection, log).all::<(String, String)>(&mut connection).await.unwrap();
    let rows = "select m.user_id, g.name from memberships m join groups g on g.id = m.group_id";
    let rows: BTreeSet<(i64, String)> = Select::new(&connection, rows).all(&mut connection).await.unwrap().into_iter().collect();
    let mut played = BTreeSet::new();
    for (action, after) in entries {
        let facts: portico::groups::MemberFacts = serde_json::from_str(&after).unwrap();
        for user in facts.users {
            let place = (user.0, facts.group.clone());
            let new = if action == "group.members_added" { played.insert(place) } else { played.remove(&place) };
            assert!(new, "an entry lists only those really changed");
        }
    }
    assert_eq!(played, rows);
    counted(&format!(
        "{times} interleavings of two administrators, {at_once} of them at once; {stale} forms told that they are stale, {busy} told to try again; seed {}",
        chance.seed
    ));
}
