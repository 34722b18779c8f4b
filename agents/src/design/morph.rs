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

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tandem_envs::design::LOGIT_LIMIT;
use tandem_envs::{Hardware, Stream};
use tch::Tensor;

use super::likelihood::{EffectCredit, EffectRows};
use super::{
    Constant, Context, DesignOptimizer, MethodError, PolicyChange, Setup, geometric, settings,
    within,
};
use crate::adam::Adam;
use crate::archive::{Archive, ArchiveError};
use crate::cma_es::{CmaEs, population_size};
use crate::kernel::Scratch;
use crate::ppo::{EffectTerm, EffectUpdate};
use crate::proxy::{DesignDraw, Gap, Pairs, Proxy, ProxySettings, matrix};
use crate::rollout::{DesignSource, EffectModel, Rollout};

/// Settings of the extraction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extraction {
    /// Iterations between extractions (N of the paper; 1 is what works).
    pub every: usize,
    /// Generations per extraction.
    pub generations: usize,
    /// Least population; the tutorial's `4 + 3 ln d` when that is more.
    pub population: usize,
    /// Step size at the start of each extraction, in logits.
    pub sigma: f64,
    /// Number of (state, command) pairs, half visited and half uniform.
    pub pairs: usize,
    /// Weight of staying near the last design.
    pub rho: f64,
}

impl Default for Extraction {
    fn default() -> Self {
        Self {
            every: 1,
            generations: 10,
            population: 16,
            sigma: 0.3,
            pairs: 512,
            rho: 1e-4,
        }
    }
}

/// Settings of [`Morph`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MorphSettings {
    /// Adam rate of the proxy.
    pub rate: f64,
    /// Global gradient norm of the proxy's update.
    pub max_grad_norm: f64,
    /// Deviation of the task-effect noise at the start and at the end of the search, in effect scales.
    pub noise: [f64; 2],
    /// Share of the search after which noise and alpha have their end values, in (0, 1].
    pub anneal: f64,
    /// Discount of the effect's advantage, in [0, 1]: 0 credits an effect with the next reward only, which is
    /// exact where effects leave no trace in the state (kinematic arms) and has the least noise.
    pub effect_gamma: f64,
    /// Decay of the effect's advantage, in [0, 1].
    pub effect_lambda: f64,
    /// Weight of the fidelity loss at the start and at the end of the search (geometric).
    pub alpha: [f64; 2],
    /// The proxy network and its first fit.
    pub proxy: ProxySettings,
    /// How the design is drawn from the proxy.
    pub extraction: Extraction,
}

impl Default for MorphSettings {
    fn default() -> Self {
        Self {
            rate: 1e-3,
            max_grad_norm: 0.5,
            noise: [0.3, 0.1],
            anneal: 0.25,
            effect_gamma: 0.0,
            effect_lambda: 0.0,
            alpha: [1.0, 30.0],
            proxy: ProxySettings::default(),
            extraction: Extraction::default(),
        }
    }
}

/// Checks the settings that both proxied methods share.
pub(super) fn check_proxy(settings: &ProxySettings) -> Result<(), MethodError> {
    within("proxy.rate", settings.rate, 1e-7, 1.0)?;
    within("proxy.batch", settings.batch as f64, 2.0, 1e6)?;
    within("proxy.steps", settings.steps as f64, 0.0, 1e7)?;
    within("proxy.tolerance", settings.tolerance, 0.0, 1e6)?;
    within("proxy.task_weight", settings.task_weight, 1e-3, 1e3)?;
    within(
        "proxy.hidden (layers)",
        settings.hidden.len() as f64,
        1.0,
        8.0,
    )?;
    let widths = settings.hidden.iter();
    widths
        .copied()
        .try_for_each(|w| within("proxy.hidden", w as f64, 1.0, 4096.0))
}

/// Gap of a proxy at a design on visited and on uniform queries.
pub(super) fn gaps(
    proxy: &Proxy,
    hardware: &dyn Hardware,
    logits: &[f64],
    queries: &[f32],
) -> [Gap; 2] {
    let draw = DesignDraw::Fixed(logits);
    let mut stream = Stream::new(0, "gap", 0);
    let visited = Pairs::ask(hardware, queries, draw, &mut stream);
    let uniform = Pairs::sample(hardware, 2048, draw, &mut stream);
    [proxy.gap(&visited), proxy.gap(&uniform)]
}

/// The published method.
pub struct Morph {
    settings: MorphSettings,
    hardware: Arc<dyn Hardware>,
    credit: EffectCredit,
    logits: Vec<f64>,
    proxy: Proxy,
    adam: Adam,
    stream: Stream,
    iteration: u64,
    term: Option<Term>,
    /// Last extraction's cost, its design's movement in logits, and the fidelity weight, for the log.
    last: [f64; 3],
}

impl Morph {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range; nothing to design.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: MorphSettings = settings(setup.settings)?;
        check(&settings)?;
        if setup.start.is_empty() {
            return Err(MethodError::Unsuitable {
                method: "morph",
                reason: "it has nothing to design; use `fixed`".into(),
            });
        }
        let hardware = setup.hardware.clone();
        let mut stream = Stream::new(setup.seed, "proxy", 0);
        let draw = DesignDraw::Fixed(&setup.start);
        let sample = Pairs::sample(&*hardware, 4096, draw, &mut stream);
        let proxy = Proxy::new(&*hardware, &settings.proxy, false, &sample, &mut stream);
        Ok(Self {
            adam: Adam::new(proxy.parameters()),
            logits: setup.start.clone(),
            iteration: 0,
            term: None,
            last: [0.0; 3],
            credit: EffectCredit::new(setup, settings.effect_gamma, settings.effect_lambda),
            settings,
            hardware,
            proxy,
            stream,
        })
    }

    fn alpha(&self, progress: f64) -> f64 {
        let [start, end] = self.settings.alpha;
        geometric(start, end, progress / self.settings.anneal)
    }

    /// Draws the design from the proxy. Returns the number of hardware queries.
    fn extract(&mut self, rollout: &Rollout) -> u64 {
        let queries = self.extraction_queries(rollout);
        let width = self.hardware.query_channels().len();
        let rows = queries.len() / width.max(1);
        let predicted = self.predict(&queries, rows);
        let target = ExtractionTarget {
            hardware: &*self.hardware,
            queries: &queries,
            predicted: &predicted,
            task_weight: self.settings.proxy.task_weight,
        };
        let settings = &self.settings.extraction;
        let population = population_size(self.logits.len(), settings.population);
        let mut search = CmaEs::new(&self.logits, settings.sigma, population, LOGIT_LIMIT);
        let (mut best, mut best_cost) = (self.logits.clone(), target.cost(&self.logits));
        for _ in 0..settings.generations {
            let points = search.ask(&mut self.stream);
            let costs: Vec<f64> = points
                .par_iter()
                .map(|z| target.cost(z) + settings.rho * distance(z, &self.logits).powi(2))
                .collect();
            search.tell(&costs);
            for (z, cost) in points.into_iter().zip(costs) {
                if cost < best_cost {
                    (best, best_cost) = (z, cost);
                }
            }
        }
        self.last[0] = best_cost;
        self.last[1] = distance(&best, &self.logits);
        self.logits = best;
        (rows * (1 + population * settings.generations)) as u64
    }

    /// Half visited, half uniform: without the uniform half the search exploits what the proxy forgot.
    fn extraction_queries(&mut self, rollout: &Rollout) -> Vec<f32> {
        let bounds = self.hardware.query_bounds();
        let width = bounds.len();
        let visited = rollout.queries.len() / width.max(1);
        let mut queries = Vec::with_capacity(self.settings.extraction.pairs * width);
        for i in 0..self.settings.extraction.pairs {
            if i % 2 == 0 && visited > 0 {
                let row = self.stream.below(visited);
                queries.extend_from_slice(&rollout.queries[row * width..(row + 1) * width]);
            } else {
                for &(low, high) in bounds {
                    queries.push(self.stream.uniform(low.into(), high.into()) as f32);
                }
            }
        }
        queries
    }

    fn predict(&self, queries: &[f32], rows: usize) -> Vec<f32> {
        let (f, e) = (
            self.hardware.feature_len(),
            self.hardware.effect_channels().len(),
        );
        let snapshot = self.proxy.snapshot(&self.logits);
        let (mut features, mut scratch) = (vec![0.0; f], Scratch::default());
        let mut out = vec![0.0; rows * e];
        let width = queries.len() / rows.max(1);
        for (query, effect) in queries.chunks_exact(width).zip(out.chunks_exact_mut(e)) {
            self.hardware.features(query, &mut features);
            snapshot.predict(&self.logits, &features, &mut scratch, effect);
        }
        out
    }
}

fn check(settings: &MorphSettings) -> Result<(), MethodError> {
    within("rate", settings.rate, 1e-7, 1.0)?;
    within("max_grad_norm", settings.max_grad_norm, 1e-6, 1e6)?;
    for (i, noise) in settings.noise.iter().enumerate() {
        within(&format!("noise.{i}"), *noise, 1e-4, 100.0)?;
    }
    within("anneal", settings.anneal, 1e-3, 1.0)?;
    within("effect_gamma", settings.effect_gamma, 0.0, 1.0)?;
    within("effect_lambda", settings.effect_lambda, 0.0, 1.0)?;
    for (i, alpha) in settings.alpha.iter().enumerate() {
        within(&format!("alpha.{i}"), *alpha, 1e-6, 1e6)?;
    }
    let e = &settings.extraction;
    within("extraction.every", e.every as f64, 1.0, 1e6)?;
    within("extraction.generations", e.generations as f64, 1.0, 1e4)?;
    within("extraction.population", e.population as f64, 4.0, 1e4)?;
    within("extraction.sigma", e.sigma, 1e-6, LOGIT_LIMIT)?;
    within("extraction.pairs", e.pairs as f64, 2.0, 1e6)?;
    within("extraction.rho", e.rho, 0.0, 1e6)?;
    check_proxy(&settings.proxy)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// The cost of a design: how far its hardware is from the proxy.
struct ExtractionTarget<'a> {
    hardware: &'a dyn Hardware,
    queries: &'a [f32],
    predicted: &'a [f32],
    task_weight: f64,
}

impl ExtractionTarget<'_> {
    fn cost(&self, logits: &[f64]) -> f64 {
        let scale = self.hardware.effect_scale();
        let task = self.hardware.task_effects();
        let values = self.hardware.space().values(logits);
        let width = self.hardware.query_channels().len();
        let mut effect = vec![0.0f32; scale.len()];
        let (mut sum, mut rows) = (0.0, 0);
        let predictions = self.predicted.chunks_exact(scale.len());
        for (query, predicted) in self.queries.chunks_exact(width).zip(predictions) {
            self.hardware.respond(&values, query, &mut effect);
            for (i, (y, h)) in effect.iter().zip(predicted).enumerate() {
                let weight = if i < task { self.task_weight } else { 1.0 };
                sum += weight * f64::from((y - h) / scale[i]).powi(2);
            }
            rows += 1;
        }
        sum / f64::from(rows.max(1))
    }
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

    fn loss(&self, rows: &Tensor, _advantages: &Tensor) -> Tensor {
        let visited = self.features.index_select(0, rows);
        let uniform_rows = rows.remainder(self.uniform_features.size()[0]);
        let uniform = self.uniform_features.index_select(0, &uniform_rows);
        let predicted = self
            .proxy
            .forward(&Tensor::cat(&[visited, uniform], 0), None);
        let targets = Tensor::cat(
            &[
                self.effects.index_select(0, rows),
                self.uniform_effects.index_select(0, &uniform_rows),
            ],
            0,
        );
        let task =
            predicted
                .narrow(0, 0, rows.size()[0])
                .narrow(1, 0, self.proxy.task_effects() as i64);
        self.rows.surrogate(rows, &task) + self.proxy.fidelity(&predicted, &targets) * self.alpha
    }
}

impl DesignOptimizer for Morph {
    fn prepare(&mut self, context: &mut Context) -> Result<(), MethodError> {
        let draw = DesignDraw::Fixed(&self.logits);
        let settings = &self.settings.proxy;
        let (gap, queries) = self.proxy.fit(
            &mut self.adam,
            &*self.hardware,
            settings,
            draw,
            &mut self.stream,
        );
        *context.hardware_queries += queries;
        self.adam.reset();
        if gap.rmse.is_finite() {
            return Ok(());
        }
        Err(MethodError::NotFinite {
            what: "the proxy's error".into(),
        })
    }

    fn design(&self) -> Vec<f64> {
        self.logits.clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.logits.clone()))
    }

    fn effect_model(&self) -> Option<Arc<dyn EffectModel>> {
        Some(self.proxy.snapshot(&self.logits))
    }

    fn noise(&self, progress: f64) -> Option<f32> {
        let [start, end] = self.settings.noise;
        Some(geometric(start, end, progress / self.settings.anneal) as f32)
    }

    fn effect_update(
        &mut self,
        rollout: &Rollout,
        rewards: &[f32],
        context: &mut Context,
    ) -> Result<Option<EffectUpdate<'_>>, MethodError> {
        let Some(sigma) = self.noise(context.progress).filter(|_| !context.frozen) else {
            return Ok(None);
        };
        let total = rollout.lanes * rollout.steps;
        let draw = DesignDraw::Fixed(&self.logits);
        let visited = Pairs::ask(&*self.hardware, &rollout.queries, draw, &mut self.stream);
        let uniform = Pairs::sample(&*self.hardware, total, draw, &mut self.stream);
        *context.hardware_queries += (visited.rows + uniform.rows) as u64;
        self.last[2] = self.alpha(context.progress);
        let term = self.term.insert(Term {
            rows: EffectRows::new(
                rollout,
                rewards,
                self.hardware.effect_scale(),
                sigma,
                &mut self.credit,
            ),
            features: matrix(&visited.features, visited.rows),
            effects: matrix(&visited.effects, visited.rows),
            uniform_features: matrix(&uniform.features, uniform.rows),
            uniform_effects: matrix(&uniform.effects, uniform.rows),
            proxy: self.proxy.share(),
            alpha: self.last[2],
        });
        Ok(Some(EffectUpdate {
            term,
            adam: &mut self.adam,
            rate: self.settings.rate,
            max_grad_norm: self.settings.max_grad_norm,
        }))
    }

    fn update(
        &mut self,
        rollout: &Rollout,
        context: &mut Context,
    ) -> Result<PolicyChange, MethodError> {
        self.term = None;
        if context.frozen {
            return Ok(PolicyChange::Keep);
        }
        self.iteration += 1;
        if self
            .iteration
            .is_multiple_of(self.settings.extraction.every as u64)
        {
            *context.hardware_queries += self.extract(rollout);
        }
        if self.logits.iter().all(|z| z.is_finite()) && self.last[0].is_finite() {
            return Ok(PolicyChange::Keep);
        }
        Err(MethodError::NotFinite {
            what: "the design".into(),
        })
    }

    fn gap(&self, queries: &[f32]) -> Option<[Gap; 2]> {
        Some(gaps(&self.proxy, &*self.hardware, &self.logits, queries))
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
        self.credit.baseline.save(archive);
        archive.put_f64("design.last", &self.last);
        archive.put_f64("design.iteration", &[self.iteration as f64]);
        self.proxy.save(archive, "proxy");
        self.adam.save(archive, "proxy.adam");
        archive.put_json("proxy.stream", &self.stream);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.logits = archive.get_f64_len("design.logits", self.logits.len())?;
        self.last
            .copy_from_slice(&archive.get_f64_len("design.last", 3)?);
        self.iteration = archive.get_f64_len("design.iteration", 1)?[0] as u64;
        self.credit.baseline.load(archive)?;
        self.proxy.load(archive, "proxy")?;
        self.adam.load(archive, "proxy.adam")?;
        self.stream = archive.get_json("proxy.stream")?;
        Ok(())
    }
}
