//! One attention head, token by token: the circuit as it works, cell for cell.
//!
//! A token's key and value are written into the next column of a ring, over the oldest ones. Then its query goes through
//! the first array as pulses; each column's charge becomes a pulse, none for negative charge, and these pulses go
//! through the second array; each sub-tile's outputs are counted with their sign and added up digitally.
//!
//! Equations (pulse widths in units of the longest pulse, currents in µA):
//!
//! ```text
//! S(t,s) = Σ_c q(t,c) f(γ^age k(s,c))          age = t - s, only the written columns of the window
//! φ(t,s) = clip(S / S_sat1, 0, 1)
//! A_g(t,c) = Σ_{s in g} φ(t,s) f(γ^age v(s,c))
//! o(t,c) = a_o Σ_g Q(clip(A_g / S_sat2, -1, 1)) + b_o
//! ```
//!
//! Columns that were never written are switched off: their cells would deliver current even so.

use super::cell::{Cell, MIDDLE_V, STORED_RANGE_V};
use super::converter::Levels;
use super::gain_cell::{Activity, GainCell};
use super::quantity::CircuitError;
use tandem_core::Stream;

/// `y = gain · x + offset` of a signal, in the digital domain before or after the circuit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Factor.
    pub gain: f64,
    /// Summand.
    pub offset: f64,
}

impl Affine {
    fn apply(&self, x: f64) -> f64 {
        self.gain * x + self.offset
    }
}

/// The scalers of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalers {
    /// Of the query, to pulse widths.
    pub query: Affine,
    /// Of the key, to volts.
    pub key: Affine,
    /// Of the value, to volts.
    pub value: Affine,
    /// Of the output.
    pub output: Affine,
}

impl Default for Scalers {
    /// Where training starts: everything as it is, keys and values about the middle of the rail.
    fn default() -> Self {
        let plain = Affine { gain: 1.0, offset: 0.0 };
        let middle = Affine {
            gain: 1.0,
            offset: MIDDLE_V,
        };
        Self {
            query: plain,
            key: middle,
            value: middle,
            output: plain,
        }
    }
}

/// Sums over everything a head has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    score_ua: f64,
    output_ua: f64,
    /// Cells of each array that were read, so far.
    cells: f64,
    /// Attention pulses.
    pulses: f64,
    width: f64,
    zero: f64,
    full: f64,
}

impl Statistics {
    /// Mean activity; zero before the first token.
    pub fn activity(&self) -> Activity {
        let cells = self.cells.max(1.0);
        Activity {
            score_ua: self.score_ua / cells,
            output_ua: self.output_ua / cells,
        }
    }

    /// What was done after `before`, an earlier state of the same head.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            score_ua: self.score_ua - before.score_ua,
            output_ua: self.output_ua - before.output_ua,
            cells: self.cells - before.cells,
            pulses: self.pulses - before.pulses,
            width: self.width - before.width,
            zero: self.zero - before.zero,
            full: self.full - before.full,
        }
    }

    /// Mean width of the attention pulses, in units of the longest.
    pub fn mean_pulse(&self) -> f64 {
        self.width / self.pulses.max(1.0)
    }

    /// Shares of attention pulses that were absent, and that were clipped.
    pub fn zero_and_full(&self) -> [f64; 2] {
        let pulses = self.pulses.max(1.0);
        [self.zero / pulses, self.full / pulses]
    }
}

/// An array of cells: a column of `rows` voltages per slot, about the middle of the rail.
#[derive(Clone, Debug)]
struct Array {
    rows: usize,
    volts: Vec<f64>,
    /// Relative current of each cell.
    gains: Vec<f64>,
}

impl Array {
    fn new(rows: usize, slots: usize, gain_deviation: f64, mut stream: Stream) -> Self {
        let mut gain = || match gain_deviation > 0.0 {
            true => 1.0 + gain_deviation * stream.normal(),
            false => 1.0,
        };
        Self {
            rows,
            volts: vec![0.0; rows * slots],
            gains: (0..rows * slots).map(|_| gain()).collect(),
        }
    }

    /// Voltages and gains of a slot.
    fn slot(&self, slot: usize) -> impl Iterator<Item = (f64, f64)> + '_ {
        let range = slot * self.rows..(slot + 1) * self.rows;
        let gains = self.gains[range.clone()].iter();
        self.volts[range].iter().copied().zip(gains.copied())
    }
}

/// A head with its ring of stored keys and values.
#[derive(Clone, Debug)]
pub struct Head {
    rows: usize,
    window: usize,
    columns: usize,
    cell: Cell,
    decay: f64,
    levels: [Levels; 3],
    saturation: [f64; 2],
    scalers: Scalers,
    keys: Array,
    values: Array,
    /// Offsets of the first array's read-outs, by slot, and of the second's, by sub-tile and component.
    offsets: [Vec<f64>; 2],
    storage_noise_v: f64,
    /// Deviation of a pulse, in units of the longest.
    jitter: f64,
    noise: Stream,
    tokens: usize,
    statistics: Statistics,
}

impl Head {
    /// An empty head of this circuit; `decay` per token in the exponent ([`GainCell::decay`] is the circuit's own).
    /// Mismatch and noise come from `seed`.
    ///
    /// # Errors
    /// A circuit that cannot be built.
    pub fn new(circuit: &GainCell, scalers: Scalers, decay: f64, seed: u64) -> Result<Self, CircuitError> {
        circuit.check()?;
        let (rows, window) = (circuit.head_dimension as usize, circuit.window as usize);
        let array = |index| {
            let stream = Stream::new(seed, "attention/mismatch", index);
            Array::new(rows, window, circuit.noise.gain, stream)
        };
        let offsets = |index, count| {
            let mut stream = Stream::new(seed, "attention/offset", index);
            let mut draw = || match circuit.noise.offset_ua > 0.0 {
                true => circuit.noise.offset_ua * stream.normal(),
                false => 0.0,
            };
            (0..count).map(|_| draw()).collect()
        };
        let tiles = circuit.tiles() as usize;
        Ok(Self {
            rows,
            window,
            columns: circuit.columns as usize,
            cell: circuit.cell(),
            decay,
            levels: [circuit.query_levels(), circuit.stored_levels(), circuit.output_levels()],
            saturation: [circuit.score_saturation_ua, circuit.output_saturation_ua],
            scalers,
            keys: array(0),
            values: array(1),
            offsets: [offsets(0, window), offsets(1, tiles * rows)],
            storage_noise_v: circuit.storage_noise_v(),
            jitter: circuit.noise.jitter_s / circuit.longest_pulse_s(),
            noise: Stream::new(seed, "attention/noise", 0),
            tokens: 0,
            statistics: Statistics::default(),
        })
    }

    /// What the head has done so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Takes one token's query, key and value, and gives its output (all of the head's dimension; what is missing
    /// counts as zero).
    pub fn step(&mut self, query: &[f64], key: &[f64], value: &[f64]) -> Vec<f64> {
        self.write(key, value);
        let levels = self.levels[0];
        let scaler = self.scalers.query;
        let at = |c: usize| query.get(c).copied().unwrap_or(0.0);
        let pulses: Vec<f64> = (0..self.rows).map(|c| levels.convert(scaler.apply(at(c)))).collect();
        let attention = self.attention_pulses(&pulses);
        self.tokens += 1;
        self.outputs(&attention)
    }

    /// Writes key and value into the oldest slot.
    fn write(&mut self, key: &[f64], value: &[f64]) {
        let slot = self.tokens % self.window;
        let levels = self.levels[1];
        let sources = [(key, self.scalers.key), (value, self.scalers.value)];
        for (array, (source, scaler)) in [&mut self.keys, &mut self.values].into_iter().zip(sources) {
            for c in 0..self.rows {
                let x = source.get(c).copied().unwrap_or(0.0);
                let mut volts = levels.convert(scaler.apply(x));
                if self.storage_noise_v > 0.0 {
                    volts += self.storage_noise_v * self.noise.normal();
                    volts = volts.clamp(0.0, STORED_RANGE_V);
                }
                array.volts[slot * self.rows + c] = volts - MIDDLE_V;
            }
        }
    }

    /// Slots that hold a token of the window, with what is left of their voltages.
    fn written(&self) -> impl Iterator<Item = (usize, f64)> + use<> {
        let (newest, window, decay) = (self.tokens, self.window, self.decay);
        let count = (newest + 1).min(window);
        (0..count).map(move |age| ((newest - age) % window, (-decay * age as f64).exp()))
    }

    /// The attention pulse of every written slot, with what is left of its voltages.
    fn attention_pulses(&mut self, query: &[f64]) -> Vec<(usize, f64, f64)> {
        let slots: Vec<(usize, f64)> = self.written().collect();
        let mut pulses = Vec::with_capacity(slots.len());
        for (slot, kept) in slots {
            let (mut charge, mut magnitude) = (self.offsets[0][slot], 0.0);
            for (&pulse, (volts, gain)) in query.iter().zip(self.keys.slot(slot)) {
                let current = pulse * gain * self.cell.current(kept * volts);
                charge += current;
                magnitude += current.abs();
            }
            let mut width = (charge / self.saturation[0]).clamp(0.0, 1.0);
            if self.jitter > 0.0 && width > 0.0 {
                width = (width + self.jitter * self.noise.normal()).clamp(0.0, 1.0);
            }
            self.statistics.score_ua += magnitude;
            self.statistics.pulses += 1.0;
            self.statistics.width += width;
            self.statistics.zero += f64::from(u8::from(width == 0.0));
            self.statistics.full += f64::from(u8::from(width == 1.0));
            pulses.push((slot, kept, width));
        }
        self.statistics.cells += (pulses.len() * self.rows) as f64;
        pulses
    }

    /// Charges of every sub-tile, counted, added and scaled.
    fn outputs(&mut self, attention: &[(usize, f64, f64)]) -> Vec<f64> {
        let mut charges = self.offsets[1].clone();
        for &(slot, kept, width) in attention.iter().filter(|(_, _, width)| *width > 0.0) {
            let tile = (slot / self.columns) * self.rows;
            for (c, (volts, gain)) in self.values.slot(slot).enumerate() {
                let current = width * gain * self.cell.current(kept * volts);
                charges[tile + c] += current;
                self.statistics.output_ua += current.abs();
            }
        }
        let (levels, full) = (self.levels[2], self.saturation[1]);
        let counted = |c: usize| {
            let tiles = charges.iter().skip(c).step_by(self.rows);
            tiles.map(|charge| levels.convert(charge / full)).sum::<f64>()
        };
        (0..self.rows).map(|c| self.scalers.output.apply(counted(c))).collect()
    }
}

#[cfg(test)]
mod tests;
