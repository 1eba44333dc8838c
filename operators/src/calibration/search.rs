//! The search for a detector's parameter with a wanted rate of false alarms.

use std::num::NonZeroUsize;

use super::bootstrap::Resampled;
use super::{CalibrationError, Range, Rate};
use crate::drift::detector::{DetectorConfig, Signal};

/// The search ends when the ratio of the parameter's bounds is not above this.
const RESOLUTION: f64 = 1.01;

/// Searches for the value of a detector's main [parameter](DetectorConfig::parameter) with a wanted
/// rate of false alarms.
///
/// ```text
/// rate = drifts in all streams / values in all streams
/// ```
///
/// The streams are resampled from the given values by the stationary bootstrap. The detector restarts
/// with each stream and after each drift. The search bisects the logarithm of the parameter until its
/// range is 1 %, on the same streams each time, and returns the stricter end. The rate there is not
/// above the wanted one.
///
/// Resampled streams contain only the given values. With fewer than 1/rate values the parameter may
/// therefore be too lax ([`Tuned::covered`]).
///
/// Reference: D. N. Politis, J. P. Romano, *The Stationary Bootstrap*, Journal of the American
/// Statistical Association 89 (1994).
///
/// ```
/// use driftmill_operators::{calibration::*, drift::detector::*};
/// let config: Cusum = toml::from_str("").unwrap();
/// let values: Vec<f64> = (0..1000u32).map(|i| f64::from(i * i * 37 % 101)).collect();
/// let rate = Rate::new(0.001).unwrap();
/// let search = Search { block: Some(1.try_into().unwrap()), ..Search::new(rate) };
/// let tuned = search.tune(&config, &values).unwrap();
/// assert!(tuned.parameter == "h" && tuned.value > 4.0 && tuned.value < 10.0);
/// assert!(tuned.rate <= 0.001);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The wanted share of values that are false alarms.
    pub rate: Rate,
    /// Number of resampled streams.
    pub streams: NonZeroUsize,
    /// Number of values of a stream.
    pub length: NonZeroUsize,
    /// Mean length of a block of consecutive values (default: the cube root of the number of values).
    /// 1 is right for independent values.
    pub block: Option<NonZeroUsize>,
    /// Seed of the streams.
    pub seed: u64,
}

/// The result of a [`Search`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// Name of the parameter in pipeline files.
    pub parameter: &'static str,
    /// Its value.
    pub value: f64,
    /// The rate of false alarms in the resampled streams.
    pub rate: f64,
    /// The 95 % range of the rate, from the variance between streams. It does not include the error of
    /// the given values.
    pub rate_range: Range,
    /// Whether there were at least 1/rate values.
    pub covered: bool,
}

impl Search {
    /// A search on 100 streams of 1/rate values each, from seed 0.
    ///
    /// Detectors restart with every training, and some fire most often soon after. In longer runs they
    /// fire less often than wanted.
    pub fn new(rate: Rate) -> Self {
        let some = |count: usize| NonZeroUsize::MIN.saturating_add(count.saturating_sub(1));
        Self { rate, streams: some(100), length: some(rate.needs()), block: None, seed: 0 }
    }

    /// Searches for the parameter of `config`. `values` are the detector's input, in order.
    ///
    /// # Errors
    /// [`CalibrationError`] with fewer than two values, with values outside the detector's domain, or if
    /// the detector fires too often even with the strictest parameter.
    pub fn tune(
        &self,
        config: &dyn DetectorConfig,
        values: &[f64],
    ) -> Result<Tuned, CalibrationError> {
        if values.len() < 2 {
            return Err(CalibrationError::TooFew { values: values.len(), needed: 2 });
        }
        let outside = values.iter().find(|value| !config.domain().contains(**value));
        if let Some(value) = outside {
            return Err(CalibrationError::Value(*value));
        }
        let parameter = config.parameter();
        let all = (self.streams.get() * self.length.get()) as f64;
        let most = (self.rate.get() * all).floor() as u64;
        let quiet = |value: f64| self.quiet(&*config.with_parameter(value), values, most);
        let (mut lax, mut strict) = (parameter.lax, parameter.strict);
        let Some(mut drifts) = quiet(strict) else {
            let parameter = parameter.name;
            return Err(CalibrationError::Unreachable { parameter, strictest: strict });
        };
        if let Some(found) = quiet(lax) {
            (strict, drifts) = (lax, found);
        }
        while (strict / lax).ln().abs() > RESOLUTION.ln() {
            // roots first: the product of two tiny numbers would be 0.
            let middle = lax.sqrt() * strict.sqrt();
            match quiet(middle) {
                Some(found) => (strict, drifts) = (middle, found),
                None => lax = middle,
            }
        }
        let (rate, rate_range) = self.rates(&drifts);
        let covered = values.len() >= self.rate.needs();
        Ok(Tuned { parameter: parameter.name, value: strict, rate, rate_range, covered })
    }

    /// The number of drifts in each stream; none if the total exceeds `most`.
    fn quiet(&self, config: &dyn DetectorConfig, values: &[f64], most: u64) -> Option<Vec<u64>> {
        let block = self.block.map_or((values.len() as f64).cbrt().ceil() as usize, usize::from);
        let (mut drifts, mut all) = (Vec::new(), 0);
        for stream in 0..self.streams.get() as u64 {
            let mut detector = config.init();
            let before = all;
            for value in Resampled::new(values, block, self.seed, stream).take(self.length.get()) {
                all += u64::from(detector.observe(value) == Signal::Drift);
                if all > most {
                    return None;
                }
            }
            drifts.push(all - before);
        }
        Some(drifts)
    }

    /// The number of drifts per value, and the range of 1.96 standard errors around it.
    fn rates(&self, drifts: &[u64]) -> (f64, Range) {
        let (count, length) = (drifts.len() as f64, self.length.get() as f64);
        let mean = drifts.iter().sum::<u64>() as f64 / count;
        let square = |drifts: &u64| (*drifts as f64 - mean).powi(2);
        let variance = drifts.iter().map(square).sum::<f64>() / (count - 1.0).max(1.0);
        let error = 1.96 * (variance / count).sqrt();
        let range = Range {
            low: Some((mean - error).max(0.0) / length),
            high: Some((mean + error) / length),
        };
        (mean / length, range)
    }
}
