//! The line that shows a job's progress.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Status;
use super::terminal::set_live;

/// The time between two lines without a terminal.
const PLAIN: Duration = Duration::from_secs(10);

/// Shows a job's status on stderr: one live line on a terminal, plain lines elsewhere.
pub struct Progress {
    bar: Option<ProgressBar>,
    last: (Instant, u64),
    rate: f64,
    last_line: Instant,
}

impl Progress {
    /// Starts the display.
    pub fn start() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}")
                .expect("the template is constant");
            ProgressBar::new_spinner().with_style(style)
        });
        set_live(bar.clone());
        let now = Instant::now();
        Self { bar, last: (now, 0), rate: 0.0, last_line: now }
    }

    /// Shows `status`. Call it several times a second.
    pub fn show(&mut self, status: &Status) {
        let (then, before) = self.last;
        let elapsed = then.elapsed();
        // the rate is measured over the time between two lines.
        let between = if self.bar.is_some() { Duration::from_secs(1) } else { PLAIN };
        if elapsed >= between {
            let samples = status.samples();
            self.rate = (samples - before) as f64 / elapsed.as_secs_f64();
            self.last = (Instant::now(), samples);
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(status.line(self.rate));
                bar.tick();
            }
            None if self.last_line.elapsed() >= PLAIN => {
                self.last_line = Instant::now();
                tracing::info!("{}", status.line(self.rate));
            }
            None => {}
        }
    }

    /// Ends the live line.
    pub fn finish(self) {
        set_live(None);
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
