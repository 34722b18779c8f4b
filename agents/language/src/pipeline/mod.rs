//! The stages that bring a language model onto analog attention, and their controls:
//!
//! ```text
//! softmax -> linear hardware -> adaptation (no gradients) -> nonlinear hardware
//!    |-> control: softmax for as many further iterations as both hardware stages
//!    `-> direct: nonlinear hardware at once, for as many
//! ```
//!
//! Every stage has its own random stream and a fresh optimiser. A pipeline can be saved between any two iterations and
//! goes on to the same numbers.

mod adapting;
mod stage;
mod training;
mod writing;

use serde::{Deserialize, Serialize};
use tandem_attention::Activity;
use tandem_core::Stream;
use tch::{Tensor, no_grad};

use super::LanguageError;
use super::corpus::Corpus;
use super::model::Gpt;
use super::settings::Settings;
use crate::attention::{CellForCell, Circuit, Hardware, Mode};
use tandem_learning::adam::Adam;
use tandem_learning::archive::{Archive, ArchiveError};

pub(crate) use adapting::{mean_activity, moments};
pub use stage::{Adapted, Planned, Record, Stage, plan};

/// What goes into a checkpoint beside arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PipelineState {
    /// Place in the plan.
    place: usize,
    of_stage: u64,
    iteration: u64,
    stream: Stream,
    /// Validation losses: stage, iteration of the stage, nat per character.
    validations: Vec<(Stage, u64, f64)>,
    adapted: Option<Adapted>,
    activity: Option<Activity>,
    /// Validation loss of the nonlinear stage's model on a chip with noise, where the circuit has any.
    #[serde(default)]
    on_chip: Option<f64>,
    /// Stages whose final weights are kept.
    kept: Vec<Stage>,
}

/// An adaptation in progress.
pub struct Pipeline {
    settings: Settings,
    corpus: Corpus,
    plan: Vec<Planned>,
    hardware: [Hardware; 2],
    model: Gpt,
    adam: Adam,
    validation: [Tensor; 2],
    state: PipelineState,
    /// Final weights of finished stages, under `STAGE.NAME`.
    finished: Archive,
}

/// What a finished nonlinear stage leaves.
pub(crate) struct Trained {
    pub settings: Settings,
    pub corpus: Corpus,
    pub model: Gpt,
    pub validation: [Tensor; 2],
}

impl Pipeline {
    /// The start of a pipeline.
    ///
    /// # Errors
    /// Settings out of range, a circuit that cannot be built.
    pub fn new(settings: &Settings, corpus: Corpus) -> Result<Self, LanguageError> {
        settings.check()?;
        let circuit = settings.circuit();
        let hardware = |mode| Hardware::new(&circuit, mode, settings.backward, settings.model.context);
        let mut stream = Stream::new(settings.seed, "language/weights", 0);
        let model = Gpt::new(&settings.model, corpus.vocabulary().len(), &mut stream)?;
        let validation = corpus.validation(settings.training.validation, settings.model.context);
        let mut pipeline = Self {
            hardware: [hardware(Mode::Linear)?, hardware(Mode::Nonlinear)?],
            adam: Adam::new(vec![]),
            plan: plan(settings),
            state: PipelineState {
                place: 0,
                of_stage: 0,
                iteration: 0,
                stream: Stream::new(settings.seed, "language/batch/softmax", 0),
                validations: vec![],
                adapted: None,
                activity: None,
                on_chip: None,
                kept: vec![],
            },
            finished: Archive::new(),
            settings: settings.clone(),
            corpus,
            model,
            validation,
        };
        pipeline.adam = pipeline.fresh_adam();
        Ok(pipeline)
    }

    /// Weights from a file instead of random ones; before the first iteration.
    ///
    /// # Errors
    /// A file that does not fit.
    pub fn load_weights(&mut self, bytes: &[u8]) -> Result<(), LanguageError> {
        super::weights::load(&mut self.model, bytes)
    }

    /// The stages.
    pub fn plan(&self) -> &[Planned] {
        &self.plan
    }

    /// The text.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The model as it is.
    pub fn model(&self) -> &Gpt {
        &self.model
    }

    /// Iterations so far, and at the end.
    pub fn progress(&self) -> [u64; 2] {
        let end = self.plan.iter().map(|p| p.iterations).sum();
        [self.state.iteration, end]
    }

    /// Validation losses so far: iteration of the stage, nat per character.
    pub fn curve(&self, stage: Stage) -> Vec<(u64, f64)> {
        let all = self.state.validations.iter();
        all.filter(|(of, _, _)| *of == stage)
            .map(|(_, at, loss)| (*at, *loss))
            .collect()
    }

    /// What the adaptation did.
    pub fn adapted(&self) -> Option<&Adapted> {
        self.state.adapted.as_ref()
    }

    /// Activity of the nonlinear stage's data, measured at its end.
    pub fn activity(&self) -> Option<Activity> {
        self.state.activity
    }

    /// Validation loss of the nonlinear stage's model on a chip, cell for cell, with the circuit's noise and mismatch; `None`
    /// where it has none.
    pub fn on_chip(&self) -> Option<f64> {
        self.state.on_chip
    }

    fn hardware(&self, mode: Mode) -> Option<&dyn Circuit> {
        match mode {
            Mode::Softmax => None,
            Mode::Linear => Some(&self.hardware[0]),
            Mode::Nonlinear => Some(&self.hardware[1]),
        }
    }

    /// One iteration; `None` at the end.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn iterate(&mut self) -> Result<Option<Record>, LanguageError> {
        let Some(&planned) = self.plan.get(self.state.place) else {
            return Ok(None);
        };
        let stage = planned.stage;
        let before = self.state.validations.len();
        if self.state.of_stage == 0 && stage != Stage::Adapt {
            self.validate(stage)?;
        }
        let (loss, gradient_norm) = match stage {
            Stage::Adapt => (self.adapt()?, 0.0),
            _ => self.step(&planned)?,
        };
        self.state.of_stage += 1;
        self.state.iteration += 1;
        let over = self.state.of_stage == planned.iterations;
        let every = self.settings.training.validate_every;
        let due = self.state.of_stage.is_multiple_of(every);
        if over || due {
            self.validate(stage)?;
        }
        let record = Record {
            iteration: self.state.iteration,
            stage,
            of_stage: self.state.of_stage,
            loss,
            gradient_norm,
            validation: self.state.validations[before..].iter().map(|v| (v.1, v.2)).collect(),
        };
        if over {
            self.leave(stage)?;
        }
        Ok(Some(record))
    }

    fn leave(&mut self, stage: Stage) -> Result<(), LanguageError> {
        if stage == Stage::Nonlinear {
            let (_, signals) = self.measure(&self.validation, Mode::Nonlinear);
            self.state.activity = mean_activity(&signals);
            let circuit = self.settings.circuit();
            if circuit.noise.any() {
                let chip = CellForCell::new(&circuit, self.settings.seed)?;
                let loss = no_grad(|| self.model.loss(&self.validation, Some(&chip), None));
                self.state.on_chip = Some(loss.double_value(&[]));
            }
        }
        self.model.save(&mut self.finished, stage.name());
        self.state.kept.push(stage);
        self.state.place += 1;
        self.state.of_stage = 0;
        let Some(&next) = self.plan.get(self.state.place) else {
            return Ok(());
        };
        if matches!(next.stage, Stage::Control | Stage::Direct) {
            self.model.load(&self.finished, Stage::Softmax.name())?;
        }
        let name = format!("language/batch/{}", next.stage.name());
        self.state.stream = Stream::new(self.settings.seed, &name, 0);
        self.adam = self.fresh_adam();
        Ok(())
    }

    /// The stage whose model is the pipeline's result, if it is finished.
    pub fn result(&self) -> Option<Stage> {
        let best = [Stage::Nonlinear, Stage::Adapt, Stage::Linear, Stage::Softmax];
        best.into_iter().find(|stage| self.state.kept.contains(stage))
    }

    /// Finished stages.
    pub fn finished(&self) -> &[Stage] {
        &self.state.kept
    }

    /// The nonlinear stage's model and what it was trained with.
    ///
    /// # Errors
    /// A pipeline whose nonlinear stage is not finished.
    pub(crate) fn into_trained(mut self) -> Result<Trained, LanguageError> {
        if !self.state.kept.contains(&Stage::Nonlinear) {
            return Err(LanguageError::Text(
                "the run has no finished nonlinear stage; let `tandem adapt` finish it".into(),
            ));
        }
        self.model.load(&self.finished, Stage::Nonlinear.name())?;
        Ok(Trained {
            settings: self.settings,
            corpus: self.corpus,
            model: self.model,
            validation: self.validation,
        })
    }

    /// Everything a pipeline needs to go on.
    pub fn save(&self) -> Archive {
        let mut archive = self.finished.clone();
        archive.put_json("chain", &self.state);
        self.model.save(&mut archive, "model");
        self.adam.save(&mut archive, "adam");
        archive
    }

    /// Goes on from what [`Pipeline::save`] gave, with the same settings and text.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let state: PipelineState = archive.get_json("chain")?;
        let mut finished = Archive::new();
        for stage in &state.kept {
            self.model.load(archive, stage.name())?;
            self.model.save(&mut finished, stage.name());
        }
        self.model.load(archive, "model")?;
        self.state = state;
        self.finished = finished;
        self.adam = self.fresh_adam();
        self.adam.load(archive, "adam")
    }
}

#[cfg(test)]
pub(crate) mod tests;
