//! scim2-tester holds a running portal against RFC 7643 and 7644: every check that it has, none passed over. `tests/run scim` fetches what
//! it needs; without it the test says that it was skipped.

#[allow(dead_code, reason = "the portal's tests use more of it")]
#[path = "../portal/program.rs"]
mod program;
#[allow(dead_code, unused_imports, reason = "the portal's tests use more of it")]
#[path = "../portal/support/mod.rs"]
mod support;

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use program::{SECRET, Serving, portico};
use support::{Portal, database_url, scim::Scim};

#[tokio::test]
async fn the_portal_keeps_to_the_standard() {
    let Some(fetched) = env::var_os("PORTICO_TEST_SCIM") else {
        let _ = writeln!(std::io::stderr(), "skipped: PORTICO_TEST_SCIM is not set (tests/run scim sets it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = database_url(&folder).await;
    let token = Scim::start(&Portal::on(&url).await).await.0.token;
    let log = fs::File::create(folder.path().join("portico.log")).unwrap();
    let mut command = portico(folder.path(), &[]);
    command.env("PORTICO_DATABASE_URL", &url).env("PORTICO_SECRET_KEY", SECRET).stderr(log);
    let mut serving = Serving::start_open(command);

    let mut command = Command::new(env::var_os("PORTICO_TEST_PYTHON").unwrap_or_else(|| "python3".into()));
    command.env_clear().envs(["PATH", "LD_LIBRARY_PATH"].iter().filter_map(|name| Some((*name, env::var_os(name)?))));
    command.env("HOME", folder.path()).env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONPATH", fetched);
    command.env("SCIM_BASE", format!("{}/scim/v2", serving.base())).env("SCIM_TOKEN", token);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scim/drive.py"));
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("scim2-tester starts");
    let stopped = serving.signal("TERM");
    let said = String::from_utf8_lossy(&output.stdout);
    let _ = writeln!(std::io::stderr(), "\ncount: scim2-tester: {}", said.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stopped, 0, "the portal ends well");
    let log = fs::read_to_string(folder.path().join("portico.log")).unwrap_or_default();
    assert!(!log.contains("portico_sc_"), "a token is in the log");
}
