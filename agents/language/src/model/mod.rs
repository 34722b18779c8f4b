//! The transformer (GPT-2: Radford et al. 2019): learnt positions, layer norms before attention and MLP, tied output.
//!
//! Weights have GPT-2's names and shapes (`h.0.attn.c_attn.weight` is `[width, 3 width]`, inputs first), and each layer
//! has eight scalers per head beside them, which softmax attention does not use.

use tandem_core::Stream;
use tch::{Kind, Tensor};

use super::LanguageError;
use super::shape::{FIRST_OFFSETS, LAYER_WEIGHTS, Shape, is_scaler};
use crate::attention::adaptation::Scaler;
use crate::attention::{Circuit, SIGNALS, Signals, softmax};
use tandem_learning::archive::{Archive, ArchiveError};
use tandem_learning::raw;

/// Deviation of new weights, and what the output side of each residual branch is divided by: GPT-2's.
const INITIAL_DEVIATION: f64 = 0.02;
const EPSILON: f64 = 1e-5;

/// A language model.
#[derive(Debug)]
pub struct Gpt {
    shape: Shape,
    names: Vec<String>,
    tensors: Vec<Tensor>,
}

impl Gpt {
    /// A new model for this many characters, its weights drawn from `stream`.
    ///
    /// # Errors
    /// A shape out of range.
    pub fn new(shape: &Shape, characters: usize, stream: &mut Stream) -> Result<Self, LanguageError> {
        shape.check()?;
        let (names, sizes): (Vec<_>, Vec<_>) = shape.weights(characters).into_iter().unzip();
        let tensors = names
            .iter()
            .zip(&sizes)
            .map(|(name, size)| initial(name, size, shape.layers, stream))
            .collect();
        Ok(Self {
            shape: shape.clone(),
            names,
            tensors,
        })
    }

    /// A model of its own with the same weights.
    pub fn twin(&self) -> Self {
        let copy = |t: &Tensor| t.detach().copy().set_requires_grad(true);
        Self {
            shape: self.shape.clone(),
            names: self.names.clone(),
            tensors: self.tensors.iter().map(copy).collect(),
        }
    }

    /// The sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Names of the weights, in the order of [`Gpt::tensors`].
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The weights: leaves that want gradients.
    pub fn tensors(&self) -> Vec<Tensor> {
        self.tensors.iter().map(Tensor::shallow_clone).collect()
    }

    /// Number of weights, scalers not counted.
    pub fn parameters(&self) -> usize {
        let pairs = self.names.iter().zip(&self.tensors);
        pairs.filter(|(n, _)| !is_scaler(n)).map(|(_, t)| t.numel()).sum()
    }

    /// Scores of the next character, `[batch, tokens, characters]`; softmax attention without hardware. `signals` gets one
    /// entry per layer where asked.
    pub fn forward(
        &self,
        characters: &Tensor,
        hardware: Option<&dyn Circuit>,
        mut signals: Option<&mut Vec<Signals>>,
    ) -> Tensor {
        let tokens = characters.size()[1];
        let embedding = &self.tensors[0];
        let mut x = Tensor::embedding(embedding, characters, -1, false, false) + self.tensors[1].narrow(0, 0, tokens);
        for layer in 0..self.shape.layers {
            let first = 2 + layer * LAYER_WEIGHTS;
            let w = &self.tensors[first..first + LAYER_WEIGHTS];
            let mut noted = signals.as_ref().map(|_| Signals::default());
            let normal = self.layer_norm(&x, &w[0], &w[1]);
            // not in place: the norm before needs its input for the gradient
            x = &x + self.attention(&normal, w, hardware.map(|h| (layer, h)), noted.as_mut());
            let normal = self.layer_norm(&x, &w[6], &w[7]);
            x = &x + linear(&linear(&normal, &w[8], &w[9]).gelu("tanh"), &w[10], &w[11]);
            if let (Some(all), Some(noted)) = (signals.as_deref_mut(), noted) {
                all.push(noted);
            }
        }
        let last = self.tensors.len() - 2;
        let normal = self.layer_norm(&x, &self.tensors[last], &self.tensors[last + 1]);
        normal.matmul(&embedding.tr())
    }

    /// Mean cross-entropy of `targets`, nat per character.
    pub fn loss(
        &self,
        [characters, targets]: &[Tensor; 2],
        hardware: Option<&dyn Circuit>,
        signals: Option<&mut Vec<Signals>>,
    ) -> Tensor {
        let scores = self.forward(characters, hardware, signals);
        let count = scores.size()[2];
        scores.view([-1, count]).cross_entropy_for_logits(&targets.reshape(-1))
    }

    fn layer_norm(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        let width = [self.shape.width as i64];
        x.layer_norm(width, Some(weight), Some(bias), EPSILON, false)
    }

    fn attention(
        &self,
        x: &Tensor,
        w: &[Tensor],
        hardware: Option<(usize, &dyn Circuit)>,
        signals: Option<&mut Signals>,
    ) -> Tensor {
        let size = x.size();
        let (batch, tokens) = (size[0], size[1]);
        let heads = self.shape.heads as i64;
        let split = |t: &Tensor| {
            t.view([batch, tokens, heads, self.shape.head_dimension() as i64])
                .transpose(1, 2)
        };
        let parts = linear(x, &w[2], &w[3]).split(self.shape.width as i64, -1);
        let [q, k, v] = [0, 1, 2].map(|i| split(&parts[i].contiguous()));
        let out = match hardware {
            None => softmax(&q, &k, &v),
            Some(hardware) => scaled(hardware, [q, k, v], [&w[12], &w[13]], signals),
        };
        let joined = out
            .transpose(1, 2)
            .contiguous()
            .view([batch, tokens, self.shape.width as i64]);
        linear(&joined, &w[4], &w[5])
    }

    /// All scalers: layer by layer, signal by signal, head by head.
    pub fn scalers(&self) -> Vec<Scaler> {
        let mut all = Vec::new();
        for layer in 0..self.shape.layers {
            let [gains, offsets] = self.scaler_tensors(layer).map(|t| raw::floats(t).to_vec());
            let pairs = gains.into_iter().zip(offsets);
            all.extend(pairs.map(|(gain, offset)| Scaler {
                gain: f64::from(gain),
                offset: f64::from(offset),
            }));
        }
        all
    }

    /// Sets what [`Gpt::scalers`] gives.
    pub fn set_scalers(&mut self, scalers: &[Scaler]) {
        let per_layer = SIGNALS.len() * self.shape.heads;
        for (layer, scalers) in scalers.chunks(per_layer).enumerate().take(self.shape.layers) {
            let [mut gains, mut offsets] = self.scaler_tensors(layer).map(Tensor::shallow_clone);
            let numbers =
                |of: fn(&Scaler) -> f64| -> Vec<f32> { scalers.iter().map(|scaler| of(scaler) as f32).collect() };
            raw::set(&mut gains, &numbers(|scaler| scaler.gain));
            raw::set(&mut offsets, &numbers(|scaler| scaler.offset));
        }
    }

    fn scaler_tensors(&self, layer: usize) -> [&Tensor; 2] {
        let last = 2 + (layer + 1) * LAYER_WEIGHTS;
        [&self.tensors[last - 2], &self.tensors[last - 1]]
    }

    /// Stores the weights under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        for (name, tensor) in self.names.iter().zip(&self.tensors) {
            archive.put_f32(&format!("{prefix}.{name}"), raw::floats(tensor));
        }
    }

    /// Loads what [`Gpt::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let get = |(name, tensor): (&String, &Tensor)| archive.get_f32_len(&format!("{prefix}.{name}"), tensor.numel());
        let pairs = self.names.iter().zip(&self.tensors);
        let values = pairs.map(get).collect::<Result<Vec<_>, _>>()?;
        self.set(values);
        Ok(())
    }

    /// Sets all weights, in the order of [`Gpt::names`], each of its size.
    pub(super) fn set(&mut self, values: Vec<Vec<f32>>) {
        for (tensor, values) in self.tensors.iter_mut().zip(values) {
            raw::set(tensor, &values);
        }
    }
}

/// Scalers around the circuit; notes their signals where asked.
fn scaled(
    (layer, hardware): (usize, &dyn Circuit),
    inputs: [Tensor; 3],
    [gains, offsets]: [&Tensor; 2],
    mut signals: Option<&mut Signals>,
) -> Tensor {
    let heads = gains.size()[1];
    let scale = |index: usize, signal: &Tensor| {
        let [gain, offset] = [gains, offsets].map(|t| t.get(index as i64).view([1, heads, 1, 1]));
        signal * gain + offset
    };
    let inputs: Vec<Tensor> = inputs.iter().enumerate().map(|(i, x)| scale(i, x)).collect();
    if let Some(signals) = signals.as_deref_mut() {
        inputs.iter().enumerate().for_each(|(i, x)| signals.note(i, x));
    }
    let out = hardware.attend(layer, [&inputs[0], &inputs[1], &inputs[2]], signals.as_deref_mut());
    let out = scale(3, &out);
    if let Some(signals) = signals {
        signals.note(3, &out);
    }
    out
}

fn linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
    x.matmul(weight) + bias
}

fn initial(name: &str, size: &[i64], layers: usize, stream: &mut Stream) -> Tensor {
    let count = size.iter().product::<i64>() as usize;
    let mut values = vec![0f32; count];
    if name.ends_with("scaler.offset") {
        let heads = size[1] as usize;
        values
            .iter_mut()
            .enumerate()
            .for_each(|(i, v)| *v = FIRST_OFFSETS[i / heads] as f32);
    } else if name.contains("ln_") && name.ends_with("weight") || name.ends_with("scaler.gain") {
        values.fill(1.0);
    } else if name.ends_with("weight") {
        let residual = name.ends_with("c_proj.weight");
        let divisor = if residual { (2.0 * layers as f64).sqrt() } else { 1.0 };
        stream.fill_normal(&mut values);
        let deviation = (INITIAL_DEVIATION / divisor) as f32;
        values.iter_mut().for_each(|v| *v *= deviation);
    }
    Tensor::from_slice(&values).view(size).set_requires_grad(true)
}

/// Draws a character from scores at a temperature (0, or too small to divide by: the best one).
pub fn draw(scores: &Tensor, temperature: f64, stream: &mut Stream) -> i64 {
    let scaled = scores.to_kind(Kind::Double) / temperature;
    if scaled.isfinite().all().int64_value(&[]) == 0 {
        return scores.argmax(-1, false).int64_value(&[]);
    }
    let weights = scaled.softmax(-1, Kind::Double);
    let weights = crate::attention::numbers(&weights);
    let mut left = stream.unit() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.unwrap_or(weights.len().saturating_sub(1)) as i64
}

#[cfg(test)]
mod tests;
