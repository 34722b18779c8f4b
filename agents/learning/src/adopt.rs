//! A policy that goes on from the weights of another one, of which only one sees the design.

use crate::archive::{Archive, ArchiveError};
use crate::policy::Policy;

impl Policy {
    /// Loads what [`Policy::save`] stored of a policy of the same problem, which is to go on from this design, normalised as
    /// policies see it. Where only the stored one sees the design, its part of the first sums joins the biases; where only
    /// this one does, the new inputs begin with weights of 0. Both ways it commands what the stored one did on that design.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn adopt(&mut self, archive: &Archive, prefix: &str, design: &[f32]) -> Result<(), ArchiveError> {
        let (own, other) = (self.actor.inputs(), self.normaliser.len() + design.len() - self.designs);
        let mut fitted = archive.clone();
        for network in ["actor", "critic"] {
            let [weight, bias] = ["weight", "bias"].map(|part| format!("{prefix}.{network}.0.{part}"));
            let (mut rows, mut biases) = (archive.get_f32(&weight)?, archive.get_f32(&bias)?);
            if own != other && rows.len() == other * biases.len() {
                rows = with_inputs(&rows, [other, own], design, &mut biases);
            }
            fitted.put_f32(&weight, &rows);
            fitted.put_f32(&bias, &biases);
        }
        self.load(&fitted, prefix)
    }
}

/// Weights `[out][from]` as `[out][to]`: inputs that go, whose values are `design`, join the biases; new ones have no weight.
fn with_inputs(rows: &[f32], [from, to]: [usize; 2], design: &[f32], biases: &mut [f32]) -> Vec<f32> {
    let mut weights = Vec::with_capacity(biases.len() * to);
    for (row, bias) in rows.chunks_exact(from).zip(biases) {
        weights.extend((0..to).map(|i| row.get(i).copied().unwrap_or(0.0)));
        let gone = row[to.min(from)..].iter().zip(design);
        *bias += gone.map(|(w, x)| w * x).sum::<f32>();
    }
    weights
}

#[cfg(test)]
mod tests {
    use tandem_core::design::{DesignSpace, Parameter};
    use tandem_core::{Channel, CommandSpace, Stream};

    use super::*;
    use crate::kernel::Scratch;
    use crate::normaliser::Moments;
    use crate::policy::PolicyShape;

    /// A policy of two observed numbers that has seen some, and this many numbers of a design.
    fn policy(designs: usize, seed: u64) -> Policy {
        let command = CommandSpace::Continuous(vec![Channel::new("torque", "N m")]);
        let shape = PolicyShape {
            observations: 2,
            designs,
            command: &command,
            hidden: &[8, 8],
            log_std_start: -0.5,
            normalise: true,
        };
        let mut stream = Stream::new(seed, "policy", 0);
        let mut policy = Policy::new(&shape, &mut stream);
        let mut moments = Moments::new(2);
        for _ in 0..50 {
            moments.push(&[stream.normal() as f32, 3.0 * stream.normal() as f32]);
        }
        policy.normaliser.update(&moments);
        policy
    }

    fn space() -> DesignSpace {
        let parameter = |name| Parameter::linear(name, "m", 0.0, 2.0, 1.0);
        DesignSpace::new(vec![parameter("upper"), parameter("lower"), parameter("tip")]).unwrap()
    }

    /// Command and value on a design.
    fn answer(policy: &Policy, design: &[f64]) -> [f32; 2] {
        let policy = policy.snapshot().for_design(&space(), design);
        let (mut seen, mut command, mut scratch) = ([0.0; 2], [0.0], Scratch::default());
        policy.normaliser().apply(&[0.3, -1.2], &mut seen);
        policy.act_mean(&seen, &mut scratch, &mut command);
        [command[0], policy.value(&seen, &mut scratch)]
    }

    #[test]
    fn a_fork_commands_what_its_parent_did_on_the_design() {
        let (design, other) = ([0.4, 1.9, 1.0], [1.0, 0.1, 0.2]);
        let mut normalised = [0.0; 3];
        space().normalise_into(&design, &mut normalised);
        for (parent, child) in [(3, 0), (0, 3), (3, 3), (0, 0)] {
            let (parent, mut child) = (policy(parent, 1), policy(child, 2));
            let mut archive = Archive::new();
            parent.save(&mut archive, "policy");
            child.adopt(&archive, "policy", &normalised).unwrap();
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

    #[test]
    fn a_policy_of_another_problem_is_refused() {
        let mut archive = Archive::new();
        policy(1, 1).save(&mut archive, "policy");
        assert!(policy(3, 2).adopt(&archive, "policy", &[0.0; 3]).is_err());
    }
}
