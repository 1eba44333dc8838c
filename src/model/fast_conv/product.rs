//! Products of small matrices.

/// A matrix factor: its values, and the distances between rows and between columns.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a> {
    values: &'a [f32],
    strides: [usize; 2],
}

impl<'a> Factor<'a> {
    /// A matrix with `cols` columns, row after row.
    pub(super) fn plain(values: &'a [f32], cols: usize) -> Self {
        Self { values, strides: [cols, 1] }
    }

    /// The transpose of a matrix with `cols` columns.
    pub(super) fn transposed(values: &'a [f32], cols: usize) -> Self {
        Self { values, strides: [1, cols] }
    }

    /// Whether all of `rows` × `cols` is within the values.
    fn holds(&self, rows: usize, cols: usize) -> bool {
        (rows - 1) * self.strides[0] + (cols - 1) * self.strides[1] < self.values.len()
    }
}

/// Whether a product replaces the existing values or is added to them.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Into {
    /// The values are overwritten.
    Place,
    /// The product is added to the values.
    Sum,
}

/// The product of `left`, `m × k`, and `right`, `k × n`, on this thread.
pub(super) fn product(
    [m, k, n]: [usize; 3],
    left: Factor<'_>,
    right: Factor<'_>,
    into: Into,
    output: &mut [f32],
) {
    assert!(left.holds(m, k) && right.holds(k, n) && output.len() == m * n, "factors do not fit");
    let [left_row, left_col] = left.strides.map(|stride| stride as isize);
    let [right_row, right_col] = right.strides.map(|stride| stride as isize);
    #[expect(unsafe_code, reason = "gemm takes pointers; the assertion above is its contract")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            output.as_mut_ptr(),
            1,
            n as isize,
            into == Into::Sum,
            left.values.as_ptr(),
            left_col,
            left_row,
            right.values.as_ptr(),
            right_col,
            right_row,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
