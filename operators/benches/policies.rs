//! False alarms and delays of every registered detector and metric, with defaults and calibrated.
//!
//!     cargo bench -p driftmill-operators --bench policies -- --streams 1000
//!
//! Names of policies select them. Streams are made from seeds and are the same on all machines:
//!
//! * detectors of errors: 0 or 1; an error has probability 0.1, and 0.3 after the change;
//! * detectors of numbers: nearly normal, of mean 0, and of mean 1 after the change, with deviation 1;
//! * metrics: rows of 4 nearly normal numbers whose means change by 0.25 (metrics of categories: rows of 4
//!   errors as above); a reference of 200 rows is compared with 100 new ones each time.
//!
//! Calibrated policies should have one false alarm in 10,000 values or 100 comparisons. Their parameters
//! and thresholds are proposed by [`calibration`](driftmill_operators::calibration) for streams of other
//! seeds. A stable stream has 10,000 values or 10 comparisons. A changed stream changes after 1,000 values
//! or at once, followed by 2,000 values or 10 comparisons. Delays count these.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

use driftmill_operators::Matrix;
use driftmill_operators::calibration::{Rate, Search, observed};
use driftmill_operators::criterion::{Criterion, Direction, History};
use driftmill_operators::drift::detector::{DetectorConfig, DetectorTable, Domain, Signal};
use driftmill_operators::drift::metric::{MetricTable, measure};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

const VALUES: usize = 10_000;
const BEFORE: usize = 1000;
const AFTER: usize = 2000;
const COMPARISONS: usize = 10;
const REFERENCE: usize = 200;
const CURRENT: usize = 100;
const COLUMNS: usize = 4;
/// Distance of the seeds for calibration from all others.
const APART: u64 = 1 << 32;

/// The results on stable and on changed streams.
#[derive(Default)]
struct Found {
    /// Number of stable streams, and of measurements in them.
    streams: usize,
    measurements: usize,
    /// Number of stable streams with a false alarm, and of false alarms in them.
    disturbed: usize,
    alarms: usize,
    /// Values or comparisons from the change to the alarm, if there was one.
    delays: Vec<usize>,
}

impl Found {
    /// Collects the false alarms of each stable stream, of `measurements` measurements, and the delays of
    /// each changed one.
    fn new(alarms: &[usize], measurements: usize, delays: Vec<Option<usize>>) -> Self {
        Self {
            streams: alarms.len(),
            measurements: alarms.len() * measurements,
            disturbed: alarms.iter().filter(|alarms| **alarms > 0).count(),
            alarms: alarms.iter().sum(),
            delays: delays.into_iter().flatten().collect(),
        }
    }

    fn print(mut self, name: &str, parameter: &str) {
        self.delays.sort_unstable();
        let streams = self.streams as f64;
        let delay = |share: f64| {
            let place = (share * self.delays.len() as f64).ceil() as usize;
            let delay = self.delays.get(place.saturating_sub(1));
            delay.map_or("-".to_owned(), usize::to_string)
        };
        println!(
            "{name:18} {parameter:24} {:8.1} {:12.3} {:8.1} {:8.1} {:>8} {:>8}",
            100.0 * self.disturbed as f64 / streams,
            1000.0 * self.alarms as f64 / self.measurements as f64,
            100.0 * self.delays.len() as f64 / streams,
            100.0 - 100.0 * self.delays.len() as f64 / streams,
            delay(0.5),
            delay(0.95),
        );
    }
}

fn head(kind: &str) {
    println!(
        "\n{kind:18} {:24} {:>8} {:>12} {:>8} {:>8} {:>8} {:>8}",
        "", "false %", "per 1,000", "found %", "missed %", "median", "95 %"
    );
}

fn main() {
    let (mut streams, mut named) = (1000, Vec::new());
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        if word == "--streams" {
            let count = words.next().and_then(|count| count.parse().ok());
            streams = count.expect("--streams wants a number");
        } else {
            named.push(word);
        }
    }
    let wanted = |key: &str| named.is_empty() || named.iter().any(|name| name == key);
    println!("{streams} stable and {streams} changed streams");
    head("detector");
    DetectorTable::CATALOG.iter().filter(|(key, _)| wanted(key)).for_each(|(key, example)| {
        detectors(key, &parse(key, example), streams);
    });
    head("metric");
    MetricTable::CATALOG.iter().filter(|(key, _)| wanted(key)).for_each(|(key, example)| {
        metrics(key, &parse(key, example), streams);
    });
}

fn parse<T: serde::de::DeserializeOwned>(key: &str, example: &str) -> T {
    toml::from_str(&format!("[{key}]\n{example}")).expect("an example is a table")
}

fn once_in(many: u64) -> Rate {
    Rate::once_in(many.try_into().expect("a number above 0"))
}

/// Nearly normal with deviation 1: the sum of twelve uniform numbers, which has the same rounding on all
/// machines.
fn noise(random: &mut Pcg64) -> f64 {
    let sum: f64 = (0..12).map(|_| random.random::<f64>()).sum();
    sum - 6.0
}

fn error(random: &mut Pcg64, changed: bool) -> f64 {
    f64::from(random.random::<f64>() < if changed { 0.3 } else { 0.1 })
}

/// Values that change at `change`.
fn values(domain: Domain, seed: u64, change: usize) -> impl Iterator<Item = f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..).map(move |place| match domain {
        Domain::Real => noise(&mut random) + f64::from(place >= change),
        Domain::Binary | Domain::Unit => error(&mut random, place >= change),
    })
}

fn detectors(key: &str, table: &DetectorTable, streams: u64) {
    let setting = |name: &str, value: f64| format!("{name} = {value:.3e}");
    let parameter = table.parameter();
    detector(&**table, streams).print(key, &setting(parameter.name, parameter.value));
    let tuning: Vec<f64> = values(table.domain(), APART, usize::MAX).take(2 * VALUES).collect();
    // these values are independent of one another.
    let search = Search { block: 1.try_into().ok(), ..Search::new(once_in(10_000)) };
    match search.tune(&**table, &tuning) {
        Ok(tuned) => {
            let calibrated = table.with_parameter(tuned.value);
            let setting = setting(tuned.parameter, tuned.value);
            detector(&*calibrated, streams).print("  calibrated", &setting);
        }
        Err(error) => println!("  calibrated       {error}"),
    }
}

fn detector(config: &dyn DetectorConfig, streams: u64) -> Found {
    let domain = config.domain();
    let stable = |seed: u64| {
        let mut detector = config.init();
        let values = values(domain, seed, usize::MAX).take(VALUES);
        values.filter(|value| detector.observe(*value) == Signal::Drift).count()
    };
    let changed = |seed: u64| {
        let mut detector = config.init();
        let found = values(domain, streams + seed, BEFORE).take(BEFORE + AFTER).enumerate();
        // the whole stream is shown, including false alarms before the change.
        let drifts = found.filter(|(_, value)| detector.observe(*value) == Signal::Drift);
        drifts
            .map(|(place, _)| place)
            .find(|place| *place >= BEFORE)
            .map(|place| place - BEFORE + 1)
    };
    let alarms: Vec<usize> = (0..streams).into_par_iter().map(stable).collect();
    Found::new(&alarms, VALUES, (0..streams).into_par_iter().map(changed).collect())
}

/// The rows that a metric compares.
#[derive(Clone, Copy)]
enum Rows {
    Numbers,
    Categories,
}

impl Rows {
    /// New metrics are shown numbers.
    fn of(key: &str) -> Self {
        match key {
            "chi_squared" | "fisher" => Self::Categories,
            _ => Self::Numbers,
        }
    }

    fn draw(self, random: &mut Pcg64, rows: usize, changed: bool) -> Matrix {
        let shift = if changed { 0.25 } else { 0.0 };
        let value = |random: &mut Pcg64| match self {
            Self::Numbers => noise(random) + shift,
            Self::Categories => error(random, changed),
        };
        Matrix::new(COLUMNS, (0..rows * COLUMNS).map(|_| value(random) as f32).collect())
    }
}

fn metrics(key: &str, table: &MetricTable, streams: u64) {
    let rows = Rows::of(key);
    let criterion = table.named()[0].1.threshold().clone();
    let setting = match &criterion {
        Criterion::Significance(chance) => format!("p < {}", chance.p_value),
        Criterion::Value(bound) => bound.to_string(),
        _ => "follows the values before".to_owned(),
    };
    metric(table, &criterion, rows, streams).print(key, &setting);
    let score = |seed: u64| {
        let mut random = Pcg64::seed_from_u64(APART + seed);
        let reference = rows.draw(&mut random, REFERENCE, false);
        table.named()[0].1.init().distance(&reference, &rows.draw(&mut random, CURRENT, false))
    };
    let scores: Vec<f64> = (0..1000u64).into_par_iter().map(score).collect();
    match observed(&scores, Direction::Higher, once_in(100)) {
        Ok(proposal) => {
            let bound = Criterion::Value(proposal.threshold);
            let setting = format!("{:.4}", proposal.threshold);
            metric(table, &bound, rows, streams).print("  calibrated", &setting);
        }
        Err(error) => println!("  calibrated       {error}"),
    }
}

fn metric(table: &MetricTable, criterion: &Criterion, rows: Rows, streams: u64) -> Found {
    let run = |seed: u64, changed: bool| {
        let mut random = Pcg64::seed_from_u64(seed);
        let reference = rows.draw(&mut random, REFERENCE, false);
        let mut metric = table.named()[0].1.init();
        let mut history = History::default();
        let fires = |_| {
            let current = rows.draw(&mut random, CURRENT, changed);
            let measured = measure(&mut *metric, criterion, &reference, &current);
            criterion.compare(&mut history, Direction::Higher, measured).fires
        };
        (0..COMPARISONS).map(fires).collect::<Vec<bool>>()
    };
    let alarms = |seed: u64| run(seed, false).iter().filter(|fires| **fires).count();
    let delay =
        |seed: u64| run(streams + seed, true).iter().position(|fires| *fires).map(|at| at + 1);
    let alarms: Vec<usize> = (0..streams).into_par_iter().map(alarms).collect();
    Found::new(&alarms, COMPARISONS, (0..streams).into_par_iter().map(delay).collect())
}
