//! Mixed load for as long as is asked for, and what the server's memory does meanwhile: every kind of page, compressed, with searches,
//! sign-ins and changes. Ends with 1 when an answer was wrong, or the memory is not as benches/README.md says.

#[path = "../support/mod.rs"]
mod support;

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use support::{
    database::{ADMINISTRATOR, Filled},
    http::{self, BROWSER},
    postgres::Postgres,
    process::{self, Server},
};

#[derive(Parser)]
#[command(about = "Mixed load, and what the memory does")]
struct Options {
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// sqlite or postgres
    #[arg(long, default_value = "sqlite")]
    engine: String,
    /// A PostgreSQL server to make a database on and drop it in the end; otherwise one is started from Debian's packages
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What the table of rows allows, in kB.
const MOST: u64 = 64_000;
/// As flat: what is allocated and freed moves the number by so much, in kB.
const FLAT: u64 = 3_000;
const BROWSERS: usize = 8;

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("measures nothing outside cargo bench");
        return ExitCode::SUCCESS;
    }
    let postgres = (options.engine == "postgres")
        .then(|| options.postgres.as_deref().map(Postgres::at).or_else(Postgres::start).expect("a PostgreSQL server"));
    let filled = postgres.as_ref().map_or_else(|| Filled::sqlite(options.users), |server| Filled::postgres(server, options.users));
    println!("{}\n{} with {} users, 2 workers, {BROWSERS} browsers", process::machine(), options.engine, options.users);
    let mut command = process::portico(&filled.url, &filled.folder.join("log"));
    // A line for each answer would fill the disk.
    command.env("PORTICO_LOG", "warn");
    let server = Server::start(command, process::OPEN);
    let good = soak(&server, &filled, Duration::from_secs(options.minutes * 60));
    drop(server);
    if let Some(postgres) = postgres {
        postgres.tidy(&[options.users]);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn soak(server: &Server, filled: &Filled, time: Duration) -> bool {
    let (requests, errors) = (AtomicU64::new(0), AtomicU64::new(0));
    let (began, mut seen) = (Instant::now(), Vec::new());
    thread::scope(|scope| {
        for browser in 0..BROWSERS {
            let (requests, errors) = (&requests, &errors);
            scope.spawn(move || {
                while began.elapsed() < time {
                    visit(server, filled, browser, &|good| {
                        requests.fetch_add(1, Ordering::Relaxed);
                        errors.fetch_add(u64::from(!good), Ordering::Relaxed);
                        began.elapsed() < time
                    });
                }
            });
        }
        let pause = Duration::from_secs(if time > Duration::from_secs(1_200) { 60 } else { 15 });
        println!("minute  anonymous  requests  errors");
        while began.elapsed() < time {
            thread::sleep(pause.min(time.saturating_sub(began.elapsed())));
            let (at, memory) = (began.elapsed(), server.memory());
            seen.push((at, memory));
            let (requests, errors) = (requests.load(Ordering::Relaxed), errors.load(Ordering::Relaxed));
            println!("{:6.2}  {:6.1} MB  {requests:8}  {errors:6}", at.as_secs_f64() / 60.0, memory as f64 / 1000.0);
        }
    });
    let last: Vec<u64> = seen.iter().filter(|(at, _)| *at + Duration::from_secs(300) >= time).map(|(_, memory)| *memory).collect();
    // A climb is seen between the halves of the last five minutes, whatever a single moment holds.
    let (first, second) = last.split_at(last.len() / 2);
    let mean = |part: &[u64]| part.iter().sum::<u64>() / (part.len() as u64).max(1);
    let (most, climb) = (seen.iter().map(|(_, memory)| *memory).max().unwrap_or(0), mean(second).saturating_sub(mean(first)));
    let errors = errors.into_inner();
    let good = errors == 0 && most < MOST && climb < FLAT;
    println!(
        "most {:.1} MB (< 64), climbed {:.1} MB between the halves of the last five minutes (< 3), {} requests, {errors} errors: {}",
        most as f64 / 1000.0,
        climb as f64 / 1000.0,
        requests.into_inner(),
        if good { "ok" } else { "FALLS SHORT" }
    );
    good
}

fn sign_in(filled: &Filled) -> Vec<u8> {
    http::post("/signin", "", &[("email", ADMINISTRATOR), ("password", &filled.password)])
}

/// One browser's visit: signs in, looks at all kinds of pages, changes something and takes it back, signs out. `count` hears of each
/// answer, and says whether to go on.
fn visit(server: &Server, filled: &Filled, browser: usize, count: &dyn Fn(bool) -> bool) {
    let Ok(mut connection) = http::Connection::open(&server.address) else {
        count(false);
        return thread::sleep(Duration::from_secs(1));
    };
    // Whoever would wait too long for a turn at the hash is told to come again (429), and does.
    let mut answer = connection.ask(&sign_in(filled)).unwrap_or_default();
    while answer.status == 429 {
        thread::sleep(Duration::from_secs(1));
        let Ok(again) = http::Connection::open(&server.address) else { return };
        connection = again;
        answer = connection.ask(&sign_in(filled)).unwrap_or_default();
        if !count(true) {
            return;
        }
    }
    count(answer.status == 303);
    let cookies = answer.cookies();
    let mut ask = |request: Vec<u8>, status: u16| {
        let answer = connection.ask(&request).unwrap_or_default();
        let goes_on = count(answer.status == status);
        if answer.status != status {
            eprintln!("{} instead of {status}: {}", answer.status, String::from_utf8_lossy(&request).lines().next().unwrap_or_default());
        }
        (answer, goes_on)
    };
    let page = |path: &str| http::get(path, BROWSER, &cookies);
    // Names to open come from pages that are not compressed.
    let mut links = Vec::new();
    for (list, below) in [
        ("/publisher/users?page=3", "/publisher/users/"),
        ("/publisher/groups", "/publisher/groups/"),
        ("/publisher/products", "/publisher/products/"),
        ("/products", "/products/"),
        ("/apis", "/apis/"),
    ] {
        let text = ask(http::get(list, "", &cookies), 200).0.text();
        let link = format!("href=\"{below}");
        let found = text.split(&link).skip(1).filter_map(|rest| rest.split(['"', '#', '?']).next());
        links.extend(found.filter(|name| !name.is_empty() && !name.contains('/')).map(|name| format!("{below}{name}")).take(40));
    }
    let groups: Vec<&str> = links
        .iter()
        .filter_map(|link| link.strip_prefix("/publisher/groups/"))
        .filter(|name| name.ends_with(|c: char| c.is_ascii_digit()))
        .collect();
    let users: Vec<&str> = links.iter().filter_map(|link| link.strip_prefix("/publisher/users/")).collect();
    for round in 0..40_usize {
        let at = round * BROWSERS + browser;
        let group = groups.get(at % groups.len().max(1)).copied().unwrap_or_default();
        let user = users.get(at % users.len().max(1)).copied().unwrap_or_default();
        let searched = ["qui", "quillfeather", "son", "portal", "an", "mar"][at % 6];
        for path in [
            "/publisher".to_owned(),
            "/publisher/users".to_owned(),
            format!("/publisher/users?page={}", 1 + at % 200),
            format!("/publisher/users?q={searched}"),
            format!("/publisher/users?in={group}&sort=-signin"),
            "/publisher/audit".to_owned(),
            "/publisher/subscriptions".to_owned(),
            "/".to_owned(),
            format!("/products?q={searched}"),
        ]
        .iter()
        .chain(links.iter().skip(at % links.len().max(1)).step_by(29))
        {
            if !ask(page(path), 200).1 {
                return;
            }
        }
        for guest in ["/", "/products", "/apis"] {
            ask(http::get(guest, BROWSER, ""), 200);
        }
        if round % 10 == browser {
            for button in ["add", "remove"] {
                ask(http::post("/publisher/users/bulk", &cookies, &[("user", user), (button, group)]), 303);
                // The page that shows what was done.
                ask(page("/publisher/users"), 200);
            }
        }
    }
    ask(http::post("/signout", &cookies, &[]), 303);
}
