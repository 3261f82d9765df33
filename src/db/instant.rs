//! One instant in time, stored so that both engines order it alike, and the clock that gives it.

use std::{error::Error, sync::Arc};

use serde::{Deserialize, Serialize};
use sqlx::{
    Decode, Encode, Postgres, Sqlite, Type, ValueRef,
    encode::IsNull,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef},
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// An instant in UTC to the microsecond, which is what PostgreSQL keeps.
///
/// SQLite stores it as text of one width, so that comparing text compares time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

const FIXED: &[time::format_description::BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

impl Instant {
    /// What is past the last year in UTC is the end of it.
    pub fn new(at: OffsetDateTime) -> Self {
        let end = if at.year() > 0 { PrimitiveDateTime::MAX } else { PrimitiveDateTime::MIN };
        let at = at.checked_to_offset(time::UtcOffset::UTC).unwrap_or(end.assume_utc());
        let micros = at.microsecond();
        Self(at.replace_microsecond(micros).unwrap_or(at))
    }

    /// For constants; UTC and whole microseconds are the caller's care.
    pub const fn at(at: OffsetDateTime) -> Self {
        Self(at)
    }

    pub fn plus(self, duration: Duration) -> Self {
        Self::new(self.0.saturating_add(duration))
    }

    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }

    pub fn since(self, earlier: Instant) -> Duration {
        self.0 - earlier.0
    }

    pub fn date_time(self) -> OffsetDateTime {
        self.0
    }

    /// To the microsecond, always of one width: as SQLite stores it.
    pub fn text(self) -> String {
        self.0.format(FIXED).unwrap_or_default()
    }

    /// `2026-11-24T15:35:40Z`, for `<time datetime>` and JSON.
    pub fn rfc3339(self) -> String {
        self.0.replace_nanosecond(0).unwrap_or(self.0).format(&Rfc3339).unwrap_or_default()
    }

    /// `24 Nov 2026`, for people.
    pub fn day(self) -> String {
        self.0.format(format_description!("[day padding:none] [month repr:short] [year]")).unwrap_or_default()
    }

    /// The last day before it, for people: of an end at midnight the day that it ends.
    pub fn last_day(self) -> String {
        self.minus(Duration::MICROSECOND).day()
    }

    /// `24 Nov 2026, 15:35 UTC`, for people.
    pub fn minute(self) -> String {
        self.0.format(format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC")).unwrap_or_default()
    }
}

/// Where "now" comes from; tests put their own in.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    pub fn system() -> Self {
        Self(Arc::new(OffsetDateTime::now_utc))
    }

    pub fn from_fn(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Instant {
        Instant::new((self.0)())
    }
}

impl Type<Sqlite> for Instant {
    fn type_info() -> SqliteTypeInfo {
        <String as Type<Sqlite>>::type_info()
    }
    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <String as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for Instant {
    fn encode_by_ref(&self, buf: &mut SqliteArgumentsBuffer) -> Result<IsNull, Box<dyn Error + Send + Sync>> {
        Encode::<Sqlite>::encode(self.0.format(FIXED)?, buf)
    }
}

impl<'r> Decode<'r, Sqlite> for Instant {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let text = <String as Decode<Sqlite>>::decode(value)?;
        Ok(Self(OffsetDateTime::parse(&text, &Rfc3339)?))
    }
}

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
    fn compatible(ty: &PgTypeInfo) -> bool {
        <OffsetDateTime as Type<Postgres>>::compatible(ty)
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, Box<dyn Error + Send + Sync>> {
        Encode::<Postgres>::encode(self.0, buf)
    }
}

impl<'r> Decode<'r, Postgres> for Instant {
    fn decode(value: PgValueRef<'r>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        debug_assert!(!value.is_null());
        Ok(Self(<OffsetDateTime as Decode<Postgres>>::decode(value)?.to_offset(time::UtcOffset::UTC)))
    }
}

/// What `rfc3339` wrote, for people who want all of it: `2026-11-24 15:35:40 UTC`.
pub fn in_full(rfc3339: &str) -> String {
    rfc3339.replace('T', " ").replace('Z', " UTC")
}
