//! The experiment: the complete configuration of a run, a JSON file.
//!
//! Every key is checked: unknown keys, wrong types and values out of range are errors that name file, line
//! and path. A problem's own settings (`task`) and each method's (`methods.NAME`) are read by their owners.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tandem_core::check::{SettingError, refuse, within};
use tandem_core::{Hardware, Spec};
use tandem_learning::ppo::PpoSettings;
use tandem_learning::size::{MOST_NUMBERS, MOST_WEIGHTS, activations, weights};

/// A whole experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Where an editor finds the schema of this file, which `tandem schema` prints; it changes nothing.
    #[serde(rename = "$schema", default, skip_serializing)]
    pub schema: Option<String>,
    /// One line that says what the experiment shows.
    #[serde(default)]
    pub title: String,
    /// Name of the problem (`tandem list problems`).
    pub problem: String,
    /// The problem's own settings, e.g. its preset.
    #[serde(default = "no_settings")]
    #[schemars(with = "serde_json::Map<String, Value>")]
    pub task: Value,
    /// Name of the method (`tandem list methods`).
    #[serde(default = "default_method")]
    pub method: String,
    /// Settings of the methods, by name; a method without a section uses its defaults.
    #[serde(default)]
    pub methods: BTreeMap<String, Value>,
    /// Seed of all random streams.
    #[serde(default)]
    pub seed: u64,
    /// Size of an iteration.
    #[serde(default)]
    pub rollout: RolloutSettings,
    /// PPO and the policy's networks.
    #[serde(default)]
    pub ppo: PpoSettings,
    /// Phases and budget.
    #[serde(default)]
    pub schedule: Schedule,
    /// True evaluation during training.
    #[serde(default)]
    pub evaluation: EvaluationSettings,
    /// When the run is saved.
    #[serde(default)]
    pub checkpoint: CheckpointSettings,
    /// The folder that relative paths in `task` start at: that of the file that the experiment was read from.
    #[serde(skip)]
    pub base: PathBuf,
}

fn no_settings() -> Value {
    Value::Object(serde_json::Map::new())
}

fn default_method() -> String {
    "morph-conditioned".into()
}

/// Size of an iteration: `lanes` environments, `steps` control steps each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutSettings {
    /// Number of environments.
    pub lanes: usize,
    /// Control steps per environment and iteration.
    #[schemars(extend("unit" = "control steps"))]
    pub steps: usize,
}

impl Default for RolloutSettings {
    fn default() -> Self {
        Self { lanes: 256, steps: 80 }
    }
}

/// Phases and budget, in environment steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Total budget.
    #[schemars(extend("unit" = "environment steps"))]
    pub env_steps: u64,
    /// Share of the budget with the design frozen at the start, for control only: a policy that has learnt nothing makes
    /// designs better that suit it, and some of them it never leaves (links that point away from the goal shrink).
    pub burn_in: f64,
    /// Share of the environments that run the complete machine already while the design moves: the policy then
    /// learns to control the true machine, not only its model.
    pub true_share: f64,
    /// Share of the budget in which the design is frozen and the policy learns in the true simulation.
    pub fine_tune: f64,
    /// The search ends early when true success reaches this in three evaluations in a row.
    pub freeze_at: Option<f64>,
    /// The run ends early when true success reaches this in three evaluations of the last phase in a row.
    pub stop_at: Option<f64>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            env_steps: 2_000_000,
            burn_in: 0.02,
            true_share: 0.25,
            fine_tune: 0.2,
            freeze_at: None,
            stop_at: None,
        }
    }
}

/// True evaluation during training: mean actions, the complete physical machine, fixed start states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationSettings {
    /// Iterations between evaluations.
    #[schemars(extend("unit" = "iterations"))]
    pub every: u64,
    /// Episodes per evaluation.
    pub episodes: usize,
}

impl Default for EvaluationSettings {
    fn default() -> Self {
        Self { every: 5, episodes: 64 }
    }
}

/// When the run is saved. The moment does not change what the run computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSettings {
    /// Seconds between checkpoints.
    #[schemars(extend("unit" = "s"))]
    pub every_seconds: f64,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { every_seconds: 15.0 }
    }
}

impl Experiment {
    /// The settings of a method; null when the experiment has none.
    pub fn settings_of(&self, method: &str) -> &Value {
        self.methods.get(method).unwrap_or(&Value::Null)
    }

    /// Checks the ranges of everything that no problem or method owns.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        within("rollout.lanes", self.rollout.lanes, [1, 65_536])?;
        within("rollout.steps", self.rollout.steps, [1, 65_536])?;
        let rows = self.rollout.lanes as u64 * self.rollout.steps as u64;
        if rows > 4_194_304 {
            let text = format!("lanes x steps is {rows}; more than 4194304 rows do not fit");
            return refuse("rollout.lanes", text);
        }
        self.check_ppo(rows)?;
        self.check_schedule()?;
        within("evaluation.every", self.evaluation.every, [1, 1_000_000])?;
        within("evaluation.episodes", self.evaluation.episodes, [1, 100_000])?;
        within("checkpoint.every_seconds", self.checkpoint.every_seconds, [0.0, 1e6])?;
        Ok(())
    }

    /// Checks that a roll-out, a minibatch and an evaluation of this problem fit into memory.
    ///
    /// # Errors
    /// The first product of settings that is too large.
    pub fn check_sizes(&self, spec: &Spec, hardware: &dyn Hardware) -> Result<(), SettingError> {
        let fits = |path: &str, numbers: f64, what: &str| match numbers <= MOST_NUMBERS {
            true => Ok(()),
            false => refuse(
                path,
                format!("{what} come to {numbers:.0} numbers; at most {MOST_NUMBERS:.0} fit"),
            ),
        };
        let rows = self.rollout.lanes as f64 * self.rollout.steps as f64;
        let query = hardware.query_channels().len();
        let row = spec.observation.len() + 3 * spec.command.len() + query + 3 * hardware.effect_channels().len();
        fits("rollout.lanes", rows * row as f64, "lanes x steps x what a step holds")?;
        let policy = weights(spec.observation.len(), &self.ppo.hidden, spec.command.len());
        if policy > MOST_WEIGHTS {
            let text = format!("has {policy:.0} weights for this problem; at most {MOST_WEIGHTS:.0} fit");
            return refuse("ppo.hidden", text);
        }
        let minibatch = rows / self.ppo.minibatches as f64 * 2.0 * activations(&self.ppo.hidden);
        fits(
            "ppo.minibatches",
            minibatch,
            "the rows of a minibatch x the widths of ppo.hidden",
        )?;
        let steps = self.evaluation.episodes as f64 * spec.horizon as f64;
        fits(
            "evaluation.episodes",
            steps * query as f64,
            "episodes x their longest x what the hardware is asked",
        )
    }

    fn check_ppo(&self, rows: u64) -> Result<(), SettingError> {
        let p = &self.ppo;
        p.check().map_err(|error| error.inside("ppo"))?;
        let minibatches = p.minibatches as u64;
        if minibatches == 0 || rows < 2 * minibatches {
            let text = format!(
                "{minibatches} minibatches of {rows} rows (rollout.lanes x rollout.steps); \
                 each minibatch needs at least 2 rows"
            );
            return refuse("ppo.minibatches", text);
        }
        Ok(())
    }

    fn check_schedule(&self) -> Result<(), SettingError> {
        let s = &self.schedule;
        within("schedule.env_steps", s.env_steps, [1, 10_000_000_000_000])?;
        within("schedule.burn_in", s.burn_in, [0.0, 1.0])?;
        within("schedule.fine_tune", s.fine_tune, [0.0, 1.0])?;
        within("schedule.true_share", s.true_share, [0.0, 1.0])?;
        if s.burn_in + s.fine_tune > 1.0 {
            let text = format!("burn_in ({}) + fine_tune ({}) exceed 1", s.burn_in, s.fine_tune);
            return refuse("schedule.fine_tune", text);
        }
        for (path, value) in [("schedule.freeze_at", s.freeze_at), ("schedule.stop_at", s.stop_at)] {
            if let Some(value) = value {
                within(path, value, [0.0, 1.0])?;
            }
        }
        Ok(())
    }
}
