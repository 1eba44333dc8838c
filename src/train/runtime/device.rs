//! Devices, and their test.

use burn::tensor::{Device, Tensor};

use crate::panics;
use crate::train::{DeviceChoice, TrainError};

/// Opens the device, and checks it with a first sum.
pub(in crate::train) fn open(choice: DeviceChoice) -> Result<Device, TrainError> {
    // the first operation loads drivers, and a missing driver causes a panic
    let tried = panics::catch(|| {
        let device = find(choice)?;
        let sum = Tensor::<1>::ones([4], &device).sum().into_scalar::<f32>();
        Ok::<_, TrainError>((device, sum))
    });
    let wrong = |message| TrainError::Device { device: choice, message };
    let (device, sum) = tried.map_err(wrong)??;
    if sum != 4.0 {
        return Err(wrong(format!("it computes 1 + 1 + 1 + 1 = {sum}")));
    }
    Ok(device)
}

fn find(choice: DeviceChoice) -> Result<Device, TrainError> {
    match choice {
        DeviceChoice::Cpu => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        DeviceChoice::Wgpu => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => Ok(Device::cuda(0)),
        #[cfg(not(all(feature = "wgpu", feature = "cuda")))]
        device => Err(TrainError::NotBuilt { device }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert!(open(DeviceChoice::Cpu).is_ok());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_built_in_names_the_feature() {
        let message = open(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(message.contains("--features cuda"), "{message}");
    }
}
