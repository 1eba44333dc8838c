//! Draws a sheet of portraits: twelve of each class for each of six years, one row per class and year.
//!
//! ```text
//! cargo run --release -p driftmill-datasets --example portraits_sheet -- portraits.png
//! ```

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use driftmill_datasets::Columns;
use driftmill_datasets::generate::{GeneratorConfig, Portraits};
use png::{BitDepth, ColorType, Encoder};

const SIDE: usize = 32;
const PER_ROW: usize = 12;
/// Pixels of the sheet per pixel of a portrait.
const ZOOM: usize = 2;

const YEARS: [u16; 6] = [1930, 1950, 1965, 1976, 1995, 2012];

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: portraits_sheet PATH.png")?;
    let portraits = Portraits::default();
    let mut columns = Columns::new(portraits.schema());
    portraits.init()?.fill(0..portraits.len(), &mut columns);

    let rows: Vec<Vec<usize>> =
        YEARS.iter().flat_map(|&year| [0, 1].map(|class| samples(&columns, year, class))).collect();
    let (width, height) = (PER_ROW * SIDE * ZOOM, rows.len() * SIDE * ZOOM);
    let mut sheet = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (tile_x, tile_y) = (x / ZOOM, y / ZOOM);
            let sample = rows[tile_y / SIDE][tile_x / SIDE];
            let pixel = sample * SIDE * SIDE + tile_y % SIDE * SIDE + tile_x % SIDE;
            sheet.push(columns.values.bytes()[pixel]);
        }
    }

    let file = BufWriter::new(File::create(path)?);
    let mut encoder = Encoder::new(file, u32::try_from(width)?, u32::try_from(height)?);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    Ok(encoder.write_header()?.write_image_data(&sheet)?)
}

/// The first samples of a class in a year.
fn samples(columns: &Columns, year: u16, class: u32) -> Vec<usize> {
    const YEAR_MS: f64 = 365.2425 * 86_400_000.0;
    let start = (f64::from(year) - 1970.0) * YEAR_MS;
    let late_enough =
        |index: &usize| columns.times[*index].is_some_and(|time| time as f64 >= start);
    let of_class = |index: &usize| columns.labels[*index] == Some(class);
    (0..columns.len()).filter(late_enough).filter(of_class).take(PER_ROW).collect()
}
