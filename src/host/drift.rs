//! Drift of the machine's speed since its calibration: some of the random layers are measured again, as they were
//! then. Neighbours on a shared machine change its speed within a minute, and not for all layers alike, so that this says
//! whether a calibration still holds, not by how much to correct it.

use tandem_accelerator::host::{Calibration, Family, Sample};

use super::clock::Timed;
use super::layer::Layer;
use super::{Countdown, random, runs};
use crate::error::Error;
use crate::statistics::median;

/// Layers that are measured again, spread evenly over the calibration: some three seconds.
const LAYERS: usize = 64;

/// Random layers of a calibration, with their times then.
pub struct Drift<'a> {
    layers: Vec<(Layer, &'a Sample)>,
}

impl<'a> Drift<'a> {
    /// Draws the calibration's layers again and keeps some.
    ///
    /// # Errors
    /// Layers that are not those of the calibration: another version of the program made it.
    pub fn of(calibration: &'a Calibration) -> Result<Self, Error> {
        let samples = &calibration.samples;
        let kinds = [Family::Conv, Family::Pointwise, Family::Grouped];
        let convolutions = samples.iter().filter(|s| kinds.contains(&s.demand.family));
        let layers = random::layers(convolutions.count(), calibration.seed);
        let same = |(layer, sample): (&Layer, &Sample)| layer.text() == sample.layer;
        if layers.len() != samples.len() || !layers.iter().zip(samples).all(same) {
            return Err(Error::Input(
                "calibration: its random layers are not those that this version draws; run `tandem calibrate host` again"
                    .into(),
            ));
        }
        let step = layers.len().div_ceil(LAYERS).max(1);
        Ok(Self {
            layers: layers.into_iter().zip(samples).step_by(step).collect(),
        })
    }

    /// The time that layers take now over the one they took then: the median over layers.
    ///
    /// # Errors
    /// A signal, or libtorch refusing a layer.
    pub fn measure(&self) -> Result<f64, Error> {
        let mut countdown = Countdown::new("validate host: speed", self.layers.len());
        let mut ratios = Vec::with_capacity(self.layers.len());
        for (at, (layer, sample)) in self.layers.iter().enumerate() {
            countdown.at(at)?;
            ratios.push(Timed::quartile(&runs(layer)?).cpu / sample.cpu_seconds);
        }
        countdown.at(self.layers.len())?;
        Ok(median(&ratios).unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_accelerator::host::{Demand, FORMAT, Machine};

    /// A calibration of a machine on which every layer took so many seconds.
    fn calibration(seconds: f64) -> Calibration {
        let sample = |layer: &Layer| Sample {
            layer: layer.text(),
            demand: Demand::of(&layer.op).unwrap(),
            cpu_seconds: seconds,
            wall_seconds: seconds,
            runs: 1,
        };
        Calibration {
            format: FORMAT.to_owned(),
            machine: Machine::default(),
            seed: 5,
            repeat_percent: 0.0,
            dispatch_seconds: 0.0,
            samples: random::layers(40, 5).iter().map(sample).collect(),
        }
    }

    #[test]
    fn layers_of_a_calibration_are_found_again() {
        let now = calibration(1.0);
        let drift = Drift::of(&now).unwrap();
        assert!((LAYERS / 2..=LAYERS).contains(&drift.layers.len()));
        for (layer, sample) in &drift.layers {
            assert_eq!(layer.text(), sample.layer);
        }
    }

    #[test]
    fn another_seeds_layers_are_refused() {
        let other = Calibration {
            seed: 6,
            ..calibration(1.0)
        };
        let refused = Drift::of(&other).err().unwrap().to_string();
        assert!(refused.contains("calibrate host"), "{refused}");
    }
}
