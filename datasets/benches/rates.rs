//! Samples per second of every codec and generator, on one core.
//!
//! `cargo bench -p driftmill-datasets`

#![expect(clippy::print_stdout, reason = "the report of a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use driftmill_datasets::codec::CodecTable;
use driftmill_datasets::generate::GeneratorTable;
use driftmill_datasets::{Columns, Values};

/// The features of a row of the electricity stream, without the column that the literature omits.
const ROW: [f32; 5] = [0.021277, 0.415055, 0.003467, 0.422915, 0.414912];

const CODECS: [&str; 4] = [
    r#"
    [json]
    features = ["period", "nswdemand", "vicprice", "vicdemand", "transfer"]
    label = "class"
    "#,
    r#"
    [csv]
    columns = ["period", "nswdemand", "vicprice", "vicdemand", "transfer", "class"]
    features = ["period", "nswdemand", "vicprice", "vicdemand", "transfer"]
    label = "class"
    "#,
    r#"
    [image]
    shape = [1, 32, 32]
    "#,
    r#"
    [png]
    shape = [1, 32, 32]
    label = "class"
    "#,
];

const GENERATORS: [(&str, u64); 4] =
    [("sea", 50_000), ("hyperplane", 10_000), ("rbf", 10_000), ("portraits", 33_180)];

fn main() {
    CODECS.iter().for_each(|table| decode(table));
    for (key, samples) in GENERATORS {
        generate(key, samples);
    }
}

fn decode(table: &str) {
    let config: CodecTable = toml::from_str(table).expect("the tables above are valid");
    let mut columns = Columns::new(config.schema());
    match &mut columns.values {
        Values::F32(values) => values.extend(ROW),
        Values::U8(values) => values.extend((0..32 * 32).map(|pixel| (pixel * pixel % 251) as u8)),
    }
    let samples = 500_000 / columns.values.len().div_ceil(50);
    columns.finish_row(None, Some(1));
    let mut codec = config.init();
    let message = codec.encode(&columns, 0);

    let elapsed = fastest(|| {
        columns.clear();
        for _ in 0..samples {
            codec
                .decode(black_box(&message), &mut columns)
                .expect("the message was encoded by this codec");
        }
        black_box(&columns);
    });
    report("decode", config.key(), samples as u64, elapsed);
}

fn generate(key: &str, samples: u64) {
    let config: GeneratorTable = toml::from_str(&format!("[{key}]")).expect("defaults suffice");
    let mut columns = Columns::new(config.schema());
    let elapsed = fastest(|| {
        columns.clear();
        config.init().expect("no files are needed").fill(0..samples, &mut columns);
        black_box(&columns);
    });
    report("generate", key, samples, elapsed);
}

/// The time of the fastest of five runs, which other programs disturbed least.
fn fastest(mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    (0..5).map(time).min().expect("five runs")
}

fn report(task: &str, key: &str, samples: u64, elapsed: Duration) {
    let rate = samples as f64 / elapsed.as_secs_f64();
    println!("{task:8}  {key:12}{rate:12.0} samples/s  ({samples} in {elapsed:.3?})");
}
