//! The passes by name, and which of them are on.

use thiserror::Error;

use super::graph;
use crate::layer::Network;

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
    Graph(graph::Pass),
    /// In lowering.
    Lowering,
}

/// All passes, graph passes first, in the order in which they run.
pub const PASSES: [Pass; 7] = [
    of_graph(0),
    of_graph(1),
    of_graph(2),
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
        name: "double_buffer",
        about: "load and store while computing; off: one tile at a time",
        stage: Stage::Lowering,
    },
    Pass {
        name: "schedule",
        about: "order tiles to move few bytes, use all engines, load weights ahead; off: the dataflow's order, one engine",
        stage: Stage::Lowering,
    },
];

/// A graph pass.
const fn of_graph(at: usize) -> Pass {
    let pass = graph::PASSES[at];
    Pass {
        name: pass.name,
        about: pass.about,
        stage: Stage::Graph(pass),
    }
}

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
    /// All but these; hyphens in names count as underscores.
    ///
    /// # Errors
    /// A name that no pass has.
    pub fn without<S: AsRef<str>>(names: &[S]) -> Result<Self, UnknownPass> {
        let mut passes = Self::default();
        for name in names.iter().map(AsRef::as_ref) {
            let known = name.replace('-', "_");
            let at = PASSES.iter().position(|pass| pass.name == known);
            let at = at.ok_or_else(|| UnknownPass { name: name.to_owned() })?;
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
    pub fn rewrite(&self, network: &Network) -> Network {
        let passes = PASSES.iter().zip(self.on).filter(|(_, on)| *on);
        passes.fold(network.clone(), |network, (pass, _)| match pass.stage {
            Stage::Graph(pass) => pass.run(network),
            Stage::Lowering => network,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn all_graph_passes_are_listed_and_can_be_switched_off() {
        let listed = PASSES.iter().filter(|pass| matches!(pass.stage, Stage::Graph(_)));
        assert_eq!(listed.count(), graph::PASSES.len());
        let network = zoo::named("resnet18").unwrap();
        let layers = |off: &[&str]| Passes::without(off).unwrap().rewrite(&network).layers.len();
        let names = graph::PASSES.map(|pass| pass.name);
        assert_eq!(layers(&names), network.layers.len());
        for name in ["fold_bn", "fuse-activation"] {
            assert!(layers(&[name]) > layers(&[]), "{name}");
        }
        let error = Passes::without(&["fly"]).unwrap_err().to_string();
        assert!(error.contains("\"fly\"") && error.contains("fold_bn"), "{error}");
    }
}
