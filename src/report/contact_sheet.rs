//! Contact sheets: many small images as one.

use std::path::Path;

use super::PlotError;
use super::plot::{PixelSize, write_png};

/// Number of images next to each other.
const COLUMNS: usize = 32;

/// Number of pixels between them.
const GAP: usize = 2;

/// Draws images into a new PNG file, in rows of up to 32. Each group begins a new row.
///
/// Images have `shape` channels × height × width, with one or three channels and a byte for each value,
/// channel after channel, as in trainings.
///
/// # Errors
/// When the samples have another shape, there are none, or the file cannot be written.
pub fn contact_sheet(groups: &[Vec<&[u8]>], shape: &[usize], path: &Path) -> Result<(), PlotError> {
    if path.extension().is_none_or(|extension| extension != "png") {
        return Err(PlotError::Format(path.display().to_string(), ".png"));
    }
    let &[channels @ (1 | 3), height, width] = shape else {
        return Err(PlotError::NoImages(shape.to_vec()));
    };
    let rows: Vec<&[&[u8]]> = groups.iter().flat_map(|group| group.chunks(COLUMNS)).collect();
    let columns = rows.iter().map(|row| row.len()).max().ok_or(PlotError::Empty)?;
    let size = (columns * (width + GAP) + GAP, rows.len() * (height + GAP) + GAP);
    let mut pixels = vec![255; size.0 * size.1 * 3];
    for (down, row) in rows.iter().enumerate() {
        for (across, image) in row.iter().enumerate() {
            let (left, top) = (GAP + across * (width + GAP), GAP + down * (height + GAP));
            for (place, pixel) in (0..height * width).map(|place| {
                let (x, y) = (left + place % width, top + place / width);
                (place, (y * size.0 + x) * 3)
            }) {
                for color in 0..3 {
                    let plane = if channels == 1 { 0 } else { color };
                    pixels[pixel + color] = image[plane * height * width + place];
                }
            }
        }
    }
    let size = PixelSize { width: size.0 as u32, height: size.1 as u32 };
    write_png(&pixels, size, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_begin_new_rows() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        let (dark, red) = ([0u8; 12], [[200u8; 4], [0; 4], [0; 4]].concat());
        let groups = [vec![&dark[..]; 33], vec![&red[..]]];
        contact_sheet(&groups, &[3, 2, 2], &path).expect("it is drawn");
        let file = std::io::BufReader::new(std::fs::File::open(&path).expect("it is there"));
        let mut reader = png::Decoder::new(file).read_info().expect("it is a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it has a size")];
        reader.next_frame(&mut pixels).expect("it has pixels");
        // 32 images of 2 pixels with gaps of 2, in three rows.
        let (width, height) = (reader.info().width as usize, reader.info().height);
        assert_eq!((width, height), (32 * 4 + 2, 3 * 4 + 2));
        let at = |x: usize, y: usize| &pixels[(y * width + x) * 3..][..3];
        assert_eq!(
            (at(2, 2), at(0, 0), at(2, 10)),
            (&[0u8; 3][..], &[255; 3][..], &[200, 0, 0][..])
        );
        assert_eq!(at(6, 10), [255; 3]);
    }

    #[test]
    fn rows_of_numbers_are_not_images() {
        let none = contact_sheet(&[vec![&[0; 4][..]]], &[4], Path::new("a.png"));
        assert!(none.is_err_and(|error| error.to_string().contains("[4]")));
    }
}
