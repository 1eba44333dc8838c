//! Codecs on every row of the electricity data.

use std::fs;

use driftmill_datasets::Columns;
use driftmill_datasets::codec::{CodecConfig, Csv, Json};

use crate::data;
use crate::suite::Need;

crate::suite::tests! {
    csv_and_json_read_the_same_from_every_row needs ELECTRICITY,
}

const ELECTRICITY: Need = Need {
    name: "the electricity data",
    install: "put electricity.csv (OpenML 151, normalised) into the folder $DRIFTMILL_TEST_DATA",
    missing: || data::absent("electricity.csv"),
};

fn csv_and_json_read_the_same_from_every_row() {
    let file = fs::read_to_string(data::file("electricity.csv")).unwrap();
    let features = r#"["period", "nswdemand", "vicprice", "vicdemand", "transfer"]"#;
    let header = file.lines().next().unwrap().replace(',', "\", \"");
    let csv = format!("columns = [\"{header}\"]\nfeatures = {features}\nlabel = \"class\"");
    let csv: Csv = toml::from_str(&csv).unwrap();
    let json = format!("features = {features}\nlabel = \"class\"\nclasses = 2");
    let json: Json = toml::from_str(&json).unwrap();
    let (mut csv_codec, mut json_codec) = (csv.init(), json.init());

    let (mut rows, mut again) = (Columns::new(csv.schema()), Columns::new(json.schema()));
    for line in file.lines().skip(1) {
        csv_codec.decode(line.as_bytes(), &mut rows).unwrap();
        let message = json_codec.encode(&rows, rows.len() - 1);
        json_codec.decode(&message, &mut again).unwrap();
    }
    assert_eq!(rows, again);
    assert_eq!(rows.len(), 45_312);
    assert_eq!(rows.labels.iter().filter(|label| **label == Some(1)).count(), 19_237);
}
