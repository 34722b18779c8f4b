//! Extraction: which design has the proxy become?
//!
//! `phi = argmin E || W (h(x, u) - q_phi(x, u)) ||^2 + rho |z - z_k|^2` by CMA-ES, warm-started at the last design
//! (arXiv 2405.14566, equation 9; the term in `rho` is ours). It queries the hardware model, never the world.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::design::LOGIT_LIMIT;
use tandem_core::{Hardware, Stream};

use super::{SettingError, within};
use crate::cma_es::{CmaEs, population_size};
use crate::kernel::Scratch;
use crate::proxy::{Proxy, mixed_queries};
use crate::rollout::EffectModel;

/// Settings of the extraction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExtractionSettings {
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

impl Default for ExtractionSettings {
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

impl ExtractionSettings {
    /// Checks all ranges.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        within("extraction.every", self.every, [1, 1_000_000])?;
        within("extraction.generations", self.generations, [1, 10_000])?;
        within("extraction.population", self.population, [4, 10_000])?;
        within("extraction.sigma", self.sigma, [1e-6, LOGIT_LIMIT])?;
        within("extraction.pairs", self.pairs, [2, 1_000_000])?;
        within("extraction.rho", self.rho, [0.0, 1e6])?;
        Ok(())
    }
}

/// What an extraction found.
pub struct Extracted {
    /// Logits of the design.
    pub logits: Vec<f64>,
    /// Its distance to the proxy, as in the module's formula without the term in `rho`.
    pub cost: f64,
    /// How far it lies from the last design, in logits.
    pub movement: f64,
    /// Hardware queries that it took.
    pub queries: u64,
}

/// Draws the design from a proxy: half of the pairs visited `[R, query]`, half uniform, since without the uniform
/// half the search exploits what the proxy forgot.
pub fn extract(
    hardware: &dyn Hardware,
    proxy: &Proxy,
    task_weight: f64,
    settings: &ExtractionSettings,
    last: &[f64],
    visited: &[f32],
    stream: &mut Stream,
) -> Extracted {
    let queries = mixed_queries(hardware, visited, settings.pairs, stream);
    let predicted = predict(hardware, proxy, last, &queries);
    let target = Target {
        hardware,
        queries: &queries,
        predicted: &predicted,
        task_weight,
    };
    let population = population_size(last.len(), settings.population);
    let mut search = CmaEs::new(last, settings.sigma, population, LOGIT_LIMIT);
    let (mut logits, mut best) = (last.to_vec(), target.cost(last));
    for _ in 0..settings.generations {
        let points = search.ask(stream);
        let costs: Vec<f64> = points
            .par_iter()
            .map(|z| target.cost(z) + settings.rho * distance(z, last).powi(2))
            .collect();
        search.tell(&costs);
        for (z, cost) in points.into_iter().zip(costs) {
            if cost < best {
                (logits, best) = (z, cost);
            }
        }
    }
    Extracted {
        cost: target.cost(&logits),
        movement: distance(&logits, last),
        queries: (settings.pairs * (2 + population * settings.generations)) as u64,
        logits,
    }
}

/// The proxy's effects of these queries, `[R, effects]`.
fn predict(hardware: &dyn Hardware, proxy: &Proxy, logits: &[f64], queries: &[f32]) -> Vec<f32> {
    let (f, e) = (hardware.feature_len(), hardware.effect_channels().len());
    let width = hardware.query_channels().len();
    let snapshot = proxy.snapshot(logits);
    let (mut features, mut scratch) = (vec![0.0; f], Scratch::default());
    let mut out = vec![0.0; queries.len() / width.max(1) * e];
    for (query, effect) in queries.chunks_exact(width).zip(out.chunks_exact_mut(e)) {
        hardware.features(query, &mut features);
        snapshot.predict(&features, &mut scratch, effect);
    }
    out
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}

/// The cost of a design: how far its hardware is from the proxy.
struct Target<'a> {
    hardware: &'a dyn Hardware,
    queries: &'a [f32],
    predicted: &'a [f32],
    task_weight: f64,
}

impl Target<'_> {
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
