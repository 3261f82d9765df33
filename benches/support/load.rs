//! Requests on kept connections for some seconds, and what they cost the server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    http::Connection,
    process::{self, Server},
};

/// Each asks one thing at a time.
const CONNECTIONS: usize = 8;

/// A request whose cost is wanted.
pub struct Target<'a> {
    pub server: &'a Server,
    pub request: Vec<u8>,
    /// What it is answered with.
    pub status: u16,
    /// Processes of the database that work for it.
    pub helpers: Vec<u32>,
}

impl<'a> Target<'a> {
    pub fn new(server: &'a Server, request: Vec<u8>) -> Self {
        Self { server, request, status: 200, helpers: Vec::new() }
    }
}

/// What was measured of a target.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub requests: u64,
    pub seconds: f64,
    pub cpu: f64,
    pub helpers: f64,
    /// Of one answer's body, as it travelled.
    pub bytes: usize,
    pub encoding: String,
}

impl Load {
    /// Milliseconds of CPU a request.
    pub fn cost(&self) -> f64 {
        self.cpu * 1_000.0 / self.requests as f64
    }

    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    pub fn words(&self) -> String {
        let helpers = if self.helpers > 0.0 {
            format!(" + {:.3} ms in the database", self.helpers * 1_000.0 / self.requests as f64)
        } else {
            String::new()
        };
        let encoding = if self.encoding.is_empty() { String::new() } else { format!(" {}", self.encoding) };
        format!("CPU {:.3} ms{helpers}, {:.0}/s, {} B{encoding}", self.cost(), self.rate(), self.bytes)
    }
}

/// Loads the targets in turns of a second, so that what else the machine does hits all of them alike.
pub fn measure(targets: &[Target<'_>], seconds: u64) -> Vec<Load> {
    let mut loads = vec![Load::default(); targets.len()];
    for (target, load) in targets.iter().zip(&mut loads) {
        let answer = target.server.ask(&target.request);
        assert_eq!(answer.status, target.status, "{}", String::from_utf8_lossy(&target.request));
        load.bytes = answer.body.len();
        answer.header("content-encoding").clone_into(&mut load.encoding);
        turn(target, Duration::from_millis(500));
    }
    for _ in 0..seconds {
        for (target, load) in targets.iter().zip(&mut loads) {
            let helpers = || target.helpers.iter().map(|pid| process::cpu(*pid)).sum::<f64>();
            let (cpu, database) = (process::cpu(target.server.pid()), helpers());
            let began = Instant::now();
            load.requests += turn(target, Duration::from_secs(1));
            load.seconds += began.elapsed().as_secs_f64();
            load.cpu += process::cpu(target.server.pid()) - cpu;
            load.helpers += helpers() - database;
        }
    }
    loads
}

/// How many answers came. One with another status ends the run: it would be cheap.
fn turn(target: &Target<'_>, time: Duration) -> u64 {
    let (answers, end) = (AtomicU64::new(0), Instant::now() + time);
    thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = target.server.connect();
                while Instant::now() < end {
                    let answer = connection.ask(&target.request).unwrap_or_else(|why| panic!("no answer: {why}"));
                    assert_eq!(answer.status, target.status, "under load");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    answers.into_inner()
}

/// The median time of an answer from each of two servers, in milliseconds, asked in turns and one at a time.
pub fn times(few: (&Server, &[u8]), many: (&Server, &[u8]), rounds: usize) -> (f64, f64) {
    let mut asked = [(few.0.connect(), few.1, Vec::new()), (many.0.connect(), many.1, Vec::new())];
    for round in 0..rounds + 20 {
        for (connection, request, times) in &mut asked {
            let (status, time) = timed(connection, request);
            assert_eq!(status, 200);
            // The first ones open connections and read files.
            if round >= 20 {
                times.push(time);
            }
        }
    }
    let [few, many] = asked.map(|(_, _, times)| median(times));
    (few, many)
}

/// Milliseconds until the whole answer was there.
pub fn timed(connection: &mut Connection, request: &[u8]) -> (u16, f64) {
    let began = Instant::now();
    let answer = connection.ask(request).unwrap_or_else(|why| panic!("no answer: {why}"));
    (answer.status, began.elapsed().as_secs_f64() * 1_000.0)
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
