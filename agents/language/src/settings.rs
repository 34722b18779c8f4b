//! Settings of a language model's adaptation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_attention::GainCell;
use tandem_core::check::{refuse, within};

use super::LanguageError;
use super::shape::Shape;
use crate::attention::Backward;
use crate::attention::adaptation::Schedule;

/// Everything that decides what a pipeline computes, beside its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The transformer.
    pub model: Shape,
    /// The circuit; its head dimension and layers are the model's.
    pub circuit: GainCell,
    /// How the cubic cell is differentiated.
    pub backward: Backward,
    /// Optimiser and batches.
    pub training: Training,
    /// Iterations of each stage.
    pub stages: Stages,
    /// The loop that moves scalers.
    pub adaptation: Adaptation,
    /// Seed of all random streams.
    pub seed: u64,
}

/// Optimiser and batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Sequences of a batch.
    pub batch: usize,
    /// Rate of AdamW (β 0.9, 0.95).
    pub rate: f64,
    /// Decay of matrices and scalers.
    pub weight_decay: f64,
    /// Largest global norm of the gradient.
    pub clip: f64,
    /// Iterations in which the rate rises at the start of every stage.
    pub warm_up: u64,
    /// Iterations in which it falls to zero at the end of every stage that nothing follows.
    pub cool_down: u64,
    /// Iterations between validations.
    pub validate_every: u64,
    /// Sequences of a validation, spread over the validation text.
    pub validation: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            batch: 16,
            rate: 1e-3,
            weight_decay: 0.1,
            clip: 1.0,
            warm_up: 20,
            cool_down: 100,
            validate_every: 50,
            validation: 128,
        }
    }
}

/// Iterations of each stage; 0 leaves it out where nothing else needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stages {
    /// Softmax attention from scratch.
    pub softmax: u64,
    /// Linear hardware, from softmax.
    pub linear: u64,
    /// Nonlinear hardware, from linear, after adaptation.
    pub nonlinear: u64,
    /// Whether a softmax model goes on for as long as the two hardware stages took.
    pub control: bool,
    /// Whether nonlinear hardware straight from softmax is trained as long too.
    pub direct: bool,
}

impl Default for Stages {
    fn default() -> Self {
        Self {
            softmax: 1500,
            linear: 900,
            nonlinear: 300,
            control: true,
            direct: true,
        }
    }
}

/// The loop that moves scalers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adaptation {
    /// Whether it starts from gain 1 and offset 0 instead of the linear model's scalers.
    pub reset: bool,
    /// Sequences of its fixed batch.
    pub batch: usize,
    /// When to stop, and how far to step.
    pub schedule: Schedule,
}

impl Default for Adaptation {
    fn default() -> Self {
        Self {
            reset: true,
            batch: 16,
            schedule: Schedule::default(),
        }
    }
}

/// Most numbers of a batch: 8 GiB of single precision.
const MOST_NUMBERS: f64 = 2_147_483_648.0;

impl Settings {
    /// The circuit with the model's head dimension and layers.
    pub fn circuit(&self) -> GainCell {
        GainCell {
            head_dimension: u32::try_from(self.model.head_dimension()).unwrap_or(u32::MAX),
            layers: u32::try_from(self.model.layers).unwrap_or(u32::MAX),
            heads: u32::try_from(self.model.heads).unwrap_or(u32::MAX),
            ..self.circuit.clone()
        }
    }

    /// Checks the ranges of all settings.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), LanguageError> {
        self.model.check().map_err(|error| error.inside("model"))?;
        let t = &self.training;
        within("training.batch", t.batch, [1, 4096])?;
        within("training.rate", t.rate, [0.0, 1.0])?;
        within("training.weight_decay", t.weight_decay, [0.0, 10.0])?;
        within("training.clip", t.clip, [1e-6, 1e6])?;
        within("training.warm_up", t.warm_up, [0, 1_000_000_000])?;
        within("training.cool_down", t.cool_down, [0, 1_000_000_000])?;
        within("training.validate_every", t.validate_every, [1, 1_000_000_000])?;
        within("training.validation", t.validation, [1, 65_536])?;
        let s = &self.stages;
        within("stages.softmax", s.softmax, [1, 1_000_000_000])?;
        within("stages.linear", s.linear, [0, 1_000_000_000])?;
        within("stages.nonlinear", s.nonlinear, [0, 1_000_000_000])?;
        let a = &self.adaptation;
        within("adaptation.batch", a.batch, [1, 4096])?;
        let schedule = &a.schedule;
        within("adaptation.schedule.tolerance", schedule.tolerance, [0.0, 1e3])?;
        within("adaptation.schedule.passes", schedule.passes, [0, 100_000])?;
        within("adaptation.schedule.first_step", schedule.first_step, [0.0, 1.0])?;
        within("adaptation.schedule.last_step", schedule.last_step, [0.0, 1.0])?;
        for (key, batch) in [("training.batch", t.batch), ("adaptation.batch", a.batch)] {
            let numbers = self.model.activations(batch);
            if numbers > MOST_NUMBERS {
                let reason =
                    format!("makes {numbers:.0} numbers a batch with this model; at most {MOST_NUMBERS:.0} fit");
                return refuse(key, reason);
            }
        }
        Ok(self.circuit().check()?)
    }
}
