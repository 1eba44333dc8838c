//! The generator of rotating digits, with the digits of MNIST.

use driftmill_datasets::generate::GeneratorTable;

use crate::suite::Need;
use crate::{data, generators};

crate::suite::tests! {
    streams_are_functions_of_their_seed needs MNIST,
    samples_do_not_depend_on_the_ranges_of_the_calls needs MNIST,
    times_never_decrease_and_labels_are_classes needs MNIST,
    every_class_occurs needs MNIST,
    change_points_are_inside_the_stream_and_in_order needs MNIST,
    streams_match_their_digests needs MNIST,
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

generators::laws!(digits);
