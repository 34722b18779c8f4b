//! The proxy on plain numbers, for roll-outs.

use std::sync::Arc;

use super::{Proxy, Skip, matrix, share};
use crate::kernel::{Kernel, Scratch};
use crate::rollout::{EffectModel, EffectModels};

/// Weights `[in][out]` and bias of a layer.
type Layer = (Vec<f32>, Vec<f32>);

impl Proxy {
    /// The proxy for roll-outs, at one design. Normalisers and design are folded into the first and last
    /// layer, so that a prediction is a single forward pass over the features.
    pub fn snapshot(&self, logits: &[f64]) -> Arc<ProxySnapshot> {
        let skip = match &self.skip {
            Skip::Free(skip) => numbers(&skip.detach()),
            Skip::Made(maker) => {
                let z: Vec<f32> = logits.iter().copied().map(share).collect();
                numbers(&tch::no_grad(|| maker.forward(&matrix(&z, 1)).view(-1)))
            }
        };
        Arc::new(self.plain().at(logits, skip))
    }

    /// The proxy for roll-outs in which every episode has a design of its own; none where it does not see designs.
    pub fn snapshots(&self) -> Option<Arc<ProxySnapshots>> {
        let Skip::Made(maker) = &self.skip else {
            return None;
        };
        Some(Arc::new(ProxySnapshots {
            maker: Kernel::from_layers(maker.layers()),
            plain: self.plain(),
        }))
    }

    fn plain(&self) -> Plain {
        Plain {
            layers: self.net.layers(),
            designs: self.designs(),
            input: self.input.clone(),
            output: self.output.clone(),
        }
    }
}

fn numbers(tensor: &tch::Tensor) -> Vec<f32> {
    let mut out = vec![0f32; tensor.numel()];
    let len = out.len();
    tensor.copy_data(&mut out, len);
    out
}

/// Weights and normalisers as plain numbers.
#[derive(Clone, Debug)]
struct Plain {
    layers: Vec<Layer>,
    /// Number of design parameters behind the features.
    designs: usize,
    input: [Vec<f32>; 2],
    output: [Vec<f32>; 2],
}

impl Plain {
    /// One design's network; `skip` is the linear part at this design.
    fn at(&self, logits: &[f64], mut skip: Vec<f32>) -> ProxySnapshot {
        let mut layers = self.layers.clone();
        if let Some(first) = layers.first_mut() {
            self.fold_input(first, logits);
        }
        let width = self.output[1].len();
        for (row, input) in skip.chunks_exact_mut(width).zip(&self.input[1]) {
            for (weight, output) in row.iter_mut().zip(&self.output[1]) {
                *weight *= output / input;
            }
        }
        if let Some((weights, bias)) = layers.last_mut() {
            for (j, (mean, deviation)) in self.output[0].iter().zip(&self.output[1]).enumerate() {
                for row in weights.chunks_exact_mut(width) {
                    row[j] *= deviation;
                }
                bias[j] = bias[j] * deviation + mean;
                let columns = skip.chunks_exact(width).zip(&self.input[0]);
                bias[j] -= columns.map(|(row, mean)| row[j] * mean).sum::<f32>();
            }
        }
        ProxySnapshot {
            kernel: Kernel::from_layers(layers),
            skip,
        }
    }

    /// Folds the features' normaliser and the design into the first layer.
    fn fold_input(&self, (weights, bias): &mut Layer, logits: &[f64]) {
        let (f, width) = (self.input[0].len(), bias.len());
        for (i, (mean, deviation)) in self.input[0].iter().zip(&self.input[1]).enumerate() {
            for (j, b) in bias.iter_mut().enumerate() {
                let w = &mut weights[i * width + j];
                *w /= deviation;
                *b -= *w * mean;
            }
        }
        for (i, z) in logits.iter().take(self.designs).enumerate() {
            let z = share(*z);
            for (j, b) in bias.iter_mut().enumerate() {
                *b += z * weights[(f + i) * width + j];
            }
        }
        weights.truncate(f * width);
    }
}

/// A frozen copy of a [`Proxy`] at one design, for roll-outs.
#[derive(Clone, Debug)]
pub struct ProxySnapshot {
    kernel: Kernel,
    /// `[features, effects]`.
    skip: Vec<f32>,
}

impl EffectModel for ProxySnapshot {
    fn predict(&self, features: &[f32], scratch: &mut Scratch, effect: &mut [f32]) {
        self.kernel.forward(features, scratch, effect);
        for (row, &feature) in self.skip.chunks_exact(effect.len()).zip(features) {
            for (effect, weight) in effect.iter_mut().zip(row) {
                *effect += feature * weight;
            }
        }
    }
}

/// A frozen copy of a [`Proxy`] for all designs: each episode takes its own.
#[derive(Clone, Debug)]
pub struct ProxySnapshots {
    plain: Plain,
    /// Makes the linear part from a design.
    maker: Kernel,
}

impl EffectModels for ProxySnapshots {
    fn at(&self, logits: &[f64]) -> Arc<dyn EffectModel> {
        let z: Vec<f32> = logits.iter().copied().map(share).collect();
        let mut skip = vec![0.0; self.maker.outputs()];
        self.maker.forward(&z, &mut Scratch::default(), &mut skip);
        Arc::new(self.plain.at(logits, skip))
    }
}
