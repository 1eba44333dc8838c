//! Conversion of an image to columns with the neighbourhood of each pixel for a 3×3 kernel, and back.
//!
//! Both directions use a copy of the image with a border of zeros. In it, every line of every neighbour is
//! contiguous, at an offset that depends only on the neighbour.

use pulp::{Simd, WithSimd};

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

    /// Values of the image with its border.
    pub(super) fn padded_len(self) -> usize {
        self.channels * self.padded_pixels()
    }

    fn padded_pixels(self) -> usize {
        (self.height + 2) * self.pitch()
    }

    /// The distance from one line of the padded image to the next.
    fn pitch(self) -> usize {
        self.width + 2
    }

    /// Visits the start of each line of the image, in the image and in the padded image.
    #[inline(always)]
    fn inner_lines(self, mut each: impl FnMut(usize, usize)) {
        for channel in 0..self.channels {
            for y in 0..self.height {
                let line = channel * self.pixels() + y * self.width;
                each(line, channel * self.padded_pixels() + (y + 1) * self.pitch() + 1);
            }
        }
    }

    /// Visits the start of each line of each neighbour, in the columns and in the padded image.
    #[inline(always)]
    fn tap_lines(self, mut each: impl FnMut(usize, usize)) {
        for tap in 0..self.taps() {
            let (channel, down, right) = (tap / 9, tap % 9 / 3, tap % 3);
            let first = channel * self.padded_pixels() + down * self.pitch() + right;
            for y in 0..self.height {
                each(tap * self.pixels() + y * self.width, first + y * self.pitch());
            }
        }
    }
}

/// Work on the lines of an image.
pub(super) trait LineByLine {
    /// Values of a line.
    fn width(&self) -> usize;

    /// Does the work. A line of known width is a few moves of registers; `0` stands for any width.
    fn of_width<const WIDTH: usize>(self);
}

/// Does the work with the registers that there are.
pub(super) struct Vectorized<T>(pub(super) T);

impl<T: LineByLine> WithSimd for Vectorized<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.0.width() {
            32 => self.0.of_width::<32>(),
            16 => self.0.of_width::<16>(),
            8 => self.0.of_width::<8>(),
            _ => self.0.of_width::<0>(),
        }
    }
}

/// Writes the `[taps, pixels]` matrix of neighbours; `padded` has a border of zeros, which stays.
pub(super) struct ToColumns<'a> {
    pub(super) shape: Image,
    pub(super) image: &'a [f32],
    pub(super) padded: &'a mut [f32],
    pub(super) columns: &'a mut [f32],
}

impl LineByLine for ToColumns<'_> {
    fn width(&self) -> usize {
        self.shape.width
    }

    #[inline(always)]
    fn of_width<const WIDTH: usize>(self) {
        let width = if WIDTH == 0 { self.shape.width } else { WIDTH };
        self.shape.inner_lines(|line, at| {
            self.padded[at..][..width].copy_from_slice(&self.image[line..][..width]);
        });
        self.shape.tap_lines(|line, at| {
            self.columns[line..][..width].copy_from_slice(&self.padded[at..][..width]);
        });
    }
}

/// Sums each neighbour in `columns` at its pixel: the transpose of [`ToColumns`].
pub(super) struct FromColumns<'a> {
    pub(super) shape: Image,
    pub(super) columns: &'a [f32],
    pub(super) padded: &'a mut [f32],
    pub(super) image: &'a mut [f32],
}

impl LineByLine for FromColumns<'_> {
    fn width(&self) -> usize {
        self.shape.width
    }

    #[inline(always)]
    fn of_width<const WIDTH: usize>(self) {
        let width = if WIDTH == 0 { self.shape.width } else { WIDTH };
        self.padded.fill(0.0);
        self.shape.tap_lines(|line, at| {
            let values = &self.columns[line..][..width];
            let sums = &mut self.padded[at..][..width];
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        });
        self.shape.inner_lines(|line, at| {
            self.image[line..][..width].copy_from_slice(&self.padded[at..][..width]);
        });
    }
}
