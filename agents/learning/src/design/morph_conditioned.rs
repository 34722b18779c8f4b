//! `morph-conditioned`: the proxy sees the design, and the design moves by the effect's policy gradient.
//!
//! The proxy `h(x, u, z)` is fitted to the hardware over all designs beforehand and kept fresh on visited
//! queries around the current design; its weights never serve the reward, so the design always stays on the
//! feasible set and needs no extraction. The gap is pure regression error.
//!
//! An effect's gradient sees how a step's effect was felt soon after; what only a whole episode on another body shows, as
//! where contact stands in between, it does not. So, unless `spread` is null, every episode has a design of its own, drawn around the
//! current one; the proxy serves each at its design, the score function moves the current one beside the effect's
//! gradient ([`super::spread`]), and the effect's rows are taken at the current design with the noise that was drawn.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::design_term::DesignTerm;
use super::effect::{EffectCredit, EffectSettings};
use super::fitted_proxy::FittedProxy;
use super::logits::LogitVector;
use super::noise_share::NoiseShare;
use super::spread::{Spread, SpreadSettings};
use super::{Constant, Context, DesignOptimizer, MethodError, MethodSettings, PolicyChange, Setup, read, within};
use crate::archive::{Archive, ArchiveError};
use crate::method_error::finite;
use crate::ppo::EffectUpdate;
use crate::proxy::{DesignDraw, Gap, Proxy, ProxySettings, matrix, mixed_queries};
use crate::rollout::{DesignSource, EffectModels, Noise, OneModel, Rollout};

/// Settings of [`MorphConditioned`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MorphConditionedSettings {
    /// Adam rate of the design's logits.
    pub rate: f64,
    /// How task effects are explored and credited.
    pub effect: EffectSettings,
    /// What noise on effects may cost, in deviations of the return: beyond, less of it is used. Null: all that
    /// `effect.noise` says, whatever it costs. Nothing is known of the cost without environments of the complete machine
    /// (`schedule.true_share` 0).
    pub noise_cost: Option<f64>,
    /// The proxy network and its first fit.
    pub proxy: ProxySettings,
    /// Regression steps on fresh pairs per iteration.
    pub refresh_steps: usize,
    /// Rows per regression step.
    pub refresh_batch: usize,
    /// Learning rate of these steps.
    pub refresh_rate: f64,
    /// Draws the designs of episodes around the current one, which the score function then moves beside the effect's
    /// gradient; null: all episodes use the current design.
    pub spread: Option<SpreadSettings>,
}

impl Default for MorphConditionedSettings {
    fn default() -> Self {
        Self {
            rate: 0.03,
            effect: EffectSettings::default(),
            noise_cost: Some(0.3),
            proxy: ProxySettings::default(),
            refresh_steps: 20,
            refresh_batch: 1024,
            refresh_rate: 5e-4,
            spread: Some(SpreadSettings::default()),
        }
    }
}

impl MorphConditionedSettings {
    fn policy_inputs(&self, d: usize) -> usize {
        let spread = self.spread.as_ref();
        spread.map_or(0, |spread| spread.policy_inputs(d))
    }
}

impl MethodSettings for MorphConditionedSettings {
    fn resolved(&self, setup: &Setup) -> Self {
        Self {
            effect: self.effect.resolved(setup.effects_last),
            proxy: self.proxy.resolved(&*setup.hardware),
            spread: self.spread.as_ref().map(|spread| spread.resolved(setup)),
            ..self.clone()
        }
    }
}

/// A design-conditioned proxy and the design that climbs through it.
pub struct MorphConditioned {
    settings: MorphConditionedSettings,
    credit: EffectCredit,
    noise: NoiseShare,
    logits: LogitVector,
    fitted: FittedProxy,
    term: Option<DesignTerm<Proxy>>,
    refresh_loss: f64,
    spread: Option<Spread>,
}

impl MorphConditioned {
    /// The settings of an experiment, checked; nothing is made.
    ///
    /// # Errors
    /// Settings out of range; nothing to design.
    pub fn check(setup: &Setup) -> Result<MorphConditionedSettings, MethodError> {
        let settings: MorphConditionedSettings = read(setup.settings)?;
        within("rate", settings.rate, [1e-6, 10.0])?;
        within("noise_cost", settings.noise_cost.unwrap_or(1.0), [1e-3, 1e3])?;
        within("refresh_batch", settings.refresh_batch, [2, 1_000_000])?;
        settings.proxy.check_for(&*setup.hardware, true)?;
        let batch = settings.refresh_batch;
        settings
            .proxy
            .check_batch("refresh_batch", batch, &*setup.hardware, true)?;
        if let Some(spread) = &settings.spread {
            spread.check("spread.")?;
        }
        setup.check_designs("morph-conditioned")?;
        settings.effect.check()?;
        Ok(settings.resolved(setup))
    }

    /// The method from an experiment.
    ///
    /// # Errors
    /// Those of [`MorphConditioned::check`].
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings = Self::check(setup)?;
        let inputs = setup.observations + settings.policy_inputs(setup.start.len());
        Ok(Self {
            fitted: FittedProxy::new(setup, &settings.proxy, true, DesignDraw::Uniform),
            logits: LogitVector::new(&setup.start),
            refresh_loss: 0.0,
            noise: NoiseShare::new(settings.noise_cost),
            term: None,
            spread: settings
                .spread
                .as_ref()
                .map(|spread| Spread::new(spread, setup.start.len())),
            credit: EffectCredit::new(setup, &settings.effect, inputs)?,
            settings,
        })
    }

    /// The noise of roll-outs at this progress.
    fn used_noise(&self, progress: f64) -> Noise {
        self.noise.of(self.credit.noise(progress))
    }

    /// A few regression steps: half the rows visited, half uniform, designs around the current one.
    fn refresh(&mut self, rollout: &Rollout) -> u64 {
        let batch = self.settings.refresh_batch;
        let center = self.logits.values();
        let fitted = &mut self.fitted;
        for _ in 0..self.settings.refresh_steps {
            let hardware = &*fitted.hardware;
            let queries = mixed_queries(hardware, &rollout.queries, batch, &mut fitted.stream);
            let pairs = fitted.ask(&queries, DesignDraw::Around(&center, 0.5));
            let rate = self.settings.refresh_rate;
            self.refresh_loss = fitted.proxy.regress(&mut fitted.adam, &pairs, rate);
        }
        (batch * self.settings.refresh_steps) as u64
    }
}

impl DesignOptimizer for MorphConditioned {
    fn prepare(&mut self, context: &mut Context, stop: &dyn Fn() -> bool) -> Result<(), MethodError> {
        let settings = &self.settings.proxy;
        self.fitted.prepare(settings, DesignDraw::Uniform, context, stop)
    }

    fn design(&self) -> Vec<f64> {
        self.logits.values()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        match &self.spread {
            Some(spread) => spread.source(self.logits.values()),
            None => Box::new(Constant(self.logits.values())),
        }
    }

    fn policy_inputs(&self) -> usize {
        self.settings.policy_inputs(self.logits.values().len())
    }

    fn effect_model(&self) -> Option<Arc<dyn EffectModels>> {
        if self.spread.is_some() {
            return self.fitted.proxy.snapshots().map(|all| all as _);
        }
        let snapshot = self.fitted.proxy.snapshot(&self.logits.values());
        Some(Arc::new(OneModel(snapshot)))
    }

    fn noise(&self, progress: f64) -> Option<Noise> {
        Some(self.used_noise(progress))
    }

    fn effect_update(
        &mut self,
        rollout: &Rollout,
        rewards: &[f32],
        context: &mut Context,
    ) -> Result<Option<EffectUpdate<'_>>, MethodError> {
        let noise = self.used_noise(context.progress);
        let mut term = DesignTerm {
            rows: self.credit.rows(rollout, rewards, noise),
            inputs: matrix(&rollout.features, rollout.rows()),
            logits: self.logits.tensor(),
            model: self.fitted.proxy.share(),
        };
        if self.spread.is_some() {
            let noise = matrix(&rollout.effect_noise, rollout.rows());
            let means = tch::no_grad(|| term.means(&term.inputs));
            term.rows.samples = means + noise * &term.rows.deviation;
        }
        let term = self.term.insert(term);
        // narrower noise trusts a smaller neighbourhood: the design moves the less
        let rate = self.settings.rate * self.noise.share();
        Ok(Some(self.logits.update(term, rate)))
    }

    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        self.term = None;
        self.noise.adapt(rollout);
        self.logits.clamp();
        if let (Some(spread), Some(settings), false) = (&mut self.spread, &self.settings.spread, context.frozen) {
            let mut mean = self.logits.values();
            spread.step(&mut mean, rollout, context.rewards, settings)?;
            self.logits.set(&mean);
        }
        *context.hardware_queries += self.refresh(rollout);
        let all = self.refresh_loss.is_finite() && self.logits.values().iter().all(|z| z.is_finite());
        finite(all, "the proxy's loss or the design").map(|()| PolicyChange::Keep)
    }

    fn gap(&self, queries: &[f32]) -> Option<[Gap; 2]> {
        Some(self.fitted.gaps(&self.design(), queries))
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        let spread = self.spread.iter();
        let spread = spread.map(|spread| ("design_deviation", spread.mean_deviation()));
        [
            ("fidelity_loss", self.refresh_loss),
            ("noise_share", self.noise.share()),
        ]
        .into_iter()
        .chain(spread)
        .collect()
    }

    fn save(&self, archive: &mut Archive) {
        self.logits.save(archive, "design");
        if let Some(spread) = &self.spread {
            spread.save(archive);
        }
        self.credit.save(archive);
        self.noise.save(archive);
        self.fitted.save(archive);
        archive.put_f64("proxy.refresh_loss", &[self.refresh_loss]);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.logits.load(archive, "design")?;
        if let Some(spread) = &mut self.spread {
            spread.load(archive)?;
        }
        self.refresh_loss = archive.get_f64_len("proxy.refresh_loss", 1)?[0];
        self.credit.load(archive)?;
        self.noise.load(archive)?;
        self.fitted.load(archive)
    }
}
