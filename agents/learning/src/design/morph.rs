//! `morph`: the published method (He, Ciocarlie, ICRA 2024; objective and extraction as restated in
//! Islam, He, Ciocarlie, arXiv 2405.14566, equations 8 and 9).
//!
//! The proxy's weights *are* the current hardware: the design is not an input. Policy gradient moves policy
//! and proxy; a fidelity penalty of rising weight `alpha` holds the proxy close to the true model of the
//! current design; CMA-ES extracts the design that the proxy has become:
//!
//! ```text
//! L   = L_u + L_y + alpha E || W (h(x, u) - q_phi(x, u)) ||^2          (a penalty: plus sign in a loss)
//! phi = argmin E || W (h(x, u) - q_phi(x, u)) ||^2 + rho |z - z_k|^2
//! ```

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::effect::{EffectCredit, EffectRows, EffectSettings};
use super::extraction::{ExtractionSettings, extract};
use super::fitted_proxy::FittedProxy;
use super::{
    Constant, Context, DesignOptimizer, MethodError, MethodSettings, PolicyChange, SettingError, Setup, geometric,
    read, within,
};
use crate::archive::{Archive, ArchiveError};
use crate::method_error::finite;
use crate::ppo::{EffectTerm, EffectUpdate};
use crate::proxy::{DesignDraw, Gap, Pairs, Proxy, ProxySettings, matrix};
use crate::rollout::{DesignSource, EffectModels, Noise, OneModel, Rollout};

/// Settings of [`Morph`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MorphSettings {
    /// Adam rate of the proxy.
    pub rate: f64,
    /// Global gradient norm of the proxy's update.
    pub max_grad_norm: f64,
    /// How task effects are explored and credited; `alpha` follows its annealing.
    pub effect: EffectSettings,
    /// Weight of the fidelity loss at the start and at the end of the search (geometric).
    pub alpha: [f64; 2],
    /// The proxy network and its first fit.
    pub proxy: ProxySettings,
    /// How the design is drawn from the proxy.
    pub extraction: ExtractionSettings,
}

impl Default for MorphSettings {
    fn default() -> Self {
        Self {
            rate: 1e-3,
            max_grad_norm: 0.5,
            effect: EffectSettings::default(),
            alpha: [1.0, 30.0],
            proxy: ProxySettings::default(),
            extraction: ExtractionSettings::default(),
        }
    }
}

impl MethodSettings for MorphSettings {
    fn resolved(&self, setup: &Setup) -> Self {
        Self {
            effect: self.effect.resolved(setup.effects_last),
            proxy: self.proxy.resolved(&*setup.hardware),
            ..self.clone()
        }
    }
}

/// The published method.
pub struct Morph {
    settings: MorphSettings,
    credit: EffectCredit,
    logits: Vec<f64>,
    fitted: FittedProxy,
    iteration: u64,
    term: Option<Term>,
    /// Last extraction's cost, its design's movement in logits, and the fidelity weight, for the log.
    last: [f64; 3],
}

impl Morph {
    /// The settings of an experiment, checked; nothing is made.
    ///
    /// # Errors
    /// Settings out of range; nothing to design.
    pub fn check(setup: &Setup) -> Result<MorphSettings, MethodError> {
        let settings: MorphSettings = read(setup.settings)?;
        check(&settings)?;
        settings.proxy.check_for(&*setup.hardware, false)?;
        setup.check_designs("morph")?;
        settings.effect.check()?;
        Ok(settings)
    }

    /// The method from an experiment.
    ///
    /// # Errors
    /// Those of [`Morph::check`].
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings = Self::check(setup)?;
        let draw = DesignDraw::Fixed(&setup.start);
        Ok(Self {
            fitted: FittedProxy::new(setup, &settings.proxy, false, draw),
            logits: setup.start.clone(),
            iteration: 0,
            term: None,
            last: [0.0; 3],
            credit: EffectCredit::new(setup, &settings.effect, setup.observations)?,
            settings,
        })
    }

    fn alpha(&self, progress: f64) -> f64 {
        let [start, end] = self.settings.alpha;
        geometric(start, end, progress / self.settings.effect.anneal)
    }
}

fn check(settings: &MorphSettings) -> Result<(), SettingError> {
    within("rate", settings.rate, [1e-7, 1.0])?;
    within("max_grad_norm", settings.max_grad_norm, [1e-6, 1e6])?;
    for (i, alpha) in settings.alpha.iter().enumerate() {
        within(format!("alpha.{i}"), *alpha, [1e-6, 1e6])?;
    }
    settings.extraction.check()
}

/// `L_y + alpha L_prox` for the rows of a minibatch; the uniform half is aligned with the visited rows.
struct Term {
    rows: EffectRows,
    features: Tensor,
    effects: Tensor,
    uniform_features: Tensor,
    uniform_effects: Tensor,
    proxy: Proxy,
    alpha: f64,
}

impl EffectTerm for Term {
    fn parameters(&self) -> Vec<Tensor> {
        self.proxy.parameters()
    }

    fn share(&self) -> Box<dyn EffectTerm> {
        Box::new(Self {
            rows: self.rows.share(),
            features: self.features.shallow_clone(),
            effects: self.effects.shallow_clone(),
            uniform_features: self.uniform_features.shallow_clone(),
            uniform_effects: self.uniform_effects.shallow_clone(),
            proxy: self.proxy.share(),
            alpha: self.alpha,
        })
    }

    fn loss(&self, rows: &Tensor) -> Tensor {
        let visited = self.features.index_select(0, rows);
        let uniform_rows = rows.remainder(self.uniform_features.size()[0]);
        let uniform = self.uniform_features.index_select(0, &uniform_rows);
        let predicted = self.proxy.forward(&Tensor::cat(&[visited, uniform], 0), None);
        let targets = Tensor::cat(
            &[
                self.effects.index_select(0, rows),
                self.uniform_effects.index_select(0, &uniform_rows),
            ],
            0,
        );
        let task = predicted
            .narrow(0, 0, rows.size()[0])
            .narrow(1, 0, self.proxy.task_effects() as i64);
        self.rows.surrogate(rows, &task) + self.proxy.fidelity(&predicted, &targets) * self.alpha
    }
}

impl DesignOptimizer for Morph {
    fn prepare(&mut self, context: &mut Context, stop: &dyn Fn() -> bool) -> Result<(), MethodError> {
        let draw = DesignDraw::Fixed(&self.logits);
        self.fitted.prepare(&self.settings.proxy, draw, context, stop)
    }

    fn design(&self) -> Vec<f64> {
        self.logits.clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.logits.clone()))
    }

    fn effect_model(&self) -> Option<Arc<dyn EffectModels>> {
        Some(Arc::new(OneModel(self.fitted.proxy.snapshot(&self.logits))))
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
        let draw = DesignDraw::Fixed(&self.logits);
        let visited = self.fitted.ask(&rollout.queries, draw);
        let uniform = Pairs::sample(&*self.fitted.hardware, rollout.rows(), draw, &mut self.fitted.stream);
        *context.hardware_queries += (visited.rows + uniform.rows) as u64;
        self.last[2] = self.alpha(context.progress);
        let term = self.term.insert(Term {
            rows: self.credit.rows(rollout, rewards, self.credit.noise(context.progress)),
            features: matrix(&visited.features, visited.rows),
            effects: matrix(&visited.effects, visited.rows),
            uniform_features: matrix(&uniform.features, uniform.rows),
            uniform_effects: matrix(&uniform.effects, uniform.rows),
            proxy: self.fitted.proxy.share(),
            alpha: self.last[2],
        });
        Ok(Some(EffectUpdate {
            term,
            adam: &mut self.fitted.adam,
            rate: self.settings.rate,
            max_grad_norm: self.settings.max_grad_norm,
        }))
    }

    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        self.term = None;
        if context.frozen {
            return Ok(PolicyChange::Keep);
        }
        self.iteration += 1;
        if self.iteration.is_multiple_of(self.settings.extraction.every as u64) {
            let found = extract(
                &*self.fitted.hardware,
                &self.fitted.proxy,
                self.settings.proxy.task_weight,
                &self.settings.extraction,
                &self.logits,
                &rollout.queries,
                &mut self.fitted.stream,
            );
            *context.hardware_queries += found.queries;
            (self.last[0], self.last[1]) = (found.cost, found.movement);
            self.logits = found.logits;
        }
        let all = self.logits.iter().all(|z| z.is_finite()) && self.last[0].is_finite();
        finite(all, "the design").map(|()| PolicyChange::Keep)
    }

    fn gap(&self, queries: &[f32]) -> Option<[Gap; 2]> {
        Some(self.fitted.gaps(&self.logits, queries))
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("extraction_cost", self.last[0]),
            ("design_movement", self.last[1]),
            ("alpha", self.last[2]),
        ]
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_f64("design.logits", &self.logits);
        self.credit.save(archive);
        archive.put_f64("design.last", &self.last);
        archive.put_f64("design.iteration", &[self.iteration as f64]);
        self.fitted.save(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.logits = archive.get_f64_len("design.logits", self.logits.len())?;
        self.last.copy_from_slice(&archive.get_f64_len("design.last", 3)?);
        self.iteration = archive.get_f64_len("design.iteration", 1)?[0] as u64;
        self.credit.load(archive)?;
        self.fitted.load(archive)
    }
}
