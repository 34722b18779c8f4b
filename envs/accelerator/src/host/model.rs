//! The model: per family a roofline, times an efficiency learnt from sizes.
//!
//! The efficiency is learnt as a logarithm, whose mean is not that of the times: layers that are slower than expected cost more
//! than faster ones save. A sum of many layers needs the mean, so that every time is multiplied by the mean of what similar layers
//! of the calibration took over what all others said of them (Duan, Smearing Estimate, JASA 78, 605-610, 1983, here over
//! neighbours, since common sizes are met better than odd ones).

use std::collections::BTreeMap;

use tandem_regression::{FitError, GaussianProcess};
use thiserror::Error;

use super::calibration::{Calibration, Sample};
use super::demand::{Demand, Family};
use crate::gemm::TooLarge;
use crate::layer::Op;

/// The share of samples that are slower than the peak, which stray fast ones do not set.
const PEAK_SHARE: f64 = 0.95;
/// Samples that a family needs.
const LEAST: usize = 5;
/// Farthest that an efficiency may be from the mean of its family, in logarithms: a factor of 20.
const FARTHEST: f64 = 3.0;

/// Why there is no model, or no prediction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// A family that was measured too little.
    #[error("the calibration has {found} layers of the family {family:?}; at least {LEAST} are needed")]
    Family {
        /// Which.
        family: Family,
        /// How many.
        found: usize,
    },
    /// A family whose samples cannot be learnt from.
    #[error("the calibration of the family {family:?} cannot be used: {error}")]
    Fit {
        /// Which.
        family: Family,
        /// Why.
        error: FitError,
    },
    /// A layer beyond all counting.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// The host as its calibration has it.
#[derive(Clone, Debug)]
pub struct HostModel {
    /// Time between two layers that belongs to neither, s.
    pub dispatch_seconds: f64,
    families: BTreeMap<Family, Learnt>,
}

/// One family.
#[derive(Clone, Debug)]
struct Learnt {
    roof: Roof,
    efficiency: GaussianProcess,
    /// What each layer of the calibration took over what all others said of it.
    smears: Vec<f64>,
}

/// Operations and bytes per second at best, and the time of the smallest layer, s.
#[derive(Clone, Copy, Debug)]
struct Roof {
    peak: f64,
    bandwidth: f64,
    overhead: f64,
}

impl Roof {
    fn of(samples: &[&Sample]) -> Self {
        let rate = |of: fn(&Sample) -> f64| {
            let mut rates: Vec<f64> = samples.iter().map(|s| of(s) / s.cpu_seconds).collect();
            rates.sort_by(f64::total_cmp);
            rates[(PEAK_SHARE * (rates.len() - 1) as f64) as usize]
        };
        let times = samples.iter().map(|sample| sample.cpu_seconds);
        Self {
            peak: rate(|sample| sample.demand.operations).max(1.0),
            bandwidth: rate(|sample| sample.demand.bytes).max(1.0),
            overhead: times.fold(f64::INFINITY, f64::min),
        }
    }

    fn seconds(&self, demand: &Demand) -> f64 {
        let work = demand.operations / self.peak;
        self.overhead + work.max(demand.bytes / self.bandwidth)
    }
}

/// What the efficiency depends on: sizes, and the roofline's time.
fn features(demand: &Demand, seconds: f64) -> Vec<f64> {
    let mut features = demand.features.clone();
    features.push(seconds.ln());
    features
}

impl HostModel {
    /// Learns from a calibration.
    ///
    /// # Errors
    /// A family without enough samples.
    pub fn fit(calibration: &Calibration) -> Result<Self, ModelError> {
        let mut families = BTreeMap::new();
        for family in Family::ALL {
            let samples: Vec<&Sample> = calibration
                .samples
                .iter()
                .filter(|sample| sample.demand.family == family)
                .collect();
            families.insert(family, Learnt::fit(family, &samples)?);
        }
        Ok(Self {
            dispatch_seconds: calibration.dispatch_seconds,
            families,
        })
    }

    /// Time of a layer, s.
    ///
    /// # Errors
    /// A count beyond 64 bits, or a family that was not calibrated.
    pub fn seconds(&self, op: &Op) -> Result<f64, ModelError> {
        self.demanded(&Demand::of(op)?)
    }

    /// Time of a layer with this demand, s.
    ///
    /// # Errors
    /// A family that was not calibrated.
    pub fn demanded(&self, demand: &Demand) -> Result<f64, ModelError> {
        let family = demand.family;
        match self.families.get(&family) {
            Some(learnt) => Ok(demand.times * learnt.seconds(demand)),
            None => Err(ModelError::Family { family, found: 0 }),
        }
    }
}

impl Learnt {
    fn fit(family: Family, samples: &[&Sample]) -> Result<Self, ModelError> {
        let found = samples.len();
        if found < LEAST {
            return Err(ModelError::Family { family, found });
        }
        let roof = Roof::of(samples);
        let mut inputs = Vec::with_capacity(found);
        let mut targets = Vec::with_capacity(found);
        for sample in samples {
            let seconds = roof.seconds(&sample.demand);
            inputs.push(features(&sample.demand, seconds));
            targets.push((sample.cpu_seconds / seconds).ln());
        }
        let (efficiency, residuals) = GaussianProcess::fit_with_residuals(&inputs, &targets)
            .map_err(|error| ModelError::Fit { family, error })?;
        let smear = |residual: f64| residual.clamp(-FARTHEST, FARTHEST).exp();
        Ok(Self {
            roof,
            efficiency,
            smears: residuals.into_iter().map(smear).collect(),
        })
    }

    fn seconds(&self, demand: &Demand) -> f64 {
        let seconds = self.roof.seconds(demand);
        let features = features(demand, seconds);
        let efficiency = self.efficiency.predict(&features);
        let smear = self.efficiency.mean_near(&features, &self.smears);
        seconds * efficiency.clamp(-FARTHEST, FARTHEST).exp() * smear
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::conv::Conv;
    use crate::host::calibration::{FORMAT, Machine};
    use crate::layer::{NormKind, PoolKind};
    use crate::zoo;

    /// A machine of 10¹⁰ operations and bytes per second, a microsecond per layer.
    fn time(demand: &Demand) -> f64 {
        1e-6 + 1e-10 * demand.operations.max(demand.bytes)
    }

    fn sample(op: &Op) -> Sample {
        let demand = Demand::of(op).unwrap();
        let seconds = time(&demand);
        Sample {
            layer: op.name().to_owned(),
            demand,
            cpu_seconds: seconds,
            wall_seconds: seconds,
            runs: 30,
        }
    }

    fn pool(kind: PoolKind, side: u64, outputs: u64) -> Op {
        Op::Pool {
            kind,
            kernel: [side; 2],
            stride: [side; 2],
            inputs: side * side * outputs,
            outputs,
        }
    }

    fn ops(size: u64) -> Vec<Op> {
        let mut depthwise = Conv::same(16 * size, 16 * size, [14, 14], 3);
        depthwise.groups = 16 * size;
        let elements = 1000 * size * size;
        vec![
            Op::Conv(Conv::same(8 * size, 16, [14, 14], 3)),
            Op::Conv(Conv::same(16, 8 * size, [28, 28], 1)),
            Op::Conv(depthwise),
            Op::Linear {
                rows: 1,
                inputs: 100 * size,
                outputs: 50,
                bias: true,
            },
            pool(PoolKind::Max, 2, elements),
            pool(PoolKind::Mean, 7, 64 * size),
            match size % 2 {
                0 => Op::sum(elements),
                _ => Op::activation(elements),
            },
            Op::Norm {
                kind: NormKind::Batch,
                elements,
                parameters: 2 * size,
            },
        ]
    }

    /// A calibration with nothing but samples.
    fn calibration(samples: Vec<Sample>) -> Calibration {
        Calibration {
            format: FORMAT.to_owned(),
            machine: Machine::default(),
            seed: 0,
            repeat_percent: 0.0,
            dispatch_seconds: 0.0,
            samples,
        }
    }

    #[test]
    fn a_machine_that_keeps_to_its_roof_is_met() {
        let calibration = Calibration {
            dispatch_seconds: 1e-6,
            ..calibration((1..=20).flat_map(ops).map(|op| sample(&op)).collect())
        };
        let model = HostModel::fit(&calibration).unwrap();
        for op in ops(7) {
            let expected = time(&Demand::of(&op).unwrap());
            let error = model.seconds(&op).unwrap() / expected - 1.0;
            assert!(error.abs() < 0.1, "{op:?}: {error}");
        }
    }

    #[test]
    fn sums_of_layers_are_met_where_single_ones_scatter() {
        // half of the layers take e times longer than the others, which no size tells
        let sums = |at: u64| 1000 * at * at;
        let scattered = |at: u64| {
            let mut sample = sample(&Op::sum(sums(at)));
            sample.cpu_seconds *= if at.count_ones().is_multiple_of(2) {
                1.0
            } else {
                1_f64.exp()
            };
            sample
        };
        let mut samples: Vec<Sample> = (1..=20).flat_map(ops).map(|op| sample(&op)).collect();
        samples.retain(|sample| sample.demand.family != Family::Elementwise);
        samples.extend((1..=200).map(scattered));
        let model = HostModel::fit(&calibration(samples)).unwrap();
        let pairs = (20..=200).map(|at| (scattered(at).cpu_seconds, Op::sum(sums(at))));
        let (taken, said) = pairs.fold((0.0, 0.0), |(taken, said), (seconds, op)| {
            (taken + seconds, said + model.seconds(&op).unwrap())
        });
        assert!((said / taken - 1.0).abs() < 0.05, "{}", said / taken);
    }

    #[test]
    fn a_stored_calibration_gives_the_stored_predictions() {
        // written by `tandem calibrate host --layers 60` and `tandem validate host --networks resnet18 --json`
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/host");
        let calibration = Calibration::read(&data.join("calibration.json")).unwrap();
        let model = HostModel::fit(&calibration).unwrap();
        let text = std::fs::read_to_string(data.join("resnet18.json")).unwrap();
        let stored: Vec<(String, f64)> = serde_json::from_str(&text).unwrap();
        let network = zoo::named("resnet18").unwrap();
        assert_eq!(stored.len(), network.layers.len());
        for (layer, (name, seconds)) in network.layers.iter().zip(stored) {
            assert_eq!(layer.name, name);
            let ours = model.seconds(&layer.op).unwrap();
            assert!((ours / seconds - 1.0).abs() < 1e-6, "{name}: {ours} for {seconds}");
        }
    }

    #[test]
    fn a_family_that_was_not_measured_is_named() {
        let error = HostModel::fit(&calibration(Vec::new())).unwrap_err();
        assert!(error.to_string().contains("family Conv"), "{error}");
    }
}
