//! schemathesis holds a running portal against its own `/openapi.json`: good data, bad data, every check that it has.
//! `tests/run contract` fetches what it needs; without it the test says that it was skipped. What is no finding stands in
//! `exceptions.toml`, with the line of the contract that it follows from.

#[allow(dead_code, unused_imports, reason = "the portal's tests use more of it")]
#[path = "../portal/support/mod.rs"]
mod portal;
#[allow(dead_code, reason = "the portal's tests use more of it")]
#[path = "../portal/program.rs"]
mod program;

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use ::portico::{ids, users::UserState};
use program::{SECRET, Serving, portico, run};

use portal::{Portal, database_url, seed::Product};

/// Calls of a token are counted: these many take turns.
const TOKENS: usize = 12;

/// Two administrators, two developers, groups, products, APIs and a subscription, by the names in `schemathesis.toml`.
async fn seed(url: &str) {
    let portal = Portal::on(url).await;
    for (name, administrator) in [("root", true), ("rita", true), ("dora", false), ("emil", false)] {
        let made = portal.add_user(&format!("{name}@portal.example"), name, "X", UserState::Active, administrator).await;
        let named = ["update users set name =", ", name_folded =", "where name =", ""];
        portal.run(&named, vec![name.into(), ids::fold(name).into(), made.into()]).await;
    }
    for group in ["Partners", "Testers"] {
        portal.add_group(group).await;
    }
    portal.seed_product(Product { name: "orders", groups: &["developers"], ..Product::default() }).await;
    portal.seed_product(Product { name: "open", groups: &["guests"], subscription_required: false, ..Product::default() }).await;
    portal.import_api("Echo").await;
}

#[tokio::test]
async fn the_portal_does_as_it_says() {
    let Some(fetched) = env::var_os("PORTICO_TEST_SCHEMATHESIS") else {
        let _ = writeln!(std::io::stderr(), "skipped: PORTICO_TEST_SCHEMATHESIS is not set (tests/run contract sets it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    seed(&url).await;
    let started = |arguments: &[&str]| {
        let mut command = portico(folder.path(), arguments);
        command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET);
        command
    };
    let token = |number: usize| {
        let made = run(started(&["token", "create", "--name", &format!("schemathesis {number}"), "--scope", "write", "--days", "1"]));
        assert!(made.status.success(), "a token: {}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let tokens: Vec<String> = (0..TOKENS).map(token).collect();
    let log = fs::File::create(folder.path().join("portico.log")).unwrap();
    let mut command = started(&[]);
    command.stderr(log);
    let mut serving = Serving::start_open(command);

    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let mut command = Command::new(env::var_os("PORTICO_TEST_PYTHON").unwrap_or_else(|| "python3".into()));
    command.env_clear().envs(["PATH", "LD_LIBRARY_PATH"].iter().filter_map(|name| Some((*name, env::var_os(name)?))));
    command.env("HOME", folder.path()).env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("PYTHONPATH", env::join_paths([fetched.as_ref(), here.as_os_str()]).unwrap());
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PORTAL_TOKENS", tokens.join(" "));
    let soon = time::OffsetDateTime::now_utc() + time::Duration::days(20);
    command.env("PORTAL_SOON", soon.format(&time::format_description::well_known::Rfc3339).unwrap());
    let examples = env::var("PORTICO_TEST_EXAMPLES").unwrap_or_else(|_| "2".to_owned());
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(here.join("schemathesis.toml"));
    command.args(["run", &format!("{}/openapi.json", serving.base()), "--checks", "all", "--seed", "1", "--max-examples", &examples]);
    let output = command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("schemathesis starts");
    let stopped = serving.signal("TERM");
    let said = String::from_utf8_lossy(&output.stdout);
    let line = |begins: &str| said.lines().map(str::trim).find(|line| line.starts_with(begins)).unwrap_or_default().to_owned();
    let cases = said.lines().map(str::trim).find(|line| line.contains(" generated,")).unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "\ncount: schemathesis: {} operations, {cases}; {}", line("Tested:"), line("exceptions used"));
    if !output.status.success() {
        panic!("schemathesis: {}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(stopped, 0, "the portal ends well");
}
