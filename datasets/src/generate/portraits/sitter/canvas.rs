//! Painting with soft shapes, one line of pixels at a time.

use std::ops::Range;

use libm::{cosf, expf, sincosf, sinf};

/// Height and width of a portrait in pixels.
pub(in crate::generate::portraits) const SIDE: usize = 32;

/// The centres of the pixels of a line, between −1 and 1.
pub(super) const GRID: [f32; SIDE] = {
    let mut grid = [0.0; SIDE];
    let mut pixel = 0;
    while pixel < SIDE {
        grid[pixel] = (pixel as f32 - 15.5) / 16.0;
        pixel += 1;
    }
    grid
};

/// One value for each pixel of a line. The plain loop compiles to vector instructions.
#[inline]
pub(super) fn each(value: impl Fn(usize) -> f32) -> [f32; SIDE] {
    let mut values = [0.0; SIDE];
    for (pixel, slot) in values.iter_mut().enumerate() {
        *slot = value(pixel);
    }
    values
}

/// The position of the sheet in the coordinates of the face:
/// `p = u · across[0] + v · down[0] + origin[0]`, and the same for q.
pub(super) struct Place {
    across: [f32; 2],
    down: [f32; 2],
    origin: [f32; 2],
}

impl Place {
    /// A face that is moved by `shift`, turned and enlarged.
    pub(super) fn new(shift: [f32; 2], rotation: f32, log_scale: f32) -> Self {
        let scale = expf(-log_scale);
        let (sin, cos) = sincosf(rotation);
        let (across, down) = ([cos * scale, -sin * scale], [sin * scale, cos * scale]);
        let at = |axis: usize| -(shift[0] * across[axis] + shift[1] * down[axis]);
        Self { across, down, origin: [at(0), at(1)] }
    }
}

/// A line of pixels: their positions on the face and their tones.
pub(super) struct Line {
    p: [f32; SIDE],
    q: [f32; SIDE],
    pub(super) tones: [f32; SIDE],
}

impl Line {
    /// The line at height `v`, black.
    pub(super) fn new(place: &Place, v: f32) -> Self {
        let axis = |axis: usize| {
            let start = v * place.down[axis] + place.origin[axis];
            each(|pixel| GRID[pixel] * place.across[axis] + start)
        };
        Self { p: axis(0), q: axis(1), tones: [0.0; SIDE] }
    }

    /// Paints the shape `inside(p, q) > 0`, which lies in the range `rows` of q.
    pub(super) fn paint(
        &mut self,
        rows: Range<f32>,
        inside: impl Fn(f32, f32) -> f32,
        tones: &[f32; SIDE],
    ) {
        let (first, last) = (self.q[0], self.q[SIDE - 1]);
        if first.max(last) < rows.start || first.min(last) > rows.end {
            return;
        }
        self.tones = each(|pixel| {
            let alpha = (0.5 + inside(self.p[pixel], self.q[pixel]) * 10.0).clamp(0.0, 1.0);
            self.tones[pixel] + alpha * (tones[pixel] - self.tones[pixel])
        });
    }
}

/// The approximate distance of a point from the edge of an ellipse: positive inside.
pub(super) fn ellipse(centre: [f32; 2], radii: [f32; 2]) -> impl Fn(f32, f32) -> f32 {
    let smaller = radii[0].min(radii[1]);
    let inverse = radii.map(|radius| 1.0 / radius);
    move |p, q| {
        let (x, y) = ((p - centre[0]) * inverse[0], (q - centre[1]) * inverse[1]);
        (1.0 - (x * x + y * y).sqrt()) * smaller
    }
}

/// The sine wave `sin(frequency · (p + slant · q) + phase)`, with one sine per line and one per
/// column instead of one per pixel.
pub(super) struct Waves {
    /// Sine and cosine of the part of the angle that grows along a line.
    sin: [f32; SIDE],
    cos: [f32; SIDE],
    frequency: f32,
    slant: f32,
    phase: f32,
}

impl Waves {
    pub(super) fn new(place: &Place, frequency: f32, slant: f32, phase: f32) -> Self {
        let step = frequency * (place.across[0] + slant * place.across[1]);
        let angle = |pixel: usize| step * (GRID[pixel] - GRID[0]);
        let (sin, cos) = (each(|pixel| sinf(angle(pixel))), each(|pixel| cosf(angle(pixel))));
        Self { sin, cos, frequency, slant, phase }
    }

    /// The wave at the pixels of a line.
    pub(super) fn along(&self, line: &Line) -> [f32; SIDE] {
        let first = self.frequency * (line.p[0] + self.slant * line.q[0]) + self.phase;
        let (sin, cos) = sincosf(first);
        each(|pixel| sin * self.cos[pixel] + cos * self.sin[pixel])
    }
}
