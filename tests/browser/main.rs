//! Browser stories: what people do, done in Chromium over WebDriver, with script and without. `tests/run browser` starts what
//! they need; without it each of them says that it was skipped.

mod harness;
mod support;
