//! The record of one iteration: a row of `metrics.jsonl`.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tandem_core::{DesignSpace, Spec};
use tandem_learning::ppo::PpoStats;
use tandem_learning::proxy::Gap;

use crate::phase::Phase;

/// What a run has used so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Iterations.
    pub iteration: u64,
    /// Environment steps of training; evaluations are not counted.
    pub env_steps: u64,
    /// Queries of the hardware model: roll-outs, fits, fidelity, extraction.
    pub hardware_queries: u64,
    /// Finished training episodes.
    pub episodes: u64,
    /// Seconds of computing, over all sessions of the run.
    pub seconds: f64,
}

/// A true evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Iteration after which it took place.
    pub iteration: u64,
    /// Environment steps before it.
    pub env_steps: u64,
    /// Share of solved episodes.
    pub success: f64,
    /// Mean return.
    pub mean_return: f64,
    /// Gap on visited and on uniform queries, when there is a proxy.
    pub gap: Option<[Gap; 2]>,
}

impl Evaluation {
    /// Whether it is better: by success, then by return.
    pub fn beats(&self, other: &Self) -> bool {
        (self.success, self.mean_return) > (other.success, other.mean_return)
    }
}

/// Where an iteration's time went, s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seconds {
    parts: Vec<(&'static str, f64)>,
}

impl Seconds {
    /// Runs and times a part.
    ///
    /// # Errors
    /// Those of the part.
    pub fn time<T, E>(&mut self, name: &'static str, part: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let clock = Instant::now();
        let result = part();
        self.parts.push((name, clock.elapsed().as_secs_f64()));
        result
    }

    /// Names and seconds, in order.
    pub fn parts(&self) -> &[(&'static str, f64)] {
        &self.parts
    }
}

/// One iteration.
#[derive(Clone, Debug)]
pub struct Record {
    /// Phase it belonged to.
    pub phase: Phase,
    /// Counters after it.
    pub counters: Counters,
    /// Episodes that ended in it.
    pub episodes: usize,
    /// Their mean return.
    pub mean_return: Option<f64>,
    /// Share of them that were solved, under the training effect.
    pub train_success: Option<f64>,
    /// How many of them a fault ended.
    pub faults: usize,
    /// Mean of each reward term per step.
    pub reward_terms: Vec<f64>,
    /// PPO's own numbers.
    pub stats: PpoStats,
    /// The method's own numbers.
    pub scalars: Vec<(&'static str, f64)>,
    /// The design, in the parameters' units.
    pub design: Vec<f64>,
    /// The true evaluation, when one was due.
    pub evaluation: Option<Evaluation>,
    /// Where the time went.
    pub seconds: Seconds,
}

impl Record {
    /// The row of `metrics.jsonl`. Every key that depends on the clock contains `seconds`.
    pub fn row(&self, space: &DesignSpace, spec: &Spec) -> Map<String, Value> {
        let names = space.parameters.iter().map(|p| p.name.clone());
        let design: Map<String, Value> = names.zip(self.design.iter().map(|&v| json!(v))).collect();
        let evaluation = self.evaluation.as_ref();
        let gap = evaluation.and_then(|e| e.gap);
        let terms: Map<String, Value> = spec
            .reward_terms
            .iter()
            .cloned()
            .zip(self.reward_terms.iter().map(|&v| json!(v)))
            .collect();
        let mut row = Map::new();
        let mut put = |key: &str, value: Value| row.insert(key.into(), value);
        put("iteration", json!(self.counters.iteration));
        put("phase", json!(self.phase.name()));
        put("env_steps", json!(self.counters.env_steps));
        put("hardware_queries", json!(self.counters.hardware_queries));
        put("seconds", json!(self.counters.seconds));
        put("episodes", json!(self.episodes));
        put("return", json!(self.mean_return));
        put("train_success", json!(self.train_success));
        put("true_success", json!(evaluation.map(|e| e.success)));
        put("true_return", json!(evaluation.map(|e| e.mean_return)));
        put("proxy_gap", json!(gap.map(|g| g[0].rmse)));
        put("proxy_gap_p95", json!(gap.map(|g| g[0].p95)));
        put("proxy_gap_uniform", json!(gap.map(|g| g[1].rmse)));
        put("faults", json!(self.faults));
        put("reward_terms", Value::Object(terms));
        for (name, value) in ppo_scalars(&self.stats) {
            put(name, json!(value));
        }
        for (name, value) in &self.scalars {
            put(name, json!(value));
        }
        for (name, seconds) in self.seconds.parts() {
            put(&format!("seconds_{name}"), json!(seconds));
        }
        put("design", Value::Object(design));
        row
    }
}

/// PPO's numbers by name.
fn ppo_scalars(stats: &PpoStats) -> [(&'static str, f64); 9] {
    [
        ("policy_loss", stats.policy_loss),
        ("value_loss", stats.value_loss),
        ("entropy", stats.entropy),
        ("clip_fraction", stats.clip_fraction),
        ("kl", stats.kl),
        ("explained_variance", stats.explained_variance),
        ("grad_norm", stats.grad_norm),
        ("effect_loss", stats.effect_loss),
        ("effect_grad_norm", stats.effect_grad_norm),
    ]
}
