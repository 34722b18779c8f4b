//! `hardware-as-policy`: the exact hardware is a layer of the policy (HWasP; Chen, He, Ciocarlie 2020).
//!
//! Possible only where the model has a differentiable form. The effect's likelihood gives the design's
//! gradient directly, without a proxy: the reference for both methods with a proxy.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::Hardware;
use tch::Tensor;

use super::design_term::{DesignTerm, DesignedEffects};
use super::effect::{EffectCredit, EffectSettings};
use super::logits::LogitVector;
use super::{Constant, Context, DesignOptimizer, MethodError, MethodSettings, Setup, TensorHardware, read, within};
use crate::archive::{Archive, ArchiveError};
use crate::ppo::EffectUpdate;
use crate::proxy::{matrix, shares};
use crate::rollout::{DesignSource, Noise, Rollout};

/// Settings of [`HardwareAsPolicy`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HardwareAsPolicySettings {
    /// Adam rate of the design's logits.
    pub rate: f64,
    /// How task effects are explored and credited.
    pub effect: EffectSettings,
}

impl Default for HardwareAsPolicySettings {
    fn default() -> Self {
        Self {
            rate: 0.01,
            effect: EffectSettings::default(),
        }
    }
}

impl MethodSettings for HardwareAsPolicySettings {
    fn resolved(&self, setup: &Setup) -> Self {
        Self {
            effect: self.effect.resolved(setup.effects_last),
            ..self.clone()
        }
    }
}

/// The design as weights of the policy.
pub struct HardwareAsPolicy {
    settings: HardwareAsPolicySettings,
    hardware: Arc<dyn Hardware>,
    model: Arc<dyn TensorHardware>,
    credit: EffectCredit,
    logits: LogitVector,
    term: Option<DesignTerm<ExactEffects>>,
}

impl HardwareAsPolicy {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range; hardware without a differentiable form.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: HardwareAsPolicySettings = read(setup.settings)?;
        within("rate", settings.rate, [1e-6, 10.0])?;
        let model = setup.tensor_hardware.clone().ok_or(MethodError::Unsuitable {
            method: "hardware-as-policy",
            reason: "its hardware has no differentiable form; use `morph-conditioned`".into(),
        })?;
        Ok(Self {
            credit: EffectCredit::new(setup, &settings.effect, setup.observations)?,
            settings,
            hardware: setup.hardware.clone(),
            model,
            logits: LogitVector::new(&setup.start),
            term: None,
        })
    }
}

/// The exact model, which sees the queries themselves.
struct ExactEffects {
    bounds: LogitBounds,
    model: Arc<dyn TensorHardware>,
}

impl DesignedEffects for ExactEffects {
    fn share(&self) -> Self {
        Self {
            bounds: self.bounds.share(),
            model: self.model.clone(),
        }
    }

    fn effects(&self, logits: &Tensor, inputs: &Tensor) -> Tensor {
        self.model.respond(&self.bounds.values(logits), inputs)
    }
}

/// The map from logits to values in tensors. Log, integer and choice scales are relaxed to the real line.
struct LogitBounds {
    low: Tensor,
    range: Tensor,
    log: Tensor,
}

impl LogitBounds {
    fn new(hardware: &dyn Hardware) -> Self {
        let parameters = &hardware.space().parameters;
        let is_log = |p: &tandem_core::Parameter| p.scale == tandem_core::Scale::Log;
        let pick = |f: &dyn Fn(&tandem_core::Parameter) -> f64| {
            let values: Vec<f32> = parameters.iter().map(|p| f(p) as f32).collect();
            Tensor::from_slice(&values)
        };
        Self {
            low: pick(&|p| if is_log(p) { p.low.ln() } else { p.low }),
            range: pick(&|p| {
                if is_log(p) {
                    (p.high / p.low).ln()
                } else {
                    p.high - p.low
                }
            }),
            log: pick(&|p| f64::from(u8::from(is_log(p)))),
        }
    }

    fn values(&self, logits: &Tensor) -> Tensor {
        let linear = (shares(logits) * 0.5 + 0.5) * &self.range + &self.low;
        // exp only where the scale is logarithmic: elsewhere it could overflow and poison the gradient
        let exponent = &linear * &self.log;
        exponent.exp() * &self.log + &linear * (1.0f64 - &self.log)
    }

    fn share(&self) -> Self {
        Self {
            low: self.low.shallow_clone(),
            range: self.range.shallow_clone(),
            log: self.log.shallow_clone(),
        }
    }
}

impl DesignOptimizer for HardwareAsPolicy {
    fn design(&self) -> Vec<f64> {
        self.logits.values()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.logits.values()))
    }

    fn noise(&self, progress: f64) -> Option<Noise> {
        Some(self.credit.noise(progress))
    }

    fn effect_update(
        &mut self,
        rollout: &Rollout,
        rewards: &[f32],
        context: &mut Context,
    ) -> Result<Option<EffectUpdate<'_>>, MethodError> {
        self.logits.clamp();
        let term = self.term.insert(DesignTerm {
            rows: self.credit.rows(rollout, rewards, self.credit.noise(context.progress)),
            inputs: matrix(&rollout.queries, rollout.rows()),
            logits: self.logits.tensor(),
            model: ExactEffects {
                bounds: LogitBounds::new(&*self.hardware),
                model: self.model.clone(),
            },
        });
        Ok(Some(self.logits.update(term, self.settings.rate)))
    }

    fn save(&self, archive: &mut Archive) {
        self.logits.save(archive, "design");
        self.credit.save(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.logits.load(archive, "design")?;
        self.credit.load(archive)
    }
}
