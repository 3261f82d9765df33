//! What the people who run a portal rely on: backups, stopping, limits.

mod backup;
mod metrics;
mod several;
mod stopping;
