//! Greedy maximisation of submodular functions.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rand::seq::{SliceRandom, index};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

/// How a set is grown, sample by sample, so that a submodular function of it is as large as possible.
///
/// What a sample adds to a set, its *gain*, is never more for a larger set. Taking the sample of
/// largest gain each time reaches 1 − 1/e of the best value at least, where no gain is negative
/// (Nemhauser, Wolsey and Fisher, *An analysis of approximations for maximizing submodular set
/// functions*, Mathematical Programming 14, 1978). Of equal gains the first sample's counts; but where
/// nothing is left to gain, as of samples that equal chosen ones, one at random, by seed and round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Greedy {
    /// A gain is computed again only where what it was before is above all others: exactly what
    /// `naive` chooses, with far fewer gains. Reference: M. Minoux, *Accelerated greedy algorithms for
    /// maximizing submodular set functions*, Optimization Techniques, 1978.
    #[default]
    Lazy,
    /// Every gain is computed in every step.
    Naive,
    /// The largest gain of a few samples drawn in each step, n/size · ln(1/ε) of them.
    Stochastic(Stochastic),
    /// As `lazy`, but content with a gain of β times what all others could have.
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
    /// ε, above 0 and below 1 (default .1).
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
    /// β, above 0 and at most 1 (default .9).
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
    /// What is wrong with its parameters.
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

/// A function of a set that grows.
pub(in crate::downsampling) trait Objective {
    /// Of how many samples the set may consist.
    fn len(&self) -> usize;

    /// By how much the function would grow with `sample`: never more than it said before.
    fn gain(&mut self, sample: usize) -> f64;

    /// The set has `sample` now.
    fn add(&mut self, sample: usize);

    /// Of equal gains up to this one, chance says which counts: there is no reason for any of them, and
    /// those that came first in a stream would be no fair part of it.
    fn chance_up_to(&self) -> f64 {
        0.0
    }
}

/// Grows the set `chosen` to `size` samples, of which there are as many.
pub(in crate::downsampling) fn maximise(
    objective: &mut dyn Objective,
    greedy: Greedy,
    mut chosen: Vec<usize>,
    size: usize,
    mut random: Pcg64,
) -> Vec<usize> {
    let ties = Ties::of(objective, &mut random);
    let mut open = vec![true; objective.len()];
    for sample in &chosen {
        open[*sample] = false;
        objective.add(*sample);
    }
    let wanted = size.saturating_sub(chosen.len());
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

/// Each time the best one of those that `some` names among the places of `open`.
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

/// With `content`, a gain is enough that is so much of what all others could have.
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

/// Which one of equal gains counts: what it says depends on the gain alone, so that all ways to grow a
/// set say the same.
struct Ties {
    chance_up_to: f64,
    /// The place of each sample in an order at random.
    shuffled: Vec<usize>,
}

impl Ties {
    fn of(objective: &dyn Objective, random: &mut Pcg64) -> Self {
        let mut shuffled: Vec<usize> = (0..objective.len()).collect();
        shuffled.shuffle(random);
        Self { chance_up_to: objective.chance_up_to(), shuffled }
    }

    fn bound(&self, sample: usize, gain: f64, after: usize) -> Bound {
        let place = if gain <= self.chance_up_to { self.shuffled[sample] } else { sample };
        Bound { gain, place, sample, after }
    }
}

/// What the gain of a sample was, when the set had `after` samples more than at first; of equal gains
/// the least `place` comes first.
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
