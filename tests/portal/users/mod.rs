//! Users: the list, changes in bulk, a user's page, and a person's own account.

mod bulk;
mod list;
mod person;
