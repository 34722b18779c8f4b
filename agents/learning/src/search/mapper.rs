//! A policy that maps layer after layer: a network sees a layer's features and the hardware, and says where its mapping's
//! sizes should lie and how likely each option of its choices is.
//!
//! Sizes are Gaussian around the mean, but only some of them move at a time (a random mask): most moves of all sizes at
//! once are bad. What the network learns is added to where the search starts, and to a table with a row per layer.

use tandem_core::search::{gene_of, option};
use tandem_core::{SearchSpace, Stream};
use tch::{Kind, Tensor};

use crate::adam::{Adam, gradients};
use crate::mlp::Mlp;

/// Hidden layers of the network.
const HIDDEN: [usize; 2] = [64, 64];
/// Logit of an option that the start has chosen, against 0 for the others.
const CHOSEN: f32 = 2.0;
/// Steps towards a point when it is imitated, and their size.
const PULLS: usize = 2;
const PULL_RATE: f64 = 0.01;

/// The policy.
pub struct Mapper {
    network: Mlp,
    /// `[layers, outputs]`.
    table: Tensor,
    adam: Adam,
    /// For each gene of a layer, where its outputs stand and how many there are (1 for a size).
    layout: Vec<(usize, usize)>,
    choices: Vec<usize>,
    outputs: usize,
    hardware: usize,
    layers: usize,
    features: Vec<f32>,
}

/// What the policy says about all layers on one machine.
#[derive(Clone, Debug)]
pub struct Outputs {
    hardware: Vec<f64>,
    /// Means and logits, `[layers][outputs]`.
    values: Vec<f32>,
}

/// A mapping drawn for a layer, and how its likelihood rises with the outputs.
#[derive(Clone, Debug)]
pub struct Draw {
    /// The genes.
    pub mapping: Vec<f64>,
    /// Slope of the log-likelihood by each output, times the squared deviation of sizes.
    pub score: Vec<f32>,
}

impl Mapper {
    /// An untrained policy for a space: it says what the start says.
    pub fn new(space: &dyn SearchSpace, stream: &mut Stream) -> Self {
        let mut outputs = 0;
        let layout = space.choices().iter().map(|&options| {
            let at = outputs;
            outputs += options.max(1);
            (at, options.max(1))
        });
        let layout: Vec<(usize, usize)> = layout.collect();
        let layers = space.layers();
        let features = (0..layers).flat_map(|layer| space.features(layer).iter().map(|&f| f as f32));
        let features: Vec<f32> = features.collect();
        let inputs = features.len() / layers.max(1) + space.hardware();
        let network = Mlp::new(inputs, &HIDDEN, outputs, 0.0, stream);
        let table =
            Tensor::zeros([layers as i64, outputs as i64], (Kind::Float, tch::Device::Cpu)).set_requires_grad(true);
        let mut parameters = network.parameters();
        parameters.push(table.shallow_clone());
        Self {
            adam: Adam::new(parameters),
            network,
            table,
            layout,
            choices: space.choices().to_vec(),
            outputs,
            hardware: space.hardware(),
            layers,
            features,
        }
    }

    /// What the policy says, when the search starts from `start`, for the machine in `hardware`.
    pub fn outputs(&self, start: &[f64], hardware: &[f64]) -> Outputs {
        let learnt = tch::no_grad(|| self.forward(hardware));
        let mut values = vec![0.0; self.layers * self.outputs];
        learnt.copy_data(&mut values, self.layers * self.outputs);
        let width = self.layout.len();
        for layer in 0..self.layers {
            let mapping = &start[self.hardware + layer * width..][..width];
            let values = &mut values[layer * self.outputs..][..self.outputs];
            for ((&gene, &(at, _)), &options) in mapping.iter().zip(&self.layout).zip(&self.choices) {
                match options {
                    0 => values[at] += gene as f32,
                    _ => values[at + option(gene, options)] += CHOSEN,
                }
            }
        }
        Outputs {
            hardware: hardware.to_vec(),
            values,
        }
    }

    fn forward(&self, hardware: &[f64]) -> Tensor {
        let own = self.features.len() / self.layers.max(1);
        let rows = self.features.chunks(own.max(1)).flat_map(|row| {
            let hardware = hardware.iter().map(|&gene| gene as f32);
            row.iter().copied().chain(hardware)
        });
        let rows: Vec<f32> = rows.collect();
        let input = Tensor::from_slice(&rows).view([self.layers as i64, -1]);
        self.network.forward(&input) + &self.table
    }

    /// The most likely mapping of each layer, as a point with the outputs' hardware.
    pub fn mean(&self, outputs: &Outputs) -> Vec<f64> {
        let mut point = outputs.hardware.clone();
        for values in outputs.values.chunks(self.outputs) {
            for (&(at, count), &options) in self.layout.iter().zip(&self.choices) {
                point.push(match options {
                    0 => f64::from(values[at]).clamp(0.0, 1.0),
                    _ => {
                        let logits = &values[at..at + count];
                        let best = (0..count).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
                        gene_of(best.unwrap_or(0), options)
                    }
                });
            }
        }
        point
    }

    /// Draws a mapping for a layer: each size moves with probability `share`, by `deviation`; each choice is drawn anew
    /// with the same probability.
    pub fn draw(&self, outputs: &Outputs, layer: usize, [share, deviation]: [f64; 2], stream: &mut Stream) -> Draw {
        let values = &outputs.values[layer * self.outputs..][..self.outputs];
        let mut score = vec![0.0; self.outputs];
        let mut mapping = Vec::with_capacity(self.layout.len());
        for (&(at, count), &options) in self.layout.iter().zip(&self.choices) {
            let moves = stream.unit() < share;
            if options == 0 {
                let mean = f64::from(values[at]).clamp(0.0, 1.0);
                let gene = if moves {
                    (mean + deviation * stream.normal()).clamp(0.0, 1.0)
                } else {
                    mean
                };
                score[at] = (gene - mean) as f32;
                mapping.push(gene);
                continue;
            }
            let logits = &values[at..at + count];
            let chosen = if moves {
                draw_option(logits, stream)
            } else {
                (0..count).fold(0, |best, k| if logits[k] > logits[best] { k } else { best })
            };
            if moves {
                let shares = softmax(logits);
                for k in 0..count {
                    let own = if k == chosen { 1.0 } else { 0.0 };
                    score[at + k] = own - shares[k];
                }
            }
            mapping.push(gene_of(chosen, options));
        }
        Draw { mapping, score }
    }

    /// Slopes that pull the outputs for a layer towards a mapping; sizes by their distance, choices by their likelihood.
    fn towards(&self, outputs: &Outputs, layer: usize, mapping: &[f64]) -> Vec<f32> {
        let values = &outputs.values[layer * self.outputs..][..self.outputs];
        let mut pull = vec![0.0; self.outputs];
        for ((&(at, count), &options), &gene) in self.layout.iter().zip(&self.choices).zip(mapping) {
            if options == 0 {
                pull[at] = gene as f32 - values[at];
                continue;
            }
            let shares = softmax(&values[at..at + count]);
            for k in 0..count {
                let own = if k == option(gene, options) { 1.0 } else { 0.0 };
                pull[at + k] = own - shares[k];
            }
        }
        pull
    }

    /// Slopes by outputs from slopes by a point's genes; choices get none.
    pub fn by_outputs(&self, slopes: &[f64]) -> Vec<f32> {
        let width = self.layout.len();
        let mut all = vec![0.0; self.layers * self.outputs];
        for layer in 0..self.layers {
            for (gene, &(at, _)) in self.layout.iter().enumerate() {
                if self.choices[gene] == 0 {
                    let slope = slopes[self.hardware + layer * width + gene];
                    all[layer * self.outputs + at] = slope as f32;
                }
            }
        }
        all
    }

    /// One step of Adam that lowers the sum over machines of outputs times slopes, `[layers][outputs]` each.
    pub fn descend(&mut self, machines: &[(Vec<f64>, Vec<f32>)], rate: f64) {
        let mut loss = Tensor::from(0.0f32);
        for (hardware, slopes) in machines {
            let slopes = Tensor::from_slice(slopes).view([self.layers as i64, -1]);
            loss += (self.forward(hardware) * slopes).sum(Kind::Float);
        }
        let mut parameters = self.network.parameters();
        parameters.push(self.table.shallow_clone());
        if let Ok(gradients) = gradients(&loss, &parameters) {
            self.adam.step(&gradients, rate);
        }
    }

    /// Follows the best point: some steps that pull the outputs of all layers towards it.
    pub fn imitate(&mut self, space: &dyn SearchSpace, start: &[f64], best: &[f64]) {
        let hardware = &best[..space.hardware()];
        for _ in 0..PULLS {
            let outputs = self.outputs(start, hardware);
            let pulls = (0..space.layers()).flat_map(|layer| {
                let pull = self.towards(&outputs, layer, &best[space.range(layer)]);
                pull.into_iter().map(|slope| -slope)
            });
            let pulls = pulls.collect();
            self.descend(&[(hardware.to_vec(), pulls)], PULL_RATE);
        }
    }

    /// Numbers that the policy says about a layer.
    pub fn outputs_per_layer(&self) -> usize {
        self.outputs
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|l| (l - most).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|w| w / sum).collect()
}

fn draw_option(logits: &[f32], stream: &mut Stream) -> usize {
    let mut at = stream.unit() as f32;
    let shares = softmax(logits);
    for (k, share) in shares.iter().enumerate() {
        at -= share;
        if at < 0.0 {
            return k;
        }
    }
    shares.len().saturating_sub(1)
}
