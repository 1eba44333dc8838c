//! Pauses between attempts, longer each time.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses between attempts. Each is twice as long as the one before, with a random deviation of up to a
/// half, so that many jobs do not reconnect at the same time.
#[derive(Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.0.min(16)).min(LONGEST);
        self.0 += 1;
        pause.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_half_a_minute() {
        let mut backoff = Backoff::default();
        let pauses: Vec<Duration> = (0..40).map(|_| backoff.pause()).collect();
        assert!(pauses[0] <= FIRST && pauses[0] >= FIRST / 2);
        assert!(pauses[3] > pauses[1]);
        assert!(pauses[20..].iter().all(|pause| *pause <= LONGEST && *pause >= LONGEST / 2));
    }
}
