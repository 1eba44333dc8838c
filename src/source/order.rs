//! The rules of event time, late samples and buffering.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::InvalidReason;

/// The `[order]` table: event time, late samples and buffering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderRules {
    /// The maximum delay of a sample after the newest one of its partition with which it keeps its own
    /// position (default `"0s"`).
    pub out_of_orderness: Span,
    /// The handling of later samples (default `admit`).
    pub late: Late,
    /// The maximum time by which an event time may be ahead of its record's timestamp (default `"1d"`).
    pub max_ahead: Span,
    /// Event times outside are rejected (default: no bounds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// Time, by the wall clock, after which others no longer wait for a silent partition (default: they
    /// always wait). Its later samples get positions after the decisions made without it, so that results
    /// depend on the time at which it became silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_after: Option<Span>,
    /// Time after its event time for which a sample waits for its label, and a label for its sample, if
    /// there is a topic of labels (default `"0s"`: a sample is shown at once and its label when it arrives;
    /// a label must arrive after its sample).
    pub label_wait: Span,
    /// Maximum number of samples of a partition that are read before they are in order, and of ordered
    /// samples that wait while policies wait for a training (default a million).
    pub max_buffered: std::num::NonZeroUsize,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            out_of_orderness: Span::from_millis(0),
            late: Late::Admit,
            max_ahead: Span::from_millis(86_400_000),
            time_range: None,
            idle_after: None,
            label_wait: Span::from_millis(0),
            max_buffered: std::num::NonZeroUsize::new(1_000_000).expect("a million is not zero"),
        }
    }
}

/// The handling of a late sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// It gets the current position of its partition.
    #[default]
    Admit,
    /// It becomes a dead letter.
    DeadLetter,
}

/// Bounds of event time, in milliseconds since 1970, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// The earliest event time.
    pub from: i64,
    /// The latest event time.
    pub to: i64,
}

/// Computes the positions of the messages of a partition.
///
/// ```text
/// W(o) = highest event time before offset o  −  out_of_orderness
/// position time = max(event time, W(o));     late: event time < W(o)
/// ```
///
/// A position is a function of the partition's content alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatermarkTracker {
    /// The highest event time so far.
    highest: Option<i64>,
}

/// The position of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its own event time, in milliseconds since 1970.
    pub time: i64,
    /// Its position time.
    pub position_time: i64,
    /// Whether it is later than the rules allow.
    pub late: bool,
}

impl WatermarkTracker {
    /// Creates a tracker without messages.
    pub fn new() -> Self {
        Self { highest: None }
    }

    /// Creates a tracker for a partition with a recorded [`highest`](Self::highest) event time.
    pub fn resumed(highest: i64) -> Self {
        Self { highest: (highest != i64::MIN).then_some(highest) }
    }

    /// The highest event time so far, in milliseconds since 1970; the lowest number without messages.
    pub fn highest(&self) -> i64 {
        self.highest.unwrap_or(i64::MIN)
    }

    /// The position time before which there are no later messages of the partition.
    pub fn watermark(&self, rules: &OrderRules) -> i64 {
        self.highest
            .map_or(i64::MIN, |highest| highest.saturating_sub(rules.out_of_orderness.millis()))
    }

    /// Ensures that later messages are not positioned before `time`, in milliseconds since 1970, because
    /// others did not wait for this partition.
    pub fn raise(&mut self, rules: &OrderRules, time: i64) {
        let highest = time.saturating_add(rules.out_of_orderness.millis());
        self.highest = Some(self.highest.map_or(highest, |own| own.max(highest)));
    }

    /// Positions a deletion at its own `time`, but not before the current position of the partition. A
    /// deletion without a time has that position, too.
    pub fn place_deletion(&mut self, time: Option<i64>) -> Placed {
        self.highest = self.highest.max(time);
        let time = self.highest.unwrap_or(i64::MIN);
        Placed { time, position_time: time, late: false }
    }

    /// Positions the next sample. Its event time is its own time or otherwise its record's timestamp.
    ///
    /// # Errors
    /// When the rules reject the sample. The partition's watermark is then unchanged.
    pub fn place(
        &mut self,
        rules: &OrderRules,
        own: Option<i64>,
        timestamp: Option<i64>,
    ) -> Result<Placed, InvalidReason> {
        let time = own.or(timestamp).ok_or(InvalidReason::NoTime)?;
        if let Some(range) = rules.time_range
            && !(range.from..=range.to).contains(&time)
        {
            let bound = format!("outside {}..={} (`order.time_range`)", range.from, range.to);
            return Err(InvalidReason::Time { time, bound });
        }
        if let Some(timestamp) = timestamp
            && time > timestamp.saturating_add(rules.max_ahead.millis())
        {
            let ahead =
                format!("more than {} after its record (`order.max_ahead`)", rules.max_ahead);
            return Err(InvalidReason::Time { time, bound: ahead });
        }
        let watermark = self.watermark(rules);
        let late = time < watermark;
        if late && rules.late == Late::DeadLetter {
            return Err(InvalidReason::Late { time, behind: watermark - time });
        }
        self.highest = Some(self.highest.map_or(time, |highest| highest.max(time)));
        Ok(Placed { time, position_time: time.max(watermark), late })
    }
}

impl Default for WatermarkTracker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_records_depend_only_on_earlier_records() {
        let rules = OrderRules { out_of_orderness: Span::from_millis(5), ..OrderRules::default() };
        let mut partition = WatermarkTracker::new();
        let mut place = |time| {
            let placed = partition.place(&rules, Some(time), None).unwrap();
            (placed.position_time, placed.late)
        };
        assert_eq!(place(100), (100, false));
        assert_eq!(place(96), (96, false));
        assert_eq!(place(94), (95, true));
        assert_eq!(place(200), (200, false));
        assert_eq!(place(100), (195, true));
    }

    #[test]
    fn a_raised_partition_places_no_record_earlier() {
        let rules = OrderRules { out_of_orderness: Span::from_millis(5), ..OrderRules::default() };
        let mut partition = WatermarkTracker::new();
        partition.raise(&rules, 50);
        let place = |partition: &mut WatermarkTracker, time| {
            let placed = partition.place(&rules, Some(time), None).unwrap();
            (placed.position_time, placed.late)
        };
        assert_eq!(place(&mut partition, 10), (50, true));
        assert_eq!(place(&mut partition, 52), (52, false));
        partition.raise(&rules, 40);
        assert_eq!(place(&mut partition, 49), (50, true));
    }

    #[test]
    fn a_time_far_ahead_does_not_move_the_watermark() {
        let rules = OrderRules::default();
        let mut partition = WatermarkTracker::new();
        partition.place(&rules, Some(10), Some(10)).unwrap();
        let microseconds = partition.place(&rules, Some(1_700_000_000_000_000), Some(1_700_000));
        assert_eq!(microseconds.unwrap_err().class(), "time");
        assert_eq!(partition.watermark(&rules), 10);
    }
}
