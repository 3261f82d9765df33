//! Waiting for what there is little of, counted: how many wait now, how often it came to that, and how long it took.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

#[derive(Debug, Default)]
pub struct Waits {
    waiting: AtomicU64,
    times: AtomicU64,
    microseconds: AtomicU64,
}

/// Ends the wait also when the one who waited went away.
struct Wait<'a>(&'a Waits, Instant);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
        self.0.microseconds.fetch_add(u64::try_from(self.1.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

impl Waits {
    /// Takes something; when there is none of it, the time until there is counts as a wait.
    pub async fn taking<T>(&self, none: bool, something: impl Future<Output = T>) -> T {
        let _wait = none.then(|| {
            self.waiting.fetch_add(1, Relaxed);
            self.times.fetch_add(1, Relaxed);
            Wait(self, Instant::now())
        });
        something.await
    }

    pub fn waiting(&self) -> u64 {
        self.waiting.load(Relaxed)
    }

    pub fn times(&self) -> u64 {
        self.times.load(Relaxed)
    }

    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.microseconds.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_is_over_when_it_is_given_up() {
        let waits = Waits::default();
        waits.taking(false, async {}).await;
        assert_eq!((waits.waiting(), waits.times()), (0, 0));
        {
            let mut wait = Box::pin(waits.taking(true, std::future::pending::<()>()));
            assert!(std::future::poll_fn(|context| std::task::Poll::Ready(wait.as_mut().poll(context).is_pending())).await);
            assert_eq!((waits.waiting(), waits.times()), (1, 1));
        }
        assert_eq!((waits.waiting(), waits.times()), (0, 1));
    }
}
