//! The effect's surrogate as a function of the design: the term of methods that differentiate effects by the logits.

use tch::Tensor;

use super::effect::EffectRows;
use crate::ppo::EffectTerm;
use crate::proxy::Proxy;

/// Effects as a differentiable function of the design's logits.
pub trait DesignedEffects: Send + 'static {
    /// A second handle on the same tensors, for another thread.
    fn share(&self) -> Self;

    /// Effects `[M, effects]` at these logits `[design]`, from what the model sees of each query, `[M, inputs]`.
    fn effects(&self, logits: &Tensor, inputs: &Tensor) -> Tensor;
}

/// A conditioned proxy sees features.
impl DesignedEffects for Proxy {
    fn share(&self) -> Self {
        Self::share(self)
    }

    fn effects(&self, logits: &Tensor, inputs: &Tensor) -> Tensor {
        self.forward(inputs, Some(logits))
    }
}

/// The surrogate of the effect under a model, differentiated by the logits only.
pub struct DesignTerm<M> {
    /// What was drawn and what it was worth.
    pub rows: EffectRows,
    /// What the model sees of the roll-out's queries, `[R, inputs]`.
    pub inputs: Tensor,
    /// The logits, a leaf.
    pub logits: Tensor,
    /// The model.
    pub model: M,
}

impl<M: DesignedEffects> DesignTerm<M> {
    /// The means of the task effects, `[M, k]`, for these rows' inputs.
    pub fn means(&self, inputs: &Tensor) -> Tensor {
        let effects = self.model.effects(&self.logits, inputs);
        effects.narrow(1, 0, self.rows.deviation.numel() as i64)
    }
}

impl<M: DesignedEffects> EffectTerm for DesignTerm<M> {
    fn parameters(&self) -> Vec<Tensor> {
        vec![self.logits.shallow_clone()]
    }

    fn share(&self) -> Box<dyn EffectTerm> {
        Box::new(Self {
            rows: self.rows.share(),
            inputs: self.inputs.shallow_clone(),
            logits: self.logits.shallow_clone(),
            model: self.model.share(),
        })
    }

    fn loss(&self, rows: &Tensor) -> Tensor {
        let inputs = self.inputs.index_select(0, rows);
        self.rows.surrogate(rows, &self.means(&inputs))
    }
}
