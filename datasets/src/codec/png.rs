//! The codec of PNG files.

use std::io::Cursor;
use std::num::NonZeroU32;

use ::png::{BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, Info, Limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::image::{ImageShape, ShapeError};
use super::{Classes, Codec, CodecConfig};
use crate::{Columns, DecodeError, Schema, Values};

pub(super) const EXAMPLE: &str = "shape = [1, 2, 2]";

/// One PNG file per message: 8-bit grey or RGB.
///
/// Pixels become bytes ordered by channel, then by row. A text chunk of the file may hold the
/// class; a file without it is a sample without a label.
///
/// Reference: *Portable Network Graphics (PNG) Specification (Third Edition)*, W3C, 2025.
///
/// ```
/// use driftmill_datasets::Columns;
/// use driftmill_datasets::codec::{CodecConfig, Png};
///
/// let png: Png = toml::from_str("shape = [3, 1, 2]\nlabel = \"class\"").unwrap();
/// let mut columns = Columns::new(png.schema());
/// columns.values.bytes().extend([1, 2, 3, 4, 5, 6]);
/// columns.finish_row(None, Some(7));
///
/// let file = png.init().encode(&columns, 0);
/// assert!(file.starts_with(b"\x89PNG"));
/// let mut read = Columns::new(png.schema());
/// png.init().decode(&file, &mut read).unwrap();
/// assert_eq!(read, columns);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Png {
    /// Channels (1 for grey, 3 for RGB), height and width, in values.
    pub shape: PngShape,
    /// Keyword of the `tEXt` chunk that holds the class, a whole number from 0 up. Default:
    /// samples have no label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Keyword>,
    /// Number of classes: labels from this number up are refused. Default: any label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<NonZeroU32>,
}

/// Shape of a grey or RGB image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "[usize; 3]")]
pub struct PngShape(ImageShape);

/// Keyword of a text chunk: 1 to 79 letters of ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Keyword(String);

/// The error for an invalid shape or keyword.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PngError {
    /// A side of the shape is invalid.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// PNG has no pixels with this number of channels.
    #[error("wanted 1 channel for grey or 3 for RGB, found {0}")]
    Channels(usize),
    /// PNG does not allow this keyword.
    #[error("wanted 1 to 79 characters of ASCII, found {0:?}")]
    Keyword(String),
}

impl TryFrom<[usize; 3]> for PngShape {
    type Error = PngError;

    fn try_from(shape: [usize; 3]) -> Result<Self, PngError> {
        match shape[0] {
            1 | 3 => Ok(Self(shape.try_into()?)),
            channels => Err(PngError::Channels(channels)),
        }
    }
}

impl TryFrom<String> for Keyword {
    type Error = PngError;

    fn try_from(text: String) -> Result<Self, PngError> {
        let fits = (1..80).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(PngError::Keyword(text)) }
    }
}

impl CodecConfig for Png {
    fn schema(&self) -> Schema {
        self.shape.0.schema()
    }

    fn init(&self) -> Box<dyn Codec> {
        Box::new(PngCodec {
            shape: self.shape.0.channels_height_width(),
            label: self.label.as_ref().map(|keyword| keyword.0.clone()),
            classes: Classes::numbered(self.classes),
            pixels: Vec::new(),
        })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        match (&self.label, self.classes) {
            (None, Some(_)) => {
                vec![("classes", "needs `label`, the keyword of the class".to_owned())]
            }
            _ => Vec::new(),
        }
    }
}

struct PngCodec {
    shape: [usize; 3],
    label: Option<String>,
    classes: Classes,
    /// The pixels of this message, channels interleaved.
    pixels: Vec<u8>,
}

impl PngCodec {
    /// Reads the pixels and the label.
    fn read(&mut self, payload: &[u8]) -> Result<Option<u32>, DecodeError> {
        // enough for the text and the lines of any image of this size, but not for a zip bomb.
        let bytes = (1 << 16) + 8 * self.shape.iter().product::<usize>();
        let mut decoder = Decoder::new_with_limits(Cursor::new(payload), Limits { bytes });
        decoder.set_ignore_text_chunk(self.label.is_none());
        self.check(decoder.read_header_info().map_err(malformed)?)?;
        let mut reader = decoder.read_info().map_err(malformed)?;
        self.pixels.resize(self.shape.iter().product(), 0);
        reader.next_frame(&mut self.pixels).map_err(malformed)?;
        reader.finish().map_err(malformed)?;
        let Some(keyword) = &self.label else { return Ok(None) };
        let chunks = &reader.info().uncompressed_latin1_text;
        match chunks.iter().find(|chunk| chunk.keyword == *keyword) {
            Some(chunk) => self.classes.of_text(keyword, &chunk.text).map(Some),
            None => Ok(None),
        }
    }

    /// Checks size, depth and color of the image.
    fn check(&self, info: &Info<'_>) -> Result<(), DecodeError> {
        let [channels, height, width] = self.shape;
        let color = if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb };
        let describe = |width, height, depth, color| {
            format!("{width} × {height} pixels of {depth}-bit {color:?}")
        };
        let wanted = describe(width, height, 8, color);
        let (w, h) = (info.width as usize, info.height as usize);
        let found = describe(w, h, info.bit_depth as u8, info.color_type);
        if wanted == found {
            return Ok(());
        }
        Err(DecodeError::Value { column: "image".to_owned(), wanted, found })
    }
}

fn malformed(error: DecodingError) -> DecodeError {
    DecodeError::Malformed { format: "a PNG file", detail: error.to_string() }
}

impl Codec for PngCodec {
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Empty);
        }
        let label = self.read(payload)?;
        let channels = self.shape[0];
        let values = columns.values.bytes();
        for channel in 0..channels {
            values.extend(self.pixels.iter().skip(channel).step_by(channels));
        }
        columns.finish_row(None, label);
        Ok(())
    }

    fn encode(&self, columns: &Columns, row: usize) -> Vec<u8> {
        let [channels, height, width] = self.shape;
        let mut file = Vec::new();
        let side = |side: usize| u32::try_from(side).expect("sides are below 2¹⁶");
        let mut encoder = Encoder::new(&mut file, side(width), side(height));
        encoder.set_color(if channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        if let (Some(keyword), Some(class)) = (&self.label, columns.labels[row]) {
            let added = encoder.add_text_chunk(keyword.clone(), class.to_string());
            added.expect("the header is not written yet");
        }
        let mut writer = encoder.write_header().expect("a write to memory cannot fail");
        if let Values::U8(values) = &columns.values {
            let plane = height * width;
            let image = &values[row * channels * plane..][..channels * plane];
            let pixels: Vec<u8> =
                (0..image.len()).map(|i| image[i % channels * plane + i / channels]).collect();
            writer.write_image_data(&pixels).expect("a write to memory cannot fail");
        }
        writer.finish().expect("a write to memory cannot fail");
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::test_support::decode_one;

    fn file(width: u32, height: u32, color: ColorType, text: &str) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.add_text_chunk("class".to_owned(), text.to_owned()).unwrap();
        let mut writer = encoder.write_header().unwrap();
        let bytes = width as usize * height as usize * color.samples();
        writer.write_image_data(&vec![9; bytes]).unwrap();
        writer.finish().unwrap();
        file
    }

    fn decode(message: &[u8]) -> Result<Option<u32>, String> {
        let table = "shape = [1, 3, 2]\nlabel = \"class\"\nclasses = 10";
        decode_one::<Png>(table, message).map(|columns| columns.labels[0])
    }

    #[test]
    fn refuses_other_images_and_classes() {
        assert_eq!(decode(&file(2, 3, ColorType::Grayscale, "7")), Ok(Some(7)));
        let wanted = "column `image`: wanted 2 × 3 pixels of 8-bit Grayscale, found ";
        let found = format!("{wanted}3 × 2 pixels of 8-bit Grayscale");
        assert_eq!(decode(&file(3, 2, ColorType::Grayscale, "7")), Err(found));
        let found = format!("{wanted}2 × 3 pixels of 8-bit Rgb");
        assert_eq!(decode(&file(2, 3, ColorType::Rgb, "7")), Err(found));
        let found = "column `class`: wanted a class from 0 to 9, found `10`";
        assert_eq!(decode(&file(2, 3, ColorType::Grayscale, "10")), Err(found.to_owned()));
    }

    #[test]
    fn refuses_a_file_that_ends_early() {
        let whole = file(2, 3, ColorType::Grayscale, "7");
        for end in 1..whole.len() {
            assert!(decode(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
