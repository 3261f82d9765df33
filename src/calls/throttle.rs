//! How much one person, and all together, may have the portal call.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{db::Instant, error::Error, ids::UserId};

/// Calls on their way at once, in this process: each holds up to its answer's limit in memory.
const AT_ONCE: usize = 8;
/// Of one person: slow answers to one are not to take the places of all.
const AT_ONCE_OF_ONE: u32 = 2;
/// Calls of one person a minute, in this process.
const A_MINUTE: u32 = 30;

/// Counts calls by person and minute.
pub struct Throttle {
    slots: Semaphore,
    minute: Mutex<(i64, HashMap<UserId, u32>)>,
    under_way: Mutex<HashMap<UserId, u32>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { slots: Semaphore::new(AT_ONCE), minute: Mutex::default(), under_way: Mutex::default() }
    }
}

/// A place for one call, given back on drop.
pub struct Slot<'t> {
    _permit: SemaphorePermit<'t>,
    throttle: &'t Throttle,
    who: UserId,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut under_way = self.throttle.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut calls) = under_way.entry(self.who) {
            *calls.get_mut() -= 1;
            if *calls.get() == 0 {
                calls.remove();
            }
        }
    }
}

impl Throttle {
    /// A place for one call.
    ///
    /// # Errors
    /// `TooMany` when the person has had theirs in this minute, or waits for the answers to others; `Busy` when all places are taken.
    pub fn admit(&self, who: UserId, now: Instant) -> Result<Slot<'_>, Error> {
        let seconds = now.date_time().unix_timestamp();
        let mut kept = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != seconds.div_euclid(60) {
            *kept = (seconds.div_euclid(60), HashMap::new());
        }
        let count = kept.1.entry(who).or_default();
        if *count >= A_MINUTE {
            let wait = 60 - seconds.rem_euclid(60);
            let message = format!("You may try {A_MINUTE} calls a minute. Try again in {wait} seconds.");
            return Err(Error::TooMany { seconds: wait.unsigned_abs(), message });
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = under_way.get(&who).copied().unwrap_or_default();
        if calls >= AT_ONCE_OF_ONE {
            let message = format!("{AT_ONCE_OF_ONE} of your calls are still waiting for their answers. Try again when they are there.");
            return Err(Error::TooMany { seconds: 5, message });
        }
        let permit = self.slots.try_acquire().map_err(|_| Error::Busy)?;
        *count += 1;
        under_way.insert(who, calls + 1);
        Ok(Slot { _permit: permit, throttle: self, who })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Clock;

    #[test]
    fn a_person_has_thirty_a_minute_and_there_are_eight_at_once() {
        let (throttle, now) = (Throttle::default(), Clock::system().now());
        for _ in 0..A_MINUTE {
            drop(throttle.admit(UserId(1), now).expect("room"));
        }
        assert!(matches!(throttle.admit(UserId(1), now), Err(Error::TooMany { .. })));
        let taken: Vec<_> = (0..AT_ONCE as i64).map(|user| throttle.admit(UserId(2 + user), now).expect("room")).collect();
        assert!(matches!(throttle.admit(UserId(99), now), Err(Error::Busy)));
        assert_eq!(throttle.under_way.lock().expect("a lock").len(), AT_ONCE);
        let later = now.plus(time::Duration::MINUTE);
        assert!(matches!(throttle.admit(UserId(1), later), Err(Error::Busy)), "another minute, and no place");
        drop(taken);
        let mine: Vec<_> = (0..2).map(|_| throttle.admit(UserId(1), later).expect("room")).collect();
        assert!(matches!(throttle.admit(UserId(1), later), Err(Error::TooMany { seconds: 5, .. })), "two at once");
        drop(throttle.admit(UserId(2), later).expect("room for another"));
        drop(mine);
        drop(throttle.admit(UserId(1), later).expect("room again"));
        assert!(throttle.under_way.lock().expect("a lock").is_empty());
    }
}
