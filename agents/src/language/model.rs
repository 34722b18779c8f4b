//! The transformer (GPT-2: Radford et al. 2019): learnt positions, layer norms before attention and MLP, tied output.
//!
//! Weights have GPT-2's names and shapes (`h.0.attn.c_attn.weight` is `[width, 3 width]`, inputs first), and each layer
//! has eight scalers per head beside them, which softmax attention does not use.

use serde::{Deserialize, Serialize};
use tandem_envs::Stream;
use tch::{Kind, Tensor};

use super::LanguageError;
use crate::archive::{Archive, ArchiveError};
use crate::attention::adaptation::Scaler;
use crate::attention::{Hardware, SIGNALS, Signals, softmax};
use crate::raw;

/// Deviation of new weights, and what the output side of each residual branch is divided by: GPT-2's.
const INITIAL_DEVIATION: f64 = 0.02;
const EPSILON: f64 = 1e-5;

/// Sizes of the transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// Layers.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
    /// Components of a token's vector; heads share it evenly.
    pub width: usize,
    /// Tokens of a sequence.
    pub context: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            layers: 2,
            heads: 2,
            width: 128,
            context: 128,
        }
    }
}

impl Shape {
    /// Components of a head.
    pub fn head_dimension(&self) -> usize {
        self.width / self.heads.max(1)
    }

    /// # Errors
    /// A size out of range, or a width that the heads cannot share.
    pub fn check(&self) -> Result<(), LanguageError> {
        let fail = |key: &str, reason: String| {
            Err(LanguageError::Setting {
                key: format!("model.{key}"),
                reason,
            })
        };
        for (key, value, high) in [
            ("layers", self.layers, 96),
            ("heads", self.heads, 128),
            ("width", self.width, 16_384),
            ("context", self.context, 4096),
        ] {
            if value < 1 || value > high {
                return fail(key, format!("is {value}; it must lie between 1 and {high}"));
            }
        }
        if !self.width.is_multiple_of(self.heads) {
            return fail(
                "width",
                format!("{} cannot be shared by {} heads", self.width, self.heads),
            );
        }
        Ok(())
    }

    /// Names and sizes of all weights, in a fixed order.
    pub fn weights(&self, characters: usize) -> Vec<(String, Vec<i64>)> {
        let (w, c) = (self.width as i64, self.context as i64);
        let mut all = vec![
            ("wte.weight".to_owned(), vec![characters as i64, w]),
            ("wpe.weight".to_owned(), vec![c, w]),
        ];
        for layer in 0..self.layers {
            for (name, size) in [
                ("ln_1.weight", vec![w]),
                ("ln_1.bias", vec![w]),
                ("attn.c_attn.weight", vec![w, 3 * w]),
                ("attn.c_attn.bias", vec![3 * w]),
                ("attn.c_proj.weight", vec![w, w]),
                ("attn.c_proj.bias", vec![w]),
                ("ln_2.weight", vec![w]),
                ("ln_2.bias", vec![w]),
                ("mlp.c_fc.weight", vec![w, 4 * w]),
                ("mlp.c_fc.bias", vec![4 * w]),
                ("mlp.c_proj.weight", vec![4 * w, w]),
                ("mlp.c_proj.bias", vec![w]),
                (SCALER_GAIN, vec![4, self.heads as i64]),
                (SCALER_OFFSET, vec![4, self.heads as i64]),
            ] {
                all.push((format!("h.{layer}.{name}"), size));
            }
        }
        all.push(("ln_f.weight".to_owned(), vec![w]));
        all.push(("ln_f.bias".to_owned(), vec![w]));
        all
    }
}

const SCALER_GAIN: &str = "attn.scaler.gain";
const SCALER_OFFSET: &str = "attn.scaler.offset";
/// Weights of a layer in [`Shape::weights`].
const LAYER_WEIGHTS: usize = 14;

/// Where training on hardware starts: signals as they are, keys and values about the middle of the rail.
const FIRST_OFFSETS: [f64; 4] = [0.0, 0.45, 0.45, 0.0];

/// Whether a weight is one of the hardware's scalers.
pub fn is_scaler(name: &str) -> bool {
    name.contains("attn.scaler.")
}

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
    pub fn new(
        shape: &Shape,
        characters: usize,
        stream: &mut Stream,
    ) -> Result<Self, LanguageError> {
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
        pairs
            .filter(|(n, _)| !is_scaler(n))
            .map(|(_, t)| t.numel())
            .sum()
    }

    /// Scores of the next character, `[batch, tokens, characters]`; softmax attention without hardware. `signals` gets one
    /// entry per layer where asked.
    pub fn forward(
        &self,
        characters: &Tensor,
        hardware: Option<&Hardware>,
        mut signals: Option<&mut Vec<Signals>>,
    ) -> Tensor {
        let tokens = characters.size()[1];
        let embedding = &self.tensors[0];
        let mut x = Tensor::embedding(embedding, characters, -1, false, false)
            + self.tensors[1].narrow(0, 0, tokens);
        for layer in 0..self.shape.layers {
            let first = 2 + layer * LAYER_WEIGHTS;
            let w = &self.tensors[first..first + LAYER_WEIGHTS];
            let mut noted = signals.as_ref().map(|_| Signals::default());
            let normal = self.layer_norm(&x, &w[0], &w[1]);
            // not in place: the norm before needs its input for the gradient
            x = &x + self.attention(&normal, w, hardware, noted.as_mut());
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
        hardware: Option<&Hardware>,
        signals: Option<&mut Vec<Signals>>,
    ) -> Tensor {
        let scores = self.forward(characters, hardware, signals);
        let count = scores.size()[2];
        scores
            .view([-1, count])
            .cross_entropy_for_logits(&targets.reshape(-1))
    }

    fn layer_norm(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        let width = [self.shape.width as i64];
        x.layer_norm(width, Some(weight), Some(bias), EPSILON, false)
    }

    fn attention(
        &self,
        x: &Tensor,
        w: &[Tensor],
        hardware: Option<&Hardware>,
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
        let joined =
            out.transpose(1, 2)
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
        for (layer, scalers) in scalers
            .chunks(per_layer)
            .enumerate()
            .take(self.shape.layers)
        {
            let [mut gains, mut offsets] = self.scaler_tensors(layer).map(Tensor::shallow_clone);
            raw::rewrite(&mut gains, |to| {
                to.iter_mut()
                    .zip(scalers)
                    .for_each(|(t, s)| *t = s.gain as f32)
            });
            raw::rewrite(&mut offsets, |to| {
                to.iter_mut()
                    .zip(scalers)
                    .for_each(|(t, s)| *t = s.offset as f32)
            });
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
        let get = |(name, tensor): (&String, &Tensor)| {
            archive.get_f32_len(&format!("{prefix}.{name}"), tensor.numel())
        };
        let pairs = self.names.iter().zip(&self.tensors);
        let values = pairs.map(get).collect::<Result<Vec<_>, _>>()?;
        self.set(values);
        Ok(())
    }

    /// Sets all weights, in the order of [`Gpt::names`], each of its size.
    pub(super) fn set(&mut self, values: Vec<Vec<f32>>) {
        for (tensor, values) in self.tensors.iter_mut().zip(values) {
            raw::rewrite(tensor, |to| to.copy_from_slice(&values));
        }
    }
}

/// Scalers around the circuit; notes their signals where asked.
fn scaled(
    hardware: &Hardware,
    inputs: [Tensor; 3],
    [gains, offsets]: [&Tensor; 2],
    mut signals: Option<&mut Signals>,
) -> Tensor {
    let heads = gains.size()[1];
    let scale = |index: usize, signal: &Tensor| {
        let [gain, offset] = [gains, offsets].map(|t| t.get(index as i64).view([1, heads, 1, 1]));
        signal * gain + offset
    };
    let inputs: Vec<Tensor> = inputs
        .iter()
        .enumerate()
        .map(|(i, x)| scale(i, x))
        .collect();
    if let Some(signals) = signals.as_deref_mut() {
        inputs
            .iter()
            .enumerate()
            .for_each(|(i, x)| signals.note(i, x));
    }
    let out = hardware.attend([&inputs[0], &inputs[1], &inputs[2]], signals.as_deref_mut());
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
        let divisor = if residual {
            (2.0 * layers as f64).sqrt()
        } else {
            1.0
        };
        stream.fill_normal(&mut values);
        let deviation = (INITIAL_DEVIATION / divisor) as f32;
        values.iter_mut().for_each(|v| *v *= deviation);
    }
    Tensor::from_slice(&values)
        .view(size)
        .set_requires_grad(true)
}

/// Draws a character from scores at a temperature (0: the best one).
pub fn draw(scores: &Tensor, temperature: f64, stream: &mut Stream) -> i64 {
    if temperature <= 0.0 {
        return scores.argmax(-1, false).int64_value(&[]);
    }
    let weights = (scores.to_kind(Kind::Double) / temperature).softmax(-1, Kind::Double);
    let weights = crate::attention::numbers(&weights);
    let mut left = stream.unit() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.unwrap_or(weights.len().saturating_sub(1)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::no_grad;

    #[test]
    fn gpt2_has_its_published_number_of_parameters() {
        let gpt2 = Shape {
            layers: 12,
            heads: 12,
            width: 768,
            context: 1024,
        };
        let weights = gpt2.weights(50_257);
        let plain = weights.iter().filter(|(name, _)| !is_scaler(name));
        let count: i64 = plain.map(|(_, size)| size.iter().product::<i64>()).sum();
        assert_eq!(count, 124_439_808);
        assert_eq!(gpt2.head_dimension(), 64);
    }

    #[test]
    fn a_new_model_knows_nothing_and_sees_no_future() {
        let shape = Shape {
            width: 32,
            context: 16,
            ..Shape::default()
        };
        let model = Gpt::new(&shape, 30, &mut Stream::new(0, "model", 0)).unwrap();
        let text = Tensor::from_slice(&(0..16i64).collect::<Vec<_>>()).view([1, 16]);
        let (all, cut) = no_grad(|| {
            let cut = model.forward(&text.narrow(1, 0, 7), None, None);
            (model.forward(&text, None, None), cut)
        });
        assert!((all.narrow(1, 0, 7) - cut).abs().max().double_value(&[]) < 1e-5);
        let loss =
            no_grad(|| model.loss(&[text.copy(), text.flip([1])], None, None)).double_value(&[]);
        assert!((loss - 30f64.ln()).abs() < 0.3, "{loss}");
    }

    #[test]
    fn temperature_zero_takes_the_best_and_one_takes_all() {
        let scores = Tensor::from_slice(&[0.0f32, 1.0, 0.5]);
        let mut stream = Stream::new(0, "draw", 0);
        assert_eq!(draw(&scores, 0.0, &mut stream), 1);
        let mut counts = [0; 3];
        (0..3000).for_each(|_| counts[draw(&scores, 1.0, &mut stream) as usize] += 1);
        let total: f64 = [0.0f64, 1.0, 0.5].iter().map(|s| s.exp()).sum();
        assert!((f64::from(counts[1]) / 3000.0 - 1f64.exp() / total).abs() < 0.04);
    }
}
