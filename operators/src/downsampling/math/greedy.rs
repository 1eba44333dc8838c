//! Greedy maximisation of submodular functions.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::seq::{SliceRandom, index};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use crate::downsampling::{Budget, Chosen};

/// The greedy algorithm that maximises a submodular function of a set, sample by sample.
///
/// The *gain* of a sample is the increase of the function. It never grows with the set. Adding the
/// sample of largest gain each time reaches at least 1 − 1/e of the maximum if no gain is negative
/// (Nemhauser, Wolsey and Fisher, *An analysis of approximations for maximizing submodular set
/// functions*, Mathematical Programming 14, 1978). Ties go to the first sample. If no gain is left, as
/// with copies of chosen samples, ties are broken at random by seed and round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Greedy {
    /// Computes a gain again only if its last value is above all others: the same choice as `naive`,
    /// with far fewer computations. Reference: M. Minoux, *Accelerated greedy algorithms for
    /// maximizing submodular set functions*, Optimization Techniques, 1978.
    #[default]
    Lazy,
    /// Computes every gain in every step.
    Naive,
    /// Takes the largest gain of a random subset in each step, of n/size · ln(1/ε) samples.
    Stochastic(Stochastic),
    /// Like `lazy`, but accepts a gain of β times the largest possible gain of the others.
    ApproximateLazy(ApproximateLazy),
}

/// Parameters of `greedy.stochastic`.
///
/// At least 1 − 1/e − ε of the best value on average, with n·ln(1/ε) gains. Reference: B. Mirzasoleiman
/// et al., *Lazier Than Lazy Greedy*, AAAI 2015.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stochastic {
    /// ε, above 0 and below 1 (default 0.1).
    #[serde(default = "tenth")]
    pub epsilon: f64,
}

/// Parameters of `greedy.approximate_lazy`.
///
/// The sample whose bound is largest has its gain computed again. It is taken if that is above β
/// times the largest bound among the others, else it goes back with the new bound; β = 1 is `lazy`.
/// Each gain is then at least β times the largest one, and the value at least 1 − e^−β of the best.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ApproximateLazy {
    /// β, above 0 and at most 1 (default 0.9).
    #[serde(default = "nine_tenths")]
    pub beta: f64,
}

fn tenth() -> f64 {
    0.1
}

fn nine_tenths() -> f64 {
    0.9
}

impl Greedy {
    /// Problems of the parameters, as `(key, problem)`.
    pub(in crate::downsampling) fn check(&self) -> Vec<(&'static str, String)> {
        let problem = |problem: String| vec![("greedy", problem)];
        match self {
            Self::Stochastic(Stochastic { epsilon }) if !(*epsilon > 0.0 && *epsilon < 1.0) => {
                problem(format!("`epsilon` is {epsilon}, not between 0 and 1"))
            }
            Self::ApproximateLazy(ApproximateLazy { beta }) if !(*beta > 0.0 && *beta <= 1.0) => {
                problem(format!("`beta` is {beta}, not above 0 and at most 1"))
            }
            _ => Vec::new(),
        }
    }
}

/// A submodular function of a growing set.
pub(in crate::downsampling) trait Objective {
    /// Number of samples that the set may contain.
    fn len(&self) -> usize;

    /// The gain of `sample`, never more than in earlier calls.
    fn gain(&mut self, sample: usize) -> f64;

    /// Adds `sample` to the set.
    fn add(&mut self, sample: usize);

    /// Ties between gains up to this value are broken at random: nothing distinguishes the samples, and
    /// the first of a stream would be a biased choice.
    fn random_ties_up_to(&self) -> f64 {
        0.0
    }
}

/// The samples of a set that a greedy algorithm grows, with equal weights.
pub(in crate::downsampling) fn choose_greedily(
    mut objective: impl Objective,
    greedy: Greedy,
    budget: Budget,
) -> Vec<Chosen> {
    let chosen = maximise(&mut objective, greedy, Vec::new(), budget);
    chosen.into_iter().map(Chosen::plain).collect()
}

/// Grows the set `chosen` to the size of the budget; there must be at least as many samples.
pub(in crate::downsampling) fn maximise(
    objective: &mut dyn Objective,
    greedy: Greedy,
    mut chosen: Vec<usize>,
    budget: Budget,
) -> Vec<usize> {
    let mut random = budget.random();
    let ties = Ties::of(objective, &mut random);
    let mut open = vec![true; objective.len()];
    for sample in &chosen {
        open[*sample] = false;
        objective.add(*sample);
    }
    let wanted = budget.size.saturating_sub(chosen.len());
    let candidates: Vec<usize> = (0..open.len()).filter(|sample| open[*sample]).collect();
    chosen.extend(match greedy {
        Greedy::Lazy => lazily(objective, &ties, candidates, wanted, None),
        Greedy::ApproximateLazy(ApproximateLazy { beta }) => {
            lazily(objective, &ties, candidates, wanted, Some(beta))
        }
        Greedy::Naive => {
            let all = |open: &[usize]| (0..open.len()).collect();
            by_best_of(objective, &ties, candidates, wanted, all)
        }
        Greedy::Stochastic(Stochastic { epsilon }) => {
            let ratio = candidates.len() as f64 / wanted.max(1) as f64;
            let count = (ratio * (1.0 / epsilon).ln()).ceil().max(1.0) as usize;
            let some = |open: &[usize]| {
                index::sample(&mut random, open.len(), count.min(open.len())).into_vec()
            };
            by_best_of(objective, &ties, candidates, wanted, some)
        }
    });
    chosen
}

/// Adds the best sample among the indices of `open` that `some` returns, in each step.
fn by_best_of(
    objective: &mut dyn Objective,
    ties: &Ties,
    mut open: Vec<usize>,
    size: usize,
    mut some: impl FnMut(&[usize]) -> Vec<usize>,
) -> Vec<usize> {
    let mut chosen = Vec::new();
    while chosen.len() < size && !open.is_empty() {
        let mut bound = |place: usize| {
            let sample = open[place];
            (ties.bound(sample, objective.gain(sample), 0), place)
        };
        let places = some(&open);
        let Some((best, place)) = places.into_iter().map(&mut bound).max_by(|a, b| a.0.cmp(&b.0))
        else {
            break;
        };
        open.remove(place);
        objective.add(best.sample);
        chosen.push(best.sample);
    }
    chosen
}

/// The lazy algorithm. With `content`, a gain of this share of the others' largest possible gain is
/// accepted.
fn lazily(
    objective: &mut dyn Objective,
    ties: &Ties,
    candidates: Vec<usize>,
    size: usize,
    content: Option<f64>,
) -> Vec<usize> {
    let bound = |sample| ties.bound(sample, objective.gain(sample), 0);
    let mut bounds: BinaryHeap<Bound> = candidates.into_iter().map(bound).collect();
    let mut chosen = Vec::new();
    while let Some(mut first) = bounds.pop().filter(|_| chosen.len() < size) {
        if first.after < chosen.len() {
            first = ties.bound(first.sample, objective.gain(first.sample), chosen.len());
            let others = bounds.peek();
            let enough = others.zip(content).is_some_and(|(others, content)| {
                others.gain > 0.0 && first.gain > content * others.gain
            });
            if !enough && others.is_some_and(|others| *others > first) {
                bounds.push(first);
                continue;
            }
        }
        objective.add(first.sample);
        chosen.push(first.sample);
    }
    chosen
}

/// The order of ties. It depends on the gain alone, so that all algorithms break ties in the same way.
struct Ties {
    random_ties_up_to: f64,
    /// The position of each sample in a random order.
    shuffled: Vec<usize>,
}

impl Ties {
    fn of(objective: &dyn Objective, random: &mut Pcg64) -> Self {
        let mut shuffled: Vec<usize> = (0..objective.len()).collect();
        shuffled.shuffle(random);
        Self { random_ties_up_to: objective.random_ties_up_to(), shuffled }
    }

    fn bound(&self, sample: usize, gain: f64, after: usize) -> Bound {
        let place = if gain <= self.random_ties_up_to { self.shuffled[sample] } else { sample };
        Bound { gain, place, sample, after }
    }
}

/// The gain of a sample when `after` samples had been added. Among equal gains the least `place` comes
/// first.
#[derive(Clone, Copy)]
struct Bound {
    gain: f64,
    place: usize,
    sample: usize,
    after: usize,
}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.place.cmp(&self.place))
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bound {}
