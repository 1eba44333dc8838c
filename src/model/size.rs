//! The number of parameters of a model, and its limit.

/// Maximum number of parameters of a model.
const MOST: u128 = 1_000_000_000;

/// Bytes of a parameter while it is trained: the weight, its gradient, and two numbers of the
/// optimizer, of 32 bits each.
const BYTES: u128 = 16;

/// Parameters of a dense layer: weights and biases.
pub(super) fn dense(inputs: usize, outputs: usize) -> u128 {
    (inputs as u128 + 1) * outputs as u128
}

/// Parameters of a convolution of 3 × 3 with biases.
pub(super) fn convolution(inputs: usize, outputs: usize) -> u128 {
    (9 * inputs as u128 + 1) * outputs as u128
}

/// The problem of a model with this number of parameters, if there are too many.
pub(super) fn check(parameters: u128) -> Option<String> {
    let gigabytes = (parameters * BYTES).div_ceil(1_000_000_000);
    (parameters > MOST).then(|| {
        format!(
            "has {parameters} parameters, whose training takes {gigabytes} GB of memory: the \
             maximum is {MOST}\nhint: make its layers narrower"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_too_large_model_is_reported_with_its_memory() {
        assert_eq!(dense(4, 3), 15);
        assert_eq!(convolution(2, 5), 95);
        assert_eq!(check(MOST), None);
        let problem = check(dense(4, 1_000_000_000) + dense(1_000_000_000, 2)).unwrap();
        assert!(problem.starts_with("has 7000000002 parameters, whose training takes 113 GB"));
    }
}
