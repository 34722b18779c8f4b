//! The circuit on tensors, all tokens at once.
//!
//! A value of age `t - s` has decayed by `γ^(t-s) = γ^t γ^-s`: the two factors go into the rows and columns, so that no
//! product needs an element-wise decay. The cubic is then a sum of ordinary matrix products of powers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_attention::cell::{self, MIDDLE_V};
use tandem_attention::converter::Levels;
use tandem_attention::{Activity, CellLaw, CircuitError, GainCell};
use tch::{Kind, Tensor, no_grad};

use super::noise::{Chip, Draws};
use super::signals::Signals;
use super::{Circuit, Mode};

/// Largest decay over the tokens of one call, in the exponent: its cube still fits single precision.
const LARGEST_DECAY: f64 = 20.0;

/// How the cubic cell is differentiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backward {
    /// As if it were the linear cell: what the authors train with; cheaper, and steady where the cubic is flat.
    #[default]
    Surrogate,
    /// As it is.
    Exact,
}

/// An attention circuit on tensors.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// Coefficients of the cubic, µA/V^i.
    pub(super) cubic: [f64; 4],
    /// Slope of the linear cell, µA/V.
    pub(super) slope: f64,
    pub(super) linear: bool,
    backward: Backward,
    /// Decay per token in the exponent.
    pub(super) decay: f64,
    pub(super) window: i64,
    pub(super) columns: i64,
    pub(super) saturation: [f64; 2],
    levels: [Levels; 3],
    chip: Option<Chip>,
}

impl Hardware {
    /// The circuit; `mode` says with which cells, `tokens` how many a call has at most.
    ///
    /// # Errors
    /// A circuit that cannot be built or has no tensor form, or a decay that leaves nothing of the oldest token.
    pub fn new(circuit: &GainCell, mode: Mode, backward: Backward, tokens: usize) -> Result<Self, CircuitError> {
        circuit.check()?;
        let fail = |key, reason| Err(CircuitError::Constraint { key, reason });
        if circuit.law == CellLaw::Table {
            let text = "a measured table has no gradient; use cubic or linear";
            return fail("law", text.into());
        }
        let decay = circuit.decay();
        if decay * tokens as f64 > LARGEST_DECAY {
            let text = format!(
                "stored values decay by exp(-{:.1}) over {tokens} tokens; \
                 a larger capacitor, less leakage or a shorter token keep them",
                decay * tokens as f64
            );
            return fail("capacitor_f", text);
        }
        Ok(Self {
            cubic: cell::cubic(circuit.read_v),
            slope: cell::slope(circuit.read_v),
            linear: mode == Mode::Linear || circuit.law == CellLaw::Linear,
            backward,
            decay,
            window: i64::from(circuit.window),
            columns: i64::from(circuit.columns),
            saturation: [circuit.score_saturation_ua, circuit.output_saturation_ua],
            levels: [circuit.query_levels(), circuit.stored_levels(), circuit.output_levels()],
            chip: None,
        })
    }

    /// The same as a chip with the circuit's noise and mismatch, drawn from `seed`; as it is where the circuit has none.
    pub fn on_chip(self, circuit: &GainCell, seed: u64) -> Self {
        Self {
            chip: Chip::new(circuit, seed),
            ..self
        }
    }

    /// The same circuit with a cubic of one's own, µA/V^i.
    #[cfg(test)]
    pub(super) fn with_cubic(self, cubic: [f64; 4]) -> Self {
        Self { cubic, ..self }
    }

    /// Attention of scaled queries, keys and values; the output is not scaled yet. `signals` notes what the circuit
    /// does, where asked.
    pub fn attend(&self, inputs: [&Tensor; 3], signals: Option<&mut Signals>) -> Tensor {
        self.layer(0, inputs, signals)
    }

    /// The same in layer number `layer`, which on a chip has cells of its own.
    fn layer(&self, layer: usize, [query, key, value]: [&Tensor; 3], signals: Option<&mut Signals>) -> Tensor {
        let size = query.size();
        let tiles = self.window.min(size[2]).unsigned_abs();
        let tiles = tiles.div_ceil(self.columns.unsigned_abs()) as i64;
        let draw = |chip: &Chip| chip.draw(layer, &size, [self.window, tiles], query.kind());
        let draws = self.chip.as_ref().map(draw);
        let draws = draws.as_ref();
        let [query, mut key, mut value] = [self.pulse(query), self.stored(key), self.stored(value)];
        if let Some(draws) = draws {
            [key, value] = [draws.write(&key, 0), draws.write(&value, 1)];
        }
        let mask = self.mask(size[2], query.kind());
        let mut scores = self.scores(&query, &key, draws.map(|d| &d.gains[0]));
        scores = draws.map_or(scores.shallow_clone(), |draws| draws.read(&scores));
        let mut pulses = (scores / self.saturation[0]).clamp(0.0, 1.0) * &mask;
        pulses = draws.map_or(pulses.shallow_clone(), |draws| draws.emit(&pulses));
        if let Some(signals) = signals {
            no_grad(|| self.note(signals, [&query, &key, &value], &pulses, &mask));
        }
        self.outputs(&pulses, &value, draws)
    }

    /// A scaled query as pulse widths.
    pub(super) fn pulse(&self, query: &Tensor) -> Tensor {
        convert(query, &self.levels[0])
    }

    /// A scaled key or value as stored, V about the middle of the rail.
    pub(super) fn stored(&self, signal: &Tensor) -> Tensor {
        convert(signal, &self.levels[1]) - MIDDLE_V
    }

    /// A sub-tile's charge as counted.
    pub(super) fn counted(&self, charge: &Tensor) -> Tensor {
        convert(&(charge / self.saturation[1]), &self.levels[2])
    }

    /// 1 where a token of the window is seen, 0 elsewhere.
    fn mask(&self, tokens: i64, kind: Kind) -> Tensor {
        let ones = Tensor::ones([tokens, tokens], (kind, tch::Device::Cpu));
        ones.tril(0) - ones.tril(-self.window)
    }

    /// `γ^(power · t)` as a column; a negative power undoes the decay.
    fn fade(&self, tokens: i64, power: f64, kind: Kind) -> Tensor {
        let exponents: Vec<f64> = (0..tokens).map(|t| (-self.decay * power * t as f64).exp()).collect();
        Tensor::from_slice(&exponents).to_kind(kind).unsqueeze(-1)
    }

    /// Charges of the first array, µA over the longest pulse; `gains` are the cells' relative currents, where they differ.
    fn scores(&self, query: &Tensor, key: &Tensor, gains: Option<&Tensor>) -> Tensor {
        let (tokens, kind) = (query.size()[2], query.kind());
        let key = key * self.fade(tokens, -1.0, kind);
        let own = |power: &Tensor| gains.map_or(power.shallow_clone(), |gains| power * gains);
        let first = (query * self.fade(tokens, 1.0, kind)).matmul(&own(&key).transpose(-2, -1));
        self.combine(&first, &|| {
            let [a0, _, a2, a3] = self.cubic;
            let second = query * self.fade(tokens, 2.0, kind) * a2;
            let third = query * self.fade(tokens, 3.0, kind) * a3;
            let square = own(&(&key * &key));
            let powers = Tensor::cat(&[&square, &(&square * &key)], -1);
            let rest = Tensor::cat(&[second, third], -1).matmul(&powers.transpose(-2, -1));
            rest + match gains {
                None => query.sum_dim_intlist(-1, true, kind) * a0,
                Some(gains) => query.matmul(&gains.transpose(-2, -1)) * a0,
            }
        })
    }

    /// Charges of the second array, counted per sub-tile and added up.
    fn outputs(&self, pulses: &Tensor, value: &Tensor, draws: Option<&Draws>) -> Tensor {
        let (tokens, kind) = (value.size()[2], value.kind());
        let value = value * self.fade(tokens, -1.0, kind);
        let fades = [1.0, 2.0, 3.0].map(|power| self.fade(tokens, power, kind));
        let mut sum = Tensor::zeros_like(&value).detach();
        for (number, tile) in self.tiles(tokens).iter().enumerate() {
            let pulses = tile.columns(pulses, -1);
            let value = tile.columns(&value, -2);
            let gains = draws.map(|draws| tile.columns(&draws.gains[1], -2));
            let own = |power: &Tensor| match &gains {
                None => power.shallow_clone(),
                Some(gains) => power * gains,
            };
            let first = pulses.matmul(&own(&value)) * &fades[0];
            let charge = self.combine(&first, &|| {
                let [a0, _, a2, a3] = self.cubic;
                let square = own(&(&value * &value));
                let powers = Tensor::cat(&[&square, &(&square * &value)], -1);
                let products = pulses.matmul(&powers).chunk(2, -1);
                let bias = match &gains {
                    None => pulses.sum_dim_intlist(-1, true, kind),
                    Some(gains) => pulses.matmul(gains),
                };
                &products[0] * &fades[1] * a2 + &products[1] * &fades[2] * a3 + bias * a0
            });
            let charge = draws.map_or(charge.shallow_clone(), |d| d.count(&charge, number));
            sum += self.counted(&charge);
        }
        sum
    }

    /// Current from its linear part `first` (V, decayed) and the cubic's `rest` (µA).
    fn combine(&self, first: &Tensor, rest: &dyn Fn() -> Tensor) -> Tensor {
        if self.linear {
            return first * self.slope;
        }
        match self.backward {
            Backward::Exact => first * self.cubic[1] + rest(),
            Backward::Surrogate => {
                let bend = no_grad(|| first * (self.cubic[1] - self.slope) + rest());
                first * self.slope + bend
            }
        }
    }

    /// Which tokens meet in which sub-tile: token `s` lies in slot `s mod M`.
    fn tiles(&self, tokens: i64) -> Vec<Tile> {
        let slots = self.window.min(tokens);
        let starts = (0..slots).step_by(self.columns as usize);
        let tile = |start: i64| {
            let end = (start + self.columns).min(slots);
            if tokens <= self.window {
                return Tile::Range(start, end - start);
            }
            let inside = |s: &i64| (start..end).contains(&(s % self.window));
            let list: Vec<i64> = (0..tokens).filter(inside).collect();
            Tile::List(Tensor::from_slice(&list))
        };
        starts.map(tile).collect()
    }

    fn note(&self, signals: &mut Signals, inputs: [&Tensor; 3], pulses: &Tensor, mask: &Tensor) {
        let [query, key, value] = inputs;
        let size = query.size();
        let pairs = mask.sum(Kind::Double).double_value(&[]) * (size[0] * size[1]) as f64;
        let cells = pairs * size[3] as f64;
        let total = |t: &Tensor| t.sum(Kind::Double).double_value(&[]);
        let magnitude = |volts: &Tensor| self.current(volts).abs();
        let score = query.matmul(&magnitude(key).transpose(-2, -1)) * mask;
        let output = pulses.matmul(&magnitude(value));
        signals.activity = Some(Activity {
            score_ua: total(&score) / cells,
            output_ua: total(&output) / cells,
        });
        let absent = pulses.eq(0.0).to_kind(mask.kind()) * mask;
        signals.zero = total(&absent) / pairs;
        signals.full = total(&pulses.eq(1.0)) / pairs;
    }

    /// Current of a cell, µA.
    pub(super) fn current(&self, volts: &Tensor) -> Tensor {
        if self.linear {
            return volts * self.slope;
        }
        let [a0, a1, a2, a3] = self.cubic;
        ((volts * a3 + a2) * volts + a1) * volts + a0
    }
}

impl Circuit for Hardware {
    fn attend(&self, layer: usize, inputs: [&Tensor; 3], signals: Option<&mut Signals>) -> Tensor {
        self.layer(layer, inputs, signals)
    }
}

/// The tokens of a sub-tile.
enum Tile {
    /// First and number.
    Range(i64, i64),
    /// Indices, where the ring has wrapped.
    List(Tensor),
}

impl Tile {
    fn columns(&self, tensor: &Tensor, dimension: i64) -> Tensor {
        match self {
            Self::Range(start, length) => tensor.narrow(dimension, *start, *length),
            Self::List(list) => tensor.index_select(dimension, list),
        }
    }
}

/// Clips with ordinary gradients, rounds with straight-through ones.
fn convert(x: &Tensor, levels: &Levels) -> Tensor {
    let clipped = x.clamp(levels.low, levels.high);
    if !levels.rounds {
        return clipped;
    }
    let error = no_grad(|| (&clipped * levels.per_unit).round() / levels.per_unit - &clipped);
    clipped + error
}
