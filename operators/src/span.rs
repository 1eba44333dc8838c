//! Lengths of event time.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Units;

/// A length of event time.
///
/// Spans are written `"10s"`, `"30m"`, `"12h"`, `"1d"`, `"2w"`, `"1y"` or `"250ms"`. A day has 24 hours and
/// a year 365 days. There are no months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
pub struct Span(i64);

const UNITS: Units = Units {
    sizes: &[
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ],
    of_zero: "s",
    wanted: "a number and a unit of ms, s, m, h, d, w, y, as in \"30m\"",
};

impl Span {
    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The span in milliseconds.
    pub const fn millis(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        UNITS.parse(&text).map(Self)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&UNITS.write(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_round_trip() {
        for text in ["250ms", "10s", "30m", "12h", "1d", "2w", "1y"] {
            assert_eq!(Span::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for wrong in ["", "10", "d", "1 d", "-1d", "1month", "400000000y", "99999999999999y"] {
            assert!(Span::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
