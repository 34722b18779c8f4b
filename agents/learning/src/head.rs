//! The distribution of commands: what the outputs of an actor mean.

/// `ln(2π) / 2`
pub(crate) const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// The distribution a command is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Independent normals: the actor gives the means, one standard deviation per number is learnt.
    Gaussian,
    /// One of as many options as the actor has outputs.
    Categorical,
}
