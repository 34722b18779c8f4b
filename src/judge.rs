//! Judging a policy and a design: fresh episodes, in the true machine unless a proxy is asked for.

use std::sync::Arc;

use rayon::prelude::*;
use tandem_core::{Fidelity, Hardware, Problem, ProblemError, Step, Stream};
use tandem_learning::kernel::Scratch;
use tandem_learning::policy::{Head, PolicySnapshot};
use tandem_learning::rollout::EffectModel;

/// How the policy's actions are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actions {
    /// The mean (or most likely) action.
    Mean,
    /// Drawn from the policy.
    Sampled,
}

/// What moves the world.
#[derive(Clone)]
pub enum World {
    /// The complete physical machine.
    Full,
    /// The hardware model's effect.
    Model,
    /// A proxy's effect.
    Proxy(Arc<dyn EffectModel>),
}

/// One judged episode.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether the task was solved.
    pub success: bool,
    /// Sum of rewards.
    pub total_return: f64,
    /// Length in control steps.
    pub steps: usize,
    /// Why the world gave up, if it did.
    pub fault: Option<&'static str>,
}

/// All episodes of a judgement.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The episodes, in order.
    pub outcomes: Vec<Outcome>,
    /// The hardware queries in them, `[R, query]`.
    pub queries: Vec<f32>,
}

impl Judgement {
    /// Share of solved episodes.
    pub fn success(&self) -> f64 {
        self.mean(|o| f64::from(u8::from(o.success)))
    }

    /// Mean return.
    pub fn mean_return(&self) -> f64 {
        self.mean(|o| o.total_return)
    }

    /// Number of solved episodes.
    pub fn solved(&self) -> usize {
        self.outcomes.iter().filter(|o| o.success).count()
    }

    /// Number of episodes that the world had to give up.
    pub fn faults(&self) -> usize {
        self.outcomes.iter().filter(|o| o.fault.is_some()).count()
    }

    fn mean(&self, f: impl Fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(f).sum::<f64>() / self.outcomes.len().max(1) as f64
    }
}

/// Which start states are used: a name and a seed, so that training and final judgement never share them.
#[derive(Clone, Copy, Debug)]
pub struct Starts {
    /// Name of the random streams.
    pub name: &'static str,
    /// Seed of the random streams.
    pub seed: u64,
    /// Number of episodes.
    pub episodes: usize,
}

/// An episode with its hardware queries, `[steps, query]`.
type Played = (Outcome, Vec<f32>);

/// Environments set aside for judging.
pub struct Judge {
    problems: Vec<Box<dyn Problem>>,
}

/// Workers per judgement; fixed, so that the number of threads changes nothing.
const WORKERS: usize = 8;

impl Judge {
    /// A judge for this problem.
    pub fn new(prototype: &dyn Problem) -> Self {
        Self {
            problems: (0..WORKERS).map(|_| prototype.fresh()).collect(),
        }
    }

    /// Plays fresh episodes of `policy` on the design with these values.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn judge(
        &mut self,
        policy: &PolicySnapshot,
        design: &[f64],
        actions: Actions,
        world: &World,
        starts: Starts,
    ) -> Result<Judgement, ProblemError> {
        let parts: Vec<Result<Vec<Played>, ProblemError>> = self
            .problems
            .par_iter_mut()
            .enumerate()
            .map(|(worker, problem)| {
                let mut player = Player::new(problem.as_mut(), policy, design, actions, world);
                (worker..starts.episodes)
                    .step_by(WORKERS)
                    .map(|i| player.play(starts, i as u64))
                    .collect()
            })
            .collect();
        let mut slots = vec![None; starts.episodes];
        for (worker, part) in parts.into_iter().enumerate() {
            for (k, outcome) in part?.into_iter().enumerate() {
                slots[worker + k * WORKERS] = Some(outcome);
            }
        }
        let mut judgement = Judgement::default();
        for (outcome, queries) in slots.into_iter().flatten() {
            judgement.outcomes.push(outcome);
            judgement.queries.extend(queries);
        }
        Ok(judgement)
    }
}

/// One environment on one design, with the buffers to play it.
pub struct Player<'a> {
    problem: &'a mut dyn Problem,
    /// For this design.
    policy: PolicySnapshot,
    design: &'a [f64],
    actions: Actions,
    world: &'a World,
    hardware: Arc<dyn Hardware>,
    raw: Vec<f32>,
    observation: Vec<f32>,
    command: Vec<f32>,
    clipped: Vec<f32>,
    query: Vec<f32>,
    features: Vec<f32>,
    effect: Vec<f32>,
    scratch: Scratch,
    stream: Stream,
}

impl<'a> Player<'a> {
    /// A player of this environment on the design with these values.
    pub fn new(
        problem: &'a mut dyn Problem,
        policy: &PolicySnapshot,
        design: &'a [f64],
        actions: Actions,
        world: &'a World,
    ) -> Self {
        let hardware = problem.hardware();
        let spec = problem.spec();
        let (o, c) = (spec.observation.len(), spec.command.len());
        Self {
            raw: vec![0.0; o],
            observation: vec![0.0; o],
            command: vec![0.0; c],
            clipped: vec![0.0; c],
            query: vec![0.0; hardware.query_channels().len()],
            features: vec![0.0; hardware.feature_len()],
            effect: vec![0.0; hardware.effect_channels().len()],
            scratch: Scratch::default(),
            stream: Stream::new(0, "player", 0),
            problem,
            policy: policy.for_design(hardware.space(), design),
            design,
            actions,
            world,
            hardware,
        }
    }

    /// Starts the episode with this number.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn reset(&mut self, starts: Starts, episode: u64) -> Result<(), ProblemError> {
        self.stream = Stream::new(starts.seed, starts.name, episode);
        let fidelity = match self.world {
            World::Full => Fidelity::Full,
            World::Model | World::Proxy(_) => Fidelity::Effect,
        };
        self.problem.reset(self.design, fidelity, &mut self.stream)
    }

    /// Plays one control step.
    pub fn step(&mut self) -> Step {
        self.observe();
        let (policy, scratch) = (&self.policy, &mut self.scratch);
        match self.actions {
            Actions::Mean => policy.act_mean(&self.observation, scratch, &mut self.command),
            Actions::Sampled => {
                policy.act(&self.observation, &mut self.stream, scratch, &mut self.command);
            }
        }
        clip(self.policy.kind(), &self.command, &mut self.clipped);
        self.problem.query(&self.clipped, &mut self.query);
        match self.world {
            World::Full => return self.problem.full_step(&self.clipped),
            World::Model => self.hardware.respond(self.design, &self.query, &mut self.effect),
            World::Proxy(model) => {
                self.hardware.features(&self.query, &mut self.features);
                model.predict(&self.features, &mut self.scratch, &mut self.effect);
            }
        }
        self.problem.apply(&self.clipped, &self.effect)
    }

    /// The last command as the machine got it, within its bounds, `[command]`.
    pub fn clipped_command(&self) -> &[f32] {
        &self.clipped
    }

    /// What the critic expects of the present state, in its own scale.
    pub fn expectation(&mut self) -> f64 {
        self.observe();
        self.policy.value(&self.observation, &mut self.scratch).into()
    }

    fn observe(&mut self) {
        self.problem.observe(&mut self.raw);
        self.policy.normaliser().apply(&self.raw, &mut self.observation);
    }

    /// The environment as it is now.
    pub fn problem(&self) -> &dyn Problem {
        self.problem
    }

    fn play(&mut self, starts: Starts, episode: u64) -> Result<Played, ProblemError> {
        self.reset(starts, episode)?;
        let mut outcome = Outcome::default();
        let mut queries = Vec::new();
        loop {
            let step = self.step();
            queries.extend_from_slice(&self.query);
            outcome.total_return += f64::from(step.reward);
            outcome.steps += 1;
            if step.ended() {
                outcome.success = step.success;
                outcome.fault = step.fault;
                return Ok((outcome, queries));
            }
        }
    }
}

/// Continuous commands are clipped to [-1, 1], as the contract says; an option's index passes.
fn clip(head: Head, command: &[f32], out: &mut [f32]) {
    for (out, &u) in out.iter_mut().zip(command) {
        *out = match head {
            Head::Gaussian => u.clamp(-1.0, 1.0),
            Head::Categorical => u,
        };
    }
}
