//! The stages, their order, and what their iterations report.

use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::attention::Mode;
use crate::attention::adaptation::Pass;

/// A stage of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Softmax attention, from scratch.
    Softmax,
    /// Linear hardware, from softmax.
    Linear,
    /// Scalers are moved until nonlinear hardware has the linear model's signals; one iteration.
    Adapt,
    /// Nonlinear hardware, from the adapted model.
    Nonlinear,
    /// Softmax, going on.
    Control,
    /// Nonlinear hardware, from softmax.
    Direct,
}

impl Stage {
    /// The name in metrics and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Linear => "linear",
            Self::Adapt => "adapt",
            Self::Nonlinear => "nonlinear",
            Self::Control => "control",
            Self::Direct => "direct",
        }
    }

    /// Attention at its end.
    pub fn mode(self) -> Mode {
        match self {
            Self::Softmax | Self::Control => Mode::Softmax,
            Self::Linear => Mode::Linear,
            Self::Adapt | Self::Nonlinear | Self::Direct => Mode::Nonlinear,
        }
    }
}

/// A stage with its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which.
    pub stage: Stage,
    /// Iterations.
    pub iterations: u64,
    /// Whether another stage goes on from it on the way to the result.
    pub continued: bool,
}

/// The stages of these settings, in order.
pub fn plan(settings: &Settings) -> Vec<Planned> {
    let s = &settings.stages;
    let hardware = s.linear + s.nonlinear;
    let stages = [
        (Stage::Softmax, s.softmax, hardware > 0),
        (Stage::Linear, s.linear, s.nonlinear > 0),
        (Stage::Adapt, u64::from(s.linear > 0), true),
        (Stage::Nonlinear, s.nonlinear, false),
        (Stage::Control, if s.control { hardware } else { 0 }, false),
        (Stage::Direct, if s.direct { hardware } else { 0 }, false),
    ];
    let planned = stages.into_iter().map(|(stage, iterations, continued)| Planned {
        stage,
        iterations,
        continued,
    });
    planned.filter(|p| p.iterations > 0).collect()
}

/// What an iteration did.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Iterations so far, over all stages.
    pub iteration: u64,
    /// The stage.
    pub stage: Stage,
    /// Iterations of the stage so far.
    pub of_stage: u64,
    /// Mean loss of the batch, nat per character; of an adaptation, the last pass's.
    pub loss: f64,
    /// Global norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Loss on the validation text, where it was measured: before the stage's first iteration and after this one.
    pub validation: Vec<(u64, f64)>,
}

/// What an adaptation did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adapted {
    /// Loss of the linear model on the adaptation's batch.
    pub linear_loss: f64,
    /// Loss of nonlinear hardware with the linear model's scalers.
    pub carried_loss: f64,
    /// Pass by pass.
    pub passes: Vec<Pass>,
}

impl Adapted {
    /// Updates until the loss came within `margin` of the linear model's for good; `None` if it never did.
    pub fn recovered_after(&self, margin: f64) -> Option<usize> {
        let near = |pass: &Pass| pass.loss <= self.linear_loss + margin;
        let last_far = self.passes.iter().rposition(|pass| !near(pass));
        let first = last_far.map_or(0, |at| at + 1);
        (first < self.passes.len()).then_some(first)
    }
}
