//! Copies rows out of memory maps.

use bytemuck::Pod;

/// How many rows ahead of the copy memory is asked for the next one.
const AHEAD: usize = 4;

/// Most bytes asked for of a row; of a longer one the processor sees by itself what comes.
const PREFETCHED: usize = 2048;

/// Bytes that memory delivers at once.
const CACHE_LINE: usize = 64;

/// Appends `rows` to `values`.
///
/// Rows at random places are not in the cache, and a copy waits for each of them unless it was
/// asked for in time.
pub(in crate::store) fn append<T: Pod>(rows: &[&[u8]], values: &mut Vec<T>) {
    values.reserve(rows.iter().map(|row| row.len() / size_of::<T>()).sum());
    for (index, row) in rows.iter().enumerate() {
        if let Some(next) = rows.get(index + AHEAD) {
            prefetch(&next[..next.len().min(PREFETCHED)]);
        }
        values.extend_from_slice(bytemuck::cast_slice(row));
    }
}

/// Asks memory for `bytes`, without waiting.
#[cfg(target_arch = "x86_64")]
fn prefetch(bytes: &[u8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in bytes.chunks(CACHE_LINE) {
        #[expect(unsafe_code, reason = "a prefetch reads nothing, wherever it points")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast());
        }
    }
}

/// Elsewhere there is no stable way to ask.
#[cfg(not(target_arch = "x86_64"))]
fn prefetch(_bytes: &[u8]) {}
