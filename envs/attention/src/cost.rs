//! Time, energy and area of one head and one token.
//!
//! The published figures are sums; how they split into the terms below is assumed where [`super::quantity`] says so. The
//! arrays' energy is the charge that the data makes flow, not a fixed energy per operation.

use serde::{Deserialize, Serialize};

use super::gain_cell::{Activity, GainCell, Technology};

/// Supply and clock at which the digital power is known.
const REFERENCE_V: f64 = 0.9;
const REFERENCE_HZ: f64 = 1e9;
/// Rows and columns of the published sub-tile.
const REFERENCE_LINES: f64 = 128.0;
/// Bits of a stored value for which the converter's energy is known.
const REFERENCE_BITS: f64 = 3.0;
/// Charges that fill the published read-outs, µA · s: 80 and 40 µA over 15 ns.
const REFERENCE_CHARGES: [f64; 2] = [80.0 * 15e-9, 40.0 * 15e-9];

/// Cost of one head and one token, with its parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Time from the token's query to its output, s; all heads of a layer work at once.
    pub seconds: f64,
    /// Energy, J.
    pub energy_j: f64,
    /// Area of the head, m².
    pub area_m2: f64,
    /// Parts of the time.
    pub time: TimeParts,
    /// Parts of the energy.
    pub energy: EnergyParts,
    /// Parts of the area.
    pub area: AreaParts,
}

/// Parts of the time, s.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeParts {
    /// Writing the token's key and value.
    pub write: f64,
    /// Integrating the scores.
    pub score: f64,
    /// Attention pulses, while the second array integrates.
    pub output: f64,
    /// Output pulses, counted.
    pub count: f64,
    /// Resets of the two integrators.
    pub reset: f64,
    /// Adding the sub-tiles.
    pub add: f64,
}

/// Parts of the energy, J.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnergyParts {
    /// Currents of the first array.
    pub score_array: f64,
    /// Its charge-to-pulse read-outs.
    pub score_readout: f64,
    /// Currents of the second array.
    pub output_array: f64,
    /// Its signed read-outs.
    pub output_readout: f64,
    /// Control and routing.
    pub digital: f64,
    /// Converters that write.
    pub dac: f64,
    /// Charging the storage capacitors.
    pub write: f64,
}

/// Parts of the area, m².
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AreaParts {
    /// Cells; those of a stack share one ground.
    pub cells: f64,
    /// Read-outs, drivers and control.
    pub periphery: f64,
}

/// The counts of a circuit as real numbers, so that a search may relax them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    /// Sub-tiles.
    pub tiles: f64,
    /// Levels of the adder tree.
    pub adders: f64,
    /// Bits of a query.
    pub query_bits: f64,
    /// Bits of a stored value.
    pub stored_bits: f64,
}

impl Counts {
    /// Whole numbers, as built.
    pub fn of(circuit: &GainCell) -> Self {
        let tiles = circuit.tiles();
        Self {
            tiles: f64::from(tiles),
            adders: f64::from(tiles.next_power_of_two().trailing_zeros()),
            query_bits: f64::from(circuit.query_bits),
            stored_bits: f64::from(circuit.stored_bits),
        }
    }

    /// A relaxed window (tokens) and relaxed bits: smooth, equal to [`Counts::of`] where those are what can be built
    /// (whole sub-tiles, a power of two of them).
    pub fn relaxed(circuit: &GainCell, window: f64, query_bits: f64, stored_bits: f64) -> Self {
        let tiles = window / f64::from(circuit.columns);
        Self {
            tiles,
            adders: tiles.max(1.0).log2(),
            query_bits,
            stored_bits,
        }
    }

    fn longest_pulse_s(&self, circuit: &GainCell) -> f64 {
        (self.query_bits.exp2() - 1.0) / circuit.clock_hz
    }
}

/// Time of a token through one attention layer, s.
pub fn latency_s(circuit: &GainCell) -> f64 {
    times(circuit, &Counts::of(circuit)).total()
}

/// Energy of writing one value, J: converter and capacitor.
pub fn write_j(circuit: &GainCell) -> f64 {
    dac_j(circuit, f64::from(circuit.stored_bits)) + capacitor_j(circuit)
}

fn dac_j(circuit: &GainCell, bits: f64) -> f64 {
    circuit.energy.dac_j * (bits - REFERENCE_BITS).exp2()
}

fn capacitor_j(circuit: &GainCell) -> f64 {
    circuit.capacitor_f * circuit.supply_v.powi(2)
}

/// The cost of one head and one token.
pub fn cost(circuit: &GainCell, activity: &Activity) -> Cost {
    relaxed(circuit, &Counts::of(circuit), activity)
}

/// The same with counts of one's own, for searches that relax them.
pub fn relaxed(circuit: &GainCell, counts: &Counts, activity: &Activity) -> Cost {
    let time = times(circuit, counts);
    let energy = energies(circuit, counts, activity);
    let area = areas(circuit, counts);
    Cost {
        seconds: time.total(),
        energy_j: energy.total(),
        area_m2: area.cells + area.periphery,
        time,
        energy,
        area,
    }
}

/// Area of a head's cells alone, m², in `layers` layers of oxide above each other; the published stack.
pub fn stacked_cells_m2(circuit: &GainCell, layers: u32) -> f64 {
    let oxide = GainCell {
        technology: Technology::Oxide,
        stack: layers.max(1),
        ..circuit.clone()
    };
    areas(&oxide, &Counts::of(&oxide)).cells
}

fn times(circuit: &GainCell, counts: &Counts) -> TimeParts {
    let pulse = counts.longest_pulse_s(circuit);
    TimeParts {
        write: circuit.process().write_s,
        score: pulse,
        output: pulse,
        count: pulse,
        reset: 2.0 * circuit.timing.reset_s,
        add: circuit.timing.add_s * counts.adders,
    }
}

fn energies(circuit: &GainCell, counts: &Counts, activity: &Activity) -> EnergyParts {
    let (rows, columns) = (f64::from(circuit.head_dimension), f64::from(circuit.columns));
    let table = &circuit.energy;
    let pulse = counts.longest_pulse_s(circuit);
    let array = |ua: f64| counts.tiles * rows * columns * circuit.supply_v * ua * 1e-6 * pulse;
    let speed = (circuit.supply_v / REFERENCE_V).powi(2) * circuit.clock_hz / REFERENCE_HZ;
    let lines = (rows + columns) / REFERENCE_LINES;
    let size = table.tile_fixed + (1.0 - table.tile_fixed) * lines;
    let active_s = 2.0 * pulse + circuit.timing.digital_s;
    EnergyParts {
        score_array: array(activity.score_ua),
        score_readout: counts.tiles * columns * table.score_readout_j,
        output_array: array(activity.output_ua),
        output_readout: counts.tiles * rows * table.output_readout_j,
        digital: counts.tiles * table.tile_w * size * speed * active_s,
        dac: 2.0 * rows * dac_j(circuit, counts.stored_bits),
        write: 2.0 * rows * capacitor_j(circuit),
    }
}

fn areas(circuit: &GainCell, counts: &Counts) -> AreaParts {
    let (rows, columns) = (f64::from(circuit.head_dimension), f64::from(circuit.columns));
    let table = &circuit.area;
    let capacitor = circuit.capacitor_f / table.capacitor_f_per_m2;
    let cell = match circuit.technology {
        Technology::Silicon => circuit.process().cell_m2.max(capacitor),
        Technology::Oxide => circuit.process().cell_m2, // gates store the charge there
    };
    let pulse = counts.longest_pulse_s(circuit);
    let saturations = [circuit.score_saturation_ua, circuit.output_saturation_ua];
    let [score, output] = std::array::from_fn(|i| {
        let charge = saturations[i] * pulse / REFERENCE_CHARGES[i];
        1.0 - table.integrator_share + table.integrator_share * charge
    });
    let line = table.periphery_m2 / REFERENCE_LINES;
    AreaParts {
        cells: 2.0 * counts.tiles * rows * columns * cell / f64::from(circuit.stack),
        periphery: counts.tiles * line * (columns * score + rows * output),
    }
}

impl TimeParts {
    fn total(&self) -> f64 {
        self.write + self.score + self.output + self.count + self.reset + self.add
    }
}

impl EnergyParts {
    fn total(&self) -> f64 {
        self.score() + self.output() + self.digital + self.dac + self.write
    }

    /// First array with its read-outs, as published.
    pub fn score(&self) -> f64 {
        self.score_array + self.score_readout
    }

    /// Second array with its read-outs, as published.
    pub fn output(&self) -> f64 {
        self.output_array + self.output_readout
    }
}

impl Cost {
    /// Multiply-accumulates of the head and token.
    pub fn macs(circuit: &GainCell) -> f64 {
        2.0 * f64::from(circuit.head_dimension) * f64::from(circuit.window)
    }
}

/// Published figures of a head to which the assumed constants can be fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Targets {
    /// First array with read-outs, J.
    pub score_j: f64,
    /// Second array with read-outs, J.
    pub output_j: f64,
    /// Digital part, J.
    pub digital_j: f64,
    /// Area, m².
    pub area_m2: f64,
}

/// The circuit with read-out energies, digital power and periphery such that its cost is `targets`; `None` where the
/// arrays and cells alone exceed them.
pub fn calibrate(circuit: &GainCell, activity: &Activity, targets: &Targets) -> Option<GainCell> {
    let base = cost(circuit, activity);
    let counts = Counts::of(circuit);
    let mut fitted = circuit.clone();
    let columns = counts.tiles * f64::from(circuit.columns);
    let rows = counts.tiles * f64::from(circuit.head_dimension);
    fitted.energy.score_readout_j = (targets.score_j - base.energy.score_array) / columns;
    fitted.energy.output_readout_j = (targets.output_j - base.energy.output_array) / rows;
    fitted.energy.tile_w *= targets.digital_j / base.energy.digital;
    fitted.area.periphery_m2 *= (targets.area_m2 - base.area.cells) / base.area.periphery;
    fitted.check().is_ok().then_some(fitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a / b - 1.0).abs() < tolerance
    }

    #[test]
    fn the_published_point() {
        let circuit = GainCell::default();
        let cost = cost(&circuit, &circuit.activity);
        assert!(close(cost.seconds, 65e-9, 1e-9));
        assert!(close(cost.energy.score(), 1120e-12, 1e-4));
        assert!(close(cost.energy.output(), 700e-12, 1e-4));
        assert!(close(cost.energy.digital, 3.98e-9, 1e-3));
        assert!(close(cost.energy.dac, 330e-12, 1e-9));
        assert!(cost.energy.write < 0.002 * cost.energy.dac);
        assert!(close(cost.energy_j, 6.15e-9, 0.005));
        assert!(close(cost.area_m2, 0.5e-6, 1e-3));
        assert!(close(stacked_cells_m2(&circuit, 12), 3.06e-9, 0.002));
        // 42.6 TOPS/W and 4.0 TOPS, a multiply-accumulate being two operations
        let operations = 2.0 * Cost::macs(&circuit);
        assert!(close(operations / cost.energy_j, 42.6e12, 0.01));
        assert!(close(operations / cost.seconds, 4.03e12, 0.01));
    }

    #[test]
    fn energy_follows_the_data() {
        let circuit = GainCell::default();
        let busy = Activity {
            score_ua: 2.0,
            ..circuit.activity
        };
        let [a, b] = [circuit.activity, busy].map(|activity| cost(&circuit, &activity));
        // 65536 cells · 0.9 V · 1 µA · 15 ns
        assert!(close(b.energy_j - a.energy_j, 884.7e-12, 1e-4));
    }

    #[test]
    fn more_bits_and_longer_windows_cost_time_and_energy() {
        let at = |window, query_bits| {
            let circuit = GainCell {
                window,
                query_bits,
                output_bits: 3,
                ..GainCell::default()
            };
            circuit.check().unwrap();
            cost(&circuit, &circuit.activity)
        };
        for [less, more] in [
            [at(512, 4), at(1024, 4)],
            [at(1024, 3), at(1024, 4)],
            [at(64, 2), at(64, 6)],
        ] {
            assert!(less.seconds < more.seconds && less.energy_j < more.energy_j);
        }
        assert!(close(at(1024, 4).area_m2, 2.0 * at(512, 4).area_m2, 1e-12));
    }

    #[test]
    fn the_relaxed_form_meets_what_can_be_built_and_is_smooth() {
        let circuit = GainCell::default();
        let at = |window, bits| {
            let counts = Counts::relaxed(&circuit, window, bits, 3.0);
            relaxed(&circuit, &counts, &circuit.activity).energy_j
        };
        assert!(close(
            at(1024.0, 4.0),
            cost(&circuit, &circuit.activity).energy_j,
            1e-12
        ));
        let h = 1e-4;
        let [left, right] = [-h, h].map(|d| (at(1024.0, 4.3 + d + h) - at(1024.0, 4.3 + d - h)) / (2.0 * h));
        assert!(left > 0.0 && close(left, right, 1e-3));
    }

    #[test]
    fn assumed_constants_can_be_fitted_to_figures_of_ones_own() {
        let circuit = GainCell::default();
        let targets = Targets {
            score_j: 1.5e-9,
            output_j: 0.5e-9,
            digital_j: 2e-9,
            area_m2: 0.3e-6,
        };
        let fitted = calibrate(&circuit, &circuit.activity, &targets).unwrap();
        let cost = cost(&fitted, &circuit.activity);
        for (got, wanted) in [
            (cost.energy.score(), targets.score_j),
            (cost.energy.output(), targets.output_j),
            (cost.energy.digital, targets.digital_j),
            (cost.area_m2, targets.area_m2),
        ] {
            assert!(close(got, wanted, 1e-9));
        }
        let too_little = Targets {
            score_j: 0.1e-9,
            ..targets
        };
        assert!(calibrate(&circuit, &circuit.activity, &too_little).is_none());
    }
}
