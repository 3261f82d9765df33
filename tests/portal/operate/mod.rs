//! What the people who run a portal rely on: backups, stopping, limits.

mod backup;
mod durability;
mod metrics;
mod several;
mod stopping;
mod tls;
