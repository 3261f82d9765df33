//! What the programs that measure need.
#![allow(dead_code, reason = "each of them uses its own part")]

pub mod database;
pub mod http;
pub mod load;
pub mod postgres;
pub mod process;
