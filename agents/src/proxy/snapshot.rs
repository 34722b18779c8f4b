//! The proxy on plain numbers, for roll-outs.

use std::sync::Arc;

use super::{Proxy, Skip, matrix, share};
use crate::kernel::{Kernel, Scratch};
use crate::rollout::EffectModel;

impl Proxy {
    /// The proxy for roll-outs, at one design. Normalisers and design are folded into the first and last
    /// layer, so that a prediction is a single forward pass over the features.
    pub fn snapshot(&self, logits: &[f64]) -> Arc<ProxySnapshot> {
        let mut layers = self.net.layers();
        let f = self.input[0].len();
        if let Some((weights, bias)) = layers.first_mut() {
            let width = bias.len();
            for (i, (mean, deviation)) in self.input[0].iter().zip(&self.input[1]).enumerate() {
                for (j, b) in bias.iter_mut().enumerate() {
                    let w = &mut weights[i * width + j];
                    *w /= deviation;
                    *b -= *w * mean;
                }
            }
            if self.conditioned() {
                for (i, z) in logits.iter().enumerate() {
                    let z = share(*z);
                    for (j, b) in bias.iter_mut().enumerate() {
                        *b += z * weights[(f + i) * width + j];
                    }
                }
            }
            weights.truncate(f * width);
        }
        let skip = self.folded_skip(logits);
        if let Some((weights, bias)) = layers.last_mut() {
            let width = bias.len();
            for (j, (mean, deviation)) in self.output[0].iter().zip(&self.output[1]).enumerate() {
                for row in weights.chunks_exact_mut(width) {
                    row[j] *= deviation;
                }
                bias[j] = bias[j] * deviation + mean;
                let columns = skip.chunks_exact(width).zip(&self.input[0]);
                bias[j] -= columns.map(|(row, mean)| row[j] * mean).sum::<f32>();
            }
        }
        Arc::new(ProxySnapshot {
            kernel: Kernel::from_layers(layers),
            skip,
        })
    }

    /// The linear part at this design with the normalisers folded in, `[features, effects]`.
    fn folded_skip(&self, logits: &[f64]) -> Vec<f32> {
        let tensor = match &self.skip {
            Skip::Free(skip) => skip.detach(),
            Skip::Made(maker) => {
                let z: Vec<f32> = logits.iter().copied().map(share).collect();
                tch::no_grad(|| maker.forward(&matrix(&z, 1)).view(-1))
            }
        };
        let mut skip = vec![0f32; tensor.numel()];
        let len = skip.len();
        tensor.copy_data(&mut skip, len);
        let width = self.output[1].len();
        for (row, input) in skip.chunks_exact_mut(width).zip(&self.input[1]) {
            for (weight, output) in row.iter_mut().zip(&self.output[1]) {
                *weight *= output / input;
            }
        }
        skip
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
    fn predict(
        &self,
        _logits: &[f64],
        features: &[f32],
        scratch: &mut Scratch,
        effect: &mut [f32],
    ) {
        self.kernel.forward(features, scratch, effect);
        for (row, &feature) in self.skip.chunks_exact(effect.len()).zip(features) {
            for (effect, weight) in effect.iter_mut().zip(row) {
                *effect += feature * weight;
            }
        }
    }
}
