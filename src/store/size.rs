//! Numbers of bytes in pipeline files.

use std::fmt;

use driftmill_operators::Units;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of bytes, written `"500B"`, `"64KiB"`, `"10GB"` or `"1TB"`. A kB has 1000 bytes, and a KiB
/// 1024.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Size(pub u64);

const UNITS: Units = Units {
    sizes: &[
        ("B", 1),
        ("kB", 1_000),
        ("KB", 1_000),
        ("KiB", 1 << 10),
        ("MB", 1_000_000),
        ("MiB", 1 << 20),
        ("GB", 1_000_000_000),
        ("GiB", 1 << 30),
        ("TB", 1_000_000_000_000),
        ("TiB", 1 << 40),
    ],
    of_zero: "B",
    wanted: "a number and a unit of B, kB, MB, GB, TB, KiB, MiB, GiB, TiB, as in \"10GB\"",
};

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        UNITS.parse(&text).map(Self)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&UNITS.write(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_trip() {
        for text in ["0B", "1B", "999B", "64KiB", "10GB", "1TB", "3MiB"] {
            assert_eq!(Size::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for wrong in ["", "10", "GB", "1 GB", "-1B", "1gb", "99999999999TB"] {
            assert!(Size::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
