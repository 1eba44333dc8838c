//! Copies of rows from memory maps.

use bytemuck::Pod;

/// The distance between the prefetched row and the copied row.
const AHEAD: usize = 4;

/// Maximum number of prefetched bytes of a row. For longer rows, the processor prefetches the rest.
const PREFETCHED: usize = 2048;

/// Number of bytes that memory delivers at once.
const CACHE_LINE: usize = 64;

/// Appends `rows` to `values`.
///
/// Rows at random places are not in the cache. A copy waits for each of them unless it was prefetched.
pub(in crate::store) fn append<T: Pod>(rows: &[&[u8]], values: &mut Vec<T>) {
    values.reserve(rows.iter().map(|row| row.len() / size_of::<T>()).sum());
    for (index, row) in rows.iter().enumerate() {
        if let Some(next) = rows.get(index + AHEAD) {
            prefetch(&next[..next.len().min(PREFETCHED)]);
        }
        values.extend_from_slice(bytemuck::cast_slice(row));
    }
}

/// Prefetches `bytes`, without waiting.
#[cfg(target_arch = "x86_64")]
fn prefetch(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in bytes.chunks(CACHE_LINE) {
        #[expect(unsafe_code, reason = "a prefetch cannot fault, wherever it points")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
}

/// Other processors have no stable prefetch instruction in Rust.
#[cfg(not(target_arch = "x86_64"))]
fn prefetch(_bytes: &[u8]) {}
