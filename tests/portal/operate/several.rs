//! Several portals on one PostgreSQL: each knows at once what another did, none needs to be asked twice by the same person,
//! and they can be restarted in turn while people use them. SQLite has one process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use crate::{
    program::{SECRET, Serving, portico},
    support::{Browser, PASSWORD, Portal, database_url, seed::Product},
};

fn on_sqlite() -> bool {
    std::env::var_os("PORTICO_TEST_POSTGRES").is_none()
}

/// Guests may be a second behind.
async fn soon(guest: &Browser, path: &str, status: u16) {
    let began = Instant::now();
    while guest.get(path).await.status != status {
        assert!(began.elapsed() < Duration::from_secs(1), "{path} is not {status} after a second");
    }
}

#[tokio::test]
async fn what_is_changed_on_one_is_in_force_on_the_others() {
    if on_sqlite() {
        return;
    }
    let one = Portal::start().await;
    let (two, three) = (one.beside().await, one.beside().await);
    one.seed_product(Product { name: "orders", ..Product::default() }).await;
    let admin = one.administrator().await;
    // Signed in on one, they go on at another.
    let dev = one.developer("dev@portal.example").await;
    let (dev_two, dev_three, guest_three) = (dev.at(&two.base), dev.at(&three.base), three.guest());
    dev_two.get("/account").await.is(200).shows("dev@portal.example");
    dev_three.get("/products/orders").await.is(404);
    guest_three.get("/products/orders").await.is(404);

    // A message for the next page is told by whichever is asked.
    let to = admin.at(&two.base).post("/publisher/new/group", &[("display_name", "Partners")]).await;
    to.is(303);
    admin.at(&three.base).get(to.location()).await.is(200).shows("Partners").shows("Added");

    let visibility = "/publisher/products/orders/visibility";
    admin.at(&two.base).post(visibility, &[("listed", "developers"), ("group", "developers")]).await.is(303);
    dev_three.get("/products/orders").await.is(200);
    dev.get("/products").await.shows("Product orders");
    admin.post(visibility, &[("listed", "guests"), ("group", "guests")]).await.is(303);
    soon(&guest_three, "/products/orders", 200).await;
    three.pass(time::Duration::seconds(1));
    guest_three.get("/products").await.shows("Product orders");
    one.guest().get("/products").await.shows("Product orders");
    let unticked = [("listed", "guests"), ("shown", "guests"), ("listed", "developers"), ("shown", "developers")];
    admin.at(&two.base).post(visibility, &unticked).await.is(303);
    dev_three.get("/products/orders").await.is(404);
    soon(&guest_three, "/products/orders", 404).await;

    // Who somebody is: a role that was given, a session that was ended, a person who was blocked.
    dev_three.get("/publisher").await.is(403);
    three.run(&["update users set administrator = true where email =", ""], vec!["dev@portal.example".into()]).await;
    dev_two.get("/publisher").await.is(200);
    let again = two.signed_in("dev@portal.example").await;
    again.at(&one.base).get("/account").await.is(200);
    again.post("/signout", &[]).await.is(303);
    again.at(&one.base).get("/account").await.is(303);
    dev_three.get("/account").await.is(200);
    dev_two.post("/signout/everywhere", &[]).await.is(303);
    dev_three.get("/account").await.is(303);
}

/// A balancer that asks for readiness before each request and takes the portals in turn.
struct Balancer {
    bases: Vec<String>,
    next: AtomicUsize,
    answered: AtomicUsize,
    /// How many each has answered.
    each: Vec<AtomicUsize>,
    enough: AtomicBool,
}

impl Balancer {
    /// The browser at the next portal that is ready.
    async fn turn(&self, browser: &Browser) -> (usize, Browser) {
        loop {
            let which = self.next.fetch_add(1, SeqCst) % self.bases.len();
            let there = browser.at(&self.bases[which]);
            if there.try_get("/readyz").await.is_ok_and(|reply| reply.status == 200) {
                return (which, there);
            }
        }
    }

    /// Until so many more were answered.
    async fn more(&self, requests: usize) {
        let until = self.answered.load(SeqCst) + requests;
        let began = Instant::now();
        while self.answered.load(SeqCst) < until {
            assert!(began.elapsed() < Duration::from_secs(60), "nobody is answered any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One person's pages and changes until it is enough. What went wrong, and how many groups were added.
async fn work(balancer: Arc<Balancer>, person: usize, browser: Browser, guest: Browser) -> (Vec<String>, usize) {
    let (mut wrong, mut added) = (Vec::new(), 0);
    for round in 0.. {
        if balancer.enough.load(SeqCst) {
            break;
        }
        let (which, there) = balancer.turn(if round % 4 == 3 { &guest } else { &browser }).await;
        let (wanted, got) = match round % 4 {
            0 => {
                let name = format!("Group {person} of round {round}");
                let got = there.try_post("/publisher/new/group", &[("display_name", &name)]).await;
                added += usize::from(got.as_ref().is_ok_and(|reply| reply.location().starts_with("/publisher")));
                (303, got)
            }
            1 => (200, there.try_get("/publisher/groups").await),
            2 => (200, there.try_get("/account").await),
            _ => (200, there.try_get("/products").await),
        };
        match got {
            Ok(reply) if reply.status == wanted => {}
            Ok(reply) => wrong.push(format!("round {round}: {} instead of {wanted}", reply.status)),
            Err(error) => wrong.push(format!("round {round}: {error:?}")),
        }
        balancer.each[which].fetch_add(1, SeqCst);
        balancer.answered.fetch_add(1, SeqCst);
    }
    (wrong, added)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_are_restarted_in_turn_and_no_request_fails() {
    if on_sqlite() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let command = |arguments: &[&str], listen: &str| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET).env("PORTICO_LISTEN", listen);
        command.env("PORTICO_DRAIN_SECONDS", "1").env("PORTICO_LOG", "warn");
        command.env("PORTICO_ADMIN_EMAIL", "root@portal.example").env("PORTICO_ADMIN_PASSWORD", PASSWORD);
        command
    };
    // Together, as a cluster starts them, on an empty database; one of them makes the administrator and says so.
    let first: Vec<_> =
        (0..3).map(|_| command(&[], "127.0.0.1:0")).map(|command| tokio::task::spawn_blocking(|| Serving::start_open(command))).collect();
    let mut portals = Vec::new();
    for starting in first {
        portals.push(starting.await.unwrap());
    }
    let bases: Vec<String> = portals.iter().map(Serving::base).collect();
    let listen: Vec<String> = bases.iter().map(|base| base.trim_start_matches("http://").to_owned()).collect();

    let balancer = Arc::new(Balancer {
        each: bases.iter().map(|_| AtomicUsize::new(0)).collect(),
        bases,
        next: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        enough: AtomicBool::new(false),
    });
    let mut people = Vec::new();
    for person in 0..4 {
        let browser = Browser::new(&balancer.bases[person % 3]);
        browser.post("/signin", &[("email", "root@portal.example"), ("password", PASSWORD)]).await.is(303);
        people.push(tokio::spawn(work(balancer.clone(), person, browser, Browser::new(&balancer.bases[0]))));
    }
    balancer.more(60).await;
    for (index, address) in listen.iter().enumerate() {
        let mut old = portals.remove(index);
        let code = tokio::task::spawn_blocking(move || old.signal("TERM")).await.unwrap();
        assert_eq!(code, 0);
        balancer.more(20).await;
        let again = command(&[], address);
        portals.insert(index, tokio::task::spawn_blocking(move || Serving::start_open(again)).await.unwrap());
        let before = balancer.each[index].load(SeqCst);
        balancer.more(40).await;
        assert!(balancer.each[index].load(SeqCst) > before, "the one that came back is used again");
    }
    balancer.enough.store(true, SeqCst);
    let (mut wrong, mut added) = (Vec::new(), 0);
    for person in people {
        let (failures, groups) = person.await.unwrap();
        wrong.extend(failures);
        added += groups;
    }
    let answered = balancer.answered.load(SeqCst);
    eprintln!("{answered} requests, {added} of them changes, {} failed", wrong.len());
    assert!(wrong.is_empty(), "{} of {answered} failed:\n{}", wrong.len(), wrong.join("\n"));
    let portal = Portal::on(&url).await;
    assert_eq!(portal.count("select count(*) from groups where kind = 'custom'").await, i64::try_from(added).unwrap());
}
