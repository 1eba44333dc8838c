//! Coresets that compare each sample with its nearest neighbours only.

use proptest::prelude::*;

use crate::coresets::{chosen, on_gradients, some_rows};
use crate::downsampling::gradients;

proptest! {
    #[test]
    fn clusters_hold_every_sample_once(values in some_rows(), size in 1usize..30, neighbours in 1usize..40) {
        let given = gradients(3, values);
        let found = chosen(&on_gradients(&format!("{neighbours}")), &given, size);
        let sum: f32 = found.iter().map(|chosen| chosen.weight).sum();
        prop_assert_eq!(sum, given.samples as f32);
        prop_assert!(found.iter().all(|chosen| chosen.weight >= 1.0));
    }

    #[test]
    fn nearest_neighbours_are_those_of_all(values in some_rows(), size in 1usize..20) {
        let given = gradients(3, values);
        let [all, many] = ["\"all\"", "1000"].map(|count| chosen(&on_gradients(count), &given, size));
        prop_assert_eq!(all, many);
    }
}
