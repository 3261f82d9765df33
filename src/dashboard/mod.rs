//! The Dashboard of the publisher portal and the Settings page: the state of the portal at a glance. They read and change nothing.

pub mod pages;
pub mod store;
