//! The policy: observation normaliser, actor and critic, and the distribution of commands.

use tandem_core::{CommandSpace, Stream};
use tch::Tensor;

use crate::archive::{Archive, ArchiveError};
pub use crate::head::Head;
use crate::mlp::Mlp;
use crate::normaliser::Normaliser;
use crate::raw;
use crate::snapshot::Frozen;
pub use crate::snapshot::PolicySnapshot;

/// The logarithm of the standard deviation is kept within these bounds ([`crate::ppo`], rows 13 to 16).
pub const LOG_STD_BOUNDS: (f32, f32) = (-5.0, 2.0);

/// Sizes and start values of a [`Policy`].
#[derive(Clone, Debug)]
pub struct PolicyShape<'a> {
    /// Length of an observation.
    pub observations: usize,
    /// Numbers of a design that are further inputs, after the observation; 0: the policy does not see the design.
    pub designs: usize,
    /// What is commanded.
    pub command: &'a CommandSpace,
    /// Hidden layers of actor and critic each.
    pub hidden: &'a [usize],
    /// Start of the log standard deviation.
    pub log_std_start: f64,
    /// Whether observations are normalised.
    pub normalise: bool,
}

/// A trainable policy with its critic.
#[derive(Debug)]
pub struct Policy {
    /// Normaliser of observations; everything below sees normalised ones.
    pub normaliser: Normaliser,
    /// Means or logits of the commands.
    pub actor: Mlp,
    /// Value of the state.
    pub critic: Mlp,
    /// Log standard deviations `[cmd]`; empty for [`Head::Categorical`].
    pub log_std: Tensor,
    /// The distribution of commands.
    pub kind: Head,
    /// How many of the last inputs are the design's.
    pub designs: usize,
}

impl Policy {
    /// A fresh policy ([`crate::ppo`], row 2: policy head gain 0.01, value head gain 1). It begins without regard to the
    /// design, as one that does not see it: weights of its own would be noise until the design tells something.
    pub fn new(shape: &PolicyShape, stream: &mut Stream) -> Self {
        let (kind, outputs) = match shape.command {
            CommandSpace::Continuous(channels) => (Head::Gaussian, channels.len()),
            CommandSpace::Discrete(options) => (Head::Categorical, *options),
        };
        let deviations = if kind == Head::Gaussian { outputs } else { 0 };
        let (low, high) = LOG_STD_BOUNDS;
        let start = (shape.log_std_start as f32).clamp(low, high);
        let mut network = |outputs, gain| {
            let blind = Mlp::new(shape.observations, shape.hidden, outputs, gain, stream);
            blind.with_inputs(shape.designs)
        };
        let inputs = shape.observations + shape.designs;
        Self {
            normaliser: match shape.normalise {
                true => Normaliser::new(inputs),
                false => Normaliser::identity(inputs),
            },
            actor: network(outputs, 0.01),
            critic: network(1, 1.0),
            designs: shape.designs,
            log_std: Tensor::from_slice(&vec![start; deviations]).set_requires_grad(true),
            kind,
        }
    }

    /// The trainable tensors: actor, critic, and the log standard deviation where there is one.
    pub fn parameters(&self) -> Vec<Tensor> {
        let mut parameters = self.actor.parameters();
        parameters.extend(self.critic.parameters());
        if self.kind == Head::Gaussian {
            parameters.push(self.log_std.shallow_clone());
        }
        parameters
    }

    /// A second handle on the same parameters, which another thread can own.
    pub fn share(&self) -> Self {
        Self {
            normaliser: self.normaliser.clone(),
            actor: self.actor.share(),
            critic: self.critic.share(),
            log_std: self.log_std.shallow_clone(),
            kind: self.kind,
            designs: self.designs,
        }
    }

    /// Moves the log standard deviation back into [`LOG_STD_BOUNDS`]; to be called after each step.
    /// (A clamp inside the graph would have no gradient outside and never come back.)
    pub fn clamp_log_std(&mut self) {
        let (low, high) = LOG_STD_BOUNDS;
        self.change_log_std(|s| s.clamp(low, high));
    }

    /// Lowers log standard deviations that are above this.
    pub fn cap_log_std(&mut self, cap: f64) {
        self.change_log_std(|s| s.min(cap as f32));
    }

    fn change_log_std(&mut self, change: impl Fn(f32) -> f32) {
        let all = |s: &mut [f32]| s.iter_mut().for_each(|s| *s = change(*s));
        // SAFETY: the policy is borrowed for this alone, between passes: no slice of its deviations is in use, and the
        // handles that a pass had in other threads are gone.
        unsafe { raw::rewrite(&mut self.log_std, all) };
    }

    /// Moves every parameter by this share of the way to another policy's, and takes over its normaliser.
    pub fn follow(&mut self, leader: &Self, share: f64) {
        let (keep, take) = ((1.0 - share) as f32, share as f32);
        for (mut own, other) in self.parameters().into_iter().zip(leader.parameters()) {
            let average = |own: &mut [f32], other: &[f32]| {
                let pairs = own.iter_mut().zip(other);
                pairs.for_each(|(own, other)| *own = keep * *own + take * other);
            };
            // SAFETY: the policy is borrowed for this alone, between passes; the leader's memory is another.
            unsafe { raw::rewrite_with(&mut own, &other, average) };
        }
        self.normaliser = leader.normaliser.clone();
    }

    /// A frozen copy for roll-outs and evaluation.
    pub fn snapshot(&self) -> PolicySnapshot {
        PolicySnapshot::new(Frozen {
            normaliser: self.normaliser.clone(),
            actor: self.actor.kernel(),
            critic: self.critic.kernel(),
            log_std: raw::floats(&self.log_std).to_vec(),
            kind: self.kind,
            designs: self.designs,
        })
    }

    /// Stores networks, deviations and normaliser under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        self.normaliser.save(archive, &format!("{prefix}.normaliser"));
        self.actor.save(archive, &format!("{prefix}.actor"));
        self.critic.save(archive, &format!("{prefix}.critic"));
        archive.put_f32(&format!("{prefix}.log_std"), raw::floats(&self.log_std));
    }

    /// Loads what [`Policy::save`] stored, in place.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let log_std = archive.get_f32_len(&format!("{prefix}.log_std"), self.log_std.numel())?;
        self.normaliser.load(archive, &format!("{prefix}.normaliser"))?;
        self.actor.load(archive, &format!("{prefix}.actor"))?;
        self.critic.load(archive, &format!("{prefix}.critic"))?;
        raw::set(&mut self.log_std, &log_std);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Scratch;
    use crate::testing::fresh_policy;
    use tandem_core::Channel;

    fn policy(command: &CommandSpace) -> Policy {
        let shape = PolicyShape {
            observations: 3,
            designs: 0,
            command,
            hidden: &[16, 16],
            log_std_start: -0.3,
            normalise: true,
        };
        Policy::new(&shape, &mut Stream::new(0, "policy", 0))
    }

    fn planar() -> CommandSpace {
        CommandSpace::Continuous(vec![Channel::new("x", "m"), Channel::new("y", "m")])
    }

    #[test]
    fn a_fresh_policy_that_sees_designs_acts_like_one_that_does_not() {
        let policy = |designs| fresh_policy(3, designs, &mut Stream::new(0, "policy", 0)).snapshot();
        let (blind, seeing) = (policy(0), policy(2));
        assert_eq!((seeing.observation_len(), seeing.input_len()), (3, 5));
        let answer = |policy: &PolicySnapshot, input: &[f32]| {
            let (mut command, mut scratch) = ([0.0; 2], Scratch::default());
            policy.act_mean(input, &mut scratch, &mut command);
            (command, policy.value(input, &mut scratch))
        };
        let observation = [0.1, -0.7, 2.0];
        let with_design = [&observation[..], &[0.9, -0.4]].concat();
        assert_eq!(answer(&seeing, &with_design), answer(&blind, &observation));
    }

    #[test]
    fn a_follower_averages_and_a_full_step_copies() {
        let command = planar();
        let (leader, mut follower) = (policy(&command), policy(&command));
        let set = |policy: &Policy, value: f32| {
            for mut parameter in policy.parameters() {
                let numbers = vec![value; parameter.numel()];
                raw::set(&mut parameter, &numbers);
            }
        };
        set(&leader, 3.0);
        set(&follower, 1.0);
        for expected in [1.5, 1.875] {
            follower.follow(&leader, 0.25);
            for parameter in follower.parameters() {
                assert!(raw::floats(&parameter).iter().all(|&p| p == expected));
            }
        }
        follower.follow(&leader, 1.0);
        assert_eq!(raw::floats(&follower.log_std), raw::floats(&leader.log_std));
        set(&leader, 0.0);
        assert_eq!(raw::floats(&follower.log_std), [3.0, 3.0], "a copy, not a handle");
    }

    #[test]
    fn log_prob_and_entropy_sum_over_two_dimensions_in_closed_form() {
        let policy = policy(&planar());
        let observation = Tensor::from_slice(&[0.1f32, -0.2, 0.3]).view([1, 3]);
        let mean = policy.actor.forward(&observation);
        let command = [0.4, -1.7];
        let (log_prob, entropy) = policy.log_prob_entropy(
            &observation,
            &Tensor::from_slice(&command.map(|u| u as f32)).view([1, 2]),
        );
        let s = (-0.3f64).exp();
        let density = |i: usize| {
            let z = (command[i] - mean.double_value(&[0, i as i64])) / s;
            -0.5 * z * z - (s * std::f64::consts::TAU.sqrt()).ln()
        };
        assert!((log_prob.double_value(&[0]) - density(0) - density(1)).abs() < 1e-5);
        let expected = 2.0 * 0.5 * (std::f64::consts::TAU * std::f64::consts::E * s * s).ln();
        assert!((entropy.double_value(&[0]) - expected).abs() < 1e-5);
    }

    #[test]
    fn samples_and_trainable_policy_agree_on_log_probabilities() {
        for space in [planar(), CommandSpace::Discrete(4)] {
            let policy = policy(&space);
            let snapshot = policy.snapshot();
            let mut stream = Stream::new(3, "act", 0);
            let mut command = vec![0.0; snapshot.command_len()];
            for _ in 0..20 {
                let mut x = [0.0; 3];
                stream.fill_normal(&mut x);
                let mut scratch = Scratch::default();
                let log_prob = snapshot.act(&x, &mut stream, &mut scratch, &mut command);
                let x = Tensor::from_slice(&x).view([1, 3]);
                let u = Tensor::from_slice(&command).view([1, -1]);
                let (expected, _) = policy.log_prob_entropy(&x, &u);
                let expected = expected.double_value(&[0]);
                let error = (f64::from(log_prob) - expected).abs();
                assert!(error < 1e-5 * (1.0 + expected.abs()), "{log_prob} {expected}");
            }
        }
    }

    #[test]
    fn the_deviation_stays_within_its_bounds() {
        let mut policy = policy(&planar());
        raw::set(&mut policy.log_std, &[-9.0, 9.0]);
        policy.clamp_log_std();
        assert_eq!(policy.snapshot().log_std(), [-5.0, 2.0]);
    }

    #[test]
    fn a_loaded_policy_acts_with_the_same_bits() {
        let a = policy(&planar());
        let mut archive = Archive::new();
        a.save(&mut archive, "policy");
        let shape = PolicyShape {
            observations: 3,
            designs: 0,
            command: &planar(),
            hidden: &[16, 16],
            log_std_start: 1.0,
            normalise: false,
        };
        let mut b = Policy::new(&shape, &mut Stream::new(9, "other", 0));
        b.load(&archive, "policy").unwrap();
        let act = |p: &Policy| {
            let mut u = [0.0; 2];
            let log_prob = p.snapshot().act(
                &[1.0, 2.0, 3.0],
                &mut Stream::new(0, "a", 0),
                &mut Scratch::default(),
                &mut u,
            );
            (u, log_prob)
        };
        assert_eq!(act(&a), act(&b));
        assert_eq!(a.normaliser, b.normaliser);
    }
}
