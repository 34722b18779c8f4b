//! The parameters of an attention circuit. The defaults are the published design point.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cell::{Cell, CellLaw};
use super::converter::Levels;

/// Boltzmann's constant times 300 K, J.
const THERMAL_J: f64 = 1.380649e-23 * 300.0;

/// What the cells are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Technology {
    /// Six transistors in silicon, beside their logic.
    #[default]
    Silicon,
    /// Oxide semiconductors above the logic: they leak less, write more slowly and can be stacked.
    Oxide,
}

/// How the output is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counter {
    /// The rounding of the published model, with its 33 codes at 5 bits.
    #[default]
    Published,
    /// A sign and a counter, 31 codes at 5 bits.
    Signed,
}

/// What a technology brings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Length of the write phase, s.
    pub write_s: f64,
    /// Resistance of the write switch, Ohm.
    pub write_ohm: f64,
    /// Leakage of a cell at the supply's voltage, A.
    pub leakage_a: f64,
    /// Area of a cell, m².
    pub cell_m2: f64,
}

/// Times, s. Only their sum of 65 ns is published; how it splits is assumed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timing {
    /// Reset of an integrator; there are two a token.
    pub reset_s: f64,
    /// One level of the adder tree over the sub-tiles.
    pub add_s: f64,
    /// Time of a token outside attention: it only lets the stored values decay longer.
    pub other_s: f64,
    /// How long the digital part works beyond two longest pulses.
    pub digital_s: f64,
}

/// Energies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnergyTable {
    /// Read-out of a column of the first array, J.
    pub score_readout_j: f64,
    /// Read-out of a column of the second array, J.
    pub output_readout_j: f64,
    /// Writing one value at 3 bits, J; doubles per bit.
    pub dac_j: f64,
    /// Digital power of a sub-tile of 64 x 64 at 0.9 V and 1 GHz, W.
    pub tile_w: f64,
    /// Share of that power that does not grow with the sub-tile.
    pub tile_fixed: f64,
}

/// Areas.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AreaTable {
    /// Periphery of a sub-tile of 64 x 64, m².
    pub periphery_m2: f64,
    /// Share of it that is integration capacitors, and grows with the saturation charges.
    pub integrator_share: f64,
    /// Density of storage capacitors, F/m²: a capacitor larger than its cell sets the cell's area.
    pub capacitor_f_per_m2: f64,
}

/// How much current the data draws, µA: means over the cells of pulse (0 to 1) times magnitude of the current.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// First array: query pulse times current of the keys.
    pub score_ua: f64,
    /// Second array: attention pulse times current of the values.
    pub output_ua: f64,
}

/// Deviations (normal); all zero in the published results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Noise {
    /// Of a written voltage, V, drawn at every write.
    pub storage_v: f64,
    /// Adds the thermal noise √(kT/C) at 300 K to every written voltage.
    pub thermal: bool,
    /// Of a cell's current, relative; drawn once per cell.
    pub gain: f64,
    /// Of a read-out's offset, µA T_max; drawn once per column.
    pub offset_ua: f64,
    /// Of the width of an attention pulse, s; drawn for every pulse.
    pub jitter_s: f64,
}

impl Noise {
    /// Whether any of it is switched on.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// A circuit: one set of parameters from which accuracy, time, energy and area follow.
/// [`QUANTITIES`](crate::QUANTITIES) has unit, bounds and source of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GainCell {
    /// What the cells are made of.
    pub technology: Technology,
    /// Which law turns stored voltage into current.
    pub law: CellLaw,
    /// How the output is counted.
    pub counter: Counter,
    /// Whether queries, keys, values and outputs are rounded to levels; `false` is the ideal converter.
    pub quantise: bool,
    /// Components of a query.
    pub head_dimension: u32,
    /// Tokens that are attended to.
    pub window: u32,
    /// Tokens of a sub-tile.
    pub columns: u32,
    /// Attention layers.
    pub layers: u32,
    /// Heads of a layer.
    pub heads: u32,
    /// Bits of a query's pulse.
    pub query_bits: u32,
    /// Bits of a stored voltage.
    pub stored_bits: u32,
    /// Bits of an output counter, sign included.
    pub output_bits: u32,
    /// Clock of the pulses, Hz.
    pub clock_hz: f64,
    /// Supply, V.
    pub supply_v: f64,
    /// Amplitude of the read pulses, V.
    pub read_v: f64,
    /// Charge of a full attention pulse, in µA over the longest pulse.
    pub score_saturation_ua: f64,
    /// Charge of a full output counter, in µA over the longest pulse.
    pub output_saturation_ua: f64,
    /// Storage capacitor, F.
    pub capacitor_f: f64,
    /// Layers of cells above each other.
    pub stack: u32,
    /// Silicon's figures.
    pub silicon: Process,
    /// The oxide's figures.
    pub oxide: Process,
    /// Times.
    pub timing: Timing,
    /// Energies.
    pub energy: EnergyTable,
    /// Areas.
    pub area: AreaTable,
    /// Activity of the data where none was measured.
    pub activity: Activity,
    /// Noise and mismatch.
    pub noise: Noise,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            reset_s: 3e-9,
            add_s: 1e-9,
            other_s: 0.0,
            digital_s: 5e-9,
        }
    }
}

impl Default for EnergyTable {
    fn default() -> Self {
        Self {
            score_readout_j: 0.2297e-12,
            output_readout_j: 0.5108e-12,
            dac_j: 330e-12 / 128.0,
            tile_w: 113.7e-3 / 16.0,
            tile_fixed: 0.5,
        }
    }
}

impl Default for AreaTable {
    fn default() -> Self {
        Self {
            periphery_m2: 0.02306e-6,
            integrator_share: 0.5,
            capacitor_f_per_m2: 5e-3,
        }
    }
}

impl Default for Activity {
    /// Activities that, with the assumed read-out energies, give the published 1120 and 700 pJ.
    fn default() -> Self {
        Self {
            score_ua: 1.0,
            output_ua: 0.2,
        }
    }
}

impl Default for GainCell {
    fn default() -> Self {
        Self {
            technology: Technology::Silicon,
            law: CellLaw::Cubic,
            counter: Counter::Published,
            quantise: true,
            head_dimension: 64,
            window: 1024,
            columns: 64,
            layers: 12,
            heads: 12,
            query_bits: 4,
            stored_bits: 3,
            output_bits: 5,
            clock_hz: 1e9,
            supply_v: 0.9,
            read_v: 0.9,
            score_saturation_ua: 80.0,
            output_saturation_ua: 40.0,
            capacitor_f: 5e-15,
            stack: 1,
            silicon: Process {
                write_s: 10e-9,
                write_ohm: 0.5e6,
                leakage_a: 0.9e-12,
                cell_m2: 1e-12,
            },
            oxide: Process {
                write_s: 30e-9,
                write_ohm: 1.5e6,
                leakage_a: 0.45e-15,
                cell_m2: 0.280e-12,
            },
            timing: Timing::default(),
            energy: EnergyTable::default(),
            area: AreaTable::default(),
            activity: Activity::default(),
            noise: Noise::default(),
        }
    }
}

impl GainCell {
    /// Figures of the technology.
    pub fn process(&self) -> &Process {
        match self.technology {
            Technology::Silicon => &self.silicon,
            Technology::Oxide => &self.oxide,
        }
    }

    /// Sub-tiles of a head.
    pub fn tiles(&self) -> u32 {
        self.window.div_ceil(self.columns.max(1))
    }

    /// Longest pulse, s: one clock per step of the query.
    pub fn longest_pulse_s(&self) -> f64 {
        (2_f64.powi(self.query_bits as i32) - 1.0) / self.clock_hz
    }

    /// Time until a written voltage is right to half a level, s.
    pub fn settling_s(&self) -> f64 {
        let constants = f64::from(self.stored_bits + 1) * std::f64::consts::LN_2;
        constants * self.process().write_ohm * self.capacitor_f
    }

    /// Deviation of a written voltage, V.
    pub fn storage_noise_v(&self) -> f64 {
        let thermal = match self.noise.thermal {
            true => THERMAL_J / self.capacitor_f,
            false => 0.0,
        };
        (self.noise.storage_v.powi(2) + thermal).sqrt()
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        Cell::new(self.law, self.read_v)
    }

    /// Levels of a query's pulse.
    pub fn query_levels(&self) -> Levels {
        self.ideal(Levels::pulse(self.query_bits))
    }

    /// Levels of a stored voltage.
    pub fn stored_levels(&self) -> Levels {
        self.ideal(Levels::stored(self.stored_bits))
    }

    /// Levels of an output.
    pub fn output_levels(&self) -> Levels {
        self.ideal(match self.counter {
            Counter::Published => Levels::published_output(self.output_bits),
            Counter::Signed => Levels::signed_counter(self.output_bits),
        })
    }

    fn ideal(&self, levels: Levels) -> Levels {
        Levels {
            rounds: self.quantise,
            ..levels
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thermal_noise_is_far_below_a_level() {
        let mut circuit = GainCell::default();
        circuit.noise.thermal = true;
        assert!((circuit.storage_noise_v() - 0.91e-3).abs() < 0.01e-3);
        circuit.capacitor_f = 1e-15;
        assert!((circuit.storage_noise_v() - 2.03e-3).abs() < 0.01e-3);
    }
}
