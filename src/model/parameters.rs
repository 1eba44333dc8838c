//! All weights of a module as one list of numbers.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// The weights of `module`, parameter after parameter.
pub(super) fn read(module: &impl Module) -> Vec<f32> {
    let mut reader = Reader(Vec::with_capacity(module.num_params()));
    module.visit(&mut reader);
    reader.0
}

/// `module` with the weights `values`, in the order of [`read`].
pub(super) fn write<M: Module>(module: M, values: &[f32]) -> M {
    assert_eq!(values.len(), module.num_params(), "weights of another network");
    module.map(&mut Writer(values))
}

struct Reader(Vec<f32>);

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().inner().into_data();
        self.0.extend_from_slice(data.as_slice().expect("weights are f32"));
    }
}

struct Writer<'a>(&'a [f32]);

impl ModuleMapper for Writer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (mine, rest) = self.0.split_at(param.shape().num_elements());
        self.0 = rest;
        param.map(|old| {
            let data = TensorData::new(mine.to_vec(), old.shape());
            let new = Tensor::from_data(data, &old.device());
            if old.is_require_grad() { new.require_grad() } else { new }
        })
    }
}
