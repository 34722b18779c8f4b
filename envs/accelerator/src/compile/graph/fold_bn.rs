//! At inference a batch norm is y = s x + t per channel, and s (W x + b) + t = (s W) x + (s b + t): weights and bias of
//! the layer before it take it over (Jacob et al., CVPR 2018, section 3.2).

use super::super::super::layer::{Layer, Network, NormKind, Op};
use super::absorb::absorb;

pub(super) fn run(network: Network) -> Network {
    absorb(network, folded)
}

/// The producer with the norm's scale in its weights and the norm's shift in its bias.
fn folded(producer: &Layer, layer: &Layer) -> Option<Layer> {
    let Op::Norm {
        kind: NormKind::Batch,
        parameters,
        ..
    } = layer.op
    else {
        return None;
    };
    // weights that several layers share can take over one norm only, and a function in between bars the way
    if producer.shared != layer.shared || !producer.fused.is_empty() {
        return None;
    }
    let mut op = producer.op;
    let (channels, bias) = match &mut op {
        Op::Conv(conv) | Op::ConvTranspose(conv) => (conv.filters, &mut conv.bias),
        Op::Linear { outputs, bias, .. } => (*outputs, bias),
        _ => return None,
    };
    *bias = true;
    (channels.checked_mul(2) == Some(parameters)).then(|| Layer {
        op,
        fused: layer.fused.clone(),
        weights: None, // they are no longer those of other layers
        ..producer.clone()
    })
}
