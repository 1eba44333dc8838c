//! An image as columns: what a 3×3 kernel sees at each pixel, and back.

use std::ops::Range;

/// Channels, height and width of an image.
#[derive(Clone, Copy)]
pub(super) struct Image {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Image {
    /// Pixels of one channel.
    pub(super) fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Values of the image.
    pub(super) fn len(self) -> usize {
        self.channels * self.pixels()
    }

    /// Rows of the column matrix: nine neighbours in each channel.
    pub(super) fn taps(self) -> usize {
        self.channels * 9
    }

    /// Writes the `[taps, pixels]` matrix of neighbours; zero where the kernel leaves the image.
    pub(super) fn to_columns(self, image: &[f32], columns: &mut [f32]) {
        let rows = columns.chunks_exact_mut(self.pixels());
        for (tap, row) in rows.enumerate() {
            let channel = &image[tap / 9 * self.pixels()..][..self.pixels()];
            self.copy_shifted(channel, shift(tap), row);
        }
    }

    /// Adds each neighbour in `columns` to the pixel it stands for: the transpose of
    /// [`Image::to_columns`].
    pub(super) fn add_columns(self, columns: &[f32], image: &mut [f32]) {
        image.fill(0.0);
        let rows = columns.chunks_exact(self.pixels());
        for (tap, row) in rows.enumerate() {
            let channel = &mut image[tap / 9 * self.pixels()..][..self.pixels()];
            self.add_shifted(row, shift(tap), channel);
        }
    }

    fn copy_shifted(self, from: &[f32], (down, right): (isize, isize), to: &mut [f32]) {
        let width = self.width;
        let inside = inside(right, width);
        let source = offset(&inside, right);
        for (y, line) in to.chunks_exact_mut(width).enumerate() {
            match y.checked_add_signed(down).filter(|y| *y < self.height) {
                None => line.fill(0.0),
                Some(y) => {
                    line[..inside.start].fill(0.0);
                    line[inside.end..].fill(0.0);
                    line[inside.clone()].copy_from_slice(&from[y * width..][source.clone()]);
                }
            }
        }
    }

    fn add_shifted(self, from: &[f32], (down, right): (isize, isize), to: &mut [f32]) {
        let width = self.width;
        let inside = inside(right, width);
        let target = offset(&inside, right);
        for (y, line) in from.chunks_exact(width).enumerate() {
            let Some(y) = y.checked_add_signed(down).filter(|y| *y < self.height) else { continue };
            let sums = &mut to[y * width..][target.clone()];
            sums.iter_mut().zip(&line[inside.clone()]).for_each(|(sum, value)| *sum += value);
        }
    }
}

/// How far down and right the neighbour `tap` lies.
fn shift(tap: usize) -> (isize, isize) {
    let tap = (tap % 9) as isize;
    (tap / 3 - 1, tap % 3 - 1)
}

/// Pixels of a line whose neighbour `right` of them is inside the line.
fn inside(right: isize, width: usize) -> Range<usize> {
    usize::from(right < 0)..width - usize::from(right > 0)
}

fn offset(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
}
