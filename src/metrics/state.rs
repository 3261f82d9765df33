//! What is read when somebody asks: the database's pools, the queue of password hashing, the process. Nothing here asks the database.

use std::{
    fmt::{self, Error},
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use rustix::process::{Resource, getrlimit};

use crate::{auth::password::Passwords, db::Database, waits::Waits};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Pool {
    pool: &'static str,
}

pub(super) struct State {
    db: Database,
    passwords: Passwords,
    started: f64,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

impl State {
    pub(super) fn new(db: Database, passwords: Passwords) -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Self { db, passwords, started }
    }
}

/// Linux counts a process's time for user space in hundredths of a second on every machine (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Seconds of processor time of this process. Linux alone.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name is in brackets and may hold spaces; after it, times in user and system mode are the 12th and 13th.
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some((after_name.next()?.parse::<f64>().ok()? + after_name.next()?.parse::<f64>().ok()?) / TICKS)
}

/// Bytes of memory that are resident. Linux alone.
fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: i64) -> Result<(), Error> {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn seconds(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: f64) -> Result<(), Error> {
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

type OfPool = fn(&crate::db::Pool) -> i64;

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        let encoder = &mut encoder;
        let pools = self.db.pools();
        let gauges: [(&str, &str, OfPool); 5] = [
            ("portico_database_connections", "Open connections", |pool| count(pool.size)),
            ("portico_database_connections_max", "Connections that may be open", |pool| count(pool.most)),
            ("portico_database_connections_idle", "Open connections that nobody uses", |pool| count(pool.idle)),
            ("portico_database_connections_in_use", "Connections in use", |pool| count(pool.size.saturating_sub(pool.idle))),
            ("portico_database_waiting", "Waiting for a connection at this moment", |pool| count(pool.waits.waiting())),
        ];
        for (name, help, value) in gauges {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for pool in &pools {
                ConstGauge::new(value(pool)).encode(metric.encode_family(&Pool { pool: pool.name })?)?;
            }
        }
        let mut metric =
            encoder.encode_descriptor("portico_database_waits", "Times that no connection was free", None, MetricType::Counter)?;
        for pool in &pools {
            ConstCounter::new(pool.waits.times()).encode(metric.encode_family(&Pool { pool: pool.name })?)?;
        }
        let help = "Time spent waiting for connections";
        let mut metric = encoder.encode_descriptor("portico_database_wait_seconds", help, None, MetricType::Counter)?;
        for pool in &pools {
            ConstCounter::new(pool.waits.waited().as_secs_f64()).encode(metric.encode_family(&Pool { pool: pool.name })?)?;
        }

        let hashing: &Waits = self.passwords.waits();
        gauge(encoder, "portico_password_queue", "Waiting for their turn at the password hash", count(hashing.waiting()))?;
        let help = "Time spent waiting for a turn at the password hash";
        seconds(encoder, "portico_password_wait_seconds", help, hashing.waited().as_secs_f64())?;

        if let Some(time) = processor_seconds() {
            seconds(encoder, "process_cpu_seconds", "Processor time in user and system mode", time)?;
        }
        if let Some(bytes) = resident_bytes() {
            gauge(encoder, "process_resident_memory_bytes", "Resident memory", bytes)?;
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            gauge(encoder, "process_open_fds", "Open files", count(files.count()))?;
        }
        if let Some(files) = getrlimit(Resource::Nofile).current {
            gauge(encoder, "process_max_fds", "Files that may be open", count(files))?;
        }
        let help = "When it started, in seconds since 1970";
        ConstGauge::new(self.started).encode(encoder.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?)
    }
}
