//! The program is killed at a random moment of bulk writes, and started again: what was answered is kept, what was not is all or
//! nothing, and the log, the rows, the index and the totals agree.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use portico::{
    db::{Clock, Database, Engine, Instant, Select},
    users::UserState,
};

use super::{Chance, counted, on_sqlite, rounds};
use crate::{
    program::{SECRET, Serving, portico},
    support::{Browser, PASSWORD, Portal, START, database_url, seed::Product},
};

const USERS: i64 = 3000;
/// Users are in teams by their number, so that a search finds those of one.
const TEAMS: i64 = 7;
const GROUPS: [&str; 2] = ["alpha", "beta"];

/// A change that was sent, and whether it was answered.
#[derive(Clone, Debug)]
enum Sent {
    /// A team into a group, or out of it.
    Bulk {
        team: i64,
        add: bool,
    },
    Visibility {
        open: bool,
    },
    User {
        email: String,
    },
}

fn start(folder: &tempfile::TempDir, url: &str) -> Serving {
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", url).env("PORTICO_SECRET_KEY", SECRET).env("PORTICO_LOG", "error");
    command.stderr(std::process::Stdio::null());
    Serving::start_open(command)
}

async fn fill(url: &str) {
    let portal = Portal::on(url).await;
    portal.add_user("root@portal.example", "Root", "Admin", UserState::Active, true).await;
    portal.add_group("Alpha").await;
    portal.add_group("Beta").await;
    portal.seed_product(Product { name: "orders", ..Product::default() }).await;
    let people = [
        "insert into users (id, name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state, registered_at)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
         select 1000 + i, 'user-' || i, 'user-' || i, 'team' || (i % 7) || '-' || i || '@many.example', 'team' || (i % 7) || '-' || i || '@many.example',
            'Many', 'N' || i, 'n' || i || ' many', 'many n' || i || ' team' || (i % 7) || '-' || i || '@many.example', 'active',",
        "from n",
    ];
    portal.run(&people, vec![Instant::new(START).into()]).await;
    portal.db().close().await;
}

/// Sends changes of one kind, one after the other, until nobody answers. The last one was not answered.
async fn work(browser: Browser, kind: usize, mut chance: Chance, round: usize, answers: Arc<AtomicUsize>) -> Vec<(Sent, bool)> {
    let mut sent = Vec::new();
    for number in 0.. {
        let (change, reply) = match kind {
            0 | 1 => {
                let (team, add) = (chance.below(TEAMS as usize) as i64, chance.percent(60));
                let (words, group) = (format!("team{team}-"), GROUPS[kind]);
                let form = [("q", words.as_str()), ("all", "1"), (if add { "add" } else { "remove" }, group)];
                (Sent::Bulk { team, add }, browser.try_post("/publisher/users/bulk", &form).await)
            }
            2 => {
                let open = number % 2 == 0;
                let form = if open { [("listed", "alpha"), ("group", "alpha")] } else { [("listed", "alpha"), ("shown", "alpha")] };
                (Sent::Visibility { open }, browser.try_post("/publisher/products/orders/visibility", &form).await)
            }
            _ => {
                let email = format!("new-{round}-{number}@late.example");
                let form = [("email", email.as_str()), ("first_name", "New"), ("last_name", "Comer"), ("password", PASSWORD)];
                let reply = browser.try_post("/publisher/new/user", &form).await;
                (Sent::User { email }, reply)
            }
        };
        match reply {
            Ok(reply) => {
                assert_eq!(reply.status, 303, "{change:?}: {}", reply.text);
                sent.push((change, true));
                answers.fetch_add(1, SeqCst);
            }
            Err(_) => {
                sent.push((change, false));
                break;
            }
        }
    }
    sent
}

/// What the last entries said of each group, from the log alone.
#[derive(Default)]
struct Played {
    last: i64,
    members: BTreeMap<String, BTreeSet<i64>>,
}

impl Played {
    async fn go_on(&mut self, db: &Database) {
        let mut connection = db.read().await.unwrap();
        let mut log = Select::new(
            &connection,
            "select id, action, after from audit where action in ('group.members_added', 'group.members_removed') and id >",
        );
        log.bind(self.last).sql("order by id");
        for (id, action, after) in log.all::<(i64, String, String)>(&mut connection).await.unwrap() {
            let facts: portico::groups::MemberFacts = serde_json::from_str(&after).expect("a whole entry");
            let members = self.members.entry(facts.group).or_default();
            for user in facts.users {
                let new = if action == "group.members_added" { members.insert(user.0) } else { members.remove(&user.0) };
                assert!(new, "the entry {id} lists a user that it did not change");
            }
            self.last = id;
        }
    }
}

async fn number(db: &Database, statement: &'static str) -> i64 {
    let mut connection = db.read().await.unwrap();
    Select::new(&connection, statement).count(&mut connection).await.unwrap()
}

/// What the changes lead to, from what was there.
fn led_to(before: &BTreeSet<i64>, changes: &[Sent]) -> BTreeSet<i64> {
    let mut members = before.clone();
    for change in changes {
        let Sent::Bulk { team, add } = change else { continue };
        for user in (1..=USERS).filter(|user| user % TEAMS == *team).map(|user| 1000 + user) {
            if *add {
                members.insert(user)
            } else {
                members.remove(&user)
            };
        }
    }
    members
}

async fn whole(db: &Database) {
    if db.engine() == Engine::Sqlite {
        let mut tx = db.write().await.unwrap();
        let found = Select::new(&tx, "pragma integrity_check").all::<(String,)>(&mut tx).await.unwrap();
        assert_eq!(found, [("ok".to_owned(),)]);
        assert!(Select::new(&tx, "pragma foreign_key_check").all::<(String,)>(&mut tx).await.unwrap().is_empty());
        // 1: compared with the table itself.
        for check in [
            "insert into users_search (users_search, rank) values ('integrity-check', 1)",
            "insert into audit_search (audit_search, rank) values ('integrity-check', 1)",
        ] {
            Select::new(&tx, check).execute(&mut tx).await.expect("the index agrees");
        }
    }
}

/// Waits until the database has noticed that its client is gone.
async fn until_forgotten(url: &str) {
    if on_sqlite() {
        return;
    }
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let began = std::time::Instant::now();
    let others = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'portico'";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&pool).await.unwrap() > 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "the killed program's connections stay");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_of_bulk_writes() {
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    fill(&url).await;
    let mut chance = Chance::new();
    let (mut played, mut answered, mut cut, mut cut_but_done) = (Played::default(), 0, 0, 0);
    let mut serving = start(&folder, &url);
    let admin = Browser::new(&serving.base());
    admin.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
    let mut before = GROUPS.map(|_| BTreeSet::new());
    let mut was_open = false;
    let times = rounds(8, 200);
    for round in 0..times {
        let told = format!("seed {}, round {round}", chance.seed);
        let here = admin.at(&serving.base());
        let answers = Arc::<AtomicUsize>::default();
        let workers: Vec<_> = (0..4)
            .map(|kind| tokio::spawn(work(here.clone(), kind, Chance { seed: 0, state: chance.next() }, round, answers.clone())))
            .collect();
        // After some answers, and then at any moment: where in a write it dies is what is tried.
        let (some, began) = (chance.below(14), std::time::Instant::now());
        while answers.load(SeqCst) < some && began.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        tokio::time::sleep(Duration::from_micros(chance.below(60_000) as u64)).await;
        serving.child.kill().unwrap();
        serving.child.wait().unwrap();
        let mut sent = Vec::new();
        for worker in workers {
            sent.push(worker.await.unwrap());
        }
        until_forgotten(&url).await;
        serving = start(&folder, &url);
        let there = admin.at(&serving.base());
        there.get("/publisher").await.is(200);

        let db = Database::open(&url, Clock::system()).await.unwrap();
        whole(&db).await;
        played.go_on(&db).await;
        for (index, group) in GROUPS.iter().enumerate() {
            let mut connection = db.read().await.unwrap();
            let mut rows =
                Select::new(&connection, "select m.user_id from memberships m join groups g on g.id = m.group_id where g.name =");
            rows.bind(*group);
            let now: BTreeSet<i64> = rows.all::<(i64,)>(&mut connection).await.unwrap().into_iter().map(|row| row.0).collect();
            let kept: Vec<Sent> = sent[index].iter().filter(|(_, answered)| *answered).map(|(change, _)| change.clone()).collect();
            let all: Vec<Sent> = sent[index].iter().map(|(change, _)| change.clone()).collect();
            let (least, most) = (led_to(&before[index], &kept), led_to(&before[index], &all));
            assert!(
                now == least || now == most,
                "{told}: {group} has {} members, neither {} nor {}: {:?}",
                now.len(),
                least.len(),
                most.len(),
                sent[index]
            );
            cut_but_done += usize::from(now != least);
            assert_eq!(played.members.get(*group).cloned().unwrap_or_default(), now, "{told}: the log and the rows of {group}");
            let shown = there.get(&format!("/publisher/users?in={group}")).await;
            shown.is(200);
            before[index] = now;
        }
        let open =
            number(&db, "select count(*) from product_groups pg join groups g on g.id = pg.group_id where g.name = 'alpha'").await == 1;
        let mut states = vec![was_open];
        for (change, answered) in &sent[2] {
            let Sent::Visibility { open } = change else { continue };
            if *answered {
                states = vec![*open];
            } else {
                states.push(*open);
            }
        }
        assert!(states.contains(&open), "{told}: visibility");
        was_open = open;
        let log = number(&db, "select count(*) from audit where action = 'user.created' and subject_name = 'New Comer'").await;
        assert_eq!(log, number(&db, "select count(*) from users where last_name = 'Comer'").await, "{told}: users and their entries");
        for (change, answered) in &sent[3] {
            let Sent::User { email } = change else { continue };
            let mut connection = db.read().await.unwrap();
            let mut row = Select::new(&connection, "select count(*) from users where email =");
            row.bind(email.as_str());
            let there_is = row.count(&mut connection).await.unwrap() == 1;
            assert!(there_is || !answered, "{told}: {email} was answered and is gone");
            let listed = there.get(&format!("/publisher/users?q={email}")).await.text.contains(&format!(">{email}<"));
            assert_eq!(listed, there_is, "{told}: the search and the row of {email}");
        }
        let users = number(&db, "select count(*) from users").await;
        let total = format!("<span class=\"count\">{},{:03}</span>", users / 1000, users % 1000);
        there.get("/publisher/users").await.shows(&total);
        answered += sent.iter().flatten().filter(|(_, answered)| *answered).count();
        cut += sent.iter().flatten().filter(|(_, answered)| !*answered).count();
        db.close().await;
    }
    counted(&format!(
        "{times} times killed: {answered} changes answered and kept, {cut} cut off, of which {cut_but_done} in bulk were done whole; seed {}",
        chance.seed
    ));
}
