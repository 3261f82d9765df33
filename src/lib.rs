//! Portico: a self-hosted web portal for API programmes. This page is the map of the house.

#![forbid(unsafe_code)]

/// APIs: importing and replacing their descriptions, their operations.
pub mod apis;
/// Assembles the server: the route table, middleware order, shared state.
pub mod app;
/// The audit log: record (inside the caller's transaction), list.
pub mod audit;
/// Who somebody is, as types; sessions, passwords, signing in.
pub mod auth;
/// Calls of operations: code samples, and trying.
pub mod calls;
/// The developer portal, and THE visibility rule.
pub mod catalog;
/// The commands.
pub mod cli;
/// Settings, checked once at the start.
pub mod config;
/// The dashboard and the settings page.
pub mod dashboard;
/// The two databases behind one face; migrations.
pub mod db;
/// The sample that `--demo` fills an empty database with.
pub mod demo;
/// The one Error with its stable codes.
pub mod error;
/// Requests to addresses that an administrator typed.
pub mod fetch;
/// Whether a key is good: what gateways ask.
pub mod gateway;
/// Groups and memberships.
pub mod groups;
/// Typed keys, names, folding.
pub mod ids;
/// The portal's secret and what is derived from it.
pub mod keys;
/// Mails: what is written, waits and was sent; who is told of what.
pub mod mail;
/// What monitoring counts, for `/metrics` on a listener of its own.
pub mod metrics;
/// Products, the APIs in them and the groups they are open to.
pub mod products;
/// Identity providers, and signing in by them.
pub mod providers;
/// What the entities of the management API have in common: how a list is asked for.
pub mod rest;
/// SCIM: identity providers that keep people and groups here.
pub mod scim;
/// The site's own face: its name, logo, colour, home page text and footer links.
pub mod site;
/// Subscriptions, their keys and states.
pub mod subscriptions;
/// TLS by the server itself.
pub mod tls;
/// Users and their states.
pub mod users;
/// Waiting, counted.
pub mod waits;
/// Response verbs, the frame, forms, errors, paging, headers, assets.
pub mod web;
