//! Errors of the runtime and its jobs.

use driftmill_operators::Id;
use thiserror::Error;

use super::{DeviceChoice, FeatureStoreError};
use crate::model::ModelError;

/// The error if a runtime cannot start, or a job has no result.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The device is not part of this program.
    #[error(
        "opening device `{device}`: it is not part of this program\n\
         hint: build with `--features {device}`, or set `training.device = \"cpu\"`"
    )]
    NotBuilt {
        /// The requested device.
        device: DeviceChoice,
    },
    /// The device does not work on this machine.
    #[error(
        "opening device `{device}`: it does not work on this machine ({message})\n\
         hint: is a driver installed? on Debian: `apt install libvulkan1 mesa-vulkan-drivers`"
    )]
    Device {
        /// The requested device.
        device: DeviceChoice,
        /// The message of its driver.
        message: String,
    },
    /// The operating system could not start threads.
    #[error("starting the threads of the runtime: {0}")]
    Threads(String),
    /// The model does not fit the samples, or weights do not fit the model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Features could not be gathered.
    #[error(transparent)]
    FeatureStore(#[from] FeatureStoreError),
    /// There is no sample with a positive weight.
    #[error("training on {rows} samples: none of them has a weight above zero")]
    Empty {
        /// Number of samples in the training set.
        rows: usize,
    },
    /// A weight is invalid.
    #[error(
        "training on sample {id:?}: its weight is {weight}, wanted a finite number of 0 or more"
    )]
    Weight {
        /// The sample.
        id: Id,
        /// Its weight.
        weight: f32,
    },
    /// A label is not a class of the model.
    #[error(
        "training on or scoring sample {id:?}: its label is {label}, but the model has classes 0 to {last}\n\
         hint: raise `classes` in the `[model]` table"
    )]
    Label {
        /// The sample.
        id: Id,
        /// Its label.
        label: u32,
        /// The highest class of the model.
        last: u32,
    },
    /// Labels and samples of a score job differ in number.
    #[error("scoring {ids} samples: there are {labels} labels")]
    Labels {
        /// Number of samples.
        ids: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A downsampling policy cannot use its scores.
    #[error(
        "training: `{policy}` cannot choose samples: {problem}\n\
         hint: outputs that are not finite mean that the training diverges (lower the learning \
         rate)\n\
         or that features are far too large"
    )]
    Choosing {
        /// The policy's key.
        policy: &'static str,
        /// The problem.
        problem: String,
    },
    /// The loss or a weight is no longer a finite number.
    #[error(
        "training diverged in epoch {epoch}: a loss or weight is not finite\n\
         hint: lower the learning rate"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// The job panicked; the runtime continues.
    #[error("the model runtime panicked: {message}")]
    Panicked {
        /// The message of the panic.
        message: String,
    },
    /// The runtime was stopped before the job was done.
    #[error("the model runtime was stopped")]
    Stopped,
}
