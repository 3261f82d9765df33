//! What the entities of the management API have in common: how a list is asked for. No HTTP here.

pub mod filter;
