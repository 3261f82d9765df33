//! How often one token may call the management API.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{db::Instant, error::Error, ids::TokenId};

/// Calls with one token a minute, in this process: more than a pipeline that waits for its answers makes.
pub const A_MINUTE: u32 = 3_000;

/// Counts calls by token and minute, in memory: what a process has seen is forgotten with it.
#[derive(Default)]
pub struct Rates(Mutex<(i64, HashMap<TokenId, u32>)>);

/// What is left of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub remaining: u32,
    /// Seconds to the next one.
    pub reset: u64,
}

impl Rates {
    /// Counts a call. What is left; none is left of it, and one was wanted, when it is an error.
    ///
    /// # Errors
    /// `TooMany`, with the rate to be told.
    pub fn count(&self, token: TokenId, now: Instant) -> (Rate, Result<(), Error>) {
        let seconds = now.date_time().unix_timestamp();
        let reset = u64::try_from(60 - seconds.rem_euclid(60)).unwrap_or(60);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != seconds.div_euclid(60) {
            *kept = (seconds.div_euclid(60), HashMap::new());
        }
        let calls = kept.1.entry(token).or_default();
        if *calls >= A_MINUTE {
            let message = format!("This token has made {A_MINUTE} calls in this minute. Go on with the next one.");
            return (Rate { remaining: 0, reset }, Err(Error::TooMany { seconds: reset, message }));
        }
        *calls += 1;
        (Rate { remaining: A_MINUTE - *calls, reset }, Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_minute_holds_so_many_calls_of_each_token() {
        let rates = Rates::default();
        let at = |seconds: i64| Instant::new(datetime!(2026-03-02 09:00 UTC)).plus(time::Duration::seconds(seconds));
        for calls in 1..=A_MINUTE {
            let (rate, done) = rates.count(TokenId(1), at(20));
            assert!(done.is_ok());
            assert_eq!(rate, Rate { remaining: A_MINUTE - calls, reset: 40 });
        }
        let (rate, done) = rates.count(TokenId(1), at(59));
        assert_eq!(rate, Rate { remaining: 0, reset: 1 });
        assert!(matches!(done, Err(Error::TooMany { seconds: 1, .. })));
        assert_eq!(rates.count(TokenId(2), at(59)).0.remaining, A_MINUTE - 1);
        assert_eq!(rates.count(TokenId(1), at(60)).0.remaining, A_MINUTE - 1);
    }
}
