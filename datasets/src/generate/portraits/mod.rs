//! The generator of portraits with slowly changing fashion.

use std::ops::Range;

use chrono::{NaiveDate, NaiveTime};
use rand_pcg::Pcg64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::sitter::{SIDE, Sitter};
use self::trends::Trends;
use super::random::{Draw, number, random};
use super::{Generator, GeneratorConfig};
use crate::{Columns, DatasetError, Positive, Schema, ValueType};

mod sitter;
mod trends;

pub(super) const EXAMPLE: &str = "seed = 1";

/// The first year of the stream and the year after the last.
const YEARS: Range<u16> = 1930..2014;

/// Portraits of two classes from 1930 to 2013. Their fashion changes slowly, and once fast.
///
/// Grey images of 32 × 32 modelled on the Yearbook data set. Eight *cues* of a face (hair length,
/// hair volume, smile, collar, parting, brow, jaw, hair texture) each have a value, for class
/// c = ±1 at time t in years:
///
/// ```text
/// z = m(t) + c · d(t) + ε        ε ~ N(0, I)        |d(t)| = 2
/// ```
///
/// m is the fashion that both classes follow, and d is half the distance between them. Both are
/// piecewise linear in t. A classifier that knows the exact cues is right in Φ(2) = 97.7 % of the
/// cases in every year. Only the *direction* of d moves, by about one degree a year, and fast
/// between the two years of `change`: models from before the change fail after it, and later
/// models fail on the early years. Light, contrast, background, tones, position, size and grain
/// change too, but do not depend on the class.
///
/// Year y has `scale` · (280 + 230 · (y − 1930) / 83) samples at random times, 33,180 in all.
///
/// Reference: after Ginosar, Rakelly, Sachs, Yin and Efros, *A century of portraits*, ICCV
/// workshops 2015, and Yao and others, *Wild-Time*, NeurIPS 2022, whose photographs are not used.
///
/// ```
/// use driftmill_datasets::generate::{GeneratorConfig, Portraits};
///
/// let portraits: Portraits = toml::from_str("change = [1969, 1974]").unwrap();
/// assert_eq!(portraits.len(), 33_180);
/// assert_eq!(portraits.schema().shape, [1, 32, 32]);
/// assert_eq!(portraits.change_points(), [12_974, 14_942]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Portraits {
    /// Seed of all randomness. Default: 0.
    pub seed: u64,
    /// Years at whose start the fast change begins and ends, after 1960 and before 1985. Default:
    /// `[1968, 1976]`; `[1969, 1974]` is faster and shorter.
    pub change: Change,
    /// Factor on the number of samples of every year. Default: 1.
    pub scale: Positive,
}

/// The years in which a fast change begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "[u16; 2]")]
pub struct Change([u16; 2]);

/// The error for an invalid pair of years.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted two years after 1960 and before 1985, in order, found {0:?}")]
pub struct ChangeError([u16; 2]);

impl TryFrom<[u16; 2]> for Change {
    type Error = ChangeError;

    fn try_from(years: [u16; 2]) -> Result<Self, ChangeError> {
        if 1960 < years[0] && years[0] < years[1] && years[1] < 1985 {
            Ok(Self(years))
        } else {
            Err(ChangeError(years))
        }
    }
}

impl Default for Portraits {
    fn default() -> Self {
        Self { seed: 0, change: Change([1968, 1976]), scale: 1.0.try_into().expect("above 0") }
    }
}

impl Portraits {
    /// Index of the first sample of each year, and of the year after the last.
    fn firsts(&self) -> Vec<u64> {
        let count = |year: u16| {
            let passed = f64::from(year - YEARS.start);
            (self.scale.get() * (280.0 + 230.0 * passed / 83.0)).round() as u64
        };
        let mut next = 0_u64;
        let firsts = YEARS.map(|year| {
            let first = next;
            next = next.saturating_add(count(year));
            first
        });
        let mut firsts: Vec<u64> = firsts.collect();
        firsts.push(next);
        firsts
    }

    fn generator(&self) -> PortraitsGenerator {
        PortraitsGenerator {
            seed: self.seed,
            trends: Trends::new(self.change.0.map(f64::from)),
            firsts: self.firsts(),
            drawn: None,
        }
    }
}

impl GeneratorConfig for Portraits {
    fn schema(&self) -> Schema {
        Schema { value: ValueType::U8, shape: vec![1, SIDE, SIDE] }
    }

    fn classes(&self) -> u32 {
        2
    }

    fn len(&self) -> u64 {
        self.firsts()[YEARS.len()]
    }

    fn change_points(&self) -> Vec<u64> {
        let firsts = self.firsts();
        self.change.0.map(|year| firsts[usize::from(year - YEARS.start)]).to_vec()
    }

    fn init(&self) -> Result<Box<dyn Generator>, DatasetError> {
        Ok(Box::new(self.generator()))
    }
}

struct PortraitsGenerator {
    seed: u64,
    trends: Trends,
    firsts: Vec<u64>,
    /// The random times of the year that was asked for last.
    drawn: Option<YearTimes>,
}

/// The random times of the samples of one year.
struct YearTimes {
    /// The index of the year among all years.
    year: usize,
    /// Times as shares of the year, in order.
    shares: Vec<f64>,
}

/// A sample before it is painted.
struct Portrait {
    /// Event time in milliseconds since 1970.
    time: i64,
    sitter: Sitter,
    /// The random numbers that are left for the grain.
    random: Pcg64,
}

impl PortraitsGenerator {
    /// The time of sample `index`: its year and the share of the year that has passed.
    fn moment(&mut self, index: u64) -> (u16, f64) {
        let year = self.firsts.partition_point(|&first| first <= index) - 1;
        let first = self.firsts[year];
        let drawn = match self.drawn.take().filter(|drawn| drawn.year == year) {
            Some(drawn) => drawn,
            None => {
                let mut random = random(self.seed, "portraits/times", year as u64);
                let count = self.firsts[year + 1] - first;
                let mut shares: Vec<f64> = (0..count).map(|_| random.uniform()).collect();
                shares.sort_by(f64::total_cmp);
                YearTimes { year, shares }
            }
        };
        let share = drawn.shares[usize::try_from(index - first).expect("one of the shares")];
        self.drawn = Some(drawn);
        (YEARS.start + u16::try_from(year).expect("one of the years"), share)
    }

    /// Draws sample `index`.
    fn portrait(&mut self, index: u64) -> Portrait {
        let (year, share) = self.moment(index);
        let mut random = random(self.seed, "portraits", index);
        let sitter = Sitter::draw(&self.trends.at(f64::from(year) + share), &mut random);
        let (start, end) = (new_year(year), new_year(year + 1));
        let passed = (share * number(end.abs_diff(start))).floor() as i64;
        Portrait { time: start + passed, sitter, random }
    }
}

/// The first millisecond of a year.
fn new_year(year: u16) -> i64 {
    let day = NaiveDate::from_ymd_opt(year.into(), 1, 1).expect("each year has a first day");
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}

impl Generator for PortraitsGenerator {
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns) {
        for index in range {
            let Portrait { time, sitter, mut random } = self.portrait(index);
            sitter.paint(&mut random, columns.values.bytes());
            columns.finish_row(Some(time), Some(sitter.class));
        }
    }
}

#[cfg(test)]
mod tests;
