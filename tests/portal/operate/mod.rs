//! What the people who run a portal rely on: backups, stopping, limits.

mod backup;
mod several;
mod stopping;
