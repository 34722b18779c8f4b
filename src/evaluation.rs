//! What a judgement found: `evaluation/final.json` of a run folder, and the document of `tandem evaluate --json`.

use serde::{Deserialize, Serialize};

use crate::convergence::Deviation;
use crate::statistics::Estimate;

/// A mean with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The mean itself.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<Estimate> for Interval {
    fn from(estimate: Estimate) -> Self {
        Self {
            mean: estimate.value,
            low: estimate.low,
            high: estimate.high,
        }
    }
}

/// How a policy and a design did in fresh episodes of the true machine. Keys are those that scripts read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the problem.
    pub problem: String,
    /// Name of the method that found them.
    pub method: String,
    /// Seed of the run.
    pub seed: u64,
    /// Number of fresh episodes.
    pub episodes: usize,
    /// Share of solved episodes under mean actions, with Wilson's interval.
    pub success: Option<Interval>,
    /// The same under actions drawn from the policy.
    pub success_sampled: Option<Interval>,
    /// The same policy, mean actions, on the start design.
    pub success_start_design: Option<Interval>,
    /// Mean actions at half the time step of the physics; `None` where there is no time step.
    pub success_half_step: Option<Interval>,
    /// Success at half the step less success.
    pub half_step_difference: Option<f64>,
    /// Mean return at half the time step; see [`Evaluation::total_return`].
    #[serde(default)]
    pub return_half_step: Option<Interval>,
    /// How far the machine deviates from itself at half the time step, under the commands of these episodes.
    #[serde(default)]
    pub half_step_deviation: Option<Deviation>,
    /// Mean return under mean actions, with a bootstrap interval over episodes.
    #[serde(rename = "return")]
    pub total_return: Option<Interval>,
    /// How far the proxy is from the true machine; `None` without a proxy or off its design.
    pub proxy_gap: Option<ProxyGap>,
    /// Episodes that the world had to give up.
    pub faults: usize,
    /// Iteration after which the judged pair was kept; `None` where a policy was trained for the design.
    pub iteration: Option<u64>,
    /// Environment steps of the training.
    pub env_steps: u64,
    /// Hardware queries of the training.
    pub hardware_queries: u64,
    /// Seconds of the training.
    pub seconds: f64,
    /// A new policy on the same design, where one was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrain: Option<Retrained>,
}

/// Distance between proxy and hardware, in effect scales, and what the policy scores under the proxy beyond the true
/// machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyGap {
    /// Root mean square error on visited queries.
    pub visited: f64,
    /// The same on uniform queries.
    pub uniform: f64,
    /// 95 % quantile of the error on visited queries.
    pub visited_p95: f64,
    /// The same on uniform queries.
    pub uniform_p95: f64,
    /// Success under the proxy less success in the true machine.
    pub success: f64,
    /// Mean return under the proxy less mean return in the true machine.
    #[serde(rename = "return")]
    pub total_return: f64,
}

impl ProxyGap {
    /// All numbers with the names of their keys.
    pub fn entries(&self) -> [(&'static str, f64); 6] {
        [
            ("visited", self.visited),
            ("uniform", self.uniform),
            ("visited_p95", self.visited_p95),
            ("uniform_p95", self.uniform_p95),
            ("success", self.success),
            ("return", self.total_return),
        ]
    }
}

/// How a new policy did on the design: separates the body's merit from the brain's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retrained {
    /// Environment steps of its training.
    pub env_steps: u64,
    /// See [`Evaluation::success`].
    pub success: Option<Interval>,
    /// See [`Evaluation::success_sampled`].
    pub success_sampled: Option<Interval>,
    /// See [`Evaluation::total_return`].
    #[serde(rename = "return")]
    pub total_return: Option<Interval>,
}

impl From<Evaluation> for Retrained {
    fn from(evaluation: Evaluation) -> Self {
        Self {
            env_steps: evaluation.env_steps,
            success: evaluation.success,
            success_sampled: evaluation.success_sampled,
            total_return: evaluation.total_return,
        }
    }
}
