//! SCIM: what an identity provider's program notices, and what people see of it.

mod access;
mod groups;
mod lists;
mod users;
