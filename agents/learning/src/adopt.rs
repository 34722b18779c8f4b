//! A policy that goes on from the weights of another one, of which only one sees the design.

use crate::archive::{Archive, ArchiveError};
use crate::normaliser::Normaliser;
use crate::policy::Policy;

impl Policy {
    /// Loads what [`Policy::save`] stored of a policy of the same problem, which is to go on from this design, normalised as
    /// policies see it. Where only the stored one sees the design, its part of the first sums joins the biases; where only
    /// this one does, the new inputs begin with weights of 0. Both ways it commands what the stored one did on that design.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn adopt(&mut self, archive: &Archive, prefix: &str, design: &[f32]) -> Result<(), ArchiveError> {
        let (own, d) = (self.normaliser.len(), design.len());
        let stored = archive.get_f64(&format!("{prefix}.normaliser.mean"))?.len();
        let mut fitted = archive.clone();
        if self.designs == 0 && stored == own + d {
            let mut normaliser = Normaliser::new(stored);
            normaliser.load(archive, &format!("{prefix}.normaliser"))?;
            let raw = [&vec![0.0; own], design].concat();
            let mut input = raw.clone();
            normaliser.apply(&raw, &mut input);
            resize_inputs(&mut fitted, prefix, [stored, own], &input[own..])?;
        } else if self.designs == d && stored + d == own {
            resize_inputs(&mut fitted, prefix, [stored, own], &[])?;
        }
        self.load(&fitted, prefix)
    }
}

/// Cuts the last inputs of a stored policy off, of which `fixed` are the values, or adds some without weight.
fn resize_inputs(
    archive: &mut Archive,
    prefix: &str,
    [from, to]: [usize; 2],
    fixed: &[f32],
) -> Result<(), ArchiveError> {
    for network in ["actor", "critic"] {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{prefix}.{network}.0.{part}"));
        let mut biases = archive.get_f32(&bias)?;
        let rows = archive.get_f32_len(&weight, biases.len() * from)?; // [out][in]
        let mut weights = Vec::with_capacity(biases.len() * to);
        for (row, bias) in rows.chunks_exact(from).zip(&mut biases) {
            weights.extend((0..to).map(|i| row.get(i).copied().unwrap_or(0.0)));
            let cut = row[to.min(from)..].iter().zip(fixed);
            *bias += cut.map(|(w, x)| w * x).sum::<f32>();
        }
        archive.put_f32(&weight, &weights);
        archive.put_f32(&bias, &biases);
    }
    let [count, mean, squares] = ["count", "mean", "squares"].map(|part| format!("{prefix}.normaliser.{part}"));
    let rows = archive.get_f64_len(&count, 1)?[0];
    // nothing is known of new inputs, which lie in -1 to 1 as they are: mean 0, deviation 1
    for (name, new) in [(mean, 0.0), (squares, rows)] {
        let mut numbers = archive.get_f64_len(&name, from)?;
        numbers.resize(to, new);
        archive.put_f64(&name, &numbers);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tandem_core::design::{DesignSpace, Parameter};
    use tandem_core::{Channel, CommandSpace, Stream};

    use super::*;
    use crate::kernel::Scratch;
    use crate::normaliser::Moments;
    use crate::policy::PolicyShape;
    use crate::testing::shaken;

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
        let mut policy = shaken(Policy::new(&shape, &mut stream), &mut stream);
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
