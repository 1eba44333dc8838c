//! The generator that turns the digits of MNIST.

use driftmill_datasets::generate::GeneratorTable;

use crate::suite::Need;
use crate::{data, generators};

crate::suite::tests! {
    streams_are_functions_of_their_seed needs MNIST,
    samples_do_not_depend_on_the_ranges_they_are_asked_in needs MNIST,
    times_never_go_back_and_labels_are_classes needs MNIST,
    every_class_occurs needs MNIST,
    change_points_are_inside_the_stream_and_in_order needs MNIST,
    streams_stay_as_they_are needs MNIST,
}

const IMAGES: &str = "mnist-t10k-images.idx3.gz";
const LABELS: &str = "mnist-t10k-labels.idx1.gz";

const MNIST: Need = Need {
    name: "the test set of MNIST",
    install: "put mnist-t10k-images.idx3.gz and mnist-t10k-labels.idx1.gz into the folder \
              $DRIFTMILL_TEST_DATA",
    missing: || data::absent(IMAGES).or_else(|| data::absent(LABELS)),
};

/// The generator of digits.
fn digits(seed: u64) -> Vec<(&'static str, GeneratorTable)> {
    generators::examples(seed, |key, table| {
        table.insert("images".to_owned(), data::file(IMAGES).display().to_string().into());
        table.insert("labels".to_owned(), data::file(LABELS).display().to_string().into());
        key == "rotating_digits"
    })
}

fn streams_are_functions_of_their_seed() {
    generators::streams_are_functions_of_their_seed(digits);
}

fn samples_do_not_depend_on_the_ranges_they_are_asked_in() {
    generators::samples_do_not_depend_on_the_ranges_they_are_asked_in(digits);
}

fn times_never_go_back_and_labels_are_classes() {
    generators::times_never_go_back_and_labels_are_classes(digits);
}

fn every_class_occurs() {
    generators::every_class_occurs(digits);
}

fn change_points_are_inside_the_stream_and_in_order() {
    generators::change_points_are_inside_the_stream_and_in_order(digits);
}

fn streams_stay_as_they_are() {
    generators::streams_stay_as_they_are(digits);
}
