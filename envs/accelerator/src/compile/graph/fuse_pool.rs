//! A pool is computed on the output of the convolution before it: the rows that a window needs stay in the output
//! buffer, and only what the pool leaves is written.

use super::super::super::layer::{Network, Op};
use super::absorb::{absorb, fused};

pub(super) fn run(network: Network) -> Network {
    absorb(network, |producer, layer| {
        let convolution = matches!(producer.op, Op::Conv(_) | Op::ConvTranspose(_));
        let pool = matches!(layer.op, Op::Pool { .. });
        (convolution && pool).then(|| fused(producer, layer))
    })
}
