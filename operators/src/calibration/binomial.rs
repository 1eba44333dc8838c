//! Tails of binomial distributions and quantiles of beta distributions.

/// P(B ≤ k) for a binomial B of n trials with probability `p`.
pub(super) fn at_most(k: usize, n: usize, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let factorial = |k: usize| libm::lgamma(k as f64 + 1.0);
    let term = |i: usize| {
        let ways = factorial(n) - factorial(i) - factorial(n - i);
        (ways + i as f64 * p.ln() + (n - i) as f64 * (-p).ln_1p()).exp()
    };
    // sum over the shorter tail.
    if k <= n / 2 {
        (0..=k).map(term).sum::<f64>().min(1.0)
    } else {
        (1.0 - (k + 1..=n).map(term).sum::<f64>()).max(0.0)
    }
}

/// The `share` quantile of the distribution Beta(k, n − k + 1), found by bisection.
///
/// This is the distribution of the probability to exceed the k-th largest of n values.
pub(super) fn beta_quantile(share: f64, k: usize, n: usize) -> f64 {
    if k == 0 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        // P(Beta ≤ p) = P(B ≥ k)
        if 1.0 - at_most(k - 1, n, middle) < share { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy.stats.binom.cdf and scipy.stats.beta.ppf of SciPy 1.17.1.
    const SCIPY_CDF: [(usize, usize, f64, f64); 6] = [
        (0, 10, 0.1, 0.34867844009999993),
        (3, 20, 0.3, 0.10708680450373087),
        (15, 20, 0.5, 0.9940910339355469),
        (7, 1000, 0.01, 0.2188631945324558),
        (60, 5000, 0.01, 0.928847941487328),
        (199, 200, 0.99, 0.8660203251420383),
    ];
    const SCIPY_PPF: [(f64, usize, usize, f64); 4] = [
        (0.025, 1, 100, 0.00025314603297742064),
        (0.975, 1, 100, 0.03621669264517641),
        (0.025, 10, 999, 0.004810331195290225),
        (0.975, 50, 5000, 0.012935647565961862),
    ];

    #[test]
    fn tails_agree_with_scipy() {
        for (k, n, p, expected) in SCIPY_CDF {
            assert!(
                (at_most(k, n, p) - expected).abs() < 1e-10,
                "{k} of {n}: {}",
                at_most(k, n, p)
            );
        }
        for (share, k, n, expected) in SCIPY_PPF {
            assert!((beta_quantile(share, k, n) - expected).abs() < 1e-10, "{share} {k} {n}");
        }
    }
}
