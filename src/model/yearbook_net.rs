//! A small convolutional network for small images.

use std::num::NonZeroUsize;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation};
use driftmill_datasets::Schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layers::{self, ConvBlock};
use super::{Architecture, Classes, ModelConfig, Net, Network, Random, size};

/// A small convolutional network for small images.
///
/// ```text
/// image → (3×3 convolution → relu → 2×2 maximum) for each channel count
///       → mean over the remaining pixels, or flatten → dense → relu → embedding → linear → scores
/// ```
///
/// The default has the shape of Modyn's network for the Yearbook data, without batch normalisation: with
/// drifting batches its running statistics belong to no distribution, and inference depends on the order of
/// training. `channels = [8, 16, 32]` with `hidden = 32` is smaller, trains faster and is sufficient for
/// 32×32 portraits.
///
/// The file names the layers `conv.0` to `conv.N`, `hidden` if there is one, and `head`.
///
/// Reference: M. Böther et al., “Modyn: Data-Centric Machine Learning Pipeline Orchestration”,
/// SIGMOD 2025.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct YearbookNet {
    /// Number of classes. Default: 2.
    pub classes: Classes,
    /// Channels after each convolution. Default: four convolutions of 32.
    pub channels: Channels,
    /// Width of a dense layer after the convolutions. Default: no dense layer; the embedding is then the
    /// spatial mean of the last convolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<NonZeroUsize>,
}

/// Channels after each convolution: one or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<NonZeroUsize>", into = "Vec<NonZeroUsize>")]
#[schemars(with = "Vec<NonZeroUsize>")]
pub struct Channels(Vec<NonZeroUsize>);

impl TryFrom<Vec<NonZeroUsize>> for Channels {
    type Error = String;

    fn try_from(channels: Vec<NonZeroUsize>) -> Result<Self, String> {
        match channels.len() {
            0 => Err("wanted one convolution or more".to_owned()),
            // no image has more than 2¹⁶ pixels per side
            1..=16 => Ok(Self(channels)),
            many => Err(format!("wanted 16 convolutions or fewer, not {many}")),
        }
    }
}

impl From<Channels> for Vec<NonZeroUsize> {
    fn from(channels: Channels) -> Self {
        channels.0
    }
}

impl Default for YearbookNet {
    fn default() -> Self {
        let width = NonZeroUsize::new(32).expect("32 is not zero");
        Self { classes: Classes::default(), channels: Channels(vec![width; 4]), hidden: None }
    }
}

impl ModelConfig for YearbookNet {
    fn init(&self, schema: &Schema, device: &Device, random: &mut Random) -> Box<dyn Network> {
        let image = [schema.shape[0], schema.shape[1], schema.shape[2]];
        let mut channels = vec![image[0]];
        channels.extend(self.channels.0.iter().map(|count| count.get()));
        let conv: Vec<_> = channels
            .windows(2)
            .map(|pair| ConvBlock::new([pair[0], pair[1]], device, random))
            .collect();
        let maps = channels[conv.len()];
        let pixels = image[1] / self.shrink() * (image[2] / self.shrink());
        let hidden =
            self.hidden.map(|width| layers::dense(maps * pixels, width.get(), device, random));
        let embedding = self.hidden.map_or(maps, NonZeroUsize::get);
        let head = layers::dense(embedding, self.classes.get() as usize, device, random);
        Box::new(Net::new(YearbookModule { conv, hidden, head, image }))
    }

    fn classes(&self) -> u32 {
        self.classes.get()
    }

    fn check(&self, schema: &Schema) -> Option<String> {
        if let Some(problem) = self.check_shape(schema) {
            return Some(problem);
        }
        let mut channels = vec![schema.shape[0]];
        channels.extend(self.channels.0.iter().map(|count| count.get()));
        let pairs = channels.windows(2);
        let convolutions: u128 = pairs.map(|pair| size::convolution(pair[0], pair[1])).sum();
        let maps = channels[channels.len() - 1];
        let pixels = schema.shape[1] / self.shrink() * (schema.shape[2] / self.shrink());
        let hidden = self.hidden.map_or(0, |width| size::dense(maps * pixels, width.get()));
        let embedding = self.hidden.map_or(maps, NonZeroUsize::get);
        let head = size::dense(embedding, self.classes.get() as usize);
        size::check(convolutions + hidden + head)
    }

    fn is_parallel(&self) -> bool {
        true
    }
}

impl YearbookNet {
    /// The factor by which height and width shrink.
    fn shrink(&self) -> usize {
        1 << self.channels.0.len()
    }

    /// The problem with the shape of the samples, if there is one.
    fn check_shape(&self, schema: &Schema) -> Option<String> {
        let shrink = self.shrink();
        let fits = |size: usize| size > 0 && size.is_multiple_of(shrink);
        match schema.shape[..] {
            [channels, height, width] if channels > 0 && fits(height) && fits(width) => None,
            [_, _, _] => Some(format!(
                "expects images whose height and width are multiples of {shrink}, not of shape {:?}\n\
                 hint: each of the {} convolutions halves the image; list fewer `channels`",
                schema.shape,
                self.channels.0.len()
            )),
            _ => Some(format!(
                "expects images of shape [channels, height, width], not samples of shape {:?}\n\
                 hint: use `mlp` for rows of features",
                schema.shape
            )),
        }
    }
}

#[derive(Module, Debug)]
struct YearbookModule {
    conv: Vec<ConvBlock>,
    hidden: Option<Linear>,
    head: Linear,
    /// Channels, height and width of a sample.
    image: [usize; 3],
}

impl Architecture for YearbookModule {
    fn features(&self, input: Tensor<2>) -> Tensor<2> {
        let [channels, height, width] = self.image;
        let rows = input.dims()[0];
        let images = input.reshape([rows, channels, height, width]);
        let maps = self.conv.iter().fold(images, |input, block| block.forward(input));
        match &self.hidden {
            Some(hidden) => activation::relu(hidden.forward(maps.flatten(1, 3))),
            None => maps.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2),
        }
    }

    fn head(&self, features: Tensor<2>) -> Tensor<2> {
        self.head.forward(features)
    }
}
