//! Passes over the graph of a network: layers are merged where the machine computes them in one go.
//!
//! Estimates from the untransformed graph are not end to end (Klaiber et al., arXiv 1910.11632): what is fused is
//! neither written to memory nor read from it, and a folded norm is not computed at all. Each pass can be left out,
//! so that its effect is seen.

mod absorb;
mod fold_bn;
mod fuse_activation;
mod fuse_pool;
#[cfg(test)]
mod tests;
mod written_out;

use super::super::layer::Network;

/// A pass.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    run: fn(Network) -> Network,
}

/// The passes, in the order in which they run.
pub const PASSES: [Pass; 3] = [
    Pass {
        name: "fold_bn",
        about: "scale and shift of a batch norm become part of the weights and the bias before it",
        run: fold_bn::run,
    },
    Pass {
        name: "fuse_activation",
        about: "functions of each value are computed where the values arise",
        run: fuse_activation::run,
    },
    Pass {
        name: "fuse_pool",
        about: "pools are computed on the output of the convolution before them",
        run: fuse_pool::run,
    },
];

impl Pass {
    /// The network after the pass.
    pub fn run(&self, network: Network) -> Network {
        (self.run)(network)
    }
}

/// The network after all passes but those of these names.
pub fn run(network: Network, without: &[impl AsRef<str>]) -> Network {
    let wanted = |pass: &&Pass| !without.iter().any(|name| name.as_ref() == pass.name);
    PASSES
        .iter()
        .filter(wanted)
        .fold(network, |network, pass| pass.run(network))
}
