//! The hardware proxy: a network with the same inputs and outputs as a [`Hardware`] model.
//!
//! In the published method the design is *not* an input: the weights are the current hardware. The
//! conditioned proxy takes the design's logits as further inputs. Both see the hardware's features
//! (design-free functions of the query) and predict all effects; normalisers of inputs and outputs are part
//! of the network. Errors are measured in units of [`Hardware::effect_scale`].
//!
//! The network is a linear skip plus a perceptron, `h = S f + g(f)`: much hardware is nearly linear in
//! well-chosen features, and then the perceptron only has to learn the rest. In the conditioned proxy a
//! second perceptron makes the skip from the design, `h = S(z) f + g(f, z)`; products of features and design
//! are what a plain perceptron learns worst.

mod pairs;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tandem_core::{Hardware, Stream};
use tch::Tensor;

use crate::adam::{Adam, clip_global_norm};
use crate::archive::{Archive, ArchiveError};
use crate::mlp::Mlp;

pub use pairs::{DesignDraw, Pairs, matrix, mixed_queries};
pub use settings::ProxySettings;
pub use snapshot::{ProxySnapshot, ProxySnapshots};

/// Distance between proxy and hardware on a set of pairs, over the task effects, in units of their scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Root of the mean squared error (per pair: Euclidean over the task effects).
    pub rmse: f64,
    /// 95 % quantile of the error.
    pub p95: f64,
}

/// Where the linear part's matrix `[features, effects]` comes from.
#[derive(Debug)]
enum Skip {
    /// It is trained itself.
    Free(Tensor),
    /// A perceptron makes it from the design's logits.
    Made(Mlp),
}

/// The proxy network.
#[derive(Debug)]
pub struct Proxy {
    net: Mlp,
    skip: Skip,
    task: usize,
    /// Mean and deviation of each feature, then of each effect: `[features]`, `[effects]`.
    input: [Vec<f32>; 2],
    output: [Vec<f32>; 2],
    scale: Vec<f32>,
    /// Weight of each effect in the fidelity loss, `1 / scale` times the task weight.
    weight: Tensor,
    constants: [Tensor; 4],
}

impl Proxy {
    /// A proxy for this hardware; its normalisers are taken from `sample`.
    pub fn new(
        hardware: &dyn Hardware,
        settings: &ProxySettings,
        conditioned: bool,
        sample: &Pairs,
        stream: &mut Stream,
    ) -> Self {
        let (f, e) = (hardware.feature_len(), hardware.effect_channels().len());
        let d = if conditioned { hardware.space().len() } else { 0 };
        let task = hardware.task_effects();
        let scale = hardware.effect_scale().to_vec();
        let weight = |(i, s): (usize, &f32)| {
            let weight = if i < task { settings.task_weight as f32 } else { 1.0 };
            weight.sqrt() / s
        };
        let weight: Vec<f32> = scale.iter().enumerate().map(weight).collect();
        let mut proxy = Self {
            net: Mlp::new(f + d, &settings.hidden, e, 0.1, stream),
            skip: match conditioned {
                true => Skip::Made(Mlp::new(d, &settings.hidden, f * e, 0.1, stream)),
                false => {
                    let zeros = Tensor::zeros([(f * e) as i64], (tch::Kind::Float, tch::Device::Cpu));
                    Skip::Free(zeros.set_requires_grad(true))
                }
            },
            task,
            input: column_statistics(&sample.features, f),
            output: column_statistics(&sample.effects, e),
            scale,
            weight: Tensor::from_slice(&weight),
            constants: std::array::from_fn(|_| Tensor::from_slice(&[0f32])),
        };
        proxy.refresh_constants();
        proxy
    }

    fn refresh_constants(&mut self) {
        let [im, is] = &self.input;
        let [om, os] = &self.output;
        self.constants = [im, is, om, os].map(|v| Tensor::from_slice(v));
    }

    /// Whether the design is an input.
    fn conditioned(&self) -> bool {
        matches!(self.skip, Skip::Made(_))
    }

    /// Number of design parameters it sees.
    fn designs(&self) -> usize {
        match &self.skip {
            Skip::Made(maker) => maker.inputs(),
            Skip::Free(_) => 0,
        }
    }

    /// Predicted effects `[M, effects]` of features `[M, features]`; the conditioned proxy needs `logits`,
    /// `[design]` for one design or `[G, design]`, each for `M / G` rows in a row.
    pub fn forward(&self, features: &Tensor, logits: Option<&Tensor>) -> Tensor {
        let [im, is, om, os] = &self.constants;
        let x = (features - im) / is;
        let (f, e) = (x.size()[1], om.numel() as i64);
        let sum = match (&self.skip, logits) {
            (Skip::Made(maker), Some(logits)) => {
                let z = shares(logits).reshape([-1, maker.inputs() as i64]);
                let designs = z.size()[0];
                let skip = maker.forward(&z).view([designs, f, e]);
                let x = x.view([designs, -1, f]);
                let linear = x.bmm(&skip);
                let z = z.unsqueeze(1).expand([-1, x.size()[1], -1], true);
                let rest = self.net.forward(&Tensor::cat(&[&x, &z], 2));
                (linear + rest).view([-1, e])
            }
            (Skip::Free(skip), _) => x.matmul(&skip.view([f, e])) + self.net.forward(&x),
            // a conditioned proxy asked without a design: the middle of the logit box
            (Skip::Made(maker), None) => {
                let middle = Tensor::zeros([maker.inputs() as i64], (tch::Kind::Float, x.device()));
                return self.forward(features, Some(&middle));
            }
        };
        sum * os + om
    }

    /// The fidelity loss: mean over pairs of the weighted squared error, in units of the effect scale.
    pub fn fidelity(&self, predicted: &Tensor, effects: &Tensor) -> Tensor {
        ((predicted - effects) * &self.weight)
            .square()
            .sum_dim_intlist(1i64, false, tch::Kind::Float)
            .mean(tch::Kind::Float)
    }

    /// Number of task effects.
    pub fn task_effects(&self) -> usize {
        self.task
    }

    /// Trainable tensors.
    pub fn parameters(&self) -> Vec<Tensor> {
        let mut parameters = self.net.parameters();
        match &self.skip {
            Skip::Free(skip) => parameters.push(skip.shallow_clone()),
            Skip::Made(maker) => parameters.extend(maker.parameters()),
        }
        parameters
    }

    /// A handle on the same network for another thread.
    pub fn share(&self) -> Self {
        Self {
            net: self.net.share(),
            skip: match &self.skip {
                Skip::Free(skip) => Skip::Free(skip.shallow_clone()),
                Skip::Made(maker) => Skip::Made(maker.share()),
            },
            task: self.task,
            input: self.input.clone(),
            output: self.output.clone(),
            scale: self.scale.clone(),
            weight: self.weight.shallow_clone(),
            constants: std::array::from_fn(|i| self.constants[i].shallow_clone()),
        }
    }

    /// One regression step on these pairs; returns the fidelity loss before it.
    pub fn regress(&self, adam: &mut Adam, pairs: &Pairs, rate: f64) -> f64 {
        let predicted = self.predict(pairs);
        let effects = matrix(&pairs.effects, pairs.rows);
        let loss = self.fidelity(&predicted, &effects);
        let mut gradients = Tensor::run_backward(&[&loss], &self.parameters(), false, false);
        let norm = clip_global_norm(&mut gradients, 1.0);
        if norm.is_finite() {
            adam.step(&gradients, rate);
        }
        loss.double_value(&[])
    }

    /// Predicted effects of the pairs' queries and designs, `[R, effects]`.
    fn predict(&self, pairs: &Pairs) -> Tensor {
        let designs = pairs.logits.len() / self.designs().max(1);
        let logits = self.conditioned().then(|| matrix(&pairs.logits, designs));
        self.forward(&matrix(&pairs.features, pairs.rows), logits.as_ref())
    }

    /// Fits the proxy to the hardware from scratch until the held-out error of the task effects is below
    /// the tolerance, or `stop` asks to end. Returns the held-out gap and the number of hardware queries used.
    pub fn fit(
        &self,
        adam: &mut Adam,
        hardware: &dyn Hardware,
        settings: &ProxySettings,
        designs: DesignDraw,
        stream: &mut Stream,
        stop: &dyn Fn() -> bool,
    ) -> (Gap, u64) {
        let held_out = Pairs::sample(hardware, 4096, designs, stream);
        let mut queries = held_out.rows as u64;
        let steps = settings.first_steps(hardware);
        for step in 0..steps {
            let pairs = Pairs::sample(hardware, settings.batch, designs, stream);
            queries += pairs.rows as u64;
            let decay = 1.0 - 0.9 * step as f64 / steps as f64;
            self.regress(adam, &pairs, settings.rate * decay);
            if stop() || (step + 1) % 100 == 0 && self.gap(&held_out).rmse < settings.tolerance {
                break;
            }
        }
        (self.gap(&held_out), queries)
    }

    /// Distance to the hardware on these pairs.
    pub fn gap(&self, pairs: &Pairs) -> Gap {
        if pairs.rows == 0 {
            return Gap::default();
        }
        let predicted = tch::no_grad(|| self.predict(pairs));
        let flat = predicted.contiguous().view(-1);
        let mut values = vec![0f32; flat.numel()];
        flat.copy_data(&mut values, pairs.effects.len());
        let e = self.scale.len();
        let mut errors: Vec<f64> = values
            .chunks_exact(e)
            .zip(pairs.effects.chunks_exact(e))
            .map(|(p, y)| {
                let terms = (0..self.task).map(|i| f64::from((p[i] - y[i]) / self.scale[i]).powi(2));
                terms.sum::<f64>()
            })
            .collect();
        let rmse = (errors.iter().sum::<f64>() / errors.len() as f64).sqrt();
        errors.sort_by(f64::total_cmp);
        let p95 = errors[(errors.len() - 1) * 95 / 100].sqrt();
        Gap { rmse, p95 }
    }

    /// Gap at a design on visited `[R, query]` and on uniform queries.
    pub fn gaps(&self, hardware: &dyn Hardware, logits: &[f64], visited: &[f32]) -> [Gap; 2] {
        let draw = DesignDraw::Fixed(logits);
        let mut stream = Stream::new(0, "gap", 0);
        let visited = Pairs::ask(hardware, visited, draw, &mut stream);
        let uniform = Pairs::sample(hardware, 2048, draw, &mut stream);
        [self.gap(&visited), self.gap(&uniform)]
    }

    /// Stores network and normalisers under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        self.net.save(archive, &format!("{prefix}.net"));
        match &self.skip {
            Skip::Free(skip) => {
                let mut values = vec![0f32; skip.numel()];
                let len = values.len();
                skip.detach().copy_data(&mut values, len);
                archive.put_f32(&format!("{prefix}.skip"), &values);
            }
            Skip::Made(maker) => maker.save(archive, &format!("{prefix}.skip")),
        }
        for (name, [mean, deviation]) in [("input", &self.input), ("output", &self.output)] {
            archive.put_f32(&format!("{prefix}.{name}.mean"), mean);
            archive.put_f32(&format!("{prefix}.{name}.deviation"), deviation);
        }
    }

    /// Loads what [`Proxy::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        self.net.load(archive, &format!("{prefix}.net"))?;
        match &mut self.skip {
            Skip::Free(skip) => {
                let values = archive.get_f32_len(&format!("{prefix}.skip"), skip.numel())?;
                tch::no_grad(|| skip.copy_(&Tensor::from_slice(&values)));
            }
            Skip::Made(maker) => maker.load(archive, &format!("{prefix}.skip"))?,
        }
        for (name, [mean, deviation]) in [("input", &mut self.input), ("output", &mut self.output)] {
            *mean = archive.get_f32_len(&format!("{prefix}.{name}.mean"), mean.len())?;
            *deviation = archive.get_f32_len(&format!("{prefix}.{name}.deviation"), deviation.len())?;
        }
        self.refresh_constants();
        Ok(())
    }
}

/// What a network sees of a design: every parameter's place in its range, -1 to 1.
///
/// Hardware is smoother in its parameters than in their logits, which crowd half of their range into the ends. The
/// gradient by the logits is that by the shares, whose slope it skips: the design then moves by mirror descent on its
/// box (Nemirovski and Yudin 1983; Beck and Teboulle 2003), and a parameter at a bound leaves it as quickly as
/// another moves.
pub fn shares(logits: &Tensor) -> Tensor {
    let straight = logits * 0.5;
    let bend = tch::no_grad(|| logits.sigmoid() * 2.0 - 1.0 - &straight);
    straight + bend
}

/// The same on plain numbers.
fn share(logit: f64) -> f32 {
    (2.0 / (1.0 + (-logit).exp()) - 1.0) as f32
}

/// Mean and deviation (at least 1e-3) of each column of `[R, columns]`.
fn column_statistics(data: &[f32], columns: usize) -> [Vec<f32>; 2] {
    let mut moments = crate::normaliser::Moments::new(columns);
    for row in data.chunks_exact(columns.max(1)) {
        moments.push(row);
    }
    let mean = moments.mean().iter().map(|&m| m as f32).collect();
    let deviation = moments
        .variance()
        .iter()
        .map(|&v| (v.sqrt() as f32).max(1e-3))
        .collect();
    [mean, deviation]
}
