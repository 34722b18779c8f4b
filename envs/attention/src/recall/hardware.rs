//! The hardware model: the loss of a head of gain cells on a question over the latest tokens, and what the answer costs.

use super::code::{ROWS, SLOTS, VALUES};
use super::config::Settings;
use crate::cell::MIDDLE_V;
use crate::converter::Levels;
use crate::cost::{self, Cost};
use crate::design;
use crate::gain_cell::{Activity, GainCell};
use crate::head::{Affine, Scalers};
use tandem_core::design::{DesignError, DesignSpace};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};

/// Scores per unit of the head's outputs, nat.
pub const READOUT: f64 = 8.0;
/// Numbers of an effect: loss, then logarithms of energy, time and area.
pub const EFFECTS: usize = 4;
/// Those that the task sees: loss and energy.
const TASK_EFFECTS: usize = 2;
/// Lengths of the effect's numbers that count as one.
const SCALE: [f32; EFFECTS] = [0.5, 0.5, 1.0, 1.0];
/// Largest loss of a token, nat.
pub const WORST: f32 = 4.0;
/// Numbers of a query: the token's number, the right value, the token's query, then key and value of each slot, the newest
/// first.
pub const QUERY: usize = 2 + ROWS + SLOTS * 2 * ROWS;

/// The heads of which features are the losses: bits of query and stored values, ...
const ROUNDINGS: [Option<[u32; 2]>; 4] = [Some([1, 1]), Some([1, 2]), Some([2, 3]), None];
/// ... saturations of scores and outputs, µA T_max, ...
const SATURATIONS: [[f64; 2]; 4] = [[10.0, 4.0], [10.0, 16.0], [40.0, 4.0], [80.0, 40.0]];
/// ... and windows.
const WINDOWS: [usize; 4] = [5, 6, 7, SLOTS];
/// Losses among the features.
const LOSSES: usize = ROUNDINGS.len() * SATURATIONS.len() * WINDOWS.len();
/// Numbers of the features: these losses, the filling of the window, and mean query and key.
const FEATURES: usize = LOSSES + 3;

/// The scalers of the head: queries in [-1, 1] to pulses in [0, 1], keys and values to the rail's whole range.
pub fn scalers() -> Scalers {
    let affine = |gain, offset| Affine { gain, offset };
    Scalers {
        query: affine(0.5, 0.5),
        key: affine(MIDDLE_V, MIDDLE_V),
        value: affine(MIDDLE_V, MIDDLE_V),
        output: affine(READOUT, 0.0),
    }
}

/// The hardware model; see the module's formulas.
#[derive(Debug)]
pub struct RecallHardware {
    base: GainCell,
    reference: Cost,
    space: DesignSpace,
    spec: HardwareSpec,
}

/// A query's parts.
struct Query<'a> {
    token: usize,
    right: usize,
    query: &'a [f32],
    slots: &'a [f32],
}

impl<'a> Query<'a> {
    fn new(query: &'a [f32]) -> Self {
        Self {
            token: query[0].max(0.0) as usize,
            right: (query[1].max(0.0) as usize).min(VALUES - 1),
            query: &query[2..2 + ROWS],
            slots: &query[2 + ROWS..],
        }
    }

    /// How many slots a window of this length has filled.
    fn written(&self, window: usize) -> usize {
        (self.token + 1).min(window)
    }

    fn key(&self, age: usize) -> &'a [f32] {
        &self.slots[2 * ROWS * age..][..ROWS]
    }

    fn value(&self, age: usize) -> &'a [f32] {
        &self.slots[2 * ROWS * age + ROWS..][..ROWS]
    }
}

impl RecallHardware {
    /// The hardware of these settings.
    ///
    /// # Errors
    /// A circuit outside the bounds of the design space.
    pub fn new(settings: &Settings) -> Result<Self, DesignError> {
        let base = settings.circuit.clone();
        let number = |name: String| Channel::new(name, "1");
        let mut query = vec![number("token".into()), number("right_value".into())];
        query.extend((1..=ROWS).map(|at| number(format!("query_{at}"))));
        for age in 0..SLOTS {
            query.extend((1..=ROWS).map(|at| number(format!("key_{age}_{at}"))));
            query.extend((1..=ROWS).map(|at| number(format!("value_{age}_{at}"))));
        }
        let mut bounds = vec![(-1.0, 1.0); QUERY];
        bounds[0] = (0.0, settings.tokens as f32 - 1e-3);
        bounds[1] = (0.0, VALUES as f32 - 1e-3);
        let mut space = design::space(&base)?;
        for parameter in &mut space.parameters {
            // a circuit that cannot be built is taken as the nearest that can
            if ["output_bits", "capacitor"].contains(&parameter.name.as_str()) {
                parameter.name += "_at_most";
            }
        }
        let mut effect = vec![Channel::new("loss", "nat")];
        effect.extend(["log_energy", "log_time", "log_area"].map(|name| Channel::new(name, "1")));
        Ok(Self {
            reference: cost::cost(&base, &base.activity),
            space,
            base,
            spec: HardwareSpec::from_lists((query, bounds), (effect, SCALE.to_vec()), TASK_EFFECTS),
        })
    }

    /// The circuit that a design builds.
    ///
    /// # Errors
    /// A design outside its space.
    pub fn circuit(&self, design: &[f64]) -> Result<GainCell, DesignError> {
        let circuit = design::circuit(&self.space, design, &self.base)?;
        Ok(design::buildable(circuit))
    }

    /// Logarithms of energy, time and area against the reference.
    pub fn costs(&self, circuit: &GainCell, activity: &Activity) -> [f32; 3] {
        let cost = cost::cost(circuit, activity);
        [
            cost.energy_j / self.reference.energy_j,
            cost.seconds / self.reference.seconds,
            cost.area_m2 / self.reference.area_m2,
        ]
        .map(|ratio| ratio.ln() as f32)
    }

    /// Scores, nat, and activity of a circuit without noise; the equations of [`crate::head`].
    fn answer(circuit: &GainCell, query: &Query) -> ([f32; VALUES], Activity) {
        let (cell, decay) = (circuit.cell(), circuit.decay());
        let pulses = pulses(query.query, circuit.query_levels());
        let stored = circuit.stored_levels();
        let (window, columns) = (circuit.window as usize, circuit.columns as usize);
        let written = query.written(window);
        // sub-tiles are as many as slots at most
        let mut charges = [[0.0; VALUES]; SLOTS];
        let mut sums = [0.0; 2];
        for age in 0..written {
            let kept = (-decay * age as f64).exp();
            let current = |x: f32| cell.current(kept * volts(x, stored));
            let mut charge = 0.0;
            for (&pulse, &x) in pulses.iter().zip(query.key(age)) {
                let current = pulse * current(x);
                charge += current;
                sums[0] += current.abs();
            }
            let width = (charge / circuit.score_saturation_ua).clamp(0.0, 1.0);
            if width == 0.0 {
                continue;
            }
            let tile = &mut charges[(query.token - age) % window / columns];
            for (charge, &x) in tile.iter_mut().zip(query.value(age)) {
                let current = width * current(x);
                *charge += current;
                sums[1] += current.abs();
            }
        }
        let (levels, full) = (circuit.output_levels(), circuit.output_saturation_ua);
        let scores = std::array::from_fn(|column| {
            let counted = charges.iter().map(|tile| levels.convert(tile[column] / full));
            (READOUT * counted.sum::<f64>()) as f32
        });
        let cells = (written * ROWS) as f64;
        let activity = Activity {
            score_ua: sums[0] / cells,
            output_ua: sums[1] / cells,
        };
        (scores, activity)
    }
}

/// Pulses of a query, in units of the longest.
fn pulses(query: &[f32], levels: Levels) -> [f64; ROWS] {
    let scaler = scalers().query;
    std::array::from_fn(|at| levels.convert(scaler.gain * f64::from(query[at]) + scaler.offset))
}

/// Stored voltage of a number of a key or value, from the middle of the rail.
fn volts(x: f32, levels: Levels) -> f64 {
    let scaler = scalers().key;
    levels.convert(scaler.gain * f64::from(x) + scaler.offset) - MIDDLE_V
}

/// Cross entropy of scores, nat, cut at [`WORST`].
pub fn loss(scores: &[f32; VALUES], right: usize) -> f32 {
    let highest = scores.iter().copied().fold(f32::MIN, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - highest).exp()).sum();
    (sum.ln() + highest - scores[right]).min(WORST)
}

/// Losses of the heads of the features with one rounding, `[saturations][windows]`: published cells at full amplitude, no decay,
/// no counters, one sub-tile.
fn ideal_losses(query: &Query, bits: Option<[u32; 2]>, out: &mut [f32]) {
    let [pulse, stored] = match bits {
        Some([pulse, stored]) => [Levels::pulse(pulse), Levels::stored(stored)],
        None => [Levels::pulse(1), Levels::stored(1)].map(|levels| Levels {
            rounds: false,
            ..levels
        }),
    };
    let cell = GainCell::default().cell();
    let pulses = pulses(query.query, pulse);
    let written = query.written(SLOTS);
    let mut charges = [0.0; SLOTS];
    let mut values = [[0.0; VALUES]; SLOTS];
    for age in 0..written {
        let both = pulses.iter().zip(query.key(age));
        charges[age] = both.map(|(pulse, &x)| pulse * cell.current(volts(x, stored))).sum();
        for (value, &x) in values[age].iter_mut().zip(query.value(age)) {
            *value = cell.current(volts(x, stored));
        }
    }
    for ([score, output], out) in SATURATIONS.iter().zip(out.chunks_exact_mut(WINDOWS.len())) {
        let mut sums = [0.0; VALUES];
        for age in 0..SLOTS {
            let width = (charges[age] / score).clamp(0.0, 1.0);
            for (sum, value) in sums.iter_mut().zip(values[age]) {
                *sum += width * value;
            }
            if let Some(at) = WINDOWS.iter().position(|&window| window == age + 1) {
                let scores = sums.map(|sum| (READOUT * (sum / output).clamp(-1.0, 1.0)) as f32);
                out[at] = loss(&scores, query.right);
            }
        }
    }
}

impl Hardware for RecallHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }
    fn feature_len(&self) -> usize {
        FEATURES
    }

    /// Losses of a few ideal heads on the same question: a circuit's own lies between them.
    fn features(&self, query: &[f32], out: &mut [f32]) {
        let query = Query::new(query);
        let (losses, rest) = out.split_at_mut(LOSSES);
        let own = losses.chunks_exact_mut(LOSSES / ROUNDINGS.len());
        for (bits, out) in ROUNDINGS.into_iter().zip(own) {
            ideal_losses(&query, bits, out);
        }
        rest[0] = query.written(SLOTS) as f32 / SLOTS as f32;
        rest[1] = query.query.iter().sum::<f32>() / ROWS as f32;
        rest[2] = query.key(0).iter().map(|x| x.abs()).sum::<f32>() / ROWS as f32;
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let Ok(circuit) = self.circuit(design) else {
            return effect.fill(f32::NAN);
        };
        let query = Query::new(query);
        let (scores, activity) = Self::answer(&circuit, &query);
        effect[0] = loss(&scores, query.right);
        effect[1..].copy_from_slice(&self.costs(&circuit, &activity));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Head;
    use crate::gain_cell::Noise;
    use tandem_core::Stream;

    fn hardware(noise: Noise) -> RecallHardware {
        let mut settings = Settings::default();
        settings.circuit.noise = noise;
        RecallHardware::new(&settings).unwrap()
    }

    #[test]
    fn a_head_without_noise_answers_alike_on_any_design() {
        let hardware = hardware(Noise::default());
        let mut stream = Stream::new(0, "recall", 0);
        let mut effect = [0.0; EFFECTS];
        let mut tiled = 0;
        for _ in 0..100 {
            let design = hardware.space().sample(&mut stream);
            let circuit = hardware.circuit(&design).unwrap();
            circuit.check().unwrap();
            tiled += usize::from(circuit.tiles() > 1);
            let mut head = Head::new(&circuit, scalers(), circuit.decay(), 0).unwrap();
            let mut query = [0.0_f32; QUERY];
            for token in 0..20 {
                query[0] = token as f32;
                query[1] = stream.below(VALUES) as f32;
                query.copy_within(2 + ROWS..QUERY - 2 * ROWS, 2 + 3 * ROWS);
                for x in &mut query[2..2 + 3 * ROWS] {
                    *x = stream.uniform(-1.0, 1.0) as f32;
                }
                let before = *head.statistics();
                let part = |at: usize| -> Vec<f64> {
                    let numbers = query[2 + at * ROWS..][..ROWS].iter();
                    numbers.map(|&x| f64::from(x)).collect()
                };
                let expected = head.step(&part(0), &part(1), &part(2));
                hardware.respond(&design, &query, &mut effect);
                let scores = std::array::from_fn(|at| expected[at] as f32);
                assert!((effect[0] - loss(&scores, query[1] as usize)).abs() < 1e-4);
                let activity = head.statistics().since(&before).activity();
                let costs = hardware.costs(&circuit, &activity);
                for (found, expected) in effect[1..].iter().zip(costs) {
                    assert!((found - expected).abs() < 1e-5);
                }
            }
        }
        assert!(tiled > 10 && tiled < 90, "{tiled}");
    }

    #[test]
    fn the_loss_is_the_cross_entropy() {
        let mut scores = [0.0; VALUES];
        assert!((loss(&scores, 3) - 8.0_f32.ln()).abs() < 1e-6);
        scores[3] = 2.0;
        let expected = -(2.0_f32.exp() / (2.0_f32.exp() + 7.0)).ln();
        assert!((loss(&scores, 3) - expected).abs() < 1e-6);
        assert_eq!(loss(&scores.map(|score| -9.0 * score), 3), WORST);
    }

    #[test]
    fn the_published_circuit_costs_the_reference_at_its_published_activity() {
        let hardware = hardware(Noise::default());
        let circuit = hardware.circuit(&hardware.space().start()).unwrap();
        assert_eq!(hardware.costs(&circuit, &circuit.activity), [0.0; 3]);
    }
}
