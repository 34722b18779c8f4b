//! The parameters of an attention circuit. The defaults are the published design point.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, CellLaw};
use super::converter::Levels;
use super::cost::Activity;
use super::quantity::{CircuitError, QUANTITIES};

/// Boltzmann's constant times 300 K, J.
const THERMAL_J: f64 = 1.380649e-23 * 300.0;

/// What the cells are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Technology {
    /// Six transistors in silicon, beside their logic.
    #[default]
    Silicon,
    /// Oxide semiconductors above the logic: they leak less, write more slowly and can be stacked.
    Oxide,
}

/// How the output is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counter {
    /// The rounding of the published model, with its 33 codes at 5 bits.
    #[default]
    Published,
    /// A sign and a counter, 31 codes at 5 bits.
    Signed,
}

/// What a technology brings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AreaTable {
    /// Periphery of a sub-tile of 64 x 64, m².
    pub periphery_m2: f64,
    /// Share of it that is integration capacitors, and grows with the saturation charges.
    pub integrator_share: f64,
    /// Density of storage capacitors, F/m²: a capacitor larger than its cell sets the cell's area.
    pub capacitor_f_per_m2: f64,
}

/// Deviations (normal); all zero in the published results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
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

/// A circuit: one set of parameters from which accuracy, time, energy and area follow. [`QUANTITIES`] has unit,
/// bounds and source of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

    /// Time in which a stored voltage decays to 1/e, s: `τ = C V / I`.
    pub fn retention_s(&self) -> f64 {
        self.capacitor_f * self.supply_v / self.process().leakage_a
    }

    /// Decay per token in the exponent: all layers take their turn between two tokens.
    pub fn decay(&self) -> f64 {
        let token = f64::from(self.layers) * super::cost::latency_s(self) + self.timing.other_s;
        token / self.retention_s()
    }

    /// What is left of a stored voltage after so many tokens.
    pub fn keep(&self, age: f64) -> f64 {
        (-self.decay() * age).exp()
    }

    /// Longest time between two refreshes, s, for an error of `share` of full scale (0 to 1).
    pub fn refresh_interval_s(&self, share: f64) -> f64 {
        -self.retention_s() * (1.0 - share).ln()
    }

    /// Power of one head, W, that is refreshed so often instead of letting its window expire.
    pub fn refresh_power_w(&self, share: f64) -> f64 {
        let values = 2.0 * f64::from(self.head_dimension) * f64::from(self.window);
        values * super::cost::write_j(self) / self.refresh_interval_s(share)
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

    /// Whether the circuit can be built.
    ///
    /// # Errors
    /// The first parameter that is outside its bounds, or does not go with the others, and why.
    pub fn check(&self) -> Result<(), CircuitError> {
        QUANTITIES.iter().try_for_each(|q| q.check(self))?;
        let fail = |key, reason| Err(CircuitError::Constraint { key, reason });
        if self.read_v > self.supply_v {
            return fail(
                "read_v",
                format!(
                    "{} V is above the supply of {} V",
                    self.read_v, self.supply_v
                ),
            );
        }
        if self.stack > 1 && self.technology == Technology::Silicon {
            return fail(
                "stack",
                format!(
                    "{} layers: silicon cells cannot be stacked, oxide can",
                    self.stack
                ),
            );
        }
        self.check_counter()?;
        self.check_write()
    }

    /// A counter counts clocks while the output pulse lasts.
    fn check_counter(&self) -> Result<(), CircuitError> {
        let (highest, clocks) = (
            2_f64.powi(self.output_bits as i32 - 1) - 1.0,
            2_f64.powi(self.query_bits as i32) - 1.0,
        );
        if highest <= clocks {
            return Ok(());
        }
        Err(CircuitError::Constraint {
            key: "output_bits",
            reason: format!(
                "a counter of {} bits counts to {highest}, and the longest pulse of {} query bits has {clocks} clocks; \
                 use at most {} output bits",
                self.output_bits,
                self.query_bits,
                self.query_bits + 1
            ),
        })
    }

    /// A write must settle to half a level: `ln(2^(bits + 1))` time constants.
    fn check_write(&self) -> Result<(), CircuitError> {
        let process = self.process();
        let settled = self.settling_s();
        if settled <= process.write_s * (1.0 + 1e-9) {
            return Ok(());
        }
        Err(CircuitError::Constraint {
            key: "capacitor_f",
            reason: format!(
                "writing {} bits into {:.3e} F through {:.3e} Ohm takes {settled:.3e} s, and the write phase has {:.3e} s",
                self.stored_bits, self.capacitor_f, process.write_ohm, process.write_s
            ),
        })
    }

    /// Time until a written voltage is right to half a level, s.
    pub fn settling_s(&self) -> f64 {
        let constants = f64::from(self.stored_bits + 1) * std::f64::consts::LN_2;
        constants * self.process().write_ohm * self.capacitor_f
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Source;

    #[test]
    fn decay_of_the_paper() {
        let circuit = GainCell::default();
        assert!((circuit.retention_s() / 5e-3 - 1.0).abs() < 1e-12);
        assert!((circuit.decay() / 1.56e-4 - 1.0).abs() < 1e-9);
        assert!(((-1024.0 * 1.6e-4_f64).exp() - 0.849).abs() < 5e-4);
        assert!((circuit.keep(1024.0) - 0.852).abs() < 5e-4);
        let xl = GainCell {
            layers: 48,
            ..circuit
        };
        assert!((xl.decay() - 6.24e-4).abs() < 1e-6 && (xl.keep(1024.0) - 0.528).abs() < 1e-3);
    }

    #[test]
    fn an_oxide_cell_needs_no_refresh_where_silicon_does() {
        let silicon = GainCell::default();
        let oxide = GainCell {
            technology: Technology::Oxide,
            ..silicon.clone()
        };
        // 1 % of full scale: -τ ln 0.99 = 50 µs, not τ/2
        assert!((silicon.refresh_interval_s(0.01) - 50.25e-6).abs() < 0.01e-6);
        assert!(oxide.refresh_power_w(0.01) < 1e-3 * silicon.refresh_power_w(0.01));
        assert!(oxide.keep(1e4) > 0.99);
    }

    #[test]
    fn thermal_noise_is_far_below_a_level() {
        let mut circuit = GainCell::default();
        circuit.noise.thermal = true;
        assert!((circuit.storage_noise_v() - 0.91e-3).abs() < 0.01e-3);
        circuit.capacitor_f = 1e-15;
        assert!((circuit.storage_noise_v() - 2.03e-3).abs() < 0.01e-3);
    }

    #[test]
    fn what_cannot_be_built_is_refused_with_the_reason() {
        let refused = |change: fn(&mut GainCell)| {
            let mut circuit = GainCell::default();
            change(&mut circuit);
            let error = circuit.check().unwrap_err();
            format!("{}|{error}", error.key())
        };
        assert_eq!(GainCell::default().check(), Ok(()));
        assert!(
            refused(|c| c.output_bits = 6)
                .starts_with("output_bits|output_bits: a counter of 6 bits")
        );
        assert!(refused(|c| c.capacitor_f = 30e-15).contains("takes"));
        assert!(refused(|c| c.stack = 12).contains("silicon"));
        assert!(refused(|c| c.supply_v = 0.7).contains("above the supply"));
        assert!(refused(|c| c.columns = 0).contains("between 1 and 1024"));
        assert!(refused(|c| c.clock_hz = f64::NAN).contains("NaN"));
        assert!(refused(|c| c.noise.storage_v = -1.0).contains("noise.storage_v"));
    }

    #[test]
    fn every_number_is_listed_with_its_source() {
        let document = serde_json::to_value(GainCell::default()).unwrap();
        let mut numbers = 0;
        for (key, value) in document.as_object().unwrap() {
            let nested = value.as_object();
            let paths = match nested {
                Some(fields) => fields
                    .iter()
                    .filter(|(_, v)| v.is_number())
                    .map(|(name, _)| format!("{key}.{name}"))
                    .collect(),
                None if value.is_number() => vec![key.clone()],
                None => vec![],
            };
            for path in paths {
                numbers += 1;
                assert!(
                    QUANTITIES.iter().any(|q| q.key == path),
                    "{path} is not listed"
                );
            }
        }
        assert_eq!(numbers, QUANTITIES.len());
        let assumed = QUANTITIES.iter().filter(|q| q.source == Source::Assumed);
        assert!(assumed.count() > 10);
    }
}
