//! Sizes of the transformer, and the names and sizes of its weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::check::{SettingError, refuse, within};

/// Most weights: those of GPT-2's second size, with room. Learning needs four times their memory.
const MOST_PARAMETERS: f64 = 536_870_912.0;

/// Sizes of the transformer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    pub fn check(&self) -> Result<(), SettingError> {
        within("layers", self.layers, [1, 96])?;
        within("heads", self.heads, [1, 128])?;
        within("width", self.width, [1, 16_384])?;
        within("context", self.context, [1, 4096])?;
        if !self.width.is_multiple_of(self.heads) {
            let reason = format!("{} cannot be shared by {} heads", self.width, self.heads);
            return refuse("width", reason);
        }
        let parameters = self.parameters();
        if parameters > MOST_PARAMETERS {
            let reason = format!("makes {parameters:.0} weights; at most {MOST_PARAMETERS:.0} fit");
            return refuse("width", reason);
        }
        Ok(())
    }

    /// Number of weights, but for the table of tokens; a float, since it may exceed every integer.
    pub fn parameters(&self) -> f64 {
        let [layers, width, context] = [self.layers, self.width, self.context].map(|n| n as f64);
        layers * 12.0 * width * width + context * width
    }

    /// Numbers that a batch of so many sequences holds while it is learnt from; the score of each pair of tokens included.
    pub fn activations(&self, batch: usize) -> f64 {
        let [layers, width, context, heads] = [self.layers, self.width, self.context, self.heads].map(|n| n as f64);
        batch as f64 * context * layers * (16.0 * width + heads * context)
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
pub(super) const LAYER_WEIGHTS: usize = 14;

/// Where training on hardware starts: signals as they are, keys and values about the middle of the rail.
pub(super) const FIRST_OFFSETS: [f64; 4] = [0.0, 0.45, 0.45, 0.0];

/// Whether a weight is one of the hardware's scalers.
pub fn is_scaler(name: &str) -> bool {
    name.contains("attn.scaler.")
}
