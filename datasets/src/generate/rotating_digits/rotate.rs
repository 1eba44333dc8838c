//! Rotation of an image about its centre.

use crate::generate::random::feature;

/// Height and width of a digit in pixels.
pub(super) const SIDE: usize = 28;

/// Appends `image`, rotated counter-clockwise by `angle` radians, to `pixels`. Pixels from outside
/// the image are 0.
pub(super) fn rotate(image: &[u8], angle: f64, pixels: &mut Vec<u8>) {
    let (sin, cos) = libm::sincos(angle);
    let (sin, cos) = (feature(sin), feature(cos));
    let centre = f32::from(SIDE as u8 - 1) / 2.0;
    for row in 0..SIDE as u8 {
        for column in 0..SIDE as u8 {
            let (x, y) = (f32::from(column) - centre, f32::from(row) - centre);
            // rows go down; the value is that of the point which is rotated onto this pixel.
            let (from_x, from_y) = (x * cos - y * sin + centre, x * sin + y * cos + centre);
            pixels.push(between(image, from_x, from_y));
        }
    }
}

/// The value at a point between four pixels, by bilinear interpolation.
fn between(image: &[u8], x: f32, y: f32) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, bottom_share) = (x - left, y - top);
    let (column, row) = (left as i32, top as i32);
    let pixel = |row: i32, column: i32| match (usize::try_from(row), usize::try_from(column)) {
        (Ok(row), Ok(column)) if row < SIDE && column < SIDE => {
            f32::from(image[row * SIDE + column])
        }
        _ => 0.0,
    };
    let mix = |from: f32, to: f32, share: f32| from + share * (to - from);
    let upper = mix(pixel(row, column), pixel(row, column + 1), right_share);
    let lower = mix(pixel(row + 1, column), pixel(row + 1, column + 1), right_share);
    (mix(upper, lower, bottom_share) + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, PI};

    use super::*;

    fn at(image: &[u8], row: usize, column: usize) -> u8 {
        image[row * SIDE + column]
    }

    #[test]
    fn turns_counter_clockwise_about_the_centre() {
        // one point at the right of the top edge.
        let mut image = vec![0; SIDE * SIDE];
        image[2 * SIDE + 20] = 200;
        let turn = |angle| {
            let mut pixels = Vec::new();
            rotate(&image, angle, &mut pixels);
            pixels
        };
        assert_eq!(turn(0.0), image);
        assert_eq!(at(&turn(FRAC_PI_2), 7, 2), 200);
        assert_eq!(at(&turn(PI), 25, 7), 200);
    }
}
