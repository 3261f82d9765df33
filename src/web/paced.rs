//! A request's body for as long as it comes fast enough: somebody who sends a byte a minute would hold a connection for ever.

use std::{io, time::Duration};

use actix_web::{error::PayloadError, web::Bytes};
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

/// Every body may take this long, whatever its size.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes a second, on the average, that a longer one must come with: a tenth of what a slow telephone sends.
const LEAST: u64 = 8 * 1024;

/// The chunks as they come; when they come too slowly, an error that `is_late` knows, and no more of them.
pub fn paced<S>(body: S) -> impl Stream<Item = Result<Bytes, PayloadError>>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let began = Instant::now();
    stream::unfold((body, 0u64), move |(mut body, seen)| async move {
        let deadline = began + PATIENCE + Duration::from_secs(seen / LEAST);
        let next = match timeout_at(deadline, body.next()).await {
            Ok(next) => next?,
            Err(_) => Err(PayloadError::Io(io::ErrorKind::TimedOut.into())),
        };
        let more = next.as_ref().map_or(0, |chunk| u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        Some((next, (body, seen.saturating_add(more))))
    })
    .fuse()
}

/// Whether a body was given up because it came too slowly.
pub fn is_late(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes come through of chunks of this size, one each so many seconds, and whether they came too slowly.
    async fn received(size: usize, seconds: u64, chunks: usize) -> (usize, bool) {
        let body = stream::unfold(0, |sent| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            (sent < chunks).then(|| (Ok(Bytes::from(vec![b'a'; size])), sent + 1))
        });
        let (mut bytes, mut body) = (0, Box::pin(paced(Box::pin(body))));
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => bytes += chunk.len(),
                Err(error) => return (bytes, is_late(&error)),
            }
        }
        assert!(body.next().await.is_none(), "whoever asks once more gets the same answer");
        (bytes, false)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_a_slow_line_is_not() {
        assert_eq!(received(1, 3, 1_000).await, (6, true), "a byte each three seconds");
        assert_eq!(received(1, 1_000, 1).await, (0, true), "nothing at all");
        assert_eq!(received(1, 3, 5).await, (5, false), "a small form on a bad line");
        assert_eq!(received(10_000, 1, 1_000).await, (10_000_000, false), "a large file on a slow line");
        let (bytes, late) = received(4_000, 1, 1_000).await;
        assert!(late && bytes < 200_000, "half as fast: {bytes}");
    }
}
