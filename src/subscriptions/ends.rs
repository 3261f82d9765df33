//! The end of a subscription: administrators set it, its owner is warned of it, and then it comes, by the clock.

use time::{Date, Duration, Month, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};

use super::{State, Subscription, deciding, sight, store, told};
use crate::{
    audit,
    auth::Administrator,
    db::{Database, Instant, Transaction},
    error::{Error, Problems},
    mail::{self, Kind, Mail, Post},
};

/// As `<input type="date">` sends and wants it.
const DAY: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");
/// An end that is further away than this is a slip of the pen.
const MOST_YEARS: i32 = 100;
/// How long before the end its owner is warned, the first time and the second.
const WARNINGS: [Duration; 2] = [Duration::days(14), Duration::days(1)];
/// So many are ended or warned of in one transaction.
const AT_ONCE: i64 = 500;

impl Subscription {
    /// The last day, in UTC, on which it works.
    pub fn last_day(&self) -> Option<Date> {
        self.expires_at.map(|at| at.minus(Duration::MICROSECOND).date_time().to_offset(UtcOffset::UTC).date())
    }

    /// The same, as a form's field has it; empty without an end.
    pub fn last_day_field(&self) -> String {
        self.last_day().and_then(|day| day.format(DAY).ok()).unwrap_or_default()
    }

    /// The same, for people.
    pub fn last_day_words(&self) -> String {
        self.expires_at.map(Instant::last_day).unwrap_or_default()
    }
}

/// The end that somebody means by a last day: the midnight (UTC) after it. Nothing is no end.
pub(super) fn end_of(problems: &mut Problems, day: &str, now: Instant) -> Option<Instant> {
    if day.trim().is_empty() {
        return None;
    }
    let Ok(day) = Date::parse(day.trim(), DAY) else {
        problems.add("ends", "Write the last day as year, month and day, as in 2030-12-31.");
        return None;
    };
    let today = now.date_time().date();
    if day < today {
        problems.add("ends", "This day is over. Choose today or a later one.");
        return None;
    }
    let last = Date::from_calendar_date(today.year() + MOST_YEARS, Month::January, 1).unwrap_or(Date::MAX);
    match day.next_day() {
        Some(next) if next <= last => Some(Instant::new(next.midnight().assume_utc())),
        _ => {
            problems.add("ends", format!("This day is more than {MOST_YEARS} years away. Leave the field empty for no end."));
            None
        }
    }
}

/// Gives a live subscription another last day, or none. False when it has that one; its owner is warned anew of another.
///
/// # Errors
/// `Invalid` on `ends`; `Conflict` when it has ended; `Stale` when it was changed since the form was shown.
pub async fn set_end(db: &Database, admin: &Administrator, name: &str, version: i64, day: &str) -> Result<bool, Error> {
    let mut tx = db.write().await?;
    let before = deciding::get(&mut tx, name).await?.subscription;
    if before.is_live() && day.trim() == before.last_day_field() {
        return Ok(false);
    }
    let mut problems = Problems::default();
    let expires_at = if before.is_live() { end_of(&mut problems, day, tx.now()) } else { None };
    problems.or(())?;
    set_at(&mut tx, admin, &before, version, expires_at).await?;
    tx.commit().await?;
    Ok(true)
}

/// As `set_end`, to the instant and in the caller's transaction.
pub(super) async fn set_at(
    tx: &mut Transaction,
    admin: &Administrator,
    before: &Subscription,
    version: i64,
    expires_at: Option<Instant>,
) -> Result<(), Error> {
    if !before.is_live() {
        return Err(Error::Conflict(format!("This subscription is {} and stays so.", before.state().word().to_lowercase())));
    }
    if !store::ends::set(tx, before.id, version, expires_at).await? {
        return Err(Error::Stale);
    }
    let after = Subscription { expires_at, ..before.clone() };
    let (was, is) = (before.facts(before.state()), after.facts(after.state()));
    audit::record(tx, admin.actor(), "subscription.end_changed", after.subject(), Some(was), Some(is)).await?;
    Ok(())
}

/// Ends those whose end has come, each with an entry in the log. How many, of a stretch: zero when nothing is due.
///
/// Several processes may do it at once: each takes what no other has taken.
async fn expire_due(db: &Database, job: &Administrator) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let due = store::ends::take_due(&mut tx, AT_ONCE).await?;
    let keys: Vec<i64> = due.iter().map(|one| one.id.0).collect();
    store::set_state(&mut tx, &keys, &[State::Active, State::Suspended], State::Expired, None, None).await?;
    for one in &due {
        let (was, is) = (one.facts(one.state()), one.facts(State::Expired));
        audit::record(&mut tx, job.actor(), "subscription.expired", one.subject(), Some(was), Some(is)).await?;
    }
    tx.commit().await?;
    Ok(due.len())
}

/// Takes what is due of the warnings as given: a mail that says how long they work goes to the owners of these.
pub(super) async fn note_told(tx: &mut Transaction, keys: &[i64]) -> Result<(), Error> {
    let soon = WARNINGS.map(|before| tx.now().plus(before));
    store::ends::note_told(tx, keys, soon).await
}

/// Warns the owners of those that end soon. How many, of a stretch.
async fn warn_due(db: &Database, post: &Post) -> Result<usize, Error> {
    let mut tx = db.write().await?;
    let soon = WARNINGS.map(|before| tx.now().plus(before));
    let due = store::ends::take_to_warn(&mut tx, soon, AT_ONCE).await?;
    let mut mails = Vec::with_capacity(due.len());
    for (nth, at) in soon.iter().enumerate() {
        // What ends within a day needs no other warning of two weeks.
        let rest = soon.get(nth + 1);
        let within = |ends: Instant| ends <= *at && rest.is_none_or(|rest| ends > *rest);
        let these = due.iter().filter(|held| held.subscription.expires_at.is_some_and(within));
        let keys: Vec<i64> = these.clone().map(|held| held.subscription.id.0).collect();
        store::ends::note_warned(&mut tx, &keys, i64::try_from(nth + 1).unwrap_or(i64::MAX)).await?;
        mails.extend(these.map(|held| {
            let values = told(post, &held.subscription).set("EndDate", held.subscription.last_day_words());
            Mail::new(Kind::SubscriptionEnding, held.owner(), values)
        }));
    }
    mail::write_many(&mut tx, post, mails).await?;
    tx.commit().await?;
    post.wake();
    Ok(due.len())
}

/// Does all that is due by the clock, as the job of that name; how many subscriptions it was about.
pub async fn work(db: &Database, post: &Post, job: &Administrator) -> Result<usize, Error> {
    let mut done = 0;
    loop {
        let due = store::ends::due(&mut db.read().await?, db.now(), WARNINGS.map(|before| db.now().plus(before))).await?;
        let mut stretch = 0;
        if due.ended {
            stretch += expire_due(db, job).await?;
        }
        if due.ending {
            stretch += warn_due(db, post).await?;
        }
        if due.sight {
            stretch += sight::tell_lost(db, post).await?;
        }
        if stretch == 0 {
            return Ok(done);
        }
        done += stretch;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_last_day_is_worked_to_its_end() {
        let now = Instant::new(datetime!(2026-03-02 09:00 UTC));
        let end = |day: &str| {
            let mut problems = Problems::default();
            let end = end_of(&mut problems, day, now);
            problems.or(end.map(Instant::rfc3339)).map_err(|error| error.to_string())
        };
        assert_eq!(end(""), Ok(None));
        assert_eq!(end(" 2026-03-02 "), Ok(Some("2026-03-03T00:00:00Z".to_owned())));
        assert_eq!(end("2028-02-29"), Ok(Some("2028-03-01T00:00:00Z".to_owned())));
        assert!(end("2026-03-01").unwrap_err().contains("is over"));
        assert!(end("2126-01-02").unwrap_err().contains("100 years"));
        assert!(end("9999-12-31").unwrap_err().contains("100 years"));
        for nonsense in ["tomorrow", "2026-02-30", "31.12.2026", "-1", "+12026-01-01", "2026-03-02T10:00"] {
            assert!(end(nonsense).unwrap_err().contains("as in"), "{nonsense}");
        }
    }
}
