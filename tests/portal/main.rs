//! The portal as its users meet it: a real server on its own database for each test.
//! With `PORTICO_TEST_POSTGRES` (a server's URL) the databases are PostgreSQL's, without it SQLite's.

mod access;
mod accounts;
mod apis;
mod audit;
mod calls;
mod catalog;
mod dashboard;
mod demo;
mod everywhere;
mod faults;
mod gateway;
mod groups;
mod invitations;
mod leaving;
mod mail;
mod management;
mod operate;
mod products;
mod program;
mod providers;
mod scim;
mod security;
mod sign_in;
mod sign_up;
mod site;
mod start;
mod statements;
mod subscriptions;
mod support;
mod users;
mod versions;
mod visibility;
