//! A model with its optimiser: one step of training.

use tch::Tensor;

use super::LanguageError;
use super::model::Gpt;
use super::settings::Training;
use super::shape::is_scaler;
use crate::attention::Circuit;
use tandem_learning::adam::{Adam, clip_global_norm, gradients};
use tandem_learning::archive::{Archive, ArchiveError};

const BETAS: [f64; 2] = [0.9, 0.95];
const EPSILON: f64 = 1e-8;

/// A fresh AdamW for a model: matrices decay, and scalers where there is hardware.
pub fn optimiser(model: &Gpt, training: &Training, on_hardware: bool) -> Adam {
    let tensors = model.tensors();
    let both = || model.names().iter().zip(&tensors);
    let decays = |(name, tensor): (&String, &Tensor)| {
        let decays = tensor.dim() >= 2 && (on_hardware || !is_scaler(name));
        if decays { training.weight_decay } else { 0.0 }
    };
    let decay = both().map(decays).collect();
    let adam = Adam::with_epsilon(tensors.iter().map(Tensor::shallow_clone).collect(), EPSILON);
    adam.with_decay(BETAS, decay)
}

/// One step down the loss of a batch. Gives the loss and the gradient's global norm before clipping; where one of them is
/// not finite, its name, and nothing is changed.
///
/// # Errors
/// What libtorch reports.
pub fn descend(
    model: &Gpt,
    adam: &mut Adam,
    batch: &[Tensor; 2],
    circuit: Option<&dyn Circuit>,
    (clip, rate): (f64, f64),
) -> Result<Result<(f64, f64), &'static str>, LanguageError> {
    let loss = model.loss(batch, circuit, None);
    let mut gradients = gradients(&loss, &model.tensors())?;
    let norm = clip_global_norm(&mut gradients, clip);
    let loss = loss.double_value(&[]);
    for (what, value) in [("the loss", loss), ("the gradient", norm)] {
        if !value.is_finite() {
            return Ok(Err(what));
        }
    }
    adam.step(&gradients, rate);
    Ok(Ok((loss, norm)))
}

/// A model that is trained on hardware.
#[derive(Debug)]
pub struct Stepper {
    /// The model.
    pub model: Gpt,
    adam: Adam,
    clip: f64,
    steps: u64,
}

impl Stepper {
    /// A model with a fresh optimiser.
    pub fn new(model: Gpt, training: &Training) -> Self {
        Self {
            adam: optimiser(&model, training, true),
            clip: training.clip,
            model,
            steps: 0,
        }
    }

    /// Steps so far.
    #[cfg(test)]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn step(&mut self, batch: &[Tensor; 2], circuit: &dyn Circuit, rate: f64) -> Result<(), LanguageError> {
        let how = (self.clip, rate);
        let done = descend(&self.model, &mut self.adam, batch, Some(circuit), how)?;
        self.steps += 1;
        done.map(drop).map_err(|what| LanguageError::NotFinite {
            what,
            stage: "co-design",
            iteration: self.steps,
        })
    }

    /// Stores model and optimiser under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        self.model.save(archive, prefix);
        self.adam.save(archive, &format!("{prefix}.adam"));
    }

    /// Loads what [`Stepper::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        self.model.load(archive, prefix)?;
        self.adam.load(archive, &format!("{prefix}.adam"))?;
        self.steps = self.adam.steps();
        Ok(())
    }
}
