//! Waiting for space on a full disk.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::CancellationToken;

/// The pause between two attempts to write to a full disk.
const PAUSE: Duration = Duration::from_millis(500);

/// The time between two log lines about the same full disk.
const SILENCE: Duration = Duration::from_secs(10);

/// The part of a job that waits for disk space.
const DISK: &str = "disk";

impl CancellationToken {
    /// Repeats an attempt until no disk is too full for it, or until waits are cancelled. It must be
    /// possible to repeat a failed attempt.
    ///
    /// # Errors
    /// Any other error, and that of the full disk if waits are cancelled.
    pub fn retry_while_full<T>(
        &self,
        mut attempt: impl FnMut() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut last_report: Option<Instant> = None;
        loop {
            let error = match attempt() {
                Err(error) if is_full(error.as_ref()) => error,
                other => {
                    if let Some(waited) = last_report.and_then(|_| self.outages().end(DISK)) {
                        tracing::warn!("there is free space again after {} s", waited.as_secs());
                    }
                    return other;
                }
            };
            self.outages().begin(DISK, "full");
            if last_report.is_none_or(|last_report| last_report.elapsed() > SILENCE) {
                tracing::warn!("{error:#}: the job waits for free space");
                last_report = Some(Instant::now());
            }
            if self.wait(PAUSE) {
                return Err(error);
            }
        }
    }
}

/// Whether a disk or the user's quota is full.
pub fn is_full(error: &(dyn Error + 'static)) -> bool {
    let full = |error: &(dyn Error + 'static)| {
        let file = error.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(file, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
            || error.downcast_ref().is_some_and(lacks_room)
    };
    full(error) || error.source().is_some_and(is_full)
}

/// Whether SQLite found no room: for its database, or for the memory that its processes share.
fn lacks_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == rusqlite::ErrorCode::DiskFull
            || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    fn full() -> io::Error {
        io::Error::from(ErrorKind::StorageFull)
    }

    #[test]
    fn it_waits_for_free_space() {
        let stop = CancellationToken::default();
        let mut attempts = 0;
        let done = stop.retry_while_full(|| {
            attempts += 1;
            if attempts < 3 { Err(full()).context("writing") } else { Ok(attempts) }
        });
        assert_eq!(done.unwrap(), 3);
        assert_eq!(stop.outages().list()[0].times, 1);
        assert!(stop.outages().now().is_empty());
    }

    #[test]
    fn it_ends_on_cancellation_and_at_once_on_other_errors() {
        let stop = CancellationToken::default();
        assert!(stop.retry_while_full(|| Err::<(), _>(io::Error::other("broken").into())).is_err());
        stop.raise();
        let error = stop.retry_while_full(|| Err::<(), _>(full().into())).unwrap_err();
        assert!(is_full(error.as_ref()));
    }
}
