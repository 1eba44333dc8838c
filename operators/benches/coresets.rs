//! Choices among 10,000 samples of 512 numbers, compared with NumPy, apricot and PyTorch.
//!
//!     cargo bench -p driftmill-operators --bench coresets
//!     DRIFTMILL_PYTHON=python3 cargo bench -p driftmill-operators --bench coresets
//!
//! With a Python that has NumPy and, for more, apricot-select, scikit-learn and torch, `coresets.py`
//! chooses from samples of the same distribution. Its times are printed with their ratio to ours, which
//! is above 1 if ours are shorter. Each time is the minimum of several rounds, or of one round if it
//! takes long.
//!
//! The Python libraries keep the similarities of all pairs; ours are those to the nearest neighbours, as
//! by default.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

#[path = "support/python.rs"]
mod python;

use std::hint::black_box;
use std::time::Instant;

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{Budget, DownsamplingTable, SampleScores, choose};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use python::python;

const ROUNDS: usize = 5;
const SAMPLES: usize = 10_000;
const SIZE: usize = SAMPLES / 10;
const COLS: usize = 512;
const CLASSES: usize = 10;

fn main() {
    let theirs = python("coresets.py");
    let labels = (0..SAMPLES).map(|row| (row % CLASSES) as u32).collect();
    let given = SampleScores {
        labels: Some(labels),
        loss: Some(points(2, 1).values().iter().map(|value| value.abs()).collect()),
        irreducible: None,
        probabilities: None,
        gradients: Some(points(1, CLASSES)),
        embeddings: Some(points(0, COLS)),
        samples: SAMPLES,
    };
    let tables = [
        ("facility location", "facility_location.on = \"embeddings\""),
        (
            "facility location, by class",
            "facility_location = { on = \"embeddings\", balance = \"proportional\" }",
        ),
        ("craig", "craig.on = \"embeddings\""),
        ("craig, by class", "craig = { on = \"embeddings\", balance = \"proportional\" }"),
        ("craig, outer products", "craig.on = \"gradients_with_embeddings\""),
        ("k-center", "k_center.first = \"central\""),
        ("herding", "herding.balance = \"none\""),
        ("herding, by class", "herding = {}"),
        ("graph cut", "graph_cut = { on = \"embeddings\", balance = \"none\" }"),
        ("log determinant", "log_determinant.on = \"embeddings\""),
        (
            "grad-match, 10 columns",
            "grad_match = { gradient = \"last_layer\", balance = \"none\" }",
        ),
        (
            "grad-match, outer products, by class",
            "grad_match = { gradient = \"last_layer_with_embedding\", balance = \"proportional\" }",
        ),
        ("loss", "loss = {}"),
        ("rs2", "rs2.replacement = false"),
    ];
    for (what, table) in tables {
        let table: DownsamplingTable = toml::from_str(table).expect("a policy");
        let mut chosen = 0;
        let seconds = least(|| {
            let budget = Budget { size: SIZE, seed: 0, round: 0 };
            chosen = choose(&*table, &given, budget).expect("all is given").len();
            chosen
        });
        print!("{what:38} {:9.3} s   {chosen} chosen", seconds);
        for library in ["NumPy", "apricot", "PyTorch"] {
            if let Some(their) = theirs.get(&format!("{what} ({library})")) {
                print!("   {library} {their:9.3} s: {:6.1} ×", their / seconds);
            }
        }
        println!();
    }
}

/// Classes around random centres.
fn points(seed: u64, cols: usize) -> Matrix {
    let mut random = Pcg64::seed_from_u64(seed);
    // a sum of four, without its mean, is nearly normal.
    let mut value = || (0..4).map(|_| random.random::<f32>()).sum::<f32>() - 2.0;
    let centres: Vec<f32> = (0..CLASSES * cols).map(|_| value()).collect();
    let value = |place: usize| centres[(place / cols % CLASSES) * cols + place % cols] + value();
    Matrix::new(cols, (0..SAMPLES * cols).map(value).collect())
}

/// Seconds of the fastest round.
#[expect(clippy::disallowed_methods, reason = "a benchmark is about time, not a policy")]
fn least(mut round: impl FnMut() -> usize) -> f64 {
    let mut time = || {
        let begun = Instant::now();
        black_box(round());
        begun.elapsed().as_secs_f64()
    };
    let first = time();
    // long computations are not repeated.
    let rounds = if first > 5.0 { 1 } else { ROUNDS };
    (1..rounds).map(|_| time()).fold(first, f64::min)
}
