//! The learner: policy, its running average and optimiser, and the statistics that belong to them.

use tandem_core::{DesignSpace, Spec, Stream};
use tandem_learning::adam::Adam;
use tandem_learning::archive::{Archive, ArchiveError};
use tandem_learning::gae::{Segments, advantages};
use tandem_learning::policy::{Policy, PolicyShape};
use tandem_learning::ppo::{Batch, EffectUpdate, Learner, PpoError, PpoSettings, PpoStats, RateShare, update};
use tandem_learning::reward_scaler::RewardScaler;
use tandem_learning::rollout::Rollout;

use crate::experiment::Experiment;

/// Policy, its average, optimiser and reward scale.
pub struct Agent {
    /// The policy; its observation normaliser is part of it.
    pub policy: Policy,
    /// The policy's running average, which is judged and delivered.
    pub average: Policy,
    adam: Adam,
    scaler: Option<RewardScaler>,
    spec: Spec,
    /// Numbers of the design that the policy sees.
    designs: usize,
    /// Order of minibatches.
    stream: Stream,
    /// How much of the scheduled rate the last updates' sizes allow.
    rate_share: RateShare,
    /// How often the agent was initialised anew; each restart draws weights of its own.
    restarts: u64,
}

/// What changes of PPO from iteration to iteration.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Adam's rate.
    pub rate: f64,
    /// Highest log standard deviation of commands after the update, where there is a cap.
    pub log_std_cap: Option<f64>,
}

impl Agent {
    /// An untrained agent, whose policy sees so many numbers of the design.
    pub fn new(experiment: &Experiment, spec: &Spec, designs: usize) -> Self {
        let policy = untrained(experiment, spec, designs, 0);
        Self {
            adam: Adam::new(policy.parameters()),
            scaler: scaler(experiment),
            stream: Stream::new(experiment.seed, "minibatches", 0),
            spec: spec.clone(),
            designs,
            rate_share: RateShare::default(),
            restarts: 0,
            average: untrained(experiment, spec, designs, 0),
            policy,
        }
    }

    /// Begins again from scratch, with other weights.
    pub fn restart(&mut self, experiment: &Experiment) {
        self.restarts += 1;
        self.policy = untrained(experiment, &self.spec, self.designs, self.restarts);
        self.average = untrained(experiment, &self.spec, self.designs, self.restarts);
        self.adam = Adam::new(self.policy.parameters());
        self.rate_share = RateShare::default();
        self.scaler = scaler(experiment);
    }

    /// The scheduled rate as the next update uses it.
    pub fn rate(&self, scheduled: f64) -> f64 {
        self.rate_share.of(scheduled)
    }

    /// The roll-out's rewards in the critic's scale, `[N, T]`.
    pub fn scale_rewards(&mut self, rollout: &Rollout) -> Vec<f32> {
        match &mut self.scaler {
            Some(scaler) => scaler.scale(&rollout.rewards, &rollout.ends),
            None => rollout.rewards.clone(),
        }
    }

    /// One iteration of PPO on a roll-out with these scaled rewards.
    ///
    /// # Errors
    /// A loss or gradient that is not finite.
    pub fn learn(
        &mut self,
        settings: &PpoSettings,
        pace: Pace,
        rollout: &Rollout,
        rewards: &[f32],
        effect: Option<EffectUpdate>,
    ) -> Result<PpoStats, PpoError> {
        let mut segments = Segments::new(rollout, rewards);
        let zeros = vec![0.0; rollout.final_values.len()];
        if !settings.bootstrap_truncation {
            segments.final_values = &zeros;
        }
        let (advantages, returns) = advantages(&segments, settings.gamma, settings.lambda);
        let learner = Learner {
            policy: &mut self.policy,
            adam: &mut self.adam,
            rate: pace.rate,
            effect,
        };
        let batch = Batch {
            rollout,
            advantages: &advantages,
            returns: &returns,
        };
        let stats = update(learner, settings, batch, &mut self.stream)?;
        self.rate_share.adapt(settings.target_kl, stats.kl);
        if let Some(cap) = pace.log_std_cap {
            self.policy.cap_log_std(cap);
        }
        self.policy.normaliser.update(&rollout.moments);
        self.average.follow(&self.policy, settings.averaging);
        Ok(stats)
    }

    /// Stores everything.
    pub fn save(&self, archive: &mut Archive) {
        self.policy.save(archive, "policy");
        self.average.save(archive, "average");
        self.adam.save(archive, "policy.adam");
        self.rate_share.save(archive);
        if let Some(scaler) = &self.scaler {
            scaler.save(archive, "reward_scaler");
        }
        archive.put_json("minibatches", &self.stream);
        archive.put_json("births", &self.restarts);
    }

    /// Continues a stored agent.
    ///
    /// # Errors
    /// Entries that are missing or do not fit.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.load_learner(archive)?;
        self.stream = archive.get_json("minibatches")?;
        self.restarts = archive.get_json("births")?;
        Ok(())
    }

    /// Takes over a stored policy with its optimiser and reward scale; the random streams go on as they are.
    ///
    /// # Errors
    /// Entries that are missing or do not fit.
    pub fn load_learner(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.load_policy(archive)?;
        self.average.load(archive, "average")?;
        self.adam.load(archive, "policy.adam")?;
        self.rate_share.load(archive)?;
        match &mut self.scaler {
            Some(scaler) => scaler.load(archive, "reward_scaler"),
            None => Ok(()),
        }
    }

    /// Notes that all episodes under way were dropped.
    pub fn restart_episodes(&mut self) {
        if let Some(scaler) = &mut self.scaler {
            scaler.restart();
        }
    }

    /// Takes over the policy of another run, which may see designs where this one does not, to go on from this design.
    ///
    /// # Errors
    /// Entries that are missing or do not fit.
    pub fn take_over(
        &mut self,
        experiment: &Experiment,
        archive: &Archive,
        space: &DesignSpace,
        design: &[f64],
    ) -> Result<(), ArchiveError> {
        let inputs = archive.get_f64("policy.normaliser.mean")?.len();
        let designs = if inputs == self.spec.observation.len() {
            0
        } else {
            space.len()
        };
        let mut other = untrained(experiment, &self.spec, designs, 0);
        other.load(archive, "policy")?;
        self.policy.take_over(&other, space, design);
        self.average.follow(&self.policy, 1.0);
        Ok(())
    }

    /// Takes over a stored policy only; optimiser and streams go on as they are.
    ///
    /// # Errors
    /// Entries that are missing or do not fit.
    pub fn load_policy(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.policy.load(archive, "policy")?;
        self.average.follow(&self.policy, 1.0);
        Ok(())
    }
}

fn scaler(experiment: &Experiment) -> Option<RewardScaler> {
    let scaler = RewardScaler::new(experiment.rollout.lanes, experiment.ppo.gamma);
    experiment.ppo.scale_rewards.then_some(scaler)
}

/// A policy that sees so many numbers of the design, with freshly initialised weights, those of restart number `restart`,
/// from 0.
pub fn untrained(experiment: &Experiment, spec: &Spec, designs: usize, restart: u64) -> Policy {
    let shape = PolicyShape {
        observations: spec.observation.len(),
        designs,
        command: &spec.command,
        hidden: &experiment.ppo.hidden,
        log_std_start: experiment.ppo.log_std_start,
        normalise: experiment.ppo.normalise_observations,
    };
    Policy::new(&shape, &mut Stream::new(experiment.seed, "policy", restart))
}
