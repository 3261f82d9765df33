//! Browser stories: what people do, done in Chromium over WebDriver, with script and without. `tests/run browser` starts what
//! they need; without it each of them says that it was skipped.

mod calls;
mod comfort;
mod directory;
mod groups_decide;
mod hands;
mod harness;
mod keyboard;
mod looks;
#[allow(dead_code, unused_imports, reason = "the portal's tests use more of it")]
#[path = "../portal/support/mod.rs"]
mod portal;
mod providers;
mod subscriptions;
mod support;
mod whole_life;
