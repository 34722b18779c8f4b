//! A policy that goes on from another one, of which perhaps only one sees the design.

use tandem_core::design::DesignSpace;

use crate::policy::Policy;
use crate::raw;

impl Policy {
    /// Goes on from another policy of the same problem and the same layers, on this design, in its parameters' units. Where only
    /// the other one sees the design, it is taken at that design; where only this one does, it begins without regard to it.
    /// Both ways it commands what the other one did on that design.
    pub fn take_over(&mut self, other: &Self, space: &DesignSpace, design: &[f64]) {
        let mut other = other.snapshot();
        if self.designs == 0 {
            other = other.for_design(space, design);
        }
        self.actor.set_layers(other.actor_layers());
        self.critic.set_layers(other.critic_layers());
        self.normaliser = other.normaliser().resized(self.normaliser.len());
        raw::set(&mut self.log_std, other.log_std());
    }
}

#[cfg(test)]
mod tests {
    use tandem_core::{Parameter, Stream};

    use super::*;
    use crate::kernel::Scratch;
    use crate::normaliser::Moments;
    use crate::testing::learnt_policy;

    /// A policy of two observed numbers that has seen some, and this many numbers of a design.
    fn policy(designs: usize, seed: u64) -> Policy {
        let mut stream = Stream::new(seed, "policy", 0);
        let mut policy = learnt_policy(2, designs, &mut stream);
        let mut moments = Moments::new(2 + designs);
        for _ in 0..50 {
            let row: Vec<f32> = (0..2 + designs).map(|_| stream.normal() as f32).collect();
            moments.push(&row);
        }
        policy.normaliser.update(&moments);
        policy
    }

    fn space() -> DesignSpace {
        let parameter = |name| Parameter::linear(name, "m", 0.0, 2.0, 1.0);
        DesignSpace::new(vec![parameter("upper"), parameter("lower"), parameter("tip")]).unwrap()
    }

    /// Commands and value on a design.
    fn answer(policy: &Policy, design: &[f64]) -> [f32; 3] {
        let policy = policy.snapshot().for_design(&space(), design);
        let (mut seen, mut command, mut scratch) = ([0.0; 2], [0.0; 2], Scratch::default());
        policy.normaliser().apply(&[0.3, -1.2], &mut seen);
        policy.act_mean(&seen, &mut scratch, &mut command);
        [command[0], command[1], policy.value(&seen, &mut scratch)]
    }

    #[test]
    fn a_fork_commands_what_its_parent_did_on_the_design() {
        let (design, other) = ([0.4, 1.9, 1.0], [1.0, 0.1, 0.2]);
        for (parent, child) in [(3, 0), (0, 3), (3, 3), (0, 0)] {
            let (parent, mut child) = (policy(parent, 1), policy(child, 2));
            child.take_over(&parent, &space(), &design);
            let (ours, theirs) = (answer(&child, &design), answer(&parent, &design));
            let close = ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-6);
            assert!(close, "{} of {}: {ours:?} {theirs:?}", child.designs, parent.designs);
            let sees = |policy: &Policy| answer(policy, &other) != answer(policy, &design);
            assert_eq!(
                [sees(&parent), sees(&child)],
                [parent.designs > 0, parent.designs + child.designs == 6]
            );
        }
    }
}
