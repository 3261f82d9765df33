//! What a directory's first provisioning costs: people and groups made, found and put together over SCIM, on either database. Prints
//! requests/s and how long the slowest took, and the server's memory. A token makes 3,000 calls a minute, so many take turns.

#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use serde_json::{Value, json};
use support::{
    database::{ADMINISTRATOR, Filled},
    http::{self, Connection},
    postgres::Postgres,
    process::{self, Server},
};

#[derive(Parser)]
#[command(about = "Provisioning over SCIM")]
struct Options {
    #[arg(long, default_value_t = 10_000)]
    users: usize,
    #[arg(long, default_value_t = 300)]
    groups: usize,
    /// sqlite or postgres; both when it is not said
    #[arg(long)]
    engine: Option<String>,
    /// A PostgreSQL server to make a database on and drop it in the end; otherwise one is started from Debian's packages
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// What cargo says to a benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// Before anybody is provisioned: an administrator and a few others.
const BEFORE: u64 = 100;
const TOKENS: usize = 40;
const CONNECTIONS: usize = 8;
/// The largest group, and the smallest.
const MEMBERS: (usize, usize) = (100, 20);
/// People that come and go in one PATCH.
const MOVED: usize = 10;
const PATCHES: usize = 3_000;
const FINDS: usize = 5_000;

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        println!("measures nothing outside cargo bench");
        return ExitCode::SUCCESS;
    }
    println!("{}\n{} users, {} groups, {CONNECTIONS} connections, 2 workers", process::machine(), options.users, options.groups);
    let wanted = |engine: &str| options.engine.as_deref().is_none_or(|wanted| wanted == engine);
    if wanted("sqlite") {
        let filled = Filled::sqlite(BEFORE);
        measure("SQLite", &filled, &options);
        // It is not as it was filled any more.
        let _ = fs::remove_dir_all(&filled.folder);
    }
    if wanted("postgres") {
        match options.postgres.as_deref().map(Postgres::at).or_else(Postgres::start) {
            Some(server) => {
                server.empty(&server.database(&format!("portico_bench_{BEFORE}")));
                measure("PostgreSQL", &Filled::postgres(&server, BEFORE), &options);
                server.tidy(&[BEFORE]);
            }
            None => println!("PostgreSQL: skipped, there is no server"),
        }
    }
    ExitCode::SUCCESS
}

/// A provider, and tokens for it, made on its page.
fn tokens(server: &Server, filled: &Filled) -> Vec<String> {
    let cookies = server.sign_in(ADMINISTRATOR, &filled.password);
    let form = [
        ("display_name", "Bench"),
        ("kind", "oidc"),
        ("issuer", "https://login.bench.example"),
        ("client_id", "bench"),
        ("client_secret", "not used"),
        ("scopes", "openid"),
        ("email_claim", "email"),
        ("name_claim", "name"),
        ("enabled", "on"),
        ("password", &filled.password),
    ];
    let made = server.ask(&http::post("/publisher/new/provider", &cookies, &form));
    assert_eq!(made.status, 303, "{}", made.text());
    let path = format!("{}/new-token", made.header("location"));
    let token = |number: usize| {
        let name = format!("bench {number}");
        let made = server.ask(&http::post(&path, &cookies, &[("display_name", &name), ("password", &filled.password)]));
        let text = made.text();
        let rest = text.split("portico_sc_").nth(1).unwrap_or_else(|| panic!("no token: {} {text}", made.status));
        format!("portico_sc_{}", rest.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
    };
    (0..TOKENS).map(token).collect()
}

/// Requests that take turns among connections and tokens.
struct Line<'l> {
    server: &'l Server,
    tokens: &'l [String],
}

impl Line<'_> {
    /// Asks so often; what was answered, in the order of the requests. Prints how it went.
    fn run(&self, what: &str, count: usize, status: u16, request: impl Fn(usize) -> (&'static str, String, Value) + Sync) -> Vec<Value> {
        let (next, answers) = (AtomicUsize::new(0), Mutex::new(vec![Value::Null; count]));
        let times = Mutex::new(Vec::with_capacity(count));
        let (began, cpu) = (Instant::now(), process::cpu(self.server.pid()));
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut connection = self.server.connect();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return;
                        }
                        let (method, path, body) = request(number);
                        let token = &self.tokens[number % self.tokens.len()];
                        let (answer, took) = ask(&mut connection, method, &path, token, &body);
                        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
                        times.lock().expect("a lock").push(took);
                        answers.lock().expect("a lock")[number] = serde_json::from_slice(&answer.body).unwrap_or_default();
                    }
                });
            }
        });
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), process::cpu(self.server.pid()) - cpu);
        let mut times = times.into_inner().expect("a lock");
        times.sort();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
        println!(
            "  {what}: {:.0} requests/s; half in {:.1} ms, 99 of 100 in {:.1} ms; CPU {:.2} ms a request; anonymous memory {:.1} MB",
            count as f64 / seconds,
            at(50),
            at(99),
            cpu * 1_000.0 / count as f64,
            self.server.memory() as f64 / 1_000.0
        );
        answers.into_inner().expect("a lock")
    }
}

fn ask(connection: &mut Connection, method: &str, path: &str, token: &str, body: &Value) -> (http::Answer, Duration) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} /scim/v2{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let began = Instant::now();
    let answer = connection.ask(request.as_bytes()).expect("an answer");
    (answer, began.elapsed())
}

fn ids(answers: &[Value]) -> Vec<String> {
    answers.iter().map(|answer| answer["id"].as_str().expect("an id").to_owned()).collect()
}

fn person(number: usize) -> Value {
    let email = format!("person{number}@bench.example");
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": email, "externalId": format!("00000000-0000-4000-8000-{number:012}"), "active": true, "displayName": format!("Person {number}"),
        "name": { "givenName": "Person", "familyName": format!("No {number}"), "formatted": format!("Person No {number}") },
        "emails": [{ "value": email, "type": "work", "primary": true }], "title": "Engineer",
        "phoneNumbers": [{ "type": "work", "value": "+1 555 0100" }], "preferredLanguage": "en",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": format!("D{}", number % 50), "employeeNumber": number.to_string() },
    })
}

fn measure(engine: &str, filled: &Filled, options: &Options) {
    let server = filled.serve();
    let tokens = tokens(&server, filled);
    println!("{engine}: anonymous memory before {:.1} MB", server.memory() as f64 / 1_000.0);
    let line = Line { server: &server, tokens: &tokens };
    let people = ids(&line.run("users, POST", options.users, 201, |number| ("POST", "/Users".to_owned(), person(number))));
    let member = |number: usize| json!({ "value": people[number % people.len()] });
    let groups = ids(&line.run("groups of 20 to 100, POST", options.groups, 201, |number| {
        let size = MEMBERS.1 + number * 7 % (MEMBERS.0 - MEMBERS.1 + 1);
        let members: Vec<Value> = (0..size).map(|place| member(number * 31 + place)).collect();
        (
            "POST",
            "/Groups".to_owned(),
            json!({ "displayName": format!("Group {number}"), "externalId": format!("g-{number}"), "members": members }),
        )
    }));
    let moved = |number: usize| -> Vec<Value> { (0..MOVED).map(|place| member(number * 97 + place)).collect() };
    line.run("10 members come, PATCH", PATCHES, 204, |number| {
        let path = format!("/Groups/{}", groups[number % groups.len()]);
        ("PATCH", path, json!({ "Operations": [{ "op": "Add", "path": "members", "value": moved(number) }] }))
    });
    line.run("10 members go, PATCH", PATCHES, 204, |number| {
        let path = format!("/Groups/{}", groups[number % groups.len()]);
        ("PATCH", path, json!({ "Operations": [{ "op": "Remove", "path": "members", "value": moved(number) }] }))
    });
    line.run("users by userName, GET", FINDS, 200, |number| {
        ("GET", format!("/Users?filter=userName%20eq%20%22person{}%40bench.example%22", number % people.len()), Value::Null)
    });
    line.run("users, pages of 100, GET", people.len() / 100, 200, |number| {
        ("GET", format!("/Users?startIndex={}&count=100", number * 100 + 1), Value::Null)
    });
    line.run("users, another title, PATCH", PATCHES.min(people.len()), 200, |number| {
        ("PATCH", format!("/Users/{}", people[number]), json!({ "Operations": [{ "op": "Replace", "path": "title", "value": "Manager" }] }))
    });
    let everybody: Vec<Value> = (0..5_000.min(people.len())).map(member).collect();
    for (what, op) in [("5,000 members come in one PATCH", "Add"), ("5,000 members go in one PATCH", "Remove")] {
        let body = json!({ "Operations": [{ "op": op, "path": "members", "value": everybody }] });
        line.run(what, 1, 204, |_| ("PATCH", format!("/Groups/{}", groups[0]), body.clone()));
    }
}
