//! Export of samples of a run as Parquet, and a run on the exported file.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, TimestampMillisecondType, UInt32Type, UInt64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::program::{decided, pipeline, run_to_end};
use crate::wait::OutputInTime;

crate::suite::tests! {
    exported_samples_match_the_run,
    a_failed_export_leaves_no_file,
}

fn export(state: &Path, file: &Path, samples: &[&str]) -> Output {
    let mut export = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    export.arg("export").args([state, file]).args(samples).output_in_time()
}

/// The rows of an exported file.
pub(crate) fn rows(state: &Path, samples: &[&str]) -> RecordBatch {
    let file = state.join("samples.parquet");
    let output = export(state, &file, samples);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

const TEXT: &str = "name = \"export\"
    source.generator = { stream.sea = { length = 10000 }, partitions = 3 }
    trigger.amount.every = 3000
    selection.new_data = { limit = 500, keep = \"uniform\" }
    model.mlp.hidden = [4]
    training = { seed = 1 }";

fn exported_samples_match_the_run() {
    let (first, folder) = run_to_end(&pipeline(TEXT), 2, 100);
    let state = folder.path().join("state");

    let all = rows(&state, &["--all"]);
    assert_eq!((all.num_rows(), all.num_columns()), (10_000, 9));
    let names = ["id", "topic", "partition", "offset", "position_time", "time", "key", "label"];
    assert!(names.iter().all(|name| all.column_by_name(name).is_some()), "{:?}", all.schema());
    let times = all["position_time"].as_primitive::<TimestampMillisecondType>().values().to_vec();
    assert!(times.is_sorted());
    assert_eq!(all["features"].as_fixed_size_list().value_length(), 3);

    // the same stream, read back from the file, gives the same decisions, and the same samples.
    let file = folder.path().join("all.parquet");
    assert!(export(&state, &file, &["--all"]).status.success());
    let back = TEXT.replace(
        "source.generator = { stream.sea = { length = 10000 }, partitions = 3 }",
        &format!(
            "source.file = {{ path = {file:?}, label = \"label\", time = \"time\",
             features = [\"features[0]\", \"features[1]\", \"features[2]\"] }}"
        ),
    );
    let all_new = |text: &str| text.replace("{ limit = 500, keep = \"uniform\" }", "{}");
    let (again, folder_again) = run_to_end(&pipeline(&all_new(&back)), 1, 1000);
    assert_eq!((again.samples, again.dead_letters), (10_000, 0));
    let times = |summary| -> Vec<serde_json::Value> {
        let decided = decided(summary)["triggers"].as_array().unwrap().clone();
        decided.iter().map(|trigger| trigger["position"]["time"].clone()).collect()
    };
    assert_eq!(times(&first), times(&again));
    let copied = rows(&folder_again.path().join("state"), &["--all"]);
    for column in ["features", "label", "time"] {
        assert_eq!(&all[column], &copied[column], "{column}");
    }

    // a training set, and a part of the stream.
    let set = rows(&state, &["--trigger", "1"]);
    assert_eq!((set.num_rows(), set.num_columns()), (500, 11));
    assert!(
        set["weight"].as_primitive::<Float32Type>().values().iter().all(|weight| *weight == 1.0)
    );
    let ids = set["id"].as_primitive::<UInt64Type>().values().to_vec();
    let place = |id: &u64| {
        all["id"].as_primitive::<UInt64Type>().values().iter().position(|other| other == id)
    };
    let labels = |batch: &RecordBatch, row| batch["label"].as_primitive::<UInt32Type>().value(row);
    for (row, id) in ids.iter().enumerate() {
        let there = place(id).unwrap();
        assert_eq!(
            set["features"].slice(row, 1).to_data(),
            all["features"].slice(there, 1).to_data()
        );
        assert_eq!(labels(&set, row), labels(&all, there));
    }
    let of_time = all["time"].as_primitive::<TimestampMillisecondType>();
    let (from, to) = (of_time.value(2_000), of_time.value(7_000));
    let within = of_time.values().iter().filter(|time| (from..to).contains(*time)).count();
    let part = rows(&state, &["--from", &from.to_string(), "--to", &to.to_string()]);
    assert_eq!(part.num_rows(), within);
}

fn a_failed_export_leaves_no_file() {
    let (_, folder) = run_to_end(&pipeline(&TEXT.replace("10000", "100")), 1, 100);
    let state = folder.path().join("state");
    let file = folder.path().join("none.parquet");
    for (samples, code, problem) in [
        (&["--trigger", "7"][..], 64, "has no trigger 7"),
        (&[][..], 64, "required"),
        (&["--from", "yesterday"][..], 64, "wanted an RFC 3339 date"),
    ] {
        let output = export(&state, &file, samples);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && said.contains(problem), "{said}");
    }
    let output = export(&state, &folder.path().join("no/such/folder.parquet"), &["--all"]);
    assert_eq!(output.status.code(), Some(69));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
