//! A PostgreSQL server: the one that was named, or one of our own.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::database::bench_folder;

pub struct Postgres {
    url: String,
    own: Option<Child>,
    runtime: tokio::runtime::Runtime,
}

impl Postgres {
    /// Databases on a server that was named are dropped in the end; those of our own are kept with it.
    pub fn at(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { url: url.to_owned(), own: None, runtime }
    }

    /// Debian's newest, with its defaults (fsync and synchronous_commit are on), reached over loopback.
    pub fn start() -> Option<Self> {
        let folders = fs::read_dir("/usr/lib/postgresql").ok()?;
        let bin = folders.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max()?;
        let folder = bench_folder().join("postgres");
        let data = folder.join("data");
        fs::create_dir_all(&folder).expect("a folder");
        if rustix::process::geteuid().is_root() {
            // Which PostgreSQL refuses.
            let entry = fs::read_to_string("/etc/passwd").ok()?;
            let ids: Vec<u32> =
                entry.lines().find(|line| line.starts_with("postgres:"))?.split(':').filter_map(|part| part.parse().ok()).collect();
            chown(&folder, ids.first().copied(), ids.get(1).copied()).expect("its owner");
        }
        if !data.join("PG_VERSION").exists() {
            let done = as_postgres(&bin.join("initdb"), &folder)
                .arg("-D")
                .arg(&data)
                .args(["-U", "portico", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8"])
                .stdout(Stdio::null())
                .status();
            assert!(done.is_ok_and(|status| status.success()), "initdb failed in {}", folder.display());
        }
        let port = free_port();
        let child = as_postgres(&bin.join("postgres"), &folder)
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}"), "-c", "unix_socket_directories="])
            .stderr(fs::File::create(bench_folder().join("postgres.log")).expect("a log"))
            .spawn()
            .expect("postgres starts");
        let mut server = Self::at(&format!("postgres://portico@127.0.0.1:{port}/postgres"));
        server.own = Some(child);
        for _ in 0..300 {
            if server.runtime.block_on(PgConnection::connect(&server.url)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("PostgreSQL did not start: see target/bench/postgres.log");
    }

    /// The URL of a database of that name, which is made when it is missing.
    pub fn database(&self, name: &str) -> String {
        let exists = self.one(&self.url, &format!("select 1::text from pg_database where datname = '{name}'")).is_some();
        if !exists {
            self.run(&format!("create database {name}"));
        }
        let mut url = url::Url::parse(&self.url).expect("a URL");
        url.set_path(name);
        url.to_string()
    }

    pub fn empty(&self, url: &str) {
        let name = name_of(url);
        self.run(&format!("drop database {name}"));
        self.run(&format!("create database {name}"));
    }

    pub fn comment(&self, url: &str) -> Option<String> {
        let name = name_of(url);
        self.one(&self.url, &format!("select shobj_description(oid, 'pg_database') from pg_database where datname = '{name}'"))
    }

    pub fn set_comment(&self, url: &str, text: &str) {
        self.run(&format!("comment on database {} is '{text}'", name_of(url)));
    }

    /// Processes that serve connections to a database, when they run on this machine.
    pub fn helpers(&self, url: &str) -> Vec<u32> {
        let statement = "select coalesce(string_agg(pid::text, ' '), '') from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        let pids = self.one(url, statement).unwrap_or_default();
        pids.split(' ').filter_map(|pid| pid.parse().ok()).filter(|pid| Path::new(&format!("/proc/{pid}/stat")).exists()).collect()
    }

    /// Whether the program's sessions have their answered changes on disk.
    pub fn settings(&self) -> String {
        self.one(&self.url, "select 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit')")
            .unwrap_or_default()
    }

    /// Drops what was made, where the server is somebody else's.
    pub fn tidy(&self, users: &[u64]) {
        if self.own.is_none() {
            users.iter().for_each(|users| self.run(&format!("drop database if exists portico_bench_{users} with (force)")));
        }
    }

    fn run(&self, statement: &str) {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await.expect("PostgreSQL");
            sqlx::query(AssertSqlSafe(statement.to_owned()))
                .execute(&mut connection)
                .await
                .unwrap_or_else(|why| panic!("{statement}: {why}"));
        });
    }

    fn one(&self, url: &str, statement: &str) -> Option<String> {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(url).await.expect("PostgreSQL");
            let found = sqlx::query_scalar::<_, Option<String>>(AssertSqlSafe(statement.to_owned())).fetch_optional(&mut connection).await;
            found.unwrap_or_else(|why| panic!("{statement}: {why}")).flatten()
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(child) = &mut self.own {
            // SIGINT: connections are ended, data is written, then it stops.
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn as_postgres(program: &PathBuf, folder: &Path) -> Command {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
