//! Generators that need no files.

use driftmill_datasets::generate::GeneratorTable;

use crate::generators;

/// All generators except those that read files.
fn without_files(seed: u64) -> Vec<(&'static str, GeneratorTable)> {
    generators::examples(seed, |_, table| !table.contains_key("images"))
}

generators::laws!(
    #[test]
    without_files
);

#[test]
fn examples_parse_and_check() {
    for &(key, example) in GeneratorTable::CATALOG {
        let config: GeneratorTable = toml::from_str(&format!("[{key}]\n{example}")).unwrap();
        assert_eq!(config.key(), key);
        assert_eq!(config.check(), [], "{key}");
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<GeneratorTable>(&written).unwrap(), config, "{key}");
        let error = toml::from_str::<GeneratorTable>(&format!("[{key}]\n{example}\nsead = 1"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("unknown field `sead`"), "{key}: {error}");
    }
}

#[test]
fn files_with_other_content_are_refused_with_a_hint() {
    let table = "[rotating_digits]\nimages = \"Cargo.toml\"\nlabels = \"Cargo.toml\"";
    let config: GeneratorTable = toml::from_str(table).unwrap();
    let error = config.init().err().unwrap().to_string();
    assert_eq!(
        error,
        "reading `Cargo.toml`: wanted an IDX file of images of 28 × 28, found a file with another \
         header\nhint: name the files of MNIST as they are downloaded, compressed or not, relative \
         to the working directory"
    );
}
