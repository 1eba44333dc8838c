//! The codec of raw image bytes.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Classes, Codec, CodecConfig};
use crate::{Columns, DecodeError, Schema, ValueType, Values};

pub(super) const EXAMPLE: &str = "shape = [1, 2, 2]";

/// The first byte of a sample whose label is unknown.
const NO_LABEL: u8 = 255;

/// The raw bytes of an image, after one byte for its class.
///
/// Values are ordered by channel, then by row: value `(c, y, x)` of an image of shape
/// `[channels, height, width]` is byte `(c · height + y) · width + x`. A first byte of 255 means
/// that the label is unknown, so classes are 0 to 254. Higher classes are written as unknown.
///
/// Reference: the binary version of CIFAR-10, Krizhevsky, *Learning Multiple Layers of Features
/// from Tiny Images*, 2009, which has this layout.
///
/// ```
/// use driftmill_datasets::Columns;
/// use driftmill_datasets::codec::{CodecConfig, Image};
///
/// let image: Image = toml::from_str("shape = [1, 2, 2]").unwrap();
/// let mut columns = Columns::new(image.schema());
/// image.init().decode(&[7, 0, 64, 128, 255], &mut columns).unwrap();
/// assert_eq!(columns.values.bytes(), &[0, 64, 128, 255]);
/// assert_eq!(columns.labels, [Some(7)]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Channels, height and width, in values.
    pub shape: ImageShape,
    /// Position of the class: `first_byte` (default) or `none`.
    #[serde(default)]
    pub label: ImageLabel,
    /// Number of classes: labels from this number up are refused. Default: any label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<NonZeroU32>,
}

/// Channels, height and width of an image, none of them 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "[usize; 3]")]
pub struct ImageShape([usize; 3]);

/// The error for an invalid shape.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted [channels, height, width], each from 1 to 65535, found {0:?}")]
pub struct ShapeError([usize; 3]);

/// Position of the class of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageLabel {
    /// The first byte of the message; 255 means that the label is unknown.
    #[default]
    FirstByte,
    /// The message is the image alone, without a class.
    None,
}

impl ImageShape {
    pub(super) fn channels_height_width(self) -> [usize; 3] {
        self.0
    }

    pub(super) fn schema(self) -> Schema {
        Schema { value: ValueType::U8, shape: self.0.to_vec() }
    }
}

impl TryFrom<[usize; 3]> for ImageShape {
    type Error = ShapeError;

    fn try_from(shape: [usize; 3]) -> Result<Self, ShapeError> {
        if shape.iter().all(|side| (1..=65_535).contains(side)) {
            Ok(Self(shape))
        } else {
            Err(ShapeError(shape))
        }
    }
}

impl CodecConfig for Image {
    fn schema(&self) -> Schema {
        self.shape.schema()
    }

    fn init(&self) -> Box<dyn Codec> {
        Box::new(ImageCodec {
            width: self.schema().width(),
            label: self.label,
            classes: Classes::numbered(self.classes),
        })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        match (self.label, self.classes) {
            (ImageLabel::None, Some(_)) => {
                vec![("classes", "needs `label = \"first_byte\"`".to_owned())]
            }
            (ImageLabel::FirstByte, Some(classes)) if classes.get() > u32::from(NO_LABEL) => {
                vec![("classes", "a byte holds at most 255 classes".to_owned())]
            }
            _ => Vec::new(),
        }
    }
}

struct ImageCodec {
    width: usize,
    label: ImageLabel,
    classes: Classes,
}

impl Codec for ImageCodec {
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError> {
        let header = usize::from(self.label == ImageLabel::FirstByte);
        if payload.is_empty() {
            return Err(DecodeError::Empty);
        }
        if payload.len() != header + self.width {
            return Err(DecodeError::Size { wanted: header + self.width, found: payload.len() });
        }
        let (first, image) = payload.split_at(header);
        let label = match first.first() {
            None | Some(&NO_LABEL) => None,
            Some(&byte) => Some(self.classes.of_number("first_byte", f64::from(byte))?),
        };
        columns.values.bytes().extend_from_slice(image);
        columns.finish_row(None, label);
        Ok(())
    }

    fn encode(&self, columns: &Columns, row: usize) -> Vec<u8> {
        let mut message = Vec::with_capacity(1 + self.width);
        if self.label == ImageLabel::FirstByte {
            let byte = columns.labels[row].and_then(|class| u8::try_from(class).ok());
            message.push(byte.unwrap_or(NO_LABEL));
        }
        if let Values::U8(values) = &columns.values {
            message.extend_from_slice(&values[row * self.width..][..self.width]);
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::test_support::decode_one;

    fn decode(table: &str, message: &[u8]) -> Result<Option<u32>, String> {
        decode_one::<Image>(table, message).map(|columns| columns.labels[0])
    }

    #[test]
    fn refuses_other_sizes_and_classes() {
        let table = "shape = [3, 1, 1]\nclasses = 10";
        assert_eq!(decode(table, &[9, 1, 2, 3]), Ok(Some(9)));
        assert_eq!(decode(table, &[255, 1, 2, 3]), Ok(None));
        assert_eq!(decode(table, &[9, 1, 2]).unwrap_err(), "wanted 4 bytes, found 3");
        let error = "column `first_byte`: wanted a class from 0 to 9, found 10";
        assert_eq!(decode(table, &[10, 1, 2, 3]).unwrap_err(), error);
        assert_eq!(decode("shape = [3, 1, 1]\nlabel = \"none\"", &[1, 2, 3]), Ok(None));
    }
}
