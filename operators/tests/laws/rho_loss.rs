//! Reducible holdout losses: worked examples, and their relation to losses.

use driftmill_operators::downsampling::{SampleScores, choose};
use proptest::prelude::*;

use crate::downsampling::{budget, indices, policy};

fn given(loss: Vec<f32>, irreducible: Vec<f32>) -> SampleScores {
    SampleScores { loss: Some(loss), irreducible: Some(irreducible), ..SampleScores::of(6) }
}

fn chosen(table: &str, given: &SampleScores, size: usize) -> Vec<usize> {
    let chosen = choose(&*policy(table), given, budget(size)).unwrap();
    assert!(chosen.iter().all(|chosen| chosen.weight == 1.0));
    indices(&chosen)
}

#[test]
fn the_highest_differences_are_chosen_in_their_order() {
    // differences: 0.5, −1, 1, 0, 1, 0; two pairs of them are equal.
    let losses = given(vec![2.5, 0.0, 1.0, -0.0, 9.0, 4.0], vec![2.0, 1.0, 0.0, 0.0, 8.0, 4.0]);
    for (size, wanted) in [(1, vec![2]), (2, vec![2, 4]), (4, vec![2, 4, 0, 3])] {
        assert_eq!(chosen("rho_loss = {}", &losses, size), wanted);
    }
    assert_eq!(chosen("rho_loss = {}", &losses, 5), [2, 4, 0, 3, 5]);
    let losses = SampleScores { labels: Some(vec![0, 1, 0, 1, 0, 0]), ..losses };
    assert_eq!(chosen("rho_loss.balance = \"fair_share\"", &losses, 3), [2, 4, 3]);
}

#[test]
fn both_losses_must_be_usable() {
    let (some, five) = (vec![1.0; 6], vec![1.0; 5]);
    let without = SampleScores { irreducible: None, ..given(some.clone(), some.clone()) };
    let bad = |value: f32| vec![1.0, 1.0, value, 1.0, 1.0, 1.0];
    for (given, wanted) in [
        (without, "no irreducible loss of the candidates"),
        (given(some.clone(), five), "irreducible loss: wrong number of rows: 5"),
        (
            given(some.clone(), bad(f32::NAN)),
            "irreducible loss of candidate 2: not a usable number",
        ),
        (given(some.clone(), bad(-0.1)), "irreducible loss of candidate 2: not a usable number"),
        (given(bad(f32::INFINITY), some), "loss of candidate 2: not a usable number"),
    ] {
        let found = choose(&*policy("rho_loss = {}"), &given, budget(2)).unwrap_err();
        assert_eq!(found.to_string(), wanted);
    }
}

proptest! {
    #[test]
    fn equal_changes_of_both_losses_do_not_change_the_choice(
        losses in prop::collection::vec((0u16..64).prop_map(|loss| f32::from(loss) / 8.0), 6),
        (irreducible, size) in (0u16..64, 1usize..6),
    ) {
        let alike = given(losses, vec![f32::from(irreducible) / 8.0; 6]);
        let found = chosen("rho_loss = {}", &alike, size);
        prop_assert_eq!(found, chosen("loss.draws = \"top\"", &alike, size));
    }
}
