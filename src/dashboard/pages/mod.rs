//! The Dashboard: counts that lead to the lists, what waits, the latest changes, and the first steps of an empty portal.

mod settings;

use std::borrow::Borrow;

use actix_web::web::Data;
use askama::Template;

use super::store;
use crate::{
    app::Portal,
    audit::{self, store::EntryRow, words},
    auth::Administrator,
    db::{COUNTED, Instant},
    providers::{self, Provider},
    web::{self, Answer, Frame, Routes, counted, filters::thousands},
};

pub fn routes(routes: &mut Routes) {
    routes.get("/publisher", show).get("/publisher/settings", settings::show);
}

/// The newest changes that are shown.
const CHANGES: i64 = 10;

/// A number that leads to its list.
struct Stat {
    href: &'static str,
    number: String,
    label: &'static str,
    under: String,
}

/// One of the first steps; those that are done are ticked.
struct Step {
    href: &'static str,
    words: &'static str,
    done: bool,
}

/// Something that waits for an administrator's approval.
struct Waiting {
    href: &'static str,
    number: String,
}

#[derive(Template)]
#[template(path = "dashboard/show.html")]
struct DashboardPage {
    frame: Frame,
    stats: Vec<Stat>,
    /// Empty once all are done.
    steps: Vec<Step>,
    waiting: Vec<Waiting>,
    changes: Vec<EntryRow>,
    /// Identity providers that are on, and did not answer as they should when they were last asked.
    failing: Vec<Provider>,
    now: Instant,
}

/// "1,234", or "10,000+" where counting stopped.
fn capped(count: i64) -> String {
    if count > COUNTED { format!("{}+", thousands(COUNTED)) } else { thousands(count) }
}

fn exactly(count: i64) -> String {
    thousands(count)
}

fn under(number: fn(i64) -> String, parts: &[(i64, &str)]) -> String {
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{} {words}", number(*count))).collect::<Vec<_>>().join(", ")
}

fn stats(c: &store::Counts) -> Vec<Stat> {
    let stat = |href, count: i64, label, under: String| Stat { href, number: capped(count), label, under };
    vec![
        Stat {
            href: "/publisher/users?state=active",
            number: exactly(c.active_users),
            label: "Active users",
            under: under(exactly, &[(c.pending_users, "pending"), (c.blocked_users, "blocked")]),
        },
        stat("/publisher/groups", c.groups, "Groups", under(capped, &[(c.custom_groups, "custom")])),
        stat(
            "/publisher/products",
            c.published + c.not_published,
            "Products",
            under(capped, &[(c.published, "published"), (c.not_published, "not published")]),
        ),
        stat(
            "/publisher/apis",
            c.apis,
            "APIs",
            if c.operations > COUNTED {
                under(capped, &[(c.operations, "operations")])
            } else {
                counted(c.operations, "operation", "operations")
            },
        ),
        stat(
            "/publisher/subscriptions?state=active",
            c.active_subscriptions,
            "Active subscriptions",
            under(capped, &[(c.submitted_subscriptions, "waiting for approval")]),
        ),
    ]
}

fn steps(c: &store::Counts) -> Vec<Step> {
    let products = c.published + c.not_published;
    let steps = vec![
        Step { href: "/publisher/import/api", words: "Import an API from its description", done: c.apis > 0 },
        Step { href: "/publisher/new/product", words: "Add a product and put the API into it", done: products > 0 },
        Step { href: "/publisher/products", words: "Publish the product and open it to a group on its Visibility tab", done: c.opened > 0 },
        Step { href: "/publisher/new/user", words: "Add a developer, or open a product to Guests", done: c.developers > 0 },
    ];
    if steps.iter().all(|step| step.done) { Vec::new() } else { steps }
}

fn waiting(c: &store::Counts) -> Vec<Waiting> {
    // Whoever is invited or signed up confirms it themselves.
    let rows = [("/publisher/subscriptions?state=submitted", c.submitted_subscriptions, "subscription", "subscriptions")];
    rows.into_iter()
        .filter(|row| row.1 > 0)
        .map(|(href, count, one, many)| Waiting {
            href,
            number: if count > COUNTED { format!("{} {many}", capped(count)) } else { counted(count, one, many) },
        })
        .collect()
}

/// For the middle of a sentence: "Added group" as "added group".
fn lower_first(words: String) -> String {
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}

/// "just now", "5 minutes ago", "yesterday", then the day.
pub fn ago(now: impl Borrow<Instant>, at: impl Borrow<Instant>) -> String {
    let (now, at) = (*now.borrow(), *at.borrow());
    let seconds = now.since(at).whole_seconds();
    let many = |count: i64, one: &str, many: &str| format!("{} ago", counted(count, one, many));
    match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => many(seconds / 60, "minute", "minutes"),
        3600..86_400 => many(seconds / 3600, "hour", "hours"),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => many(seconds / 86_400, "day", "days"),
        _ => at.day(),
    }
}

async fn show(_admin: Administrator, portal: Data<Portal>, frame: Frame) -> Answer {
    let mut connection = portal.db.read().await?;
    let counts = store::counts(&mut connection).await?;
    let changes = audit::store::latest(&mut connection, CHANGES).await?;
    let providers = providers::all(&mut connection).await?;
    web::page(&DashboardPage {
        frame,
        stats: stats(&counts),
        steps: steps(&counts),
        waiting: waiting(&counts),
        changes,
        failing: providers.into_iter().filter(|provider| provider.enabled && provider.trouble().is_some()).collect(),
        now: portal.db.now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn time_passes_in_words() {
        let now = Instant::new(datetime!(2026-03-02 09:00 UTC));
        for (seconds, words) in [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7200, "2 hours ago"),
            (90_000, "yesterday"),
            (200_000, "2 days ago"),
            (4_000_000, "15 Jan 2026"),
        ] {
            assert_eq!(ago(now, now.minus(Duration::seconds(seconds))), words);
        }
    }
}
