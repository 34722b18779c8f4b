//! What each parameter of a [`GainCell`] is: its unit, its bounds, and where its default comes from.

use thiserror::Error;

use super::gain_cell::GainCell;

/// Where a default comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Printed in the paper, or in the authors' code and data.
    Published,
    /// Follows from published figures by arithmetic.
    Derived,
    /// Tandem's assumption, needed to close the model: correct it where you know better.
    Assumed,
}

impl Source {
    /// The tag in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
        }
    }
}

/// A parameter of the circuit.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    /// Path in a platform file.
    pub key: &'static str,
    /// Unit; `1` when it has none.
    pub unit: &'static str,
    /// Lowest and highest value that the model holds for, inclusive.
    pub bounds: [f64; 2],
    /// Where the default comes from.
    pub source: Source,
    /// What it is.
    pub meaning: &'static str,
    /// Reads it.
    pub get: fn(&GainCell) -> f64,
}

/// Why a circuit cannot be built.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CircuitError {
    /// A parameter is outside its bounds.
    #[error("{key} is {value} {unit}; it must lie between {low} and {high}")]
    OutOfBounds {
        /// Path of the parameter.
        key: &'static str,
        /// Its value.
        value: f64,
        /// Its unit.
        unit: &'static str,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Parameters do not go together.
    #[error("{key}: {reason}")]
    Constraint {
        /// Path of the parameter to change.
        key: &'static str,
        /// What is wrong and what would help.
        reason: String,
    },
}

impl CircuitError {
    /// Path of the parameter to change.
    pub fn key(&self) -> &'static str {
        match self {
            Self::OutOfBounds { key, .. } | Self::Constraint { key, .. } => key,
        }
    }

    /// What is wrong, without the parameter's path: for messages that name it themselves.
    pub fn reason(&self) -> String {
        let (text, key) = (self.to_string(), self.key());
        let rest = text.strip_prefix(key).unwrap_or(&text);
        rest.trim_start_matches([':', ' ']).to_owned()
    }
}

impl Quantity {
    /// # Errors
    /// A value outside the bounds, or one that is no number.
    pub fn check(&self, circuit: &GainCell) -> Result<(), CircuitError> {
        let (value, [low, high]) = ((self.get)(circuit), self.bounds);
        if value >= low && value <= high {
            return Ok(());
        }
        Err(CircuitError::OutOfBounds {
            key: self.key,
            value,
            unit: if self.unit == "1" { "" } else { self.unit },
            low,
            high,
        })
    }
}

/// The rows of [`QUANTITIES`]: `key unit [low, high] source "meaning"`; the key is the field's own path.
macro_rules! quantities {
    ($($($field:ident).+, $unit:literal, [$low:expr, $high:expr], $source:ident, $meaning:literal;)*) => {
        &[$(Quantity {
            key: stringify!($($field).+),
            unit: $unit,
            bounds: [$low, $high],
            source: Source::$source,
            meaning: $meaning,
            get: |circuit| circuit.$($field).+ as f64,
        }),*]
    };
}

/// Every number of a [`GainCell`]. A platform file may change each of them.
pub const QUANTITIES: &[Quantity] = quantities![
    head_dimension, "1", [1.0, 1024.0], Published, "components of a query, rows of the first array";
    window, "tokens", [1.0, 65536.0], Published, "tokens that are attended to, slots of the ring";
    columns, "tokens", [1.0, 1024.0], Published, "tokens of a sub-tile";
    layers, "1", [1.0, 1024.0], Published, "attention layers of the network, one after the other";
    heads, "1", [1.0, 1024.0], Published, "heads of a layer, side by side";
    query_bits, "bit", [1.0, 8.0], Published, "resolution of the query's pulse width";
    stored_bits, "bit", [1.0, 8.0], Published, "resolution of the stored voltages";
    output_bits, "bit", [2.0, 10.0], Published, "resolution of the output counters, sign included";
    clock_hz, "Hz", [1e8, 1e10], Derived, "clock of the pulses: 15 steps in 15 ns";
    supply_v, "V", [0.63, 0.9], Published, "supply of array and logic";
    read_v, "V", [0.54, 0.9], Published, "amplitude of the read pulses";
    score_saturation_ua, "µA T_max", [1.0, 1000.0], Published, "charge at which the first product's pulse is full";
    output_saturation_ua, "µA T_max", [1.0, 1000.0], Published, "charge at which an output counter is full";
    capacitor_f, "F", [0.5e-15, 100e-15], Assumed, "storage capacitor";
    stack, "layers", [1.0, 64.0], Assumed, "layers of cells above each other, oxide only";
    silicon.write_s, "s", [1e-10, 1e-6], Assumed, "phase that writes a key and a value";
    silicon.write_ohm, "Ohm", [1e3, 1e9], Assumed, "resistance of the write switch";
    silicon.leakage_a, "A", [1e-21, 1e-9], Derived, "leakage at the supply's voltage: 5 ms at 5 fF";
    silicon.cell_m2, "m²", [1e-15, 1e-10], Published, "area of a cell of six transistors";
    oxide.write_s, "s", [1e-10, 1e-6], Assumed, "phase that writes a key and a value";
    oxide.write_ohm, "Ohm", [1e3, 1e9], Assumed, "resistance of the write switch, slower than silicon's";
    oxide.leakage_a, "A", [1e-21, 1e-9], Assumed, "leakage at the supply's voltage: 10 s at 5 fF";
    oxide.cell_m2, "m²", [1e-15, 1e-10], Derived, "area of a cell, from 36.7e-3 mm² over the layers of a stack";
    timing.reset_s, "s", [0.0, 1e-6], Assumed, "reset of an integrator, twice a token";
    timing.add_s, "s", [0.0, 1e-6], Assumed, "one level of the tree that adds the sub-tiles";
    timing.other_s, "s", [0.0, 1.0], Assumed, "time of a token outside attention";
    timing.digital_s, "s", [0.0, 1e-6], Assumed, "activity of the digital part beyond two pulses";
    energy.score_readout_j, "J", [0.0, 1e-9], Assumed, "charge-to-pulse read-out of a column of the first array";
    energy.output_readout_j, "J", [0.0, 1e-9], Assumed, "signed read-out of a column of the second array";
    energy.dac_j, "J", [0.0, 1e-9], Derived, "writing a value at 3 bits: 330 pJ / 128";
    energy.tile_w, "W", [0.0, 10.0], Derived, "digital power of a 64 x 64 sub-tile: 113.7 mW / 16";
    energy.tile_fixed, "1", [0.0, 1.0], Assumed, "share of that power that does not grow with rows and columns";
    area.periphery_m2, "m²", [0.0, 1e-6], Derived, "periphery of a 64 x 64 sub-tile: what 0.5 mm² leaves beside the cells";
    area.integrator_share, "1", [0.0, 1.0], Assumed, "share of the periphery that is integration capacitors";
    area.capacitor_f_per_m2, "F/m²", [1e-4, 1.0], Assumed, "density of storage capacitors";
    activity.score_ua, "µA", [0.0, 20.0], Assumed, "mean of pulse times current over the cells of the first array";
    activity.output_ua, "µA", [0.0, 20.0], Assumed, "the same over the second array";
    noise.storage_v, "V", [0.0, 0.45], Assumed, "deviation of a written voltage";
    noise.gain, "1", [0.0, 1.0], Assumed, "relative deviation of a cell's current, fixed in manufacture";
    noise.offset_ua, "µA T_max", [0.0, 1000.0], Assumed, "deviation of a read-out's offset, fixed in manufacture";
    noise.jitter_s, "s", [0.0, 1e-6], Assumed, "deviation of an attention pulse's width";
];

#[cfg(test)]
mod tests {
    use super::*;

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
                assert!(QUANTITIES.iter().any(|q| q.key == path), "{path} is not listed");
            }
        }
        assert_eq!(numbers, QUANTITIES.len());
        let assumed = QUANTITIES.iter().filter(|q| q.source == Source::Assumed);
        assert!(assumed.count() > 10);
    }
}
