//! The rows of the table: each measures one thing beside its yardstick.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::{
    django, still,
    support::{
        database::{ADMINISTRATOR, Filled},
        http::{self, BROWSER},
        load::{self, Load, Target},
        postgres::Postgres,
        process::{self, Server},
    },
    table::{Table, Verdict},
};

/// One engine at one size, with the program on it and its administrator signed in.
pub struct Bench<'a> {
    pub engine: &'a str,
    pub filled: Filled,
    pub server: Server,
    pub cookies: String,
    pub seconds: u64,
    /// The server that helps, when it is PostgreSQL.
    pub postgres: Option<&'a Postgres>,
}

const USERS: &str = "/publisher/users";
/// `demo` gives this surname to 500 users, however many there are.
const RARE: &str = "quillfeather";
/// The numbers at the ends of the names of groups with so many members, of 200 groups in all.
const OF_10_000: &str = "-196";
const OF_500: &str = "-197";
const OF_NOBODY: &str = "-200";

impl<'a> Bench<'a> {
    pub fn start(engine: &'a str, filled: Filled, seconds: u64, postgres: Option<&'a Postgres>) -> Self {
        let server = filled.serve();
        let cookies = server.sign_in(ADMINISTRATOR, &filled.password);
        Self { engine, filled, server, cookies, seconds, postgres }
    }

    fn page(&self, path: &str, encoding: &str) -> Vec<u8> {
        http::get(path, encoding, &self.cookies)
    }

    /// The name of the group whose name ends so.
    fn group(&self, end: &str) -> String {
        let found = format!("/publisher/groups?q={}", end.trim_start_matches('-'));
        let page = self.server.ask(&self.page(&found, "")).text();
        let names = page.split("href=\"/publisher/groups/").skip(1).filter_map(|rest| rest.split('"').next());
        names.into_iter().find(|name| name.ends_with(end)).unwrap_or_else(|| panic!("no group ends with {end}")).to_owned()
    }

    fn target(&self, request: Vec<u8>) -> Target<'_> {
        let helpers = self.postgres.map(|postgres| postgres.helpers(&self.filled.url)).unwrap_or_default();
        Target { helpers, ..Target::new(&self.server, request) }
    }

    /// A page, the same bytes from memory, and an empty answer.
    fn beside_memory(&self, request: impl Fn(&str) -> Vec<u8>, encoding: &str) -> [Load; 3] {
        let file = self.filled.folder.join("page.html");
        fs::write(&file, self.server.ask(&request("")).body).expect("written");
        let still = still::start(&file);
        // Connections of PostgreSQL are there after a first request.
        self.server.ask(&request(encoding));
        let targets = [
            self.target(request(encoding)),
            Target::new(&still, http::get(still::PAGE, encoding, "")),
            Target::new(&still, http::get(still::EMPTY, encoding, "")),
        ];
        load::measure(&targets, self.seconds).try_into().expect("three")
    }

    pub fn users(&self, table: &mut Table) {
        for (name, encoding) in [("as a browser asks", BROWSER), ("not compressed", "")] {
            let [page, memory, _] = self.beside_memory(|encoding| self.page(USERS, encoding), encoding);
            table.add(
                &format!("users page, 50 rows, signed in, {}, {name}", self.engine),
                if self.engine == "sqlite" { "CPU ≤ 0.30 ms" } else { "" },
                &page.words(),
                &format!("the same bytes from memory: {}", memory.words()),
                if self.engine == "sqlite" { Verdict::of(page.cost() <= 0.30) } else { Verdict::None },
            );
        }
    }

    pub fn against_django(&self, table: &mut Table) {
        for (name, encoding) in [("as a browser asks", BROWSER), ("not compressed", "")] {
            let what = format!("users page against Django, {}, {name}", self.engine);
            let django = match django::start(&self.filled) {
                Ok(django) => django,
                Err(why) => {
                    println!("\n!! SKIPPED: {what}: {why}\n");
                    table.add(&what, "≤ 1/30 of Django", "SKIPPED", &why, Verdict::None);
                    return;
                }
            };
            let targets =
                [self.target(self.page(USERS, encoding)), Target::new(&django.server, http::get("/users", encoding, &django.cookies))];
            let loads = load::measure(&targets, self.seconds);
            let ratio = loads[1].cost() / loads[0].cost();
            table.add(
                &what,
                "≤ 1/30 of Django",
                &format!("1/{ratio:.1}: {}", loads[0].words()),
                &format!("{}: {}", django.versions, loads[1].words()),
                Verdict::of(ratio >= 30.0),
            );
        }
    }

    pub fn guest(&self, table: &mut Table) {
        for (name, encoding) in [("as a browser asks", BROWSER), ("not compressed", "")] {
            let [page, memory, empty] = self.beside_memory(|encoding| http::get("/products", encoding, ""), encoding);
            table.add(
                &format!("a guest's product list, {}, {name}", self.engine),
                "CPU ≤ 2 × the same bytes from memory",
                &format!("{:.1} ×: {}", page.cost() / memory.cost(), page.words()),
                &format!("{}; an empty 200: {:.3} ms", memory.words(), empty.cost()),
                Verdict::of(page.cost() <= 2.0 * memory.cost()),
            );
        }
    }

    /// Pages of few users' database against the same pages of many users' (this one).
    pub fn growth(&self, few: &Bench<'_>, sizes: (u64, u64), table: &mut Table) {
        let inside = |bench: &Bench<'_>| format!("{USERS}?in={}", bench.group(OF_500));
        let pages: [(&str, [String; 2]); 4] = [
            ("unfiltered", [USERS.to_owned(), USERS.to_owned()]),
            ("unfiltered, by last sign-in", [(); 2].map(|()| format!("{USERS}?sort=-signin"))),
            ("in a group of 500", [inside(few), inside(self)]),
            ("a search that 500 match", [(); 2].map(|()| format!("{USERS}?q={RARE}"))),
        ];
        for (name, paths) in pages {
            for (bench, path) in [(few, &paths[0]), (self, &paths[1])] {
                let rows = bench.server.ask(&bench.page(path, "")).text().split("name=\"user\" value=\"").count() - 1;
                assert_eq!(rows, 50, "{path}: only equal pages are compared");
            }
            let requests = [few.page(&paths[0], BROWSER), self.page(&paths[1], BROWSER)];
            let (small, large) = load::times((&few.server, &requests[0]), (&self.server, &requests[1]), 200);
            table.add(
                &format!("users list with {} users against {}, {}, {name}", sizes.1, sizes.0, self.engine),
                "≤ 1.5 × the time",
                &format!("{:.2} ×: median {large:.2} ms", large / small),
                &format!("median {small:.2} ms"),
                Verdict::of(large <= 1.5 * small),
            );
        }
    }

    /// 10,000 users into an empty group and out again: whoever matches a filter, and 10,000 that were ticked.
    pub fn add(&self, table: &mut Table) {
        let (from, to) = (self.group(OF_10_000), self.group(OF_NOBODY));
        let all: Vec<(&str, &str)> = vec![("in", &from), ("all", "1")];
        let names = self.names(&from);
        assert_eq!(names.len(), 10_000, "members of {from}");
        let ticked: Vec<(&str, &str)> = names.iter().map(|name| ("user", name.as_str())).collect();
        for (name, chosen) in [("all that match", all), ("ticked one by one", ticked)] {
            let mut times = Vec::new();
            for _ in 0..5 {
                for (button, timed) in [("add", true), ("remove", false)] {
                    let form = [chosen.clone(), vec![(button, to.as_str())]].concat();
                    let mut connection = self.server.connect();
                    let began = Instant::now();
                    let answer = connection.ask(&http::post("/publisher/users/bulk", &self.cookies, &form)).expect("an answer");
                    if timed {
                        times.push(began.elapsed().as_secs_f64());
                    }
                    assert_eq!(answer.status, 303, "{}", answer.text());
                }
            }
            let slowest = times.iter().copied().fold(0.0, f64::max);
            let median = load::median(times);
            table.add(
                &format!("add 10,000 users to a group, {}, {name}", self.engine),
                "one transaction, < 0.5 s",
                &format!("median {median:.3} s, slowest {slowest:.3} s (the whole request)"),
                "–",
                Verdict::of(median < 0.5),
            );
        }
    }

    /// The users in a group, by name, as their pages tick them.
    fn names(&self, group: &str) -> Vec<String> {
        let mut connection = self.server.connect();
        let mut names = Vec::new();
        for page in 1.. {
            let answer = connection.ask(&self.page(&format!("{USERS}?in={group}&size=100&page={page}"), "")).expect("a page");
            let before = names.len();
            let text = answer.text();
            names.extend(text.split("name=\"user\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
            if names.len() - before < 100 || names.len() >= 10_000 {
                break;
            }
        }
        names
    }

    /// A good key for an API among up to 50,000 subscriptions, beside an empty answer.
    pub fn gateway(&self, table: &mut Table) {
        let (product, suffix, subscriptions) = self.filled.product_with_api();
        let (product, suffix) = (product.as_str(), suffix.as_str());
        let form = [("who", ADMINISTRATOR), ("which", product), ("activate", "on")];
        let placed = self.server.ask(&http::post("/publisher/new/subscription", &self.cookies, &form));
        assert_eq!(placed.status, 303, "{}", placed.text());
        let name = placed.header("location").rsplit('/').next().unwrap_or_default().to_owned();
        let keys = self.server.ask(&http::post(&format!("/account/subscriptions/{name}/keys"), &self.cookies, &[])).text();
        let key = keys.split("id=\"primary-key\">").nth(1).and_then(|rest| rest.split('<').next()).expect("a key");
        let token = self.filled.token("gateway");
        let headers = format!("authorization: Bearer {token}\r\nx-portico-key: {key}\r\nx-original-uri: /{suffix}/things/7?a=b\r\n");
        let page = self.filled.folder.join("empty");
        fs::write(&page, "").expect("written");
        let still = still::start(&page);
        let idle = self.server.memory();
        let check = Target { status: 204, ..Target::new(&self.server, http::get_with("/gateway/check", &headers)) };
        let empty = Target::new(&still, http::get_with(still::EMPTY, &headers));
        let [check, empty] = load::measure(&[check, empty], self.seconds).try_into().expect("two");
        table.add(
            &format!("/gateway/check, {subscriptions} subscriptions, {}", self.engine),
            "CPU ≤ 1.5 × an empty 200",
            &format!("{:.2} ×: {}", check.cost() / empty.cost(), check.words()),
            &format!(
                "{}; memory {:.1} MB before, {:.1} MB after",
                empty.words(),
                idle as f64 / 1000.0,
                self.server.memory() as f64 / 1000.0
            ),
            Verdict::of(check.cost() <= 1.5 * empty.cost()),
        );
    }

    /// After everything that was measured on this process, and sign-ins beside compressed pages.
    pub fn memory(&self, table: &mut Table) {
        let before = self.server.memory();
        let end = Instant::now() + Duration::from_secs(self.seconds * 2);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let mut connection = self.server.connect();
                    let requests =
                        [self.page(USERS, BROWSER), self.page("/publisher/products", BROWSER), http::get("/products", BROWSER, "")];
                    while Instant::now() < end {
                        for request in &requests {
                            connection.ask(request).expect("a page");
                        }
                    }
                });
            }
            scope.spawn(|| {
                while Instant::now() < end {
                    self.server.sign_in(ADMINISTRATOR, &self.filled.password);
                }
            });
        });
        let after = self.server.memory();
        table.add(
            &format!("memory, {}: anonymous resident after the load of this run, compression and sign-ins", self.engine),
            "< 64 MB (after ten minutes: see the soak)",
            &format!("{:.1} MB", after as f64 / 1000.0),
            &format!("before the sign-ins {:.1} MB", before as f64 / 1000.0),
            Verdict::of(after < 64_000),
        );
    }
}

/// From starting the process to the last byte of the first page.
pub fn starts(filled: &Filled, engine: &str, postgres: Option<&Postgres>, table: &mut Table) {
    let first_page = |url: &str| {
        let began = Instant::now();
        let server = process::serve(url, &filled.folder.join("log"));
        let answer = server.ask(&http::get("/", BROWSER, ""));
        assert_eq!(answer.status, 200);
        began.elapsed().as_secs_f64() * 1_000.0
    };
    let existing = load::median((0..7).map(|_| first_page(&filled.url)).collect());
    let fresh = load::median(
        (0..7)
            .map(|_| match postgres {
                None => {
                    let folder = tempfile::tempdir_in(&filled.folder).expect("a folder");
                    first_page(&format!("sqlite:{}", folder.path().join("portico.db").display()))
                }
                Some(postgres) => {
                    let url = postgres.database("portico_bench_0");
                    postgres.empty(&url);
                    first_page(&url)
                }
            })
            .collect(),
    );
    for (what, time, most) in [("an existing", existing, 100.0), ("a fresh", fresh, 300.0)] {
        table.add(
            &format!("start to first page on {what} database, {engine}"),
            &format!("< {most} ms"),
            &format!("median of 7: {time:.0} ms"),
            "–",
            Verdict::of(time < most),
        );
    }
}
