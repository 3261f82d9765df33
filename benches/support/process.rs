//! Processes that are measured: started on a free port, read from /proc, ended by their id.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::http;

/// Ticks of /proc/PID/stat in a second: the kernel's USER_HZ, the same on every Linux.
const TICKS: f64 = 100.0;
/// Of the portals that are filled here and thrown away. Not for use.
const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

/// What the program says when it can be asked.
pub const OPEN: &str = "Portico is open at ";

pub struct Server {
    child: Child,
    /// `127.0.0.1:8080`.
    pub address: String,
}

impl Server {
    /// Starts it, and waits for the line of its output that begins so and ends in an address.
    pub fn start(mut command: Command, says: &str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap_or_else(|why| panic!("{command:?}: {why}"));
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let line = output.lines().map_while(Result::ok).find(|line| line.starts_with(says));
        let address = line.and_then(|line| line.rsplit_once("//").map(|(_, address)| address.to_owned()));
        let address = address.unwrap_or_else(|| panic!("{command:?} ended without “{says}”"));
        Self { child, address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Anonymous memory that is resident, in kB.
    pub fn memory(&self) -> u64 {
        memory(self.pid())
    }

    pub fn connect(&self) -> http::Connection {
        http::Connection::open(&self.address).unwrap_or_else(|why| panic!("{}: {why}", self.address))
    }

    /// Asks once, on a connection of its own.
    pub fn ask(&self, request: &[u8]) -> http::Answer {
        self.connect().ask(request).unwrap_or_else(|why| panic!("{}: {why}", self.address))
    }

    /// The cookies of somebody who signed in.
    pub fn sign_in(&self, email: &str, password: &str) -> String {
        let answer = self.ask(&http::post("/signin", "", &[("email", email), ("password", password)]));
        assert_eq!(answer.status, 303, "{email} cannot sign in: {}", answer.text());
        answer.cookies()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have children: they end when it is asked to, not when it is killed.
        let _ = Command::new("kill").arg(self.pid().to_string()).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with nothing of the caller's settings. What it logs goes where a log goes: into a file.
pub fn portico(database: &str, log: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_")) {
        command.env_remove(name);
    }
    command.env("PORTICO_DATABASE_URL", database).env("PORTICO_LISTEN", "127.0.0.1:0").env("PORTICO_WORKERS", "2");
    command.env("PORTICO_SECRET_KEY", SECRET).stderr(File::create(log).expect("a log"));
    command
}

pub fn serve(database: &str, log: &Path) -> Server {
    Server::start(portico(database, log), OPEN)
}

/// Seconds of CPU that a process and its children have used, in the kernel and outside. Nothing when it is gone.
pub fn cpu(pid: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The name in brackets may contain spaces: fields are counted behind it, where utime and stime are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    (ticks(11) + ticks(12)) / TICKS + children.split_whitespace().filter_map(|child| child.parse().ok()).map(cpu).sum::<f64>()
}

pub fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kilobytes| kilobytes.parse().ok()).unwrap_or(0)
}

/// What it was measured on, and when.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpus, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = cpus.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1)).unwrap_or("?");
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let kilobytes = memory.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let load = read("/proc/loadavg");
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{model}, {cores} cores, {} GB; Linux {}; {} {:02}:{:02} UTC; load of the last minute {}",
        (kilobytes + 500_000) / 1_000_000,
        read("/proc/sys/kernel/osrelease").trim(),
        now.date(),
        now.hour(),
        now.minute(),
        load.split(' ').next().unwrap_or("?"),
    )
}
