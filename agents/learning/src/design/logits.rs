//! The design as a trainable tensor.

use tandem_core::design::LOGIT_LIMIT;
use tch::Tensor;

use crate::adam::Adam;
use crate::archive::{Archive, ArchiveError};
use crate::ppo::{EffectTerm, EffectUpdate};

/// The design's logits as a trainable tensor with its own Adam.
pub struct LogitVector {
    tensor: Tensor,
    adam: Adam,
}

impl LogitVector {
    /// Trainable logits that start here.
    pub fn new(start: &[f64]) -> Self {
        let values: Vec<f32> = start.iter().map(|&z| z as f32).collect();
        let tensor = Tensor::from_slice(&values).set_requires_grad(true);
        Self {
            adam: Adam::new(vec![tensor.shallow_clone()]).sharing(),
            tensor,
        }
    }

    /// The tensor `[design]`.
    pub fn tensor(&self) -> Tensor {
        self.tensor.shallow_clone()
    }

    /// The logits, clipped to ±[`LOGIT_LIMIT`].
    pub fn values(&self) -> Vec<f64> {
        let mut out = vec![0f32; self.tensor.numel()];
        let len = out.len();
        self.tensor.detach().copy_data(&mut out, len);
        let clip = |z: &f32| f64::from(*z).clamp(-LOGIT_LIMIT, LOGIT_LIMIT);
        out.iter().map(clip).collect()
    }

    /// Sets the logits.
    pub fn set(&mut self, values: &[f64]) {
        let values: Vec<f32> = values.iter().map(|&z| z as f32).collect();
        tch::no_grad(|| self.tensor.copy_(&Tensor::from_slice(&values)));
    }

    /// Puts the tensor back into the box.
    pub fn clamp(&mut self) {
        let _ = tch::no_grad(|| self.tensor.clamp_(-LOGIT_LIMIT, LOGIT_LIMIT));
    }

    /// What moves the logits down the gradient of a term, which has no limit.
    pub fn update<'a>(&'a mut self, term: &'a dyn EffectTerm, rate: f64) -> EffectUpdate<'a> {
        EffectUpdate {
            term,
            adam: &mut self.adam,
            rate,
            max_grad_norm: f64::INFINITY,
        }
    }

    /// Stores logits and moments.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_f64(&format!("{prefix}.logits"), &self.values());
        self.adam.save(archive, &format!("{prefix}.adam"));
    }

    /// Loads what [`LogitVector::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let n = self.tensor.numel();
        let values = archive.get_f64_len(&format!("{prefix}.logits"), n)?;
        self.set(&values);
        self.adam.load(archive, &format!("{prefix}.adam"))
    }
}
