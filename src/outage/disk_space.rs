//! Waiting for room on a full disk.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::CancellationToken;

/// Between two attempts to write to a full disk.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two lines about the same full disk.
const SILENCE: Duration = Duration::from_secs(10);

/// The part of a job that waits for room.
const DISK: &str = "disk";

impl CancellationToken {
    /// Attempts something until no disk is too full for it, or until all are to give up; an attempt
    /// that failed must be free to be made again.
    ///
    /// # Errors
    /// Whatever else goes wrong, and the full disk when all are to give up.
    pub fn until_room<T>(
        &self,
        mut attempt: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut told: Option<Instant> = None;
        loop {
            let error = match attempt() {
                Err(error) if is_full(error.as_ref()) => error,
                other => {
                    if let Some(waited) = told.and_then(|_| self.outages().end(DISK)) {
                        tracing::warn!("there is room again after {} s", waited.as_secs());
                    }
                    return other;
                }
            };
            self.outages().begin(DISK, "full");
            if told.is_none_or(|told| told.elapsed() > SILENCE) {
                tracing::warn!("{error:#}: the job waits until there is room");
                told = Some(Instant::now());
            }
            if self.wait(PAUSE) {
                return Err(error);
            }
        }
    }
}

/// Whether a disk, or the part of it that one may use, is full.
pub fn is_full(error: &(dyn Error + 'static)) -> bool {
    let full = |error: &(dyn Error + 'static)| {
        let file = error.downcast_ref::<io::Error>().map(io::Error::kind);
        let database = error.downcast_ref().and_then(rusqlite::Error::sqlite_error_code);
        matches!(file, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
            || database == Some(rusqlite::ErrorCode::DiskFull)
    };
    full(error) || error.source().is_some_and(is_full)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn full() -> io::Error {
        io::Error::from(ErrorKind::StorageFull)
    }

    #[test]
    fn it_waits_until_there_is_room() {
        let stop = CancellationToken::default();
        let mut attempts = 0;
        let done = stop.until_room(|| {
            attempts += 1;
            if attempts < 3 { Err(full()).context("writing") } else { Ok(attempts) }
        });
        assert_eq!(done.unwrap(), 3);
        assert_eq!(stop.outages().list()[0].times, 1);
        assert!(stop.outages().now().is_empty());
    }

    #[test]
    fn it_gives_up_when_it_is_asked_to_and_at_once_on_other_errors() {
        let stop = CancellationToken::default();
        assert!(stop.until_room(|| Err::<(), _>(io::Error::other("broken").into())).is_err());
        stop.raise();
        let error = stop.until_room(|| Err::<(), _>(full().into())).unwrap_err();
        assert!(is_full(error.as_ref()));
    }
}
