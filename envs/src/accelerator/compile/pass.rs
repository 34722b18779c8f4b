//! The passes by name, and which of them are on.

use thiserror::Error;

use super::graph::{fold_bn, fuse_activation, fuse_pool};
use crate::accelerator::layer::Network;

/// Something the compiler does.
pub struct Pass {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// When.
    pub stage: Stage,
}

/// When a pass is at work.
pub enum Stage {
    /// Before lowering: from network to network.
    Graph(fn(Network) -> Network),
    /// In lowering.
    Lowering,
}

/// All passes, graph passes first, in the order in which they run.
pub const PASSES: [Pass; 7] = [
    Pass {
        name: "fold-bn",
        about: "scale and shift of a batch norm go into the weights before it; off: the norm is a layer of its own",
        stage: Stage::Graph(fold_bn),
    },
    Pass {
        name: "fuse-activation",
        about: "functions of each value are computed where the values arise; off: layers of their own",
        stage: Stage::Graph(fuse_activation),
    },
    Pass {
        name: "fuse-pool",
        about: "pools are computed on the output of the convolution before them; off: layers of their own",
        stage: Stage::Graph(fuse_pool),
    },
    Pass {
        name: "tile",
        about: "choose tiles by a closed form of time; off: one fold of the array at a time",
        stage: Stage::Lowering,
    },
    Pass {
        name: "place",
        about: "keep what only the next layer reads on the chip where it fits; off: everything goes to memory",
        stage: Stage::Lowering,
    },
    Pass {
        name: "double-buffer",
        about: "load and store while computing; off: one tile at a time",
        stage: Stage::Lowering,
    },
    Pass {
        name: "schedule",
        about: "order tiles to move few bytes, use all engines, load weights ahead; off: the dataflow's order, one engine",
        stage: Stage::Lowering,
    },
];

/// A name that no pass has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no pass \"{name}\"; there are {}", PASSES.map(|pass| pass.name).join(", "))]
pub struct UnknownPass {
    /// The name.
    pub name: String,
}

/// Which passes are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passes {
    on: [bool; PASSES.len()],
}

impl Default for Passes {
    /// All of them.
    fn default() -> Self {
        Self {
            on: [true; PASSES.len()],
        }
    }
}

impl Passes {
    /// All but these.
    ///
    /// # Errors
    /// A name that no pass has.
    pub fn without<S: AsRef<str>>(names: &[S]) -> Result<Self, UnknownPass> {
        let mut passes = Self::default();
        for name in names.iter().map(AsRef::as_ref) {
            let at = PASSES.iter().position(|pass| pass.name == name);
            let at = at.ok_or_else(|| UnknownPass {
                name: name.to_owned(),
            })?;
            passes.on[at] = false;
        }
        Ok(passes)
    }

    /// Whether a pass is on.
    pub fn has(&self, name: &str) -> bool {
        let mut passes = PASSES.iter().zip(self.on);
        passes.any(|(pass, on)| on && pass.name == name)
    }

    /// The network after the graph passes that are on.
    pub fn rewrite(&self, network: Network) -> Network {
        let passes = PASSES.iter().zip(self.on).filter(|(_, on)| *on);
        passes.fold(network, |network, (pass, _)| match pass.stage {
            Stage::Graph(rewrite) => rewrite(network),
            Stage::Lowering => network,
        })
    }
}
