//! The rules of event time, late samples and buffering.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Refused;

/// The `[order]` table: event time, lateness and reading ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OrderRules {
    /// How far behind its partition's newest a sample may be and still keep its own place
    /// (default `"0s"`).
    pub out_of_orderness: Span,
    /// How a later sample is handled (default `admit`).
    pub late: Late,
    /// How far ahead of its record's timestamp an event time may be (default `"1d"`).
    pub max_ahead: Span,
    /// Event times outside are refused (default: none are).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// How long a partition may be silent, by the clock, until the others no longer wait for it
    /// (default: they always wait). What it brings later stands behind what was decided without it,
    /// so that results depend on when it fell silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_after: Option<Span>,
    /// How long after its event time a sample is held back for its label, and a label kept for its
    /// sample, where there is a topic of labels (default `"0s"`: a sample is seen at once and its
    /// label when it comes, and a label must come after its sample).
    pub label_wait: Span,
    /// Most samples of a partition that are read before their turn has come, and most whose turn has
    /// come while policies wait for a training (default a million).
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

/// How a late sample is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// It stands where its partition is.
    #[default]
    Admit,
    /// It goes to the dead letters.
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

/// The position of the next message of a partition.
///
/// ```text
/// W(o) = highest event time before offset o  −  out_of_orderness
/// position time = max(event time, W(o));     late: event time < W(o)
/// ```
///
/// A function of the partition's content alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatermarkTracker {
    /// The highest event time so far.
    highest: Option<i64>,
}

/// A sample's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its own event time, in milliseconds since 1970.
    pub time: i64,
    /// Its position time.
    pub position_time: i64,
    /// Whether it came later than the rules forgive.
    pub late: bool,
}

impl WatermarkTracker {
    /// Nothing was read.
    pub fn new() -> Self {
        Self { highest: None }
    }

    /// A partition whose highest event time is known, as recorded by [`highest`](Self::highest).
    pub fn resumed(highest: i64) -> Self {
        Self { highest: (highest != i64::MIN).then_some(highest) }
    }

    /// The highest event time so far, in milliseconds since 1970; the lowest number if there is
    /// none.
    pub fn highest(&self) -> i64 {
        self.highest.unwrap_or(i64::MIN)
    }

    /// No later message of the partition has an earlier position time.
    pub fn watermark(&self, rules: &OrderRules) -> i64 {
        self.highest
            .map_or(i64::MIN, |highest| highest.saturating_sub(rules.out_of_orderness.millis()))
    }

    /// Nothing that comes from now on is placed before `time`, in milliseconds since 1970: others did
    /// not wait for this partition.
    pub fn raise(&mut self, rules: &OrderRules, time: i64) {
        let highest = time.saturating_add(rules.out_of_orderness.millis());
        self.highest = Some(self.highest.map_or(highest, |own| own.max(highest)));
    }

    /// Places a message that states no time, as a deletion: where the partition is.
    pub fn place_timeless(&self) -> Placed {
        let time = self.highest.unwrap_or(i64::MIN);
        Placed { time, position_time: time, late: false }
    }

    /// Places the next sample, whose own time or else its record's timestamp is its event time.
    ///
    /// # Errors
    /// When the rules refuse the sample; the partition's watermark is then as before.
    pub fn place(
        &mut self,
        rules: &OrderRules,
        own: Option<i64>,
        timestamp: Option<i64>,
    ) -> Result<Placed, Refused> {
        let time = own.or(timestamp).ok_or(Refused::NoTime)?;
        if let Some(range) = rules.time_range
            && !(range.from..=range.to).contains(&time)
        {
            let bound = format!("outside {}..={} (`order.time_range`)", range.from, range.to);
            return Err(Refused::Time { time, bound });
        }
        if let Some(timestamp) = timestamp
            && time > timestamp.saturating_add(rules.max_ahead.millis())
        {
            let ahead =
                format!("more than {} after its record (`order.max_ahead`)", rules.max_ahead);
            return Err(Refused::Time { time, bound: ahead });
        }
        let watermark = self.watermark(rules);
        let late = time < watermark;
        if late && rules.late == Late::DeadLetter {
            return Err(Refused::Late { time, behind: watermark - time });
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
    fn lateness_is_judged_by_the_prefix() {
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
    fn a_raised_partition_places_nothing_before() {
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
