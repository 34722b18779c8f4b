//! A small problem for the tests: move a point to a goal, or merely name the goal.

use std::sync::Arc;

use tandem_core::{
    Channel, CommandSpace, DesignSpace, Fidelity, Hardware, HardwareSpec, Parameter, Problem, ProblemError, Scene,
    Spec, Step, Stream, View,
};
use tch::{Kind, Tensor};

use crate::head::{HALF_LN_TAU, Head};
use crate::policy::{Policy, PolicyShape};
use crate::raw;
use crate::rollout::DesignSource;

/// A policy that commands two numbers and sees so many of an observation and of a design, as it starts.
pub(crate) fn fresh_policy(observations: usize, designs: usize, stream: &mut Stream) -> Policy {
    let channels = vec![Channel::new("x", "1"), Channel::new("y", "1")];
    let shape = PolicyShape {
        observations,
        designs,
        command: &CommandSpace::Continuous(channels),
        hidden: &[16, 16],
        log_std_start: -0.3,
        normalise: true,
    };
    Policy::new(&shape, stream)
}

/// The same with all weights and biases moved at random, as by learning.
pub(crate) fn learnt_policy(observations: usize, designs: usize, stream: &mut Stream) -> Policy {
    let policy = fresh_policy(observations, designs, stream);
    for mut parameter in policy.parameters() {
        let moved = raw::floats(&parameter).iter().map(|x| x + 0.3 * stream.normal() as f32);
        let moved: Vec<f32> = moved.collect();
        raw::set(&mut parameter, &moved);
    }
    policy
}

/// Multiplies the command by the one design parameter; commands beyond `limit` break it.
pub(crate) struct Gain {
    space: DesignSpace,
    spec: HardwareSpec,
    limit: f32,
}

impl Hardware for Gain {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }
    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        effect[0] = query[0] * design[0] as f32;
        effect[1] = query[1];
        if query[0].abs() > self.limit {
            effect.fill(f32::NAN);
        }
    }
}

/// The reward is minus the squared distance of effect and goal. An episode is truncated after `horizon`
/// steps and gives up when the effect leaves [-`bound`, `bound`].
pub(crate) struct Naming {
    spec: Spec,
    hardware: Arc<Gain>,
    bound: f32,
    goal: [f32; 2],
    stream: Stream,
    steps: usize,
    reward: f32,
}

impl Naming {
    pub(crate) fn new(horizon: usize, bound: f32) -> Self {
        Self::fragile(horizon, bound, f32::INFINITY)
    }

    /// With hardware that breaks beyond a command.
    pub(crate) fn fragile(horizon: usize, bound: f32, limit: f32) -> Self {
        let channels = vec![Channel::new("x", "1"), Channel::new("y", "1")];
        let space = DesignSpace::new(vec![Parameter::linear("gain", "1", 0.5, 1.5, 1.0)]).unwrap();
        Self {
            spec: Spec {
                name: "naming".into(),
                observation: channels.clone(),
                command: CommandSpace::Continuous(channels.clone()),
                reward_terms: vec!["distance".into()],
                horizon,
                control_dt: 1.0,
            },
            hardware: Arc::new(Gain {
                space,
                spec: HardwareSpec::from_lists((channels.clone(), vec![(-1.0, 1.0); 2]), (channels, vec![0.5, 1.0]), 1),
                limit,
            }),
            bound,
            goal: [0.0; 2],
            stream: Stream::new(0, "unset", 0),
            steps: 0,
            reward: 0.0,
        }
    }

    fn next_goal(&mut self) {
        self.goal = std::array::from_fn(|_| self.stream.uniform(-0.8, 0.8) as f32);
    }
}

impl Problem for Naming {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn hardware(&self) -> Arc<dyn Hardware> {
        self.hardware.clone()
    }
    fn fresh(&self) -> Box<dyn Problem> {
        Box::new(Self::fragile(self.spec.horizon, self.bound, self.hardware.limit))
    }
    fn reset(&mut self, design: &[f64], _: Fidelity, stream: &mut Stream) -> Result<(), ProblemError> {
        self.hardware.space.check(design)?;
        self.stream = Stream::new(stream.bits(), "goals", 0);
        self.steps = 0;
        self.next_goal();
        Ok(())
    }
    fn observe(&self, out: &mut [f32]) {
        out.copy_from_slice(&self.goal);
    }
    fn query(&self, command: &[f32], out: &mut [f32]) {
        out.copy_from_slice(command);
    }
    fn apply(&mut self, _: &[f32], effect: &[f32]) -> Step {
        self.steps += 1;
        if effect.iter().any(|e| e.is_nan()) {
            self.reward = 0.0;
            return Step {
                fault: Some("broke"),
                terminated: true,
                ..Step::default()
            };
        }
        let distance = |i: usize| (effect[i] - self.goal[i]).powi(2);
        self.reward = -distance(0) - distance(1);
        self.next_goal();
        let outside = effect.iter().any(|e| e.abs() > self.bound);
        Step {
            reward: self.reward,
            terminated: false,
            truncated: self.steps == self.spec.horizon,
            success: self.reward > -0.01,
            fault: outside.then_some("left the bounds"),
        }
    }
    fn full_step(&mut self, command: &[f32]) -> Step {
        self.apply(command, command)
    }
    fn reward_terms(&self, out: &mut [f32]) {
        out[0] = self.reward;
    }
    fn save(&self) -> Vec<u8> {
        serde_json::to_vec(&(self.goal, &self.stream, self.steps)).unwrap()
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError> {
        let fail = |error: serde_json::Error| ProblemError::State {
            problem: "naming".into(),
            reason: error.to_string(),
        };
        (self.goal, self.stream, self.steps) = serde_json::from_slice(bytes).map_err(fail)?;
        Ok(())
    }
    fn scene(&self) -> Scene {
        let view = View::Plane {
            min: [-1.0; 2],
            max: [1.0; 2],
        };
        Scene {
            view,
            shapes: Vec::new(),
            caption: String::new(),
        }
    }
}

/// The design in the middle of its range, or a random one.
pub(crate) struct Designs {
    pub random: bool,
}

impl DesignSource for Designs {
    fn draw(&self, stream: &mut Stream, logits: &mut [f64]) {
        logits.fill_with(|| if self.random { stream.normal() } else { 0.0 });
    }
}

/// Runs in a pool of this many threads.
pub(crate) fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

/// The middle one of an odd number of values: what is claimed of learning is claimed over seeds, not of one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What is learnt from in closed form ([`crate::ppo`]), left to autograd.
impl Policy {
    /// Log-probabilities `[M]` and entropies `[M]` at normalised observations `[M, obs]` of commands
    /// `[M, cmd]` (unclipped samples, or option indices `[M, 1]`).
    ///
    /// Normal: `log p = -Σ ((u - m)/s)²/2 - Σ ln s - n ln(2π)/2`, entropy `Σ ln s + n (1 + ln 2π)/2`.
    pub(crate) fn log_prob_entropy(&self, observations: &Tensor, commands: &Tensor) -> (Tensor, Tensor) {
        let output = self.actor.forward(observations);
        match self.kind {
            Head::Gaussian => {
                let n = self.log_std.numel() as f64;
                let scaled = (commands - output) * (-&self.log_std).exp();
                let log_det = self.log_std.sum(Kind::Float);
                let squares = scaled.square().sum_dim_intlist(1i64, false, Kind::Float);
                let log_prob = squares * -0.5 - (&log_det + n * HALF_LN_TAU);
                let entropy = (log_det + n * (0.5 + HALF_LN_TAU)).expand_as(&log_prob);
                (log_prob, entropy)
            }
            Head::Categorical => {
                let log_probs = output.log_softmax(1, Kind::Float);
                let chosen = log_probs
                    .gather(1, &commands.to_kind(Kind::Int64), false)
                    .squeeze_dim(1);
                let entropy = -(log_probs.exp() * log_probs).sum_dim_intlist(1i64, false, Kind::Float);
                (chosen, entropy)
            }
        }
    }

    /// Values `[M]` of normalised observations `[M, obs]`.
    pub(crate) fn value(&self, observations: &Tensor) -> Tensor {
        self.critic.forward(observations).squeeze_dim(1)
    }
}
