//! Default values of configuration keys.

use std::num::NonZeroUsize;

/// The default of a key whose value is a number above 0.
pub(crate) fn count<const N: usize>() -> NonZeroUsize {
    const { NonZeroUsize::new(N).expect("a default above 0") }
}
