use burn::backend::tensor::FloatTensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_autodiff::{Autodiff, NodeId};

use super::FastConv;

const NO_SECOND: &str = "gradients of gradients are not computed";

impl<B: FastConv, C: CheckpointStrategy> FastConv for Autodiff<B, C> {
    fn conv3x3(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let parents = [input.node(), weight.node(), bias.node()];
        match Convolution.prepare::<C>(parents).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let state = (tracked.checkpoint(&input), tracked.checkpoint(&weight));
                let output = B::conv3x3(
                    input.into_primitive(),
                    weight.into_primitive(),
                    bias.into_primitive(),
                );
                tracked.finish(state, output)
            }
            OpsKind::UnTracked(untracked) => untracked.finish(B::conv3x3(
                input.into_primitive(),
                weight.into_primitive(),
                bias.into_primitive(),
            )),
        }
    }

    fn relu_pool2(input: FloatTensor<Self>) -> FloatTensor<Self> {
        match Pool.prepare::<C>([input.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut tracked) => {
                let state = tracked.checkpoint(&input);
                tracked.finish(state, B::relu_pool2(input.into_primitive()))
            }
            OpsKind::UnTracked(untracked) => {
                untracked.finish(B::relu_pool2(input.into_primitive()))
            }
        }
    }

    fn conv3x3_weight_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("{NO_SECOND}")
    }

    fn conv3x3_input_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        unreachable!("{NO_SECOND}")
    }

    fn relu_pool2_gradient(_: FloatTensor<Self>, _: FloatTensor<Self>) -> FloatTensor<Self> {
        unreachable!("{NO_SECOND}")
    }
}

/// Backward step of a convolution; keeps input and weight.
#[derive(Debug)]
struct Convolution;

impl<B: FastConv> Backward<B, 3> for Convolution {
    type State = (NodeId, NodeId);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let output = gradients.consume::<B>(&ops.node);
        let input = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(ops.state.0);
        let weight = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(ops.state.1);
        // the first layer's input is data and needs none
        if let Some(node) = input_node {
            gradients.register::<B>(node.id, B::conv3x3_input_gradient(weight, output.clone()));
        }
        if weight_node.is_none() && bias_node.is_none() {
            return;
        }
        let (weight, bias) = B::conv3x3_weight_gradient(input, output);
        if let Some(node) = weight_node {
            gradients.register::<B>(node.id, weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<B>(node.id, bias);
        }
    }
}

/// Backward step of relu and pooling; keeps the input.
#[derive(Debug)]
struct Pool;

impl<B: FastConv> Backward<B, 1> for Pool {
    type State = NodeId;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let [node] = ops.parents;
        let output = gradients.consume::<B>(&ops.node);
        let input = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(ops.state);
        if let Some(node) = node {
            gradients.register::<B>(node.id, B::relu_pool2_gradient(input, output));
        }
    }
}
