//! Standard error, which log lines and the live line share.

use std::io::{self, Write};

use indicatif::ProgressBar;
use parking_lot::Mutex;

/// The live line, while there is one.
static LIVE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Standard error for log lines, which are printed above the live line if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogLines;

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let live = LIVE.lock().clone();
        match live {
            Some(bar) => bar.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Sets the live line.
pub(super) fn set_live(bar: Option<ProgressBar>) {
    *LIVE.lock() = bar;
}
