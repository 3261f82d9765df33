//! What monitoring counts. The middleware and the sign-in page tell it; everything else is read when somebody asks.
//! No label has a value that a client chose: addresses are route patterns, and unknown ones are all one.

mod state;

use std::{fmt, time::Duration};

use actix_web::http::{Method, StatusCode};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};

use crate::{
    auth::{password::Passwords, sign_in::in_a_word},
    db::Database,
    error::Error,
};

/// Pages take about half a millisecond, imports and sign-ins longer; the last is when a client has long lost patience.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The label of a request that no route matched.
const UNMATCHED: &str = "unmatched";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// The counters of one process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, Buckets>,
    sign_ins: Family<Outcome, Counter>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    pub fn new(db: Database, passwords: Passwords) -> Self {
        let mut registry = Registry::default();
        let (requests, sign_ins) = (Family::default(), Family::default());
        let seconds = Family::new_with_constructor(Buckets);
        registry.register("portico_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "portico_request_duration",
            "From a request's head to its answer's head",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("portico_sign_ins", "Attempts to sign in with a password", sign_ins.clone());
        registry.register_collector(Box::new(state::State::new(db, passwords)));
        Self { registry, requests, seconds, sign_ins }
    }

    /// A request was answered; without a route when none matched.
    pub fn answered(&self, route: Option<&'static str>, method: &Method, status: StatusCode, took: Duration) {
        let route = route.unwrap_or(UNMATCHED);
        self.requests.get_or_create(&Answered { route, method: method_label(method), status: status.as_u16() }).inc();
        self.seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// Somebody tried to sign in.
    pub fn signed_in<T>(&self, outcome: &Result<T, Error>) {
        let outcome = in_a_word(outcome);
        self.sign_ins.get_or_create(&Outcome { outcome }).inc();
    }

    /// All of it in the text format of OpenMetrics 1.0, which Prometheus reads.
    pub fn text(&self) -> Result<String, Error> {
        let mut all = String::with_capacity(16 * 1024);
        text::encode(&mut all, &self.registry).map_err(|error| Error::internal(error.to_string()))?;
        Ok(all)
    }
}

/// A client may send any word as a method.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
