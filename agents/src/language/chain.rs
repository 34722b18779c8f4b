//! The stages that bring a language model onto analog attention, and their controls:
//!
//! ```text
//! softmax -> linear hardware -> adaptation (no gradients) -> nonlinear hardware
//!    |-> control: softmax for as many further iterations as both hardware stages
//!    `-> direct: nonlinear hardware at once, for as many
//! ```
//!
//! Every stage has its own random stream and a fresh optimiser. A chain can be saved between any two iterations and
//! goes on to the same numbers.

mod judge;
mod stage;

use serde::{Deserialize, Serialize};
use tandem_envs::Stream;
use tandem_envs::attention::Activity;
use tch::{Tensor, no_grad};

use super::LanguageError;
use super::corpus::Corpus;
use super::model::{Gpt, draw, is_scaler};
use super::settings::Settings;
use crate::adam::{Adam, clip_global_norm, gradients};
use crate::archive::{Archive, ArchiveError};
use crate::attention::adaptation::{Moments, Scaler, adapt};
use crate::attention::{Hardware, Mode, Signals};

pub use judge::{Judge, Judged, Part};
pub use stage::{Adapted, Planned, Record, Stage, plan};

const BETAS: [f64; 2] = [0.9, 0.95];
const EPSILON: f64 = 1e-8;

/// What goes into a checkpoint beside arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Place in the plan.
    place: usize,
    of_stage: u64,
    iteration: u64,
    stream: Stream,
    /// Validation losses: stage, iteration of the stage, nat per character.
    validations: Vec<(Stage, u64, f64)>,
    adapted: Option<Adapted>,
    activity: Option<Activity>,
    /// Stages whose final weights are kept.
    kept: Vec<Stage>,
}

/// An adaptation in progress.
pub struct Chain {
    settings: Settings,
    corpus: Corpus,
    plan: Vec<Planned>,
    hardware: [Hardware; 2],
    model: Gpt,
    adam: Adam,
    validation: [Tensor; 2],
    state: State,
    /// Final weights of finished stages, under `STAGE.NAME`.
    finished: Archive,
}

impl Chain {
    /// The start of a chain.
    ///
    /// # Errors
    /// Settings out of range, a circuit that cannot be built.
    pub fn new(settings: &Settings, corpus: Corpus) -> Result<Self, LanguageError> {
        settings.check()?;
        let circuit = settings.circuit();
        let hardware =
            |mode| Hardware::new(&circuit, mode, settings.backward, settings.model.context);
        let mut stream = Stream::new(settings.seed, "language/weights", 0);
        let model = Gpt::new(&settings.model, corpus.characters().len(), &mut stream)?;
        let validation = corpus.validation(settings.training.validation, settings.model.context);
        let mut chain = Self {
            hardware: [hardware(Mode::Linear)?, hardware(Mode::Nonlinear)?],
            adam: Adam::new(vec![]),
            plan: plan(settings),
            state: State {
                place: 0,
                of_stage: 0,
                iteration: 0,
                stream: Stream::new(settings.seed, "language/batch/softmax", 0),
                validations: vec![],
                adapted: None,
                activity: None,
                kept: vec![],
            },
            finished: Archive::new(),
            settings: settings.clone(),
            corpus,
            model,
            validation,
        };
        chain.adam = chain.fresh_adam();
        Ok(chain)
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

    fn hardware(&self, mode: Mode) -> Option<&Hardware> {
        match mode {
            Mode::Softmax => None,
            Mode::Linear => Some(&self.hardware[0]),
            Mode::Nonlinear => Some(&self.hardware[1]),
        }
    }

    /// An optimiser for the present stage: matrices decay, and scalers where there is hardware.
    fn fresh_adam(&self) -> Adam {
        let softmax = self
            .plan
            .get(self.state.place)
            .is_none_or(|p| p.stage.mode() == Mode::Softmax);
        let tensors = self.model.tensors();
        let decay = self
            .model
            .names()
            .iter()
            .zip(&tensors)
            .map(|(name, tensor)| {
                let decays = tensor.dim() >= 2 && !(softmax && is_scaler(name));
                if decays {
                    self.settings.training.weight_decay
                } else {
                    0.0
                }
            });
        let decay = decay.collect();
        Adam::with_epsilon(tensors, EPSILON).with_decay(BETAS, decay)
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
            validation: self.state.validations[before..]
                .iter()
                .map(|v| (v.1, v.2))
                .collect(),
        };
        if over {
            self.leave(stage)?;
        }
        Ok(Some(record))
    }

    fn step(&mut self, planned: &Planned) -> Result<(f64, f64), LanguageError> {
        let t = &self.settings.training;
        let context = self.settings.model.context;
        let batch = self.corpus.batch(&mut self.state.stream, t.batch, context);
        let loss = self
            .model
            .loss(&batch, self.hardware(planned.stage.mode()), None);
        let mut gradients = gradients(&loss, &self.model.tensors())?;
        let norm = clip_global_norm(&mut gradients, t.clip);
        let loss = loss.double_value(&[]);
        for (what, value) in [("the loss", loss), ("the gradient", norm)] {
            self.finite(what, value)?;
        }
        let rate = self.rate(planned);
        self.adam.step(&gradients, rate);
        Ok((loss, norm))
    }

    /// Rate of the present iteration: rises, stays, and falls where nothing follows.
    fn rate(&self, planned: &Planned) -> f64 {
        let t = &self.settings.training;
        let ramp = |count: u64, length: u64| (count as f64 / length.max(1) as f64).min(1.0);
        let rise = ramp(self.state.of_stage + 1, t.warm_up);
        let fall = match planned.continued {
            true => 1.0,
            false => ramp(planned.iterations - self.state.of_stage, t.cool_down),
        };
        t.rate * rise.min(fall)
    }

    fn finite(&self, what: &'static str, value: f64) -> Result<f64, LanguageError> {
        if value.is_finite() {
            return Ok(value);
        }
        let stage = self
            .plan
            .get(self.state.place)
            .map_or("end", |p| p.stage.name());
        Err(LanguageError::NotFinite {
            what,
            stage,
            iteration: self.state.of_stage,
        })
    }

    fn validate(&mut self, stage: Stage) -> Result<(), LanguageError> {
        let loss = self.loss_on(&self.validation, stage.mode());
        let loss = self.finite("the validation loss", loss)?;
        self.state
            .validations
            .push((stage, self.state.of_stage, loss));
        Ok(())
    }

    /// Mean loss on sequences, in batches of the training's size.
    fn loss_on(&self, [text, targets]: &[Tensor; 2], mode: Mode) -> f64 {
        let (count, batch) = (text.size()[0], self.settings.training.batch as i64);
        let mut sum = 0.0;
        for start in (0..count).step_by(batch as usize) {
            let length = batch.min(count - start);
            let part = [text, targets].map(|t| t.narrow(0, start, length));
            let loss = no_grad(|| self.model.loss(&part, self.hardware(mode), None));
            sum += loss.double_value(&[]) * length as f64;
        }
        sum / count as f64
    }

    /// Loss and signals of a batch on hardware.
    fn measure(&self, batch: &[Tensor; 2], mode: Mode) -> (f64, Vec<Signals>) {
        let mut signals = Vec::new();
        let loss = no_grad(|| {
            let loss = self
                .model
                .loss(batch, self.hardware(mode), Some(&mut signals));
            loss.double_value(&[])
        });
        (loss, signals)
    }

    /// Records the linear model's signals and moves the nonlinear model's scalers to them. Gives the last loss.
    fn adapt(&mut self) -> Result<f64, LanguageError> {
        let settings = self.settings.adaptation.clone();
        let mut stream = Stream::new(self.settings.seed, "language/adaptation", 0);
        let batch = self
            .corpus
            .batch(&mut stream, settings.batch, self.settings.model.context);
        let (linear_loss, signals) = self.measure(&batch, Mode::Linear);
        let targets = moments(&signals);
        let (carried_loss, _) = self.measure(&batch, Mode::Nonlinear);
        let mut scalers = match settings.reset {
            true => vec![Scaler::RESET; targets.len()],
            false => self.model.scalers(),
        };
        let passes = adapt(&mut scalers, &targets, &settings.schedule, |scalers| {
            self.model.set_scalers(scalers);
            let (loss, signals) = self.measure(&batch, Mode::Nonlinear);
            self.finite("the loss of an adaptation pass", loss)?;
            Ok::<_, LanguageError>((loss, moments(&signals)))
        })?;
        let loss = passes.last().map_or(f64::NAN, |pass| pass.loss);
        self.state.adapted = Some(Adapted {
            linear_loss,
            carried_loss,
            passes,
        });
        Ok(loss)
    }

    /// Keeps a finished stage's weights and prepares the next one.
    fn leave(&mut self, stage: Stage) -> Result<(), LanguageError> {
        if stage == Stage::Nonlinear {
            let (_, signals) = self.measure(&self.validation, Mode::Nonlinear);
            self.state.activity = mean_activity(&signals);
        }
        self.model.save(&mut self.finished, stage.name());
        self.state.kept.push(stage);
        self.state.place += 1;
        self.state.of_stage = 0;
        let Some(next) = self.plan.get(self.state.place) else {
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

    /// The stage whose model is the chain's result, if it is finished.
    pub fn result(&self) -> Option<Stage> {
        let best = [
            Stage::Nonlinear,
            Stage::Adapt,
            Stage::Linear,
            Stage::Softmax,
        ];
        best.into_iter()
            .find(|stage| self.state.kept.contains(stage))
    }

    /// Finished stages.
    pub fn finished(&self) -> &[Stage] {
        &self.state.kept
    }

    /// Continues `prompt` by `count` characters with a finished stage's model.
    ///
    /// # Errors
    /// A stage that is not finished, an empty prompt, or characters that the model does not know.
    pub fn generate(
        &mut self,
        stage: Stage,
        prompt: &str,
        count: usize,
        temperature: f64,
        stream: &mut Stream,
    ) -> Result<String, LanguageError> {
        self.model.load(&self.finished, stage.name())?;
        let mut numbers = Vec::new();
        for character in prompt.chars() {
            let known = self.corpus.number(character);
            numbers.push(known.ok_or_else(|| {
                LanguageError::Text(format!(
                    "the model has never seen {character:?}; its text did not hold it"
                ))
            })?);
        }
        if numbers.is_empty() {
            return Err(LanguageError::Text(
                "the prompt is empty; give at least one character".into(),
            ));
        }
        let mut text = String::new();
        for _ in 0..count {
            let first = numbers.len().saturating_sub(self.settings.model.context);
            let seen = Tensor::from_slice(&numbers[first..]).unsqueeze(0);
            let scores = no_grad(|| self.model.forward(&seen, self.hardware(stage.mode()), None));
            let next = draw(&scores.get(0).get(-1), temperature, stream);
            numbers.push(next);
            text.extend(self.corpus.characters().get(next as usize));
        }
        Ok(text)
    }

    /// Everything a chain needs to go on.
    pub fn save(&self) -> Archive {
        let mut archive = self.finished.clone();
        archive.put_json("chain", &self.state);
        self.model.save(&mut archive, "model");
        self.adam.save(&mut archive, "adam");
        archive
    }

    /// Goes on from what [`Chain::save`] gave, with the same settings and text.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let state: State = archive.get_json("chain")?;
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

/// Signals in the order of [`Gpt::scalers`].
fn moments(signals: &[Signals]) -> Vec<Moments> {
    let layer = |s: &Signals| -> Vec<Moments> {
        let pairs = s.mean.iter().flatten().zip(s.deviation.iter().flatten());
        pairs
            .map(|(&mean, &deviation)| Moments { mean, deviation })
            .collect()
    };
    signals.iter().flat_map(layer).collect()
}

fn mean_activity(signals: &[Signals]) -> Option<Activity> {
    let all: Vec<Activity> = signals.iter().filter_map(|s| s.activity).collect();
    let mean = |of: fn(&Activity) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    (!all.is_empty()).then(|| Activity {
        score_ua: mean(|a| a.score_ua),
        output_ua: mean(|a| a.output_ua),
    })
}

#[cfg(test)]
mod tests;
