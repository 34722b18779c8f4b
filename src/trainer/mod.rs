//! The training loop: one for all problems and all methods.
//!
//! ```text
//! prepare the method (fit its proxy)
//! until the budget is spent:
//!     roll out the policy              under the method's effect; in the last phase in the true machine
//!     update policy and effect         PPO, with the method's own loss beside it
//!     move the design                  gradient, extraction, score function or next candidate
//!     judge in the true machine        every few iterations; the best judged pair is kept
//!     log, save
//! ```
//!
//! The phases (burn-in, joint search, fine-tuning with the design frozen) are in [`crate::phase`]. All state
//! is in [`Trainer`] and goes through [`Trainer::save`] and [`Trainer::load`], so that a resumed run computes
//! the same bytes.

mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tandem_core::{Hardware, Problem};
use tandem_learning::archive::Archive;
use tandem_learning::collect::collect;
use tandem_learning::design::{Constant, Context, DesignOptimizer, PolicyChange};
use tandem_learning::policy::PolicySnapshot;
use tandem_learning::ppo::PpoStats;
use tandem_learning::rollout::{Episode, Motion, Rollout, VecEnv};

use crate::agent::{Agent, Pace};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::judge::{Actions, Judge, Starts, World};
use crate::phase::{Phase, Timeline};
use crate::record::{Counters, Evaluation, Record, Seconds};
use crate::registry;

/// A run in memory.
pub struct Trainer {
    experiment: Experiment,
    hardware: Arc<dyn Hardware>,
    method: Box<dyn DesignOptimizer>,
    agent: Agent,
    envs: VecEnv,
    rollout: Rollout,
    /// Rewards of the roll-out as the critic sees them.
    rewards: Vec<f32>,
    judge: Judge,
    timeline: Timeline,
    counters: Counters,
    /// Logits of the frozen design, once it is.
    frozen: Option<Vec<f64>>,
    /// Policies set aside by outer-loop methods.
    stored_policies: BTreeMap<usize, Archive>,
    /// The best judged pair of policy and design, with its evaluation.
    best: Option<(Evaluation, Archive)>,
}

impl Trainer {
    /// A run at its beginning.
    ///
    /// # Errors
    /// Settings that the problem or the method refuses.
    pub fn new(experiment: &Experiment) -> Result<Self, Error> {
        Self::at(experiment, None)
    }

    /// A run at its beginning that goes out from these logits of the design and from the policy of an archive.
    ///
    /// # Errors
    /// As [`Trainer::new`], and a policy that does not fit.
    pub fn forked(experiment: &Experiment, archive: &Archive, logits: Vec<f64>) -> Result<Self, Error> {
        let mut trainer = Self::at(experiment, Some(logits.clone()))?;
        let space = trainer.hardware.space();
        let design = space.values(&logits);
        trainer.agent.take_over(experiment, archive, space, &design)?;
        Ok(trainer)
    }

    fn at(experiment: &Experiment, start: Option<Vec<f64>>) -> Result<Self, Error> {
        let instance = registry::problem(experiment)?;
        let problem: &dyn Problem = &*instance.problem;
        let hardware = problem.hardware();
        let method = registry::method_at(experiment, &instance, start)?;
        let designs = method.policy_inputs();
        let mut envs = VecEnv::new(problem, experiment.rollout.lanes, experiment.seed, "rollout");
        if designs > 0 {
            envs = envs.with_design();
        }
        Ok(Self {
            rollout: Rollout::new(experiment.rollout.steps),
            rewards: Vec::new(),
            agent: Agent::new(experiment, problem.spec(), designs),
            judge: Judge::new(problem),
            timeline: Timeline::default(),
            counters: Counters::default(),
            frozen: None,
            stored_policies: BTreeMap::new(),
            best: None,
            experiment: experiment.clone(),
            hardware,
            method,
            envs,
        })
    }

    /// Work before the first iteration: the method fits its proxy, unless `stop` asks to end it early.
    ///
    /// # Errors
    /// Numbers that are not finite; `MethodError::Stopped`.
    pub fn prepare(&mut self, stop: &dyn Fn() -> bool) -> Result<(), Error> {
        let clock = Instant::now();
        let mut context = Context {
            progress: 0.0,
            frozen: true,
            rewards: &[],
            hardware_queries: &mut self.counters.hardware_queries,
        };
        self.method.prepare(&mut context, stop)?;
        self.counters.seconds += clock.elapsed().as_secs_f64();
        Ok(())
    }

    /// One iteration; `None` when the run is complete.
    ///
    /// # Errors
    /// Numbers that are not finite, with where they arose.
    pub fn iterate(&mut self) -> Result<Option<Record>, Error> {
        let schedule = &self.experiment.schedule;
        let Some(phase) = self.timeline.phase(schedule, self.counters.env_steps) else {
            return Ok(None);
        };
        let clock = Instant::now();
        if phase == Phase::FineTune && self.frozen.is_none() {
            self.freeze()?;
        }
        let mut seconds = Seconds::default();
        seconds.time("rollout", || self.roll_out(phase))?;
        let rate = self.agent.rate(self.experiment.ppo.rate_at(self.passed()));
        let stats = seconds.time("update", || self.learn(phase, rate))?;
        seconds.time("design", || self.move_design(phase))?;

        self.counters.iteration += 1;
        self.counters.env_steps += (self.rollout.envs * self.rollout.steps) as u64;
        let evaluation = if self.evaluation_is_due(phase) {
            Some(seconds.time("evaluation", || self.evaluate(phase))?)
        } else {
            None
        };
        self.counters.seconds += clock.elapsed().as_secs_f64();
        let mut record = self.record(phase, stats, evaluation, seconds);
        record.scalars.push(("rate", rate)); // the one that was learnt with
        Ok(Some(record))
    }

    /// Rolls out the policy: under the method's effect, or in the true machine once the design is frozen.
    fn roll_out(&mut self, phase: Phase) -> Result<(), Error> {
        let policy = self.agent.policy.snapshot();
        let progress = self.progress();
        if let Some(logits) = self.frozen.as_ref().filter(|_| phase == Phase::FineTune) {
            let motion = Motion {
                full_envs: usize::MAX,
                model: None,
                noise: None,
            };
            let source = Constant(logits.clone());
            collect(&mut self.envs, &policy, &source, &motion, &mut self.rollout)?;
        } else {
            let model = self.method.effect_model();
            let noise = self.method.noise(progress);
            let motion = Motion {
                full_envs: self.full_envs(model.is_some() || noise.is_some()),
                model: model.as_deref(),
                noise,
            };
            let source = self.method.source();
            collect(&mut self.envs, &policy, &*source, &motion, &mut self.rollout)?;
        }
        self.counters.hardware_queries += self.rollout.hardware_queries;
        self.counters.episodes += self.rollout.episodes.len() as u64;
        Ok(())
    }

    /// How many environments run the complete machine while the design moves; one at least runs under effects where the
    /// method `learns_effects`.
    fn full_envs(&self, learns_effects: bool) -> usize {
        let lanes = self.experiment.rollout.lanes;
        let share = self.experiment.schedule.true_share * lanes as f64;
        (share.round() as usize).min(lanes - usize::from(learns_effects))
    }

    /// Updates the policy by PPO and, while the search goes on, the method's effect beside it.
    fn learn(&mut self, phase: Phase, rate: f64) -> Result<PpoStats, Error> {
        let (progress, exploration) = (self.progress(), self.exploration());
        self.rewards = self.agent.scale_rewards(&self.rollout);
        let rewards = &self.rewards;
        let effect = match phase {
            Phase::BurnIn | Phase::FineTune => None, // the design stands still
            Phase::Joint => {
                let mut context = Context {
                    progress,
                    frozen: false,
                    rewards,
                    hardware_queries: &mut self.counters.hardware_queries,
                };
                self.method.effect_update(&self.rollout, rewards, &mut context)?
            }
        };
        let settings = &self.experiment.ppo;
        let pace = Pace {
            rate,
            log_std_cap: settings.log_std_cap_at(exploration),
        };
        Ok(self.agent.learn(settings, pace, &self.rollout, rewards, effect)?)
    }

    /// Moves the design and does with the policy what the method asks for.
    fn move_design(&mut self, phase: Phase) -> Result<(), Error> {
        if phase == Phase::FineTune {
            return Ok(());
        }
        let mut context = Context {
            progress: self
                .timeline
                .progress(&self.experiment.schedule, self.counters.env_steps),
            frozen: phase == Phase::BurnIn,
            rewards: &self.rewards,
            hardware_queries: &mut self.counters.hardware_queries,
        };
        match self.method.update(&self.rollout, &mut context)? {
            PolicyChange::Keep => return Ok(()),
            PolicyChange::Next => {}
            PolicyChange::Restart => self.agent.restart(&self.experiment),
            PolicyChange::Swap { store, load } => {
                if let Some(id) = store {
                    let mut archive = Archive::default();
                    self.agent.save(&mut archive);
                    self.stored_policies.insert(id, archive);
                }
                match load.and_then(|id| self.stored_policies.get(&id)) {
                    Some(archive) => self.agent.load_learner(archive)?,
                    None => self.agent.restart(&self.experiment),
                }
            }
        }
        self.restart_episodes();
        Ok(())
    }

    /// Freezes the design for the last phase: the best judged pair of policy and design goes on. Where none has
    /// succeeded yet the present one does: returns say little about how near a design is to its first success.
    fn freeze(&mut self) -> Result<(), Error> {
        self.timeline.freeze(self.counters.env_steps);
        let solved = |best: &&(Evaluation, Archive)| best.0.success > 0.0;
        if let Some((_, archive)) = self.best.as_ref().filter(solved) {
            self.agent.load_policy(archive)?;
            self.method.load(archive)?; // its proxy belongs to that design
            self.frozen = Some(archive.get_f64("best.logits")?);
        } else {
            self.frozen = Some(self.method.design());
        }
        self.restart_episodes();
        Ok(())
    }

    fn restart_episodes(&mut self) {
        self.envs.restart();
        self.agent.restart_episodes();
    }

    fn evaluation_is_due(&self, phase: Phase) -> bool {
        let schedule = &self.experiment.schedule;
        let next = self.timeline.phase(schedule, self.counters.env_steps);
        let phase_ends = next != Some(phase);
        phase_ends || self.counters.iteration.is_multiple_of(self.experiment.evaluation.every)
    }

    /// Judges the present pair of policy and design in the true machine, on start states that never change
    /// during a run, and keeps it if it is the best so far.
    fn evaluate(&mut self, phase: Phase) -> Result<Evaluation, Error> {
        let logits = self.logits();
        let design = self.hardware.space().values(&logits);
        let starts = Starts {
            name: "training-evaluation",
            seed: self.experiment.seed,
            episodes: self.experiment.evaluation.episodes,
        };
        let policy = self.policy();
        let judgement = self
            .judge
            .judge(&policy, &design, Actions::Mean, &World::Full, starts)?;
        let gap = if phase == Phase::FineTune {
            None
        } else {
            self.method.gap(&judgement.queries)
        };
        let evaluation = Evaluation {
            iteration: self.counters.iteration,
            env_steps: self.counters.env_steps,
            success: judgement.success(),
            mean_return: judgement.mean_return(),
            gap,
        };
        if self.best.as_ref().is_none_or(|(best, _)| evaluation.beats(best)) {
            let mut pair = self.pair(&logits);
            pair.put_json("best.evaluation", &evaluation);
            self.best = Some((evaluation.clone(), pair));
        }
        let schedule = &self.experiment.schedule;
        let settled = self.experiment.ppo.log_std_end.is_none() || self.exploration() >= 1.0;
        if self.timeline.note(schedule, phase, evaluation.success, settled) {
            self.freeze()?;
        }
        Ok(evaluation)
    }

    /// Policy, design and proxy, as `evaluate` needs them.
    fn pair(&self, logits: &[f64]) -> Archive {
        let mut archive = Archive::default();
        self.agent.average.save(&mut archive, "policy");
        self.method.save(&mut archive);
        archive.put_f64("best.logits", logits);
        archive
    }

    /// Logits of the design that is learnt or, once frozen, kept.
    pub fn logits(&self) -> Vec<f64> {
        self.frozen.clone().unwrap_or_else(|| self.method.design())
    }

    /// The best judged pair so far.
    pub fn best(&self) -> Option<&(Evaluation, Archive)> {
        self.best.as_ref()
    }

    /// The present policy as it is judged: its running average, frozen.
    pub fn policy(&self) -> PolicySnapshot {
        self.agent.average.snapshot()
    }

    /// Weights of the policy's networks, by name.
    pub fn weights(&self) -> Vec<(String, Vec<f64>)> {
        let networks = [
            ("actor", &self.agent.policy.actor),
            ("critic", &self.agent.policy.critic),
        ];
        let mut out = Vec::new();
        for (name, network) in networks {
            for (i, (weights, _)) in network.layers().into_iter().enumerate() {
                let weights = weights.into_iter().map(f64::from).collect();
                out.push((format!("{name}_{}", i + 1), weights));
            }
        }
        out
    }

    /// The counters so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Environment steps at which the design was frozen, once it was.
    pub fn frozen_at(&self) -> Option<u64> {
        self.timeline.frozen_at
    }

    /// Lets a run that may have ended go on to the end of its schedule; a design that was frozen stays so.
    pub fn prolong(&mut self) {
        self.timeline.prolong(&self.experiment.schedule);
    }

    /// Environment steps at which the run ends.
    pub fn end(&self) -> u64 {
        self.timeline.end(&self.experiment.schedule)
    }

    /// Fraction of the joint search that has passed.
    fn progress(&self) -> f64 {
        self.timeline
            .progress(&self.experiment.schedule, self.counters.env_steps)
    }

    /// Fraction of the whole budget that has passed: the learning rate follows it, also across a resume.
    fn passed(&self) -> f64 {
        self.counters.env_steps as f64 / self.experiment.schedule.env_steps as f64
    }

    /// How far exploration has fallen, 0 to 1.
    fn exploration(&self) -> f64 {
        self.timeline
            .exploration(&self.experiment.schedule, self.counters.env_steps)
    }

    fn record(&self, phase: Phase, stats: PpoStats, evaluation: Option<Evaluation>, seconds: Seconds) -> Record {
        Record {
            phase,
            counters: self.counters.clone(),
            episodes: self.rollout.episodes.len(),
            mean_return: mean(&self.rollout, |e| e.total_return),
            train_success: mean(&self.rollout, |e| f64::from(u8::from(e.success))),
            faults: self.rollout.episodes.iter().filter(|e| e.fault.is_some()).count(),
            reward_terms: self.rollout.reward_terms.clone(),
            stats,
            scalars: self.method.report(),
            design: self.hardware.space().values(&self.logits()),
            evaluation,
            seconds,
        }
    }
}

/// Mean over the episodes that ended in a roll-out.
fn mean(rollout: &Rollout, of: impl Fn(&Episode) -> f64) -> Option<f64> {
    let n = rollout.episodes.len();
    (n > 0).then(|| rollout.episodes.iter().map(of).sum::<f64>() / n as f64)
}
