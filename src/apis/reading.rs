//! Reads a document off the event loop, a few at a time: a hostile one may cost a second of a processor.

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::description::{self, Description};
use crate::error::Error;

/// Documents read at once.
static TURN: Semaphore = Semaphore::const_new(2);
/// Documents given away, or compared, at once: readers wait for each other, and no import waits for them.
static GIVING: Semaphore = Semaphore::const_new(2);
/// How long anybody waits for a turn.
const WAIT: Duration = Duration::from_secs(15);

/// A document and what it says.
pub struct Document {
    /// As it came.
    pub bytes: Vec<u8>,
    pub description: Description,
    /// The JSON of each operation's `detail`, in the operations' order.
    pub(super) details: Vec<String>,
}

/// # Errors
/// `Invalid` on `document`, with the place and the reason; `Busy` when others have been waiting for long.
pub async fn read(bytes: Vec<u8>) -> Result<Document, Error> {
    let permit = tokio::time::timeout(WAIT, TURN.acquire()).await.map_err(|_| Error::Busy)?.map_err(Error::internal)?;
    apart(permit, move || {
        let description = description::read(&bytes).map_err(|refusal| Error::invalid("document", sentence(&refusal.to_string())))?;
        let details = description.operations.iter().map(|operation| serde_json::to_string(&operation.detail));
        let details = details.collect::<Result<_, _>>()?;
        Ok(Document { bytes, description, details })
    })
    .await
}

/// Waits for a turn to give documents away, before they are taken into memory.
///
/// # Errors
/// `Busy` when others have been waiting for long.
pub(super) async fn turn() -> Result<SemaphorePermit<'static>, Error> {
    tokio::time::timeout(WAIT, GIVING.acquire()).await.map_err(|_| Error::Busy)?.map_err(Error::internal)
}

/// Does the work of a turn off the event loop.
pub(super) async fn apart<T: Send + 'static>(
    permit: SemaphorePermit<'static>,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .map_err(Error::internal)?
}

/// With a capital at the beginning, since it stands alone beside its field.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
