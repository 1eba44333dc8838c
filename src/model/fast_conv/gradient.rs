//! The backward step of convolution, relu and pooling.

use burn::backend::tensor::FloatTensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_autodiff::{Autodiff, NodeId};

use super::FastConv;

const NO_SECOND: &str = "gradients of gradients are not computed";

impl<B: FastConv, C: CheckpointStrategy> FastConv for Autodiff<B, C> {
    fn conv_pool(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let parents = [input.node(), weight.node(), bias.node()];
        let prepared = ConvPool.prepare::<C>(parents).compute_bound().stateful();
        let nodes = match prepared {
            OpsKind::Tracked(mut tracked) => {
                let (input_node, weight_node) =
                    (tracked.checkpoint(&input), tracked.checkpoint(&weight));
                let (output, winners) = B::conv_pool(
                    input.into_primitive(),
                    weight.into_primitive(),
                    bias.into_primitive(),
                );
                let state =
                    State { input: input_node, weight: weight_node, winners: winners.clone() };
                (tracked.finish(state, output), winners)
            }
            OpsKind::UnTracked(untracked) => {
                let (output, winners) = B::conv_pool(
                    input.into_primitive(),
                    weight.into_primitive(),
                    bias.into_primitive(),
                );
                (untracked.finish(output), winners)
            }
        };
        (nodes.0, Self::FloatTensorPrimitive::new(nodes.1))
    }

    fn conv_pool_parameter_gradients(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("{NO_SECOND}")
    }

    fn conv_pool_input_gradient(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        unreachable!("{NO_SECOND}")
    }
}

/// Backward step of convolution, relu and pooling.
#[derive(Debug)]
struct ConvPool;

/// The state that the backward step needs.
#[derive(Clone, Debug)]
struct State<T> {
    input: NodeId,
    weight: NodeId,
    winners: T,
}

impl<B: FastConv> Backward<B, 3> for ConvPool {
    type State = State<B::FloatTensorPrimitive>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let [input_node, weight_node, bias_node] = ops.parents;
        let output = gradients.consume::<B>(&ops.node);
        let State { input, weight, winners } = ops.state;
        let input = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(input);
        let weight = checkpointer.retrieve_node_output::<B::FloatTensorPrimitive>(weight);
        // the first layer's input is data and needs no gradient
        if let Some(node) = input_node {
            let (winners, output) = (winners.clone(), output.clone());
            gradients.register::<B>(node.id, B::conv_pool_input_gradient(weight, winners, output));
        }
        if weight_node.is_none() && bias_node.is_none() {
            return;
        }
        let (weight, bias) = B::conv_pool_parameter_gradients(input, winners, output);
        if let Some(node) = weight_node {
            gradients.register::<B>(node.id, weight);
        }
        if let Some(node) = bias_node {
            gradients.register::<B>(node.id, bias);
        }
    }
}
