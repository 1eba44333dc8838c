//! Tests of the rotating digits with small files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

/// Writes three images, each of one grey and compressed, and a file of `labels`.
fn files(labels: &[u8]) -> (TempDir, RotatingDigits) {
    let folder = tempfile::tempdir().unwrap();
    let (images_path, labels_path) =
        (folder.path().join("images.gz"), folder.path().join("labels"));
    let mut images = GzEncoder::new(Vec::new(), Compression::fast());
    images.write_all(&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28]).unwrap();
    for grey in [10, 20, 30] {
        images.write_all(&[grey; SIDE * SIDE]).unwrap();
    }
    std::fs::write(&images_path, images.finish().unwrap()).unwrap();
    let header = [0, 0, 8, 1, 0, 0, 0, u8::try_from(labels.len()).unwrap()];
    std::fs::write(&labels_path, [&header, labels].concat()).unwrap();
    let table = format!("images = {images_path:?}\nlabels = {labels_path:?}\nlength = 30");
    (folder, toml::from_str(&table).unwrap())
}

#[test]
fn every_pass_has_every_digit_once_in_its_own_order() {
    let (_folder, digits) = files(&[1, 2, 3]);
    let mut columns = Columns::new(digits.schema());
    digits.init().unwrap().fill(0..30, &mut columns);
    let centre = |row: usize| columns.values.clone().bytes()[row * SIDE * SIDE + 14 * SIDE + 14];
    let labels: Vec<u32> = columns.labels.iter().map(|label| label.unwrap()).collect();
    assert!((0..30).all(|row| u32::from(centre(row)) == 10 * labels[row]));
    let passes: Vec<&[u32]> = labels.chunks(3).collect();
    assert!(passes.iter().any(|pass| *pass != passes[0]));
    for pass in passes {
        assert_eq!(pass.iter().sum::<u32>(), 6, "{pass:?}");
    }
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    for (labels, found) in [(&[1, 2][..], "2 for 3 images"), (&[1, 2, 10], "a label of 10")] {
        let (_folder, digits) = files(labels);
        assert_eq!(digits.init().err().unwrap().found, found);
    }
}

#[test]
fn angles_grow_as_the_mode_says() {
    let (_folder, mut digits) = files(&[1, 2, 3]);
    let degrees = |digits: &RotatingDigits| [0, 4, 5, 29].map(|i| digits.angle(i).to_degrees());
    assert_eq!(degrees(&digits).map(f64::round), [0.0, 24.0, 30.0, 174.0]);
    digits.mode = Mode::Abrupt;
    assert_eq!(degrees(&digits).map(f64::round), [0.0, 0.0, 30.0, 150.0]);
    assert_eq!(digits.change_points(), [5, 10, 15, 20, 25]);
}
